"""Fixed points: the routes that fit, each with its learners."""

from ..learners.select import Arm
from ..methods.fixedpoint import Anderson, Halpern

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The methods for ``fixedpoint/shape.../dtype/offers``, the first one to begin with."""
    return [Arm("anderson", Anderson()), Arm("halpern", Halpern())]
