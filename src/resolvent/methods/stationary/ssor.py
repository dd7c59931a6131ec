"""Symmetric SOR for A x = b: a forward and a backward sweep.

    W = D/omega + L,   x += (2 - omega)/omega W^-T D W^-1 r

Step: two passes over A. Memory: x, r and one vector. Leaves ``residual``, exact up to rounding. Converges for
Hermitian positive definite A and 0 < omega < 2; as a preconditioner of CG it is run in Eisenstat's form.
One protocol step runs up to ``stride`` iterations in one kernel call.

Reference: Axelsson, Iterative Solution Methods (1994), section 7.4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ... import kernels
from ...core import Cost
from ...operators.ssor import SSORBound
from .sweeps import SweepState, check_stride, sweep_init, swept

__all__ = ["SSOR"]


@dataclass(frozen=True)
class SSOR:
    """Symmetric SOR, as a method and as a preconditioner.

    Parameters
    ----------
    omega : float, default 1.5
        Relaxation, between 0 and 2.
    stride : int, default 64
        Iterations per kernel call, at most.

    References
    ----------
    Axelsson, Iterative Solution Methods (1994), section 7.4.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(19), 4.0 * np.ones(20), -np.ones(19)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(20)), rv.SSOR(omega=1.1), rtol=1e-8).ok
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
        swept(kernels.sor.ssor, problem, state, self.omega, self.stride, 2.0)

    def solution(self, problem: Any, state: SweepState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: SweepState) -> dict[str, Any]:
        """Nothing that another matrix could use."""
        return {}

    def bind(self, problem: Any, carry: Mapping[str, Any]) -> SSORBound:
        """As a preconditioner of CG, in Eisenstat's form."""
        return SSORBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """Set-up: a gather."""
        return Cost(0.0, problem.weight("gathers"), problem.weight("sweeps"))
