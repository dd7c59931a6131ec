"""Chebyshev's semi-iteration for A x = b with the diagonal as preconditioner, bounds by a few Lanczos steps.

    dx = rho' rho dx + (2 rho'/delta) D^-1 r,   x += dx,   r -= A dx,   spectrum of D^-1 A in [lmin, lmax]

Step: one product and five vector passes, no dot product. Memory: x, r, dx, and some eight more while the bounds are
estimated. Leaves ``residual``. Needs bounds: where the lower one is too large the iteration grows, and the method widens
it (by the rate seen) and goes on. Not for indefinite matrices; CG needs no bounds and is never slower in iterations.

Reference: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., algorithm 12.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import kernels
from ...core import Status
from ...operators.spectrum import lanczos_bounds
from .sweeps import SweepState, check_stride, sweep_init, swept

__all__ = ["Chebyshev"]


class ChebyshevState(SweepState):
    """Also the bounds and where the recurrence stands."""

    bounds: Any
    since: float
    widened: int


@dataclass(frozen=True)
class Chebyshev:
    """Chebyshev's semi-iteration on D^-1 A.

    Parameters
    ----------
    lmin, lmax : float, optional
        Bounds of the spectrum of D^-1 A; what is None is estimated.
    lanczos : int, default 12
        Lanczos steps (one product each) of the estimate.
    stride : int, default 64
        Iterations per kernel call, at most.

    Raises
    ------
    ValueError
        For bounds that are not 0 < lmin < lmax.

    References
    ----------
    Y. Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., algorithm 12.1.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(19), 4.0 * np.ones(20), -np.ones(19)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(20)), "chebyshev", rtol=1e-8).ok
    True
    """

    lmin: float | None = None
    lmax: float | None = None
    lanczos: int = 12
    stride: int = 64

    needs = frozenset({"entries", "symmetric"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        check_stride(self.stride)
        low = 0.0 if self.lmin is None else self.lmin
        high = np.inf if self.lmax is None else self.lmax
        if not (0.0 <= low < high) or self.lmin == 0.0:
            raise ValueError(f"lmin={self.lmin}, lmax={self.lmax} were given; 0 < lmin < lmax is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> ChebyshevState:
        """The state at x0, with bounds that were carried (slot ``bounds``) or are estimated now."""
        base = sweep_init(problem, x0, carry, self.stride)
        state = ChebyshevState()
        state.__dict__.update(base.__dict__)
        bounds = carry.get("bounds")
        if bounds is None:
            with np.errstate(all="ignore"):
                bounds = self._bounds(problem, state)
        state.bounds = np.array([bounds[0], bounds[1], 0.0, 0.0])
        state.since, state.widened = state.seen["residual"], 0
        return state

    def _bounds(self, problem: Any, state: ChebyshevState) -> tuple[float, float]:
        if self.lmin is not None and self.lmax is not None:
            return self.lmin, self.lmax
        low, high = lanczos_bounds(problem, problem.data[state.positions].real, self.lanczos, problem.product)
        return (low if self.lmin is None else self.lmin), (high if self.lmax is None else self.lmax)

    def step(self, problem: Any, state: ChebyshevState) -> None:
        """Up to ``stride`` iterations; widens the lower bound when they fall behind what the bounds promise."""
        if state.bounds[3] == 0.0:
            state.since = state.seen["residual"]
        swept(kernels.sor.chebyshev, problem, state, state.bounds, self.stride, 1.2)
        if state.status == Status.DIVERGED and state.widened < 8:
            state.status = Status.RUNNING if np.isfinite(state.seen["residual"]) else state.status
        if state.status == Status.RUNNING:
            self._widen(state)

    def _widen(self, state: ChebyshevState) -> None:
        low, high, done = state.bounds[0], state.bounds[1], state.bounds[3]
        residual = state.seen["residual"]
        if done < 16 or residual <= 0.0 or state.since <= 0.0:
            return
        root = np.sqrt(low / high)
        promised = ((1 - root) / (1 + root)) ** done
        if residual > max(30.0 * promised, 1e-12) * state.since and state.widened < 40:
            if residual > 10.0 * state.since:  # nothing but an eigenvalue above the bounds makes it grow
                state.bounds[1] = 1.3 * high
            else:
                state.bounds[0] = 0.5 * low
            state.bounds[2], state.bounds[3] = 0.0, 0.0
            state.widened += 1

    def solution(self, problem: Any, state: ChebyshevState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: ChebyshevState) -> dict[str, Any]:
        """The bounds, for the restarts of this solve and for later matrices like this one."""
        return {"bounds": np.array(state.bounds[:2])}
