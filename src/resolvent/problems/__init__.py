"""Problem families: one frozen dataclass each."""

from .linear import LinearSystem

__all__ = ["LinearSystem"]
