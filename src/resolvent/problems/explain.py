"""A closer look at a linear solve that failed: not finite from the start, inconsistent, or truly indefinite."""

import math
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, lsmr

from ..core import Measure, OperatorError, Status

__all__ = ["explain_failure"]

_LOOK = frozenset(
    {Status.SETUP, Status.INDEFINITE, Status.BREAKDOWN, Status.STAGNATED, Status.BUDGET, Status.CHANGE, Status.DIVERGED}
)
_LARGEST = 200_000


def explain_failure(
    problem: Any, status: Status, x: Any, best: Measure | None, why: str, seen: dict[str, Any]
) -> tuple[Status, str]:
    """The status and sentence that fit what is found; costs products, on failures only.

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
    if status == Status.BUDGET and seen.get("residual", 0.0) < 1e-3 * problem.scale:
        return status, why
    outside = _outside_range(problem)
    if outside is None:
        return status, why
    seen["outside_range"] = outside
    return Status.STAGNATED, (
        f"A is singular and b lies outside its range: no x has a residual below {_shown(problem, outside)}"
    )


def _shown(problem: Any, value: float) -> str:
    return f"{math.ldexp(value, -problem.shift) if abs(problem.shift) < 900 else value:.4g}"


def _outside_range(problem: Any) -> float | None:
    """The least-squares residual when it is provably positive, else None."""
    data, ix, ip = problem.data, problem.ix, problem.ip
    import scipy.sparse as sp

    signed = np.int32 if ip.dtype.itemsize == 4 else np.int64
    A = sp.csr_array((data, ix.view(signed), ip.view(signed)), shape=problem.shape)
    size = problem.frobenius
    if size == 0.0:
        return problem.scale
    scaled = LinearOperator(
        A.shape, matvec=lambda v: (A @ v) / size, rmatvec=lambda v: (A.conj().T @ v) / size, dtype=problem.dtype
    )
    try:
        with np.errstate(all="ignore"):
            y = lsmr(scaled, problem.rhs, atol=1e-14, btol=1e-14, conlim=0, maxiter=min(4 * problem.n, 2000))[0]
            r = problem.rhs - scaled.matvec(y)
            slope = float(np.linalg.norm(scaled.rmatvec(r)))
    except (OperatorError, ValueError, FloatingPointError):
        return None
    problem.work.add("products", 4)
    left = float(np.linalg.norm(r))
    eps = float(np.finfo(problem.dtype).eps)
    proven = slope <= 1e4 * eps * left and left > 1e3 * eps * problem.scale
    return left if proven and math.isfinite(left) else None
