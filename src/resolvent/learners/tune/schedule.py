"""Where a warm solve enters the schedule of a continuation: how many levels above the last one, learned by cost.

    levels = 0, 1, 2, ...:   reg 4^levels, ..., 4 reg, reg

Near problems are solved from the last level on; where they drift further a level above is cheaper, and cheaper than cold.
Higher levels are tried one after the other while the best so far costs more than 0.6 of a cold solve and the last one
tried was better than the one below; its neighbours are looked at again now and then. Solves without a first guess are the
cold ones. Cost: none but the trials. Not where the guess is always near: nothing is tried then.

Reference: Schmitzer, Stabilized sparse scaling algorithms for entropy regularized transport problems, SIAM J. Sci. Comput.
41 (2019), section 3.2, for the schedule.
"""

import math
from dataclasses import dataclass
from typing import Any

from ...core import Advice, Learner

__all__ = ["Schedule"]

_DEAR = 0.6
_FIRST, _LONGEST = 4, 64
_SETTLED = 3  # solves at a level before the next one is tried: the guess itself learns meanwhile


@dataclass(eq=False)
class Schedule(Learner):
    """Chooses an integer parameter of solves that begin from a guess; 0 to begin with.

    Parameters
    ----------
    parameter : str, default "levels"
        Of the method, such as ``rv.SinkhornNewton(levels=...)``.
    most : int, default 3
        The highest level.

    Raises
    ------
    ValueError
        For a highest level below 1.

    Examples
    --------
    >>> import resolvent as rv
    >>> from resolvent import gallery
    >>> problems = list(gallery.sequence("drifting-images", count=16, size=16, speed=0.05))
    >>> def spent(*learners):
    ...     session = rv.Session("sinkhornnewton", [rv.Potentials(), *learners], rtol=1e-8)
    ...     return sum(session.solve(p).cost.total for p in problems)
    >>> spent(rv.Schedule()) < spent()
    True
    """

    parameter: str = "levels"
    most: int = 3

    def __post_init__(self) -> None:
        if isinstance(self.most, bool) or not isinstance(self.most, int) or self.most < 1:
            raise ValueError(f"most={self.most!r} was given; a whole number of at least 1 is expected")
        self.owns = frozenset({self.parameter})
        self._forget(-1)

    def _forget(self, epoch: int) -> None:
        self._epoch = epoch
        self._cold = [0.0, 0]
        self._books = [[0.0, 0] for _ in range(self.most + 1)]
        self._now, self._age, self._again, self._side = -1, 0, _FIRST, 1

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Set the level of a solve that has a guess."""
        if problem.epoch != self._epoch:
            self._forget(problem.epoch)
        self._now = -1
        if advice.x0 is not None:
            self._now = self._choice()
            if self._now > 0:
                advice.params[self.parameter] = self._now
        return advice

    def _choice(self) -> int:
        known = [level for level, (_, count) in enumerate(self._books) if count]
        if not known:
            return 0
        mean = {level: self._books[level][0] for level in known}
        best, top = min(mean, key=lambda level: mean[level]), known[-1]
        dear = self._cold[1] > 0 and mean[best] > _DEAR * self._cold[0] and self._books[best][1] >= _SETTLED
        if dear and best == top < self.most:  # the highest one tried is the best: the next one
            return top + 1
        self._age += 1
        if len(mean) > 1 and self._age >= self._again:  # the neighbours in turn, ever more rarely
            self._age, self._again = 0, min(2 * self._again, _LONGEST)
            self._side = -self._side
            return best + self._side if best + self._side in mean else best - self._side
        return best

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Enter the cost; an attempt that failed or met its cap cost at least twice that."""
        if advice.trial:
            return
        cost = result.cost.setup + result.cost.running
        if advice.x0 is None:
            if result.ok:
                _enter(self._cold, cost)
        elif self._now >= 0:
            _enter(self._books[self._now], cost if result.ok else 2.0 * cost)
            self._now = -1 if result.ok else self._now

    def digest(self) -> list[str]:
        """A line for the summary."""
        means = ", ".join(f"{level}: {mean:.3g}" for level, (mean, count) in enumerate(self._books) if count)
        return [f"Schedule({self.parameter}): mean cost {means or 'not known yet'}; cold {self._cold[0]:.3g}"]

    def state_dict(self) -> dict[str, Any]:
        """The books."""
        return {
            "epoch": self._epoch,
            "cold": list(self._cold),
            "books": [list(book) for book in self._books],
            "waits": [self._age, self._again, int(self._side > 0)],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over.

        Raises
        ------
        ValueError
            When they are not what ``state_dict`` gives.
        """
        books, waits = state["books"], state["waits"]
        if not isinstance(books, list) or len(books) != self.most + 1 or not all(map(_sound, [*books, state["cold"]])):
            raise ValueError("the books of a schedule are not books")
        counts = [*waits] if isinstance(waits, list) and len(waits) == 3 else [None]
        if not all(type(v) is int and v >= 0 for v in counts) or type(state["epoch"]) is not int:
            raise ValueError("the counts of a schedule are not whole numbers")
        self._forget(state["epoch"])
        self._cold, self._books = list(state["cold"]), [list(book) for book in books]
        self._age, self._again, self._side = counts[0], counts[1], 1 if counts[2] else -1


def _enter(book: list[Any], cost: float) -> None:
    book[1] += 1
    book[0] += max(1.0 / book[1], 0.3) * (cost - book[0])


def _sound(book: Any) -> bool:
    """Whether it is a mean and a count."""
    if not isinstance(book, list) or len(book) != 2 or type(book[1]) is not int or book[1] < 0:
        return False
    return type(book[0]) in (int, float) and math.isfinite(book[0]) and book[0] >= 0
