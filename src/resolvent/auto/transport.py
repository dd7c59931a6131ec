"""Transport: Newton where reg is small, Sinkhorn's iteration where it is large; with a quadratic term the semi-dual.

Each has potentials kept by a learner of its own.
"""

from ..learners.guess import Potentials
from ..learners.recycle import Carried
from ..learners.select import Arm
from ..learners.tune.schedule import Schedule
from ..methods import Sinkhorn, SinkhornNewton, SparseTransport

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The methods for ``transport/n/m/dtype/...``, the first one to begin with."""
    if "quadratic" in kind:
        return [Arm("sparsetransport", SparseTransport(), [Potentials()], guessing=False)]
    newton = [Potentials(), Carried("shift"), Carried("pattern", ask=True), Schedule()]
    return [
        Arm("sinkhornnewton", SinkhornNewton(), newton, guessing=False),
        Arm("sinkhorn", Sinkhorn(), [Potentials()], guessing=False, least_steps=4.0),
    ]
