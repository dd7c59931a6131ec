"""One column of an Arnoldi relation: a vector made orthogonal to stored rows, and the small problem that it enlarges.

    h = V^H w,   w <- w - h V, again where rounding asks for it,   min_y || beta e_1 - H y || by one more rotation

Sums over the vectors are taken in their type over blocks of columns that stay in the cache, and added up in double
precision; whatever is small lives in double precision.
"""

import numpy as np
from numba import njit

from .csr import FAST, abs2

_COLUMNS = 4096
# what `said` holds
ESTIMATE, NORM, BEFORE, PASSES, AGAIN, LOST, SINGULAR = range(7)
SAID = 7


@njit(cache=True, fastmath=FAST)
def _inner(V, count, w, h):
    """``h_i = V_i^H w`` for the first rows; returns <w, w>."""
    n, total = w.shape[0], 0.0
    none = w.dtype.type(0)
    h[:count] = 0
    for low in range(0, n, _COLUMNS):
        high = min(low + _COLUMNS, n)
        u = w[low:high]
        part = abs2(none)
        for l in range(high - low):
            part += abs2(u[l])
        total += part
        i = 0
        while i + 4 <= count:
            v0, v1, v2, v3 = V[i, low:high], V[i + 1, low:high], V[i + 2, low:high], V[i + 3, low:high]
            s0, s1, s2, s3 = none, none, none, none
            for l in range(high - low):
                s0 += np.conj(v0[l]) * u[l]
                s1 += np.conj(v1[l]) * u[l]
                s2 += np.conj(v2[l]) * u[l]
                s3 += np.conj(v3[l]) * u[l]
            h[i] += s0
            h[i + 1] += s1
            h[i + 2] += s2
            h[i + 3] += s3
            i += 4
        while i < count:
            v0, s0 = V[i, low:high], none
            for l in range(high - low):
                s0 += np.conj(v0[l]) * u[l]
            h[i] += s0
            i += 1
    return total


@njit(cache=True, fastmath=FAST)
def _less(V, count, w, h):
    """``w -= sum_i h_i V_i``; returns <w, w> of what is left."""
    n, total = w.shape[0], 0.0
    kind = w.dtype.type
    for low in range(0, n, _COLUMNS):
        high = min(low + _COLUMNS, n)
        u = w[low:high]
        i = 0
        while i + 4 <= count:
            v0, v1, v2, v3 = V[i, low:high], V[i + 1, low:high], V[i + 2, low:high], V[i + 3, low:high]
            h0, h1, h2, h3 = kind(h[i]), kind(h[i + 1]), kind(h[i + 2]), kind(h[i + 3])
            for l in range(high - low):
                u[l] -= h0 * v0[l] + h1 * v1[l] + h2 * v2[l] + h3 * v3[l]
            i += 4
        while i < count:
            v0, h0 = V[i, low:high], kind(h[i])
            for l in range(high - low):
                u[l] -= h0 * v0[l]
            i += 1
        part = 0.0
        for l in range(high - low):
            part += abs2(u[l])
        total += part
    return total


@njit(cache=True)
def _lost(E, h, count, norm, least, loss):
    """Estimates of what rounding has left between the new vector and the rows, squared; returns the greatest."""
    worst = 0.0
    for i in range(count):
        s = 0.0
        for l in range(count):
            s += E[i, l] * abs2(h[l])
        loss[i] = s / max(norm * norm, 1e-300) + least
        if not loss[i] <= worst:  # NaN counts
            worst = loss[i]
    return worst


@njit(cache=True)
def _rotate(H, R, Q, g, h, j, below):
    """Enter a column below which `below` stands; the least residual, and whether the rotated diagonal vanishes."""
    reach = below * below
    for i in range(j + 1):
        H[i, j] = h[i]
        reach += abs2(h[i])
    H[j + 1, j] = below
    for i in range(j + 1):
        s = R.dtype.type(0)
        for l in range(j + 1):
            s += Q[i, l] * h[l]
        R[i, j] = s
    a = R[j, j]
    length = np.sqrt(abs2(a) + below * below)
    if not length > 1e-14 * np.sqrt(reach):
        return np.sqrt(abs2(g[j])), True
    R[j, j] = length
    c, s1 = np.conj(a) / length, below / length
    for l in range(j + 1):
        q = Q[j, l]
        Q[j, l] = c * q
        Q[j + 1, l] = -s1 * q
    Q[j, j + 1] = s1
    Q[j + 1, j + 1] = np.conj(c)
    g[j + 1] = -s1 * g[j]
    g[j] *= c
    return np.sqrt(abs2(g[j + 1])), False


@njit(cache=True)
def column(V, k, j, w, h, loss, E, H, R, Q, g, B, eps, limit, again, said):
    """Make `w` orthogonal to the first ``k + j + 1`` rows of V, write it behind them at length one, and enter its column.

    Coefficients with the first k rows go to column j of B, the others into the small problem. `E` holds the squared
    losses between rows, `limit` what is let pass, `again` whether a second pass is owed; `said` receives the results.
    """
    count = k + j + 1
    least = (8.0 * eps) ** 2
    before = np.sqrt(_inner(V, count, w, h))
    norm = np.sqrt(_less(V, count, w, h))
    worst = _lost(E, h, count, norm, least, loss)
    said[PASSES] = 2.0
    if again or not worst <= limit * limit:
        more = loss.astype(h.dtype)
        _inner(V, count, w, more)
        norm = np.sqrt(_less(V, count, w, more))
        for i in range(count):
            h[i] += more[i]
            loss[i] = least
        worst, again = least, not again
        said[PASSES] = 4.0
    if count < E.shape[0]:
        for i in range(count):
            E[count, i] = loss[i]
            E[i, count] = loss[i]
    said[NORM], said[BEFORE], said[AGAIN], said[LOST] = norm, before, again, np.sqrt(worst)
    said[ESTIMATE], said[SINGULAR] = np.nan, False
    if not np.isfinite(norm):
        return
    exhausted = not norm > 4.0 * eps * before
    said[ESTIMATE], said[SINGULAR] = _rotate(H, R, Q, g, h[k:], j, 0.0 if exhausted else norm)
    for i in range(k):
        B[i, j] = h[i]
    if not exhausted and not said[SINGULAR]:
        scale = w.dtype.type(1.0 / norm)
        row = V[count]
        for l in range(w.shape[0]):
            row[l] = w[l] * scale
