"""The spectrum and the trials as a picture: a PNG on white, or inline SVG for the page."""

import io
from pathlib import Path
from typing import Any

import numpy as np

from ..core import atomic_write
from .diagnosis import Diagnosis
from .words import density, lines

__all__ = ["draw_png", "write_page"]

_WHITE = {"c0": "#1f6f8b", "c1": "#d9822b", "muted": "#646b73", "faint": "#dcd9d0", "bad": "#c0392b", "ink": "#1d2126"}


def _spectrum(axes: Any, found: Diagnosis, colour: dict[str, str]) -> None:
    p = found.spectrum
    if p["probes"] is None:
        re, im = np.real(p["ritz"]), np.imag(p["ritz"])
        axes.axhline(0.0, color=colour["faint"], linewidth=0.9, zorder=1)
        axes.axvline(0.0, color=colour["muted"], linewidth=0.9, zorder=1)
        axes.scatter(re, im, s=16, color=colour["c0"], linewidths=0, zorder=3)
        axes.set_xlabel("real part")
        axes.set_ylabel("imaginary part")
        axes.set_title("Ritz values: where the eigenvalues lie", loc="left", fontsize=10.5)
        return
    edges, counts = density(p, found.structure["n"], 24)
    axes.stairs(counts, edges, fill=True, color=colour["c0"], zorder=2)
    if edges[0] > 0 and edges[-1] / edges[0] > 20:
        axes.set_xscale("log")
    if edges[0] < 0 < edges[-1]:
        axes.axvline(0.0, color=colour["bad"], linewidth=1.0, zorder=3)
    axes.set_xlabel("eigenvalue")
    axes.set_ylabel("how many, estimated")
    axes.set_title(f"spectrum: {p['definite']}, condition about {p['condition']:.2g}", loc="left", fontsize=10.5)


def _trials(axes: Any, found: Diagnosis, colour: dict[str, str]) -> None:
    shown = [t for t in found.trials if t.outcome != "not tried"][::-1]
    solved = [t.outcome == "solved" for t in shown]
    cost = [max(t.cost, 0.5) for t in shown]
    left = [max(t.setup, 0.0) for t in shown]
    tints = [colour["c0"] if ok else colour["faint"] for ok in solved]
    axes.barh(range(len(shown)), cost, color=tints, height=0.62, zorder=2)
    axes.barh(
        range(len(shown)), left, color=[colour["c1"] if ok else colour["faint"] for ok in solved], height=0.62, zorder=3
    )
    for k, t in enumerate(shown):
        word = f"{t.cost:,.0f}" if t.outcome == "solved" else f"{t.outcome} at {t.residual:.0e}"
        weight = "bold" if t is found.best else "normal"
        axes.annotate(word, (cost[k], k), (5, 0), textcoords="offset points", va="center", fontsize=9, fontweight=weight,
                      color=colour["ink"])  # fmt: skip
    axes.set_yticks(range(len(shown)), [t.name for t in shown])
    axes.set_xlim(0, 1.45 * max(cost, default=1.0))
    axes.set_xlabel("cost in products with A (orange: set-up)")
    axes.grid(axis="y", visible=False)
    axes.set_title(f"tried, to rtol {found.rtol:g}", loc="left", fontsize=10.5)


def _figure(figure: Any, found: Diagnosis, colour: dict[str, str]) -> None:
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.25, 1.0]})
    _spectrum(left, found, colour)
    _trials(right, found, colour)


def _need_spectrum(found: Diagnosis) -> None:
    if not found.spectrum:
        raise ValueError("there is no spectrum to draw: the matrix holds NaN or inf")


def draw_png(found: Diagnosis, path: Path) -> None:
    """Write the picture.

    Raises
    ------
    ValueError
        When there is no spectrum.
    OSError
        When it cannot be written.
    """
    import matplotlib
    from matplotlib.figure import Figure

    _need_spectrum(found)
    with matplotlib.rc_context({"axes.spines.top": False, "axes.spines.right": False, "font.size": 9.5}):
        figure = Figure(figsize=(10.0, 4.2), dpi=150, layout="constrained")
        _figure(figure, found, _WHITE)
        for axes in figure.axes:
            axes.grid(axis="x" if axes is figure.axes[1] else "y", color="#e3e1da", linewidth=0.6)
            axes.set_axisbelow(True)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None})
    atomic_write(path, buffer.getvalue())


def write_page(found: Diagnosis, name: str, path: Path) -> None:
    """Write one self-contained HTML page.

    Raises
    ------
    ValueError
        When there is no spectrum, or jinja2 or matplotlib is missing.
    """
    from ..report.page import render
    from ..report.svg import COLOURS, drawing, inline

    _need_spectrum(found)
    with drawing(9.2, 3.9) as figure:
        _figure(figure, found, COLOURS)
        picture = inline(figure, "spectrum", "Spectrum of the matrix, and the cost of what was tried")
    said = [line.strip() for line in lines(found, name)[1:] if line.startswith("  ")]
    facts = said[: next((k for k, line in enumerate(said) if ".." in line or "Ritz" in line or "|" in line), len(said))]
    page = render(
        "doctor.html.j2",
        Path(__file__).parent / "templates",
        title=name,
        found=found,
        facts=facts,
        picture=picture,
        advice=[line for line in lines(found, name) if line.startswith(("recommended", "for many"))],
    )
    atomic_write(path, page.encode())
