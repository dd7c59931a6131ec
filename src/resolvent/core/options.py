"""What a Session may be given: options, methods and learners, each refused in one sentence."""

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from .result import Result
from .work import Cost

__all__ = ["better", "check_method", "check_options", "check_owners", "measured"]


def better(result: Result, earlier: Result | None) -> None:
    """A failed solve gives back the best x of its attempts."""
    if earlier is not None and not result.seen.get("residual", math.inf) <= earlier.seen.get("residual", math.inf):
        result.x = earlier.x
        for name in ("residual", "backward_error"):
            if name in earlier.seen:
                result.seen[name] = earlier.seen[name]


def check_options(
    rtol: float,
    atol: float,
    max_steps: int | None,
    max_seconds: float | None,
    on_fail: str,
    cost: str,
    seed: int | None = None,
) -> None:
    for name, value in (("rtol", rtol), ("atol", atol), ("max_seconds", 0.0 if max_seconds is None else max_seconds)):
        if isinstance(value, bool) or not isinstance(value, Real) or not 0 <= value < float("inf"):
            raise ValueError(f"{name}={value!r} was given; a finite number that is not negative is expected")
    for name, whole in (("max_steps", max_steps), ("seed", seed)):
        if whole is not None and (isinstance(whole, bool) or not isinstance(whole, Integral) or whole < 0):
            raise ValueError(f"{name}={whole!r} was given; a whole number that is not negative is expected")
    if on_fail not in ("warn", "raise", "ignore"):
        raise ValueError(f'on_fail={on_fail!r} was given; "warn", "raise" or "ignore" is expected')
    if cost not in ("model", "seconds"):
        raise ValueError(f'cost={cost!r} was given; "model" or "seconds" is expected')


def check_method(method: Any) -> None:
    if not (hasattr(method, "step") and hasattr(method, "init")) and not hasattr(method, "solve"):
        raise ValueError(f"{method!r} is not a method: it needs init, step and solution, or solve")


def check_owners(learners: Sequence[Any]) -> None:
    owned: dict[str, str] = {}
    for learner in learners:
        for name in learner.owns:
            if name in owned:
                raise ValueError(f"{type(learner).__name__} and {owned[name]} both own {name!r}; keep one of them")
            owned[name] = type(learner).__name__


def measured(cost: Cost, seconds: float, problem: Any) -> Cost:
    """The modelled parts stretched to the measured time."""
    factor = seconds / problem.product_seconds / max(cost.total, 1e-12)
    return Cost(cost.once * factor, cost.setup * factor, cost.running * factor)
