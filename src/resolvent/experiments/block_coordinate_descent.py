"""Block coordinate descent: which block, which update, how far after a fixed number of block steps, measured here and now.

Least squares, n = 300, d = 200, blocks of 5, 1500 block steps, columns of unequal length; the figure is what is left of the
objective above its minimum. The paper's claim: greedy rules that know curvature (GSL, GSD, GSQ) beat GS, GS beats random,
and matrix updates widen the gap; measured by curves there, so the column beside ours is the claim, not a number. Also:
forests on a lattice and on a tridiagonal system, and two-metric projection beside projected gradient.

Reference: J. Nutini, I. Laradji, M. Schmidt, Let's make block coordinate descent converge faster, JMLR 23 (2022).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..core import Session
from ..methods.coordinate import BlockDescent, ForestDescent, TwoMetric
from ..operators import L1, LeastSquares, NonNegative, Quadratic
from ..problems import Composite

__all__ = ["headline", "lattice", "left_over", "projected_gradient", "run", "sparse_nonnegative"]

RULES = ("random", "cyclic", "gs", "gsl", "gsd", "gsq")


def headline(seed: int = 0, n: int = 300, d: int = 200) -> Composite:
    """Least squares with columns of unequal length."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * rng.uniform(0.1, 2.0, d)
    return Composite(LeastSquares(X, X @ rng.standard_normal(d) + rng.standard_normal(n)), L1(0.0))


def left_over(problem: Composite, method: BlockDescent, steps: int) -> float:
    """The objective above its minimum after that many block steps."""
    result = Session(method, rtol=1e-15, max_steps=steps, on_fail="ignore").solve(problem)
    best, *_ = np.linalg.lstsq(problem.loss.X, problem.loss.y, rcond=None)
    return max(problem.objective(result.x) - problem.objective(best), 1e-16)


def lattice(side: int) -> Composite:
    """A shifted Laplacian on a square lattice."""
    line = sp.diags_array([-np.ones(side - 1), 2.0 * np.ones(side), -np.ones(side - 1)], offsets=[-1, 0, 1])
    eye = sp.eye_array(side)
    H = sp.csc_array(sp.kron(line, eye) + sp.kron(eye, line) + 0.01 * sp.eye_array(side * side))
    return Composite(Quadratic(H, np.random.default_rng(0).standard_normal(side * side)), L1(0.0))


def sparse_nonnegative(d: int, seed: int = 0) -> Composite:
    """Least squares with an L1 term under ``w >= 0``, as a quadratic over bounds."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2 * d, d)) + rng.standard_normal((2 * d, 1))
    w = np.where(np.arange(d) < d // 20, 1.0, 0.0)
    y = X @ w + 0.5 * rng.standard_normal(2 * d)
    return Composite(Quadratic(X.T @ X / (2 * d), X.T @ y / (2 * d) - 0.05), NonNegative())


def projected_gradient(problem: Composite, rtol: float, limit: int) -> int:
    """Iterations of projected gradient with step 1 / lambda_max until the problem's own measure is met."""
    H, c = problem.loss.H, problem.loss.b
    step = 1.0 / float(np.linalg.eigvalsh(H)[-1])
    w = np.zeros(len(c))
    for k in range(limit):
        if k % 10 == 0 and problem.measure(w).residual <= rtol * problem.scale:
            return k
        w = np.maximum(w - step * (H @ w - c), 0.0)
    return limit


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Measure and print.

    Parameters
    ----------
    quick : bool
        One seed in place of five, fewer steps.
    seed : int
        The first one.
    out : callable

    Returns
    -------
    dict
    """
    steps, seeds = (300, [seed]) if quick else (1500, list(range(seed, seed + 5)))
    problems = [headline(s) for s in seeds]
    found: dict[str, Any] = {}
    out(
        f"left of the objective above its minimum after {steps} block steps of 5 coordinates, median of {len(seeds)} seeds"
    )
    out(f"  {'blocks, update':24s}" + "".join(f"{rule:>10s}" for rule in RULES))
    for blocks in ("fixed", "variable"):
        for update in ("lipschitz", "matrix", "line search", "adaptive"):
            row = {}
            for rule in RULES:
                each = [
                    left_over(p, BlockDescent(rule, update, blocks, 5, seed=s), steps) for p, s in zip(problems, seeds)
                ]
                row[rule] = float(np.median(each))
            found[f"{blocks}, {update}"] = row
            out(f"  {blocks + ', ' + update:24s}" + "".join(f"{row[rule]:10.1e}" for rule in RULES))
    row = found["fixed, matrix"]
    order = max(row["gsl"], row["gsd"]) < row["gs"] < row["random"]
    out(f"claim GSL, GSD < GS < random with matrix updates: {'holds' if order else 'does not hold'} here")
    out(f"random over the better of GSD and GSQ: {row['random'] / min(row['gsd'], row['gsq']):.0f} times")
    side = 15 if quick else 40
    line = sp.diags_array([-np.ones(999), 2.001 * np.ones(1000), -np.ones(999)], offsets=[-1, 0, 1]).tocsc()
    tree = Session(ForestDescent(), rtol=1e-9, on_fail="ignore")
    found["tridiagonal"] = tree.solve(Composite(Quadratic(line, np.ones(1000)), L1(0.0))).steps
    out(f"tridiagonal system of 1000: {found['tridiagonal']} step of forest descent (foretold: 1)")
    found["lattice"] = tree.solve(lattice(side)).steps
    out(f"lattice {side} x {side}: {found['lattice']} forest solves to 1e-9")
    problem = sparse_nonnegative(100 if quick else 400, seed)
    ours = Session(TwoMetric(), rtol=1e-9, on_fail="ignore").solve(problem)
    theirs = projected_gradient(problem, 1e-9, 100_000)
    found["two-metric"] = (ours.steps, theirs)
    out(f"two-metric projection {ours.steps} iterations ({ours.status.name}), projected gradient {theirs}")
    return found
