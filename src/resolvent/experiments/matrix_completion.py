"""Matrix completion by robust alternating minimisation, reproduced: what inexact rows gain, and how time grows.

Planted noiseless matrices to a gradient of 1e-8: rows solved exactly (Gram matrix and Cholesky) and inexactly (kept factors,
beyond rank 16 warm conjugate gradients), in the same code. The paper proves a total of about |Omega| k operations where
exact rows take |Omega| k^2. Then seconds against |Omega| at k = 10 and against k, with slopes of the logarithms, and a stream
of entries that arrive.

Reference: Y. Gu, Z. Song, J. Yin, L. Zhang, Low rank matrix completion via robust alternating minimization in nearly
linear time (2023), arXiv 2302.11068.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..api import solve
from ..core import Session
from ..gallery.entries import ArrivingEntries, planted
from ..learners import Carried, Warm
from ..methods import AlternatingMinimization
from ..methods.lowrank.kept import SLOTS
from ..problems import Completion

__all__ = ["error", "race", "run", "slope", "stream"]


def race(
    m: int,
    n: int,
    k: int,
    density: float,
    rtol: float = 1e-8,
    repeats: int = 1,
    rows: Sequence[str] = ("auto", "exact"),
) -> dict[str, dict[str, float]]:
    """Seconds (the least of the repeats, interleaved), rounds and the true relative error, by how rows are solved."""
    i, j, values, U, V = planted(m, n, k, density)
    found: dict[str, dict[str, float]] = {}
    for _ in range(repeats):
        for kind in rows:
            start = time.perf_counter()
            result = solve(
                Completion(i, j, values, (m, n), k), AlternatingMinimization(kind), rtol=rtol, on_fail="ignore"
            )
            seconds = time.perf_counter() - start
            row = found.setdefault(kind, {"seconds": seconds})
            row["seconds"] = min(seconds, row["seconds"])
            row.update(rounds=result.steps, ok=float(result.ok), error=error(*result.x, U, V), entries=len(i))
    return found


def error(P: Any, Q: Any, U: Any, V: Any) -> float:
    """||P Q' - U V'||_F / ||U V'||_F from the factors."""
    left = np.linalg.qr(np.hstack([P, -U]), mode="r")
    right = np.linalg.qr(np.hstack([Q, V]), mode="r")
    return float(np.linalg.norm(left @ right.T) / np.sqrt(np.sum((U.T @ U) * (V.T @ V))))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Of log y against log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])


def stream(size: int, count: int = 10, seed: int = 0, noise: float = 0.01) -> dict[str, float]:
    """Cost and seconds of a stream of entries after the first problem, carried and cold."""
    found: dict[str, float] = {}
    for name, learners in (("carried", [Warm(always=True), Carried(SLOTS)]), ("cold", [])):
        session = Session(AlternatingMinimization(), learners, rtol=1e-6)
        results = list(session.solve_all(ArrivingEntries(count, size, seed=seed, noise=noise)))[1:]
        found[name] = float(sum(r.cost.total for r in results))
        found[f"{name} seconds"] = float(sum(r.seconds for r in results))
        found[f"{name} solved"] = float(sum(r.ok for r in results))
    return found


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Run the experiment and print its tables.

    Parameters
    ----------
    quick : bool
        Small matrices.
    seed : int
        Of the stream.
    out : callable
        Takes each line.

    Returns
    -------
    dict
        ``race`` by case, ``entries slope``, ``rank slope``, ``stream``.
    """
    cases = (
        [(200, 150, 3, 0.4), (200, 200, 40, 0.6)]
        if quick
        else [
            (2000, 2000, 10, 0.05),
            (1000, 1000, 20, 0.25),
            (1000, 1000, 40, 0.25),
            (600, 600, 100, 0.8),
            (10_000, 5_000, 10, 0.05),
        ]
    )
    race(60, 50, 2, 0.5)  # compiles
    result: dict[str, Any] = {"race": {}}
    out(
        "Noiseless, to a gradient of 1e-8: rows by kept factors up to k = 16, warm conjugate gradients beyond; and exactly"
    )
    out(
        f"{'m x n, k, density':28s} {'seconds':>8s} {'exact':>8s} {'gain':>6s} {'rounds':>7s} {'exact':>6s} {'error':>9s}"
    )
    for m, n, k, density in cases:
        rows = result["race"][f"{m} x {n}, k = {k}"] = race(m, n, k, density)
        one, two = rows["auto"], rows["exact"]
        line = f"{m} x {n}, {k}, {density:g}"
        gain = two["seconds"] / one["seconds"]
        counts = f"{one['rounds']:7.0f} {two['rounds']:6.0f} {one['error']:9.1e}"
        out(f"{line:28s} {one['seconds']:8.2f} {two['seconds']:8.2f} {gain:6.2f} {counts}")
    sizes = (100, 200) if quick else (1000, 2000, 4000)
    rows = [race(s, s, 10, 0.1 if s > 500 else 0.5, rows=("auto",))["auto"] for s in sizes]
    result["entries slope"] = slope([r["entries"] for r in rows], [r["seconds"] / r["rounds"] for r in rows])
    ranks = (10, 20) if quick else (20, 40, 80)
    m = 200 if quick else 600
    rows = [race(m, m, k, 0.8, rows=("auto", "exact")) for k in ranks]
    for kind in ("auto", "exact"):
        result[f"rank slope, {kind}"] = slope(ranks, [r[kind]["seconds"] / r[kind]["rounds"] for r in rows])
    out(f"paper: time grows as |Omega| k.  here, a round: |Omega|^{result['entries slope']:.2f} at k = 10;")
    out(f"k^{result['rank slope, auto']:.2f} with warm rows, k^{result['rank slope, exact']:.2f} with exact ones")
    result["stream"] = {}
    for noise in (0.0, 0.01):
        found = result["stream"][noise] = stream(100 if quick else 1000, 5 if quick else 10, seed, noise)
        cost, seconds = (found[f"carried{part}"] / found[f"cold{part}"] for part in ("", " seconds"))
        out(
            f"1 % new entries a step, noise {noise:g}: {cost:.3f} of the cost of cold solves, {seconds:.3f} of the seconds"
        )
    return result
