"""Work, counted by name in three parts, and its price in units of one product."""

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["Cost", "Work"]


class Cost(NamedTuple):
    """Cost of a solve in units of one product with A.

    ``once`` is the symbolic part, amortised over a pattern; ``setup`` belongs to this matrix; ``running`` is the rest.

    Examples
    --------
    >>> from resolvent.core import Cost
    >>> (Cost(0.0, 2.0, 3.0) + Cost(1.0, 0.0, 1.0)).total
    7.0
    """

    once: float = 0.0
    setup: float = 0.0
    running: float = 0.0

    @property
    def total(self) -> float:
        """The three parts together."""
        return self.once + self.setup + self.running

    def __add__(self, other: object) -> "Cost":
        if not isinstance(other, Cost):
            return NotImplemented
        return Cost(self.once + other.once, self.setup + other.setup, self.running + other.running)

    def __sub__(self, other: "Cost") -> "Cost":
        return Cost(self.once - other.once, self.setup - other.setup, self.running - other.running)


class Work:
    """Counts of work by name since the last ``reset``, in the parts ``once``, ``setup`` and ``running``.

    Examples
    --------
    >>> from resolvent.core import Work
    >>> work = Work()
    >>> work.add("products", 2); work.add("factor_flops", 1e6, part="setup")
    >>> work.total()
    {'factor_flops': 1000000.0, 'products': 2}
    """

    __slots__ = ("once", "running", "setup")

    def __init__(self) -> None:
        self.once: dict[str, float] = {}
        self.setup: dict[str, float] = {}
        self.running: dict[str, float] = {}

    def reset(self) -> None:
        """Forget all counts; called by the Session before each solve."""
        self.once = {}
        self.setup = {}
        self.running = {}

    def add(self, name: str, amount: float = 1, part: str = "running") -> None:
        """Count ``amount`` units of ``name``."""
        counts: dict[str, float] = self.running if part == "running" else getattr(self, part)
        counts[name] = counts.get(name, 0) + amount

    def total(self) -> dict[str, float]:
        """All counts by name, the three parts together."""
        out = dict(self.once)
        for part in (self.setup, self.running):
            for name, amount in part.items():
                out[name] = out.get(name, 0) + amount
        return out

    def price(self, weights: Mapping[str, float]) -> Cost:
        """The cost of what was counted; names without a weight are bookkeeping and cost nothing."""
        once = _priced(self.once, weights) if self.once else 0.0  # most solves have neither of the first two
        setup = _priced(self.setup, weights) if self.setup else 0.0
        return Cost(once, setup, _priced(self.running, weights))


def _priced(counts: dict[str, float], weights: Mapping[str, float]) -> float:
    total = 0.0
    for name in counts:
        if name in weights:
            total += weights[name] * counts[name]
    return total
