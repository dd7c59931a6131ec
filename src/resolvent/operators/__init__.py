"""Preconditioners: frozen recipes, and what their set-up gives for one matrix."""

from .amg import AMG, AMGBound
from .base import Bound, Stored
from .factor import DenseFactorBound, FactorBound
from .ic import IC, ICBound

__all__ = ["AMG", "IC", "AMGBound", "Bound", "DenseFactorBound", "FactorBound", "ICBound", "Stored"]
