"""Scene 4: a simulation was left in the evening; in the morning it goes on, once cold and once with yesterday's state."""

import time
from pathlib import Path
from typing import Any

__all__ = ["play"]

_NEXT = 10


def play(console: Any, quick: bool, out: Path) -> dict[str, Any]:
    """Learn on the first systems of heat-conductivity, save, and solve the next ten twice.

    Returns
    -------
    dict
        ``rows`` (index, cost and milliseconds cold and learned), ``saved`` (part of the cost), ``svg``, ``good``.
    """
    from .. import Session
    from ..gallery import sequence

    before, size = (20, 40) if quick else (60, 100)
    steps = sequence("heat-conductivity", count=before + _NEXT, size=size)
    session = Session(rtol=1e-8)
    with console.status("yesterday ..."):
        steps.reset()
        _go(session, steps, range(before))
    state = out / "yesterday.rv"
    session.save(state)
    evening = steps.state_dict()
    cold = _go(Session(rtol=1e-8), steps, range(before, before + _NEXT))
    steps.load_state_dict(evening)
    learned = _go(Session.load(state), steps, range(before, before + _NEXT))
    rows = [
        {"index": before + k, "cold": c[0], "learned": w[0], "cold_ms": c[1], "learned_ms": w[1]}
        for k, (c, w) in enumerate(zip(cold, learned, strict=True))
    ]
    total = sum(r["cold"] for r in rows), sum(r["learned"] for r in rows)
    scene = {
        "rows": rows,
        "before": before,
        "n": size * size,
        "cold": total[0],
        "learned": total[1],
        "saved": 1 - total[1] / total[0],
        "size": state.stat().st_size,
        "ok": session.totals["ok"],
        "good": all(c[2] for c in cold + learned),
    }
    scene["svg"] = _svg(rows)
    console.print(
        f"heat-conductivity, {size * size:,} unknowns; {before} systems yesterday, the next {_NEXT} this morning"
    )
    for name, key in (("cold", "cold"), ("with yesterday's state", "learned")):
        costs = " ".join(f"{r[key]:4.0f}" for r in rows)
        console.print(f"{name:24s}{costs}   = {scene[key]:.0f} products")
    console.print(
        f"yesterday's {scene['size'] / 1024:.0f} kB save {scene['saved']:.0%} of the work of the first {_NEXT} systems"
    )
    return scene


def _go(session: Any, steps: Any, places: range) -> list[tuple[float, float, bool]]:
    """Cost in products, milliseconds and success of each system."""
    out = []
    for i in places:
        problem = steps[i]
        begin = time.perf_counter()
        result = session.solve(problem)
        out.append((float(result.cost.setup + result.cost.running), 1e3 * (time.perf_counter() - begin), result.ok))
        steps.feed(i, result.x)
    return out


def _svg(rows: list[dict[str, Any]]) -> str:
    from ..report.svg import COLOURS, drawing, inline

    with drawing(8.0, 2.4) as drawn:
        axes = drawn.subplots()
        places = [r["index"] for r in rows]
        axes.bar([p - 0.19 for p in places], [r["cold"] for r in rows], 0.36, color=COLOURS["c7"], alpha=0.75)
        axes.bar([p + 0.19 for p in places], [r["learned"] for r in rows], 0.36, color=COLOURS["c0"])
        axes.set_xticks(places)
        axes.set_xlabel("system")
        axes.set_ylabel("products")
        return inline(drawn, "yesterday", "Cost of ten systems, cold and with the state that was saved")
