"""Incomplete LU factorization without fill, ILU(0): ``A ~ L U``, L unit lower triangular, L + U on A's pattern.

The product agrees with A on A's pattern (Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., section 10.3). Rows
are eliminated in their natural order. The solves run renumbered and in runs (`triangular`) on a plan of the pattern of
``A + A^T`` with its diagonal, places that A lacks holding zeros, so that nothing fills in that ILU(0) would not have.
"""

import numpy as np
import scipy.sparse as sp
from numba import njit

from .csr import _ONE, _U
from .triangular import HEAD, VALUES, allocate, analyse, solve

__all__ = ["allocate", "factor", "solve", "symbolic"]

ABSENT = -1


def symbolic(ip, ix):
    """``plan, place, diag`` of a canonical square pattern, or the first row that has no diagonal entry.

    `place` is where the factor's entry behind each entry of A stands among the values that the solves read (for the
    diagonal one past them), `diag` the place of each diagonal entry in A.
    """
    n, nnz = len(ip) - 1, len(ix)
    rows = np.repeat(np.arange(n), np.diff(ip.astype(np.int64)))
    diag = np.flatnonzero(rows == ix).astype(ix.dtype)
    if len(diag) < n:
        return int(np.flatnonzero(np.bincount(ix[diag].astype(np.int64), minlength=n) == 0)[0])
    signed = np.int32 if ix.dtype.itemsize == 4 else np.int64
    own = sp.csr_array((np.ones(nnz, np.int8), ix.view(signed), ip.view(signed)), shape=(n, n))
    both = sp.csr_array(own + own.T)
    both.sort_indices()
    if both.nnz == nnz:
        plan, where = analyse(ip, ix), slice(None)
    else:
        far = both.indptr.astype(ip.dtype), both.indices.astype(ix.dtype)
        plan = analyse(*far)
        keys = np.repeat(np.arange(n), np.diff(both.indptr)) * n + both.indices
        where = np.searchsorted(keys, rows * n + ix.astype(np.int64))
    first, count = HEAD + n, both.nnz
    return plan, np.ascontiguousarray(plan[first : first + count][where]), diag


@njit(cache=True, error_model="numpy")
def factor(plan, place, diag, ip, ix, a, tiny, fac):
    """Factor A; returns -1, or the first row whose pivot is not finite or at most ``tiny`` times its largest entry."""
    n = ip.shape[0] - 1
    lu, inv, at = a.copy(), np.empty(n, a.dtype), np.zeros(n, ip.dtype)
    for i in range(n):
        begin, middle, end = _U(ip[i]), _U(diag[i]), _U(ip[i + 1])
        largest = 0.0
        for k in range(begin, end):
            at[ix[k]] = k + _ONE
            largest = max(largest, abs(a[k]))
        for k in range(begin, middle):
            j = _U(ix[k])
            lu[k] *= inv[j]
            s = lu[k]
            for q in range(_U(diag[j]) + _ONE, _U(ip[j + _ONE])):
                p = _U(at[ix[q]])
                if p > _U(0):
                    lu[p - _ONE] -= s * lu[q]
            fac[place[k]] = s
        for k in range(begin, end):
            at[ix[k]] = 0
        size = abs(lu[middle])
        if not (size > tiny * largest and np.isfinite(size)):
            return i
        inv[i] = 1 / lu[middle]
        for k in range(middle + _ONE, end):
            fac[place[k]] = lu[k] * inv[i]
    base = _U(plan[VALUES])
    for k in range(n):
        fac[base + _U(k)] = inv[plan[HEAD + k]]
    return -1
