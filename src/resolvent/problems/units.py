"""From the user's unit to the one that methods see, and back: b is scaled once by a power of two, x with it."""

import math
from typing import Any

import numpy as np

from ..core import Measure, OperatorError, Result, Status
from . import checks
from .memory import NAMES

__all__ = ["Units"]

_STORED = "recomputed as b - A x from the stored entries of A, in twice the precision where rounding could matter"
_ASKED = "recomputed from the operator's own answer, which was found linear and repeatable on this x"


class Units:
    """The part of LinearSystem that brings results back to the user's unit."""

    n: int
    dtype: Any
    stored: bool
    shift: int
    scale: float
    nullspace: Any
    project: Any
    measure: Any

    def enter(self, x0: Any) -> Any:
        """A user's first guess in the scaled unit, as a copy.

        Raises
        ------
        ValueError, TypeError
            For another shape, or a complex guess for a real system.
        """
        x0 = checks.first_guess(x0, self.n, self.dtype)
        return checks.ldexp(x0, self.shift)

    def leave(self, result: Result) -> None:
        """Bring a result back to the user's unit, in place."""
        if result.x is None:
            result.x = np.zeros(self.n, dtype=self.dtype)
        if self.nullspace is not None:
            x = self.project(np.array(result.x))
            self._moved(result, x, "what was given as nullspace is not the null space of A")
            result.x = x
        if self.shift:
            result.exponent = -self.shift
            x = checks.ldexp(result.x, -self.shift)
            back = checks.ldexp(x, self.shift)
            if not np.array_equal(back, result.x):
                self._moved(result, back, "the solution lies at the end of its dtype's range, where digits are lost")
            result.x = x
            for name in ("residual", "attainable", "outside_range"):
                if name in result.seen:
                    result.seen[name] = checks.ldexp_scalar(result.seen[name], -self.shift)
            if result.threshold is not None:
                result.threshold = checks.ldexp_scalar(result.threshold, -self.shift)
            if not np.all(np.isfinite(result.x)):
                result.status, result.why = Status.NONFINITE, "the solution is too large for its dtype"
        result.digest = {
            "kind": "residual of A x = b, 2-norm",
            "strength": _STORED if self.stored else _ASKED,
            "scale": self.scale if not self.shift else checks.ldexp_scalar(self.scale, -self.shift),
            "n": self.n,
            "dtype": NAMES[self.dtype],
        }

    def _moved(self, result: Result, x: Any, why: str) -> None:
        """The answer is x, which is not quite what was measured: measure again, in the inner unit."""
        try:
            measured = self.measure(x)
        except OperatorError as error:
            measured, why = Measure(math.nan), str(error)
        result.seen.update(measured.seen, residual=measured.residual)
        if result.status > 0 and result.threshold is not None and not measured.residual <= result.threshold:
            result.status, result.why = Status.STAGNATED, why
