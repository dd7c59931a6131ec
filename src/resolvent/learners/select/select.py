"""The learner behind ``auto``: which method with which preconditioner, by measured cost.

It holds arms (a method with learners of its own), starts with the one that the cost table prefers, tries the others when
a trial may pay and the purse allows it, settles, and looks again when the sequence changes. A failed solve falls back to
the incumbent, then to the next arm.

    a trial begins only when its set-up is estimated below 8 x the best running cost and 0.4 x the purse;
    it is capped at 1.5 x that estimate + 1.3 x best, and ends when a kept solve costs 0.9 x best or more.

It estimates through ``problem.estimate(method)`` and imports no method.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ...core import Advice, Learner, Status

__all__ = ["Arm", "Select"]

_WINDOW = 4
_RETRY_AFTER = 24


@dataclass(eq=False)
class Arm:
    """A method with learners of its own, and what is known of it.

    ``carries`` says that its set-up may serve later matrices, so that it is judged over several systems.
    """

    name: str
    method: Any
    learners: Sequence[Any] = ()
    carries: bool = False
    guessing: bool = True
    least_steps: float = 3.0
    solves: int = 0
    cost: float = 0.0
    cold: float = 0.0
    failures: int = 0
    tried_at: int = -1
    wait: int = _RETRY_AFTER
    spent: list[float] = field(default_factory=list)

    def learn(self, cost: float) -> None:
        """Running mean of the cost of a system, set-up included."""
        self.solves += 1
        self.cost += max(1.0 / self.solves, 0.25) * (cost - self.cost)


class Select(Learner):
    """Chooses among arms.

    Parameters
    ----------
    build : callable
        ``build(problem) -> list of Arm``, the most promising first; asked anew when the kind of problem changes.
    guess : Learner, optional
        Shared by the arms that can use a first guess; it proposes last.
    """

    def __init__(self, build: Callable[[Any], list[Arm]], guess: Any = None) -> None:
        self.owns = frozenset({"method"})
        self.build = build
        self.guess = guess
        self.purse: Any = None
        self.arms: list[Arm] = []
        self.kind: str = ""
        self.best = 0
        self.trial: int | None = None
        self.now = 0
        self.count = 0
        self.recent: list[float] = []
        self.level = 0.0
        self.tried_here: set[int] = set()
        self.switches: list[tuple[int, str]] = []

    # ---- before a solve --------------------------------------------------------------------------------------------

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """The incumbent's method, or a trial's."""
        self._ready(problem)
        self.count += 1
        self.tried_here = set()
        if self.trial is None:
            self._consider(problem)
        self.now = self.best if self.trial is None else self.trial
        advice.trial = self.trial is not None
        return self._armed(problem, advice)

    def _ready(self, problem: Any) -> None:
        kind = problem.kind_of_arms()
        if kind != self.kind:
            self.kind, self.arms = kind, self.build(problem)
            self.best, self.trial, self.recent, self.level = 0, None, [], 0.0
            for arm in self.arms:
                for learner in arm.learners:
                    if hasattr(learner, "purse"):
                        learner.purse = self.purse
            self.switches.append((self.count, self.arms[0].name))

    def _armed(self, problem: Any, advice: Advice) -> Advice:
        arm = self.arms[self.now]
        self.tried_here.add(self.now)
        advice.params["method"] = arm.method
        for learner in arm.learners:
            advice = learner.propose(problem, advice)
        if self.guess is not None and arm.guessing:
            advice = self.guess.propose(problem, advice)
        if self.trial is not None or not arm.solves:
            limit = self._limit(problem, arm)
            if limit is not None:
                advice.cap = limit if advice.cap is None else min(advice.cap, limit)
        return advice

    def _limit(self, problem: Any, arm: Arm) -> float | None:
        """The cap of an attempt that nothing is known of yet."""
        known = self.arms[self.best].cost
        estimate = problem.estimate(arm.method)
        if self.trial is not None and known > 0:
            return 1.5 * (estimate.setup if estimate is not None else 0.0) + 1.3 * known
        others = [problem.estimate(a.method) for i, a in enumerate(self.arms) if i != self.now and a.least_steps <= 1]
        sure = [e.setup + e.running for e in others if e is not None]
        return 2.0 * min(sure) if sure and self.trial is None and arm.least_steps > 1 else None

    def _consider(self, problem: Any) -> None:
        """Begin a trial when one may pay."""
        incumbent = self.arms[self.best]
        if incumbent.solves < 2 or self._tuning(incumbent):
            return
        best = incumbent.cost
        options = []
        for i, arm in enumerate(self.arms):
            if i == self.best or arm.failures >= 2 or (arm.tried_at >= 0 and self.count - arm.tried_at < arm.wait):
                continue
            estimate = problem.estimate(arm.method)
            if estimate is None:
                continue
            floor = arm.least_steps * estimate.running + (0.0 if arm.carries else estimate.setup)
            allowed = estimate.setup < 8 * best and estimate.setup + 0.3 * best < 0.4 * self.purse.left
            if floor < 0.85 * best and allowed:
                options.append((floor, i))
        if options:
            self.trial = min(options)[1]
            arm = self.arms[self.trial]
            if arm.tried_at >= 0:
                arm.wait *= 2
            arm.tried_at, arm.spent = self.count, []

    def _tuning(self, arm: Arm) -> bool:
        """An arm that still climbs is not compared yet."""
        return any(getattr(learner, "climbing", False) for learner in arm.learners) and arm.solves < 14

    # ---- after an attempt ------------------------------------------------------------------------------------------

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """What the arm's own learners say, else the incumbent, else the next arm that was not tried on this system."""
        arm = self.arms[self.now]
        if self.trial is None:
            for learner in reversed(arm.learners):
                again: Advice | None = learner.recover(problem, advice, result)
                if again is not None:
                    return again
        self.trial = None
        if result.capped and self.now == self.best and arm.solves == 0 and result.status == Status.BUDGET:
            return self._fall_back(problem, advice, sure=True)
        if result.capped and self.now == self.best:
            return replace(advice, cap=None)
        return self._fall_back(problem, advice, sure=False)

    def _fall_back(self, problem: Any, advice: Advice, sure: bool) -> Advice | None:
        order = [self.best, *range(len(self.arms))]
        if sure:
            order.sort(key=lambda i: self.arms[i].least_steps > 1)
        for i in order:
            if i in self.tried_here:
                continue
            self.now = i
            fresh = Advice(x0=None, carry={k: v for k, v in advice.carry.items() if k == "symbolic"})
            armed = self._armed(problem, fresh)
            return replace(armed, cap=None)
        return None

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Hand on to the arm in force, and judge it."""
        arm = self.arms[self.now]
        own = advice.trial and self.trial is None
        for learner in arm.learners:
            learner.observe(problem, advice, result)
        if self.guess is not None:
            self.guess.observe(problem, advice, result)
        cost = result.cost.setup + result.cost.running
        if self.trial is not None:
            self._judge(arm, cost, result)
            return
        if not result.ok:
            arm.failures += not result.capped
            if result.capped and arm.solves == 0:
                arm.cost = max(arm.cost, cost)
            return
        if not own:
            arm.learn(cost)
            self._watch(cost)
            self._promote()
        if self.purse is not None and not advice.carry.get("preconditioner") and not own:
            self.purse.cold = arm.cost
        if self.purse is not None:
            self.purse.earn()

    def _judge(self, arm: Arm, cost: float, result: Any) -> None:
        """A trial's cost: it ends by failing, by costing too much, or by having paid."""
        best = self.arms[self.best].cost
        self.purse.charge(cost - best)
        if not result.ok:
            arm.failures += not result.capped
            self.trial = None
            return
        arm.spent.append(cost)
        mean = sum(arm.spent) / len(arm.spent)
        kept = cost - result.cost.setup
        if not arm.carries:
            arm.learn(cost)
            if len(arm.spent) >= 2 or cost >= 0.95 * best:
                self._settle(arm, mean, best)
        elif mean < 0.95 * best and len(arm.spent) >= 2:
            arm.solves, arm.cost = len(arm.spent), mean
            self._settle(arm, mean, best)
        elif len(arm.spent) >= 2 and (cost >= 0.9 * best or self._hopeless(arm, kept, best)):
            self.trial = None
        elif self.purse.left <= 0:
            self.trial = None

    def _hopeless(self, arm: Arm, kept: float, best: float) -> bool:
        """No number of further solves at this cost would pay within a purse."""
        excess = sum(arm.spent) - best * len(arm.spent)
        return kept >= 0.9 * best or excess / max(best - kept, 1e-12) > 60

    def _settle(self, arm: Arm, mean: float, best: float) -> None:
        self.trial = None
        if mean < 0.95 * best:
            arm.cost, arm.solves = mean, max(arm.solves, 2)
            self._install(self.arms.index(arm))

    def _install(self, index: int) -> None:
        if index != self.best:
            self.switches.append((self.count, self.arms[index].name))
        self.best, self.recent = index, []
        self.level = self.arms[index].cost

    def _promote(self) -> None:
        """The arm that solved what the incumbent could not takes its place; so does one that is known to cost less."""
        incumbent, now = self.arms[self.best], self.arms[self.now]
        if self.now != self.best and (incumbent.failures > 0 or incumbent.solves == 0 or now.cost < 0.9 * incumbent.cost):
            self._install(self.now)

    def _watch(self, cost: float) -> None:
        """When the incumbent's cost leaves its level, others may be tried again."""
        self.recent = [*self.recent[-(_WINDOW - 1) :], cost]
        if not self.level:
            self.level = cost
        typical = sorted(self.recent)[len(self.recent) // 2]
        if len(self.recent) == _WINDOW and not 0.6 * self.level < typical < 1.7 * self.level:
            self.level = typical
            for arm in self.arms:
                if arm.tried_at >= 0:
                    arm.tried_at = min(arm.tried_at, self.count - arm.wait)

    # ---- books -----------------------------------------------------------------------------------------------------

    def digest(self) -> list[str]:
        """Lines for the summary: what is in use, what the others cost."""
        if not self.arms:
            return []
        lines = [f"auto: {self.arms[self.best].name} in use"]
        known = [f"{a.name} {a.cost:.0f}" for a in self.arms if a.solves]
        lines.append(f"cost of a system in products: {', '.join(known)}")
        for learner in self.arms[self.best].learners:
            lines += getattr(learner, "digest", list)()
        return lines

    def state_dict(self) -> dict[str, Any]:
        """Arms by name, with their learners' states."""
        numbers = ("solves", "cost", "cold", "failures", "tried_at", "wait", "spent")
        return {
            "kind": self.kind,
            "arms": [
                {
                    "name": a.name,
                    **{n: getattr(a, n) for n in numbers},
                    "learned": [learner.state_dict() for learner in a.learners],
                }
                for a in self.arms
            ],
            "guess": None if self.guess is None else self.guess.state_dict(),
            "best": self.best,
            "trial": self.trial,
            "count": self.count,
            "recent": self.recent,
            "level": self.level,
            "switches": [[n, name] for n, name in self.switches[-64:]],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Build the same arms again and give them what they had learned.

        Raises
        ------
        ValueError
            When the arms of this installation are others than those of the file (an extra is missing or new).
        """
        self.kind = str(state["kind"])
        self.arms = self.build(self.kind) if self.kind else []
        if [a.name for a in self.arms] != [a["name"] for a in state["arms"]]:
            raise ValueError("the file's methods are not those of this installation; install the same extras")
        for arm, saved in zip(self.arms, state["arms"], strict=True):
            for name in ("solves", "cost", "cold", "failures", "tried_at", "wait", "spent"):
                setattr(arm, name, saved[name])
            for learner, learned in zip(arm.learners, saved["learned"], strict=True):
                learner.load_state_dict(learned)
                if hasattr(learner, "purse"):
                    learner.purse = self.purse
        if self.guess is not None and state["guess"] is not None:
            self.guess.load_state_dict(state["guess"])
        self.best, self.count, self.trial = int(state["best"]), int(state["count"]), state["trial"]
        self.recent, self.level = [float(v) for v in state["recent"]], float(state["level"])
        self.switches = [(int(n), str(name)) for n, name in state["switches"]]

