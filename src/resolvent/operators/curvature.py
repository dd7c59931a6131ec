"""Curvature H of a smooth function, in the form in which (H + lambda I) s = -g is cheap for many lambda.

    H = V diag(w) V':   s = -V ((V'g) / (w + lambda))        one O(n^2) pass each way, any number of lambdas
    H = L L' - lambda:  one Cholesky factorization for each lambda, a third of n^3 multiply-adds

The eigendecomposition costs about 9 n^3 flops once; it pays from two or three lambdas on, and can be kept from one
problem to the next. A diagonal H is its own decomposition.
Reference: Golub and Van Loan, Matrix Computations, 4th ed., sections 4.2 and 8.3.
"""

from typing import Any

import numpy as np
import scipy.linalg as la

from ..core import OperatorError

__all__ = ["Curvature", "symmetric"]


def symmetric(H: Any) -> Any:
    """H itself, a symmetric matrix or a diagonal of finite numbers.

    Raises
    ------
    OperatorError
        When it is not.
    """
    if not np.all(np.isfinite(H)):
        raise OperatorError("the Hessian contains NaN or inf")
    if H.ndim == 2:
        size = float(np.max(np.abs(H), initial=0.0))
        if float(np.max(np.abs(H - H.T), initial=0.0)) > 1e-6 * size:  # rounding after cancellation is far below
            raise OperatorError("the Hessian is not symmetric; give a symmetric matrix, or its diagonal")
    return H


class Curvature:
    """A symmetric H that was evaluated once.

    Parameters
    ----------
    H : ndarray, shape (n, n) or (n,)
        Symmetric; one-dimensional when diagonal.
    eigen : bool
        Decompose it now, instead of factoring for each shift.
    matrix_version : int
        Of the problem that it was evaluated for.

    Raises
    ------
    OperatorError
        When H is not symmetric or not finite.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.operators.curvature import Curvature
    >>> Curvature(np.diag([1.0, 3.0]), eigen=True).solve(1.0, np.array([2.0, 4.0])).tolist()
    [1.0, 1.0]
    """

    def __init__(self, H: Any, eigen: bool, matrix_version: int = 0) -> None:
        self.matrix_version = matrix_version
        self.H: Any = None
        self.V: Any = None
        self.w: Any = None
        self.flops = 0.0
        H = symmetric(H)
        self.n = len(H)
        if H.ndim == 1:
            self.w = np.array(H)
            return
        if eigen:
            self.w, V = la.eigh(H, check_finite=False)
            self.V = np.ascontiguousarray(V)  # so that a state file gives the same bits
            self.flops = 9.0 * self.n**3
        else:
            self.H = H

    @property
    def least(self) -> float | None:
        """The smallest eigenvalue, where it is known."""
        return None if self.w is None else float(np.min(self.w))

    def turn(self, g: Any) -> Any:
        """V'g."""
        return g if self.V is None else self.V.T @ g

    def back(self, c: Any) -> Any:
        """V c."""
        return c if self.V is None else self.V @ c

    def solve(self, shift: float, g: Any) -> Any | None:
        """(H + shift I)^-1 g, or None when H + shift I is not positive definite."""
        if self.w is not None:
            d = self.w + shift
            return None if not np.min(d) > 0.0 else self.back(self.turn(g) / d)
        shifted = self.H.copy()
        shifted.flat[:: self.n + 1] += shift
        self.flops += self.n**3 / 3.0
        try:
            return la.cho_solve(la.cho_factor(shifted, overwrite_a=True, check_finite=False), g, check_finite=False)
        except la.LinAlgError:
            return None

    def spent(self) -> float:
        """Flops of factorizations since this was last asked."""
        flops, self.flops = self.flops, 0.0
        return flops

    # ---- kept for the next problem ---------------------------------------------------------------------------------

    def fits(self, recipe: Any) -> bool:
        """A curvature serves any method that asks for one."""
        return True

    def state_dict(self) -> dict[str, Any]:
        """Eigenvalues and, unless diagonal, eigenvectors."""
        out = {"bound": "Curvature", "matrix_version": int(self.matrix_version), "w": self.w}
        return out if self.V is None else out | {"V": self.V}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Curvature":
        """The inverse of ``state_dict``.

        Raises
        ------
        ValueError
            When the arrays are no eigendecomposition.
        """
        w, V = state["w"], state.get("V")
        sound = isinstance(w, np.ndarray) and w.ndim == 1 and w.size > 0 and w.dtype == np.float64
        if sound and V is not None:
            sound = isinstance(V, np.ndarray) and V.shape == (len(w), len(w)) and V.dtype == np.float64
            sound = sound and bool(np.max(np.abs(V.T @ V - np.eye(len(w)))) < 1e-8)
        if not sound or not np.all(np.isfinite(w)) or type(state["matrix_version"]) is not int:
            raise ValueError("a carried curvature is not an eigendecomposition")
        kept = cls(w, False, state["matrix_version"])
        kept.V = V
        return kept
