"""The linear equation of a Newton step for x = T(x):   (I - T'(x)) s = T(x) - x.

An operator made of differences of the map is linear only up to their error, so it is not asked for A (2 s); its products
are counted by the fixed-point problem as the evaluations that they are.
"""

from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator

from .foreign import ArraySystem
from .linear import LinearSystem

__all__ = ["NewtonEquation", "newton_equation"]


class NewtonEquation(LinearSystem):
    """``(I - T'(x)) s = T(x) - x`` as a system with an operator.

    Parameters
    ----------
    problem : FixedPoint
    x, Tx : ndarray
        The iterate and its image.
    """

    def __init__(self, problem: Any, x: Any, Tx: Any) -> None:
        def product(v: Any) -> Any:
            v = np.reshape(v, x.shape)
            return np.ravel(v - problem.derivative(x, Tx, v))

        operator = LinearOperator((problem.n, problem.n), matvec=product, dtype=x.dtype)
        super().__init__(operator, np.ravel(Tx - x), symmetric=None)

    def _doubts(self, x: Any, y: Any) -> bool:
        """Differences are linear up to their error only: nothing is asked twice."""
        return False


class ArrayNewtonEquation(ArraySystem):
    """The same over another array library."""

    def __init__(self, problem: Any, x: Any, Tx: Any) -> None:
        xp = problem.xp

        def product(v: Any) -> Any:
            v = xp.reshape(v, x.shape)
            return xp.reshape(v - problem.derivative(x, Tx, v), (-1,))

        super().__init__(product, xp.reshape(Tx - x, (-1,)), symmetric=None)

    def _doubts(self, x: Any, y: Any) -> bool:
        """Differences are linear up to their error only: nothing is asked twice."""
        return False


def newton_equation(problem: Any, x: Any, Tx: Any) -> LinearSystem:
    """The equation in the library of x."""
    return (NewtonEquation if type(x) is np.ndarray else ArrayNewtonEquation)(problem, x, Tx)
