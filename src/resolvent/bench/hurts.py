"""Never hurts, as checked: auto over random sequences against cold, by cost.

Cold is the pair that auto takes with empty slots, from zero, run afterwards: a new Session for every system says
which pair ends up solving it, and that pair, with its default parameters, solves it again alone. So where a new
Session first tries in vain, cold has the cost of the pair that succeeded only. Symbolic work counts once a pattern on
both sides.

    clause 1, a sequence:          sum of cost  <=  1.05 x sum of cold + 6 a system
    clause 2, single systems:      at most 5 % above 1.05 x cold + 6
    clause 3, single systems:      none above 2 x cold + 6

Trials are left out of the clauses on single systems, not of the sum.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from .sequences import KINDS, random_sequence

__all__ = ["Verdict", "check", "judge"]


@dataclass
class Verdict:
    """What was found on one sequence."""

    label: str
    cost: list[float]
    cold: list[float]
    trials: list[bool]
    failed: int
    details: list[dict[str, Any]]

    @property
    def sum_excess(self) -> float:
        """Products above what clause 1 allows, negative where it is kept."""
        return sum(self.cost) - 1.05 * sum(self.cold) - 6 * len(self.cold)

    def over(self, factor: float) -> list[int]:
        """Systems, trials apart, above ``factor x cold + 6``."""
        rows = enumerate(zip(self.cost, self.cold, self.trials, strict=True))
        return [i for i, (cost, cold, trial) in rows if not trial and cost > factor * cold + 6]

    @property
    def broken(self) -> tuple[bool, bool, bool]:
        """Which of the three clauses are violated."""
        return self.sum_excess > 0, len(self.over(1.05)) > 0.05 * len(self.cold), bool(self.over(2.0))

    def story(self) -> str:
        """One line for a person who wants to mend it."""
        total, cold = sum(self.cost), sum(self.cold)
        worst = max(range(len(self.cost)), key=lambda i: (not self.trials[i], self.cost[i] / self.cold[i]))
        d = self.details[worst]
        more = sum(c - k for c, k, t in zip(self.cost, self.cold, self.trials, strict=True) if t)
        work = ", ".join(f"{k} {v:g}" for k, v in d["work"].items())
        return (
            f"{self.label}: cost {total:.0f} of cold {cold:.0f} ({total / max(cold, 1e-9):.3f}), "
            f"{sum(self.trials)} trials cost {more:.0f} more, {len(self.over(1.05))} above 1.05, "
            f"{len(self.over(2.0))} above 2; worst is {worst}: {self.cost[worst]:.0f} of {self.cold[worst]:.0f}, "
            f"{d['method']}, guess {d['guess']}, kept {d['kept']}, retried {d['retried']}, {work}"
        )


def judge(label: str, systems: Iterable[Any], rtol: float = 1e-8) -> Verdict:
    """Solve a sequence with auto, then cold."""
    from ..core import Session

    systems = list(systems)
    session = Session(rtol=rtol, on_fail="ignore")
    cost, trials, details, failed = [], [], [], 0
    for problem in systems:
        result = session.solve(replace(problem))
        record = session.records[-1]
        cost.append(result.cost.total)
        trials.append(bool(record["trial"]))
        details.append(record)
        failed += not result.ok
    seen: list[Any] = []
    return Verdict(label, cost, [_cold(problem, seen, rtol) for problem in systems], trials, failed, details)


def _cold(problem: Any, seen: list[Any], rtol: float) -> float:
    """The cost of one system with empty slots; symbolic work only where `seen` has not the pattern."""
    from ..core import Session

    method = Session(rtol=rtol, on_fail="ignore").solve(replace(problem)).method
    alone = Session(method, rtol=rtol, on_fail="ignore").solve(replace(problem))
    pattern = (problem.A.indptr.tobytes(), problem.A.indices.tobytes(), type(method).__name__)
    known = hash(pattern) in seen
    if not known:
        seen.append(hash(pattern))
    return alone.cost.setup + alone.cost.running + (0.0 if known else alone.cost.once)


def check(
    count: int = 200,
    systems: int = 50,
    largest: int = 3000,
    progress: Callable[[Verdict], Any] | None = None,
    rtol: float = 1e-8,
    kinds: tuple[str, ...] = KINDS,
) -> list[Verdict]:
    """Judge `count` random sequences of these kinds.

    Examples
    --------
    >>> from resolvent.bench.hurts import check
    >>> [v.failed for v in check(2, systems=4, largest=80)]
    [0, 0]
    """
    found = []
    for k in range(count):
        verdict = judge(*random_sequence(k, systems, largest=largest, kinds=kinds), rtol=rtol)
        found.append(verdict)
        if progress is not None:
            progress(verdict)
    return found
