"""The last differences of iterates and residuals in ring buffers, with the Gram matrix of the latter."""

from typing import Any

import numpy as np

from ...problems import arrays

__all__ = ["Differences"]


class Differences:
    """``depth`` rows each of dX and dF, allocated once; the Gram matrix dF dF^H has one row renewed by each push.

    Parameters
    ----------
    depth : int
    like : array
        Of the shape, dtype and library of the iterates.
    """

    def __init__(self, depth: int, like: Any) -> None:
        self.xp = arrays.namespace(like)
        self.shape, self.dtype = tuple(like.shape), arrays.dtype_name(like)
        self.depth, self.count, self.at = depth, 0, 0
        self.last: Any = None  # version of the map, its last iterate and residual
        size = 1
        for d in self.shape:
            size *= d
        flat = self.xp.reshape(like, (-1,))
        self.dX = self.xp.zeros_like(self.xp.broadcast_to(flat, (depth, size)))
        self.dF = self.xp.zeros_like(self.xp.broadcast_to(flat, (depth, size)))
        kind = np.complex128 if self.dtype.startswith("complex") else np.float64
        self.gram = np.zeros((depth, depth), dtype=kind)

    def fits(self, depth: int, like: Any) -> bool:
        """Whether it may serve iterates like this one."""
        same = self.shape == tuple(like.shape) and self.dtype == arrays.dtype_name(like)
        return same and self.depth == depth and self.xp is arrays.namespace(like)

    def copy(self) -> "Differences":
        """One of its own for another run."""
        other = object.__new__(Differences)
        other.__dict__.update(self.__dict__)
        other.dX, other.dF, other.gram = arrays.copied(self.dX), arrays.copied(self.dF), self.gram.copy()
        return other

    def clear(self) -> None:
        """Empty."""
        self.count, self.at, self.last = 0, 0, None

    def push(self, dx: Any, df: Any, noise: float = 0.0) -> None:
        """Take the place of the oldest; a difference that is rounding, or not finite, is left out."""
        flat = self.xp.reshape(df, (-1,))
        size = arrays.length(flat)
        if not noise < size < float("inf"):
            return
        i = self.at
        self.dX[i, :] = self.xp.reshape(dx, (-1,))
        self.dF[i, :] = flat
        self.count = max(self.count, i + 1)
        self.at = (i + 1) % self.depth
        row = self._products(flat)
        self.gram[: self.count, i] = row
        self.gram[i, : self.count] = row.conj()

    def _products(self, v: Any) -> Any:
        """conj(dF) v for the rows in use, as a NumPy vector."""
        rows = self.dF[: self.count, :]
        if self.dtype.startswith("complex"):
            found = self.xp.conj(rows @ self.xp.conj(v))
        else:
            found = rows @ v
        return np.asarray([complex(c) if self.dtype.startswith("complex") else float(c) for c in found])

    def weights(self, f: Any, regularization: float) -> Any:
        """The weights gamma for which ``f - gamma dF`` is least; None where there are none."""
        if not self.count:
            return None
        b = self._products(self.xp.reshape(f, (-1,)))
        d = np.sqrt(np.diag(self.gram)[: self.count].real)
        G = self.gram[: self.count, : self.count] / np.outer(d, d)
        G[np.diag_indices(self.count)] += regularization
        try:
            gamma = np.linalg.solve(G, b / d) / d
        except np.linalg.LinAlgError:
            return None
        return gamma if np.all(np.isfinite(gamma)) else None

    def combined(self, gamma: Any, like: Any) -> tuple[Any, Any]:
        """``gamma dX`` and ``gamma dF`` in the shape of the iterates."""
        g = self.xp.asarray(gamma.tolist(), dtype=like.dtype, device=arrays.device(like))
        rows = slice(0, self.count)
        return tuple(self.xp.reshape(g @ part[rows, :], self.shape) for part in (self.dX, self.dF))
