"""Two-metric projection for a quadratic over bounds: gradient steps on the active set, Newton steps on the rest.

    d_A = -g_A / H_ii,   d_W = -H_WW^-1 g_W,   w+ = P(w + alpha d),   alpha = 1, 1/2, ... until the objective falls

A holds the coordinates within ``active`` of a bound that the gradient pushes against; the rest, W, takes a Newton
step in its own metric. Once the bounds that hold at the solution are identified the method is Newton's, and on a quadratic
ends in a step.

Step: a Cholesky factorization of H_WW and a product a trial. Leaves ``residual``, the 2-norm of the prox-gradient mapping.
Not for more than some thousand free coordinates.

Reference: Bertsekas, SIAM J. Control Optim. 20 (1982); Nutini, Laradji, Schmidt, JMLR 23 (2022), section 6.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from ...core import State, Status
from .blocks import dense_quadratic

__all__ = ["TwoMetric"]


class TwoMetricState(State):
    """The iterate, its gradient and objective."""

    w: Any
    g: Any
    H: Any
    c: Any
    lo: Any
    hi: Any


@dataclass(frozen=True)
class TwoMetric:
    """Two-metric projection over bounds.

    Parameters
    ----------
    active : float, default 1e-4
        A coordinate this near to a bound, relative to the largest one, belongs to the active set if the gradient
        pushes it there.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> H = np.array([[2.0, 1.0], [1.0, 2.0]])
    >>> problem = rv.Composite(rv.Quadratic(H, np.array([1.0, -1.0])), rv.NonNegative())
    >>> rv.solve(problem, rv.TwoMetric(), rtol=1e-12).x.round(10).tolist()
    [0.5, 0.0]
    """

    active: float = 1e-4

    needs = frozenset({"columns", "quadratic", "bounds"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not self.active >= 0:
            raise ValueError(f"active={self.active} was given; a number that is not negative is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> TwoMetricState:
        """The gradient at the nearest feasible point."""
        state = TwoMetricState()
        state.H, state.c = dense_quadratic(problem)
        state.lo, state.hi = problem.lo, problem.hi
        start = problem.zero() if x0 is None else np.asarray(x0, dtype=problem.dtype)
        state.w = np.clip(start, state.lo, state.hi)
        state.g = state.H @ state.w - state.c
        problem.work.add("products")
        state.seen["residual"] = self._mapping(problem, state)
        return state

    def _mapping(self, problem: Any, state: TwoMetricState) -> float:
        w, g = state.w, state.g
        if problem.cert:  # a finite box: the duality gap
            return float(np.sum(np.maximum(w * g + np.maximum(-state.lo * g, -state.hi * g), 0.0)))
        c = np.maximum(problem.constants(), 1e-300)
        return float(np.linalg.norm(c * (w - np.clip(w - g / c, state.lo, state.hi))))

    def step(self, problem: Any, state: TwoMetricState) -> None:
        """One projected step in the two metrics."""
        w, g, H = state.w, state.g, state.H
        near = self.active * max(float(np.max(np.abs(w))), 1e-12)
        held = ((w <= state.lo + near) & (g > 0)) | ((w >= state.hi - near) & (g < 0))
        free = np.flatnonzero(~held)
        d = -g / np.maximum(np.diagonal(H), 1e-300)
        if len(free):
            block = H[np.ix_(free, free)]
            ridge = 1e-12 * np.trace(block) / len(free)
            d[free] = -cho_solve(cho_factor(block + ridge * np.eye(len(free)), lower=True), g[free])
            problem.work.add("factor_flops", len(free) ** 3 / 3)
        value = 0.5 * (w @ g - state.c @ w)
        alpha = 1.0
        while alpha > 1e-16:
            new = np.clip(w + alpha * d, state.lo, state.hi)
            slope = H @ new - state.c
            problem.work.add("products")
            if 0.5 * (new @ slope - state.c @ new) <= value + 1e-4 * g @ (new - w) + 1e-15 * abs(value):
                break
            alpha *= 0.5
        else:
            state.status, state.reason = Status.STAGNATED, "no step along the two-metric direction lowers the objective"
        state.w, state.g = new, slope
        state.k += 1
        state.seen["residual"] = self._mapping(problem, state)

    def solution(self, problem: Any, state: TwoMetricState) -> Any:
        """The iterate."""
        return state.w.copy()

    def harvest(self, problem: Any, state: TwoMetricState) -> dict[str, Any]:
        """Nothing."""
        return {}
