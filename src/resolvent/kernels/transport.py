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
BLOCK, GAP = 8, 2


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


@njit(cache=True, error_model="numpy", fastmath=FAST)
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


@njit(cache=True, error_model="numpy", fastmath=FAST)
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


@njit(cache=True, error_model="numpy", fastmath=FAST)
def sweeps(E, a, b, omega, slow, goal, v, u, c, norms):
    """Sweeps ``v *= (b / c)^omega, u = a / (E v), c = v * (E' u)``, at most as many as `norms` has places for the errors.

    Comes back early when the error is at most `goal` or not below `slow` times the one before, and when a scaling has left
    1e+-60 or a column has lost its mass, so that the exponentials must be evaluated anew. Returns the sweeps done.
    """
    m = v.shape[0]
    before = 0.0
    for j in range(m):
        before += abs(c[j] - b[j])
    for k in range(norms.shape[0]):
        far = False
        for j in range(m):
            if b[j] > 0.0:
                if not c[j] > 1e-200:
                    return k
                factor = b[j] / c[j]
                v[j] *= factor if omega == 1.0 else factor**omega
                far = far or not (1e-60 < v[j] < 1e60)
            c[j] = 0.0
        kept(E, v, a, u, c)
        error = 0.0
        for j in range(m):
            error += abs(c[j] - b[j])
        norms[k] = error
        if far or error <= goal or not error < slow * before:
            return k + 1
        before = error
    return norms.shape[0]


@njit(cache=True, fastmath=FAST)
def power(E, u, v, a, f, c, squarings):
    """The plan ``u E v`` at reg / 2^squarings and the same potentials f, rows made exact again: squared again and again."""
    n, m = E.shape
    for i in range(n):
        row = E[i]
        s = 0.0
        w = u[i] / a[i]
        for j in range(m):
            e = w * row[j] * v[j]
            for _ in range(squarings):
                e = e * e if e > 1e-140 else 0.0
            row[j] = e
            s += e
        w = a[i] / s
        f[i] = (f[i] - np.log(a[i])) * 2.0**squarings + np.log(w)
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
def marginals(C, ir, f, h, keep, P, r, c):
    """Row sums into r and column sums added to c, of ``exp(f_i + h_j - C_ij ir)``; written to P with `keep`."""
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
        if keep:
            out = P[i]
            for j in range(m):
                out[j] = buf[j]


@njit(cache=True, fastmath=FAST)
def measured(C, ir, f, h, P, r, c, low):
    """``marginals`` with P kept; also ``<C, P>``, which is returned, and the least ``C_ij ir - f_i`` of each column."""
    n, m = C.shape
    buf = np.empty(m)
    cost = 0.0
    for i in range(n):
        row, shift = C[i], f[i]
        s = 0.0
        t = 0.0
        for j in range(m):
            d = row[j] * ir - shift
            low[j] = min(low[j], d)
            e = _exp(min(max(h[j] - d, -CLIP), CLIP))
            buf[j] = e
            s += e
            t += e * row[j]
        r[i] = s
        cost += t
        out = P[i]
        for j in range(m):
            c[j] += buf[j]
            out[j] = buf[j]
    return cost


@njit(cache=True, fastmath=FAST)
def rounded(C, P, x, y, f, r, c, low):
    """Of the plan scaled by x and y: row sums into r, column sums added to c, ``<C, .>`` returned; low_j = min C_ij - f_i."""
    n, m = C.shape
    cost = 0.0
    for i in range(n):
        row, plan, w = C[i], P[i], x[i]
        s = 0.0
        t = 0.0
        shift = f[i]
        for j in range(m):
            e = y[j] * plan[j]
            s += e
            t += e * row[j]
            c[j] += w * e
            low[j] = min(low[j], row[j] - shift)
        r[i] = w * s
        cost += w * t
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
def gather(buf, first, length, begin, end, inverse, data, at, squares):
    """The runs `begin` to `end` of a row to `data` from `at` on, their squares times `inverse` added; the next place, or -1."""
    for k in range(begin, end):
        j, size = np.uint64(first[k]), np.uint64(length[k])
        if at + length[k] > data.shape[0]:
            return np.int64(-1)
        entries, out, total = buf[j : j + size], data[at : at + length[k]], squares[j : j + size]
        for l in range(size):
            e = entries[l]
            out[l] = e
            total[l] += e * e * inverse
        at += np.int64(length[k])
    return at


@njit(cache=True, fastmath=FAST)
def extract(E, u, v, a, level, ends, ip, first, length, data, squares):
    """Runs of columns of ``P = u_i E_ij v_j`` that hold its entries of at least `level` a_i.

    Blocks of 8 columns with such an entry, joined across gaps of up to two blocks. ``ends`` (runs, entries) says where to
    go on, and where it ended; returns whether there was room. `squares` gets the column sums of P^2 / a, added.
    """
    n, m = E.shape
    runs, at = ends[0], ends[1]
    buf = np.empty(m)
    for i in range(n):
        row, w = E[i], u[i]
        ip[i] = runs
        least = level * a[i]
        for j in range(m):
            buf[j] = w * row[j] * v[j]
        last = -GAP
        for k in range(m // BLOCK):
            d = k * BLOCK
            left = max(max(buf[d], buf[d + 1]), max(buf[d + 2], buf[d + 3]))
            right = max(max(buf[d + 4], buf[d + 5]), max(buf[d + 6], buf[d + 7]))
            if max(left, right) >= least:
                if runs > ip[i] and k - last <= GAP:
                    length[runs - 1] += (k + 1 - last) * BLOCK
                elif runs >= first.shape[0]:
                    return False
                else:
                    first[runs] = d
                    length[runs] = BLOCK
                    runs += 1
                last = k + 1
        at = gather(buf, first, length, ip[i], runs, 1.0 / a[i], data, at, squares)
        if at < 0:
            return False
    ip[n] = runs
    ends[0], ends[1] = runs, at
    return True


@njit(cache=True, fastmath=FAST)
def _reduced(ip, first, length, data, inverse, shifted, p, q):
    """``q = (diag(shifted) - P' diag(inverse) P) p``; returns <p, q>."""
    for j in range(p.shape[0]):
        q[j] = shifted[j] * p[j]
    d = np.uint64(0)
    for i in range(inverse.shape[0]):
        s = data.dtype.type(0)
        begin = d
        for k in range(ip[i], ip[i + 1]):
            n = np.uint64(length[k])
            x, y = p[first[k] : first[k] + n], data[d : d + n]
            for l in range(n):
                s += y[l] * x[l]
            d += n
        s *= inverse[i]
        d = begin
        for k in range(ip[i], ip[i + 1]):
            n = np.uint64(length[k])
            x, y = q[first[k] : first[k] + n], data[d : d + n]
            for l in range(n):
                x[l] -= y[l] * s
            d += n
    total = 0.0
    for j in range(p.shape[0]):
        total += np.float64(p[j]) * np.float64(q[j])
    return total


@njit(cache=True, fastmath=FAST)
def newton(ip, first, length, data, inverse, shifted, diagonal, x, r, z, p, q, rtol, limit):
    """CG in the precision of `data` with the diagonal as preconditioner, from x = 0; `r` holds the right-hand side.

    Returns the iterations, or -1 - iterations where <p, A p> was not positive; x is the iterate before that.
    """
    m = r.shape[0]
    rz = 0.0
    for j in range(m):
        x[j] = 0
        z[j] = r[j] / diagonal[j]
        p[j] = z[j]
        rz += np.float64(r[j]) * np.float64(z[j])
    goal = rtol * rtol * rz
    for k in range(limit):
        if rz <= goal or rz == 0.0:
            return k
        pq = _reduced(ip, first, length, data, inverse, shifted, p, q)
        if not pq > 0.0:
            return -1 - k
        alpha = data.dtype.type(rz / pq)
        old = rz
        rz = 0.0
        for j in range(m):
            x[j] += alpha * p[j]
            r[j] -= alpha * q[j]
            z[j] = r[j] / diagonal[j]
            rz += np.float64(r[j]) * np.float64(z[j])
        beta = data.dtype.type(rz / old)
        for j in range(m):
            p[j] = z[j] + beta * p[j]
    return limit
