"""What ``auto`` chooses among: for each family of problems the pairs of method and learners that fit.

This is the place where methods and learners meet; neither knows the other. One file per family.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from ..core.registry import HOOKS
from ..learners.guess import Guess
from ..learners.select import Arm, Select

__all__ = ["FAMILIES", "arms", "learner"]

#: The first word of ``problem.kind_of_arms()``, and the module of this package whose ``arms(kind)`` serves it.
FAMILIES: dict[str, str] = {
    "separation": "separation",
    "least_squares": "least_squares",
    "stored": "linear",
    "operator": "linear",
    "completion": "completion",
    "composite": "composite",
    "fixedpoint": "fixed_point",
    "inclusion": "inclusion",
    "smooth": "smooth",
    "transport": "transport",
}


def learner(seed: int | None = None) -> Select:
    """The learner behind ``method="auto"``; it draws nothing, so the seed is not used."""
    return Select(arms, Guess())


def arms(problem: Any) -> list[Arm]:
    """The pairs that fit a problem (or the kind that ``problem.kind_of_arms()`` names), the first one to begin with.

    Raises
    ------
    ValueError
        When the kind is of no family.
    """
    kind = problem if isinstance(problem, str) else problem.kind_of_arms()
    family = FAMILIES.get(kind.split("/")[0])
    if family is None:
        raise ValueError(f"auto knows no method for {kind!r}; name a method")
    build: Callable[[str], list[Arm]] = import_module(f".{family}", __name__).arms
    return build(kind)


HOOKS["auto"] = learner
