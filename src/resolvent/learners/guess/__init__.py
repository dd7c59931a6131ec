"""Learners that propose a first guess."""

from .fischer import Guess

__all__ = ["Guess"]
