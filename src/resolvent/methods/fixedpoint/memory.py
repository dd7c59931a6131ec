"""The last differences of iterates and residuals in ring buffers, with the Gram matrix of the latter."""

from typing import Any

import numpy as np

from ...problems import vectors

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
        self.xp = vectors.namespace(like)
        self.shape, self.dtype = tuple(like.shape), vectors.dtype_name(like)
        self.depth, self.count, self.at = depth, 0, 0
        self.live: list[int] = []  # rows in use, the oldest first
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
        same = self.shape == tuple(like.shape) and self.dtype == vectors.dtype_name(like)
        return same and self.depth == depth and self.xp is vectors.namespace(like)

    def copy(self) -> "Differences":
        """One of its own for another run."""
        other = object.__new__(Differences)
        other.__dict__.update(self.__dict__)
        other.dX, other.dF, other.gram = vectors.copied(self.dX), vectors.copied(self.dF), self.gram.copy()
        other.live = list(self.live)
        return other

    def clear(self) -> None:
        """Empty."""
        self.count, self.at, self.last, self.live = 0, 0, None, []

    def push(self, dx: Any, df: Any, noise: float = 0.0) -> None:
        """Take the place of the oldest; a difference that is rounding, or not finite, is left out."""
        flat = self.xp.reshape(df, (-1,))
        size = vectors.length(flat)
        if not noise < size < float("inf"):
            return
        i = self.at
        self.dX[i, :] = self.xp.reshape(dx, (-1,))
        self.dF[i, :] = flat
        self.count = max(self.count, i + 1)
        self.at = (i + 1) % self.depth
        self.live = [*(j for j in self.live if j != i), i]
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
        if type(found) is np.ndarray:
            return found.astype(self.gram.dtype)
        return np.asarray([complex(c) if self.dtype.startswith("complex") else float(c) for c in found])

    def forget(self, size: float) -> None:
        """Drop the oldest rows while they are longer than ``size``; one row stays."""
        while len(self.live) > 1 and self.gram[self.live[0], self.live[0]].real > size * size:
            del self.live[0]

    def weights(self, f: Any, regularization: float) -> Any:
        """The weights gamma for which ``f - gamma dF`` is least, zero for rows out of use; None where there are none."""
        live = self.live
        if not live:
            return None
        b = self._products(self.xp.reshape(f, (-1,)))[live]
        G = self.gram[np.ix_(live, live)]
        d = np.sqrt(np.diag(G).real)
        G = G / np.outer(d, d)
        G[np.diag_indices(len(live))] += regularization
        gamma = np.zeros(self.count, dtype=G.dtype)
        try:
            gamma[live] = np.linalg.solve(G, b / d) / d
        except np.linalg.LinAlgError:
            return None
        return gamma if np.all(np.isfinite(gamma)) else None

    def combined(self, gamma: Any, like: Any) -> tuple[Any, Any]:
        """``gamma dX`` and ``gamma dF`` in the shape of the iterates."""
        if type(like) is np.ndarray:
            g = gamma.astype(like.dtype)
        else:
            g = self.xp.asarray(gamma.tolist(), dtype=like.dtype, device=vectors.device(like))
        rows = slice(0, self.count)
        return tuple(self.xp.reshape(g @ part[rows, :], self.shape) for part in (self.dX, self.dF))

    def state_dict(self) -> dict[str, Any]:
        """As plain arrays; None for arrays of other libraries, which are not saved."""
        saved: dict[str, Any] = {"bound": "Differences", "shape": list(self.shape), "dtype": self.dtype}
        rows = self.live if type(self.dX) is np.ndarray else []
        saved |= {"depth": self.depth, "dX": np.asarray(self.dX)[rows], "dF": np.asarray(self.dF)[rows]}
        return saved

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Differences":
        """From what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When the rows are not those of such a memory.
        """
        shape, depth, dX, dF = tuple(state["shape"]), state["depth"], state["dX"], state["dF"]
        if type(depth) is not int or not 1 <= depth <= 10_000 or any(type(d) is not int or d < 1 for d in shape):
            raise ValueError("the depth or the shape of a memory of differences is not one")
        if state["dtype"] not in vectors.EPS or any(type(a) is not np.ndarray or a.ndim != 2 for a in (dX, dF)):
            raise ValueError("the rows of a memory of differences are not arrays of a float dtype")
        size = int(np.prod(shape))
        wrong = dX.shape != dF.shape or len(dX) > depth or (len(dX) and dX.shape[1] != size)
        if wrong or any(a.dtype != state["dtype"] or not np.all(np.isfinite(a)) for a in (dX, dF)):
            raise ValueError("the rows of a memory of differences differ in shape or dtype, or are not finite")
        made = cls(depth, np.zeros(shape, dtype=state["dtype"]))
        for dx, df in zip(dX, dF, strict=True):
            made.push(np.reshape(dx, shape), np.reshape(df, shape))
        return made
