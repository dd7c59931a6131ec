"""Deflation of CG by sub-domains: indicators of blocks of unknowns, in Eisenstat's form of SSOR.

``W`` has one column a block, one where a row belongs to it. ``E = W^H A W``, ``P = I - A W E^-1 W^H``; CG runs on
``P A``. In the variables of `eisenstat` (``S = (D/omega)^(1/2)``, ``t = (I + N)^-H p``) the projection costs no sweep of
its own, because it rides in the right-hand side of the forward solve:

    c = E^-1 (S^-1 A W)^H t,   q = t + (I + N)^-1 (p - kappa t - S^-1 A W c)

``A W`` has entries in a row for its own block and those of its neighbours only, about 1.4 on grids; where in it each entry
of A goes is symbolic. ``E`` is a band matrix in the order of the blocks and is factored densely within the band.
The residual that is carried is that of the corrected ``x + W E^-1 W^H (b - A x)``; `correct` makes that x.

References: Nicolaides, SIAM J. Numer. Anal. 24 (1987); Frank and Vuik, SIAM J. Sci. Comput. 23 (2001).
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, _ZERO, FAST, ROWWISE, abs2, redot
from .eisenstat import (
    BETA,
    OMEGA,
    STEP_R,
    STEP_X,
    P,
    R,
    T,
    W,
    X,
    advance,
)
from .triangular import _THREE, _TWO, HEAD, LOWER, UPPER, UPPER_VALUES, segment

__all__ = ["analyse", "cg", "coarse", "correct", "factor", "grow", "numeric", "project", "solve"]

_TINY = 1e-12  # a pivot below this part of its diagonal belongs to a vector that A maps to nearly nothing


@njit(cache=True)
def grow(ip, ix, most):
    """Blocks of at most `most` connected rows, grown breadth first from the lowest row left; returns labels and count."""
    n = ip.shape[0] - 1
    label, queue = np.full(n, -1, np.int64), np.empty(n, np.int64)
    count = 0
    for seed in range(n):
        if label[seed] >= 0:
            continue
        head, tail = 0, 1
        queue[0], label[seed] = seed, count
        while head < tail and tail < most:
            i = queue[head]
            head += 1
            for e in range(np.int64(ip[i]), np.int64(ip[i + 1])):
                j = np.int64(ix[e])
                if label[j] < 0 and tail < most:
                    label[j] = count
                    queue[tail] = j
                    tail += 1
        count += 1
    return label, count


@njit(cache=True)
def analyse(ip, ix, label, count, perm):
    """The pattern of A W by rows in the order `perm`: pointers, blocks, for each entry of A its place; and E's band."""
    n, nnz = ip.shape[0] - 1, ix.shape[0]
    ptr, place = np.zeros(n + 1, np.uint32), np.empty(nnz, np.uint32)
    col = np.empty(nnz + 1, np.uint32)
    filled, band = 0, 0
    for k in range(n):
        i = np.int64(perm[k])
        begin = filled
        for e in range(np.int64(ip[i]), np.int64(ip[i + 1])):
            g = label[np.int64(ix[e])]
            at = begin
            while at < filled and col[at] != g:
                at += 1
            if at == filled:
                col[filled] = g
                filled += 1
                band = max(band, abs(g - label[i]))
            place[e] = at
        ptr[k + 1] = filled
    return ptr, col[:filled].copy(), place, band


@njit(cache=True, fastmath=ROWWISE)
def numeric(ip, a, label, perm, ptr, col, place, root, val, E, at, to, weight):
    """The lower band of ``E = W^H A W``, ``E[c, r - c]`` for the entry (r, c); and A W as a list of entries.

    Entry l of the list is ``D^-1/2 A W`` (`root` is that of `eisenstat`) in row ``at[l]`` of the order `perm` and column
    ``to[l]``. What is rounding beside the diagonal, as the sums of inner rows are for a diffusion, is left out. `val` is
    scratch. Returns the number of entries; there is room for one more than `col` has.
    """
    drop = 8 * np.finfo(root.dtype).eps
    for e in range(val.shape[0]):
        val[e] = 0
    E[:] = 0
    filled = 0
    for k in range(perm.shape[0]):
        i = np.int64(perm[k])
        for e in range(_U(ip[i]), _U(ip[i + 1])):
            val[place[e]] += a[e]
        r = label[i]
        least = drop * root[1, k] * root[1, k]
        for e in range(_U(ptr[k]), _U(ptr[k + 1])):
            c, v = np.int64(col[e]), val[e]
            if c <= r:
                E[c, r - c] += v
            if abs(v) > least:
                at[filled], to[filled], weight[filled] = k, c, v * root[0, k]
                filled += 1
    at[filled] = perm.shape[0]
    return filled


@njit(cache=True, fastmath=FAST)
def factor(E, inverse):
    """Cholesky within the band, in place; a column whose pivot vanishes is left out. For what LAPACK refuses.

    Returns -1, or the first block whose pivot is negative.
    """
    m, band = E.shape[0], E.shape[1] - 1
    first = E[:, 0].copy()
    for c in range(m):
        s, own = E[c, 0].real, first[c].real
        if s < -_TINY * abs(own) or not np.isfinite(s):
            return c
        good = s > _TINY * own
        inverse[c] = 1.0 / np.sqrt(s) if good else 0.0
        for l in range(band + 1):
            E[c, l] *= inverse[c]
        for j in range(1, min(band, m - 1 - c) + 1):
            u = np.conj(E[c, j])
            for l in range(j, min(band, m - 1 - c) + 1):
                E[c + j, l - j] -= E[c, l] * u
    return -1


@njit(cache=True, fastmath=FAST)
def solve(E, inverse, s):
    """``s = E^-1 s`` by the band factor (columns of L in the rows of E), in place."""
    m, band = _U(E.shape[0]), _U(E.shape[1] - 1)
    for c in range(m):
        y = s[c] * inverse[c]
        s[c] = y
        for l in range(_ONE, min(band, m - _ONE - c) + _ONE):
            s[c + l] -= E[c, l] * y
    for back in range(m):
        c = m - _ONE - back
        total = s[c]
        for l in range(_ONE, min(band, back) + _ONE):
            total -= np.conj(E[c, l]) * s[c + l]
        s[c] = total * inverse[c]


@njit(cache=True, fastmath=ROWWISE)
def coarse(label, r, s):
    """``s = W^H r``, r in natural order."""
    for g in range(s.shape[0]):
        s[g] = 0
    for i in range(r.shape[0]):
        s[label[i]] += r[i]


@njit(cache=True, fastmath=ROWWISE)
def project(plan, root, label, at, to, weight, E, inverse, s, x, r):
    """``x += W c, r -= A W c`` with ``c = E^-1 W^H r``, in natural order: then W^H r = 0."""
    coarse(label, r, s)
    solve(E, inverse, s)
    for i in range(r.shape[0]):
        x[i] += s[label[i]]
    for l in range(_U(weight.shape[0])):
        k = _U(at[l])
        r[plan[HEAD + k]] -= weight[l] * s[to[l]] * root[1, k]


@njit(cache=True, fastmath=ROWWISE)
def correct(plan, root, label, at, to, weight, E, inverse, s, x0, x):
    """``x -= W E^-1 (A W)^H (x - x0)``, in natural order: the x whose residual the iteration carries."""
    s[:] = 0
    for l in range(_U(weight.shape[0])):
        k = _U(at[l])
        i = plan[HEAD + k]
        s[to[l]] += np.conj(weight[l]) * ((x[i] - x0[i]) * root[1, k])
    solve(E, inverse, s)
    for i in range(x.shape[0]):
        x[i] -= s[label[i]]


@njit(cache=True, fastmath=FAST)
def _backward(plan, mat, vec, om, step_r, step_x, beta, at, to, weight, s):
    """As in `eisenstat`, with ``s = (D^-1/2 A W)^H t`` gathered while t is in the first-level cache."""
    r, p, t, w, x = vec[R], vec[P], vec[T], vec[W], vec[X]
    pc, q = _U(plan[UPPER]), _U(plan[UPPER_VALUES])
    rr = 0.0
    s[:] = 0
    e = _U(weight.shape[0])
    while pc < _U(plan.shape[0]):
        lo, hi, count = _U(plan[pc]), _U(plan[pc + _ONE]), _U(plan[pc + _TWO])
        pc += _THREE
        for k in range(lo, hi):
            old = t[k]
            x[k] += step_x * old
            d = r[k] - step_r * (old + w[k])
            r[k] = d
            rr += abs2(d)
            d += beta * p[k]
            p[k] = d
            t[k] = d
        for _ in range(count):
            pc, q = segment(plan, mat, pc, q, om, t, t, True)
        while e > _ZERO and at[e - _ONE] >= lo:
            e -= _ONE
            s[to[e]] += np.conj(weight[e]) * t[at[e]]
    return rr


@njit(cache=True, fastmath=FAST)
def _forward(plan, mat, vec, om, at, to, weight, c):
    """As in `eisenstat`, with ``D^-1/2 A W c`` off the right-hand side."""
    r, p, t, w = vec[R], vec[P], vec[T], vec[W]
    kappa = r.real.dtype.type(2) - om
    pc, q, e = _U(plan[LOWER]), _ZERO, _ZERO
    pq = rq = qq = 0.0
    while pc < _U(plan[UPPER]):
        lo, hi, count = _U(plan[pc]), _U(plan[pc + _ONE]), _U(plan[pc + _TWO])
        pc += _THREE
        for k in range(lo, hi):
            w[k] = p[k] - kappa * t[k]
        while at[e] < hi:
            w[at[e]] -= weight[e] * c[to[e]]
            e += _ONE
        for _ in range(count):
            pc, q = segment(plan, mat, pc, q, om, w, w, False)
        for k in range(lo, hi):
            d = t[k] + w[k]
            pq += redot(p[k], d)
            rq += redot(r[k], d)
            qq += abs2(d)
    return pq, rq, qq


@njit(cache=True, fastmath=FAST, error_model="numpy")
def cg(plan, mat, root, vec, scal, n_steps, goal, norms, at, to, weight, E, inverse, s):
    """Up to `n_steps` iterations, as `eisenstat.cg`, of which the arguments up to `norms` are."""
    real = root.dtype.type
    om = real(scal[OMEGA])
    for step in range(n_steps):
        back, ahead, beta = real(scal[STEP_R]), real(scal[STEP_X]), real(scal[BETA])
        rr = _backward(plan, mat, vec, om, back, ahead, beta, at, to, weight, s)
        solve(E, inverse, s)
        for g in range(s.shape[0]):
            s[g] *= om
        pq, rq, qq = _forward(plan, mat, vec, om, at, to, weight, s)
        done, norm = advance(plan, mat, root, vec, scal, goal, rr, pq, rq, qq)
        if not done:
            return step
        norms[step] = norm
        if norm <= goal or not np.isfinite(norm):
            return step + 1
    return max(n_steps, 0)
