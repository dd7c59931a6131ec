"""Randomised sketch-and-project for A x = b.

    x += A^H S (S^H A A^H S)^+ S^H (b - A x),   S drawn anew at each sketch step:
    rows   S = e_i,  i with probability ||a_i||^2 / ||A||_F^2  (Kaczmarz)
    block  S = some ``size`` columns of the identity, drawn by the same norms
    gauss  S = ``size`` Gaussian vectors

A sketch step is a projection: the error || x - x* || never grows, whatever is drawn. An iteration is a pass of n rows
(rows, block: n/size blocks), or one Gaussian sketch. Step: about 2.5 products (rows), ``size`` products with the adjoint
(gauss), a small dense solve a block (block); the true residual, one product, is examined every ``look`` iterations at
most, sooner where the rate seen so far foretells the end. Memory: x, and row norms; 3 ``size`` n-vectors more (gauss).
Leaves ``residual``, as examined.
The expected rate is 1 - sigma_min^2 / ||A||_F^2 a sketch step, so on ill-conditioned matrices this is hopeless beside
CG, MINRES or GMRES; it is for systems whose rows are cheap and near to orthogonal, and for inexact Newton steps that
need one digit (``Accuracy``).

Reference: Strohmer and Vershynin, J. Fourier Anal. Appl. 15 (2009), algorithm 1; Gower and Richtarik, SIAM J. Matrix
Anal. Appl. 36 (2015), section 2; Hong, Na, Mahoney and Kolar, ICML 2023 (arXiv 2305.18379), algorithm 1.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy.sparse as sp
from array_api_compat import array_namespace, device

from ... import kernels
from ...core import Cost, Residual, State, Status
from ..krylov.common import small

__all__ = ["Accuracy", "SketchProject"]


class SketchState(State):
    """The iterate, the generator, and what is drawn from."""

    x: Any
    rng: Any
    inverse: Any
    table: Any
    matrix: Any
    gap: int


@dataclass(frozen=True)
class SketchProject:
    """Randomised sketch-and-project.

    Parameters
    ----------
    kind : {"rows", "block", "gauss"}
    size : int, optional
        Rows of a block, about the square root of n by default; Gaussian vectors of a sketch, one by default.
    seed : int, default 0
    look : int, default 32
        Iterations between two examinations of the residual, at most.

    References
    ----------
    T. Strohmer and R. Vershynin, J. Fourier Anal. Appl. 15 (2009) 262-278, algorithm 1.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.eye(20) + 0.1 * np.diag(np.ones(19), 1)
    >>> rv.solve(rv.LinearSystem(A, np.ones(20)), rv.SketchProject("rows"), rtol=1e-8).ok
    True
    """

    kind: str = "rows"
    size: int | None = None
    seed: int = 0
    look: int = 32

    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.kind not in ("rows", "block", "gauss"):
            raise ValueError(f'kind={self.kind!r} was given; "rows", "block" or "gauss" is expected')
        for name, value in (("size", 1 if self.size is None else self.size), ("look", self.look)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name}={value!r} was given; a whole number of at least 1 is expected")
        needs = {"products", "adjoint"} if self.kind == "gauss" else {"products", "entries"}
        object.__setattr__(self, "needs", frozenset(needs))

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> SketchState:
        """The state at x0, and the rows' norms."""
        state = SketchState()
        state.x, _, state.seen["residual"] = problem.start(x0, carry)
        state.rng = np.random.default_rng(self.seed)
        state.gap = 1
        if self.kind != "gauss":
            norms = np.empty(problem.n)
            kernels.sketch.row_norms(problem.ip, problem.ix, problem.data, norms)
            problem.work.add("products", 0.5, "setup")
            with np.errstate(divide="ignore"):
                inverse = np.where(norms > 0, 1.0 / norms, 0.0)
            state.inverse = inverse.astype(state.x.real.dtype)
            state.table = np.empty(problem.n), np.empty(problem.n, dtype=np.int64)
            kernels.sketch.alias(norms, *state.table)
        if self.kind == "block":
            signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
            parts = (problem.data, problem.ix.view(signed), problem.ip.view(signed))
            state.matrix = sp.csr_array(parts, shape=problem.shape)
        return state

    def step(self, problem: Any, state: SketchState) -> None:
        """Iterations up to the next examination of the true residual."""
        count = state.gap if state.room is None else max(1, min(state.gap, state.room))
        before = state.seen["residual"]
        sketch = {"rows": self._rows, "block": self._block, "gauss": self._gauss}[self.kind]
        with np.errstate(all="ignore"):
            for _ in range(count):
                sketch(problem, state)
                state.k += 1
            r = problem.residual(state.x)
            now = math.sqrt(abs(complex(array_namespace(r).vecdot(r, r))))
        problem.work.add("calls")
        state.seen["residual"] = now
        if not math.isfinite(now):
            state.status, state.reason = Status.NONFINITE, "a value that is not finite appeared in a projection"
        state.gap = self._foreseen(count, before, now, state.goal)

    def _foreseen(self, count: int, before: float, now: float, goal: float | None) -> int:
        """Half of the iterations that the rate just seen would need, at most ``look``."""
        if not goal or goal <= 0.0:
            return self.look
        if not 0.0 < now < before:  # residuals may grow where errors do not
            return min(self.look, 2 * count)
        left = count * math.log(max(now / goal, 1.0)) / math.log(before / now)
        return max(1, min(self.look, int(left / 2) if left < 1e9 else self.look))

    def _drawn(self, state: SketchState, count: int) -> Any:
        """Rows with probabilities by their squared norms."""
        order = np.empty(count, dtype=np.int64)
        kernels.sketch.draw(*state.table, state.rng.random(count), order)
        return order

    def _rows(self, problem: Any, state: SketchState) -> None:
        order = self._drawn(state, problem.n)
        kernels.sketch.rows(problem.ip, problem.ix, problem.data, state.inverse, problem.rhs, state.x, order)
        problem.work.add("projections")

    def _block(self, problem: Any, state: SketchState) -> None:
        n = problem.n
        size = min(n, self.size or max(2, math.isqrt(n)))
        for _ in range(-(-n // size)):
            rows = np.unique(self._drawn(state, size))
            A = state.matrix[rows]
            gram = (A @ A.conj().T).toarray()
            y = _solved(gram, problem.rhs[rows] - A @ state.x)
            state.x += A.conj().T @ y.astype(state.x.dtype)
            problem.work.add("dense_flops", 10.0 * len(rows) ** 3)
            problem.work.add("calls", 8)
        problem.work.add("projections")

    def _gauss(self, problem: Any, state: SketchState) -> None:
        size, xp = min(problem.n, self.size or 1), array_namespace(state.x)
        V = state.rng.standard_normal((size, problem.n))
        if problem.dtype.kind == "c":
            V = V + 1j * state.rng.standard_normal((size, problem.n))
        V = xp.asarray(V, dtype=state.x.dtype, device=device(state.x))
        W = xp.stack([problem.adjoint(V[j, :]) for j in range(size)])  # rows: A^H v
        turned = xp.conj(W) if problem.dtype.kind == "c" else W
        gap = xp.matmul(xp.conj(V) if problem.dtype.kind == "c" else V, problem.rhs) - xp.matmul(turned, state.x)
        gram = small(xp.matmul(turned, W.T))
        y = _solved(gram, small(gap))
        state.x = state.x + xp.matmul(xp.asarray(y.tolist(), dtype=state.x.dtype, device=device(state.x)), W)
        problem.work.add("passes", 8 * size + 2 * size**2)
        problem.work.add("calls", 8)

    def solution(self, problem: Any, state: SketchState) -> Any:
        """The iterate, a copy."""
        return state.x + 0.0

    def harvest(self, problem: Any, state: SketchState) -> dict[str, Any]:
        """Nothing that another matrix could use."""
        return {}

    def estimate(self, problem: Any) -> Cost:
        """What one iteration costs as ``running``."""
        if self.kind == "gauss":
            each = 1.0 + 8 * problem.weight("passes")
            return Cost(0.0, 0.0, (self.size or 1) * each + 8 * problem.weight("calls"))
        return Cost(0.0, 0.5, problem.weight("projections"))


def _solved(gram: Any, gap: Any) -> Any:
    """The shortest y with ``gram y = gap`` in the sense of least squares.

    Raises
    ------
    FloatingPointError
        For what is not finite, of which LAPACK would complain on stdout.
    """
    if not (np.all(np.isfinite(gram)) and np.all(np.isfinite(gap))):
        raise FloatingPointError("a value that is not finite appeared in a projection")
    return np.linalg.lstsq(gram, gap, rcond=None)[0]


@dataclass(frozen=True)
class Accuracy:
    """How well an inner system K z = rhs of an inexact Newton method must be solved, adapted by a descent test.

    ``z`` is accepted where ``||K||_F psi ||K z - rhs|| <= theta delta optimality``. Where the step then is no descent
    direction, ``tightened()`` asks for more, and the same inner iterate is gone on from.

    Parameters
    ----------
    theta : float, default 1.0
        Below 1 and falling, the outer method is superlinear.
    delta : float, default 0.1
    nu : float, default 1.5
        A refusal divides delta by ``nu^4``.
    least : float, default 1e-6
        delta falls no lower.

    References
    ----------
    Hong, Na, Mahoney and Kolar, ICML 2023 (arXiv 2305.18379), algorithm 1.

    Examples
    --------
    >>> from resolvent.methods.stationary.sketch import Accuracy
    >>> Accuracy(delta=0.2).bound(frobenius=10.0, psi=2.0, optimality=5.0)
    0.05
    >>> Accuracy().tightened().delta < 0.1
    True
    """

    theta: float = 1.0
    delta: float = 0.1
    nu: float = 1.5
    least: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("theta", "delta", "least"):
            if not 0.0 < getattr(self, name) < math.inf:
                raise ValueError(f"{name}={getattr(self, name)!r} was given; a positive number is expected")
        if not self.nu > 1.0:
            raise ValueError(f"nu={self.nu!r} was given; a number above 1 is expected")

    def bound(self, frobenius: float, psi: float, optimality: float) -> float:
        """The residual of the inner system that is small enough."""
        return self.theta * self.delta * optimality / (frobenius * psi)

    def rule(self, frobenius: float, psi: float, optimality: float) -> Residual:
        """The same as a stop rule for ``rv.solve(..., stop=...)``."""
        return Residual(0.0, self.bound(frobenius, psi, optimality))

    def tightened(self) -> "Accuracy":
        """After a step that was refused."""
        return replace(self, delta=max(self.least, self.delta / self.nu**4))
