"""BiCGStab for a square A in CSR, right preconditioned by nothing or by a diagonal.

One iteration is two products, in which the dot products with their results ride, and three passes over the vectors.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, FAST, ROWWISE, abs2

RUNNING, RHO, ALPHA, OMEGA, NONFINITE = 0, 1, 2, 3, 4


@njit(cache=True, fastmath=FAST)
def _direction(dinv, use_dinv, r, p, v, ph, beta, omega):
    """``p = r + beta (p - omega v)`` and ``ph = M^-1 p``."""
    for i in range(r.shape[0]):
        s = r[i] + beta * (p[i] - omega * v[i])
        p[i] = s
        if use_dinv:
            ph[i] = s * dinv[i]


@njit(cache=True, fastmath=ROWWISE)
def _product(ip, ix, a, p, v, s, zero):
    """``v = A p``; returns <s, v> and <v, v>."""
    dot, vv = zero, 0.0
    k = _U(ip[0])
    for i in range(v.shape[0]):
        t = v.dtype.type(0)
        end = _U(ip[i + 1])
        while k < end:
            t += a[k] * p[ix[k]]
            k += _ONE
        v[i] = t
        dot += (zero + np.conj(s[i])) * (zero + t)
        vv += abs2(t)
    return dot, vv


@njit(cache=True, fastmath=FAST)
def _half(dinv, use_dinv, r, v, sh, alpha):
    """``r -= alpha v`` and ``sh = M^-1 r``; returns <r, r>."""
    total = 0.0
    for i in range(r.shape[0]):
        s = r[i] - alpha * v[i]
        r[i] = s
        total += abs2(s)
        if use_dinv:
            sh[i] = s * dinv[i]
    return total


@njit(cache=True, fastmath=FAST)
def _finish(x, r, rh, t, ph, sh, alpha, omega, zero):
    """``x += alpha ph + omega sh`` and ``r -= omega t``; returns <r, r> and <rh, r>."""
    rr, rho = 0.0, zero
    for i in range(r.shape[0]):
        x[i] += alpha * ph[i] + omega * sh[i]
        s = r[i] - omega * t[i]
        r[i] = s
        rr += abs2(s)
        rho += (zero + np.conj(rh[i])) * (zero + s)
    return rr, rho


@njit(cache=True, fastmath=FAST)
def _only(x, ph, alpha):
    for i in range(x.shape[0]):
        x[i] += alpha * ph[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def bicgstab(ip, ix, a, dinv, use_dinv, x, r, rh, vec, scal, info, n_steps, goal, norms):
    """Up to `n_steps` iterations; returns the number done, with the residual's 2-norm after each in `norms`.

    `dinv` (of r's type or real) is the inverse of the diagonal preconditioner, ignored unless `use_dinv`; `rh` is the
    shadow residual. `vec` has shape (5, n) with `use_dinv`, else (3, n): p, v, t, ph, sh. `scal` (float64 or
    complex128, 3) carries rho, alpha, omega; `info` (float64, 5) steps so far, norm of r, code, norm of rh: all zeros
    to begin; in its last place the part of the norms below which a dot product has no digit left. The kernel returns
    early after the first norm at most `goal`, or with a code: RHO, ALPHA or OMEGA where ``<rh, r>``, ``<rh, A p>`` or
    ``<A s, s>`` vanished (x and r are as before that step, or after its first half), NONFINITE where a number was not
    finite.
    """
    cast, zero = r.dtype.type, scal.dtype.type(0)
    p, v, t = vec[0], vec[1], vec[2]
    ph, sh = (vec[3], vec[4]) if use_dinv else (p, r)
    lost = info[4]
    if info[0] == 0.0:
        vec[:] = 0
        rr = 0.0
        for i in range(r.shape[0]):
            rr += abs2(rh[i])
            scal[0] += (zero + np.conj(rh[i])) * (zero + r[i])
        info[3] = np.sqrt(rr)
        rr = 0.0
        for i in range(r.shape[0]):
            rr += abs2(r[i])
        info[1] = np.sqrt(rr)
        scal[1], scal[2] = zero, zero + 1
    beta = scal[1]
    for step in range(n_steps):
        rho = scal[0]
        if not abs(rho) > lost * info[1] * info[3] or info[1] < 1e-30 * info[3]:  # far below what x can hold
            info[2] = RHO if np.isfinite(abs(rho)) else NONFINITE
            return step
        _direction(dinv, use_dinv, r, p, v, ph, cast(beta), cast(scal[2]))
        down, vv = _product(ip, ix, a, ph, v, rh, zero)
        if not abs(down) > lost * np.sqrt(vv) * info[3]:
            info[2] = ALPHA if np.isfinite(abs(down)) and np.isfinite(vv) else NONFINITE
            return step
        alpha = rho / down
        ss = _half(dinv, use_dinv, r, v, sh, cast(alpha))
        norm = np.sqrt(ss)
        info[0] += 1.0
        if norm <= goal:
            _only(x, ph, cast(alpha))
            info[1] = norms[step] = norm
            scal[0] = zero
            return step + 1
        ts, tt = _product(ip, ix, a, sh, t, r, zero)
        small = not abs(ts) > lost * np.sqrt(tt) * norm or not tt > 0.0
        omega = zero if small else np.conj(ts) / tt
        if small or omega == zero:
            _only(x, ph, cast(alpha))
            info[1] = norms[step] = norm
            info[2] = OMEGA if np.isfinite(abs(ts)) and np.isfinite(tt) else NONFINITE
            return step + 1
        rr, new = _finish(x, r, rh, t, ph, sh, cast(alpha), cast(omega), zero)
        norm = np.sqrt(rr)
        beta = (new / rho) * (alpha / omega)
        scal[0], scal[1], scal[2] = new, beta, omega
        info[1] = norms[step] = norm
        if not np.isfinite(norm):
            info[2] = NONFINITE
        if norm <= goal or not np.isfinite(norm):
            return step + 1
    return max(n_steps, 0)
