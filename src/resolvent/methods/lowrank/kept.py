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
_MOVED, _ROUNDS, _OTHER = 0.05, 3, 0.25


class RowFactors:
    """The factors of the rows of U and of V, where (U, V) stood when they were made, and how many entries rows had."""

    def __init__(self, problem: Any, carry: Mapping[str, Any]) -> None:
        m, n, k = problem.m, problem.n, problem.k
        self.counts = np.concatenate([np.diff(g[0].astype(np.int64)) for g in (problem.by_row, problem.by_column)])
        shapes = ((m, k, k), (n, k, k), ((m + n) * k,), (m + n,))
        given = [carry.get(name) for name in SLOTS]
        if all(isinstance(v, np.ndarray) and v.shape == s for v, s in zip(given, shapes, strict=True)):
            self.L = tuple(np.array(v, dtype=float) for v in given[:2])
            self.at = tuple(np.array(p, dtype=float) for p in problem.split(given[2]))
            grown = self.counts / np.maximum(given[3], 1.0)
            for L, g in zip(self.L, (grown[:m], grown[m:]), strict=True):
                L *= np.sqrt(g)[:, None, None]  # as if the new entries were like the others
                L[np.abs(g - 1.0) > _OTHER, 0, 0] = 0.0
        else:
            self.L = (np.zeros((m, k, k)), np.zeros((n, k, k)))
            self.at = None
        self.gain = 0.25  # of the residual, by the last round with factors made anew

    def judge(self, before: float, after: float, done: int, made: bool) -> bool:
        """Learn from a step; False when it is to be taken back."""
        if made:
            self.gain = min(1.0, after / max(before, 1e-300))
            return True
        if not after <= max(before, 1e-300) * math.sqrt(self.gain) ** done:
            self.drop()
        return after <= 2.0 * before

    def basis(self, U: Any, V: Any) -> Any:
        """The turn that brings (U, V) nearest to where the factors were made; None when it is far from there."""
        if self.at is None:
            return None
        left, _, right = la.svd(U.T @ self.at[0] + V.T @ self.at[1], check_finite=False)
        B = left @ right
        moved = [float(np.linalg.norm(X @ B - Y)) / max(float(np.linalg.norm(Y)), 1e-300) for X, Y in zip((U, V), self.at, strict=True)]
        return B if max(moved) <= _MOVED else None

    def drop(self) -> None:
        """They no longer serve."""
        self.at = None
        for L in self.L:
            L[:, 0, 0] = 0.0

    def harvest(self) -> dict[str, Any]:
        """As slots for the next problem."""
        if self.at is None:
            return {}
        parts = (*self.L, np.concatenate([p.ravel() for p in self.at]), self.counts.astype(float))
        return dict(zip(SLOTS, parts, strict=True))


def _foretold(sizes: list[float]) -> float:
    """The slope that the next half will find; the first two halves do not tell how fast they shrink."""
    if len(sizes) == 2:
        return 0.5 * sizes[-1]
    return sizes[-1] * min(1.0, sizes[-1] / max(sizes[-2], 1e-300))


def rounds(problem: Any, state: Any, rest: tuple[Any, Any]) -> tuple[Any, Any, int, bool]:
    """Halves in turn from the state's factors: the new (U, V), the rounds done, whether the factors were made in them.

    Parameters
    ----------
    problem : Completion
    state : State
        With ``U, V`` balanced, ``slopes`` (the gradients there) and ``kept``.
    rest : pair of bool arrays
        Rows of U and V to leave as they are in the first round.
    """
    kept, goal = state.kept, state.goal or 0.0
    no, unknown = np.zeros(1, dtype=bool), np.zeros((1, problem.k))
    B = kept.basis(state.U, state.V)
    if B is None:
        kept.drop()
        known, factors, most = unknown, [state.U.copy(), state.V.copy()], 1
        kept.at = (np.empty_like(state.U), np.empty_like(state.V))
        B = np.eye(problem.k)
    else:
        known, factors = np.ascontiguousarray(state.gradients[0] @ B), [state.U @ B, state.V @ B]
        most = min(_ROUNDS, state.room or _ROUNDS)
    made = most == 1 and known is unknown
    if 2 * sum(int(np.sum(r)) for r in rest) < problem.m + problem.n:
        rest = (no, no)
    else:
        most = 1
    sizes: list[float] = []
    for half in range(2 * most):
        side, other = half % 2, 1 - half % 2
        entries = (problem.by_row, problem.by_column)[side]
        skip = rest[side] if half < 2 and rest[side].any() else no
        if made:
            kept.at[other][:] = factors[other]
        total = kernels.row_factors.refine(
            *entries, factors[other], float(problem.ridge), kept.L[side], known if half == 0 else unknown,
            factors[side], skip, state.counts,
        )
        problem.work.add("rows", float(len(factors[side]) - np.sum(skip)))
        sizes.append(float(np.sqrt(total)))
        if half and _foretold(sizes) <= 0.5 * goal:
            break
    U, V = (F @ B.T for F in factors)
    return U, V, (half + 2) // 2, made
