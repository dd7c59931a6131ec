"""Block coordinate descent for w'Hw / 2 - c'w (a quadratic, or least squares through its normal equations), or logistic.

    choose b by a rule;   w_b -= g_b / L_b   or   w_b -= H_bb^-1 g_b   (others below);   g += H[:, b] d_b

Rules, of fixed blocks / of any tau coordinates: GS ||g_b|| / largest |g_i|; GSL ||g_b||^2 / L_b / largest |g_i| / sqrt(L_i);
GSD sum g_i^2 / D_i, D_i the absolute row sums of H, for both; GSQ g_b' H_bb^-1 g_b / ten steps of iterative hard
thresholding. Fixed blocks are cut from the coordinates sorted by L_i. For the logistic loss H is the bound X'X / (4 n) on
its Hessian, and Newton's update takes the Hessian of the block at the iterate; on a quadratic it is the matrix update.

Step: one block: |b| columns of H, and for greedy rules a look at g (GSQ: triangular solves of all blocks, or ten times
tau columns); logistic: one product with X' for greedy rules, and once a round for the others. Leaves ``residual``, the
gradient's 2-norm. H is formed and dense: not for more than some thousand
coordinates; with one matrix and no greedy structure `CG` needs far fewer passes.

Reference: Nutini, Laradji, Schmidt, JMLR 23 (2022), sections 2 to 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from ... import kernels
from ...core import State

__all__ = ["BlockDescent", "dense_quadratic"]

_RULES = ("random", "cyclic", "gs", "gsl", "gsd", "gsq")
_UPDATES = ("lipschitz", "matrix", "line search", "adaptive", "newton")


def dense_quadratic(problem: Any) -> tuple[Any, Any]:
    """H and c of the problem's loss, H dense and in C order; kept with the design.

    Raises
    ------
    ValueError
        For a loss with an intercept.
    """
    loss = problem.loss
    if loss.intercept:
        raise ValueError("block descent takes no loss with an intercept; add a column of ones to X")
    if loss.code == 2:
        H = loss.H.toarray() if loss.design.sparse else np.ascontiguousarray(loss.H)
        return H, loss.target
    kept = loss.design.__dict__.setdefault("_hessian", None)
    if kept is None:
        problem.work.add("products", loss.features, part="setup")
        kept = loss.design.__dict__["_hessian"] = loss.design.gram() / loss.samples
    return kept, problem.correlation()


class BlockState(State):
    """The iterate, the gradient, and what the rule needs."""

    w: Any
    g: Any
    H: Any
    parts: tuple[Any, ...]
    rng: Any
    made: int
    margins: tuple[Any, ...] | None


@dataclass(frozen=True)
class BlockDescent:
    """Block coordinate descent with a choice of rule, update and blocks.

    Parameters
    ----------
    rule : {"gsd", "gsl", "gs", "gsq", "cyclic", "random"}
    update : {"matrix", "lipschitz", "line search", "adaptive", "newton"}
        ``"adaptive"`` doubles a block's constant from 1 until the decrease that it promises is met.
    blocks : {"variable", "fixed"}
    size : int, default 8
        Coordinates of a block.
    seed : int, default 0
        For the random rule.
    stride : int, default 64
        Block steps per kernel call.

    Raises
    ------
    ValueError
        For another rule, update or kind of blocks, or a size below one.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> H = np.diag([1.0, 2.0, 3.0]) + 0.1
    >>> problem = rv.Composite(rv.Quadratic(H, np.ones(3)), rv.L1(0.0))
    >>> result = rv.solve(problem, rv.BlockDescent(size=3), rtol=1e-8)
    >>> result.steps, bool(np.allclose(H @ result.x, 1.0))
    (1, True)
    """

    rule: str = "gsd"
    update: str = "matrix"
    blocks: str = "variable"
    size: int = 8
    seed: int = 0
    stride: int = 64

    needs = frozenset({"columns", "convex", "smooth"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        for name, known in (("rule", _RULES), ("update", _UPDATES), ("blocks", ("variable", "fixed"))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name}={getattr(self, name)!r} was given; one of {', '.join(known)} is expected")
        if self.size < 1 or self.stride < 1:
            raise ValueError("size and stride are at least 1")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> BlockState:
        """The gradient, the blocks, their constants and factors."""
        state = BlockState()
        state.H, c = dense_quadratic(problem)
        logistic = problem.loss.code == 1
        if logistic:
            state.H = problem.loss.curvature * state.H
        n = problem.n
        tau = min(self.size, n)
        state.w = np.zeros(n, dtype=problem.dtype) if x0 is None else np.array(x0, dtype=problem.dtype)
        state.g = np.zeros(n, dtype=problem.dtype) if logistic else state.H @ state.w - c
        problem.work.add("products")
        diagonal = np.diagonal(state.H)
        order = np.argsort(diagonal, kind="stable")
        ptr = np.append(np.arange(0, n, tau), n)
        sizes, factors = np.ones(1), np.empty((1, tau, tau))
        if self.blocks == "fixed":
            parts = [state.H[np.ix_(order[a:b], order[a:b])] for a, b in pairwise(ptr)]
            sizes = np.array([max(float(np.linalg.eigvalsh(B)[-1]), 1e-300) for B in parts])
            factors = np.zeros((len(parts), tau, tau))
            for L, B in zip(factors, parts, strict=True):
                k = len(B)
                L[:k, :k] = np.linalg.cholesky(B + 1e-10 * np.trace(B) / k * np.eye(k))
        D = np.maximum(np.abs(state.H).sum(axis=1), 1e-300)
        mu = 1.0 / float(np.linalg.eigvalsh(state.H)[-1]) if self.rule == "gsq" else 1.0
        rng = np.random.default_rng(self.seed)
        scratch = [np.empty(n) for _ in range(3)]
        state.parts = (order, ptr, sizes, D, factors, np.ones(len(ptr)), tau, mu, np.zeros(tau, dtype=np.int64))
        state.parts += (np.empty(tau), *scratch, np.empty((tau, tau)))
        state.rng, state.made = rng, 0
        state.norms = np.empty(self.stride)
        state.margins = self._margins(problem, state) if logistic else None
        state.seen["residual"] = float(np.linalg.norm(state.g))
        return state

    def _margins(self, problem: Any, state: BlockState) -> tuple[Any, ...]:
        """Columns of X as rows, and what is kept of the margins; the gradient at w."""
        loss, n, tau = problem.loss, problem.loss.samples, min(self.size, problem.n)
        X = loss.design.csc.toarray() if loss.design.sparse else loss.design.X
        z = np.asarray(loss.margins(state.w), dtype=problem.dtype)
        m = loss.target * z
        share = np.exp(-np.logaddexp(0.0, m))
        v, h = -loss.target * share / n, share * (1.0 - share) / n
        state.g[:] = X.T @ v
        scratch = np.empty((tau, tau)), np.arange(tau)
        return np.ascontiguousarray(X.T), loss.target, z, np.zeros_like(z), v, h, *scratch

    def step(self, problem: Any, state: BlockState) -> None:
        """Up to ``stride`` block steps."""
        room = self.stride if state.room is None else min(self.stride, state.room)
        order, ptr, sizes, D, factors, adaptive, tau, mu, b, d, *scratch = state.parts
        fixed = self.blocks == "fixed"
        picks = np.zeros((1, 1), dtype=np.int64)
        if self.rule == "random" and fixed:
            picks = (state.rng.random((room, 1)) * (len(ptr) - 1)).astype(np.int64)
        elif self.rule == "random":
            picks = np.argsort(state.rng.random((room, problem.n)), axis=1)[:, :tau]
        goal = -1.0 if state.goal is None else state.goal
        shared = (_RULES.index(self.rule), _UPDATES.index(self.update), fixed, order, ptr, sizes, D, factors, adaptive)
        shared += (picks, tau, mu, b, d, *scratch)
        if state.margins is None:
            done = kernels.blocks.descend(state.H, state.w, state.g, *shared, state.made, room, goal, state.norms)
            problem.work.add("entries", float(done * tau * problem.n))
        else:
            XT, y, z, dz, v, h, local, places = state.margins
            done = kernels.margin_blocks.descend(
                XT, y, state.H, state.w, z, dz, v, h, state.g, *shared, local, places, state.seen["residual"], state.made,
                room, goal, state.norms,
            )  # fmt: skip
            looks = done if _RULES.index(self.rule) >= 2 else done * tau / problem.n
            problem.work.add("entries", float((2 * done * tau + looks * problem.n) * problem.loss.samples))
        problem.work.add("calls")
        state.k += done
        state.made += done
        state.seen["residual"] = float(state.norms[done - 1])

    def solution(self, problem: Any, state: BlockState) -> Any:
        """The iterate."""
        return state.w.copy()

    def harvest(self, problem: Any, state: BlockState) -> dict[str, Any]:
        """Nothing: what is computed once per H stays with the design."""
        return {}
