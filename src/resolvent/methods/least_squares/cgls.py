"""Conjugate gradients for least squares: min || b - A x ||^2 + damp^2 || x ||^2, A of any shape.

    s = A^H r - damp^2 x,   z = M^-1 s,   p = z + (<s, z> / <s, z>_old) p,
    alpha = <s, z> / (||A p||^2 + damp^2 ||p||^2),   x += alpha p,   r -= alpha A p

which is CG for the normal equations without forming A^H A. Step: one product, one with the adjoint, one application of
M, about 13 vector passes. Memory: x, p, s of length n; r, A p of length m. Leaves ``residual`` (the problem's measure, of
the recursive r and s), ``misfit`` and ``gradient``. From zero it finds the solution of least norm; the condition number
counts squared, so a diagonal M (``rv.Jacobi()``: the columns brought to norm one) often pays. Not for small dense
problems, where QR is cheaper and more exact, nor where products with the adjoint cannot be had.

Reference: Bjorck, Numerical Methods for Least Squares Problems (1996), algorithm 7.4.1; Hestenes and Stiefel, J. Res.
NBS 49 (1952), section 10.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...core import Cost, Status
from ..krylov.common import NOT_FINITE, Krylov, KrylovState, Recurrence, bound_of

__all__ = ["CGLS"]


@dataclass(frozen=True)
class CGLS(Krylov):
    """CGLS for ``rv.LinearLeastSquares``.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        Hermitian positive definite, of the normal equations: ``rv.Jacobi()`` scales by the columns' norms; None for
        none.
    stride : int, default 16
        Iterations per call, at most.

    References
    ----------
    A. Bjorck, Numerical Methods for Least Squares Problems (1996), algorithm 7.4.1.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.vander(np.linspace(0.0, 1.0, 12), 4)
    >>> result = rv.solve(rv.LinearLeastSquares(A, np.ones(12)), rv.CGLS(rv.Jacobi()), rtol=1e-10)
    >>> result.status.name, result.work["adjoint_products"] > 0
    ('RESIDUAL', True)
    """

    preconditioner: Any = None
    stride: int = 16

    sees: ClassVar[frozenset[str]] = frozenset({"residual", "misfit", "gradient"})

    def __post_init__(self) -> None:
        self._check(frozenset({"least squares"}))

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> KrylovState:
        """Set up the preconditioner and start at x0."""
        state = KrylovState()
        x, r = problem.start(x0, carry)
        state.bound, state.kept = bound_of(self._recipe, problem, carry)
        state.engine = CGLSRecurrence(problem, x, r, math.inf, state.bound, state.kept)
        state.seen.update(state.engine.facts())
        state.norms = np.empty(self.stride)
        return state

    def step(self, problem: Any, state: KrylovState) -> None:
        """Up to ``stride`` iterations."""
        super().step(problem, state)
        state.seen.update(state.engine.facts())

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one iteration costs as ``running``."""
        recipe = self._recipe
        setup = recipe.estimate(problem).setup if hasattr(recipe, "estimate") else 0.0
        own = 1.0 + problem.weight("adjoint_products") + 13 * problem.weight("passes") + problem.weight("calls")
        return Cost(0.0, setup, own)


class CGLSRecurrence(Recurrence):
    """One start of CGLS; ``norm`` is the problem's measure of the recursive vectors."""

    passes = 13.0

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.s = problem.slope(x, r)
        self.p: Any = None
        self.gamma = 0.0
        self._look()

    def _look(self) -> None:
        self.misfit, self.gradient = self.norm2(self.r), self.norm2(self.s)
        self.norm = self.problem.judged(self.misfit, self.gradient)[0]

    def facts(self) -> dict[str, float]:
        """What is left in ``seen``."""
        return {"residual": self.norm, "misfit": self.misfit, "gradient": self.gradient}

    def one(self) -> bool:
        """One iteration."""
        problem = self.problem
        z = self.precondition(self.s)
        gamma = self.redot(self.s, z)
        if not (gamma > 0.0 and math.isfinite(gamma)):
            return self._bad(gamma)
        self.p = z + 0.0 if self.p is None else z + (gamma / self.gamma) * self.p
        self.gamma = gamma
        q = problem.product(self.p)
        delta = self.redot(q, q)
        if problem.damp:
            delta += problem.damp**2 * self.redot(self.p, self.p)
        if not delta > 0.0:
            return self.fail(Status.BREAKDOWN, "A p vanished: the direction lies in the null space of A")
        alpha = gamma / delta
        self.x += alpha * self.p
        self.r -= alpha * q
        self.s = problem.slope(self.x, self.r)
        self._look()
        return True

    def _bad(self, gamma: float) -> bool:
        if not math.isfinite(gamma):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        if gamma < 0.0 or self.bound is not None:
            return self.fail(Status.INDEFINITE, "the preconditioner is not positive definite: s'z is not positive")
        return self.fail(Status.BREAKDOWN, "the gradient vanished, and the measure does not agree")
