"""Plain iteration for x = T(x).

    x_{k+1} = T(x_k)

Step: one evaluation and 4 vector passes. Memory: x, T(x) and a difference. Leaves ``residual``, and at powers of two
``displacement`` with ``displacement_gap``. Converges when T contracts, linearly with its factor; for a map that is only
nonexpansive (a rotation) it need not: use Halpern or averaged steps. Anderson needs fewer evaluations nearly always.

Reference: Banach, Fund. Math. 3 (1922), theorem 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core import Cost
from .steps import Drift, FixedState, begin, evaluate

__all__ = ["Picard"]


@dataclass(frozen=True)
class Picard:
    """Plain iteration.

    References
    ----------
    S. Banach, Fund. Math. 3 (1922) 133-181, theorem 6.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> result = rv.solve(rv.FixedPoint(lambda x: 0.5 * x + 1.0), "picard", x0=np.zeros(3), rtol=1e-9)
    >>> result.ok, result.x.round(6).tolist()
    (True, [2.0, 2.0, 2.0])
    """

    needs = frozenset({"map"})
    sees = frozenset({"residual", "displacement", "displacement_gap"})

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> FixedState:
        """One evaluation, unless x0 is the reference or its residual is known."""
        state = begin(problem, FixedState(), x0, carry)
        state.drift = Drift(state.x)
        return state

    def step(self, problem: Any, state: FixedState) -> None:
        """One evaluation."""
        evaluate(problem, state, state.Tx)
        state.drift.look(problem, state)

    def solution(self, problem: Any, state: FixedState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: FixedState) -> dict[str, Any]:
        """Nothing that another map could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """One evaluation a step."""
        return Cost(0.0, 0.0, 1.0 + 4 * problem.weight("passes"))
