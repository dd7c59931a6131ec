"""How a Newton step is damped: a shift of the Hessian, a shorter step, or a cubic term; each rule with its own test.

A rule has one number that it adapts (``scale``), gives a trial step for it, and says whether the step was good.
The number survives from step to step and, carried, from problem to problem.

    gradient-normalised   s = -(H + |g| / gamma)^-1 g        good if f(x) - f(y) >= |g(y)|^2 / (8 lambda)
    gradient-regularised  s = -(H + sqrt(M |g|))^-1 g        good if <g(y), -s> >= |g(y)|^2 / (4 lambda)
    cubic                 s = argmin g's + s'Hs/2 + M |s|^3/6  good if f falls by the model's bound
    step-sized            s = -H^-1 g / (1 + theta)          good if 2 a theta <g(y), n> >= g(y)' H^-1 g(y)
    Armijo                s = -a |H|^-1 g                    good if f(y) <= f(x) + 1e-4 g's

References: Semenov, Jaggi, Doikov (2026); Doikov, Chayti, Jaggi (2023); Nesterov, Polyak (2006); Hanzely,
Abdukhakimov, Takac (2024); Nocedal, Wright, Numerical Optimization, 2nd ed., chapter 3.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np

__all__ = ["Armijo", "Cubic", "GradientNormalized", "GradientRegularized", "StepSized", "Trial"]

_LEAST = 5e-324  # a shift that underflows divides by no zero


class Trial(NamedTuple):
    """A step, its shift, and what its test compares."""

    s: Any
    shift: float
    model: float = 0.0
    n: Any = None


class Ends(NamedTuple):
    """Both ends of a trial: f(x), f(y), g'(x)s, <g(y), s>, |g(y)| and g(y)."""

    fx: float
    fy: float
    slope: float
    slope_after: float
    norm_after: float
    g: Any

    @property
    def flat(self) -> bool:
        """The difference of values is rounding."""
        return abs(self.fx - self.fy) <= 1e-13 * (abs(self.fx) + abs(self.fy))


def _positive(record: Any, *names: str) -> None:
    for name in names:
        if not 0.0 < getattr(record, name) < math.inf:
            raise ValueError(f"{name}={getattr(record, name)!r} was given; a positive number is expected")


def _shifted(curvature: Any, g: Any, shift: float) -> Trial | None:
    """The step of H + shift I, moved up by -lambda_min where H is known to be indefinite."""
    least = curvature.least
    shift = shift if least is None or least >= 0.0 else shift - least
    s = curvature.solve(shift, g)
    return None if s is None else Trial(-s, shift)


class _Adapted:
    """A rule whose number grows by ``factor`` after a bad step and shrinks by it after a step that was good at once."""

    scale: float
    factor: ClassVar[float] = 2.0
    eigen: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _positive(self, "scale")

    def after(self, scale: float, good: bool, first: bool) -> float:
        """The number for the next trial."""
        if good:
            return max(scale / self.factor, 1e-200) if first else scale
        return self.factor * scale


@dataclass(frozen=True)
class GradientNormalized:
    """Shift |g| / gamma; gamma doubles after a good step and halves after a bad one.

    Parameters
    ----------
    scale : float, default 1
        gamma to begin with.

    References
    ----------
    Semenov, Jaggi, Doikov, Gradient-normalized smoothness, ICLR 2026.
    """

    scale: float = 1.0
    eigen = False

    def __post_init__(self) -> None:
        _positive(self, "scale")

    def trial(self, curvature: Any, g: Any, norm: float, scale: float) -> Trial | None:
        """The step at this gamma, or None where the shifted Hessian is not positive definite."""
        return _shifted(curvature, g, norm / (scale + 1e-300))

    def good(self, curvature: Any, trial: Trial, ends: Ends) -> bool:
        """Progress of an eighth of |g(y)|^2 / lambda; by gradients where values differ by rounding only."""
        if ends.flat:
            return -ends.slope_after >= ends.norm_after**2 / max(4.0 * trial.shift, _LEAST)
        return ends.fx - ends.fy >= ends.norm_after**2 / max(8.0 * trial.shift, _LEAST)

    def after(self, scale: float, good: bool, first: bool) -> float:
        """gamma for the next trial."""
        return min(2.0 * scale, 1e200) if good else 0.5 * scale


@dataclass(frozen=True)
class GradientRegularized(_Adapted):
    """Shift sqrt(M |g|); M quadruples after a bad step and is quartered after a step that was good at once.

    Parameters
    ----------
    scale : float, default 1
        M to begin with.

    References
    ----------
    Doikov, Chayti, Jaggi, Second-order optimization with lazy Hessians, ICML 2023.
    """

    scale: float = 1.0
    factor = 4.0

    def trial(self, curvature: Any, g: Any, norm: float, scale: float) -> Trial | None:
        """The step at this M."""
        return _shifted(curvature, g, math.sqrt(scale * norm))

    def good(self, curvature: Any, trial: Trial, ends: Ends) -> bool:
        """The gradient at y agrees with the model."""
        return -ends.slope_after >= ends.norm_after**2 / max(4.0 * trial.shift, _LEAST)


@dataclass(frozen=True)
class Cubic(_Adapted):
    """The minimiser of the model with the term M |s|^3 / 6, also for an indefinite H.

    Parameters
    ----------
    scale : float, default 1
        M to begin with.

    References
    ----------
    Nesterov, Polyak, Cubic regularization of Newton method, Math. Program. 108 (2006), (2.4) and section 5.
    """

    scale: float = 1.0
    eigen = True

    def trial(self, curvature: Any, g: Any, norm: float, scale: float) -> Trial | None:
        """Solve |s(r)| = r with shift M r / 2 by bisection on the eigenvalues."""
        c, w = curvature.turn(g), curvature.w
        floor = max(0.0, -float(w.min()))
        low = 2.0 * floor / scale
        high = max(2.0 * low, math.sqrt(2.0 * norm / scale) + low) + 1e-300
        with np.errstate(all="ignore"):
            while not np.linalg.norm(c / (w + 0.5 * scale * high)) <= high:
                high *= 2.0
            for _ in range(100):
                middle = 0.5 * (low + high)
                if not low < middle < high:
                    break
                if np.linalg.norm(c / (w + 0.5 * scale * middle)) > middle:
                    low = middle
                else:
                    high = middle
        shift = 0.5 * scale * high
        d = -c / (w + shift)
        short = high**2 - float(d @ d)
        if floor > 0.0 and short > 1e-6 * high**2:  # g misses the most negative direction: go along it
            i = int(np.argmin(w))
            d[i] += math.copysign(math.sqrt(short), -c[i])
        model = float(c @ d + 0.5 * (w * d) @ d) + scale * float(np.linalg.norm(d) ** 3) / 6.0
        return Trial(curvature.back(d), shift, model)

    def good(self, curvature: Any, trial: Trial, ends: Ends) -> bool:
        """f falls at least as far as the model."""
        if ends.flat:
            return ends.norm_after**2 <= 4.0 * trial.shift * abs(ends.slope)
        return ends.fy <= ends.fx + trial.model


@dataclass(frozen=True)
class StepSized(_Adapted):
    """The Newton direction n = H^-1 g, shortened by 1 + theta with theta = sigma (g'n)^(beta/2), by back-tracking.

    Where H is near singular the direction means nothing; then the step is gradient-normalised instead.

    Parameters
    ----------
    scale : float, default 1
        sigma to begin with.
    beta : float, default 2/3
        In [2/3, 1]; 2/3 for Lipschitz third derivatives.

    References
    ----------
    Hanzely, Abdukhakimov, Takac, Damped Newton method with near-optimal global O(k^-3) rate (2024).
    """

    scale: float = 1.0
    beta: float = 2.0 / 3.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2.0 / 3.0 - 1e-12 <= self.beta <= 1.0:
            raise ValueError(f"beta={self.beta!r} was given; a number in [2/3, 1] is expected")

    def trial(self, curvature: Any, g: Any, norm: float, scale: float) -> Trial | None:
        """The shortened step, or the regularised one where it would be too short or too long."""
        n = curvature.solve(0.0, g)
        size = 0.0 if n is None else float(g @ n)
        if n is not None and 0.0 < size <= 1e8 * norm**2:
            theta = scale * math.sqrt(size) ** self.beta
            if theta <= 1e3:
                return Trial(-n / (1.0 + theta), 0.0, 2.0 * theta / (1.0 + theta), n)
        return _shifted(curvature, g, norm * scale)

    def good(self, curvature: Any, trial: Trial, ends: Ends) -> bool:
        """The paper's test; that of the regularised step where one was made."""
        if trial.n is None:
            return -ends.slope_after >= ends.norm_after**2 / max(4.0 * trial.shift, _LEAST)
        after = curvature.solve(0.0, ends.g)
        return after is not None and trial.model * float(ends.g @ trial.n) >= float(ends.g @ after)


@dataclass(frozen=True)
class Armijo:
    """The Newton step with eigenvalues made positive, halved until f falls enough: the baseline.

    References
    ----------
    Nocedal, Wright, Numerical Optimization, 2nd ed., (3.4) and section 3.4.
    """

    scale: float = 1.0
    eigen = True

    def trial(self, curvature: Any, g: Any, norm: float, scale: float) -> Trial | None:
        """The step of length ``scale``."""
        w = np.abs(curvature.w)
        w = np.maximum(w, 1e-8 * max(float(w.max()), 1e-300))
        return Trial(-min(scale, 1.0) * curvature.back(curvature.turn(g) / w), 0.0)

    def good(self, curvature: Any, trial: Trial, ends: Ends) -> bool:
        """f falls by 1e-4 of what the slope promises."""
        if ends.flat:
            return abs(ends.slope_after) <= 0.9 * abs(ends.slope)
        return ends.fy <= ends.fx + 1e-4 * ends.slope

    def after(self, scale: float, good: bool, first: bool) -> float:
        """The next length: one again after a good step."""
        return 1.0 if good else 0.5 * scale
