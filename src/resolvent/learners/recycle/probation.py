"""Whether a carried thing pays: its mean cost beside that of solves without it, which are made again now and then.

    in use  while  mean cost with  <=  0.98 x mean cost without

Without is known from the first solve on; the side that is not in use is looked at again after 8, 16, 32, ... solves.
"""

import math
from typing import Any

__all__ = ["Probation"]

_PAYS = 0.98
_FIRST, _LONGEST = 8.0, 64.0
_MEMORY = 4.0


class Probation:
    """The record of one carried thing under one method: [cost without, count, cost with, count, wait, next wait]."""

    def __init__(self) -> None:
        self.books: dict[str, list[float]] = {}

    def _book(self, key: str) -> list[float]:
        return self.books.setdefault(key, [0.0, 0.0, 0.0, 0.0, _FIRST, _FIRST])

    def wanted(self, key: str, trial: bool = False) -> bool:
        """Whether to use it now; a trial of a method neither looks the other side up nor counts the time."""
        book = self._book(key)
        if book[1] < 1 or trial:
            return book[3] > 0 and book[2] <= _PAYS * book[0]
        if book[3] < 2:
            return True
        pays = book[2] <= _PAYS * book[0]
        if book[4] <= 0:
            book[5] = min(2 * book[5], _LONGEST)
            book[4] = book[5]
            return not pays
        book[4] -= 1
        return pays

    def cold(self, key: str) -> float:
        """Mean cost without; inf where it is not known."""
        book = self._book(key)
        return book[0] if book[1] else math.inf

    def learn(self, key: str, cost: float, used: bool) -> None:
        """One more cost."""
        book, at = self._book(key), 2 if used else 0
        book[at + 1] += 1.0
        book[at] += (cost - book[at]) / min(book[at + 1], _MEMORY)

    def failed(self, key: str) -> None:
        """A failure with it counts as twice a solve without."""
        book = self._book(key)
        if book[1]:
            self.learn(key, 2.0 * book[0], True)

    def state_dict(self) -> dict[str, Any]:
        """As plain numbers."""
        return {"books": {k: list(v) for k, v in self.books.items()}}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it is no record.
        """
        books = state["books"]
        if not isinstance(books, dict) or any(not isinstance(v, list) or len(v) != 6 for v in books.values()):
            raise ValueError("the record of a carried thing is not one")
        found = {str(k): [float(n) for n in row] for k, row in books.items()}
        if any(not ((math.isfinite(n) and n >= 0.0) or i == 4) for row in found.values() for i, n in enumerate(row)):
            raise ValueError("the record of a carried thing holds numbers that are no costs and counts")
        self.books = found
