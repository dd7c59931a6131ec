"""Entropic transport: Newton where reg is small, Sinkhorn's iteration where it is large, each with kept potentials."""

from ..learners.guess import Potentials
from ..learners.select import Arm
from ..methods import Sinkhorn, SinkhornNewton

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The methods for ``transport/n/m/dtype/...``, the first one to begin with."""
    return [
        Arm("sinkhornnewton", SinkhornNewton(), [Potentials()], guessing=False),
        Arm("sinkhorn", Sinkhorn(), [Potentials()], guessing=False, least_steps=4.0),
    ]
