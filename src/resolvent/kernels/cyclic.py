"""Cycles of block proximal steps for a loss of X w plus a penalty: exact block slopes, or a recursive estimate of them.

    w_b <- prox_{g / L_b}( w_b - G_b / L_b ),   G_b = X_b' F'(X w)  at the partially updated w

A block is a run of *units*: unit u has the coordinates ``idx[ptr[u]:ptr[u + 1]]`` (one of them, or a group), and block b
the units ``bptr[b]`` to ``bptr[b + 1]``. Losses: 0 least squares, 1 logistic, 3 sigmoid squares; penalties as in
``certificate``.
"""

import math

from numba import njit

from .certificate import soft
from .columns import add, copy, dot, length

__all__ = ["cycle", "estimated", "slope"]


@njit(cache=True, error_model="numpy")
def slope(loss, y, z, v):
    """The mean loss at the margins z; leaves its slope in v."""
    n = y.shape[0]
    total = 0.0
    for i in range(n):
        if loss == 0:
            e = z[i] - y[i]
            v[i] = e / n
            total += 0.5 * e * e
            continue
        m = y[i] * z[i] if loss == 1 else z[i]
        e = math.exp(-abs(m))
        if loss == 1:
            total += math.log1p(e) + (0.0 if m > 0 else -m)
            v[i] = -y[i] * (e / (1.0 + e) if m > 0 else 1.0 / (1.0 + e)) / n
        else:
            s = 1.0 / (1.0 + e) if m > 0 else e / (1.0 + e)
            total += (s - y[i]) * (s - y[i])
            v[i] = 2.0 * (s - y[i]) * e / ((1.0 + e) * (1.0 + e)) / n
    return total / n


@njit(cache=True, error_model="numpy")
def _propose(kind, par, lo, hi, ptr, idx, first, last, w, G, c, new):
    """The proximal step of the units ``first`` to ``last`` with constant c into ``new``; its squared length."""
    square = 0.0
    for u in range(first, last):
        size = 0.0
        for k in range(ptr[u], ptr[u + 1]):
            j = idx[k]
            t = w[j] - G[j] / c
            if kind == 0:
                t = soft(t, par[0] / c) / (1.0 + par[1] / c)
            elif kind == 1:
                t = min(max(t, lo[j]), hi[j])
            new[j] = t
            size += t * t
        if kind == 2:
            size = math.sqrt(size)
            shrink = 1.0 - par[0] / (c * size) if c * size > par[0] else 0.0
            for k in range(ptr[u], ptr[u + 1]):
                new[idx[k]] *= shrink
        for k in range(ptr[u], ptr[u + 1]):
            square += (new[idx[k]] - w[idx[k]]) ** 2
    return square


@njit(cache=True, error_model="numpy")
def _shift(X, idx, first, last, w, new, one, z):
    """``z += X_b (new_b - w_b)``; returns the entries read."""
    store, XT, data, ix, ip = X
    entries = 0
    for k in range(first, last):
        j = idx[k]
        if new[j] != w[j]:
            add(store, XT, data, ix, ip, j, new[j] - w[j], one, z)
            entries += length(store, XT, ip, j)
    return entries


@njit(cache=True, error_model="numpy")
def cycle(X, loss, y, kind, par, lo, hi, ptr, idx, bptr, L, relax, small, w, G, z, v, trial, new, one):
    """One cycle over all blocks with exact slopes and backtracked constants; returns entries read and looks at the loss.

    A constant is first tried at ``relax`` times its last value and doubled until the loss lies under its quadratic
    model. A decrease below ``small`` times the loss is lost in rounding: then the last proven constant is used untested.
    """
    store, XT, data, ix, ip = X
    entries = 0
    looks = 1
    value = slope(loss, y, z, v)
    for b in range(bptr.shape[0] - 1):
        first, last = ptr[bptr[b]], ptr[bptr[b + 1]]
        for k in range(first, last):
            G[idx[k]] = dot(store, XT, data, ix, ip, idx[k], v)
            entries += length(store, XT, ip, idx[k])
        c = relax * L[b]
        tested = True
        while True:
            square = _propose(kind, par, lo, hi, ptr, idx, bptr[b], bptr[b + 1], w, G, c, new)
            if tested and 0.5 * c * square <= small * value:
                tested, c = False, max(c, L[b])
                continue
            copy(z, trial)
            entries += _shift(X, idx, first, last, w, new, one, trial)
            after = slope(loss, y, trial, v)
            looks += 1
            if not tested or not math.isfinite(square):
                break
            model = value + 0.5 * c * square
            for k in range(first, last):
                model += G[idx[k]] * (new[idx[k]] - w[idx[k]])
            if after <= model + 1e-3 * small * value:
                break
            c *= 2.0
        L[b] = c
        value = after
        copy(trial, z)
        for k in range(first, last):
            w[idx[k]] = new[idx[k]]
    return entries, looks


@njit(cache=True, error_model="numpy")
def estimated(X, loss, y, kind, par, lo, hi, ptr, idx, bptr, L, w, before, G, z, zp, v, new, one):
    """One cycle whose block slopes are those of the last cycle plus a difference over a batch; returns entries read.

    X and y are of the batch alone, z and zp its margins at w and at ``before``, the w that the last cycle began from.
    Both walk through their cycle block by block, so that each difference is one of partially updated points. On return
    ``before`` is the w of entry.
    """
    store, XT, data, ix, ip = X
    entries = 0
    for b in range(bptr.shape[0] - 1):
        first, last = ptr[bptr[b]], ptr[bptr[b + 1]]
        slope(loss, y, zp, v)
        for k in range(first, last):
            G[idx[k]] -= dot(store, XT, data, ix, ip, idx[k], v)
            entries += 2 * length(store, XT, ip, idx[k])
        slope(loss, y, z, v)
        for k in range(first, last):
            G[idx[k]] += dot(store, XT, data, ix, ip, idx[k], v)
        entries += _shift(X, idx, first, last, before, w, one, zp)
        _propose(kind, par, lo, hi, ptr, idx, bptr[b], bptr[b + 1], w, G, L[b], new)
        entries += _shift(X, idx, first, last, w, new, one, z)
        for k in range(first, last):
            before[idx[k]] = w[idx[k]]
            w[idx[k]] = new[idx[k]]
    return entries
