"""Saddle-free Newton, reproduced: leaving a saddle however near its stable manifold one begins.

f = x^4/4 - x^2/2 + y^2/2 from (s, 1): Newton's method runs into the saddle at zero; gradient descent leaves it after a
time that grows with log(1/s) at a rate set by its step; saddle-free Newton in a few steps more for each decade. The paper
shows that saddles, not bad minima, are what stops Newton's method on networks.

Reference: Y. Dauphin, R. Pascanu, C. Gulcehre, K. Cho, S. Ganguli, Y. Bengio, NeurIPS 2014.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import root

from ..api import solve
from ..gallery.smooth import double_well
from ..methods.newton import Cubic, GradientDescent, Newton, SaddleFreeNewton

__all__ = ["run"]


def _plain(start: float) -> float:
    """Where Newton's method for f' = 0 ends, by SciPy."""
    problem = double_well(start)
    return float(root(problem.gradient, problem.reference, jac=problem.hessian, method="hybr").x[0])


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Run the experiment and print its table.

    Parameters
    ----------
    quick : bool
        Fewer starts.
    seed : int
        Of the nudge off the stable manifold.
    out : callable
        Takes each line.

    Returns
    -------
    dict
        ``steps`` by method and start, ``minimum`` (share of saddle-free runs that end at (1, 0)).
    """
    starts = [10.0**-k for k in range(2, 13, 5 if quick else 2)] + [0.0]
    methods = {
        "saddle-free Newton": SaddleFreeNewton(seed=seed),
        "saddle-free, Lanczos": SaddleFreeNewton(rank=2, seed=seed),
        "cubic regularisation": Newton(Cubic()),
        "gradient descent, 0.3": GradientDescent(0.3),
    }
    table: dict[str, list[Any]] = {name: [] for name in methods}
    right = dict.fromkeys(methods, 0)
    for start in starts:
        for name, method in methods.items():
            problem = double_well(start)
            result = solve(problem, method, rtol=0.0, atol=1e-9, max_steps=5000, on_fail="ignore")
            there = result.ok and abs(abs(result.x[0]) - 1.0) < 1e-6
            right[name] += there
            table[name].append(result.steps if there else None)
    out("Steps from (s, 1) to a minimum, gradient 1e-9; '-' where it ends at the saddle")
    out(f"{'s':24s} " + " ".join(f"{s:8.0e}" for s in starts))
    for name, row in table.items():
        out(f"{name:24s} " + " ".join(f"{'-' if k is None else k:>8}" for k in row))
    out(f"Newton for f' = 0 (SciPy's hybr) from s = {starts[0]:g} ends at x = {_plain(starts[0]):.1e}")
    share = right["saddle-free Newton"] / len(starts)
    grown = [k for k in table["saddle-free Newton"][:-1] if k is not None]
    slope = float(np.polyfit(-np.log10(starts[: len(grown)]), grown, 1)[0]) if len(grown) > 1 else float("nan")
    out(
        f"paper: escapes saddles rapidly.  here: {share:.0%} reach a minimum, {slope:.1f} steps more for each decade of s"
    )
    return {"steps": table, "minimum": share, "slope": slope}
