"""FOSI: Newton on the k leading (and l trailing) eigenvectors of the Hessian, a first-order method on the rest.

    x += -alpha U |Lambda|^-1 U'g + c (I - U U') move((I - U U') g),   H U = U Lambda,   c = min(|L_1| / |L_k|, clip)

For the base the condition number is that of what is left of the spectrum. Step: one gradient and 4 n (k + l)
multiply-adds; every ``period`` steps 4 (k + l) products with the Hessian. Memory: the base's, and k + l vectors. Leaves
``residual`` (the gradient's norm). Not where the spectrum has no leading part, nor where a product with the Hessian is
much dearer than a gradient.

Reference: Sivan, Gabel, Schuster, FOSI: Hybrid first and second order optimization, ICLR 2024, algorithm 2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State
from .first_order import GradientDescent
from .lanczos import lanczos

__all__ = ["FOSI"]


class FOSIState(State):
    """The iterate, its gradient, the base's memory, and the eigenpairs with their age."""

    x: Any
    g: Any
    memory: dict[str, Any]
    U: Any
    w: Any
    age: int
    draw: Any


@dataclass(frozen=True)
class FOSI:
    """A first-order method helped by a few eigenpairs of the Hessian.

    Parameters
    ----------
    base : method with ``move``
        ``GradientDescent(step_length)`` or ``HeavyBall(step_length, momentum)``.
    largest, smallest : int, default 5 and 0
        Eigenpairs at either end.
    period : int, default 100
        Steps between eigenpairs; the first are computed at once.
    alpha : float, default 0.1
        Length of the Newton part, in (0, 1].
    clip : float, default 3
        Most that the base's step is stretched.
    seed : int, default 0
        Of the start vector where the gradient vanishes.

    Raises
    ------
    ValueError
        For parameters out of range, or a base without ``move``.

    References
    ----------
    Sivan, Gabel, Schuster, FOSI: Hybrid first and second order optimization, ICLR 2024.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.methods.newton import FOSI, GradientDescent
    >>> d = np.r_[1000.0, np.linspace(1.0, 2.0, 19)]
    >>> problem = rv.Smooth(lambda x: 0.5 * d @ x**2 - x.sum(), lambda x: d * x - 1, hvp=lambda x, v: d * v)
    >>> plain = rv.solve(problem, GradientDescent(1e-3), x0=np.zeros(20), rtol=1e-6)
    >>> helped = rv.solve(problem, FOSI(GradientDescent(1e-3), 1, alpha=1.0, clip=300.0), x0=np.zeros(20), rtol=1e-6)
    >>> plain.ok, helped.ok, 20 * helped.steps < plain.steps
    (True, True, True)
    """

    base: Any = GradientDescent()  # noqa: RUF009 - a frozen record
    largest: int = 5
    smallest: int = 0
    period: int = 100
    alpha: float = 0.1
    clip: float = 3.0
    seed: int = 0

    needs = frozenset({"gradient", "products"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not hasattr(self.base, "move"):
            raise ValueError(f"{self.base!r} has no move; GradientDescent() or HeavyBall() is expected")
        if self.largest < 1 or self.smallest < 0 or self.period < 1:
            raise ValueError("largest >= 1, smallest >= 0 and period >= 1 are expected")
        if not 0.0 < self.alpha <= 1.0 or not self.clip >= 1.0:
            raise ValueError(f"alpha={self.alpha!r}, clip={self.clip!r} were given; (0, 1] and at least 1 are expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> FOSIState:
        """The gradient at x0; eigenpairs are computed at the first step."""
        state = FOSIState()
        state.x, state.g = problem.start(x0, carry)
        state.memory, state.U, state.w, state.age = {}, None, None, 0
        state.draw = np.random.default_rng(self.seed)
        state.seen["residual"] = float(np.linalg.norm(state.g))
        return state

    def step(self, problem: Any, state: FOSIState) -> None:
        """One step of both parts."""
        if state.U is None or state.age >= self.period:
            self._renew(problem, state)
        U, w, g = state.U, state.w, state.g
        c = U.T @ g
        rest = g - U @ c
        move = self.base.move(state.x, rest, state.memory)
        move = move - U @ (U.T @ move)
        lead = np.sort(np.abs(w))[::-1][: self.largest]
        stretch = min(float(lead[0] / max(lead[-1], 1e-300)), self.clip) if len(lead) > 1 else self.clip
        move = max(stretch, 1.0) * move - self.alpha * (U @ (c / np.abs(w)))
        state.x = state.x + np.asarray(move, dtype=state.x.dtype)
        state.g = problem.gradient_at(state.x)
        problem.work.add("passes", 4 + 4 * len(w))
        state.k += 1
        state.age += 1
        state.seen["residual"] = float(np.linalg.norm(state.g))

    def _renew(self, problem: Any, state: FOSIState) -> None:
        """Ritz pairs at both ends of a Krylov space of 4 (k + l) vectors."""
        count = min(self.largest + self.smallest, problem.n)
        # a start of its own: the gradient may lack a leading direction that has just been solved
        start = state.draw.standard_normal(problem.n)
        w, Y = lanczos(lambda v: problem.hessian_times(state.x, state.g, v), start, 4 * count, state.draw)
        order = np.argsort(-np.abs(w))
        keep = np.unique(np.r_[order[: self.largest], order[len(w) - self.smallest :]])
        keep = keep[np.abs(w[keep]) > 1e-12 * np.abs(w).max(initial=0.0)]
        state.w, state.U, state.age = w[keep], Y[:, keep], 0
        problem.work.add("passes", 4 * len(w) ** 2)

    def solution(self, problem: Any, state: FOSIState) -> Any:
        """The iterate."""
        return state.x.copy()

    def harvest(self, problem: Any, state: FOSIState) -> dict[str, Any]:
        """Nothing that another problem could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """A step: a gradient, and a share of the products for the eigenpairs."""
        share = 4 * (self.largest + self.smallest) * problem.weight("hvps") / self.period
        return Cost(0.0, 0.0, 1.0 + share)
