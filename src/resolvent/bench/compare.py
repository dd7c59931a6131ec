"""resolvent and its peers over one sequence, in one process, system by system in turn, on one thread.

Each contender holds its own state and meets every system in the order of the sequence; who begins moves on by one
each time. The clock runs over the solve alone, set-up and learning included, for resolvent also over the making of
the LinearSystem. Answers are verified outside the clock, ``|b - A x| <= rtol |b|`` in the 2-norm. Problems of a
*coupled* sequence depend on solutions: resolvent's certified solution is fed, so that all solve the same systems.
Kernels are compiled, and libraries loaded, on another small system before.
"""

import math
import statistics
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .krylov_peers import general_peers
from .peers import AbandonedError, Peer, peers, silenced
from .threads import one_thread

__all__ = ["Entrant", "compare", "race", "warm_up"]

OURS = "resolvent auto"
_SLACK = 1.01  # a peer stops on a recurrence that drifts: a hundredth beyond the tolerance is forgiven


@dataclass
class Entrant:
    """A contender and its record.

    Parameters
    ----------
    name : str
    call : callable or None
        ``call(problem, until) -> (x, iterations)``; None when it is not there.
    note : str
        Why it is not there, or did not come to the end.
    """

    name: str
    call: Callable[[Any, float], tuple[Any, int]] | None
    note: str = ""
    seconds: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    failed: int = 0
    out: bool = False
    cost: float = 0.0

    @property
    def total(self) -> float:
        """Seconds so far."""
        return sum(self.seconds)

    def row(self, systems: int, reference: float | None) -> dict[str, Any]:
        """One line of the table as plain values."""
        done = len(self.seconds)
        whole = done == systems and not self.out
        return {
            "name": self.name,
            "systems": done,
            "failed": self.failed,
            "seconds": self.total if done else None,
            "median_ms": 1e3 * statistics.median(self.seconds) if done else None,
            "ratio": self.total / reference if done and reference else None,
            "iterations": statistics.fmean(self.steps) if self.steps else None,
            "complete": whole,
            "valid": whole and not self.failed,
            "note": self.note,
        }


_NOT_SYMMETRIC = ("convection-diffusion", "helmholtz")


def usual_peers(name: str, rtol: float, coupled: bool = False) -> dict[str, Any]:
    """Fresh peers for a gallery sequence: those that its systems are symmetric enough for."""
    return general_peers(rtol) if name in _NOT_SYMMETRIC else dict(peers(rtol, warm=coupled))


def warm_up(rtol: float = 1e-8, name: str = "darcy-path", others: Any = None) -> None:
    """Compile and load everything that is timed later, on small systems of another size."""
    from ..api import solve
    from ..auto import arms
    from ..core import Session
    from ..gallery import sequence

    small = sequence(name if name in _NOT_SYMMETRIC else "darcy-path", count=6, size=40)
    with silenced():
        for arm in arms(small[0]):
            solve(small[0], arm.method, rtol=rtol, on_fail="ignore")
        session = Session(rtol=rtol)
        for problem in small:
            session.solve(problem)
        for peer in (usual_peers(name, rtol) if others is None else others).values():
            if isinstance(peer, Peer):
                with suppress(AbandonedError):
                    peer(small[0], time.perf_counter() + 0.5)


class Ours:
    """A Session as a contender; keeps what the table says of it."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.ratios: list[float] = []
        self.last: Any = None
        self.methods: dict[str, int] = {}

    def __call__(self, problem: Any, until: float) -> tuple[Any, int]:
        result = self.last = self.session.solve(replace(problem))
        return result.x, result.steps

    def book(self, problem: Any, took: float) -> None:
        """Outside the clock: the modelled cost over the time in products with this very matrix."""
        self.ratios.append(self.last.cost.total * product_seconds(problem) / took)
        inner = getattr(self.last.method, "preconditioner", None)
        name = type(self.last.method).__name__ + ("" if inner is None else f"+{type(inner).__name__}")
        self.methods[name] = self.methods.get(name, 0) + 1


def product_seconds(problem: Any, samples: int = 3) -> float:
    """Median seconds of our product with the problem's matrix, warm."""
    x = np.ones(problem.n, dtype=problem.dtype)
    work = dict(problem.work.running)
    took = []
    problem.product(x)
    for _ in range(samples):
        start = time.perf_counter()
        problem.product(x)
        took.append(time.perf_counter() - start)
    problem.work.running = work
    return statistics.median(took)


def race(
    problems: Iterable[Any],
    entrants: list[Entrant],
    *,
    rtol: float = 1e-8,
    budget: float = 60.0,
    leave: bool = False,
    feed: Callable[[int, Any], Any] | None = None,
    after: Callable[[Entrant, Any, float], Any] | None = None,
    look: Callable[[int, list[Entrant]], Any] | None = None,
) -> int:
    """Let the entrants meet the problems in turn; the first entrant's solutions are fed.

    Parameters
    ----------
    problems : iterable
    entrants : list of Entrant
        The first one is never left behind.
    rtol : float
        What answers are verified against.
    budget : float
        Seconds after which an entrant is cut off.
    leave : bool
        Leave those behind that have lost already: that took more so far than 1.25 x what all systems will take the
        fastest of the others (the first entrant apart), or ten times what it took so far (2.5 times after a quarter of
        the systems, ten at least; in the first three only who forgets, from whom nothing better can be expected). A
        direct one does not begin whose factors for all systems are estimated beyond the first of these by half.
    feed : callable, optional
        ``feed(i, x)`` for coupled sequences.
    after : callable, optional
        ``after(entrant, problem, seconds)`` outside the clock.
    look : callable, optional
        ``look(done, entrants)`` after each system, outside the clock.

    Returns
    -------
    int
        How many problems there were.
    """
    count, total = 0, len(problems) if hasattr(problems, "__len__") else None
    for i, problem in enumerate(problems):
        count = i + 1
        norm = float(np.linalg.norm(problem.b))
        first: Any = None
        for k in range(len(entrants)):
            entrant = entrants[(i + k) % len(entrants)]
            if entrant.call is None or entrant.out:
                continue
            whole, now = _allowed(entrants, entrant, i, total) if leave else (budget, budget)
            left = 1 if total is None else total - i
            x = _turn(entrant, problem, min(budget, whole), min(budget, now), left)
            if x is None:
                continue
            residual = float(np.linalg.norm(problem.b - problem.A @ x))
            entrant.failed += not residual <= rtol * norm * (1.0 if entrant is entrants[0] else _SLACK)
            if entrant is entrants[0]:
                first = x
            if after is not None:
                after(entrant, problem, entrant.seconds[-1])
        if feed is not None:
            feed(i, first)
        if look is not None:
            look(count, entrants)
    return count


def _allowed(entrants: list[Entrant], entrant: Entrant, i: int, total: int | None) -> tuple[float, float]:
    """Seconds for all systems, and up to the end of system `i`, that leave the entrant in the race."""
    others = [e for e in entrants[1:] if e.seconds and not (e.out or e.failed or e is entrant)]
    if not others or entrant is entrants[0]:
        return math.inf, math.inf
    whole = math.inf if total is None else max(0.3, 1.25 * total * min(e.total / len(e.seconds) for e in others))
    now = math.inf
    if i >= 3 or getattr(entrant.call, "forgets", False):
        now = (2.5 if i >= max(9, (total or 0) // 4) else 10.0) * min(e.total for e in others)
    return whole, max(min(whole, now), 0.3)


def _unknown(problem: Any, left: int) -> float:
    """Seconds expected of an entrant that foretells nothing."""
    return 0.0


def _leave(entrant: Entrant) -> None:
    """Behind for good."""
    entrant.out = True
    entrant.note = f"left after {entrant.total:.3g} s, {len(entrant.seconds)} systems: a lower bound"


def _turn(entrant: Entrant, problem: Any, whole: float, allowed: float, left: int) -> Any:
    """One timed solve; None when it did not end."""
    call = entrant.call
    assert call is not None
    expected = getattr(call, "expected", _unknown)(problem, left)
    if entrant.total > allowed:  # lost since its last turn
        return _leave(entrant)
    if expected > 1.5 * (whole - entrant.total):
        entrant.out, entrant.note = True, f"left out: its factors are estimated at {expected:.3g} s at least"
        return None
    with silenced():
        start = time.perf_counter()
        try:
            x, steps = call(problem, start + allowed - entrant.total)
        except AbandonedError:
            x, steps = None, 0
        except Exception as error:  # a peer may fail as it likes: that is its result
            x, steps, entrant.note = None, 0, f"{type(error).__name__}: {error}"[:60]
            entrant.failed, entrant.out = entrant.failed + 1, True
        took = time.perf_counter() - start + getattr(call, "charged", 0.0)  # a set-up that another made for both
    entrant.seconds.append(took)
    if x is not None:
        entrant.steps.append(steps)
    if entrant.total > allowed and not entrant.out:
        _leave(entrant)
    return x


def compare(
    name: str,
    count: int | None = None,
    size: int | None = None,
    out: Callable[[str], Any] | None = print,
    budget: float = 60.0,
    *,
    rtol: float = 1e-8,
    leave: bool = False,
    problems: Any = None,
    session: Any = None,
    others: Callable[[], dict[str, Any]] | None = None,
    look: Callable[[int, list[Entrant]], Any] | None = None,
) -> dict[str, Any]:
    """resolvent's auto against the peers over a sequence.

    Parameters
    ----------
    name : str
        A gallery sequence (a title only, when `problems` are given).
    count, size : int, optional
        As in the gallery.
    out : callable or None
        Takes the lines of the table.
    budget : float
        Seconds for each contender; one that needs more is cut off, and its row says so.
    rtol : float
    leave : bool
        Leave peers behind that have lost already (see `race`): saves most of the time and keeps the best peer.
    problems : iterable, optional
        Systems of your own; a ``feed(i, x)`` is told resolvent's solutions.
    session : Session, optional
        Another contender in place of auto.
    others : callable, optional
        Makes the peers by name, in place of the usual ones.
    look : callable, optional
        As in `race`.

    Returns
    -------
    dict
        ``rows`` (resolvent first), ``best`` (the fastest peer that solved everything, or None), ``ratio`` (its
        seconds over ours; where no peer came to the end, the least lower bound over systems met by both),
        ``modelled_over_measured``, ``methods``.

    Examples
    --------
    >>> from resolvent.bench.compare import compare
    >>> table = compare("darcy-path", count=3, size=12, out=None)
    >>> table["systems"], table["rows"][0]["name"], table["rows"][0]["failed"]
    (3, 'resolvent auto', 0)
    """
    from ..core import Session
    from ..gallery import OTHERS, SEQUENCES, sequence

    if problems is None and name in OTHERS:
        raise ValueError(
            f"the problems of {name!r} are no linear systems, and the peers here solve these; "
            f"there are: {', '.join(sorted(SEQUENCES))}"
        )
    given = sequence(name, count, size) if problems is None else problems
    coupled = getattr(given, "coupled", False)
    with one_thread():
        warm_up(rtol, name, None if others is None else others())
        ours = Ours(Session(rtol=rtol, on_fail="ignore") if session is None else session)
        entrants = [Entrant(OURS, ours)]
        for title, peer in (usual_peers(name, rtol, coupled) if others is None else others()).items():
            entrants.append(Entrant(title, None, peer) if isinstance(peer, str) else Entrant(title, peer))

        def after(entrant: Entrant, problem: Any, took: float) -> None:
            if entrant is entrants[0]:
                ours.book(problem, took)

        systems = race(
            given,
            entrants,
            rtol=rtol,
            budget=budget,
            leave=leave,
            feed=getattr(given, "feed", None),
            after=after,
            look=look,
        )
    table = _table(name, systems, entrants, ours)
    if out is not None:
        for line in lines(table):
            out(line)
    return table


def _table(name: str, systems: int, entrants: list[Entrant], ours: Ours) -> dict[str, Any]:
    reference = entrants[0].total
    rows = [e.row(systems, reference) for e in entrants]
    valid = [r for r in rows[1:] if r["valid"]]
    best = min(valid, key=lambda r: r["seconds"]) if valid else None
    bounds = [e.total / sum(entrants[0].seconds[: len(e.seconds)]) for e in entrants[1:] if e.seconds and not e.failed]
    return {
        "name": name,
        "systems": systems,
        "rows": rows,
        "best": None if best is None else best["name"],
        "ratio": best["ratio"] if best is not None else min(bounds, default=None),
        "modelled_over_measured": statistics.median(ours.ratios) if ours.ratios else None,
        "methods": ours.methods,
        "summary": ours.session.summary(),
        "seconds": list(entrants[0].seconds),
    }


def lines(table: dict[str, Any]) -> list[str]:
    """The table as text."""
    head = f"{'contender':42s} {'solved':>9s} {'seconds':>9s} {'median ms':>10s} {'ratio':>7s} {'its':>8s}  note"
    out = [f"{table['name']}, {table['systems']} systems, one thread, in turn", head]
    for row in sorted(table["rows"], key=lambda r: (r["seconds"] is None, not r["valid"], r["seconds"] or 0.0)):
        solved = f"{row['systems'] - row['failed']}/{table['systems']}"
        note = row["note"] or (f"{row['failed']} miss the tolerance" if row["failed"] else "")
        if row["seconds"] is None:
            out.append(f"{row['name']:42s} {'-':>9s} {'-':>9s} {'-':>10s} {'-':>7s} {'-':>8s}  {note}")
            continue
        its = "-" if row["iterations"] is None else f"{row['iterations']:.1f}"
        figures = f"{row['seconds']:9.3f} {row['median_ms']:10.2f} {row['ratio']:7.2f} {its:>8s}"
        out.append(f"{row['name']:42s} {solved:>9s} {figures}  {note}")
    model = table["modelled_over_measured"]
    if model is not None:
        out.append(f"resolvent's cost, modelled over measured, median: {model:.2f}")
    return out
