"""Projections of x onto the solutions of single rows of A x = b (Kaczmarz), in the order given."""

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
