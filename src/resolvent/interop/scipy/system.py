"""A system as SciPy's callers give it: integers, lists, (n, 1), ``x0="Mb"``, ``A.psolve``; and the judge of an answer.

    info = 0   if and only if   ||b - A x|| <= max(rtol ||b||, atol),   b - A x recomputed

The measure is that of `LinearSystem`. A product that a solver made at the very x it returned is not made twice.
"""

import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator

from ...core import Result, Status
from ...core.loop import drive
from ...core.stopping import Standard
from ...operators.given import Given
from ...problems import LinearSystem
from ...problems.checks import ldexp

__all__ = ["Face", "Shown", "check_atol"]

_LARGEST = sys.float_info.max
_SMALL = 256  # dense matrices up to here are walked by the fused kernels, larger ones by BLAS


class Watch:
    """An operator that remembers its last product, and what the user's code raised."""

    def __init__(self, A: Any, dtype: Any) -> None:
        self.A, self.shape, self.dtype = A, A.shape, dtype
        self.x: Any = None
        self.y: Any = None
        self.error: BaseException | None = None

    def matvec(self, x: Any) -> Any:
        """A x, from memory where the last product was at this very x."""
        if self.x is not None and self.x.dtype == x.dtype and np.array_equal(self.x, x):
            return self.y
        kept, self.x = x.copy(), None
        try:
            y = self.A.matvec(x)
        except BaseException as error:
            self.error = error
            raise
        self.x, self.y = kept, y
        return y

    def rmatvec(self, x: Any) -> Any:
        """A' x."""
        return self.A.rmatvec(x)


class Dense:
    """A dense matrix as an operator: BLAS is faster on it than any sparse kernel."""

    def __init__(self, A: Any) -> None:
        self.A, self.shape, self.dtype = A, A.shape, A.dtype

    def matvec(self, x: Any) -> Any:
        """A x."""
        return self.A @ x

    def rmatvec(self, x: Any) -> Any:
        """A' x."""
        return self.A.conj().T @ x


class Asked(LinearSystem):
    """A system whose failed solves are not looked into: SciPy's number says no more than that they failed."""

    def explain(self, status: Any, x: Any, best: Any, why: str, seen: Any) -> Any:
        """As it ended."""
        return status, why


class _Limit(Standard):
    """``max(rtol * scale, atol)``, finite even when infinity was asked for."""

    def threshold(self, problem: Any) -> float:
        """As `Standard`, at most the largest number."""
        return min(super().threshold(problem), _LARGEST)

    goal = threshold


class Shown:
    """SciPy's ``callback(xk)`` as a recorder."""

    each = True

    def __init__(self, call: Callable[[Any], Any], face: "Face") -> None:
        self.call, self.face, self.method = call, face, None
        self.error: BaseException | None = None

    def begin(self, problem: Any, method: Any, state: Any) -> None:
        """Nothing to see yet."""
        self.method = method

    def step(self, problem: Any, state: Any) -> None:
        """Show the iterate."""
        try:
            self.show(problem, state)
        except BaseException as error:
            self.error = error
            raise

    def show(self, problem: Any, state: Any) -> None:
        """What is shown after one iteration."""
        self.call(self.face.outer(self.method.solution(problem, state)))

    def end(self, problem: Any, result: Any) -> None:
        """Nothing left to see."""


def check_atol(name: str, atol: Any) -> float:
    """atol as SciPy accepts it.

    Raises
    ------
    ValueError
        None, a word, or a negative number.
    """
    if atol is None or isinstance(atol, str) or not float(atol) >= 0.0:
        raise ValueError(f"{name} was called with atol={atol!r}; a number that is not negative is expected")
    return float(atol)


def _inexact(dtype: Any) -> Any:
    """float32, float64, complex64, complex128 stay; everything else becomes float64, as in SciPy."""
    char = "d" if dtype is None else np.dtype(dtype).char
    return np.dtype(char if char in "fdFD" else "d")


class Face:
    """One call: the problem, the preconditioner, the first guess, the rule.

    Parameters
    ----------
    A, b, x0, M
        As SciPy takes them.
    rtol, atol : float
    maxiter : int
    shift : float, optional
        Of minres: the system is ``(A - shift I) x = b``.
    stored : bool
        Whether the entries of a sparse matrix are walked by our kernels, or SciPy's products are asked for.
    """

    def __init__(
        self,
        A: Any,
        b: Any,
        x0: Any,
        M: Any,
        rtol: float,
        atol: float,
        maxiter: int | None,
        default: Callable[[int], int] = lambda n: 10 * n,
        shift: float = 0.0,
        stored: bool = True,
    ) -> None:
        operator = aslinearoperator(A)
        n = operator.shape[0]
        if operator.shape != (n, n):
            raise ValueError(f"A has shape {operator.shape}; a square matrix is expected")
        b = np.asanyarray(b)
        if b.shape not in ((n,), (n, 1)):
            raise ValueError(f"b has shape {b.shape}; ({n},) or ({n}, 1) is expected for A of shape {operator.shape}")
        b = np.asarray(b).astype(_inexact(b.dtype), copy=False).ravel()
        self.n, self.A, self.operator = n, A, operator
        self.M = self._preconditioner(A, M)
        self.watch: Watch | None = None
        self.problem = Asked(self._matrix(A, shift, stored), b)
        self.problem.__dict__["_trusted"] = True  # an operator is asked for A x, not whether it is linear
        self.x0 = self._guess(x0, b)
        #: what a solver of SciPy's is given: zeros that were given stay, and cost it the product they cost in SciPy
        self.first = self.zero() if self.x0 is None and x0 is not None else self.x0
        self.carry: dict[str, Any] = {}
        self.reached: Any = None
        self.rtol, self.atol = float(rtol), atol
        self.maxiter = default(n) if maxiter is None else int(maxiter)

    def _matrix(self, A: Any, shift: float, stored: bool) -> Any:
        """What the problem is made of: stored entries where they are sparse, else an operator."""
        dtype = _inexact(self.operator.dtype)
        small = isinstance(A, np.ndarray) and self.n <= _SMALL
        if stored and (small or sp.issparse(A)):
            A = A if A.dtype == dtype else A.astype(dtype)
            A = _rows_of(A) if small else A
            return A if not shift else A - dtype.type(shift) * sp.eye_array(self.n, dtype=dtype)
        inner = Dense(np.asarray(A).astype(dtype, copy=False)) if isinstance(A, np.ndarray) else self.operator
        self.watch = Watch(_Shifted(inner, shift) if shift else inner, dtype)
        return self.watch

    def _preconditioner(self, A: Any, M: Any) -> Any:
        if M is None:
            if not (hasattr(A, "psolve") or hasattr(A, "rpsolve")):
                return None
            return _Psolve(A)
        M = aslinearoperator(M)
        if M.shape != self.operator.shape:
            raise ValueError(f"A has shape {self.operator.shape} and M {M.shape}; they must agree")
        return M

    def _guess(self, x0: Any, b: Any) -> Any:
        """x0 in the problem's unit; None for zeros."""
        if x0 is None:
            return None
        if isinstance(x0, str):
            if x0 != "Mb":
                raise ValueError(f"x0={x0!r} was given; an array, None or 'Mb' is expected")
            x0 = b if self.M is None else np.asarray(self.M.matvec(b.copy())).ravel()
        x0 = np.asarray(x0)
        if x0.shape not in ((self.n,), (self.n, 1)):
            raise ValueError(f"x0 has shape {x0.shape}; ({self.n},) or ({self.n}, 1) is expected")
        return self.problem.enter(x0.ravel()) if x0.any() else None

    @property
    def recipe(self) -> Given | None:
        """M for a method of ours."""
        return None if self.M is None else Given(self.M)

    @property
    def tolerance(self) -> float:
        """In the problem's unit, finite."""
        return self.rule().threshold(self.problem)

    def rule(self, steps: int | None = None) -> _Limit:
        """The stop rule of this call."""
        return _Limit(self.rtol, self.atol, self.maxiter if steps is None else steps)

    def outer(self, x: Any) -> Any:
        """x in the user's unit, and of the dtype of the system."""
        return ldexp(np.asarray(x).astype(self.problem.dtype, copy=False), -self.problem.shift)

    def zero(self) -> Any:
        """The answer to a zero right-hand side."""
        return np.zeros(self.n, dtype=self.problem.dtype)

    def known(self) -> Any:
        """``(x, info)`` where nothing is to be done: b is zero, or no iteration is allowed; else None."""
        if self.problem.scale == 0.0:
            return self.zero(), 0
        if self.maxiter > 0:
            return None
        x = self.zero() if self.x0 is None else self.x0
        return self.outer(x), 0 if self.problem.measure(x).residual <= self.tolerance else 1

    # ---- the two ways to an answer ---------------------------------------------------------------------------------

    def own(self, method: Any, callback: Any = None, steps: int | None = None, look: Any = Shown) -> Result:
        """Run a method of ours through the one loop."""
        recorders = () if callback is None else (look(callback, self),)
        self.reached = None
        result = drive(self.problem, method, self.rule(steps), x0=self.x0, carry=self.carry, recorders=recorders)
        self.reached = result.x
        raised = [r.error for r in (*recorders, self.watch) if r is not None and r.error is not None]
        if raised:
            raise raised[0]
        if result.status in (Status.ERROR, Status.SETUP):
            raise ValueError(result.reason)
        if result.status == Status.INTERRUPTED:
            raise KeyboardInterrupt(result.reason)
        self.problem.leave(result)
        return result

    def go_on(self, result: Result) -> None:
        """Let the next run begin where the last one ended, with its measured residual."""
        self.x0, self.carry = self.reached, {"residual": result.carry["residual"]}

    def info(self, result: Result) -> int:
        """SciPy's number for how a solve of ours ended."""
        if result.ok:
            return 0
        if result.status == Status.BUDGET:
            return max(1, self.maxiter)
        return -10 if result.status == Status.BREAKDOWN else max(1, result.steps)

    def lent(self, solver: Callable[..., Any], callback: Any, start: Any = None, done: int = 0, **options: Any) -> Any:
        """Run a solver of SciPy's, measure, and go on from there where the measure does not agree.

        Returns
        -------
        x : ndarray, shape (n,)
        info : int
        """
        x, count, residual = self.first if start is None else start, done, np.inf
        M = {} if self.M is None or isinstance(self.M, _Psolve) else {"M": self.M}

        def each(iterate: Any) -> None:
            nonlocal count
            count += 1
            if callback is not None:
                callback(self.outer(iterate))

        while True:
            left = self.maxiter - count
            options["maxiter"] = max(left, 0)
            x, info = solver(self._lendable(), self.problem.rhs, x0=x, callback=each, **M, **options)
            before, residual = residual, self.problem.measure(x).residual
            if info != 0:  # its own word for where it was stopped, even if the last step did it
                return self.outer(x), info if info < 0 or start is None else max(1, count)
            if residual <= self.tolerance:
                return self.outer(x), 0
            if not residual < 0.5 * before or count >= self.maxiter:
                return self.outer(x), max(1, count)

    def lent_minres(self, solver: Any, callback: Any, **options: Any) -> Any:
        """SciPy's minres, again and again with a smaller tolerance until the residual says so."""
        x, count, residual, rtol = self.x0, 0, np.inf, self.rtol
        M = {} if self.M is None or isinstance(self.M, _Psolve) else {"M": self.M}

        def each(iterate: Any) -> None:
            nonlocal count
            count += 1
            if callback is not None:
                callback(self.outer(iterate))

        while True:
            left = max(0, self.maxiter - count)
            x, _ = solver(
                self._lendable(), self.problem.rhs, x0=x, rtol=rtol, maxiter=left, callback=each, **M, **options
            )
            before, residual = residual, self.problem.measure(x).residual
            if residual <= self.tolerance:
                return self.outer(x), 0
            if count >= self.maxiter or (rtol < 1e-18 and not residual < 0.5 * before):
                return self.outer(x), max(1, count)
            rtol *= 1e-2

    def _lendable(self) -> Any:
        """A for SciPy, with the product remembered where it is an operator's."""
        if self.watch is None:  # cg, where it goes on with SciPy's
            return self.A
        lent = aslinearoperator(self.watch)
        for name in ("psolve", "rpsolve"):
            if hasattr(self.A, name):
                setattr(lent, name, getattr(self.A, name))
        return lent


def _rows_of(A: Any) -> sp.csr_array:
    """A dense matrix as CSR with every entry stored; the entries are not copied where they lie in C order."""
    n = A.shape[0]
    indices, indptr = np.tile(np.arange(n, dtype=np.int32), n), np.arange(0, n * n + 1, n, dtype=np.int32)
    return sp.csr_array((np.asarray(A).ravel(), indices, indptr), shape=A.shape)


class _Shifted:
    """A - shift I."""

    def __init__(self, A: Any, shift: float) -> None:
        self.A, self.shape, self.dtype, self.shift = A, A.shape, A.dtype, shift

    def matvec(self, x: Any) -> Any:
        """A x - shift x."""
        return self.A.matvec(x) - self.shift * x


class _Psolve:
    """The older way to say M: ``A.psolve`` and ``A.rpsolve``."""

    def __init__(self, A: Any) -> None:
        self.shape = A.shape
        self.matvec = getattr(A, "psolve", lambda r: r)
        self.rmatvec = getattr(A, "rpsolve", lambda r: r)
