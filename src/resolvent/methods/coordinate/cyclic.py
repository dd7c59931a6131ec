"""Cyclic block proximal descent for min f(w) + g(w), f a mean of n terms that need not be convex, g separable.

    w_b <- prox_{g / L_b}( w_b - G_b / L_b ),   b = 1, ..., m in turn,   L_b by backtracking

``ProximalCyclic`` (P-CCD): G_b = grad_b f(w) at the partially updated w. ``VRProximalCyclic`` (VR-CCD): with probability
b / (n + b) the same, and else G_b += mean over a batch of b terms of grad_b f_i(w^(b)) - grad_b f_i(u^(b)), w^(b) and
u^(b) being what block b sees in this cycle and saw in the last one (PAGE): two w and the batch give all of them back.

Step: cycles. An exact one reads X some three times (slopes, updated margins, a trial refused now and then) and the
loss's slope once a block; one on a batch reads the batch six times. Leaves ``residual``, the problem's own measure, at
every ``stride``-th cycle, or after each exact one: two more products. Not for convex losses with sparse answers, where
`CoordinateDescent` leaves most columns unread; VR not for few rows, flat minima,
or X whose rows are dear to gather: counted in passes the exact cycles were ahead wherever we measured.

References: Xu, Yin, SIAM J. Imaging Sci. 6 (2013), (1.3b) (blocks); Cai, Song, Wright, Diakonikolas, ICML 2023 (cyclic
block descent with variance reduction for nonconvex problems); Li, Bao, Zhang, Richtarik, ICML 2021 (PAGE).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import kernels
from ...core import State, Status
from .descent import fixed

__all__ = ["ProximalCyclic", "VRProximalCyclic"]

_RELAX, _RELAX_UNTESTED = 0.9, 0.95


class CyclicState(State):
    """The iterate, its margins, the blocks with their constants and slopes, and the best iterate that was looked at."""

    w: Any
    z: Any
    L: Any
    G: Any
    penalty: tuple[Any, ...]
    scratch: tuple[Any, ...]
    small: float
    made: int
    best: Any
    least: float
    lowest: float
    before: Any
    rng: Any
    exact: bool


def _begin(problem: Any, x0: Any, blocks: int, carry: Mapping[str, Any]) -> CyclicState:
    """Blocks of neighbouring coordinates (or groups), constants to begin with, margins."""
    state = CyclicState()
    loss, kind, p = problem.loss, problem.penalty.kind, problem.n
    state.w = problem.zero() if x0 is None else np.array(x0, dtype=problem.dtype)
    if kind == 1:
        np.clip(state.w, problem.lo, problem.hi, out=state.w)
    ptr, idx = (problem.ptr, problem.idx) if kind == 2 else (np.arange(p + 1), np.arange(p))
    m = min(blocks, len(ptr) - 1)
    bptr = np.linspace(0, len(ptr) - 1, m + 1).astype(np.int64)
    each = np.asarray(problem.constants(), dtype=np.float64)
    top = float(np.max(each))
    L = np.maximum(np.maximum.reduceat(each, bptr[:-1]), 1e-8 * top if top > 0 else 1.0)
    kept = carry.get("block_constants")
    state.L = kept.copy() if kept is not None and kept.shape == L.shape else L
    par = np.array([problem.l1, problem.l2])
    state.penalty = (kind, par, *fixed(problem.lo, problem.hi, ptr, idx, bptr))
    state.G = np.zeros(p)
    state.scratch = (*(np.empty(loss.samples, dtype=problem.dtype) for _ in range(2)), np.empty_like(state.w))
    state.one = np.ones(1, dtype=problem.dtype)
    state.small = 5e4 * float(np.finfo(problem.dtype).eps)
    state.made, state.before = 0, state.w.copy()
    state.X, state.y = fixed(*loss.design.store), fixed(loss.target)[0]
    state.z = np.empty(loss.samples, dtype=problem.dtype)
    _margins(problem, state)
    state.best, state.least, state.lowest = state.w.copy(), math.inf, math.inf
    _look(problem, state)
    return state


def _margins(problem: Any, state: CyclicState) -> None:
    state.z[:] = problem.loss.margins(state.w)
    problem.work.add("products", int(np.count_nonzero(state.w)) / problem.n)


def _look(problem: Any, state: CyclicState) -> bool:
    """Measure the iterate, remember the best; False where measure and objective have grown, or the objective clearly.

    A loss that is not convex has plateaus with a small measure and a large objective: these are no progress.
    """
    measure = problem.measure(state.w)
    found, objective = float(measure.residual), float(measure.seen["objective"])
    risen = objective > state.lowest + 1e-3 * abs(state.lowest)
    if found < state.least and not risen:
        state.least, state.lowest = found, objective
        np.copyto(state.best, state.w)
    state.seen["residual"] = state.least
    if math.isnan(found) or not math.isfinite(objective):
        state.status, state.reason = Status.NONFINITE, "the objective or its slope is not finite any more"
    return not risen and (found <= 2.0 * state.least or objective <= state.lowest)


def _cycle(problem: Any, state: CyclicState, relax: float) -> None:
    """One cycle with exact slopes; ``before`` is left at the w that it began from."""
    np.copyto(state.before, state.w)
    v, trial, new = state.scratch
    entries, looks = kernels.cyclic.cycle(
        state.X, problem.loss.code, state.y, *state.penalty, state.L, relax, state.small, state.w, state.G, state.z, v,
        trial, new, state.one,
    )  # fmt: skip
    problem.work.add("entries", float(entries))
    problem.work.add("slopes", float(looks))
    problem.work.add("calls")
    state.made += 1


@dataclass(frozen=True)
class ProximalCyclic:
    """Cyclic block proximal descent with backtracked block constants.

    Parameters
    ----------
    blocks : int, default 10
        Runs of neighbouring coordinates (of groups, where the penalty has groups), at most one per coordinate.
    stride : int, default 5
        Cycles between looks at the measure.

    Raises
    ------
    ValueError
        When blocks or stride is below one.

    References
    ----------
    Y. Xu, W. Yin, SIAM J. Imaging Sci. 6 (2013).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((200, 20))
    >>> loss = rv.SigmoidSquares(X, (X[:, 0] > 0).astype(float))
    >>> rv.solve(rv.Composite(loss, rv.L1(0.01)), rv.ProximalCyclic(blocks=5), rtol=1e-6).ok
    True
    """

    blocks: int = 10
    stride: int = 5

    needs = frozenset({"columns", "prox", "terms"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.blocks < 1 or self.stride < 1:
            raise ValueError(f"blocks={self.blocks}, stride={self.stride} were given; at least 1 is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> CyclicState:
        """Blocks, margins, and a first look."""
        return _begin(problem, x0, self.blocks, carry)

    def step(self, problem: Any, state: CyclicState) -> None:
        """Up to ``stride`` cycles, and a look."""
        room = self.stride if state.room is None else min(self.stride, state.room)
        for _ in range(room):
            _cycle(problem, state, _RELAX)
            if state.made % 64 == 0:  # rounding adds up in margins that are only updated
                _margins(problem, state)
        state.k += room
        _look(problem, state)
        if not state.status and np.array_equal(state.w, state.before) and state.least > (state.goal or 0.0):
            state.status, state.reason = Status.STAGNATED, "a cycle changes no coordinate any more"

    def solution(self, problem: Any, state: CyclicState) -> Any:
        """The best iterate that was looked at."""
        return state.best.copy()

    def harvest(self, problem: Any, state: CyclicState) -> dict[str, Any]:
        """The block constants."""
        return {"block_constants": state.L.copy()}


@dataclass(frozen=True)
class VRProximalCyclic:
    """Cyclic block proximal descent with a recursive estimate of the block slopes (PAGE).

    Parameters
    ----------
    batch : int, optional
        Terms of a difference; ceil(sqrt(n)) by default.
    seed : int, default 0
        Of the terms and coins.
    blocks : int, default 10
    step_size : float, default 1.0
        In units of 1 / L_b; halved, by doubling all L_b, where measure and objective have grown between exact cycles.

    Raises
    ------
    ValueError
        When blocks or batch is below one, or the step size not positive.

    References
    ----------
    X. Cai, C. Song, S. J. Wright, J. Diakonikolas, ICML 2023; Z. Li, H. Bao, X. Zhang, P. Richtarik, ICML 2021.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> X = rng.standard_normal((400, 20))
    >>> problem = rv.Composite(rv.SigmoidSquares(X, (X[:, 0] > 0).astype(float)), rv.L1(0.01))
    >>> rv.solve(problem, rv.VRProximalCyclic(batch=20, seed=1), rtol=1e-6).ok
    True
    """

    batch: int | None = None
    seed: int = 0
    blocks: int = 10
    step_size: float = 1.0

    needs = frozenset({"columns", "prox", "terms"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.blocks < 1 or (self.batch is not None and self.batch < 1) or not self.step_size > 0:
            raise ValueError(
                f"blocks={self.blocks}, batch={self.batch}, step_size={self.step_size} were given; at least one block, "
                "a batch of at least one term and a positive step are expected"
            )

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> CyclicState:
        """Blocks, margins, a first look; the first cycle is an exact one."""
        state = _begin(problem, x0, self.blocks, carry)
        state.rng, state.exact = np.random.default_rng(self.seed), True
        return state

    def step(self, problem: Any, state: CyclicState) -> None:
        """Cycles up to the next exact one and its look, or as many as there is room for."""
        n = problem.loss.samples
        b = min(self.batch or math.ceil(math.sqrt(n)), n)
        room = math.inf if state.room is None else state.room
        done = 0
        while done < room:
            done += 1
            if state.exact or state.rng.random() < b / (n + b):
                _margins(problem, state)
                _cycle(problem, state, _RELAX_UNTESTED)
                state.exact = False
                self._guard(problem, state)
                break
            self._on_batch(problem, state, np.sort(state.rng.integers(0, n, b)))
        state.k += done

    def _guard(self, problem: Any, state: CyclicState) -> None:
        """Look; where that is no progress go back to the best iterate, with smaller steps."""
        if not _look(problem, state):
            state.L *= 2.0
            np.copyto(state.w, state.best)
            state.exact = True

    def _on_batch(self, problem: Any, state: CyclicState, rows: Any) -> None:
        """One cycle whose slopes are moved on by the difference over these terms."""
        X = _gathered(problem, rows)
        y = state.y[rows]
        z, zp = (_times(X, w, len(rows)) for w in (state.w, state.before))
        entries = kernels.cyclic.estimated(
            X, problem.loss.code, y, *state.penalty, state.L / self.step_size, state.w, state.before, state.G, z, zp,
            np.empty_like(z), state.scratch[2], state.one,
        )  # fmt: skip
        each = problem.loss.design.nnz / problem.loss.samples
        problem.work.add("entries", float(entries) + 2.0 * len(rows) * each)
        problem.work.add("slopes", 2.0 * (len(state.penalty[-1]) - 1) * len(rows) / problem.loss.samples)
        problem.work.add("calls")
        state.made += 1

    def solution(self, problem: Any, state: CyclicState) -> Any:
        """The best iterate that was looked at."""
        return state.best.copy()

    def harvest(self, problem: Any, state: CyclicState) -> dict[str, Any]:
        """The block constants."""
        return {"block_constants": state.L.copy()}


def _gathered(problem: Any, rows: Any) -> tuple[Any, ...]:
    """These rows of X, stored by columns as a design's store is."""
    design = problem.loss.design
    store = design.store
    if not design.sparse:
        return fixed(store[0], np.take(store[1], rows, axis=1), *store[2:])
    kept = design.__dict__.get("_rows")
    if kept is None:
        problem.work.add("entries", float(design.nnz), part="setup")
        kept = design.__dict__["_rows"] = design.csc.tocsr()
    part = kept[rows].tocsc()
    indices, pointers = (a.astype(like.dtype) for a, like in zip((part.indices, part.indptr), store[3:], strict=True))
    return fixed(store[0], store[1], part.data, indices, pointers)


def _times(X: tuple[Any, ...], w: Any, n: int) -> Any:
    """``X w`` of such a store with n rows."""
    if X[0] == 0:
        return w @ X[1]
    rows = X[3].astype(np.int64)
    weights = X[2] * np.repeat(w, np.diff(X[4].astype(np.int64)))
    return np.bincount(rows, weights=weights, minlength=n).astype(w.dtype)
