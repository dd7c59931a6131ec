"""Losses, penalties and the duality gap on arrays, restricted to a list of blocks where that is wanted.

Losses: 0 least squares, 1 logistic, 2 a quadratic. Penalties: 0 ``l1 |w| + l2 w^2 / 2``, 1 bounds ``lo <= w <= hi``,
2 ``l1 ||w_g||_2`` per group (``ptr, idx`` of the groups). Certificates: 0 the norm of the prox-gradient mapping, 1 the
duality gap with the dual point scaled into the dual ball, 2 the duality gap where the penalty's conjugate is finite.
"""

import math

import numpy as np
from numba import njit

from .columns import FAST, inner

__all__ = ["certificate", "measures", "objective", "refresh", "soft"]


@njit(cache=True, error_model="numpy")
def soft(u, t):
    """The prox of ``t |.|``."""
    if u > t:
        return u - t
    if u < -t:
        return u + t
    return 0.0


@njit(cache=True, error_model="numpy")
def refresh(loss, y, z, v, h):
    """Value, slope v and curvature h of the loss at the margins z; returns the value."""
    n = y.shape[0]
    total = 0.0
    if loss == 0:
        for i in range(n):
            e = z[i] - y[i]
            v[i] = e / n
            total += e * e
        return total / (2 * n)
    for i in range(n):
        m = y[i] * z[i]
        e = math.exp(-abs(m))
        total += math.log1p(e) + (0.0 if m > 0 else -m)
        a = e / (1.0 + e) if m > 0 else 1.0 / (1.0 + e)
        v[i] = -y[i] * a / n
        h[i] = e / ((1.0 + e) * (1.0 + e) * n)
    return total / n


@njit(cache=True, error_model="numpy")
def entropy(y, v, t):
    """The conjugate of the logistic loss at ``t v``."""
    n = y.shape[0]
    total = 0.0
    for i in range(n):
        a = min(max(-t * n * y[i] * v[i], 0.0), 1.0)
        if a > 0.0:
            total += a * math.log(a)
        if a < 1.0:
            total += (1.0 - a) * math.log1p(-a)
    return total / n


@njit(cache=True, fastmath=FAST, error_model="numpy")
def measures(store, loss, y, yy, blocks, count, ptr, idx, grouped, w, v):
    """For least squares ``r'y/n`` and ``||r||^2/n``; for a quadratic 0 and twice its value."""
    if store < 2:
        return -inner(v, y), y.shape[0] * inner(v, v)
    cw = wq = 0.0
    for q in range(count):
        b = blocks[q]
        if grouped:
            for k in range(ptr[b], ptr[b + 1]):
                cw += y[idx[k]] * w[idx[k]]
                wq += v[idx[k]] * w[idx[k]]
        else:
            cw += y[b] * w[b]
            wq += v[b] * w[b]
    if loss == 0:
        return yy - cw, yy - cw + wq
    return 0.0, wq - cw


@njit(cache=True, error_model="numpy")
def objective(store, loss, y, yy, kind, par, blocks, count, ptr, idx, w, v):
    """Loss and penalty at w, for least squares and quadratics."""
    _, b = measures(store, loss, y, yy, blocks, count, ptr, idx, kind == 2, w, v)
    total = 0.5 * b
    for q in range(count):
        j = blocks[q]
        if kind == 0:
            total += par[0] * abs(w[j]) + 0.5 * par[1] * w[j] * w[j]
        elif kind == 2:
            size = 0.0
            for k in range(ptr[j], ptr[j + 1]):
                size += w[idx[k]] * w[idx[k]]
            total += par[0] * math.sqrt(size)
    return total


@njit(cache=True, error_model="numpy")
def _mapping(kind, par, lo, hi, c, wj, sj):
    """One entry of the prox-gradient mapping with the coordinate's own constant."""
    if c <= 0.0:
        return 0.0 if kind != 0 or wj == 0.0 else par[0]
    u = wj - (sj + (par[1] * wj if kind == 0 else 0.0)) / (c + (par[1] if kind == 0 else 0.0))
    if kind == 0:
        u = soft(u, par[0] / (c + par[1]))
        c += par[1]
    else:
        u = min(max(u, lo), hi)
    return c * (wj - u)


@njit(cache=True, error_model="numpy")
def certificate(store, loss, y, yy, F, kind, cert, par, lo, hi, ptr, idx, C, blocks, count, w, v, s, score):
    """The measure over the blocks listed, from slopes s; leaves a score of each block; returns measure and scaling."""
    pen = own = top = square = 0.0
    l1, l2 = par[0], par[1]
    for q in range(count):
        b = blocks[q]
        if kind == 2:
            ww = ss = mm = 0.0
            for k in range(ptr[b], ptr[b + 1]):
                ww += w[idx[k]] * w[idx[k]]
                ss += s[idx[k]] * s[idx[k]]
            score[b] = math.sqrt(ss)
            pen += l1 * math.sqrt(ww)
            top = max(top, score[b])
            if cert == 0 and C[b] > 0:
                for k in range(ptr[b], ptr[b + 1]):
                    mm += (w[idx[k]] - s[idx[k]] / C[b]) ** 2
                shrink = max(0.0, 1.0 - l1 / (C[b] * math.sqrt(mm))) if mm > 0 else 0.0
                for k in range(ptr[b], ptr[b + 1]):
                    square += (C[b] * (w[idx[k]] - shrink * (w[idx[k]] - s[idx[k]] / C[b]))) ** 2
            continue
        wj, sj = w[b], s[b]
        if kind == 0:
            score[b] = abs(sj)
            top = max(top, abs(sj))
            pen += l1 * abs(wj) + 0.5 * l2 * wj * wj
            if cert == 2:
                over = max(abs(sj) - l1, 0.0)
                own += max(wj * sj + l1 * abs(wj) + 0.5 * l2 * wj * wj + over * over / (2 * l2), 0.0)
        if cert != 1:
            low, high = (lo[b], hi[b]) if kind == 1 else (0.0, 0.0)
            one = _mapping(kind, par, low, high, C[b], wj, sj)
            if kind == 1:
                score[b] = abs(one)
                if cert == 2:
                    own += max(wj * sj + max(-low * sj, -high * sj), 0.0)
            square += one * one
    if cert == 0:
        return math.sqrt(square), 1.0
    if cert == 2:
        return own, 1.0
    t = l1 / top if top > 0.0 else np.inf
    if loss == 1:
        t = min(t, 1.0)
        return max(F + pen + entropy(y, v, t), 0.0), t
    a, b = measures(store, loss, y, yy, blocks, count, ptr, idx, kind == 2, w, v)
    t = min(max(a / b if b > 0.0 else 0.0, -t), t)
    return max(0.5 * b + pen - t * a + 0.5 * t * t * b, 0.0), t
