"""Observed entries of a matrix: vetted, grouped by rows, some held out; and the spectral start that they give."""

import math
from typing import Any

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, eigsh

__all__ = ["balanced", "clipped", "grouped", "held", "indices", "leading", "reals", "size", "sparse", "spectral_norm"]


def balanced(U: Any, V: Any) -> tuple[Any, Any]:
    """Factors of the same product with ``U'U = V'V`` diagonal.

    Examples
    --------
    >>> import numpy as np
    >>> U, V = balanced(np.array([[2.0], [0.0]]), np.array([[8.0]]))
    >>> abs(U.ravel()).tolist(), abs(V.ravel()).tolist()
    ([4.0, 0.0], [4.0])
    """
    Q, R = la.qr(U, mode="economic", check_finite=False)
    P, S = la.qr(V, mode="economic", check_finite=False)
    left, s, right = la.svd(R @ S.T, check_finite=False)
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


def spectral_norm(R: Any, exact: bool = True) -> tuple[float, int]:
    """The largest singular value, rounded up in its fifth digit, or a lower bound of it; and the products taken."""
    start = np.ones(R.shape[1])
    if not exact:
        up = R.T @ (R @ (R.T @ (R @ start)))
        return float(np.linalg.norm(R @ up) / max(float(np.linalg.norm(up)), 1e-300)), 5
    if min(R.shape) <= 2:
        return float(la.svdvals(R.toarray())[0]), 2
    taken = [0]

    def product(v: Any) -> Any:
        taken[0] += 2
        return R.T @ (R @ v)

    n = R.shape[1]
    square = LinearOperator((n, n), matvec=product, dtype=float)
    top = eigsh(square, k=1, v0=start, tol=1e-6, return_eigenvectors=False)
    return float(np.sqrt(top[0])) * (1.0 + 1e-5), taken[0]


def size(GU: Any, GV: Any) -> float:
    return math.hypot(float(np.linalg.norm(GU)), float(np.linalg.norm(GV)))


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


def indices(given: Any, size: int, name: str) -> Any:
    i = np.asarray(given)
    if i.ndim != 1 or i.dtype.kind not in "iu":
        raise TypeError(f"{name} is {i.dtype} of shape {i.shape}; a vector of whole numbers is expected")
    if len(i) and (int(i.min()) < 0 or int(i.max()) >= size):
        bad = int(i.min()) if int(i.min()) < 0 else int(i.max())
        raise ValueError(f"{name} contains {bad}; indices from 0 to {size - 1} are expected")
    return i.astype(np.int64)


def reals(given: Any, name: str) -> Any:
    v = np.asarray(given)
    if v.ndim != 1 or v.dtype.kind != "f":
        raise TypeError(f"{name} is {v.dtype} of shape {v.shape}; a vector of real floats is expected")
    if not np.all(np.isfinite(v)):
        raise ValueError(f"{name} contains NaN or inf; leave such entries out")
    return v.astype(np.float64)
