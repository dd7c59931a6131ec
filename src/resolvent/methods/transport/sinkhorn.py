"""Sinkhorn's iteration, in potentials, with over-relaxation.

    h += omega log(b / P' 1),   f such that P 1 = a      (omega = 1: Sinkhorn)

Potentials are in units of reg. The exponentials are kept and the iteration runs on scalings of them, which cost two
products with the kept plan and no exponential; they are evaluated anew when a scaling has left e^+-150, so that nothing
over- or underflows at any reg. Convergence is linear with a rate that tends to 1 as reg goes to 0: use SinkhornNewton
there. For omega in (1, 2) the rate near the solution is that of SOR; a sweep after which the error grows is made with
omega = 1.

Step: one sweep, one pass over the kept plan. Memory: one more array of the size of C (none where C comes in blocks).
Leaves ``residual``: the L1 violation of the columns, rows being exact.

References: Cuturi, Sinkhorn distances (NIPS 2013), algorithm 1; Schmitzer, Stabilized sparse scaling algorithms for
entropy regularized transport problems, SIAM J. Sci. Comput. 41 (2019), section 3; Thibault, Chizat, Dossal and
Papadakis, Overrelaxed Sinkhorn-Knopp algorithm for regularized optimal transport (2017), for omega.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State, Status
from .plans import Scaled

__all__ = ["Sinkhorn"]

_SLOWER = 40.0
_GROWTH = 1.2  # an over-relaxed sweep that raises the error by this factor is the last one of its call


class SinkhornState(State):
    """The plan, and the least error so far."""

    plan: Scaled
    least: float
    plain: bool


@dataclass(frozen=True)
class Sinkhorn:
    """Sinkhorn's iteration, stabilised, with over-relaxation.

    Parameters
    ----------
    omega : float, default 1
        Relaxation, in (0, 2).
    stride : int, default 64
        Sweeps in one call of the kernel.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> x = np.linspace(0, 1, 20)
    >>> problem = rv.Transport((x[:, None] - x) ** 2, np.full(20, 0.05), np.full(20, 0.05), reg=0.05)
    >>> rv.solve(problem, "sinkhorn", rtol=1e-9).ok
    True
    """

    omega: float = 1.0
    stride: int = 64

    needs = frozenset({"entropy"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not 0.0 < self.omega < 2.0:
            raise ValueError(f"omega={self.omega} was given; a number between 0 and 2 is expected")
        if self.stride < 1:
            raise ValueError(f"stride={self.stride} was given; at least 1 is expected")

    def init(self, problem: Any, x0: Any, carry: Any) -> SinkhornState:
        """At potentials x0, or at zero."""
        state = SinkhornState()
        ir = 1.0 / problem.reg
        f, g = (np.zeros(len(problem.source)), np.zeros(len(problem.targets))) if x0 is None else problem.begin(x0)
        state.plan = Scaled(problem, f * ir, g * ir, ir)
        state.least, state.plain = math.inf, False
        state.seen["residual"] = state.plan.error
        return state

    def step(self, problem: Any, state: SinkhornState) -> None:
        """Up to `stride` sweeps; plain ones for a while after the error has grown under over-relaxation."""
        problem.work.add("calls")
        plan, state.norms = state.plan, None
        if plan.lost():
            plan.rescue()
            state.k += 1
        else:
            norms = np.empty(self.stride if state.room is None else max(1, min(self.stride, state.room)))
            omega = 1.0 if state.plain else self.omega
            done = plan.sweeps(norms, omega, _GROWTH if omega > 1.0 else np.inf, state.goal or 0.0)
            state.k += done
            state.norms = norms[:done]
            state.plain = self.omega > 1.0 and plan.error > 2.0 * state.least
        state.least = min(state.least, plan.error)
        state.seen["residual"] = plan.error
        if not math.isfinite(plan.error):
            state.status, state.reason = Status.NONFINITE, "a marginal of the plan is not finite"

    def solution(self, problem: Any, state: SinkhornState) -> Any:
        """The potentials."""
        return state.plan.potentials()

    def harvest(self, problem: Any, state: SinkhornState) -> dict[str, Any]:
        """Nothing beside the potentials."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """Sweeps, as many as bring what one step of a quick method brings: the more the smaller reg is beside C."""
        sweeps = max(1.0, problem.largest_cost() / (_SLOWER * problem.reg))
        return Cost(0.0, 0.0, sweeps * (problem.weight("scalings") + problem.weight("calls")))
