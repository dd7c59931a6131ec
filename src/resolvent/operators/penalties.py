"""Penalties of composite problems, and their proximal maps."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["L1", "Box", "ElasticNet", "GroupL1", "NonNegative"]


def _weight(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{name}={value!r} was given; a number is expected")
    if not 0 <= float(value) < math.inf:
        raise ValueError(f"{name}={value} was given; a finite number that is not negative is expected")


def _soft(v: Any, t: Any) -> Any:
    return np.sign(v) * np.maximum(np.abs(v) - t, 0.0)


@dataclass(frozen=True)
class L1:
    """``lam ||w||_1``.

    Parameters
    ----------
    lam : float
        Not negative; scikit-learn's ``alpha``.

    Raises
    ------
    ValueError, TypeError
        For a weight that is negative, not finite or not a number.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.L1(0.5).prox(np.array([2.0, -0.2]), 1.0).tolist()
    [1.5, -0.0]
    """

    lam: float

    kind = 0

    def __post_init__(self) -> None:
        _weight("lam", self.lam)

    @property
    def weights(self) -> tuple[float, float]:
        """Of ``|w|`` and of ``w^2 / 2``."""
        return float(self.lam), 0.0

    def value(self, w: Any) -> float:
        """The penalty at w."""
        return float(self.lam) * float(np.sum(np.abs(w)))

    def prox(self, v: Any, step: Any) -> Any:
        """``argmin ||w - v||^2 / 2 + step penalty(w)``; ``step`` a number or one per coordinate."""
        return _soft(v, step * float(self.lam))


@dataclass(frozen=True)
class ElasticNet:
    """``lam (ratio ||w||_1 + (1 - ratio) ||w||^2 / 2)``.

    Parameters
    ----------
    lam : float
        Not negative; scikit-learn's ``alpha``.
    ratio : float in [0, 1], default 0.5
        Scikit-learn's ``l1_ratio``.

    Raises
    ------
    ValueError, TypeError
        For a weight that is negative or not finite, a ratio outside [0, 1].

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.ElasticNet(1.0, 0.5).prox(np.array([2.0]), 1.0).tolist()
    [1.0]
    """

    lam: float
    ratio: float = 0.5

    kind = 0

    def __post_init__(self) -> None:
        _weight("lam", self.lam)
        _weight("ratio", self.ratio)
        if self.ratio > 1:
            raise ValueError(f"ratio={self.ratio} was given; a number from 0 to 1 is expected")

    @property
    def weights(self) -> tuple[float, float]:
        """Of ``|w|`` and of ``w^2 / 2``."""
        return float(self.lam) * float(self.ratio), float(self.lam) * (1.0 - float(self.ratio))

    def value(self, w: Any) -> float:
        """The penalty at w."""
        one, two = self.weights
        return one * float(np.sum(np.abs(w))) + 0.5 * two * float(np.vdot(w, w))

    def prox(self, v: Any, step: Any) -> Any:
        """``argmin ||w - v||^2 / 2 + step penalty(w)``."""
        one, two = self.weights
        return _soft(v, step * one) / (1.0 + step * two)


@dataclass(frozen=True, eq=False)
class GroupL1:
    """``lam sum_g ||w_g||_2``.

    Parameters
    ----------
    lam : float
        Not negative.
    groups : int or sequence of index sequences
        A number is the size of groups of neighbours; else the groups, which must part the coordinates: none empty,
        none twice, none left out.

    Raises
    ------
    ValueError, TypeError
        For a negative weight, groups that are empty or overlap, indices that are not whole numbers.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.GroupL1(1.0, [[0, 1], [2]]).prox(np.array([3.0, 4.0, 0.5]), 1.0).round(8).tolist()
    [2.4, 3.2, 0.0]
    """

    lam: float
    groups: int | Sequence[Any]

    kind = 2

    def __post_init__(self) -> None:
        _weight("lam", self.lam)
        if isinstance(self.groups, int | np.integer) and not isinstance(self.groups, bool):
            if self.groups < 1:
                raise ValueError(f"groups={self.groups} was given; a size of at least 1 is expected")
            self.__dict__["_parts"] = None
            return
        if isinstance(self.groups, str | bytes) or not isinstance(self.groups, Sequence | np.ndarray):
            raise TypeError(f"groups is a {type(self.groups).__name__}; a size or a list of index lists is expected")
        parts = [np.asarray(g) for g in self.groups]
        if not parts or any(g.size == 0 for g in parts):
            raise ValueError("a group is empty; leave it out")
        if any(g.ndim != 1 or g.dtype.kind not in "iu" for g in parts):
            raise TypeError("a group is not a list of whole numbers; lists of coordinates are expected")
        flat = np.concatenate(parts)
        if len(np.unique(flat)) != len(flat):
            twice = np.flatnonzero(np.bincount(flat[flat >= 0]) > 1)
            raise ValueError(f"groups overlap: coordinate {twice[0] if len(twice) else flat[0]} is in more than one")
        self.__dict__["_parts"] = parts

    def layout(self, p: int) -> tuple[Any, Any]:
        """Pointers and coordinates of the groups of p coordinates.

        Raises
        ------
        ValueError
            When the groups do not part p coordinates.
        """
        if self._parts is None:
            if p % int(self.groups):
                raise ValueError(f"{p} coordinates do not fall into groups of {self.groups}; give the groups as lists")
            return np.arange(0, p + 1, int(self.groups)), np.arange(p)
        idx = np.concatenate(self._parts).astype(np.int64)
        if len(idx) != p or not np.array_equal(np.sort(idx), np.arange(p)):
            raise ValueError(f"groups name {len(idx)} coordinates; each of 0 to {p - 1} is expected exactly once")
        return np.concatenate([[0], np.cumsum([len(g) for g in self._parts])]), idx

    @property
    def weights(self) -> tuple[float, float]:
        """Of the norms, and 0."""
        return float(self.lam), 0.0

    def norms(self, v: Any) -> Any:
        """The 2-norm of each group."""
        ptr, idx = self.layout(len(v))
        return np.sqrt(np.add.reduceat(np.square(v[idx], dtype=np.float64), ptr[:-1]))

    def value(self, w: Any) -> float:
        """The penalty at w."""
        return float(self.lam) * float(np.sum(self.norms(w)))

    def prox(self, v: Any, step: Any) -> Any:
        """``argmin ||w - v||^2 / 2 + step penalty(w)``; ``step`` a number or one per coordinate, equal within a group."""
        ptr, idx = self.layout(len(v))
        norms = np.repeat(self.norms(v), np.diff(ptr))
        out = np.empty_like(v)
        steps = np.broadcast_to(np.asarray(step, dtype=np.float64), v.shape)[idx]
        out[idx] = v[idx] * np.maximum(1.0 - float(self.lam) * steps / np.maximum(norms, 1e-300), 0.0)
        return out


@dataclass(frozen=True)
class NonNegative:
    """``w >= 0``.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.NonNegative().prox(np.array([2.0, -3.0]), 1.0).tolist()
    [2.0, 0.0]
    """

    kind = 1
    weights = (0.0, 0.0)

    def bounds(self, p: int) -> tuple[Any, Any]:
        """Lower and upper bounds of p coordinates."""
        return np.zeros(p), np.full(p, np.inf)

    def value(self, w: Any) -> float:
        """0, or inf outside."""
        return 0.0 if np.all(w >= 0) else math.inf

    def prox(self, v: Any, step: Any) -> Any:
        """The nearest point that is not negative."""
        return np.maximum(v, 0.0)


@dataclass(frozen=True, eq=False)
class Box:
    """``lo <= w <= hi``.

    Parameters
    ----------
    lo, hi : float or ndarray of shape (p,)
        -inf and inf are possible; with finite bounds the measure is a duality gap.

    Raises
    ------
    ValueError, TypeError
        For NaN, lo above hi, or bounds that are not numbers.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.Box(-1.0, 1.0).prox(np.array([2.0, -0.3]), 1.0).tolist()
    [1.0, -0.3]
    """

    lo: Any
    hi: Any

    kind = 1
    weights = (0.0, 0.0)

    def __post_init__(self) -> None:
        lo, hi = np.asarray(self.lo), np.asarray(self.hi)
        for name, value in (("lo", lo), ("hi", hi)):
            if value.dtype.kind not in "iuf" or value.ndim > 1:
                raise TypeError(f"{name} is not a number or a vector of numbers")
            if np.any(np.isnan(value)):
                raise ValueError(f"{name} contains NaN; numbers are expected")
        if lo.ndim == hi.ndim == 1 and lo.shape != hi.shape:
            raise ValueError(f"lo has shape {lo.shape} and hi {hi.shape}; equal shapes are expected")
        if np.any(lo > hi) or np.any(lo == np.inf) or np.any(hi == -np.inf):
            raise ValueError("lo is above hi, or the box is empty; lo <= hi is expected")

    def bounds(self, p: int) -> tuple[Any, Any]:
        """Lower and upper bounds of p coordinates.

        Raises
        ------
        ValueError
            When the bounds are of another length.
        """
        for name, value in (("lo", self.lo), ("hi", self.hi)):
            if np.ndim(value) == 1 and np.shape(value) != (p,):
                raise ValueError(f"{name} has shape {np.shape(value)}; a number or shape ({p},) is expected")
        both = (np.array(np.broadcast_to(np.asarray(v, dtype=np.float64), (p,))) for v in (self.lo, self.hi))
        return tuple(both)  # type: ignore[return-value]

    def value(self, w: Any) -> float:
        """0, or inf outside."""
        return 0.0 if np.all(w >= self.lo) and np.all(w <= self.hi) else math.inf

    def prox(self, v: Any, step: Any) -> Any:
        """The nearest point of the box."""
        return np.clip(v, np.asarray(self.lo, v.dtype), np.asarray(self.hi, v.dtype))
