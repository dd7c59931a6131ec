"""Problem families: one frozen dataclass each."""

from .completion import Completion
from .composite import Composite
from .fixed_point import FixedPoint
from .inclusion import Inclusion
from .least_squares import LinearLeastSquares
from .linear import LinearSystem
from .lowerings import douglas_rachford, forward_backward, proximal_point
from .plain import recalled
from .separation import Separation
from .smooth import Smooth
from .transport import Transport

__all__ = [
    "Completion",
    "Composite",
    "FixedPoint",
    "Inclusion",
    "LinearLeastSquares",
    "LinearSystem",
    "Separation",
    "Smooth",
    "Transport",
    "douglas_rachford",
    "forward_backward",
    "proximal_point",
    "recalled",
]
