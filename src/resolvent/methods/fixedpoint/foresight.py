"""How far a linear solve of Newton's method is worth taking, from how the steps before it went.

Where a map is linear in pieces, as value iteration is, the linearisation is exact once the piece is the right one: what the
linear solve left is then what is found at the next look. From the greatest residual at which that was so a linear solve goes
the whole way at once, which saves a look, where a digit of it costs less than the look does. An answer that was foretold so
and not confirmed lowers that level. Cost: none. Memory: a few numbers.
"""

import math
from typing import Any

__all__ = ["Foresight"]

_NUMBERS = ("level", "digit", "_tried", "_spent", "_gained")
_SAME, _LOWER = 1e-5, 0.7


class Foresight:
    """The residual from which on the linearisation was exact, and what a digit of a linear solve costs in evaluations."""

    def __init__(self) -> None:
        self.level = self.digit = 0.0
        self._tried = self._spent = self._gained = 0.0

    @property
    def cheap(self) -> bool:
        """Whether a digit of a linear solve is known to cost less than an evaluation."""
        return 0.0 < self.digit < 1.0

    def straight(self, residual: float) -> bool:
        """Whether a linear solve from here should go as far as the tolerance."""
        return self.cheap and residual <= self.level

    def charge(self, evaluations: float, before: float, after: float) -> None:
        """What a linear solve from one residual to another has cost."""
        if 0.0 < after < before < 1e250 and after > 1e-250 and math.isfinite(evaluations):
            self._spent, self._gained = self._spent + evaluations, self._gained + math.log10(before / after)

    def look(self, residual: float, left: float, found: float) -> None:
        """A step from ``residual``: what the linear solve left of it, and what is found."""
        if abs(found - left) <= _SAME * left and math.isfinite(residual):
            self.level = max(self.level, residual)

    def foretold(self, residual: float) -> None:
        """The answer of a linear solve from ``residual`` goes to the measure without a look."""
        self._tried = residual if math.isfinite(residual) else 0.0

    def begin(self, again: bool) -> None:
        """A solve begins, or again, because the measure did not agree with what was foretold."""
        if self._tried > 0.0:
            self.level = min(_LOWER * self.level, self._tried) if again else max(self.level, self._tried)
        if not again and self._gained > 0.0:
            self.digit = self._spent / self._gained
            self._spent = self._gained = 0.0
        self._tried = 0.0

    def state_dict(self) -> dict[str, Any]:
        """Five numbers."""
        return {name.strip("_"): float(getattr(self, name)) for name in _NUMBERS}

    @classmethod
    def from_state(cls, state: Any) -> "Foresight":
        """From what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it is no such thing.
        """
        names = {name.strip("_"): name for name in _NUMBERS}
        sound = isinstance(state, dict) and set(state) == set(names)
        if not sound or not all(type(v) in (int, float) and 0.0 <= v < math.inf for v in state.values()):
            raise ValueError("what linear solves foretell is told by five numbers, none of them negative")
        made = cls()
        made.__dict__.update({names[key]: float(value) for key, value in state.items()})
        return made
