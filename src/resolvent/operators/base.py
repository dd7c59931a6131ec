"""What a preconditioner is: a frozen recipe, and the bound object that its set-up gives for one matrix.

A recipe has ``bind(problem, carry) -> Bound``; a bound object has ``apply(r) -> z`` and knows the recipe it was built
with. One that fits a whole CG step (Eisenstat's form is a change of variables, not an ``apply``) gives an ``engine``.
A state file holds a bound object as its recipe and the matrix it was made from, and makes it anew.
"""

from typing import Any

import numpy as np

from .. import kernels
from ..core import Work
from ..core.registry import from_record, to_record

__all__ = ["Bound", "Stored", "Transposed", "transposed"]

_DTYPES = frozenset(np.dtype(t) for t in ("float32", "float64", "complex64", "complex128"))


class Stored:
    """A matrix by its CSR parts, with what a recipe asks of a problem: the source of a set-up, kept for state files."""

    def __init__(self, ip: Any, ix: Any, data: Any, symmetric: bool, near_nullspace: Any = None) -> None:
        self.ip, self.ix, self.data = ip, ix, data
        self.n = len(ip) - 1
        self.nonzeros = len(data)
        self.dtype = data.dtype
        self.symmetric = symmetric
        self.near_nullspace = near_nullspace
        self.trusting: bool | None = None  # said by a factor: whether it took its pivots from the diagonal
        self.kind = "csr"
        self.stored = True
        self.matrix_version = -1
        self.work = Work()
        self.facts: dict[str, Any] = {}
        self.symbolic: dict[str, Any] = {}

    @classmethod
    def of(cls, problem: Any) -> "Stored":
        """A copy of the problem's matrix, canonical."""
        getattr(problem, "_vet", int)()
        near = None if problem.near_nullspace is None else np.array(problem.near_nullspace)
        return cls(problem.ip.copy(), problem.ix.copy(), problem.data.copy(), problem.is_symmetric(), near)

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return (self.n, self.n)

    def is_symmetric(self) -> bool:
        """As found when it was copied."""
        return self.symmetric

    def state_dict(self) -> dict[str, Any]:
        """Plain arrays."""
        out = {"ip": self.ip, "ix": self.ix, "data": self.data, "symmetric": bool(self.symmetric)}
        if self.trusting is not None:
            out["trusting"] = self.trusting
        return out if self.near_nullspace is None else out | {"near_nullspace": self.near_nullspace}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Stored":
        """The inverse of ``state_dict``; refuses arrays that are no matrix.

        Raises
        ------
        ValueError
        """
        ip, ix, data = state["ip"], state["ix"], state["data"]
        n = len(ip) - 1
        sound = (
            ip.ndim == ix.ndim == data.ndim == 1
            and ip.dtype == ix.dtype
            and ip.dtype in (np.dtype(np.uint32), np.dtype(np.uint64))
            and data.dtype in _DTYPES
            and n > 0
            and ip[0] == 0
            and int(ip[-1]) == len(ix) == len(data)
            and not np.any(ip[1:] < ip[:-1])
            and (len(ix) == 0 or int(ix.max()) < n)
        )
        if sound and len(ix) > 1:  # rows sorted, nothing twice: kernels walk it without looking
            rising = ix[1:] > ix[:-1]
            starts = ip[1:-1][(ip[1:-1] > 0) & (ip[1:-1] < len(ix))].astype(np.intp)
            rising[starts - 1] = True
            sound = bool(rising.all())
        if sound and state["symmetric"]:
            sound = kernels.csr.is_symmetric(ip, ix, data, True, 1e-3) >= 1
        if not sound:
            raise ValueError("the source matrix of a carried set-up is not a matrix")
        source = cls(ip, ix, data, bool(state["symmetric"]), _near(state.get("near_nullspace"), n))
        trusting = state.get("trusting")
        if trusting is not None and type(trusting) is not bool:
            raise ValueError("a factor trusts the diagonal of its matrix or it does not")
        source.trusting = trusting
        return source


def _near(columns: Any, n: int) -> Any:
    """Candidates for aggregation from a state file: none, or finite columns of length n."""
    if columns is None:
        return None
    if not isinstance(columns, np.ndarray) or columns.dtype.kind not in "fciu" or columns.ndim not in (1, 2):
        raise ValueError("the near null space of a carried set-up is no array of numbers")
    if columns.shape[0] != n or columns.size == 0 or not np.all(np.isfinite(columns)):
        raise ValueError("the near null space of a carried set-up does not fit its matrix")
    return columns


class Bound:
    """A set-up of ``recipe`` for one matrix.

    ``counts`` is the work of one application by name; ``matrix_version`` tells for which values it was made.
    """

    def __init__(self, recipe: Any, problem: Any) -> None:
        self.recipe = recipe
        self.matrix_version: int = problem.matrix_version
        self.counts: dict[str, float] = {}
        self.source: Stored = problem if isinstance(problem, Stored) else Stored.of(problem)

    def apply(self, r: Any) -> Any:
        """z = M^-1 r as a new array."""
        raise TypeError(f"{type(self).__name__} has no application of its own")

    def fits(self, recipe: Any) -> bool:
        """Whether it may stand in for ``recipe``: built with the same parameters."""
        return bool(self.recipe == recipe)

    def state_dict(self) -> dict[str, Any]:
        """Recipe and source matrix."""
        return {
            "bound": type(self).__name__,
            "recipe": to_record(self.recipe),
            "matrix_version": int(self.matrix_version),
            "source": self.source.state_dict(),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Bound":
        """Made anew from what ``state_dict`` gave."""
        source = Stored.from_state(state["source"])
        bound: Bound = from_record(state["recipe"]).bind(source, {})
        if not isinstance(bound, cls):
            raise ValueError(f"the recipe of a {cls.__name__} does not give one")
        bound.matrix_version = int(state["matrix_version"])
        return bound


class Transposed:
    """A set-up of A, applied transposed for a system with A^T; all else is the set-up's own."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __getattr__(self, name: str) -> Any:
        if name == "original":
            raise AttributeError(name)
        return getattr(self.original, name)

    def apply(self, r: Any) -> Any:
        """M^-T r."""
        return self.original.apply_transposed(r)

    def apply_transposed(self, r: Any) -> Any:
        """M^-1 r."""
        return self.original.apply(r)


class Rebuilt:
    """A set-up of A^T itself, of a recipe that cannot be applied transposed: serves this solve, and is not carried."""

    def __init__(self, bound: Any) -> None:
        self.apply, self.counts = bound.apply, bound.counts


def transposed(recipe: Any, problem: Any, kept: Any, bind: Any) -> Any:
    """The preconditioner of a system with A^T: what is kept of A or set up for it, transposed where it can be."""
    bound = getattr(kept, "original", kept) if kept is not None else bind(recipe, problem.base)
    if hasattr(bound, "engine"):  # read off the matrix at hand at the price of a gather
        return bind(recipe, problem)
    if hasattr(bound, "apply_transposed"):
        return Transposed(bound)
    if "symmetric" in getattr(recipe, "needs", ()) and problem.dtype.kind != "c":
        bound.apply_transposed = bound.apply
        return Transposed(bound)
    return Rebuilt(bind(recipe, problem))
