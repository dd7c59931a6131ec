"""A dominant positive diagonal for a Hermitian matrix.

    s_ii = max(|a_ii|, w_i sum_{j != i} |a_ij| / w_j) (1 + 1e-6),    w_i = |a_ii|^1/2

Where a diagonal entry is missing or tiny in its row, w_i is the root of the row's greatest entry.
"""

import numpy as np
from numba import njit

from .csr import _U

__all__ = ["raised"]

_TINY = 1e-4


@njit(cache=True)
def raised(ip, ix, a, w, out):
    """``out = a`` with the diagonal raised; -1, or the first row whose diagonal is not stored. `w` is left for a look."""
    missing = -1
    for i in range(ip.shape[0] - 1):
        at, own, top = -1, 0.0, 0.0
        for e in range(_U(ip[i]), _U(ip[i + 1])):
            size = abs(a[e])
            top = max(top, size)
            if np.int64(ix[e]) == i:
                at, own = np.int64(e), size
        if at < 0 and missing < 0:
            missing = i
        top = own if own > _TINY * top else top
        w[i] = np.sqrt(top) if top > 0.0 else 1.0
    if missing >= 0:
        return missing
    for i in range(ip.shape[0] - 1):
        at, own, away = -1, 0.0, 0.0
        for e in range(_U(ip[i]), _U(ip[i + 1])):
            out[e] = a[e]
            if np.int64(ix[e]) == i:
                at, own = np.int64(e), abs(a[e])
            else:
                away += abs(a[e]) / w[np.int64(ix[e])]
        size = max(own, w[i] * away) * (1.0 + 1e-6)
        out[at] = size if size > 0.0 else 1.0
    return -1
