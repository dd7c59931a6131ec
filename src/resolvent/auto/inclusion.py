"""Monotone inclusions: the methods that fit, each with a first guess on probation.

The residual of anchored iterations falls like 1 / k: to the usual tolerances they take thousands of steps, so that they are
tried only where the one in use is as dear.
"""

from ..learners.guess import Warm
from ..learners.select import Arm
from ..methods.fixedpoint import AnchoredExtragradient, Extragradient, VRHalpern

__all__ = ["arms"]

_ANCHORED = 10_000.0


def arms(kind: str) -> list[Arm]:
    """The methods for ``inclusion/shape.../dtype/offers``, the first one to begin with."""
    found = [
        Arm("extragradient", Extragradient(), [Warm()], least_steps=4.0),
        Arm("anchored", AnchoredExtragradient(), [Warm()], least_steps=_ANCHORED),
    ]
    if "terms" in kind.split("/")[-1].split("+"):
        found.append(Arm("vr-halpern", VRHalpern(), [Warm()], least_steps=_ANCHORED))
    return found
