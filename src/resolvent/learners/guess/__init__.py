"""Learners that propose a first guess."""

from .fischer import Guess
from .path import Path
from .potentials import Potentials
from .warm import Warm

__all__ = [
    "Guess",
    "Path",
    "Potentials",
    "Warm",
]
