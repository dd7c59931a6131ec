"""The usual baseline for Newton's method with constraints: an L1 merit function, and its systems solved by GMRES.

    K z = -(grad_x L, c) to a tenth of its right-hand side,    Armijo along z on    f + mu ||c||_1

The penalty mu rises until the model of the merit falls by half of what the step promises (Byrd, Curtis and Nocedal, SIAM J.
Optim. 19 (2008), a simple form of their tests). The merit has kinks, and near the solution a full step may be refused because
it adds to |c| what it takes from f: then steps are short and many.
"""

import time
from typing import Any

import numpy as np

from ..api import solve
from ..core import Residual, Steps
from ..methods import GMRES
from ..problems import LinearSystem
from ._constrained import Constrained, Outer, convex

__all__ = ["minimised_l1"]

_INNER, _RHO, _BETA = 0.1, 0.5, 1e-4


def minimised_l1(p: Constrained, goal: float, outer: int, most: int) -> Outer:
    """One run.

    Parameters
    ----------
    p : Constrained
    goal : float
        For ``||(grad_x L, c)||``.
    outer, most : int
        Outer steps, and iterations of one inner solve.

    Returns
    -------
    Outer
        ``tightened`` counts how often the penalty rose.
    """
    begin, run, mu = time.perf_counter(), Outer(), 1.0
    x, lam, n = p.x.copy(), np.zeros(len(p.c(p.x))), len(p.x)
    while run.steps < outer:
        g, c = p.gradient(x, lam), p.c(x)
        run.residuals.append(float(np.linalg.norm(np.append(g, c))))
        if not run.residuals[-1] > goal:
            run.reached = run.residuals[-1] <= goal
            break
        B, G = convex(p.hessian(x, lam), p.jacobian(x)), p.jacobian(x)
        z = _direction(run, B, G, g, c, most)
        if z is None:
            break
        slope, mu, rose = _slope(p, x, lam, G, B, c, z[:n], mu)
        run.tightened += rose
        alpha = _armijo(p, x, z[:n], mu, slope)
        if alpha is None:
            break
        x, lam = x + alpha * z[:n], lam + alpha * z[n:]
        run.steps += 1
    run.seconds, run.x = time.perf_counter() - begin, x
    return run


def _direction(run: Outer, B: Any, G: Any, g: Any, c: Any, most: int) -> Any:
    K = np.block([[B, G.T], [G, np.zeros((len(c), len(c)))]])
    size = len(K)
    result = solve(
        LinearSystem(K, -np.append(g, c)), GMRES(min(50, size)), stop=Residual(_INNER) | Steps(most), on_fail="ignore"
    )
    run.inner += result.steps
    run.cost += result.cost.total
    return result.x if result.ok else None


def _slope(p: Constrained, x: Any, lam: Any, G: Any, B: Any, c: Any, d: Any, mu: float) -> tuple[float, float, bool]:
    """The merit's slope along d by its linear model, mu as it then is, and whether it rose."""
    down = float((p.gradient(x, 0.0 * lam)) @ d)
    gain = float(np.abs(c).sum() - np.abs(c + G @ d).sum())
    promised = max(float(d @ B @ d), 0.0)
    rose = gain > 0.0 and down - mu * gain > -0.5 * promised - _RHO * mu * gain
    if rose:
        mu = max(mu, 1.5 * (down + 0.5 * promised) / ((1.0 - _RHO) * gain))
    return down - mu * gain, mu, bool(rose)


def _armijo(p: Constrained, x: Any, d: Any, mu: float, slope: float) -> float | None:
    """The first of 1, 1/2, 1/4, ... that gains enough on the merit; None where none does."""
    here, alpha = p.f(x) + mu * np.abs(p.c(x)).sum(), 1.0
    while alpha > 1e-12:
        y = x + alpha * d
        if p.f(y) + mu * np.abs(p.c(y)).sum() <= here + _BETA * alpha * min(slope, 0.0):
            return alpha
        alpha *= 0.5
    return None
