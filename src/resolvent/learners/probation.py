"""Probation: the mean cost of solves with something carried beside that of solves without, and who is asked next."""

import math
from collections.abc import Callable
from typing import Any

__all__ = ["Probation", "reopened"]

_COSTS = ("without", "carried")
_COUNTS = ("colds", "warms", "wait", "patience")


class Probation:
    """Two running means and a patience.

    The thing carried is in use while its mean is below the other by ``margin``; the losing side is looked at again after
    ever more solves (8, 16, 32, ...), at most ``longest``, and so rarely that the looks cost at most ``share`` of the rest.

    Parameters
    ----------
    margin : float
        Part of the cost without that the cost with must not exceed.
    longest : int
        Most solves between two looks at the losing side.
    wait : int
        Solves before the first such look.
    clear : float
        No second solve without is asked for where the first ones with cost less than this part.
    share : float
        Of the cost of the solves between two looks, what a look may cost more than they do.

    Examples
    --------
    >>> book = Probation()
    >>> book.wanted(), book.wanted()  # nothing known: first a solve without
    (False, False)
    >>> book.enter(100.0, carried=False); book.wanted()
    True
    >>> book.enter(30.0, carried=True); book.enter(30.0, carried=True); book.enter(100.0, carried=False)
    >>> book.wanted()
    True
    """

    def __init__(
        self, margin: float = 0.98, longest: int = 64, wait: int = 8, clear: float = 0.6, share: float = 0.05
    ) -> None:
        self.margin, self.longest, self.clear, self.share = margin, longest, clear, share
        self.without, self.colds = 0.0, 0
        self.carried, self.warms = 0.0, 0
        self.wait, self.patience = wait, 8

    def wanted(self) -> bool:
        """Whether the next solve should use it."""
        if self.colds < 1 or (self.colds < 2 <= self.warms and self.carried > self.clear * self.without):
            return False
        if self.warms < 2:
            return True
        pays = self.carried <= self.margin * self.without
        if self.wait <= 0:
            least = self._least(pays)
            if least > self.patience:  # too early: a look would cost too much beside what was paid since the last one
                self.wait, self.patience = least - self.patience - 1, least
                return pays
            self.patience = min(2 * self.patience, self.longest)
            self.wait = self.patience
            return not pays
        self.wait -= 1
        return pays

    def _least(self, pays: bool) -> int:
        """Solves between two looks so that what a look costs is ``share`` of what they cost."""
        winner = self.carried if pays else self.without
        return int(min(self.longest, abs(self.without - self.carried) / (self.share * winner + 1e-300)))

    def enter(self, cost: float, carried: bool) -> None:
        """The cost of one solve."""
        if carried:
            self.warms += 1
            self.carried += max(1.0 / self.warms, 0.2) * (cost - self.carried)
        else:
            self.colds += 1
            self.without += max(1.0 / self.colds, 0.2) * (cost - self.without)

    def state_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {name: getattr(self, name) for name in (*_COSTS, *_COUNTS)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it is no record.
        """
        if not isinstance(state, dict) or set(state) != {*_COSTS, *_COUNTS}:
            raise ValueError("the record of something carried is not one")
        costs, counts = [state[k] for k in _COSTS], [state[k] for k in _COUNTS]
        sound = all(type(c) in (int, float) and 0 <= c < math.inf for c in costs)
        if not sound or not all(type(c) is int and c >= 0 for c in counts):
            raise ValueError("the record of something carried holds what is no cost and no count")
        self.without, self.carried = map(float, costs)
        self.colds, self.warms, self.wait, self.patience = counts


def reopened(saved: Any, make: Callable[[], Probation]) -> dict[str, Probation]:
    """Records by name from a state file.

    Raises
    ------
    ValueError
        When it holds something else.
    """
    if not isinstance(saved, dict):
        raise ValueError("the records of something carried are not by name")
    books = {str(key): make() for key in saved}
    for key, record in saved.items():
        books[str(key)].load_state_dict(record)
    return books
