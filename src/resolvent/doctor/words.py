"""A diagnosis in words and bars, for a terminal."""

import math
from typing import Any

import numpy as np

from .diagnosis import Diagnosis

__all__ = ["bars", "density", "lines", "plane"]

_WIDTH = 44


def lines(found: Diagnosis, name: str) -> list[str]:
    """What is said of it, most important first."""
    s = found.structure
    out = [
        f"{name}: {s['n']:,} unknowns, {s['nonzeros']:,} entries ({s['per_row']:.1f} a row), {s['dtype']}",
        f"  {_symmetry(s)}; bandwidth {s['bandwidth']:,}; diagonal {s['diagonal']}",
        f"  diagonally dominant in {s['dominant_rows']:.0%} of its rows (the least: |a_ii| = {s['dominance']:.2g} x the rest)",
        f"  rows differ in norm by {s['row_spread']:.3g}, columns by {s['column_spread']:.3g}",
    ]
    for word, key in (("rows", "empty_rows"), ("columns", "empty_columns")):
        if s[key]:
            out.append(f"  {s[key]} empty {word}: the matrix is singular")
    if s["zero_diagonal"]:
        out.append(f"  {s['zero_diagonal']} zeros on the diagonal")
    out += [f"  hint: {hint}" for hint in s["hints"]]
    if not found.spectrum:
        return out
    p = found.spectrum
    out.append(f"  {p['definite']} ({p['definite_known']})")
    out.append(f"  condition about {p['condition']:.2g} ({p['condition_known']})")
    if math.isfinite(p["condition"]):
        left = -math.log10(max(p["condition"] * np.finfo(s["dtype"]).eps, 1e-300))
        out.append(f"  x can be known to about {max(0, math.floor(left))} digits in {s['dtype']}")
    out += ["", "spectrum:", *bars(found), "", "tried, each with a real solve:", *_table(found), "", *_advice(found)]
    return out


def _symmetry(s: dict[str, Any]) -> str:
    if s["symmetry"] == "nonsymmetric":
        return f"nonsymmetric (||A - A*|| = {s['asymmetry']:.2g} ||A||)" + (
            ", with a symmetric pattern" if s["symmetric_pattern"] else ""
        )
    return str(s["symmetry"])


# ---- spectrum --------------------------------------------------------------------------------------------------------


def density(p: dict[str, Any], n: int, bins: int) -> tuple[Any, Any]:
    """Edges and estimated numbers of eigenvalues between them, of a Hermitian matrix; logarithmic where all have one sign.

    The weight of a Ritz value is spread evenly over its half of the way to its neighbours.
    """
    low, high = float(np.min(p["ritz"])), float(np.max(p["ritz"]))
    wide = low > 0 and high / low > 20
    edges = np.linspace(*((math.log(low), math.log(high)) if wide else (low, high)), bins + 1)
    counts = np.zeros(bins)
    for theta, weights in p["probes"]:
        at = np.log(theta) if wide else np.asarray(theta)
        knots = np.concatenate(([at[0]], 0.5 * (at[1:] + at[:-1]), [at[-1]]))
        below = np.interp(edges, knots, np.concatenate(([0.0], np.cumsum(weights))))
        counts += np.diff(np.concatenate(([0.0], below[1:-1], [1.0]))) * n / len(p["probes"])
    return (np.exp(edges) if wide else edges), counts


def plane(ritz: Any, width: int = 57, height: int = 15) -> list[str]:
    """Complex numbers as a map of characters, with the axes through zero where they pass."""
    re, im = np.real(ritz), np.imag(ritz)
    x0, x1 = min(float(re.min()), 0.0), max(float(re.max()), 0.0)
    y = max(float(np.abs(im).max()), 0.05 * (x1 - x0), 1e-300)
    rows = [[" "] * width for _ in range(height)]
    column = round((0.0 - x0) / (x1 - x0) * (width - 1)) if x1 > x0 else 0
    for row in rows:
        row[column] = "|"
    rows[height // 2] = ["-" if c == " " else "+" for c in rows[height // 2]]
    for a, b in zip(re, im, strict=True):
        i = round((y - float(b)) / (2 * y) * (height - 1))
        j = round((float(a) - x0) / (x1 - x0) * (width - 1)) if x1 > x0 else 0
        rows[i][j] = "o"
    foot = f"real from {x0:.3g} to {x1:.3g}, imaginary from {-y:.3g} to {y:.3g}; o: Ritz values"
    return ["  " + "".join(row).rstrip() for row in rows] + ["  " + foot]


def bars(found: Diagnosis) -> list[str]:
    """The spectrum as text."""
    p = found.spectrum
    if p["probes"] is None:
        return plane(p["ritz"])
    edges, counts = density(p, found.structure["n"], 12)
    top = max(float(counts.max()), 1e-300)
    out = []
    for k, count in enumerate(counts):
        bar = "#" * round(_WIDTH * float(count) / top)
        bar = bar or ("." if count > 0 else "")
        out.append(f"  {edges[k]:>10.3g} .. {edges[k + 1]:<10.3g} {bar} {count:,.0f}" if count > 0 else
                   f"  {edges[k]:>10.3g} .. {edges[k + 1]:<10.3g}")  # fmt: skip
    if p["near_zero"] < 0.9 * float(np.min(np.abs(p["ritz"]))):
        out.append(f"  nearest to zero: {p['near_zero']:.3g} in size, from a factor; too few to be seen above")
    return [*out, f"  eigenvalues between the two, estimated from {p['steps']} Lanczos steps"]


# ---- trials and advice -----------------------------------------------------------------------------------------------


def _table(found: Diagnosis) -> list[str]:
    out = [f"  {'method':<17}{'':<10}{'steps':>7}{'products':>10}{'cost':>9}{'set-up':>9}{'seconds':>9}  residual"]
    for t in found.trials:
        mark = "->" if t is found.best else "  "
        if t.outcome == "not tried":
            out.append(f"{mark}{t.name:<17}{t.outcome:<10}: {t.note}")
            continue
        row = f"{mark}{t.name:<17}{t.outcome:<10}{t.steps:>7}{t.products:>10.0f}{t.cost:>9.0f}{t.setup:>9.0f}{t.seconds:>9.2f}"
        out.append(f"{row}  {t.residual:.1e}" + (f"  ({t.note})" if t.note else ""))
    return [*out, "  cost and set-up in units of one product with A; residual over ||b||"]


def _advice(found: Diagnosis) -> list[str]:
    best, many = found.best, found.best_many
    if best is None and any("outside its range" in t.note for t in found.trials):
        return ["recommended: nothing solves it, because A is singular and b lies outside its range"]
    if best is None:
        return ["recommended: nothing that was tried solves it; look at the hints, scale it, or give it more time"]
    sure = "" if best.outcome == "solved" else " (judged by how far it came)"
    out = [f"recommended: --method {best.name}, about {best.expected:.0f} products for one system{sure}"]
    if best.name == "cg+ssor":
        out.append("over a sequence, auto tunes its omega to fewer")
    if many is not None and many is not best and many.expected is not None:
        per = many.expected - many.setup
        out += [
            f"for more right-hand sides of this very matrix: {many.name}, about {per:.0f} products each after a set-up of "
            f"{many.setup:.0f}",
            "where the matrix changes from system to system, a Session finds out how long a set-up may be kept",
        ]
    return out
