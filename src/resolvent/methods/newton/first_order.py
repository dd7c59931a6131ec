"""First-order methods for min f(x): gradient descent and the heavy ball.

    x -= eta g                         eta given, or found:  eta = min(sqrt(1 + theta) eta_old, |dx| / (2 |dg|))
    x += m (x - x_old) - eta g         the heavy ball

Step: one gradient and about 4 vector passes. Memory: x, g, and one or two more. Leaves ``residual`` (the gradient's
norm). Not for badly scaled f: that is what the methods beside this file are for.

References: Malitsky, Mishchenko, ICML 2020, algorithm 1; Polyak, USSR Comput. Math. Math. Phys. 4 (1964).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State

__all__ = ["GradientDescent", "HeavyBall"]


class FirstOrderState(State):
    """The iterate, its gradient, and the base's memory."""

    x: Any
    g: Any
    memory: dict[str, Any]


class _FirstOrder:
    """What the two share: ``move(x, g, memory)`` gives the step, and keeps what it needs in ``memory``."""

    needs = frozenset({"gradient"})
    sees = frozenset({"residual"})
    move: Any

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> FirstOrderState:
        """The gradient at x0."""
        state = FirstOrderState()
        state.x, state.g = problem.start(x0, carry)
        state.memory = {}
        state.seen["residual"] = float(np.linalg.norm(state.g))
        return state

    def step(self, problem: Any, state: FirstOrderState) -> None:
        """One step."""
        state.x = state.x + self.move(state.x, state.g, state.memory)
        state.g = problem.gradient_at(state.x)
        problem.work.add("passes", 4)
        state.k += 1
        state.seen["residual"] = float(np.linalg.norm(state.g))

    def solution(self, problem: Any, state: FirstOrderState) -> Any:
        """The iterate."""
        return state.x.copy()

    def harvest(self, problem: Any, state: FirstOrderState) -> dict[str, Any]:
        """Nothing that another problem could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """A step is a gradient."""
        return Cost(0.0, 0.0, 1.0 + 4 * problem.weight("passes"))


@dataclass(frozen=True)
class GradientDescent(_FirstOrder):
    """Gradient descent, with a step length given or found.

    Parameters
    ----------
    step_length : float, optional
        None adapts it to the curvature seen between iterates.

    Raises
    ------
    ValueError
        For a step length that is not positive.

    References
    ----------
    Malitsky, Mishchenko, Adaptive gradient descent without descent, ICML 2020, algorithm 1.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> d = np.array([1.0, 10.0])
    >>> problem = rv.Smooth(lambda x: 0.5 * d @ x**2 - x.sum(), lambda x: d * x - 1)
    >>> rv.solve(problem, "gradientdescent", x0=np.zeros(2), rtol=1e-8).x.round(6).tolist()
    [1.0, 0.1]
    """

    step_length: float | None = None

    def __post_init__(self) -> None:
        if self.step_length is not None and not 0.0 < self.step_length < math.inf:
            raise ValueError(f"step_length={self.step_length!r} was given; a positive number, or None, is expected")

    def move(self, x: Any, g: Any, memory: dict[str, Any]) -> Any:
        """The step from x."""
        if self.step_length is not None:
            return -self.step_length * g
        if "x" not in memory:
            size = float(np.linalg.norm(g))
            eta, theta = 1e-6 * max(float(np.linalg.norm(x)), 1.0) / max(size, 1e-300), math.inf
        else:
            dx, dg = float(np.linalg.norm(x - memory["x"])), float(np.linalg.norm(g - memory["g"]))
            longest = math.sqrt(1.0 + memory["theta"]) * memory["eta"] if math.isfinite(memory["theta"]) else math.inf
            eta = min(longest, 0.5 * dx / dg if dg > 0.0 else math.inf)
            eta = memory["eta"] if not math.isfinite(eta) else eta
            theta = eta / memory["eta"] if memory["eta"] > 0.0 else math.inf
        memory.update(x=x, g=g, eta=eta, theta=theta)
        return -eta * g


@dataclass(frozen=True)
class HeavyBall(_FirstOrder):
    """The heavy ball: gradient descent with momentum.

    Parameters
    ----------
    step_length : float, default 0.1
        Step length; below 2 (1 + momentum) / L for a Lipschitz constant L of the gradient.
    momentum : float, default 0.9
        In [0, 1).

    Raises
    ------
    ValueError
        For parameters out of range.

    References
    ----------
    Polyak, Some methods of speeding up the convergence of iteration methods (1964), (9).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> d = np.array([1.0, 10.0])
    >>> problem = rv.Smooth(lambda x: 0.5 * d @ x**2 - x.sum(), lambda x: d * x - 1)
    >>> rv.solve(problem, rv.HeavyBall(0.15, 0.5), x0=np.zeros(2), rtol=1e-8).x.round(6).tolist()
    [1.0, 0.1]
    """

    step_length: float = 0.1
    momentum: float = 0.9

    def __post_init__(self) -> None:
        if not 0.0 < self.step_length < math.inf or not 0.0 <= self.momentum < 1.0:
            raise ValueError(
                f"step_length={self.step_length!r}, momentum={self.momentum!r} were given; "
                "a positive number and one in [0, 1) are expected"
            )

    def move(self, x: Any, g: Any, memory: dict[str, Any]) -> Any:
        """The step from x."""
        step = -self.step_length * g + self.momentum * memory.get("step", 0.0)
        memory["step"] = step
        return step
