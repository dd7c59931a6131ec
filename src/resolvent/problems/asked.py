"""What methods ask of a linear system before any work: is it symmetric, are there entries, is there an adjoint."""

from typing import Any

from ..core import Work
from . import checks

__all__ = ["Asked"]

_OFFERS = frozenset({"NumPy arrays", "adjoint", "complex symmetric", "entries", "products", "symmetric"})


class Asked:
    """The part of LinearSystem that answers what methods need."""

    symmetric: bool | None
    stored: bool
    dtype: Any
    facts: dict[str, Any]
    work: Work
    _vet: Any

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when something in ``needs`` is not offered."""
        other = sorted(needs - _OFFERS)
        if other:
            return f"it needs {', '.join(other)}, which a linear system does not offer; use method 'auto'"
        if "entries" in needs and not self.stored:
            return (
                "it needs the entries of A, and an operator was given; pass a matrix or use cg without preconditioner"
            )
        if "complex symmetric" in needs and not self.is_complex_symmetric():
            return "it needs a matrix that is equal to its transpose (not conjugated) and this one is not; use bicgstab or idr"
        if "symmetric" in needs and not self.is_symmetric() and not self._symmetric_now():
            word = "Hermitian" if self.dtype.kind == "c" else "symmetric"
            return f"it needs a {word} matrix and this one is not; use method 'direct' or 'auto'"
        return None

    def _symmetric_now(self) -> bool:
        """Looked at again before anything is refused: what is remembered may be of an earlier matrix of the pattern."""
        self.facts.pop("symmetric", None)
        return self.is_symmetric()

    def is_symmetric(self) -> bool:
        """Symmetric (Hermitian), as said or as found; found once per pattern."""
        if self.symmetric is not None:
            return bool(self.symmetric)
        known = self.facts.get("symmetric")
        if known is None:
            self._vet()
            known = checks.found_symmetric(self)
            if self.stored:
                self.work.add("symmetry", 1, "once")
            self.facts["symmetric"] = known
        return bool(known)

    def is_complex_symmetric(self) -> bool:
        """Equal to its transpose, not conjugated; found anew at each question, an operator is taken at its word."""
        if self.dtype.kind != "c":
            return self.is_symmetric() or self._symmetric_now()
        self._vet()
        if self.stored:
            self.work.add("symmetry", 1, "once")
        return checks.found_symmetric(self, hermitian=False)
