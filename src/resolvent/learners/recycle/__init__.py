"""What is carried over: set-ups and their lifetime, spaces."""

from .lifetime import Lifetime
from .space import Recycle

__all__ = ["Lifetime", "Recycle"]
