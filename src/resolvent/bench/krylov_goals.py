"""The figures to reach for systems of any symmetry, item by item: auto against every peer, recycling, products at size."""

import math
import statistics
import time
from functools import partial
from typing import Any

from .goals import Item, Report, Say

__all__ = ["ITEMS", "ROWS"]

#: sequence, systems, size, goal of its own (0: part of the geometric mean)
ROWS: tuple[tuple[str, int, int | None, float], ...] = (
    ("heat-shift", 200, 100, 0.0),
    ("heat-conductivity", 200, 100, 0.0),
    ("darcy-log", 200, 100, 0.0),
    ("darcy-threshold", 200, 100, 0.0),
    ("darcy-path", 200, 100, 0.0),
    ("darcy-path", 50, 256, 0.0),
    ("poisson3d-drift", 200, None, 0.0),
    ("convection-diffusion", 200, 100, 1.5),
    ("helmholtz", 200, 100, 0.95),
    ("topology", 200, None, 0.95),
)
_MEAN, _SHORT = 3.0, 0.8
_DIRECT = ("helmholtz", "topology")


def against_all(name: str, count: int, size: int | None, say: Say, budget: float = 300.0) -> dict[str, Any]:
    """auto and every peer there is on one sequence, and what the table says; now and then how far it is."""
    from ..gallery import sequence
    from .compare import compare, lines, usual_peers
    from .krylov_peers import general_peers

    coupled = getattr(sequence(name, 1, size), "coupled", False)

    def others() -> dict[str, Any]:
        return usual_peers(name, 1e-8, coupled) | general_peers(1e-8, direct=False)

    table = compare(name, count, size, out=None, budget=budget, leave=True, others=others, look=_now_and_then(say))
    for line in lines(table):
        say(line)
    say(f"in use: {', '.join(f'{k} {v}' for k, v in table['methods'].items())}")
    return table


def _now_and_then(say: Say, every: float = 20.0) -> Any:
    """Says how far a race is, every so many seconds."""
    last = time.perf_counter()

    def look(done: int, entrants: Any) -> None:
        nonlocal last
        if time.perf_counter() - last < every:
            return
        last = time.perf_counter()
        running = [e for e in entrants[1:] if e.seconds and not (e.out or e.failed)]
        best = min(running, key=lambda e: e.total, default=None)
        peer = "" if best is None else f", best of {len(running)} peers {best.total:.3g} s ({best.name})"
        say(f"after {done} systems: auto {entrants[0].total:.3g} s{peer}")

    return look


def ratio_of(table: dict[str, Any], direct: bool = False) -> float:
    """The best single peer's seconds over ours (the best direct one's), NaN where a system was not solved."""
    if table["rows"][0]["failed"]:
        return float("nan")
    if not direct:
        return float("nan") if table["ratio"] is None else float(table["ratio"])
    found = [r["ratio"] for r in table["rows"][1:] if r["valid"] and ("splu" in r["name"] or "spsolve" in r["name"])]
    return float(min(found, default=float("nan")))


def label_of(name: str, systems: int, size: int | None) -> str:
    """How a row is called."""
    return f"{name}, {systems} systems" + ("" if size is None else f", size {size}")


_MEAN_OF = "row of the mean: "


def row(report: Report, say: Say, quick: bool, name: str, count: int, size: int | None, goal: float) -> None:
    """auto against the best single peer in hindsight, on one sequence."""
    if quick:
        count, size = 4, 12
    table = against_all(name, count, size, say)
    ratio = ratio_of(table, direct=name in _DIRECT)
    label = label_of(name, table["systems"], size)
    what = "best direct peer" if name in _DIRECT else "best peer"
    if name in _DIRECT:
        told = "direct in use" in table["summary"]
        say("the summary says that direct is in use" if told else "something else than direct is in use")
        report(f"auto: direct in use and the summary says so, or beaten, {name}", float(told or ratio > 1.0), 1.0, ">=")
    if goal:
        report(f"auto: {what} over auto in seconds, {label}", ratio, goal, ">=")
    else:
        report.note(_MEAN_OF + label, ratio)
        say(f"best peer over auto in seconds: {ratio:.2f} (enters the mean)")
        report(f"auto: systems not solved, {label}", table["rows"][0]["failed"], 0.0, "<=")


def mean(report: Report, say: Say, quick: bool) -> None:
    """The geometric mean over the rows without a goal of their own; those not yet measured are measured now."""
    known: dict[str, float] = {}
    for name, count, size, goal in ROWS:
        if goal:
            continue
        start = _MEAN_OF + (label_of(name, 4, 12) if quick else label_of(name, count, size))
        if start not in report.notes:
            row(report, say, quick, name, count, size, goal)
        known[start.removeprefix(_MEAN_OF)] = report.notes[start]
    for label, ratio in known.items():
        say(f"{ratio:6.2f}  {label}")
    found = math.exp(statistics.fmean(math.log(max(v, 1e-9)) for v in known.values()))
    report(f"auto: geometric mean of {len(known)} rows", found, _MEAN, ">=")


def short(report: Report, say: Say, quick: bool, name: str, size: int | None) -> None:
    """Ten systems only: what learning costs before it pays."""
    table = against_all(name, 3 if quick else 10, 12 if quick else size, say)
    label = label_of(name, table["systems"], size)
    report(f"auto: best peer over auto in seconds, {label}", ratio_of(table, name in _DIRECT), _SHORT, ">=")


def recycle(report: Report, say: Say, quick: bool) -> None:
    """GCRO-DR that carries a space, with Jacobi, against GMRES(50) and SciPy's gcrotmk with carried CU."""
    from .recycling import recycling

    found = recycling(4, 12) if quick else recycling()
    _tell(found["rows"], "products", say)
    report("recycling: products of GMRES(50) over ours, darcy-path, Jacobi", found["products"], 2.5, ">=")
    report("recycling: seconds over those of gcrotmk with carried CU", found["seconds"], 1.05, "<=")
    report("recycling: systems not solved", found["failed"], 0.0, "<=")


def deflate(report: Report, say: Say, quick: bool) -> None:
    """Deflation against SSOR-CG at its best fixed omega: dense in steps and seconds, or by sub-domains in seconds.

    Where neither pays, a learner that may choose is to leave it, and its summary to say what is in use.
    """
    from .recycling import deflation

    found = deflation(3, 20) if quick else deflation()
    _tell(found["rows"], "steps", say)
    say(f"dense: steps {found['dense_steps']:.2f} (goal 0.62), seconds {found['dense_seconds']:.2f} (goal 0.95)")
    say(f"by sub-domains: {found['blocks_faster']:.2f} x faster (goal 1.5)")
    dense = found["dense_steps"] <= 0.62 and found["dense_seconds"] <= 0.95
    if dense or found["blocks_faster"] >= 1.5:
        report("deflation: pays on darcy-path", 1.0, 1.0, ">=")
        return
    for line in found["said"].splitlines():
        say(f"  {line}")
    left = found["late"] == 0 and "cg+ssor in use" in found["said"]
    say(
        f"neither pays; the learner that may choose took it for {found['tried']} systems, {found['late']} in the last half"
    )
    report("deflation: does not pay on darcy-path, is left and that is said", float(left), 1.0, ">=")


def _tell(rows: dict[str, dict[str, float]], what: str, say: Say) -> None:
    for name, row in sorted(rows.items(), key=lambda pair: pair[1]["seconds"]):
        failed = f", {row['failed']:.0f} not solved" if row["failed"] else ""
        say(f"{name:28s} {row['seconds']:8.3f} s, {row['counted']:8.0f} {what}{failed}")


def product(report: Report, say: Say, quick: bool) -> None:
    """y = A x against a triad of the same footprint, in turn; the same bits on two threads."""
    from .product import measured

    found = measured(100 if quick else 1000, rounds=5 if quick else 41)
    say(
        f"triad {found['triad_ms']:.2f} ms ({found['bandwidth']:.1f} GB/s), ours {found['ours_ms']:.2f} ms, "
        f"row by row {found['rows_ms']:.2f} ms, SciPy {found['scipy_ms']:.2f} ms; two threads {found['two_ms']:.2f} ms"
    )
    report(f"product: part of the triad's bandwidth, n = {found['n']:.0f}", found["fraction"], 0.85, ">=")
    report("product: entries that differ on two threads", found["different"], 0.0, "<=")


def hurts(report: Report, say: Say, quick: bool) -> None:
    """Never hurts, systems without symmetry among them."""
    from .hurts import check
    from .linear import verdicts
    from .sequences import ALL_KINDS

    verdicts(check(8, systems=4, largest=80, kinds=ALL_KINDS) if quick else check(500, kinds=ALL_KINDS), report, say)


ITEMS: dict[str, Item] = {
    "product": product,
    **{
        f"row {name} {size or ''}".strip(): partial(row, name=name, count=count, size=size, goal=goal)
        for name, count, size, goal in ROWS
    },
    "mean": mean,
    **{f"short {name} {size or ''}".strip(): partial(short, name=name, size=size) for name, _, size, _ in ROWS},
    "recycling": recycle,
    "deflation": deflate,
    "hurts": hurts,
}
