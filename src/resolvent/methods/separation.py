"""Gradient descent on the logistic loss divided by the mean of its weights: between logistic regression and perceptron.

    w += gamma (sum_i sigma_i y_i x_i / n) / (sum_i sigma_i / n),   sigma_i = 1 / (1 + exp(m_i)),   m_i = y_i x_i'w

Plain descent divides by 1 in place of the mean weight. Step: two products. Leaves ``residual``, the number of points on the
wrong side at the iterate. For gamma to infinity plain descent is the batch perceptron, whose steps grow with n; the
normalised one moves by a mean over the points that are wrong, and its steps do not. Not for data that no plane separates:
it cycles and ends with the budget, said as "not separated".

Reference: Tyurin, From logistic regression to the perceptron algorithm (2024), normalised logistic regression.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import State
from ..core.registry import register

__all__ = ["NormalizedLogistic"]


class SeparationState(State):
    """The iterate and its margins."""

    w: Any
    m: Any


@dataclass(frozen=True)
class NormalizedLogistic:
    """Normalised logistic regression by gradient descent, to separate two classes.

    Parameters
    ----------
    gamma : float, default 100.0
        Step length, positive; the larger, the nearer to a perceptron.
    normalized : bool, default True
        False: plain gradient descent on the logistic loss.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> X = np.array([[1.0, 0.0]] * 99 + [[-0.5, 0.3], [-1.0, 0.0]])
    >>> problem = rv.Separation(X, np.append(np.ones(100), -1.0))
    >>> rv.solve(problem, rv.NormalizedLogistic()).ok
    True
    """

    gamma: float = 100.0
    normalized: bool = True

    needs = frozenset({"margins"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not 0 < self.gamma < float("inf"):
            raise ValueError(f"gamma={self.gamma} was given; a positive finite number is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> SeparationState:
        """Margins at the start; at the origin every point is undecided."""
        state = SeparationState()
        state.w = problem.zero() if x0 is None else np.array(x0, dtype=problem.dtype)
        self._look(problem, state)
        return state

    def _look(self, problem: Any, state: SeparationState) -> None:
        state.m = problem.margins(state.w)
        state.seen["residual"] = float(np.sum(~(state.m > 0)))

    def step(self, problem: Any, state: SeparationState) -> None:
        """One step along the weighted mean of the points."""
        small = np.exp(-np.abs(state.m))
        weight = np.where(state.m > 0, small, 1.0) / (1.0 + small)
        loss = problem.loss
        move = loss.design.slopes(loss.target * weight) / loss.samples
        problem.work.add("products")
        size = float(np.mean(weight)) if self.normalized else 1.0
        state.w = state.w + (self.gamma / max(size, 1e-300)) * move
        self._look(problem, state)
        state.k += 1

    def solution(self, problem: Any, state: SeparationState) -> Any:
        """The iterate."""
        return state.w.copy()

    def harvest(self, problem: Any, state: SeparationState) -> dict[str, Any]:
        """Nothing."""
        return {}


register("method", (NormalizedLogistic,))
