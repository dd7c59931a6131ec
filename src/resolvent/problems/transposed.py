"""A^T x = b with the matrix that a Session knows as A: what was set up for A serves, applied transposed.

    residual = || b - A^T x ||_2,    scale = || b ||_2

The transpose of a stored matrix is written once per problem (a gather); an operator is asked for its adjoint, with
A^T x = conj(A^H conj(x)).
"""

from dataclasses import fields
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..core import Change, Result
from . import checks
from .linear import LinearSystem

__all__ = ["TransposedSystem"]


class TransposedSystem(LinearSystem):
    """What ``LinearSystem`` makes of ``transposed=True``; not called by name. ``base`` is the system with A."""

    base: Any

    def _prepare(self) -> None:
        """Called at the end of ``LinearSystem.__post_init__``.

        Raises
        ------
        ValueError
            With a null space (A's is not that of its transpose), or an operator without ``rmatvec``.
        """
        if self.nullspace is not None:
            raise ValueError("nullspace was given with transposed=True; leave it out, or give the transposed matrix")
        given = {f.name: getattr(self, f.name) for f in fields(self)} | {"transposed": False}
        ready = self.__dict__
        base = ready["base"] = LinearSystem(**given)
        base.__dict__["work"] = self.work
        if self.stored:
            ready["ip"], ready["ix"], ready["data"] = _flipped(self.ip, self.ix, self.data, self.n)
            ready["vetted"] = True
        elif not callable(getattr(self.A, "rmatvec", None)):
            raise ValueError(
                f"A is a {type(self.A).__name__} without rmatvec; its product with the transpose is needed"
            )
        else:
            object.__setattr__(self, "A", _Flipped(self.A))

    def compare(self, memory: dict[str, Any]) -> Change:
        """What changed of A; symbolic parts of the transpose are kept beside those of A."""
        change = self.base.compare(memory)
        ready = self.__dict__
        for name in ("memory", "epoch", "matrix_version"):
            ready[name] = self.base.__dict__[name]
        ready["symbolic"] = self.base.symbolic.setdefault("transposed", {})
        return change

    def parts(self) -> list[Any] | None:
        """One system per column of b, or None for a vector."""
        columns = self.base.parts()
        return None if columns is None else [column.transpose(column.b) for column in columns]

    def distance(self, bound: Any) -> float:
        """The distance of A from the matrix that ``bound`` was made from."""
        return float(self.base.distance(bound))

    def suits(self, bound: Any) -> bool:
        """Whether a carried set-up was made from a matrix like A."""
        return bool(self.base.suits(bound))

    def leave(self, result: Result) -> None:
        """Bring a result back to the user's unit, in place."""
        super().leave(result)
        result.digest["kind"] = "residual of A^T x = b, 2-norm"


class _Flipped:
    """The transpose of an operator."""

    def __init__(self, A: Any) -> None:
        self.inner, self.shape, self.dtype = A, A.shape, getattr(A, "dtype", None)

    def matvec(self, x: Any) -> Any:
        """A^T x."""
        return np.conj(self.inner.rmatvec(np.conj(x)))

    def rmatvec(self, x: Any) -> Any:
        """conj(A) x."""
        return np.conj(self.inner.matvec(np.conj(x)))


def _flipped(ip: Any, ix: Any, data: Any, n: int) -> tuple[Any, Any, Any]:
    """The CSR arrays of the transpose, rows sorted."""
    ip, ix, data = checks.canonical(ip, ix, data, n)
    signed = np.int32 if ip.dtype.itemsize == 4 else np.int64
    A = sp.csc_array((data, ix.view(signed), ip.view(signed)), shape=(n, n)).tocsr()
    return (*(np.ascontiguousarray(v.astype(signed, copy=False)).view(ip.dtype) for v in (A.indptr, A.indices)), A.data)
