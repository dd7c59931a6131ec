"""The Session: what lives between solves. it asks its learners, runs the loop, keeps the books."""

import os
import threading
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from . import books
from .errors import ConvergenceWarning
from .keeping import session_from, session_state, take_over
from .options import check_method, check_options, check_owners
from .order import similar_order
from .persist import load_state, save_state
from .purse import Purse
from .registry import hook, method_named
from .result import Result
from .solving import DEFAULT_RTOL, Solving
from .status import Status
from .stopping import Rule, Standard

__all__ = ["DEFAULT_RTOL", "Session"]


class Session(Solving):
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
        check_options(rtol, atol, max_steps, max_seconds, on_fail, cost, seed)
        self.learners: list[Any] = list(learners)
        self.method: Any = None
        self.auto = isinstance(method, str) and method.lower() == "auto"
        if self.auto:
            self.learners.insert(0, hook("auto")(seed))
        else:
            self.method = method_named(method) if isinstance(method, str) else method
            check_method(self.method)
        check_owners(self.learners)
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
        self.paid = books.Paid()
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
            ``"similar"`` solves in greedy nearest-neighbour order of the contexts (or of cheap features);
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
        try:
            for result in solving:
                if bar is not None:
                    bar.advance(result)
                yield result
                if result.status == Status.INTERRUPTED:
                    raise KeyboardInterrupt(result.reason)
        finally:
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
            if getattr(self.method, "block", False) and getattr(problem, "nullspace", None) is None:
                return self._solve_one(problem.together(columns), x0)
            return self._solve_columns(problem, columns, x0)

    def _solve_columns(self, problem: Any, columns: list[Any], x0: Any) -> Result:
        guesses = [None] * len(columns) if x0 is None else problem.split(x0)
        results = [self._solve_one(part, guess) for part, guess in zip(columns, guesses, strict=True)]
        joined: Result = problem.join(results)
        return joined

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
        return session_state(self, DEFAULT_RTOL)

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave, learners in the same order.

        Raises
        ------
        StateFileError
            When the state belongs to a session of another make-up.
        """
        take_over(self, state)

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
        session: Session = session_from(cls, load_state(path), path, options)
        return session
