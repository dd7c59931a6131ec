"""Separating two classes: normalised logistic regression."""

from ..learners.select import Arm
from ..methods.separation import NormalizedLogistic

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """One method."""
    return [Arm("normalized logistic", NormalizedLogistic(), guessing=False)]
