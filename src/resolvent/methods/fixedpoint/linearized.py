"""Newton's method for x = T(x) with the linearisation that the problem gives; policy iteration for decision processes.

    A_k = I - T'(x_k),   b_k = T(x_k) - T'(x_k) x_k,   A_k x_{k+1} = b_k

inexactly, to a forcing term. Step: one linearisation, one product with A and a linear solve. The residual is A x - b, so
that no evaluation of the map is needed besides; where the linear solve went as far as the tolerance asks, its result is left
to the loop's measure. Memory: x, a residual, A and what the linear solver takes. Leaves
``residual``. Slot ``inner``: the Session of the linear solves, which goes on learning, and from which residual on they may go
as far as that at once. On NumPy arrays only. Not where x0 is far from a solution
of a map that is neither monotone nor contracting: a step that makes the residual ``growth`` times the best is halved up to
ten times, and then the method gives up.

Reference: Puterman and Brumelle, Math. Oper. Res. 4 (1979), that policy iteration is Newton's method; Dembo, Eisenstat and
Steihaug, SIAM J. Numer. Anal. 19 (1982), theorem 2.3, for inexact solves.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State, Status
from ...problems.linear import LinearSystem
from ..krylov.bicgstab import BiCGStab
from .inner import Inner, failed, forcing

__all__ = ["Linearized"]

_SHARE, _ENOUGH = 0.5, 0.9
_HALVINGS = 10


class LinearizedState(State):
    """The iterate, the linearised system there, the residual, and the solver."""

    x: Any
    system: Any
    r: Any
    inner: Inner
    best: float
    begun: Any
    eta: float


@dataclass(frozen=True)
class Linearized:
    """Newton's method with the problem's own linearisation; on NumPy arrays only (NewtonKrylov takes those of others).

    Parameters
    ----------
    inner : str or method, default BiCGStab()
        Solves the linear systems.
    learners : tuple of str
        Names of the learners of their Session, such as ``("Lifetime",)`` where ``inner`` has a preconditioner to keep.
    forcing : float, default 0.1
        Greatest relative tolerance of a linear solve.
    keep : bool, default True
        Precondition the linear solves with a factor of an earlier matrix once that pays, or with the slowest mode of the
        map; both stay in the slot ``inner``. Not where ``inner`` has a preconditioner of its own.
    growth : float, default 100.0
        A residual this many times the best is not accepted.

    References
    ----------
    M. L. Puterman and S. L. Brumelle, Math. Oper. Res. 4 (1979) 60-69.

    Examples
    --------
    >>> import resolvent as rv
    >>> from resolvent.gallery.mdp import garnet
    >>> problem = garnet(states=200, actions=4, successors=5, gamma=0.99).problem()
    >>> result = rv.solve(problem, "linearized", rtol=1e-10)
    >>> result.ok, result.steps < 10
    (True, True)
    """

    inner: Any = BiCGStab()  # noqa: RUF009 - a frozen record
    learners: tuple[str, ...] = ()
    forcing: float = 0.1
    keep: bool = True
    growth: float = 100.0

    needs = frozenset({"linearization"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        object.__setattr__(self, "learners", tuple(self.learners))
        if not 0.0 < self.forcing < 1.0 or not self.growth >= 1.0:
            raise ValueError(
                f"forcing={self.forcing}, growth={self.growth} were given; a number in (0, 1) and one from 1 on are expected"
            )

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> LinearizedState:
        """One linearisation."""
        if type(problem.zero()) is not np.ndarray:
            raise TypeError("Linearized works on NumPy arrays; convert x0 and the map, or use anderson")
        state = LinearizedState()
        kept = carry.get("inner")
        fits = isinstance(kept, Inner) and kept.fits(self.inner, self.learners, self.keep)
        state.inner = kept if fits else Inner(self.inner, self.learners, self.keep)
        if state.inner.kept is not None:
            state.inner.kept.carried = fits
        state.eta = self.forcing
        state.inner.foresight.begin("residual" in carry)
        self._look(problem, state, problem.zero() if x0 is None else x0 + 0.0)
        state.best, state.begun = state.seen["residual"], state.x
        return state

    def _look(self, problem: Any, state: LinearizedState, x: Any) -> None:
        """The linearised system at x, and the residual there."""
        A, b = problem.linearize(x)
        state.x, state.system = x, LinearSystem(A, np.ravel(np.asarray(b)))
        with np.errstate(all="ignore"):
            state.r = -np.reshape(state.system.residual(np.ravel(x)), x.shape)
        problem.work.add("inner", state.system.product_seconds / problem.product_seconds)
        problem.work.add("inner_products")
        problem.work.add("passes", 3)
        state.seen["residual"] = problem.size(state.r)

    def step(self, problem: Any, state: LinearizedState) -> None:
        """One linear solve for the correction, and the linearisation at what it gives."""
        if state.system is None:  # the last iterate was left to the loop's measure, and no rule took it
            self._look(problem, state, state.x)
        x, before, foresight = state.x, state.seen["residual"], state.inner.foresight
        system = LinearSystem(state.system.A, np.ravel(-state.r))
        result = state.inner.solve(problem, system, None, *self._tolerances(problem, state))
        state.k += 1
        if failed(result):
            state.status, state.reason = Status.BREAKDOWN, f"the linear solve failed: {result.reason}"
            return
        s, left = np.reshape(result.x, x.shape), _left(problem, system, result)
        if result.ok and state.goal is not None and left <= _ENOUGH * state.goal:
            state.x, state.system = x + s, None
            state.seen["residual"] = left
            foresight.foretold(before)
            return
        length = float(np.linalg.norm(state.r))
        self._accept(problem, state, x, s)
        foresight.look(before, result.seen["residual"], float(np.linalg.norm(state.r)))
        now = state.seen["residual"]
        state.best = min(state.best, now)
        if foresight.cheap:  # then a fall is measured as the linear solves measure it
            before, now = length, float(np.linalg.norm(state.r))
        state.eta = forcing(before, now, state.eta, self.forcing)

    def _tolerances(self, problem: Any, state: LinearizedState) -> tuple[float, float]:
        """Of the next linear solve: in the 2-norm, and in the maximum norm where that is enough (zero: it is not)."""
        length, goal = float(np.linalg.norm(state.r)), state.goal or 0.0
        share = _SHARE * goal * _spread(problem)
        if goal > 0.0 and state.inner.foresight.straight(state.seen["residual"]):
            return min(share, self.forcing * length), _ENOUGH * goal if problem.norm == math.inf else 0.0
        return max(state.eta * length, min(share, self.forcing * length)), 0.0

    def _accept(self, problem: Any, state: LinearizedState, x: Any, s: Any) -> None:
        """Go the whole way; half of it, a quarter, ... while the residual is far above the best."""
        for halving in range(_HALVINGS + 1):
            self._look(problem, state, x + 0.5**halving * s)
            if state.seen["residual"] <= self.growth * state.best:
                return
        state.status, state.reason = Status.STAGNATED, "no step along the linearised solution keeps the residual down"

    def solution(self, problem: Any, state: LinearizedState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: LinearizedState) -> dict[str, Any]:
        """The Session of the linear solves, which is told the way that this solve went."""
        if state.inner.kept is not None:
            state.inner.kept.learn(state.x - state.begun)
        return {"inner": state.inner}

    def estimate(self, problem: Any) -> Cost:
        """One linearisation, and a linear solve that costs about as much again."""
        return Cost(0.0, 0.0, 2.0)


def _spread(problem: Any) -> float:
    """Of a vector without outstanding entries the 2-norm over the problem's norm, taken low."""
    return max(1.0, 0.125 * math.sqrt(problem.n)) if problem.norm == math.inf else 1.0


def _left(problem: Any, system: Any, result: Any) -> float:
    """What a linear solve left, in the norm of the problem; the 2-norm where the vector is not at hand."""
    r = result.carry.get("residual")
    if problem.norm != math.inf or system.shift or r is None:
        return float(result.seen["residual"])
    return float(np.max(np.abs(r)))
