"""The Session: what lives between solves. It asks its learners, runs the loop, lets them observe, and keeps the books."""

import math
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from . import books
from .errors import ConvergenceWarning, StateFileError
from .loop import drive
from .order import similar_order
from .persist import load_state, save_state
from .protocol import Advice, with_params
from .purse import Purse
from .registry import from_record, hook, method_named, to_record
from .result import Result
from .status import Change, Status
from .stopping import Rule, Seconds, Standard
from .work import Cost

__all__ = ["DEFAULT_RTOL", "Session"]

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
_OPTIONS = frozenset({"rtol", "atol", "max_steps", "max_seconds", "seed", "on_fail", "cost"})


class Session:
    """Solves related problems one after another and carries what one teaches to the next.

    Parameters
    ----------
    method : str or method, default "auto"
        A name (``"cg"``), a method (``rv.CG(preconditioner=rv.SSOR())``), or ``"auto"``.
    learners : sequence of Learner
        In the order in which they speak; two that own the same slot or parameter are refused.
    rtol, atol : float
        Stop when ``residual <= max(rtol * scale, atol)``. The default rtol is 1e-6, and 1e-3 for float32.
    max_steps : int, optional
        Iterations of one solve; None leaves it to the problem.
    max_seconds : float, optional
        Wall time of one solve.
    stop : Stop, optional
        A rule in place of the four options above.
    recorders : sequence of Recorder
    callback : callable, optional
        Called as ``callback(state)`` after each iteration; a true answer stops the solve with USER.
    seed : int, optional
        For learners that draw; the same seed gives the same bits.
    on_fail : {"warn", "raise", "ignore"}
        What to do when a solve does not meet its tolerance.
    cost : {"model", "seconds"}
        What learners are fed: the shipped table's price of the work, or measured time.

    Raises
    ------
    ValueError
        For an unknown method, option value, or two learners that own the same thing.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> solve = rv.Session(rtol=1e-10)
    >>> for shift in (3.0, 3.1, 3.2):
    ...     A = sp.diags_array([-np.ones(49), shift * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    ...     x = solve(A, np.arange(50.0))
    >>> bool(np.linalg.norm(np.arange(50.0) - A @ x) <= 1e-10 * np.linalg.norm(np.arange(50.0)))
    True
    >>> solve.solved
    3
    """

    def __init__(
        self,
        method: Any = "auto",
        learners: Sequence[Any] = (),
        *,
        rtol: float = DEFAULT_RTOL,
        atol: float = 0.0,
        max_steps: int | None = None,
        max_seconds: float | None = None,
        stop: Rule | None = None,
        recorders: Sequence[Any] = (),
        callback: Callable[[Any], Any] | None = None,
        seed: int | None = None,
        on_fail: str = "warn",
        cost: str = "model",
    ) -> None:
        _check_options(rtol, atol, max_steps, max_seconds, on_fail, cost)
        self.learners: list[Any] = list(learners)
        self.auto = isinstance(method, str) and method.lower() == "auto"
        if self.auto:
            self.learners.insert(0, hook("auto")(seed))
            self.method = None
        else:
            self.method = method_named(method) if isinstance(method, str) else method
            _check_method(self.method)
        _check_owners(self.learners)
        self.rtol, self.atol = rtol, atol
        self.max_steps, self.max_seconds, self.stop = max_steps, max_seconds, stop
        self.recorders = tuple(recorders)
        self.callback = callback
        self.seed, self.on_fail, self.cost = seed, on_fail, cost
        self.purse = Purse()
        for learner in self.learners:
            if hasattr(learner, "purse"):
                learner.purse = self.purse
        self.memory: dict[str, Any] = {}
        self.records = books.Records()
        self._standard: Standard | None = None
        self._params: dict[str, Any] = {}
        self._tuned: Any = None
        self.totals: dict[str, Any] = books.opening()
        self.solved = 0
        self._last: Result | None = None
        self._lock = threading.RLock()

    def __call__(self, A: Any, b: Any, **options: Any) -> Any:
        """Solve ``A x = b`` and return x.

        Parameters
        ----------
        A, b, **options
            As for ``LinearSystem``.

        Returns
        -------
        ndarray
            Certified: the residual was recomputed from A and b.

        Raises
        ------
        NotConverged
            With the reason; ``error.result`` holds what was reached.
        """
        result = self._solve(hook("problem")(A, b, **options), None)
        if result.status == Status.INTERRUPTED:
            raise KeyboardInterrupt(result.reason)
        return result.raise_if_failed().x

    def solve(self, problem: Any, x0: Any = None) -> Result:
        """Solve one problem; learners speak before and observe after.

        Parameters
        ----------
        problem : Problem
        x0 : array, optional
            A first guess of your own.

        Returns
        -------
        Result

        Raises
        ------
        ValueError, TypeError
            For input that no method could work on.
        NotConverged
            When ``on_fail="raise"`` and the tolerance was not met.
        """
        result = self._solve(problem, x0)
        if not result.ok and self.on_fail != "ignore":
            if self.on_fail == "raise":
                result.raise_if_failed()
            warnings.warn(result.reason, ConvergenceWarning, stacklevel=2)
        return result

    def solve_all(
        self, problems: Iterable[Any], order: str = "given", progress: bool = False, chunk: int | None = None
    ) -> Iterator[Result]:
        """Solve a sequence; results come in the order given, always.

        Parameters
        ----------
        problems : iterable of Problem
            A sequence with ``feed(i, x)`` is told each solution before the next problem is asked of it.
        order : {"given", "similar"}
            ``"similar"`` solves in greedy nearest-neighbour order of the contexts (or of cheap features of the problems);
            it needs all problems in memory.
        progress : bool
            Show a progress bar on stderr.
        chunk : int, optional
            Sort only within chunks of this many, so that results come out as they are ready.

        Yields
        ------
        Result
            With ``index``.

        Raises
        ------
        ValueError
            For another ``order``, or "similar" on a sequence whose problems depend on earlier solutions.
        """
        if order not in ("given", "similar"):
            raise ValueError(f'order={order!r} was given; "given" and "similar" are possible')
        coupled = getattr(problems, "coupled", False)
        if order == "similar" and coupled:
            raise ValueError(
                'order="similar" is impossible here: each problem of this sequence depends on the one before'
            )
        bar = hook("progress")(problems) if progress else None
        solving = self._similar(list(problems), chunk) if order == "similar" else self._given(problems)
        for result in solving:
            if bar is not None:
                bar.advance(result)
            yield result
            if result.status == Status.INTERRUPTED:
                raise KeyboardInterrupt(result.reason)
        if bar is not None:
            bar.close()

    def _given(self, problems: Iterable[Any]) -> Iterator[Result]:
        feed = getattr(problems, "feed", None)
        for i, problem in enumerate(problems):
            result = self.solve(problem)
            result.index = i
            if feed is not None:
                feed(i, result.x)
            yield result

    def _similar(self, problems: list[Any], chunk: int | None) -> Iterator[Result]:
        size = chunk or max(1, len(problems))
        for first in range(0, len(problems), size):
            part = problems[first : first + size]
            results: list[Result | None] = [None] * len(part)
            for i in similar_order(part):
                result = self.solve(part[i])
                result.index = first + i
                results[i] = result
            for ready in results:
                assert ready is not None
                yield ready

    # ---- one solve -------------------------------------------------------------------------------------------------

    def _solve(self, problem: Any, x0: Any) -> Result:
        with self._lock:
            parts = getattr(problem, "parts", None)
            columns = parts() if parts is not None else None
            if columns is None:
                return self._solve_one(problem, x0)
            return self._solve_columns(problem, columns, x0)

    def _solve_columns(self, problem: Any, columns: list[Any], x0: Any) -> Result:
        guesses = [None] * len(columns) if x0 is None else problem.split(x0)
        results = [self._solve_one(part, guess) for part, guess in zip(columns, guesses, strict=True)]
        joined: Result = problem.join(results)
        return joined

    def _solve_one(self, problem: Any, x0: Any) -> Result:
        begin = time.perf_counter()
        problem.work.reset()
        change = problem.compare(self.memory)
        unfit = problem.unfit(x0) if hasattr(problem, "unfit") else None
        if unfit is not None:
            return self._unfit(problem, change, unfit, begin)
        start = None if x0 is None else problem.enter(x0)
        stop = self._rule(problem)
        advice = self._advise(problem, start)
        first = advice
        done, result = 0, Result()
        best: Result | None = None
        for _ in range(_ATTEMPTS):
            result = self._attempt(problem, advice, stop, done)
            for learner in self.learners:
                learner.observe(problem, advice, result)
            if result.status > 0 or not (result.capped or result.status in _RETRY) or "outside_range" in result.seen:
                break
            if best is None or result.seen.get("residual", math.inf) < best.seen.get("residual", math.inf):
                best = result
            again = self._recover(problem, advice, result)
            if again is None:
                break
            done, advice = result.steps, self._resumed(problem, again, result)
        if result.status < 0:
            _better(result, best)
            self.memory.get("facts", {}).pop("symmetric", None)
        return self._close(problem, change, first, advice, result, begin)

    def _unfit(self, problem: Any, change: Change, why: str, begin: float) -> Result:
        """Input that is not finite: said before any work."""
        result = Result(status=Status.NONFINITE, seen={"residual": math.nan}, why=why)
        result.method = self.method
        return self._close(problem, change, Advice(), Advice(), result, begin)

    def _rule(self, problem: Any) -> Rule:
        if self.stop is not None:
            return self.stop
        rtol = self.rtol
        if rtol is DEFAULT_RTOL:
            rtol = getattr(problem, "default_rtol", DEFAULT_RTOL)
        limit, window = self.max_steps, None
        if limit is None:
            limit = getattr(problem, "default_steps", 100_000)
            window = max(2000, limit // 10)
        rule = self._standard
        if rule is None or rule.rtol != rtol or rule.limit != limit or rule.window != window:
            rule = self._standard = Standard(rtol, self.atol, limit, window)
        return rule if self.max_seconds is None else rule | Seconds(self.max_seconds)

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
            result.cost = _measured(result.cost, time.perf_counter() - before, problem)
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
        return replace(advice, cap=None, carry=dict(advice.carry)) if result.capped else None

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
        books.add(self.totals, record)
        self.solved += 1
        self._last = result
        return result

    # ---- what is kept ------------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """A few lines: what was solved, what was kept, what it saved against cold, when it hurt.

        Returns
        -------
        str
        """
        lines = books.summary(self.totals)
        for learner in self.learners:
            lines += getattr(learner, "digest", list)()
        return "\n".join(lines)

    def report(self, path: str | os.PathLike[str]) -> None:
        """Write one self-contained HTML page about this session.

        Parameters
        ----------
        path : path-like
        """
        hook("report")(self, path)

    def state_dict(self) -> dict[str, Any]:
        """Everything that the next solve depends on, as plain data."""
        kept = {k: v for k, v in self.memory.items() if k not in ("symbolic", "view")}
        return {
            "method": None if self.method is None else to_record(self.method),
            "auto": self.auto,
            "learners": [to_record(learner) for learner in self.learners[1 if self.auto else 0 :]],
            "learned": [learner.state_dict() for learner in self.learners],
            "options": {
                "rtol": None if self.rtol is DEFAULT_RTOL else self.rtol,
                "atol": self.atol,
                "max_steps": self.max_steps,
                "max_seconds": self.max_seconds,
                "seed": self.seed,
                "on_fail": self.on_fail,
                "cost": self.cost,
            },
            "purse": self.purse.state_dict(),
            "memory": kept,
            "totals": self.totals,
            "solved": self.solved,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave, learners in the same order.

        Raises
        ------
        StateFileError
            When the state belongs to a session of another make-up.
        """
        learned = state["learned"]
        if len(learned) != len(self.learners):
            raise StateFileError(f"the state has {len(learned)} learners, this session {len(self.learners)}")
        for learner, part in zip(self.learners, learned, strict=True):
            learner.load_state_dict(part)
        self.purse.load_state_dict(state["purse"])
        self.memory = hook("memory")(state["memory"])
        self.totals = books.reopened(state["totals"])
        self.solved = int(state["solved"])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the learned state; safe to load from a stranger, complete or absent, never half.

        Parameters
        ----------
        path : path-like

        Raises
        ------
        OSError
            When it cannot be written; what was there before stays.
        """
        save_state(path, {"session": self.state_dict()})

    @classmethod
    def load(cls, path: str | os.PathLike[str], **options: Any) -> "Session":
        """A session that goes on where the saved one stopped.

        Parameters
        ----------
        path : path-like
        **options
            Replace the saved options (``rtol``, ``on_fail``, ...).

        Returns
        -------
        Session

        Raises
        ------
        StateFileError
            When the file is damaged or not ours; nothing of it is used and nothing in it is executed.
        OSError
            When the file cannot be opened.

        Examples
        --------
        >>> import os, tempfile, numpy as np, resolvent as rv
        >>> session = rv.Session("cg", rtol=1e-9)
        >>> _ = session(np.diag([1.0, 2.0]), np.ones(2))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     session.save(os.path.join(folder, "s.rv"))
        ...     rv.Session.load(os.path.join(folder, "s.rv")).solved
        1
        """
        state = load_state(path)
        try:
            saved = state["session"]
            if set(saved["options"]) != _OPTIONS:
                raise StateFileError(f"{path}: its options are not those of a session")
            chosen = {k: v for k, v in saved["options"].items() if v is not None or k != "rtol"} | options
            method = "auto" if saved["auto"] is True else from_record(saved["method"])
            session = cls(method, [from_record(r) for r in saved["learners"]], **chosen)
            session.load_state_dict(saved)
        except StateFileError:
            raise
        except Exception as error:
            raise StateFileError(f"{path}: not a session ({type(error).__name__}: {error})") from None
        return session


def _better(result: Result, earlier: Result | None) -> None:
    """A failed solve gives back the best x of its attempts."""
    if earlier is not None and not result.seen.get("residual", math.inf) <= earlier.seen.get("residual", math.inf):
        result.x = earlier.x
        for name in ("residual", "backward_error"):
            if name in earlier.seen:
                result.seen[name] = earlier.seen[name]


def _check_options(
    rtol: float, atol: float, max_steps: int | None, max_seconds: float | None, on_fail: str, cost: str
) -> None:
    for name, value in (("rtol", rtol), ("atol", atol), ("max_seconds", 0.0 if max_seconds is None else max_seconds)):
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ValueError(f"{name}={value!r} was given; a finite number that is not negative is expected")
    if max_steps is not None and (isinstance(max_steps, bool) or not isinstance(max_steps, int) or max_steps < 0):
        raise ValueError(f"max_steps={max_steps!r} was given; a whole number that is not negative is expected")
    if on_fail not in ("warn", "raise", "ignore"):
        raise ValueError(f'on_fail={on_fail!r} was given; "warn", "raise" or "ignore" is expected')
    if cost not in ("model", "seconds"):
        raise ValueError(f'cost={cost!r} was given; "model" or "seconds" is expected')


def _check_method(method: Any) -> None:
    if not (hasattr(method, "step") and hasattr(method, "init")) and not hasattr(method, "solve"):
        raise ValueError(f"{method!r} is not a method: it needs init, step and solution, or solve")


def _check_owners(learners: Sequence[Any]) -> None:
    owned: dict[str, str] = {}
    for learner in learners:
        for name in learner.owns:
            if name in owned:
                raise ValueError(f"{type(learner).__name__} and {owned[name]} both own {name!r}; keep one of them")
            owned[name] = type(learner).__name__


def _measured(cost: Cost, seconds: float, problem: Any) -> Cost:
    """The modelled parts stretched to the measured time."""
    factor = seconds / problem.product_seconds / max(cost.total, 1e-12)
    return Cost(cost.once * factor, cost.setup * factor, cost.running * factor)
