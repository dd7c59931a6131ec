"""A scalar parameter by a deterministic climb: widen until the cost rises, then halve the bracket; about nine trials.

The search runs in u = log(1/(2 - omega)) for relaxation parameters, where the cost is nearly a parabola near its best.
Each trial is one ordinary solve, charged to the purse for what it cost beyond the best. Single solves of unrelated
systems mislead: what was found is compared with the first value again, twice at once and then after 8, 16, ... systems,
and given up when the mean of the last three such solves is lower. When the cost at the best rises by half for three
solves, the climb begins again from there with a smaller step, after ever longer pauses.

Not for parameters whose cost has several valleys: use ``Bandit``.
Reference: Kiefer, Proc. AMS 4 (1953) 502-506 (search of a unimodal function).
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core import Advice, Learner

__all__ = ["Climb"]


@dataclass(eq=False)
class Climb(Learner):
    """Tunes one relaxation parameter by bracketing.

    Parameters
    ----------
    parameter : str
        Dotted name, such as ``"preconditioner.omega"``.
    low, high : float
        Range, below 2.
    start : float
        First value.
    tolerance : float, default 0.06
        The bracket is narrow enough when its halves are below this in u.

    Examples
    --------
    >>> from resolvent.learners.tune.climb import Climb
    >>> Climb("preconditioner.omega", 1.0, 1.98, start=1.6).best
    1.6
    """

    parameter: str
    low: float = 1.0
    high: float = 1.985
    start: float = 1.6
    tolerance: float = 0.12

    def __post_init__(self) -> None:
        if not 0.0 < self.low <= self.start <= self.high < 2.0:
            raise ValueError(f"0 < low <= start <= high < 2 is expected, got {self.low}, {self.start}, {self.high}")
        self.owns = frozenset({self.parameter})
        self.purse: Any = None
        self._u = [_to(self.low), _to(self.high)]
        self._points: dict[float, list[float]] = {}
        self._best = _to(self.start)
        self._step = 0.7
        self._asked = self._best
        self._settled = False
        self._reference = 0.0
        self._bad = 0
        self._pause = 0
        self._until, self._wait = 1, 4
        self._firsts: list[float] = []  # costs at the first value since the climb settled
        self._rest, self._since = 16, 0
        self.trials = 0

    @property
    def best(self) -> float:
        """The best value so far."""
        return _from(self._best)

    @property
    def climbing(self) -> bool:
        """Whether the search is still under way."""
        return not self._settled

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """The best value, or the next trial's."""
        self._asked = self._best
        if not advice.trial and self._affordable():
            target = self._doubt() if self._settled else self._next()
            if target is not None:
                self._asked = target
                advice.trial = True
        advice.params[self.parameter] = _from(self._asked)
        if advice.trial and self._asked != self._best:
            limit = 1.6 * self._cost(self._best)
            advice.cap = limit if advice.cap is None else min(limit, advice.cap)
        return advice

    def _affordable(self) -> bool:
        if self._best not in self._points:
            return False
        if self._pause > 0:
            self._pause -= 1
            return False
        return self.purse is None or self.purse.left >= 0.4 * self._cost(self._best)

    def _doubt(self) -> float | None:
        """The first value again, now and then, while another is held to be better."""
        first = _to(self.start)
        if self._best == first:
            return None
        self._until -= 1
        return first if self._until < 0 else None

    def _doubted(self, cost: float, ok: bool) -> None:
        """The first value was tried again: when its last solves cost less in the mean, it is the best."""
        self._firsts = [*self._firsts[-2:], cost if ok else 2.0 * self._cost(self._best)]
        if len(self._firsts) < 2:
            return
        self._wait *= 2
        self._until = self._wait
        if sum(self._firsts) < len(self._firsts) * self._cost(self._best):
            self._best, self._points = _to(self.start), {_to(self.start): [cost, 1.0]}
            self._reference, self._bad = cost, 0

    def _cost(self, u: float) -> float:
        return self._points[u][0]

    def _next(self) -> float | None:
        """The next point: beyond the best while it lies at an end of what is known, else inside the wider half."""
        known = sorted(self._points)
        at = known.index(self._best)
        right = known[at + 1] if at + 1 < len(known) else None
        left = known[at - 1] if at > 0 else None
        if right is None and self._best < self._u[1] - 1e-9:
            return min(self._best + self._step, self._u[1])
        if left is None and self._best > self._u[0] + 1e-9:
            return max(self._best - self._step, self._u[0])
        gaps = [(right - self._best, right) if right is not None else (0.0, 0.0)]
        gaps.append((self._best - left, left) if left is not None else (0.0, 0.0))
        gap, other = max(gaps)
        if gap <= 2 * self.tolerance:
            self._settled = True
            self._reference = self._cost(self._best)
            return None
        return 0.5 * (self._best + other)

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a trial that was capped: the best value."""
        if self._asked == self._best or advice.params.get(self.parameter) == self.best:
            return None
        self._asked = self._best
        return replace(advice, cap=None, params={**advice.params, self.parameter: self.best})

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Enter the cost at the value that was in force."""
        value = advice.params.get(self.parameter)
        if value is None or (advice.trial and self._asked == self._best):
            return
        cost = result.cost.running
        if advice.x0 is not None and problem.scale > 0:
            cost *= _digits(problem, advice, result)
        u = self._asked
        if u != self._best:
            self._tried(u, cost, result)
        elif result.ok:
            self._confirmed(cost)

    def _tried(self, u: float, cost: float, result: Any) -> None:
        self.trials += 1
        incumbent = self._cost(self._best)
        if self.purse is not None:
            self.purse.charge(cost - incumbent)
        if not result.ok:
            cost = max(1.7 * incumbent, cost)
        if self._settled:
            self._doubted(cost, result.ok)
            return
        self._points[u] = [cost, 1.0]
        if cost < 0.96 * incumbent:  # less is within the scatter of single solves
            self._best = u
        if len(self._points) >= 14:
            self._settled = True
            self._reference = self._cost(self._best)

    def _confirmed(self, cost: float) -> None:
        entry = self._points.setdefault(self._best, [cost, 0.0])
        entry[1] += 1.0
        entry[0] += max(1.0 / entry[1], 0.2) * (cost - entry[0])
        if not self._settled:
            return
        self._since += 1
        self._bad = self._bad + 1 if not 0.67 * self._reference < cost < 1.5 * self._reference else 0
        if self._bad >= 3 and self._since >= self._rest:
            self._rest, self._since, self._firsts, self._until, self._wait = 2 * self._rest, 0, [], 1, 4
            self._points = {self._best: [cost, 1.0]}
            self._settled, self._bad, self._step = False, 0, 0.35
            self._pause = 0

    def digest(self) -> list[str]:
        """A line for the summary."""
        return [f"{self.parameter}: {self.best:.4g} after {self.trials} trials"]

    def state_dict(self) -> dict[str, Any]:
        """The points and where the search stands."""
        return {
            "points": [[u, *v] for u, v in self._points.items()],
            "best": self._best,
            "step": self._step,
            "settled": self._settled,
            "reference": self._reference,
            "bad": self._bad,
            "pause": self._pause,
            "doubt": [self._until, self._wait, self._rest, self._since],
            "firsts": self._firsts,
            "trials": self.trials,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over."""
        self._points = {float(u): [float(c), float(k)] for u, c, k in state["points"]}
        self._best, self._step = float(state["best"]), float(state["step"])
        self._settled, self._reference = bool(state["settled"]), float(state["reference"])
        self._until, self._wait, self._rest, self._since = (int(v) for v in state["doubt"])
        self._firsts = [float(v) for v in state["firsts"]]
        self._bad, self._pause, self.trials = int(state["bad"]), int(state["pause"]), int(state["trials"])


def _to(omega: float) -> float:
    return -math.log(2.0 - omega)


def _from(u: float) -> float:
    return 2.0 - math.exp(-u)


def _digits(problem: Any, advice: Advice, result: Any) -> float:
    """Digits of a solve from zero over the digits that were gained from the guess."""
    end = max(float(result.seen.get("residual", 0.0)), 1e-300)
    if not end < problem.scale:
        return 1.0
    start = float(np.linalg.norm(advice.carry["residual"])) if "residual" in advice.carry else problem.scale
    gained = math.log(max(start / end, 1.0 + 1e-9))
    return min(4.0, max(1.0, math.log(problem.scale / end) / gained)) if gained > 0 else 1.0
