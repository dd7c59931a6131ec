"""Curvature H of a smooth function reduced to tridiagonal form: cheap for many shifts at a third of a decomposition.

    H = Q T Q',   (H + lambda I)^-1 g = Q (T + lambda I)^-1 Q'g

Set-up: 4/3 n^3 flops for T and as many for Q, where an eigendecomposition takes 9 n^3. A shift then costs two products with Q
and O(n) for the tridiagonal system. T + lambda I is positive definite exactly where H + lambda I is.

Reference: Golub and Van Loan, Matrix Computations, 4th ed., sections 8.3.1 and 4.3.6.
"""

from typing import Any

import numpy as np
import scipy.linalg as la

from .curvature import symmetric

__all__ = ["TridiagonalCurvature"]


class TridiagonalCurvature:
    """A symmetric H that was evaluated once, in tridiagonal form.

    Parameters
    ----------
    H : ndarray, shape (n, n) or (n,)
        Symmetric; one-dimensional when diagonal.
    matrix_version : int
        Of the problem that it was evaluated for.

    Raises
    ------
    OperatorError
        When H is not symmetric or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.operators.tridiagonal import TridiagonalCurvature
    >>> H = TridiagonalCurvature(np.array([[2.0, 1.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 4.0]]))
    >>> H.solve(1.0, np.array([4.0, 4.0, 5.0])).round(12).tolist()
    [1.0, 1.0, 1.0]
    """

    H = None  # as given it is not kept
    w = None  # nor are there eigenvalues

    def __init__(self, H: Any, matrix_version: int = 0) -> None:
        self.matrix_version = matrix_version
        H = symmetric(H)
        self.n, self.flops = len(H), 0.0
        self._least: float | None = None
        self.Q: Any = None
        if H.ndim == 1 or self.n == 1:
            self.d, self.e = np.array(np.ravel(H)), np.zeros(max(self.n - 1, 0))
            return
        work, _ = la.lapack.dsytrd_lwork(self.n, lower=1)
        packed, self.d, self.e, tau, _ = la.lapack.dsytrd(H, lower=1, lwork=int(work))
        inner, _, _ = la.lapack.dorgqr(packed[1:, :-1], tau, lwork=64 * self.n)
        self.Q = np.zeros((self.n, self.n))
        self.Q[0, 0] = 1.0
        self.Q[1:, 1:] = inner
        self.flops = 8.0 * self.n**3 / 3.0

    @property
    def least(self) -> float:
        """The smallest eigenvalue, found when it is asked for."""
        if self._least is None:
            self._least = (
                float(np.min(self.d))
                if not np.any(self.e)
                else float(la.eigvalsh_tridiagonal(self.d, self.e, select="i", select_range=(0, 0))[0])
            )
        return self._least

    def solve(self, shift: float, g: Any) -> Any | None:
        """(H + shift I)^-1 g, or None when H + shift I is not positive definite."""
        d = self.d + shift
        if not np.min(d) > 0.0:
            return None
        c = g if self.Q is None else self.Q.T @ g
        if not np.any(self.e):
            c = c / d
        else:
            _, _, c, info = la.lapack.dptsv(d, self.e, c)
            if info:
                return None
        return c if self.Q is None else self.Q @ c

    def spent(self) -> float:
        """Flops of reductions since this was last asked."""
        flops, self.flops = self.flops, 0.0
        return flops

    # ---- kept for the next problem ---------------------------------------------------------------------------------

    def fits(self, recipe: Any) -> bool:
        """A curvature serves any method that asks for one."""
        return True

    def state_dict(self) -> dict[str, Any]:
        """T and, unless H is diagonal, Q."""
        out = {"bound": "TridiagonalCurvature", "matrix_version": int(self.matrix_version), "d": self.d, "e": self.e}
        return out if self.Q is None else out | {"Q": self.Q}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "TridiagonalCurvature":
        """The inverse of ``state_dict``.

        Raises
        ------
        ValueError
            When the arrays are no such form.
        """
        d, e, Q = state["d"], state["e"], state.get("Q")
        given = [v for v in (d, e, Q) if v is not None]
        sound = all(isinstance(v, np.ndarray) and v.dtype == np.float64 and bool(np.all(np.isfinite(v))) for v in given)
        sound = sound and d.ndim == e.ndim == 1 and d.size > 0 and len(e) == len(d) - 1
        if sound and Q is not None:
            sound = Q.shape == (len(d), len(d)) and bool(np.max(np.abs(Q.T @ Q - np.eye(len(d)))) < 1e-8)
        if not sound or (Q is None and np.any(e)) or type(state["matrix_version"]) is not int:
            raise ValueError("a carried curvature is not a tridiagonal matrix and its orthogonal factor")
        kept = cls(d, state["matrix_version"])
        kept.e, kept.Q = np.array(e), Q
        return kept
