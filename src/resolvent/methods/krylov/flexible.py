"""Flexible conjugate gradients for A x = b, A Hermitian positive definite, with any function as preconditioner.

    z = f(r),   p = z - sum_i (<p_i, A z> / <p_i, A p_i>) p_i  over the last ``window`` directions,
    alpha = <p, r> / <p, A p>,   x += alpha p,   r -= alpha A p

The function may be another one at each step (an inner solver, a multigrid cycle with its own Krylov smoother, a trained
net): the error in the norm of A never grows, whatever it returns, because alpha is that of least error along p. With a
linear positive definite map it is preconditioned CG, up to rounding, for every window.
Step: one product, one call, 12 + 4 ``window`` vector passes. Memory: x, r and 2 ``window`` + 3 vectors. Leaves
``residual``, the 2-norm of the recursive residual. Not where the preconditioner is one linear map: CG is cheaper.

Reference: Notay, SIAM J. Sci. Comput. 22 (2000), algorithm 2.1 (the directions kept: a sliding window).
"""

import math
from dataclasses import dataclass
from typing import Any

from ...core import Status
from .common import NOT_FINITE, Krylov, Recurrence

__all__ = ["FlexibleCG"]


@dataclass(frozen=True)
class FlexibleCG(Krylov):
    """Flexible CG.

    Parameters
    ----------
    window : int, default 1
        Directions that a new one is made conjugate to; more for a preconditioner that changes much.
    preconditioner : callable, recipe or LinearOperator, optional
        ``f(r) -> z`` of r's shape and dtype, any recipe, or None.
    stride : int, default 64
        Iterations per call, at most.

    References
    ----------
    Y. Notay, SIAM J. Sci. Comput. 22 (2000) 1444-1460, algorithm 2.1.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(49), 3.0 * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> def two_sweeps(r):
    ...     z = r / 3.0
    ...     return z + (r - A @ z) / 3.0
    >>> rv.solve(rv.LinearSystem(A, np.ones(50)), rv.FlexibleCG(window=2, preconditioner=two_sweeps), rtol=1e-10).ok
    True
    """

    window: int = 1
    preconditioner: Any = None
    stride: int = 64

    def __post_init__(self) -> None:
        if isinstance(self.window, bool) or not isinstance(self.window, int) or self.window < 1:
            raise ValueError(f"window={self.window!r} was given; a whole number of at least 1 is expected")
        self._check(frozenset({"symmetric"}), flexible=True)

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The recurrence on the array API."""
        return FlexibleRecurrence(problem, x, r, norm, bound, kept, self.window)


class FlexibleRecurrence(Recurrence):
    """One start of flexible CG."""

    def __init__(
        self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False, window: int = 1
    ) -> None:
        super().__init__(problem, x, r, norm, bound, kept)
        self.window, self.passes = window, 12.0 + 4.0 * window
        self.last: list[tuple[Any, Any, float]] = []  # p, A p, <p, A p>

    def one(self) -> bool:
        """One iteration."""
        p = self.precondition(self.r) + 0.0
        for old, image, size in self.last:
            p = p - (self.dot(image, p) / size) * old
        q = self.problem.project(self.problem.product(p))
        pq, pr = self.redot(p, q), self.dot(p, self.r)
        if not (math.isfinite(pq) and math.isfinite(abs(pr))):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        if pq < 0.0:
            return self.fail(Status.INDEFINITE, "the matrix is not positive definite: p'Ap is not positive")
        if pq == 0.0:
            return self._nothing(p)
        alpha = pr / pq
        self.x += alpha * p
        self.r -= alpha * q
        self.norm = self.norm2(self.r)
        self.last = [*self.last, (p, q, pq)][-self.window :]
        return True

    def _nothing(self, p: Any) -> bool:
        if self.norm2(p) > 0.0:
            return self.fail(Status.INDEFINITE, "the matrix is not positive definite: p'Ap is zero")
        return self.fail(Status.BREAKDOWN, "the preconditioner gave no new direction: z lies in the span of those kept")
