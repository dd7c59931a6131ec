"""Newton-Krylov for x = T(x): Newton's equation solved inexactly, with products by differences of the map or a given jvp.

    (I - T'(x_k)) s = T(x_k) - x_k   to   || . || <= eta_k || T(x_k) - x_k ||,     x_{k+1} = x_k + t s

Step: the products of one linear solve (an evaluation each without ``jvp``), and one evaluation for each length t tried:
1, 1/2, 1/4, ... until the residual has fallen enough. Memory: x, T(x), s and what the linear solver takes. Leaves
``residual``. Slot ``inner``: the Session of the linear solves. Not for maps that are not smooth, nor
where a few plain or Anderson steps do: a linear solve costs several evaluations.

Reference: Knoll and Keyes, J. Comput. Phys. 193 (2004), section 2; Eisenstat and Walker, SIAM J. Sci. Comput. 17 (1996).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core import Cost, Status
from ...problems import vectors
from ...problems.derivative import newton_equation
from ..krylov.bicgstab import BiCGStab
from .inner import Inner, failed, forcing
from .steps import FixedState, begin, evaluate

__all__ = ["NewtonKrylov"]

_SHARE = 0.5
_ENOUGH = 1e-4
_SHORTEST = 2.0**-10


class NewtonState(FixedState):
    """The iterate with its image, the solver, and the last forcing term."""

    inner: Inner
    eta: float


@dataclass(frozen=True)
class NewtonKrylov:
    """Newton's method with iterative linear solves and no matrix.

    Parameters
    ----------
    inner : str or method, default BiCGStab()
        Solves the linear systems; ``"minres"`` or ``"cg"`` where the derivative is known to be symmetric.
    learners : tuple of str
        Names of the learners of their Session.
    forcing : float, default 0.1
        Greatest relative tolerance of a linear solve.
    inner_steps : int, default 200
        Iterations of one linear solve, at most.

    References
    ----------
    D. A. Knoll and D. E. Keyes, J. Comput. Phys. 193 (2004) 357-397, section 2.

    Examples
    --------
    >>> import resolvent as rv
    >>> from resolvent.gallery.bratu import bratu
    >>> result = rv.solve(bratu("jacobi", size=15, lam=5.0), "newtonkrylov", rtol=1e-8)
    >>> result.ok, result.steps < 10
    (True, True)
    """

    inner: Any = BiCGStab()  # noqa: RUF009 - a frozen record
    learners: tuple[str, ...] = ()
    forcing: float = 0.1
    inner_steps: int = 200

    needs = frozenset({"map"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "learners", tuple(self.learners))
        if not 0.0 < self.forcing < 1.0 or self.inner_steps < 1:
            raise ValueError(
                f"forcing={self.forcing}, inner_steps={self.inner_steps} were given; "
                "a number in (0, 1) and one from 1 on are expected"
            )

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> NewtonState:
        """One evaluation, unless x0 is the reference or its residual is known."""
        state = begin(problem, NewtonState(), x0, carry)
        kept = carry.get("inner")
        fits = isinstance(kept, Inner) and kept.fits(self.inner, self.learners)
        state.inner, state.eta = kept if fits else Inner(self.inner, self.learners), self.forcing
        return state

    def step(self, problem: Any, state: NewtonState) -> None:
        """One linear solve and a step along it."""
        x, r, before = state.x, state.r, state.seen["residual"]
        length = vectors.length(r)
        tolerance = max(state.eta * length, _SHARE * (state.goal or 0.0))
        system = newton_equation(problem, x, state.Tx)
        result = state.inner.solve(problem, system, None, min(tolerance, self.forcing * length), limit=self.inner_steps)
        if failed(result):
            state.status, state.reason = Status.BREAKDOWN, f"the linear solve failed: {result.reason}"
            return
        s, t, k = problem.xp.reshape(result.x, x.shape), 1.0, state.k
        while True:
            evaluate(problem, state, x + t * s, 2.0)
            if state.seen["residual"] <= (1.0 - _ENOUGH * t) * before or t <= _SHORTEST:
                break
            t *= 0.5
        state.k = k + 1
        now = state.seen["residual"]
        state.eta = forcing(before, now, state.eta, self.forcing)
        if not now < before:
            state.status, state.reason = Status.STAGNATED, "no step along the Newton direction reduces the residual"
            if not math.isfinite(now) or now > before:
                state.x, state.r, state.seen["residual"] = x, r, before

    def solution(self, problem: Any, state: NewtonState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: NewtonState) -> dict[str, Any]:
        """The Session of the linear solves."""
        return {"inner": state.inner}

    def estimate(self, problem: Any) -> Cost:
        """An evaluation, and some ten products."""
        return Cost(0.0, 0.0, 1.0 + 10.0 * (problem.weight("products") + 10 * problem.weight("passes")))
