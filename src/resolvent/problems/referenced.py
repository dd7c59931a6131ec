"""What problems given as callables share: x is known by the first guess or the reference, where the scale is taken.

scale = residual at the reference (zeros like the first guess without one), evaluated once per problem
"""

import math
from typing import Any, ClassVar

import numpy as np

from ..core import Measure, OperatorError, Status
from . import vectors
from .plain import Plain

__all__ = ["Referenced", "called"]


class Referenced(Plain):
    """A family adds ``_agrees`` (with x0), ``_evaluated`` and ``_residual_there``; ``__post_init__`` calls ``_prepare``."""

    subject: ClassVar[str] = "map"
    solved: ClassVar[str] = "a fixed point"

    reference: Any
    context: Any
    xp: Any
    n: int
    eps: float
    shape: tuple[int, ...]
    dtype: str
    trouble: str
    _like: Any
    _image: Any
    _agrees: Any
    _evaluated: Any
    _residual_there: Any

    def _prepare(self) -> None:
        """An empty memory, nothing evaluated, and the shape of the reference where one is given."""
        super()._prepare()
        self.__dict__.update(_image=None, _like=None, trouble="")
        if self.reference is not None:
            self._settle(self._vector(self.reference, "reference"))

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
        x0 = self._vector(x0, "x0")
        if self._like is None:
            self._settle(x0)
        self._agrees(x0)

    def _vector(self, x: Any, name: str) -> Any:
        return vectors.check_vector(x, name)

    def shape_key(self) -> list[int | float | str]:
        """Sizes and dtype."""
        return [*self.shape, self.dtype]

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when the guess or what is evaluated at the reference is not finite; evaluates it there.

        Raises
        ------
        OperatorError
            When a callable raises, or returns something of another kind.
        """
        if x0 is not None and not vectors.finite(x0):
            return "x0 contains NaN or inf"
        if self.reference is not None and not vectors.finite(self.reference):
            return "reference contains NaN or inf"
        if not math.isfinite(self.scale) and not self.trouble:
            where = "at the reference (zeros by default); pass reference=, a point where it is"
            return f"the {self.subject} is not finite {where}"
        if self.trouble:
            raise OperatorError(self.trouble)
        return None

    def enter(self, x0: Any) -> Any:
        """A copy of the user's first guess."""
        return vectors.copied(self._vector(x0, "x0"))

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

    @property
    def scale(self) -> float:
        """The residual at the reference; NaN when it cannot be had."""
        known = self.__dict__.get("_scale")
        if known is None:
            try:
                with np.errstate(all="ignore"):
                    known = self._residual_there()
            except OperatorError:
                known = math.nan
            self.__dict__["_scale"] = known
        return known

    def _at_reference(self) -> Any:
        """What is evaluated at the reference, once."""
        if self._image is None and not self.trouble:
            try:
                self.__dict__["_image"] = self._evaluated(self.zero(), "once")
            except OperatorError as error:
                self.__dict__["trouble"] = str(error)
        if self.trouble:
            raise OperatorError(self.trouble)
        return self._image

    def explain(
        self, status: Status, x: Any, best: Measure | None, why: str, seen: dict[str, Any]
    ) -> tuple[Status, str]:
        """A closer look at a failure: a scale of zero asks for an exact answer."""
        if self.scale == 0.0 and status in (Status.BUDGET, Status.CHANGE, Status.STAGNATED):
            return (
                status,
                f"the reference is itself {self.solved}, so that rtol asks for zero; give atol, or another reference",
            )
        return status, why


def called(who: str, call: Any, *args: Any) -> Any:
    """What a user's callable returns.

    Raises
    ------
    OperatorError
        When it raises.
    """
    try:
        with np.errstate(all="ignore"):  # what is not finite is found in the residual
            return call(*args)
    except (KeyboardInterrupt, MemoryError, OperatorError):
        raise
    except Exception as error:
        raise OperatorError(f"{who} raised {type(error).__name__}: {error}") from error
