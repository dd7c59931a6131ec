"""``MatrixCompletion``, which needs scikit-learn, under a short name."""

from .sklearn.completion import MatrixCompletion

__all__ = ["MatrixCompletion"]
