"""The largest singular value of a sparse matrix: lower bounds, by parts, and to five digits."""

import math
from typing import Any

import numpy as np
import scipy.linalg as la
from scipy.sparse.linalg import LinearOperator, eigsh

__all__ = ["norm_of_parts", "rough_norm", "spectral_norm"]

_STEPS, _SAFE = 6, 1.5


def rough_norm(R: Any, products: int) -> tuple[float, int]:
    """A lower bound from that many products (an odd number), and their number."""
    v = np.ones(R.shape[1])
    for _ in range(products // 2):
        v = R.T @ (R @ v)
    return float(np.linalg.norm(R @ v) / max(float(np.linalg.norm(v)), 1e-300)), products


def spectral_norm(R: Any) -> tuple[float, int]:
    """Rounded up in its fifth digit, and the products taken."""
    if min(R.shape) <= 2:
        return float(la.svdvals(R.toarray())[0]), 2
    taken = [0]

    def product(v: Any) -> Any:
        taken[0] += 2
        return R.T @ (R @ v)

    n = R.shape[1]
    square = LinearOperator((n, n), matvec=product, dtype=float)
    top = eigsh(square, k=1, v0=np.ones(n), tol=1e-6, return_eigenvectors=False)
    return float(np.sqrt(top[0])) * (1.0 + 1e-5), taken[0]


def norm_of_parts(R: Any, U: Any, V: Any, RV: Any, RU: Any) -> tuple[float | None, int]:
    """An upper bound where what is outside of span U and span V is clearly smaller than what is inside; else None.

    With orthonormal bases P of span U and Q of span V, the norm of R is at most that of the 2 x 2 matrix of the norms of its
    parts: ``P'RQ`` and the two mixed ones are known from ``RV = R V`` and ``RU = R'U``; the rest, of which six steps of
    Lanczos' method give a lower bound, is taken for one and a half times that.

    Parameters
    ----------
    R : sparse array, shape (m, n)
    U, V : ndarrays, shapes (m, k), (n, k)
        With diagonal ``U'U`` and ``V'V``.
    RV, RU : ndarrays, shapes (m, k), (n, k)
    """
    left, right = np.linalg.norm(U, axis=0), np.linalg.norm(V, axis=0)
    if min(R.shape) <= 2 * U.shape[1] + 2 or not min(left.min(), right.min()) > 1e-6 * max(left.max(), right.max()):
        return None, 0
    P, Q, RQ, RP = U / left, V / right, RV / right, RU / left
    inside = P.T @ RQ
    norms = [float(la.svdvals(X)[0]) for X in (inside, RQ - P @ inside, RP - Q @ inside.T)]
    rest = _SAFE * _lanczos(R, P, Q)
    if rest > norms[0]:
        return None, 2 * _STEPS
    return float(la.svdvals([[norms[0], norms[2]], [norms[1], rest]])[0]) * (1.0 + 1e-12), 2 * _STEPS


def _lanczos(R: Any, P: Any, Q: Any) -> float:
    """A lower bound of the norm of ``(I - PP') R (I - QQ')`` from a seeded start, vectors kept orthogonal."""
    outside = lambda X, v: v - X @ (X.T @ v)
    v = outside(Q, np.random.default_rng(0).standard_normal(R.shape[1]))
    basis, T = [v / np.linalg.norm(v)], np.zeros((_STEPS, _STEPS))
    for j in range(_STEPS):
        w = outside(Q, R.T @ outside(P, R @ basis[j]))
        for i, b in enumerate(basis):
            T[i, j] = float(b @ w)
        for b in basis:
            w = w - b * float(b @ w)
        length = float(np.linalg.norm(w))
        if j + 1 == _STEPS or not length > 1e-14 * abs(T[0, 0]):
            break
        basis.append(w / length)
    used = len(basis)
    return math.sqrt(max(0.0, float(la.eigvalsh((T + T.T)[:used, :used] / 2)[-1])))
