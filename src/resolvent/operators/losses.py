"""Losses of composite problems: what is fitted, its value and slope, and the dual point that certifies a candidate."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from .design import Design, as_matrix

__all__ = ["LeastSquares", "Logistic", "Quadratic", "SigmoidSquares"]


def _target(y: Any, n: int, dtype: Any) -> Any:
    if not isinstance(y, np.ndarray) or y.dtype.kind != "f" or y.dtype.itemsize not in (4, 8):
        kind = f"an array of {y.dtype}" if isinstance(y, np.ndarray) else f"a {type(y).__name__}"
        raise TypeError(f"y is {kind}; a NumPy array of float32 or float64 is expected: convert it")
    if y.shape != (n,):
        raise ValueError(f"y has shape {y.shape} and X has {n} rows; shape ({n},) is expected")
    if not np.all(np.isfinite(y)):
        raise ValueError("y contains NaN or inf; finite targets are expected")
    y = np.ascontiguousarray(y, dtype=np.result_type(dtype, y.dtype))
    info, most = np.finfo(y.dtype), float(np.abs(y).max())
    if 0.0 < most < float(np.sqrt(info.tiny / info.eps)):  # objectives and gaps would be zero for any w
        raise ValueError(
            f"y is {most:.3g} at most, and its squares underflow in {y.dtype}: scale y and the penalty's weight"
        )
    return y


class _Linear:
    """What losses of X w have in common."""

    X: Any
    y: Any
    intercept: bool
    design: Design
    code: int

    def _prepare(self) -> None:
        X = as_matrix(self.X, "X")
        if not isinstance(self.intercept, bool):
            raise TypeError(f"intercept={self.intercept!r} was given; True or False is expected")
        y = _target(self.y, X.shape[0], X.dtype)
        if X.dtype != y.dtype:
            X = X.astype(y.dtype)
        design = Design(X)
        if not design.finite():
            raise ValueError("X contains NaN or inf, or its column norms overflow; finite entries are expected")
        self.__dict__.update(design=design, target=y, dtype=y.dtype, samples=X.shape[0], features=X.shape[1])
        self.__dict__["size"] = X.shape[1] + int(self.intercept)

    def margins(self, w: Any) -> Any:
        """``X w`` plus the intercept."""
        if not self.intercept:
            return self.design.times(w)
        return self.design.times(w[:-1]) + w[-1]


@dataclass(frozen=True, eq=False)
class LeastSquares(_Linear):
    """``||y - X w||^2 / (2 n)``.

    Parameters
    ----------
    X : ndarray (any order) or sparse array, shape (n, p)
        float32 or float64; F-ordered and CSC are used as they stand, others are copied once. Not changed, and not to be
        changed while this object is in use.
    y : ndarray, shape (n,)
    intercept : bool, default False
        Add a constant column that no penalty touches; w then has p + 1 entries, the last one the intercept.

    Raises
    ------
    TypeError, ValueError
        For other kinds, shapes or dtypes, NaN or inf.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> loss = rv.LeastSquares(np.eye(2), np.array([3.0, 1.0]))
    >>> result = rv.solve(rv.Composite(loss, rv.L1(0.5)), rtol=1e-10)
    >>> result.x.round(8).tolist(), result.status.name
    ([2.0, 0.0], 'GAP')
    """

    X: Any
    y: Any
    intercept: bool = False

    code = 0
    curvature = 1.0

    def __post_init__(self) -> None:
        self._prepare()

    def value(self, w: Any) -> float:
        """The loss at w."""
        r = self.target - self.margins(w)
        return float(np.vdot(r, r)) / (2 * self.samples)

    def at(self, w: Any) -> tuple[float, Any]:
        """Value and slope with respect to the margins."""
        r = self.target - self.margins(w)
        return float(np.vdot(r, r)) / (2 * self.samples), r / -self.samples

    def dual(self, v: Any) -> Any:
        """A point of the dual made from the slope: with an intercept it must sum to zero."""
        return v - v.mean() if self.intercept else v

    def conjugate(self, u: Any, limit: float) -> tuple[float, float]:
        """The scaling t of u, |t| at most ``limit``, with the least conjugate, and the conjugate at t u."""
        a, b = -float(np.vdot(u, self.target)), self.samples * float(np.vdot(u, u))
        t = min(max(a / b if b > 0 else 0.0, -limit), limit)
        return t, 0.5 * t * t * b - t * a

    def constants(self) -> Any:
        """Curvature along each coordinate."""
        return self.design.squares() / self.samples


@dataclass(frozen=True, eq=False)
class Logistic(_Linear):
    """The mean of ``log(1 + exp(-y x'w))``, y in {-1, 1}.

    Parameters
    ----------
    X : ndarray (any order) or sparse array, shape (n, p)
    y : ndarray, shape (n,)
        -1.0 and 1.0, both present.
    intercept : bool, default False
        Add a constant column that no penalty touches; w then has p + 1 entries, the last one the intercept.

    Raises
    ------
    TypeError, ValueError
        For other kinds, shapes or dtypes, other labels, one class, NaN or inf.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> X, y = np.array([[1.0], [2.0], [-1.0]]), np.array([1.0, 1.0, -1.0])
    >>> rv.solve(rv.Composite(rv.Logistic(X, y), rv.L1(0.1)), rtol=1e-9).ok
    True
    """

    X: Any
    y: Any
    intercept: bool = False

    code = 1
    curvature = 0.25

    def __post_init__(self) -> None:
        self._prepare()
        values = np.unique(self.target)
        if not np.all(np.abs(values) == 1.0):
            some = ", ".join(f"{v:g}" for v in values[:4])
            raise ValueError(f"y has the values {some}{', ...' if len(values) > 4 else ''}; -1 and 1 are expected")
        if len(values) < 2:
            raise ValueError(f"y has one class only ({values[0]:g}); both -1 and 1 are expected")

    def value(self, w: Any) -> float:
        """The loss at w."""
        return float(np.mean(np.logaddexp(0.0, -self.target * self.margins(w))))

    def at(self, w: Any) -> tuple[float, Any]:
        """Value and slope with respect to the margins."""
        m = self.target * self.margins(w)
        small = np.exp(-np.abs(m))
        value = float(np.mean(np.log1p(small) + np.maximum(-m, 0.0)))
        share = np.where(m > 0, small, 1.0) / (1.0 + small)
        return value, -self.target * share / self.samples

    def dual(self, v: Any) -> Any:
        """A point of the dual made from the slope: with an intercept the heavier class is scaled down to the other."""
        if not self.intercept:
            return v
        up, down = float(v[v > 0].sum()), -float(v[v < 0].sum())
        least = min(up, down)
        return np.where(v > 0, v * (least / up if up > 0 else 0.0), v * (least / down if down > 0 else 0.0))

    def conjugate(self, u: Any, limit: float) -> tuple[float, float]:
        """The scaling t of u, in [0, limit] and at most 1, and the conjugate at t u."""
        t = min(1.0, limit)
        a = np.clip(-t * self.samples * self.target * u, 0.0, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            terms = np.where(a > 0, a * np.log(a), 0.0) + np.where(a < 1, (1 - a) * np.log1p(-a), 0.0)
        return t, float(np.mean(terms))

    def constants(self) -> Any:
        """A bound on the curvature along each coordinate."""
        return self.design.squares() / (4 * self.samples)


@dataclass(frozen=True, eq=False)
class SigmoidSquares(_Linear):
    """The mean of ``(sigmoid(x'w) - y)^2``, y in [0, 1]: smooth and not convex, so that what is found is stationary.

    Parameters
    ----------
    X : ndarray (any order) or sparse array, shape (n, p)
    y : ndarray, shape (n,)
        From 0 to 1; labels are 0.0 and 1.0.

    Raises
    ------
    TypeError, ValueError
        For other kinds, shapes or dtypes, targets outside [0, 1], NaN or inf.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> loss = rv.SigmoidSquares(np.array([[2.0], [1.0]]), np.array([1.0, 0.0]))
    >>> result = rv.solve(rv.Composite(loss, rv.L1(0.01)), rv.ProximalCyclic(), rtol=1e-8)
    >>> result.status.name, result.seen["objective"] < 0.25
    ('RESIDUAL', True)
    """

    X: Any
    y: Any

    code = 3
    curvature = 0.15406  # the largest |second derivative| of (sigmoid(z) - y)^2, met at y = 0, sigmoid(z) = 0.3856
    intercept = False

    def __post_init__(self) -> None:
        self._prepare()
        if np.min(self.target) < 0 or np.max(self.target) > 1:
            raise ValueError(
                f"y runs from {np.min(self.target):g} to {np.max(self.target):g}; numbers from 0 to 1 are expected"
            )

    def _sigmoid(self, w: Any) -> tuple[Any, Any]:
        z = self.margins(w)
        small = np.exp(-np.abs(z))
        return np.where(z > 0, 1.0, small) / (1.0 + small), small / np.square(1.0 + small)

    def value(self, w: Any) -> float:
        """The loss at w."""
        return float(np.mean(np.square(self._sigmoid(w)[0] - self.target)))

    def at(self, w: Any) -> tuple[float, Any]:
        """Value and slope with respect to the margins."""
        share, steep = self._sigmoid(w)
        e = share - self.target
        return float(np.mean(np.square(e))), 2.0 * e * steep / self.samples

    def constants(self) -> Any:
        """A bound on the curvature along each coordinate, of either sign."""
        return self.curvature * self.design.squares() / self.samples


@dataclass(frozen=True, eq=False)
class Quadratic:
    """``w'Hw / 2 - b'w`` with H symmetric positive semidefinite.

    Parameters
    ----------
    H : ndarray or sparse array, shape (p, p)
    b : ndarray, shape (p,)

    Raises
    ------
    TypeError, ValueError
        For other kinds, shapes or dtypes, NaN or inf, H not symmetric or with a negative diagonal.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> H = np.array([[2.0, 1.0], [1.0, 2.0]])
    >>> rv.solve(rv.Composite(rv.Quadratic(H, np.array([1.0, -1.0])), rv.NonNegative()), rtol=1e-10).x.round(8).tolist()
    [0.5, 0.0]
    """

    H: Any
    b: Any

    code = 2
    intercept = False

    def __post_init__(self) -> None:
        H = as_matrix(self.H, "H")
        if H.shape[0] != H.shape[1]:
            raise ValueError(f"H has shape {H.shape}; a square matrix is expected")
        b = _target(self.b, H.shape[0], H.dtype)
        H = H.astype(b.dtype) if H.dtype != b.dtype else H
        design = Design(H, symmetric=True)
        if not design.finite():
            raise ValueError("H contains NaN or inf, or overflows; finite entries are expected")
        gap = abs(H - H.T).max()
        if gap > 16 * float(np.finfo(b.dtype).eps) * abs(H).max():
            raise ValueError(f"H is not symmetric: H and its transpose differ by {float(gap):.3g}; give (H + H.T) / 2")
        if np.any(H.diagonal() < 0):
            raise ValueError("H has a negative diagonal entry; a positive semidefinite matrix is expected")
        self.__dict__.update(design=design, target=b, dtype=b.dtype, samples=1, features=len(b), size=len(b))

    def value(self, w: Any) -> float:
        """The quadratic at w."""
        return float(0.5 * np.vdot(w, self.design.times(w)) - np.vdot(self.target, w))

    def at(self, w: Any) -> tuple[float, Any]:
        """Value and gradient."""
        q = self.design.times(w) - self.target
        return float(0.5 * (np.vdot(w, q) - np.vdot(self.target, w))), q

    def constants(self) -> Any:
        """Curvature along each coordinate."""
        return np.asarray(self.design.X.diagonal(), dtype=np.float64)
