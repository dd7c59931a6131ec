"""Problem families: one frozen dataclass each."""

from .linear import LinearSystem, remembered

__all__ = ["LinearSystem", "remembered"]
