"""Rows of one factor from observed entries, the other factor given: weighted least squares, a row at a time.

    row i:  min_u  sum_e w_e (a_e - c_e u'v_j(e))^2 + sum_q ridge_q u_q^2,   e in ip[i] .. ip[i + 1]

Entries are grouped by row (``ip, ix`` unsigned, ``a`` values, ``w`` weights, ``c`` multipliers of the design; ``w`` and
``c`` of length one stand for ones). Rows with little data, or small rank, by the k x k Gram matrix and Cholesky; others by
conjugate gradients on the normal equations from the row as it stands, until the gradient is ``tol`` of where it began
from zero. Reference: Gu, Song, Yin, Zhang (2023), arXiv 2302.11068, for rows solved inexactly from the last round.
"""

import math

import numpy as np
from numba import njit

__all__ = ["gradients", "half_round"]

FAST = {"reassoc", "contract", "nsz"}


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _dot(x, y, k):
    s = 0.0
    for a in range(k):
        s += x[a] * y[a]
    return s


@njit(cache=True, error_model="numpy")
def _back(L, b, k):
    """Solve L L' x = b in place of b."""
    for i in range(k):
        s = b[i]
        for a in range(i):
            s -= L[i, a] * b[a]
        b[i] = s / L[i, i]
    for i in range(k - 1, -1, -1):
        s = b[i]
        for a in range(i + 1, k):
            s -= L[a, i] * b[a]
        b[i] = s / L[i, i]


@njit(cache=True, error_model="numpy")
def _cholesky(G, b, k):
    """Solve G u = b in place of b, G overwritten; False when a pivot is not positive."""
    for i in range(k):
        for j in range(i + 1):
            s = G[i, j]
            for a in range(j):
                s -= G[i, a] * G[j, a]
            if i == j:
                if not s > 0.0:
                    return False
                G[i, i] = math.sqrt(s)
            else:
                G[i, j] = s / G[j, j]
    _back(G, b, k)
    return True


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _gram_row(ix, a, w, c, lo, hi, V, k, ridge, G, b):
    """G = sum w c^2 v v' + diag(ridge), b = sum w c a v."""
    G[:, :] = 0.0
    b[:] = 0.0
    g, f = np.empty(4), np.empty(4)
    four = lo + (hi - lo) // np.uint64(4) * np.uint64(4)
    for e in range(lo, four, 4):  # four entries at a time: a fourth of the loads and stores of G
        for l in range(4):
            we = w[e + l] if w.shape[0] > 1 else 1.0
            ce = c[e + l] if c.shape[0] > 1 else 1.0
            g[l] = we * ce * ce
            f[l] = we * ce * a[e + l]
        x, y, z, v = V[ix[e]], V[ix[e + 1]], V[ix[e + 2]], V[ix[e + 3]]
        for p in range(k):
            b[p] += f[0] * x[p] + f[1] * y[p] + f[2] * z[p] + f[3] * v[p]
            r, s, t, u = g[0] * x[p], g[1] * y[p], g[2] * z[p], g[3] * v[p]
            row = G[p]
            for q in range(p + 1):
                row[q] += r * x[q] + s * y[q] + t * z[q] + u * v[q]
    for e in range(four, hi):
        v = V[ix[e]]
        we = w[e] if w.shape[0] > 1 else 1.0
        ce = c[e] if c.shape[0] > 1 else 1.0
        for p in range(k):
            b[p] += we * ce * a[e] * v[p]
            t = we * ce * ce * v[p]
            row = G[p]
            for q in range(p + 1):
                row[q] += t * v[q]
    for p in range(k):
        G[p, p] += ridge[p]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _normal(ix, a, w, c, lo, hi, V, k, ridge, p, target, out):
    """out = sum w c (target a - c v'p) v - ridge p; target 1 gives the negative gradient, 0 minus the product."""
    for q in range(k):
        out[q] = -ridge[q] * p[q]
    f = np.empty(4)
    four = lo + (hi - lo) // np.uint64(4) * np.uint64(4)
    for e in range(lo, four, 4):
        x, y, z, v = V[ix[e]], V[ix[e + 1]], V[ix[e + 2]], V[ix[e + 3]]
        s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
        for q in range(k):
            t = p[q]
            s0 += x[q] * t
            s1 += y[q] * t
            s2 += z[q] * t
            s3 += v[q] * t
        f[0], f[1], f[2], f[3] = s0, s1, s2, s3
        for l in range(4):
            we = w[e + l] if w.shape[0] > 1 else 1.0
            ce = c[e + l] if c.shape[0] > 1 else 1.0
            f[l] = we * ce * (target * a[e + l] - ce * f[l])
        for q in range(k):
            out[q] += f[0] * x[q] + f[1] * y[q] + f[2] * z[q] + f[3] * v[q]
    for e in range(four, hi):
        v = V[ix[e]]
        we = w[e] if w.shape[0] > 1 else 1.0
        ce = c[e] if c.shape[0] > 1 else 1.0
        s = 0.0
        for q in range(k):
            s += v[q] * p[q]
        f = we * ce * (target * a[e] - ce * s)
        for q in range(k):
            out[q] += f * v[q]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _cg_row(ix, a, w, c, lo, hi, V, k, ridge, tol, most, u, r, p, q):
    """Conjugate gradients from u; the passes over the row."""
    _normal(ix, a, w, c, lo, hi, V, k, ridge, u, 1.0, r)
    rr = _dot(r, r, k)
    size = 0.0
    for s in range(k):
        p[s] = 0.0
    _normal(ix, a, w, c, lo, hi, V, k, ridge, p, 1.0, q)
    size = _dot(q, q, k)
    for s in range(k):
        p[s] = r[s]
    passes = 2
    limit = tol * tol * size
    while rr > limit and passes < most + 2:
        _normal(ix, a, w, c, lo, hi, V, k, ridge, p, 0.0, q)
        passes += 1
        curve = -_dot(p, q, k)
        if not curve > 0.0:
            break
        alpha = rr / curve
        for s in range(k):
            u[s] += alpha * p[s]
            r[s] += alpha * q[s]
        new = _dot(r, r, k)
        beta = new / rr
        rr = new
        for s in range(k):
            p[s] = r[s] + beta * p[s]
    return passes


@njit(cache=True, error_model="numpy")
def half_round(ip, ix, a, w, c, V, ridge, tol, exact, most, U, skip, counts):
    """Solve every row of U that is not skipped, in place.

    Parameters
    ----------
    ip, ix, a, w, c : arrays
        Entries grouped by row.
    V : ndarray, shape (n, k)
        The other factor.
    ridge : ndarray, shape (k,)
        One for each column, all positive or all zero.
    tol : float
    exact : int
        1: Gram and Cholesky for every row; 0: conjugate gradients where a row has more than 4 k entries, or k > 16.
    most : int
        Conjugate gradient steps of a row, at most.
    U : ndarray, shape (m, k)
        Overwritten; a row without entries becomes zero.
    skip : ndarray of bool, shape (m,) or (1,)
        Rows to leave as they are.
    counts : ndarray, shape (3,)
        Added to: entries passed by conjugate gradients, entries gathered into Gram matrices, Cholesky factorizations.
    """
    m, k = U.shape
    G = np.empty((k, k))
    b, r, p, q = np.empty(k), np.empty(k), np.empty(k), np.empty(k)
    for i in range(m):
        if skip.shape[0] > 1 and skip[i]:
            continue
        lo, hi = ip[i], ip[i + 1]
        if lo == hi:
            U[i, :] = 0.0
            continue
        count = np.int64(hi - lo)
        if exact == 1 or k <= 16 or count <= 2 * k:
            _gram_row(ix, a, w, c, lo, hi, V, k, ridge, G, b)
            counts[1] += count
            counts[2] += 1
            top = 0.0
            for s in range(k):
                top = max(top, G[s, s])
            if ridge[0] == 0.0 and count < k:
                for s in range(k):
                    G[s, s] += 1e-10 * top
            if _cholesky(G, b, k):
                U[i, :] = b
                continue
        counts[0] += count * _cg_row(ix, a, w, c, lo, hi, V, k, ridge, tol, most, U[i], r, p, q)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def gradients(ip, ix, a, w, c, U, V, ridge, GU, GV, E):
    """Residuals ``E = c u'v - a`` of all entries, and half the gradients in U and V; the weighted sum of squares.

    Parameters
    ----------
    ip, ix, a, w, c : arrays
        Entries grouped by row of U.
    U, V : ndarrays, shapes (m, k), (n, k)
    ridge : float
    GU, GV : ndarrays of the shapes of U and V
        Overwritten.
    E : ndarray, shape (entries,)
        Overwritten.

    Returns
    -------
    float
        ``sum w E^2``.
    """
    m, k = U.shape
    total = 0.0
    for i in range(m):
        for s in range(k):
            GU[i, s] = ridge * U[i, s]
    for j in range(V.shape[0]):
        for s in range(k):
            GV[j, s] = ridge * V[j, s]
    for i in range(m):
        u = U[i]
        g = GU[i]
        for e in range(ip[i], ip[i + 1]):
            v = V[ix[e]]
            h = GV[ix[e]]
            we = w[e] if w.shape[0] > 1 else 1.0
            ce = c[e] if c.shape[0] > 1 else 1.0
            s = 0.0
            for q in range(k):
                s += u[q] * v[q]
            d = ce * s - a[e]
            E[e] = d
            total += we * d * d
            f = we * ce * d
            for q in range(k):
                g[q] += f * v[q]
                h[q] += f * u[q]
    return total
