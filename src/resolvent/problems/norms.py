"""The largest singular value of a sparse matrix: lower bounds, bounds by parts, and to five digits."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as la
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

__all__ = ["norm_of_parts", "rough_norm", "spectral_norm", "steps_within"]

_FACTOR = 2.0


def rough_norm(R: Any, products: int) -> tuple[float, int]:
    """A lower bound from that many products (an odd number), and their number."""
    v, size = _start(R.shape[1]), _size(R)
    for _ in range(products // 2):
        v = R.T @ ((R @ v) / size) / size
        v /= float(np.linalg.norm(v)) or 1.0
    return float(np.linalg.norm((R @ v) / size) / (float(np.linalg.norm(v)) or 1.0)) * size, products


def spectral_norm(R: Any) -> tuple[float, int]:
    """Rounded up in its fifth digit, and the products taken."""
    if min(R.shape) <= 2:
        return float(la.svdvals(R.toarray())[0]), 2
    size = _size(R)
    top, products = _top(lambda v: R.T @ ((R @ v) / size) / size, _start(R.shape[1]), tol=1e-6)
    return size * top * (1.0 + 1e-5), products


def norm_of_parts(R: Any, U: Any, V: Any, RV: Any, RU: Any) -> tuple[float | None, int]:
    """An upper bound where what is outside of span U and span V is clearly smaller than what is inside; else None.

    With orthonormal bases P of span U and Q of span V, the norm of R is at most that of the 2 x 2 matrix of the norms of its
    parts: ``P'RQ`` and the two mixed ones are known from ``RV = R V`` and ``RU = R'U``; the rest is at most twice what
    ARPACK finds in `steps_within` steps from a seeded normal start.

    Parameters
    ----------
    R : sparse array, shape (m, n)
    U, V : ndarrays, shapes (m, k), (n, k)
        With diagonal ``U'U`` and ``V'V``.
    RV, RU : ndarrays, shapes (m, k), (n, k)
    """
    left, right = np.linalg.norm(U, axis=0), np.linalg.norm(V, axis=0)
    steps = steps_within(R.shape[1], _FACTOR)
    if min(R.shape) <= 2 * (U.shape[1] + steps) or not min(left.min(), right.min()) > 1e-6 * max(
        left.max(), right.max()
    ):
        return None, 0
    P, Q, RQ, RP = U / left, V / right, RV / right, RU / left
    inside = P.T @ RQ
    norms = [float(la.svdvals(X)[0]) for X in (inside, RQ - P @ inside, RP - Q @ inside.T)]
    outside: Callable[[Any, Any], Any] = lambda X, v: v - X @ (X.T @ v)
    size = _size(R)
    square = lambda v: outside(Q, R.T @ (outside(P, R @ v) / size)) / size
    least, products = _top(square, outside(Q, _start(R.shape[1])), ncv=steps, tol=1.0)
    rest = _FACTOR * size * least
    if rest > norms[0]:
        return None, products
    return float(la.svdvals([[norms[0], norms[2]], [norms[1], rest]])[0]) * (1.0 + 1e-12), products


def steps_within(n: int, factor: float, risk: float = 1e-3) -> int:
    """Steps of Lanczos' method after which the largest singular value is at most `factor` times the one found.

    From a normal start, the largest eigenvalue L of a positive semidefinite matrix exceeds the Ritz value by more than
    ``eps L`` with a probability of at most ``1.648 sqrt(n) exp(-(2 steps - 1) sqrt(eps))``, whatever its spectrum.

    Parameters
    ----------
    n : int
        Columns.
    factor : float
        Above 1.
    risk : float
        The probability that it is larger.

    References
    ----------
    Kuczynski and Wozniakowski, Estimating the largest eigenvalue by the power and Lanczos algorithms with a random start,
    SIAM J. Matrix Anal. Appl. 13 (1992), theorem 4.2.

    Examples
    --------
    >>> from resolvent.problems.norms import steps_within
    >>> steps_within(1000, 2.0), steps_within(10**7, 2.0), steps_within(1000, 1.1)
    (7, 10, 14)
    """
    share = 1.0 - 1.0 / factor**2
    return math.ceil(0.5 * (1.0 + math.log(1.648 * math.sqrt(n) / risk) / math.sqrt(share)))


def _start(n: int) -> Any:
    """A normal vector, always the same: no structure of the entries is orthogonal to it."""
    return np.random.default_rng(0).standard_normal(n)


def _size(R: Any) -> float:
    """The largest entry: products are scaled by it, so that squares neither overflow nor vanish."""
    return max(float(np.abs(R.data).max(initial=0.0)), 1e-300)


def _top(square: Callable[[Any], Any], start: Any, **options: Any) -> tuple[float, int]:
    """The root of the largest eigenvalue, and the products with R and R' taken."""
    taken = [0]

    def product(v: Any) -> Any:
        taken[0] += 2
        return square(v)

    n = len(start)
    try:
        found = eigsh(LinearOperator((n, n), product, dtype=float), 1, v0=start, return_eigenvectors=False, **options)
    except ArpackError:
        if square(start).any():
            raise
        return 0.0, taken[0]
    return math.sqrt(max(0.0, float(found[0]))), taken[0]
