"""Newton's method with constraints, its linear systems solved by sketching just well enough: few outer steps, not less time.

    min f(x) subject to c(x) = 0:    K z = -(grad_x L, c),   K = [[B, G'], [G, 0]],   (x, lambda) += alpha z

B is the Hessian of the Lagrangian L = f + lambda'c, shifted where it is not convex enough on the null space of the
Jacobian G. z is accepted under the adaptive rule of the paper (`Accuracy`): its residual is small enough, and it descends
on the augmented Lagrangian

    f + lambda'c + eta_1/2 ||c||^2 + eta_2/2 ||grad_x L||^2;

else the rule is tightened and the same inner iterate is gone on from. Armijo steps, until ||(grad_x L, c)|| <= 1e-4. The inner
solver is all that differs between the rows: sketches of rows, of a Gaussian vector, of blocks; MINRES under the very same
rule; MINRES to 1e-10 with no rule; a direct solver. Beside them stand the baseline with the L1 merit function and GMRES, and
the contraction of a row sketch against its theory.

Reference: Hong, Na, Mahoney and Kolar, Constrained Optimization via Exact Augmented Lagrangian and Randomized Iterative
Sketching, ICML 2023 (arXiv 2305.18379), algorithm 1; Strohmer and Vershynin, J. Fourier Anal. Appl. 15 (2009), theorem 2.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..api import solve
from ..core import Residual, Steps
from ..methods import MINRES, Direct, SketchProject
from ..methods.stationary.sketch import Accuracy
from ..problems import LinearSystem
from ._constrained import XI, Constrained, Outer, convex, problems
from ._l1_merit import minimised_l1

__all__ = ["Outer", "contraction", "minimised", "problems", "run"]

ETA1, ETA2, BETA = 1.0, 0.1, 0.1
GOAL, OUTER, INNER = 1e-4, 100, 15_000
PAPER = {  # medians over 47 small CUTEst problems, of the results published with the paper's code
    "sketched rows": (5, 0.035),
    "Gaussian sketches": (5, 0.117),
    "GMRES, same rule": (6, 0.0056),
    "GMRES, L1 merit": (50, 0.020),
}


# ---- the outer method ------------------------------------------------------------------------------------------------


def minimised(p: Constrained, inner: Any, adaptive: bool = True, most: int = INNER) -> Outer:
    """The paper's outer method with one inner solver.

    Parameters
    ----------
    p : Constrained
    inner : method
        Of K z = rhs.
    adaptive : bool
        Whether the rule says when an inner solve is good enough; else 1e-10 relative.
    most : int
        Iterations of one inner solve; where they do not do, the run ends unreached.

    Returns
    -------
    Outer
    """
    begin, run = time.perf_counter(), Outer()
    x, lam, n = p.x.copy(), np.zeros(len(p.c(p.x))), len(p.x)
    eta, rule = [ETA1, ETA2], Accuracy()
    while run.steps < OUTER:
        g, c = p.gradient(x, lam), p.c(x)
        run.residuals.append(float(np.linalg.norm(np.append(g, c))))
        if not run.residuals[-1] > GOAL:
            run.reached = run.residuals[-1] <= GOAL
            break
        H, G = p.hessian(x, lam), p.jacobian(x)
        z, rule = _direction(run, inner, most, rule if adaptive else None, eta, (g, c, H, G))
        if z is None:
            break
        alpha = _armijo(p, x, lam, z, eta, _slope(g, c, H, G, eta, z))
        x, lam = x + alpha * z[:n], lam + alpha * z[n:]
        run.steps += 1
    run.seconds, run.x = time.perf_counter() - begin, x
    return run


def _direction(run: Outer, inner: Any, most: int, rule: Any, eta: list[float], at: tuple[Any, ...]) -> tuple[Any, Any]:
    """The step z that the rule accepts, or None where the inner solver does not get there; and the rule as it is then."""
    g, c, H, G = at
    B, size = convex(H, G), run.residuals[-1]
    K, rhs = np.block([[B, G.T], [G, np.zeros((len(c), len(c)))]]), -np.append(g, c)
    floor = float(np.linalg.eigvalsh(G @ G.T).min())
    psi = 20 * max(np.linalg.norm(B, 2) ** 2, 1.0) / (min(floor, 1.0) * min(XI, 1.0))
    z, exact = None, False
    while True:
        if not exact:
            stop = Residual(1e-10) if rule is None else rule.rule(float(np.linalg.norm(K)), psi, size)
            result = solve(LinearSystem(K, rhs), inner, x0=z, stop=stop | Steps(most), on_fail="ignore")
            run.inner += result.steps
            run.cost += result.cost.total
            if not result.ok:
                return None, rule
            z, exact = result.x, rule is None
        if _slope(g, c, H, G, eta, z) <= -0.5 * eta[1] * size**2 or eta[1] < 1e-12:
            return z, rule
        nu = Accuracy().nu
        eta[:] = [eta[0] * nu**2, eta[1] / nu]
        rule = None if rule is None else rule.tightened()
        run.tightened += 1


def _armijo(p: Constrained, x: Any, lam: Any, z: Any, eta: list[float], slope: float) -> float:
    """The first of 1, 1/2, 1/4, ... that gains enough on the augmented Lagrangian."""
    n, alpha = len(x), 1.0

    def merit(x: Any, lam: Any) -> Any:
        g, c = p.gradient(x, lam), p.c(x)
        return p.f(x) + lam @ c + 0.5 * eta[0] * (c @ c) + 0.5 * eta[1] * (g @ g)

    here = merit(x, lam)
    while alpha > 1e-10 and not merit(x + alpha * z[:n], lam + alpha * z[n:]) <= here + BETA * alpha * slope:
        alpha *= 0.5
    return alpha


def _slope(g: Any, c: Any, H: Any, G: Any, eta: list[float], z: Any) -> float:
    """The derivative of the augmented Lagrangian along z."""
    primal = g + eta[1] * (H @ g) + eta[0] * (G.T @ c)
    dual = c + eta[1] * (G @ g)
    return float(primal @ z[: len(g)] + dual @ z[len(g) :])


# ---- one sketch ------------------------------------------------------------------------------------------------------


def contraction(n: int, seeds: int, passes: int = 1) -> tuple[float, float, bool]:
    """Mean of ``||error||^2`` after passes of n row sketches over its start, the theory's bound, and whether none ever grew.

    K = diag(1, ..., n), and the error lies along the least singular vector, where the theory's bound is attained:
    ``(1 - 1 / sum i^2)^(n passes)``.
    """
    d = np.arange(1.0, n + 1)
    exact = np.eye(n)[0]
    problem = LinearSystem(np.diag(d), d * exact)
    ratios, grew = [], False
    for seed in range(seeds):
        before = np.linalg.norm(exact)
        method = SketchProject("rows", seed=seed, look=1)
        state = method.init(problem, None, {})
        for _ in range(passes):
            method.step(problem, state)
            now = np.linalg.norm(state.x - exact)
            grew, before = grew or now > before * (1 + 1e-14), now
        ratios.append((before / np.linalg.norm(exact)) ** 2)
    return float(np.mean(ratios)), float((1 - 1 / np.sum(d**2)) ** (n * passes)), not grew


# ---- the tables ------------------------------------------------------------------------------------------------------


def _solvers(seed: int) -> dict[str, tuple[Any, bool]]:
    return {
        "sketched rows": (SketchProject("rows", seed=seed), True),
        "Gaussian sketches": (SketchProject("gauss", seed=seed), True),
        "sketched blocks": (SketchProject("block", seed=seed), True),
        "MINRES, same rule": (MINRES(), True),
        "MINRES to 1e-10": (MINRES(), False),
        "direct": (Direct(), False),
    }


def _most(name: str, quick: bool) -> int:
    """Iterations of one inner solve; one with blocks takes as long as ten others."""
    return INNER // 10 if quick or name == "sketched blocks" else INNER


def run(quick: bool = False, seed: int = 0, out: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure and print.

    Parameters
    ----------
    quick : bool
        Fewer and smaller problems.
    seed : int
        Of data and sketches.
    out : callable
        Gets the lines.

    Returns
    -------
    dict
        ``contraction`` rows, and ``runs``: {solver: {problem: Outer}}.
    """
    out(
        "Ten passes of row sketches on diag(1..n) from the worst error, mean of ||error||^2 over its start: measured, theory"
    )
    shrunk = []
    for n in (10, 20) if quick else (10, 20, 40):
        row = (n, *contraction(n, 200 if quick else 1000, 10))
        shrunk.append(row)
        out(f"  n {n:3}: {row[1]:.3f}, {row[2]:.3f}; the error never grew: {'yes' if row[3] else 'NO'}")
    found = problems(seed, quick)
    runs: dict[str, dict[str, Outer]] = {}
    out("")
    out(
        f"Newton with constraints to {GOAL:g}: outer steps by inner solver (inner iterations in brackets; - not reached)"
    )
    out(f"  {'':<19}" + "".join(f"{p.name[:13]:>15}" for p in found))
    for name, (method, adaptive) in _solvers(seed).items():
        runs[name] = {p.name: minimised(p, method, adaptive, _most(name, quick)) for p in found}
    runs[_BASELINE] = {p.name: minimised_l1(p, GOAL, OUTER, INNER) for p in found}
    for name in runs:
        cells = [f"{r.steps} ({r.inner})" if r.reached else f"- ({r.inner})" for r in runs[name].values()]
        out(f"  {name:<19}" + "".join(f"{cell:>15}" for cell in cells))
    out("")
    out(
        "medians over the problems that a solver reached; the paper's are of 47 CUTEst problems, on its authors' machine"
    )
    out(
        f"  {'':<19}{'reached':>9}{'outer':>7}{'inner':>9}{'cost in products':>18}{'seconds':>9}   paper: outer, seconds"
    )
    for name, rows in runs.items():
        good = [r for r in rows.values() if r.reached]
        paper = PAPER.get(name.replace("MINRES, same", "GMRES, same"))
        beside = "" if paper is None else f"{paper[0]}, {paper[1]}" + (" (GMRES)" if name.startswith("MINRES") else "")
        values = [float(np.median([getattr(r, key) for r in good])) if good else np.nan for key in _KEYS]
        row = f"{values[0]:>7.0f}{values[1]:>9.0f}{values[2]:>18.0f}{values[3]:>9.3f}"
        out(f"  {name:<19}{len(good):>4} of {len(rows):<2}{row}   {beside}")
    out("")
    for line in _reading(runs):
        out(line)
    return {"contraction": shrunk, "runs": runs}


_KEYS = ("steps", "inner", "cost", "seconds")
_BASELINE = "GMRES, L1 merit"


def _reading(runs: dict[str, dict[str, Outer]]) -> list[str]:
    """What the measured figures say."""
    shared = [p for p, r in runs["sketched rows"].items() if r.reached and runs["MINRES, same rule"][p].reached]
    if not shared:
        return ["no problem was reached by row sketches and MINRES both: nothing to compare"]
    outer = [(runs["sketched rows"][p].steps, runs["MINRES, same rule"][p].steps) for p in shared]
    cost = np.median([runs["sketched rows"][p].cost / runs["MINRES, same rule"][p].cost for p in shared])
    both = [p for p, r in runs[_BASELINE].items() if r.reached and runs["MINRES, same rule"][p].reached]
    base, same = (sum(runs[name][p].steps for p in both) for name in (_BASELINE, "MINRES, same rule"))
    ruled, fixed = (sum(r.inner for r in runs[name].values()) for name in ("MINRES, same rule", "MINRES to 1e-10"))
    return [
        f"on {len(shared)} shared problems: {sum(a for a, _ in outer)} outer steps with row sketches, "
        f"{sum(b for _, b in outer)} with MINRES under the same rule; the sketches cost {cost:.3g} times as much (median).",
        f"On {len(both)} problems the L1 merit with GMRES took {base} outer steps where the augmented Lagrangian took {same}.",
        f"The rule saves MINRES inner iterations ({ruled} against {fixed} to 1e-10), at no outer step. So few outer steps",
        "belong to Newton's method on this merit function, with any inner solver; sketching adds work. The rate of a sketch is",
        "1 - sigma_min^2 / ||K||_F^2 a row, and KKT matrices are not well conditioned: where '-' stands, "
        f"{INNER} inner iterations",
        "(blocks, and quick: a tenth) did not do.",
    ]
