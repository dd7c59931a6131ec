"""Incomplete Cholesky without fill, IC(0), of a Hermitian positive definite matrix, shifted until its pivots are positive.

    A + shift diag(A) ~ L L^H on the pattern of A

Set-up: about the flops of a few products; an application reads L twice. Refuses to go on after a shift of 1.
Reference: Meijerink and van der Vorst, Math. Comp. 31 (1977); shifts: Manteuffel, Math. Comp. 34 (1980).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import kernels
from ..core import Cost, SetupError
from .base import Bound

__all__ = ["IC", "ICBound"]


@dataclass(frozen=True)
class IC:
    """IC(0) as a preconditioner.

    Parameters
    ----------
    shift : float, default 0.0
        First shift of the diagonal, relative; raised to 1e-3, 1e-2, 0.1, 1 where a pivot is not positive.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(99), 2.01 * np.ones(100), -np.ones(99)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(100)), rv.CG(preconditioner=rv.IC())).steps
    1
    """

    shift: float = 0.0

    needs = frozenset({"entries", "symmetric"})

    def bind(self, problem: Any, carry: Any) -> "ICBound":
        """Factor; the symbolic part is kept with the pattern.

        Raises
        ------
        SetupError
            When even a shift of 1 leaves a pivot that is not positive.
        """
        return ICBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """Set-up from the cost table."""
        return Cost(0.0, problem.weight("ic_factorizations"), problem.weight("ic_solves"))


class ICBound(Bound):
    """The factors of one matrix."""

    def __init__(self, recipe: IC, problem: Any) -> None:
        super().__init__(recipe, problem)
        plan = problem.symbolic.get("ic0.plan")
        if plan is None:
            plan = problem.symbolic["ic0.plan"] = kernels.ic0.symbolic(problem.ip, problem.ix)
            problem.work.add("symbolics", 1, "once")
        self.plan = plan
        self.fac = kernels.ic0.allocate(plan, problem.dtype)
        for shift in (recipe.shift, 1e-3, 1e-2, 0.1, 1.0):
            if shift < recipe.shift:
                continue
            problem.work.add("ic_factorizations", 1, "setup")
            row = kernels.ic0.factor(plan, problem.ip, problem.ix, problem.data, shift, self.fac)
            if row < 0:
                break
        else:
            raise SetupError(f"IC(0) broke down in row {row}: the matrix is far from positive definite")
        self.counts = {"ic_solves": 1.0}

    def apply(self, r: Any) -> Any:
        """(L L^H)^-1 r."""
        z = np.empty_like(r)
        kernels.ic0.solve(self.plan, self.fac, r, z)
        return z
