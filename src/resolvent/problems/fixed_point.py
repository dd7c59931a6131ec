"""Fixed points x = T(x): what is given, what it offers, how a candidate is measured.

    residual = || x - T(x) ||,    scale = || y - T(y) || at the reference y

measured by calling the map again at x. The scale belongs to the map and its reference (zeros by default) and never to
the first guess; the one evaluation that it takes is kept, and serves as the first one of a solve without a guess.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Measure, OperatorError, Status
from ..core.costs import product_seconds, weights
from . import vectors
from .plain import Plain

__all__ = ["FixedPoint"]

_NORMS = {2.0: "2-norm", math.inf: "maximum norm"}


@dataclass(frozen=True, eq=False)
class FixedPoint(Plain):
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
        ready["_image"], ready["_last"], ready["_like"], ready["trouble"] = None, None, None, ""
        self._prepare()
        if self.reference is not None:
            self._settle(vectors.check_vector(self.reference, "reference"))

    def _settle(self, like: Any) -> None:
        """Shape, dtype and library are those of ``like``."""
        ready = self.__dict__
        ready["_like"], ready["xp"] = like, vectors.namespace(like)
        ready["shape"], ready["dtype"] = tuple(like.shape), vectors.dtype_name(like)
        ready["n"] = math.prod(self.shape)
        ready["eps"] = vectors.EPS[self.dtype]

    # ---- what the Session asks ---------------------------------------------------------------------------------------

    def receive(self, x0: Any) -> None:
        """Look at the first guess before anything else: shape and dtype come from it where no reference is given.

        Raises
        ------
        ValueError, TypeError
            When neither says what x is, or when they differ.
        """
        if x0 is None:
            if self._like is None:
                raise ValueError(
                    "neither x0 nor reference was given; pass one, so that the shape and dtype of x are known"
                )
            return
        x0 = vectors.check_vector(x0, "x0")
        if self._like is None:
            self._settle(x0)
        if tuple(x0.shape) != self.shape:
            raise ValueError(f"x0 has shape {tuple(x0.shape)}; {self.shape} is expected, as of the reference")
        if vectors.dtype_name(x0) != self.dtype or vectors.namespace(x0) is not self.xp:
            here, there = (f"{vectors.dtype_name(x)} of {type(x).__module__.split('.')[0]}" for x in (x0, self._like))
            raise TypeError(f"x0 is {here} and the reference is {there}; pass both alike")

    def shape_key(self) -> list[int | float | str]:
        """Sizes and dtype."""
        return [*self.shape, self.dtype]

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when the guess or the map at the reference is not finite; evaluates the map there.

        Raises
        ------
        OperatorError
            When the map raises, or returns something of another kind.
        """
        if x0 is not None and not vectors.finite(x0):
            return "x0 contains NaN or inf"
        if self.reference is not None and not vectors.finite(self.reference):
            return "reference contains NaN or inf"
        if not math.isfinite(self.scale) and not self.trouble:
            return "the map is not finite at the reference (zeros by default); pass reference=, a point where it is"
        if self.trouble:
            raise OperatorError(self.trouble)
        return None

    def enter(self, x0: Any) -> Any:
        """A copy of the user's first guess."""
        return vectors.copied(vectors.check_vector(x0, "x0"))

    def zero(self) -> Any:
        """The reference: where a solve without a guess begins."""
        return vectors.copied(self.reference) if self.reference is not None else self.xp.zeros_like(self._like)

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

    @property
    def default_rtol(self) -> float:
        """1e-6, and 1e-3 in single precision."""
        return 1e-3 if self.eps > 1e-10 else 1e-6

    @property
    def default_steps(self) -> int:
        """20,000 evaluations: plain iteration is slow."""
        return 20_000

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when a method asks for more, or is not one for fixed points."""
        if not needs & {"map", "linearization"}:
            return "it is not a method for fixed points; anderson, picard, halpern are"
        return super().lacks(needs)

    def features(self) -> Any:
        """The context, for ordering by similarity."""
        return np.zeros(1) if self.context is None else np.atleast_1d(np.asarray(self.context, dtype=float)).ravel()

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

    def proves(self, v: Any) -> bool:
        """Whether the problem's own certificate says that the displacement v proves that there is no fixed point."""
        return self.certificate is not None and bool(self._called(self.certificate, vectors.copied(v)))

    def _called(self, call: Any, *args: Any) -> Any:
        try:
            with np.errstate(all="ignore"):  # what is not finite is found in the residual
                return call(*args)
        except (KeyboardInterrupt, MemoryError, OperatorError):
            raise
        except Exception as error:
            raise OperatorError(f"the map raised {type(error).__name__}: {error}") from error

    def _vetted(self, y: Any, x: Any, who: str) -> Any:
        """What a callable returned, when it is an array like x."""
        if isinstance(y, np.generic):
            y = np.asarray(y)
        if not hasattr(y, "shape") or tuple(y.shape) != self.shape:
            what = f"an array of shape {tuple(y.shape)}" if hasattr(y, "shape") else f"a {type(y).__name__}"
            raise OperatorError(
                f"the {who} returned {what} for an x of shape {self.shape}; an array like x is expected"
            )
        if vectors.dtype_name(y) != self.dtype:
            raise OperatorError(
                f"the {who} returned dtype {vectors.dtype_name(y)} for an x of {self.dtype}; "
                f"let it return x's own dtype, or pass x0 as {vectors.dtype_name(y)}"
            )
        return y

    def start(self, x0: Any, carry: Mapping[str, Any]) -> tuple[Any, Any, float]:
        """First iterate, its image and its residual; the slot ``residual`` belongs to x0 alone and saves the evaluation."""
        if x0 is None:
            x, Tx = self.zero(), vectors.copied(self._at_reference())
        else:
            x, r = vectors.copied(x0), carry.get("residual")
            Tx = self.image(x) if r is None else x - r
        with np.errstate(all="ignore"):
            size = self.size(x - Tx)
        if x0 is not None and not math.isfinite(size):  # a guess that leaves the map's domain is none
            return self.start(None, {})
        return x, Tx, size

    def size(self, v: Any) -> float:
        """The norm of v that the residual is measured in."""
        return vectors.length(v, self.norm)

    # ---- how a candidate is measured -----------------------------------------------------------------------------------

    def _at_reference(self) -> Any:
        """The map at the reference, called once."""
        if self._image is None and not self.trouble:
            try:
                self.__dict__["_image"] = self.image(self.zero(), "once")
            except OperatorError as error:
                self.__dict__["trouble"] = str(error)
        if self.trouble:
            raise OperatorError(self.trouble)
        return self._image

    @property
    def scale(self) -> float:
        """The residual at the reference; NaN when the map cannot be called there."""
        known = self.__dict__.get("_scale")
        if known is None:
            try:
                with np.errstate(all="ignore"):
                    known = self.size(self.zero() - self._at_reference())
            except OperatorError:
                known = math.nan
            self.__dict__["_scale"] = known
        return known

    def measure(self, x: Any) -> Measure:
        """The residual of x: the map is called again.

        Parameters
        ----------
        x : array
            Of the problem's shape and dtype.

        Returns
        -------
        Measure
            ``residual`` and its ``vector``; ``noisy`` when two calls at this very x differ beyond rounding.
        """
        before = self._last
        Tx = self.image(x)
        with np.errstate(all="ignore"):
            r = x - Tx
            noisy = False
            if before is not None and bool(self.xp.all(before[0] == x)):
                slack = 64 * self.eps * (vectors.length(x) + vectors.length(Tx))
                noisy = vectors.length(Tx - before[1]) > slack
        return Measure(self.size(r), r, noisy)

    def floor(self, x: Any) -> float:
        """eps (|x| + |T(x)|): what the difference of the two can be known to."""
        return self.eps * 2.0 * self.size(x)

    def attainable_hint(self, floor: float) -> str:
        """What to tell a user who asks for more than the dtype can give."""
        rtol = max(4 * floor / self.scale if self.scale > 0 else 0.0, self.eps)
        other = "" if self.eps < 1e-10 else " or pass float64"
        return f"no {self.dtype} vector does better; ask rtol >= {rtol:.1g}{other}"

    def explain(
        self, status: Status, x: Any, best: Measure | None, why: str, seen: dict[str, Any]
    ) -> tuple[Status, str]:
        """A closer look at a failure: a scale of zero asks for an exact fixed point."""
        if self.scale == 0.0 and status in (Status.BUDGET, Status.CHANGE, Status.STAGNATED):
            return (
                status,
                "the reference is itself a fixed point, so that rtol asks for zero; give atol, or another reference",
            )
        return status, why
