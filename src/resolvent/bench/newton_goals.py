"""Goals of Newton-type methods: lazy Hessians in seconds and over a sequence; damping that never fails."""

from collections.abc import Callable
from typing import Any

from ..experiments.gradient_normalized_smoothness import cases
from ..experiments.lazy_hessians import race, sequence
from ..methods.newton import Newton
from .threads import one_thread

__all__ = ["ITEMS"]

Report = Callable[[str, float, float, str], Any]
Say = Callable[[str], Any]


def _lazy(report: Report, say: Say, quick: bool) -> None:
    """Seconds to a gradient of 1e-8 for a Hessian every m steps, against one at every step."""
    with one_thread():
        for mu in (1.0, 0.1):
            rows = race(60 if quick else 500, mu, repeats=1 if quick else 3)
            for name, row in rows.items():
                say(
                    f"mu = {mu:g}, {name}: {row['seconds']:.3f} s, {row['steps']:.0f} steps, {row['hessians']:.0f} Hessians"
                )
            lazy = min(row["seconds"] for name, row in rows.items() if not name.startswith("m = 1,") and row["ok"])
            same = rows["m = 1, decomposed"]["seconds"]
            fresh = min(row["seconds"] for name, row in rows.items() if name.startswith("m = 1,") and row["ok"])
            report(f"lazy Hessians, d = 500, mu = {mu:g}: m = 1, decomposed, over the best m", same / lazy, 3.0, ">=")
            report(f"lazy Hessians, d = 500, mu = {mu:g}: the fastest m = 1 over the best m", fresh / lazy, 3.0, ">=")


def _drifting(report: Report, say: Say, quick: bool) -> None:
    """Factorizations of twenty problems that drift."""
    found = sequence(20 if quick else 200)
    say(
        f"{found['carried']:.0f} factorizations carried, {found['cold']:.0f} cold; solved {found['carried, solved']:.0f} of 20"
    )
    report("20 drifting problems: factorizations carried over cold", found["carried"] / found["cold"], 1 / 3, "<=")
    report("20 drifting problems: not solved", 40 - found["carried, solved"] - found["cold, solved"], 0, "<=")


def _damping(report: Report, say: Say, quick: bool) -> None:
    """Gradient-normalised Newton on every start and scaling."""
    from ..api import solve

    failed = 0
    for seed in range(1 if quick else 5):
        for name, (problem, x0, atol) in cases(seed).items():
            result = solve(problem, Newton(), x0=x0, rtol=0.0, atol=atol, max_steps=5000, on_fail="ignore")
            failed += not result.ok
            if not result.ok:
                say(f"{name}, seed {seed}: {result.reason}")
    report("gradient-normalised Newton: cases that fail", failed, 0, "<=")


ITEMS = {"lazy Hessians": _lazy, "Newton sequence": _drifting, "gradient-normalised Newton": _damping}
