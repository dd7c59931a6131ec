"""Learners: they speak only between solves and know no method, only names of parameters and slots."""

from ..core.registry import register
from .guess import (
    Guess,
    Path,
    Potentials,
)
from .recycle import Lifetime, Recycle

try:
    from .tune import Bandit
except ImportError:
    Bandit = Climb_ = type("Bandit", (), {})
from .tune.climb import Climb

__all__ = [
    "Bandit",
    "Climb",
    "Guess",
    "Lifetime",
    "Path",
    "Potentials",
    "Recycle",
]

register(
    "learner",
    (
        Bandit,
        Climb,
        Guess,
        Lifetime,
        Path,
        Potentials,
        Recycle,
    ),
)
