"""Algebraic multigrid by PyAMG as a preconditioner: smoothed aggregation or Ruge-Stueben, one V-cycle per application.

Set-up costs hundreds of products, a cycle some twenty; a hierarchy may be kept for later matrices, or *refreshed*: the
interpolation is kept and the Galerkin products are formed with the new matrix (slot ``preconditioner.transfer``).
Reference: Bell, Olson, Schroder, Southworth, PyAMG, JOSS 8 (2023).
"""

import math
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..core import Cost, SetupError
from ..core.registry import from_record
from .base import Bound, Stored

__all__ = ["AMG", "AMGBound", "muted"]

_CALLS = {"rs": 11.0, "sa": 20.0}  # Python's part of a cycle, in calls a level


@dataclass(frozen=True)
class AMG:
    """A PyAMG hierarchy as a preconditioner (extra ``amg``).

    Parameters
    ----------
    kind : {"sa", "rs"}
        Smoothed aggregation or Ruge-Stueben.
    seed : int
        PyAMG draws from NumPy's global generator; it is seeded with this for the set-up and restored.

    Raises
    ------
    ValueError
        For another kind.

    Examples
    --------
    >>> import resolvent as rv
    >>> rv.AMG("rs")
    AMG(kind='rs', seed=0)
    """

    kind: str = "sa"
    seed: int = 0

    needs = frozenset({"entries", "symmetric"})

    def __post_init__(self) -> None:
        if self.kind not in ("sa", "rs"):
            raise ValueError(f'kind={self.kind!r} was given; "sa" or "rs" is expected')

    def bind(self, problem: Any, carry: Any) -> "AMGBound":
        """Set up a hierarchy, or refresh the one in the slot ``preconditioner.transfer``.

        Raises
        ------
        SetupError
            When PyAMG is not installed or fails.
        """
        return AMGBound(self, problem, carry.get("preconditioner.transfer"))

    def estimate(self, problem: Any) -> Cost:
        """Set-up and one cycle from the cost table, with operator complexity 2 (Ruge-Stueben) or 1.4."""
        nonzeros = (2.0 if self.kind == "rs" else 1.4) * problem.nonzeros
        levels = max(2.0, math.log(max(problem.n, 20) / 10.0, 2.0 if self.kind == "rs" else 8.0))
        setup = problem.weight("hierarchy") * nonzeros + problem.weight(f"levels_{self.kind}") * levels
        cycle = problem.weight(f"cycles_{self.kind}") * nonzeros + _CALLS[self.kind] * problem.weight("calls") * levels
        return Cost(0.0, setup, cycle)


class AMGBound(Bound):
    """One hierarchy; its interpolation may be refreshed with a later matrix."""

    refreshable = True

    def __init__(self, recipe: AMG, problem: Any, older: Any = None) -> None:
        super().__init__(recipe, problem)
        if recipe.kind == "rs" and problem.dtype.kind == "c":
            raise SetupError("PyAMG's Ruge-Stueben hierarchies are for real matrices; use rv.AMG('sa')")
        try:
            import pyamg
        except ImportError as error:
            raise SetupError("AMG needs PyAMG; install it with: pip install 'resolvent[amg]'") from error
        self.origin = older.origin if isinstance(older, AMGBound) and older.fits(recipe) else self.source
        signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
        data = (
            self.source.data
        )  # PyAMG squares and inverts: a power of two brings the entries to size, and CG does not care
        top = float(np.max(np.abs(data))) if data.size else 0.0
        if 0.0 < top < np.inf and not 1e-9 < top < 1e9:
            power, real = int(np.frexp(top)[1]), data.real.dtype.type
            data = data * real(2.0 ** -(power // 2)) * real(2.0 ** (power // 2 - power))
        A = sp.csr_matrix((data, self.source.ix.view(signed), self.source.ip.view(signed)), shape=problem.shape)
        try:
            with _seeded(recipe.seed), muted(), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if isinstance(older, AMGBound) and older.fits(recipe):
                    self.hierarchy = _refreshed(older.hierarchy, A)
                elif recipe.kind == "sa":
                    self.hierarchy = pyamg.smoothed_aggregation_solver(A, B=problem.near_nullspace)
                else:
                    self.hierarchy = pyamg.ruge_stuben_solver(A)
                self.cycle = self.hierarchy.aspreconditioner()
                self.cycle.matvec(np.zeros(problem.n, dtype=problem.dtype))
        except (ValueError, RuntimeError, TypeError, np.linalg.LinAlgError, ZeroDivisionError, IndexError) as error:
            raise SetupError(f"PyAMG could not set up a hierarchy: {error}") from error
        size = float(sum(level.A.nnz for level in self.hierarchy.levels))
        levels = float(len(self.hierarchy.levels))
        part = 0.25 if isinstance(older, AMGBound) else 1.0  # a refresh is about a quarter of a set-up
        problem.work.add("hierarchy", size * part, "setup")
        problem.work.add(f"levels_{recipe.kind}", levels * part, "setup")
        self.counts = {f"cycles_{recipe.kind}": size, "calls": _CALLS[recipe.kind] * levels}

    def state_dict(self) -> dict[str, Any]:
        """Also the matrix whose interpolation is in use, where it was refreshed."""
        state = super().state_dict()
        return state if self.origin is self.source else state | {"origin": self.origin.state_dict()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Bound:
        """Made anew; a refreshed one from its first matrix and its last."""
        if "origin" not in state:
            return super().from_state(state)
        first = from_record(state["recipe"]).bind(Stored.from_state(state["origin"]), {})
        source = Stored.from_state(state["source"])
        bound: Bound = from_record(state["recipe"]).bind(source, {"preconditioner.transfer": first})
        if not isinstance(bound, cls) or len(first.source.data) != len(source.data):
            raise ValueError("the matrices of a refreshed hierarchy do not belong together")
        bound.matrix_version = int(state["matrix_version"])
        return bound

    def apply(self, r: Any) -> Any:
        """One V-cycle."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return self.cycle.matvec(r)


def _refreshed(older: Any, A: Any) -> Any:
    """The old interpolation with the Galerkin products of the new matrix."""
    from pyamg.multilevel import MultilevelSolver
    from pyamg.relaxation.smoothing import change_smoothers

    levels = []
    for old in older.levels:
        level = MultilevelSolver.Level()
        level.A = A
        if hasattr(old, "P"):
            level.P, level.R = old.P, old.R
            A = sp.csr_matrix(level.R @ A @ level.P)
        levels.append(level)
    hierarchy = MultilevelSolver(levels, coarse_solver="pinv")
    smoother = ("gauss_seidel", {"sweep": "symmetric"})
    change_smoothers(hierarchy, presmoother=smoother, postsmoother=smoother)
    return hierarchy


@contextmanager
def muted() -> Iterator[None]:
    """Standard output closed for C++ too: PyAMG prints a line for every row that its interpolation cannot serve."""
    sys.stdout.flush()
    with open(os.devnull, "wb") as hole:
        kept = os.dup(1)
        try:
            os.dup2(hole.fileno(), 1)
            yield
        finally:
            os.dup2(kept, 1)
            os.close(kept)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """NumPy's global generator seeded for a while, then as it was."""
    kept = np.random.get_state()  # noqa: NPY002 - PyAMG draws from it
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(kept)  # noqa: NPY002
