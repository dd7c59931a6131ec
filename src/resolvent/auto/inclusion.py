"""Monotone inclusions: the methods that fit, each with a first guess on probation."""

from ..learners.guess import Warm
from ..learners.select import Arm
from ..methods.fixedpoint import AnchoredExtragradient, Extragradient, VRHalpern

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The methods for ``inclusion/shape.../dtype/offers``, the first one to begin with."""
    found = [
        Arm("extragradient", Extragradient(), [Warm()], least_steps=4.0),
        Arm("anchored", AnchoredExtragradient(), [Warm()], least_steps=20.0),
    ]
    if "terms" in kind.split("/")[-1].split("+"):
        found.append(Arm("vr-halpern", VRHalpern(), [Warm()], least_steps=20.0))
    return found
