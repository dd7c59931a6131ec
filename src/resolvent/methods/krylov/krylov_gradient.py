"""The gradient method with the best polynomial in A as its preconditioner at each step, A Hermitian positive definite.

    x += sum_{i=0}^tau a_i (M^-1 A)^i M^-1 r,   a the coefficients of least error in the norm of A

so a step is at least as good as that of any preconditioner p(A) of degree tau with any length: the symmetric polynomials
that take out the tau largest eigenvalues, Chebyshev's, or none. No bounds of the spectrum and no traces are asked for. In
exact arithmetic it is CG begun anew every tau + 1 iterations, and so it never needs fewer products than CG, which forgets
nothing: this is the form that nonlinear gradient methods can use, here with the answer known.
Step: tau + 1 products, tau + 1 applications of M, about 4 tau^2 + 20 tau vectors read or written, one small dense solve.
Memory: x, r, and 2 tau + 2 vectors. Leaves ``residual``, the 2-norm of the recursive residual. Not for indefinite
matrices: a direction without positive curvature ends INDEFINITE.

Reference: Doikov and Rodomanov, ICML 2023 (arXiv 2301.13194), the gradient method with Krylov preconditioning.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Cost, Status
from .common import NOT_FINITE, Krylov, Recurrence

__all__ = ["KrylovGradient"]

_MOST = 64
_ROUNDING = 64.0  # eps of a small matrix's largest eigenvalue, within which another one's sign is not known
_SHORT = 1e-10  # of a power's norm: what is left of it after orthogonalisation is rounding


@dataclass(frozen=True)
class KrylovGradient(Krylov):
    """Gradient steps, each preconditioned by the best polynomial of degree tau.

    Parameters
    ----------
    tau : int, default 4
        Degree: a step takes out about as many outliers of the spectrum. At most 64.
    preconditioner : recipe or LinearOperator, optional
        Hermitian positive definite, inside the polynomial; None for none.
    stride : int, default 16
        Steps per call, at most; the iterates do not depend on it.

    References
    ----------
    N. Doikov and A. Rodomanov, Polynomial preconditioning for gradient methods, ICML 2023, arXiv 2301.13194.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> spectrum = np.append([1000.0, 500.0], np.linspace(1.0, 2.0, 48))
    >>> problem = rv.LinearSystem(sp.diags_array(spectrum).tocsr(), np.ones(50))
    >>> plain, best = (rv.solve(problem, rv.KrylovGradient(tau), rtol=1e-8).steps for tau in (0, 3))
    >>> plain > 50 * best
    True
    """

    tau: int = 4
    preconditioner: Any = None
    stride: int = 16

    def __post_init__(self) -> None:
        if isinstance(self.tau, bool) or not isinstance(self.tau, int | np.integer) or not 0 <= self.tau <= _MOST:
            raise ValueError(f"tau={self.tau!r} was given; a whole number from 0 to {_MOST} is expected")
        self._check(frozenset({"symmetric"}))

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The recurrence on the array API."""
        return KrylovGradientRecurrence(problem, x, r, norm, bound, kept, min(int(self.tau) + 1, problem.n))

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one step costs as ``running``."""
        size = int(self.tau) + 1
        base = super().estimate(problem)
        vectors = 12 * size * problem.weight("passes") + 4 * size**2 * problem.weight("basis")
        inner = base.running - 14 * problem.weight("passes") - problem.weight("calls")
        return Cost(base.once, base.setup, size * inner + vectors + problem.weight("calls"))


class KrylovGradientRecurrence(Recurrence):
    """One start: rows of V are the directions, rows of W = A V their images; the small system is solved in NumPy."""

    def __init__(
        self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False, size: int = 1
    ) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.size = size
        zero = 0.0 * r
        self.V = self.xp.stack([zero] * size)
        self.W = self.xp.stack([zero] * size)

    def _expand(self) -> int:
        """Fill V and W from r; how many directions there are."""
        xp, problem = self.xp, self.problem
        v = self.precondition(self.r) + 0.0
        size = self.norm2(v)
        for j in range(self.size):
            if j:  # a power, orthogonal to those before: the span is the same
                kept = self.V[:j, :]
                for _ in range(2):
                    v = v - xp.matmul(xp.matmul(xp.conj(kept), v), kept)
                problem.work.add("basis", 4.0 * j)
            length = self.norm2(v)
            if not length > max(_SHORT, 8.0 * problem.eps) * size or not math.isfinite(length):
                return j
            self.V[j, :] = v / length
            w = problem.project(problem.product(self.V[j, :]))
            self.W[j, :] = w
            if j + 1 < self.size:
                v = self.precondition(w) + 0.0
                size = self.norm2(v)
            problem.work.add("passes", 12.0)
        return self.size

    def one(self) -> bool:
        """One step of tau + 1 products."""
        xp, count = self.xp, self._expand()
        self.passes = 6.0
        if count == 0:
            size = self.norm2(self.precondition(self.r))
            return self.broke(size, "the preconditioner gave no direction: M^-1 r is zero")
        V, W = self.V[:count, :], self.W[:count, :]
        self.problem.work.add("basis", 2.0 * count * (count + 1) + 2.0 * count)
        T = self.numbers(xp.matmul(xp.conj(V), W.T))
        g = self.numbers(xp.matmul(xp.conj(V), self.r))
        if not (np.all(np.isfinite(T)) and np.all(np.isfinite(g))):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        values, Q = np.linalg.eigh((T + T.conj().T) / 2)
        least = _ROUNDING * self.problem.eps * abs(values[-1])
        if values[-1] <= 0.0 or values[0] < -least:
            return self.fail(Status.INDEFINITE, "the matrix is not positive definite: v'Av is not positive")
        known = values > least  # a flat direction to rounding: nothing can be said of its length
        a = Q[:, known] @ ((Q[:, known].conj().T @ g) / values[known])
        weights = self.array(a)
        self.x += xp.matmul(weights, V)
        self.r -= xp.matmul(weights, W)
        self.norm = self.norm2(self.r)
        return True
