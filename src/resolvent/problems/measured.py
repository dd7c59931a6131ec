"""How a candidate for A x = b is judged: the residual from the original A and b, and whether an operator can be believed.

residual = || b - A x ||_2,    backward error = residual / (||A||_F ||x|| + ||b||),    floor = eps || |A||x| + |b| ||
"""

import contextlib
import math
import weakref
from typing import Any

import numpy as np

from .. import kernels
from ..core import Measure, OperatorError, Work
from . import checks

__all__ = ["Measured"]

_LARGEST = float(np.finfo(np.float64).max)


class Measured:
    """The part of LinearSystem that measures."""

    A: Any
    n: int
    dtype: Any
    eps: float
    stored: bool
    vetted: bool
    scale: float
    rhs: Any
    ip: Any
    ix: Any
    data: Any
    symbolic: dict[str, Any]
    work: Work
    product: Any
    _vet: Any

    @property
    def frobenius(self) -> float:
        """||A||_F of the stored entries; for an operator the largest ||A x|| / ||x|| seen."""
        known = self.__dict__.get("_frobenius")
        if known is None and self.stored:
            known = math.sqrt(abs(np.vdot(self.data, self.data)))
            if not 1e-100 < known < 1e100 and self.data.size:
                top = float(np.max(np.abs(self.data)))
                known = top * float(np.linalg.norm(self.data / top)) if 0 < top < math.inf else top
                known = _LARGEST if math.isinf(known) and top < math.inf else known
            self.__dict__["_frobenius"] = known
        return known or 0.0

    def measure(self, x: Any) -> Measure:
        """The residual of x, recomputed from the original A and b.

        Parameters
        ----------
        x : ndarray, shape (n,)

        Returns
        -------
        Measure
            ``residual``, its ``vector``, ``noisy``, and ``seen`` with the normwise backward error.
        """
        self.work.add("products")
        noisy = False
        if self.stored:
            if not self.vetted:
                self._vet()
            r = np.empty(self.n, dtype=self.dtype)
            norm = float(kernels.csr.residual(self.ip, self.ix, self.data, x, self.rhs, r))
        else:
            y = checks.call_operator(self.A, x, self.dtype)
            with np.errstate(all="ignore"):
                noisy = self._doubts(x, y)
                r = self.rhs - y
                norm = float(np.linalg.norm(r))
        length = math.sqrt(abs(np.vdot(x, x)))
        if not 1e-150 < length < 1e150:
            length = checks.safe_norm(x)
        size = self.frobenius
        if self.stored and not norm > 64 * self.eps * (4 * size * length / math.sqrt(self.n) + self.scale):
            self.work.add("products", 4)
            norm = checks.compensated(self, x, r, length)
        if not math.isfinite(norm) and math.isfinite(length):
            norm = checks.safe_norm(r)
        bound = size * length + self.scale
        seen = {"backward_error": norm / bound if bound > 0 and math.isfinite(bound) else 0.0}
        return Measure(norm, r, noisy, seen)

    def _doubts(self, x: Any, y: Any) -> bool:
        """True when the operator is noisy; raises when it is not linear. Asked once per solve, additivity once an operator."""
        length = float(np.linalg.norm(x))
        size = float(np.linalg.norm(y))
        self.__dict__["_frobenius"] = max(self.frobenius, size / length if length > 0 else 0.0)
        if self.__dict__.get("_trusted") or not math.isfinite(size):
            return False
        if size > checks.GROWN * self.scale > 0:  # beside an x that has grown, what is added to A x would not be seen
            small = x * self.dtype.type(self.scale / size)
            if self._doubles_wrongly(small, self.product(small)):
                return True
        if self._doubles_wrongly(x, y):
            return True
        self.__dict__["_trusted"] = length > 0  # zero doubles under any noise
        return length > 0 and not self._known_to_add() and self._adds_wrongly(x, y)

    def _doubles_wrongly(self, x: Any, y: Any) -> bool:
        """Compare A(2x) with 2 A(x); True where A(x) is not the same twice."""
        size = float(np.linalg.norm(y))
        slack = 64 * self.eps * (size + (self.scale if np.any(x) else 0.0))
        if float(np.linalg.norm(self.product(2 * x) - 2 * y)) <= slack:
            return False
        if float(np.linalg.norm(self.product(x) - y)) > slack:
            return True
        raise OperatorError("the operator is not linear: A(2x) differs from 2 A(x) beyond rounding")

    def _known_to_add(self) -> bool:
        """Whether this very operator was asked before in this session."""
        asked = self.symbolic.get("operator")
        return asked is not None and asked[0]() is self.A

    def _adds_wrongly(self, x: Any, y: Any) -> bool:
        """Compare A(x - v) with A(x) - A(v) for a random v of x's size (``i v`` in complex arithmetic), roughly.

        A map may double exactly and still not add, as |x| does. True where A(v) is not the same twice.
        """
        v = checks.random_like(x)
        w = self.product(v)
        turn = self.dtype.type(1j if self.dtype.kind == "c" else -1.0)
        z = self.product(x + turn * v)
        gap, size = float(np.linalg.norm(z - y - turn * w)), float(np.linalg.norm(y)) + float(np.linalg.norm(w))
        if not math.isfinite(size):  # of such a size of x nothing can be said
            return False
        top = max(self.frobenius, size / float(np.linalg.norm(v)))
        slack = min(self.eps ** (1 / 3), 1e-3) * size + 1e3 * self.eps * top * float(np.linalg.norm(x))
        if gap <= slack:
            with contextlib.suppress(TypeError):  # what cannot be remembered is asked again
                self.symbolic["operator"] = [weakref.ref(self.A)]
            return False
        if float(np.linalg.norm(self.product(v) - w)) > 64 * self.eps * size:
            return True
        raise OperatorError("the operator is not linear: A(x + v) differs from A(x) + A(v)")

    def floor(self, x: Any) -> float:
        """The rounding floor eps || |A||x| + |b| ||: no vector of this dtype can be measured below it reliably."""
        eps = self.eps
        self.work.add("products")
        if self.stored:
            return eps * float(kernels.csr.floor(self.ip, self.ix, self.data, x, self.rhs))
        return eps * (self.frobenius * float(np.linalg.norm(x)) + self.scale)

    def attainable_hint(self, floor: float) -> str:
        """What to tell a user who asks for more than the dtype can give."""
        name = str(self.dtype)
        rtol = max(4 * floor / self.scale if self.scale > 0 else 0.0, self.eps)
        other = "" if name in ("float64", "complex128") else " or pass float64"
        return f"no {name} vector does better; ask rtol >= {rtol:.1g}{other}"
