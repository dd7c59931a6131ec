"""What a problem along a path of penalties leaves to the next one: slopes at its minimiser, and its support's factor.

    Slopes: s = X' F'(X w),     SupportFactor: L L' = X_A' H X_A, A the support

Both belong to one X (the slopes to one y too), which a file does not hold: there they carry its SHA-256, and serve again
where that of the problem at hand is the same.
"""

import hashlib
import math
from typing import Any

import numpy as np

__all__ = ["Slopes", "SupportFactor"]


def _hashed(design: Any, *more: Any) -> str:
    """SHA-256 of the entries of X and of what else is given."""
    found = hashlib.sha256(repr((design.shape, design.sparse)).encode())
    for part in (*design.store[1:], *more):
        part = np.ascontiguousarray(part)
        found.update(repr((part.shape, part.dtype.str)).encode())
        found.update(part.data if part.size else b"")
    return found.hexdigest()


def _mark_of(loss: Any) -> str:
    return _hashed(loss.design, loss.target, np.array([loss.code, int(loss.intercept)]))


def _checked(mark: Any) -> str:
    if not isinstance(mark, str) or len(mark) != 64:
        raise ValueError("what belongs to a loss carries the 64 figures of its SHA-256")
    return mark


class Slopes:
    """``X' F'(X w)`` as it was measured, and the loss that it belongs to; valid for the x measured alone."""

    __slots__ = ("loss", "mark", "values")

    def __init__(self, loss: Any, values: Any, mark: str = "") -> None:
        self.loss, self.values, self.mark = loss, values, mark

    def of(self, loss: Any) -> bool:
        """Whether they belong to this loss."""
        if self.loss is None and loss is not None and self.mark == _mark_of(loss):
            self.loss = loss
        return self.loss is not None and self.loss is loss and self.values.shape == (loss.features,)

    def beyond(self, earlier: "Slopes", c: float) -> "Slopes":
        """On the line from ``earlier`` through these, c times their distance further: exact where w moves on a line."""
        read = self.loss is None and earlier.loss is None
        same = self.mark == earlier.mark if read else earlier.of(self.loss) or self.of(earlier.loss)
        if not same or self.values.shape != earlier.values.shape:
            return self
        return Slopes(self.loss, self.values + c * (self.values - earlier.values), self.mark)

    def state_dict(self) -> dict[str, Any]:
        """The values and the mark of the loss."""
        mark = self.mark if self.loss is None else _mark_of(self.loss)
        return {"mark": mark, "values": self.values}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Slopes":
        """The inverse of ``state_dict``.

        Raises
        ------
        ValueError
            When the values are no finite vector.
        """
        values = state["values"]
        sound = isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind == "f"
        if not sound or not np.all(np.isfinite(values)):
            raise ValueError("slopes are a vector of finite numbers")
        return cls(None, np.array(values), _checked(state["mark"]))


class SupportFactor:
    """The factor of a support's curvature, in the arrays that the kernels keep up to date.

    Parameters
    ----------
    design : Design or None
        X; None where it was read from a file.
    key : tuple
        What else it depends on: the loss's code, on X'X or not, the ridge, an intercept or not, the size of w.
    arrays : tuple of ndarray
        A, L, column sums, places in A, and scratch.
    order : int
        Of the factor.
    """

    def __init__(self, design: Any, key: tuple[Any, ...], arrays: tuple[Any, ...], order: int = 0) -> None:
        self.design, self.key, self.arrays, self.order = design, key, arrays, order
        self.mark = ""

    def of(self, design: Any, key: tuple[Any, ...]) -> bool:
        """Whether it is of this X and this key."""
        if self.key != key:
            return False
        if self.design is None and self.mark == _hashed(design):
            self.design = design
        return self.design is design

    def filled(self, arrays: tuple[Any, ...]) -> bool:
        """Take these empty arrays, and put what was read from a file into them; False where it does not fit."""
        A, L, sums = self.arrays[:3]
        k, where = len(A), arrays[3]
        if k > len(arrays[0]) - 2 or (k and A.max() >= len(where)):
            return False
        arrays[0][:k], arrays[1][:k, :k], arrays[2][:k] = A, L, sums
        where[A] = np.arange(k)
        self.arrays, self.order = arrays, k
        return True

    def state_dict(self) -> dict[str, Any]:
        """The support, its factor and column sums, and the mark of X."""
        k = self.order
        L = np.tril(self.arrays[1][:k, :k])
        if not (np.all(np.isfinite(L)) and np.all(np.diag(L) > 0.0)):  # overflow has spoilt it: another begins
            k, L = 0, L[:0, :0]
        mark = self.mark if self.design is None else _hashed(self.design)
        A, sums = np.array(self.arrays[0][:k]), np.array(self.arrays[2][:k])
        return {"mark": mark, "key": list(self.key), "A": A, "L": L, "sums": sums}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "SupportFactor":
        """The inverse of ``state_dict``; the arrays for the kernels are made where X is known.

        Raises
        ------
        ValueError
            When the arrays are no support and no factor.
        """
        A, L, sums, key = state["A"], state["L"], state["sums"], state["key"]
        sound = isinstance(A, np.ndarray) and A.dtype == np.int64 and A.ndim == 1 and len(np.unique(A)) == len(A)
        sound = sound and (not len(A) or int(A.min()) >= 0)
        kinds = [
            isinstance(v, np.ndarray) and v.dtype == np.float64 and bool(np.all(np.isfinite(v))) for v in (L, sums)
        ]
        if not sound or not all(kinds) or L.shape != (len(A), len(A)) or sums.shape != A.shape:
            raise ValueError("the factor of a support is a list of coordinates, a matrix and their column sums")
        if not np.all(np.diag(L) > 0.0) or np.any(np.triu(L, 1)):
            raise ValueError("the factor of a support is lower triangular with a positive diagonal")
        code, gram, ridge, intercept, n = _five(key)
        made = cls(None, (code, gram, ridge, intercept, n), (np.array(A), np.array(L), np.array(sums)), len(A))
        made.mark = _checked(state["mark"])
        return made


def _five(key: Any) -> tuple[int, bool, float, bool, int]:
    sound = isinstance(key, list) and len(key) == 5 and type(key[1]) is bool and type(key[3]) is bool
    sound = sound and type(key[0]) is int and type(key[4]) is int and type(key[2]) in (int, float)
    if not sound or not 0.0 <= key[2] < math.inf:
        raise ValueError("the factor of a support is told by a code, two flags, a ridge and a size")
    return key[0], key[1], float(key[2]), key[3], key[4]
