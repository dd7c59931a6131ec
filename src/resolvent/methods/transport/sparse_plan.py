"""Transport with a quadratic term, and at most k entries in each column, through its semi-dual.

    (1/reg) (diag(B 1) - B diag(1/p) B' + mu I) d = a - T 1,   f += t d,   B the pattern of T, p_j = entries of column j

T is the plan of the semi-dual's maximisers, whose columns are exact. Without a limit on the entries the semi-dual is
smooth once and this semismooth Newton iteration ends after few steps. With a limit the path goes down in reg and in k, and
the semi-dual has kinks at which columns are tied; there the rows of T cannot be met by a choice among the ties, and the
iteration stalls above the tolerance. Then the ties are resolved: a mixed-integer linear program chooses the pattern among
the best-scored entries of each column (HiGHS), the plan on that pattern is made exact, and its value lowered by quadratic
steps inside the pattern. The dual value stays as a lower bound of any such plan: the gap is a certificate, and it is not
zero in general, because the problem is not convex.

Step: one Newton iteration (a sort of C, and a dense factorization of side n), or the repair. Leaves ``residual``. Not for
many thousands of rows, and not where a plan with more entries would do.

Reference: Liu, Puigcerver and Blondel, Sparsity-constrained optimal transport (ICLR 2023), sections 3 and 4.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State, Status
from ...problems.quadratic import Coupling, columns, gathered
from .ties import repaired

__all__ = ["SparseTransport"]

_LENGTHS = (1.0, 0.3, 0.1, 0.03)
_PATIENCE = 6


class SparseState(State):
    """The potentials, the level of the path, and how often nothing was gained."""

    f: Any
    found: Any
    path: list[tuple[float, int]]
    mu: float
    stalls: int
    least: float
    best: float
    coupling: Any


@dataclass(frozen=True)
class SparseTransport:
    """Semismooth Newton on the semi-dual, continuation, and a repair of ties.

    Parameters
    ----------
    levels : int, default 4
        A cold start comes down from ``4^levels reg``.
    seconds : float, default 20
        What the mixed-integer program may take.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> C, a, b = rng.random((12, 6)), np.full(12, 1 / 12), np.full(6, 1 / 6)
    >>> problem = rv.Transport(C, a, b, reg=0.1, regularizer="l2", max_nonzeros=3)
    >>> result = rv.solve(problem, "sparsetransport", rtol=1e-9)
    >>> result.ok, int((result.x.toarray() > 0).sum(axis=0).max()) <= 3, result.seen["gap"] > -1e-12
    (True, True, True)
    """

    levels: int = 4
    seconds: float = 20.0

    needs = frozenset({"quadratic"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.levels < 0 or not self.seconds > 0:
            raise ValueError(f"{self!r} was given; levels >= 0 and seconds > 0 are expected")

    def init(self, problem: Any, x0: Any, carry: Any) -> SparseState:
        """At potentials x0 on the last level, or at zero on the first."""
        state = SparseState()
        n = len(problem.source)
        k = min(problem.max_nonzeros or n, n)
        state.coupling = x0 if isinstance(x0, Coupling) else None
        state.path = [(problem.reg, k)]
        if x0 is None:
            state.f = problem.matrix.min(axis=1)
            state.path = [(problem.reg * 4.0**level, min(n, k << level)) for level in range(self.levels, 0, -1)]
            state.path += [(problem.reg, n)] * (k < n) + [(problem.reg, k)]
        else:
            f = x0.f if isinstance(x0, Coupling) else problem.split(x0)[0]
            state.f = np.where(np.isfinite(f), f, 0.0)
        self._begin(problem, state, state.f)
        if state.coupling is not None:
            state.seen["residual"] = float(np.abs(state.coupling.plan.sum(axis=1) - problem.source).sum())
        return state

    def _columns(self, problem: Any, state: SparseState, f: Any) -> Any:
        reg, k = state.path[0]
        problem.work.add("sorts")
        return columns(problem.matrix, f, problem.source, problem.targets, reg, k)

    def _begin(self, problem: Any, state: SparseState, f: Any) -> None:
        """Begin a level of the path."""
        state.f, state.found = f, self._columns(problem, state, f)
        error = float(np.abs(_rows(problem, state.found)).sum())
        state.mu, state.stalls, state.least, state.best = 1e-2, 0, error, state.found.value
        state.seen["residual"] = error if len(state.path) == 1 else 2.0 * problem.mass

    def step(self, problem: Any, state: SparseState) -> None:
        """One Newton step; on the last level, once nothing is gained any more, the repair."""
        problem.work.add("calls")
        state.k += 1
        state.coupling = None
        self._newton(problem, state)
        error = float(np.abs(_rows(problem, state.found)).sum())
        gained = error < 0.9 * state.least or state.found.value > state.best + 1e-6 * abs(state.best)
        state.stalls = 0 if gained else state.stalls + 1
        state.least, state.best = min(state.least, error), max(state.best, state.found.value)
        if len(state.path) > 1 and (error <= 1e-2 * problem.mass or state.stalls >= _PATIENCE):
            state.path.pop(0)
            self._begin(problem, state, state.f)
        elif state.stalls >= (3 if problem.max_nonzeros else 10) * _PATIENCE and (
            state.goal is None or error > state.goal
        ):
            self._repair(problem, state)

    def _newton(self, problem: Any, state: SparseState) -> None:
        """One step with the shift in force; the shift goes up where nothing is gained, and down after a full step."""
        found = state.found
        gradient = _rows(problem, found)
        before, error = found.value, float(np.abs(gradient).sum())
        direction = _direction(problem, found, gradient, state.path[0][0], state.mu)
        slope = float(gradient @ direction)
        for length in _LENGTHS:
            f = state.f + length * direction
            trial = self._columns(problem, state, f)
            rise = trial.value - before
            less = float(np.abs(_rows(problem, trial)).sum()) < 0.9 * error
            if rise > 1e-4 * length * slope or (less and rise > -1e-12 * abs(before)):
                state.f, state.found = f, trial
                state.mu = max(state.mu / 5.0, 1e-9) if length == 1.0 else 2.0 * state.mu
                break
        else:
            state.mu = min(10.0 * state.mu, 1e6)
        if len(state.path) == 1:
            state.seen["residual"] = float(np.abs(_rows(problem, state.found)).sum())

    def _repair(self, problem: Any, state: SparseState) -> None:
        T, why = repaired(problem, state.f, state.found, self.seconds)
        if T is None:
            state.status, state.reason = Status.STAGNATED, why
            return
        state.coupling = Coupling(T, state.f, -state.found.level)
        state.seen["residual"] = float(np.abs(T.sum(axis=1) - problem.source).sum())
        state.seen["residual"] += float(np.abs(T.sum(axis=0) - problem.targets).sum())
        if state.goal is not None and state.seen["residual"] > state.goal:
            state.status, state.reason = Status.STAGNATED, "the plan on the chosen pattern does not meet the marginals"

    def solution(self, problem: Any, state: SparseState) -> Any:
        """The repaired plan, or that of the semi-dual at the problem's own reg and limit."""
        if state.coupling is not None:
            return state.coupling
        found = state.found
        if len(state.path) > 1:
            n = len(problem.source)
            k = min(problem.max_nonzeros or n, n)
            found = columns(problem.matrix, state.f, problem.source, problem.targets, problem.reg, k)
        return Coupling(gathered(found, problem.matrix.shape), state.f, -found.level)

    def harvest(self, problem: Any, state: SparseState) -> dict[str, Any]:
        """Nothing beside the potentials."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """A sort and a factorization."""
        n = len(problem.source)
        return Cost(0.0, 0.0, problem.weight("sorts") + n**3 / 3 * problem.weight("dense_flops"))


def _rows(problem: Any, found: Any) -> Any:
    """What is missing in each row."""
    n = len(problem.source)
    return problem.source - np.bincount(found.rows.ravel(), weights=found.values.ravel(), minlength=n)


def _direction(problem: Any, found: Any, gradient: Any, reg: float, mu: float) -> Any:
    """The Newton step of the semi-dual; the constant is taken out."""
    n, m = problem.matrix.shape
    positive = found.values > 0
    B = np.zeros((n, m))
    cols = np.broadcast_to(np.arange(m), found.rows.shape)
    B[found.rows[positive], cols[positive]] = 1.0
    H = -(B / B.sum(axis=0)) @ B.T
    H[np.diag_indices(n)] += B.sum(axis=1) + mu
    H += 1.0 / n  # a constant changes nothing: this takes the null vector out
    problem.work.add("dense_flops", n * n * m + n**3 / 3)
    direction = np.linalg.lstsq(H, reg * gradient, rcond=1e-12)[0] if n < 40 else np.linalg.solve(H, reg * gradient)
    return direction - direction.mean()
