"""Harmonic Ritz vectors of small projected problems: what a restart keeps and a later solve recycles.

    G^H G z = theta G^H T z,    A Y_h = W G,    T = W^H Y_h

The ``k`` vectors of smallest |theta|, as a real basis where G is real, so that complex pairs stay whole.
Reference: Parks, de Sturler, Mackey, Johnson and Maiti, SIAM J. Sci. Comput. 28 (2006), section 3; harmonic Ritz pairs:
Morgan, Linear Algebra Appl. 154 (1991).
"""

from typing import Any

import numpy as np
import scipy.linalg as la

from ...operators.space import choosing

__all__ = ["chosen", "harmonic", "lowest", "orthonormal_images", "recycled"]

_LOST = 1e-12


def harmonic(G: Any, T: Any, k: int) -> tuple[Any, list[int]] | None:
    """Coefficients of the ``k`` harmonic Ritz vectors of least |theta|, and at which sizes they may be cut.

    Parameters
    ----------
    G, T : ndarray, shape (q + 1, q)
    k : int

    Returns
    -------
    (P, whole) or None
        P has shape (q, at most k) and orthonormal columns, the leading ones spanning what the leading vectors span;
        None when nothing can be had.

    Examples
    --------
    >>> import numpy as np
    >>> P, whole = harmonic(np.vstack([np.diag([3.0, 0.1, 2.0]), np.zeros(3)]), np.eye(4, 3), 1)
    >>> np.abs(P.ravel()).round(12).tolist(), whole
    ([0.0, 1.0, 0.0], [1])
    """
    if k < 1 or G.shape[1] < 1 or not (np.all(np.isfinite(G)) and np.all(np.isfinite(T))):
        return None
    Q, R = np.linalg.qr(G)
    d = np.abs(np.diag(R))
    if not d.min() > _LOST * d.max():
        return None
    mu, Z = np.linalg.eig(np.linalg.solve(R, Q.conj().T @ T))
    order = np.argsort(-np.abs(mu), kind="stable")
    if np.iscomplexobj(G):
        P = Z[:, order[:k]]
        whole = list(range(1, P.shape[1] + 1))
    else:
        P, whole = _real(mu, Z, order, k)
    return None if P.shape[1] == 0 else (np.linalg.qr(P)[0], whole)


def _real(mu: Any, Z: Any, order: Any, k: int) -> tuple[Any, list[int]]:
    """A real basis: a pair gives its real and imaginary parts, or nothing where only one would fit."""
    columns: list[Any] = []
    whole: list[int] = []
    for i in order:
        if mu[i].imag < 0:  # its partner stands for both
            continue
        pair = mu[i].imag > 0
        if len(columns) + 1 + pair > k:
            break
        columns += [Z[:, i].real, Z[:, i].imag] if pair else [Z[:, i].real]
        whole.append(len(columns))
    return (np.array(columns).T if columns else np.zeros((len(mu), 0))), whole


def orthonormal_images(G: Any, P: Any, whole: list[int]) -> tuple[Any, Any, list[int]]:
    """Q and P R^-1 with ``G P = Q R``; columns that the images do not tell apart are left out."""
    Q, R = np.linalg.qr(G @ P)
    d = np.abs(np.diag(R))
    keep = d > _LOST * max(d.max(), 1e-300)
    if not keep.all():
        P = P[:, keep]
        Q, R = np.linalg.qr(G @ P)
        left = np.cumsum(keep)
        whole = sorted({int(left[w - 1]) for w in whole} - {0})
    return Q, np.linalg.solve(R.T, P.T).T, whole


def recycled(G: Any, T: Any, scale: Any, k: int) -> tuple[Any, Any, list[int]] | None:
    """Of the space to keep: orthonormal images Q in W, coefficients P with ``G P = Q``, sizes at which it may be cut.

    Parameters
    ----------
    G, T : ndarray, shape (q + 1, q)
    scale : ndarray, shape (q,)
        Reciprocal sizes of the vectors that the columns stand for.
    k : int

    Returns
    -------
    (Q, P, whole) or None
        None when nothing can be had.
    """
    with np.errstate(all="ignore"):
        try:
            found = harmonic(G * scale, T * scale, k)
            if found is None:
                return None
            Q, P, whole = orthonormal_images(G * scale, *found)
        except np.linalg.LinAlgError:
            return None
    return Q, P * scale[:, None], whole


def chosen(problem: Any, G: Any, T: Any, scale: Any, k: int) -> tuple[Any, Any, list[int]] | None:
    """``recycled``, counted."""
    for name, amount in choosing(G.shape[1], G.dtype.kind == "c").items():
        problem.work.add(name, amount)
    return recycled(G, T, scale, k)


def lowest(A: Any, M: Any, k: int) -> Any:
    """Coefficients of the ``k`` Ritz vectors of least value of the pencil (A, M), both Hermitian, M definite.

    Returns
    -------
    ndarray, shape (q, at most k), or None
        None when the pencil is not one.

    Examples
    --------
    >>> import numpy as np
    >>> np.abs(lowest(np.diag([3.0, 0.1, 2.0]), np.eye(3), 2)).round(12)
    array([[0., 0.],
           [1., 0.],
           [0., 1.]])
    """
    if not (np.all(np.isfinite(A)) and np.all(np.isfinite(M))):
        return None
    d = 1.0 / np.sqrt(np.maximum(np.abs(np.diag(M)), 1e-300))
    try:
        values, vectors = la.eigh(A * np.outer(d, d), M * np.outer(d, d))
    except np.linalg.LinAlgError:
        return None
    good = np.flatnonzero(values > 0)[:k]
    return (vectors[:, good] * d[:, None]) if len(good) else None
