"""Newton's method, damped and lazy, and its relatives; the first-order methods that they are measured against."""

from .damping import Armijo, Cubic, GradientNormalized, GradientRegularized, StepSized
from .first_order import GradientDescent, HeavyBall
from .fosi import FOSI
from .newton import LazyNewton, Newton
from .oasis import OASIS
from .saddle_free import SaddleFreeNewton

__all__ = [
    "FOSI",
    "OASIS",
    "Armijo",
    "Cubic",
    "GradientDescent",
    "GradientNormalized",
    "GradientRegularized",
    "HeavyBall",
    "LazyNewton",
    "Newton",
    "SaddleFreeNewton",
    "StepSized",
]
