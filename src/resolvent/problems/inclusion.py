"""Monotone inclusions 0 in F(x) + G(x): what is given, what it offers, how a candidate is measured.

    residual = || x - J(x - F(x)) ||,   J = (I + G)^-1,    scale = the same at the reference

measured by calling the whole operator and the resolvent again at x. F may be the mean of ``n_terms`` operators.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import vectors
from .on_vectors import OnVectors

__all__ = ["Inclusion"]


@dataclass(frozen=True, eq=False)
class Inclusion(OnVectors):
    """A zero of the sum of a monotone operator and one that is known by its resolvent.

    Parameters
    ----------
    operator : callable
        ``operator(x) -> F(x)``; for finite sums also ``operator(x, idx)``, the mean of the terms idx (an array of whole
        numbers below ``n_terms``, possibly repeated).
    resolvent : callable, optional
        ``resolvent(v, eta) -> (I + eta G)^-1 v``; a projection for a constraint. None: G is zero.
    n_terms : int, optional
        How many terms F is the mean of.
    lipschitz : float, optional
        Of F; for finite sums in the mean: ``E |F_i u - F_i v|^2 <= L^2 |u - v|^2``.
    reference : array, optional
        Where the scale is taken and where a solve without a guess begins; zeros like the first guess by default.
    certificate : callable, optional
        ``certificate(v) -> bool``: whether the displacement v proves that there is no solution.
    context : float or array, optional
        A cheap feature of the problem that a contextual learner may use.

    Raises
    ------
    TypeError
        When something that should be called cannot be.
    ValueError
        For a number of terms or a constant that is not positive.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> turn = np.array([[0.0, 1.0], [-1.0, 0.0]])  # monotone, and plain steps diverge
    >>> problem = rv.Inclusion(lambda x: turn @ (x - 1.0), lipschitz=1.0)
    >>> result = rv.solve(problem, "extragradient", x0=np.zeros(2), rtol=1e-8)
    >>> result.ok, result.x.round(6).tolist()
    (True, [1.0, 1.0])
    """

    operator: Callable[..., Any]
    resolvent: Callable[[Any, float], Any] | None = None
    n_terms: int | None = None
    lipschitz: float | None = None
    reference: Any = None
    certificate: Callable[[Any], bool] | None = None
    context: Any = None

    family = "inclusion"

    def __post_init__(self) -> None:
        for name in ("operator", "resolvent", "certificate"):
            given = getattr(self, name)
            if not callable(given) and (name == "operator" or given is not None):
                raise TypeError(f"{name} is a {type(given).__name__}; a callable is expected")
        if self.n_terms is not None and (type(self.n_terms) is not int or self.n_terms < 1):
            raise ValueError(f"n_terms={self.n_terms!r} was given; a whole number from 1 on is expected")
        if self.lipschitz is not None and not 0.0 < self.lipschitz < float("inf"):
            raise ValueError(f"lipschitz={self.lipschitz!r} was given; a positive number is expected")
        ready = self.__dict__
        ready["offers"] = frozenset({"operator"} | ({"terms"} if self.n_terms else set()))
        ready["_last"] = None
        self._prepare()

    def weights(self) -> Mapping[str, float]:
        """Units of one evaluation of the whole operator; a resolvent counts as a tenth."""
        return {"operators": 1.0, "terms": 1.0 / (self.n_terms or 1), "resolvents": 0.1, "passes": 0.01, "calls": 0.01}

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when a method asks for more, or is not one for inclusions."""
        if "operator" not in needs:
            return "it is not a method for inclusions; extragradient, anchoredextragradient, vrhalpern are"
        if "terms" in needs - self.offers:
            return "it needs a finite sum; pass n_terms= and an operator(x, idx)"
        return super().lacks(needs)

    def digest(self) -> dict[str, Any]:
        """What was measured, in words."""
        return {
            "kind": "natural residual x - J(x - F(x)), 2-norm",
            "strength": "the operator and the resolvent were called again at x",
        }

    # ---- evaluations ---------------------------------------------------------------------------------------------------

    def whole(self, x: Any, part: str = "running") -> Any:
        """F(x) as a new array, counted.

        Raises
        ------
        OperatorError
            With what the operator did.
        """
        self.work.add("operators", 1, part)
        return vectors.copied(self._vetted(self._called(self.operator, vectors.copied(x)), x, "operator"))

    def terms(self, x: Any, idx: Any) -> Any:
        """The mean of the terms ``idx`` at x, counted."""
        self.work.add("terms", len(idx))
        found = self._called(self.operator, vectors.copied(x), idx)
        return vectors.copied(self._vetted(found, x, "operator"))

    def resolved(self, v: Any, eta: float, part: str = "running") -> Any:
        """``(I + eta G)^-1 v`` as a new array, counted; v itself where G is zero."""
        if self.resolvent is None:
            return v
        self.work.add("resolvents", 1, part)
        return vectors.copied(self._vetted(self._called(self.resolvent, vectors.copied(v), eta), v, "resolvent"))

    def natural(self, x: Any, Fx: Any) -> Any:
        """x - J(x - F(x)), given F(x)."""
        return Fx if self.resolvent is None else x - self.resolved(x - Fx, 1.0)

    def image(self, x: Any, part: str = "running") -> Any:
        """J(x - F(x)) as a new array, counted."""
        y = self.resolved(x - self.whole(x, part), 1.0, part)
        self.__dict__["_last"] = (vectors.copied(x), vectors.copied(y))
        return y
