"""Incomplete Cholesky without fill, IC(0): ``A ~ L D L^H`` with L unit lower triangular on the pattern of A.

(first version: the interface stands, the solves will become faster)
"""

import numpy as np
from numba import njit

from .csr import _U, FAST

HEAD = 4


@njit(cache=True)
def symbolic(ip, ix):
    """What the pattern alone decides, packed in one array of the type of `ix`; see `allocate`."""
    n = ip.shape[0] - 1
    nl = 0
    for i in range(n):
        for m in range(_U(ip[i]), _U(ip[i + 1])):
            nl += 1 if ix[m] < i else 0
    o_li, o_up = HEAD + n + 1, HEAD + n + 1 + nl
    o_ui = o_up + n + 1
    o_ut = o_ui + nl
    plan = np.zeros(o_ut + nl, ix.dtype)
    lp, li, up, ui, ut = plan[HEAD:o_li], plan[o_li:o_up], plan[o_up:o_ui], plan[o_ui:o_ut], plan[o_ut:]
    e = 0
    for i in range(n):
        lp[i] = e
        for m in range(_U(ip[i]), _U(ip[i + 1])):
            if ix[m] < i:
                li[e] = ix[m]
                up[np.int64(ix[m]) + 1] += 1
                e += 1
    lp[n] = e
    for i in range(n):
        up[i + 1] += up[i]
    at = up.copy()
    for i in range(n):
        for m in range(_U(lp[i]), _U(lp[i + 1])):
            j = np.int64(li[m])
            ui[_U(at[j])] = i
            ut[_U(at[j])] = m
            at[j] += 1
    plan[0], plan[1] = n, nl
    return plan


def allocate(plan, dtype):
    """Buffers for a plan: ``fac`` (2 nl + n values), ``work`` (n)."""
    n, nl = int(plan[0]), int(plan[1])
    return np.zeros(2 * nl + n, dtype), np.zeros(n, dtype)


@njit(cache=True)
def factor(plan, ip, ix, a, shift, fac, work):
    """IC(0) of ``A + shift diag(A)`` into `fac`; returns -1, or the row whose pivot was not positive."""
    n, nl = ip.shape[0] - 1, np.int64(plan[1])
    lp, li = plan[HEAD : HEAD + n + 1], plan[HEAD + n + 1 : HEAD + n + 1 + nl]
    low, up, inv = fac[:nl], fac[nl : 2 * nl], fac[2 * nl :]
    ut = plan[HEAD + 2 * (n + 1) + 2 * nl :]
    real = a.real.dtype.type
    work[:] = 0
    for i in range(n):
        d = real(0)
        for m in range(_U(ip[i]), _U(ip[i + 1])):
            if ix[m] < i:
                work[ix[m]] = a[m]
            elif ix[m] == i:
                d += a[m].real
        d += real(shift) * d
        for m in range(_U(lp[i]), _U(lp[i + 1])):
            j = np.int64(li[m])
            s = work[j]  # (L D)_ij
            for q in range(_U(lp[j]), _U(lp[j + 1])):
                s -= work[li[q]] * np.conj(low[q])
            work[j] = s
            low[m] = s * inv[j]
            d -= (s * np.conj(low[m])).real
        for m in range(_U(ip[i]), _U(ip[i + 1])):
            if ix[m] < i:
                work[ix[m]] = 0
        if not (d > 0 and np.isfinite(d)):
            return i
        inv[i] = real(1) / d
    for m in range(nl):
        up[m] = np.conj(low[_U(ut[m])])
    return -1


@njit(cache=True, fastmath=FAST)
def solve(plan, fac, r, z, work):
    """``z = (L D L^H)^-1 r``; `r` and `z` may not be the same array."""
    n, nl = r.shape[0], _U(plan[1])
    o = HEAD + n + 1
    lp, li = plan[HEAD:o], plan[o : _U(o) + nl]
    up, ui = plan[_U(o) + nl : _U(o + n + 1) + nl], plan[_U(o + n + 1) + nl : _U(o + n + 1) + nl + nl]
    inv = fac[nl + nl :]
    for i in range(n):
        s = r.dtype.type(0)
        for m in range(_U(lp[i]), _U(lp[i + 1])):
            s += fac[m] * work[li[m]]
        work[i] = r[i] - s
    for i in range(n - 1, -1, -1):
        s = r.dtype.type(0)
        for m in range(_U(up[i]), _U(up[i + 1])):
            s += fac[nl + m] * z[ui[m]]
        z[i] = work[i] * inv[i] - s
