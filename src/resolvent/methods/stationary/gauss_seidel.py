"""The Gauss-Seidel method for A x = b in residual form: SOR at omega = 1.

    (D + L) dx = r,   x += dx,   r = -U dx

Step: one pass over A, the residual included. Memory: x, r and one vector. Leaves ``residual``, exact up to rounding.
Converges for Hermitian positive definite or diagonally dominant A; slow on fine meshes: use SOR or CG.
One protocol step runs up to ``stride`` iterations in one kernel call.

Reference: Varga, Matrix Iterative Analysis (1962), chapter 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import kernels
from .sweeps import SweepState, check_stride, sweep_init, swept

__all__ = ["GaussSeidel"]


@dataclass(frozen=True)
class GaussSeidel:
    """The Gauss-Seidel method.

    Parameters
    ----------
    stride : int, default 64
        Iterations per kernel call, at most.

    References
    ----------
    Varga, Matrix Iterative Analysis (1962), chapter 3.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(19), 4.0 * np.ones(20), -np.ones(19)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(20)), "gaussseidel", rtol=1e-8).ok
    True
    """

    stride: int = 64

    needs = frozenset({"entries"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        check_stride(self.stride)

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> SweepState:
        """The state at x0."""
        return sweep_init(problem, x0, carry, self.stride)

    def step(self, problem: Any, state: SweepState) -> None:
        """Up to ``stride`` iterations."""
        swept(kernels.sor.sor, problem, state, 1.0, self.stride, 1.0)

    def solution(self, problem: Any, state: SweepState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: SweepState) -> dict[str, Any]:
        """Nothing that another matrix could use."""
        return {}
