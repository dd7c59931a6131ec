"""The purse: one allowance for all trials of a Session, in cold solves of cost."""

import math
from dataclasses import dataclass
from typing import Any

__all__ = ["Purse"]


@dataclass(slots=True)
class Purse:
    """What trials may cost over what the incumbent would have cost.

    Attributes
    ----------
    solves : float
        Allowance in cold solves.
    cold : float
        Cost of a cold solve in products, as last estimated.
    spent : float
        Charged so far, in products; a trial that paid gives nothing back.
    open : float
        Part of the allowance that is open already, in cold solves: it opens slowly,
        so that short sequences risk little.
    extra : float
        Products that are open beside it: a few for each system, because a tenth of a small solve is nothing.

    Examples
    --------
    >>> from resolvent.core import Purse
    >>> purse = Purse(solves=10.0, cold=100.0, open=10.0)
    >>> purse.charge(250.0); purse.left
    750.0
    """

    solves: float = 10.0
    cold: float = 0.0
    spent: float = 0.0
    open: float = 1.5
    extra: float = 0.0

    @property
    def left(self) -> float:
        """Products still to be spent on trials."""
        allowed = min(self.solves * self.cold, self.open * self.cold + self.extra)
        return max(0.0, allowed - self.spent)

    def earn(self) -> None:
        """One more system was solved: a little more of the allowance opens."""
        self.open += 0.025
        self.extra += 3.0

    def charge(self, excess: float) -> None:
        """Charge what a trial cost beyond the incumbent."""
        self.spent += max(0.0, excess)

    def state_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {name: getattr(self, name) for name in self.__slots__}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When a figure is not one.
        """
        found = {name: state[name] for name in self.__slots__}
        if any(type(v) not in (int, float) or not 0.0 <= v < math.inf for v in found.values()):
            raise ValueError("the purse holds what is no amount")
        for name, value in found.items():
            setattr(self, name, float(value))
