"""Lazy Hessians, reproduced: one Hessian for many steps, and for many problems.

Soft maxima with d unknowns and 2 d affine functions: seconds and counts to a gradient of 1e-8 for a Hessian every m
steps, m = 1 with a Cholesky factorization for every trial (the fair rival) and with an eigendecomposition. The paper
proves that m = d gains a factor sqrt(d) in arithmetic. Then twenty problems that drift: Hessians of sessions that carry
the decomposition from one problem to the next, and of sessions that do not.

Reference: N. Doikov, E. M. Chayti, M. Jaggi, Second-order optimization with lazy Hessians, ICML 2023.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..api import solve
from ..core import Session
from ..gallery.smooth import LogSumExpDrift, log_sum_exp
from ..learners import Carried
from ..methods.newton import GradientRegularized, LazyNewton, Newton

__all__ = ["race", "run", "sequence"]


def race(d: int, mu: float, seed: int = 0, repeats: int = 3, atol: float = 1e-8) -> dict[str, dict[str, float]]:
    """Seconds, steps and Hessians to a gradient of ``atol``, by name; the fastest of the repeats, interleaved."""
    methods: dict[str, Any] = {
        "m = 1, Cholesky": Newton(GradientRegularized()),
        "m = 1, gradient-normalised": Newton(),
        "m = 1, decomposed": Newton(GradientRegularized(), eigen=True),
    }
    for m in (5, 20, 50, 100, d):
        methods[f"m = {m}"] = LazyNewton(period=m)
    rows: dict[str, dict[str, float]] = {}
    for _ in range(repeats):
        for name, method in methods.items():
            problem = log_sum_exp(d, 2 * d, mu, seed)
            start = time.perf_counter()
            result = solve(problem, method, rtol=0.0, atol=atol, max_steps=20_000, on_fail="ignore")
            seconds = time.perf_counter() - start
            row = rows.setdefault(name, {"seconds": seconds})
            row["seconds"] = min(row["seconds"], seconds)
            row.update(steps=result.steps, hessians=result.work.get("hessians", 0), ok=float(result.ok))
    return rows


def sequence(d: int, count: int = 20, seed: int = 0) -> dict[str, float]:
    """Factorizations of ``count`` drifting problems: carried, and cold."""
    found = {}
    for name, learners in (("carried", [Carried(("curvature", "curvature.scale"))]), ("cold", [])):
        session = Session(LazyNewton(), learners, rtol=1e-8)
        results = list(session.solve_all(LogSumExpDrift(count, d, seed=seed)))
        found[name] = float(sum(r.work.get("factorizations", 0) for r in results))
        found[f"{name}, solved"] = float(sum(r.ok for r in results))
    return found


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Run the experiment and print its tables.

    Parameters
    ----------
    quick : bool
        d = 60 in place of 500.
    seed : int
    out : callable
        Takes each line.

    Returns
    -------
    dict
        ``race`` by mu, ``sequence``.
    """
    d = 60 if quick else 500
    result: dict[str, Any] = {"race": {}}
    for mu in (1.0, 0.1):
        rows = result["race"][mu] = race(d, mu, seed, 1 if quick else 3)
        out(f"Soft maximum, d = {d}, mu = {mu:g}: to a gradient of 1e-8")
        out(f"{'':28s} {'seconds':>9s} {'steps':>7s} {'Hessians':>9s}")
        for name, row in rows.items():
            out(
                f"{name:28s} {row['seconds']:9.4f} {row['steps']:7.0f} {row['hessians']:9.0f}"
                + ("" if row["ok"] else "  failed")
            )
        lazy = min(row["seconds"] for name, row in rows.items() if not name.startswith("m = 1,"))
        fresh = min(row["seconds"] for name, row in rows.items() if name.startswith("m = 1,"))
        gain = f"the fastest m = 1 takes {fresh / lazy:.2f} x the seconds of the best m"
        out(f"paper: sqrt(d) = {np.sqrt(d):.0f} x less arithmetic with m = d.  here: {gain}")
        out("")
    found = result["sequence"] = sequence(20 if quick else 200, seed=seed)
    out(f"Twenty drifting problems: {found['carried']:.0f} factorizations when carried, {found['cold']:.0f} cold")
    return result
