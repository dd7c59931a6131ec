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
from .tune.schedule import Schedule

__all__ = [
    "Bandit",
    "Carried",
    "Climb",
    "Guess",
    "Lifetime",
    "Path",
    "Potentials",
    "Recycle",
    "Schedule",
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
        Schedule,
        Warm,
    ),
)
