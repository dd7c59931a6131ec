"""A first guess for fixed points: the last solution, or the line through the last two where that foretold better.

    x0 = x_{t-1}     or     x0 = 2 x_{t-1} - x_{t-2}

Which one is decided without an evaluation: by which of the two would have been nearer to x_{t-1} one problem earlier. On
probation: solves from the reference are made again now and then, and their costs compared; a guess whose residual is
above ten times that at the reference counts against it, and an attempt that costs 1.5 times a solve without ends there and
begins again without the guess. Not for unrelated problems: it leaves the field there.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Advice, Learner
from ..probation import Probation, reopened

__all__ = ["Warm"]

_NEARER = 0.5
_FAR = 10.0
_CAP, _LEAST = 1.5, 8.0


@dataclass(eq=False)
class Warm(Learner):
    """Proposes x0 from the last solutions, while that pays.

    Parameters
    ----------
    always : bool, default False
        Without probation (for experiments).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rates = np.linspace(0.5, 0.99, 30)
    >>> problems = [rv.FixedPoint(lambda x, t=t: rates * x + 1 + 0.001 * t, np.zeros(30)) for t in range(4)]
    >>> steps = [r.steps for r in rv.Session("picard", [rv.Warm()], rtol=1e-6).solve_all(problems)]
    >>> max(steps[1:]) < steps[0]
    True
    """

    always: bool = False

    owns = frozenset({"x0"})

    def __post_init__(self) -> None:
        self.x: list[Any] = []
        self.books: dict[str, Probation] = {}
        self.epoch = -1
        self.used = 0
        self._mine = False

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Set x0, unless the user gave one or the record speaks against it."""
        self._mine = False
        if problem.epoch != self.epoch:
            self.x, self.epoch = [], problem.epoch
        if advice.x0 is not None or not self.x:
            return advice
        if not (self.always or self._wanted(advice)):
            return advice
        advice.x0 = self._guess()
        book = self._book(advice)
        if book.colds and not self.always:  # a guess may lead astray: then the solve begins again without it
            limit = _CAP * book.without + _LEAST
            advice.cap = limit if advice.cap is None else min(limit, advice.cap)
        problem.work.add("passes", 8)
        self._mine = True
        self.used += 1
        return advice

    def _book(self, advice: Advice) -> Probation:
        return self.books.setdefault(type(advice.params.get("method")).__name__, Probation())

    def _wanted(self, advice: Advice) -> bool:
        """What the record says; a trial of a method does not count as time that has passed."""
        book = self._book(advice)
        if advice.trial:
            return book.warms > 0 and book.carried <= book.margin * book.without
        return book.wanted()

    def _guess(self) -> Any:
        last = self.x[-1]
        if len(self.x) == 3:
            line = 2 * self.x[1] - self.x[0]
            if _distance(last, line) < _NEARER * _distance(last, self.x[1]):
                return 2 * last - self.x[1]
        return last + 0.0

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a failure from the guess: the same solve without."""
        if not self._mine:
            return None
        self._mine = False
        carry = {k: v for k, v in advice.carry.items() if k != "residual"}
        return Advice(None, dict(advice.params), carry, None, advice.trial)

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Keep the solution; learn what it cost."""
        book, cost = self._book(advice), result.cost.setup + result.cost.running
        if not result.ok:
            if self._mine:
                book.enter(cost if result.capped else 2.0 * cost, carried=True)
            return
        self.x = [*self.x[-2:], result.x + 0.0]
        if self._mine and result.start > _FAR * problem.scale:
            cost = max(cost, 2.0 * book.without)
        taken_up = "residual" in advice.carry  # where another attempt ended: its cost teaches nothing
        if not advice.trial and not taken_up and (self._mine or advice.x0 is None):
            book.enter(cost, carried=self._mine)

    def digest(self) -> list[str]:
        """A line for the summary."""
        return [f"Warm: proposed {self.used} times"]

    def state_dict(self) -> dict[str, Any]:
        """The solutions, where they are NumPy arrays, and the record."""
        kept = self.x if all(type(x) is np.ndarray for x in self.x) else []
        return {
            "x": list(kept),
            "epoch": self.epoch,
            "used": self.used,
            "books": {k: b.state_dict() for k, b in self.books.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over.

        Raises
        ------
        ValueError
            When they are not what ``state_dict`` gives.
        """
        x = list(state["x"])
        if len(x) > 3 or any(type(v) is not np.ndarray or v.dtype.kind not in "fc" for v in x):
            raise ValueError("the solutions that a guess is made of are not arrays")
        if len({(v.shape, v.dtype) for v in x}) > 1 or not all(np.all(np.isfinite(v)) for v in x):
            raise ValueError("the solutions that a guess is made of differ in shape, or are not finite")
        self.x, self.epoch, self.used = x, int(state["epoch"]), int(state["used"])
        self.books = reopened(state["books"], Probation)


def _distance(x: Any, y: Any) -> float:
    d = x - y
    return float(abs((d * (d.conj() if hasattr(d, "conj") else d)).sum()) ** 0.5) if hasattr(d, "sum") else _plain(d)


def _plain(d: Any) -> float:
    """The 2-norm of an array without methods."""
    xp = d.__array_namespace__()
    return float(xp.linalg.vector_norm(xp.reshape(d, (-1,))))
