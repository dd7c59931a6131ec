"""Saddle-free Newton for min f(x), f not convex.

    x += -alpha |H|^-1 g,   |H| = V |Lambda| V',   |lambda| at least floor * max |lambda|

Directions of negative curvature are left as fast as those of positive curvature are entered. With ``rank`` = k the
matrix is |H| on a Krylov space of k Lanczos vectors and the largest |lambda| beside it. Step: one Hessian and one
eigendecomposition (9 n^3 flops), or k products with the Hessian; a value and a gradient for each halving of alpha.
Memory: x, g, y and an n x n matrix, or k vectors. Leaves ``value``, ``curvature`` (the least eigenvalue last seen) and
``residual``: the gradient's norm, or -curvature where that is larger, so that no solve ends at a saddle. Not for convex
f: plain Newton is the same and cheaper.

Reference: Dauphin, Pascanu, Gulcehre, Cho, Ganguli, Bengio, NeurIPS 2014, algorithm 1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State, Status
from ...operators.curvature import Curvature
from .lanczos import lanczos

__all__ = ["SaddleFreeNewton"]


class SaddleFreeState(State):
    """The iterate, its gradient and value; the generator that nudges it off a stable manifold."""

    x: Any
    g: Any
    f: float
    draw: Any
    nudged: int
    bend: float


@dataclass(frozen=True)
class SaddleFreeNewton:
    """Newton with the absolute values of the Hessian's eigenvalues.

    Parameters
    ----------
    rank : int, optional
        Lanczos vectors; None decomposes the whole Hessian.
    floor : float, default 1e-3
        Least ``|eigenvalue|``, as a part of the largest.
    seed : int, default 0
        Of the nudge along a direction of negative curvature that the gradient misses.

    Raises
    ------
    ValueError
        For a rank below one or a floor outside (0, 1].

    References
    ----------
    Dauphin et al., Identifying and attacking the saddle point problem in high-dimensional non-convex optimization,
    NeurIPS 2014.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> f = lambda x: x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2 / 2
    >>> g = lambda x: np.array([x[0] ** 3 - x[0], x[1]])
    >>> H = lambda x: np.diag([3 * x[0] ** 2 - 1, 1.0])
    >>> problem = rv.Smooth(f, g, H, reference=np.ones(2))
    >>> rv.solve(problem, "saddlefreenewton", x0=np.array([1e-3, 1.0]), rtol=1e-9).x.round(8).tolist()
    [1.0, 0.0]
    """

    rank: int | None = None
    floor: float = 1e-3
    seed: int = 0

    sees = frozenset({"residual", "value"})

    def __post_init__(self) -> None:
        if self.rank is not None and self.rank < 1:
            raise ValueError(f"rank={self.rank} was given; at least 1, or None for all, is expected")
        if not 0.0 < self.floor <= 1.0:
            raise ValueError(f"floor={self.floor!r} was given; a number in (0, 1] is expected")
        needs = {"value", "gradient", "hessian"} if self.rank is None else {"value", "gradient", "products"}
        object.__setattr__(self, "needs", frozenset(needs))

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> SaddleFreeState:
        """Value and gradient at x0."""
        state = SaddleFreeState()
        state.x, state.g = problem.start(x0, carry)
        state.f = problem.value_at(state.x)
        state.draw, state.nudged = np.random.default_rng(self.seed), 0
        state.bend = 0.0
        self._publish(state)
        return state

    def step(self, problem: Any, state: SaddleFreeState) -> None:
        """One step, halved until f falls."""
        state.k += 1
        d, slope = self._direction(problem, state)
        alpha = 1.0
        for _ in range(50):
            y = state.x + np.asarray(alpha * d, dtype=state.x.dtype)
            fy = problem.value_at(y)
            flat = abs(fy - state.f) <= 1e-13 * (abs(fy) + abs(state.f))
            if np.isfinite(fy) and (fy <= state.f + 1e-4 * alpha * slope or flat):
                gy = problem.gradient_at(y)
                if not flat or np.linalg.norm(gy) <= np.linalg.norm(state.g):
                    state.x, state.g, state.f = y, gy, fy
                    self._publish(state)
                    return
            alpha *= 0.5
        state.status = Status.STAGNATED
        state.reason = "no step along the saddle-free direction decreases the function any further"

    def _direction(self, problem: Any, state: SaddleFreeState) -> tuple[Any, float]:
        """The step and the slope of f along it."""
        g = state.g
        if self.rank is None:
            curvature = Curvature(problem.hessian_at(state.x), True)
            problem.work.add("factorizations")
            problem.work.add("factor_flops", curvature.spent())
            w, turn, back = curvature.w, curvature.turn, curvature.back
            rest = 0.0
        else:
            stirred = 1e-6 * float(np.linalg.norm(g)) * state.draw.standard_normal(len(g))  # g may miss the way out
            w, V = lanczos(lambda v: problem.hessian_times(state.x, g, v), g + stirred, self.rank, state.draw)
            turn, back = (lambda v: V.T @ v), (lambda c: V @ c)
            rest = 1.0
        top = max(float(np.abs(w).max()), 1e-300)
        size = np.maximum(np.abs(w), self.floor * top)
        least = state.seen["curvature"] = float(w.min())
        state.bend = -least if least < -1e-8 * top else 0.0
        c = self._nudged(state, w, turn(g))
        d = -back(c / size)
        if rest:
            d -= (g - back(turn(g))) / top
        return d, -float(c @ (c / size)) - rest * float(np.linalg.norm(g - back(turn(g)))) ** 2 / top

    def _nudged(self, state: SaddleFreeState, w: Any, c: Any) -> Any:
        """On the stable manifold of a saddle g has no part along negative curvature: give it a tiny one."""
        i = int(np.argmin(w))
        least = 1e-10 * (1.0 + float(np.linalg.norm(c)))
        if w[i] < 0.0 and abs(c[i]) < least and state.nudged < 10:
            c = c.copy()
            c[i] = least * (1.0 if state.draw.random() < 0.5 else -1.0)
            state.nudged += 1
        return c

    @staticmethod
    def _publish(state: SaddleFreeState) -> None:
        state.seen["residual"] = max(float(np.linalg.norm(state.g)), state.bend)
        state.seen["value"] = state.f

    def solution(self, problem: Any, state: SaddleFreeState) -> Any:
        """The iterate."""
        return state.x.copy()

    def harvest(self, problem: Any, state: SaddleFreeState) -> dict[str, Any]:
        """Nothing that another problem could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """A step: a Hessian and its decomposition, or the products of the Lanczos vectors, and a gradient."""
        if self.rank is None:
            each = problem.weight("hessians") + 9.0 * problem.n**3 * problem.weight("factor_flops")
        else:
            each = self.rank * problem.weight("hvps")
        return Cost(0.0, 0.0, each + 1.0 + problem.weight("values"))
