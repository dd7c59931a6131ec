"""Sparsity-constrained optimal transport, reproduced: plans with at most k entries a column, and a stream of batches.

First a grid of k and gamma on random costs: how far the marginals of the plan are violated, ours and POT's. Then tokens for
experts: batches of tokens, each expert takes at most k of them, and the potentials are carried from batch to batch.

The paper shows plans and curves, and a table of a vision model's accuracy, which is not within reach here; what it states of
the method, that k = all entries is quadratic transport, and that the relaxation is exact where no column is tied, is
checked: the gap is zero there, and the first column of the grid tells where it is not.

Reference: Liu, Puigcerver and Blondel, Sparsity-constrained optimal transport, ICLR 2023 (arXiv 2209.15466).
"""

import contextlib
import io
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..api import solve
from ..core import Session
from ..learners import Potentials
from ..methods import SparseTransport
from ..problems import Transport

__all__ = ["run"]


def violation(P: Any, a: Any, b: Any) -> float:
    """L1 error of both marginals."""
    P = P.toarray() if hasattr(P, "toarray") else P
    return float(np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum())


def _pot(problem: Any) -> tuple[float, float]:
    """POT's violation and seconds; NaN where POT is absent."""
    if find_spec("ot") is None:
        return float("nan"), float("nan")
    import ot

    k = problem.max_nonzeros
    begin = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):  # it prints a shape in each evaluation
        P = ot.smooth.smooth_ot_semi_dual(
            problem.a, problem.b, problem.C, problem.reg, reg_type="sparsity_constrained", max_nz=k, numItermax=2000
        )
    return violation(P, problem.a, problem.b), time.perf_counter() - begin


def grid(quick: bool, seed: int, out: Callable[[str], Any]) -> list[dict[str, Any]]:
    """k against gamma."""
    n, m = (24, 12) if quick else (60, 30)
    C = np.random.default_rng(seed).random((n, m))
    rows = []
    out(f"random costs, {n} x {m}, uniform masses: L1 violation of both marginals, and the gap to the lower bound")
    out(
        f"  {'gamma':>6s} {'k':>3s} {'ours':>9s} {'gap':>9s} {'value':>8s} {'entries':>7s} {'ms':>6s} {'POT':>9s} {'ms':>6s}"
    )
    for reg in (1.0,) if quick else (1.0, 0.1, 0.01):
        for k in (2, 4) if quick else (2, 3, 4, 6, 10, n):
            problem = Transport(C, np.full(n, 1 / n), np.full(m, 1 / m), reg, regularizer="l2", max_nonzeros=k)
            begin = time.perf_counter()
            result = solve(problem, "sparsetransport", rtol=1e-9, on_fail="ignore")
            seconds = time.perf_counter() - begin
            theirs, elapsed = _pot(problem)
            row = {"gamma": reg, "k": k, "error": violation(result.x, problem.a, problem.b), "pot": theirs}
            row |= {"gap": result.seen["gap"], "value": result.seen["value"], "status": result.status.name}
            rows.append(row)
            out(
                f"  {reg:6g} {k:3d} {row['error']:9.1e} {row['gap']:9.1e} {row['value']:8.5f} "
                f"{int(result.seen['most_nonzeros']):7d} {1e3 * seconds:6.0f} {theirs:9.1e} {1e3 * elapsed:6.0f}"
            )
    return rows


def batches(quick: bool, seed: int, out: Callable[[str], Any]) -> dict[str, Any]:
    """Tokens for experts: each of the experts takes at most k tokens; scores drift from batch to batch."""
    n, m, k, count = (48, 6, 10, 3) if quick else (256, 16, 20, 10)
    rng = np.random.default_rng(seed)
    experts, tokens = rng.standard_normal((m, 8)), rng.standard_normal((n, 8))
    warm = Session(SparseTransport(), [Potentials()], rtol=1e-8, on_fail="ignore")
    cold = Session(SparseTransport(), rtol=1e-8, on_fail="ignore")
    table: dict[str, list[float]] = {"warm": [], "cold": [], "error": [], "pot": [], "gap": []}
    for _ in range(count):
        tokens = tokens + 0.02 * rng.standard_normal((n, 8))
        C = ((tokens[:, None] - experts) ** 2).sum(axis=-1)
        problem = Transport(C / C.max(), np.full(n, 1 / n), np.full(m, 1 / m), 1.0, regularizer="l2", max_nonzeros=k)
        one, two = warm.solve(problem), cold.solve(problem)
        table["warm"].append(one.steps)
        table["cold"].append(two.steps)
        table["error"].append(max(violation(r.x, problem.a, problem.b) if r.ok else np.inf for r in (one, two)))
        table["gap"].append(one.seen["gap"] / one.seen["value"])
        table["pot"].append(_pot(problem)[0])
    found = {name: float(np.mean(values)) for name, values in table.items()}
    out(f"{n} tokens, {m} experts of at most {k} tokens, {count} batches that drift")
    out(
        f"  steps a batch: warm {found['warm']:.1f}, cold {found['cold']:.1f}; worst violation {max(table['error']):.1e}, POT "
        f"{np.max(table['pot']):.1e}; gap {100 * found['gap']:.2f} % of the value in the mean"
    )
    return found | {"worst": max(table["error"])}


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Measure and print both tables.

    Parameters
    ----------
    quick : bool
        Tiny sizes, for a test of the machinery.
    seed : int
    out : callable
        Takes the lines.

    Returns
    -------
    dict
        ``grid``: a list of rows; ``batches``: means.
    """
    return {"grid": grid(quick, seed, out), "batches": batches(quick, seed, out)}
