"""Induced dimension reduction, IDR(s), for A x = b, A any square matrix; right preconditioned, biorthogonal variant.

    r_k in G_j,   G_{j+1} = (I - omega_j A M^-1) (G_j and the null space of P^H),   P of s random columns

so every s + 1 products the residual enters a smaller space: in exact arithmetic at most n + n/s products are needed.
Step: one product, one application of M, 3 s + 13 n-vectors read or written (25 for s = 4; BiCGStab in its kernel moves 9 a
product), in one kernel for stored matrices alone or with Jacobi. Memory: x, r and 3 s + 2 vectors. Leaves ``residual``,
the 2-norm of the recursive residual. Between GMRES (fewest products, growing memory) and BiCGStab (which is IDR(1) in the
main): the choice where BiCGStab wanders and memory is short. Not for Hermitian A, where CG or MINRES need less. P is drawn
from ``seed``, so the same seed gives the same bits.

Reference: van Gijzen and Sonneveld, ACM TOMS 38 (2011), algorithm 2; omega kept away from zero as in Sleijpen and
van der Vorst, Numer. Algorithms 10 (1995).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import device

from ... import kernels
from ...core import Cost, Status
from .common import NOT_FINITE, Krylov, Recurrence

__all__ = ["IDR"]

_SHADOW = "<p, A u> vanished: the shadow space is orthogonal to a new direction"
_OMEGA = "omega vanished: A r is orthogonal to r, and the space cannot be reduced"
_ANGLE = 0.7  # omega is lengthened where r and A r are nearer to orthogonal than this


@dataclass(frozen=True)
class IDR(Krylov):
    """IDR(s) for any square matrix.

    Parameters
    ----------
    s : int, default 4
        Dimension of the shadow space; 1 is much like BiCGStab, above 8 seldom pays.
    preconditioner : recipe or LinearOperator, optional
        On the right; None for none.
    seed : int, default 0
        For the shadow space.
    stride : int, default 64
        Iterations (products) per call, at most.

    References
    ----------
    M. B. van Gijzen and P. Sonneveld, ACM Trans. Math. Softw. 38 (2011) 5, algorithm 2.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-1.5 * np.ones(49), 3.0 * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> rv.solve(rv.LinearSystem(A, np.ones(50)), rv.IDR(s=4), rtol=1e-10).ok
    True
    """

    s: int = 4
    preconditioner: Any = None
    seed: int = 0
    stride: int = 64

    def __post_init__(self) -> None:
        if isinstance(self.s, bool) or not isinstance(self.s, int) or self.s < 1:
            raise ValueError(f"s={self.s!r} was given; a whole number of at least 1 is expected")
        self._check(frozenset({"products"}))

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The kernel for stored matrices alone or with Jacobi, else the array API."""
        inverse = getattr(bound, "inverse", None)
        s = min(self.s, problem.n)
        if problem.stored and (bound is None or inverse is not None) and problem.nullspace is None:
            return FusedIDR(problem, x, r, norm, inverse, s, self.seed)
        return IDRRecurrence(problem, x, r, norm, bound, kept, s, self.seed)

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one iteration costs as ``running``."""
        recipe = self._recipe
        if problem.stored and (recipe is None or type(recipe).__name__ == "Jacobi"):
            each = 1.0 + 13 * problem.weight("passes") + 3 * self.s * problem.weight("basis")
            return Cost(0.0, 0.0 if recipe is None else problem.weight("diagonals"), each)
        base = super().estimate(problem)
        return base + Cost(0.0, 0.0, 2 * max(self.s - 3, 0) * problem.weight("passes"))


def shadow(n: int, s: int, seed: int, cplx: bool) -> Any:
    """P^H: s orthonormal rows, drawn from the seed."""
    rng = np.random.default_rng(seed)
    P = rng.standard_normal((n, s)) + (1j * rng.standard_normal((n, s)) if cplx else 0.0)
    return np.ascontiguousarray(np.linalg.qr(P)[0].conj().T)


class FusedIDR:
    """IDR(s) in one kernel; rows of P, G and U are vectors."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, inverse: Any, s: int, seed: int) -> None:
        self.problem, self.x, self.r, self.norm = problem, x, r, norm
        self.use = inverse is not None
        self.inverse = inverse if self.use else np.empty(1, dtype=r.dtype)
        wide = np.result_type(r.dtype, np.float64)
        n = len(r)
        self.P = shadow(n, s, seed, r.dtype.kind == "c").astype(r.dtype)
        self.G, self.U = np.zeros((s, n), dtype=r.dtype), np.zeros((s, n), dtype=r.dtype)
        self.vec = np.empty((2, max(n, 1024)), dtype=r.dtype)
        self.M, self.small, self.scal = np.eye(s, dtype=wide), np.zeros((3, s), dtype=wide), np.ones(1, dtype=wide)
        self.info = np.array([0.0, norm, 0.0, 0.0, problem.eps])
        self.passes, self.rows = 13.0, 3.0 * s
        self.status, self.reason, self.done = Status.RUNNING, "", 0

    @property
    def omega(self) -> Any:
        """The last step's length between spaces."""
        return self.scal[0]

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        problem = self.problem
        done: int = kernels.idr.idr(
            problem.ip, problem.ix, problem.data, self.inverse, self.use, self.x, self.r, self.P, self.G, self.U,
            self.vec, self.M, self.small, self.scal, self.info, _ANGLE, room, goal, norms,
        )  # fmt: skip
        for name, each in (("products", 1.0), ("passes", self.passes), ("basis", self.rows)):
            problem.work.add(name, done * each)
        self.norm, code = float(self.info[1]), int(self.info[2])
        if code == kernels.idr.NONFINITE:
            self.status, self.reason = Status.NONFINITE, NOT_FINITE
        elif code:
            self.status, self.reason = Status.BREAKDOWN, (_SHADOW, _OMEGA)[code - 1]
        return done

    def solution(self) -> Any:
        """The iterate, a copy."""
        return self.x.copy()


class IDRRecurrence(Recurrence):
    """One start of IDR(s): rows of P, G and U are vectors; M = P G^H and f = P r live in Python numbers."""

    def __init__(
        self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool, s: int = 4, seed: int = 0
    ) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.s, self.k, self.omega = s, 0, 1.0
        self.passes = 2.0 * s + 8.0
        self.device = device(r)
        self.P = self.xp.asarray(shadow(r.shape[0], s, seed, self.complex), dtype=r.dtype, device=self.device)
        self.G, self.U = 0.0 * self.P, 0.0 * self.P  # rows are vectors
        self.M = [[float(i == j) for j in range(s)] for i in range(s)]
        self.f: list[Any] = []

    def _shadow(self, v: Any) -> list[Any]:
        """P^H v as Python numbers."""
        found = self.xp.matmul(self.P, v)
        return [complex(found[i]) if self.complex else float(found[i]) for i in range(self.s)]

    def _combined(self, weights: list[Any], rows: Any) -> Any:
        """sum_i weights_i rows_i."""
        return self.xp.matmul(self.xp.asarray(weights, dtype=rows.dtype, device=self.device), rows)

    def _solved(self, k: int) -> list[Any]:
        """M[k:, k:] c = f[k:], M lower triangular."""
        c: list[Any] = []
        for i in range(k, self.s):
            row = self.M[i]
            c.append((self.f[i] - sum(row[k + j] * v for j, v in enumerate(c))) / row[i])
        return c

    def one(self) -> bool:
        """One product: a vector of G, or with s of them in hand the step into the next space."""
        if self.k == self.s:
            return self._reduce()
        k = self.k
        if k == 0:
            self.f = self._shadow(self.r)
        c = self._solved(k)
        v = self.r - self._combined(c, self.G[k:, :])
        u = self._combined(c, self.U[k:, :]) + self.omega * self.precondition(v)
        g = self.problem.project(self.problem.product(u))
        h, away = self._shadow(g), []
        for i in range(k):  # the parts that make g orthogonal to the first k shadow vectors
            alpha = h[i] / self.M[i][i]
            away.append(alpha)
            h = [hj - alpha * self.M[j][i] if j >= i else hj for j, hj in enumerate(h)]
        if k:
            g, u = g - self._combined(away, self.G[:k, :]), u - self._combined(away, self.U[:k, :])
        self.G[k, :], self.U[k, :] = g, u
        for i in range(k, self.s):
            self.M[i][k] = h[i]
        if self.lost(h[k], self.norm2(g)):
            return self.broke(h[k], _SHADOW)
        beta = self.f[k] / h[k]
        self.r -= beta * g
        self.x += beta * u
        self.norm = self.norm2(self.r)
        self.f = [fi - beta * h[i] if i > k else fi for i, fi in enumerate(self.f)]
        self.k += 1
        return True

    def _reduce(self) -> bool:
        """The step of least residual along M^-1 r, lengthened where it would be too short to go on from."""
        v = self.precondition(self.r)
        t = self.problem.project(self.problem.product(v))
        length, dot = self.norm2(t), self.dot(t, self.r)
        if (
            self.lost(dot, length * self.norm) or not length**2 * self.norm > 0.0
        ):  # squares may vanish where dots do not
            return self.broke(dot, _OMEGA)
        self.omega = dot / length**2
        angle = abs(dot) / (length * self.norm)
        if angle < _ANGLE:
            self.omega *= _ANGLE / angle
        self.x += self.omega * v
        self.r -= self.omega * t
        self.norm, self.k = self.norm2(self.r), 0
        return True
