"""Coordinate and block methods; each is entered here and in the family's battery."""

from ...core.registry import register
from .blocks import BlockDescent
from .cyclic import ProximalCyclic, VRProximalCyclic
from .descent import CoordinateDescent
from .forest import ForestDescent
from .two_metric import TwoMetric

__all__ = ["BlockDescent", "CoordinateDescent", "ForestDescent", "ProximalCyclic", "TwoMetric", "VRProximalCyclic"]

register("method", (BlockDescent, CoordinateDescent, ForestDescent, ProximalCyclic, TwoMetric, VRProximalCyclic))
