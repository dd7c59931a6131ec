"""Direct solution of A x = b by a sparse LU factor, refined by its own residual.

    x += F^-1 (b - A x),   F = A at the first step

Step: one pass over the factors and one product. Leaves ``residual``. A factor carried from an earlier matrix (slot
``factor``) serves as long as each refinement gains a digit; then the matrix at hand is factored. Not for systems whose
factors do not fit in memory (3-D meshes beyond some 1e5 unknowns): use an iterative method.

Reference: Li, An overview of SuperLU, ACM TOMS 31 (2005); refinement: Higham, Accuracy and Stability, chapter 12.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Cost, State, Status
from ..operators.base import Transposed
from ..operators.engines import applied
from ..operators.factor import factor, factor_estimate

__all__ = ["Direct"]

_GAIN = 0.1
_LOOKS = 3


class DirectState(State):
    """The iterate, its residual, the factor, whether it belongs to this matrix, and refinements with a finer residual."""

    x: Any
    r: Any
    bound: Any
    own: bool
    fine: int = 0


@dataclass(frozen=True)
class Direct:
    """SciPy's ``splu`` as a method, and as a preconditioner that may be kept for later matrices.

    Symmetric matrices are factored in symmetric mode with an ordering kept per pattern; when a refinement does not gain,
    the factorization is repeated with free pivoting.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([np.ones(9), 4.0 * np.ones(10), -np.ones(9)], offsets=[-1, 0, 1]).tocsr()
    >>> result = rv.solve(rv.LinearSystem(A, np.ones(10)), "direct", rtol=1e-14)
    >>> result.ok, result.steps
    (True, 1)
    """

    needs = frozenset({"entries"})
    sees = frozenset({"residual"})

    def bind(self, problem: Any, carry: Mapping[str, Any]) -> Any:
        """The factor of the problem's matrix, as a preconditioner.

        Raises
        ------
        SetupError
            When the matrix is exactly singular.
        """
        return factor(self, problem)

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> DirectState:
        """Start at x0; the factorization waits for the first step, which a good x0 saves."""
        state = DirectState()
        state.x, state.r, norm = problem.start(x0, carry)
        state.bound = carry.get("factor")
        state.own = state.bound is not None and state.bound.matrix_version == problem.matrix_version
        state.seen["residual"] = norm
        return state

    def step(self, problem: Any, state: DirectState) -> None:
        """Solve, or refine; factor first where there is no factor that gains."""
        x, r, before = state.x, state.r, state.seen["residual"]
        if state.bound is None:
            state.bound, state.own = factor(self, _base(problem)), True
        self._refine(problem, state)
        state.k += 1
        if not state.seen["residual"] <= _GAIN * before:
            self._stronger(problem, state, before)
            if not state.seen["residual"] <= before and state.fine != 1:  # nothing gained, nothing lost
                state.x, state.r, state.seen["residual"] = x, r, before
        problem.work.add("calls")

    def _refine(self, problem: Any, state: DirectState) -> None:
        for name, amount in state.bound.counts.items():
            problem.work.add(name, amount)
        problem.work.add("passes", 4)
        with np.errstate(all="ignore"):  # what overflows is found in the residual
            state.x = state.x + applied(_turned(problem, state.bound), state.r)
        self._look(problem, state)

    def _look(self, problem: Any, state: DirectState) -> None:
        """The residual, in twice the precision once the plain one gains nothing."""
        if state.fine:
            measured = problem.measure(state.x)
            state.r, state.seen["residual"] = problem.project(measured.vector), measured.residual
        else:
            state.r = problem.residual(state.x)
            state.seen["residual"] = math.sqrt(abs(np.vdot(state.r, state.r)))

    def _stronger(self, problem: Any, state: DirectState, before: float) -> None:
        """No gain: factor this matrix, or with free pivoting, or look closer; with nothing left, say so."""
        if not state.own:
            state.bound, state.own = None, False
        elif state.seen["residual"] <= 0.5 * before:
            return
        elif getattr(state.bound, "trusting", False):
            state.bound = factor(self, _base(problem), robust=True)
            state.x, state.r, state.seen["residual"] = problem.start(None, {})
        elif state.fine < _LOOKS and math.isfinite(state.seen["residual"]):
            state.fine += 1
            self._look(problem, state)
        else:
            state.status = Status.STAGNATED
            state.reason = "refinement with the matrix's own factor gains nothing more"

    def solution(self, problem: Any, state: DirectState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: DirectState) -> dict[str, Any]:
        """The factor."""
        return {} if state.bound is None else {"factor": state.bound}

    def estimate(self, problem: Any) -> Cost:
        """Set-up from the flops of the pattern (exact once known)."""
        return factor_estimate(problem)


def _base(problem: Any) -> Any:
    """The system with the matrix itself, where the problem is one with its transpose."""
    base = getattr(problem, "base", None)
    return problem if base is None else base


def _turned(problem: Any, bound: Any) -> Any:
    return bound if getattr(problem, "base", None) is None else Transposed(bound)
