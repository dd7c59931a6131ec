"""IDR(s) for a square A in CSR, right preconditioned by nothing or by a diagonal.

A product with s - k and k vectors of the spaces before and behind it: 3 s vectors are read for those and for the shadow
space, and 13 read or written besides. Vectors are walked in pieces that stay in the first cache while all rows pass.
"""

import numpy as np
from numba import njit

from .csr import FAST, abs2, spmv

RUNNING, SHADOW, OMEGA, NONFINITE = 0, 1, 2, 3
_PIECE = 1024


@njit(cache=True, fastmath=FAST)
def _dot(p, v, zero):
    """``sum p_i v_i``, nothing conjugated."""
    s = zero
    for i in range(p.shape[0]):
        s += (zero + p[i]) * (zero + v[i])
    return s


@njit(cache=True, fastmath=FAST)
def _less(v, w, g):
    """``v -= w g``."""
    for i in range(v.shape[0]):
        v[i] -= w * g[i]


@njit(cache=True, fastmath=FAST)
def _scaled(u, omega, v, dinv, use_dinv, w):
    """``u = omega M^-1 v + w u``."""
    if use_dinv:
        for i in range(u.shape[0]):
            u[i] = omega * (v[i] * dinv[i]) + w * u[i]
    else:
        for i in range(u.shape[0]):
            u[i] = omega * v[i] + w * u[i]


@njit(cache=True, fastmath=FAST)
def _square(g):
    """<g, g>."""
    total = 0.0
    for i in range(g.shape[0]):
        total += abs2(g[i])
    return total


@njit(cache=True)
def _shadow(P, v, out, zero):
    """``out = P v``; returns <v, v>."""
    n, total = v.shape[0], 0.0
    out[:] = zero
    for lo in range(0, n, _PIECE):
        hi = min(n, lo + _PIECE)
        piece = v[lo:hi]
        for j in range(P.shape[0]):
            out[j] += _dot(P[j, lo:hi], piece, zero)
        total += _square(piece)
    return total


@njit(cache=True)
def _direction(dinv, use_dinv, r, G, U, k, c, omega, scratch):
    """``U[k] = omega M^-1 (r - sum_{j>=k} c_j G[j]) + sum_{j>=k} c_j U[j]``; `scratch` holds a piece."""
    n, s, cast = r.shape[0], G.shape[0], r.dtype.type
    for lo in range(0, n, _PIECE):
        hi = min(n, lo + _PIECE)
        v, u = scratch[: hi - lo], U[k, lo:hi]
        v[:] = r[lo:hi]
        for j in range(k, s):
            _less(v, cast(c[j]), G[j, lo:hi])
        _scaled(u, omega, v, dinv[lo:hi], use_dinv, cast(c[k]))
        for j in range(k + 1, s):
            _less(u, cast(-c[j]), U[j, lo:hi])


@njit(cache=True, fastmath=FAST)
def _update(x, r, u, g, beta):
    """``x += beta u`` and ``r -= beta g``; returns <r, r>."""
    total = 0.0
    for i in range(r.shape[0]):
        x[i] += beta * u[i]
        t = r[i] - beta * g[i]
        r[i] = t
        total += abs2(t)
    return total


@njit(cache=True)
def _onward(x, r, G, U, k, away, beta):
    """``G[k] -= sum_{j<k} away_j G[j]``, the same for U, then ``x += beta U[k]``, ``r -= beta G[k]``; returns <r, r>."""
    n, cast, total = G.shape[1], G.dtype.type, 0.0
    for lo in range(0, n, _PIECE):
        hi = min(n, lo + _PIECE)
        g, u = G[k, lo:hi], U[k, lo:hi]
        for j in range(k):
            _less(g, cast(away[j]), G[j, lo:hi])
            _less(u, cast(away[j]), U[j, lo:hi])
        total += _update(x[lo:hi], r[lo:hi], u, g, beta)
    return total


@njit(cache=True, fastmath=FAST)
def _along(dinv, use_dinv, r, v):
    """``v = M^-1 r``."""
    for i in range(r.shape[0]):
        v[i] = r[i] * dinv[i] if use_dinv else r[i]


@njit(cache=True, fastmath=FAST)
def _dots(t, r, zero):
    """<t, r> and <t, t>."""
    dot, tt = zero, 0.0
    for i in range(r.shape[0]):
        dot += (zero + np.conj(t[i])) * (zero + r[i])
        tt += abs2(t[i])
    return dot, tt


@njit(cache=True)
def _weights(M, f, k, c):
    """``M[k:, k:] c[k:] = f[k:]``, M lower triangular."""
    for i in range(k, f.shape[0]):
        s = f[i]
        for j in range(k, i):
            s -= M[i, j] * c[j]
        c[i] = s / M[i, i]


@njit(cache=True)
def _parts(M, h, k, away):
    """What makes a new image orthogonal to the first k shadow vectors; h changes with it."""
    for i in range(k):
        away[i] = h[i] / M[i, i]
        for j in range(i, h.shape[0]):
            h[j] -= away[i] * M[j, i]


@njit(cache=True, error_model="numpy")
def _reduce(ip, ix, a, dinv, use_dinv, x, r, vec, scal, info, angle):
    """The step of least residual along M^-1 r, lengthened where it is too short; the code."""
    zero, cast = scal.dtype.type(0), r.dtype.type
    v, t = vec[0][: r.shape[0]], vec[1][: r.shape[0]]
    _along(dinv, use_dinv, r, v)
    spmv(ip, ix, a, v, t)
    dot, tt = _dots(t, r, zero)
    length, norm = np.sqrt(tt), info[1]
    if not abs(dot) > info[4] * length * norm or not tt * norm > 0.0:  # squares may vanish where dots do not
        return OMEGA if np.isfinite(abs(dot)) and np.isfinite(tt) else NONFINITE
    omega = dot / tt
    cosine = abs(dot) / (length * norm)
    if cosine < angle:
        omega *= angle / cosine
    scal[0] = omega
    info[1] = np.sqrt(_update(x, r, v, t, cast(omega)))
    info[0] = 0.0
    return RUNNING


@njit(cache=True, error_model="numpy")
def idr(ip, ix, a, dinv, use_dinv, x, r, P, G, U, vec, M, small, scal, info, angle, n_steps, goal, norms):
    """Up to `n_steps` products; returns the number done, with the residual's 2-norm after each in `norms`.

    `P` (s, n) holds the shadow vectors conjugated; `G`, `U` (s, n) zeros and `M` (s, s) the unit matrix to begin; `vec`
    (2, n or a piece, whichever is more) and `small` (3, s) are scratch but for ``small[0]``, which is P r; `scal` (1) carries
    omega, 1 to begin. M, small and scal are float64 or complex128. `info` (float64, 5): vectors of G in hand, norm of r,
    code, unused, and the part of the norms below which a dot product has no digit left. The kernel returns early after the
    first norm at most `goal`, or with a code: SHADOW where ``<p, A u>`` vanished, OMEGA where ``<A r, r>`` did, NONFINITE
    where a number was not finite.
    """
    s, cast, zero = P.shape[0], r.dtype.type, scal.dtype.type(0)
    f, c, h = small[0], small[1], small[2]
    for step in range(n_steps):
        k = int(info[0])
        if k == s:
            code = _reduce(ip, ix, a, dinv, use_dinv, x, r, vec, scal, info, angle)
            if code != RUNNING:
                info[2] = code
                return step
        else:
            if k == 0:
                _shadow(P, r, f, zero)
            _weights(M, f, k, c)
            _direction(dinv, use_dinv, r, G, U, k, c, cast(scal[0]), vec[0])
            spmv(ip, ix, a, U[k], G[k])
            gg = _shadow(P, G[k], h, zero)
            _parts(M, h, k, c)
            for i in range(k, s):
                M[i, k] = h[i]
            if not abs(h[k]) > info[4] * np.sqrt(gg):
                info[2] = SHADOW if np.isfinite(abs(h[k])) and np.isfinite(gg) else NONFINITE
                return step
            beta = f[k] / h[k]
            info[1] = np.sqrt(_onward(x, r, G, U, k, c, cast(beta)))
            for i in range(k + 1, s):
                f[i] -= beta * h[i]
            info[0] += 1.0
        norms[step] = info[1]
        if not np.isfinite(info[1]):
            info[2] = NONFINITE
        if info[1] <= goal or info[2] != RUNNING:
            return step + 1
    return max(n_steps, 0)
