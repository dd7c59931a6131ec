"""Minimal residuals with a recycled space, for A x = b with A Hermitian, definite or not.

    A U = C,  C^H M^-1 C = I,    (I - C C^H M^-1) A P_j = V_{j+1} T_j  (three terms),  P = M^-1 V,  B = C^H M^-1 A P_j
    x = x_0 + U C^H M^-1 r_0 + P_j y - U B y,    y = argmin || beta e_1 - T_j y ||,    V^H M^-1 V = I

The iteration needs V one vector at a time, and B y as a short recurrence of k numbers. The first 2 k + 8 Lanczos vectors are
kept, and the k harmonic Ritz vectors of least |theta| over them and U are left in the slot ``space``; a carried space costs k
products for C = A U, none where A is the same.

M is Hermitian positive definite, whatever A is; with M = L L^H these are the plain formulas for L^-1 A L^-H. What is left in
the slot has images that are orthonormal as they stand, so that it outlives M.

Step: one product, one application of M, 10 vector passes (13), 2 k passes over C. Memory: 4 k + 16 n-vectors (7 k + 28).
Leaves ``residual``, the 2-norm, from the recurrence. Not for matrices that are not Hermitian (GCRODR), nor for definite ones
whose CG has a good preconditioner.

Reference: Wang, de Sturler and Paulino, Internat. J. Numer. Methods Engrg. 69 (2007), algorithm 1; the recurrence: Paige
and Saunders, SIAM J. Numer. Anal. 12 (1975).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, SetupError, State, Status
from ...operators.engines import applied
from ...operators.given import recipe_of
from ...operators.space import Space
from .arnoldi import combined, host, inner, rows, size, wide
from .common import bound_of
from .images import begins, taken_over
from .ritz import chosen

__all__ = ["RMINRES"]


class RMINRESState(State):
    """Iterate, space and images, the last two Lanczos vectors and directions, and the first Lanczos vectors."""

    x: Any
    r: Any
    U: Any
    C: Any
    waiting: Any
    v: Any
    before: Any
    d: Any
    e: Any
    z: Any
    turns: Any
    bound: Any
    p: Any
    P: Any
    D: Any
    phi: float
    beta: float
    V: Any
    T: Any
    B: Any
    j: int


@dataclass(frozen=True)
class RMINRES:
    """MINRES with a space recycled from solve to solve.

    Parameters
    ----------
    k : int, default 10
        Vectors left for the next solve.
    preconditioner : recipe or LinearOperator, optional
        Hermitian positive definite, as for ``rv.MINRES``: ``rv.Definite()``, ``rv.Jacobi()``; None for none.

    Raises
    ------
    ValueError
        For fewer than one vector, or what is no preconditioner.

    References
    ----------
    S. Wang, E. de Sturler and G. H. Paulino, Internat. J. Numer. Methods Engrg. 69 (2007) 2441-2468.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.diag(np.concatenate([[-1e-3, 1e-3, 2e-3], np.linspace(1, 2, 97)]))
    >>> session = rv.Session(rv.RMINRES(4), learners=[rv.Recycle(always=True)], rtol=1e-8)
    >>> steps = [session.solve(rv.LinearSystem(A, np.cos(np.arange(100.0) + t))).steps for t in range(4)]
    >>> steps[1] < 0.7 * steps[0]
    True
    """

    k: int = 10
    preconditioner: Any = None

    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not isinstance(self.k, int | np.integer) or isinstance(self.k, bool) or self.k < 1:
            raise ValueError(f"k={self.k!r} was given; a whole number of at least 1 is expected")
        recipe = recipe_of(self.preconditioner)
        object.__setattr__(self, "_recipe", recipe)
        object.__setattr__(self, "needs", frozenset({"symmetric"}) | getattr(recipe, "needs", frozenset()))

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> RMINRESState:
        """Begin at x0; the images of a carried space wait for the first step, unless they are known."""
        state = RMINRESState()
        state.x, state.r, norm = problem.start(x0, carry)
        state.U = state.C = state.D = state.waiting = state.v = None
        state.bound, _ = bound_of(self._recipe, problem, carry) if norm else (None, False)  # type: ignore[attr-defined]
        if state.bound is not None and not hasattr(state.bound, "apply"):
            raise SetupError(f"{type(self.preconditioner).__name__} cannot be applied; use another preconditioner here")
        state.seen["residual"] = norm
        state.j = 0
        space = carry.get("space")
        if norm and space is not None and space.suits(state.r):
            state.waiting = space.cut(max(1, problem.n // 2))
            if not state.waiting.size:
                state.waiting = None
            elif space.images(problem) is not None:
                self._enter(problem, state)
        return state

    def _enter(self, problem: Any, state: RMINRESState) -> None:
        """Images of the carried space, and x and r with the residual's part in them taken off."""
        found, state.waiting = taken_over(problem, state.waiting), None
        if found is None:
            return
        C, U = found
        state.D = C
        if state.bound is not None:
            D = rows(state.r, C.shape[0])
            for i in range(C.shape[0]):
                D[i, :] = _preconditioned(problem, state, C[i, :])
            mix = _whitened(inner(C, D))
            if mix is None:
                return
            C, U, state.D = combined(mix, C), combined(mix, U), combined(mix, D)
        state.C, state.U = C, U
        c = inner(state.D, state.r)
        state.x = state.x + c @ U
        state.r = state.r - c @ C
        problem.work.add("basis", 3 * C.shape[0])
        state.seen["residual"] = size(state.r)

    def _begin(self, problem: Any, state: RMINRESState) -> bool:
        """The first Lanczos vector."""
        z = _preconditioned(problem, state, state.r)
        beta = size(state.r) if state.bound is None else _root(state, state.r, z)
        if state.status != Status.RUNNING or not begins(state, beta):
            return False
        k = 0 if state.C is None else state.C.shape[0]
        most = min(2 * self.k + 8, problem.n)
        dtype = wide(state.r)
        state.v, state.before, state.beta, state.phi = state.r * (1.0 / beta), state.r * 0.0, 0.0, beta
        state.d, state.e, state.z = (
            (state.before, state.before),
            (np.zeros(k, dtype), np.zeros(k, dtype)),
            np.zeros(k, dtype),
        )
        state.turns = ((1.0, 0.0), (1.0, 0.0))
        state.V, state.T, state.B = (
            rows(state.r, most + 1),
            np.zeros((most + 1, most), dtype),
            np.zeros((k, most), dtype),
        )
        state.V[0, :], state.j = state.v, 0
        state.p, state.P = state.v, state.V
        if state.bound is not None:
            state.p, state.P = z * (1.0 / beta), rows(state.r, most + 1)
            state.P[0, :] = state.p
        return True

    def step(self, problem: Any, state: RMINRESState) -> None:
        """One Lanczos step; the first also makes the images of a carried space."""
        if state.waiting is not None:
            self._enter(problem, state)
            if state.goal is not None and state.seen["residual"] <= state.goal:
                state.k += 1
                return
        if state.v is None and not self._begin(problem, state):
            return
        with np.errstate(all="ignore"):  # what overflows is found by looking at it
            v, w = state.v, problem.product(state.p)
            reach = size(w)
            b = np.zeros(0)
            if state.C is not None:
                c = inner(state.D, w)
                w -= c @ state.C
                b = host(c)
            alpha = float(host(inner(state.p[None, :], w))[0].real)
            w -= alpha * v + state.beta * state.before
            z, after = w, size(w)
            if state.bound is not None:
                z = _preconditioned(problem, state, w)
                after = 0.0 if after <= 4 * problem.eps * reach else _root(state, w, z)
                reach = abs(alpha) + state.beta + after
                problem.work.add("passes", 3)
                if state.status != Status.RUNNING:
                    return
            problem.work.add("passes", 10)
            problem.work.add("basis", 2 * len(b))
            problem.work.add("calls")
            if not (math.isfinite(alpha) and math.isfinite(after)):
                state.status, state.reason = (
                    Status.NONFINITE,
                    "a value that is not finite appeared in the Lanczos recurrence",
                )
                return
            if after <= 4 * problem.eps * reach:
                after = 0.0
            self._turn(problem, state, alpha, after, b)
            if state.status != Status.RUNNING:
                return
            state.before, state.beta = v, after
            state.v = w * (1.0 / after) if after > 0.0 else None
            if state.bound is None or state.v is None:
                state.p = state.v
            else:
                state.p = z * (1.0 / after)
                c1, s1 = state.turns[1]
                state.r = (s1 * s1) * state.r + (state.phi * c1) * state.v
                state.seen["residual"] = size(state.r)
            self._keep(state, alpha, after, b)
        if after == 0.0:  # an invariant space: what is left is rounding
            state.x, state.z = state.x - self._back(state), state.z * 0
            state.r = problem.residual(state.x)

    def _turn(self, problem: Any, state: RMINRESState, alpha: float, after: float, b: Any) -> None:
        """The rotation of this column, and the step of x along its direction."""
        (c2, s2), (c1, s1) = state.turns
        r3, t = s2 * state.beta, c2 * state.beta
        r2, g = c1 * t + s1 * alpha, c1 * alpha - s1 * t
        r1 = math.sqrt(g * g + after * after)
        if not r1 > 1e-14 * (abs(alpha) + state.beta + after):
            state.status = Status.BREAKDOWN
            state.reason = "the Krylov space cannot be enlarged and A is singular on it (an unlucky breakdown)"
            return
        c, s = g / r1, after / r1
        tau, state.phi = c * state.phi, -s * state.phi
        d = (state.p - r2 * state.d[1] - r3 * state.d[0]) * (1.0 / r1)
        state.x = state.x + tau * d
        if len(b):
            e = (b - r2 * state.e[1] - r3 * state.e[0]) / r1
            state.z = state.z + tau * e
            state.e = (state.e[1], e)
        state.d, state.turns = (state.d[1], d), ((c1, s1), (c, s))
        state.k += 1
        state.seen["residual"] = abs(state.phi)

    def _keep(self, state: RMINRESState, alpha: float, after: float, b: Any) -> None:
        """The Lanczos vector and its column, while there is room."""
        j = state.j
        if j < state.T.shape[1]:
            state.T[j, j], state.T[j + 1, j] = alpha, after
            if j:
                state.T[j - 1, j] = state.T[j, j - 1]
            state.B[:, j] = b
            if state.v is not None:
                state.V[j + 1, :] = state.v
                if state.bound is not None:
                    state.P[j + 1, :] = state.p
                state.j = j + 1

    def _back(self, state: RMINRESState) -> Any:
        """U B y."""
        return 0.0 if state.C is None or not len(state.z) else combined(state.z, state.U)

    def solution(self, problem: Any, state: RMINRESState) -> Any:
        """The iterate, with the part in the space that the recurrence keeps as k numbers."""
        return state.x + 0.0 if state.v is None else state.x - self._back(state)

    def harvest(self, problem: Any, state: RMINRESState) -> dict[str, Any]:
        """The space, made when it is asked for."""
        kept = {}
        if hasattr(state.bound, "fits") and not hasattr(state.bound, "engine"):
            kept = {"preconditioner": state.bound}
        if state.j < 1:
            if state.waiting is not None:
                return kept | {"space": state.waiting}
            if state.C is None:
                return kept
            return kept | {"space": self._space(problem, lambda: _left(problem, state, state.U, state.C, None))}
        return kept | {"space": self._space(problem, lambda: self._ritz(problem, state))}

    def _space(self, problem: Any, make: Any) -> Space:
        return Space(make, problem.matrix_version, problem.epoch, origin=problem)

    def _ritz(self, problem: Any, state: RMINRESState) -> tuple[Any, Any, Any]:
        """The harmonic Ritz vectors over U and the Lanczos vectors kept, and their images."""
        k, j = 0 if state.C is None else state.C.shape[0], state.j
        V = state.V[: j + 1, :]
        G = np.zeros((k + j + 1, k + j), state.T.dtype)
        W = np.zeros_like(G)
        G[:k, :k], G[:k, k:], G[k:, k:] = np.eye(k), state.B[:, :j], state.T[: j + 1, :j]
        W[k : k + j, k:] = np.eye(j)
        scale = np.ones(k + j)
        if k:
            W[:k, :k], W[k:, :k] = host(inner(state.C, state.U)), host(inner(V, state.U))
            scale[:k] = [1.0 / max(size(state.U[i, :]), 1e-300) for i in range(k)]
        found = chosen(problem, G, W, scale, self.k)
        if found is None:
            return (None, None, None) if not k else _left(problem, state, state.U, state.C, None)
        Q, P, whole = found
        U, C = combined(P[k:].T, state.P[:j, :]), combined(Q[k:].T, V)
        if k:
            U, C = U + combined(P[:k].T, state.U), C + combined(Q[:k].T, state.C)
        problem.work.add("basis", 2 * (k + j) * P.shape[1])
        return _left(problem, state, U, C, whole)

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one step costs as ``running``."""
        recipe = self._recipe  # type: ignore[attr-defined]
        extra = recipe.estimate(problem) if hasattr(recipe, "estimate") else Cost()
        step = 1.0 + 10 * problem.weight("passes") + 2 * self.k * problem.weight("basis") + problem.weight("calls")
        return extra + Cost(0.0, 0.0, step)


def _preconditioned(problem: Any, state: RMINRESState, v: Any) -> Any:
    """M^-1 v, counted."""
    if state.bound is None:
        return v
    problem.work.add("preconditions")
    for name, amount in getattr(state.bound, "counts", {}).items():
        problem.work.add(name, amount)
    return applied(state.bound, v)


def _root(state: RMINRESState, v: Any, z: Any) -> float:
    """The length of v in M^-1, z being M^-1 v; where M is not definite the status says so."""
    square = float(host(inner(v[None, :], z))[0].real)
    if square < 0.0 or (square == 0.0 and size(v) > 0.0):
        state.status = Status.INDEFINITE
        state.reason = "the preconditioner is not positive definite: r'z is not positive"
    return math.sqrt(max(square, 0.0)) if math.isfinite(square) else math.inf


def _whitened(gram: Any) -> Any:
    """``X`` with ``X V`` orthonormal for rows V of this Gram matrix, leading rows combined of leading rows; or None."""
    try:
        return np.linalg.inv(np.linalg.cholesky(host(gram))).conj()
    except np.linalg.LinAlgError:
        return None


def _left(problem: Any, state: RMINRESState, U: Any, C: Any, whole: Any) -> tuple[Any, Any, Any]:
    """What is left in the slot: images orthonormal in the 2-norm, as every method takes them."""
    if state.bound is None:
        return U, C, whole
    mix = _whitened(inner(C, C))
    problem.work.add("basis", 3 * C.shape[0] ** 2)
    return (U, None, whole) if mix is None else (combined(mix, U), combined(mix, C), whole)
