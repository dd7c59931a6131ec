"""A closer look at a linear solve that failed: not finite from the start, inconsistent, or truly indefinite."""

import math
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, lsmr

from ..core import Measure, Status

__all__ = ["explain_failure"]

_LOOK = frozenset(
    {Status.SETUP, Status.INDEFINITE, Status.BREAKDOWN, Status.STAGNATED, Status.BUDGET, Status.CHANGE, Status.DIVERGED}
)
_LARGEST = 200_000


def explain_failure(
    problem: Any, status: Status, best: Measure | None, why: str, seen: dict[str, Any]
) -> tuple[Status, str]:
    """The status and sentence that fit what is found; costs products, once, where a solve has failed for good.

    A system whose least-squares residual is above the tolerance while ``A^H r`` vanishes has no solution: it ends
    STAGNATED, and ``seen["outside_range"]`` is the size of the part of b outside the range of A.
    """
    if problem.stored and not math.isfinite(problem.frobenius):
        return Status.NONFINITE, "A contains NaN or inf"
    if not math.isfinite(problem.scale):
        return Status.NONFINITE, "b contains NaN or inf"
    if status == Status.NONFINITE or best is None:
        return status, why
    if status not in _LOOK or problem.n > _LARGEST or not problem.stored:
        return status, why
    if status == Status.BUDGET and (seen.get("residual", 0.0) < 1e-3 * problem.scale or "regular" in problem.facts):
        return status, why
    outside = _outside_range(problem)
    if outside is None:
        problem.facts["regular"] = True  # a budget that runs out again is not looked into again
    if outside is None or not seen.get("residual", math.inf) >= 0.99 * outside:
        return status, why
    seen["outside_range"] = outside
    return Status.STAGNATED, (
        f"A is singular to working precision and b lies outside its range: no x has a residual below {_shown(problem, outside)}"
    )


def _shown(problem: Any, value: float) -> str:
    return f"{math.ldexp(value, -problem.shift) if abs(problem.shift) < 900 else value:.4g}"


def _outside_range(problem: Any) -> float | None:
    """The distance of b from the range of A when that is provably positive, else None.

    Rows and columns are brought to size one first, in double precision: else a graded matrix looks singular. With
    ``B = R A C``, w the least-squares residual of ``B y = R b`` and ``u = R w`` is ``A^H u = 0``, and no residual is
    below ``|u^H b| / ||u|| = ||w||^2 / ||R w||``.
    """
    if problem.frobenius == 0.0:
        return float(problem.scale)
    B, R = _equilibrated(problem)
    adjoint = B.conj().T.tocsr()
    b = R * problem.rhs.astype(B.dtype)
    scaled = LinearOperator(B.shape, matvec=lambda v: B @ v, rmatvec=lambda v: adjoint @ v, dtype=B.dtype)
    try:
        with np.errstate(all="ignore"):
            y, _, asked = lsmr(scaled, b, atol=1e-15, btol=1e-15, conlim=0, maxiter=min(4 * problem.n, 2000))[:3]
            problem.work.add("products", 2 * asked + 4)
            w = b - B @ y
            slope, left = float(np.linalg.norm(adjoint @ w)), float(np.linalg.norm(w))
            distance = left * (left / float(np.linalg.norm(R * w)))
    except (ValueError, FloatingPointError, ZeroDivisionError):
        return None
    eps = float(np.finfo(problem.dtype).eps)
    proven = (
        slope <= 1e-11 * left and left > 1e3 * eps * float(np.linalg.norm(b)) and distance > 1e3 * eps * problem.scale
    )
    return distance if proven and math.isfinite(distance) else None


def _equilibrated(problem: Any) -> tuple[Any, Any]:
    """``R A C`` in double precision, its rows and columns of largest entry about one, and the diagonal of R."""
    ip, ix = problem.ip, problem.ix
    signed = np.int32 if ip.dtype.itemsize == 4 else np.int64
    wide = np.result_type(problem.dtype, np.float64)
    data = problem.data.astype(wide)
    top = float(np.max(np.abs(data)))
    B = sp.csr_array((data / top, ix.view(signed), ip.view(signed)), shape=problem.shape)
    rows, R = np.repeat(np.arange(problem.n), np.diff(ip.view(signed))), np.ones(problem.n)
    for _ in range(6):
        size = abs(B)
        left, right = (np.sqrt(size.max(axis=axis).toarray().ravel()) for axis in (1, 0))
        left[left == 0], right[right == 0] = 1.0, 1.0
        B.data = B.data / left[rows] / right[B.indices]
        R /= left
    return B, R
