"""Rows of one factor by Cholesky factors of their Gram matrices, kept from a nearby problem: a step of iterative refinement.

    u <- u - (L L')^-1 g,   g = sum_e w_e c_e (c_e u'v_j(e) - a_e) v_j(e) + ridge u

Exact where L L' is the Gram matrix of today; with one from a round or a problem ago the error shrinks by the relative
change. A row without a factor (``L[i, 0, 0] = 0``) is solved by its Gram matrix, whose factor is stored. Entries as in
``kernels.completion``.
"""

import numpy as np
from numba import njit

from .completion import _back, _cg_row, _cholesky, _gram_row, _normal

__all__ = ["refine"]


@njit(cache=True, error_model="numpy")
def _begin(ix, a, w, c, lo, hi, V, k, ridge, L, u, b, r):
    """Solve a row by its Gram matrix, whose factor goes to L; the squared gradient before. False: it has no factor."""
    _gram_row(ix, a, w, c, lo, hi, V, k, ridge, L, b)
    total, top = 0.0, 0.0
    for p in range(k):
        s = -b[p]
        for q in range(p + 1):
            s += L[p, q] * u[q]
        for q in range(p + 1, k):
            s += L[q, p] * u[q]
        total += s * s
        top = max(top, L[p, p])
    if ridge[0] == 0.0 and np.int64(hi - lo) < k:
        for p in range(k):
            L[p, p] += 1e-10 * top
    if _cholesky(L, b, k):
        u[:] = b
        return True, total
    L[0, 0] = 0.0
    return False, total


@njit(cache=True, error_model="numpy")
def refine(ip, ix, a, w, c, V, ridge, L, known, U, skip, counts):
    """One step for every row of U that is not skipped, in place.

    Parameters
    ----------
    ip, ix, a, w, c : arrays
        Entries grouped by row.
    V : ndarray, shape (n, k)
        The other factor.
    ridge : ndarray, shape (k,)
    L : ndarray, shape (m, k, k)
        Cholesky factors of the rows; one with ``L[i, 0, 0] = 0`` is made here.
    known : ndarray, shape (m, k) or (1, k)
        The gradient in U at these very factors, where it is known: saves the passes over the entries.
    U : ndarray, shape (m, k)
        Overwritten; a row without entries becomes zero.
    skip : ndarray of bool, shape (m,) or (1,)
        Rows to leave as they are.
    counts : ndarray, shape (3,)
        Added to: entries passed (twice for a gradient), entries gathered into Gram matrices, Cholesky factorizations.

    Returns
    -------
    float
        Sum of squares of the gradient before the step, over the rows that were not skipped.
    """
    m, k = U.shape
    b, r, p, q = np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    total = 0.0
    for i in range(m):
        if skip.shape[0] > 1 and skip[i]:
            continue
        lo, hi = ip[i], ip[i + 1]
        if lo == hi:
            U[i, :] = 0.0
            continue
        count = np.int64(hi - lo)
        u = U[i]
        if not L[i, 0, 0] > 0.0:
            made, size = _begin(ix, a, w, c, lo, hi, V, k, ridge, L[i], u, b, r)
            counts[1] += count
            counts[2] += 1
            total += size
            if not made:
                counts[0] += 2 * count * _cg_row(ix, a, w, c, lo, hi, V, k, ridge, 1e-3, 2 * k, u, r, p, q)
            continue
        if known.shape[0] > 1:
            for s in range(k):
                r[s] = -known[i, s]
        else:
            _normal(ix, a, w, c, lo, hi, V, k, ridge, u, 1.0, r)
            counts[0] += 2 * count
        for s in range(k):
            total += r[s] * r[s]
        _back(L[i], r, k)
        for s in range(k):
            u[s] += r[s]
    return total
