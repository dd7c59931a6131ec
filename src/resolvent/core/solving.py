"""One solve of a Session: ask the learners, run attempts until one ends for good, keep the books."""

import math
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import books
from .errors import OperatorError
from .loop import drive
from .options import better, measured
from .protocol import Advice, Measure, with_params
from .result import Result
from .status import Change, Status
from .stopping import Rule, Seconds, Standard

__all__ = ["DEFAULT_RTOL", "Solving"]

DEFAULT_RTOL = float("1e-6")
_RETRY = frozenset(
    {
        Status.INDEFINITE,
        Status.BREAKDOWN,
        Status.STAGNATED,
        Status.SETUP,
        Status.DIVERGED,
        Status.CHANGE,
        Status.NONFINITE,
    }
)
_ATTEMPTS = 6


class Solving:
    """The part of a Session that makes one solve out of attempts."""

    method: Any
    learners: list[Any]
    recorders: tuple[Any, ...]
    callback: Callable[[Any], Any] | None
    rtol: float
    atol: float
    max_steps: int | None
    max_seconds: float | None
    stop: Rule | None
    cost: str
    memory: dict[str, Any]
    records: books.Records
    totals: dict[str, Any]
    paid: books.Paid
    solved: int
    _standard: Standard | None
    _params: dict[str, Any]
    _tuned: Any
    _last: Result | None

    def _solve_one(self, problem: Any, x0: Any) -> Result:
        begin = time.perf_counter()
        problem.work.reset()
        if hasattr(problem, "receive"):  # a family whose shape is that of the first guess
            problem.receive(x0)
        change = problem.compare(self.memory)
        try:
            unfit = problem.unfit(x0) if hasattr(problem, "unfit") else None
            if unfit is not None:
                return self._unfit(problem, change, unfit, begin)
            start = None if x0 is None else problem.enter(x0)
            advice = self._advise(problem, start)
        except (OperatorError, MemoryError, KeyboardInterrupt) as error:  # an operator asked by a learner
            return self._failed_early(problem, change, error, begin)
        first = advice
        done, result = 0, Result()
        best: Result | None = None
        for _ in range(_ATTEMPTS):
            result = self._attempt(problem, advice, self._rule(problem, time.perf_counter() - begin, done), done)
            for learner in self.learners:
                learner.observe(problem, advice, result)
            lost = advice.trial and result.status == Status.BUDGET and self.max_steps is None
            if result.status > 0 or not (result.capped or lost or result.status in _RETRY):
                break
            if best is None or result.seen.get("residual", math.inf) < best.seen.get("residual", math.inf):
                best = result
            again = self._recover(problem, advice, result)
            if again is None:
                break
            done, advice = result.steps, self._resumed(problem, again, result)
        if result.status < 0:
            better(result, best)
            self._explain(problem, result)
            self.memory.get("facts", {}).pop("symmetric", None)
        return self._close(problem, change, first, advice, result, begin)

    def _explain(self, problem: Any, result: Result) -> None:
        """Look closer at a solve that failed for good, where the problem can; costs work, and no learner is fed it."""
        explain = getattr(problem, "explain", None)
        if explain is not None:
            residual = result.seen.get("residual")
            best = None if residual is None else Measure(residual, result.carry.get("residual"))
            result.status, result.why = explain(result.status, result.x, best, result.why, result.seen)

    def _unfit(self, problem: Any, change: Change, why: str, begin: float) -> Result:
        """Input that is not finite: said before any work."""
        result = Result(status=Status.NONFINITE, seen={"residual": problem.scale}, why=why)
        result.method = self.method
        return self._close(problem, change, Advice(), Advice(), result, begin)

    def _failed_early(self, problem: Any, change: Change, error: BaseException, begin: float) -> Result:
        """The operator failed, or Ctrl-C came, while the learners were asked: the answer is zero."""
        status = Status.INTERRUPTED if isinstance(error, KeyboardInterrupt) else Status.ERROR
        why = "interrupted from the keyboard" if status == Status.INTERRUPTED else str(error) or type(error).__name__
        result = Result(status=status, seen={"residual": problem.scale}, why=why)
        result.method = self.method
        return self._close(problem, change, Advice(), Advice(), result, begin)

    def _rule(self, problem: Any, spent: float, done: int = 0) -> Rule:
        """The stop rule of an attempt; the problem's own limit of steps holds for each, so that no trial uses it up."""
        if self.stop is not None:
            return self.stop
        rtol = self.rtol
        if rtol is DEFAULT_RTOL:
            rtol = getattr(problem, "default_rtol", DEFAULT_RTOL)
        limit, window = self.max_steps, None
        if limit is None:
            limit = getattr(problem, "default_steps", 100_000)
            window, limit = max(2000, limit // 10), limit + done
        rule = self._standard
        if rule is None or rule.rtol != rtol or rule.limit != limit or rule.window != window:
            rule = self._standard = Standard(rtol, self.atol, limit, window)
        return rule if self.max_seconds is None else rule | Seconds(max(0.0, self.max_seconds - spent))

    def _advise(self, problem: Any, start: Any) -> Advice:
        advice = Advice(x0=start)
        symbolic = self.memory.get("symbolic")
        if symbolic is not None:
            advice.carry["symbolic"] = symbolic
        for learner in self.learners:
            advice = learner.propose(problem, advice)
        return advice

    def _attempt(self, problem: Any, advice: Advice, stop: Rule, done: int) -> Result:
        method = self._with(advice.params) if advice.params else self.method
        lacking = problem.lacks(method.needs)
        if lacking:
            raise ValueError(f"{type(method).__name__} cannot be used here: {lacking}")
        before = time.perf_counter()
        if hasattr(method, "solve"):
            result: Result = method.solve(problem, advice, stop)
        else:
            result = drive(
                problem,
                method,
                stop,
                x0=advice.x0,
                carry=advice.carry,
                recorders=self._recorders(),
                cap=advice.cap,
                done=done,
            )
        if self.cost == "seconds":
            result.cost = measured(result.cost, time.perf_counter() - before, problem)
        for bound in result.carry.values():  # what a set-up took its own decision on
            result.seen.update(getattr(bound, "facts", {}))
        result.method, result.advice = method, advice
        return result

    def _with(self, params: dict[str, Any]) -> Any:
        """The method with these parameters; the last one is remembered."""
        if params != self._params or self._tuned is None:
            self._tuned, self._params = with_params(self.method, params), dict(params)
        return self._tuned

    def _recorders(self) -> tuple[Any, ...]:
        if self.callback is None:
            return self.recorders
        return (*self.recorders, books.Callback(self.callback))

    def _recover(self, problem: Any, advice: Advice, result: Result) -> Advice | None:
        for learner in reversed(self.learners):
            again: Advice | None = learner.recover(problem, advice, result)
            if again is not None:
                return again
        if result.capped:
            return replace(advice, cap=None, carry=dict(advice.carry))
        plain = {name: value for name, value in advice.params.items() if name == "method"}
        if len(plain) < len(advice.params):  # what was tuned failed: the method as it was given
            return replace(advice, params=plain, cap=None, carry=dict(advice.carry))
        return None

    def _resumed(self, problem: Any, advice: Advice, result: Result) -> Advice:
        """Go on from the better of the x reached and zero."""
        residual = result.seen.get("residual", float("inf"))
        vector = result.carry.get("residual")
        if result.x is not None and vector is not None and residual < problem.scale:
            return replace(advice, x0=result.x, carry={**advice.carry, "residual": vector})
        carry = {k: v for k, v in advice.carry.items() if k != "residual"}
        return replace(advice, x0=None, carry=carry)

    def _close(
        self, problem: Any, change: Change, first: Advice, advice: Advice, result: Result, begin: float
    ) -> Result:
        if self._last is not None:
            self._last.carry = {}
        result.cost = problem.price() if self.cost == "model" else result.cost
        result.work = problem.work.total()
        result.index = self.solved
        problem.leave(result)
        for learner in self.learners:
            if hasattr(learner, "words"):
                result.digest.update(learner.words())
        result.advice = books.light(advice)
        result.seconds = time.perf_counter() - begin
        for recorder in self.recorders:
            try:
                recorder.end(problem, result)
            except Exception as error:
                result.status = Status.ERROR
                result.why = f"a recorder raised {type(error).__name__} at the end: {error}"
        record = books.Record(result, change, first, advice)
        self.records.append(record)
        books.add(self.totals, record, self.paid.charge(problem))
        self.solved += 1
        self._last = result
        return result
