"""One of the pairs that ``auto`` chooses among: a method with learners of its own, and the record of what it costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Arm", "costs"]

_RETRY_AFTER = 24
_MEMORY = 7  # systems that a running mean with a quarter for the last one amounts to
_NUMBERS = {"cost": 0.0, "floor": 0.0, "steps": 0.0, "spread": 0.0, "once": 0.0, "wait": 1, "failures": 0, "solves": 0}
_PLACES = ("tried_at", "seen_at")


@dataclass(eq=False)
class Arm:
    """A method with learners of its own, and what is known of it.

    ``carries`` says that its set-up may serve later matrices, so that it is judged over several systems; ``sure`` that its
    estimate is its cost (a factorization), ``exact`` that a system with a fresh set-up is (a factorization that is kept);
    ``least_steps`` and ``relative`` (to the steps of the first arm, as last seen)
    are the fewest steps that a trial could hope for; ``usual_steps`` is what is expected of it before anything is known,
    0 where nothing is.
    """

    name: str
    method: Any
    learners: Sequence[Any] = ()
    carries: bool = False
    guessing: bool = True
    sure: bool = False
    exact: bool = False
    least_steps: float = 3.0
    relative: float = 0.0
    usual_steps: float = 0.0
    steps: float = 0.0
    solves: int = 0
    cost: float = 0.0
    floor: float = 0.0  # the least that a system was last thought to cost, 0 where nobody asked
    spread: float = 0.0  # mean square of how far a system was from the mean, as a part of it
    once: float = 0.0  # what a pattern cost that was new to it
    failures: int = 0
    tried_at: int = -1
    seen_at: int = -1
    wait: int = _RETRY_AFTER
    spent: list[float] = field(default_factory=list)

    def learn(self, cost: float, at: int) -> None:
        """Running mean of the cost of a system, set-up included, and how far systems are from it."""
        if self.solves and self.cost > 0.0:
            away = min(abs(cost / self.cost - 1.0), 1.0) ** 2
            self.spread += max(1.0 / self.solves, 0.2) * (away - self.spread)
        self.solves += 1
        self.cost += max(1.0 / self.solves, 0.25) * (cost - self.cost)
        self.seen_at = at

    def doubt(self, other: "Arm", count: int) -> float:
        """One standard error of the difference between its mean and that of `count` systems of another arm, in products."""
        theirs = other.spread if count > 2 else max(self.spread, other.spread)
        return self.cost * math.sqrt(self.spread / max(1, min(self.solves, _MEMORY)) + theirs / count)

    @property
    def tuning(self) -> bool:
        """Whether a learner still climbs: then it is not compared yet."""
        return any(getattr(learner, "climbing", False) for learner in self.learners) and self.solves < 14

    def hoped(self, floor: float) -> None:
        """Remember the least that a system could cost, for the summary."""
        self.floor = floor if math.isfinite(floor) else 0.0

    def stake(self, estimate: Any, setup: float, risk: float) -> float:
        """What the first solve of a trial may lose: its set-up, or where that solves the system no more than it costs beyond
        the incumbent's `risk`, symbolic work included.
        """
        if not self.exact or estimate is None:
            return setup
        return min(setup, max(0.0, setup + float(estimate.once) - risk))

    def because(self, other: "Arm") -> str:
        """One sentence on why it takes the place of another."""
        if other.failures and not self.failures:
            return f"{self.name}: it solved what {other.name} could not"
        what = "a factorization is estimated at" if self.sure else "a system took"
        return f"{self.name}: {what} {self.cost:.0f} products, {other.name} took {other.cost:.0f}"

    def state_dict(self) -> dict[str, Any]:
        """The record and the learners' states."""
        record = {name: getattr(self, name) for name in (*_NUMBERS, *_PLACES)}
        return {
            "name": self.name,
            **record,
            "spent": list(self.spent),
            "learned": [learner.state_dict() for learner in self.learners],
        }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Take them over.

        Raises
        ------
        ValueError
            When a figure of the record is not one.
        """
        for name, least in _NUMBERS.items():
            kinds = (int,) if type(least) is int else (int, float)
            if type(saved[name]) not in kinds or not least <= saved[name] < math.inf:
                raise ValueError(f"the record of {self.name} has {name} = {saved[name]!r}")
        if any(type(saved[name]) is not int or saved[name] < -1 for name in _PLACES):
            raise ValueError(f"the record of {self.name} holds a place that is none")
        spent = saved["spent"]
        if not isinstance(spent, list) or any(type(v) not in (int, float) or not 0.0 <= v < math.inf for v in spent):
            raise ValueError(f"the record of {self.name} holds what is no cost")
        for name in (*_NUMBERS, *_PLACES):
            setattr(self, name, saved[name])
        self.spent = list(spent)
        for learner, learned in zip(self.learners, saved["learned"], strict=True):
            learner.load_state_dict(learned)


def costs(arms: Sequence[Arm]) -> str:
    """What a system costs with the arms that were tried, and what it would cost at least with the others, in words.

    Examples
    --------
    >>> costs([Arm("cg", None, solves=3, cost=40.0), Arm("direct", None, floor=700.0), Arm("minres", None)])
    'cost of a system in products: cg 40; not tried, at least: direct 700'
    """
    known = ", ".join(f"{arm.name} {arm.cost:.0f}" for arm in arms if arm.solves) or "none is solved yet"
    others = ", ".join(f"{arm.name} {arm.floor:.0f}" for arm in arms if not arm.solves and arm.floor)
    return f"cost of a system in products: {known}{'; not tried, at least: ' if others else ''}{others}"
