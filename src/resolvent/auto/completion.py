"""Matrix completion: alternating minimisation, its factors carried over; rows solved exactly where that costs less."""

from ..learners.guess import Warm
from ..learners.recycle import Carried
from ..learners.select import Arm
from ..methods import AlternatingMinimization
from ..methods.lowrank.kept import SLOTS

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The methods for ``completion/m/n/k/...``."""
    method = AlternatingMinimization()
    found = [Arm("alternatingminimization", method, [Warm(), Carried(SLOTS)], guessing=False)]
    if int(kind.split("/")[3]) > 16:
        exact = AlternatingMinimization(rows="exact")
        found.append(Arm("alternatingminimization, exact rows", exact, [Warm()], guessing=False))
    return found
