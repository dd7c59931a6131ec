"""Lanczos vectors of a symmetric operator, every one orthogonalised twice against all before it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.linalg as la

__all__ = ["lanczos"]


def lanczos(product: Callable[[Any], Any], start: Any, steps: int, draw: Any) -> tuple[Any, Any]:
    """Ritz values and vectors from a Krylov space.

    Parameters
    ----------
    product : callable
        v -> H v for symmetric H.
    start : ndarray, shape (n,)
        The first direction; one is drawn where it vanishes.
    steps : int
        Products, at most n.
    draw : numpy.random.Generator

    Returns
    -------
    w : ndarray, shape (m,)
        Ritz values in rising order, m <= steps.
    Y : ndarray, shape (n, m)
        Orthonormal Ritz vectors.

    Examples
    --------
    >>> import numpy as np
    >>> w, Y = lanczos(lambda v: np.array([1.0, 2.0, 5.0]) * v, np.ones(3), 3, np.random.default_rng(0))
    >>> w.round(10).tolist()
    [1.0, 2.0, 5.0]
    """
    n = len(start)
    steps = min(steps, n)
    V, diagonal, beside = np.empty((n, steps)), [], []
    v = start if np.linalg.norm(start) > 0.0 else draw.standard_normal(n)
    v = v / np.linalg.norm(v)
    for j in range(steps):
        V[:, j] = v
        w = product(v)
        size = float(np.linalg.norm(w))
        diagonal.append(float(v @ w))
        for _ in range(2):
            w = w - V[:, : j + 1] @ (V[:, : j + 1].T @ w)
        beta = float(np.linalg.norm(w))
        if not math.isfinite(beta + diagonal[-1]):
            raise FloatingPointError("a product with the Hessian is not finite")
        if j + 1 == steps:
            break
        if not beta > 1e-10 * max(size, 1e-300):  # the space is invariant
            break
        beside.append(beta)
        v = w / beta
    m = len(diagonal)
    w, S = la.eigh_tridiagonal(np.array(diagonal), np.array(beside[: m - 1]))
    return w, V[:, :m] @ S
