"""What the Arnoldi methods share: a bound preconditioner, orthogonalisation against stored rows, the small problem.

    w <- w - V^H V w, again where rounding asks for it (classical Gram-Schmidt),    min_y || beta e_1 - H y ||

Basis vectors are the rows of one preallocated array, so that both passes are matrix-vector products on contiguous
memory in every array library. The small matrices live in NumPy, in double precision.

References: Giraud, Langou, Rozloznik and van den Eshof, Numer. Math. 101 (2005), for "twice is enough"; Saad and
Schultz, SIAM J. Sci. Stat. Comput. 7 (1986), section 3.2, for the small problem.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ...core import SetupError, Status
from ...operators.given import recipe_of
from .common import bound_of, needs_of

__all__ = [
    "Orthogonal",
    "Small",
    "applicable",
    "combined",
    "ended",
    "host",
    "inner",
    "rows",
    "size",
    "taken",
    "wide",
]


def taken(method: Any, flexible: bool) -> None:
    """Note the recipe of a method's preconditioner, and what it asks of the problem; called by ``__post_init__``.

    Raises
    ------
    ValueError
        When it is no preconditioner.
    """
    recipe = recipe_of(method.preconditioner, flexible)
    object.__setattr__(method, "_recipe", recipe)
    object.__setattr__(method, "needs", needs_of(recipe, frozenset()))


def applicable(recipe: Any, problem: Any, carry: Mapping[str, Any]) -> tuple[Any, bool]:
    """The preconditioner set up for this problem, or the one that was carried; whether it was carried.

    Raises
    ------
    SetupError
        When it cannot be set up, or cannot be applied to a vector.
    """
    bound, kept = bound_of(recipe, problem, carry)
    if bound is not None and not hasattr(bound, "apply"):
        raise SetupError(f"{type(recipe).__name__} is a preconditioner of CG only; use another one here")
    return bound, kept


def rows(like: Any, count: int) -> Any:
    """Room for ``count`` vectors of the kind of ``like``, one a row."""
    xp = array_namespace(like)
    return xp.empty((count, like.shape[0]), dtype=like.dtype, device=getattr(like, "device", None))


def host(a: Any) -> Any:
    """A small array of any library as a NumPy array in double precision."""
    if not isinstance(a, np.ndarray):
        try:
            a = np.from_dlpack(a)
        except (BufferError, RuntimeError, TypeError, AttributeError):
            a = np.asarray(a)
    return a.astype(np.result_type(a.dtype, np.float64), copy=False)


def wide(v: Any) -> Any:
    """The dtype of the small problems: float64 or complex128."""
    return host(v[:0]).dtype


def size(v: Any) -> float:
    """The 2-norm of a vector."""
    if isinstance(v, np.ndarray):
        return math.sqrt(abs(np.vdot(v, v)))
    xp = array_namespace(v)
    return float(xp.linalg.vector_norm(v))


def like(a: Any, v: Any) -> Any:
    """A small NumPy array in the library and dtype of ``v``; real where v is real."""
    if isinstance(v, np.ndarray):
        return a.astype(v.dtype, copy=False) if v.dtype.kind == "c" or a.dtype.kind != "c" else a.real.astype(v.dtype)
    xp = array_namespace(v)
    return xp.asarray(a, dtype=v.dtype, device=v.device)


def combined(y: Any, basis: Any) -> Any:
    """``sum_i y_i basis_i`` over the rows of ``basis``; y is (j,) or (k, j)."""
    return like(y, basis) @ basis


def inner(basis: Any, w: Any) -> Any:
    """``basis_i^H w`` for the rows of ``basis``; w is (n,) or (k, n), the result (j,) or (j, k)."""
    if isinstance(w, np.ndarray):
        right = w if w.ndim == 1 else w.T
        return basis @ right if w.dtype.kind == "f" else np.conj(basis @ np.conj(right))
    xp = array_namespace(w)
    right = w if w.ndim == 1 else w.T
    return basis @ right if xp.isdtype(w.dtype, "real floating") else xp.conj(basis @ xp.conj(right))


class Orthogonal:
    """Orthogonalisation against stored rows, with running estimates of what rounding has lost between each two of them.

    One pass of classical Gram-Schmidt turns losses of mean square E between the rows into ``E |h|^2 / norm^2`` for the new
    one, signs taken for random. A second pass repairs it, and is made where an estimate passes ``LOST``, and once more for
    the next vector, because a recurrence reads two. The Arnoldi relation holds to rounding in any case; the loss enters the
    residual's estimate as a relative error of that size.

    Parameters
    ----------
    eps : float
        Of the dtype.
    most : int
        Rows at most.
    """

    LOST = 1e-8

    def __init__(self, eps: float, most: int) -> None:
        self.eps = eps
        self.limit = max(self.LOST, 1e3 * eps)
        self.E = np.full((most, most), (8 * eps) ** 2)
        self.again = False
        self.lost = eps  # the most that is estimated to be left
        self.loss, self.said = np.empty(most), np.zeros(7)  # for the kernel: estimates of a new vector, its answers
        self._h: Any = None

    def scratch(self, dtype: Any) -> Any:
        """Room for the coefficients of a vector."""
        if self._h is None:
            self._h = np.empty(len(self.loss), dtype)
        return self._h

    def __call__(self, problem: Any, basis: Any, w: Any) -> tuple[Any, Any, float, float]:
        """``w`` (overwritten) less its part in the rows, the coefficients, its norm, and its norm before."""
        count = basis.shape[0]
        before = size(w)
        h = inner(basis, w)
        w -= h @ basis
        norm = size(w)
        h = host(h)
        size2 = h.real**2 if h.dtype.kind == "f" else h.real**2 + h.imag**2
        loss = self.E[:count, :count] @ size2
        loss *= 1.0 / max(norm * norm, 1e-300)
        loss += (8 * self.eps) ** 2
        passes = 2
        if self.again or not loss.max() <= self.limit**2:
            more = inner(basis, w)
            w -= more @ basis
            h = h + host(more)
            norm = size(w)
            self.again, passes = not self.again, 4
            loss[:] = (8 * self.eps) ** 2
        self.lost = max(self.lost, math.sqrt(loss.max()))
        if count < len(self.E):
            self.E[count, :count] = self.E[:count, count] = loss
        problem.work.add("basis", passes * count)
        problem.work.add("passes", 2 + passes // 2)
        return w, h, norm, before


class Small:
    """``min_y || beta e_1 - H y ||`` by rotations, one column at a time; H is Hessenberg.

    Parameters
    ----------
    steps : int
        Columns at most.
    beta : float
        Norm of the first residual.
    dtype : dtype
        float64 or complex128.

    Attributes
    ----------
    H : ndarray, shape (steps + 1, steps)
    j : int
        Columns so far.

    Examples
    --------
    >>> import numpy as np
    >>> small = Small(2, 1.0, np.float64)
    >>> round(small.append(np.array([1.0]), 1.0), 9), small.append(np.array([1.0, 2.0]), 0.0)
    (0.707106781, 0.0)
    >>> small.solve().round(9)
    array([ 2., -1.])
    """

    def __init__(self, steps: int, beta: float, dtype: Any) -> None:
        self.H = np.zeros((steps + 1, steps), dtype)
        self.R = np.zeros((steps, steps), dtype)
        self.Q = np.eye(steps + 1, dtype=dtype)
        self.g = np.zeros(steps + 1, dtype)
        self.g[0] = beta
        self.j = 0
        self.singular = False

    def append(self, h: Any, below: float) -> float:
        """Enter the column ``h`` with ``below`` under the diagonal; the new least residual.

        ``singular`` is set, and the column left out of the solution, where the rotated diagonal vanishes.
        """
        j, Q, g = self.j, self.Q, self.g
        self.H[: j + 1, j] = h
        self.H[j + 1, j] = below
        column = Q[: j + 1, : j + 1] @ h
        a = column[j]
        length = math.sqrt(abs(a) ** 2 + below * below)
        reach = math.sqrt(float(np.vdot(h, h).real) + below * below)
        if not length > 1e-14 * reach:
            self.singular = True
            return float(abs(g[j]))
        column[j] = length
        self.R[: j + 1, j] = column
        c, s = np.conj(a) / length, below / length
        row = Q[j].copy()
        Q[j] *= c
        Q[j, j + 1] = s
        Q[j + 1] = -s * row
        Q[j + 1, j + 1] = np.conj(c)
        g[j + 1] = -s * g[j]
        g[j] *= c
        self.j = j + 1
        return float(abs(g[j + 1]))

    def solve(self) -> Any:
        """The minimiser y, shape (j,)."""
        j = self.j
        if j == 0:
            return np.zeros(0, self.R.dtype)
        with np.errstate(all="ignore"):
            return np.linalg.solve(self.R[:j, :j], self.g[:j])

    def left(self) -> Any:
        """``beta e_1 - H y`` for the minimiser y, shape (j + 1,)."""
        j = self.j
        return np.conj(self.Q[j, : j + 1]) * self.g[j]


def ended(small: Small, norm: float, before: float) -> tuple[Status, str] | None:
    """Whether the Krylov space is exhausted after the last column: a status and a sentence where nothing can be gained."""
    if not (math.isfinite(norm) and math.isfinite(before)):
        return Status.NONFINITE, "a value that is not finite appeared in the Krylov space"
    if small.singular:
        return Status.BREAKDOWN, (
            "the Krylov space cannot be enlarged and A is singular on it (an unlucky breakdown): another first guess "
            "or another method may help"
        )
    return None
