"""SciPy's solvers for least squares: LSQR and LSMR."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse.linalg as spla

from ...core import Cost, SetupError, Status
from .calling import EndedError, Run, Wrapped

__all__ = ["LSMR", "LSQR"]


class _Bidiagonal(Wrapped):
    """LSQR and LSMR on the correction: min || [r; -damp x] - [A; damp I] d ||, x + d."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "needs", frozenset({"least squares"}))

    def _call(self, run: Run, bound: Any, tolerance: float, room: int) -> tuple[Any, int]:
        problem, damp = run.problem, run.problem.damp
        if not isinstance(problem.target, np.ndarray):
            raise SetupError("SciPy works on NumPy arrays; use cgls for arrays of another library")
        x, r = problem.start(run.x, {})
        m, n, dtype = problem.m, problem.n, problem.dtype

        def forward(v: Any) -> Any:
            y = problem.product(v.ravel().astype(dtype))
            return np.concatenate([y, damp * v.ravel()]) if damp else y

        def backward(v: Any) -> Any:
            y = problem.adjoint(v[:m].astype(dtype))
            return y + damp * v[m:] if damp else y

        A = spla.LinearOperator((m + (n if damp else 0), n), matvec=forward, rmatvec=backward, dtype=dtype)
        rhs = np.concatenate([r, -damp * x]) if damp else r
        size = problem.scale or 1.0
        rtol = tolerance / size
        btol = tolerance / max(float(np.linalg.norm(rhs)), 1e-300)
        d, reason, steps = self._solved(A, rhs, rtol, min(btol, 1.0), room)
        run.k += int(steps)
        run.state.k = run.k
        problem.work.add("passes", 10.0 * steps)
        if run.check(run.state) == Status.TIME:
            raise EndedError(Status.TIME)
        return x + d, 0 if reason != 7 else 1

    def _solved(self, A: Any, rhs: Any, atol: float, btol: float, room: int) -> tuple[Any, int, int]:
        raise TypeError("SciPy's function is not named")

    def estimate(self, problem: Any) -> Cost:
        """What one iteration costs as ``running``."""
        own = 1.0 + problem.weight("adjoint_products") + 10 * problem.weight("passes") + 2 * problem.weight("calls")
        return Cost(0.0, 0.0, own)


@dataclass(frozen=True)
class LSQR(_Bidiagonal):
    """SciPy's ``lsqr`` for least squares (Paige and Saunders 1982).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearLeastSquares(np.ones((3, 1)), np.array([1.0, 2.0, 6.0])), "lsqr").x.round(6).tolist()
    [3.0]
    """

    def _solved(self, A: Any, rhs: Any, atol: float, btol: float, room: int) -> tuple[Any, int, int]:
        out = spla.lsqr(A, rhs, atol=atol, btol=btol, conlim=0, iter_lim=room)
        return out[0], int(out[1]), int(out[2])


@dataclass(frozen=True)
class LSMR(_Bidiagonal):
    """SciPy's ``lsmr`` for least squares (Fong and Saunders 2011); the gradient falls at each iteration.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearLeastSquares(np.ones((3, 1)), np.array([1.0, 2.0, 6.0])), "lsmr").x.round(6).tolist()
    [3.0]
    """

    def _solved(self, A: Any, rhs: Any, atol: float, btol: float, room: int) -> tuple[Any, int, int]:
        out = spla.lsmr(A, rhs, atol=atol, btol=btol, conlim=0, maxiter=room)
        return out[0], int(out[1]), int(out[2])
