"""Observed entries of a matrix: vetted, grouped by rows, some held out; and the spectral start that they give."""

import math
from typing import Any

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp

from .vectors import length

__all__ = [
    "balanced",
    "by_columns",
    "check_number",
    "check_range",
    "clipped",
    "grouped",
    "held",
    "indices",
    "leading",
    "reals",
    "sides",
    "size",
    "sparse",
    "typical_gradient",
]

_RANGE = 1e120  # of what is given for an entry: squares of gradients stay within floats


def balanced(U: Any, V: Any) -> tuple[Any, Any]:
    """Factors of the same product with ``U'U = V'V`` diagonal; those given where they are so to rounding.

    Examples
    --------
    >>> import numpy as np
    >>> U, V = balanced(np.array([[2.0], [0.0]]), np.array([[8.0]]))
    >>> abs(U.ravel()).tolist(), abs(V.ravel()).tolist()
    ([4.0, 0.0], [4.0])
    """
    square = U.T @ U
    D = np.diag(np.diagonal(square))
    if max(np.abs(square - D).max(), np.abs(V.T @ V - D).max()) <= 1e-13 * D.max():
        return U, V
    Q, R = la.qr(U, mode="economic", check_finite=False)
    P, S = la.qr(V, mode="economic", check_finite=False)
    core = R @ S.T
    if not np.all(np.isfinite(core)):
        return np.full_like(U, np.nan), np.full_like(V, np.nan)
    left, s, right = la.svd(core, check_finite=False)
    root = np.sqrt(s)
    return np.ascontiguousarray(Q @ (left * root)), np.ascontiguousarray(P @ (right.T * root))


def leading(P: Any, k: int) -> tuple[Any, Any, Any]:
    """About the k leading singular triples: a step of block power iteration from a seeded start."""
    width = min(k + 4, *P.shape)
    Y = P @ np.random.default_rng(0).standard_normal((P.shape[1], width))
    Q = la.qr(Y, mode="economic", check_finite=False)[0]
    Z = la.qr(P.T @ Q, mode="economic", check_finite=False)[0]
    U, s, Wt = la.svd(P @ Z, full_matrices=False, check_finite=False)
    return U[:, :k], s[:k], (Z @ Wt.T)[:, :k]


def sparse(ip: Any, ix: Any, values: Any, shape: tuple[int, int]) -> Any:
    """The matrix of some entries, grouped by rows."""
    return sp.csr_array((values, ix.view(np.int32), ip.astype(np.int32)), shape=shape)


def size(GU: Any, GV: Any) -> float:
    return math.hypot(length(GU), length(GV))


def check_range(v: Any, name: str) -> None:
    """Refuse numbers so large or small that gradients leave the range of floats.

    Raises
    ------
    ValueError
    """
    top = float(np.max(np.abs(v)))
    if not (top == 0.0 or 1.0 / _RANGE <= top <= _RANGE):
        raise ValueError(
            f"{name} has {top:.3g} for its largest; between {1 / _RANGE:g} and {_RANGE:g} is expected: scale it"
        )


def check_number(v: Any, name: str, most: float, words: str) -> None:
    """Refuse what is no real number in [0, most).

    Raises
    ------
    ValueError
    """
    real = isinstance(v, int | float | np.integer | np.floating) and not isinstance(v, bool)
    if not real or not 0.0 <= float(v) < most:
        raise ValueError(f"{name}={v!r} was given; {words} is expected")


def sides(shape: Any) -> tuple[int, int]:
    """(rows, columns) as two positive numbers.

    Raises
    ------
    ValueError
    """
    given = tuple(shape) if isinstance(shape, tuple | list | np.ndarray) else ()
    whole = all(isinstance(s, int | np.integer) and not isinstance(s, bool | np.bool_) for s in given)
    if len(given) != 2 or not whole:
        raise ValueError(f"shape={shape!r} was given; (rows, columns) is expected")
    m, n = map(int, given)
    if m < 1 or n < 1:
        raise ValueError(f"shape={shape!r} was given; two positive numbers are expected")
    if m * n >= 2**63:
        raise ValueError(f"shape={shape!r} was given; fewer than 2^63 places are expected")
    return m, n


def typical_gradient(a: Any, w: Any, c: Any, m: int, n: int, k: int) -> float:
    """What the gradient is at most, balanced factors being of the entries' size and errors the entries with random signs.

    ``|R|_2 (|U|^2 + |V|^2)^(1/2)``, the expected spectral norm of the errors times the size of the factors.

    Examples
    --------
    >>> import numpy as np
    >>> one = np.ones(1)
    >>> typical_gradient(np.full(6, 8.0), one, one, 2, 3, 1) / typical_gradient(np.full(6, 2.0), one, one, 2, 3, 1)
    8.0
    """
    top = float(np.max(np.abs(a)))
    if not top > 0.0:
        return 0.0
    heavy = float(np.max(w))
    b, w = a / top, w / heavy  # squares neither overflow nor vanish
    wb, wc = b * w if len(w) > 1 else b * w[0], w * c
    both = b * wc if len(wc) > 1 else b * wc[0]
    matrix = math.sqrt(m * n * float(wb @ b) / len(b) / float(np.mean(wc * c)))
    spectral = (1.0 / math.sqrt(m) + 1.0 / math.sqrt(n)) * math.sqrt(float(both @ both))
    return heavy * top * math.sqrt(top) * spectral * math.sqrt(2.0 * math.sqrt(k) * matrix)


def clipped(U: Any) -> Any:
    """Rows longer than three times the mean square length cut to that: spiky rows mislead the start."""
    size = np.linalg.norm(U, axis=1)
    most = 3.0 * math.sqrt(float(np.mean(size**2))) if len(size) else 0.0
    return U * np.minimum(1.0, most / np.maximum(size, 1e-300))[:, None]


def grouped(rows: Any, cols: Any, values: Any, weights: Any, multipliers: Any, count: int) -> tuple[Any, ...]:
    """Entries in rising order of rows as (ip, ix, a, w, c)."""
    ip = np.zeros(count + 1, dtype=np.uint64)
    ip[1:] = np.cumsum(np.bincount(rows, minlength=count))
    return ip, cols.astype(np.uint32), values, weights, multipliers


def by_columns(rows: Any, cols: Any, m: int, n: int) -> Any:
    """The order by columns, then rows, of entries in order by rows: a pass of counting in place of a sort.

    Examples
    --------
    >>> import numpy as np
    >>> by_columns(np.array([0, 0, 1]), np.array([0, 2, 1]), 2, 3).tolist()
    [0, 2, 1]
    """
    ip = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=m))])
    return sp.csr_array((np.arange(len(rows)), cols, ip), shape=(m, n)).tocsc().data


def held(rows: Any, cols: Any, m: int, n: int, k: int, share: float, seed: int) -> Any:
    """Which entries are held out: about ``share`` of them, none that its row or column needs.

    Drawn by a hash of the place, so that entries which arrive later leave those that are there as they were.
    """
    with np.errstate(over="ignore"):
        mixed = (rows * n + cols).astype(np.uint64) + np.uint64(seed % 2**32 + 1) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):  # SplitMix64's finalizer
            mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    out = (mixed >> np.uint64(11)) * 2.0**-53 < share
    for index, size in ((rows, m), (cols, n)):
        left = np.bincount(index[~out], minlength=size)
        out &= ~((left < 2 * k) | (np.bincount(index, minlength=size) <= k))[index]
    return out


def _unmasked(given: Any, name: str) -> None:
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; leave masked entries out: {name}.compressed()")


def indices(given: Any, size: int, name: str) -> Any:
    _unmasked(given, name)
    i = np.asarray(given)
    if i.ndim != 1 or i.dtype.kind not in "iu":
        raise TypeError(f"{name} is {i.dtype} of shape {i.shape}; a vector of whole numbers is expected")
    if len(i) and (int(i.min()) < 0 or int(i.max()) >= size):
        bad = int(i.min()) if int(i.min()) < 0 else int(i.max())
        raise ValueError(f"{name} contains {bad}; indices from 0 to {size - 1} are expected")
    return i.astype(np.int64)


def reals(given: Any, name: str) -> Any:
    _unmasked(given, name)
    v = np.asarray(given)
    if v.ndim != 1 or v.dtype.kind != "f" or v.dtype.itemsize > 8:
        raise TypeError(f"{name} is {v.dtype} of shape {v.shape}; a vector of real floats is expected")
    if not np.all(np.isfinite(v)):
        raise ValueError(f"{name} contains NaN or inf; leave such entries out")
    return v.astype(np.float64)
