"""Goals of matrix completion: against rows solved exactly, growth with the entries, and entries that arrive."""

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from ..experiments.matrix_completion import race, slope, stream
from .threads import one_thread

__all__ = ["ITEMS"]

Report = Callable[[str, float, float, str], Any]
Say = Callable[[str], Any]


def _rows(report: Report, say: Say, quick: bool) -> None:
    """Warm inexact rows against exact ones, in the same code."""
    cases = (
        [(300, 300, 10, 0.2, 1.1), (200, 200, 40, 0.8, 0.5)]
        if quick
        else [
            (2000, 2000, 10, 0.05, 1.1),
            (10_000, 5_000, 10, 0.05, 1.1),
            (600, 600, 100, 0.8, 0.5),
        ]
    )
    with one_thread():
        race(60, 50, 2, 0.5)
        for m, n, k, density, goal in cases:
            found = race(m, n, k, density, repeats=1 if quick else 2)
            one, two = found["auto"], found["exact"]
            say(f"{m} x {n}, k = {k}: {one['seconds']:.2f} s, {one['rounds']:.0f} rounds, error {one['error']:.1e}")
            say(f"exact rows: {two['seconds']:.2f} s, {two['rounds']:.0f} rounds, error {two['error']:.1e}")
            report(
                f"completion {m} x {n}, k = {k}: seconds over those with exact rows",
                one["seconds"] / two["seconds"],
                goal,
                "<=",
            )
    if find_spec("cmfrec") is None:
        say("cmfrec has no wheel for this Python: the comparison with it is not measured")


def _growth(report: Report, say: Say, quick: bool) -> None:
    """Seconds of a round against the number of entries."""
    with one_thread():
        rows = [
            race(s, s, 10, 0.1, rows=("auto",), repeats=2)["auto"]
            for s in ((300, 600) if quick else (1000, 2000, 4000))
        ]
    for row in rows:
        say(f"{row['entries']:.0f} entries: {row['seconds'] / row['rounds']:.4f} s a round")
    exponent = slope([r["entries"] for r in rows], [r["seconds"] / r["rounds"] for r in rows])
    report("completion: slope of seconds a round against entries, k = 10", exponent, 1.1, "<=")


def _arriving(report: Report, say: Say, quick: bool) -> None:
    """A stream of one per cent of new entries."""
    for noise in (0.0, 0.01):
        found = stream(100 if quick else 1000, 5 if quick else 10, noise=noise)
        say(f"noise {noise:g}, seconds: {found['carried seconds']:.2f} carried, {found['cold seconds']:.2f} cold")
        ratio = found["carried"] / found["cold"]
        report(f"completion: cost of 1 % new entries over a cold solve, noise {noise:g}", ratio, 0.2, "<=")


ITEMS = {"completion rows": _rows, "completion growth": _growth, "completion stream": _arriving}
