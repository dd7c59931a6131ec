"""Deflated conjugate gradients for A x = b, A Hermitian positive definite: some directions are solved for beforehand.

    E = W^H A W,   x = W E^-1 W^H b + P^H y,   P A y = P b,   P = I - A W E^-1 W^H

Two kinds of W. *Sub-domains* (``blocks``): indicators of squares or of connected blocks, with SSOR in Eisenstat's form, the
projection inside its kernel; the partition is kept with the pattern. *Dense* (``blocks=0``): vectors carried in the slot
``space``, low Ritz vectors that an earlier solve left, with any preconditioner; the projection is made with W and A W
stored in ``precision``, and W^H r is brought back to zero at every third digit.

Step, sub-domains: a step of SSOR-CG, about 2 n short operations and a band solve of order ``blocks``; up to ``stride`` in a
kernel call. Step, dense: one product, one application of M, 12 vector passes, 2 k passes over W and A W. Memory: sub-domains
as CG with SSOR, and about 3 n-vectors; dense: x, r, p, z, q, W, A W, and ``2 size + 8`` vectors of which the Ritz vectors
of the next space are made: ``4 size + 13`` n-vectors. Leaves ``residual``, recursive, that of the corrected x. Not for
indefinite matrices; not where CG takes few steps anyway; not where nothing sticks out at the low end of the spectrum.

References: Nicolaides, SIAM J. Numer. Anal. 24 (1987); Saad, Yeung, Erhel and Guyomarc'h, SIAM J. Sci. Comput. 21 (2000),
algorithm 3.4; sub-domains: Frank and Vuik, SIAM J. Sci. Comput. 23 (2001).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ...core import Cost, SetupError, State, Status
from ...operators.deflation import DeflatedEngine
from ...operators.given import recipe_of
from ...operators.space import Space
from ..stationary.ssor import SSOR
from .arnoldi import combined, host, inner, rows, wide
from .common import Recurrence, bound_of
from .ritz import lowest

__all__ = ["DeflatedCG"]

_CODES = {
    1: (Status.INDEFINITE, "the matrix or its preconditioner is not positive definite: p'Ap or r'z is not positive"),
    2: (Status.NONFINITE, "a value that is not finite appeared in the recurrence"),
    3: (Status.BREAKDOWN, "the recurrence has nothing left to reduce"),
}


class DeflatedState(State):
    """The engine that holds the vectors, and the bound preconditioner."""

    engine: Any
    bound: Any


@dataclass(frozen=True)
class DeflatedCG:
    """Conjugate gradients with deflation, by sub-domains or by carried vectors.

    Parameters
    ----------
    blocks : int, optional
        Sub-domains, about; None for one of 64 unknowns each, 0 for the vectors in the slot ``space`` in their place.
    preconditioner : recipe, optional
        With sub-domains ``rv.SSOR(omega)``, which None stands for (omega 1.3: deflation likes less than CG does). Without,
        anything that CG takes and can be applied.
    size : int, default 8
        Vectors that a solve without sub-domains leaves in the slot ``space``.
    precision : {"double", "single"}
        In which W and A W are stored without sub-domains; single moves half the memory.
    stride : int, default 64
        Iterations per kernel call, at most.

    Raises
    ------
    ValueError
        For negative numbers, or a preconditioner that does not go with sub-domains.

    References
    ----------
    J. Frank and C. Vuik, SIAM J. Sci. Comput. 23 (2001) 442-462.

    Examples
    --------
    >>> import resolvent as rv
    >>> from resolvent import gallery
    >>> problem = gallery.sequence("darcy-path", 1, 64)[0]
    >>> plain = rv.solve(problem, rv.CG(rv.SSOR(1.8)), rtol=1e-8).steps
    >>> rv.solve(problem, rv.DeflatedCG(blocks=256), rtol=1e-8).steps < 0.6 * plain
    True
    """

    blocks: int | None = None
    preconditioner: Any = None
    size: int = 8
    precision: str = "double"
    stride: int = 64

    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if (self.blocks is not None and self.blocks < 0) or self.size < 1 or self.stride < 1:
            raise ValueError(
                f"blocks={self.blocks}, size={self.size}, stride={self.stride} were given; blocks >= 0, size >= 1 and "
                "stride >= 1 are expected"
            )
        if self.precision not in ("double", "single"):
            raise ValueError(f'precision={self.precision!r} was given; "double" and "single" are possible')
        recipe = recipe_of(self.preconditioner)
        if self.blocks != 0 and not (recipe is None or isinstance(recipe, SSOR)):
            raise ValueError("sub-domains go with rv.SSOR() only; blocks=0 takes the vectors of the slot space instead")
        object.__setattr__(self, "_recipe", recipe)
        own = frozenset({"symmetric", "entries"} if self.blocks != 0 else {"symmetric"})
        object.__setattr__(self, "needs", own | getattr(recipe, "needs", frozenset()))

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> DeflatedState:
        """Set up preconditioner and coarse problem, and start from the x0 corrected by it."""
        state = DeflatedState()
        x, r, norm = problem.start(x0, carry)
        state.bound = None
        if norm == 0.0:
            state.engine = Recurrence(problem, x, r, norm)
        elif self.blocks != 0:
            omega = 1.3 if self._recipe is None else self._recipe.omega  # type: ignore[attr-defined]
            blocks = max(1, problem.n // 64) if self.blocks is None else self.blocks
            state.engine = DeflatedEngine(problem, x, r, norm, omega, blocks)
        else:
            state.bound, _ = bound_of(self._recipe, problem, carry)  # type: ignore[attr-defined]
            if state.bound is not None and not hasattr(state.bound, "apply"):
                raise SetupError(
                    f"{type(self._recipe).__name__} goes with sub-domains or with CG; use another one here"
                )  # type: ignore[attr-defined]
            space = carry.get("space")
            W = space.U if space is not None and space.suits(r) else None
            state.engine = _Dense(problem, x, r, norm, state.bound, W, self.size, self.precision == "single")
        state.seen["residual"] = state.engine.norm
        state.norms = np.empty(self.stride)
        return state

    def step(self, problem: Any, state: DeflatedState) -> None:
        """Up to ``stride`` iterations."""
        room = self.stride if state.room is None else min(self.stride, state.room)
        engine = state.engine
        try:
            done = engine.advance(room, -1.0 if state.goal is None else state.goal, state.norms)
        except BaseException:  # Ctrl-C, or what the user's operator raised: the iterations made count
            state.k += getattr(engine, "done", 0)
            raise
        problem.work.add("calls")
        state.k += done
        state.seen["residual"] = engine.norm
        if isinstance(engine, Recurrence):
            state.status, state.reason = engine.status, engine.reason
        elif engine.code:
            state.status, state.reason = _CODES[engine.code]

    def solution(self, problem: Any, state: DeflatedState) -> Any:
        """The iterate."""
        return state.engine.solution()

    def harvest(self, problem: Any, state: DeflatedState) -> dict[str, Any]:
        """The bound preconditioner; without sub-domains the lowest Ritz vectors, made when they are asked for."""
        engine = state.engine
        if not isinstance(engine, _Dense):
            getattr(engine, "release", lambda: None)()
            return {}
        out = (
            {"preconditioner": state.bound}
            if hasattr(state.bound, "fits") and not hasattr(state.bound, "engine")
            else {}
        )
        if engine.steps:
            out["space"] = Space(engine.ritz, problem.matrix_version, problem.epoch)
        return out

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one iteration costs as ``running``."""
        if self.blocks != 0:
            step = problem.weight("ssor_steps") + 16 * problem.weight("passes")
            return Cost(problem.weight("symbolics"), 3 * problem.weight("gathers"), step)
        extra = self._recipe.estimate(problem) if hasattr(self._recipe, "estimate") else Cost()  # type: ignore[attr-defined]
        own = 1.0 + 12 * problem.weight("passes") + 4 * self.size * problem.weight("basis") + problem.weight("calls")
        return Cost(extra.once, extra.setup, extra.running + own)


class _Dense(Recurrence):
    """CG with directions kept A-orthogonal to the rows of W; leaves what the next W is made of."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, W: Any, keep: int, single: bool) -> None:
        super().__init__(problem, x, r, norm, bound)
        self.keep, self.steps = keep, 0
        self.W = self.AW = None
        self.p, self.rz, self.alpha, self.beta = None, 0.0, 1.0, 0.0
        self.given, self.single, self.mark = W, single, norm
        most = 2 * keep + 8
        self.Z = rows(r, most)  # Lanczos vectors
        self.T, self.B = np.zeros((most, most)), np.zeros((0, most), wide(r))

    def _coarse(self, W: Any) -> None:
        """A-orthonormal W and A W, what A does not tell apart left out; x and r corrected."""
        problem = self.problem
        AW = rows(self.r, W.shape[0])
        for i in range(W.shape[0]):
            AW[i, :] = problem.product(W[i, :])
        E = host(inner(W, AW))
        problem.work.add("basis", W.shape[0] ** 2)
        E = 0.5 * (E + E.conj().T)
        d = np.abs(np.diag(E).real)
        if not np.all(np.isfinite(E)) or not d.max() > 0:
            return
        unit = np.where(d > 0, 1.0 / np.sqrt(np.maximum(d, 1e-300)), 0.0)  # a vector of no energy is left out
        E = E * np.outer(unit, unit)
        if not np.all(np.isfinite(E)):
            return
        theta, V = np.linalg.eigh(E)
        if theta[0] < -1e-8 * theta[-1]:
            raise SetupError("the matrix is not positive definite: that of the carried space is not")
        good = theta > 1e3 * problem.eps * theta[-1]
        mix = (V[:, good] / np.sqrt(theta[good])).T * unit  # rows: W^H A W = I
        self.W0, self.AW0 = self.W, self.AW = combined(mix, W), combined(mix, AW)
        self.B = np.zeros((len(mix), len(self.T)), self.B.dtype)
        problem.work.add("basis", 4 * W.shape[0] ** 2)
        self._project()
        if self.single:
            xp = array_namespace(self.r)
            half = xp.complex64 if self.complex else xp.float32
            self.W, self.AW = xp.astype(self.W, half), xp.astype(self.AW, half)

    def _project(self) -> None:
        """``x += W W^H r``, so that W^H r = 0. Rounding of stored vectors brings W^H r back, so now and then again."""
        c = inner(self.W0, self.r)
        self.x = self.x + c @ self.W0
        self.r = self.r - c @ self.AW0
        self.norm = self.mark = self.norm2(self.r)
        self.problem.work.add("basis", 3 * self.W0.shape[0])

    def one(self) -> bool:
        """One iteration; False when it could not be made."""
        if self.given is not None:
            self._coarse(self.given)
            self.given = None
        z = self.precondition(self.r)
        rz = self.redot(self.r, z)
        if not (rz > 0.0 and math.isfinite(rz)):
            return self.fail(*_CODES[(3 if self.norm == 0.0 else 1) if math.isfinite(rz) else 2])
        self.beta = 0.0 if self.p is None else rz / self.rz
        p = z + 0.0 if self.p is None else z + self.beta * self.p
        if self.AW is not None:
            xp = array_namespace(self.r)
            c = inner(self.AW, xp.astype(z, self.AW.dtype))
            p -= c @ self.W
            self.problem.work.add("basis", 2 * self.W.shape[0])
            if self.steps < len(self.T):
                self.B[:, self.steps] = host(c)
        q = self.problem.product(p)
        pq = self.redot(p, q)
        if not (pq > 0.0 and math.isfinite(pq)):
            return self.fail(*_CODES[1 if math.isfinite(pq) else 2])
        self._remember(z, rz, pq)
        self.p, self.rz, self.alpha = p, rz, rz / pq
        self.x += self.alpha * p
        self.r -= self.alpha * q
        self.norm = self.norm2(self.r)
        if self.AW is not None and self.norm < 1e-3 * self.mark:
            self._project()
        return True

    def _remember(self, z: Any, rz: float, pq: float) -> None:
        """The Lanczos vector of this iteration and its row of the tridiagonal matrix, while there is room."""
        j = self.steps
        if j < len(self.T):
            s = 1.0 / math.sqrt(rz)
            self.Z[j, :] = z * s
            self.T[j, j] = pq / rz + (self.beta / self.alpha if j else 0.0)
            if j:
                self.T[j, j - 1] = self.T[j - 1, j] = -math.sqrt(self.beta) / self.alpha
            if self.W is not None:
                self.B[:, j] *= s
        self.steps = j + 1

    def ritz(self) -> tuple[Any, Any, Any]:
        """The Ritz vectors of least value over W and the first Lanczos vectors, for the pencil of A and M."""
        j = min(self.steps, len(self.T))
        k = self.B.shape[0]
        A, M = np.zeros((k + j, k + j), self.B.dtype), np.eye(k + j, dtype=self.B.dtype)
        B = self.B[:, :j]
        A[k:, k:] = self.T[:j, :j] + B.conj().T @ B
        if k:
            A[:k, :k], A[:k, k:], A[k:, :k] = np.eye(k), B, B.conj().T
            inverse = getattr(self.bound, "inverse", None)
            M[:k, :k] = host(inner(self.W0, self.W0 if inverse is None else self.W0 / inverse))
        P = lowest(A, M, self.keep)
        if P is None:
            return (None, None, None) if not k else (self.W0, None, None)
        U = combined(P[k:].T, self.Z[:j, :])
        self.problem.work.add("basis", (k + j) * P.shape[1])
        return (U if not k else U + combined(P[:k].T, self.W0)), None, None
