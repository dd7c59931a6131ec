"""Generalised minimal residuals, restarted, for A x = b with any invertible A.

    x_j = x_0 + M^-1 V_j y,   y = argmin || beta e_1 - H_j y ||,   A M^-1 V_j = V_{j+1} H_j    (side "right")
    x_j = x_0 + V_j y,        M^-1 A V_j = V_{j+1} H_j                                         (side "left")

Step: one Arnoldi step: one product, one application of M, and 2 j passes over basis vectors (4 j where a second pass of
classical Gram-Schmidt is due). Memory: restart + 4 n-vectors (FGMRES: 2 restart + 4). Leaves ``residual``: side right,
the true residual up to rounding, from the small problem; side left, the preconditioned one times the ratio seen at the
last restart, an estimate that the loop confirms. The iterate is built on demand. Not for symmetric matrices, where CG and
MINRES need no basis; not where the restart makes it stagnate: GCRODR keeps what a restart forgets.

Reference: Saad and Schultz, SIAM J. Sci. Stat. Comput. 7 (1986), algorithms 3 and 4; FGMRES: Saad, SIAM J. Sci. Comput.
14 (1993), algorithm 2.2.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State, Status
from .arnoldi import Orthogonal, Small, applicable, combined, ended, rows, size, taken, wide
from .column import enlarged
from .common import preconditioned

__all__ = ["FGMRES", "GMRES"]


class GMRESState(State):
    """The start of the cycle, the basis, and the small problem."""

    x: Any
    r: Any
    V: Any
    Z: Any
    small: Any
    orthogonal: Any
    bound: Any
    kept: bool
    ratio: float
    known: Any
    B: Any


def _check_restart(restart: int) -> None:
    if not isinstance(restart, int | np.integer) or isinstance(restart, bool) or restart < 1:
        raise ValueError(f"restart={restart!r} was given; a whole number of at least 1 is expected")


class _Cycles:
    """One Arnoldi step a time; a cycle ends after ``restart`` of them."""

    restart: int
    preconditioner: Any
    side: str
    _recipe: Any
    _flexible: bool

    @np.errstate(all="ignore")  # what overflows is found by looking at it
    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> GMRESState:
        """Set up the preconditioner, unless one that fits is carried, and begin at x0."""
        state = GMRESState()
        state.x, state.r, norm = problem.start(x0, carry)
        state.bound, state.kept = applicable(self._recipe, problem, carry) if norm else (None, False)
        state.V = state.Z = state.small = state.known = None
        state.seen["residual"] = norm
        return state

    @np.errstate(all="ignore")  # what overflows is found by looking at it
    def step(self, problem: Any, state: GMRESState) -> None:
        """One Arnoldi step."""
        if state.small is None and not self._begin(problem, state):
            return
        small, V, j = state.small, state.V, state.small.j
        if self.side == "left":
            w = preconditioned(problem, state.bound, problem.product(V[j, :]))
        else:
            z = preconditioned(problem, state.bound, V[j, :])
            if state.Z is not None:
                state.Z[j, :] = z
                problem.work.add("passes", 2)
            w = problem.product(z)
        estimate, norm, before, exhausted = enlarged(problem, state.orthogonal, small, V, w, state.B)
        state.known = None
        end = ended(small, norm, before)
        if end is not None:
            state.status, state.reason = end
            return
        state.k += 1
        state.seen["residual"] = state.ratio * estimate
        problem.work.add("calls", 2)
        if exhausted or small.j == len(small.g) - 1:
            self._close(problem, state, exhausted)

    def _begin(self, problem: Any, state: GMRESState) -> bool:
        """The first vector of a cycle."""
        r = state.r
        norm = size(r)
        if self.side == "left":
            r = preconditioned(problem, state.bound, r)
        beta = size(r)
        if not 0.0 < beta < math.inf:
            state.status = Status.BREAKDOWN if beta == 0.0 else Status.NONFINITE
            state.reason = (
                "the preconditioned residual is zero where the residual is not"
                if beta == 0.0
                else ("a value that is not finite appeared in the residual")
            )
            return False
        state.ratio = norm / beta
        steps = min(self.restart, problem.n)
        if state.V is None:
            state.V = rows(r, steps + 1)
            stores = self._flexible and state.bound is not None
            state.Z = rows(r, steps) if stores else None
        state.V[0, :] = r * (1.0 / beta)
        state.orthogonal = Orthogonal(problem.eps, steps + 1)
        state.small = Small(steps, beta, wide(r))
        state.B = state.small.H[:0, :]
        return True

    def _correction(self, problem: Any, state: GMRESState) -> Any:
        """What the cycle adds to x so far."""
        y = state.small.solve()
        j = len(y)
        problem.work.add("basis", j)
        if state.Z is not None:
            return combined(y, state.Z[:j, :])
        d = combined(y, state.V[:j, :])
        return d if self.side == "left" else preconditioned(problem, state.bound, d)

    def _close(self, problem: Any, state: GMRESState, exhausted: bool) -> None:
        """The end of a cycle: x moves, the residual follows."""
        state.x = state.x + self._correction(problem, state)
        if exhausted or self.side == "left":
            state.r = problem.residual(state.x)
        else:
            state.r = self.remainder(problem, state)
        if self.side == "left":
            state.seen["residual"] = size(state.r)
        state.small = None

    def remainder(self, problem: Any, state: GMRESState) -> Any:
        """The residual vector (side left: the preconditioned one), from the basis where a cycle is under way."""
        small = state.small
        if small is None:
            return state.r
        problem.work.add("basis", small.j + 1)
        return combined(small.left(), state.V[: small.j + 1, :])

    def solution(self, problem: Any, state: GMRESState) -> Any:
        """The iterate, built from the basis where a cycle is under way."""
        if state.small is None or state.small.j == 0:
            return state.x + 0.0
        if state.known is None:
            state.known = state.x + self._correction(problem, state)
        return state.known + 0.0

    def harvest(self, problem: Any, state: GMRESState) -> dict[str, Any]:
        """The bound preconditioner, where it may serve another matrix."""
        return {"preconditioner": state.bound} if hasattr(state.bound, "fits") else {}

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one step costs as ``running``, at half a cycle."""
        recipe = self._recipe
        extra = recipe.estimate(problem) if hasattr(recipe, "estimate") else Cost()
        step = 1.0 + extra.running + 2 * self.restart * problem.weight("basis") + 4 * problem.weight("passes")
        return Cost(extra.once, extra.setup, step + 2 * problem.weight("calls"))


@dataclass(frozen=True)
class GMRES(_Cycles):
    """GMRES(restart) with a preconditioner on the right or on the left.

    Parameters
    ----------
    restart : int, default 30
        Arnoldi steps of a cycle; restart + 4 n-vectors are held.
    preconditioner : recipe or operator, optional
        ``rv.Jacobi()``, ``rv.Direct()``, ``rv.AMG()``, ...; None for none.
    side : {"right", "left"}
        Right minimises the true residual, left the preconditioned one.

    Raises
    ------
    ValueError
        For a restart below 1, another side, or something that is no preconditioner.

    References
    ----------
    Y. Saad and M. H. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986) 856-869, algorithm 4.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(49), 3.0 * np.ones(50), -0.2 * np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> result = rv.solve(rv.LinearSystem(A, np.ones(50)), rv.GMRES(restart=10), rtol=1e-10)
    >>> result.ok, result.steps < 25
    (True, True)
    """

    restart: int = 30
    preconditioner: Any = None
    side: str = "right"

    sees = frozenset({"residual"})
    _flexible = False

    def __post_init__(self) -> None:
        _check_restart(self.restart)
        if self.side not in ("right", "left"):
            raise ValueError(f'side={self.side!r} was given; "right" and "left" are possible')
        taken(self, flexible=False)


@dataclass(frozen=True)
class FGMRES(_Cycles):
    """Flexible GMRES(restart): the preconditioner may be another map at every step, such as a few steps of a solver.

    Parameters
    ----------
    restart : int, default 30
        Arnoldi steps of a cycle; 2 restart + 4 n-vectors are held.
    preconditioner : recipe, operator or callable, optional
        What it applies need be neither linear nor twice the same map.

    Raises
    ------
    ValueError
        For a restart below 1 or something that is no preconditioner.

    References
    ----------
    Y. Saad, SIAM J. Sci. Comput. 14 (1993) 461-469, algorithm 2.2.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(49), 3.0 * np.ones(50), -0.2 * np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(50)), rv.FGMRES(preconditioner=rv.Jacobi()), rtol=1e-10).ok
    True
    """

    restart: int = 30
    preconditioner: Any = None

    sees = frozenset({"residual"})
    side = "right"
    _flexible = True

    def __post_init__(self) -> None:
        _check_restart(self.restart)
        taken(self, flexible=True)
