"""Triangular solves on a symmetric pattern, its rows renumbered by dependency level and taken in runs.

In natural order each row of a forward solve waits for the row before. Sorted (stably) by level, which is one more
than the highest level among the columns left of the diagonal, the lower triangle stays lower, every row's sum keeps
its terms, and the rows of a level are independent. On grids and other regular patterns neighbours in a level also
name neighbours: the distances from a row to its columns agree over a *run* of rows. A run needs no column indices,
and its loop becomes straight vector instructions; a row that lacks one of the distances gets a stored zero. What is
in no run of `SHORT` rows is kept as compressed rows, at about four times the cost.

What the pattern decides is one array, the *plan* (`analyse`); the values are another, in the order in which the
solves read them. After its head of `HEAD` numbers a plan holds perm (new to old), dest (the place of each entry of A
among the values; that of the diagonal is one past them), the places of the diagonal in A (nnz where there is none),
and for each triangle a program: chunks ``lo, hi, segments``, and in them segments, either a run ``first row, rows, m,
m distances`` or compressed rows ``first row, rows, ROWS, rows + 1 pointers, columns``. The program for the upper
triangle runs from the last row to the first.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, _ZERO, FAST, ROWWISE, levels

HEAD = 8
N, NNZ, VALUES, LOWER, UPPER, UPPER_VALUES, DEPTH, IN_RUNS = range(HEAD)
SHORT = 8  # rows: what is shorter is not stored as a run
CHUNK = 512  # rows that are handled while their vectors are in the first-level cache
WIDEST = 64  # distances in a run, at most
ROWS = 4294967295
_ROWS = np.uint64(ROWS)
_TWO, _THREE = np.uint64(2), np.uint64(3)


@njit(cache=True)
def _sort(key, seq, out, count):
    """Stable counting sort of the numbers in `seq` by their key; ``count[d]`` becomes the number of keys below d."""
    n = seq.shape[0]
    for d in range(n + 1):
        count[d] = 0
    for i in range(n):
        count[key[i] + 1] += 1
    for d in range(n):
        count[d + 1] += count[d]
    for i in range(n):
        d = key[seq[i]]
        out[count[d]] = seq[i]
        count[d] += 1
    for d in range(n, 0, -1):
        count[d] = count[d - 1]
    count[0] = 0


@njit(cache=True)
def _order(ip, ix, by_count, perm, place, first):
    """Sort by level, in a level by the numbers of entries left and right of the diagonal (if `by_count`), then as
    they were.

    Fills perm, its inverse `place`, and where the level of each row begins in the order of either solve; returns the
    depth.
    """
    n = ip.shape[0] - 1
    seq, out, key, count = np.arange(n), np.empty(n, np.int64), np.zeros(n, np.int64), np.empty(n + 1, np.int64)
    level = levels(ip, ix, n)
    for turn in range(0 if by_count else 2, 3):
        for i in range(n):
            key[i] = level[i] if turn == 2 else 0
            for e in range(_U(ip[i]), _U(ip[i + 1]) if turn < 2 else _U(ip[i])):
                key[i] += (ix[e] > i) if turn == 0 else (ix[e] < i)
        _sort(key, seq, out, count)
        seq, out = out, seq
    depth = 0
    for k in range(n):
        i = seq[k]
        perm[k], place[i] = i, k
        first[0, k] = count[key[i]]
        first[1, n - 1 - k] = n - count[key[i] + 1]
        depth = max(depth, key[i] + 1)
    return depth


@njit(cache=True)
def _distances(ip, ix, perm, place, side, c, dist):
    """Sorted distances of the c-th row of a solve to the rows it needs; returns how many, -1 if there are too many."""
    n = place.shape[0]
    k = n - 1 - c if side else c
    i = np.int64(perm[k])
    m = 0
    for e in range(np.int64(ip[i]), np.int64(ip[i + 1])):
        j = np.int64(ix[e])
        if j != i and (j > i) == (side == 1):
            if m == WIDEST:
                return -1
            d = abs(place[j] - k)
            at = m
            while at > 0 and dist[at - 1] > d:
                dist[at] = dist[at - 1]
                at -= 1
            dist[at] = d
            m += 1
    return m


@njit(cache=True)
def _lacking(whole, mw, part, mp, near, far):
    """How many of `whole` are not in `part`; -1 if one of those is not in (near, far], or if `part` has others."""
    b = lacking = 0
    for a in range(mw):
        if b < mp and part[b] == whole[a]:
            b += 1
        elif near < whole[a] <= far:
            lacking += 1
        else:
            return -1
    return lacking if b == mp else -1


@njit(cache=True)
def _runs(ip, ix, perm, place, first, side, runs, distances):
    """Part the rows of a solve (counted in its order) into runs: ``runs[g] = first row, m``, with m = -1 for
    compressed rows.

    The sorted distances of the runs follow one another in `distances`. A row joins the run before it if its distances
    are among the run's or the other way round, at the price of few zeros, all of which must name rows of earlier
    levels. Returns the number of runs.
    """
    n = place.shape[0]
    dist, union = np.empty(WIDEST, np.int64), np.empty(WIDEST, np.int64)
    count = used = lo = zeros = 0
    m = -1
    for c in range(n + 1):
        mp, joins = -1, False
        if c < n:
            mp = _distances(ip, ix, perm, place, side, c, dist)
            begin = first[side, c]
            if m >= 0 and mp >= 0 and begin <= lo and c - lo < CHUNK:
                if mp <= m:
                    more = _lacking(union, m, dist, mp, c - begin, c)
                else:
                    more = _lacking(dist, mp, union, m, c - 1 - begin, lo)
                    more = more * (c - lo) if more >= 0 else -1
                joins = more >= 0 and 4 * (zeros + more) <= max(m, mp) * (c - lo) + 8
        if joins:
            zeros += more
        elif c > 0:
            if c - lo >= SHORT and m >= 0:
                for a in range(m):
                    distances[used + a] = union[a]
                used += m
            else:
                m = -1
            if m >= 0 or count == 0 or runs[count - 1, 1] >= 0 or c - runs[count - 1, 0] > CHUNK:
                runs[count, 0], runs[count, 1] = lo, m
                count += 1
        if not joins:
            lo, m, zeros = c, mp, 0
        if mp > m or not joins:
            m = mp
            for a in range(m):
                union[a] = dist[a]
    runs[count, 0] = n
    return count


@njit(cache=True)
def _write(ip, ix, perm, place, side, count, runs, distances, pc, q, prog, dest, diag):
    """Write the program of one triangle at `pc`, the places of its values from `q` on, and `diag`; returns both ends."""
    n = place.shape[0]
    used = header = segments = 0
    for g in range(count):
        lo, hi, m = runs[g, 0], runs[g + 1, 0], runs[g, 1]
        if segments == 0:
            header, chunk = pc, lo
            pc += 3
        rows = hi - lo
        prog[pc] = (n - hi if m >= 0 else n - 1 - lo) if side else lo
        prog[pc + 1], prog[pc + 2] = rows, m if m >= 0 else ROWS
        pc += 3
        for a in range(m):
            prog[pc + a] = distances[used + a]
        filled = 0
        for c in range(lo, hi):
            k = n - 1 - c if side else c
            i = np.int64(perm[k])
            if m < 0:
                prog[pc + c - lo] = filled
            begin, end = np.int64(ip[i]), np.int64(ip[i + 1])
            for b in range(begin, end):
                e = begin + end - 1 - b if side else b  # the row solved last comes last
                j = np.int64(ix[e])
                if j == i:
                    diag[k] = e
                if j == i or (j > i) != (side == 1):
                    continue
                if m < 0:
                    prog[pc + rows + 1 + filled] = place[j]
                    dest[e] = q + filled
                    filled += 1
                else:
                    slot, d = 0, abs(place[j] - k)
                    while distances[used + slot] != d:
                        slot += 1
                    dest[e] = q + slot * rows + (hi - 1 - c if side else c - lo)
        if m < 0:
            prog[pc + rows] = filled
            pc, q = pc + rows + 1 + filled, q + filled
        else:
            pc, q, used = pc + m, q + m * rows, used + m
        segments += 1
        if hi - chunk >= CHUNK or g == count - 1:
            prog[header], prog[header + 1] = (n - hi, n - chunk) if side else (chunk, hi)
            prog[header + 2] = segments
            segments = 0
    return pc, q


def analyse(ip, ix):
    """The plan of a canonical square pattern, in the type of `ix`; the diagonal may be stored or not.

    Where less than half of the rows are in runs, rows of a level are ordered by their numbers of entries instead: in
    the loop over compressed rows the processor then foresees where a row ends, which is worth a factor of three.
    """
    n, nnz = ip.shape[0] - 1, ix.shape[0]
    perm, dest, diag = np.empty(n, ix.dtype), np.empty(nnz, ix.dtype), np.full(n, nnz, ix.dtype)
    place, first = np.empty(n, np.int64), np.empty((2, n), np.int64)
    runs, distances = np.empty((2, n + 1, 2), np.int64), np.empty((2, nnz + 1), np.int64)
    for by_count in (False, True):
        depth = _order(ip, ix, by_count, perm, place, first)
        count = [_runs(ip, ix, perm, place, first, side, runs[side], distances[side]) for side in (0, 1)]
        in_runs = sum(
            int((np.diff(runs[side, : c + 1, 0]) * (runs[side, :c, 1] >= 0)).sum()) for side, c in enumerate(count)
        )
        if in_runs >= n:
            break
    prog = np.empty(nnz + 2 * n + 8 * sum(count), ix.dtype)
    middle, values = _write(ip, ix, perm, place, 0, count[0], runs[0], distances[0], 0, 0, prog, dest, diag)
    end, total = _write(ip, ix, perm, place, 1, count[1], runs[1], distances[1], middle, values, prog, dest, diag)
    dest[diag[diag < nnz]] = total
    base = HEAD + 2 * n + nnz
    head = np.array([n, nnz, total, base, base + middle, values, depth, in_runs], ix.dtype)
    return np.concatenate((head, perm, dest, diag, prog[:end]))


@njit(cache=True, fastmath=ROWWISE, forceinline=True)
def segment(plan, mat, pc, q, om, src, y, side):
    """``y_k -= om sum_j mat_kj src_j`` over the rows of the segment at `pc`; returns where the next one is."""
    s, rows, m = _U(plan[pc]), _U(plan[pc + _ONE]), _U(plan[pc + _TWO])
    pc += _THREE
    if m == _ROWS:
        cols = pc + rows + _ONE
        e = _ZERO
        for l in range(rows):
            k = s - l if side else s + l
            c = y.dtype.type(0)
            end = _U(plan[pc + l + _ONE])
            while e < end:
                c += mat[q + e] * src[plan[cols + e]]
                e += _ONE
            y[k] -= om * c
        return cols + e, q + e
    if m & _ONE:  # not after the pairs: there the compiler loses the vector form of both loops
        a = s + _U(plan[pc]) if side else s - _U(plan[pc])
        for l in range(rows):
            y[s + l] -= om * (mat[q + l] * src[a + l])
        pc, q, m = pc + _ONE, q + rows, m - _ONE
    while m > _ZERO:
        a = s + _U(plan[pc]) if side else s - _U(plan[pc])
        b = s + _U(plan[pc + _ONE]) if side else s - _U(plan[pc + _ONE])
        q2 = q + rows
        for l in range(rows):
            y[s + l] -= om * (mat[q + l] * src[a + l] + mat[q2 + l] * src[b + l])
        pc, q, m = pc + _TWO, q2 + rows, m - _TWO
    return pc, q


@njit(cache=True, fastmath=FAST)
def lower_solve(plan, mat, om, y):
    """``y = (I + om L)^-1 y`` in the renumbered order, in place."""
    pc, q = _U(plan[LOWER]), _ZERO
    while pc < _U(plan[UPPER]):
        count = _U(plan[pc + _TWO])
        pc += _THREE
        for _ in range(count):
            pc, q = segment(plan, mat, pc, q, om, y, y, False)


@njit(cache=True, fastmath=FAST)
def upper_solve(plan, mat, om, y):
    """``y = (I + om U)^-1 y`` in the renumbered order, in place."""
    pc, q = _U(plan[UPPER]), _U(plan[UPPER_VALUES])
    while pc < _U(plan.shape[0]):
        count = _U(plan[pc + _TWO])
        pc += _THREE
        for _ in range(count):
            pc, q = segment(plan, mat, pc, q, om, y, y, True)


def allocate(plan, dtype):
    """Room for ``L D U`` on a plan, in one array: its values, the inverse of D (renumbered) and n numbers of scratch."""
    return np.zeros(int(plan[VALUES]) + 2 * int(plan[0]), dtype)


@njit(cache=True, fastmath=FAST)
def solve(plan, fac, r, z):
    """``z = (L D U)^-1 r``, L and U with unit diagonal; z may be r. The scratch in `fac` is written."""
    n = r.shape[0]
    base = _U(plan[VALUES])
    inv, y = fac[base : base + _U(n)], fac[base + _U(n) :]
    one = r.real.dtype.type(1)
    for k in range(n):
        y[k] = r[plan[HEAD + k]]
    lower_solve(plan, fac, one, y)
    for k in range(n):
        y[k] *= inv[k]
    upper_solve(plan, fac, one, y)
    for k in range(n):
        z[plan[HEAD + k]] = y[k]
