"""A sparse LU factor by SciPy's ``splu``, symmetric mode where it applies, its fill-reducing ordering kept per pattern.

Symmetric mode takes pivots from the diagonal: of symmetric matrices, and of others whose pattern is symmetric with a
whole diagonal, until one of the pattern has had to be factored again with free pivoting.

CSR arrays of A are CSC arrays of A^T, so nothing is converted: the transpose is factored and solved transposed. With the
ordering applied beforehand and narrow panels SuperLU needs about two thirds of its default time on meshes.
Cost: flops from the column counts of L, one triangular pass over L and U per application; memory nnz(L + U).
Reference: Li, An overview of SuperLU, ACM TOMS 31 (2005).
"""

import warnings
from typing import Any

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from scipy.sparse.linalg import MatrixRankWarning, splu

from .. import kernels
from ..core import Cost, SetupError
from .base import Bound

__all__ = ["DenseFactorBound", "FactorBound", "factor", "factor_estimate"]


def factor(recipe: Any, problem: Any, robust: bool = False) -> Bound:
    """Factor the problem's matrix, sparse or dense.

    Raises
    ------
    SetupError
        When the matrix is exactly singular.
    """
    if problem.kind == "dense" and problem.nonzeros > 0.1 * problem.n * problem.n:
        return DenseFactorBound(recipe, problem)
    return FactorBound(recipe, problem, robust)


class FactorBound(Bound):
    """An LU factorization; ``robust`` pivots freely instead of trusting the diagonal of a symmetric matrix."""

    def __init__(self, recipe: Any, problem: Any, robust: bool = False) -> None:
        super().__init__(recipe, problem)
        if robust:
            problem.facts["pivots trusted"] = False
        self.trusting = not robust and _may_trust(problem)
        self.perm: Any = None
        try:
            self.lu = self._symmetric(problem) if self.trusting else None
        except RuntimeError:
            self.trusting, self.lu = False, None
        if self.lu is None:
            self.lu = self._pivoted(problem)
        self.source.trusting = self.trusting  # so that a state file makes the same factor again
        self._count(problem)

    def _symmetric(self, problem: Any) -> Any:
        ip, ix = _signed(problem)
        plan = problem.symbolic.get("factor.order")
        if plan is None:
            A = sp.csc_array((problem.data, ix, ip), shape=problem.shape)
            plan = problem.symbolic["factor.order"] = _ordering(A)
            problem.work.add("orderings", 1, "once")
        self.perm, pip, pix, where = plan
        problem.work.add("gathers", 1, "setup")
        return _splu(
            sp.csc_array((problem.data[where], pix, pip), shape=problem.shape),
            permc_spec="NATURAL",
            diag_pivot_thresh=0.0,
            relax=1,
            panel_size=1,
            options={"SymmetricMode": True},
        )

    def _pivoted(self, problem: Any) -> Any:
        ip, ix = _signed(problem)
        self.perm = None
        try:
            return _splu(sp.csc_array((problem.data, ix, ip), shape=problem.shape))
        except RuntimeError as error:
            raise SetupError(f"the factorization failed: {error}") from error

    def _count(self, problem: Any) -> None:
        key = f"factor.flops.{self.trusting}"
        known = problem.symbolic.get(key)
        if known is None:
            columns = np.diff(self.lu.L.indptr).astype(float)
            known = problem.symbolic[key] = (float(np.dot(columns, columns)), self.lu.nnz)
        problem.work.add("factorizations", 1, "setup")
        problem.work.add("factor_flops", known[0] * (self.lu.nnz / known[1]) ** 1.5, "setup")
        problem.work.add("factor_nonzeros", self.lu.nnz, "setup")
        self.counts = {"triangular": float(self.lu.nnz)}

    def apply(self, r: Any) -> Any:
        """A^-1 r."""
        return self._solved(r, "T")

    def apply_transposed(self, r: Any) -> Any:
        """A^-T r."""
        return self._solved(r, "N")

    def _solved(self, r: Any, trans: str) -> Any:
        if self.perm is None:
            return self.lu.solve(r, trans=trans)
        z = np.empty_like(r)
        z[self.perm] = self.lu.solve(r[self.perm], trans=trans)
        return z


class DenseFactorBound(Bound):
    """LAPACK's LU of a dense matrix."""

    def __init__(self, recipe: Any, problem: Any) -> None:
        super().__init__(recipe, problem)
        self.trusting = False
        signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
        A = sp.csr_array((problem.data, problem.ix.view(signed), problem.ip.view(signed)), shape=problem.shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", la.LinAlgWarning)
            self.lu = la.lu_factor(A.toarray(), check_finite=False, overwrite_a=True)
        if np.any(np.diag(self.lu[0]) == 0):
            raise SetupError("the factorization failed: the matrix is exactly singular")
        problem.work.add("factorizations", 1, "setup")
        problem.work.add("dense_flops", 2 * problem.n**3 / 3, "setup")
        self.counts = {"dense_triangular": float(problem.n**2)}

    def apply(self, r: Any) -> Any:
        """A^-1 r."""
        return la.lu_solve(self.lu, r, check_finite=False)

    def apply_transposed(self, r: Any) -> Any:
        """A^-T r."""
        return la.lu_solve(self.lu, r, trans=1, check_finite=False)


def factor_estimate(problem: Any) -> Cost:
    """Set-up before anything is factored: the exact flops of this pattern once known, about 10 w^3 before.

    w is the widest breadth-first level: within 3 x on grids and meshes, only a deterrent elsewhere.
    """
    known = problem.symbolic.get("factor.flops.True") or problem.symbolic.get("factor.flops.False")
    fixed = problem.weight("factorizations")
    if problem.kind == "dense":
        return Cost(
            0.0,
            problem.weight("dense_flops") * 2 * problem.n**3 / 3 + fixed,
            problem.weight("dense_triangular") * problem.n**2,
        )
    new = known is None
    if known is None:
        width = problem.symbolic.get("width")
        if width is None:
            width = problem.symbolic["width"] = int(kernels.csr.bfs_width(problem.ip, problem.ix))
            problem.work.add("symmetry", 2, "once")
        flops = 10.0 * width**3
        known = (flops, max(problem.nonzeros, 1.2 * (flops * problem.n) ** 0.5))
    flops, nonzeros = known
    setup = problem.weight("factor_flops") * flops + problem.weight("factor_nonzeros") * nonzeros + fixed
    return Cost(problem.weight("orderings") if new else 0.0, setup, problem.weight("triangular") * nonzeros + 1.0)


def _may_trust(problem: Any) -> bool:
    """Whether pivots may come from the diagonal; what was found holds for the pattern."""
    told: bool | None = getattr(problem, "trusting", None)
    if told is not None:
        return told
    if problem.is_symmetric():
        return True
    facts = problem.facts
    known = facts.get("pivots trusted")
    if known is None:
        known = kernels.csr.is_symmetric(problem.ip, problem.ix, problem.data, False, 1.0) >= 1
        if known:
            known = kernels.csr.diagonal_positions(problem.ip, problem.ix, np.empty(problem.n, problem.ix.dtype)) < 0
        problem.work.add("symmetry", 1, "once")
        known = facts["pivots trusted"] = bool(known)
    return bool(known)


def _signed(problem: Any) -> tuple[Any, Any]:
    ip, ix = problem.ip, problem.ix
    if ip.dtype.itemsize == 4:
        return ip.view(np.int32), ix.view(np.int32)
    if len(ix) >= 2**31:
        raise SetupError("SuperLU takes 32-bit indices only, and A has 2^31 entries or more")
    return ip.astype(np.int32), ix.astype(np.int32)


def _splu(A: Any, **options: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MatrixRankWarning)
        warnings.simplefilter("ignore", sp.SparseEfficiencyWarning)
        return splu(A, **options)


def _ordering(A: Any) -> tuple[Any, Any, Any, Any]:
    """Minimum degree on A + A^T: the permutation, the pattern of P A P^T, and where its values come from.

    SuperLU orders while it factors, so a matrix of the same pattern with a dominant diagonal is factored to ask it.
    """
    n = A.shape[0]
    easy = sp.csc_array((np.full(A.nnz, -1e-3), A.indices, A.indptr), shape=A.shape)
    easy = sp.csc_array(easy + sp.diags_array(np.full(n, 1.0 + float(n)), format="csc"))
    lu = _splu(easy, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    perm = np.argsort(lu.perm_c).astype(np.intp)
    order = sp.csc_array((np.arange(1, A.nnz + 1), A.indices, A.indptr), shape=A.shape)
    moved = sp.csc_array(order[perm][:, perm])
    moved.sort_indices()
    return perm, moved.indptr.astype(np.int32), moved.indices.astype(np.int32), moved.data.astype(np.intp) - 1
