"""What is carried over: set-ups and their lifetime, spaces."""

from .carried import Carried
from .lifetime import Lifetime
from .space import Recycle

__all__ = ["Carried", "Lifetime", "Recycle"]
