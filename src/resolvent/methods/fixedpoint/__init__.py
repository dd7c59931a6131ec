"""Methods for fixed points x = T(x) and for monotone inclusions; each is entered here and in the family's battery."""

from ...core.registry import register
from .anderson import Anderson
from .displacement import Displacement
from .extragradient import AnchoredExtragradient, Extragradient
from .halpern import Halpern, RestartedHalpern
from .inner import Inner
from .krasnoselskii_mann import KrasnoselskiiMann
from .linearized import Linearized
from .memory import Differences
from .newton_krylov import NewtonKrylov
from .picard import Picard
from .vr_halpern import VRHalpern, VRHalpernMonotone

__all__ = [
    "AnchoredExtragradient",
    "Anderson",
    "Displacement",
    "Extragradient",
    "Halpern",
    "KrasnoselskiiMann",
    "Linearized",
    "NewtonKrylov",
    "Picard",
    "RestartedHalpern",
    "VRHalpern",
    "VRHalpernMonotone",
]

register("method", (Anderson, Displacement, Halpern, KrasnoselskiiMann, Linearized, NewtonKrylov, Picard))
register("method", (AnchoredExtragradient, Extragradient, RestartedHalpern, VRHalpern, VRHalpernMonotone))
register("bound", (Differences, Inner))
