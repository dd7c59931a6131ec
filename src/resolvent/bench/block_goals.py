"""Goals of block coordinate descent: counts and losses, no times."""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Session
from ..experiments import block_coordinate_descent as experiment
from ..experiments import normalized_logistic
from ..methods.coordinate import BlockDescent, ForestDescent, TwoMetric
from ..methods.separation import NormalizedLogistic

__all__ = ["ITEMS"]

Report = Callable[[str, float, float, str], Any]


def rules(report: Report, say: Any, quick: bool) -> None:
    """Greedy rules on least squares, matrix updates, fixed blocks of 5."""
    problems = [experiment.headline(seed) for seed in range(1 if quick else 5)]
    left = {}
    for rule in ("random", "gs", "gsl", "gsd", "gsq"):
        method = BlockDescent(rule, "matrix", "fixed", 5)
        left[rule] = float(np.median([experiment.left_over(p, method, 200 if quick else 1500) for p in problems]))
    say(", ".join(f"{rule} {value:.1e}" for rule, value in left.items()))
    report("block descent: larger of GSL and GSD over GS", max(left["gsl"], left["gsd"]) / left["gs"], 1.0, "<")
    report("block descent: GS over random", left["gs"] / left["random"], 1.0, "<")
    report(
        "block descent: random over the best of GSD, GSQ", left["random"] / min(left["gsd"], left["gsq"]), 30.0, ">="
    )


def trees(report: Report, say: Any, quick: bool) -> None:
    """A tridiagonal system is one forest."""
    import scipy.sparse as sp

    from ..operators import L1, Quadratic
    from ..problems import Composite

    n = 100 if quick else 10_000
    H = sp.diags_array([-np.ones(n - 1), 2.1 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]).tocsc()
    result = Session(ForestDescent(), rtol=1e-10, on_fail="ignore").solve(Composite(Quadratic(H, np.ones(n)), L1(0.0)))
    report("forest blocks: steps for a tridiagonal system", result.steps if result.ok else np.inf, 1.0, "<=")


def two_metric(report: Report, say: Any, quick: bool) -> None:
    """Two-metric projection beside projected gradient, both to the problem's own measure."""
    problem = experiment.sparse_nonnegative(60 if quick else 400)
    ours = Session(TwoMetric(), rtol=1e-9, on_fail="ignore").solve(problem)
    theirs = experiment.projected_gradient(problem, 1e-9, 100_000)
    say(f"{ours.steps} iterations against {theirs}")
    report(
        "two-metric projection: iterations over projected gradient's",
        ours.steps / theirs if ours.ok else np.inf,
        0.1,
        "<=",
    )


def separation(report: Report, say: Any, quick: bool) -> None:
    """The adversarial set."""
    for n in (100, 1000) if quick else (100, 1000, 10_000):
        ours = normalized_logistic.steps(normalized_logistic.adversarial(n), NormalizedLogistic(), 1000)
        report(f"normalised logistic, n = {n}: steps to separate", np.inf if ours is None else ours, 5.0, "<=")


ITEMS = {"block rules": rules, "forests": trees, "two-metric": two_metric, "separation": separation}
