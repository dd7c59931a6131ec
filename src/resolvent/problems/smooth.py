"""Smooth functions min f(x): what is given, what it offers, how a candidate is measured.

    residual = || grad f(x) ||_2,    scale = || grad f(y) ||_2 at the reference y

measured by calling the gradient again at x. It certifies a stationary point; of a convex f that is a minimiser. The
scale belongs to f and its reference (zeros by default), never to the first guess.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Measure, OperatorError
from . import vectors
from .referenced import Referenced, called

__all__ = ["Smooth"]


@dataclass(frozen=True, eq=False)
class Smooth(Referenced):
    """The minimisation of a differentiable function of a vector.

    Parameters
    ----------
    value : callable
        ``value(x) -> float``.
    gradient : callable
        ``gradient(x) -> array`` of x's shape and dtype.
    hessian : callable, optional
        ``hessian(x) -> array`` of shape (n, n), symmetric, or (n,) when it is diagonal. Any approximation will do
        (Gauss-Newton, Fisher): it changes the number of steps, not the answer.
    hvp : callable, optional
        ``hvp(x, v) -> array``: the Hessian times v; differences of the gradient are used without.
    reference : array of shape (n,), optional
        Where the scale of the tolerance is taken and where a solve without a guess begins; zeros like the first guess
        by default.
    flops : float, optional
        Of one gradient, where known: what factorizations are weighed against; 10 n^2 by default.
    hessian_cost : float, optional
        Of one Hessian, in gradients; n / 4 by default (what matrix products make of n Hessian-vector products).
    context : float or array, optional
        A cheap feature of the problem.

    Raises
    ------
    TypeError
        For what is not callable, or a reference that is no float64 or float32 vector.
    ValueError
        For a reference that is empty, or costs that are not positive.

    Notes
    -----
    ``seen`` has ``value``, f at x.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> problem = rv.Smooth(lambda x: np.sum(np.cosh(x - 1)), lambda x: np.sinh(x - 1), lambda x: np.cosh(x - 1))
    >>> result = rv.solve(problem, "newton", x0=np.zeros(3), rtol=1e-10)
    >>> result.ok, result.x.tolist()
    (True, [1.0, 1.0, 1.0])
    """

    value: Callable[[Any], float]
    gradient: Callable[[Any], Any]
    hessian: Callable[[Any], Any] | None = None
    hvp: Callable[[Any, Any], Any] | None = None
    reference: Any = None
    flops: float | None = None
    hessian_cost: float | None = None
    context: Any = None

    family = "smooth"
    subject = "gradient"
    solved = "stationary"

    def __post_init__(self) -> None:
        for name in ("value", "gradient", "hessian", "hvp"):
            given = getattr(self, name)
            if not callable(given) and (name in ("value", "gradient") or given is not None):
                raise TypeError(f"{name} is a {type(given).__name__}; a callable is expected")
        for name in ("flops", "hessian_cost"):
            given = getattr(self, name)
            if given is not None and not 0 < given < math.inf:
                raise ValueError(f"{name}={given!r} was given; a positive number is expected")
        ready = self.__dict__
        ready["offers"] = frozenset(
            {"value", "gradient", "products"} | {k for k in ("hessian", "hvp") if getattr(self, k) is not None}
        )
        self._prepare()

    # ---- what the Session asks ---------------------------------------------------------------------------------------

    def _vector(self, x: Any, name: str) -> Any:
        x = vectors.check_vector(x, name)
        if not isinstance(x, np.ndarray) or x.ndim != 1 or x.dtype.kind != "f":
            what = f"{type(x).__name__} of shape {tuple(x.shape)}, dtype {vectors.dtype_name(x)}"
            raise TypeError(f"{name} is a {what}; a real NumPy vector is expected")
        return x

    def _agrees(self, x0: Any) -> None:
        if len(x0) != self.n or vectors.dtype_name(x0) != self.dtype:
            raise ValueError(
                f"x0 is a {vectors.dtype_name(x0)} vector of {len(x0)}; "
                f"{self.dtype} and {self.n} are expected, as of the reference"
            )

    def weights(self) -> Mapping[str, float]:
        """Units of one gradient; a value counts half, a product with the Hessian two."""
        known = self.__dict__.get("_weights")
        if known is None:
            flops = 10.0 * self.n**2 if self.flops is None else float(self.flops)
            each = 0.25 * self.n if self.hessian_cost is None else float(self.hessian_cost)
            known = {"gradients": 1.0, "values": 0.5, "hvps": 2.0, "hessians": each, "factor_flops": 0.3 / flops}
            known |= {"solves": 1.2 * self.n**2 / flops, "passes": self.n / flops, "calls": 0.0}
            self.__dict__["_weights"] = known
        return known

    @property
    def product_seconds(self) -> float:
        """Modelled seconds of one gradient, at a gigaflop a second."""
        return 1e-9 * (10.0 * self.n**2 if self.flops is None else float(self.flops))

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when a method asks for more, or is not one for smooth functions."""
        if "gradient" not in needs:
            return "it is not a method for smooth functions; newton, lazynewton, gradientdescent are"
        return super().lacks(needs)

    def digest(self) -> dict[str, Any]:
        """What was measured, in words."""
        return {
            "kind": "gradient of f, 2-norm",
            "strength": "the gradient was called again at x; it vanishes at stationary points, of a convex f at minimisers",
        }

    # ---- evaluations -------------------------------------------------------------------------------------------------

    def _called(self, who: str, call: Any, *args: Any) -> Any:
        return called(who, call, *(np.array(a) for a in args))

    def value_at(self, x: Any) -> float:
        """f(x), counted."""
        self.work.add("values")
        found = self._called("value", self.value, x)
        if np.ndim(found) != 0:
            raise OperatorError(f"value returned an array of shape {np.shape(found)}; one number is expected")
        return float(found)

    def gradient_at(self, x: Any, part: str = "running") -> Any:
        """The gradient at x, counted."""
        self.work.add("gradients", 1, part)
        return self._vetted(self._called("gradient", self.gradient, x), "gradient")

    def hessian_at(self, x: Any) -> Any:
        """The Hessian at x, counted: (n, n), or (n,) when diagonal."""
        self.work.add("hessians")
        found = self._called("hessian", self.hessian, x)
        shape = np.shape(found)
        if shape not in ((self.n, self.n), (self.n,)) or np.asarray(found).dtype.kind != "f":
            raise OperatorError(
                f"hessian returned shape {shape}; floats of shape ({self.n}, {self.n}) or ({self.n},) are expected"
            )
        return np.asarray(found, dtype=np.float64)

    def hessian_times(self, x: Any, g: Any, v: Any) -> Any:
        """The Hessian at x times v, by ``hvp`` or a difference of gradients (``g`` is that at x); counted."""
        v = np.asarray(v, dtype=self.dtype)
        if self.hvp is not None:
            self.work.add("hvps")
            return self._vetted(self._called("hvp", self.hvp, x, v), "hvp")
        size = float(np.linalg.norm(v))
        if not size > 0.0:
            return np.zeros_like(x)
        step = math.sqrt(self.eps) * (1.0 + float(np.linalg.norm(x))) / size
        return (self.gradient_at(x + step * v) - g) / step

    def _vetted(self, y: Any, who: str) -> Any:
        if np.shape(y) != (self.n,) or np.asarray(y).dtype != self.dtype:
            given = f"shape {np.shape(y)}, dtype {np.asarray(y).dtype}"
            raise OperatorError(
                f"{who} returned {given} for a {self.dtype} vector of {self.n}; an array like x is expected"
            )
        return np.array(y)

    def start(self, x0: Any, carry: Mapping[str, Any]) -> tuple[Any, Any]:
        """First iterate and its gradient; the slot ``residual`` holds the gradient of x0 and saves the evaluation."""
        if x0 is None:
            return self.zero(), np.array(self._at_reference())
        x, g = np.array(x0), carry.get("residual")
        g = self.gradient_at(x) if g is None else np.array(g)
        if not np.all(np.isfinite(g)):  # a guess outside f's domain is none
            return self.start(None, {})
        return x, g

    # ---- how a candidate is measured ---------------------------------------------------------------------------------

    def _evaluated(self, x: Any, part: str) -> Any:
        return self.gradient_at(x, part)

    def _residual_there(self) -> float:
        return vectors.length(self._at_reference())

    def measure(self, x: Any) -> Measure:
        """The gradient's norm at x; ``seen`` has ``value``.

        Parameters
        ----------
        x : ndarray, shape (n,)

        Returns
        -------
        Measure
        """
        g = self.gradient_at(x)
        return Measure(vectors.length(g), g, False, {"value": self.value_at(x)})
