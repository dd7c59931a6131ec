"""The learner that chooses the method."""

from .select import Arm, Select

__all__ = ["Arm", "Select"]
