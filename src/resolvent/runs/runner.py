"""Solve a sequence into a folder, checkpoint by checkpoint, so that it may be killed at any instant.

A checkpoint writes session and sequence as they are between two solves, **and the run goes on from what it has just
written**, by loading it: a run that is killed and resumed and one that is not pass through the same files, so their
solutions are the same bits whatever a learner forgets to save. When one is due is decided by modelled work, never by
the clock, and so are all choices of the session.
"""

import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Session, StateFileError, Status, load_state, save_state
from ..core.registry import hook
from ..gallery.readers import FileSequence
from .answers import fingerprint, kept, kept_shape, storable
from .assemble import assemble, stands
from .folder import Folder, RunError
from .learned import learners_table
from .plan import Plan, make_session, open_source, solving_order, versions

__all__ = ["Outcome", "execute"]

_MOST_SOLVES = 1000
_ROWS = 120


@dataclass
class Outcome:
    """How a run ended.

    Attributes
    ----------
    status : {"complete", "interrupted", "ended"}
        ``ended``: a problem that the next ones depend on was not solved.
    solved, ok, total : int
        Solves made, those that met their tolerance, those there were to make.
    seconds : float
        Inside solves.
    summary : list of str
    note : str
        One sentence more, or nothing.
    folder : path or None
    checkpoint : int
        Solves that the last checkpoint counts.
    resumed : int or None
        Solves that were there already.
    ones : int
        Systems from files that were solved for a vector of ones.
    """

    status: str = "complete"
    solved: int = 0
    ok: int = 0
    total: int = 0
    seconds: float = 0.0
    summary: list[str] = field(default_factory=list)
    note: str = ""
    folder: Path | None = None
    checkpoint: int = 0
    resumed: int | None = None
    ones: int = 0

    @property
    def good(self) -> bool:
        """Everything solved."""
        return self.status == "complete" and self.ok == self.solved


def execute(
    plan: Plan, out: Any = None, resume: bool = False, bar: Any = None, source: Any = open_source, product: Any = None
) -> Outcome:
    """Run a plan.

    Parameters
    ----------
    plan : Plan
    out : path, optional
        The run's folder; nothing is written without.
    resume : bool
        Continue what is there; an empty or missing folder starts a run.
    bar : callable, optional
        ``bar(total, done)`` gives something with ``advance(result)`` and ``close()``.
    source : callable
        ``source(plan, where)`` gives the sequence.
    product : object, optional
        What is made of the parts at the end in place of ``solutions.h5``: ``path``, and ``write(run, solved)``, which
        returns what the manifest says of it.

    Returns
    -------
    Outcome

    Raises
    ------
    RunError
        One sentence, for anything that stops the run; what is in the folder can be resumed.
    OSError
        When the folder cannot be written.

    Examples
    --------
    >>> from resolvent.runs import Plan, execute
    >>> outcome = execute(Plan("darcy-path", count=3, size=8, rtol=1e-8))
    >>> outcome.good, outcome.solved
    (True, 3)
    """
    if out is None:
        if resume:
            raise RunError("resuming needs the run's folder: say it with --out")
        return _Run(plan.filled(), None, {}, bar, source, product).go()
    folder = Folder(out)
    if not folder.empty() and not resume:
        raise RunError(f"{folder.path} is not empty: resume the run in it with --resume, or give another folder")
    fresh = folder.empty()
    manifest = {} if fresh else folder.manifest()
    plan = plan.filled() if fresh else plan.agreed(manifest)
    run = _Run(plan, folder, manifest, bar, source, product)
    there = folder.path.exists()
    folder.hold()
    try:
        return run.go()
    except (ValueError, TypeError):
        if fresh and run.position == 0:  # a wrong pair of method and problem, say: nothing that could be resumed
            folder.clear()
        raise
    finally:
        if fresh and run.position == 0 and not there:
            folder.vanish()
        folder.release()


class _Run:
    """One process's part of a run."""

    def __init__(
        self, plan: Plan, folder: Folder | None, manifest: dict[str, Any], bar: Any, source: Any, product: Any
    ) -> None:
        self.plan, self.folder, self.manifest, self.bar = plan, folder, manifest, bar
        self.product = product
        self.sequence = source(plan, manifest["plan"]["where"] if manifest else None)
        self.order = [int(i) for i in manifest["order"]] if manifest else solving_order(plan, self.sequence)
        self.session: Session = make_session(plan) if not manifest else None  # type: ignore[assignment]
        self.outcome = Outcome(total=len(self.order), folder=folder.path if folder else None)
        self.position, self.work = 0, 0.0
        self.stop = False
        count = len(self.order)
        self.drawn = {0, 1, 2, *(round(k * (count - 1) / 8) for k in range(9))}

    def go(self) -> Outcome:
        """From where it stands to the end, or to the wish to stop."""
        if self.folder is not None:
            self._prepare()
            if self.manifest.get("complete") and self.position == self.manifest.get("solved"):
                return self._finish()
        elif self.sequence.coupled:
            self.sequence.reset()
        shown = self.bar(self.outcome.total, self.position) if self.bar else None
        try:
            with _stoppable(self):
                self._solve(shown)
        finally:
            if shown is not None:
                shown.close()
        return self._finish()

    # ---- starting and resuming -------------------------------------------------------------------------------------

    def _prepare(self) -> None:
        assert self.folder is not None
        self.sequence.reset()
        if not self.manifest:
            self._check_first()
            self.manifest = {"plan": self.plan.record(), "order": self.order, "versions": versions(), "complete": False}
            self.manifest |= {"title": self.sequence.title, "name": self.sequence.name, **self.shape}
            self.folder.begin(self.manifest)
        if self.folder.state.exists():
            self._load()
        else:
            self.session = make_session(self.plan)
            self.folder.cut([])
            self._checkpoint()
        self.outcome.checkpoint = self.position

    def _check_first(self) -> None:
        """The first problem is built before anything is written, so that bad input leaves nothing behind."""
        problem = self.sequence[self.order[0]]
        if not storable(problem):
            raise RunError(
                f"a run's folder cannot hold the solutions of {self.plan.source}: leave --out away, or solve from Python, "
                f"session.solve_all(rv.load_sequence({self.plan.source!r}))"
            )
        self.shape = {"n": kept_shape(problem)[0], "dtype": str(problem.dtype)}

    def _load(self) -> None:
        """Session and sequence as the checkpoint has them; what lies beyond it goes."""
        assert self.folder is not None
        try:
            state = load_state(self.folder.state)
            self.position = int(state["run"]["position"])
            if self.sequence.coupled:
                self.sequence.load_state_dict(state["sequence"])
            self.session = Session.load(self.folder.state)
        except (StateFileError, KeyError, TypeError, ValueError) as error:
            what = str(error).removeprefix(f"{self.folder.state}: ")
            raise RunError(
                f"{self.folder.state} cannot be used ({what}): delete it to run everything again from the start"
            ) from None
        self.folder.cut(self.order[: self.position])
        done = list(self.folder.entries())
        self.outcome.solved, self.outcome.ok = self.position, sum(bool(e["ok"]) for e in done)
        self.outcome.seconds = sum(float(e["seconds"]) for e in done)
        self.outcome.resumed = self.position

    # ---- solving ---------------------------------------------------------------------------------------------------

    def _solve(self, shown: Any) -> None:
        while self._open() and not self.stop:
            i = self.order[self.position]
            problem = self._problem(i)
            result = self.session.solve(problem)
            if result.status == Status.INTERRUPTED:
                self.stop = True
                break
            self._enter(i, problem, result)
            if shown is not None:
                shown.advance(result)
            if self.sequence.coupled and not self._feed(i, result):
                break
            if self.work >= float(self.plan.checkpoint or 0) or self.position % _MOST_SOLVES == 0:
                self._checkpoint()

    def _open(self) -> bool:
        """Whether there is anything left to solve."""
        if self.sequence.coupled and self.sequence.position < self.position:
            self.outcome.status = "ended"
            self.outcome.note = f"the sequence ends with system {self.position - 1}, which the next one depends on"
            return False
        return self.position < len(self.order) and not (self.sequence.coupled and self.sequence.done)

    def _problem(self, i: int) -> Any:
        try:
            return self.sequence[i]
        except (ValueError, TypeError, OSError) as error:
            raise RunError(f"system {i} cannot be had: {error}") from None

    def _enter(self, i: int, problem: Any, result: Any) -> None:
        """Count one solve, and write it down."""
        result.index = i
        self.position += 1
        self.outcome.solved += 1
        self.outcome.ok += result.ok
        self.outcome.seconds += result.seconds
        self.outcome.ones += isinstance(self.sequence, FileSequence) and bool(np.all(problem.b == 1))
        self.work += result.cost.total * getattr(problem, "product_seconds", 0.0)
        if self.folder is None:
            return
        self.folder.put(i, kept(problem, result))
        entry = self.session.records[-1] | {"index": i, "certificate": result.certificate()}
        entry |= {"cold": self.session.totals["cold"], "system": fingerprint(problem)}
        entry["unit_seconds"] = getattr(problem, "product_seconds", None)
        if self.position - 1 in self.drawn or not result.ok:
            entry["history"] = _thinned(result.history)
        self.folder.log(entry)

    def _feed(self, i: int, result: Any) -> bool:
        try:
            self.sequence.feed(i, result.x)
        except ValueError as error:
            self.outcome.status = "ended"
            self.outcome.note = f"the sequence ends with system {i}, which the next one depends on: {error}"
        return self.outcome.status != "ended"

    def _checkpoint(self) -> None:
        """Everything up to here to the disk, and on from what was written."""
        self.work = 0.0
        if self.folder is None:
            return
        self.folder.sync()
        save_state(self.folder.state, self._state())
        self.outcome.checkpoint = self.position
        last = self.position == len(self.order)
        if not last:
            del self.session
            self.session = Session.load(self.folder.state)

    def _state(self) -> dict[str, Any]:
        run = {
            "position": self.position,
            "learners": learners_table(self.session),
        }
        state = {"session": self.session.state_dict(), "run": run}
        if self.sequence.coupled:
            state["sequence"] = self.sequence.state_dict()
        return state

    # ---- the end ---------------------------------------------------------------------------------------------------

    def _finish(self) -> Outcome:
        outcome = self.outcome
        self.session.totals["seconds"] = outcome.seconds  # a state has none, so that it is the same bytes again
        outcome.summary = self.session.summary().splitlines()
        if self.stop and self._open():
            outcome.status = "interrupted"
            return outcome
        outcome.total = self.position
        if self.folder is None:
            return outcome
        made = stands(self.folder, self.position) if self.product is None else self.product.path.exists()
        if self.manifest.get("complete") and made and self.folder.report.exists():
            return outcome
        if outcome.checkpoint < self.position:
            self._checkpoint()
        said: dict[str, Any] = {}
        if self.product is None:
            assemble(self.folder, self.position)
        else:
            said = {"product": self.product.write(self, self.position)}
        totals = {key: value for key, value in self.session.totals.items() if key != "seconds"}
        ending = {"complete": True, "solved": self.position, "ok": outcome.ok, "note": outcome.note, "totals": totals}
        self.folder.write_manifest(self.manifest | ending | said)
        hook("page")(self.folder.path)
        return outcome


def _thinned(history: Any) -> list[list[float]]:
    """At most some hundred rows of (iteration, residual), first and last among them."""
    rows = np.asarray(history)
    if len(rows) > _ROWS:
        rows = rows[np.unique(np.linspace(0, len(rows) - 1, _ROWS).round().astype(int))]
    return [[int(k), float(residual)] for k, residual in rows]


@contextlib.contextmanager
def _stoppable(run: _Run) -> Iterator[None]:
    """Ctrl-C and a polite kill let the solve in hand end; a second Ctrl-C breaks it off."""

    def ask(number: int, frame: Any) -> None:
        if run.stop and number == signal.SIGINT:
            raise KeyboardInterrupt
        run.stop = True

    kept = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(ValueError):  # not in the main thread
            kept[number] = signal.signal(number, ask)
    try:
        yield
    except KeyboardInterrupt:
        run.stop = True
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
