"""Projections of x onto the solutions of single rows of A x = b (Kaczmarz), in the order given."""

import numpy as np
from numba import njit

from .csr import _ONE, _U, ROWWISE, abs2


@njit(cache=True, fastmath=ROWWISE)
def row_norms(ip, ix, a, norms):
    """Fill `norms` (float64) with the squared 2-norms of the rows."""
    for i in range(norms.shape[0]):
        s = 0.0
        for k in range(_U(ip[i]), _U(ip[i + 1])):
            s += abs2(a[k])
        norms[i] = s


@njit(cache=True, fastmath=ROWWISE)
def rows(ip, ix, a, inverse, b, x, order):
    """``x += (b_i - a_i x) / ||a_i||^2 a_i^H`` for each i of `order`; `inverse` holds ``1 / ||a_i||^2`` in x's type."""
    for t in range(order.shape[0]):
        i = order[t]
        s = b[i]
        k, end = _U(ip[i]), _U(ip[i + 1])
        while k < end:
            s -= a[k] * x[ix[k]]
            k += _ONE
        s *= inverse[i]
        k = _U(ip[i])
        while k < end:
            x[ix[k]] += s * a[k].conjugate()
            k += _ONE


@njit(cache=True)
def alias(weights, cut, other):
    """Walker's table for drawing i with probability ``weights_i / sum``: cell i keeps i below `cut`, else `other`."""
    n = weights.shape[0]
    total = 0.0
    for i in range(n):
        total += weights[i]
    small, large = np.empty(n, np.int64), np.empty(n, np.int64)
    below = above = 0
    for i in range(n):
        cut[i] = weights[i] * n / total
        other[i] = i
        if cut[i] < 1.0:
            small[below] = i
            below += 1
        else:
            large[above] = i
            above += 1
    while below > 0 and above > 0:
        below -= 1
        i, j = small[below], large[above - 1]
        other[i] = j
        cut[j] -= 1.0 - cut[i]
        if cut[j] < 1.0:
            above -= 1
            small[below] = j
            below += 1
    for k in range(above):
        cut[large[k]] = 1.0
    for k in range(below):  # what rounding left over; a weight of zero stays one
        if cut[small[k]] > 0.5:
            cut[small[k]] = 1.0


@njit(cache=True)
def draw(cut, other, u, order):
    """Fill `order` with draws from the table; `u` are uniform numbers in [0, 1), one a draw."""
    n = cut.shape[0]
    for t in range(order.shape[0]):
        z = u[t] * n
        i = min(np.int64(z), n - 1)
        order[t] = i if z - i < cut[i] else other[i]
