"""The learner behind ``auto``: which method with which preconditioner, by measured cost.

It holds arms (a method with learners of its own), starts with the one that the cost table prefers, tries the others when
a trial may pay and the purse allows it, settles, and looks again when the sequence changes. A failed solve falls back to
the incumbent, then to the next arm.

    a trial begins only when its set-up is estimated below 8 x the best running cost and 0.4 x the purse;
    it is capped at 1.5 x that estimate + 1.3 x best, and ends when a kept solve costs 0.9 x best or more.

It estimates through ``problem.estimate(method)`` and imports no method.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ...core import Advice, Learner
from .arm import Arm, costs

__all__ = ["Select"]

_WINDOW = 4
_LONGEST_TRIAL = 6
_NOISE = 0.08  # of the incumbent's cost: more doubt than this at the end of a trial speaks against neither


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
        self.since = 0
        self.turnover = 0.0
        self._epoch = -1
        self.tried_here: set[int] = set()
        self.switches: list[tuple[int, str]] = []
        self._estimates: dict[str, Any] = {}
        self.reason = ""

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
            self.kind, self.arms, self._estimates = kind, self.build(problem), {}
            self.best, self.trial, self.recent, self.level = self._first(problem), None, [], 0.0
            self.since, self.turnover, self._epoch = self.count, 0.0, -1
            for arm in self.arms:
                for learner in arm.learners:
                    if hasattr(learner, "purse"):
                        learner.purse = self.purse
            self.switches.append((self.count, self.arms[self.best].name))
            del self.switches[:-64]
        epoch = getattr(problem, "epoch", 0)
        if self._epoch >= 0:  # the part of the systems that bring a new pattern, which symbolic work is charged with
            self.turnover += 0.25 * (float(epoch != self._epoch) - self.turnover)
        self._epoch = epoch

    def _first(self, problem: Any) -> int:
        """The arm to begin with: the first, or where something is expected of it and of others, the one expected cheapest."""
        expected = [self._expected(problem, arm) for arm in self.arms]
        name = self.arms[0].name
        if expected[0] is None:
            self.reason = f"{name}: what suits this kind of system best as a rule"
            return 0
        known = [(cost, i) for i, cost in enumerate(expected) if cost is not None]
        cost, best = min(known)
        others = [f", {self.arms[i].name} at {c:.0f}" for c, i in sorted(known) if i != best]
        self.reason = f"{self.arms[best].name}: expected to cost {cost:.0f} products a system{''.join(others[:1])}"
        return best

    def _expected(self, problem: Any, arm: Arm) -> float | None:
        """The cost of a system before anything is known of the arm."""
        steps = 1.0 if arm.sure else arm.usual_steps
        estimate = problem.estimate(arm.method) if steps else None
        return None if estimate is None else float(estimate.setup + steps * estimate.running)

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
        if self.trial is not None and known > 0:
            estimate = self._estimate(problem, arm)
            reach = 1.3 if arm.carries else 1.0 + min(0.3, self.arms[self.best].spread ** 0.5)
            most = max(known - self.turnover * self.arms[self.best].once, min(known, self.purse.left))
            return 1.5 * (estimate.setup if estimate is not None else 0.0) + reach * most
        sure = [self._sure_cost(problem, a, 1.0) for a in self.arms if a.sure and a is not arm and not a.failures]
        return 0.9 * min(sure) if sure and not arm.sure else None

    def _estimate(self, problem: Any, arm: Arm) -> Any:
        """What the cost table says of an arm; asked once for as long as the problem says that the answer is the same."""
        key = getattr(problem, "estimate_key", None)
        if key is None:
            return problem.estimate(arm.method)
        if arm.name not in self._estimates or self._estimates[arm.name][0] != key:
            found = problem.estimate(arm.method)
            self._estimates[arm.name] = (problem.estimate_key, found)  # the first question may leave facts behind
        return self._estimates[arm.name][1]

    def _sure_cost(self, problem: Any, arm: Arm, new: float) -> float:
        """What a system is estimated to cost, ``new`` being the part of the systems that bring a new pattern."""
        estimate = self._estimate(problem, arm)
        if estimate is None:
            return float("inf")
        return float(estimate.setup + estimate.running + new * max(estimate.once, arm.once))

    def _consider(self, problem: Any) -> None:
        """Change over to what is known to cost less; begin a trial where one may pay."""
        incumbent = self.arms[self.best]
        best = incumbent.cost
        if not incumbent.solves:
            return
        for i, arm in enumerate(self.arms):
            if arm.sure and arm.solves and not arm.failures and i != self.best:
                arm.cost = self._sure_cost(problem, arm, self.turnover)
                if arm.cost < 0.9 * self._lately(incumbent):
                    self._install(i)
                    return
        if incumbent.solves < 2 or incumbent.tuning or self._return(incumbent):
            return
        options = []
        for i, arm in enumerate(self.arms):
            if i == self.best or arm.failures >= 2 or (arm.tried_at >= 0 and self.count - arm.tried_at < arm.wait):
                continue
            floor, setup = self._floor(problem, arm)
            arm.hoped(floor)
            left = self.purse.left
            risk = best - self.turnover * incumbent.once  # as the purse counts: without symbolic work
            stake = arm.stake(self._estimate(problem, arm), setup, risk)
            if floor < 0.85 * best and setup < 8 * best and stake + 0.3 * risk < 0.4 * left and 1.3 * risk < left:
                expected = self._expected(problem, arm)
                options.append((not arm.sure, expected is None or expected > 0.85 * best, floor, i))
        if options:
            self.trial = min(options)[3]
            arm = self.arms[self.trial]
            if arm.tried_at >= 0:
                arm.wait *= 2
            arm.tried_at, arm.spent = self.count, []

    def _lately(self, incumbent: Arm) -> float:
        """What it costs: its mean or the last system, the lesser; both of the last two, unless it keeps set-ups."""
        last = self.recent[-2:]
        two = min(last) if len(last) > 1 and not incumbent.carries else 0.0
        return max(min([incumbent.cost, *last[-1:]]), two)

    def _return(self, incumbent: Arm) -> bool:
        """Back to an arm whose record of the same times is better, by more than systems differ."""
        for i, arm in enumerate(self.arms):
            fit = i != self.best and arm.solves >= 2 and not arm.failures and arm.seen_at >= self.since
            if fit and arm.cost < self._bar(arm, arm.solves) - incumbent.doubt(arm, min(arm.solves, 7)):
                self._install(i)
                return True
        return False

    def _floor(self, problem: Any, arm: Arm) -> tuple[float, float]:
        """The least that a system could cost with this arm, and its set-up; a flop count unseen may be thrice too high."""
        estimate = self._estimate(problem, arm)
        if estimate is None:
            return float("inf"), float("inf")
        once = self.turnover * max(estimate.once, arm.once)
        if arm.sure:
            return (estimate.setup / (1.0 if arm.solves else 2.0) + estimate.running + once), estimate.setup
        steps = max(arm.least_steps, arm.relative * self.arms[0].steps)
        each = self.turnover if arm.carries else 1.0  # a set-up serves one pattern
        return steps * estimate.running + each * estimate.setup + once, estimate.setup

    # ---- after an attempt ------------------------------------------------------------------------------------------

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """What the arm's own learners say, else the incumbent, else another arm that was not tried on this system."""
        arm = self.arms[self.now]
        if self.now == self.best:
            for learner in reversed(arm.learners):
                again: Advice | None = learner.recover(problem, advice, result)
                if again is not None:
                    return again
        return self._fall_back(problem, advice, sure=self.now == self.best)

    def _fall_back(self, problem: Any, advice: Advice, sure: bool) -> Advice | None:
        order = [self.best, *range(len(self.arms))]
        if sure:
            order.sort(key=lambda i: not self.arms[i].sure)
        for i in order:
            if i in self.tried_here:
                continue
            self.now = i
            fresh = Advice(x0=None, carry={k: v for k, v in advice.carry.items() if k == "symbolic"})
            return replace(self._armed(problem, fresh), cap=None, trial=False)
        return None

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Hand on to the arm in force, and judge it."""
        arm = self.arms[self.now]
        for learner in arm.learners:
            learner.observe(problem, advice, result)
        if self.guess is not None:
            self.guess.observe(problem, advice, result)
        arm.once = max(arm.once, result.cost.once)
        cost = result.cost.setup + result.cost.running + self.turnover * arm.once
        if self.trial is not None and self.now == self.trial:
            self._judge(arm, cost, result)
        elif not result.ok:
            arm.failures += not result.capped
            arm.cost = max(arm.cost, cost)
        elif not advice.trial:
            if len(self.tried_here) == 1 or not arm.solves:  # what goes on where another arm stopped is no whole solve
                arm.learn(cost, self.count)
                arm.steps += 0.3 * (result.steps - arm.steps) if arm.steps else result.steps
                self._watch(cost)
            self._promote()
            if not advice.carry.get("preconditioner"):
                self.purse.cold = arm.cost - self.turnover * arm.once  # symbolic work is no part of a trial's risk
        self.purse.earn()

    def _judge(self, arm: Arm, cost: float, result: Any) -> None:
        """A trial's cost: it ends by failing, by costing too much, or by having paid."""
        best = self.arms[self.best].cost
        self.purse.charge(cost - best if result.ok else cost)  # after a failure the incumbent solves it, too
        if not result.ok:
            arm.failures += not result.capped
            arm.wait *= 2
            self.trial = None
            return
        arm.spent.append(cost)
        mean = sum(arm.spent) / len(arm.spent)
        kept = cost - result.cost.setup
        if not arm.carries:
            arm.learn(cost, self.count)
            if arm.sure or self._decided(arm, mean):
                self._settle(arm, mean)
        elif mean < self._bar(arm, len(arm.spent)) and len(arm.spent) >= 2 and self._decided(arm, mean):
            self._settle(arm, mean)
        elif (len(arm.spent) >= 2 and (cost >= 0.9 * best or self._hopeless(arm, kept, best))) or self.purse.left <= 0:
            self.trial = None

    def _decided(self, arm: Arm, mean: float) -> bool:
        """Whether so many systems tell the two apart: where costs vary from one to the next, a few cheap ones do not."""
        count = len(arm.spent)
        if mean >= self._bar(arm, _LONGEST_TRIAL) or count >= _LONGEST_TRIAL or self.purse.left <= 0:
            return True
        return count >= 2 and mean < self._bar(arm, count) - 2.0 * self.arms[self.best].doubt(arm, count)

    def _bar(self, arm: Arm, count: int) -> float:
        """What an arm must cost in `count` systems to take the incumbent's place. Less than one that is sure by more, unless
        a long trial says so.
        """
        incumbent = self.arms[self.best]
        sure = incumbent.sure and not arm.sure and (arm.carries or count < _LONGEST_TRIAL)
        return (0.9 if sure else 0.95) * incumbent.cost

    def _hopeless(self, arm: Arm, kept: float, best: float) -> bool:
        """No number of further solves at this cost would pay within a purse."""
        excess = sum(arm.spent) - best * len(arm.spent)
        return kept >= 0.9 * best or excess / max(best - kept, 1e-12) > 60

    def _settle(self, arm: Arm, mean: float) -> None:
        self.trial = None
        arm.cost, arm.solves, arm.seen_at = mean, max(arm.solves, len(arm.spent)), self.count
        incumbent, count = self.arms[self.best], len(arm.spent)
        if mean < self._bar(arm, count) - min(incumbent.doubt(arm, count), _NOISE * incumbent.cost):
            self._install(self.arms.index(arm))

    def _install(self, index: int) -> None:
        if index != self.best:
            self.switches.append((self.count, self.arms[index].name))
            del self.switches[:-64]
            self.reason = self.arms[index].because(self.arms[self.best])
        self.best, self.recent = index, []
        self.level = self.arms[index].cost

    def _promote(self) -> None:
        """The arm that solved what the incumbent could not takes its place; so does one that is known to cost less."""
        incumbent, now = self.arms[self.best], self.arms[self.now]
        if self.now != self.best and (
            incumbent.failures > 0 or incumbent.solves == 0 or now.cost < 0.9 * incumbent.cost
        ):
            self._install(self.now)

    def _watch(self, cost: float) -> None:
        """When the incumbent's cost leaves its level, others may be tried again."""
        self.recent = [*self.recent[-(_WINDOW - 1) :], cost]
        if not self.level:
            self.level = cost
        typical = sorted(self.recent)[len(self.recent) // 2]
        if len(self.recent) == _WINDOW and not 0.6 * self.level < typical < 1.7 * self.level:
            self.level, self.since = typical, self.count
            for arm in self.arms:
                if arm.tried_at >= 0:
                    arm.tried_at = min(arm.tried_at, self.count - arm.wait)

    # ---- books -----------------------------------------------------------------------------------------------------

    def digest(self) -> list[str]:
        """Lines for the summary: what is in use, what the others cost."""
        if not self.arms:
            return []
        lines = [f"auto: {self.arms[self.best].name} in use", *([f"auto chose {self.reason}"] if self.reason else [])]
        lines.append(costs(self.arms))
        for learner in self.arms[self.best].learners:
            lines += getattr(learner, "digest", list)()
        return lines

    def words(self) -> dict[str, str]:
        """For a result's certificate: which arm made it, and why the incumbent is one, in a sentence."""
        if not self.arms:
            return {}
        return {"auto": self.reason if self.now == self.best else f"{self.arms[self.now].name}: a trial or a fall-back"}

    def state_dict(self) -> dict[str, Any]:
        """Arms by name, with their learners' states."""
        return {
            "kind": self.kind,
            "arms": [arm.state_dict() for arm in self.arms],
            "guess": None if self.guess is None else self.guess.state_dict(),
            "best": self.best,
            "trial": self.trial,
            "count": self.count,
            "recent": self.recent,
            "level": self.level,
            "since": self.since,
            "turnover": self.turnover,
            "epoch": self._epoch,
            "switches": [[n, name] for n, name in self.switches[-64:]],
            "reason": self.reason,
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
        self._estimates = {}
        if [a.name for a in self.arms] != [a["name"] for a in state["arms"]]:
            raise ValueError("the file's methods are not those of this installation; install the same extras")
        for arm, saved in zip(self.arms, state["arms"], strict=True):
            arm.load_state_dict(saved)
            for learner in arm.learners:
                if hasattr(learner, "purse"):
                    learner.purse = self.purse
        if self.guess is not None and state["guess"] is not None:
            self.guess.load_state_dict(state["guess"])
        self.best, self.count, self.trial = int(state["best"]), int(state["count"]), state["trial"]
        known = range(max(1, len(self.arms)))
        if self.best not in known or not (self.trial is None or (type(self.trial) is int and self.trial in known)):
            raise ValueError("the file names a method that is not among its own")
        self.recent, self.level = [float(v) for v in state["recent"]], float(state["level"])
        places = (state["since"], state["epoch"])
        if any(type(v) is not int or v < -1 for v in places) or not 0.0 <= state["turnover"] <= 1.0:
            raise ValueError("the record of patterns is not one")
        (self.since, self._epoch), self.turnover = places, float(state["turnover"])
        self.switches = [(int(n), str(name)) for n, name in state["switches"]]
        self.reason = str(state.get("reason", ""))[:400]
