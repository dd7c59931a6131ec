"""What is tried: real solves with the methods that fit, each within its share of the time, counted and measured.

A solve that is cut off is judged by how far it came: the digits gained so far, at the same rate to the tolerance.
"""

import contextlib
import math
import time
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..core import SetupError, Status
from ..core.loop import drive
from ..core.stopping import Residual, Seconds, Steps
from ..methods import CG, COCG, GMRES, MINRES, SSOR, BiCGStab, Direct, Jacobi
from ..operators import AMG, IC, ILU0, ILUT
from ..problems import LinearSystem

__all__ = ["Trial", "candidates", "pace", "recommended", "run_trial", "run_trials", "tried_longer"]

_ENOUGH = 0.5  # decimal digits from which a rate is believed
_LEAST = 0.05  # of the time, for whoever comes last
_PROMISING = 0.8  # of the cheapest that solved it


@dataclass
class Trial:
    """One method and what came of it.

    Attributes
    ----------
    name : str
        Such as ``cg+ssor``.
    method : object
    outcome : {"solved", "cut off", "failed", "not tried"}
    steps : int
    products, cost : float
        Products with A, and everything in units of one product: set-up apart in ``setup``.
    expected : float or None
        The cost of a whole solve: what was measured, or the rate drawn on; None where nothing can be said.
    seconds, residual : float
    note : str
    """

    name: str
    method: Any
    outcome: str = "not tried"
    steps: int = 0
    products: float = 0.0
    setup: float = 0.0
    cost: float = 0.0
    expected: float | None = None
    seconds: float = 0.0
    residual: float = math.nan
    note: str = ""
    status: Status = Status.RUNNING
    work: dict[str, float] = field(default_factory=dict)

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return vars(self) | {"method": repr(self.method), "status": self.status.name}


def candidates(structure: dict[str, Any], spectrum: dict[str, Any]) -> list[tuple[str, Any]]:
    """The methods that fit such a matrix, by name; the cheap ones first.

    Parameters
    ----------
    structure, spectrum : dict
        As `structure` and `spectrum` give them.
    """
    hermitian = structure["symmetry"] in ("symmetric", "Hermitian")
    positive = structure["diagonal"] == "positive"
    grown = structure["n"] >= 1000 and find_spec("pyamg") is not None
    full = structure["zero_diagonal"] == 0
    if hermitian and positive and spectrum.get("definite") == "positive definite":
        found = [("cg", CG()), ("cg+jacobi", CG(Jacobi())), ("cg+ssor", CG(SSOR())), ("cg+ic", CG(IC()))]
        found += [("cg+amg", CG(AMG()))] if grown else []
        return [*found, ("direct", Direct())]
    if hermitian:
        found = [("minres", MINRES())]
        found += [("minres+jacobi", MINRES(preconditioner=Jacobi()))] if positive else []
    else:
        found = [("bicgstab", BiCGStab())]
        found += [("cocg", COCG())] if structure["symmetry"] == "complex symmetric" else []
        found += [("bicgstab+jacobi", BiCGStab(preconditioner=Jacobi()))] if full else []
        found += [("gmres+jacobi", GMRES(preconditioner=Jacobi()))] if full else []
    if full:
        found += [("bicgstab+ilu0", BiCGStab(preconditioner=ILU0())), ("gmres+ilu0", GMRES(preconditioner=ILU0()))]
    return [*found, ("gmres+ilut", GMRES(preconditioner=ILUT())), ("direct", Direct())]


def pace(problem: Any, samples: int = 5) -> float:
    """How many times longer a product takes here and now than the cost table says; never below a half."""
    x, work = np.ones(problem.n, dtype=problem.dtype), dict(problem.work.running)
    took = []
    for _ in range(samples):
        start = time.perf_counter()
        problem.product(x)
        took.append(time.perf_counter() - start)
    problem.work.running = work
    return max(0.5, float(np.median(took)) / float(problem.product_seconds))


def run_trial(
    problem: Any, name: str, method: Any, rtol: float, seconds: float, slower: float
) -> tuple[Trial, dict[str, Any]]:
    """Try one; what it leaves besides."""
    _warm(method, problem.dtype)
    return _tried(problem, Trial(name, method), rtol, seconds, seconds, slower)


def run_trials(
    problem: Any, found: list[tuple[str, Any]], rtol: float, seconds: float, slower: float = 1.0
) -> list[Trial]:
    """Try them in turn; each has an equal share of the time that is left."""
    for _, method in found:
        _warm(method, problem.dtype)
    end, trials = time.perf_counter() + seconds, []
    for place, (name, method) in enumerate(found):
        left = max(end - time.perf_counter(), _LEAST * seconds)
        share = max(left / (len(found) - place), _LEAST * seconds)
        trials.append(_tried(problem, Trial(name, method), rtol, share, left, slower)[0])
    return trials


def tried_longer(problem: Any, trials: list[Trial], rtol: float, seconds: float, slower: float) -> list[Trial]:
    """The one that was cut off and promises to be the cheapest of all is tried again, where the time allows it."""
    solved = [t.cost for t in trials if t.outcome == "solved"]
    likely = [t for t in trials if t.outcome == "cut off" and t.expected is not None]
    first = min(likely, key=lambda t: float(t.expected or 0.0), default=None)
    if first is None or (solved and float(first.expected or 0.0) > _PROMISING * min(solved)):
        return trials
    needed = float(first.expected or 0.0) / first.cost * first.seconds
    if needed > seconds:
        return trials
    again = _tried(problem, Trial(first.name, first.method), rtol, max(1.5 * needed, 0.5 * seconds), seconds, slower)[0]
    return [again if t is first else t for t in trials]


def _warm(method: Any, dtype: Any) -> None:
    """Load or compile what the method needs, on a system of twelve unknowns, so that no trial is charged for it."""
    parts = [-np.ones(11), 4.0 * np.ones(12), -np.ones(11)]
    A = sp.diags_array(parts, offsets=[-1, 0, 1]).tocsr().astype(dtype)
    with contextlib.suppress(SetupError):
        drive(LinearSystem(A, np.ones(12, dtype=dtype)), method, Residual(1e-2) | Steps(8))


def _tried(
    problem: Any, trial: Trial, rtol: float, share: float, left: float, slower: float
) -> tuple[Trial, dict[str, Any]]:
    setup = problem.estimate(trial.method)
    expected = 0.0 if setup is None else setup.setup * problem.product_seconds * slower
    if expected > max(1.5 * share, 0.4 * left):
        trial.note = f"its set-up is estimated at {expected:.1f} s"
        return trial, {}
    problem.work.reset()
    rule = Residual(rtol) | Steps(problem.default_steps) | Seconds(share)
    method = trial.method
    if hasattr(method, "stride"):  # the clock is looked at between strides
        method = replace(method, stride=16)
    result = drive(problem, method, rule)
    trial.steps, trial.seconds, trial.work = result.steps, result.seconds, dict(result.work)
    trial.status = result.status
    trial.products = _products(result.work)
    trial.setup = result.cost.once + result.cost.setup
    trial.cost = result.cost.total
    trial.residual = result.seen.get("residual", math.nan) / problem.scale if problem.scale else 0.0
    if result.ok:
        trial.outcome, trial.expected = "solved", trial.cost
        return trial, result.carry
    cut = result.status in (Status.TIME, Status.BUDGET)
    trial.outcome = "cut off" if cut else "failed"
    trial.note = "" if cut else result.why or result.reason
    digits = -math.log10(trial.residual) if 0.0 < trial.residual < 1.0 else 0.0
    if cut:
        trial.note = f"{digits:.1f} digits in its share of the time"
    if cut and digits >= _ENOUGH:
        rate = -math.log10(rtol) / digits
        trial.expected = trial.setup + (trial.cost - trial.setup) * rate
    return trial, result.carry


def _products(work: dict[str, float]) -> float:
    """Products with A: those counted by that name, and those inside fused iterations."""
    inside = {"cg_steps": 1, "ssor_steps": 1, "minres_steps": 1, "bicgstab_steps": 2}
    return work.get("products", 0.0) + sum(count * work.get(name, 0.0) for name, count in inside.items())


def recommended(trials: list[Trial]) -> tuple[Trial | None, Trial | None]:
    """The cheapest for one right-hand side, and for more of them with the same matrix, the set-up apart."""
    solved = [t for t in trials if t.outcome == "solved"]
    likely = [t for t in trials if t.outcome == "cut off" and t.expected is not None]
    pool = solved or likely
    if not pool:
        return None, None
    return min(pool, key=lambda t: t.expected), min(pool, key=lambda t: t.expected - t.setup)
