"""Products, residuals and questions about a compressed sparse row matrix.

Every kernel takes the matrix as ``ip, ix, a``: row pointers and column indices as *unsigned* integers
(``indptr.view(np.uint32)``; signed ones cost a sign test an entry) and values of type float32, float64, complex64 or
complex128. Sums over a row are taken in the type of the values, norms in float64. Nothing here changes the matrix.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numba import njit

FAST = {"contract", "reassoc", "arcp", "nsz"}  # NaN and inf keep their meaning
ROWWISE = {"contract", "arcp", "nsz"}  # for sums over short rows, which lose by being made into vector sums
LARGE = 1_000_000  # entries from which on a plan of runs is made for products
LONGEST = 32  # entries of a row in a run, at most
_U = np.uint64
_ZERO = np.uint64(0)
_ONE = np.uint64(1)


@njit(cache=True, fastmath=FAST)
def abs2(z):
    """Squared modulus in float64."""
    re, im = np.float64(z.real), np.float64(z.imag)
    return re * re + im * im


@njit(cache=True, fastmath=FAST)
def redot(u, v):
    """Real part of ``conj(u) v`` in float64."""
    return np.float64(u.real) * np.float64(v.real) + np.float64(u.imag) * np.float64(v.imag)


@njit(cache=True, fastmath=FAST)
def norm2(r):
    """2-norm of a vector, summed in float64."""
    total = 0.0
    for i in range(r.shape[0]):
        total += abs2(r[i])
    return np.sqrt(total)


@njit(cache=True, fastmath=ROWWISE, nogil=True)
def spmv(ip, ix, a, x, y):
    """``y = A x``."""
    k = _U(ip[0])
    for i in range(y.shape[0]):
        s = y.dtype.type(0)
        end = _U(ip[i + 1])
        while k < end:
            s += a[k] * x[ix[k]]
            k += _ONE
        y[i] = s


@njit(cache=True)
def runs(ip, ix, shortest):
    """Rows of a canonical pattern in runs, ``first row, end, entries a row``: in a run each row has the columns of the
    row before, one further. What is in no run of `shortest` rows has 0 as its entries.
    """
    n = ip.shape[0] - 1
    out = np.empty((n + 1, 3), np.int64)
    count, i = 0, 0
    while i < n:
        m = np.int64(ip[i + 1]) - np.int64(ip[i])
        j, goes_on = i + 1, 0 < m <= LONGEST
        while goes_on and j < n and np.int64(ip[j + 1]) - np.int64(ip[j]) == m:
            q = np.int64(ip[j])
            for e in range(q, q + m):
                if np.int64(ix[e]) != np.int64(ix[e - m]) + 1:
                    goes_on = False
                    break
            j += goes_on
        if j - i < shortest:
            m = 0
        if m == 0 and count > 0 and out[count - 1, 2] == 0:
            out[count - 1, 1] = j
        else:
            out[count, 0], out[count, 1], out[count, 2] = i, j, m
            count += 1
        i = j
    return out[:count].copy()


@njit(cache=True, fastmath={"nsz"}, nogil=True)
def spmv_runs(plan, ip, ix, a, x, y):
    """``y = A x`` on the rows of a plan of `runs`: columns are read once a run. No fused multiply-adds, so a row's bits do
    not depend on how its loop was made; they may differ from those of `spmv` in the last place.
    """
    for g in range(plan.shape[0]):
        lo, rows, m = _U(plan[g, 0]), _U(plan[g, 1] - plan[g, 0]), plan[g, 2]
        k = _U(ip[lo])
        if m == 5:
            c0, c1, c2 = _U(ix[k]), _U(ix[k + _U(1)]), _U(ix[k + _U(2)])
            c3, c4 = _U(ix[k + _U(3)]), _U(ix[k + _U(4)])
            for l in range(rows):
                q = k + _U(5) * l
                s = a[q] * x[c0 + l] + a[q + _U(1)] * x[c1 + l] + a[q + _U(2)] * x[c2 + l]
                y[lo + l] = s + a[q + _U(3)] * x[c3 + l] + a[q + _U(4)] * x[c4 + l]
        elif m == 7:
            c0, c1, c2, c3 = _U(ix[k]), _U(ix[k + _U(1)]), _U(ix[k + _U(2)]), _U(ix[k + _U(3)])
            c4, c5, c6 = _U(ix[k + _U(4)]), _U(ix[k + _U(5)]), _U(ix[k + _U(6)])
            for l in range(rows):
                q = k + _U(7) * l
                s = a[q] * x[c0 + l] + a[q + _U(1)] * x[c1 + l] + a[q + _U(2)] * x[c2 + l] + a[q + _U(3)] * x[c3 + l]
                y[lo + l] = s + a[q + _U(4)] * x[c4 + l] + a[q + _U(5)] * x[c5 + l] + a[q + _U(6)] * x[c6 + l]
        elif m > 0:
            for l in range(rows):
                q = k + _U(m) * l
                s = y.dtype.type(0)
                for e in range(_U(m)):
                    s += a[q + e] * x[_U(ix[k + e]) + l]
                y[lo + l] = s
        else:
            for i in range(lo, lo + rows):
                s = y.dtype.type(0)
                end = _U(ip[i + _ONE])
                while k < end:
                    s += a[k] * x[ix[k]]
                    k += _ONE
                y[i] = s


def spmv_threads(plan, ip, ix, a, x, y, parts):
    """`spmv_runs` on threads, each with runs of about as many rows: the same sums, so the same bits."""
    pool = _pool(parts)
    cuts = np.searchsorted(plan[:, 1], np.linspace(0, len(y), parts + 1)[1:-1])
    ends = [0, *(int(c) for c in cuts), len(plan)]
    rest = [pool.submit(spmv_runs, plan[lo:hi], ip, ix, a, x, y) for lo, hi in pairwise(ends[1:])]
    spmv_runs(plan[: ends[1]], ip, ix, a, x, y)
    for part in rest:
        part.result()


_pools = {}


def _pool(parts):
    """Threads that wait; a forked process makes its own."""
    key = os.getpid(), parts
    if key not in _pools:
        _pools[key] = ThreadPoolExecutor(parts - 1, thread_name_prefix="resolvent")
    return _pools[key]


@njit(cache=True, fastmath=ROWWISE)
def scatter(ip, ix, a, y, x):
    """``x += A^H y``, row by row: x has as many entries as A has columns."""
    k = _U(ip[0])
    for i in range(y.shape[0]):
        s = y[i]
        end = _U(ip[i + 1])
        while k < end:
            x[ix[k]] += np.conj(a[k]) * s
            k += _ONE


@njit(cache=True, fastmath=ROWWISE)
def residual(ip, ix, a, x, b, r):
    """``r = b - A x``; returns its 2-norm."""
    k = _U(ip[0])
    for i in range(r.shape[0]):
        s = r.dtype.type(0)
        end = _U(ip[i + 1])
        while k < end:
            s += a[k] * x[ix[k]]
            k += _ONE
        r[i] = b[i] - s
    return norm2(r)


@njit(cache=True)
def _two_product(a, b):
    """``p + e = a b`` exactly (Dekker's splitting; no fused multiply-add is assumed)."""
    p = a * b
    t = 134217729.0 * a
    ah = t - (t - a)
    al = a - ah
    t = 134217729.0 * b
    bh = t - (t - b)
    bl = b - bh
    return p, ((ah * bh - p) + ah * bl + al * bh) + al * bl


@njit(cache=True)
def _add_product(s, c, a, b):
    """Add ``a b`` to the unevaluated sum ``s + c``."""
    p, e = _two_product(a, b)
    t = s + p
    z = t - s
    return t, c + (((s - (t - z)) + (p - z)) + e)


@njit(cache=True)
def _compensated_real(ip, ix, a, x, b, r):
    total = 0.0
    for i in range(r.shape[0]):
        s, c = b[i], 0.0
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            s, c = _add_product(s, c, -a[k], x[ix[k]])
        s += c
        r[i] = s
        total += s * s
    return np.sqrt(total)


@njit(cache=True)
def _compensated_complex(ip, ix, a, x, b, r):
    total = 0.0
    for i in range(r.shape[0]):
        sr, si, cr, ci = b[i].real, b[i].imag, 0.0, 0.0
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            ar, ai, z = -a[k].real, -a[k].imag, x[ix[k]]
            sr, cr = _add_product(sr, cr, ar, z.real)
            sr, cr = _add_product(sr, cr, -ai, z.imag)
            si, ci = _add_product(si, ci, ar, z.imag)
            si, ci = _add_product(si, ci, ai, z.real)
        sr += cr
        si += ci
        r[i] = complex(sr, si)
        total += sr * sr + si * si
    return np.sqrt(total)


@njit(cache=True)
def _widened(ip, ix, a, x, b, r, wide):
    """Single precision: the row is summed in the double type of `wide`, where every product is exact."""
    total = 0.0
    for i in range(r.shape[0]):
        s = wide[0] + b[i]
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            s -= (wide[0] + a[k]) * (wide[0] + x[ix[k]])
        r[i] = s
        total += abs2(s)
    return np.sqrt(total)


def residual_compensated(ip, ix, a, x, b, r):
    """``r = b - A x``, each entry as if summed in twice the working precision and then rounded; returns its 2-norm.

    For float64 and complex128 the products are split exactly and the rounding errors of the sums carried along
    (Ogita, Rump and Oishi 2005, "Dot2"); float32 and complex64 are summed in double precision. About 6
    products of work (float64), 2 (float32). Entries above 1e300 overflow in the splitting.
    """
    if a.dtype.char in "fF":
        return _widened(ip, ix, a, x, b, r, np.zeros(1, "d" if a.dtype.char == "f" else "D"))
    return (_compensated_complex if a.dtype.kind == "c" else _compensated_real)(ip, ix, a, x, b, r)


@njit(cache=True, fastmath=FAST)
def floor(ip, ix, a, x, b):
    """``|| |A| |x| + |b| ||_2``: times the unit roundoff, the rounding level of a computed residual."""
    total = 0.0
    for i in range(b.shape[0]):
        s = np.float64(abs(b[i]))
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            s += np.float64(abs(a[k])) * np.float64(abs(x[ix[k]]))
        total += s * s
    return np.sqrt(total)


@njit(cache=True)
def diagonal(ip, ix, a, d):
    """Fill `d` with the diagonal (duplicates summed); returns the first row where it is missing or zero, or -1."""
    bad = -1
    for i in range(d.shape[0]):
        s = d.dtype.type(0)
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            if ix[k] == i:
                s += a[k]
        d[i] = s
        if s == 0 and bad < 0:
            bad = i
    return bad


@njit(cache=True)
def diagonal_positions(ip, ix, pos):
    """Fill `pos` with the place of ``a_ii`` in the arrays of a canonical matrix; returns the first row without one,
    or -1.

    Where a row has no diagonal entry, `pos` holds the place of its first entry right of the diagonal.
    """
    bad = -1
    for i in range(pos.shape[0]):
        k, end = _U(ip[i]), _U(ip[i + 1])
        while k < end and ix[k] < i:
            k += _ONE
        pos[i] = k
        if bad < 0 and (k == end or ix[k] != i):
            bad = i
    return bad


@njit(cache=True)
def is_symmetric(ip, ix, a, hermitian, tol):
    """Whether a canonical CSR matrix is symmetric: 2 in values, 1 in pattern only, 0 not even that.

    Values agree where ``|a_ij - a_ji| <= tol max(|a_ij|, |a_ji|)`` (the conjugate of ``a_ji`` if `hermitian`, so a
    diagonal entry must then be real to `tol`); NaN agrees with nothing. Rows are taken in order and each row's lower
    entries are compared with the next unread upper entry of the row that they name, so every entry is read once.
    """
    n = ip.shape[0] - 1
    at = np.empty(n, ip.dtype)
    same = True
    for i in range(n):
        k, end = _U(ip[i]), _U(ip[i + 1])
        while k < end and ix[k] < i:
            j = ix[k]
            m = _U(at[j])
            if m >= _U(ip[_U(j) + _ONE]) or ix[m] != i:
                return 0
            u, v = a[k], a[m]
            if hermitian:
                v = np.conj(v)
            same = same and abs(u - v) <= tol * max(abs(u), abs(v))
            at[j] = m + _ONE
            k += _ONE
        if k < end and ix[k] == i:
            u = a[k]
            same = same and abs(u - (np.conj(u) if hermitian else u)) <= tol * abs(u)
            k += _ONE
        at[i] = k
    for i in range(n):
        if at[i] != ip[i + 1]:
            return 0
    return 2 if same else 1


@njit(cache=True)
def levels(ip, ix, n):
    """Dependency level of each row in a forward sweep: one more than the highest it needs, 0 where it needs none."""
    level = np.zeros(n, ix.dtype)
    for i in range(n):
        top = _ZERO
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            j = _U(ix[k])
            if j < _U(i):
                top = max(top, _U(level[j]) + _ONE)
        level[i] = top
    return level


@njit(cache=True)
def _search(ip, ix, root, stamp, mark, queue):
    """Breadth-first search; returns (depth, widest level, a node of least degree in the last level, nodes reached)."""
    queue[0] = root
    mark[root] = stamp
    head, tail, depth, widest, last = 0, 1, 0, 1, root
    while head < tail:
        stop, least = tail, ip[-1]
        widest = max(widest, stop - head)
        for h in range(head, stop):
            i = _U(queue[h])
            if ip[i + _ONE] - ip[i] <= least:
                least, last = ip[i + _ONE] - ip[i], queue[h]
            for k in range(_U(ip[i]), _U(ip[i + _ONE])):
                if mark[ix[k]] != stamp:
                    mark[ix[k]] = stamp
                    queue[tail] = ix[k]
                    tail += 1
        head = stop
        depth += 1
    return depth, widest, last, tail


@njit(cache=True)
def bfs_width(ip, ix):
    """Widest breadth-first level from a pseudo-peripheral node, the largest over the components of a symmetric pattern.

    ``10 width^3`` is within a factor of about 3 of the flops of a nested-dissection factorization on grids and meshes.
    """
    n = ip.shape[0] - 1
    mark, queue = np.zeros(n, np.int64), np.empty(n, np.int64)
    stamp, width = 0, 0
    for start in range(n):
        if mark[start] != 0:
            continue
        root, deepest = start, 0
        while True:
            stamp += 1
            depth, widest, last, _ = _search(ip, ix, root, stamp, mark, queue)
            if depth <= deepest:
                break
            deepest, root, best = depth, last, widest
        width = max(width, best)
    return width
