"""Matrix completion: alternating minimisation, its factors carried over; rows solved exactly where that costs less."""

from ..learners.guess import Warm
from ..learners.select import Arm
from ..methods import AlternatingMinimization

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The methods for ``completion/m/n/k/...``."""
    method = AlternatingMinimization()
    found = [Arm("alternatingminimization", method, [Warm()], guessing=False)]
    if int(kind.split("/")[3]) > 16:
        exact = AlternatingMinimization(rows="exact")
        found.append(Arm("alternatingminimization, exact rows", exact, [Warm()], guessing=False))
    return found
