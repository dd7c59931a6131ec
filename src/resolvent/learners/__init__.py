"""Learners: they speak only between solves and know no method, only names of parameters and slots."""

from ..core.registry import register
from .guess import (
    Guess,
    Path,
    Potentials,
    Warm,
)
from .recycle import (
    Carried,
    Lifetime,
    Recycle,
)
from .tune import Bandit
from .tune.climb import Climb

__all__ = [
    "Bandit",
    "Carried",
    "Climb",
    "Guess",
    "Lifetime",
    "Path",
    "Potentials",
    "Recycle",
    "Warm",
]

register(
    "learner",
    (
        Bandit,
        Carried,
        Climb,
        Guess,
        Lifetime,
        Path,
        Potentials,
        Recycle,
        Warm,
    ),
)
