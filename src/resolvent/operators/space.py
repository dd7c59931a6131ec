"""A space that one solve leaves for the next: vectors, their images under A while A is the same, and what they came from.

    A U = C,  C^H C = I    (rows of arrays here)

Made when it is first asked for, because nobody may ask. Memory: 2 k n-vectors (k once A has changed).
"""

import math
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
from array_api_compat import array_namespace

__all__ = ["Space", "choosing"]

_DTYPES = frozenset(np.dtype(t) for t in ("float32", "float64", "complex64", "complex128"))
_MOST = 512


class Space:
    """A space to be carried in the slot ``space``.

    Parameters
    ----------
    U : array, shape (k, n), or callable
        A basis, the most wanted vectors first; a callable gives ``(U, C)`` when they are first asked for.
    matrix_version, epoch : int
        Of the problem that the images belong to.
    C : array, shape (k, n), optional
        ``A U`` for that problem, orthonormal.
    whole : sequence of int, optional
        The sizes at which it may be cut without parting a complex pair; all without.
    origin : problem, optional
        The problem itself, for a solve that goes on outside of a Session.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.operators.space import Space
    >>> space = Space(np.eye(3, 5), whole=(1, 3))
    >>> space.cut(2).U.shape
    (1, 5)
    """

    def __init__(
        self, U: Any, matrix_version: int = -1, epoch: int = -1, C: Any = None, whole: Any = None, origin: Any = None
    ) -> None:
        self._make: Callable[[], tuple[Any, Any, Any]] | None = U if callable(U) else None
        self._U, self._C, self._whole = (None, None, None) if callable(U) else (U, C, whole)
        self.matrix_version, self.epoch = matrix_version, epoch
        self._origin = origin if origin is None or isinstance(origin, weakref.ref) else weakref.ref(origin)

    def _made(self) -> None:
        if self._make is not None:
            self._U, self._C, self._whole = self._make()
            self._make = None

    @property
    def U(self) -> Any:
        """The basis, rows; None when nothing could be had."""
        self._made()
        return self._U

    @property
    def C(self) -> Any:
        """Its images, rows, or None."""
        self._made()
        return self._C

    @property
    def size(self) -> int:
        """How many vectors."""
        return 0 if self.U is None else int(self.U.shape[0])

    @property
    def whole(self) -> tuple[int, ...]:
        """The sizes at which it may be cut."""
        self._made()
        return tuple(range(1, self.size + 1)) if self._whole is None else tuple(self._whole)

    def images(self, problem: Any) -> Any:
        """C where it is known to belong to the problem's matrix, else None."""
        known = (self._origin is not None and self._origin() is problem) or bool(problem.memory)
        same = known and self.matrix_version == problem.matrix_version and self.epoch == problem.epoch
        return self.C if same else None

    def suits(self, like: Any) -> bool:
        """Whether the vectors are of the length and dtype of ``like``."""
        return self.size > 0 and self.U.shape[1] == like.shape[0] and self.U.dtype == like.dtype

    def cut(self, size: int) -> "Space":
        """The leading vectors, at most ``size`` of them, without parting a pair."""
        fit = max((w for w in self.whole if w <= size), default=0)
        C = None if self.C is None else self.C[:fit, :]
        whole = tuple(w for w in self.whole if w <= fit)
        return Space(self.U[:fit, :], self.matrix_version, self.epoch, C, whole, self._origin)

    def joined(self, vectors: list[Any]) -> "Space":
        """With more vectors behind, and so without images."""
        if not vectors:
            return self
        xp = array_namespace(self.U)
        U = xp.concat([self.U, *(xp.reshape(v, (1, -1)) for v in vectors)])
        return Space(U, whole=(*self.whole, *range(self.size + 1, self.size + len(vectors) + 1)))

    def extended(self, vectors: list[Any], images: list[Any]) -> "Space":
        """With more vectors behind whose images under the same A are known; those that add nothing are left out."""
        U, C, count = self.U, self.C, 0
        xp = array_namespace(U)
        for x, a in zip(vectors, images, strict=True):
            before = float(xp.linalg.vector_norm(a))
            for _ in range(2):
                c = xp.conj(C @ xp.conj(a)) if xp.isdtype(a.dtype, "complex floating") else C @ a
                a, x = a - c @ C, x - c @ U
            length = float(xp.linalg.vector_norm(a))
            if not 1e-8 * before < length < math.inf:
                continue
            C = xp.concat([C, xp.reshape(a * (1.0 / length), (1, -1))])
            U = xp.concat([U, xp.reshape(x * (1.0 / length), (1, -1))])
            count += 1
        if not count:
            return self
        whole = (*self.whole, *range(self.size + 1, self.size + count + 1))
        return Space(U, self.matrix_version, self.epoch, C, whole, self._origin)

    def state_dict(self) -> dict[str, Any]:
        """Plain arrays."""
        return {
            "bound": "Space",
            "U": np.ascontiguousarray(self.U),
            "C": None if self.C is None else np.ascontiguousarray(self.C),
            "whole": [int(w) for w in self.whole],
            "matrix_version": int(self.matrix_version),
            "epoch": int(self.epoch),
        }

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Space":
        """The inverse of ``state_dict``.

        Raises
        ------
        ValueError
            When it is no space.
        """
        U, C, whole = state["U"], state["C"], state["whole"]
        arrays = [U] if C is None else [U, C]
        sound = all(isinstance(a, np.ndarray) and a.ndim == 2 and a.dtype in _DTYPES for a in arrays)
        sound = sound and 0 < U.shape[0] <= min(_MOST, U.shape[1]) and all(a.shape == U.shape for a in arrays)
        sound = sound and all(a.dtype == U.dtype and bool(np.all(np.isfinite(a))) for a in arrays)
        counts = [*whole, state["matrix_version"], state["epoch"]] if isinstance(whole, list) else [None]
        sound = sound and all(type(v) is int for v in counts)
        if not sound or not all(0 < w <= U.shape[0] for w in whole):
            raise ValueError("the carried space is not one")
        return cls(U, state["matrix_version"], state["epoch"], C, tuple(whole))


def choosing(q: int, complex_: bool = False) -> dict[str, float]:
    """The counted work of choosing a space out of q vectors: some calls on small arrays, and an eigenproblem of order q."""
    return {"calls": 30.0 + q, "dense_flops": (450.0 if complex_ else 150.0) * q**3}
