"""Coordinate and block methods."""

from ...core.registry import register
from .descent import CoordinateDescent

__all__ = ["CoordinateDescent"]

register("method", (CoordinateDescent,))
