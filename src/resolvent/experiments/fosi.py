"""FOSI, reproduced: a few eigenpairs of the Hessian under a first-order method, every product with the Hessian charged.

A quadratic of 100 unknowns with the eigenvalues 200, 1, 1.5^-1, 1.5^-2, ... in a random basis (the paper's spectrum),
and one of 300; gradient descent and the heavy ball alone, and on top of ten eigenpairs. What counts is f after the same
cost: a gradient is 1, a product with the Hessian 2. The paper clips the stretch of the base's step at 3; on a quadratic
more is safe, and both are shown.

Reference: H. Sivan, M. Gabel, A. Schuster, FOSI: Hybrid first and second order optimization, ICLR 2024.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Session, Status, Steps
from ..methods.newton import FOSI, GradientDescent, HeavyBall
from ..problems import Smooth

__all__ = ["run"]


def quadratic(d: int, seed: int) -> Any:
    """x'Hx/2 with the paper's spectrum in a random basis; begins where f = 100."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    w = np.r_[200.0, 1.5 ** -np.arange(d - 1.0)]
    H = (Q * w) @ Q.T
    x0 = Q @ (np.sqrt(1.0 / (1.0 + np.arange(d))) * rng.standard_normal(d))
    x0 *= np.sqrt(200.0 / (x0 @ H @ x0))
    return Smooth(lambda x: 0.5 * float(x @ H @ x), lambda x: H @ x, hvp=lambda x, v: H @ v, reference=x0)


def after(problem: Any, method: Any, budget: float) -> tuple[float, float]:
    """f and cost when the budget is used up."""
    reached = (float(problem.value(problem.reference)), 0.0)

    class Watch:
        """Stops when the budget is used up."""

        each = True

        def begin(self, problem: Any, method: Any, state: Any) -> None:
            """Nothing to see yet."""

        def step(self, problem: Any, state: Any) -> Any:
            """f so far, as long as it is within the budget."""
            nonlocal reached
            cost = problem.work.total()
            spent = cost.get("gradients", 0) + 2.0 * cost.get("hvps", 0)
            if spent > budget:
                return Status.USER
            reached = (float(problem.value(state.x)), spent)
            return None

        def end(self, problem: Any, result: Any) -> None:
            """Nothing left to see."""

    Session(method, stop=Steps(100_000), recorders=[Watch()], on_fail="ignore").solve(problem)
    return reached


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Run the experiment and print its table.

    Parameters
    ----------
    quick : bool
        100 unknowns and one seed, in place of 100 and 300 and five seeds.
    seed : int
        The first of the seeds.
    out : callable
        Takes each line.

    Returns
    -------
    dict
        By size: f at the end by method (medians) and ``gain``.
    """
    methods = {
        "gradient descent, 1/L": GradientDescent(1.0 / 200.0),
        "heavy ball, 1/L, 0.9": HeavyBall(1.0 / 200.0, 0.9),
        "FOSI + gradient descent, clip 3": FOSI(GradientDescent(1.0 / 200.0), largest=10),
        "FOSI + gradient descent": FOSI(GradientDescent(1.0 / 200.0), largest=10, alpha=1.0, clip=1e9),
        "FOSI + heavy ball, clip 3": FOSI(HeavyBall(1.0 / 200.0, 0.9), largest=10),
        "FOSI + heavy ball": FOSI(HeavyBall(1.0 / 200.0, 0.9), largest=10, alpha=1.0, clip=1e9),
    }
    result: dict[str, Any] = {}
    for d in (100,) if quick else (100, 300):
        rows: dict[str, list[float]] = {name: [] for name in methods}
        for s in range(seed, seed + (1 if quick else 5)):
            for name, method in methods.items():
                rows[name].append(after(quadratic(d, s), method, 300.0)[0])
        found: dict[str, float] = {name: float(np.median(v)) for name, v in rows.items()}
        out(f"Quadratic, d = {d}, f = 100 at the start: f when gradients + 2 products have used up 300")
        for name, f in found.items():
            out(f"{name:34s} {f:10.2e}")
        found["gain"] = found["gradient descent, 1/L"] / max(found["FOSI + gradient descent"], 1e-300)
        out(f"paper: much lower f at the same count of steps.  here: {found['gain']:.3g} x lower at the same cost")
        out("")
        result[str(d)] = found
    return result
