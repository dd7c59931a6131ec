"""Columns of a design matrix, whatever it is stored as: inner products with them, and adding them to a vector.

A design is ``(kind, XT, data, ix, ip)``: kind 0 has the columns as rows of XT; 1 (CSC) has ``data, ix, ip`` of the
columns, indices unsigned; 2 has a symmetric matrix G in XT, 3 one in ``data, ix, ip``. For the last two the vector is
the gradient ``q = G w - c`` itself, so that the inner product with column j is q_j, and adding column j keeps q up to
date.
"""

from numba import njit

__all__ = ["add", "copy", "dot", "inner", "largest", "length", "total"]

FAST = {"reassoc", "contract", "nsz"}
ROWWISE = {"contract", "nsz"}  # sums over short columns lose by being made into vector sums


@njit(cache=True, fastmath=ROWWISE, error_model="numpy")
def _gather(data, ix, first, last, v):
    s = v.dtype.type(0)
    for k in range(first, last):
        s += data[k] * v[ix[k]]
    return s


@njit(cache=True, fastmath=FAST, error_model="numpy")
def dot(kind, XT, data, ix, ip, j, v):
    """``x_j' v``."""
    if kind >= 2:
        return v[j]
    if kind == 1:
        return _gather(data, ix, ip[j], ip[j + 1], v)
    s = v.dtype.type(0)
    x = XT[j]
    for i in range(v.shape[0]):
        s += x[i] * v[i]
    return s


@njit(cache=True, fastmath=FAST, error_model="numpy")
def add(kind, XT, data, ix, ip, j, delta, h, v):
    """``v += delta h x_j`` with h of shape (n,) entrywise, or of shape (1,) for a constant."""
    if kind == 1 or kind == 3:
        if h.shape[0] == 1:
            c = delta * h[0]
            for k in range(ip[j], ip[j + 1]):
                v[ix[k]] += c * data[k]
        else:
            for k in range(ip[j], ip[j + 1]):
                v[ix[k]] += delta * h[ix[k]] * data[k]
    else:
        x = XT[j]
        if h.shape[0] == 1:
            c = delta * h[0]
            for i in range(v.shape[0]):
                v[i] += c * x[i]
        else:
            for i in range(v.shape[0]):
                v[i] += delta * h[i] * x[i]


@njit(cache=True, error_model="numpy")
def length(kind, XT, ip, j):
    """Entries that one inner product with column j reads."""
    if kind == 1 or kind == 3:
        return ip[j + 1] - ip[j]
    return XT.shape[1]


@njit(cache=True, error_model="numpy")
def total(v):
    """The sum of v."""
    s = 0.0
    for i in range(v.shape[0]):
        s += v[i]
    return s


@njit(cache=True, fastmath=FAST, error_model="numpy")
def inner(u, v):
    """``u' v``."""
    s = 0.0
    for i in range(u.shape[0]):
        s += u[i] * v[i]
    return s


@njit(cache=True, error_model="numpy")
def largest(v):
    """The largest entry of v."""
    s = v[0]
    for i in range(v.shape[0]):
        s = max(s, v[i])
    return s


@njit(cache=True, error_model="numpy")
def copy(u, v):
    """``v = u``."""
    for i in range(v.shape[0]):
        v[i] = u[i]
