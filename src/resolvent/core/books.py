"""The Session's books: one small record a solve, totals that never grow, and the lines of the summary."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from .protocol import Advice, State
from .result import Result
from .status import Change, Status

__all__ = ["Callback", "add", "entry", "light", "opening", "summary"]


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
    return replace(advice, x0=advice.x0, carry=carry)


def entry(result: Result, change: Change, first: Advice, advice: Advice) -> dict[str, Any]:
    """One line of the log: plain numbers and strings."""
    kept = sorted(slot for slot in first.carry if slot not in ("symbolic", "residual"))
    return {
        "index": result.index,
        "status": result.status.name,
        "ok": result.ok,
        "reason": result.reason,
        "steps": int(result.steps),
        "residual": float(result.seen.get("residual", float("nan"))),
        "tolerance": None if result.threshold is None else float(result.threshold),
        "once": float(result.cost.once),
        "setup": float(result.cost.setup),
        "running": float(result.cost.running),
        "seconds": float(result.seconds),
        "method": repr(result.method),
        "change": change.name,
        "kept": kept,
        "guess": first.x0 is not None,
        "trial": bool(first.trial),
        "retried": first is not advice,
        "work": {k: float(v) for k, v in result.work.items()},
    }


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


def add(totals: dict[str, Any], record: dict[str, Any]) -> None:
    """Enter one record; ``cold`` is the mean of the solves that had nothing carried, under the same method."""
    cost = record["setup"] + record["running"]
    totals["solves"] += 1
    totals["ok"] += record["ok"]
    totals["steps"] += record["steps"]
    totals["seconds"] += record["seconds"]
    totals["cost"] += cost + record["once"]
    totals["setup"] += record["setup"]
    totals["kept"] += bool(record["kept"])
    totals["guesses"] += record["guess"]
    totals["trials"] += record["trial"]
    totals["retried"] += record["retried"]
    plain = not (record["kept"] or record["guess"] or record["trial"] or record["retried"])
    if record["ok"] and plain:
        totals["cold"] = cost if not totals["cold"] else 0.8 * totals["cold"] + 0.2 * cost
    elif totals["cold"] and not record["trial"]:
        totals["saved"] += totals["cold"] - cost
        totals["hurt"] += cost > 1.05 * totals["cold"] + 6
    name = record["method"].split("(")[0]
    short = name if "preconditioner=" not in record["method"] else f"{name}+{_inner(record['method'])}"
    totals["methods"][short] = totals["methods"].get(short, 0) + 1
    if not record["ok"]:
        totals["failed"][record["status"]] = totals["failed"].get(record["status"], 0) + 1


def _inner(text: str) -> str:
    name = text.split("preconditioner=", 1)[1].split("(")[0].strip(" ),")
    return "none" if name == "None" else name


def summary(totals: dict[str, Any]) -> list[str]:
    """The totals in words."""
    n = totals["solves"]
    if not n:
        return ["nothing solved yet"]
    used = ", ".join(f"{name} {count}" for name, count in sorted(totals["methods"].items(), key=lambda p: -p[1]))
    lines = [
        f"{n} solved, {totals['ok']} certified, {totals['seconds']:.3g} s, {totals['steps'] / n:.1f} steps each",
        f"methods: {used}",
        f"kept a set-up {totals['kept']} times, a guess {totals['guesses']} times; "
        f"{totals['trials']} trials, {totals['retried']} second attempts",
    ]
    if totals["cold"]:
        lines.append(
            f"against solving cold ({totals['cold']:.0f} products a system, estimated): saved "
            f"{totals['saved']:.0f} products, hurt {totals['hurt']} times"
        )
    for name, count in totals["failed"].items():
        lines.append(f"not solved: {count} x {name}")
    return lines
