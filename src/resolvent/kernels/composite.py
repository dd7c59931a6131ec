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

from numba import njit

from .certificate import certificate, refresh, soft
from .columns import FAST, add, dot, length
from .counters import (
    CHECKS,
    ENTRIES,
    FIRST,
    GAP,
    INNER,
    KNOWN,
    NACT,
    NEED,
    NKEEP,
    NNEAR,
    NW,
    SINCE,
    SPENT,
    STORED,
    STUCK,
    TARGET,
    WIDE,
    F,
)
from .quadratic_model import level, model, search, weight
from .support import DEPTH, extrapolate, newton, store_iterate
from .working_set import active, choose, look_around, measure

__all__ = ["descend", "refresh"]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def epoch(X, kind, par, lo, hi, ptr, idx, W, count, L, h, w, v, old, reals):
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
def _look(
    X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, icpt, C, L, w, v, z, w0, h, s, score, keep, near, W, past, ints,
    reals, goal, screening,
):  # fmt: skip
    """The measure over all blocks, or those near to taking part, and a new W; False where there is an end to it."""
    if icpt and loss == 1:
        model(X, y, kind, ptr, idx, W, 0, icpt, C, L, w, w0, z, v, h, reals)
    elif icpt:
        level(h, weight(h, v.shape[0]), w, v)
    if ints[STUCK] == 1:
        ints[WIDE] = 1
    if ints[KNOWN] == 1:
        gap, t = certificate(
            X[0], loss, y, yy, reals[F], kind, cert, par, lo, hi, ptr, idx, C, keep, ints[NKEEP], w, v, s, score
        )
    else:
        blocks, count = (keep, ints[NKEEP]) if ints[WIDE] == 1 else (near, ints[NNEAR])
        gap, t = measure(X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, C, blocks, count, w, v, s, score, reals)
    ints[CHECKS] += 1
    if ints[STUCK] == 1:
        ints[STUCK] = 2 if not gap < 0.5 * reals[GAP] else 0
    reals[GAP] = gap
    if gap <= goal or ints[STUCK] == 2 or not math.isfinite(gap):
        return False
    ints[NEED], ints[SINCE], ints[STORED], ints[INNER] = 0, 0, 0, 0
    if ints[WIDE] == 1 or ints[KNOWN] == 1:
        look_around(kind, par, lo, hi, ptr, idx, C, keep, near, w, score, gap, t, screening, ints)
        ints[WIDE] = ints[KNOWN] = 0
    choose(kind, par, lo, hi, ptr, idx, C, near, w, score, gap, t, screening, W, ints)
    reals[TARGET] = max(0.5 * goal, 0.1 * gap)
    if loss == 1:
        model(X, y, kind, ptr, idx, W, ints[NW], icpt, C, L, w, w0, z, v, h, reals)
    else:
        store_iterate(kind, ptr, idx, W, ints[NW], w, past, ints)
    return True


@njit(cache=True, error_model="numpy")
def _move_model(
    X, loss, y, yy, kind, par, lo, hi, ptr, idx, icpt, C, L, w, v, z, w0, h, W, one, fac, scratch, ints, reals, steps
):
    """Logistic: search along what the epochs found, and along a Newton step; returns the last step taken."""
    count = ints[NW]
    step = search(X, y, kind, par, ptr, idx, W, count, icpt, w, w0, z, v, one, scratch, reals)
    model(X, y, kind, ptr, idx, W, count, icpt, C, L, w, w0, z, v, h, reals)
    if steps and newton(
        X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, w0, v, h, fac, scratch, ints, reals
    ):
        step = search(X, y, kind, par, ptr, idx, W, count, icpt, w, w0, z, v, one, scratch, reals)
        model(X, y, kind, ptr, idx, W, count, icpt, C, L, w, w0, z, v, h, reals)
    return step


@njit(cache=True, error_model="numpy")
def _accelerate(
    X, loss, y, yy, kind, par, lo, hi, ptr, idx, icpt, w, v, w0, h, W, past, gram, fac, scratch, ints, reals, anderson,
    steps,
):  # fmt: skip
    """A Newton step, or else an extrapolation where that is due; True where the support is solved."""
    count = ints[NW]
    made = 0
    if steps:
        made = newton(
            X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, w0, v, h, fac, scratch, ints, reals
        )
    if made:
        ints[STORED] = 0
    elif anderson:
        extrapolate(
            X, loss, y, yy, kind, par, lo, hi, ptr, idx, W, count, icpt, w, v, h, past, gram, scratch, ints, reals
        )
        if ints[STORED] <= DEPTH:
            return False
        ints[STORED] = 0
    else:
        return False
    store_iterate(kind, ptr, idx, W, count, w, past, ints)  # the next ones begin here
    return made == 2


@njit(cache=True, error_model="numpy")
def _sweep(X, loss, kind, par, lo, hi, ptr, idx, icpt, L, w, v, h, W, act, old, ints, reals, whole):
    """One epoch, over W or over what takes part, and the intercept; returns how much moved."""
    if whole or loss == 1:
        moved = epoch(X, kind, par, lo, hi, ptr, idx, W, ints[NW], L, h, w, v, old, reals)
        ints[NACT] = active(kind, par, lo, hi, ptr, idx, W, ints[NW], w, act)
    else:
        moved = epoch(X, kind, par, lo, hi, ptr, idx, act, ints[NACT], L, h, w, v, old, reals)
    if icpt:
        level(h, weight(h, v.shape[0]), w, v)
    ints[SINCE] += 1
    if moved == 0.0 and not whole and loss != 1:
        ints[SINCE] += (5 - ints[SINCE] % 5) % 5
    return moved


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
    steps = options[1] == 1 and kind != 2
    while True:
        if ints[NEED] == 1 and not _look(
            X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, icpt, C, L, w, v, z, w0, h, s, score, keep, near, W,
            past, ints, reals, goal, options[2] == 1 and cert == 1,
        ):  # fmt: skip
            return done
        if done >= room:
            return done
        whole = ints[SINCE] % 5 == 0
        moved = _sweep(X, loss, kind, par, lo, hi, ptr, idx, icpt, L, w, v, h, W, act, old, ints, reals, whole)
        done += 1
        if loss == 1:
            ints[INNER] += 1
            if ints[INNER] == 1:
                reals[FIRST] = moved
            if moved > 0.01 * reals[FIRST] and ints[INNER] < 10:
                continue
            ints[INNER] = 0
            step = _move_model(
                X, loss, y, yy, kind, par, lo, hi, ptr, idx, icpt, C, L, w, v, z, w0, h, W, one, fac, scratch, ints,
                reals, steps,
            )  # fmt: skip
            moved = 0.0 if step < 1e-7 else moved
        else:
            due = ints[SINCE] % 5 == 0 or moved == 0.0
            if _accelerate(
                X, loss, y, yy, kind, par, lo, hi, ptr, idx, icpt, w, v, w0, h, W, past, gram, fac, scratch, ints,
                reals, options[0] == 1, steps,
            ):  # fmt: skip
                ints[SINCE] += (5 - ints[SINCE] % 5) % 5
            elif not due:
                continue
        inner, _ = measure(X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, C, W, ints[NW], w, v, s, score, reals)
        stuck = moved == 0.0 and (whole or loss == 1)
        if inner <= reals[TARGET] or stuck:
            ints[NEED] = 1
            if stuck and inner > reals[TARGET]:
                ints[STUCK] = 1
