"""A progress bar over a sequence, on stderr: rich where it is installed and someone is watching, else plain lines."""

import sys
import time
from importlib.util import find_spec
from typing import IO, Any

__all__ = ["ProgressBar"]


class ProgressBar:
    """Counts solves, and those that did not meet their tolerance.

    Parameters
    ----------
    problems : iterable or int
        The sequence (its length, where it has one) or the number of solves to come.
    done : int
        Solves that were done before (a resumed run).
    file : text stream, optional
        stderr without.

    Examples
    --------
    >>> import sys, resolvent as rv
    >>> from resolvent.recorders import ProgressBar
    >>> bar = ProgressBar(2, file=sys.stdout)
    >>> bar.advance(rv.Result(status=rv.Status.RESIDUAL))
    >>> bar.close()
    1 of 2 done
    """

    _PAUSE = 10.0

    def __init__(self, problems: Any, done: int = 0, file: IO[str] | None = None) -> None:
        self.file = sys.stderr if file is None else file
        self.total = problems if isinstance(problems, int) else _length(problems)
        self.done, self.failed = done, 0
        self._begin = self._said = time.perf_counter()
        self._bar: Any = None
        if getattr(self.file, "isatty", lambda: False)() and find_spec("rich") is not None:
            self._bar, self._task = _rich_bar(self.file, self.total, done)

    def advance(self, result: Any) -> None:
        """One more result."""
        self.done += 1
        self.failed += not result.ok
        if self._bar is not None:
            self._bar.update(self._task, advance=1, note=self._note())
        elif time.perf_counter() - self._said > self._PAUSE:
            self._said = time.perf_counter()
            self._say()

    def close(self) -> None:
        """Leave the bar as it stands; a plain one says its last line, when there is something to say."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
        elif self.done:
            self._say()

    def _note(self) -> str:
        return f"{self.failed} not solved" if self.failed else ""

    def _say(self) -> None:
        of = "" if self.total is None else f" of {self.total}"
        note = f", {self._note()}" if self.failed else ""
        print(f"{self.done}{of} done{note}", file=self.file, flush=True)


def _length(problems: Any) -> int | None:
    try:
        return len(problems)
    except TypeError:
        return None


def _rich_bar(file: IO[str], total: int | None, done: int) -> tuple[Any, Any]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bar = Progress(
        TextColumn("solving"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=Console(file=file),
        transient=False,
    )
    bar.start()
    return bar, bar.add_task("solve", total=total, completed=done, note="")
