"""Fixed points x = T(x): what is given, what it offers, how a candidate is measured.

    residual = || x - T(x) ||,    scale = || y - T(y) || at the reference y

measured by calling the map again at x. The scale belongs to the map and its reference (zeros by default) and never to
the first guess; the one evaluation that it takes is kept, and serves as the first one of a solve without a guess.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..core import OperatorError
from ..core.costs import product_seconds, weights
from . import vectors
from .on_vectors import OnVectors

__all__ = ["FixedPoint"]

_NORMS = {2.0: "2-norm", math.inf: "maximum norm"}


@dataclass(frozen=True, eq=False)
class FixedPoint(OnVectors):
    """A point that a map leaves where it is.

    Parameters
    ----------
    map : callable
        ``map(x) -> array`` of x's shape, dtype and library (NumPy, torch, CuPy, ...). It is given a copy of x.
    reference : array, optional
        Where the scale of the tolerance is taken, and where a solve without a guess begins; zeros like the first guess
        by default.
    norm : {2, inf}
        Of the residual: 2-norm, or the largest modulus.
    jvp : callable, optional
        ``jvp(x, v) -> T'(x) v``; differences of the map are used without.
    linearization : callable, optional
        ``linearization(x) -> (A, b)`` with ``A y = b`` the fixed point of the map linearised at x:
        ``A = I - T'(x)`` (sparse or dense), ``b = T(x) - T'(x) x``. For a Markov decision process this is the
        evaluation of the greedy policy.
    certificate : callable, optional
        ``certificate(v) -> bool``: whether the displacement v proves that there is no fixed point. Without it no solve
        ends INFEASIBLE.
    nonzeros : int, optional
        Multiply-adds of one evaluation, where they are known: prices vector passes and linear solves beside it.
    context : float or array, optional
        A cheap feature of the problem that a contextual learner may use.

    Raises
    ------
    TypeError
        When ``map`` is not callable, or the reference no array of floats.
    ValueError
        For another norm, or a reference that is empty or not finite.

    Notes
    -----
    ``scale`` is the residual at the reference. Where the reference is itself a fixed point the scale is zero: then give
    ``atol``, or another reference.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> result = rv.solve(rv.FixedPoint(np.cos), "anderson", x0=np.array([1.0]), rtol=1e-10)
    >>> result.ok, round(float(result.x[0]), 8)
    (True, 0.73908513)
    """

    map: Callable[[Any], Any]
    reference: Any = None
    norm: float = 2.0
    jvp: Callable[[Any, Any], Any] | None = None
    linearization: Callable[[Any], Any] | None = None
    certificate: Callable[[Any], bool] | None = None
    nonzeros: int | None = None
    context: Any = None

    family = "fixedpoint"

    def __post_init__(self) -> None:
        for name in ("map", "jvp", "linearization", "certificate"):
            given = getattr(self, name)
            if not callable(given) and (name == "map" or given is not None):
                raise TypeError(f"{name} is a {type(given).__name__}; a callable is expected")
        if self.norm not in _NORMS:
            raise ValueError(f"norm={self.norm!r} was given; 2 or inf is expected")
        if self.nonzeros is not None and not self.nonzeros > 0:
            raise ValueError(f"nonzeros={self.nonzeros!r} was given; a positive number is expected")
        ready = self.__dict__
        given = ("jvp", "linearization", "certificate")
        ready["offers"] = frozenset({"map"} | {name for name in given if getattr(self, name) is not None})
        ready["_last"] = None
        self._prepare()

    # ---- what the Session asks ---------------------------------------------------------------------------------------

    def weights(self) -> Mapping[str, float]:
        """Units of one evaluation: products with the derivative and linearisations count as one each."""
        known = self.__dict__.get("_weights")
        if known is None:
            known = {"maps": 1.0, "products": 1.0, "linearizations": 1.0, "inner": 1.0}
            if self.nonzeros is None:
                known |= {"passes": 0.01, "calls": 0.01}
            else:
                table = weights(self.n, int(self.nonzeros))
                known |= {"passes": table["passes"], "calls": table["calls"]}
            self.__dict__["_weights"] = known
        return known

    @property
    def product_seconds(self) -> float:
        """Modelled seconds of one evaluation; a map of which nothing is known counts as a hundred passes."""
        return product_seconds(self.n, 30 * self.n if self.nonzeros is None else int(self.nonzeros))

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when a method asks for more, or is not one for fixed points."""
        if not needs & {"map", "linearization"}:
            return "it is not a method for fixed points; anderson, picard, halpern are"
        return super().lacks(needs)

    def digest(self) -> dict[str, Any]:
        """What was measured, in words."""
        return {
            "kind": f"residual of x = T(x), {_NORMS[self.norm]}",
            "strength": "the map was called again at x",
        }

    # ---- evaluations ---------------------------------------------------------------------------------------------------

    def image(self, x: Any, part: str = "running") -> Any:
        """T(x) as a new array, counted.

        Raises
        ------
        OperatorError
            With what the map did.
        """
        self.work.add("maps", 1, part)
        y = self._vetted(self._called(self.map, vectors.copied(x)), x, "map")
        y = vectors.copied(y)
        self.__dict__["_last"] = (vectors.copied(x), vectors.copied(y))
        return y

    def derivative(self, x: Any, Tx: Any, v: Any) -> Any:
        """T'(x) v, by ``jvp`` or by a difference of the map at a step of sqrt(eps) (1 + |x|) / |v|; counted."""
        if self.jvp is not None:
            self.work.add("products")
            return vectors.copied(self._vetted(self._called(self.jvp, vectors.copied(x), vectors.copied(v)), x, "jvp"))
        size = vectors.length(v)
        if not size > 0.0:
            return self.xp.zeros_like(x)
        step = math.sqrt(self.eps) * (1.0 + vectors.length(x)) / size
        return (self.image(x + step * v) - Tx) / step

    def linearize(self, x: Any) -> tuple[Any, Any]:
        """(A, b) of the map linearised at x, counted."""
        self.work.add("linearizations")
        found = self._called(self.linearization, vectors.copied(x))
        if not isinstance(found, tuple) or len(found) != 2 or tuple(found[0].shape) != (self.n, self.n):
            raise OperatorError(f"linearization must return (A, b) with A of shape ({self.n}, {self.n})")
        return found
