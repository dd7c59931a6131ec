"""Sinkhorn-Newton-Sparse for entropic transport, as published: for comparison; SinkhornNewton is the one to use.

    [diag(P 1)  P; P'  diag(P' 1)]_kept d = (a - P 1, b - P' 1),   (f, h) += t d

After some sweeps of Sinkhorn's the Newton system is solved by CG with only the largest entries of P kept, a fixed number of
them, and the diagonal of the whole P; t comes from backtracking on the dual. Potentials are in units of reg. A fixed number
of entries makes the convergence linear once it is too small, and from a poor start at small reg rows without mass leave the
line search stuck: then it ends STAGNATED and says so.

Step: one sweep, or one Newton step: a selection among n m entries, CG on a few n of them, and one pass over C for each trial
of the line search. Leaves ``residual``: the L1 violation of both marginals.

Reference: Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao and Ying, Accelerating Sinkhorn algorithm with sparse
Newton iterations (ICLR 2024), algorithm 1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from ...core import Cost, State, Status

__all__ = ["SinkhornNewtonSparse"]

_TRIALS = 40
_CG_LIMIT = 2000


class SparseNewtonState(State):
    """Potentials, the plan, its marginals, and the value of the dual."""

    f: Any
    h: Any
    P: Any
    r: Any
    c: Any
    swept: int


@dataclass(frozen=True)
class SinkhornNewtonSparse:
    """Sinkhorn-Newton-Sparse with a fixed number of entries.

    Parameters
    ----------
    sweeps : int, default 20
        Sinkhorn sweeps before the first Newton step.
    density : float, default 3
        Entries of the plan kept, per row (the paper's 2/n of the entries of the Hessian are 3).
    rtol : float, default 1e-6
        Of CG.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> even = np.full(40, 1 / 40)
    >>> result = rv.solve(rv.Transport(rng.random((40, 40)), even, even, reg=5e-3), "sinkhornnewtonsparse", rtol=1e-9)
    >>> result.ok
    True
    """

    sweeps: int = 20
    density: float = 3.0
    rtol: float = 1e-6

    needs = frozenset({"entropy"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.sweeps < 0 or not (self.density > 0 and self.rtol > 0):
            raise ValueError(f"{self!r} was given; sweeps >= 0 and positive numbers are expected")

    def init(self, problem: Any, x0: Any, carry: Any) -> SparseNewtonState:
        """At potentials x0, or at zero with exact rows."""
        state = SparseNewtonState()
        n, m = len(problem.source), len(problem.targets)
        f, g = (np.zeros(n), np.zeros(m)) if x0 is None else problem.begin(x0)
        state.f, state.h = f / problem.reg, g / problem.reg
        state.swept = 0 if x0 is None else self.sweeps
        state.P = np.empty((n, m))
        if x0 is None:  # the scale of a first plan: rows about their least cost
            state.f = _least(problem) / problem.reg
        self._evaluate(problem, state, state.f, state.h)
        return state

    def _evaluate(self, problem: Any, state: SparseNewtonState, f: Any, h: Any) -> float:
        """The plan and its marginals at other potentials; returns the value of the dual."""
        state.r, state.c = problem.sums(problem.reg * f, problem.reg * h, state.P)
        state.seen["residual"] = float(np.abs(state.r - problem.source).sum() + np.abs(state.c - problem.targets).sum())
        return float(problem.source @ f + problem.targets @ h - state.r.sum())

    def step(self, problem: Any, state: SparseNewtonState) -> None:
        """One sweep of Sinkhorn's, or one Newton step."""
        problem.work.add("calls")
        state.k += 1
        with np.errstate(all="ignore"):  # what is not finite is found in the residual
            self._advance(problem, state)

    def _advance(self, problem: Any, state: SparseNewtonState) -> None:
        if state.swept < self.sweeps:
            state.swept += 1
            state.f = state.f + np.log(problem.source / state.r)
            self._evaluate(problem, state, state.f, state.h)
            state.h = state.h + np.log(problem.targets / state.c)
            self._evaluate(problem, state, state.f, state.h)
        else:
            self._newton(problem, state)

    def _newton(self, problem: Any, state: SparseNewtonState) -> None:
        n = len(state.f)
        gradient = np.concatenate([problem.source - state.r, problem.targets - state.c])
        value = float(problem.source @ state.f + problem.targets @ state.h - state.r.sum())
        direction = self._direction(problem, state, gradient)
        slope, residual = float(gradient @ direction), state.seen["residual"]
        length = 1.0
        for _ in range(_TRIALS):
            f, h = state.f + length * direction[:n], state.h + length * direction[n:]
            reached = self._evaluate(problem, state, f, h)
            flat = abs(reached - value) <= 1e-14 * abs(value) and state.seen["residual"] < residual
            if reached >= value + 1e-4 * length * slope or flat:
                state.f, state.h = f, h
                return
            length *= 0.5
        self._evaluate(problem, state, state.f, state.h)
        state.status, state.reason = Status.STAGNATED, "the line search found no step along the sparse Newton direction"

    def _direction(self, problem: Any, state: SparseNewtonState, gradient: Any) -> Any:
        """CG on the largest entries, with the diagonal of the whole plan as diagonal and as preconditioner."""
        P = state.P
        n, m = P.shape
        count = min(P.size, round(self.density * n))
        least = np.partition(P.ravel(), P.size - count)[P.size - count]
        problem.work.add("sorts", 0.5)
        rows, cols = np.nonzero(least <= P)
        kept = sp.csr_array((P[rows, cols], (rows, cols)), shape=(n, m))
        across = sp.csr_array(kept.T)
        diagonal = np.maximum(np.concatenate([state.r, state.c]), 1e-300)
        x, r = np.zeros(n + m), gradient.copy()
        z = r / diagonal
        p, rz = z.copy(), float(r @ z)
        goal = self.rtol**2 * rz
        steps = 0
        while rz > goal and steps < _CG_LIMIT:
            q = diagonal * p
            q[:n] += kept @ p[n:]
            q[n:] += across @ p[:n]
            alpha = rz / float(p @ q)
            x += alpha * p
            r -= alpha * q
            z = r / diagonal
            rz, old = float(r @ z), rz
            p = z + (rz / old) * p
            steps += 1
        problem.work.add("sparse", 2.0 * kept.nnz * steps)
        problem.work.add("cg_steps", steps)
        return x

    def solution(self, problem: Any, state: SparseNewtonState) -> Any:
        """The potentials."""
        return problem.join(problem.reg * state.f, problem.reg * state.h)

    def harvest(self, problem: Any, state: SparseNewtonState) -> dict[str, Any]:
        """Nothing beside the potentials."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """One evaluation and a selection, and some hundred products with a few entries a row."""
        return Cost(0.0, 0.0, 5.0)


def _least(problem: Any) -> Any:
    """Row potentials at which the largest entry of each row is its mass."""
    f = np.empty(len(problem.source))
    for start, stop, block in problem.blocks():
        f[start:stop] = block.min(axis=1) + problem.reg * np.log(problem.source[start:stop])
    return f
