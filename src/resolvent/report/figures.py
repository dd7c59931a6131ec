"""The pictures of a page: cost of each system and what happened to it, the sum against cold, residual histories."""

from typing import Any

from .story import Story
from .svg import COLOURS, SERIES, drawing, inline

__all__ = ["cost_figure", "history_figure", "sum_figure"]

_LANES = ("kept set-up", "fresh set-up", "first guess", "trial", "second attempt", "not solved")
_MOST = 1500


def cost_figure(story: Story) -> str:
    """One dot a system, coloured by method, the cold estimate as a line, and below it lanes of what happened."""
    entries, thinned = _thinned(story.entries)
    lanes = [name for name in _LANES if any(name in e["events"] for e in story.entries)]
    height = 2.9 + 0.19 * len(lanes)
    with drawing(8.0, height) as figure:
        if lanes:
            axes, below = figure.subplots(
                2, 1, sharex=True, gridspec_kw={"height_ratios": [2.6, 0.2 * len(lanes)], "hspace": 0.03}
            )
        else:
            axes, below = figure.subplots(), None
        _dots(axes, story, entries)
        axes.set_ylabel(f"cost in {story.unit}")
        bottom = axes if below is None else below
        bottom.set_xlabel("solve" + (" (a part of the dots)" if thinned else ""))
        if below is not None:
            axes.tick_params(bottom=False)
            _lanes(below, entries, lanes)
        return inline(figure, "cost", f"Cost of each system in {story.unit}, coloured by method")


def _dots(axes: Any, story: Story, entries: list[dict[str, Any]]) -> None:
    costs = sorted(e["cost"] for e in entries)
    if costs[-1] > 8 * max(costs[len(costs) // 2], 1e-9) or costs[-1] > 30 * max(costs[0], 1e-9):
        axes.set_yscale("log")
        _plain_numbers(axes)
    else:
        axes.set_ylim(0, 1.12 * max(costs[-1], 1e-9))
    size = 16 if len(entries) <= 120 else 9 if len(entries) <= 400 else 5
    cold = [(e["place"], e["cold"]) for e in entries if e.get("cold")]
    if cold:
        axes.plot(*zip(*cold, strict=True), "--", color=COLOURS["muted"], linewidth=1.1, zorder=1)
    for k, label in enumerate(story.labels):
        mine = [e for e in entries if e["label"] == label]
        colour = COLOURS[SERIES[k % len(SERIES)]]
        axes.scatter(
            [e["place"] for e in mine], [e["cost"] for e in mine], s=size, color=colour, linewidths=0, zorder=3
        )
    hurt = [e for e in entries if e["hurt"] or not e["ok"]]
    if hurt:
        where = [e["place"] for e in hurt], [e["cost"] for e in hurt]
        axes.scatter(*where, s=3.4 * size, facecolors="none", edgecolors=COLOURS["bad"], linewidths=1.0, zorder=4)


def _plain_numbers(axes: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axes.yaxis.set_minor_locator(NullLocator())


def _lanes(axes: Any, entries: list[dict[str, Any]], lanes: list[str]) -> None:
    for row, name in enumerate(lanes):
        places = [e["place"] for e in entries if name in e["events"]]
        colour = COLOURS["bad"] if name == "not solved" else COLOURS["ink"]
        axes.vlines(places, row - 0.32, row + 0.32, color=colour, linewidth=1.6 if len(entries) <= 250 else 0.8)
    axes.set_yticks(range(len(lanes)), lanes, fontsize=9.5)
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    axes.grid(False)
    axes.spines["left"].set_visible(False)
    _whole(axes)


def _whole(axes: Any) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=9))


def sum_figure(story: Story) -> str | None:
    """Cost summed over the sequence, beside the sum of the cold estimates."""
    known = [e for e in story.entries if e.get("cold")]
    if len(known) < 3 or not story.facts["learners"]:
        return None
    spent, cold, both = 0.0, 0.0, []
    for e in known:
        spent, cold = spent + e["cost"], cold + float(e["cold"])
        both.append((e["place"], spent, cold))
    stride = max(1, len(both) // 300)
    places, ours, theirs = zip(*(both[::stride] + ([both[-1]] if (len(both) - 1) % stride else [])), strict=True)
    with drawing(8.0, 2.5) as figure:
        axes = figure.subplots()
        axes.fill_between(places, ours, theirs, color=COLOURS["c0"], alpha=0.13, linewidth=0)
        axes.plot(places, theirs, "--", color=COLOURS["muted"], linewidth=1.3)
        axes.plot(places, ours, color=COLOURS["c0"], linewidth=2)
        upper, lower = (theirs, ours) if theirs[-1] >= ours[-1] else (ours, theirs)
        words = ("cold", "as solved") if theirs[-1] >= ours[-1] else ("as solved", "cold")
        near = abs(theirs[-1] - ours[-1]) < 0.08 * max(theirs[-1], ours[-1])
        for values, word, shift in ((upper, words[0], 6 * near), (lower, words[1], -6 * near)):
            colour = COLOURS["muted"] if word == "cold" else COLOURS["c0"]
            place = (places[-1], values[-1])
            axes.annotate(
                f"{word} {values[-1]:,.0f}", place, (6, shift), textcoords="offset points", color=colour, va="center"
            )
        axes.set_xlabel("solve")
        axes.set_ylabel(f"{story.unit}, summed")
        axes.set_ylim(bottom=0)
        axes.set_xlim(places[0], places[-1] + 0.2 * max(1, places[-1] - places[0]))
        axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        _whole(axes)
        axes.set_xticks([tick for tick in axes.get_xticks() if places[0] <= tick <= places[-1]])
        return inline(figure, "sum", "Cost summed over the sequence, as solved and cold")


def history_figure(story: Story) -> str | None:
    """Residual over tolerance against iterations for a few solves, early ones pale, late ones strong."""
    drawn = [e for e in story.entries if len(e.get("history") or ()) > 1 and e.get("tolerance")]
    if not drawn:
        return None
    if len(drawn) > 9:
        drawn = [drawn[round(k * (len(drawn) - 1) / 8)] for k in range(9)]
    with drawing(8.0, 3.0) as figure:
        axes = figure.subplots()
        axes.set_yscale("log")
        ends: list[tuple[Any, str, str]] = []
        for rank, e in enumerate(drawn):
            rows = [(k, r / e["tolerance"]) for k, r in e["history"] if r is not None and r > 0]
            if not rows:
                continue
            colour = COLOURS[SERIES[story.labels.index(e["label"]) % len(SERIES)]]
            strength = 0.35 + 0.65 * (rank + 1) / len(drawn)
            axes.plot(*zip(*rows, strict=True), color=colour, alpha=strength, linewidth=1.5)
            axes.plot(*rows[-1], "o", color=colour, markersize=3.5)
            ends.append((rows[-1], f"system {e['index']}", colour))
        _name_ends(axes, ends)
        axes.axhline(1.0, linestyle="--", color=COLOURS["muted"], linewidth=1.1)
        axes.set_xlabel("iteration")
        axes.set_ylabel("residual / tolerance")
        axes.margins(x=0.04)
        _whole(axes)
        return inline(figure, "history", "Residual over tolerance against iterations for a few solves")


def _name_ends(axes: Any, ends: list[tuple[Any, str, str]]) -> None:
    """Name the first curve and the last one, where the names have room."""
    if len(ends) < 2:
        return
    (first, _, _), (last, _, _) = ends[0], ends[-1]
    if abs(first[0] - last[0]) < 0.1 * max(first[0], last[0], 1):
        return
    for end, words, colour in (ends[0], ends[-1]):
        box = {"facecolor": COLOURS["ground"], "edgecolor": "none", "alpha": 0.85, "pad": 1.5}
        axes.annotate(words, end, (7, 8), textcoords="offset points", color=colour, fontsize=9.5, bbox=box)


def _thinned(entries: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool]:
    """Everything, or for very long runs what is special and a part of the rest."""
    if len(entries) <= _MOST:
        return entries, False
    stride = -(-len(entries) // (_MOST // 2))
    special = {"trial", "second attempt", "not solved"}
    ordinary = [e for e in entries if not special & set(e["events"])]
    rare = [e for e in entries if special & set(e["events"])]
    rare = rare[:: max(1, -(-len(rare) // (_MOST // 2)))]
    return sorted(ordinary[::stride] + rare, key=lambda e: e["place"]), True
