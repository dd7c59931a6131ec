"""A preconditioner that was given as a function or an operator: z = f(r), or z = M r for what has ``matvec``.

No set-up, one call an application; its answers are vetted (shape, dtype). An operator is taken to be linear, a function
is not, so methods that need one and the same map at each step take operators only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

__all__ = ["Given", "recipe_of"]


@dataclass(frozen=True)
class Given:
    """A map as a preconditioner.

    Parameters
    ----------
    map : callable or LinearOperator
        ``f(r) -> z`` of r's shape and dtype, or an operator that has ``matvec``.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.operators.given import Given
    >>> Given(lambda r: r / 2).bind(None, {}).apply(np.ones(2)).tolist()
    [0.5, 0.5]
    """

    map: Any

    @property
    def linear(self) -> bool:
        """Whether it may be taken for one linear map."""
        return hasattr(self.map, "matvec")

    def bind(self, problem: Any, carry: Mapping[str, Any]) -> "GivenBound":
        """Nothing to set up."""
        return GivenBound(self.map)


class GivenBound:
    """The map; it belongs to no matrix, and is not carried."""

    counts: ClassVar[dict[str, float]] = {}

    def __init__(self, map: Any) -> None:
        self.map = map
        self.call = map.matvec if hasattr(map, "matvec") else map

    def apply(self, r: Any) -> Any:
        """z = f(r)."""
        return self.call(r)

    def apply_transposed(self, r: Any) -> Any:
        """M^T r of an operator, conj(M^H conj(r)).

        Raises
        ------
        TypeError
            For a function, whose transpose nobody knows.
        """
        if not hasattr(self.map, "rmatvec"):
            raise TypeError("the transpose of the preconditioner is needed; give an operator with rmatvec")
        return self.map.rmatvec(r.conj()).conj()


def recipe_of(inner: Any, flexible: bool = False) -> Any:
    """What was given as ``preconditioner``: a recipe as it is, an operator or (if ``flexible``) a function as a ``Given``.

    Raises
    ------
    ValueError
        For anything else, in a sentence.
    """
    if inner is None or hasattr(inner, "bind"):
        return inner
    if hasattr(inner, "matvec") or (flexible and callable(inner) and not isinstance(inner, type)):
        return Given(inner)
    if callable(inner) and not isinstance(inner, type):
        raise ValueError(
            "a function was given as preconditioner, and it may be another map at each step: use FlexibleCG, CG or "
            "FGMRES, or wrap it in a LinearOperator if it is linear"
        )
    raise ValueError(
        f"{inner!r} is not a preconditioner: rv.SSOR(), rv.Jacobi(), rv.IC(), rv.Direct(), rv.AMG() and operators are"
    )
