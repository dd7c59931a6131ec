"""Methods for fixed points x = T(x) and for monotone inclusions; each is entered here and in the family's battery."""

from ...core.registry import register
from .anderson import Anderson
from .halpern import Halpern, RestartedHalpern
from .krasnoselskii_mann import KrasnoselskiiMann
from .picard import Picard

__all__ = ["Anderson", "Halpern", "KrasnoselskiiMann", "Picard", "RestartedHalpern"]

register("method", (Anderson, Halpern, KrasnoselskiiMann, Picard, RestartedHalpern))
