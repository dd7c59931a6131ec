"""Goals of fixed points: work against SciPy's solvers and against policy iteration, and what a sequence learns.

Every evaluation of a map and every linearisation goes through one counter around the callable, for us and for the peers.
Products with a linearised system are charged by their nonzeros against those of one evaluation, for both alike; our factors
and their applications at what the cost table says, in such products.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.optimize as so
import scipy.sparse.linalg as sla

from ..core import Session
from ..core.costs import product_seconds
from ..gallery.bratu import bratu
from ..gallery.mdp import MDP, garnet, ring
from ..problems import FixedPoint

__all__ = ["ITEMS", "Charged", "policy_iteration", "scipy_work"]

_MOST = 6000


class TooMuch(Exception):  # noqa: N818 - it is no error
    """A peer has used up its evaluations."""


@dataclass
class Charged:
    """A problem whose callables count their calls."""

    problem: FixedPoint
    calls: int = 0

    def __post_init__(self) -> None:
        inner = self.problem
        changes: dict[str, Any] = {"map": self._counted(inner.map)}
        if inner.linearization is not None:
            changes["linearization"] = self._counted(inner.linearization)
        self.problem = replace(inner, **changes)

    def _counted(self, call: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def counted(x: Any) -> Any:
            self.calls += 1
            if self.calls > _MOST:
                raise TooMuch
            return call(x)

        return counted


def ours(problem: FixedPoint, tol: float, session: Any = None) -> tuple[float, Any]:
    """Work of one solve by ``auto``: evaluations and linearisations, plus the linear solves in evaluations."""
    charged = Charged(problem)
    solver = session or Session(rtol=0.0, atol=tol, on_fail="ignore")
    result = solver.solve(charged.problem)
    if session is None:
        residual = float(np.max(np.abs(result.x - problem.map(result.x))))
        if not (result.ok and residual <= tol):
            raise RuntimeError(f"auto did not reach {tol:g}: {result.reason}")
    return charged.calls + _products(problem, result.work), result


def _products(problem: FixedPoint, work: Any) -> float:
    """Products, factors and preconditioners of the linear solves, by nonzeros in evaluations."""
    made = work.get("inner_products", 0.0)
    if not made or problem.linearization is None:
        return 0.0
    nonzeros = problem.linearization(np.zeros(problem.n))[0].nnz
    return made * product_seconds(problem.n, nonzeros) / problem.product_seconds


_ROOT: dict[str, dict[str, Any]] = {
    "anderson, defaults": {"method": "anderson"},
    "anderson, alpha=1, no line search, M=5": {
        "method": "anderson",
        "options": {"line_search": None, "jac_options": {"alpha": 1.0, "M": 5}},
    },
    "anderson, alpha=1, no line search, M=10": {
        "method": "anderson",
        "options": {"line_search": None, "jac_options": {"alpha": 1.0, "M": 10}},
    },
    "krylov": {"method": "krylov"},
    "df-sane": {"method": "df-sane"},
}


def scipy_work(problem: FixedPoint, tol: float, name: str, x0: Any = None) -> float:
    """Evaluations that an option of SciPy needs; inf when it does not reach the tolerance within 6000."""
    charged = Charged(problem)
    map = charged.problem.map
    start = np.zeros(problem.n) if x0 is None else x0
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SciPy's own small systems are ill-conditioned now and then
            if name == "fixed_point, del2":
                x = so.fixed_point(map, start, xtol=1e-12, maxiter=_MOST)
            else:
                option = _ROOT[name]
                options = dict(option.get("options", {}))
                options |= {"fatol": tol / np.sqrt(problem.n)} if name == "df-sane" else {"fatol": tol}
                if name == "df-sane":
                    options |= {"ftol": 0.0, "maxfev": _MOST}
                else:
                    options |= {"maxiter": _MOST, "xatol": np.inf}
                x = so.root(lambda x: map(x) - x, start, method=option["method"], options=options).x
    except (TooMuch, RuntimeError, ValueError, np.linalg.LinAlgError, so.NoConvergence):
        return float("inf")
    residual = float(np.max(np.abs(x - problem.map(x))))
    return float(charged.calls) if residual <= tol else float("inf")


def policy_iteration(problem: FixedPoint, tol: float, eta: float, x0: Any = None) -> float:
    """Work of policy iteration with SciPy's BiCGSTAB, each system started at the values before and solved to ``eta``
    times the residual there."""
    charged = Charged(problem)
    v = np.zeros(problem.n) if x0 is None else x0
    products = 0.0
    for _ in range(200):
        A, b = charged.problem.linearization(v)
        price = product_seconds(problem.n, A.nnz) / problem.product_seconds
        products += price  # the residual
        r = A @ v - b
        if np.max(np.abs(r)) <= tol:
            return charged.calls + products
        count = [0.0]

        def product(x: Any, A: Any = A, count: list[float] = count) -> Any:
            count[0] += 1
            return A @ x

        operator = sla.LinearOperator(A.shape, matvec=product, dtype=float)
        v = sla.bicgstab(operator, b, x0=v, rtol=0.0, atol=max(eta * np.linalg.norm(r), 0.5 * tol), maxiter=5000)[0]
        products += count[0] * price
    return float("inf")


def _models(quick: bool) -> dict[str, MDP]:
    if quick:
        return {"garnet": garnet(60, 3, 5, 0.95), "ring": ring(60, 3, 5, 3, 0.95)}
    return {"garnet": garnet(), "ring": ring()}


def _cases(quick: bool) -> dict[str, tuple[FixedPoint, float]]:
    size = 9 if quick else 64
    models = _models(quick)
    found = {
        "bratu picard": (bratu("picard", size, 6.5), 1e-10),
        "bratu jacobi": (bratu("jacobi", size, 5.0), 1e-8),
    }
    for name, model in models.items():
        found[name] = (model.problem(), 1e-8)
    found["ring, rewards + 0.01 N(0, 1)"] = (list(models["ring"].drifting(2))[1], 1e-8)
    return found


def against_scipy(report: Any, say: Any, quick: bool) -> None:
    """Work of auto over the least that any of SciPy's options needs."""
    for name, (problem, tol) in _cases(quick).items():
        work, result = ours(problem, tol)
        peers = {peer: scipy_work(problem, tol, peer) for peer in (*_ROOT, "fixed_point, del2")}
        for peer, cost in peers.items():
            say(f"{name}: {peer}: {'fails' if cost == float('inf') else f'{cost:.0f} evaluations'}")
        best = min(peers.values())
        say(f"{name}: ours: {work:.1f} evaluations by {type(result.method).__name__}; the best of SciPy {best:.0f}")
        report(f"{name}: work / the best of SciPy", work / best, 1.05, "<=")


def against_policy_iteration(report: Any, say: Any, quick: bool) -> None:
    """Work of auto over policy iteration with BiCGSTAB at its best tolerance."""
    for name, model in _models(quick).items():
        problem, tol = model.problem(), 1e-8
        work, _ = ours(problem, tol)
        peers = {eta: policy_iteration(problem, tol, eta) for eta in (0.1, 1e-2, 1e-4, 1e-8)}
        say(f"{name}: ours {work:.1f}; policy iteration {', '.join(f'{w:.1f} (eta {r:g})' for r, w in peers.items())}")
        report(f"{name}: work / policy iteration", work / min(peers.values()), 1.2, "<=")


def sequences(report: Any, say: Any, quick: bool) -> None:
    """Work of a Session on drifting rewards over that of cold solves of the same problems."""
    count = 4 if quick else 20
    for name, model in _models(quick).items():
        session = Session(rtol=0.0, atol=1e-8, on_fail="raise")
        warm = cold = 0.0
        for problem in model.drifting(count):
            warm += ours(problem, 1e-8, session)[0]
            cold += ours(problem, 1e-8)[0]
        say(f"{name}: {count} problems, rewards in steps of 0.01 N(0, 1): {warm:.0f} learning, {cold:.0f} cold")
        report(f"{name}: sequence, learning / cold", warm / cold, 0.5, "<=")


ITEMS = {
    "fixed points, scipy": against_scipy,
    "fixed points, policy iteration": against_policy_iteration,
    "fixed points, sequences": sequences,
}
