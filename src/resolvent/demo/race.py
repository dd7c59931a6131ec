"""Scene 1: resolvent and every solver installed here over the same systems, in turn, in one process, on one thread."""

from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["draw_png", "figure", "play"]

_RTOL = 1e-8


def play(console: Any, quick: bool = False) -> dict[str, Any]:
    """Run the race and print its table.

    Returns
    -------
    dict
        ``rows`` (by seconds; peers that are not installed last), ``svg``, ``ratio``, ``best``, ``count``, ``n``, ``good``.
    """
    from ..bench.compare import OURS, Entrant, Ours, race, warm_up
    from ..bench.peers import peers
    from ..bench.threads import one_thread
    from ..core import Session
    from ..gallery import sequence

    count, size = (12, 40) if quick else (60, 100)
    problems = sequence("darcy-path", count=count, size=size)
    with one_thread(), console.status("compiling, then racing ..."):
        warm_up(_RTOL)
        ours = Ours(Session(rtol=_RTOL, on_fail="ignore"))
        entrants = [Entrant(OURS, ours)]
        for name, peer in peers(_RTOL).items():
            entrants.append(Entrant(name, None, peer) if isinstance(peer, str) else Entrant(name, peer))
        race(problems, entrants, rtol=_RTOL, budget=20.0)
    rows = [_row(e, count) for e in entrants]
    valid = [r for r in rows[1:] if r["complete"] and not r["failed"]]
    best = min(valid, key=lambda r: r["seconds"])
    rows.sort(key=lambda r: (r["seconds"] is None, not r["complete"], r["seconds"] or 0.0))
    scene = {
        "rows": rows,
        "count": count,
        "n": size * size,
        "best": best["name"],
        "ratio": best["seconds"] / entrants[0].total,
        "good": entrants[0].failed == 0,
    }
    scene["svg"] = _svg(scene)
    _table(console, scene)
    return scene


def _row(entrant: Any, count: int) -> dict[str, Any]:
    done = len(entrant.seconds)
    return {
        "name": "resolvent, auto" if entrant.name == "resolvent auto" else entrant.name,
        "ours": entrant.name == "resolvent auto",
        "seconds": entrant.total if done else None,
        "ms": 1e3 * float(np.median(entrant.seconds)) if done else None,
        "failed": entrant.failed,
        "complete": done == count and not entrant.out,
        "curve": [0.0, *accumulate(entrant.seconds)],
        "note": entrant.note or (f"{entrant.failed} answers miss the tolerance" if entrant.failed else ""),
    }


def _table(console: Any, scene: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name, side in (("", "left"), ("seconds", "right"), ("ms a system", "right"), ("", "left")):
        table.add_column(name, justify=side)
    for row in scene["rows"]:
        style = "bold" if row["ours"] else "dim" if row["seconds"] is None else ""
        seconds = "-" if row["seconds"] is None else f"{row['seconds']:.2f}"
        ms = "-" if row["ms"] is None else f"{row['ms']:.1f}"
        table.add_row(row["name"], seconds, ms, row["note"], style=style)
    console.print(f"{scene['count']} systems of {scene['n']:,} unknowns (darcy-path), rtol 1e-8, one thread, in turn")
    console.print(table)
    console.print(
        f"resolvent is {scene['ratio']:.1f} x as fast as the best of the others, {scene['best']}; learning included"
    )


# ---- the picture ---------------------------------------------------------------------------------------------------


def figure(axes: Any, rows: list[dict[str, Any]], ours: str, others: str, muted: str) -> None:
    """Cumulative seconds of everyone who came to the end, named where the curves end."""
    drawn = [row for row in rows if row["complete"] and row["seconds"] is not None]
    limit = 3.0 * min(row["seconds"] for row in drawn if not row["ours"])
    drawn = [row for row in drawn if row["ours"] or row["seconds"] <= limit]
    last = len(drawn[0]["curve"]) - 1
    for row in drawn:
        colour, width = (ours, 3.0) if row["ours"] else (others, 1.4)
        axes.plot(range(last + 1), row["curve"], color=colour, linewidth=width, zorder=3 if row["ours"] else 2)
    top = max(row["seconds"] for row in drawn)
    places = _apart([row["seconds"] for row in drawn], 0.066 * top)
    for row, place in zip(drawn, places, strict=True):
        end = (last, row["seconds"])
        axes.annotate(
            f"{row['name']}  {row['seconds']:.2f} s",
            end,
            (1.035 * last, place),
            color=ours if row["ours"] else muted,
            fontweight="bold" if row["ours"] else "normal",
            fontsize=10,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": others, "linewidth": 0.6, "shrinkA": 1, "relpos": (0, 0.5)},
        )
    axes.set_xlim(0, last)
    axes.set_ylim(0, 1.03 * max(top, places[-1]))
    axes.set_xlabel("systems solved")
    axes.set_ylabel("seconds")


def _apart(values: list[float], gap: float) -> list[float]:
    """The values moved as little as a sweep up and down needs to be `gap` apart, in their order."""
    order = np.argsort(values)
    places = np.array(values, dtype=float)[order]
    for _ in range(200):
        moved = False
        for k in range(len(places) - 1):
            short = gap - (places[k + 1] - places[k])
            if short > 1e-9 * gap:
                places[k] -= 0.5 * short
                places[k + 1] += 0.5 * short
                moved = True
        places += max(0.0, 0.2 * gap - places[0])
        if not moved:
            break
    out = np.empty(len(values))
    out[order] = places
    return [float(v) for v in out]


def _svg(scene: dict[str, Any]) -> str:
    from ..report.svg import COLOURS, drawing, inline

    with drawing(8.0, 4.1) as drawn:
        axes = drawn.subplots(gridspec_kw={"right": 0.66})
        drawn.set_layout_engine(None)
        drawn.subplots_adjust(left=0.075, right=0.62, bottom=0.13, top=0.97)
        figure(axes, scene["rows"], COLOURS["c0"], COLOURS["c7"], COLOURS["muted"])
        return inline(drawn, "race", "Cumulative seconds of resolvent and of the solvers installed here")


def draw_png(scene: dict[str, Any], path: Path) -> None:
    """The same picture as a file, on white."""
    import io

    import matplotlib
    from matplotlib.figure import Figure

    from ..core import atomic_write

    with matplotlib.rc_context({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10.5}):
        drawn = Figure(figsize=(8.4, 4.3), dpi=160)
        axes = drawn.subplots()
        drawn.subplots_adjust(left=0.075, right=0.62, bottom=0.13, top=0.9)
        axes.grid(axis="y", color="#e3e1da", linewidth=0.7)
        axes.set_axisbelow(True)
        figure(axes, scene["rows"], "#1f6f8b", "#9aa1a9", "#555b62")
        title = f"{scene['count']} related systems of {scene['n']:,} unknowns, rtol 1e-8, one thread"
        axes.set_title(title, loc="left", fontsize=11, color="#1d2126", pad=12)
        buffer = io.BytesIO()
        drawn.savefig(buffer, format="png", metadata={"Software": None})
    atomic_write(path, buffer.getvalue())
