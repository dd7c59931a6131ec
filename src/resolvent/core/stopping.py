"""Stop rules: small frozen records that combine with ``|`` (either) and ``&`` (both)."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .protocol import State
from .status import Status

__all__ = ["And", "Or", "Residual", "Rule", "Seconds", "Standard", "Steps", "Unchanged"]

Check = Callable[[State], Status]


class Rule:
    """Base of the rules: the algebra, and answers for what a rule does not decide."""

    sees: frozenset[str] = frozenset()

    def start(self, problem: Any, state: State) -> Check:
        """One run's memory of the rule."""
        return lambda state: Status.RUNNING

    def goal(self, problem: Any) -> float | None:
        """The residual that ends the run on its own."""
        return None

    def threshold(self, problem: Any) -> float | None:
        """The residual that a positive status stands for."""
        return None

    def steps(self) -> int | None:
        """The greatest number of iterations."""
        return None

    def __or__(self, other: "Rule") -> "Or":
        return Or(self, other)

    def __and__(self, other: "Rule") -> "And":
        return And(self, other)


@dataclass(frozen=True)
class Residual(Rule):
    """Stop when ``residual <= max(rtol * scale, atol)``; fires RESIDUAL.

    Examples
    --------
    >>> from resolvent.core import Residual, Steps
    >>> rule = Residual(rtol=1e-8) | Steps(200)
    >>> rule.steps()
    200
    """

    rtol: float = 1e-6
    atol: float = 0.0
    sees = frozenset({"residual"})

    def threshold(self, problem: Any) -> float:
        """max(rtol * scale, atol), in the problem's own unit."""
        return float(max(self.rtol * problem.scale, self.atol * getattr(problem, "unit", 1.0)))

    goal = threshold

    def start(self, problem: Any, state: State) -> Check:
        """Compare what the state has seen with the threshold."""
        limit = self.threshold(problem)

        def check(state: State) -> Status:
            return Status.RESIDUAL if state.seen["residual"] <= limit else Status.RUNNING

        return check


@dataclass(frozen=True)
class Steps(Rule):
    """Stop after ``limit`` iterations; fires BUDGET."""

    limit: int

    def steps(self) -> int:
        """The limit."""
        return self.limit

    def start(self, problem: Any, state: State) -> Check:
        """Compare the count with the limit."""
        limit = self.limit
        return lambda state: Status.BUDGET if state.k >= limit else Status.RUNNING


@dataclass(frozen=True)
class Seconds(Rule):
    """Stop after ``limit`` seconds of the run, looked at between steps; fires TIME."""

    limit: float

    def start(self, problem: Any, state: State) -> Check:
        """Start the clock."""
        end = time.perf_counter() + self.limit
        return lambda state: Status.TIME if time.perf_counter() >= end else Status.RUNNING


@dataclass(frozen=True)
class Unchanged(Rule):
    """Stop when the residual has found no new minimum (by one part in a hundred) for ``window`` iterations.

    Fires CHANGE: nothing is certified by it.
    """

    window: int = 1000
    sees = frozenset({"residual"})

    def start(self, problem: Any, state: State) -> Check:
        """Remember the least residual and when it was seen."""
        best, when = state.seen.get("residual", float("inf")), state.k
        window = self.window

        def check(state: State) -> Status:
            nonlocal best, when
            residual = state.seen["residual"]
            if residual < 0.99 * best:
                best, when = residual, state.k
            return Status.CHANGE if state.k - when >= window else Status.RUNNING

        return check


@dataclass(frozen=True)
class Standard(Residual):
    """``Residual(rtol, atol) | Unchanged(window) | Steps(limit)`` in one check, for solves that take microseconds."""

    limit: int = 1000
    window: int | None = None

    def steps(self) -> int:
        """The limit."""
        return self.limit

    def start(self, problem: Any, state: State) -> Check:
        """Remember the least residual and when it was seen."""
        threshold, limit, window = self.threshold(problem), self.limit, self.window or self.limit + 1
        best, when = float("inf"), state.k

        def check(state: State) -> Status:
            nonlocal best, when
            residual = state.seen["residual"]
            if residual <= threshold:
                return Status.RESIDUAL
            if residual < 0.99 * best:
                best, when = residual, state.k
            elif state.k - when >= window:
                return Status.CHANGE
            return Status.BUDGET if state.k >= limit else Status.RUNNING

        return check


@dataclass(frozen=True)
class Or(Rule):
    """Fires with the first of two rules that fires; a positive status goes before a negative one."""

    left: Rule
    right: Rule

    @property
    def sees(self) -> frozenset[str]:  # type: ignore[override]
        """What either rule looks at."""
        return self.left.sees | self.right.sees

    def start(self, problem: Any, state: State) -> Check:
        """Start both."""
        one, two = self.left.start(problem, state), self.right.start(problem, state)

        def check(state: State) -> Status:
            first = one(state)
            if first > 0:
                return first
            second = two(state)
            return second if second > 0 or first == 0 else first

        return check

    def goal(self, problem: Any) -> float | None:
        """The larger goal: reached first."""
        return _pick(max, self.left.goal(problem), self.right.goal(problem))

    def threshold(self, problem: Any) -> float | None:
        """The larger threshold."""
        return _pick(max, self.left.threshold(problem), self.right.threshold(problem))

    def steps(self) -> int | None:
        """The smaller limit."""
        found = _pick(min, self.left.steps(), self.right.steps())
        return None if found is None else int(found)


@dataclass(frozen=True)
class And(Rule):
    """Fires when both rules fire; a positive status goes before a negative one, and is confirmed like any other."""

    left: Rule
    right: Rule

    @property
    def sees(self) -> frozenset[str]:  # type: ignore[override]
        """What either rule looks at."""
        return self.left.sees | self.right.sees

    def start(self, problem: Any, state: State) -> Check:
        """Start both; each keeps its own memory."""
        one, two = self.left.start(problem, state), self.right.start(problem, state)

        def check(state: State) -> Status:
            first, second = one(state), two(state)
            if first == 0 or second == 0:
                return Status.RUNNING
            return max(first, second)

        return check

    def threshold(self, problem: Any) -> float | None:
        """The smaller threshold: both must hold."""
        return _pick(min, self.left.threshold(problem), self.right.threshold(problem))


def _pick(choose: Callable[..., float], one: float | None, two: float | None) -> float | None:
    if one is None or two is None:
        return two if one is None else one
    return choose(one, two)
