"""What fixed points and inclusions share: the residual x - T(x) of a map on vectors of any array library, vetted calls.

A mix-in: it calls what the user gave with copies, looks at what comes back, and says in one sentence what is wrong.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core import Measure, OperatorError
from . import vectors
from .referenced import Referenced, called

__all__ = ["OnVectors"]


class OnVectors(Referenced):
    """Callables on vectors; a family adds ``image`` (what the residual is the difference to) and ``measure``."""

    norm: float = 2.0
    _last: Any
    certificate: Any

    def image(self, x: Any, part: str = "running") -> Any:
        """What x is compared with; counted."""
        raise TypeError(f"{type(self).__name__} has no image")

    def _called(self, call: Any, *args: Any) -> Any:
        return called("the map", call, *args)

    def _agrees(self, x0: Any) -> None:
        if tuple(x0.shape) != self.shape:
            raise ValueError(f"x0 has shape {tuple(x0.shape)}; {self.shape} is expected, as of the reference")
        if vectors.dtype_name(x0) != self.dtype or vectors.namespace(x0) is not self.xp:
            here, there = (f"{vectors.dtype_name(x)} of {type(x).__module__.split('.')[0]}" for x in (x0, self._like))
            raise TypeError(f"x0 is {here} and the reference is {there}; pass both alike")

    def _evaluated(self, x: Any, part: str) -> Any:
        return self.image(x, part)

    def _residual_there(self) -> float:
        return self.size(self.zero() - self._at_reference())

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

    def floor(self, x: Any) -> float:
        """eps (|x| + |T(x)|): what the difference of the two can be known to."""
        return self.eps * 2.0 * self.size(x)

    def attainable_hint(self, floor: float) -> str:
        """What to tell a user who asks for more than the dtype can give."""
        rtol = max(4 * floor / self.scale if self.scale > 0 else 0.0, self.eps)
        other = "" if self.eps < 1e-10 else " or pass float64"
        return f"no {self.dtype} vector does better; ask rtol >= {rtol:.1g}{other}"

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
