"""GMRES with deflated restarting, and a space recycled from one system to the next, for any invertible A.

    A U = C,  C^H C = I,    (I - C C^H) A M^-1 V_j = V_{j+1} H_j,  B = C^H A M^-1 V_j
    x += U y_1 + M^-1 V_j y_2,    y_2 = argmin || beta e_1 - H_j y ||,  y_1 = - B y_2

After a cycle, U becomes the k harmonic Ritz vectors of least |theta| of all that the cycle knew; the next cycle makes
m - k steps. A space carried in the slot ``space`` costs k products for C = A U, none where A is the same. U lives in
x-space and outlives M.

Step: one Arnoldi step: one product, one application of M, 2 to 4 (k + j) passes over basis vectors; a cycle's end mixes
3 m k vectors and solves an eigenproblem of order m. Memory: 2 m + 4 k + 4 n-vectors at most (m + 3 k + 5 without a
preconditioner or with Jacobi). Leaves ``residual``, from the small problem. Not for a preconditioner so strong that a
solve takes few steps: then the products for C cost more than they save (`Recycle` finds that out).

Reference: Parks, de Sturler, Mackey, Johnson and Maiti, SIAM J. Sci. Comput. 28 (2006), appendix.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, State
from ...operators.space import Space, choosing
from .arnoldi import (
    Orthogonal,
    Small,
    applicable,
    combined,
    ended,
    host,
    inner,
    rows,
    size,
    taken,
    wide,
)
from .column import enlarged
from .common import preconditioned
from .images import begins, mixed, taken_over
from .ritz import chosen

__all__ = ["GCRODR"]

_SOUND = 1e-12  # a loss of orthogonality that need not be mended
_BLOCK = 2.0  # vectors of a block that a matrix-matrix product takes in the time of one in a matrix-vector product


class GCRODRState(State):
    """The iterate, the recycled space, the basis, and the small problem.

    ``W`` holds the images C in its first ``k`` rows and the Arnoldi vectors behind them; ``Y`` is M U, in which Ritz values
    of A M^-1 are sought. Where M is the identity or a diagonal, U and the preconditioned vectors are made from Y and W when
    needed; else they are kept, as ``U`` and ``Z``.
    """

    x: Any
    r: Any
    W: Any
    U: Any
    Y: Any
    Z: Any
    B: Any
    small: Any
    orthogonal: Any
    bound: Any
    kept: bool
    waiting: Any
    known: Any
    overlap: Any
    whole: Any
    places: Any
    k0: int


@dataclass(frozen=True)
class GCRODR:
    """GMRES with deflated restarting and recycling.

    Parameters
    ----------
    m : int, default 40
        Size of the space that is minimised over, the recycled part included.
    k : int, default 15
        Size of the recycled part, below m; with 0 this is GMRES(m).
    preconditioner : recipe, operator or callable, optional
        On the right: ``rv.Jacobi()``, ``rv.Direct()``, ``rv.AMG()``, ...; None for none.

    Raises
    ------
    ValueError
        Unless 0 <= k < m, or for something that is no preconditioner.

    References
    ----------
    M. L. Parks, E. de Sturler, G. Mackey, D. D. Johnson and S. Maiti, SIAM J. Sci. Comput. 28 (2006) 1651-1674.

    Examples
    --------
    >>> from resolvent import gallery
    >>> import resolvent as rv
    >>> session = rv.Session(rv.GCRODR(30, 10, rv.Jacobi()), learners=[rv.Recycle()], rtol=1e-8)
    >>> results = [session.solve(p) for p in gallery.sequence("convection-diffusion", 4, 40, rho=0.999)]
    >>> all(r.ok for r in results), results[-1].work["products"] < 0.9 * results[0].work["products"]
    (True, True)
    """

    m: int = 40
    k: int = 15
    preconditioner: Any = None

    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        whole = all(isinstance(v, int | np.integer) and not isinstance(v, bool) for v in (self.m, self.k))
        if not whole or not 0 <= self.k < self.m:
            raise ValueError(f"m={self.m!r}, k={self.k!r} were given; whole numbers with 0 <= k < m are expected")
        taken(self, flexible=True)

    @np.errstate(all="ignore")  # what overflows is found by looking at it
    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> GCRODRState:
        """Set up the preconditioner unless it is carried; take over the space, whose images wait for the first step."""
        state = GCRODRState()
        state.x, state.r, norm = problem.start(x0, carry)
        state.bound, state.kept = applicable(self._recipe, problem, carry) if norm else (None, False)
        state.W = state.U = state.Y = state.Z = state.small = state.known = state.whole = state.overlap = None
        state.k0 = 0
        state.seen["residual"] = norm
        state.waiting = None
        space = carry.get("space")
        if norm and self.k and space is not None and space.suits(state.r):
            state.waiting = space.cut(min(self.m, problem.n) - 1)
            if state.waiting.size and space.images(problem) is not None:
                self._enter(problem, state)
        return state

    # ---- the space -------------------------------------------------------------------------------------------------

    def _enter(self, problem: Any, state: GCRODRState) -> None:
        """Images of the carried space, and the residual less its part in them."""
        found, state.waiting = taken_over(problem, state.waiting), None
        if found is None:
            return
        C, U = found
        k = C.shape[0]
        self._allocate(problem, state)
        state.W[:k, :] = C
        state.k0 = k
        state.Y, state.U = _coordinates(state, U)
        state.overlap = None
        self._project(problem, state)
        state.seen["residual"] = size(state.r)

    def _project(self, problem: Any, state: GCRODRState) -> None:
        """The residual less its part in C, and x with it."""
        if state.k0:
            C = state.W[: state.k0, :]
            c = inner(C, state.r)
            state.x = state.x + _back(state, c @ state.Y) if state.U is None else state.x + c @ state.U
            state.r = state.r - c @ C
            problem.work.add("basis", 3 * state.k0)

    def _allocate(self, problem: Any, state: GCRODRState) -> None:
        """Room for all that a cycle knows, in one block: an allocator gives it back whole, and keeps it for the next solve."""
        if state.W is not None:
            return
        most, kept = min(self.m, problem.n), not _diagonal(state)
        k = min(self.k, most + 1)
        room = rows(state.r, most + 2 + kept * most + (1 + kept) * k)
        state.W, rest = room[: most + 2, :], room[most + 2 :, :]
        state.Y, state.places = None, (rest[:k, :], rest[k : 2 * k, :] if kept else None)
        state.Z = rest[2 * k :, :] if kept else None

    # ---- a step ----------------------------------------------------------------------------------------------------

    @np.errstate(all="ignore")  # what overflows is found by looking at it
    def step(self, problem: Any, state: GCRODRState) -> None:
        """One Arnoldi step; the first also makes the images of a carried space."""
        state.known = None
        if state.waiting is not None:
            self._enter(problem, state)
            if state.goal is not None and state.seen["residual"] <= state.goal:
                state.k += 1
                return
        if state.small is None and not self._begin(problem, state):
            return
        k, small = state.k0, state.small
        j = small.j
        z = preconditioned(problem, state.bound, state.W[k + j, :])
        if state.Z is not None:
            state.Z[j, :] = z
            problem.work.add("passes", 2)
        estimate, norm, before, exhausted = enlarged(
            problem, state.orthogonal, small, state.W, problem.product(z), state.B
        )
        end = ended(small, norm, before)
        if end is not None:
            state.status, state.reason = end
            return
        state.k += 1
        state.seen["residual"] = estimate
        problem.work.add("calls", 2)
        if exhausted or small.j == len(small.g) - 1:
            self._close(problem, state, exhausted)

    def _begin(self, problem: Any, state: GCRODRState) -> bool:
        """The first vector of a cycle."""
        beta = size(state.r)
        if not begins(state, beta):
            return False
        k = state.k0
        self._allocate(problem, state)
        steps = max(1, min(self.m, problem.n) - k)
        state.W[k, :] = state.r * (1.0 / beta)
        dtype = wide(state.r)
        state.orthogonal = Orthogonal(problem.eps, k + steps + 1)
        state.small, state.B = Small(steps, beta, dtype), np.zeros((k, steps), dtype)
        return True

    def _correction(self, problem: Any, state: GCRODRState) -> Any:
        """What the cycle adds to x so far."""
        y = state.small.solve()
        j, k = len(y), state.k0
        problem.work.add("basis", j + k)
        kept = state.Z is not None
        d = combined(y, state.Z[:j, :] if kept else state.W[k : k + j, :])
        if k:
            d = d - combined(state.B[:, :j] @ y, state.U if kept else state.Y)
        return d if kept else _back(state, d)

    def _close(self, problem: Any, state: GCRODRState, exhausted: bool) -> None:
        """The end of a cycle: x and r move, the space is renewed."""
        state.x = state.x + self._correction(problem, state)
        small, k = state.small, state.k0
        if exhausted:
            state.r = problem.residual(state.x)
            self._project(problem, state)
        else:
            state.r = combined(small.left(), state.W[k : k + small.j + 1, :])
            problem.work.add("basis", small.j + 1)
            if self.k:
                self._renew(problem, state)
        state.small = None

    def _renew(self, problem: Any, state: GCRODRState) -> None:
        """The space becomes the harmonic Ritz vectors of what the cycle knew."""
        found = self._ritz(problem, state)
        if found is None:
            return
        Q, P, whole, overlap = found
        k, j, new = state.k0, state.small.j, P.shape[1]
        Y, U = (None if place is None else place[:new, :] for place in state.places)
        C, V = state.W[:new, :], state.W[k : k + j, :]
        mixed(Y, (P[k:].T, V), (P[:k].T, state.Y))
        if U is not None:
            mixed(U, (P[k:].T, state.Z[:j, :]), (P[:k].T, state.U))
        mixed(C, (Q.T, state.W[: k + j + 1, :]))
        problem.work.add("basis", (k + j) * new * (2 if U is None else 3) / _BLOCK)
        lost = state.orthogonal.lost > _SOUND
        if lost:  # G^-1/2 to first order: rounding's loss does not add up from cycle to cycle
            mend = 1.5 * np.eye(new) - 0.5 * host(inner(C, C)).T
            for vectors in (C, Y) if U is None else (C, Y, U):
                mixed(vectors, (mend, vectors))
            problem.work.add("basis", 4 * new * new / _BLOCK)
        state.Y, state.U, state.overlap = Y, U, None if lost else overlap
        state.k0, state.whole = new, whole
        if lost:
            self._project(problem, state)

    def _ritz(self, problem: Any, state: GCRODRState) -> tuple[Any, Any, Any, Any] | None:
        """Of the new space: images in the basis, coefficients, sizes at which it may be cut, and C^H M U."""
        k, small = state.k0, state.small
        j = small.j
        G = np.zeros((k + j + 1, k + j), small.H.dtype)
        T = np.zeros_like(G)
        G[:k, :k] = np.eye(k)
        G[:k, k:], G[k:, k:] = state.B[:, :j], small.H[: j + 1, :j]
        T[k : k + j, k:] = np.eye(j)
        scale = np.ones(k + j)
        if k:
            Y = state.Y
            known = 0 if state.overlap is None else k  # of C^H M U is known what it was mixed from
            if known:
                T[:k, :k] = state.overlap
            T[known:, :k] = host(inner(state.W[known : k + j + 1, :], Y))
            problem.work.add("basis", k * (k + j - known) / _BLOCK + k)
            scale[:k] = [1.0 / max(size(Y[i, :]), 1e-300) for i in range(k)]
        found = chosen(problem, G, T, scale, self.k)
        return None if found is None else (*found, found[0].conj().T @ (T @ found[1]))

    # ---- what is built on demand -----------------------------------------------------------------------------------

    def solution(self, problem: Any, state: GCRODRState) -> Any:
        """The iterate, built from the basis where a cycle is under way."""
        if state.small is None or state.small.j == 0:
            return state.x + 0.0
        if state.known is None:
            state.known = state.x + self._correction(problem, state)
        return state.known + 0.0

    @np.errstate(all="ignore")  # what overflows is found by looking at it
    def harvest(self, problem: Any, state: GCRODRState) -> dict[str, Any]:
        """The bound preconditioner, and the space, made when it is asked for."""
        out = {"preconditioner": state.bound} if hasattr(state.bound, "fits") else {}
        if self.k and state.W is not None:
            out["space"] = Space(
                lambda: self._left(problem, state), problem.matrix_version, problem.epoch, origin=problem
            )
        elif self.k and state.waiting is not None:
            out["space"] = state.waiting
        return out

    def _left(self, problem: Any, state: GCRODRState) -> tuple[Any, Any, Any]:
        """U, C and where it may be cut, after one more renewal if a cycle is under way."""
        small = state.small
        if small is not None and small.j >= 1:
            self._renew(problem, state)
            state.small = None
        if not state.k0:
            return None, None, None
        U = _back(state, state.Y) if state.U is None else state.U
        return U + 0.0, state.W[: state.k0, :] + 0.0, state.whole

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one step costs as ``running``, at half a cycle."""
        recipe = self._recipe
        extra = recipe.estimate(problem) if hasattr(recipe, "estimate") else Cost()
        steps = max(1, self.m - self.k)  # of a cycle
        mixed = (3 * self.m * self.k + self.k * steps) / (_BLOCK * steps)
        step = 1.0 + extra.running + (1.3 * (self.m + self.k) + mixed) * problem.weight("basis")
        step += 4 * problem.weight("passes") + 2 * problem.weight("calls")
        ritz = sum(amount * problem.weight(name) for name, amount in choosing(self.m).items()) if self.k else 0.0
        return Cost(extra.once, extra.setup, step + ritz / steps)


def _diagonal(state: GCRODRState) -> bool:
    """Whether M is the identity or a diagonal."""
    return state.bound is None or getattr(state.bound, "inverse", None) is not None


def _back(state: GCRODRState, v: Any) -> Any:
    """M^-1 of a vector or of rows, for no preconditioner and for a diagonal one."""
    return v if state.bound is None else state.bound.inverse * v


def _coordinates(state: GCRODRState, U: Any) -> tuple[Any, Any]:
    """M U, and U where it is kept. An M that is no diagonal cannot be undone: U itself steers the choice of vectors."""
    if state.bound is None:
        return U, None
    return (U / state.bound.inverse, None) if _diagonal(state) else (U, U)
