"""Accelerated infeasibility detection, reproduced: how fast three estimates find the infimal displacement vector.

A disc and a halfspace that do not meet, by Douglas-Rachford (v = (0, -0.5)); a rotation with a drift (v = (0, 0, 0.7)); a
linear programme with the rows x >= 1 and x <= 0 (v = (1, 0)). For each: the error of Picard's normalised iterate, of
Picard's residual, of Halpern's normalised iterate and of Halpern's residual, at powers of two, and the slope of the last
two decades. Beside them what the paper proves: squared errors of O(1/k^2), which no method improves upon in general.

Then the same problems as a user would solve them, with and without a certificate, and three problems that do have a
solution: which of them end INFEASIBLE.

Reference: J. Park and E. K. Ryu, Accelerated infeasibility detection of constrained optimization and fixed-point
iterations, ICML 2023 (arXiv 2303.15876).
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core import Session
from ..gallery.feasibility import ball, box, feasibility, halfspace
from ..methods.fixedpoint import Displacement, Halpern, Picard
from ..problems import FixedPoint

__all__ = ["PAPER", "run"]

#: What the paper states: the slope of log(squared error) against log(k), and whether Picard's residual needs averagedness.
PAPER = {"picard normalised": -2.0, "halpern normalised": -2.0, "halpern residual": -2.0}
NOTES = """The paper's rates are worst cases, up to a logarithm for Halpern's residual. Picard's residual has no rate unless the
map is averaged: on the rotation it stays where it is for ever. On sets it may be far faster than all others, because the
iteration settles on one face after finitely many steps. The decision rule (estimates that agree to a tenth, then the
problem's certificate) is ours, not the paper's, which decides by a threshold on the estimate."""


def _drifting(speed: float = 0.7, angle: float = 1.0) -> FixedPoint:
    c, s = math.cos(angle), math.sin(angle)
    R = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return FixedPoint(lambda x: R @ x - np.array([0.0, 0.0, speed]), reference=np.zeros(3))


def cases() -> dict[str, tuple[FixedPoint, Any, Any]]:
    """Maps without a fixed point: the problem, where to begin, and the displacement that is known."""
    apart = feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 1.5), 2)
    free = math.inf
    rows = feasibility(box([1.0, -free], [free, free]), box([-free, -free], [0.0, free]), 2)
    return {
        "disc and halfspace": (apart, np.array([2.0, 1.0]), np.array([0.0, -0.5])),
        "rotation with drift": (_drifting(), np.ones(3), np.array([0.0, 0.0, 0.7])),
        "rows x >= 1, x <= 0": (rows, np.array([3.0, 2.0]), np.array([1.0, 0.0])),
    }


def errors(problem: FixedPoint, x0: Any, v: Any, looks: int) -> dict[str, Any]:
    """Distances of the four estimates from v at k = 2, 4, ..., 2^looks."""
    problem.receive(None)
    picard, halpern = (method.init(problem, x0, {}) for method in (Picard(), Halpern()))
    found: dict[str, Any] = {name: [] for name in (*PAPER, "picard residual")}
    k = 0
    for power in range(1, looks + 1):
        while k < 2**power:
            Picard().step(problem, picard)
            Halpern().step(problem, halpern)
            k += 1
        sign = math.copysign(1.0, float(((x0 - picard.x) / k) @ v))
        found["picard normalised"].append(np.linalg.norm((x0 - picard.x) / k - sign * v))
        found["picard residual"].append(np.linalg.norm(picard.r - sign * v))
        found["halpern normalised"].append(np.linalg.norm(2.0 * (x0 - halpern.x) / (k + 1) - sign * v))
        found["halpern residual"].append(np.linalg.norm(halpern.r - sign * v))
    return found


def slope(values: Any) -> float:
    """Of log(squared error) against log(k), over the second half of the looks; NaN where an error is zero."""
    half = np.asarray(values[len(values) // 2 :], dtype=float)
    if not np.all(half > 1e-300):
        return math.nan
    steps = math.log(2.0) * np.arange(len(half))
    return float(np.polyfit(steps, 2.0 * np.log(half), 1)[0])


def table(looks: int, out: Callable[[str], Any]) -> dict[str, Any]:
    """Errors and slopes of all cases, printed."""
    result: dict[str, Any] = {}
    for name, (problem, x0, v) in cases().items():
        found = errors(problem, x0, v, looks)
        result[name] = {key: {"error": float(e[-1]), "slope": slope(e)} for key, e in found.items()}
        out("")
        out(f"{name}: distance from v after {2**looks} steps, and slope of the squared error")
        for key, row in result[name].items():
            paper = f"paper {PAPER[key]:+.0f}" if key in PAPER else "paper: none unless averaged"
            out(f"  {key:20s} {row['error']:10.2e}   slope {row['slope']:+6.2f}   {paper}")
    return result


def decisions(out: Callable[[str], Any]) -> dict[str, dict[str, Any]]:
    """How each problem ends, with its certificate and without, and problems that have a solution."""
    free = math.inf
    meeting = {
        "disc and halfspace that meet": feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 0.5), 2),
        "disc and halfspace that touch": feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 1.0), 2),
        "rows x >= 0, x <= 0": feasibility(box([0.0, -free], [free, free]), box([-free, -free], [0.0, free]), 2),
    }
    problems = {name: (problem, x0) for name, (problem, x0, _) in cases().items()}
    problems |= {name: (problem, np.array([3.0, -4.0])) for name, problem in meeting.items()}
    result: dict[str, dict[str, Any]] = {}
    out("")
    out("How a solve ends (rtol 1e-6): with the problem's certificate, and without")
    for name, (problem, x0) in problems.items():
        row: dict[str, Any] = {}
        for key, asked in (("with", problem), ("without", replace(problem, certificate=None))):
            ended = Session(Displacement(), rtol=1e-6, on_fail="ignore").solve(asked, x0)
            row[key], row[f"{key} steps"] = ended.status.name, int(ended.steps)
        result[name] = row
        out(
            f"  {name:32s} {row['with']:12s} ({row['with steps']} steps)   {row['without']:12s} ({row['without steps']})"
        )
    return result


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Run the experiment and print its tables.

    Parameters
    ----------
    quick : bool
        Two hundred steps in place of sixteen thousand.
    seed : int
        Not used: nothing is drawn.
    out : callable
        Takes each line.

    Returns
    -------
    dict
        ``estimates`` by case and estimate (``error``, ``slope``), ``decisions`` by problem.
    """
    result = {"estimates": table(8 if quick else 14, out), "decisions": decisions(out)}
    out("")
    out(NOTES)
    return result
