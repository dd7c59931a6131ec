"""Extragradient for 0 in F(x) + G(x), F monotone and Lipschitz; plain, and drawn back to an anchor.

    plain:      y = J(x_k - eta F(x_k)),                 x_{k+1} = J(x_k - eta F(y))
    anchored:   y = J(a_k - eta F(x_k)),                 x_{k+1} = J(a_k - eta F(y)),   a_k = (x_0 + (k + 1) x_k) / (k + 2)

J = (I + eta G)^-1. Step: two evaluations of F, three resolvents, about 12 vector passes. Memory: x, F(x), y and the anchor.
Leaves ``residual``, the natural one. eta is ``step / L``; without L it is halved until ``eta |F(x) - F(y)| <= step |x - y|``.
The anchored form has a residual of O(1/k) at the last iterate where G is zero (or a projection); the plain one converges
linearly on strongly monotone problems, where the anchor only slows it down. Not for operators that are not monotone: the
residual grows and the solve ends DIVERGED.

Reference: Korpelevich, Matecon 12 (1976); Yoon and Ryu, ICML 2021 (arXiv 2102.07922), algorithm EAG-C, theorem 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State
from ...problems import vectors

__all__ = ["AnchoredExtragradient", "Extragradient"]

_LEAST = 2.0**-60


class ExtragradientState(State):
    """The iterate, F there, the step, and the anchor."""

    x: Any
    Fx: Any
    eta: float
    anchor: Any
    j: int


def _look(problem: Any, state: Any, x: Any) -> None:
    """F at x, and the natural residual."""
    state.x, state.Fx = x, problem.whole(x)
    with np.errstate(all="ignore"):
        state.seen["residual"] = vectors.length(problem.natural(x, state.Fx))
    problem.work.add("passes", 5)


def _pair(problem: Any, state: Any, base: Any, step: float) -> Any:
    """The extrapolated point and what it gives, with eta small enough for F between the two."""
    while True:
        y = problem.resolved(base - state.eta * state.Fx, state.eta)
        Fy = problem.whole(y)
        problem.work.add("passes", 7)
        gap, length = vectors.length(Fy - state.Fx), vectors.length(y - state.x)
        if (
            problem.lipschitz is not None
            or state.eta * gap <= step * length
            or state.eta < _LEAST
            or not gap < math.inf
        ):
            return problem.resolved(base - state.eta * Fy, state.eta)
        state.eta = min(0.5 * state.eta, 0.9 * step * length / gap)


@dataclass(frozen=True)
class Extragradient:
    """The extragradient method.

    Parameters
    ----------
    step_size : float, default 0.9
        eta L, in (0, 1).

    References
    ----------
    G. M. Korpelevich, Matecon 12 (1976) 747-756.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.array([[0.0, 2.0], [-2.0, 0.0]])
    >>> rv.solve(rv.Inclusion(lambda x: A @ x + 1.0), "extragradient", x0=np.zeros(2), rtol=1e-8).ok
    True
    """

    step_size: float = 0.9

    needs = frozenset({"operator"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        _check(self.step_size)

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> ExtragradientState:
        """One evaluation."""
        return _begin(problem, x0, self.step_size)

    def step(self, problem: Any, state: ExtragradientState) -> None:
        """Two evaluations."""
        _look(problem, state, _pair(problem, state, state.x, self.step_size))
        state.k += 1

    def solution(self, problem: Any, state: ExtragradientState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: ExtragradientState) -> dict[str, Any]:
        """Nothing that another operator could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """Two evaluations a step."""
        return Cost(0.0, 0.0, 2.4)


@dataclass(frozen=True)
class AnchoredExtragradient:
    """The extragradient method with a fading anchor at the first iterate.

    Parameters
    ----------
    step_size : float, default 0.125
        eta L, in (0, 1); 1/8 is what the theorem allows.

    References
    ----------
    T. Yoon and E. K. Ryu, ICML 2021 (arXiv 2102.07922), theorem 1.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.array([[0.0, 2.0], [-2.0, 0.0]])
    >>> problem = rv.Inclusion(lambda x: A @ x + 1.0, lipschitz=2.0)
    >>> rv.solve(problem, "anchoredextragradient", x0=np.zeros(2), rtol=1e-2).ok
    True
    """

    step_size: float = 0.125

    needs = frozenset({"operator"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        _check(self.step_size)

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> ExtragradientState:
        """One evaluation; the anchor is the first iterate."""
        return _begin(problem, x0, self.step_size)

    def step(self, problem: Any, state: ExtragradientState) -> None:
        """Two evaluations."""
        weight = 1.0 / (state.j + 2.0)
        base = weight * state.anchor + (1.0 - weight) * state.x
        _look(problem, state, _pair(problem, state, base, self.step_size))
        state.j += 1
        state.k += 1

    def solution(self, problem: Any, state: ExtragradientState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: ExtragradientState) -> dict[str, Any]:
        """Nothing that another operator could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """Two evaluations a step."""
        return Cost(0.0, 0.0, 2.5)


def _check(step: float) -> None:
    if not 0.0 < step < 1.0:
        raise ValueError(f"step_size={step} was given; a number between 0 and 1 is expected")


def _begin(problem: Any, x0: Any, step: float) -> ExtragradientState:
    state = ExtragradientState()
    _look(problem, state, problem.zero() if x0 is None else vectors.copied(x0))
    state.anchor, state.j = vectors.copied(state.x), 0
    size = vectors.length(state.Fx)
    start = 1.0 if not size > 0.0 else (1.0 + vectors.length(state.x)) / size
    state.eta = step / problem.lipschitz if problem.lipschitz is not None else step * start
    return state
