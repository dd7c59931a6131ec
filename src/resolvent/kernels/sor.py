"""Stationary sweeps in residual form: x and the residual r of ``A x = b`` advance together, one pass over A an iteration.

All kernels share ``(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms) -> sweeps done``. Rows of A are sorted and
``diag_pos[i]`` is the place of ``a_ii`` (``csr.diagonal_positions``); A need not be symmetric. On entry r is ``b - A x``; x and r
are updated in place and again belong together on return; `dx` is scratch. ``norms[s]`` is the 2-norm of the residual after sweep
``s + 1``, and the kernel returns after the first that is at most `goal` or not finite.

With ``A = L + D + U`` and ``W = D/omega + L``, SOR takes ``dx = W^-1 r``; then ``r - A dx = ((1/omega - 1) D - U) dx``, so the new
residual needs U alone, and row i of the next forward sweep can take it up in the same visit to the row: U meets the old dx,
L the new one.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, FAST, abs2


@njit(cache=True, fastmath=FAST)
def _sor_residual(ip, ix, a, diag_pos, r, dx, back):
    """``r = (back D - U) dx``; returns the 2-norm."""
    total = 0.0
    for i in range(r.shape[0]):
        m = _U(diag_pos[i])
        s = back * a[m] * dx[i]
        for k in range(m + _ONE, _U(ip[i + 1])):
            s -= a[k] * dx[ix[k]]
        r[i] = s
        total += abs2(s)
    return np.sqrt(total)


@njit(cache=True, fastmath=FAST)
def sor(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms):
    """Successive over-relaxation; see the module for the arguments."""
    n = r.shape[0]
    if n_sweeps <= 0:
        return 0
    om = r.real.dtype.type(omega)
    back = r.real.dtype.type(1.0 / omega - 1.0)
    for i in range(n):
        m = _U(diag_pos[i])
        s = r[i]
        for k in range(_U(ip[i]), m):
            s -= a[k] * dx[ix[k]]
        dx[i] = s * (om / a[m])
    for sweep in range(n_sweeps - 1):
        total = 0.0
        for i in range(n):
            m = _U(diag_pos[i])
            s = back * a[m] * dx[i]
            for k in range(m + _ONE, _U(ip[i + 1])):
                s -= a[k] * dx[ix[k]]
            r[i] = s
            total += abs2(s)
            x[i] += dx[i]
            for k in range(_U(ip[i]), m):
                s -= a[k] * dx[ix[k]]
            dx[i] = s * (om / a[m])
        norm = np.sqrt(total)
        norms[sweep] = norm
        if norm <= goal or not np.isfinite(norm):
            return sweep + 1
    for i in range(n):
        x[i] += dx[i]
    norms[n_sweeps - 1] = _sor_residual(ip, ix, a, diag_pos, r, dx, back)
    return n_sweeps


@njit(cache=True, fastmath=FAST)
def _ssor_residual(ip, ix, a, diag_pos, r, back):
    """``r = (back D - L) r`` in place, last row first; returns the 2-norm."""
    total = 0.0
    for i in range(r.shape[0] - 1, -1, -1):
        m = _U(diag_pos[i])
        s = back * a[m] * r[i]
        for k in range(_U(ip[i]), m):
            s -= a[k] * r[ix[k]]
        r[i] = s
        total += abs2(s)
    return np.sqrt(total)


@njit(cache=True, fastmath=FAST)
def ssor(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms):
    """Symmetric SOR: a forward step ``d1 = (D/omega + L)^-1 r``, then a backward step ``d2`` on what is left.

    The backward sweep needs ``U (d1 + d2)`` only, so dx turns from d1 into d1 + d2 as it runs, while r holds d2; the next
    forward sweep reads L once for the residual ``((1/omega - 1) D - L) d2`` and for its own solve.
    """
    n = r.shape[0]
    if n_sweeps <= 0:
        return 0
    om = r.real.dtype.type(omega)
    back = r.real.dtype.type(1.0 / omega - 1.0)
    for sweep in range(n_sweeps):
        total = 0.0
        for i in range(n):
            m = _U(diag_pos[i])
            if sweep == 0:
                s = r[i]
                for k in range(_U(ip[i]), m):
                    s -= a[k] * dx[ix[k]]
            else:
                s = back * a[m] * r[i]
                c = r.dtype.type(0)
                for k in range(_U(ip[i]), m):
                    s -= a[k] * r[ix[k]]
                    c += a[k] * dx[ix[k]]
                total += abs2(s)
                s -= c
            dx[i] = s * (om / a[m])
        if sweep > 0:
            norms[sweep - 1] = np.sqrt(total)
            if norms[sweep - 1] <= goal or not np.isfinite(total):
                norms[sweep - 1] = _ssor_residual(ip, ix, a, diag_pos, r, back)
                return sweep
        for i in range(n - 1, -1, -1):
            m = _U(diag_pos[i])
            s = back * a[m] * dx[i]
            for k in range(m + _ONE, _U(ip[i + 1])):
                s -= a[k] * dx[ix[k]]
            r[i] = s * (om / a[m])
            dx[i] += r[i]
            x[i] += dx[i]
    norms[n_sweeps - 1] = _ssor_residual(ip, ix, a, diag_pos, r, back)
    return n_sweeps


@njit(cache=True, fastmath=FAST)
def jacobi(ip, ix, a, diag_pos, x, r, dx, omega, n_sweeps, goal, norms):
    """Damped Jacobi: ``dx = omega D^-1 r``; see the module for the arguments."""
    om = r.real.dtype.type(omega)
    for sweep in range(n_sweeps):
        for i in range(r.shape[0]):
            dx[i] = r[i] * (om / a[diag_pos[i]])
            x[i] += dx[i]
        norms[sweep] = _subtract_product(ip, ix, a, r, dx)
        if norms[sweep] <= goal or not np.isfinite(norms[sweep]):
            return sweep + 1
    return max(n_sweeps, 0)


@njit(cache=True, fastmath=FAST)
def chebyshev(ip, ix, a, diag_pos, x, r, p, state, n_sweeps, goal, norms):
    """Chebyshev's semi-iteration on ``D^-1 A`` with eigenvalues in ``[lmin, lmax]``.

    `p` (the last step) and ``state = [lmin, lmax, rho, steps so far]`` carry on from call to call; to begin, set
    ``state[2:] = 0``. Reference: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., algorithm 12.1.
    """
    centre, half = 0.5 * (state[1] + state[0]), 0.5 * (state[1] - state[0])
    real = r.real.dtype.type
    for sweep in range(n_sweeps):
        if state[3] == 0.0:
            keep, take = 0.0, 1.0 / centre
            state[2] = half / centre
        else:
            c = 1.0 / (2.0 * centre - half * state[2])
            keep, take = half * c * state[2], 2.0 * c
            state[2] = half * c
        u, v = real(keep), real(take)
        if state[3] == 0.0:
            p[:] = 0
        for i in range(r.shape[0]):
            p[i] = u * p[i] + v * (r[i] / a[diag_pos[i]])
            x[i] += p[i]
        state[3] += 1.0
        norms[sweep] = _subtract_product(ip, ix, a, r, p)
        if norms[sweep] <= goal or not np.isfinite(norms[sweep]):
            return sweep + 1
    return max(n_sweeps, 0)


@njit(cache=True, fastmath=FAST)
def _subtract_product(ip, ix, a, r, dx):
    """``r -= A dx``; returns the 2-norm."""
    total = 0.0
    for i in range(r.shape[0]):
        s = r.dtype.type(0)
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            s += a[k] * dx[ix[k]]
        s = r[i] - s
        r[i] = s
        total += abs2(s)
    return np.sqrt(total)
