"""The purse: one allowance for all trials of a Session, in cold solves of cost."""

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
    open: float = 3.0

    @property
    def left(self) -> float:
        """Products still to be spent on trials."""
        return max(0.0, min(self.solves, self.open) * self.cold - self.spent)

    def earn(self) -> None:
        """One more system was solved: a little more of the allowance opens."""
        self.open += 0.05

    def charge(self, excess: float) -> None:
        """Charge what a trial cost beyond the incumbent."""
        self.spent += max(0.0, excess)

    def state_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {"solves": self.solves, "cold": self.cold, "spent": self.spent, "open": self.open}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""
        self.solves, self.cold = float(state["solves"]), float(state["cold"])
        self.spent, self.open = float(state["spent"]), float(state["open"])
