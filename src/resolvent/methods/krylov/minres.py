"""The minimal residual method for A x = b, A Hermitian and perhaps indefinite, with a positive definite preconditioner.

    x_k = argmin { || b - A x ||_{M^-1} : x in x_0 + K_k(M^-1 A, M^-1 r_0) },
    A P_k = U_{k+1} T_k  (Lanczos),   T_k = Q_k R_k  (Givens),   W_k = P_k R_k^-1,   x_k = x_{k-1} + phi_k w_k

Step: one product, one application of M, 11 vector passes in the fused kernel (none) or 18 (Jacobi), 20 otherwise.
Memory: x, r and four vectors (five with M). Leaves ``residual``, the 2-norm of the recursive residual
``r_k = s_k^2 r_{k-1} - phi_{k+1} c_k u_{k+1}``; without a preconditioner it never grows. It is that norm which has to meet
the tolerance, so this goes on where SciPy's ``minres`` stops early (by ``||r|| <= rtol ||A|| ||x||``). Not for positive
definite A, where CG needs less memory and about as many products, nor for A far from Hermitian.
One protocol step runs up to ``stride`` iterations.

Reference: Paige and Saunders, SIAM J. Numer. Anal. 12 (1975), section 6; residuals: Greenbaum, Iterative Methods for
Solving Linear Systems (1997), section 2.5.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ... import kernels
from ...core import Status
from .common import NOT_FINITE, Krylov, Recurrence

__all__ = ["MINRES"]

_ENDED = "A r vanished beside r: the system is singular and x a least-squares solution of it"
_INDEFINITE = "the preconditioner is not positive definite: r'z is not positive"


@dataclass(frozen=True)
class MINRES(Krylov):
    """MINRES for Hermitian systems, definite or not.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        Hermitian positive definite, whatever A is: ``rv.Jacobi()``, ``rv.IC()`` or ``rv.AMG()`` of a definite part, an
        operator that applies M^-1; None for none.
    stride : int, default 64
        Iterations per call, at most; the iterates do not depend on it.

    References
    ----------
    C. C. Paige and M. A. Saunders, SIAM J. Numer. Anal. 12 (1975) 617-629, section 6.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([np.ones(49), np.linspace(-3.0, 3.5, 50), np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> result = rv.solve(rv.LinearSystem(A, np.ones(50)), "minres", rtol=1e-10)
    >>> result.ok, bool(np.all(np.diff(result.history[:, 1]) <= 0))
    (True, True)
    """

    preconditioner: Any = None
    stride: int = 64

    fused: ClassVar[str] = "minres_steps"

    def __post_init__(self) -> None:
        self._check(frozenset({"symmetric"}))

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The kernel for stored matrices alone or with Jacobi, else the array API."""
        inverse = getattr(bound, "inverse", None)
        plain = bound is not None if inverse is None else inverse.dtype.kind == "c" or not np.all(inverse > 0)
        if plain or not problem.stored or problem.nullspace is not None:
            return PlainMINRES(problem, x, r, norm, bound, kept)
        return FusedMINRES(problem, x, r, norm, inverse)


class FusedMINRES:
    """MINRES in one kernel; 1 product and 11 or 18 vector passes an iteration."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, inverse: Any = None) -> None:
        self.problem, self.x, self.r, self.norm = problem, x, r, norm
        self.use = inverse is not None
        self.inverse = inverse if self.use else np.empty(1, dtype=r.real.dtype)
        self.vec = np.empty((5 if self.use else 4, len(r)), dtype=r.dtype)
        self.scal = np.zeros(kernels.minres.SCALARS)
        self.scal[-1] = 8 * problem.eps
        self.status, self.reason, self.done = Status.RUNNING, "", 0

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        problem, kernel = self.problem, kernels.minres
        done: int = kernel.minres(
            problem.ip, problem.ix, problem.data, self.inverse, self.use,
            self.x, self.r, self.vec, self.scal, room, goal, norms,
        )  # fmt: skip
        problem.work.add("minres_steps", done)
        self.norm, code = float(self.scal[kernel.NORM]), self.scal[kernel.CODE]
        if code == kernel.BREAKDOWN:
            self.status, self.reason = Status.BREAKDOWN, _ENDED
        elif code == kernel.NONFINITE:
            self.status, self.reason = Status.NONFINITE, NOT_FINITE
        return done

    def solution(self) -> Any:
        """The iterate, a copy."""
        return self.x.copy()


class PlainMINRES(Recurrence):
    """MINRES with any preconditioner and any product, on the array API."""

    passes = 20.0

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.u: Any = None
        self.cs, self.sn, self.dbar, self.epsln, self.beta, self.size = -1.0, 0.0, 0.0, 0.0, 0.0, 0.0

    def _begin(self) -> bool:
        """The first Lanczos vector."""
        z = self.precondition(self.r)
        square = self.redot(self.r, z)
        if not (square > 0.0 and math.isfinite(square)):
            return self._bad(square)
        self.phibar = math.sqrt(square)
        self.u, self.p = self.r / self.phibar, z / self.phibar
        self.before = self.w = self.v = 0.0 * self.r
        return True

    def _bad(self, square: float) -> bool:
        if not math.isfinite(square):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        whose = _INDEFINITE + (" (kept from an earlier matrix)" if self.kept else "")
        return self.fail(Status.INDEFINITE, whose) if self.bound is not None else self.fail(Status.BREAKDOWN, _ENDED)

    def one(self) -> bool:
        """One Lanczos step and one rotation."""
        if self.u is None and not self._begin():
            return False
        q = self.problem.project(self.problem.product(self.p)) - self.beta * self.before
        alpha = self.redot(self.p, q)
        q = q - alpha * self.u
        z = self.precondition(q)
        square = self.redot(q, z)
        tiny = self.problem.eps * (abs(alpha) + self.beta)
        if not math.isfinite(square) or (square < 0.0 and abs(square) > tiny * tiny):
            return self._bad(square)
        beta = math.sqrt(max(square, 0.0))
        oldeps, delta = self.epsln, self.cs * self.dbar + self.sn * alpha
        gbar = self.sn * self.dbar - self.cs * alpha
        gamma = math.hypot(gbar, beta)
        self.size = max(self.size, abs(alpha) + beta + self.beta)
        if math.hypot(gbar, self.cs * beta) <= 8 * self.problem.eps * self.size:  # || A r || / || r ||
            return self.fail(Status.BREAKDOWN, _ENDED)
        self.epsln, self.dbar = self.sn * beta, -self.cs * beta
        self.cs, self.sn = gbar / gamma, beta / gamma
        self.w, self.v = (self.p - oldeps * self.v - delta * self.w) / gamma, self.w
        self.x += (self.cs * self.phibar) * self.w
        self.phibar *= self.sn
        if beta > 0.0:
            self.before, self.u, self.p = self.u, q / beta, z / beta
            self.r = (self.sn * self.sn) * self.r - (self.phibar * self.cs) * self.u
        else:
            self.r = 0.0 * self.r
            self.fail(Status.BREAKDOWN, _ENDED)
        self.beta, self.norm = beta, self.norm2(self.r)
        return True
