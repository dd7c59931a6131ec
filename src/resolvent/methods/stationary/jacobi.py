"""Damped Jacobi for A x = b.

    dx = omega D^-1 r,   x += dx,   r -= A dx

Step: one product and three vector passes. Memory: x, r and one vector. Leaves ``residual``, exact up to rounding.
Converges for diagonally dominant A; not where 2 D - A is indefinite.
One protocol step runs up to ``stride`` iterations in one kernel call.

Reference: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., section 4.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import kernels
from ...core import Cost
from ...operators.ssor import JacobiBound
from .sweeps import SweepState, check_stride, sweep_init, swept

__all__ = ["Jacobi"]


@dataclass(frozen=True)
class Jacobi:
    """Damped Jacobi, as a method and as a preconditioner.

    Parameters
    ----------
    omega : float, default 1.0
        Relaxation, between 0 and 2; of the method only, a preconditioner's scale does not matter.
    stride : int, default 64
        Iterations per kernel call, at most.

    References
    ----------
    Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., section 4.1.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(19), 4.0 * np.ones(20), -np.ones(19)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(20)), "jacobi", rtol=1e-8).ok
    True
    """

    omega: float = 1.0
    stride: int = 64

    needs = frozenset({"entries"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        check_stride(self.stride)
        if not 0.0 < self.omega < 2.0:
            raise ValueError(f"omega={self.omega} was given; a value between 0 and 2 is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> SweepState:
        """The state at x0."""
        return sweep_init(problem, x0, carry, self.stride)

    def step(self, problem: Any, state: SweepState) -> None:
        """Up to ``stride`` iterations."""
        swept(kernels.sor.jacobi, problem, state, self.omega, self.stride, 1.2)

    def solution(self, problem: Any, state: SweepState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: SweepState) -> dict[str, Any]:
        """Nothing that another matrix could use."""
        return {}

    def bind(self, problem: Any, carry: Mapping[str, Any]) -> JacobiBound:
        """As a preconditioner: the inverse of the diagonal."""
        return JacobiBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """Set-up: a gather."""
        return Cost(0.0, problem.weight("diagonals"), problem.weight("sweeps"))
