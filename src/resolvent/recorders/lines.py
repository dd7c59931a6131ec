"""Say what is seen as it is seen: a table for people, JSON lines for programs.

Both write to a stream or, for ``JSONLines``, to a file; each line is complete and flushed when it appears, so a run
that is killed leaves at most one half line behind.
"""

import json
import sys
from pathlib import Path
from typing import IO, Any

from ..core import State, Status

__all__ = ["JSONLines", "Table"]


class Table:
    """A line each ``every`` iterations: iteration, residual, residual over the one at the start.

    Parameters
    ----------
    every : int, default 10
        Iterations between lines.
    file : text stream, optional
        stderr without.

    Raises
    ------
    ValueError
        For ``every`` below 1.

    Examples
    --------
    >>> import sys, numpy as np, resolvent as rv
    >>> from resolvent.recorders import Table
    >>> _ = rv.solve(rv.LinearSystem(np.diag([1.0, 4.0]), np.ones(2)), "cg", recorders=[Table(1, sys.stdout)])
    CG(preconditioner=None, stride=64) on a system of 2
         steps    residual   relative
             0   1.414e+00  1.000e+00
             1   ...
             2   ...
    """

    each = True

    def __init__(self, every: int = 10, file: IO[str] | None = None) -> None:
        if every < 1:
            raise ValueError(f"every={every} was given; at least 1 is expected")
        self.every = every
        self.file = file

    def begin(self, problem: Any, method: Any, state: State) -> None:
        """The head of the table and the first line."""
        self._first = float(state.seen.get("residual", float("nan")))
        self._said = -1
        size = getattr(problem, "n", None)
        self._print(f"{method}" + ("" if size is None else f" on a system of {size}"))
        self._print(f"{'steps':>10s}{'residual':>12s}{'relative':>11s}")
        self._line(state)

    def step(self, problem: Any, state: State) -> Status | None:
        """A line when one is due, and when the method has stopped by itself."""
        goal = state.goal
        done = goal is not None and state.seen.get("residual", float("inf")) <= goal
        if state.k >= self._said + self.every or done or state.status != Status.RUNNING:
            self._line(state)
        return None

    def end(self, problem: Any, result: Any) -> None:
        """How it ended, in a sentence."""
        self._print(result.reason)

    def _line(self, state: State) -> None:
        residual = float(state.seen.get("residual", float("nan")))
        relative = residual / self._first if self._first > 0 else 0.0
        self._said = state.k
        self._print(f"{state.k:10d}{residual:12.3e}{relative:11.3e}")

    def _print(self, text: str) -> None:
        print(text, file=sys.stderr if self.file is None else self.file, flush=True)


class JSONLines:
    """One JSON object a line for everything that is seen: ``begin``, ``step`` and ``end`` events.

    Parameters
    ----------
    target : path or text stream
        A file is opened for appending; close it with `close`, or use the recorder as a context.
    each : bool, default False
        See every iteration.

    Raises
    ------
    OSError
        When the file cannot be opened.

    Examples
    --------
    >>> import io, json, numpy as np, resolvent as rv
    >>> from resolvent.recorders import JSONLines
    >>> out = io.StringIO()
    >>> _ = rv.solve(rv.LinearSystem(np.diag([1.0, 4.0]), np.ones(2)), "cg", recorders=[JSONLines(out)])
    >>> events = [json.loads(line) for line in out.getvalue().splitlines()]
    >>> events[0]["event"], events[0]["method"], events[1]["event"]
    ('begin', 'CG(preconditioner=None, stride=64)', 'step')
    """

    def __init__(self, target: Any, each: bool = False) -> None:
        self.each = each
        self._own = isinstance(target, str | Path)
        self._file: IO[str] = open(target, "a", encoding="utf-8") if self._own else target  # noqa: SIM115

    def begin(self, problem: Any, method: Any, state: State) -> None:
        """What begins, and its first residual."""
        self._write({"event": "begin", "method": repr(method), "n": getattr(problem, "n", None), **_facts(state)})

    def step(self, problem: Any, state: State) -> Status | None:
        """The facts that the state has seen."""
        self._write({"event": "step", **_facts(state)})
        return None

    def end(self, problem: Any, result: Any) -> None:
        """The certificate."""
        self._write({"event": "end", **result.certificate()})

    def close(self) -> None:
        """Close the file that was opened here; a stream that was given stays open."""
        if self._own:
            self._file.close()

    def __enter__(self) -> "JSONLines":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _write(self, event: dict[str, Any]) -> None:
        self._file.write(json.dumps(_plain(event)) + "\n")
        self._file.flush()


def _facts(state: State) -> dict[str, Any]:
    return {"k": int(state.k), "seen": {name: float(value) for name, value in state.seen.items()}}


def _plain(value: Any) -> Any:
    """JSON has no NaN and no infinity: they become null."""
    if isinstance(value, dict):
        return {key: _plain(v) for key, v in value.items()}
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
