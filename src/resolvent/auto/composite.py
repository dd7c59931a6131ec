"""A loss plus a penalty: proximal coordinate descent, with what a regularisation path hands on."""

from ..learners.guess import Path
from ..learners.select import Arm
from ..methods.coordinate import CoordinateDescent, ProximalCyclic

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """One method fits all convex ones; its accelerators switch themselves by what they cost."""
    if "convex" not in kind.split("/")[-1].split("+"):
        return [Arm("cyclic descent", ProximalCyclic(), [Path()], guessing=False)]
    return [Arm("coordinate descent", CoordinateDescent(), [Path()], guessing=False)]
