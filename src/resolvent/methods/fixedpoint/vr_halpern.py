"""Variance-reduced Halpern iterations for 0 in F(x) + G(x), F the mean of n terms.

Cocoercive in the mean (``VRHalpern``), with the PAGE estimator g of F(x_k), b = sqrt(n) terms, eta a step:

    x_{k+1} = J(lambda_k x_0 + (1 - lambda_k) x_k - eta g_k),      lambda_k = 2 / (k + 4)
    g_k = F(x_k) with probability p_k,  else  g_{k-1} + mean over a batch of F_i(x_k) - F_i(x_{k-1})
    p_k = 1 for k <= 1,   4 / (k + 4) while k - 1 <= sqrt(n),   then 4 / (sqrt(n) + 5)

Monotone and Lipschitz in the mean (``VRHalpernMonotone``): Halpern's iteration on the resolvent of c (F + G),
c = sqrt(n) / L, each resolvent approximated by M_k = 0.05 n ln(k + 2) steps of a loopless variance-reduced
forward-reflected-backward method on the 1-strongly monotone problem 0 in c F(u) + u - x_k + c G(u).

Step: 2 b terms or, with probability p, n; an outer step of the second costs about n + 3 M_k terms. Memory: 5 vectors (8).
Leaves ``residual``, of the last x at which F was evaluated as a whole: it is exact there, and an iterate is only offered
as solution there. The first step size is 1 / L' with L' seen between two whole evaluations, not the 1 / (4 L) of the
theorem, which takes many times the evaluations; where the whole residual doubles, the step is halved and the iteration
starts again at the best x. Gains over the deterministic iteration only where the terms vary little and k >> sqrt(n).

Reference: Cai, Alacaoglu and Diakonikolas, Variance reduced Halpern iteration for finite-sum monotone inclusions,
ICLR 2024 (arXiv 2310.02987), algorithms 1 to 3; PAGE: Li, Bao, Zhang and Richtarik, ICML 2021.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State
from ...problems import vectors

__all__ = ["VRHalpern", "VRHalpernMonotone"]

_GROWTH = 2.0


class VRState(State):
    """The iterate, the estimator, the best x at which the whole operator was seen, and the generator."""

    x: Any
    before: Any
    g: Any
    anchor: Any
    best: Any
    least: float
    eta: float
    halved: bool
    j: int
    full: bool
    rng: Any


def _whole(problem: Any, state: Any) -> None:
    """F at the iterate, and the natural residual there."""
    state.g = problem.whole(state.x)
    with np.errstate(all="ignore"):
        state.seen["residual"] = vectors.length(problem.natural(state.x, state.g))
    state.full = True
    problem.work.add("passes", 4)


def _begin(problem: Any, state: Any, x0: Any, seed: int) -> Any:
    state.x = problem.zero() if x0 is None else vectors.copied(x0)
    state.rng = np.random.default_rng(seed)
    _whole(problem, state)
    state.anchor, state.before, state.j = state.x, state.x, 0
    state.best, state.least = state.x, state.seen["residual"]
    return state


@dataclass(frozen=True)
class VRHalpern:
    """Variance-reduced Halpern iteration for finite sums that are cocoercive in the mean.

    Parameters
    ----------
    step_size : float, default 1.0
        eta L; 0.25 is what the theorem allows.
    adaptive : bool, default True
        L is what was seen between two whole evaluations, and the step is halved where the residual doubles; False: L is
        the problem's ``lipschitz``, and the step stays.
    batch : int, optional
        Terms of a difference; ceil(sqrt(n)) by default.
    seed : int, default 0
        Of the terms and coins.

    References
    ----------
    X. Cai, A. Alacaoglu and J. Diakonikolas, ICLR 2024 (arXiv 2310.02987), algorithm 1.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> A, x = rng.standard_normal((400, 5)), np.ones(5)
    >>> def operator(z, idx=slice(None)):
    ...     return A[idx].T @ (A[idx] @ (z - x)) / len(A[idx])
    >>> result = rv.solve(rv.Inclusion(operator, n_terms=400), "vrhalpern", x0=np.zeros(5), rtol=1e-2)
    >>> result.ok, result.work["terms"] > 0
    (True, True)
    """

    step_size: float = 1.0
    adaptive: bool = True
    batch: int | None = None
    seed: int = 0

    needs = frozenset({"operator", "terms"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not self.step_size > 0.0 or (self.batch is not None and self.batch < 1):
            raise ValueError(
                f"step_size={self.step_size}, batch={self.batch} were given; positive numbers are expected"
            )

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> VRState:
        """One whole evaluation, and a second one for the step where it is neither carried nor L given."""
        state = _begin(problem, VRState(), x0, self.seed)
        if not self.adaptive and problem.lipschitz is None:
            raise ValueError("adaptive=False needs the problem's lipschitz=")
        kept = carry.get("step") if self.adaptive else None
        if kept is None:
            constant = problem.lipschitz if not self.adaptive else _steepness(problem, state)
        state.eta, state.halved = kept or self.step_size / constant, False
        return state

    def step(self, problem: Any, state: VRState) -> None:
        """The next iterate, and the estimator there; whole where the coin says so."""
        weight = 2.0 / (state.j + 4.0)
        target = weight * state.anchor + (1.0 - weight) * state.x - state.eta * state.g
        state.before, state.x = state.x, problem.resolved(target, state.eta)
        problem.work.add("passes", 8)
        state.j, state.full = state.j + 1, False
        state.k += 1
        self._estimate(problem, state)

    def _estimate(self, problem: Any, state: VRState) -> None:
        """PAGE: the whole operator, or a difference of few terms added to the last estimate."""
        n = problem.n_terms
        root = math.sqrt(n)
        p = 1.0 if state.j <= 1 else 4.0 / (state.j + 4.0) if state.j - 1 <= root else 4.0 / (root + 5.0)
        if state.rng.random() < p:
            _whole(problem, state)
            self._guard(problem, state)
            return
        idx = state.rng.integers(0, n, self.batch or math.ceil(root))
        state.g = state.g + problem.terms(state.x, idx) - problem.terms(state.before, idx)
        problem.work.add("passes", 3)

    def _guard(self, problem: Any, state: VRState) -> None:
        """Remember the best; where the residual has doubled, halve the step and start again there."""
        size = state.seen["residual"]
        if size < state.least:
            state.best, state.least = state.x, size
        elif self.adaptive and not size <= _GROWTH * state.least and state.j > 1:
            state.eta, state.halved = 0.5 * state.eta, True
            state.x = state.anchor = state.before = state.best
            state.j = 0
            _whole(problem, state)

    def solution(self, problem: Any, state: VRState) -> Any:
        """The iterate where it was seen whole, else the best one that was."""
        return state.x if state.full else state.best

    def harvest(self, problem: Any, state: VRState) -> dict[str, Any]:
        """The step size; not one that had to be halved, which is a poor beginning for other operators."""
        return {"step": state.eta} if self.adaptive and not state.halved else {}

    def estimate(self, problem: Any) -> Cost:
        """Some six square roots of n terms a step."""
        return Cost(0.0, 0.0, min(1.0, 6.0 / math.sqrt(problem.n_terms)))


def _steepness(problem: Any, state: Any) -> float:
    """|F(x) - F(y)| / |x - y| for a y along F; a few rounds of it, as in power iteration."""
    x, g = state.x, state.g
    size, found = 1e-3 * (1.0 + vectors.length(x)), 0.0
    direction = g
    for _ in range(3):
        length = vectors.length(direction)
        if not 0.0 < length < math.inf:
            break
        direction = problem.whole(x + (size / length) * direction) - g
        problem.work.add("passes", 4)
        found = max(found, vectors.length(direction) / size)
    return found if 0.0 < found < math.inf else (problem.lipschitz or 1.0)


@dataclass(frozen=True)
class VRHalpernMonotone:
    """Halpern's iteration on inexact resolvents, for finite sums that are monotone and Lipschitz in the mean.

    Parameters
    ----------
    inner : float, default 0.05
        Inner steps: ``inner n ln(k + 2)``.
    step_size : float, default 0.5
        Of the inner method, in units of sqrt(p (1 - p)) / (c L + 1).
    seed : int, default 0
        Of the terms and coins.

    References
    ----------
    X. Cai, A. Alacaoglu and J. Diakonikolas, ICLR 2024 (arXiv 2310.02987), algorithms 2 and 3.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> A = np.eye(3) + 0.1 * rng.standard_normal((64, 3, 3))
    >>> def operator(z, idx=slice(None)):
    ...     M = A[idx].mean(axis=0)
    ...     return np.concatenate([M @ z[3:] - 1.0, -M.T @ z[:3] + 1.0])
    >>> problem = rv.Inclusion(operator, n_terms=64, lipschitz=1.5)
    >>> rv.solve(problem, "vrhalpernmonotone", x0=np.zeros(6), rtol=1e-2).ok
    True
    """

    inner: float = 0.05
    step_size: float = 0.5
    seed: int = 0

    needs = frozenset({"operator", "terms"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not self.inner > 0.0 or not 0.0 < self.step_size <= 1.0:
            raise ValueError(
                f"inner={self.inner}, step_size={self.step_size} were given; "
                "a positive number and one in (0, 1] are expected"
            )

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> VRState:
        """One whole evaluation."""
        state = _begin(problem, VRState(), x0, self.seed)
        constant = problem.lipschitz or _steepness(problem, state)
        state.eta = math.sqrt(problem.n_terms) / constant
        return state

    def step(self, problem: Any, state: VRState) -> None:
        """One inexact resolvent, drawn back to the anchor."""
        weight = 1.0 / (state.j + 2.0)
        u = self._resolvent(problem, state)
        state.before, state.x = state.x, weight * state.anchor + (1.0 - weight) * u
        state.j += 1
        state.k += 1
        _whole(problem, state)

    def _resolvent(self, problem: Any, state: VRState) -> Any:
        """About (I + c F + c G)^-1 x, by M_k inner steps from x."""
        n, c, x, rng = problem.n_terms, state.eta, state.x, state.rng
        p = 1.0 / n if n > 1 else 0.5
        constant = math.sqrt(n)  # c L
        gamma = self.step_size * math.sqrt(p * (1.0 - p)) / (constant + 1.0)
        v = w = last = x
        whole = c * state.g  # c F(w) + w - x at w = x
        for _ in range(math.ceil(self.inner * n * math.log(state.j + 2.0))):
            idx = rng.integers(0, n, 1)
            mixed = (1.0 - p) * v + p * w
            g = whole + c * (problem.terms(v, idx) - problem.terms(last, idx)) + v - last
            v = problem.resolved(mixed - gamma * g, gamma * c)
            last = w
            problem.work.add("passes", 10)
            if rng.random() < p:
                w = v
                whole = c * problem.whole(w) + w - x
        return v

    def solution(self, problem: Any, state: VRState) -> Any:
        """The iterate."""
        return state.x

    def harvest(self, problem: Any, state: VRState) -> dict[str, Any]:
        """Nothing that another operator could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """A whole evaluation and some tenths of one."""
        return Cost(0.0, 0.0, 1.0 + 3.0 * self.inner)
