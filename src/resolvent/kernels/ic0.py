"""Incomplete Cholesky factorization without fill, IC(0): ``A ~ L D L^H``, L unit lower triangular on A's pattern.

The product agrees with A on A's pattern (Meijerink and van der Vorst, Math. Comp. 31 (1977), 148-162). The
factorization goes row by row in the natural order; the solves run renumbered and in runs (`triangular`) on a plan
that depends on the pattern only and is the one of `eisenstat`. A solve costs about one product, a factorization about
five. The factor of a positive definite matrix exists if it is an M- or H-matrix; else a pivot may fail, and the
caller tries again with a larger shift.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U
from .triangular import HEAD, VALUES, allocate, solve
from .triangular import analyse as symbolic

__all__ = ["allocate", "factor", "solve", "symbolic"]


@njit(cache=True, error_model="numpy")
def factor(plan, ip, ix, a, shift, fac):
    """Factor ``A + shift diag(A)`` into `fac`; returns -1, or the first row whose pivot was not positive and finite.

    A is canonical, of symmetric pattern and Hermitian; only its lower triangle is read.
    """
    n = ip.shape[0] - 1
    low, row, inv = np.empty(ix.shape[0], a.dtype), np.zeros(n, a.dtype), np.empty(n, a.real.dtype)
    upper = np.empty(n, ip.dtype)  # next unwritten entry right of the diagonal
    dest = _U(HEAD + n)
    for i in range(n):
        begin, e, end = _U(ip[i]), _U(ip[i]), _U(ip[i + 1])
        while e < end and ix[e] < i:
            row[ix[e]] = a[e]
            e += _ONE
        d = inv.dtype.type(0)
        if e < end and ix[e] == i:
            d = a[e].real * inv.dtype.type(1.0 + shift)
        upper[i] = e + _ONE
        for m in range(begin, e):
            j = _U(ix[m])
            s = row[j]
            q = _U(ip[j])
            while ix[q] < j:
                s -= row[ix[q]] * np.conj(low[q])
                q += _ONE
            row[j] = s  # of L D
            low[m] = s * inv[j]
            d -= (s * np.conj(low[m])).real
            fac[plan[dest + m]] = low[m]
            fac[plan[dest + _U(upper[j])]] = np.conj(low[m])
            upper[j] += _ONE
        for m in range(begin, e):
            row[ix[m]] = 0
        if not (d > 0 and np.isfinite(d)):
            return i
        inv[i] = 1 / d
    base = _U(plan[VALUES])
    for k in range(n):
        fac[base + _U(k)] = inv[plan[HEAD + k]]
    return -1
