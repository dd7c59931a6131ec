"""Fixed points: Anderson, Newton-Krylov, Halpern, and Newton's method where the problem gives its linearisation."""

from ..learners.guess import Warm
from ..learners.recycle import Carried
from ..learners.select import Arm
from ..methods.fixedpoint import Anderson, Halpern, Linearized, NewtonKrylov

__all__ = ["arms"]

_ENTRIES = 20_000_000  # of the differences that Anderson keeps


def arms(kind: str) -> list[Arm]:
    """The methods for ``fixedpoint/shape.../dtype/offers``, the first one to begin with."""
    _, *shape, _, offers = kind.split("/")
    n = 1
    for size in shape:
        n *= int(size)
    newton = "linearization" in offers.split("+")
    dear = 8.0 if newton else 1.0  # what needs no linearisation rarely wins against what has one
    found = [Arm("anderson", Anderson(depth=max(5, min(100, _ENTRIES // n))), [Warm()], least_steps=5.0 * dear)]
    if newton:
        found.insert(0, Arm("newton", Linearized(), [Warm(), Carried("inner")], least_steps=2.0))
    krylov = Arm("newton-krylov", NewtonKrylov(), [Warm(), Carried("inner")], least_steps=2.0 * dear)
    return [*found, krylov, Arm("halpern", Halpern(), [Warm()], least_steps=50.0 * dear)]
