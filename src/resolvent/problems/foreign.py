"""Linear systems over another array library (torch, CuPy, array-api-strict): the same face, arithmetic in its namespace.

    residual = || b - A x ||_2,    scale = || b ||_2

A is a dense array of that library, or an operator (``matvec`` and ``shape``, or a plain function) over its vectors. x comes
back as such an array, with b's dtype and device. Only numbers (norms, dot products) leave the library.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device, is_array_api_obj, is_numpy_array

from ..core import Measure, OperatorError, Result, Work
from . import checks
from .linear import LinearSystem

__all__ = ["ArraySystem", "dtype_of", "is_foreign"]

_DTYPES = ("float32", "float64", "complex64", "complex128")


def is_foreign(array: Any) -> bool:
    """Whether it is an array of another library than NumPy."""
    return is_array_api_obj(array) and not is_numpy_array(array) and not isinstance(array, np.generic)


class ArraySystem(LinearSystem):
    """What ``LinearSystem`` makes of arrays of another library; not called by name."""

    xp: Any
    dense: bool

    def _prepare(self) -> None:
        """Check what was given, in one sentence each.

        Raises
        ------
        ValueError, TypeError
        """
        A, b = self.A, self.b
        if not is_foreign(b):
            raise TypeError(
                f"A is a {_named(A)} and b a {type(b).__name__}; give both as arrays of one library, "
                "or both as NumPy or SciPy arrays"
            )
        ready = self.__dict__
        xp = ready["xp"] = array_namespace(b)
        ready["device"] = device(b)
        ready["dense"] = is_foreign(A)
        if b.ndim not in (1, 2) or 0 in b.shape:
            raise ValueError(f"b has shape {tuple(b.shape)}; a vector, or columns of shape (n, k), is expected")
        dtypes = [dtype_of(xp, b, "b"), *([dtype_of(xp, A, "A")] if self.dense else [])]
        self._check_matrix(A, b)
        if self.nullspace is not None:
            raise ValueError(
                "a nullspace was given with arrays of another library; it is offered for NumPy arrays only"
            )
        wide = xp.result_type(A, b) if self.dense else b.dtype
        ready["inner"] = wide
        ready["dtype"] = np.result_type(*dtypes)
        if self.transposed and not self.dense:
            raise ValueError("transposed=True was given with an operator over another library; give its transpose")
        ready["matrix"] = xp.astype(A.T if self.transposed else A, wide) if self.dense else A
        ready.update(kind="operator", n=int(b.shape[0]), eps=float(np.finfo(self.dtype).eps), stored=False)
        ready.update(symbolic={}, memory={}, epoch=0, matrix_version=0, work=Work(), vetted=True)
        if b.ndim == 1:
            self._take(xp.astype(b, wide))

    def _check_matrix(self, A: Any, b: Any) -> None:
        if self.dense:
            if type(A) is not type(b):
                raise TypeError(f"A is a {_named(A)} and b a {_named(b)}; give both as arrays of one library")
            if device(A) != device(b):
                raise ValueError(f"A is on {device(A)} and b on {device(b)}; move them to one device")
        elif not (hasattr(A, "matvec") and hasattr(A, "shape")) and not callable(A):
            raise TypeError(
                f"A is a {_named(A)} and b a {_named(b)}; an array of b's library or an operator is expected"
            )
        shape = tuple(getattr(A, "shape", (b.shape[0], b.shape[0])))
        if len(shape) != 2 or shape[0] != shape[1]:
            raise ValueError(f"A has shape {shape}; a square matrix is expected")
        if shape[0] != b.shape[0]:
            raise ValueError(f"b has shape {tuple(b.shape)}; ({shape[0]},) is expected for A of shape {shape}")

    def _take(self, b: Any) -> None:
        """Scale b once by a power of two when its norm could over- or underflow."""
        ready = self.__dict__
        norm, shift = self._norm(b), 0
        if not 1e-60 < norm < 1e60 or (self.eps > 1e-10 and not 1e-15 < norm < 1e15):
            top = float(self.xp.max(self.xp.abs(b)))
            if 0.0 < top < math.inf:
                shift = -math.frexp(top)[1]
                b = checks.ldexp_steps(b, shift)
                norm = self._norm(b)
        ready["rhs"], ready["scale"], ready["shift"] = b, norm, shift
        ready["unit"] = math.ldexp(1.0, min(shift, 1023))

    def _norm(self, v: Any) -> float:
        with np.errstate(all="ignore"):  # of libraries that are NumPy inside
            return float(self.xp.linalg.vector_norm(v))

    # ---- what it offers --------------------------------------------------------------------------------------------

    @property
    def nonzeros(self) -> int:
        """n^2 of an array; for an operator an estimate of its cost, 8 a row."""
        return self.n * self.n if self.dense else 8 * self.n

    def transpose(self, b: Any) -> LinearSystem:
        """The system with the transpose of this matrix and another right-hand side."""
        return replace(self, b=b, transposed=not self.transposed)

    def parts(self) -> list[Any] | None:
        """One system per column of b, or None for a vector."""
        if self.b.ndim == 1:
            return None
        return [replace(self, b=self.b[:, j] + 0.0) for j in range(self.b.shape[1])]

    def together(self, columns: list[Any]) -> Any:
        """The same columns as one problem, for methods that work on blocks."""
        from .block import ArrayBlock

        return ArrayBlock(self, columns)

    def split(self, x0: Any) -> list[Any]:
        """The columns of a first guess."""
        if not is_foreign(x0) or type(x0) is not type(self.b):
            raise TypeError(f"x0 is a {_named(x0)}; an array of b's library is expected")
        if tuple(x0.shape) != tuple(self.b.shape):
            raise ValueError(f"x0 has shape {tuple(x0.shape)}; the shape of b, {tuple(self.b.shape)}, is expected")
        return [x0[:, j] + 0.0 for j in range(x0.shape[1])]

    def _beside(self, columns: list[Any]) -> Any:
        return self.xp.stack(columns, axis=1)

    def _key(self) -> list[Any]:
        key = super()._key()
        return [key[0], key[1], f"{self.xp.__name__}/{key[2]}", key[3]]

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when something in ``needs`` is not offered."""
        if "NumPy arrays" in needs:
            return f"it runs SciPy's own code on NumPy arrays, and A is a {_named(self.A)}; use bicgstab, idr or gmres"
        if "adjoint" in needs and not self.dense:
            return "it needs products with the adjoint, and an operator over another library is asked for A x only"
        if "entries" in needs:
            return (
                f"it walks the entries of a NumPy or SciPy matrix, and A is a {_named(self.A)}; use a Krylov method "
                "with a function or an operator as preconditioner"
            )
        return super().lacks(needs)

    def is_symmetric(self) -> bool:
        """Symmetric (Hermitian), as said or as found; an operator is taken at its word."""
        known = self.facts.get("symmetric") if self.symmetric is None else self.symmetric
        if known is None:
            known = self.facts["symmetric"] = not self.dense or self._equals(self.xp.conj(self.matrix.T))
        return bool(known)

    def is_complex_symmetric(self) -> bool:
        """Equal to its transpose, not conjugated; an operator is taken at its word."""
        return not self.dense or self._equals(self.matrix.T)

    def _equals(self, B: Any) -> bool:
        xp, tol = self.xp, 1e-12 if self.eps < 1e-10 else 1e-5
        gap = float(xp.max(xp.abs(self.matrix - B)))
        return not gap > tol * float(xp.max(xp.abs(self.matrix)))

    def diagonal(self) -> Any:
        """The diagonal of an array; an operator has none to show."""
        if not self.dense:
            raise ValueError("the diagonal of an operator is not known")
        return self.xp.linalg.diagonal(self.matrix) + 0.0

    def features(self) -> Any:
        """The context, or the size of b."""
        if self.context is not None:
            return np.atleast_1d(np.asarray(self.context, dtype=float)).ravel()
        return np.array([self.scale])

    def product(self, x: Any) -> Any:
        """A x as a new array, counted.

        Raises
        ------
        OperatorError
            When the user's operator raises or returns what it must not.
        """
        self.work.add("products")
        return self.xp.matmul(self.matrix, x) if self.dense else self._called(x)

    def adjoint(self, y: Any) -> Any:
        """A^H y of an array, counted; operators over other libraries are asked for A x only."""
        if not self.dense:
            raise OperatorError("the product with the adjoint of an operator over another library is not offered")
        self.work.add("products")
        return (
            self.xp.conj(self.xp.matmul(self.matrix.T, self.xp.conj(y)))
            if self.dtype.kind == "c"
            else self.matrix.T @ y
        )

    def _called(self, x: Any) -> Any:
        call = self.A.matvec if hasattr(self.A, "matvec") else self.A
        try:
            y = call(x + 0.0)
        except (KeyboardInterrupt, MemoryError):
            raise
        except Exception as error:
            raise OperatorError(f"the operator raised {type(error).__name__}: {error}") from error
        if not isinstance(y, type(x)) or y.shape != x.shape:
            found = f"an array of shape {tuple(y.shape)}" if isinstance(y, type(x)) else f"a {_named(y)}"
            raise OperatorError(f"the operator returned {found} for a vector of shape {tuple(x.shape)}")
        if y.dtype != x.dtype:
            raise OperatorError(f"the operator returned dtype {y.dtype} for a vector of dtype {x.dtype}")
        return y + 0.0

    def residual(self, x: Any) -> Any:
        """rhs - A x as a new array, counted."""
        return self.rhs - self.product(x)

    def start(self, x0: Any, carry: Mapping[str, Any], lent: bool = False) -> tuple[Any, Any, float]:
        """First iterate, its residual and the residual's norm, as new arrays."""
        if x0 is None:
            return 0.0 * self.rhs, self.rhs + 0.0, self.scale
        x, r = x0 + 0.0, carry.get("residual")
        r = self.residual(x) if r is None else r + 0.0
        norm = self._norm(r)
        return (x, r, norm) if norm < math.inf else self.start(None, {})

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when A, b or a first guess holds NaN or inf."""
        if not math.isfinite(self.scale):
            return "b contains NaN or inf"
        if self.dense and not bool(self.xp.all(self.xp.isfinite(self.matrix))):
            return "A contains NaN or inf"
        if x0 is not None and is_foreign(x0) and not bool(self.xp.all(self.xp.isfinite(x0))):
            return "x0 contains NaN or inf"
        return None

    # ---- how a candidate is measured -------------------------------------------------------------------------------

    @property
    def frobenius(self) -> float:
        """||A||_F of an array; for an operator the largest ||A x|| / ||x|| seen."""
        known = self.__dict__.get("_frobenius")
        if known is None and self.dense:
            known = self.__dict__["_frobenius"] = self._norm(self.xp.reshape(self.matrix, (-1,)))
        return known or 0.0

    def measure(self, x: Any) -> Measure:
        """The residual of x, recomputed from the original A and b."""
        y = self.product(x)
        noisy = not self.dense and self._doubts(x, y)
        r = self.rhs - y
        norm, bound = self._norm(r), self.frobenius * self._norm(x) + self.scale
        seen = {"backward_error": norm / bound if bound > 0 and math.isfinite(bound) else 0.0}
        return Measure(norm, r, noisy, seen)

    def _doubts(self, x: Any, y: Any) -> bool:
        """True when the operator is noisy; raises when it is not linear. Asked once per solve."""
        length, size = self._norm(x), self._norm(y)
        self.__dict__["_frobenius"] = max(self.frobenius, size / length if length > 0 else 0.0)
        if self.__dict__.get("_trusted") or not math.isfinite(size):
            return False
        if size > checks.GROWN * self.scale > 0:  # beside an x that has grown, what is added to A x would not be seen
            small = x * (self.scale / size)
            if self._doubles_wrongly(small, self.product(small)):
                return True
        if self._doubles_wrongly(x, y):
            return True
        self.__dict__["_trusted"] = length > 0
        return False

    def _doubles_wrongly(self, x: Any, y: Any) -> bool:
        """Compare A(2x) with 2 A(x); True where A(x) is not the same twice."""
        slack = 64 * self.eps * (self._norm(y) + (self.scale if self._norm(x) > 0 else 0.0))
        if self._norm(self.product(2.0 * x) - 2.0 * y) <= slack:
            return False
        if self._norm(self.product(x) - y) > slack:
            return True
        raise OperatorError("the operator is not linear: A(2x) differs from 2 A(x) beyond rounding")

    def floor(self, x: Any) -> float:
        """A rounding floor, eps (||A|| ||x|| + ||b||)."""
        return self.eps * (self.frobenius * self._norm(x) / math.sqrt(self.n) + self.scale)

    # ---- the user's unit -------------------------------------------------------------------------------------------

    def enter(self, x0: Any) -> Any:
        """A user's first guess in the scaled unit, as a copy.

        Raises
        ------
        ValueError, TypeError
            For another library, shape, or a complex guess for a real system.
        """
        if not is_foreign(x0) or type(x0) is not type(self.rhs):
            raise TypeError(f"x0 is a {_named(x0)}; an array of b's library is expected")
        if tuple(x0.shape) != (self.n,):
            raise ValueError(f"x0 has shape {tuple(x0.shape)}; ({self.n},) is expected")
        if dtype_of(self.xp, x0, "x0").kind == "c" and self.dtype.kind != "c":
            raise TypeError("x0 is complex and the system is real; pass its real part or a complex b")
        return checks.ldexp_steps(self.xp.astype(x0, self.inner), self.shift)

    def leave(self, result: Result) -> None:
        """Bring a result back to the user's unit, in place."""
        if result.x is None:
            result.x = 0.0 * self.rhs
        if self.shift:
            result.exponent = -self.shift
            result.x = checks.ldexp_steps(result.x, -self.shift)
            for name in ("residual", "attainable"):
                if name in result.seen:
                    result.seen[name] = checks.ldexp_scalar(result.seen[name], -self.shift)
            if result.threshold is not None:
                result.threshold = checks.ldexp_scalar(result.threshold, -self.shift)
        result.digest = {
            "kind": "residual of A x = b, 2-norm",
            "strength": f"recomputed as b - A x by {self.xp.__name__} from what was given",
            "scale": checks.ldexp_scalar(self.scale, -self.shift),
            "n": self.n,
            "dtype": str(self.dtype),
        }


def _named(array: Any) -> str:
    return f"{type(array).__module__.split('.')[0]} {type(array).__name__}"


def dtype_of(xp: Any, array: Any, name: str) -> np.dtype[Any]:
    """The NumPy dtype of the same name.

    Raises
    ------
    TypeError
        For any but the four.
    """
    for known in _DTYPES:
        if array.dtype == getattr(xp, known):
            return np.dtype(known)
    raise TypeError(f"{name} has dtype {array.dtype}; float32, float64, complex64 or complex128 is expected")
