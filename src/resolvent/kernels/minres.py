"""MINRES for a Hermitian A in CSR, alone or with a positive diagonal preconditioner.

One Lanczos step is a product, in which the term of the vector before and the dot product ride, and two passes. The
preconditioned basis lives in pairs: ``u`` (dual) and ``p = M^-1 u``, with ``<u_i, p_j> = delta_ij``; without a
preconditioner they are one vector. The rows of `vec` take turns: step k overwrites what step k - 2 left.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, FAST, ROWWISE, abs2, redot

RUNNING, BREAKDOWN, NONFINITE = 0.0, 1.0, 2.0
# what `scal` carries from call to call
STEPS, NORM, CODE, BETA, DBAR, EPSLN, CS, SN, PHIBAR, SIZE, LOST = range(11)
SCALARS = 11


@njit(cache=True, fastmath=ROWWISE)
def _product(ip, ix, a, p, u, beta):
    """``u = A p - beta u`` (u holds the vector before last); returns Re <p, u>."""
    alpha = 0.0
    k = _U(ip[0])
    for i in range(u.shape[0]):
        s = u.dtype.type(0)
        end = _U(ip[i + 1])
        while k < end:
            s += a[k] * p[ix[k]]
            k += _ONE
        s -= beta * u[i]
        u[i] = s
        alpha += redot(p[i], s)
    return alpha


@njit(cache=True, fastmath=FAST)
def _orthogonal(dinv, use_dinv, u, v, alpha):
    """``u -= alpha v``; returns <u, M^-1 u>."""
    total = 0.0
    for i in range(u.shape[0]):
        s = u[i] - alpha * v[i]
        u[i] = s
        total += abs2(s) * np.float64(dinv[i]) if use_dinv else abs2(s)
    return total


@njit(cache=True, fastmath=FAST)
def _advance(x, p, w, v, e, d, g, phi):
    """``w = (p - e w - d v) / gamma`` and ``x += phi w``, with ``g = 1 / gamma``."""
    for i in range(x.shape[0]):
        s = (p[i] - e * w[i] - d * v[i]) * g
        w[i] = s
        x[i] += phi * s


@njit(cache=True, fastmath=FAST)
def _renew(dinv, u, p, r, scale, keep, add):
    """``u *= scale, p = M^-1 u, r = keep r - add u``; returns <r, r>."""
    total = 0.0
    for i in range(u.shape[0]):
        s = u[i] * scale
        u[i] = s
        p[i] = s * dinv[i]
        t = keep * r[i] - add * s
        r[i] = t
        total += abs2(t)
    return total


@njit(cache=True, fastmath=FAST)
def _scaled(u, scale):
    for i in range(u.shape[0]):
        u[i] *= scale


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _start(dinv, use_dinv, r, vec, scal):
    vec[:] = 0
    total = rr = 0.0
    for i in range(r.shape[0]):
        e = abs2(r[i])
        rr += e
        total += e * np.float64(dinv[i]) if use_dinv else e
    beta = np.sqrt(total)
    scal[NORM], scal[PHIBAR], scal[CS] = np.sqrt(rr), beta, -1.0
    scal[BETA] = scal[DBAR] = scal[EPSLN] = scal[SN] = 0.0
    one = r.real.dtype.type(1.0 / beta)
    for i in range(r.shape[0]):
        vec[0, i] = r[i] * one
        if use_dinv:
            vec[4, i] = vec[0, i] * dinv[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def minres(ip, ix, a, dinv, use_dinv, x, r, vec, scal, n_steps, goal, norms):
    """Up to `n_steps` iterations; returns the number done, with the residual's 2-norm after each in `norms`.

    `dinv` (real, positive; ignored, but of some length, unless `use_dinv`) is the inverse of the diagonal
    preconditioner. `r` is ``b - A x`` on entry; with `use_dinv` it is kept up to date, without it the recurrence of
    its norm is enough. `vec` has shape (5, n) with `use_dinv`, else (4, n); `scal` has ``SCALARS`` float64 entries,
    all zero to begin but the last: the part of the size of A below which ``|| A r || / || r ||`` is nothing. The kernel
    returns early after the first norm at most `goal`, or with a code: BREAKDOWN where that is so (x is a least-squares
    solution of a singular system) or the Lanczos process ended, NONFINITE where a number was not finite.
    """
    real = r.real.dtype.type
    if scal[STEPS] == 0.0:
        _start(dinv, use_dinv, r, vec, scal)
    for step in range(n_steps):
        odd = int(scal[STEPS]) & 1
        new, old = vec[1 - odd], vec[odd]  # new holds the vector before last until it is overwritten
        w, v = vec[2 + (1 - odd)], vec[2 + odd]
        p = vec[4] if use_dinv else old
        alpha = _product(ip, ix, a, p, new, real(scal[BETA]))
        beta = np.sqrt(_orthogonal(dinv, use_dinv, new, old, real(alpha)))
        if not (np.isfinite(alpha) and np.isfinite(beta)):
            scal[CODE] = NONFINITE
            return step
        cs, sn = scal[CS], scal[SN]
        oldeps, delta = scal[EPSLN], cs * scal[DBAR] + sn * alpha
        gbar = sn * scal[DBAR] - cs * alpha
        gamma = np.sqrt(gbar * gbar + beta * beta)
        scal[SIZE] = max(scal[SIZE], abs(alpha) + beta + scal[BETA])
        if np.hypot(gbar, cs * beta) <= scal[LOST] * scal[SIZE]:  # || A r || / || r ||
            scal[CODE] = BREAKDOWN
            return step
        scal[EPSLN], scal[DBAR] = sn * beta, -cs * beta
        cs, sn = gbar / gamma, beta / gamma
        phi = cs * scal[PHIBAR]
        _advance(x, p, w, v, real(oldeps), real(delta), real(1.0 / gamma), real(phi))
        phibar = sn * scal[PHIBAR]
        scale = 1.0 / beta if beta > 0.0 else 0.0
        if use_dinv:
            norm = np.sqrt(_renew(dinv, new, p, r, real(scale), real(sn * sn), real(phibar * cs)))
        else:
            _scaled(new, real(scale))
            norm = phibar
        scal[CS], scal[SN], scal[BETA], scal[PHIBAR], scal[NORM] = cs, sn, beta, phibar, norm
        scal[STEPS] += 1.0
        norms[step] = norm
        if not np.isfinite(norm):
            scal[CODE] = NONFINITE
        if norm <= goal or not np.isfinite(norm):
            return step + 1
        if beta == 0.0:
            scal[CODE] = BREAKDOWN
            return step + 1
    return max(n_steps, 0)
