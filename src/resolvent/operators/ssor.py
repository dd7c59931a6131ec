"""Preconditioners that are read off A itself, set up anew for each matrix at the price of a gather: Jacobi and SSOR."""

from typing import Any

import numpy as np

from ..core import SetupError
from .base import Bound
from .engines import EisenstatEngine, FusedEngine

__all__ = ["JacobiBound", "SSORBound"]


class JacobiBound(Bound):
    """The inverse of the diagonal, which has no zero; CG wants it positive."""

    def __init__(self, recipe: Any, problem: Any) -> None:
        self.recipe, self.matrix_version = recipe, problem.matrix_version
        d = problem.diagonal()
        missing = np.flatnonzero(d == 0)
        if len(missing):
            raise SetupError(f"the diagonal entry of row {missing[0]} is zero, and Jacobi divides by it")
        if d.dtype.kind == "c" and np.all(np.abs(d.imag) <= 1e-5 * np.abs(d.real)) and problem.is_symmetric():
            d = np.ascontiguousarray(d.real)
        with np.errstate(over="ignore"):
            self.inverse = 1.0 / d
        problem.work.add("diagonals", 1, "setup")
        self.counts = {"passes": 3.0}

    def apply(self, r: Any) -> Any:
        """D^-1 r."""
        return self.inverse * r

    apply_transposed = apply

    def engine(self, problem: Any, x: Any, r: Any, norm: float) -> Any:
        """CG with this preconditioner fused in.

        Raises
        ------
        SetupError
            When an entry of the diagonal is not positive.
        """
        real = self.inverse.dtype.kind != "c"
        bad = np.flatnonzero(~(self.inverse > 0)) if real else np.flatnonzero(self.inverse.imag)
        if len(bad):
            raise SetupError(
                f"the diagonal entry of row {bad[0]} is not positive, and Jacobi in CG needs a positive diagonal"
            )
        return FusedEngine(problem, x, r, norm, self.inverse)


class SSORBound(Bound):
    """SSOR with relaxation omega; only as a change of variables inside CG, which leaves x and r as they are."""

    reads_only = True

    def __init__(self, recipe: Any, problem: Any) -> None:
        self.recipe, self.matrix_version = recipe, problem.matrix_version
        self.counts = {}

    def engine(self, problem: Any, x: Any, r: Any, norm: float) -> Any:
        """CG in Eisenstat's form."""
        return EisenstatEngine(problem, x, r, norm, self.recipe.omega)
