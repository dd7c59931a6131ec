"""The Session's books: one small record a solve, totals that never grow, and the lines of the summary."""

import collections
import math
from collections.abc import Callable, Iterator
from typing import Any

from .protocol import Advice, State
from .result import Result
from .status import Change, Status

__all__ = ["Callback", "Paid", "Record", "Records", "add", "light", "opening", "reopened", "summary"]


class Callback:
    """A user's callback as a recorder; a true answer stops the solve with USER."""

    each = True

    def __init__(self, call: Callable[[Any], Any]) -> None:
        self.call = call

    def begin(self, problem: Any, method: Any, state: State) -> None:
        """Nothing to see yet."""

    def step(self, problem: Any, state: State) -> Status | None:
        """Let the user look."""
        answer = self.call(state)
        return Status.USER if isinstance(answer, bool) and answer else None

    def end(self, problem: Any, result: Any) -> None:
        """Nothing left to see."""


def light(advice: Advice) -> Advice:
    """The advice with what it carried by name only, so that a kept result does not keep a factor alive."""
    carry = {slot: type(kept).__name__ for slot, kept in advice.carry.items() if slot != "symbolic"}
    return Advice(advice.x0, advice.params, carry, advice.cap, advice.trial)


class Record:
    """What is remembered of one solve; ``entry()`` gives it as plain numbers and strings."""

    __slots__ = ("change", "cost", "guess", "kept", "method", "retried", "seen", "trial", "what", "work")

    def __init__(self, result: Result, change: Change, first: Advice, advice: Advice) -> None:
        self.what = (result.index, result.status, result.steps, result.threshold, result.seconds, result.why)
        self.seen = result.seen
        self.cost = result.cost
        self.method = result.method
        self.work = result.work
        self.change = change
        unasked = ("symbolic", "residual")
        self.kept = [slot for slot, kept in first.carry.items() if slot not in unasked and kept is not None]
        self.guess = first.x0 is not None
        self.trial = bool(first.trial)
        self.retried = first is not advice

    def entry(self) -> dict[str, Any]:
        """One line of the log."""
        index, status, steps, threshold, seconds, why = self.what
        told = Result(status=status, steps=steps, seen=self.seen, why=why, threshold=threshold)
        return {
            "index": index,
            "status": status.name,
            "ok": status > 0,
            "reason": told.reason,
            "steps": int(steps),
            "residual": float(self.seen.get("residual", float("nan"))),
            "tolerance": None if threshold is None else float(threshold),
            "once": float(self.cost.once),
            "setup": float(self.cost.setup),
            "running": float(self.cost.running),
            "seconds": float(seconds),
            "method": repr(self.method),
            "change": self.change.name,
            "kept": sorted(self.kept),
            "guess": self.guess,
            "trial": self.trial,
            "retried": self.retried,
            "work": {k: float(v) for k, v in self.work.items()},
        }


class Records:
    """The last 256 records, as plain entries when they are looked at."""

    def __init__(self) -> None:
        self._kept: collections.deque[Record] = collections.deque(maxlen=256)

    def append(self, record: Record) -> None:
        """Remember one more; the oldest goes."""
        self._kept.append(record)

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, i: int) -> dict[str, Any]:
        return self._kept[i].entry()

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return (record.entry() for record in self._kept)


def opening() -> dict[str, Any]:
    """Empty totals."""
    return {
        "solves": 0,
        "ok": 0,
        "steps": 0,
        "seconds": 0.0,
        "cost": 0.0,
        "setup": 0.0,
        "kept": 0,
        "guesses": 0,
        "trials": 0,
        "retried": 0,
        "cold": 0.0,
        "saved": 0.0,
        "hurt": 0,
        "methods": {},
        "failed": {},
    }


def reopened(saved: dict[str, Any]) -> dict[str, Any]:
    """Totals from a state file, of the shape that ``opening`` gives.

    Raises
    ------
    ValueError
        When they are of another shape.
    """
    fresh = opening()
    if set(saved) != set(fresh):
        raise ValueError("the totals are not those of a session")
    for name, value in fresh.items():
        kinds = (int, float) if isinstance(value, int | float) else type(value)
        if not isinstance(saved[name], kinds) or isinstance(saved[name], bool):
            raise ValueError(f"the total {name!r} is not a number")
        fresh[name] = dict(saved[name]) if isinstance(value, dict) else saved[name]
    if not all(isinstance(n, int) for part in ("methods", "failed") for n in fresh[part].values()):
        raise ValueError("the totals are not those of a session")
    return fresh


class Paid:
    """What the pattern in hand was charged once, by name: a session that was loaded does it again, and is not charged."""

    def __init__(self) -> None:
        self.epoch = 0
        self.counts: dict[str, float] = {}
        self.owed: dict[str, float] = {}

    @classmethod
    def reopened(cls, saved: dict[str, Any], epoch: int) -> "Paid":
        """From a state file: all of it may be done again free of charge.

        Raises
        ------
        ValueError
            When it is not of names and counts.
        """
        fresh = cls()
        for name, count in saved.items():
            if type(count) not in (int, float) or not 0.0 <= count < math.inf:
                raise ValueError(f"the count of {name!r} is not one")
        fresh.epoch, fresh.counts, fresh.owed = epoch, dict(saved), dict(saved)
        return fresh

    def charge(self, problem: Any) -> float:
        """Enter what a solve did once for its pattern; the share of its price that is new."""
        once = problem.work.once
        if not once:
            return 1.0
        epoch = getattr(problem, "epoch", 0)
        if epoch != self.epoch:
            self.epoch, self.counts, self.owed = epoch, {}, {}
        again = {name: min(self.owed.get(name, 0.0), amount) for name, amount in once.items()}
        for name, amount in once.items():
            self.counts[name] = self.counts.get(name, 0.0) + amount - again[name]
            self.owed[name] = self.owed.get(name, 0.0) - again[name]
        if not any(again.values()):
            return 1.0
        whole = problem.price().once
        problem.work.once = again
        part = problem.price().once
        problem.work.once = once
        return 1.0 - float(part / whole) if whole > 0 else 1.0


def add(totals: dict[str, Any], record: Record, charged: float = 1.0) -> None:
    """Enter one record, ``charged`` being the share of its symbolic part that is new.

    ``cold`` is the mean of the solves that had nothing carried, under the same method.
    """
    _, status, steps, _, seconds, _ = record.what
    ok = status > 0
    cost = record.cost.setup + record.cost.running
    kept = bool(record.kept)
    totals["solves"] += 1
    totals["ok"] += ok
    totals["steps"] += int(steps)
    totals["seconds"] += seconds
    totals["cost"] += cost + charged * record.cost.once
    totals["setup"] += record.cost.setup
    totals["kept"] += kept
    totals["guesses"] += record.guess
    totals["trials"] += record.trial
    totals["retried"] += record.retried
    plain = not (kept or record.guess or record.trial or record.retried)
    if ok and plain:
        totals["cold"] = cost if not totals["cold"] else 0.8 * totals["cold"] + 0.2 * cost
    elif totals["cold"] and not record.trial:
        totals["saved"] += totals["cold"] - cost
        totals["hurt"] += cost > 1.05 * totals["cold"] + 6
    name = type(record.method).__name__
    inner = getattr(record.method, "preconditioner", None)
    if inner is not None:
        name = f"{name}+{type(inner).__name__}"
    methods = totals["methods"]
    methods[name] = methods.get(name, 0) + 1
    if not ok:
        totals["failed"][status.name] = totals["failed"].get(status.name, 0) + 1


def summary(totals: dict[str, Any]) -> list[str]:
    """The totals in words."""
    n = totals["solves"]
    if not n:
        return ["nothing solved yet"]
    used = ", ".join(f"{name} {count}" for name, count in sorted(totals["methods"].items(), key=lambda p: -p[1]))
    lines = [
        f"{n} solves, {totals['ok']} certified, {totals['seconds']:.3g} s, {totals['steps'] / n:.1f} steps each",
        f"methods: {used}",
        f"kept a set-up {totals['kept']} times, a guess {totals['guesses']} times; "
        f"{totals['trials']} trials, {totals['retried']} second attempts",
    ]
    if totals["cold"]:
        lines.append(
            f"against solving cold ({totals['cold']:.0f} products a system, estimated): "
            f"{'lost' if round(totals['saved']) < 0 else 'saved'} {abs(totals['saved']):.0f} products, "
            f"hurt {totals['hurt']} times"
        )
    for name, count in totals["failed"].items():
        lines.append(f"not solved: {count} x {name}")
    return lines
