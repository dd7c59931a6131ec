"""Minimal residuals with a recycled space, for A x = b with A Hermitian, definite or not.

    A U = C,  C^H C = I,    (I - C C^H) A V_j = V_{j+1} T_j  (three terms),  B = C^H A V_j
    x = x_0 + U C^H r_0 + V_j y - U B y,    y = argmin || beta e_1 - T_j y ||

The iteration needs V one vector at a time, and B y as a short recurrence of k numbers. The first 2 k + 8 Lanczos vectors are
kept, and the k harmonic Ritz vectors of least |theta| over them and U are left in the slot ``space``; a carried space costs k
products for C = A U, none where A is the same.

Step: one product, 10 vector passes, 2 k passes over C. Memory: 4 k + 16 n-vectors. Leaves ``residual``, from the recurrence.
No preconditioner. Not for matrices that are not Hermitian (GCRODR), nor for definite ones whose CG has a good preconditioner.

Reference: Wang, de Sturler and Paulino, Internat. J. Numer. Methods Engrg. 69 (2007), algorithm 1; the recurrence: Paige
and Saunders, SIAM J. Numer. Anal. 12 (1975).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State, Status
from ...operators.space import Space
from .arnoldi import combined, host, inner, rows, size, wide
from .images import begins, taken_over
from .ritz import recycled

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

    Raises
    ------
    ValueError
        For fewer than one vector.

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

    needs = frozenset({"symmetric"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if not isinstance(self.k, int | np.integer) or isinstance(self.k, bool) or self.k < 1:
            raise ValueError(f"k={self.k!r} was given; a whole number of at least 1 is expected")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> RMINRESState:
        """Begin at x0; the images of a carried space wait for the first step, unless they are known."""
        state = RMINRESState()
        state.x, state.r, norm = problem.start(x0, carry)
        state.U = state.C = state.waiting = state.v = None
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
        state.C, state.U = C, U = found
        c = inner(C, state.r)
        state.x = state.x + c @ U
        state.r = state.r - c @ C
        problem.work.add("basis", 3 * C.shape[0])
        state.seen["residual"] = size(state.r)

    def _begin(self, problem: Any, state: RMINRESState) -> bool:
        """The first Lanczos vector."""
        beta = size(state.r)
        if not begins(state, beta):
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
            v, w = state.v, problem.product(state.v)
            reach = size(w)
            b = np.zeros(0)
            if state.C is not None:
                c = inner(state.C, w)
                w -= c @ state.C
                b = host(c)
            alpha = float(host(inner(v[None, :], w))[0].real)
            w -= alpha * v + state.beta * state.before
            after = size(w)
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
        d = (state.v - r2 * state.d[1] - r3 * state.d[0]) * (1.0 / r1)
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
                state.j = j + 1

    def _back(self, state: RMINRESState) -> Any:
        """U B y."""
        return 0.0 if state.C is None or not len(state.z) else combined(state.z, state.U)

    def solution(self, problem: Any, state: RMINRESState) -> Any:
        """The iterate, with the part in the space that the recurrence keeps as k numbers."""
        return state.x + 0.0 if state.v is None else state.x - self._back(state)

    def harvest(self, problem: Any, state: RMINRESState) -> dict[str, Any]:
        """The space, made when it is asked for."""
        if state.j < 1:
            if state.waiting is not None:
                return {"space": state.waiting}
            return {} if state.C is None else {"space": self._space(problem, lambda: (state.U, state.C, None))}
        return {"space": self._space(problem, lambda: self._ritz(problem, state))}

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
        found = recycled(G, W, scale, self.k)
        if found is None:
            return (None, None, None) if not k else (state.U, state.C, None)
        Q, P, whole = found
        U, C = combined(P[k:].T, V[:j, :]), combined(Q[k:].T, V)
        if k:
            U, C = U + combined(P[:k].T, state.U), C + combined(Q[:k].T, state.C)
        problem.work.add("basis", 2 * (k + j) * P.shape[1])
        return U, C, whole

    def estimate(self, problem: Any) -> Cost:
        """What one step costs as ``running``."""
        step = 1.0 + 10 * problem.weight("passes") + 2 * self.k * problem.weight("basis") + problem.weight("calls")
        return Cost(0.0, 0.0, step)
