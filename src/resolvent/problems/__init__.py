"""Problem families: one frozen dataclass each."""

from .linear import LinearSystem
from .plain import recalled
from .transport import Transport

__all__ = [
    "LinearSystem",
    "Transport",
    "recalled",
]
