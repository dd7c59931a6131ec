"""Training sets for neural operators: N systems drawn, solved by one learning Session, every sample certified.

    x_i = input of sample i (drawn from default_rng([seed, i])),   A(x_i) u = b(x_i),   y_i = u

A set is a run (`resolvent.runs`): it may be killed at any instant and resumed, the file is the same bytes. Beside the
solves it costs one pass over the inputs to order them by similarity and one to write them.
"""

from .dataset import check
from .making import NAMES, generate, sample

__all__ = ["NAMES", "check", "generate", "sample"]
