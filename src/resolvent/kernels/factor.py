"""A Cholesky factor of the support's curvature that follows the support: columns join at the end and leave anywhere.

    L L' = X_A' H X_A - m m' / sum(h) + l2 I,   m = X_A' h    (the middle term only with an intercept)

Joining costs one column of the Gram matrix and a triangular solve, leaving a chase of rotations: O(k^2) each, so that
along a regularisation path the factor is kept and not made.
"""

import math

from numba import njit

from .columns import FAST, add, dot, total

__all__ = ["follow", "solve"]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _row(L, i, j):
    """The inner product of rows i and j of L over the first j entries."""
    s = 0.0
    a, b = L[i], L[j]
    for k in range(j):
        s += a[k] * b[k]
    return s


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _leave(L, A, m, k, at):
    """Take the entry ``at`` out of the factor of order k."""
    for i in range(at, k - 1):
        A[i], m[i] = A[i + 1], m[i + 1]
        for q in range(i + 2):
            L[i, q] = L[i + 1, q]
    for i in range(at, k - 1):
        a, b = L[i, i], L[i, i + 1]
        r = math.hypot(a, b)
        c, s = a / r, b / r
        L[i, i], L[i, i + 1] = r, 0.0
        for q in range(i + 1, k - 1):
            a, b = L[q, i], L[q, i + 1]
            L[q, i], L[q, i + 1] = c * a + s * b, c * b - s * a


@njit(cache=True, error_model="numpy")
def follow(kind, XT, data, ix, ip, h, hsum, icpt, l2, wanted, count, A, L, m, k, where, column):
    """Make the factor that of the first ``count`` of ``wanted``; returns its order; columns that depend on others stay out.

    ``where`` maps coordinates to places in A, -1 for none; ``column`` is scratch of the length of v.
    """
    for q in range(count):
        where[wanted[q]] = -2 if where[wanted[q]] < 0 else where[wanted[q]] + 1000000000
    i = 0
    while i < k:
        if where[A[i]] < 1000000000:
            where[A[i]] = -1
            _leave(L, A, m, k, i)
            k -= 1
        else:
            i += 1
    for i in range(k):
        where[A[i]] = i
    for q in range(count):
        j = wanted[q]
        if where[j] != -2:
            continue
        where[j] = -1
        for i in range(column.shape[0]):
            column[i] = 0.0
        add(kind, XT, data, ix, ip, j, 1.0, h, column)
        m[k] = total(column) if icpt else 0.0
        for i in range(k):
            g = dot(kind, XT, data, ix, ip, A[i], column)
            if icpt:
                g -= m[i] * m[k] / hsum
            L[k, i] = (g - _row(L, k, i)) / L[i, i]
        g = dot(kind, XT, data, ix, ip, j, column) + l2
        if icpt:
            g -= m[k] * m[k] / hsum
        pivot = g - _row_square(L, k)
        if not pivot > 1e-11 * g or k + 1 >= L.shape[0]:
            continue  # a combination of the others: it stays out, and where it is
        L[k, k] = math.sqrt(pivot)
        A[k], where[j] = j, k
        k += 1
    return k


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _row_square(L, k):
    s = 0.0
    for i in range(k):
        s += L[k, i] * L[k, i]
    return s


@njit(cache=True, fastmath=FAST, error_model="numpy")
def solve(L, k, d):
    """``d = (L L')^-1 d`` in place, both solves along the rows of L."""
    for i in range(k):
        s = 0.0
        a = L[i]
        for q in range(i):
            s += a[q] * d[q]
        d[i] = (d[i] - s) / L[i, i]
    for i in range(k - 1, -1, -1):
        d[i] /= L[i, i]
        a, c = L[i], d[i]
        for q in range(i):
            d[q] -= a[q] * c
