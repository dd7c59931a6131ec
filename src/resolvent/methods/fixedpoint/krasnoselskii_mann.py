"""Averaged iteration for x = T(x), T nonexpansive.

    x_{k+1} = x_k + step (T(x_k) - x_k)

Step: one evaluation and 6 vector passes. Memory: x, T(x) and a difference. Leaves ``residual``, and at powers of two
``displacement``. Converges for every nonexpansive map that has a fixed point, with a residual of O(1 / sqrt(k)); where T
contracts, plain iteration is faster, and Anderson faster still.

Reference: Krasnosel'skii, Uspekhi Mat. Nauk 10 (1955); Mann, Proc. AMS 4 (1953).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core import Cost
from .steps import Drift, FixedState, begin, evaluate

__all__ = ["KrasnoselskiiMann"]


@dataclass(frozen=True)
class KrasnoselskiiMann:
    """Averaged iteration.

    Parameters
    ----------
    step_size : float, default 0.5
        In (0, 1]; 1 is plain iteration.

    References
    ----------
    W. R. Mann, Proc. AMS 4 (1953) 506-510.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> turn = np.array([[0.0, -1.0], [1.0, 0.0]])  # a rotation: plain iteration never ends
    >>> result = rv.solve(rv.FixedPoint(lambda x: turn @ x), "krasnoselskiimann", x0=np.ones(2), atol=1e-8)
    >>> result.ok
    True
    """

    step_size: float = 0.5

    needs = frozenset({"map"})
    sees = frozenset({"residual", "displacement", "displacement_gap"})

    def __post_init__(self) -> None:
        if not 0.0 < self.step_size <= 1.0:
            raise ValueError(f"step_size={self.step_size} was given; a number in (0, 1] is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> FixedState:
        """One evaluation, unless x0 is the reference or its residual is known."""
        state = begin(problem, FixedState(), x0, carry)
        state.drift = Drift(state.x, average=self.step_size)
        return state

    def step(self, problem: Any, state: FixedState) -> None:
        """One evaluation."""
        evaluate(problem, state, state.x - self.step_size * state.r, 2.0)
        state.drift.look(problem, state)

    def solution(self, problem: Any, state: FixedState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: FixedState) -> dict[str, Any]:
        """Nothing that another map could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """One evaluation a step."""
        return Cost(0.0, 0.0, 1.0 + 6 * problem.weight("passes"))
