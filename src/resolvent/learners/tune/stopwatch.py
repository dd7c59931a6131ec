"""What a learner costs in seconds: a learner that times another one and otherwise leaves it alone."""

import time
from typing import Any

from ...core import Advice, Learner

__all__ = ["Stopwatch"]


class Stopwatch(Learner):
    """Passes everything on to ``learner`` and adds up the time that it takes.

    Parameters
    ----------
    learner : Learner

    Attributes
    ----------
    rounds : list of float
        Seconds of each round: one ``propose`` and the ``observe`` calls after it.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.learners.tune.stopwatch import Stopwatch
    >>> watch = Stopwatch(rv.Bandit("omega", 1.0, 1.9))
    >>> _ = rv.Session(rv.SOR(), learners=[watch])(np.diag([1.0, 2.0]), np.ones(2))
    >>> len(watch.rounds), watch.rounds[0] > 0.0
    (1, True)
    """

    def __init__(self, learner: Any) -> None:
        self.learner = learner
        self.owns = learner.owns
        self.rounds: list[float] = []

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """As the learner does, timed; begins a round."""
        begin = time.perf_counter()
        advice = self.learner.propose(problem, advice)
        self.rounds.append(time.perf_counter() - begin)
        return advice

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """As the learner does, timed."""
        begin = time.perf_counter()
        again: Advice | None = self.learner.recover(problem, advice, result)
        self._add(begin)
        return again

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """As the learner does, timed."""
        begin = time.perf_counter()
        self.learner.observe(problem, advice, result)
        self._add(begin)

    def _add(self, begin: float) -> None:
        if self.rounds:
            self.rounds[-1] += time.perf_counter() - begin
