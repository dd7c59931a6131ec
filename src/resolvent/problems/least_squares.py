"""Linear least squares: what is given, what it offers, how a candidate is measured.

    min_x || b - A x ||^2 + damp^2 || x ||^2,    r = b - A x,    s = A^H r - damp^2 x

    residual = min( ||s|| / (||A||_F ||r||),  ||r|| / ||b|| if damp is 0 ) ||b||,    scale = || b ||_2

so ``residual <= rtol scale`` says that ``||s|| <= rtol ||A||_F ||r||`` (status GAP: x is the least-squares solution of a
matrix that differs from A by rtol in the Frobenius norm) or that ``||r|| <= rtol ||b||`` (status RESIDUAL: the system is
consistent, and x solves it). Both are recomputed from A and b: one product and one product with the adjoint.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from array_api_compat import array_namespace

from .. import kernels
from ..core import Measure, OperatorError, Result, Status
from ..core.costs import product_seconds, weights
from . import checks
from .foreign import dtype_of, is_foreign
from .plain import Plain

__all__ = ["LinearLeastSquares"]

_PROBES = 8


@dataclass(frozen=True, eq=False)
class LinearLeastSquares(Plain):
    """A linear least-squares problem, A of any shape, perhaps damped (Tikhonov's).

    Parameters
    ----------
    A : sparse array or matrix, ndarray, LinearOperator with ``rmatvec``, or array of another library, shape (m, n)
        float32, float64, complex64 or complex128.
    b : array, shape (m,)
        Of any finite size; of the library of A.
    damp : float, default 0.0
        Not negative; the term ``damp^2 ||x||^2`` is added.
    context : float or array, optional
        A cheap feature that a contextual learner may use.

    Raises
    ------
    ValueError
        A not two-dimensional or empty, b of another shape, damp negative or not finite, an operator without
        ``rmatvec``.
    TypeError
        A or b of integers or objects; A of no known kind.

    Notes
    -----
    ``residual`` and ``scale`` stand in the module's first lines; ``seen`` also has ``gradient`` (``||s||``) and
    ``misfit`` (``||r||``). ``||A||_F`` of an operator is estimated from products with eight fixed vectors of signs.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> result = rv.solve(rv.LinearLeastSquares(A, np.array([1.0, 0.0, 2.0])), "cgls", rtol=1e-10)
    >>> result.status.name, result.x.round(6).tolist()
    ('GAP', [0.5, 0.5])
    """

    A: Any
    b: Any
    damp: float = 0.0
    context: Any = None

    family: ClassVar[str] = "least_squares"
    positive_definite: ClassVar[None] = None
    near_nullspace: ClassVar[None] = None

    def __post_init__(self) -> None:
        self._prepare()
        damp, ready = self.damp, self.__dict__
        if isinstance(damp, bool) or not isinstance(damp, int | float) or not 0.0 <= damp < math.inf:
            raise ValueError(f"damp={damp!r} was given; a finite number that is not negative is expected")
        if is_foreign(self.b) or is_foreign(self.A):
            self._take_foreign()
        else:
            self._take_numpy()
        ready["m"], ready["n"] = (int(v) for v in self.A.shape)
        ready["eps"] = float(np.finfo(self.dtype).eps)
        self._scale_b()

    def _take_foreign(self) -> None:
        A, b = self.A, self.b
        if type(A) is not type(b):
            raise TypeError(f"A is a {type(A).__name__} and b a {type(b).__name__}; give both as arrays of one library")
        xp = array_namespace(b)
        _check_shapes(tuple(A.shape), tuple(b.shape))
        wide = xp.result_type(A, b)
        ready = self.__dict__
        ready.update(how="dense", xp=xp, stored=False, offers=frozenset({"least squares"}))
        ready["dtype"] = np.result_type(dtype_of(xp, A, "A"), dtype_of(xp, b, "b"))
        ready["matrix"], ready["given"] = xp.astype(A, wide), xp.astype(b, wide)

    def _take_numpy(self) -> None:
        A, ready = self.A, self.__dict__
        how = checks.kind_of(A, square=False)
        b = checks.right_hand_side(self.b, A.shape)
        _check_shapes(A.shape, b.shape)
        dtype = checks.common_dtype(A, b)
        if how == "operator" and not callable(getattr(A, "rmatvec", None)):
            raise ValueError(f"A is a {type(A).__name__} without rmatvec; the product with its adjoint is needed")
        ready.update(how={"csr": "sparse"}.get(how, how), xp=array_namespace(b), dtype=dtype)
        ready["stored"] = how != "operator"
        ready["offers"] = frozenset({"least squares", "entries"} if self.stored else {"least squares"})
        ready["given"] = b.astype(dtype, copy=False)
        if how == "dense":
            ready["matrix"] = A.astype(dtype, copy=False)
        elif how != "operator":
            ready["ip"], ready["ix"], ready["data"] = checks.csr_parts(A, how, dtype)
            ready["ip"], ready["ix"], ready["data"] = checks.canonical(self.ip, self.ix, self.data, *A.shape)

    def _scale_b(self) -> None:
        """Scale b once by a power of two when its norm could over- or underflow."""
        ready, b = self.__dict__, self.given
        norm, shift = self.norm(b), 0
        if not 1e-60 < norm < 1e60 or (self.eps > 1e-10 and not 1e-15 < norm < 1e15):
            top = float(self.xp.max(self.xp.abs(b)))
            if 0.0 < top < math.inf:
                shift = -math.frexp(top)[1]
                b = checks.ldexp_steps(b, shift)
                norm = self.norm(b)
        ready["target"], ready["scale"], ready["shift"] = b, norm, shift
        ready["unit"] = math.ldexp(1.0, min(shift, 1023))

    # ---- what it offers --------------------------------------------------------------------------------------------

    def norm(self, v: Any) -> float:
        """2-norm as a Python number; squares that under- or overflow are avoided."""
        with np.errstate(all="ignore"):
            value = float(self.xp.linalg.vector_norm(v))
            edge = 1e150 if self.eps < 1e-10 else 1e15
            if 1.0 / edge < value < edge or not math.prod(v.shape):
                return value
            top = float(self.xp.max(self.xp.abs(v)))
            return top * float(self.xp.linalg.vector_norm(v / top)) if 0 < top < math.inf else top

    @property
    def nonzeros(self) -> int:
        """Stored entries; for an operator an estimate of its cost, 8 a row."""
        if self.how == "sparse":
            return len(self.data)
        return self.m * self.n if self.how == "dense" else 8 * max(self.m, self.n)

    @property
    def default_rtol(self) -> float:
        """1e-6, and 1e-3 in float32."""
        return 1e-3 if self.eps > 1e-10 else 1e-6

    @property
    def default_steps(self) -> int:
        """10 (m + n), and at least 10,000: squared conditions need many."""
        return max(10_000, 10 * (self.m + self.n))

    @property
    def product_seconds(self) -> float:
        """Modelled seconds of one product."""
        return product_seconds(self.m, self.nonzeros)

    def shape_key(self) -> list[int | float | str]:
        """Sizes, dtype and how A is given."""
        return [self.m, self.n, str(self.dtype), self.how, self.xp.__name__]

    def kind_of_arms(self) -> str:
        """``least_squares/how/m/n/dtype``."""
        how = self.how if self.stored or self.how == "operator" else "foreign"
        return f"least_squares/{how}/{self.m}/{self.n}/{self.dtype}"

    def weights(self) -> Mapping[str, float]:
        """The shipped table, and what a product with the adjoint costs beside one with A (its sums are scattered)."""
        return {**weights(self.m, self.nonzeros), "adjoint_products": 1.2 if self.how == "sparse" else 1.0}

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when the method is one for square systems, or needs entries that are not there."""
        if "least squares" not in needs:
            return "it solves square systems, and this is a least-squares problem; use cgls, qr, lsmr, lsqr or auto"
        return super().lacks(needs)

    def digest(self) -> dict[str, Any]:
        """The measure in words."""
        return {
            "kind": "||A^H r - damp^2 x|| / (||A||_F ||r||), or ||r|| / ||b|| where that is smaller, times ||b||",
            "strength": "recomputed from A, b and x: one product and one with the adjoint",
            "n": self.n,
            "dtype": str(self.dtype),
        }

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when A, b or a first guess holds NaN or inf."""
        if not math.isfinite(self.scale):
            return "b contains NaN or inf"
        if self.how != "operator" and not math.isfinite(self.frobenius):
            return "A contains NaN or inf"
        if x0 is not None and not math.isfinite(self.norm(self.xp.asarray(x0))):
            return "x0 contains NaN or inf"
        return None

    @property
    def frobenius(self) -> float:
        """||A||_F; of an operator an estimate from products with fixed vectors of signs, made once."""
        known: float | None = self.__dict__.get("_frobenius")
        if known is None:
            if self.how == "operator":
                known = self._probed()
            else:
                entries = self.data if self.how == "sparse" else self.xp.reshape(self.matrix, (-1,))
                known = self.norm(entries)
                if self.how == "sparse" and not 1e-100 < known < 1e100:
                    known = checks.safe_norm(entries)
            self.__dict__["_frobenius"] = known
        return known

    def _probed(self) -> float:
        rng = np.random.default_rng(0)
        signs = (np.where(rng.random(self.n) < 0.5, -1.0, 1.0).astype(self.dtype) for _ in range(_PROBES))
        return math.sqrt(sum(self.norm(self.product(v)) ** 2 for v in signs) / _PROBES)

    def diagonal(self) -> Any:
        """The diagonal of A^H A + damp^2 I, real: what ``rv.Jacobi()`` inverts."""
        squares = np.zeros(self.n)
        if self.how == "sparse":
            np.add.at(squares, self.ix.astype(np.intp), np.abs(self.data) ** 2)
        else:
            squares += np.sum(np.abs(self.matrix) ** 2, axis=0)
        squares += self.damp**2
        return np.where(squares > 0, squares, 1.0).astype(np.zeros(0, self.dtype).real.dtype)

    def is_symmetric(self) -> bool:
        """The normal equations are."""
        return True

    def product(self, x: Any) -> Any:
        """A x as a new array, counted.

        Raises
        ------
        OperatorError
            When the user's operator raises or returns what it must not.
        """
        self.work.add("products")
        if self.how == "sparse":
            y = np.empty(self.m, dtype=self.dtype)
            kernels.csr.spmv(self.ip, self.ix, self.data, x, y)
            return y
        if self.how == "dense":
            return self.xp.matmul(self.matrix, x)
        return _called(self.A.matvec, x, self.m, self.dtype)

    def adjoint(self, y: Any) -> Any:
        """A^H y as a new array, counted as ``adjoint_products``.

        Raises
        ------
        OperatorError
            When the user's operator raises or returns what it must not.
        """
        self.work.add("adjoint_products")
        if self.how == "sparse":
            x = np.zeros(self.n, dtype=self.dtype)
            kernels.csr.scatter(self.ip, self.ix, self.data, y, x)
            return x
        if self.how == "dense":
            xp = self.xp
            if self.dtype.kind != "c":
                return xp.matmul(self.matrix.T, y)
            return xp.conj(xp.matmul(self.matrix.T, xp.conj(y)))
        return _called(self.A.rmatvec, y, self.n, self.dtype)

    def slope(self, x: Any, r: Any) -> Any:
        """s = A^H r - damp^2 x."""
        s = self.adjoint(r)
        return s - self.damp**2 * x if self.damp else s

    def start(self, x0: Any, carry: Mapping[str, Any]) -> tuple[Any, Any]:
        """First iterate and its r = b - A x, as arrays that may be overwritten."""
        if x0 is None:
            return self.zero(), self.target + 0.0
        x, r = x0 + 0.0, carry.get("residual")
        return x, (self.target - self.product(x) if r is None else r + 0.0)

    def zero(self) -> Any:
        """x = 0."""
        xp = self.xp
        return xp.zeros(self.n, dtype=self.target.dtype, device=_device(self.target))

    # ---- how a candidate is measured -------------------------------------------------------------------------------

    def judged(self, misfit: float, gradient: float) -> tuple[float, Status]:
        """The residual for given ``||r||`` and ``||s||``, and what meeting the tolerance is called."""
        if self.scale == 0:
            return max(misfit, gradient), Status.RESIDUAL
        below = self.frobenius * misfit
        gap = gradient / below if below > 0 else (0.0 if gradient == 0 else math.inf)
        fit = misfit / self.scale if self.damp == 0 else math.inf
        return min(fit, gap) * self.scale, Status.RESIDUAL if fit <= gap else Status.GAP

    def measure(self, x: Any) -> Measure:
        """The residual of x, recomputed from the original A and b."""
        with np.errstate(all="ignore"):
            r = self.target - self.product(x)
            misfit, gradient = self.norm(r), self.norm(self.slope(x, r))
        residual, success = self.judged(misfit, gradient)
        return Measure(residual, r, False, {"misfit": misfit, "gradient": gradient}, success)

    def floor(self, x: Any) -> float:
        """The rounding level of the residual: eps (||A||_F ||x|| + ||b||), as seen through the measure."""
        level = self.eps * (self.frobenius * self.norm(x) + self.scale)
        misfit = self.norm(self.target - self.product(x))
        return level * min(1.0, self.scale / misfit if misfit > 0 else 1.0)

    def attainable_hint(self, floor: float) -> str:
        """What to tell a user who asks for more than the dtype can give."""
        rtol = max(4 * floor / self.scale if self.scale > 0 else 0.0, self.eps)
        return f"no {self.dtype} vector does better; ask rtol >= {rtol:.1g}"

    # ---- the user's unit -------------------------------------------------------------------------------------------

    def enter(self, x0: Any) -> Any:
        """A user's first guess in the scaled unit, as a copy.

        Raises
        ------
        ValueError, TypeError
            For another library or shape, or a complex guess for a real problem.
        """
        if is_foreign(self.b):
            if type(x0) is not type(self.b) or tuple(x0.shape) != (self.n,):
                raise TypeError(f"x0 is not an array of b's library of shape ({self.n},)")
            x0 = self.xp.astype(x0, self.target.dtype)
        else:
            x0 = checks.first_guess(x0, self.n, self.dtype)
        return checks.ldexp_steps(x0, self.shift)

    def leave(self, result: Result) -> None:
        """Bring a result back to the user's unit, in place."""
        super().leave(result)
        if not self.shift:
            return
        result.exponent = -self.shift
        result.x = checks.ldexp_steps(result.x, -self.shift)
        for name in ("residual", "attainable", "misfit", "gradient"):
            if name in result.seen:
                result.seen[name] = checks.ldexp_scalar(result.seen[name], -self.shift)
        if result.threshold is not None:
            result.threshold = checks.ldexp_scalar(result.threshold, -self.shift)
        result.digest["scale"] = checks.ldexp_scalar(self.scale, -self.shift)


def _check_shapes(A: tuple[int, ...], b: tuple[int, ...]) -> None:
    if len(A) != 2 or 0 in A:
        raise ValueError(f"A has shape {A}; a matrix with rows and columns is expected")
    if b != (A[0],):
        raise ValueError(f"b has shape {b}; ({A[0]},) is expected for A of shape {A}")


def _called(call: Any, x: Any, length: int, dtype: Any) -> Any:
    """The operator's answer, vetted."""
    try:
        y = call(x + 0.0)
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise OperatorError(f"the operator raised {type(error).__name__}: {error}") from error
    if not isinstance(y, np.ndarray) or y.size != length or y.dtype.kind not in "fc":
        raise OperatorError(
            f"the operator returned {np.shape(y)} of {getattr(y, 'dtype', type(y))}; ({length},) is due"
        )
    if y.dtype.kind == "c" and np.dtype(dtype).kind != "c":
        raise OperatorError("the operator returned complex values though its dtype and b are real; pass a complex b")
    return np.array(y, dtype=dtype).reshape(length)


def _device(array: Any) -> Any:
    from array_api_compat import device

    return device(array)
