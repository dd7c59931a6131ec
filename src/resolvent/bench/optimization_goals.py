"""The figures of optimisation, one module of items for each family."""

from . import composite_goals

__all__ = ["ITEMS"]

ITEMS = {**composite_goals.ITEMS}
