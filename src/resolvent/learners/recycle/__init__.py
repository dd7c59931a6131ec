"""Learners that own a slot of what is carried."""

from .lifetime import Lifetime

__all__ = ["Lifetime"]
