"""When to rebuild: Lifetime against every fixed period in hindsight.

All run inside the package, so that only the policy differs.
"""

import statistics
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ..core import Advice, Learner
from .compare import Entrant, race, warm_up
from .threads import one_thread

__all__ = ["PERIODS", "Period", "against_periods", "on_unrelated"]

ALWAYS, NEVER = 1, 10**9
PERIODS = (2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 25, 32, 40, 50)  # none a multiple of 7 or 13, the periods of the jumps


class Period(Learner):
    """Sets up anew every `period` systems, and after a failure.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.bench.lifetime import Period
    >>> session = rv.Session(rv.CG(preconditioner=rv.Direct()), learners=[Period("preconditioner", 2)])
    >>> for t in range(4):
    ...     _ = session.solve(rv.LinearSystem(np.diag([1.0, 2.0 + t]), np.ones(2)))
    >>> session.totals["kept"]
    2
    """

    def __init__(self, slot: str, period: int) -> None:
        self.slot, self.period = slot, period
        self.owns = frozenset({slot})
        self.bound: Any = None
        self.epoch = -1
        self.age = 0

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """What is kept, while it is young enough and the pattern is the same."""
        if self.bound is not None and self.age < self.period and self.epoch == problem.epoch:
            advice.carry[self.slot] = self.bound
        return advice

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a failure with what was kept: without it."""
        if self.slot not in advice.carry:
            return None
        return replace(advice, carry={k: v for k, v in advice.carry.items() if k != self.slot})

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Count, or take the new one."""
        if advice.carry.get(self.slot) is not None:
            self.age += 1
        elif result.carry.get(self.slot) is not None:
            self.bound, self.epoch, self.age = result.carry[self.slot], problem.epoch, 1


def _session(learner: Any, rtol: float) -> Any:
    from ..core import Session
    from ..methods import CG, Direct

    return Session(CG(preconditioner=Direct()), learners=[learner], rtol=rtol, on_fail="ignore")


def _entrant(name: str, learner: Any, rtol: float) -> Entrant:
    session = _session(learner, rtol)

    def call(problem: Any, until: float) -> tuple[Any, int]:
        result = session.solve(replace(problem))
        entrant.cost += result.cost.total
        return result.x, result.steps

    entrant = Entrant(name, call)
    return entrant


def collect(name: str, count: int, size: int | None, rtol: float = 1e-10) -> list[Any]:
    """All problems of a sequence at once, coupled ones through a direct solver outside every clock."""
    from ..core import Session
    from ..gallery import sequence
    from ..methods import Direct

    given = sequence(name, count, size)
    session = Session(Direct(), rtol=rtol, on_fail="ignore")
    out = []
    for i, problem in enumerate(given):
        out.append(replace(problem))
        if given.coupled:
            given.feed(i, session.solve(problem).x)
    return out


def against_periods(
    name: str, count: int = 150, size: int = 100, rtol: float = 1e-8, rounds: int = 2
) -> dict[str, Any]:
    """Total seconds of Lifetime over those of the best of always, for ever and the fixed periods.

    Policies are deterministic, so each may race `rounds` times and the faster time of each system stands. One that
    has lost already (see `compare.race`) is left behind, above all one that explodes: its total is a lower bound.

    Returns
    -------
    dict
        ``ratio``, ``seconds``, ``best`` (name), ``best_seconds``, ``table`` (name to seconds, systems, modelled cost, note).
    """
    from ..learners import Lifetime

    problems = collect(name, count, size)
    best_of: dict[str, Entrant] = {}
    with one_thread():
        warm_up(rtol)
        for _ in range(rounds):
            entrants = [_entrant("Lifetime", Lifetime("preconditioner"), rtol)]
            for period in (ALWAYS, *(k for k in PERIODS if k < count), NEVER):
                title = {ALWAYS: "always", NEVER: "for ever"}.get(period, f"every {period}")
                if title not in best_of or not best_of[title].out:
                    entrants.append(_entrant(title, Period("preconditioner", period), rtol))
            race(problems, entrants, rtol=rtol, leave=True)
            for entrant in entrants:
                old = best_of.setdefault(entrant.name, entrant)
                if old is not entrant and not (old.out or entrant.out):
                    old.seconds = [min(a, b) for a, b in zip(old.seconds, entrant.seconds, strict=True)]
    ours = best_of.pop("Lifetime")
    whole = [e for e in best_of.values() if not e.out and not e.failed]
    best = min(whole, key=lambda e: e.total)
    return {
        "ratio": ours.total / best.total,
        "seconds": ours.total,
        "best": best.name,
        "best_seconds": best.total,
        "table": {e.name: (e.total, len(e.seconds), e.cost, e.note) for e in [ours, *best_of.values()]},
    }


def on_unrelated(count: int = 50, size: int = 100, rtol: float = 1e-8) -> dict[str, float]:
    """Unrelated darcy-log fields, begun with a factor in use, by cost against rebuilding always.

    The sessions solve four slowly drifting systems first, so that a factor is being kept when the first unrelated one
    comes; only the unrelated ones are counted. Symbolic work is done by then.

    Returns
    -------
    dict
        ``worst`` (largest cost of a system over what rebuilding cost there), ``sum`` (of the totals), ``median``.
    """
    from ..gallery import sequence
    from ..learners import Lifetime

    ours, always = _session(Lifetime("preconditioner"), rtol), _session(Period("preconditioner", ALWAYS), rtol)
    for problem in _drift(size):
        ours.solve(replace(problem))
        always.solve(replace(problem))
    pairs = []
    for problem in sequence("unrelated", count, size):
        pairs.append((ours.solve(replace(problem)).cost.total, always.solve(replace(problem)).cost.total))
    ratios = [a / b for a, b in pairs]
    total = sum(a for a, _ in pairs) / sum(b for _, b in pairs)
    return {"worst": max(ratios), "sum": total, "median": statistics.median(ratios)}


def _drift(size: int) -> Iterator[Any]:
    from ..gallery import sequence

    yield from sequence("darcy-path", 4, size, rho=0.99999, seed=7)
