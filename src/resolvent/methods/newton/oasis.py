"""A doubly adaptive scaled gradient method: the Hessian's diagonal from random probes, the step from the iterates.

    D = b D + (1 - b) z (H z),  z = +-1;   x -= eta g / max(|D|, floor)
    eta = min( sqrt(1 + theta) eta_old, |dx|_D / (2 |dg|_{1/D}) ),   theta = eta / eta_old

Step: one gradient, one product with the Hessian, about 10 vector passes. Memory: x, g, D and two more. Leaves
``residual`` (the gradient's norm). Where dg vanishes the quotient is 0/0: the step length is then kept. It helps where
the scaling is along the axes; on the same data rotated it does not.

Reference: Jahani, Rusakov, Shi, Richtarik, Mahoney, Takac, Doubly adaptive scaled algorithm for machine learning using
second-order information, ICLR 2022, algorithm 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State

__all__ = ["OASIS"]


class OASISState(State):
    """The iterate, its gradient, those before, the diagonal, and the step length with its growth."""

    x: Any
    g: Any
    D: Any
    eta: float
    theta: float
    draw: Any


@dataclass(frozen=True)
class OASIS:
    """Gradient descent with an estimated diagonal scaling and an adaptive step.

    Parameters
    ----------
    beta : float, default 0.99
        Memory of the diagonal, in [0, 1).
    floor : float, default 1e-6
        Least ``|D|``, as a part of its largest entry.
    probes : int, default 20
        Products for the first estimate.
    seed : int, default 0
        Of the probes.

    Raises
    ------
    ValueError
        For parameters out of range.

    References
    ----------
    Jahani et al., Doubly adaptive scaled algorithm for machine learning using second-order information, ICLR 2022.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> d = np.logspace(0, 6, 20)
    >>> problem = rv.Smooth(lambda x: 0.5 * d @ x**2 - x.sum(), lambda x: d * x - 1, hvp=lambda x, v: d * v)
    >>> result = rv.solve(problem, "oasis", x0=np.zeros(20), rtol=1e-6)
    >>> result.ok, result.steps < 500
    (True, True)
    """

    beta: float = 0.99
    floor: float = 1e-6
    probes: int = 20
    seed: int = 0

    needs = frozenset({"gradient", "products"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not 0.0 <= self.beta < 1.0 or not 0.0 < self.floor <= 1.0 or self.probes < 1:
            raise ValueError(
                f"beta={self.beta!r}, floor={self.floor!r}, probes={self.probes!r} were given; "
                "[0, 1), (0, 1] and at least 1 are expected"
            )

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> OASISState:
        """The gradient at x0 and a first estimate of the diagonal."""
        state = OASISState()
        state.x, state.g = problem.start(x0, carry)
        state.draw = np.random.default_rng(self.seed)
        state.D = sum(self._probe(problem, state) for _ in range(self.probes)) / self.probes
        state.eta, state.theta = 0.0, math.inf
        state.seen["residual"] = float(np.linalg.norm(state.g))
        return state

    def _probe(self, problem: Any, state: OASISState) -> Any:
        z = 2.0 * state.draw.integers(0, 2, problem.n).astype(state.x.dtype) - 1.0
        return z * problem.hessian_times(state.x, state.g, z)

    def step(self, problem: Any, state: OASISState) -> None:
        """One step, and the step length of the next."""
        size = np.abs(state.D)
        size = np.maximum(size, max(self.floor * float(size.max()), 1e-300))
        if state.eta == 0.0:
            state.eta = 1e-3
        x = state.x - state.eta * state.g / size
        g = problem.gradient_at(x)
        dx, dg = x - state.x, g - state.g
        short = math.sqrt(float(dx @ (size * dx)))
        turned = math.sqrt(float(dg @ (dg / size)))
        if turned > 0.0 and short > 0.0:
            longest = math.sqrt(1.0 + state.theta) * state.eta if math.isfinite(state.theta) else math.inf
            eta = min(longest, 0.5 * short / turned)
            state.theta, state.eta = eta / state.eta, eta
        state.x, state.g = x, g
        state.D = self.beta * state.D + (1.0 - self.beta) * self._probe(problem, state)
        problem.work.add("passes", 10)
        state.k += 1
        state.seen["residual"] = float(np.linalg.norm(g))

    def solution(self, problem: Any, state: OASISState) -> Any:
        """The iterate."""
        return state.x.copy()

    def harvest(self, problem: Any, state: OASISState) -> dict[str, Any]:
        """Nothing that another problem could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """A step: a gradient and a product."""
        return Cost(0.0, 0.0, 1.0 + problem.weight("hvps"))
