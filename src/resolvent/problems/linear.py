"""Linear systems A x = b: what is given, what it offers, how a candidate is measured.

    residual = || b - A x ||_2,    scale = || b ||_2

measured from the original A: one product; stored matrices with compensated sums where the plain one cannot tell,
operators against their own answer to 2 x at the first measure (a linear map doubles exactly).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np

from .. import kernels
from ..core import Cost, Measure, Status, Work
from ..core.costs import product_seconds, weights
from ..core.order import low_frequencies
from . import checks
from .asked import Asked
from .columns import Columns
from .explain import explain_failure
from .measured import Measured
from .memory import Remembering
from .shapes import Shaped
from .units import Units

__all__ = ["LinearSystem"]

_weights = lru_cache(maxsize=64)(weights)
_EPS = {np.dtype(t): float(np.finfo(t).eps) for t in ("float32", "float64", "complex64", "complex128")}


@dataclass(frozen=True, eq=False)
class LinearSystem(Asked, Measured, Remembering, Columns, Units, Shaped):
    """A square linear system A x = b.

    Parameters
    ----------
    A : sparse array or matrix of any format, ndarray, LinearOperator, or array of another library, shape (n, n)
        float32, float64, complex64 or complex128. Canonical CSR is used as it is, never copied, never changed.
        With a torch, CuPy or other array-API b: a dense array of that library, an operator or a function over it.
    b : ndarray, shape (n,) or (n, k)
        Right-hand side(s), in any finite size: 1e-300 and 1e300 are ordinary.
    context : float or array, optional
        A cheap feature of the system that a contextual learner may use.
    symmetric : bool, optional
        Symmetric (Hermitian for complex A). None: checked, once per pattern.
    positive_definite : bool, optional
        None: assumed for a symmetric matrix with positive diagonal until a solve shows otherwise.
    nullspace : ndarray, shape (n,) or (n, p), optional
        A basis of the null space of A; x is kept orthogonal to it.
    near_nullspace : ndarray, shape (n,) or (n, p), optional
        Candidates for smoothed aggregation (rigid body modes).
    version : hashable, optional
        For operators: equal versions say that the operator is the same as before.
    transposed : bool, default False
        Solve A^T x = b (not conjugated). A Session takes it for the same matrix: what is kept of A serves, applied
        transposed. ``problem.transpose(b)`` makes one from another.

    Raises
    ------
    ValueError
        A not square, empty, b of another shape, a pattern that is not valid, null spaces that are not finite columns.
    TypeError
        A or b of integers or objects; A of no known kind.

    Notes
    -----
    ``residual`` is ``||b - A x||_2`` (the largest over columns), ``scale`` is ``||b||_2``. ``seen`` also has the
    normwise backward error ``||r|| / (||A||_F ||x|| + ||b||)``.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> problem = rv.LinearSystem(np.array([[2.0, -1.0], [-1.0, 2.0]]), np.array([1.0, 0.0]))
    >>> problem.measure(np.array([2.0, 1.0]) / 3).residual < 1e-15
    True
    """

    A: Any
    b: Any
    context: Any = None
    symmetric: bool | None = None
    positive_definite: bool | None = None
    nullspace: Any = None
    near_nullspace: Any = None
    version: Any = None
    transposed: bool = False

    def __post_init__(self) -> None:
        A, b = self.A, self.b
        if type(b) is not np.ndarray and checks.other_library(self):
            return
        kind = checks.kind_of(A)
        b = checks.right_hand_side(b, A.shape)
        dtype = checks.common_dtype(A, b)
        ready = self.__dict__
        ready["kind"] = kind
        ready["n"] = A.shape[0]
        ready["dtype"] = dtype
        ready["eps"] = _EPS[dtype]
        ready["symbolic"] = {}
        ready["stored"] = kind != "operator"
        ready["epoch"] = 0
        ready["matrix_version"] = 0
        ready["memory"] = {}
        ready["work"] = Work()
        if kind != "operator":
            ready["ip"], ready["ix"], ready["data"] = checks.csr_parts(A, kind, dtype)
            ready["vetted"] = kind == "dense"
        if b.ndim == 1:
            self._take(b.astype(dtype, copy=False) if b.dtype != dtype else b)
        if self.nullspace is not None:
            ready["kernel_basis"] = checks.orthonormal(self.nullspace, A.shape[0], dtype)
        if self.near_nullspace is not None:
            checks.columns(self.near_nullspace, A.shape[0], dtype, "near_nullspace")
        if self.transposed:
            checks.flip(self)

    def _take(self, b: Any) -> None:
        """Scale b once by a power of two when its norm could over- or underflow."""
        ready = self.__dict__
        b = np.ascontiguousarray(b)
        norm = math.sqrt(abs(np.vdot(b, b)))
        shift = 0
        if not 1e-60 < norm < 1e60 or (self.eps > 1e-10 and not 1e-15 < norm < 1e15):
            top = float(np.max(np.abs(b))) if len(b) else 0.0
            if 0.0 < top < math.inf:
                shift = -math.frexp(top)[1]
                b = checks.ldexp(b, shift)
                norm = float(np.linalg.norm(b))
        ready["rhs"], ready["scale"], ready["shift"] = b, float(norm), shift
        ready["unit"] = math.ldexp(1.0, min(shift, 1023))

    # ---- what it offers --------------------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, int]:
        """(n, n)."""
        return (self.n, self.n)

    @property
    def nonzeros(self) -> int:
        """Stored entries (for an operator: an estimate of its cost, 8 a row)."""
        return len(self.data) if self.stored else 8 * self.n

    @property
    def default_rtol(self) -> float:
        """1e-6, and 1e-3 in float32, where nothing smaller can be promised."""
        return 1e-3 if self.eps > 1e-10 else 1e-6

    @property
    def default_steps(self) -> int:
        """10 n, as in SciPy, and at least 10,000: stationary methods need many."""
        return max(10_000, 10 * self.n)

    @property
    def product_seconds(self) -> float:
        """Modelled seconds of one product."""
        return product_seconds(self.n, self.nonzeros)

    @property
    def facts(self) -> dict[str, Any]:
        """What was found of this pattern so far; belongs to the Session."""
        facts: dict[str, Any] = self.memory.setdefault("facts", {})
        return facts

    def price(self) -> Cost:
        """Cost of the work so far, in products."""
        return self.work.price(_weights(self.n, self.nonzeros))

    def weight(self, name: str) -> float:
        """What one unit of that work costs, in products."""
        return _weights(self.n, self.nonzeros)[name]

    @property
    def estimate_key(self) -> tuple[Any, ...]:
        """Estimates are the same while this is: they depend on the pattern and what was found of it, never on values."""
        return (self.epoch, self.kind, len(self.symbolic))

    def estimate(self, method: Any) -> Cost | None:
        """What a set-up of ``method`` would cost here, from the cost table; None when it cannot tell."""
        guess = getattr(method, "estimate", None)
        return None if guess is None else guess(self)

    def diagonal(self) -> Any:
        """The diagonal of A as a new array; zeros where nothing is stored. Raises nothing."""
        self._vet()
        d = np.zeros(self.n, dtype=self.dtype)
        kernels.csr.diagonal(self.ip, self.ix, self.data, d)
        return d

    def transpose(self, b: Any) -> "LinearSystem":
        """The system with the transpose (not conjugated) of this matrix and another right-hand side.

        Parameters
        ----------
        b : array, shape (n,) or (n, k)

        Returns
        -------
        LinearSystem
            Which a Session solves with what it kept of this matrix.

        Examples
        --------
        >>> import numpy as np, resolvent as rv
        >>> session, A = rv.Session("direct", learners=[rv.Lifetime("factor")]), np.array([[2.0, 1.0], [0.0, 4.0]])
        >>> problem = rv.LinearSystem(A, np.ones(2))
        >>> forward, backward = session.solve(problem), session.solve(problem.transpose(np.array([2.0, 5.0])))
        >>> backward.x.tolist(), backward.work.get("factorizations", 0)
        ([1.0, 1.0], 0)
        """
        if self.transposed:
            return replace(self.base, b=b)  # type: ignore[attr-defined]
        return replace(self, b=b, transposed=True)

    def product(self, x: Any) -> Any:
        """A x as a new array, counted.

        Raises
        ------
        OperatorError
            When the user's operator raises or returns what it must not.
        """
        self.work.add("products")
        if not self.stored:
            return checks.call_operator(self.A, x, self.dtype)
        y = np.empty(self.n, dtype=self.dtype)
        if not self.vetted:
            self._vet()
        plan = self._runs() if len(self.data) >= kernels.csr.LARGE else None
        if plan is None:
            kernels.csr.spmv(self.ip, self.ix, self.data, x, y)
        else:
            kernels.csr.spmv_runs(plan, self.ip, self.ix, self.data, x, y)
        return y

    def _runs(self) -> Any:
        """The plan for products with a large matrix, kept with the pattern; None where it has no runs to speak of."""
        if "csr.runs" not in self.symbolic:
            plan = kernels.csr.runs(self.ip, self.ix, 8)
            inside = plan[plan[:, 2] > 0]
            self.symbolic["csr.runs"] = plan if 2 * (inside[:, 1] - inside[:, 0]).sum() > self.n else None
            self.work.add("symbolics", 0.2, "once")
        return self.symbolic["csr.runs"]

    def adjoint(self, y: Any) -> Any:
        """A^H y as a new array, counted.

        Raises
        ------
        OperatorError
            When the user's operator has no adjoint, raises or returns what it must not.
        """
        self.work.add("products")
        if not self.stored:
            return checks.call_operator(self.A, y, self.dtype, "rmatvec")
        x = np.zeros(self.n, dtype=self.dtype)
        if not self.vetted:
            self._vet()
        kernels.csr.scatter(self.ip, self.ix, self.data, y, x)
        return x

    def residual(self, x: Any) -> Any:
        """rhs - A x as a new array, counted; the part in the given null space taken off."""
        if self.stored:
            r = np.empty(self.n, dtype=self.dtype)
            if not self.vetted:
                self._vet()
            self.work.add("products")
            kernels.csr.residual(self.ip, self.ix, self.data, x, self.rhs, r)
        else:
            r = self.rhs - self.product(x)
        return self.project(r)

    def project(self, v: Any) -> Any:
        """v without its part in the given null space, in place."""
        if self.nullspace is not None:
            Z = self.kernel_basis
            v -= Z @ (Z.conj().T @ v)
        return v

    def start(self, x0: Any, carry: Mapping[str, Any], lent: bool = False) -> tuple[Any, Any, float]:
        """First iterate, its residual and the residual's norm, as arrays that may be overwritten (unless ``lent``).

        The slot ``residual`` belongs to x0 alone and saves the product.
        """
        if x0 is None:
            x, r = np.zeros(self.n, dtype=self.dtype), self.rhs
        else:
            x = x0 if lent and x0.dtype == self.dtype else np.array(x0, dtype=self.dtype, copy=True)
            r = carry.get("residual")
        if r is None:
            r = self.residual(x)
        elif not lent or self.nullspace is not None:
            r = self.project(r.copy())
        norm = math.sqrt(abs(np.vdot(r, r)))
        if x0 is not None and not norm < math.inf:  # a guess that overflows is none
            return self.start(None, {}, lent)
        return x, r, norm

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when A, b or a first guess holds NaN or inf."""
        if not math.isfinite(self.scale):
            return "b contains NaN or inf"
        if self.stored and not math.isfinite(self.frobenius):
            return "A contains NaN or inf"
        if x0 is not None and np.asarray(x0).dtype.kind in "fc" and not np.all(np.isfinite(x0)):
            return "x0 contains NaN or inf"
        return None

    # ---- after a solve ---------------------------------------------------------------------------------------------------

    def explain(
        self, status: Status, x: Any, best: Measure | None, why: str, seen: dict[str, Any]
    ) -> tuple[Status, str]:
        """Look closer at a solve that failed for good: not finite, inconsistent, indefinite."""
        return explain_failure(self, status, best, why, seen)

    def features(self) -> Any:
        """What ordering by similarity looks at: the context (of a field its low frequencies), or a sample of A and b."""
        if self.context is not None:
            context = np.asarray(self.context)
            if context.ndim >= 2:
                return low_frequencies(context)
            return np.atleast_1d(context.astype(float)).ravel()
        pieces = [self.data, self.b] if self.stored else [self.b]
        out = []
        for piece in pieces:
            flat = np.abs(np.asarray(piece)).ravel()
            out.append(flat[:: max(1, len(flat) // 256)][:256])
        return np.concatenate(out)
