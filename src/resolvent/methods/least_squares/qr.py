"""Least squares by a dense QR factorization: min || b - A x ||^2 + damp^2 || x ||^2.

    A P = Q [R 0; 0 0] Z  (damped: the rows damp I appended),   x += P Z^H R^-1 Q^H r

Step: the factorization (LAPACK's gelsy, about 2 m n min(m, n) flops) and a product; one step is enough but for
refinement. Of many solutions it gives that of least norm; what depends on other columns to rounding counts as
dependent. Leaves ``residual``, ``misfit`` and ``gradient``. The
matrix is made dense, so it refuses more than ``limit`` entries: use CGLS or LSMR there.

Reference: Bjorck, Numerical Methods for Least Squares Problems (1996), sections 2.4 and 2.9.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp

from ...core import Cost, SetupError, State, Status

__all__ = ["QR"]


class QRState(State):
    """The iterate, r = b - A x, s, and the dense matrix."""

    x: Any
    r: Any
    s: Any
    matrix: Any


@dataclass(frozen=True)
class QR:
    """Dense QR with column pivoting for ``rv.LinearLeastSquares``, refined by its own residual.

    Parameters
    ----------
    limit : int, default 10_000_000
        Entries of the dense matrix, at most.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.vander(np.linspace(0.0, 1.0, 12), 4)
    >>> rv.solve(rv.LinearLeastSquares(A, np.cos(np.arange(12.0))), "qr", rtol=1e-12).steps
    1
    """

    limit: int = 10_000_000

    needs = frozenset({"least squares", "entries"})
    sees = frozenset({"residual", "misfit", "gradient"})

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> QRState:
        """Start at x0; the factorization waits for the first step."""
        state = QRState()
        state.x, state.r = problem.start(x0, carry)
        state.matrix = None
        self._look(problem, state)
        return state

    def _look(self, problem: Any, state: QRState) -> None:
        state.s = problem.slope(state.x, state.r)
        misfit, gradient = problem.norm(state.r), problem.norm(state.s)
        residual = problem.judged(misfit, gradient)[0]
        state.seen.update(residual=residual, misfit=misfit, gradient=gradient)

    def _matrix(self, problem: Any) -> Any:
        """The dense matrix, with the rows damp I below it."""
        m, n = problem.m + (problem.n if problem.damp else 0), problem.n
        if m * n > self.limit:
            raise SetupError(f"QR would need {m} x {n} dense entries, above limit={self.limit}; use cgls or lsmr")
        if problem.how == "dense":
            A = problem.matrix
        else:
            signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
            parts = (problem.data, problem.ix.view(signed), problem.ip.view(signed))
            A = sp.csr_array(parts, shape=(problem.m, n)).toarray()
        return np.concatenate([A, problem.damp * np.eye(n, dtype=problem.dtype)]) if problem.damp else A

    def step(self, problem: Any, state: QRState) -> None:
        """Solve, or refine."""
        if state.matrix is None:
            state.matrix = self._matrix(problem)
        A, before, x, r = state.matrix, state.seen["residual"], state.x, state.r
        rhs = np.concatenate([r, -problem.damp * x]) if problem.damp else r
        cond = max(A.shape) * problem.eps
        state.x = x + la.lstsq(A, rhs, cond=cond, check_finite=False, lapack_driver="gelsy")[0]
        problem.work.add("factorizations", 1, "setup")
        problem.work.add("dense_flops", 2.0 * A.size * min(A.shape), "setup")
        problem.work.add("calls")
        state.r = problem.target - problem.product(state.x)
        self._look(problem, state)
        state.k += 1
        if not state.seen["residual"] <= 0.5 * before:
            state.status, state.reason = Status.STAGNATED, "refinement with the matrix's own factors gains nothing more"
            if not state.seen["residual"] <= before:
                state.x, state.r, state.seen["residual"] = x, r, before

    def solution(self, problem: Any, state: QRState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: QRState) -> dict[str, Any]:
        """Nothing that another matrix could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """Set-up from the flops."""
        m, n = problem.m + (problem.n if problem.damp else 0), problem.n
        setup = problem.weight("dense_flops") * 2.0 * m * n * min(m, n) + problem.weight("factorizations")
        return Cost(0.0, setup if m * n <= self.limit else float("inf"), 2.0 + problem.weight("adjoint_products"))
