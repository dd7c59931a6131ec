"""Goals of the bandits on the synthetic systems of "Learning to Relax", low variance: 5000 systems of n = 100, 5 seeds.

The best fixed omega and the best omega of each system are over the same 20-point grid and the same systems as the
bandits', counted by the SOR kernel; the bandits are run as users run them, in Sessions, with the formula switched off.
Every count of a Session must equal the kernel's at the omega in force, or an error is raised.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import kernels
from ..core import Session
from ..gallery.relax import SyntheticShift
from ..learners import Bandit
from ..learners.tune.stopwatch import Stopwatch
from ..methods import SOR

__all__ = ["counts", "goals", "learned"]

GRID = np.linspace(1.0, 1.95, 20)
RTOL = 1e-8
_LIMIT = 20_000


def counts(problems: Sequence[Any], grid: Any = GRID, rtol: float = RTOL, limit: int = _LIMIT) -> Any:
    """Iterations of SOR from zero for each system and each omega.

    Parameters
    ----------
    problems : sequence of LinearSystem, all of one pattern
    grid : ndarray, shape (d,)
    rtol : float
    limit : int
        Iterations allowed.

    Returns
    -------
    ndarray of int64, shape (len(problems), d)
    """
    first = problems[0]
    positions = np.empty(first.n, dtype=first.ix.dtype)
    kernels.csr.diagonal_positions(first.ip, first.ix, positions)
    x, r, dx, norms = np.empty(first.n), np.empty(first.n), np.empty(first.n), np.empty(limit)
    out = np.empty((len(problems), len(grid)), dtype=np.int64)
    for t, p in enumerate(problems):
        goal = rtol * p.scale
        for i, omega in enumerate(grid):
            x[:], r[:], dx[:] = 0.0, p.rhs, 0.0
            out[t, i] = kernels.sor.sor(p.ip, p.ix, p.data, positions, x, r, dx, omega, limit, goal, norms)
    return out


def learned(problems: Sequence[Any], kind: str, seed: int, table: Any) -> tuple[float, float]:
    """Mean iterations per system under a bandit in a Session, and the median seconds of a round of learning.

    Raises
    ------
    RuntimeError
        When a solve fails, or took another number of iterations than the kernel at the same omega.
    """
    bandit = Bandit("omega", float(GRID[0]), float(GRID[-1]), kind=kind, arms=len(GRID), formula=False, seed=seed)
    watch = Stopwatch(bandit)
    session = Session(SOR(), learners=[watch], rtol=RTOL, max_steps=_LIMIT, on_fail="ignore")
    total = 0
    for problem, row in zip(problems, table, strict=True):
        result = session.solve(problem)
        arm = int(np.argmin(np.abs(GRID - result.advice.params["omega"])))
        if not result.ok or result.steps != row[arm]:
            raise RuntimeError(
                f"omega = {GRID[arm]:.2f}: the kernel took {row[arm]} iterations, the Session: {result!r}"
            )
        total += result.steps
    return total / len(problems), float(np.median(watch.rounds))


def goals(report: Callable[[str, float, float, str], Any], seeds: Sequence[int] = range(5), count: int = 5000) -> None:
    """Compute the goals and hand each to ``report(name, value, goal, op)``.

    Parameters
    ----------
    report : callable
    seeds : sequence of int
        One sequence of systems, and one bandit of each kind, for each.
    count : int
        Systems in a sequence.
    """
    best, oracle, rounds = [], [], []
    for seed in seeds:
        problems = list(SyntheticShift(count, variance="low", seed=seed))
        table = counts(problems)
        tsallis, seconds = learned(problems, "tsallis", seed, table)
        chebcb, others = learned(problems, "chebyshev", seed, table)
        best.append(tsallis / table.mean(axis=0).min())
        oracle.append(chebcb / table.min(axis=1).mean())
        rounds.append(max(seconds, others))
    mean = f"mean of {len(best)} seeds"
    report(f"tsallis / best fixed omega, low variance, {mean}", float(np.mean(best)), 1.15, "<=")
    report(f"chebcb / instance-optimal omega, low variance, {mean}", float(np.mean(oracle)), 1.12, "<=")
    report("learning us a round", 1e6 * float(np.median(rounds)), 30.0, "<=")
