"""Problem families: one frozen dataclass each."""

from .composite import Composite
from .fixed_point import FixedPoint
from .least_squares import LinearLeastSquares
from .linear import LinearSystem
from .plain import recalled
from .smooth import Smooth
from .transport import Transport

__all__ = [
    "Composite",
    "FixedPoint",
    "LinearLeastSquares",
    "LinearSystem",
    "Smooth",
    "Transport",
    "recalled",
]
