"""What problems on vectors of any array library share: shape from the first guess, a scale at the reference, vetted calls.

A mix-in for families that are given as callables: it settles what x is, calls what the user gave with copies and looks at
what comes back, and says in one sentence what is wrong.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core import Measure, OperatorError, Status
from . import vectors
from .plain import Plain

__all__ = ["OnVectors"]


class OnVectors(Plain):
    """Callables on vectors; a family adds ``image`` (what the residual is the difference to) and ``measure``."""

    reference: Any
    norm: float = 2.0
    xp: Any
    n: int
    eps: float
    shape: tuple[int, ...]
    dtype: str
    trouble: str
    _like: Any
    _image: Any
    _last: Any
    certificate: Any

    def image(self, x: Any, part: str = "running") -> Any:
        """What x is compared with; counted."""
        raise TypeError(f"{type(self).__name__} has no image")

    def _settle(self, like: Any) -> None:
        """Shape, dtype and library are those of ``like``."""
        ready = self.__dict__
        ready["_like"], ready["xp"] = like, vectors.namespace(like)
        ready["shape"], ready["dtype"] = tuple(like.shape), vectors.dtype_name(like)
        ready["n"] = math.prod(self.shape)
        ready["eps"] = vectors.EPS[self.dtype]

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

    @property
    def default_rtol(self) -> float:
        """1e-6, and 1e-3 in single precision."""
        return 1e-3 if self.eps > 1e-10 else 1e-6

    @property
    def default_steps(self) -> int:
        """20,000 evaluations: plain iteration is slow."""
        return 20_000

    def features(self) -> Any:
        """The context, for ordering by similarity."""
        return np.zeros(1) if self.context is None else np.atleast_1d(np.asarray(self.context, dtype=float)).ravel()

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

    def size(self, v: Any) -> float:
        """The norm of v that the residual is measured in."""
        return vectors.length(v, self.norm)

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

    def proves(self, v: Any) -> bool:
        """Whether the problem's own certificate says that the displacement v proves that there is no fixed point."""
        return self.certificate is not None and bool(self._called(self.certificate, vectors.copied(v)))

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
