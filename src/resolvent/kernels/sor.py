"""Stationary sweeps in residual form: x and the residual r of ``A x = b`` advance together, one pass over A an
iteration.

All kernels share ``(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms) -> sweeps done``. Rows of A are
sorted and ``diag_pos[i]`` is the place of ``a_ii`` (`csr.diagonal_positions`); A need not be symmetric. On entry r is
``b - A x``; x and r are updated in place and again belong together on return; `dx` is scratch. ``norms[s]`` is the
2-norm of the residual after sweep ``s + 1``, and a kernel returns after the first that is at most `goal` or not
finite.

With ``A = L + D + U`` and ``W = D/omega + L``, SOR takes ``dx = W^-1 r``; then ``r - A dx = ((1/omega - 1) D - U)
dx``, so the new residual needs U alone, and row i of the next forward sweep takes it up in the same visit to the row:
U meets the old dx, L the new one. A sweep is a chain through memory from each row to the next, so the value of the
row before is kept in a register.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, FAST, ROWWISE, abs2, norm2


@njit(cache=True, fastmath=ROWWISE, error_model="numpy")
def _forward(ip, ix, a, diag_pos, x, r, dx, om, back):
    """Residual of the sweep before (r holds it if `back` is inf), then ``dx = (D/omega + L)^-1 r``; returns <r, r>."""
    zero = r.dtype.type(0)
    last = zero
    first = not np.isfinite(back)
    total = 0.0
    k = _U(ip[0])
    for i in range(_U(r.shape[0])):
        m, end = _U(diag_pos[i]), _U(ip[i + _ONE])
        w = om / a[m]
        c = beside = zero
        if k < m:
            e = m - _ONE
            while k < e:
                c += a[k] * dx[ix[k]]
                k += _ONE
            if ix[e] + _ONE == i:
                beside = a[e]
            else:
                c += a[e] * dx[ix[e]]
        s = r[i]
        if not first:
            d = dx[i]
            x[i] += d
            s = back * a[m] * d
            k = m + _ONE
            while k < end:
                s -= a[k] * dx[ix[k]]
                k += _ONE
            r[i] = s
            total += abs2(s)
        k = end
        last = (s - c) * w - (beside * w) * last
        dx[i] = last
    return total


@njit(cache=True, fastmath=FAST, error_model="numpy")
def sor(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms):
    """Successive over-relaxation, ``dx = (D/omega + L)^-1 r``; see the module for the arguments."""
    om, back = r.real.dtype.type(omega), r.real.dtype.type(1.0 / omega - 1.0)
    for sweep in range(n_sweeps):
        total = _forward(ip, ix, a, diag_pos, x, r, dx, om, back if sweep > 0 else r.real.dtype.type(np.inf))
        if sweep > 0:
            norms[sweep - 1] = np.sqrt(total)
            if norms[sweep - 1] <= goal or not np.isfinite(total):
                return sweep
    if n_sweeps <= 0:
        return 0
    for i in range(_U(r.shape[0])):
        m = _U(diag_pos[i])
        s = back * a[m] * dx[i]
        for k in range(m + _ONE, _U(ip[i + _ONE])):
            s -= a[k] * dx[ix[k]]
        x[i] += dx[i]
        r[i] = s
    norms[n_sweeps - 1] = norm2(r)
    return n_sweeps


@njit(cache=True, fastmath=ROWWISE)
def _ssor_residual(ip, ix, a, diag_pos, r, back):
    """``r = ((1/omega - 1) D - L) r`` in place, last row first; returns the 2-norm."""
    n = _U(r.shape[0])
    for j in range(n):
        i = n - _ONE - j
        m = _U(diag_pos[i])
        s = back * a[m] * r[i]
        for k in range(_U(ip[i]), m):
            s -= a[k] * r[ix[k]]
        r[i] = s
    return norm2(r)


@njit(cache=True, fastmath=ROWWISE, error_model="numpy")
def _ssor_forward(ip, ix, a, diag_pos, r, dx, om, back):
    """``s = ((1/omega - 1) D - L) r`` and ``dx = (D/omega + L)^-1 s``, reading L once; returns ``<s, s>``."""
    zero = r.dtype.type(0)
    last = zero
    total = 0.0
    for i in range(_U(r.shape[0])):
        k, m = _U(ip[i]), _U(diag_pos[i])
        w = om / a[m]
        c = beside = zero
        s = back * a[m] * r[i]
        if k < m:
            e = m - _ONE
            while k < e:
                c += a[k] * dx[ix[k]]
                s -= a[k] * r[ix[k]]
                k += _ONE
            s -= a[e] * r[ix[e]]
            if ix[e] + _ONE == i:
                beside = a[e]
            else:
                c += a[e] * dx[ix[e]]
        total += abs2(s)
        last = (s - c) * w - (beside * w) * last
        dx[i] = last
    return total


@njit(cache=True, fastmath=ROWWISE, error_model="numpy")
def _ssor_backward(ip, ix, a, diag_pos, x, r, dx, om, back):
    """dx is d1 on entry and d1 + d2 on return, r becomes d2, x takes the step."""
    n, zero = _U(r.shape[0]), r.dtype.type(0)
    last = zero  # d1 + d2 of the row after
    for j in range(n):
        i = n - _ONE - j
        m, end = _U(diag_pos[i]), _U(ip[i + _ONE])
        w = om / a[m]
        c = beside = zero
        k = m + _ONE
        if k < end:
            if ix[k] == i + _ONE:
                beside = a[k]
            else:
                c += a[k] * dx[ix[k]]
            k += _ONE
            while k < end:
                c += a[k] * dx[ix[k]]
                k += _ONE
        d, f = dx[i], beside * w
        s = (back * a[m] * d - c) * w
        r[i] = s - f * last
        last = (d + s) - f * last  # not r[i] + d: one operation less from row to row
        dx[i] = last
        x[i] += last


@njit(cache=True, fastmath=FAST, error_model="numpy")
def ssor(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms):
    """Symmetric SOR: a forward step ``d1 = (D/omega + L)^-1 r``, then a backward step ``d2`` on what is left.

    The backward sweep needs ``U (d1 + d2)`` only, so dx turns from d1 into d1 + d2 as it runs, while r holds d2; the
    next forward sweep reads L once for the residual ``((1/omega - 1) D - L) d2`` and for its own solve.
    """
    real = r.real.dtype.type
    om, back = real(omega), real(1.0 / omega - 1.0)
    for sweep in range(n_sweeps):
        if sweep == 0:
            _forward(ip, ix, a, diag_pos, x, r, dx, om, real(np.inf))
        else:
            norms[sweep - 1] = np.sqrt(_ssor_forward(ip, ix, a, diag_pos, r, dx, om, back))
            if norms[sweep - 1] <= goal or not np.isfinite(norms[sweep - 1]):
                norms[sweep - 1] = _ssor_residual(ip, ix, a, diag_pos, r, back)
                return sweep
        _ssor_backward(ip, ix, a, diag_pos, x, r, dx, om, back)
    if n_sweeps <= 0:
        return 0
    norms[n_sweeps - 1] = _ssor_residual(ip, ix, a, diag_pos, r, back)
    return n_sweeps


@njit(cache=True, fastmath=ROWWISE)
def _take_out(ip, ix, a, r, dx):
    """``r -= A dx``; returns the 2-norm."""
    k = _U(ip[0])
    for i in range(_U(r.shape[0])):
        end = _U(ip[i + _ONE])
        s = r.dtype.type(0)
        while k < end:
            s += a[k] * dx[ix[k]]
            k += _ONE
        r[i] -= s
    return norm2(r)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def jacobi(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms):
    """Damped Jacobi, ``dx = omega D^-1 r``; see the module for the arguments."""
    om = r.real.dtype.type(omega)
    for sweep in range(n_sweeps):
        for i in range(r.shape[0]):
            d = r[i] * (om / a[diag_pos[i]])
            dx[i] = d
            x[i] += d
        norms[sweep] = _take_out(ip, ix, a, r, dx)
        if norms[sweep] <= goal or not np.isfinite(norms[sweep]):
            return sweep + 1
    return max(n_sweeps, 0)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def chebyshev(ip, ix, a, diag_pos, x, r, p, state, n_sweeps, goal, norms):
    """Chebyshev's semi-iteration for ``D^-1 A`` with eigenvalues in ``[lmin, lmax]``, ``0 < lmin <= lmax``.

    `p` (the last step) and ``state = [lmin, lmax, rho, steps so far]`` carry on from call to call; to begin, set
    ``state[2:] = 0``. Reference: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., algorithm 12.1.
    """
    centre, half = 0.5 * (state[1] + state[0]), 0.5 * (state[1] - state[0])
    real = r.real.dtype.type
    if state[3] == 0.0:
        for i in range(p.shape[0]):
            p[i] = 0
    for sweep in range(n_sweeps):
        c = 1.0 / centre if state[3] == 0.0 else 2.0 / (2.0 * centre - half * state[2])
        keep, take = real(0.5 * half * c * state[2]), real(c)
        state[2] = half * c if state[3] == 0.0 else 0.5 * half * c
        state[3] += 1.0
        for i in range(r.shape[0]):
            d = keep * p[i] + take * (r[i] / a[diag_pos[i]])
            p[i] = d
            x[i] += d
        norms[sweep] = _take_out(ip, ix, a, r, p)
        if norms[sweep] <= goal or not np.isfinite(norms[sweep]):
            return sweep + 1
    return max(n_sweeps, 0)
