"""The learner that chooses the method."""

from .arm import Arm
from .select import Select

__all__ = ["Arm", "Select"]
