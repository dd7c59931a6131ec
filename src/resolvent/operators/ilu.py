"""Incomplete LU factorizations: ILU(0), without fill, in kernels of our own, and SciPy's ILUT with a ladder of fill factors.

    A ~ L U on the pattern of A                      ILU(0)
    A ~ L U, entries below drop_tol dropped          ILUT

Set-up: ILU(0) about five products, ILUT hundreds; an application reads L and U once. ILU(0) of a positive definite matrix
is symmetric to rounding and may serve CG; ILUT pivots and drops without regard to symmetry: for GMRES, BiCGStab and their
kin, not for CG. Neither is for matrices far from diagonal dominance: a factorization may break down or be useless there.
Reference: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., sections 10.3 and 10.4; Li and Shao, ACM TOMS 37 (2011).
"""

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import spilu

from .. import kernels
from ..core import Cost, SetupError
from .base import Bound

__all__ = ["ILU0", "ILUT", "ILU0Bound", "ILUTBound"]

_LADDER = (1.0, 3.0, 6.0)
_OUT_OF_FILL = "singular"


@dataclass(frozen=True)
class ILU0:
    """ILU(0) as a preconditioner, for matrices of any symmetry, real and complex.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(99), 2.01 * np.ones(100), -np.ones(99)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(100)), rv.CG(preconditioner=rv.ILU0())).steps
    1
    """

    needs = frozenset({"entries"})

    def bind(self, problem: Any, carry: Any) -> "ILU0Bound":
        """Factor; the symbolic part is kept with the pattern.

        Raises
        ------
        SetupError
            When a diagonal entry is not stored, or a pivot is zero.
        """
        return ILU0Bound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """Set-up from the cost table, one application as ``running``."""
        return Cost(0.0, problem.weight("ilu_factorizations"), problem.weight("ilu_solves"))


class ILU0Bound(Bound):
    """The factors of one matrix."""

    def __init__(self, recipe: ILU0, problem: Any) -> None:
        super().__init__(recipe, problem)
        source = self.source
        plan = problem.symbolic.get("ilu0.plan")
        if plan is None:
            plan = problem.symbolic["ilu0.plan"] = kernels.ilu0.symbolic(source.ip, source.ix)
            problem.work.add("symbolics", 1, "once")
        if isinstance(plan, int):
            raise SetupError(f"row {plan} has no diagonal entry, and ILU(0) needs one in every row")
        self.plan, place, diag = plan
        self.fac = kernels.ilu0.allocate(self.plan, problem.dtype)
        problem.work.add("ilu_factorizations", 1, "setup")
        tiny = float(np.finfo(problem.dtype).eps)
        row = kernels.ilu0.factor(self.plan, place, diag, source.ip, source.ix, source.data, tiny, self.fac)
        if row >= 0:
            raise SetupError(f"ILU(0) met a zero pivot in row {row}; try rv.ILUT(), or rv.Direct() as preconditioner")
        self.counts = {"ilu_solves": 1.0}

    def apply(self, r: Any) -> Any:
        """(L U)^-1 r."""
        z = np.empty_like(r)
        kernels.ilu0.solve(self.plan, self.fac, r, z)
        return z


@dataclass(frozen=True)
class ILUT:
    """SciPy's ``spilu`` (SuperLU's ILU with threshold and pivoting) as a preconditioner.

    SuperLU calls a matrix "exactly singular" when it has only run out of the fill it was allowed. So the factorization is
    tried with ``fill_factor``, with three and with six times as much; which one served stands in the bound object's
    ``fill_factor``, in ``result.seen`` and in the session's summary.

    Parameters
    ----------
    drop_tol : float, default 1e-4
        Entries below this part of their row's size are dropped; 0 <= drop_tol <= 1.
    fill_factor : float, default 10.0
        Nonzeros of the factors that are allowed, in those of A; at least 1.

    Raises
    ------
    ValueError
        For values outside these bounds.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(99), 2.0 * np.ones(100), 0.5 * np.ones(99)], offsets=[-1, 0, 1]).tocsr()
    >>> bound = rv.ILUT(drop_tol=1e-3).bind(rv.LinearSystem(A, np.ones(100)), {})
    >>> bound.fill_factor, bool(np.linalg.norm(A @ bound.apply(np.ones(100)) - 1.0) < 0.1)
    (10.0, True)
    """

    drop_tol: float = 1e-4
    fill_factor: float = 10.0

    needs = frozenset({"entries"})

    def __post_init__(self) -> None:
        if not (0.0 <= self.drop_tol <= 1.0 and 1.0 <= self.fill_factor < np.inf):
            raise ValueError(
                f"drop_tol={self.drop_tol}, fill_factor={self.fill_factor} were given; "
                "0 <= drop_tol <= 1 and fill_factor >= 1 are expected"
            )

    def bind(self, problem: Any, carry: Any) -> "ILUTBound":
        """Factor, with more fill where it runs out.

        Raises
        ------
        SetupError
            When six times the fill is not enough, or a pivot is zero.
        """
        return ILUTBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """From the factor of this pattern last made; before there is one, 60 % of the fill allowed is expected."""
        size = problem.symbolic.get("ilut.nonzeros", {}).get(self)
        if size is None:
            size = min(0.6 * self.fill_factor * problem.nonzeros, float(problem.n) ** 2)
        setup = problem.weight("ilut_nonzeros") * size + problem.weight("factorizations")
        return Cost(0.0, setup, problem.weight("triangular") * size)


class ILUTBound(Bound):
    """The factors of one matrix, made with ``fill_factor``."""

    def __init__(self, recipe: ILUT, problem: Any) -> None:
        super().__init__(recipe, problem)
        source = self.source
        if len(source.ix) >= 2**31:
            raise SetupError("SuperLU takes 32-bit indices only, and A has 2^31 entries or more")
        rows = sp.csr_array((source.data, source.ix.astype(np.int32), source.ip.astype(np.int32)), shape=problem.shape)
        A = rows.tocsc()  # the transpose, for nothing, may drop what this one keeps: upwind flow makes garbage of it
        self.lu, self.fill_factor = _ladder(recipe, A, problem)
        size = float(self.lu.nnz)
        problem.symbolic.setdefault("ilut.nonzeros", {})[recipe] = size
        problem.work.add("factorizations", 1, "setup")
        problem.work.add("ilut_nonzeros", size, "setup")
        self.counts = {"triangular": size}

    @property
    def facts(self) -> dict[str, float]:
        """For ``result.seen``: the fill factor that served, and the nonzeros of the factors."""
        return {"ilut_fill_factor": self.fill_factor, "ilut_nonzeros": float(self.lu.nnz)}

    @property
    def note(self) -> str:
        """For the session's summary."""
        return f"ILUT was made with fill factor {self.fill_factor:g}"

    def apply(self, r: Any) -> Any:
        """(L U)^-1 r."""
        return self.lu.solve(r)

    def apply_transposed(self, r: Any) -> Any:
        """(L U)^-T r."""
        return self.lu.solve(r, trans="T")


def _ladder(recipe: ILUT, A: Any, problem: Any) -> tuple[Any, float]:
    """The factors and the fill factor that served; rungs that failed are work, too."""
    for rung in _LADDER:
        fill = rung * recipe.fill_factor
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return spilu(A, drop_tol=recipe.drop_tol, fill_factor=fill), fill
        except MemoryError as error:
            raise SetupError(f"spilu had not the memory for a fill factor of {fill:g}") from error
        except (RuntimeError, ValueError) as error:
            if _OUT_OF_FILL not in str(error):
                raise SetupError(f"spilu failed: {error}") from error
            problem.work.add("ilut_nonzeros", min(fill * A.nnz, float(problem.n) ** 2), "setup")
    raise SetupError(
        f"spilu ran out of fill, or met a zero pivot, with fill factors {recipe.fill_factor:g}, "
        f"{_LADDER[1] * recipe.fill_factor:g} and {fill:g}; raise drop_tol or fill_factor, or use rv.Direct()"
    )
