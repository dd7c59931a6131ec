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
    """One start of block CG on NumPy arrays."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.shape = x.shape
        if r.ndim == 1:
            self.x, self.r = x.reshape(-1, 1), r.reshape(-1, 1)
        k = self.r.shape[1]
        self.passes = float(k * k + 6 * k)
        self.Q: Any = None
        self.A: Any = None
        if problem.stored and k > 1:
            signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
            parts = (problem.data, problem.ix.view(signed), problem.ip.view(signed))
            self.A = sp.csr_array(parts, shape=(problem.n, problem.n))

    def solution(self) -> Any:
        """The iterate, a copy of the right-hand side's shape."""
        return self.x.reshape(self.shape).copy()

    def _image(self, S: Any) -> Any:
        if self.A is not None:
            self.problem.work.add("products", S.shape[1])
            return self.A @ S
        project = self.problem.project if self.problem.nullspace is not None else lambda v: v
        return np.column_stack([project(self.problem.product(np.ascontiguousarray(v))) for v in S.T])

    def _orthonormal(self, W: Any) -> tuple[Any, Any, Any] | None:
        """Q, M^-1 Q and zeta with W = Q zeta up to what is dropped; None when r'z is not positive."""
        Z = W if self.bound is None else np.column_stack([self.precondition(np.ascontiguousarray(w)) for w in W.T])
        gram = W.conj().T @ Z
        if not np.all(np.isfinite(gram)):
            return None
        values, V = np.linalg.eigh((gram + gram.conj().T) / 2)
        keep = values > 10 * len(values) * self.problem.eps * values[-1]
        if not np.any(keep) or values[0] < -1e-3 * values[-1]:
            return None
        root, V = np.sqrt(values[keep]), V[:, keep]
        Q = W @ (V / root)
        return Q, (Q if self.bound is None else Z @ (V / root)), root[:, None] * V.conj().T

    def _begin(self) -> bool:
        found = self._orthonormal(self.r)
        if found is None:
            return self._indefinite("the preconditioner is not positive definite: r'z is not positive")
        self.Q, self.S, self.C = found
        return True

    def _indefinite(self, reason: str) -> bool:
        if not np.all(np.isfinite(self.r)):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        if self.norm == 0.0:
            return self.fail(Status.BREAKDOWN, "the recurrence has nothing left to reduce")
        return self.fail(Status.INDEFINITE, reason + (" (kept from an earlier matrix)" if self.kept else ""))

    def one(self) -> bool:
        """One step of the block."""
        if self.Q is None and not self._begin():
            return False
        image = self._image(self.S)
        T = self.S.conj().T @ image
        T = (T + T.conj().T) / 2
        if not np.all(np.isfinite(T)):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        try:
            factor = la.cho_factor(T, check_finite=False)
        except la.LinAlgError:
            return self._indefinite("the matrix is not positive definite: S'AS is not")
        alpha = la.cho_solve(factor, np.eye(len(T), dtype=T.dtype), check_finite=False)
        self.x += self.S @ (alpha @ self.C)
        W = self.Q - image @ alpha
        self.r = W @ self.C
        self.norm = float(np.max(np.linalg.norm(self.r, axis=0)))
        if self.norm == 0.0 or not math.isfinite(self.norm):
            return True
        found = self._orthonormal(W)
        if found is None:
            self._indefinite("the preconditioner is not positive definite: r'z is not positive")
            return True
        self.Q, Z, zeta = found
        self.S, self.C = Z + self.S @ zeta.conj().T, zeta @ self.C
        return True
