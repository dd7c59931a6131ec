"""Halpern's iteration for x = T(x), T nonexpansive: every step is drawn back to an anchor, ever more weakly.

    x_{k+1} = x_0 / (k + 2) + (1 - 1 / (k + 2)) T(x_k)

Step: one evaluation and 8 vector passes. Memory: x, T(x), a difference and the anchor. Guarantee, and it is tight:
||x_k - T(x_k)|| <= 2 ||x_0 - x*|| / (k + 1). Leaves ``residual``, and at powers of two ``displacement`` with
``displacement_gap``: the two estimates of the infimal displacement vector, 2 (x_0 - x_k) / (k + 1) and x_k - T(x_k). Much
slower than Picard or Anderson where T contracts: restart it then (``RestartedHalpern``).

Reference: Halpern, Bull. AMS 73 (1967); Lieder, Optim. Lett. 15 (2021), theorem 2.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core import Cost
from ...problems import vectors
from .steps import Drift, FixedState, begin, evaluate

__all__ = ["Halpern", "RestartedHalpern"]


class HalpernState(FixedState):
    """The anchor, the residual there, and the steps since."""

    anchor: Any
    first: float
    j: int


def _anchored(problem: Any, state: HalpernState) -> None:
    """One step towards the image, drawn back to the anchor."""
    weight = 1.0 / (state.j + 2.0)
    evaluate(problem, state, weight * state.anchor + (1.0 - weight) * state.Tx, 4.0)
    state.j += 1


def _drop_anchor(state: HalpernState) -> None:
    """The iterate is the anchor from now on."""
    state.anchor, state.j, state.first = vectors.copied(state.x), 0, state.seen["residual"]
    state.drift = Drift(state.x, average=0.5, residual=True)


@dataclass(frozen=True)
class Halpern:
    """Halpern's iteration with the weights 1 / (k + 2).

    References
    ----------
    F. Lieder, Optim. Lett. 15 (2021) 405-418, theorem 2.1.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> turn = np.array([[0.0, -1.0], [1.0, 0.0]])
    >>> result = rv.solve(rv.FixedPoint(lambda x: turn @ x), "halpern", x0=np.ones(2), atol=1e-2)
    >>> result.ok, result.steps <= 2 * 2**0.5 / 1e-2
    (True, True)
    """

    needs = frozenset({"map"})
    sees = frozenset({"residual", "displacement", "displacement_gap"})

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> HalpernState:
        """The anchor is the first iterate."""
        state = begin(problem, HalpernState(), x0, carry)
        _drop_anchor(state)
        return state

    def step(self, problem: Any, state: HalpernState) -> None:
        """One evaluation."""
        _anchored(problem, state)
        state.drift.look(problem, state)

    def solution(self, problem: Any, state: HalpernState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: HalpernState) -> dict[str, Any]:
        """Nothing that another map could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """One evaluation a step."""
        return Cost(0.0, 0.0, 1.0 + 8 * problem.weight("passes"))


@dataclass(frozen=True)
class RestartedHalpern:
    """Halpern's iteration that takes the iterate as new anchor whenever the residual has fallen by ``factor``.

    Linear convergence where the residual bounds the distance to a fixed point (sharpness, contraction).

    Parameters
    ----------
    factor : float, default 0.5
        In (0, 1).

    References
    ----------
    F. Lieder, Optim. Lett. 15 (2021) 405-418, for what one round does.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> problem = rv.FixedPoint(lambda x: 0.9 * np.roll(x, 1) + np.arange(4.0))
    >>> once = rv.solve(problem, "halpern", x0=np.zeros(4), rtol=1e-2)
    >>> again = rv.solve(problem, "restartedhalpern", x0=np.zeros(4), rtol=1e-2)
    >>> once.ok, again.ok, again.steps < once.steps
    (True, True, True)
    """

    factor: float = 0.5

    needs = frozenset({"map"})
    sees = frozenset({"residual", "displacement", "displacement_gap"})

    def __post_init__(self) -> None:
        if not 0.0 < self.factor < 1.0:
            raise ValueError(f"factor={self.factor} was given; a number between 0 and 1 is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> HalpernState:
        """The anchor is the first iterate."""
        state = begin(problem, HalpernState(), x0, carry)
        _drop_anchor(state)
        return state

    def step(self, problem: Any, state: HalpernState) -> None:
        """One evaluation; a new anchor where the residual has fallen enough."""
        _anchored(problem, state)
        if state.seen["residual"] <= self.factor * state.first:
            _drop_anchor(state)
        else:
            state.drift.look(problem, state)

    def solution(self, problem: Any, state: HalpernState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: HalpernState) -> dict[str, Any]:
        """Nothing that another map could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """One evaluation a step."""
        return Cost(0.0, 0.0, 1.0 + 8 * problem.weight("passes"))
