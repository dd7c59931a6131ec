"""The stabilised bi-conjugate gradient method for A x = b, A any square matrix; right preconditioned.

    v = A M^-1 p,   alpha = <rh, r> / <rh, v>,   s = r - alpha v,   t = A M^-1 s,   omega = <t, s> / <t, t>,
    x += M^-1 (alpha p + omega s),   r = s - omega t,   p = r + beta (p - omega v)

Step: two products, two applications of M, about 21 vector passes. Memory: x, r and four vectors (six with M). Leaves
``residual``, the 2-norm of the recursive residual, which the right preconditioner does not change. It needs no symmetry
and little memory, and guarantees nothing: where ``<rh, r>``, ``<rh, v>`` or ``<t, s>`` vanishes it ends BREAKDOWN (the
loop starts it again from the x reached while that helps), and eigenvalues near the imaginary axis make omega small. Use
GMRES or IDR there, and CG or MINRES for Hermitian A. One protocol step runs up to ``stride`` iterations.

Reference: van der Vorst, SIAM J. Sci. Stat. Comput. 13 (1992), the algorithm of section 3.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ... import kernels
from ...core import Status
from .common import NOT_FINITE, Krylov, Recurrence

__all__ = ["BiCGStab"]

_RHO = "rho = <r~, r> vanished: the residual is orthogonal to the shadow residual"
_ALPHA = "<r~, A p> vanished: the Lanczos process broke down"
_OMEGA = "omega vanished: A s is orthogonal to s, and the stabilising step gains nothing"


@dataclass(frozen=True)
class BiCGStab(Krylov):
    """BiCGStab for any square matrix.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        On the right: ``rv.Jacobi()``, ``rv.Direct()`` (a kept factor), an operator that applies M^-1; None for none.
    stride : int, default 64
        Iterations per call, at most; the iterates do not depend on it.

    References
    ----------
    H. A. van der Vorst, SIAM J. Sci. Stat. Comput. 13 (1992) 631-644, section 3.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-1.5 * np.ones(49), 3.0 * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(50)), "bicgstab", rtol=1e-10).ok
    True
    """

    preconditioner: Any = None
    stride: int = 64

    products: ClassVar[float] = 2.0
    fused: ClassVar[str] = "bicgstab_steps"

    def __post_init__(self) -> None:
        self._check(frozenset({"products"}))

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The kernel for stored matrices alone or with Jacobi, else the array API."""
        inverse = getattr(bound, "inverse", None)
        if problem.stored and (bound is None or inverse is not None) and problem.nullspace is None:
            return FusedBiCGStab(problem, x, r, norm, inverse)
        return PlainBiCGStab(problem, x, r, norm, bound, kept)


class FusedBiCGStab:
    """BiCGStab in one kernel; 2 products and 18 or 23 vector passes an iteration."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, inverse: Any = None) -> None:
        self.problem, self.x, self.r, self.norm = problem, x, r, norm
        self.use = inverse is not None
        self.inverse = inverse if self.use else np.empty(1, dtype=r.dtype)
        self.shadow = r.copy()
        self.vec = np.empty((5 if self.use else 3, len(r)), dtype=r.dtype)
        self.scal = np.zeros(3, dtype=np.result_type(r.dtype, np.float64))
        self.info = np.zeros(5)
        self.info[4] = problem.eps
        self.status, self.reason, self.done = Status.RUNNING, "", 0

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        problem = self.problem
        done: int = kernels.bicgstab.bicgstab(
            problem.ip, problem.ix, problem.data, self.inverse, self.use,
            self.x, self.r, self.shadow, self.vec, self.scal, self.info, room, goal, norms,
        )  # fmt: skip
        problem.work.add("bicgstab_steps", done)
        self.norm, code = float(self.info[1]), int(self.info[2])
        if code == kernels.bicgstab.NONFINITE:
            self.status, self.reason = Status.NONFINITE, NOT_FINITE
        elif code:
            self.status, self.reason = Status.BREAKDOWN, (_RHO, _ALPHA, _OMEGA)[code - 1]
        return done

    def solution(self) -> Any:
        """The iterate, a copy."""
        return self.x.copy()


class PlainBiCGStab(Recurrence):
    """BiCGStab with any preconditioner and any product, on the array API."""

    passes = 21.0

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.shadow, self.size = r + 0.0, norm
        self.p: Any = None
        self.rho, self.alpha, self.omega = 1.0, 1.0, 1.0

    def _product(self, z: Any) -> Any:
        return self.problem.project(self.problem.product(z))

    def one(self) -> bool:
        """One iteration: a step of BiCG and a step of GMRES(1)."""
        rho = self.dot(self.shadow, self.r)
        if self.lost(rho, self.size * self.norm) or self.norm < 1e-30 * self.size:  # far below what x can hold
            return self.broke(rho, _RHO)
        if self.p is None:
            self.p = self.r + 0.0
        else:
            beta = (rho / self.rho) * (self.alpha / self.omega)
            self.p = self.r + beta * (self.p - self.omega * self.v)
        ph = self.precondition(self.p)
        self.v = self._product(ph)
        down = self.dot(self.shadow, self.v)
        if self.lost(down, self.size * self.norm2(self.v)):
            return self.broke(down, _ALPHA)
        self.rho, self.alpha = rho, rho / down
        self.x += self.alpha * ph
        self.r -= self.alpha * self.v
        self.norm = self.norm2(self.r)
        sh = self.precondition(self.r)
        t = self._product(sh)
        ts, tt = self.dot(t, self.r), self.redot(t, t)
        if self.lost(ts, tt**0.5 * self.norm) or not tt > 0.0 or ts / tt == 0.0:  # squares may vanish where dots do not
            if self.norm > 0.0:
                self.broke(ts, _OMEGA)
            return True
        self.omega = ts / tt
        self.x += self.omega * sh
        self.r -= self.omega * t
        self.norm = self.norm2(self.r)
        return True
