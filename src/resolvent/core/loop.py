"""The one loop: init, step, check; then *confirm or continue*.

When a rule fires, ``problem.measure`` judges the solution from the original data. If it does not agree, the method goes
on from that very x with what it harvested, so a drifting recurrence costs an iteration, not a false alarm and not a
false answer. After a breakdown it does the same while each start gains something. Costs one measure (one product) per
declared convergence. The loop does no arithmetic on x.
"""

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import CallbackError, OperatorError, SetupError
from .protocol import Measure, State
from .result import Result
from .status import Status
from .stopping import Residual, Standard
from .work import Cost

__all__ = ["drive"]

_DIVERGED = 1e10
_RESTARTS = 60
_CAUGHT = (SetupError, OperatorError, CallbackError, MemoryError, KeyboardInterrupt, FloatingPointError)


def drive(
    problem: Any,
    method: Any,
    stop: Any,
    *,
    x0: Any = None,
    carry: Mapping[str, Any] | None = None,
    recorders: Sequence[Any] = (),
    cap: float | None = None,
    done: int = 0,
) -> Result:
    """Run ``method`` on ``problem`` until ``stop`` fires and the measure agrees, or until nothing more can be had.

    Parameters
    ----------
    problem, method, stop
        As in ``core.protocol``.
    x0 : array or None
        First iterate in the problem's inner unit; None is zero.
    carry : mapping
        Slots for ``method.init``.
    recorders : sequence of Recorder
    cap : float, optional
        Greatest cost of this attempt in products; reaching it ends the attempt BUDGET with ``capped``.
    done : int
        Iterations already spent on this solve by earlier attempts.

    Returns
    -------
    Result
        With the best measured x; never raises for what happens inside the solve.
    """
    with np.errstate(all="ignore"):  # what is not finite is found in the measure
        return _Run(problem, method, stop, recorders, cap, done).run(x0, dict(carry or {}))


class _Run:
    """One attempt: the memory that the loop needs between its few steps."""

    def __init__(self, problem: Any, method: Any, stop: Any, recorders: Sequence[Any], cap: float | None, done: int):
        self.problem, self.method, self.stop = problem, method, stop
        self.recorders = recorders
        self.start_cost: Cost = problem.price()
        self.cap = math.inf if cap is None else cap + self.start_cost.setup + self.start_cost.running
        self.limit = stop.steps()
        self.threshold = stop.threshold(problem)
        self.goal = stop.goal(problem)
        self.first = done
        self.history: list[Any] = []
        self.best: Measure | None = None
        self.best_x: Any = None
        self.reason = ""
        self.capped = False
        self.clock = time.perf_counter()
        self.check: Any = None
        self.restarts = 0
        self.stuck = 0
        self.ceiling = math.inf
        self.from_zero = False
        self.begun = 0.0
        self.broke_at = math.inf  # the least residual at which the method broke down, at first that of the start

    def run(self, x0: Any, carry: dict[str, Any]) -> Result:
        state: Any = None
        status = Status.RUNNING
        measured: Measure | None = None
        steps = self.first
        try:
            while True:
                state = self._init(x0, carry, steps)
                if measured is not None:  # a restart: what was measured counts, to the last bit
                    state.seen["residual"] = measured.residual
                status = self._iterate(state)
                steps = state.k
                x0 = self.method.solution(self.problem, state)
                status, measured = self._judge(x0, status, state)
                if status != Status.RUNNING:
                    break
                carry = carry | (self.method.harvest(self.problem, state) or {})
                carry["residual"] = measured.vector
        except _CAUGHT as error:
            steps = state.k if state is not None else steps
            status = self._broken(error, state)
            if self.best is None:
                self._start_only(x0)
                if status == Status.SETUP and self._met_at_start():
                    status, self.reason = self.best.success if self.best else status, ""
        return self._finish(status, state, steps)

    def _init(self, x0: Any, carry: dict[str, Any], steps: int) -> Any:
        state = self.method.init(self.problem, x0, carry)
        state.k = steps
        state.goal = self.goal
        if self.check is None:
            self.check = self.stop.start(self.problem, state)
            self.ceiling = _DIVERGED * max(state.seen.get("residual", 0.0), self.problem.scale)
            self.from_zero = x0 is None
            self.broke_at = state.seen.get("residual", math.inf)
            self.history.append((steps, state.seen.get("residual", math.nan)))
            if self.recorders:
                self._look("begin", self.problem, self.method, state)
        return state

    def _iterate(self, state: Any) -> Status:
        """Step until a rule fires, the method gives up, or the cap is reached."""
        problem, method, check, limit = self.problem, self.method, self.check, self.limit
        each = self.goal is None or (bool(self.recorders) and any(getattr(r, "each", False) for r in self.recorders))
        capped = self.cap < math.inf
        status: Status = state.status or check(state)
        while status == Status.RUNNING:
            room = None if limit is None else limit - state.k
            state.room = 1 if each else self._within_cap(room, state.k) if capped else room
            before = state.k
            method.step(problem, state)
            residual = state.seen["residual"]
            norms = state.norms
            if norms is not None and state.k > before:
                self.history.append((before + 1, norms[: state.k - before].copy()))
            else:
                self.history.append((state.k, residual))
            if state.status != Status.RUNNING:
                return Status(state.status)
            status = check(state)
            if self.recorders:
                status = self._record(state, status)
            if status == Status.RUNNING:
                if not residual <= self.ceiling:
                    return Status.DIVERGED if math.isfinite(residual) else Status.NONFINITE
                if capped and self._spent() > self.cap:
                    self.capped = True
                    return Status.BUDGET
        return status

    def _within_cap(self, room: int | None, k: int) -> int:
        """Iterations that the cap leaves, at the price of those done so far; four to begin with."""
        left, done = self.cap - self._spent(), k - self.first
        if done <= 0:
            self.begun = self._spent()
            fits = 4
        else:
            fits = max(1, int(left * done / max(self._spent() - self.begun, 1e-12)))
        return fits if room is None else min(room, fits)

    def _spent(self) -> float:
        """Cost so far; the symbolic part is left out, because a Session that was loaded does it again."""
        cost = self.problem.price()
        return float(cost.setup + cost.running)

    def _record(self, state: Any, status: Status) -> Status:
        for asked in self._look("step", self.problem, state):
            if asked is not None and status == Status.RUNNING:
                status = asked
        return status

    def _look(self, name: str, *args: Any) -> list[Any]:
        """Let the recorders look; the clock stops meanwhile."""
        stopped = time.perf_counter()
        try:
            return [getattr(recorder, name)(*args) for recorder in self.recorders]
        except (OperatorError, SetupError, KeyboardInterrupt, MemoryError):
            raise
        except Exception as error:
            raise CallbackError(f"a recorder or callback raised {type(error).__name__}: {error}") from error
        finally:
            self.clock += time.perf_counter() - stopped

    def _judge(self, x: Any, status: Status, state: Any) -> tuple[Status, Measure]:
        """Measure x; RUNNING as an answer means: go on from here."""
        measured: Measure = self.problem.measure(x)
        residual = measured.residual
        better = self.best is None or residual < self.best.residual
        if better or not math.isfinite(self.best.residual if self.best else math.nan):
            previous = self.best
            self.best, self.best_x = measured, x
        else:
            previous = self.best
        if measured.noisy:
            self.reason = "two measures of the same x differ beyond rounding: the operator is not deterministic"
            return Status.NOISY, measured
        if self.threshold is not None and residual <= self.threshold < math.inf and self._confirmed(residual, state):
            return (status if status > Status.RESIDUAL else measured.success), measured
        if self.threshold is None and status > 0:
            return status, measured
        if not math.isfinite(residual):
            return Status.NONFINITE, measured
        if status == Status.BREAKDOWN and self._again(residual):
            return Status.RUNNING, measured
        if status <= 0:
            return self._ended(status, state), measured
        floor = self._floor(x)
        if residual <= 2 * floor and not (self.threshold or 0.0) >= 0.05 * floor:  # the floor is a bound, not a wall
            self._attainable(floor)
            return Status.STAGNATED, measured
        self.restarts += 1
        halved = previous is None or residual <= 0.5 * previous.residual
        self.stuck = 0 if halved else self.stuck + 1
        if self.stuck >= 2 or self.restarts > _RESTARTS:
            self.reason = "restarts from the measured residual no longer reduce it"
            if residual <= 100 * floor:
                self._attainable(floor)
            return Status.STAGNATED, measured
        return Status.RUNNING, measured

    def _again(self, residual: float) -> bool:
        """Whether a recurrence that broke down begins again from here: while each start gains a tenth."""
        gained = residual < 0.9 * self.broke_at
        self.broke_at = min(self.broke_at, residual)
        self.restarts += 1
        return gained and self.restarts <= _RESTARTS

    def _confirmed(self, residual: float, state: Any) -> bool:
        """Whether the rule itself agrees with the measure; a compound rule has no single threshold."""
        if isinstance(self.stop, Residual | Standard):
            return True
        state.seen["residual"] = residual
        return bool(self.check(state) > 0)

    def _ended(self, status: Status, state: Any) -> Status:
        self.reason = self.reason or state.reason
        return status

    def _floor(self, x: Any) -> float:
        floor = getattr(self.problem, "floor", None)
        return float(floor(x)) if floor is not None else 0.0

    def _attainable(self, floor: float) -> None:
        hint = getattr(self.problem, "attainable_hint", None)
        self.reason = hint(floor) if hint is not None else "rounding allows no smaller residual"
        if self.best is not None:
            self.best = self.best._replace(seen=self.best.seen | {"attainable": floor})

    def _broken(self, error: BaseException, state: Any) -> Status:
        """Turn what was raised into a status, keeping the best iterate that can still be had."""
        self.reason = str(error) or type(error).__name__
        if isinstance(error, KeyboardInterrupt):
            self.reason = "interrupted from the keyboard"
        if state is not None:
            try:
                x = self.method.solution(self.problem, state)
                measured = self.problem.measure(x)
                if self.best is None or measured.residual < self.best.residual:
                    self.best, self.best_x = measured, x
            except Exception:
                self.reason += " (and the iterate could not be measured)"
        if isinstance(error, KeyboardInterrupt):
            return Status.INTERRUPTED
        if isinstance(error, FloatingPointError):  # NumPy raises none here: a method met what is not finite
            return Status.NONFINITE
        return Status.SETUP if isinstance(error, SetupError) else Status.ERROR

    def _at_zero(self) -> float:
        """The residual where there is no guess: the scale, unless the problem says another."""
        return float(getattr(self.problem, "start_residual", self.problem.scale))

    def _residual(self) -> dict[str, Any]:
        """The residual vector of the x returned, for whoever goes on from it."""
        return {} if self.best is None or self.best.vector is None else {"residual": self.best.vector}

    def _start_only(self, x0: Any) -> None:
        """Nothing was measured: fall back to the first iterate."""
        try:
            self.best = Measure(self._at_zero()) if x0 is None else self.problem.measure(x0)
            self.best_x = x0
        except Exception:
            self.best = Measure(math.inf)

    def _met_at_start(self) -> bool:
        """Whether the first iterate, as measured, is an answer already, so that no set-up was needed."""
        first = self.best
        if first is None or first.noisy or self.threshold is None or not first.residual <= self.threshold < math.inf:
            return False
        state = State()
        state.seen = first.seen | {"residual": first.residual}
        return bool(self.stop.start(self.problem, state)(state) > 0)

    def _finish(self, status: Status, state: Any, steps: int) -> Result:
        problem = self.problem
        seen = dict(state.seen) if state is not None else {}
        harvest = None
        if state is not None and status not in (Status.SETUP, Status.ERROR, Status.INTERRUPTED):
            harvest = self.method.harvest(problem, state)
        if self.best is not None:
            if status < 0 and self.from_zero and not self.best.residual <= self._at_zero():
                self.best, self.best_x = Measure(self._at_zero(), None, False, {}), None  # zero is better
            seen.update(self.best.seen)
            seen["residual"] = self.best.residual
        return Result(
            x=self.best_x,
            status=status,
            steps=steps,
            seen=seen,
            work=problem.work.total(),
            cost=problem.price() - self.start_cost,
            seconds=time.perf_counter() - self.clock,
            history=self.history,
            carry=(harvest or {}) | self._residual(),
            capped=self.capped,
            why=self.reason,
            threshold=self.threshold,
        )
