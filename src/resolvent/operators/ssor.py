"""Preconditioners that are read off A itself, set up anew for each matrix at the price of a gather: Jacobi and SSOR."""

from typing import Any

import numpy as np

from ..core import SetupError
from .base import Bound
from .engines import EisenstatEngine, FusedEngine

__all__ = ["JacobiBound", "SSORBound"]


class JacobiBound(Bound):
    """The inverse of the diagonal."""

    def __init__(self, recipe: Any, problem: Any) -> None:
        self.recipe, self.matrix_version = recipe, problem.matrix_version
        d = problem.diagonal()
        bad = np.flatnonzero(~(d.real > 0))
        if len(bad):
            raise SetupError(
                f"the diagonal entry of row {bad[0]} is not positive, and Jacobi needs a positive diagonal"
            )
        with np.errstate(over="ignore"):
            self.inverse = 1.0 / d.real
        problem.work.add("diagonals", 1, "setup")
        self.counts = {"passes": 3.0}

    def apply(self, r: Any) -> Any:
        """D^-1 r."""
        return self.inverse * r

    def engine(self, problem: Any, x: Any, r: Any, norm: float) -> Any:
        """CG with this preconditioner fused in."""
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
