"""The plan on a pattern that was carried over: exponentials, scalings and large entries on runs of columns alone.

Row i has the runs ``ip[i] .. ip[i + 1]``: columns ``first[k] .. first[k] + length[k]``, lengths multiples of 8. The
entries of all runs stand one after the other in E, those of row i from ``at[i]``. What is outside counts as zero here.
"""

import numpy as np
from numba import njit

from .transport import BLOCK, CLIP, FAST, GAP, HUGE, TINY, _exp, gather

__all__ = ["absorb", "collect", "kept", "scan"]


@njit(cache=True, fastmath=FAST)
def scan(P, a, level, ip, first, length):
    """Runs of columns that hold the entries ``P_ij >= level a_i``: blocks of 8, joined across gaps of up to two.

    Returns the entries of all runs; -1 where there is no room for the runs.
    """
    n, m = P.shape
    runs, entries = 0, 0
    blocks = (m + BLOCK - 1) // BLOCK
    for i in range(n):
        row, least = P[i], level * a[i]
        ip[i] = runs
        last = -GAP - 1
        for k in range(blocks):
            d = k * BLOCK
            if d + BLOCK <= m:
                left = max(max(row[d], row[d + 1]), max(row[d + 2], row[d + 3]))
                top = max(left, max(max(row[d + 4], row[d + 5]), max(row[d + 6], row[d + 7])))
            else:
                top = row[d]
                for l in range(d + 1, m):
                    top = max(top, row[l])
            if top >= least:
                if runs > ip[i] and k - last <= GAP:
                    grown = (k + 1 - last) * BLOCK
                    length[runs - 1] += grown
                    entries += grown
                elif runs >= first.shape[0]:
                    return -1
                else:
                    first[runs] = d
                    length[runs] = BLOCK
                    entries += BLOCK
                    runs += 1
                last = k + 1
    ip[n] = runs
    return entries


@njit(cache=True, error_model="numpy", fastmath=FAST)
def absorb(C, ir, f, h, a, ip, first, length, at, E, c):
    """Rows of the plan on the runs, their sums exact: f moved to that; adds to c. The rest of the last block is zero."""
    n, m = C.shape
    for i in range(n):
        row = C[i]
        shift = f[i]
        for attempt in range(2):
            s = 0.0
            d = at[i]
            for k in range(ip[i], ip[i + 1]):
                j = np.int64(first[k])
                whole = np.int64(length[k])
                size = min(whole, m - j)
                x, y, out = row[j : j + size], h[j : j + size], E[d : d + whole]
                for l in range(size):
                    e = _exp(min(max(y[l] - x[l] * ir + shift, -CLIP), CLIP))
                    out[l] = e
                    s += e
                for l in range(size, whole):
                    out[l] = 0.0
                d += whole
            if TINY < s < HUGE or attempt == 1:
                break
            shift = np.inf
            for k in range(ip[i], ip[i + 1]):
                j = np.int64(first[k])
                for l in range(j, min(j + np.int64(length[k]), m)):
                    shift = min(shift, row[l] * ir - h[l])
        w = a[i] / s
        f[i] = shift + np.log(w)
        d = at[i]
        for k in range(ip[i], ip[i + 1]):
            j, size = np.int64(first[k]), np.int64(length[k])
            x, y = E[d : d + size], c[j : j + size]
            for l in range(size):
                e = w * x[l]
                x[l] = e
                y[l] += e
            d += size


@njit(cache=True, error_model="numpy", fastmath=FAST)
def kept(E, ip, first, length, at, v, a, u, c):
    """Row scalings and column sums on the runs: ``u = a / (E v)``, ``c += v * (E' u)``."""
    for i in range(a.shape[0]):
        s = 0.0
        d = at[i]
        for k in range(ip[i], ip[i + 1]):
            j, size = np.int64(first[k]), np.int64(length[k])
            x, y = E[d : d + size], v[j : j + size]
            for l in range(size):
                s += x[l] * y[l]
            d += size
        w = a[i] / s
        u[i] = w
        d = at[i]
        for k in range(ip[i], ip[i + 1]):
            j, size = np.int64(first[k]), np.int64(length[k])
            x, y = E[d : d + size], c[j : j + size]
            for l in range(size):
                y[l] += w * x[l]
            d += size
    for j in range(v.shape[0]):
        c[j] *= v[j]


@njit(cache=True, fastmath=FAST)
def collect(E, ip, first, length, at, u, v, a, level, ends, ip2, first2, length2, data, squares):
    """Of the runs, those parts that hold entries of the plan of at least `level` a_i; ``ends`` is (runs, entries).

    Returns whether there was room. `squares` gets the column sums of P^2 / a, added.
    """
    runs, n = 0, np.int64(0)
    buf = np.empty(v.shape[0])
    for i in range(a.shape[0]):
        w, least = u[i], level * a[i]
        ip2[i] = runs
        last = -GAP - 1
        d = at[i]
        for k in range(ip[i], ip[i + 1]):
            j, size = np.int64(first[k]), np.int64(length[k])
            x, y, z = E[d : d + size], v[j : j + size], buf[j : j + size]
            for l in range(size):
                z[l] = w * x[l] * y[l]
            d += size
            for t in range(first[k] // BLOCK, (first[k] + length[k]) // BLOCK):
                o = t * BLOCK
                left = max(max(buf[o], buf[o + 1]), max(buf[o + 2], buf[o + 3]))
                right = max(max(buf[o + 4], buf[o + 5]), max(buf[o + 6], buf[o + 7]))
                if max(left, right) >= least:
                    if runs > ip2[i] and t - last <= GAP and last * BLOCK >= j:
                        length2[runs - 1] += (t + 1 - last) * BLOCK
                    elif runs >= first2.shape[0]:
                        return False
                    else:
                        first2[runs] = o
                        length2[runs] = BLOCK
                        runs += 1
                    last = np.int64(t + 1)
        n = gather(buf, first2, length2, ip2[i], runs, 1.0 / a[i], data, n, squares)
        if n < 0:
            return False
    ip2[a.shape[0]] = runs
    ends[0], ends[1] = runs, n
    return True
