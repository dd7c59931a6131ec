"""What moves all of the support at once: a Newton step on its factor, and Anderson's extrapolation of the last epochs."""

import math

from numba import njit

from . import factor
from .certificate import objective
from .columns import add, copy, dot, length
from .counters import ENTRIES, FLOPS, JUMPS, NACT, NEWTONS, ORDER, SINGULAR, SPENT, STORED
from .quadratic_model import level, weight

__all__ = ["DEPTH", "extrapolate", "newton", "store_iterate"]

DEPTH = 5


@njit(cache=True, error_model="numpy")
def _taken(store, XT, ip, kind, lo, hi, W, count, w, wanted, where, most):
    """The support within W into ``wanted``: its size (-1 when above ``most``), new ones in it, entries of its columns."""
    k = fresh = entries = 0
    for q in range(count):
        b = W[q]
        if (w[b] != 0.0) if kind == 0 else (lo[b] < w[b] < hi[b]):
            if k >= most:
                return -1, 0, 0
            wanted[k] = b
            fresh += where[b] < 0
            entries += length(store, XT, ip, b)
            k += 1
    return k, fresh, entries


@njit(cache=True, error_model="numpy")
def _reach(kind, l1, lo, hi, A, k, w, d):
    """How far the step d can go: whole or not, the first kink or bound on the way, and whose; finite or not."""
    whole, finite = True, True
    alpha, stop = 1.0, -1
    for i in range(k):
        j = A[i]
        new = w[j] + d[i]
        if kind == 0 and l1 > 0.0 and new * w[j] <= 0.0:
            whole = False
            if -w[j] / d[i] < alpha:
                alpha, stop = -w[j] / d[i], i
        elif kind == 1 and not lo[j] <= new <= hi[j]:
            whole = False
            room = ((hi[j] if new > hi[j] else lo[j]) - w[j]) / d[i]
            if room < alpha:
                alpha, stop = room, i
        finite = finite and math.isfinite(new)
    return whole, alpha, stop, finite


@njit(cache=True, error_model="numpy")
def _go(X, kind, l1, lo, hi, A, k, w, v, h, d, alpha, stop, cut):
    """Move the support by d, what passes a kink or bound stopping there; or, ``cut``, by alpha d up to the first one."""
    store, XT, data, ix, ip = X
    for i in range(k):
        j = A[i]
        before = w[j]
        new = before + (alpha * d[i] if cut else d[i])
        if kind == 0 and l1 > 0.0 and (new * before <= 0.0 or (cut and i == stop)):
            new = 0.0
        if kind == 1:
            new = min(max(new, lo[j]), hi[j])
            if cut and i == stop:
                new = lo[j] if d[i] < 0 else hi[j]
        w[j] = new
        add(store, XT, data, ix, ip, j, new - before, h, v)


@njit(cache=True, error_model="numpy")
def _direction(X, loss, kind, par, lo, hi, W, count, icpt, w, v, h, fac, ints, reals):
    """Newton's direction on the support into ``fac``'s d, its factor brought up to date; the order, 0 for none."""
    store, XT, data, ix, ip = X
    A, Lf, m, where, wanted, d, column, _ = fac
    if reals[SPENT] < 3.0 * ints[NACT] * ints[NACT] and loss != 1:
        return 0
    k, fresh, entries = _taken(store, XT, ip, kind, lo, hi, W, count, w, wanted, where, Lf.shape[0] - 2)
    if k <= 0:
        return 0
    if loss == 1:  # another curvature: the factor is made anew
        for i in range(ints[ORDER]):
            where[A[i]] = -1
        ints[ORDER], fresh = 0, k
    changes = fresh + ints[ORDER] - (k - fresh)
    work = changes * (1.0 * k * k + (entries if store < 2 else 1.0 * k)) * 0.7 + 3.0 * k * k + 4.0 * entries
    if reals[SPENT] < work:
        return 0
    reals[SPENT] = 0.0
    reals[FLOPS] += work
    l1, l2 = (par[0], par[1]) if kind == 0 else (0.0, 0.0)
    hsum = weight(h, v.shape[0])
    order = factor.follow(store, XT, data, ix, ip, h, hsum, icpt, l2, wanted, k, A, Lf, m, ints[ORDER], where, column)
    ints[ORDER] = order
    ints[SINGULAR] += order < k
    for i in range(order):
        j = A[i]
        g = dot(store, XT, data, ix, ip, j, v) + l2 * w[j]
        d[i] = -(g + (l1 if w[j] > 0 else -l1)) if kind == 0 else -g
    factor.solve(Lf, order, d)
    return order


@njit(cache=True, error_model="numpy")
def newton(X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, w0, v, h, fac, scratch, ints, reals):
    """A Newton step on the support: 0 not made, 1 made, 2 made in full, so that the support is solved."""
    A, d, hold = fac[0], fac[5], fac[7]
    k = _direction(X, loss, kind, par, lo, hi, W, count, icpt, w, v, h, fac, ints, reals)
    if k == 0:
        return 0
    l1 = par[0] if kind == 0 else 0.0
    whole, alpha, stop, finite = _reach(kind, l1, lo, hi, A, k, w, d)
    if not finite:
        return 0
    ints[NEWTONS] += 1
    if loss == 1:  # the line search judges it
        for i in range(k):
            j = A[i]
            new = w[j] + d[i]
            w[j] = 0.0 if l1 > 0.0 and new * w[j] <= 0.0 and kind == 0 else new
            if kind == 1:
                w[j] = min(max(new, lo[j]), hi[j])
        return 1
    start = objective(X[0], loss, y, yy, kind, par, W, count, ptr, idx, w, v)
    copy(v, scratch)
    held = w[-1]
    for i in range(k):
        hold[i] = w[A[i]]
    for sort in range(2):
        _go(X, kind, l1, lo, hi, A, k, w, v, h, d, alpha, stop, sort == 1)
        if icpt:
            level(h, weight(h, v.shape[0]), w, v)
        if whole or objective(X[0], loss, y, yy, kind, par, W, count, ptr, idx, w, v) <= start:
            break
        for i in range(k):
            w[A[i]] = hold[i]
        copy(scratch, v)
        if icpt:
            w[-1] = held
        if sort == 1:
            return 0
    return 2 if whole else 1


@njit(cache=True, error_model="numpy")
def store_iterate(kind, ptr, idx, W, count, w, past, ints):
    """The iterate over W as the next row of ``past``."""
    at, size = ints[STORED], 0
    for q in range(count):
        b = W[q]
        first, last = (ptr[b], ptr[b + 1]) if kind == 2 else (0, 1)
        for k in range(first, last):
            past[at, size] = w[idx[k] if kind == 2 else b]
            size += 1
    ints[STORED] += 1


@njit(cache=True, error_model="numpy")
def _products(past, size, R):
    """Inner products of the changes between the iterates kept."""
    for a in range(DEPTH):
        for b in range(a + 1):
            t = 0.0
            for i in range(size):
                t += (past[a + 1, i] - past[a, i]) * (past[b + 1, i] - past[b, i])
            R[a, b] = R[b, a] = t


@njit(cache=True, error_model="numpy")
def extrapolate(X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, v, h, past, gram, scratch, ints, reals):
    """Anderson: the combination of the last iterates whose changes cancel best, taken where the objective falls."""
    store, XT, data, ix, ip = X
    store_iterate(kind, ptr, idx, W, count, w, past, ints)
    if ints[STORED] <= DEPTH:
        return
    size = 0
    for q in range(count):
        size += ptr[W[q] + 1] - ptr[W[q]] if kind == 2 else 1
    _products(past, size, gram)
    if not _weights(gram):
        return
    c = gram[DEPTH]
    start = objective(store, loss, y, yy, kind, par, W, count, ptr, idx, w, v)
    copy(v, scratch)
    held = w[-1]
    i = 0
    for q in range(count):
        block = W[q]
        first, last = (ptr[block], ptr[block + 1]) if kind == 2 else (0, 1)
        for k in range(first, last):
            j = idx[k] if kind == 2 else block
            new = 0.0
            for a in range(DEPTH):
                new += c[a] * past[a + 1, i]
            if kind == 1:
                new = min(max(new, lo[j]), hi[j])
            if new != w[j]:
                add(store, XT, data, ix, ip, j, new - w[j], h, v)
                w[j] = new
                reals[ENTRIES] += length(store, XT, ip, j)
            i += 1
    if icpt:
        level(h, weight(h, v.shape[0]), w, v)
    if objective(store, loss, y, yy, kind, par, W, count, ptr, idx, w, v) < start:
        ints[JUMPS] += 1
        return
    copy(scratch, v)
    i = 0
    for q in range(count):
        block = W[q]
        first, last = (ptr[block], ptr[block + 1]) if kind == 2 else (0, 1)
        for k in range(first, last):
            w[idx[k] if kind == 2 else block] = past[DEPTH, i]
            i += 1
    if icpt:
        w[-1] = held


@njit(cache=True, error_model="numpy")
def _weights(R):
    """``R c = 1`` scaled to sum one, by elimination with a ridge; c is left in the last row. False when it is not finite."""
    k = DEPTH
    trace = 0.0
    for i in range(k):
        trace += R[i, i]
        R[k, i] = 1.0
    for i in range(k):
        R[i, i] += 1e-14 * trace + 1e-300
    for i in range(k):
        for a in range(i + 1, k):
            f = R[a, i] / R[i, i]
            for b in range(i, k):
                R[a, b] -= f * R[i, b]
            R[k, a] -= f * R[k, i]
    sum_c = 0.0
    for i in range(k - 1, -1, -1):
        for b in range(i + 1, k):
            R[k, i] -= R[i, b] * R[k, b]
        R[k, i] /= R[i, i]
        sum_c += R[k, i]
    for i in range(k):
        R[k, i] /= sum_c
    return math.isfinite(sum_c) and sum_c != 0.0
