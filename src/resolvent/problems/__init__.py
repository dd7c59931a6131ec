"""Problem families: one frozen dataclass each."""

from .linear import LinearSystem
from .plain import recalled

__all__ = ["LinearSystem", "recalled"]
