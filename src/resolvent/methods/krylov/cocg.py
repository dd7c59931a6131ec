"""Conjugate orthogonal conjugate gradients for A x = b, A complex symmetric (A = A^T, not Hermitian).

    alpha = r^T z / p^T A p,   x += alpha p,   r -= alpha A p,   z = M^-1 r,   p = z + (r^T z / r^T z_old) p

which is CG with u^T v in place of u^H v; for a real matrix it is CG. Step: one product, one application of M (complex
symmetric too), about 12 vector passes. Memory: x, r, p, q, z. Leaves ``residual``, the 2-norm of the recursive residual.
It minimises nothing, so the residual may be ragged, and ends BREAKDOWN where ``r^T z`` or ``p^T A p`` vanishes though
no vector does; the loop starts it again from the x reached while that helps. For matrices of frequency-domain problems
(Helmholtz with damping, eddy currents). Not for Hermitian matrices: CG or MINRES.

Reference: van der Vorst and Melissen, IEEE Trans. Magnetics 26 (1990), section III.
"""

import math
from dataclasses import dataclass
from typing import Any

from ...core import Status
from .common import NOT_FINITE, Krylov, Recurrence

__all__ = ["COCG"]


@dataclass(frozen=True)
class COCG(Krylov):
    """COCG for complex symmetric systems; refuses a stored matrix that is not equal to its transpose.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        Complex symmetric: ``rv.Jacobi()``, a kept factor (``rv.Direct()``); None for none.
    stride : int, default 64
        Iterations per call, at most.

    References
    ----------
    H. A. van der Vorst and J. B. M. Melissen, IEEE Trans. Magn. 26 (1990) 706-708.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(49), (2.5 + 0.3j) * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(50, complex)), "cocg", rtol=1e-10).ok
    True
    """

    preconditioner: Any = None
    stride: int = 64

    def __post_init__(self) -> None:
        self._check(frozenset({"complex symmetric"}))

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The recurrence on the array API."""
        return COCGRecurrence(problem, x, r, norm, bound, kept)


class COCGRecurrence(Recurrence):
    """One start of COCG."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.p: Any = None
        self.rz: Any = 0.0

    def _bilinear(self, u: Any, v: Any) -> Any:
        """u^T v, not conjugated."""
        value = self.xp.matmul(u, v)
        return complex(value) if self.complex else float(value)

    def one(self) -> bool:
        """One iteration."""
        z = self.precondition(self.r)
        rz = self._bilinear(self.r, z)
        if self.lost(rz, self.norm * self.norm2(z)):
            return self._broken(rz, "r^T z vanished though r did not: the residual is orthogonal to its own conjugate")
        self.p = z + 0.0 if self.p is None else z + (rz / self.rz) * self.p
        self.rz = rz
        q = self.problem.project(self.problem.product(self.p))
        pq = self._bilinear(self.p, q)
        if self.lost(pq, self.norm2(self.p) * self.norm2(q)):
            return self._broken(pq, "p^T A p vanished though p did not: the direction is of no use")
        alpha = rz / pq
        self.x += alpha * self.p
        self.r -= alpha * q
        self.norm = self.norm2(self.r)
        return True

    def _broken(self, value: Any, reason: str) -> bool:
        if not math.isfinite(abs(value)):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        return self.fail(Status.BREAKDOWN, reason)
