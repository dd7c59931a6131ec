"""Gradient-normalised smoothness, reproduced: one damping that needs no constant, for exact and approximate Hessians.

Soft maxima (d = 50, m = 200; mu = 1, 0.1, 0.02) with the exact Hessian and with the weighted Gauss-Newton matrix, the
fourth power of a residual (100 x 200, singular Hessians), Rosenbrock's valley from (-2, 2), and logistic regression from
three starts. The paper claims global convergence with one self-tuned number, for any positive semidefinite approximation;
no run may fail. Steps and solves are counted, trials that were refused included.

Reference: A. Semenov, M. Jaggi, N. Doikov, Gradient-normalized smoothness for optimization with approximate Hessians,
ICLR 2026.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..api import solve
from ..gallery.smooth import log_sum_exp, logistic, quartic, rosenbrock
from ..methods.newton import Newton

__all__ = ["cases", "run"]


def cases(seed: int = 0) -> dict[str, tuple[Any, Any, float]]:
    """Problems by name, each with a start and the gradient asked for."""
    found: dict[str, tuple[Any, Any, float]] = {}
    for mu in (1.0, 0.1, 0.02):
        found[f"soft maximum, mu = {mu:g}"] = (log_sum_exp(mu=mu, seed=seed), None, 1e-8)
        found[f"soft maximum, mu = {mu:g}, Gauss-Newton"] = (log_sum_exp(mu=mu, seed=seed, weighted=True), None, 1e-8)
    for t in (0.0, 3.0, 10.0):
        found[f"logistic, from {t:g}"] = (logistic(seed=seed), t * np.ones(50), 1e-9)
    found["fourth power, 100 x 200"] = (quartic(seed=seed), None, 1e-9)
    found["Rosenbrock, from (-2, 2)"] = (rosenbrock(), None, 1e-9)
    return found


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Run the experiment and print its table.

    Parameters
    ----------
    quick : bool
        One seed in place of five.
    seed : int
        The first of the seeds.
    out : callable
        Takes each line.

    Returns
    -------
    dict
        By case: ``steps`` and ``solves`` (medians) and ``failed``.
    """
    table: dict[str, Any] = {}
    for s in range(seed, seed + (1 if quick else 5)):
        for name, (problem, x0, atol) in cases(s).items():
            result = solve(problem, Newton(), x0=x0, rtol=0.0, atol=atol, max_steps=5000, on_fail="ignore")
            row = table.setdefault(name, {"steps": [], "solves": [], "failed": 0})
            row["steps"].append(result.steps)
            row["solves"].append(result.work["solves"])
            row["failed"] += not result.ok
    out(f"{'':38s} {'steps':>6s} {'solves':>7s} {'failed':>7s}")
    for name, row in table.items():
        row["steps"], row["solves"] = float(np.median(row["steps"])), float(np.median(row["solves"]))
        out(f"{name:38s} {row['steps']:6.0f} {row['solves']:7.0f} {row['failed']:7d}")
    failed = sum(row["failed"] for row in table.values())
    out(f"paper: converges from any start with one self-tuned number.  here: {failed} failures")
    return table
