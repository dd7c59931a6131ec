"""A loss plus a penalty: proximal coordinate descent, with what a regularisation path hands on."""

from ..learners.guess import Path
from ..learners.select import Arm
from ..methods.coordinate import CoordinateDescent

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """One method fits them all; its accelerators switch themselves by what they cost."""
    return [Arm("coordinate descent", CoordinateDescent(), [Path()], guessing=False)]
