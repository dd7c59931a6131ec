"""Which blocks descent works on: the measure over a list of blocks, screening, and the choice of a working set.

A block *takes part* while it is not at rest: off zero (norms), or off its bounds or pushed away from them.
"""

import math

import numpy as np
from numba import njit

from .certificate import certificate
from .columns import dot, length
from .counters import ENTRIES, NKEEP, NNEAR, NW, F

__all__ = ["active", "choose", "inside", "look_around", "measure"]


@njit(cache=True, error_model="numpy")
def inside(kind, l1, lo, hi, ptr, idx, w, score, b):
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
def active(kind, par, lo, hi, ptr, idx, W, count, w, act):
    """The blocks of W that take part."""
    q = 0
    for i in range(count):
        if kind == 1:
            within = lo[W[i]] < w[W[i]] < hi[W[i]]
        else:
            within = inside(kind, par[0], lo, hi, ptr, idx, w, w, W[i])
        if within:
            act[q] = W[i]
            q += 1
    return q


@njit(cache=True, error_model="numpy")
def look_around(kind, par, lo, hi, ptr, idx, C, keep, near, w, score, gap, t, screening, ints):
    """After a look at all blocks: screen blocks out for good, and choose those that the next looks are at."""
    l1 = par[0]
    left = close = 0
    radius = math.sqrt(2.0 * gap) if screening else np.inf
    for q in range(ints[NKEEP]):
        b = keep[q]
        within = inside(kind, l1, lo, hi, ptr, idx, w, score, b)
        if screening and not within and t * score[b] + radius * math.sqrt(C[b]) < l1 * (1.0 - 1e-10):
            continue
        keep[left] = b
        left += 1
        if within or kind == 1 or score[b] >= 0.6 * l1:
            near[close] = b
            close += 1
    ints[NKEEP], ints[NNEAR] = left, close


@njit(cache=True, error_model="numpy")
def _bar(kind, l1, lo, hi, ptr, idx, near, count, w, score, bar, want):
    """A bar that lets about ``want`` of the near ones join, by bisection."""
    low, high = bar, bar
    for i in range(count):
        high = max(high, score[near[i]])
    above = 0
    for _ in range(30):
        bar = 0.5 * (low + high)
        above = 0
        for i in range(count):
            b = near[i]
            above += score[b] >= bar and not inside(kind, l1, lo, hi, ptr, idx, w, score, b)
        if above > want:
            low = bar
        elif above < 0.7 * want:
            high = bar
        else:
            break
    return bar if above > 0 else low


@njit(cache=True, error_model="numpy")
def choose(kind, par, lo, hi, ptr, idx, C, near, w, score, gap, t, screening, W, ints):
    """Screen the near ones by the gap over them, and choose W: the support, and what is nearest to joining it."""
    l1 = par[0]
    left = own = more = 0
    radius = math.sqrt(2.0 * gap) if screening else np.inf
    for q in range(ints[NNEAR]):
        b = near[q]
        if inside(kind, l1, lo, hi, ptr, idx, w, score, b):
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
    if own + more > cap and more > 0:
        bar = _bar(kind, l1, lo, hi, ptr, idx, near, left, w, score, bar, max(cap - own, 10))
    q = 0
    for i in range(left):
        b = near[i]
        if inside(kind, l1, lo, hi, ptr, idx, w, score, b) or (kind != 1 and score[b] >= bar):
            W[q] = b
            q += 1
    ints[NW] = q


@njit(cache=True, error_model="numpy")
def measure(X, loss, y, yy, kind, cert, par, lo, hi, ptr, idx, C, blocks, count, w, v, s, score, reals):
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
