"""The images of a recycled space, C = A U with orthonormal rows, and what methods that recycle do alike.

    A U = C,  C^H C = I,    U <- U R^-1  where  (A U)^H (A U) = R^H R

Cholesky of the Gram matrix, repeated until it is well conditioned: k products, 3 k^2 passes over basis vectors a round.
Reference: Parks, de Sturler, Mackey, Johnson and Maiti, SIAM J. Sci. Comput. 28 (2006), appendix; the factorization:
Yamamoto, Nakatsukasa, Yanagisawa and Fukaya, Electron. Trans. Numer. Anal. 44 (2015).
"""

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ...core import Status
from .arnoldi import combined, host, inner, like, rows

__all__ = ["begins", "images_of", "mixed", "taken_over"]

_COLUMNS = 2048


def taken_over(problem: Any, space: Any) -> tuple[Any, Any] | None:
    """(C, U) of a carried space: as it brings them where A is the same, else at a product a vector; None for neither."""
    C = space.images(problem)
    return images_of(problem, space.U) if C is None else (C, space.U)


def begins(state: Any, beta: float) -> bool:
    """Whether a cycle can begin at a residual of that norm; the state says why not."""
    if 0.0 < beta < math.inf:
        return True
    state.status = Status.BREAKDOWN if beta == 0.0 else Status.NONFINITE
    state.reason = "the recurrence has nothing left to reduce" if beta == 0.0 else "the residual is not finite"
    return False


def mixed(out: Any, *terms: tuple[Any, Any]) -> None:
    """``out = sum_i y_i basis_i`` for rows, block of columns by block, so that ``out`` may be among the rows of a basis."""
    terms = tuple((like(y, out), basis) for y, basis in terms if basis is not None and basis.shape[0])
    for low in range(0, out.shape[1], _COLUMNS):
        columns = slice(low, min(low + _COLUMNS, out.shape[1]))
        parts = [y @ basis[:, columns] for y, basis in terms]
        out[:, columns] = sum(parts[1:], parts[0])


def images_of(problem: Any, U: Any) -> tuple[Any, Any] | None:
    """C = A U with orthonormal rows, and the U that belongs to it; what A maps to nearly the same is left out."""
    AU = rows(U[0, :], U.shape[0])
    for i in range(U.shape[0]):
        AU[i, :] = problem.product(U[i, :])
    for _ in range(4):
        gram = host(inner(AU, AU))
        problem.work.add("basis", U.shape[0] ** 2)
        d = np.sqrt(np.abs(np.diag(gram)))
        good = np.isfinite(d) & (d > 0)
        if not np.all(np.isfinite(gram[np.ix_(good, good)])) or not good.any():
            return None
        if not good.all():
            AU, U = _taken(AU, good), _taken(U, good)
            continue
        R = _cholesky(gram / np.outer(d, d), problem.eps)
        keep = np.abs(np.diag(R)) > 0
        if not keep.all():
            AU, U = _taken(AU, keep), _taken(U, keep)
            continue
        mix = np.linalg.inv(R).T / d[None, :]
        sharp = np.abs(np.diag(R)).min() > 0.03
        AU, U = combined(mix, AU), combined(mix, U)
        problem.work.add("basis", 2 * U.shape[0] ** 2)
        if sharp:
            return AU, U
    return AU, U


def _cholesky(gram: Any, eps: float) -> Any:
    """R with ``R^H R = gram``; a zero on the diagonal where a column depends on those before it."""
    q = len(gram)
    R = np.zeros_like(gram)
    for i in range(q):
        row = gram[i, i:] - R[:i, i].conj() @ R[:i, i:]
        if not row[0].real > 1e3 * q * eps:
            continue
        R[i, i:] = row / math.sqrt(row[0].real)
    return R


def _taken(rows_: Any, mask: Any) -> Any:
    """The rows that the mask keeps."""
    xp = array_namespace(rows_)
    return xp.stack([rows_[int(i), :] for i in np.flatnonzero(mask)])
