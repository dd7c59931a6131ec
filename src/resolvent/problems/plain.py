"""What problem families without a matrix of their own share: a counter, a memory in the Session, a price, a first guess.

A mix-in, not a superclass of problems: ``offers`` and ``measure`` stay with each family. A family is a frozen dataclass
that names itself (``family``), says of what shape it is (``shape_key``), what a unit of work costs (``weights``) and what
stands in its certificate (``digest``).
"""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..core import Change, Cost, Result, Work
from .memory import remembered

__all__ = ["Plain", "recalled"]


class Plain:
    """The part of a problem that the Session deals with; ``_prepare`` is called at the end of ``__post_init__``."""

    family: ClassVar[str]
    offers: frozenset[str]
    work: Work
    memory: dict[str, Any]
    symbolic: dict[str, Any]
    epoch: int
    matrix_version: int
    unit: float

    def _prepare(self) -> None:
        """An empty memory and a counter at zero."""
        self.__dict__.update(work=Work(), memory={}, symbolic={}, epoch=0, matrix_version=0, unit=1.0)

    # ---- said by the family ----------------------------------------------------------------------------------------

    def shape_key(self) -> list[int | float | str]:
        """Sizes and dtype as plain numbers and strings; another key drops all that is carried."""
        raise TypeError(f"{type(self).__name__} does not say its shape")

    def weights(self) -> Mapping[str, float]:
        """What one unit of each counted name costs, in units of the family's one evaluation."""
        raise TypeError(f"{type(self).__name__} does not say what its work costs")

    def digest(self) -> dict[str, Any]:
        """``kind`` and ``strength`` of the measure in words, for the certificate."""
        return {"kind": "recomputed", "strength": "the measure was recomputed from x and the problem's data alone"}

    def zero(self) -> Any:
        """The iterate that stands for no guess."""
        raise TypeError(f"{type(self).__name__} has no zero")

    # ---- what the Session asks -------------------------------------------------------------------------------------

    def compare(self, memory: dict[str, Any]) -> Change:
        """SHAPE when family, sizes or dtype are others than those in ``memory``, else VALUES; takes the memory over."""
        key = [self.family, *self.shape_key()]
        change = Change.VALUES if memory.get("family") == key else Change.SHAPE
        if change == Change.SHAPE:
            epoch, version = memory.get("epoch", 0), memory.get("version", 0)
            memory.clear()
            memory.update(family=key, facts={}, symbolic={}, epoch=epoch + 1, version=version)
        memory["version"] += 1
        ready = self.__dict__
        ready["memory"], ready["symbolic"] = memory, memory.setdefault("symbolic", {})
        ready["epoch"], ready["matrix_version"] = memory["epoch"], memory["version"]
        return change

    @property
    def facts(self) -> dict[str, Any]:
        """What was found of problems of this shape so far; belongs to the Session."""
        facts: dict[str, Any] = self.memory.setdefault("facts", {})
        return facts

    @property
    def product_seconds(self) -> float:
        """Modelled seconds of one unit of cost; only ratios matter here."""
        return 1e-6

    def price(self) -> Cost:
        """Cost of the work so far."""
        return self.work.price(self.weights())

    def weight(self, name: str) -> float:
        """What one unit of that work costs."""
        return self.weights()[name]

    def estimate(self, method: Any) -> Cost | None:
        """What ``method`` expects to cost here: set-up, and one iteration as ``running``; None when it cannot tell."""
        guess = getattr(method, "estimate", None)
        return None if guess is None else guess(self)

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when something of ``needs`` is not offered."""
        missing = sorted(needs - self.offers)
        if not missing:
            return None
        return f"it needs {', '.join(missing)}, and {type(self).__name__} offers {', '.join(sorted(self.offers))}"

    def kind_of_arms(self) -> str:
        """What ``auto`` distinguishes: the family, its shape, and what is offered."""
        return "/".join([self.family, *map(str, self.shape_key()), "+".join(sorted(self.offers))])

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when a first guess holds NaN or inf."""
        if x0 is not None and np.asarray(x0).dtype.kind in "fc" and not np.all(np.isfinite(np.asarray(x0))):
            return "x0 contains NaN or inf"
        return None

    def enter(self, x0: Any) -> Any:
        """A user's first guess; families check its shape and dtype."""
        return np.array(x0, copy=True)

    def leave(self, result: Result) -> None:
        """The last look at a result: an x where there is none, and the certificate's words."""
        if result.x is None:
            result.x = self.zero()
        result.digest = {**self.digest(), "scale": float(self.scale)}  # type: ignore[attr-defined]


def recalled(memory: Any) -> dict[str, Any]:
    """What a Session's memory of its last problem may hold when it comes from a file, whatever the family.

    Raises
    ------
    ValueError
        When it is not of the shape that ``compare`` writes.
    """
    if not isinstance(memory, dict) or "family" not in memory:
        return remembered(memory)
    key, facts = memory["family"], memory["facts"]
    sound = isinstance(key, list) and all(type(v) in (int, float, str) for v in key)
    sound = sound and all(type(memory[k]) is int for k in ("epoch", "version"))
    plain = isinstance(facts, dict) and all(type(v) in (bool, int, float, str) for v in facts.values())
    if not (sound and plain and all(math.isfinite(v) for v in facts.values() if type(v) is float)):
        raise ValueError("the memory of the last problem is not one")
    return {"family": list(key), "facts": dict(facts), "symbolic": {}} | {k: memory[k] for k in ("epoch", "version")}
