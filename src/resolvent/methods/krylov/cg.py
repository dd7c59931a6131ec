"""Conjugate gradients for A x = b, A Hermitian positive definite.

    alpha = r'z / p'Ap,   x += alpha p,   r -= alpha A p,   z = M^-1 r,   p = z + (r'z / r'z_old) p

Step: one product, one application of M, about 9 vector passes in the fused kernels (none or Jacobi), 12 otherwise; with
SSOR one iteration in Eisenstat's form reads A once. Memory: x, r, p, q (and z). Leaves ``residual``, the recursive
residual's 2-norm (with SSOR: of examined iterations, an estimate between). Not for indefinite matrices: p'Ap <= 0 ends
INDEFINITE. One protocol step runs up to ``stride`` iterations in one kernel call.

Reference: Hestenes and Stiefel, J. Res. NBS 49 (1952), algorithm 3:1; Eisenstat, SIAM J. Sci. Stat. Comput. 2 (1981).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...core import Cost, State, Status
from ...operators.engines import ApplyEngine, FusedEngine
from ...operators.given import Given, recipe_of
from .common import bound_of, needs_of
from .flexible import FlexibleCG

__all__ = ["CG"]

_CODES = {1: Status.INDEFINITE, 2: Status.NONFINITE, 3: Status.BREAKDOWN}


class CGState(State):
    """The engine that holds the vectors, and the bound preconditioner."""

    engine: Any
    bound: Any
    kept: bool


@dataclass(frozen=True)
class CG:
    """Preconditioned conjugate gradients.

    Parameters
    ----------
    preconditioner : recipe, LinearOperator or callable, optional
        ``rv.SSOR()``, ``rv.Jacobi()``, ``rv.IC()``, ``rv.Direct()`` (a factor, kept for later matrices by a learner),
        ``rv.AMG()``; an operator that applies M^-1; a function ``f(r) -> z``, which may be another map at each step,
        so that it is run as ``FlexibleCG(window=1)``; None for none.
    stride : int, default 64
        Iterations per kernel call, at most; the iterates do not depend on it.

    References
    ----------
    M. R. Hestenes and E. Stiefel, J. Res. NBS 49 (1952) 409-436, algorithm 3:1.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(49), 3.0 * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> result = rv.solve(rv.LinearSystem(A, np.ones(50)), rv.CG(preconditioner=rv.SSOR(omega=1.2)), rtol=1e-10)
    >>> result.ok, result.steps < 12
    (True, True)
    """

    preconditioner: Any = None
    stride: int = 64

    needs: ClassVar[frozenset[str]]
    _recipe: ClassVar[Any]
    _flexible: ClassVar[Any]
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise ValueError(f"stride={self.stride} was given; at least 1 is expected")
        recipe = recipe_of(self.preconditioner, flexible=True)
        function = isinstance(recipe, Given) and not recipe.linear
        flexible = FlexibleCG(1, self.preconditioner, self.stride) if function else None
        object.__setattr__(self, "_recipe", recipe)
        object.__setattr__(self, "_flexible", flexible)
        object.__setattr__(self, "needs", needs_of(recipe, frozenset({"symmetric"})))

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> Any:
        """Set up the preconditioner, unless one that fits is carried, and the engine that suits it."""
        if self._flexible is not None:
            return self._flexible.init(problem, x0, carry)
        state = CGState()
        x, r, norm = problem.start(x0, carry, lent=True)
        state.bound, state.kept = bound_of(self._recipe, problem, carry) if norm else (None, False)
        if not getattr(state.bound, "reads_only", False):
            x = x.copy() if x is x0 else x
            r = r.copy() if r is problem.rhs or r is carry.get("residual") else r
        if hasattr(state.bound, "engine"):
            state.engine = state.bound.engine(problem, x, r, norm)
        elif state.bound is None and problem.stored:
            state.engine = FusedEngine(problem, x, r, norm)
        else:
            state.engine = ApplyEngine(problem, x, r, norm, state.bound)
        state.seen["residual"] = norm
        state.norms = np.empty(self.stride)
        return state

    def step(self, problem: Any, state: Any) -> None:
        """Up to ``stride`` iterations."""
        if self._flexible is not None:
            self._flexible.step(problem, state)
            return
        room = self.stride if state.room is None else min(self.stride, state.room)
        engine = state.engine
        try:
            done = engine.advance(room, -1.0 if state.goal is None else state.goal, state.norms)
        except BaseException:  # Ctrl-C, or what the user's operator raised: the iterations made count
            state.k += getattr(engine, "done", 0)
            raise
        problem.work.add("calls")
        state.k += done
        state.seen["residual"] = engine.norm
        if engine.code:
            state.status = _CODES[engine.code]
            state.reason = _reason(engine.code, state.kept)
            if engine.code == 1 and (state.bound is None or hasattr(state.bound, "engine")):
                problem.facts["positive"] = False  # p'Ap <= 0 with a positive diagonal, or nothing, as preconditioner

    def solution(self, problem: Any, state: CGState) -> Any:
        """The iterate."""
        return state.engine.solution()

    def harvest(self, problem: Any, state: CGState) -> dict[str, Any]:
        """The bound preconditioner, where it may serve another matrix."""
        if self._flexible is not None:
            return {}
        state.engine.release()
        if not hasattr(state.bound, "fits") or hasattr(state.bound, "engine"):
            return {}
        return {"preconditioner": state.bound}

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one iteration costs as ``running``."""
        if self._flexible is not None:
            return self._flexible.estimate(problem)
        recipe = self._recipe
        if recipe is None or not hasattr(recipe, "estimate"):
            return Cost(0.0, 0.0, problem.weight("cg_steps"))
        setup = recipe.estimate(problem)
        if type(recipe).__name__ == "SSOR":
            return Cost(0.0, problem.weight("gathers"), problem.weight("ssor_steps"))
        if type(recipe).__name__ == "Jacobi":
            return Cost(0.0, problem.weight("diagonals"), problem.weight("cg_steps"))
        return Cost(setup.once, setup.setup, setup.running + 1.0 + 12 * problem.weight("passes"))


def _reason(code: int, kept: bool) -> str:
    if code == 1:
        whose = "the matrix or its preconditioner" + (" (kept from an earlier matrix)" if kept else "")
        return f"{whose} is not positive definite: p'Ap or r'z is not positive"
    if code == 2:
        return "a value that is not finite appeared in the recurrence"
    return "the recurrence has nothing left to reduce"
