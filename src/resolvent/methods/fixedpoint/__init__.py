"""Methods for fixed points x = T(x) and for monotone inclusions; each is entered here and in the family's battery."""

from ...core.registry import register
from .anderson import Anderson
from .halpern import Halpern, RestartedHalpern
from .inner import Inner
from .krasnoselskii_mann import KrasnoselskiiMann
from .linearized import Linearized
from .memory import Differences
from .newton_krylov import NewtonKrylov
from .picard import Picard

__all__ = ["Anderson", "Halpern", "KrasnoselskiiMann", "Linearized", "NewtonKrylov", "Picard", "RestartedHalpern"]

register("method", (Anderson, Halpern, KrasnoselskiiMann, Linearized, NewtonKrylov, Picard, RestartedHalpern))
register("bound", (Differences, Inner))
