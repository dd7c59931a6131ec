"""Block conjugate gradients for A X = B, A Hermitian positive definite, B of shape (n, k).

    Q C = orth(R),   S = M^-1 Q,   repeat:
    alpha = (S^H A S)^-1,   X += S alpha C,   Q' zeta = orth(Q - A S alpha),   S = M^-1 Q' + S zeta^H,   C = zeta C

with Q orthonormal in the product <u, M^-1 v>: all k systems search one space of k directions more at each step, so k
systems with one matrix need fewer steps than one. Step: k products, k applications of M, about k^2 + 6 k vector passes.
Memory: X, Q, S, A S and M^-1 Q, 5 k vectors. Directions that depend on others to rounding are dropped, and the block
gets narrower. Leaves ``residual``, the largest column's, each relative to its own right-hand side. ``steps`` are steps
of the block. Not for unrelated matrices, nor for k beyond some 20, where k^2 vector passes cost more than they save.

Reference: O'Leary, Linear Algebra Appl. 29 (1980), section 2; with orthonormal residuals: Dubrulle, ETNA 12 (2001),
algorithm BCGrQ.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp

from ...core import Status
from .common import NOT_FINITE, Krylov, Recurrence

__all__ = ["BlockCG"]


@dataclass(frozen=True)
class BlockCG(Krylov):
    """Block CG; of a right-hand side of shape (n, k) it gets all columns at once.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        Hermitian positive definite: ``rv.Jacobi()``, ``rv.IC()``, ``rv.Direct()``, ``rv.AMG()``; None for none.
    stride : int, default 16
        Steps per call, at most.

    References
    ----------
    A. A. Dubrulle, Electron. Trans. Numer. Anal. 12 (2001) 216-233, algorithm BCGrQ.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(49), 2.1 * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> B = np.random.default_rng(0).standard_normal((50, 4))
    >>> together = rv.solve(rv.LinearSystem(A, B), "blockcg", rtol=1e-8)
    >>> together.ok, together.steps < rv.solve(rv.LinearSystem(A, B[:, 0]), "cg", rtol=1e-8).steps
    (True, True)
    """

    preconditioner: Any = None
    stride: int = 16

    block: ClassVar[bool] = True

    def __post_init__(self) -> None:
        self._check(frozenset({"symmetric"}))

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The recurrence; a vector is a block of one column."""
        return BlockRecurrence(problem, x, r, norm, bound, kept)


class BlockRecurrence(Recurrence):
    """One start of block CG on the array API; matrices of k rows and columns are NumPy's, in double precision."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.shape = x.shape
        if r.ndim == 1:
            self.x, self.r = self.xp.reshape(x, (-1, 1)), self.xp.reshape(r, (-1, 1))
        k = self.r.shape[1]
        self.passes = float(k * k + 6 * k)
        self.Q: Any = None
        self.A: Any = problem.matrix if getattr(problem, "dense", False) else None
        if problem.stored and k > 1:
            signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
            parts = (problem.data, problem.ix.view(signed), problem.ip.view(signed))
            self.A = sp.csr_array(parts, shape=(problem.n, problem.n))

    def solution(self) -> Any:
        """The iterate, a copy of the right-hand side's shape."""
        return self.xp.reshape(self.x, self.shape) + 0.0

    def _adjoint(self, S: Any) -> Any:
        return self.xp.conj(S.T) if self.complex else S.T

    def _each(self, function: Any, S: Any) -> Any:
        """A function of a vector, for each column."""
        return self.xp.stack([function(S[:, j] + 0.0) for j in range(S.shape[1])], axis=1)

    def _image(self, S: Any) -> Any:
        if self.A is not None:
            self.problem.work.add("products", S.shape[1])
            return self.A @ S
        project = self.problem.project if self.problem.nullspace is not None else lambda v: v
        return self._each(lambda v: project(self.problem.product(v)), S)

    def _orthonormal(self, W: Any) -> tuple[Any, Any, Any] | None:
        """Q, M^-1 Q and zeta with W = Q zeta up to what is dropped; None when r'z is not positive."""
        Z = W if self.bound is None else self._each(self.precondition, W)
        gram = self.numbers(self._adjoint(W) @ Z)
        if not np.all(np.isfinite(gram)):
            return None
        values, V = np.linalg.eigh((gram + gram.conj().T) / 2)
        keep = values > 10 * len(values) * self.problem.eps * values[-1]
        if not np.any(keep) or values[0] < -1e-3 * values[-1]:
            return None
        root, V = np.sqrt(values[keep]), V[:, keep]
        turn = self.array(V / root)
        Q = W @ turn
        return Q, (Q if self.bound is None else Z @ turn), root[:, None] * V.conj().T

    def _begin(self) -> bool:
        found = self._orthonormal(self.r)
        if found is None:
            return self._indefinite("the preconditioner is not positive definite: r'z is not positive")
        self.Q, self.S, self.C = found
        return True

    def _indefinite(self, reason: str) -> bool:
        if not bool(self.xp.all(self.xp.isfinite(self.r))):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        if self.norm == 0.0:
            return self.fail(Status.BREAKDOWN, "the recurrence has nothing left to reduce")
        return self.fail(Status.INDEFINITE, reason + (" (kept from an earlier matrix)" if self.kept else ""))

    def one(self) -> bool:
        """One step of the block."""
        if self.Q is None and not self._begin():
            return False
        image = self._image(self.S)
        T = self.numbers(self._adjoint(self.S) @ image)
        T = (T + T.conj().T) / 2
        if not np.all(np.isfinite(T)):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        try:
            factor = la.cho_factor(T, check_finite=False)
        except la.LinAlgError:
            return self._indefinite("the matrix is not positive definite: S'AS is not")
        alpha = la.cho_solve(factor, np.eye(len(T), dtype=T.dtype), check_finite=False)
        self.x += self.S @ self.array(alpha @ self.C)
        W = self.Q - image @ self.array(alpha)
        self.r = W @ self.array(self.C)
        self.norm = max(self.norm2(self.r[:, j]) for j in range(self.r.shape[1]))
        if self.norm == 0.0 or not math.isfinite(self.norm):
            return True
        found = self._orthonormal(W)
        if found is None:
            self._indefinite("the preconditioner is not positive definite: r'z is not positive")
            return True
        self.Q, Z, zeta = found
        self.S, self.C = Z + self.S @ self.array(zeta.conj().T), zeta @ self.C
        return True
