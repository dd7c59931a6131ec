"""Alternating minimisation for matrix completion, with rows that are solved inexactly from the last round.

    U <- argmin_U F(U, V),   V = Q R (kept orthonormal);   then V <- argmin_V F(U, V)

Up to k = 16 by Cholesky factors of the rows' Gram matrices, kept while the factors move little (``kept``), unless they take
more than eight numbers an entry; then by Gram matrices made anew. Beyond, row by row: by the Gram matrix where a row is short,
else by conjugate gradients from the row as it stands, to a tolerance tied to the outer error (a few steps a row). Rows whose
slope is negligible are left alone, so that a few new entries cost a few rows. Step: two half rounds and a measure of the
gradient: 3 passes over the entries and, for each half, k/2 + 2 passes (Gram), 2 (kept factors) or about 6 (conjugate
gradients). Memory: both factors twice, the kept factors, one number an entry. Leaves ``residual``, the gradient at balanced
factors. Not where the rank is far too large: add a ridge.

Reference: Gu, Song, Yin, Zhang, Low rank matrix completion via robust alternating minimization (2023), arXiv 2302.11068,
algorithm 1; its sketches are left out: in columns of unit length conjugate gradients need few steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg as la

from ... import kernels
from ...core import Cost, State
from ...problems.completion import balanced
from .kept import RowFactors, rounds

__all__ = ["AlternatingMinimization"]

_LEAST = 1e-6  # length of a column, as a part of the longest, below which it is not made a unit
_SMALL = 16  # rank up to which rows are solved by kept Cholesky factors,
_ROOM = 8  # which take at most so many numbers for each entry


class AlternatingState(State):
    """The factors, the residual's first value, and counts of the kernels."""

    U: Any
    V: Any
    slopes: Any
    counts: Any
    gradients: Any
    kept: RowFactors | None = None


@dataclass(frozen=True)
class AlternatingMinimization:
    """Alternating least squares over the rows of both factors.

    Parameters
    ----------
    rows : {"auto", "exact"}
        ``"exact"`` solves every row by its Gram matrix.
    tied : float, default 0.01
        Tolerance of a row, as a part of the outer error (relative to the scale). With 0.1 matrices whose singular values
        spread over 300 and more were not recovered.
    most : int, default 20
        Conjugate gradient steps of a row, at most.

    Raises
    ------
    ValueError
        For parameters out of range.

    Notes
    -----
    Kept factors are harvested in the slots ``rows.left``, ``rows.right``, ``rows.at`` and ``rows.counts``, which ``Carried``
    hands to the next problem, all four or none; ``"auto"`` does so.

    References
    ----------
    Gu, Song, Yin, Zhang, Low rank matrix completion via robust alternating minimization in nearly linear time (2023).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> M = rng.standard_normal((200, 3)) @ rng.standard_normal((3, 150))
    >>> rows, cols = np.nonzero(rng.random(M.shape) < 0.4)
    >>> problem = rv.Completion(rows, cols, M[rows, cols], M.shape, rank=3)
    >>> result = rv.solve(problem, "alternatingminimization", rtol=1e-9)
    >>> result.steps < 20, result.seen["held_out_error"] < 1e-8
    (True, True)
    """

    rows: str = "auto"
    tied: float = 0.01
    most: int = 20

    needs = frozenset({"completion"})
    sees = frozenset({"residual", "observed_error"})

    def __post_init__(self) -> None:
        if self.rows not in ("auto", "exact"):
            raise ValueError(f'rows={self.rows!r} was given; "auto" or "exact" is expected')
        if not 0.0 < self.tied < 1.0 or self.most < 1:
            raise ValueError(f"tied={self.tied!r}, most={self.most!r} were given; (0, 1) and at least 1 are expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> AlternatingState:
        """The factors of x0, or the spectral start; the gradient there."""
        state = AlternatingState()
        state.counts = np.zeros(3, dtype=np.int64)
        numbers = (problem.m + problem.n) * problem.k**2
        if self.rows == "auto" and problem.k <= _SMALL and numbers <= _ROOM * problem.entries:
            state.kept = RowFactors(problem, carry)
        cold = x0 is None or problem.saddle(x0)  # from a product of zero no round leads away
        state.U, state.V = (np.array(p) for p in problem.split(problem.spectral if cold else x0))
        self._publish(problem, state, problem.beginning if cold else None)
        return state

    def step(self, problem: Any, state: AlternatingState) -> None:
        """A round and the gradient; with kept factors of the rows up to three rounds."""
        before = state.seen["residual"], state.U, state.V, state.slopes, state.gradients
        rest, done = self._settled(problem, state), 1
        if state.kept is None:
            self._round(problem, state, rest)
        else:
            state.U, state.V, done = rounds(problem, state, rest)
        passed, gathered, solved = (int(c) for c in state.counts)
        state.counts[:] = 0
        problem.work.add("entry_passes", passed / problem.entries)
        problem.work.add("grams", gathered)
        problem.work.add("choleskys", solved)
        state.k += done
        lost = state.kept is not None and state.kept.lost(before[1:3], (state.U, state.V))
        if not lost:
            self._publish(problem, state)
            lost = state.kept is not None and not state.kept.judge(before[0], state.seen["residual"], done)
        if lost:  # taken back
            state.seen["residual"], state.U, state.V, state.slopes, state.gradients = before

    def _round(self, problem: Any, state: AlternatingState, rest: tuple[Any, Any]) -> None:
        error = min(1.0, state.seen["residual"] / problem.scale)
        tol = self.tied * max(error, 1e-14)
        state.U, state.V = self._half(problem, problem.by_row, state.U, state.V, tol, rest[0], state.counts)
        state.V, state.U = self._half(problem, problem.by_column, state.V, state.U, tol, rest[1], state.counts)
        problem.work.add("rows", float(np.sum(~rest[0]) + np.sum(~rest[1])))

    @staticmethod
    def _settled(problem: Any, state: AlternatingState) -> tuple[Any, Any]:
        """Rows whose slope could not matter even if all had it: they are left as they are."""
        limit = 0.1 * (state.goal or 0.0) / np.sqrt(problem.m + problem.n)
        rest, other = state.slopes[0] <= limit, state.slopes[1] <= limit
        few = state.kept is not None and 2 * (np.sum(rest) + np.sum(other)) < len(rest) + len(other)
        if few:  # where most rows move, several rounds without a measure cost less than rows left out
            return np.zeros_like(rest), np.zeros_like(other)
        if rest.any():  # a row of V moves where it has a slope, or an entry in a row of U that moved
            return rest, other & ~_touched(problem.by_column, ~rest)
        return rest, np.zeros_like(other)

    def _half(self, problem: Any, entries: Any, U: Any, V: Any, tol: float, rest: Any, counts: Any) -> tuple[Any, Any]:
        """All rows of U with V made orthonormal; with a ridge the factors are balanced first, as F depends on that."""
        if problem.ridge > 0.0:
            U, V = balanced(U, V)
            s = np.linalg.norm(V, axis=0)
            s = np.maximum(s, _LEAST * max(float(s.max()), 1e-300))
            V, U, ridge = V / s, U * s, problem.ridge / s**2
        else:
            Q, R = la.qr(V, mode="economic", check_finite=False)
            V, U, s, ridge = np.ascontiguousarray(Q), np.ascontiguousarray(U @ R.T), 1.0, np.zeros(problem.k)
        exact = 1 if self.rows == "exact" else 0
        kernels.completion.half_round(*entries, V, ridge, tol, exact, self.most, U, rest, counts)
        return U / s, V * s

    def _publish(self, problem: Any, state: AlternatingState, known: Any = None) -> None:
        state.U, state.V = balanced(
            state.U, state.V
        )  # as ``solution`` gives them, so that the measure finds its gradient
        x = self.solution(problem, state)
        GU, GV, total = problem.gradient(x)[:3] if known is None else known
        state.gradients = (GU, GV)
        state.slopes = (np.linalg.norm(GU, axis=1), np.linalg.norm(GV, axis=1))
        state.seen["residual"] = float(np.hypot(*(np.linalg.norm(s) for s in state.slopes)))
        state.seen["observed_error"] = float(np.sqrt(total / problem.entries))

    def solution(self, problem: Any, state: AlternatingState) -> Any:
        """Balanced factors as one vector."""
        return np.concatenate([state.U.ravel(), state.V.ravel()])

    def harvest(self, problem: Any, state: AlternatingState) -> dict[str, Any]:
        """Where the rank is small, Cholesky factors of the rows' Gram matrices."""
        return {} if state.kept is None else state.kept.harvest()

    def estimate(self, problem: Any) -> Cost:
        """A round."""
        k, entries = problem.k, problem.entries
        if self.rows == "exact" or k <= 16:
            sides = (problem.m + problem.n) * problem.weight("choleskys")
            return Cost(0.0, 0.0, 2 * entries * problem.weight("grams") + sides + 3.0)
        return Cost(0.0, 0.0, 15.0)


def _touched(entries: Any, moved: Any) -> Any:
    """Rows of the grouping that have an entry in a column that moved."""
    ip, ix = entries[0].astype(np.intp), entries[1]
    hits = np.concatenate([[0], np.cumsum(moved[ix])])
    return hits[ip[1:]] > hits[ip[:-1]]
