"""What is carried over: set-ups and their lifetime, spaces."""

from .carried import Carried
from .keep import Keep
from .lifetime import Lifetime
from .space import Recycle

__all__ = ["Carried", "Keep", "Lifetime", "Recycle"]
