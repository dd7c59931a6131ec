"""Damped Newton for min f(x), with Hessians that may be old.

    s solves a damped model of f with H = f''(z), z an earlier iterate;   x += s where the damping's test holds

Step: one Hessian and one decomposition every ``period`` steps, and for each trial a value, a gradient and a solve. With
``period`` = 1 a trial is one Cholesky factorization; above, H is reduced to tridiagonal form once (decomposed, where the
damping needs eigenvalues) and a trial costs O(n^2). Memory: x, g
and y, and one or two n x n matrices. Leaves ``residual`` (the gradient's norm) and ``value``. H may be any symmetric
approximation: Gauss-Newton, Fisher, a diagonal. Not for n above some thousands, nor where a gradient is cheap and f is
well conditioned: first-order methods win there.

Reference: Semenov, Jaggi, Doikov, ICLR 2026 (damping); Doikov, Chayti, Jaggi, ICML 2023 (lazy Hessians).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State, Status
from ...operators.curvature import Curvature
from ...operators.tridiagonal import TridiagonalCurvature
from .damping import Ends, GradientNormalized, GradientRegularized

__all__ = ["LazyNewton", "Newton"]

_TRIALS = 60
_REFUSED = 5


class NewtonState(State):
    """The iterate, its gradient and value, the curvature in use and its age, and the damping's number."""

    x: Any
    g: Any
    f: float
    curvature: Any
    age: int
    scale: float
    refused: int


@dataclass(frozen=True)
class Newton:
    """Newton's method, damped.

    Parameters
    ----------
    damping : rule, default GradientNormalized()
        Also ``GradientRegularized()``, ``Cubic()``, ``StepSized()``, ``Armijo()`` of ``resolvent.methods.newton``.
    period : int, default 1
        Steps between Hessians; one is also made anew when it fails five trials in a row.
    eigen : bool, optional
        Decompose each Hessian, so that it serves any shift. None does so where the damping asks for it, and reduces a
        Hessian to tridiagonal form, which is cheaper, where it serves more than one step.

    Raises
    ------
    ValueError
        For a period below one.

    References
    ----------
    Semenov, Jaggi, Doikov, Gradient-normalized smoothness for optimization with approximate Hessians, ICLR 2026.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> f = lambda x: 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2
    >>> g = lambda x: np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)])
    >>> H = lambda x: np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]])
    >>> result = rv.solve(rv.Smooth(f, g, H), "newton", x0=np.array([-2.0, 2.0]), rtol=1e-10)
    >>> result.ok, result.x.round(6).tolist()
    (True, [1.0, 1.0])
    """

    damping: Any = GradientNormalized()  # noqa: RUF009 - a frozen record
    period: int = 1
    eigen: bool | None = None

    needs = frozenset({"value", "gradient", "hessian"})
    sees = frozenset({"residual", "value"})

    def __post_init__(self) -> None:
        if self.period < 1:
            raise ValueError(f"period={self.period} was given; at least 1 is expected")
        if not hasattr(self.damping, "trial"):
            raise ValueError(f"{self.damping!r} is not a damping rule; GradientNormalized() is one")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> NewtonState:
        """Value and gradient at x0; a carried curvature of the same size goes into service, its number with it."""
        state = NewtonState()
        state.x, state.g = problem.start(x0, carry)
        state.f = problem.value_at(state.x)
        kept = carry.get("curvature")
        fits = kept is not None and kept.n == problem.n and (kept.w is not None or not self._decomposes)
        state.curvature = kept if fits else None
        state.age, state.refused = 0, 0
        state.scale = float(carry.get("curvature.scale", self.damping.scale))
        _publish(state)
        return state

    @property
    def _decomposes(self) -> bool:
        return bool(self.damping.eigen or self.eigen)

    @property
    def _reduces(self) -> bool:
        return not self._decomposes and self.eigen is None and self.period > 1

    def step(self, problem: Any, state: NewtonState) -> None:
        """One accepted step, after as many trials as it takes."""
        state.k += 1
        if state.curvature is None or state.age >= self.period:
            self._renew(problem, state)
        norm, first = float(np.linalg.norm(state.g)), True
        for _ in range(_TRIALS):
            if self._tried(problem, state, norm, first):
                state.age += 1
                state.refused = 0
                return
            first = False
            state.refused += 1
            if state.refused >= _REFUSED and state.age > 0:
                self._renew(problem, state)
                first = True
        state.status = Status.STAGNATED
        state.reason = "no damped Newton step decreases the function any further"

    def _tried(self, problem: Any, state: NewtonState, norm: float, first: bool) -> bool:
        """Make a trial step and take it if it is good."""
        rule, curvature = self.damping, state.curvature
        trial = rule.trial(curvature, state.g, norm, state.scale)
        problem.work.add("solves")
        problem.work.add("factor_flops", curvature.spent())
        good = False
        if trial is not None and np.all(np.isfinite(trial.s)):
            y = state.x + np.asarray(trial.s, dtype=state.x.dtype)
            fy = problem.value_at(y)
            if np.isfinite(fy) and fy <= state.f + 1e-12 * abs(state.f):
                gy = problem.gradient_at(y)
                if np.all(np.isfinite(gy)):
                    size = float(np.linalg.norm(gy))
                    ends = Ends(state.f, fy, float(state.g @ trial.s), float(gy @ trial.s), size, gy)
                    good = bool(rule.good(curvature, trial, ends))
        problem.work.add("factor_flops", curvature.spent())
        state.scale = rule.after(state.scale, good, first)
        if good:
            state.x, state.g, state.f = y, gy, fy
            _publish(state)
        return good

    def _renew(self, problem: Any, state: NewtonState) -> None:
        H, version = problem.hessian_at(state.x), problem.matrix_version
        if self._reduces:
            state.curvature = TridiagonalCurvature(H, version)
        else:
            state.curvature = Curvature(H, self._decomposes, version)
        problem.work.add("factorizations")
        problem.work.add("factor_flops", state.curvature.spent())
        state.age, state.refused = 0, 0

    def solution(self, problem: Any, state: NewtonState) -> Any:
        """The iterate."""
        return state.x.copy()

    def harvest(self, problem: Any, state: NewtonState) -> dict[str, Any]:
        """The curvature where it serves any shift, and the damping's number."""
        if state.curvature is None or state.curvature.H is not None:
            return {"curvature.scale": state.scale}
        return {"curvature": state.curvature, "curvature.scale": state.scale}

    def estimate(self, problem: Any) -> Cost:
        """A step: a share of a Hessian, a value, a gradient and a solve."""
        flops = (9.0 if self._decomposes else 8.0 / 3.0 if self._reduces else 1.0 / 3.0) * problem.n**3
        fresh = problem.weight("hessians") + flops * problem.weight("factor_flops")
        each = 1.0 + problem.weight("values") + problem.weight("solves")
        return Cost(0.0, 0.0, fresh / self.period + each)


@dataclass(frozen=True)
class LazyNewton(Newton):
    """Newton with one Hessian for many steps, decomposed once: ``period`` steps, or as long as it passes its test.

    Parameters
    ----------
    damping : rule, default GradientRegularized()
    period : int, default 50

    References
    ----------
    Doikov, Chayti, Jaggi, Second-order optimization with lazy Hessians, ICML 2023, algorithm 3.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> d = np.arange(1.0, 6.0)
    >>> problem = rv.Smooth(lambda x: 0.5 * d @ x**2 - x.sum(), lambda x: d * x - 1, lambda x: np.diag(d))
    >>> result = rv.solve(problem, "lazynewton", x0=np.ones(5), rtol=1e-9)
    >>> result.ok, result.work["hessians"]
    (True, 1)
    """

    damping: Any = GradientRegularized()  # noqa: RUF009 - a frozen record
    period: int = 50


def _publish(state: NewtonState) -> None:
    state.seen["residual"] = float(np.linalg.norm(state.g))
    state.seen["value"] = state.f
