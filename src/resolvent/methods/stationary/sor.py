"""Successive over-relaxation for A x = b in residual form.

    (D/omega + L) dx = r,   x += dx,   r = ((1/omega - 1) D - U) dx

Step: one pass over A, the residual included. Memory: x, r and one vector. Leaves ``residual``, exact up to rounding.
Converges for Hermitian positive definite A and 0 < omega < 2; not for matrices with a zero on the diagonal.
One protocol step runs up to ``stride`` iterations in one kernel call.

Reference: Young, Iterative Solution of Large Linear Systems (1971), chapter 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import kernels
from .sweeps import SweepState, check_stride, sweep_init, swept

__all__ = ["SOR"]


@dataclass(frozen=True)
class SOR:
    """Successive over-relaxation.

    Parameters
    ----------
    omega : float, default 1.5
        Relaxation, between 0 and 2.
    stride : int, default 64
        Iterations per kernel call, at most.

    References
    ----------
    Young, Iterative Solution of Large Linear Systems (1971), chapter 4.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(19), 4.0 * np.ones(20), -np.ones(19)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(20)), rv.SOR(omega=1.1), rtol=1e-8).ok
    True
    """

    omega: float = 1.5
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
        swept(kernels.sor.sor, problem, state, self.omega, self.stride, 1.0)

    def solution(self, problem: Any, state: SweepState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: SweepState) -> dict[str, Any]:
        """Nothing that another matrix could use."""
        return {}
