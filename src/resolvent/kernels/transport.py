"""Entropic transport: plans, marginals and the sparse Newton system, from rows of the cost.

Potentials are in units of the regularisation here: ``P_ij = exp(f_i + h_j - C_ij / reg)``. Every kernel works on a block
of rows of C and adds into what belongs to columns, so that a cost that does not fit in memory passes through in blocks.

The exponential is a polynomial of degree 12 on |r| <= log(2)/2 with the exponent put together from bits: no branch and no
call, so that the compiler makes vector code of the loops around it (relative error below 4e-16). Arguments are clipped
at +-600: nothing here is ever subnormal, and nothing overflows.
"""

import numpy as np
from numba import njit

FAST = {"reassoc", "contract", "nsz", "arcp", "nnan"}
CLIP = 600.0
TINY, HUGE = 1e-150, 1e150  # row sums outside are computed again about the row's largest entry
_MAGIC = 6755399441055744.0  # 1.5 * 2^52: adding it leaves the nearest integer in the low bits
_LOG2E, _LOG2_HI, _LOG2_LO = 1.4426950408889634, 0.693147180369123816490, 1.90821492927058770002e-10
BLOCK = 8


@njit(cache=True, fastmath={"contract"})
def _exp(x):
    t = x * _LOG2E + _MAGIC
    k = t - _MAGIC
    r = (x - k * _LOG2_HI) - k * _LOG2_LO
    p = 1.0 / 479001600.0
    p = p * r + 1.0 / 39916800.0
    p = p * r + 1.0 / 3628800.0
    p = p * r + 1.0 / 362880.0
    p = p * r + 1.0 / 40320.0
    p = p * r + 1.0 / 5040.0
    p = p * r + 1.0 / 720.0
    p = p * r + 1.0 / 120.0
    p = p * r + 1.0 / 24.0
    p = p * r + 1.0 / 6.0
    p = p * r + 0.5
    p = p * r + 1.0
    p = p * r + 1.0
    bits = np.int64((np.float64(t).view(np.int64) + np.int64(1023)) << np.int64(52))
    return p * bits.view(np.float64)


@njit(cache=True, fastmath=FAST)
def exponentials(x, out):
    """``out = exp(x)``, x clipped at +-600."""
    for i in range(x.shape[0]):
        out[i] = _exp(min(max(x[i], -CLIP), CLIP))


@njit(cache=True, fastmath=FAST)
def absorb(C, ir, f, h, a, E, c):
    """Rows of the plan whose row sums are exact: ``E_ij = exp(f_i + h_j - C_ij ir)`` with f moved to that; adds to c.

    `E` has the rows of the block and at least `h`'s columns; f is a guess before, and the row potential after.
    """
    n, m = C.shape
    for i in range(n):
        row, out = C[i], E[i]
        s = 0.0
        shift = f[i]
        for j in range(m):
            e = _exp(min(max(h[j] - row[j] * ir + shift, -CLIP), CLIP))
            out[j] = e
            s += e
        if not (TINY < s < HUGE):
            shift = -np.inf
            for j in range(m):
                shift = max(shift, h[j] - row[j] * ir)
            shift = -shift
            s = 0.0
            for j in range(m):
                e = _exp(max(h[j] - row[j] * ir + shift, -CLIP))
                out[j] = e
                s += e
        w = a[i] / s
        f[i] = shift + np.log(w)
        for j in range(m):
            e = w * out[j]
            out[j] = e
            c[j] += e


@njit(cache=True, fastmath=FAST)
def kept(E, v, a, u, c):
    """Row scalings and column sums from kept exponentials: ``u = a / (E v)``, ``c += v * (E' u)``."""
    n, m = E.shape
    for i in range(n):
        row = E[i]
        s = 0.0
        for j in range(m):
            s += row[j] * v[j]
        w = a[i] / s
        u[i] = w
        for j in range(m):
            c[j] += w * row[j]
    for j in range(m):
        c[j] *= v[j]


@njit(cache=True, fastmath=FAST)
def power(E, a, f, c, squarings):
    """The kept plan at reg / 2^squarings and the same potentials, rows made exact again: ``E^2`` again and again."""
    n, m = E.shape
    for i in range(n):
        row = E[i]
        s = 0.0
        w = 1.0 / a[i]
        for j in range(m):
            e = row[j] * w
            for _ in range(squarings):
                e = e * e if e > 1e-140 else 0.0
            row[j] = e
            s += e
        f[i] = (f[i] - np.log(a[i])) * 2.0**squarings
        w = a[i] / s
        f[i] += np.log(w)
        for j in range(m):
            e = w * row[j]
            row[j] = e
            c[j] += e


@njit(cache=True, fastmath=FAST)
def columns(C, ir, f, top, s):
    """Running maxima and sums over rows of ``exp(f_i - C_ij ir - top_j)``, for the log-sum-exp of columns."""
    n, m = C.shape
    for i in range(n):
        row, shift = C[i], f[i]
        for j in range(m):
            t = shift - row[j] * ir
            high = max(t, top[j])
            s[j] = s[j] * _exp(max(top[j] - high, -CLIP)) + _exp(max(t - high, -CLIP))
            top[j] = high


@njit(cache=True, fastmath=FAST)
def marginals(C, ir, f, h, r, c):
    """Row sums into r and column sums added to c, of ``exp(f_i + h_j - C_ij ir)``."""
    n, m = C.shape
    buf = np.empty(m)
    for i in range(n):
        row, shift = C[i], f[i]
        s = 0.0
        for j in range(m):
            e = _exp(min(max(h[j] - row[j] * ir + shift, -CLIP), CLIP))
            buf[j] = e
            s += e
        r[i] = s
        for j in range(m):
            c[j] += buf[j]


@njit(cache=True, fastmath=FAST)
def close(C, ir, f, h, x, y, g, P, keep, r, c, low):
    """The plan scaled by x and y: its row sums into r, its column sums added to c, <C, .> returned, min_j C_ij - g_j.

    With `keep` the unscaled plan is written to P.
    """
    n, m = C.shape
    buf = np.empty(m)
    cost = 0.0
    for i in range(n):
        row, shift = C[i], f[i]
        s = 0.0
        t = 0.0
        lowest = np.inf
        for j in range(m):
            e = _exp(min(max(h[j] - row[j] * ir + shift, -CLIP), CLIP))
            buf[j] = e
            s += e * y[j]
            t += e * y[j] * row[j]
        for j in range(m):
            lowest = min(lowest, row[j] - g[j])
            c[j] += x[i] * y[j] * buf[j]
        if keep:
            for j in range(m):
                P[i, j] = buf[j]
        r[i] = x[i] * s
        cost += x[i] * t
        low[i] = lowest
    return cost


@njit(cache=True, fastmath=FAST)
def bilinear(C, p, q):
    """``p' C q``."""
    n, m = C.shape
    total = 0.0
    for i in range(n):
        if p[i] != 0.0:
            row = C[i]
            s = 0.0
            for j in range(m):
                s += row[j] * q[j]
            total += p[i] * s
    return total


@njit(cache=True, fastmath=FAST)
def extract(E, u, v, a, level, start, ip, ib, data, diagonal):
    """Blocks of 8 columns of ``u_i E_ij v_j`` with an entry of at least `level` a_i; takes P^2 / a off the diagonal.

    Rows of the block follow one another from ``ip[0] = start``; returns the end, or -1 when `ib` is too short.
    """
    n, m = E.shape
    at = start
    room = ib.shape[0]
    buf = np.empty(BLOCK)
    for i in range(n):
        row, w = E[i], u[i]
        ip[i] = at
        least = level * a[i]
        inverse = 1.0 / a[i]
        for k in range(m // BLOCK):
            top = 0.0
            for l in range(BLOCK):
                e = w * row[k * BLOCK + l] * v[k * BLOCK + l]
                buf[l] = e
                top = max(top, e)
            if top >= least:
                if at >= room:
                    return -1
                ib[at] = k * BLOCK
                for l in range(BLOCK):
                    data[at * BLOCK + l] = buf[l]
                    diagonal[k * BLOCK + l] -= buf[l] * buf[l] * inverse
                at += 1
    ip[n] = at
    return at


@njit(cache=True, fastmath=FAST)
def _reduced(ip, ib, data, inverse, shifted, p, q):
    """``q = (diag(shifted) - P' diag(inverse) P) p``; returns <p, q>."""
    m = p.shape[0]
    for j in range(m):
        q[j] = shifted[j] * p[j]
    for i in range(inverse.shape[0]):
        s0 = s1 = s2 = s3 = s4 = s5 = s6 = s7 = 0.0
        begin, end = ip[i], ip[i + 1]
        for k in range(begin, end):
            j, d = ib[k], k * BLOCK
            s0 += data[d] * p[j]
            s1 += data[d + 1] * p[j + 1]
            s2 += data[d + 2] * p[j + 2]
            s3 += data[d + 3] * p[j + 3]
            s4 += data[d + 4] * p[j + 4]
            s5 += data[d + 5] * p[j + 5]
            s6 += data[d + 6] * p[j + 6]
            s7 += data[d + 7] * p[j + 7]
        s = (((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7))) * inverse[i]
        for k in range(begin, end):
            j, d = ib[k], k * BLOCK
            for l in range(BLOCK):
                q[j + l] -= data[d + l] * s
    total = 0.0
    for j in range(m):
        total += p[j] * q[j]
    return total


@njit(cache=True, fastmath=FAST)
def newton(ip, ib, data, inverse, shifted, diagonal, rhs, x, r, z, p, q, rtol, limit):
    """CG with the diagonal as preconditioner from x = 0; returns iterations, and -1 - iterations on a loss of sign."""
    m = rhs.shape[0]
    rz = 0.0
    for j in range(m):
        x[j] = 0.0
        r[j] = rhs[j]
        z[j] = r[j] / diagonal[j]
        p[j] = z[j]
        rz += r[j] * z[j]
    goal = rtol * rtol * rz
    for k in range(limit):
        if rz <= goal or rz == 0.0:
            return k
        pq = _reduced(ip, ib, data, inverse, shifted, p, q)
        if not pq > 0.0:
            return -1 - k
        alpha = rz / pq
        old = rz
        rz = 0.0
        for j in range(m):
            x[j] += alpha * p[j]
            r[j] -= alpha * q[j]
            z[j] = r[j] / diagonal[j]
            rz += r[j] * z[j]
        beta = rz / old
        for j in range(m):
            p[j] = z[j] + beta * p[j]
    return limit
