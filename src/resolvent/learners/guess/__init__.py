"""Learners that propose a first guess."""

from .fischer import Guess
from .potentials import Potentials

__all__ = ["Guess", "Potentials"]
