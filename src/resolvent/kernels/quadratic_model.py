"""The logistic loss as a quadratic model at w0 that coordinate descent works on, and the line search that moves it.

Also the best intercept, of the model or of a loss that is quadratic itself.
"""

import math

from numba import njit

from .certificate import refresh
from .columns import FAST, add, copy, largest, length, total
from .counters import ENTRIES, F

__all__ = ["level", "model", "search", "weight"]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def level(h, hsum, w, v):
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
def weight(h, n):
    return h[0] * n if h.shape[0] == 1 else total(h)


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
def search(X, y, kind, par, ptr, idx, W, count, icpt, w, w0, z, v, one, trial, reals):
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
def model(X, y, kind, ptr, idx, W, count, icpt, C, L, w, w0, z, v, h, reals):
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
