"""Smooth functions: lazy Newton with its curvature carried, Newton afresh, and gradient descent."""

from ..learners.recycle import Carried
from ..learners.select import Arm
from ..methods.newton import OASIS, GradientDescent, LazyNewton, Newton

__all__ = ["arms"]

_LARGEST = 3000


def arms(kind: str) -> list[Arm]:
    """The pairs for ``smooth/n/dtype/offers``, the first one to begin with."""
    _, size, _, offers = kind.split("/")
    n = int(size)
    plain = Arm("gradientdescent", GradientDescent(), guessing=False, least_steps=20.0)
    if "hessian" not in offers or n > _LARGEST:
        return [plain, Arm("oasis", OASIS(), guessing=False, least_steps=20.0)] if "hvp" in offers else [plain]
    carried = [Carried(("curvature", "curvature.scale"))]
    return [
        Arm("lazynewton", LazyNewton(), carried, guessing=False, carries=True, least_steps=4.0),
        Arm("newton", Newton(), guessing=False, least_steps=4.0),
        plain,
    ]
