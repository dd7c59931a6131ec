"""Problem families: one frozen dataclass each."""

from .linear import LinearSystem
from .memory import remembered

__all__ = ["LinearSystem", "remembered"]
