"""Cholesky factors of the rows' Gram matrices, kept while the factors U, V move little, and handed to the next problem.

    u_i <- u_i - (L_i L_i')^-1 g_i,    then v_j alike, in turn,    until the slope foretold for the next half meets the goal

A half with kept factors costs 2 passes over the entries (its gradient) in place of k/2 + 2 (its Gram matrices), and the
first one after a measure none. They are made anew after a move of a twentieth, or when a round gains too little; a round
that loses is taken back. The factors U, V may be turned (U O, V O) from round to round: the basis B of the kept ones
follows. A part of ``AlternatingMinimization`` for small ranks.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.linalg as la

from ... import kernels

__all__ = ["SLOTS", "RowFactors", "rounds"]

SLOTS = ("rows.left", "rows.right", "rows.at", "rows.counts")
_MOVED, _ROUNDS, _OTHER, _STALE, _SURE, _FAR = 0.05, 4, 0.25, 0.1, 0.9, 10.0


class RowFactors:
    """The factors of the rows of U and of V, where (U, V) stood when they were made, and how many entries rows had."""

    def __init__(self, problem: Any, carry: Mapping[str, Any]) -> None:
        m, n, k = problem.m, problem.n, problem.k
        self.counts = np.concatenate([np.diff(g[0].astype(np.int64)) for g in (problem.by_row, problem.by_column)])
        self.sides = (slice(m), slice(m, None))
        shapes = ((m, k, k), (n, k, k), ((m + n) * k,), (m + n,))
        given = [carry.get(name) for name in SLOTS]
        sound = (
            isinstance(v, np.ndarray) and v.shape == s and v.dtype.kind == "f"
            for v, s in zip(given, shapes, strict=True)
        )
        if all(sound):
            self.L = tuple(np.array(v, dtype=float) for v in given[:2])
            self.at = tuple(np.array(p, dtype=float) for p in problem.split(given[2]))
            grown, new = self.counts / np.maximum(given[3], 1.0), np.abs(self.counts - given[3])
            stale = (np.abs(grown - 1.0) > _OTHER) | (k * np.sqrt(new) > _STALE * self.counts)
            self.grown = np.where(stale, 1.0, grown)
            for L, rows in zip(self.L, self.sides, strict=True):
                L *= np.sqrt(self.grown[rows])[:, None, None]  # as if the new entries were like the others
                L[stale[rows], 0, 0] = 0.0
        else:
            self.L = (np.zeros((m, k, k)), np.zeros((n, k, k)))
            self.at, self.grown = None, np.ones(m + n)
        self.gain = 0.25  # what the last round with factors made anew left of the residual
        self.rate = 0.5  # of the slopes from half to half
        self.fresh = False  # whether the last step made them

    def lost(self, before: tuple[Any, Any], after: tuple[Any, Any]) -> bool:
        """Whether a step led far away, so that the factors of the rows are no good."""
        size = [math.hypot(*(float(np.linalg.norm(F)) for F in pair)) for pair in (before, after)]
        if self.fresh and not size[1] < math.inf:
            raise FloatingPointError("the factors left the range of floats")
        if self.fresh or size[1] <= _FAR * size[0]:
            return False
        self.drop()
        return True

    def judge(self, before: float, after: float, done: int) -> bool:
        """Learn from a step; False when it is to be taken back."""
        if self.fresh:
            self.gain = min(1.0, after / max(before, 1e-300))
            return True
        if not after <= max(before, 1e-300) * math.sqrt(self.gain) ** done:
            self.drop()
        return after <= 2.0 * before

    def basis(self, U: Any, V: Any) -> Any:
        """The turn that brings (U, V) nearest to where the factors were made; None when it is far from there."""
        if self.at is None:
            return None
        across = U.T @ self.at[0] + V.T @ self.at[1]
        if not np.all(np.isfinite(across)):
            return None
        left, _, right = la.svd(across, check_finite=False)
        B = left @ right
        for X, Y in zip((U, V), self.at, strict=True):
            if not float(np.linalg.norm(X @ B - Y)) <= _MOVED * float(np.linalg.norm(Y)):
                return None
        return B

    def drop(self) -> None:
        """They no longer serve."""
        self.at = None
        self.grown[:] = 1.0
        for L in self.L:
            L[:, 0, 0] = 0.0

    def harvest(self) -> dict[str, Any]:
        """As slots for the next problem: as they were made, with the entries that rows had then."""
        if self.at is None:
            return {}
        made = (L / np.sqrt(self.grown[rows])[:, None, None] for L, rows in zip(self.L, self.sides, strict=True))
        parts = (*made, np.concatenate([p.ravel() for p in self.at]), self.counts / self.grown)
        return dict(zip(SLOTS, parts, strict=True))


def rounds(problem: Any, state: Any, rest: tuple[Any, Any]) -> tuple[Any, Any, int]:
    """Halves in turn from the state's factors: the new (U, V) and the rounds done.

    Parameters
    ----------
    problem : Completion
    state : State
        With ``U, V`` balanced, ``slopes`` (the gradients there) and ``kept``.
    rest : pair of bool arrays
        Rows of U and V to leave as they are in the first round.
    """
    kept, goal = state.kept, state.goal or 0.0
    no, unknown, ridge = np.zeros(1, dtype=bool), np.zeros((1, problem.k)), np.full(problem.k, float(problem.ridge))
    B = kept.basis(state.U, state.V)
    if B is None:
        kept.drop()
        known, factors, most = unknown, [state.U.copy(), state.V.copy()], 1
        kept.at = (np.empty_like(state.U), np.empty_like(state.V))
        B = np.eye(problem.k)
    else:
        known, factors = np.ascontiguousarray(state.gradients[0] @ B), [state.U @ B, state.V @ B]
        most = min(_ROUNDS, state.room or _ROUNDS)
    kept.fresh = known is unknown
    if rest[0].any() or rest[1].any():
        most = 1
    sizes: list[float] = []
    for half in range(2 * most):
        side, other = half % 2, 1 - half % 2
        entries = (problem.by_row, problem.by_column)[side]
        skip = rest[side] if half < 2 and rest[side].any() else no
        if kept.fresh:
            kept.at[other][:] = factors[other]
        total = kernels.row_factors.refine(
            *entries,
            factors[other],
            ridge,
            kept.L[side],
            known if half == 0 else unknown,
            factors[side],
            skip,
            state.counts,
        )
        problem.work.add("rows", float(len(factors[side]) - np.sum(skip)))
        sizes.append(float(np.sqrt(total)))
        if half > 1:  # the first two halves do not tell how fast the slopes shrink
            kept.rate = min(1.0, sizes[-1] / max(sizes[-2], 1e-300))
        if half and (sizes[-1] * kept.rate <= _SURE * goal or (half > 1 and not sizes[-1] <= sizes[-2])):
            break
    U, V = (F @ B.T for F in factors)
    return U, V, (half + 2) // 2
