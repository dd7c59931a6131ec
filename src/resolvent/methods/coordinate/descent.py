"""Proximal cyclic coordinate descent for min f(w) + g(w), f a loss of X w or a quadratic, g separable over blocks.

    w_b <- prox_{g / L_b}( w_b - s_b / L_b ),   s_b = x_b' F'(X w),   b in a working set, in turn

Step: an *epoch*, one pass over the working set: one inner product and at most one update with each of its columns.
Around it, each an option: *working sets* chosen by the slopes; *gap-safe screening*; *Anderson* extrapolation of five
epochs; a *Newton* step on the support, whose Cholesky factor follows the support and is tried once the epochs since
the last one have cost as much. The logistic loss is replaced by its quadratic model and a line search (prox-Newton).
With more rows than half the columns, and few columns, epochs run on X'X.

Leaves ``residual``, the duality gap at the last look at all blocks (the norm of the prox-gradient mapping where there is
no gap). Not for penalties that couple blocks; not for X that is an operator without columns.

References: Friedman, Hastie, Tibshirani, J. Stat. Softw. 33 (2010); Ndiaye, Fercoq, Gramfort, Salmon, JMLR 18 (2017),
theorem 6 (the sphere); Bertrand, Massias, AISTATS 2021, algorithm 1 (extrapolation); Yuan, Ho, Lin, JMLR 13 (2012).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import kernels
from ...core import Cost, State, Status
from ...operators.support import Slopes, SupportFactor

__all__ = ["CoordinateDescent"]


def fixed(*values: Any) -> tuple[Any, ...]:
    """Arrays as contiguous views that cannot be written: one type for the compiler, whoever owns them."""
    out = []
    for value in values:
        if isinstance(value, np.ndarray):
            value = np.ascontiguousarray(value).view()
            value.flags.writeable = False
        out.append(value)
    return tuple(out)


class DescentState(State):
    """The arrays of the kernel."""

    w: Any
    arrays: tuple[Any, ...]
    ints: Any
    reals: Any
    factor: SupportFactor
    gram: bool


@dataclass(frozen=True)
class CoordinateDescent:
    """Proximal cyclic coordinate descent with working sets.

    Parameters
    ----------
    anderson, newton, screening : bool
        The accelerators; without all three it is plain descent over working sets.
    gram : bool, optional
        Run epochs on X'X (least squares); None: where X has few columns and at least half as many rows.
    stride : int, default 256
        Epochs per kernel call, at most; the iterates do not depend on it.

    References
    ----------
    J. Friedman, T. Hastie, R. Tibshirani, J. Stat. Softw. 33 (2010), section 2.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((40, 100)), rng.standard_normal(40)
    >>> problem = rv.Composite(rv.LeastSquares(X, y), rv.L1(0.2))
    >>> rv.solve(problem, rv.CoordinateDescent(newton=False), rtol=1e-8).status.name
    'GAP'
    """

    anderson: bool = True
    newton: bool = True
    screening: bool = True
    gram: bool | None = None
    stride: int = 256

    needs = frozenset({"columns", "convex"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.stride < 1:
            raise ValueError(f"stride={self.stride} was given; at least 1 is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> DescentState:
        """Slopes at x0, and room for the working set, the last epochs and the support's factor."""
        state = DescentState()
        loss = problem.loss
        state.w = problem.zero() if x0 is None else np.array(x0, dtype=problem.dtype)
        if problem.penalty.kind == 1:
            p = len(problem.lo)
            state.w[:p] = np.clip(state.w[:p], problem.lo, problem.hi)
        state.gram = self._on_gram(problem) and "residual" not in carry
        state.factor = self._factor(problem, carry, state.gram)
        state.arrays = self._arrays(problem, state)
        ints, reals = state.arrays[-2:]
        state.ints, state.reals = ints, reals
        self._start(problem, state)
        known = carry.get("residual") or carry.get("slopes")
        if x0 is not None and not state.gram and loss.code != 2 and isinstance(known, Slopes) and known.of(loss):
            np.copyto(state.arrays[19], known.values)
            state.ints[13] = 1
        self._advance(problem, state, 0)
        return state

    def _on_gram(self, problem: Any) -> bool:
        loss = problem.loss
        n, p = loss.samples, loss.features
        fits = loss.code == 0 and not loss.intercept and not loss.design.sparse and problem.dtype == np.float64
        wanted = (p <= 1000 and 2 * n >= p) if self.gram is None else self.gram
        return bool(wanted and fits)

    def _factor(self, problem: Any, carry: Mapping[str, Any], gram: bool) -> SupportFactor:
        """The carried factor where it is of this X, these weights; else an empty one."""
        loss = problem.loss
        p = loss.features
        key = (loss.code, gram, float(problem.l2), bool(loss.intercept), problem.n)
        kept: SupportFactor | None = carry.get("support_factor")
        fits = kept is not None and loss.code != 1 and kept.of(loss.design, key)
        if kept is not None and fits and len(kept.arrays) > 3:
            return kept
        size = min(p, 1500 if loss.code == 2 else min(loss.samples, 1500)) + 2
        arrays = (
            np.zeros(size, dtype=np.int64),
            np.zeros((size, size)),
            np.zeros(size),
            np.full(p, -1, dtype=np.int64),
            np.zeros(size, dtype=np.int64),
            np.zeros(size),
            np.zeros(p if gram or loss.code == 2 else loss.samples, dtype=problem.dtype),
            np.zeros(size),
        )
        if kept is not None and fits and kept.filled(arrays):  # read from a file
            return kept
        return SupportFactor(loss.design, key, arrays)

    def _arrays(self, problem: Any, state: DescentState) -> tuple[Any, ...]:
        loss = problem.loss
        dtype, p = problem.dtype, loss.features
        grouped = problem.penalty.kind == 2
        blocks = len(problem.ptr) - 1 if grouped else p
        rows = p if state.gram or loss.code == 2 else loss.samples
        C = np.array(problem.constants(), dtype=np.float64)
        if state.gram:
            if loss.design._gram is None:
                problem.work.add("gram", loss.features * 0.2, part="setup")
            none = np.zeros(1, dtype=np.uint32)
            G = loss.design.gram()
            X = (2, G, np.zeros(1, dtype=dtype), none, none)
            y = problem.correlation()
            h = np.full(1, 1.0 / loss.samples)
        else:
            X, y = loss.design.store, loss.target
            h = np.full(1, 1.0 / loss.samples, dtype=dtype) if loss.code != 1 else np.empty(rows, dtype=dtype)
        yy = float(np.vdot(loss.target, loss.target)) / loss.samples
        vectors = [np.zeros(rows, dtype=dtype) for _ in range(2)]  # v, z
        w0 = state.w.copy()
        logistic = loss.code == 1
        past = np.empty((1, 1)) if logistic else np.empty((6, p))
        keep, near = np.arange(blocks), np.zeros(blocks, dtype=np.int64)
        X, (y, lo, hi, ptr, idx) = fixed(*X), fixed(y, problem.lo, problem.hi, problem.ptr, problem.idx)
        return (
            X, loss.code, y, yy, problem.penalty.kind, problem.cert, np.array([problem.l1, problem.l2]), lo, hi, ptr,
            idx, int(loss.intercept), C, C.copy() if logistic else C, state.w, *vectors,
            w0, h, np.zeros(p), np.zeros(blocks), keep, near, *(np.zeros(blocks, dtype=np.int64) for _ in range(2)),
            past, np.empty((6, 5)), np.ones(1, dtype=dtype), state.factor.arrays, np.empty(rows, dtype=dtype),
            np.empty(p if grouped else 1), np.zeros(16, dtype=np.int64), np.zeros(8),
        )  # fmt: skip

    def _start(self, problem: Any, state: DescentState) -> None:
        """The slope of the loss at w, and every block up for choice."""
        loss = problem.loss
        X, y, v, z, h = state.arrays[0], state.arrays[2], state.arrays[15], state.arrays[16], state.arrays[18]
        state.ints[1] = len(state.arrays[21])
        state.ints[2] = state.ints[14] = 1
        state.ints[5] = state.factor.order
        support = np.flatnonzero(state.w)
        problem.work.add("products", len(support) / problem.n)
        if state.gram or loss.code == 2:
            np.copyto(v, -y)
            if len(support):
                v += state.w[support] @ X[1][support] / loss.samples if state.gram else loss.design.times(state.w)
            return
        if len(support):
            np.copyto(z, loss.margins(state.w))
        state.reals[4] = kernels.composite.refresh(loss.code, y, z, v, h)

    def _advance(self, problem: Any, state: DescentState, room: int) -> int:
        ints, reals = state.ints, state.reals
        before = reals[2], reals[3]
        goal = -1.0 if state.goal is None else 0.98 * state.goal
        options = (int(self.anderson), int(self.newton), int(self.screening))
        done = int(kernels.composite.descend(*state.arrays, room, goal, options))
        problem.work.add("entries", float(reals[2] - before[0]))
        if reals[3] > before[1]:
            problem.work.add("factor_flops", float(reals[3] - before[1]))
        problem.work.add("calls")
        state.factor.order = int(ints[5])
        state.seen["residual"] = float(reals[0])
        return done

    def step(self, problem: Any, state: DescentState) -> None:
        """Up to ``stride`` epochs."""
        room = self.stride if state.room is None else min(self.stride, state.room)
        state.k += self._advance(problem, state, room)
        if not np.isfinite(state.reals[0]):
            state.status, state.reason = Status.NONFINITE, "the objective or its slope is not finite any more"
        elif state.ints[6] == 2 and not state.seen["residual"] <= (state.goal or 0.0):
            if state.gram:  # X'X has lost what X still tells
                self._leave_gram(problem, state)
            else:
                state.status, state.reason = Status.STAGNATED, "an epoch changes no coordinate any more"

    def _leave_gram(self, problem: Any, state: DescentState) -> None:
        state.gram = False
        state.factor = self._factor(problem, {}, False)
        state.arrays = self._arrays(problem, state)
        state.ints, state.reals = state.arrays[-2:]
        self._start(problem, state)

    def solution(self, problem: Any, state: DescentState) -> Any:
        """The iterate."""
        return state.w.copy()

    def harvest(self, problem: Any, state: DescentState) -> dict[str, Any]:
        """The factor of the support's curvature, for another penalty weight on the same X."""
        return {"support_factor": state.factor}

    def estimate(self, problem: Any) -> Cost:
        """One epoch over a quarter of the columns as ``running``."""
        return Cost(0.0, 1.0, 0.5)
