"""Proximal cyclic descent with working sets, screening, extrapolation and Newton steps on the support, in one kernel.

Coordinates (or groups) of a working set W are minimised in turn against the kept slope v of the loss,

    w_b <- prox_b( w_b - s_b / L_b ),   s_b = x_b' v,   v += h x_b (change)

and every so often: Anderson's extrapolation of the last epochs; a Newton step on the support (its factor follows the
support) once the epochs since the last one have cost as much; the measure over W; and when W is solved, over all
blocks that are not screened out, where a new W is chosen. For the logistic loss v and h are those of the quadratic model
at w0, and every few epochs a line search on the true objective moves the model.

All memory is in arrays, so that a run may stop after any epoch and go on later with the same iterates.
"""

import math

import numpy as np
from numba import njit

from . import factor
from .certificate import certificate, objective, refresh, soft
from .columns import FAST, add, copy, dot, largest, length, total

__all__ = ["descend"]

# places in the array of counters
NW, NKEEP, NEED, SINCE, STORED, ORDER, STUCK, NEWTONS, JUMPS, CHECKS, SINGULAR, INNER, NNEAR, KNOWN, WIDE, NACT = range(
    16
)
# places in the array of numbers
GAP, SPENT, ENTRIES, FLOPS, F, FIRST, TARGET, BEFORE = range(8)
_DEPTH = 5


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _epoch(X, kind, par, lo, hi, ptr, idx, W, count, L, h, w, v, old, reals):
    """One pass over W; returns the sum of L (change)^2."""
    store, XT, data, ix, ip = X
    moved = 0.0
    entries = 0
    for q in range(count):
        b = W[q]
        c = L[b]
        if kind == 2:
            if c <= 0.0:
                continue
            size = 0.0
            for k in range(ptr[b], ptr[b + 1]):
                j = idx[k]
                old[k] = w[j]
                w[j] -= dot(store, XT, data, ix, ip, j, v) / c
                size += w[j] * w[j]
                entries += length(store, XT, ip, j)
            size = math.sqrt(size)
            shrink = 1.0 - par[0] / (c * size) if size * c > par[0] else 0.0
            for k in range(ptr[b], ptr[b + 1]):
                j = idx[k]
                w[j] *= shrink
                if w[j] != old[k]:
                    add(store, XT, data, ix, ip, j, w[j] - old[k], h, v)
                    moved += c * (w[j] - old[k]) ** 2
            continue
        entries += length(store, XT, ip, b) if store < 2 else 1
        before = w[b]
        if kind == 0:
            c += par[1]
            if L[b] <= 0.0:
                w[b] = 0.0
                continue
            u = soft(before - (dot(store, XT, data, ix, ip, b, v) + par[1] * before) / c, par[0] / c)
        else:
            if c <= 0.0:
                continue
            u = min(max(before - dot(store, XT, data, ix, ip, b, v) / c, lo[b]), hi[b])
        if u != before:
            w[b] = u
            add(store, XT, data, ix, ip, b, u - before, h, v)
            entries += length(store, XT, ip, b)
            moved += c * (u - before) ** 2
    reals[ENTRIES] += entries
    reals[SPENT] += 2.0 * entries
    return moved


@njit(cache=True, error_model="numpy")
def _active(kind, par, lo, hi, ptr, idx, W, count, w, act):
    """The blocks of W that take part."""
    q = 0
    for i in range(count):
        if kind == 1:
            inside = lo[W[i]] < w[W[i]] < hi[W[i]]
        else:
            inside = _inside(kind, par[0], lo, hi, ptr, idx, w, w, W[i])
        if inside:
            act[q] = W[i]
            q += 1
    return q


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _level(h, hsum, w, v):
    """The best intercept: the slopes sum to zero."""
    delta = -total(v) / hsum
    w[-1] += delta
    if h.shape[0] == 1:
        for i in range(v.shape[0]):
            v[i] += delta * h[0]
    else:
        for i in range(v.shape[0]):
            v[i] += delta * h[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _weight(h, n):
    return h[0] * n if h.shape[0] == 1 else total(h)


@njit(cache=True, error_model="numpy")
def _look_around(kind, par, lo, hi, ptr, idx, C, keep, near, w, score, gap, t, screening, ints):
    """After a look at all blocks: screen blocks out for good, and choose those that the next looks are at."""
    l1 = par[0]
    left = close = 0
    radius = math.sqrt(2.0 * gap) if screening else np.inf
    for q in range(ints[NKEEP]):
        b = keep[q]
        inside = _inside(kind, l1, lo, hi, ptr, idx, w, score, b)
        if screening and not inside and t * score[b] + radius * math.sqrt(C[b]) < l1 * (1.0 - 1e-10):
            continue
        keep[left] = b
        left += 1
        if inside or kind == 1 or score[b] >= 0.6 * l1:
            near[close] = b
            close += 1
    ints[NKEEP], ints[NNEAR] = left, close


@njit(cache=True, error_model="numpy")
def _choose(kind, par, lo, hi, ptr, idx, C, near, w, score, gap, t, screening, W, ints):
    """Screen the near ones by the gap over them, and choose W: the support, and what is nearest to joining it."""
    l1 = par[0]
    left = own = more = 0
    radius = math.sqrt(2.0 * gap) if screening else np.inf
    for q in range(ints[NNEAR]):
        b = near[q]
        if _inside(kind, l1, lo, hi, ptr, idx, w, score, b):
            own += 1
        elif screening and t * score[b] + radius * math.sqrt(C[b]) < l1 * (1.0 - 1e-10):
            continue
        elif kind != 1 and score[b] >= 0.9 * l1:
            more += 1
        near[left] = b
        left += 1
    ints[NNEAR] = left
    cap = max(100, 2 * own + 50)
    bar = 0.9 * l1
    if own + more > cap and more > 0:  # a bar that lets about as many join as there is room for, by bisection
        want = max(cap - own, 10)
        low, high = bar, bar
        for i in range(left):
            high = max(high, score[near[i]])
        above = 0
        for _ in range(30):
            bar = 0.5 * (low + high)
            above = 0
            for i in range(left):
                b = near[i]
                above += score[b] >= bar and not _inside(kind, l1, lo, hi, ptr, idx, w, score, b)
            if above > want:
                low = bar
            elif above < 0.7 * want:
                high = bar
            else:
                break
        bar = bar if above > 0 else low
    q = 0
    for i in range(left):
        b = near[i]
        if _inside(kind, l1, lo, hi, ptr, idx, w, score, b) or (kind != 1 and score[b] >= bar):
            W[q] = b
            q += 1
    ints[NW] = q


@njit(cache=True, error_model="numpy")
def _inside(kind, l1, lo, hi, ptr, idx, w, score, b):
    """Whether a block takes part already."""
    if kind == 2:
        found = False
        for k in range(ptr[b], ptr[b + 1]):
            found = found or w[idx[k]] != 0.0
        return found
    if kind == 0:
        return w[b] != 0.0 or l1 == 0.0
    return lo[b] < w[b] < hi[b] or score[b] > 0.0


@njit(cache=True, error_model="numpy")
def _measure(X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, C, blocks, count, w, v, s, score, reals):
    """The measure over the blocks listed, their slopes included."""
    store, XT, data, ix, ip = X
    for q in range(count):
        b = blocks[q]
        if kind == 2:
            for k in range(ptr[b], ptr[b + 1]):
                s[idx[k]] = dot(store, XT, data, ix, ip, idx[k], v)
                reals[ENTRIES] += length(store, XT, ip, idx[k]) if store < 2 else 1
        else:
            s[b] = dot(store, XT, data, ix, ip, b, v)
            reals[ENTRIES] += length(store, XT, ip, b) if store < 2 else 1
    return certificate(
        store, loss, y, yy, reals[F], kind, cert, par, lo, hi, ptr, idx, C, blocks, count, w, v, s, score
    )


@njit(cache=True, error_model="numpy")
def _penalty(kind, par, W, count, ptr, idx, w):
    out = 0.0
    for q in range(count):
        b = W[q]
        if kind == 2:
            size = 0.0
            for k in range(ptr[b], ptr[b + 1]):
                size += w[idx[k]] ** 2
            out += par[0] * math.sqrt(size)
        elif kind == 0:
            out += par[0] * abs(w[b]) + 0.5 * par[1] * w[b] * w[b]
    return out


@njit(cache=True, error_model="numpy")
def _search(X, y, kind, par, ptr, idx, W, count, icpt, w, w0, z, v, one, trial, reals):
    """Logistic: from w0 towards w until the true objective falls; then the model is moved there. Returns the step."""
    store, XT, data, ix, ip = X
    move = v  # scratch: the model's slope is not needed any more
    for i in range(move.shape[0]):
        move[i] = 0.0
    for q in range(count):
        b = W[q]
        first, last = (ptr[b], ptr[b + 1]) if kind == 2 else (0, 1)
        for k in range(first, last):
            j = idx[k] if kind == 2 else b
            if w[j] != w0[j]:
                add(store, XT, data, ix, ip, j, w[j] - w0[j], one, move)
                reals[ENTRIES] += length(store, XT, ip, j)
    lift = w[-1] - w0[-1] if icpt else 0.0
    start = reals[F] + _penalty(kind, par, W, count, ptr, idx, w0)
    step = 1.0
    while True:
        for i in range(z.shape[0]):
            trial[i] = z[i] + step * (move[i] + lift)
        value = 0.0
        for i in range(z.shape[0]):
            m = y[i] * trial[i]
            value += math.log1p(math.exp(-abs(m))) + (0.0 if m > 0 else -m)
        value /= z.shape[0]
        if value + _penalty(kind, par, W, count, ptr, idx, w) <= start * (1.0 + 1e-14) or step < 1e-8:
            break
        step *= 0.5
        for q in range(count):
            b = W[q]
            first, last = (ptr[b], ptr[b + 1]) if kind == 2 else (0, 1)
            for k in range(first, last):
                j = idx[k] if kind == 2 else b
                w[j] = w0[j] + 0.5 * (w[j] - w0[j])
        if icpt:
            w[-1] = w0[-1] + 0.5 * (w[-1] - w0[-1])
    copy(trial, z)
    return step


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _curvature(store, XT, data, ix, ip, j, h):
    """``sum_i h_i x_ij^2``."""
    c = 0.0
    if store == 1:
        for k in range(ip[j], ip[j + 1]):
            c += data[k] * data[k] * h[ix[k]]
    else:
        x = XT[j]
        for i in range(h.shape[0]):
            c += x[i] * x[i] * h[i]
    return c


@njit(cache=True, error_model="numpy")
def _model(X, y, kind, ptr, idx, W, count, icpt, C, L, w, w0, z, v, h, reals):
    """Logistic: value, slope and curvature at w, its best intercept first; the constants of W."""
    store, XT, data, ix, ip = X
    reals[F] = refresh(1, y, z, v, h)
    if icpt:
        for _ in range(30):
            slope, weight = total(v), total(h)
            if abs(slope) <= 1e-15 or not weight > 1e-12:
                break
            delta = -slope / weight
            delta = min(max(delta, -2.0), 2.0)
            w[-1] += delta
            for i in range(z.shape[0]):
                z[i] += delta
            reals[F] = refresh(1, y, z, v, h)
        w0[-1] = w[-1]
    most = 4.0 * h.shape[0] * largest(h)
    for q in range(count):
        b = W[q]
        if kind == 2:
            c = 0.0
            for k in range(ptr[b], ptr[b + 1]):
                c += _curvature(store, XT, data, ix, ip, idx[k], h)
                reals[ENTRIES] += length(store, XT, ip, idx[k])
            L[b] = max(min(c, C[b] * most), 1e-10 * C[b])
            continue
        w0[b] = w[b]
        L[b] = max(_curvature(store, XT, data, ix, ip, b, h), 1e-10 * C[b])
        reals[ENTRIES] += length(store, XT, ip, b)
    if kind == 2:
        copy(w, w0)


@njit(cache=True, error_model="numpy")
def _newton(X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, w0, v, h, fac, scratch, ints, reals):
    """A Newton step on the support: 0 not made, 1 made, 2 made in full, so that the support is solved."""
    store, XT, data, ix, ip = X
    A, Lf, m, where, wanted, d, column, hold = fac
    k = 0
    entries = 0
    fresh = 0
    if reals[SPENT] < 3.0 * ints[NACT] * ints[NACT] and loss != 1:
        return 0
    for q in range(count):
        b = W[q]
        if (w[b] != 0.0) if kind == 0 else (lo[b] < w[b] < hi[b]):
            if k + 2 >= Lf.shape[0]:
                return 0
            wanted[k] = b
            fresh += where[b] < 0
            entries += length(store, XT, ip, b)
            k += 1
    if k == 0:
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
    hsum = _weight(h, v.shape[0])
    l1, l2 = (par[0], par[1]) if kind == 0 else (0.0, 0.0)
    order = factor.follow(store, XT, data, ix, ip, h, hsum, icpt, l2, wanted, k, A, Lf, m, ints[ORDER], where, column)
    ints[ORDER] = order
    ints[SINGULAR] += order < k
    k = order
    if k == 0:
        return 0
    for i in range(k):
        j = A[i]
        g = dot(store, XT, data, ix, ip, j, v) + l2 * w[j]
        d[i] = -(g + (l1 if w[j] > 0 else -l1)) if kind == 0 else -g
    factor.solve(Lf, k, d)
    whole = True
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
        if not math.isfinite(new):
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
    start = objective(store, loss, y, yy, kind, par, W, count, ptr, idx, w, v)
    copy(v, scratch)
    held = w[-1]
    for i in range(k):
        hold[i] = w[A[i]]
    for sort in range(2):
        for i in range(k):
            j = A[i]
            before = w[j]
            new = before + (d[i] if sort == 0 else alpha * d[i])
            if kind == 0 and l1 > 0.0 and (new * before <= 0.0 or (sort == 1 and i == stop)):
                new = 0.0
            if kind == 1:
                new = min(max(new, lo[j]), hi[j])
                if sort == 1 and i == stop:
                    new = lo[j] if d[i] < 0 else hi[j]
            w[j] = new
            add(store, XT, data, ix, ip, j, new - before, h, v)
        if icpt:
            _level(h, hsum, w, v)
        if whole or objective(store, loss, y, yy, kind, par, W, count, ptr, idx, w, v) <= start:
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
def _store(kind, ptr, idx, W, count, w, past, ints):
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
def _extrapolate(
    X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, v, h, past, gram, scratch, ints, reals
):
    """Anderson: the combination of the last iterates whose changes cancel best, taken where the objective falls."""
    store, XT, data, ix, ip = X
    _store(kind, ptr, idx, W, count, w, past, ints)
    if ints[STORED] <= _DEPTH:
        return
    size = 0
    for q in range(count):
        size += ptr[W[q] + 1] - ptr[W[q]] if kind == 2 else 1
    R = gram
    for a in range(_DEPTH):
        for b in range(a + 1):
            t = 0.0
            for i in range(size):
                t += (past[a + 1, i] - past[a, i]) * (past[b + 1, i] - past[b, i])
            R[a, b] = R[b, a] = t
    if not _weights(R):
        return
    c = R[_DEPTH]
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
            for a in range(_DEPTH):
                new += c[a] * past[a + 1, i]
            if kind == 1:
                new = min(max(new, lo[j]), hi[j])
            if new != w[j]:
                add(store, XT, data, ix, ip, j, new - w[j], h, v)
                w[j] = new
                reals[ENTRIES] += length(store, XT, ip, j)
            i += 1
    if icpt:
        _level(h, _weight(h, v.shape[0]), w, v)
    if objective(store, loss, y, yy, kind, par, W, count, ptr, idx, w, v) < start:
        ints[JUMPS] += 1
        return
    copy(scratch, v)
    i = 0
    for q in range(count):
        block = W[q]
        first, last = (ptr[block], ptr[block + 1]) if kind == 2 else (0, 1)
        for k in range(first, last):
            w[idx[k] if kind == 2 else block] = past[_DEPTH, i]
            i += 1
    if icpt:
        w[-1] = held


@njit(cache=True, error_model="numpy")
def _weights(R):
    """``R c = 1`` scaled to sum one, by elimination with a ridge; c is left in the last row. False when it is not finite."""
    k = _DEPTH
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


@njit(cache=True, error_model="numpy")
def descend(
    X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, icpt, C, L, w, v, z, w0, h, s, score, keep, near, W, act,
    past, gram, one, fac, scratch, old, ints, reals, room, goal, options,
):  # fmt: skip
    """Up to ``room`` epochs, or until the measure is at most ``goal``; returns the epochs made.

    After the first look at all blocks, later ones are at those near to taking part: the measure returned is over these,
    and whoever judges the answer looks at all. ``options``: Anderson, Newton, screening
    as 0 or 1. With KNOWN set, s holds the slopes at w on entry. For the logistic loss v and h are at w0 = w on entry.
    """
    done = 0
    screening = options[2] == 1 and cert == 1
    while True:
        if ints[NEED] == 1:
            if icpt and loss == 1:
                _model(X, y, kind, ptr, idx, W, 0, icpt, C, L, w, w0, z, v, h, reals)
            elif icpt:
                _level(h, _weight(h, v.shape[0]), w, v)
            if ints[STUCK] == 1:
                ints[WIDE] = 1
            if ints[KNOWN] == 1:
                blocks, count = keep, ints[NKEEP]
                gap, t = certificate(
                    X[0], loss, y, yy, reals[F], kind, cert, par, lo, hi, ptr, idx, C, keep, count, w, v, s, score
                )
            else:
                blocks, count = (keep, ints[NKEEP]) if ints[WIDE] == 1 else (near, ints[NNEAR])
                gap, t = _measure(
                    X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, C, blocks, count, w, v, s, score, reals
                )
            ints[CHECKS] += 1
            if ints[STUCK] == 1 and not gap < 0.5 * reals[GAP]:
                ints[STUCK] = 2
            elif ints[STUCK] == 1:
                ints[STUCK] = 0
            reals[GAP] = gap
            if gap <= goal or ints[STUCK] == 2 or not math.isfinite(gap):
                return done
            ints[NEED], ints[SINCE], ints[STORED], ints[INNER] = 0, 0, 0, 0
            if ints[WIDE] == 1 or ints[KNOWN] == 1:
                _look_around(kind, par, lo, hi, ptr, idx, C, keep, near, w, score, gap, t, screening, ints)
                ints[WIDE] = ints[KNOWN] = 0
            _choose(kind, par, lo, hi, ptr, idx, C, near, w, score, gap, t, screening, W, ints)
            reals[TARGET] = max(0.5 * goal, 0.1 * gap)
            if loss == 1:
                _model(X, y, kind, ptr, idx, W, ints[NW], icpt, C, L, w, w0, z, v, h, reals)
            else:
                _store(kind, ptr, idx, W, ints[NW], w, past, ints)
        if done >= room:
            return done
        count = ints[NW]
        whole = ints[SINCE] % 5 == 0
        if whole or loss == 1:
            moved = _epoch(X, kind, par, lo, hi, ptr, idx, W, count, L, h, w, v, old, reals)
            ints[NACT] = _active(kind, par, lo, hi, ptr, idx, W, count, w, act)
        else:  # between whole epochs only what takes part
            moved = _epoch(X, kind, par, lo, hi, ptr, idx, act, ints[NACT], L, h, w, v, old, reals)
        if icpt:
            _level(h, _weight(h, v.shape[0]), w, v)
        done += 1
        ints[SINCE] += 1
        if moved == 0.0 and not whole and loss != 1:
            ints[SINCE] += (5 - ints[SINCE] % 5) % 5
        look = ints[SINCE] % 5 == 0 or moved == 0.0
        if loss == 1:
            ints[INNER] += 1
            if ints[INNER] == 1:
                reals[FIRST] = moved
            if moved > 0.01 * reals[FIRST] and ints[INNER] < 10:
                continue
            ints[INNER] = 0
            step = _search(X, y, kind, par, ptr, idx, W, count, icpt, w, w0, z, v, one, scratch, reals)
            _model(X, y, kind, ptr, idx, W, count, icpt, C, L, w, w0, z, v, h, reals)
            if options[1] == 1 and kind != 2:
                made = _newton(
                    X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, w0, v, h, fac, scratch, ints, reals
                )
                if made:
                    step = _search(X, y, kind, par, ptr, idx, W, count, icpt, w, w0, z, v, one, scratch, reals)
                    _model(X, y, kind, ptr, idx, W, count, icpt, C, L, w, w0, z, v, h, reals)
            look = True
            moved = 0.0 if step < 1e-7 else moved
        else:
            made = 0
            if options[1] == 1 and kind != 2:
                made = _newton(
                    X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, w0, v, h, fac, scratch, ints, reals
                )
            if made:
                ints[STORED] = 0
                _store(kind, ptr, idx, W, count, w, past, ints)
                if made == 2:
                    look = True
                    ints[SINCE] += (5 - ints[SINCE] % 5) % 5
            elif options[0] == 1:
                _extrapolate(
                    X,
                    loss,
                    y,
                    yy,
                    kind,
                    par,
                    lo,
                    hi,
                    ptr,
                    idx,
                    W,
                    count,
                    icpt,
                    w,
                    v,
                    h,
                    past,
                    gram,
                    scratch,
                    ints,
                    reals,
                )
                if ints[STORED] > _DEPTH:  # the next five begin here
                    ints[STORED] = 0
                    _store(kind, ptr, idx, W, count, w, past, ints)
        if look:
            inner_gap, _ = _measure(
                X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, C, W, count, w, v, s, score, reals
            )
            stuck = moved == 0.0 and (whole or loss == 1)
            if inner_gap <= reals[TARGET] or stuck:
                ints[NEED] = 1
                if stuck and inner_gap > reals[TARGET]:
                    ints[STUCK] = 1
