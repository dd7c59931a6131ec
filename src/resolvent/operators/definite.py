"""A positive definite stand-in for a Hermitian indefinite matrix, so that what needs definiteness may precondition it.

    S = A with the diagonal  s_ii = max(|a_ii|, w_i sum_{j != i} |a_ij| / w_j) (1 + 1e-6),  w_i = |a_ii|^1/2
    M = the inner preconditioner of S

S has, scaled by w, a dominant positive diagonal, so it is definite and an incomplete Cholesky factor of it exists; for a
Laplacian shifted into its spectrum S is the Laplacian. MINRES then sees a spectrum near 1 but for the eigenvalues that the
shift has turned; a diagonal scaling of A on both sides changes nothing.
Cost: one pass over the entries beside the inner set-up; memory: the entries of A twice. Not where the off-diagonal part
rules (saddle points): there S has little to do with A.

Reference: Gill, Murray, Ponceleon and Saunders, SIAM J. Matrix Anal. Appl. 13 (1992), on definite preconditioners for
indefinite systems; Erlangga, Vuik and Oosterlee, Appl. Numer. Math. 50 (2004), section 2, on the Laplacian for Helmholtz.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import kernels
from ..core import Cost, SetupError
from .base import Bound, Stored
from .ic import IC

__all__ = ["Definite", "DefiniteBound"]


@dataclass(frozen=True)
class Definite:
    """A preconditioner of the definite matrix beside a Hermitian one.

    Parameters
    ----------
    inner : recipe, default IC()
        What is set up for S: ``rv.IC()``, ``rv.AMG()``, ``rv.Jacobi()`` or ``rv.Direct()``.

    Raises
    ------
    ValueError
        When inner is no recipe.

    References
    ----------
    Y. A. Erlangga, C. Vuik and C. W. Oosterlee, Appl. Numer. Math. 50 (2004) 409-425, section 2.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(199), 1.9 * np.ones(200), -np.ones(199)], offsets=[-1, 0, 1]).tocsr()
    >>> problem = rv.LinearSystem(A, np.cos(np.arange(200.0)))
    >>> plain = rv.solve(problem, rv.MINRES(), rtol=1e-8).steps
    >>> rv.solve(problem, rv.MINRES(rv.Definite()), rtol=1e-8).steps < 0.5 * plain
    True
    """

    inner: Any = field(default_factory=IC)

    needs = frozenset({"entries", "symmetric"})

    def __post_init__(self) -> None:
        if not hasattr(self.inner, "bind"):
            raise ValueError(f"inner={self.inner!r} was given; a recipe such as rv.IC() or rv.AMG() is expected")

    def bind(self, problem: Any, carry: Any) -> "DefiniteBound":
        """Make S and set up the inner preconditioner.

        Raises
        ------
        SetupError
            When that fails, or has no application of its own.
        """
        return DefiniteBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """That of the inner one, and a pass over the entries."""
        found = self.inner.estimate(problem) if hasattr(self.inner, "estimate") else Cost()
        return found + Cost(0.0, 2 * problem.weight("gathers"), 0.0)


class DefiniteBound(Bound):
    """The inner set-up for S."""

    def __init__(self, recipe: Definite, problem: Any) -> None:
        super().__init__(recipe, problem)
        problem.work.add("gathers", 2, "setup")
        self.bound = recipe.inner.bind(_stand_in(self.source, problem), {})
        if not hasattr(self.bound, "apply") or type(self.bound).apply is Bound.apply:
            raise SetupError(f"{type(recipe.inner).__name__} has no application of its own, and Definite needs one")
        self.counts = self.bound.counts
        if hasattr(self.bound, "inverse"):
            self.inverse = self.bound.inverse  # the kernels of Krylov methods take a diagonal as it is

    def apply(self, r: Any) -> Any:
        """M^-1 r."""
        return self.bound.apply(r)


def _stand_in(source: Stored, problem: Any) -> Any:
    """S as a matrix with the problem's books and, where all of the diagonal is stored, its symbolic part."""
    ip, ix, data = source.ip, source.ix, np.empty_like(source.data)
    symbolic: dict[str, Any] = problem.symbolic
    w = np.empty(source.n, np.abs(data[:0]).dtype)
    if kernels.definite.raised(ip, ix, source.data, w, data) >= 0:
        A = sp.csr_array((source.data, ix.astype(np.int64), ip.astype(np.int64)), shape=source.shape)
        mark = np.finfo(data.dtype).tiny
        whole = sp.csr_array(A + mark * sp.eye_array(source.n, dtype=data.dtype))
        whole.sort_indices()
        whole.data[whole.data == mark] = 0  # there only to have a place
        ip, ix, symbolic = whole.indptr.astype(ip.dtype), whole.indices.astype(ix.dtype), {}
        data = np.empty_like(whole.data)
        kernels.definite.raised(ip, ix, whole.data, w, data)
    shadow = Shadow(ip, ix, data, True, source.near_nullspace)
    shadow.symbolic, shadow.matrix_version, shadow.work = symbolic, problem.matrix_version, problem.work
    return shadow


class Shadow(Stored):
    """A matrix that a set-up takes for a problem."""

    def diagonal(self) -> Any:
        """The diagonal as a new array."""
        found = np.zeros(self.n, self.dtype)
        kernels.csr.diagonal(self.ip, self.ix, self.data, found)
        return found
