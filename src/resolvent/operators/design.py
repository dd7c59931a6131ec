"""A design matrix X as methods want it: columns at hand, products, and what is computed once per X."""

from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["Design", "as_matrix"]

_FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


def as_matrix(X: Any, name: str) -> Any:
    """X as it stands, a two-dimensional ndarray or a sparse array of float32 or float64.

    Raises
    ------
    TypeError
        For another kind of object or of numbers.
    ValueError
        When it is empty or not two-dimensional.
    """
    if sp.issparse(X):
        out = X
    elif isinstance(X, np.ndarray) and not isinstance(X, np.ma.MaskedArray):
        out = np.asarray(X)
    else:
        raise TypeError(f"{name} is a {type(X).__name__}; a NumPy array or a SciPy sparse array is expected")
    if out.ndim != 2 or 0 in out.shape:
        raise ValueError(f"{name} has shape {out.shape}; a matrix with at least one row and one column is expected")
    if out.dtype not in _FLOATS:
        raise TypeError(f"{name} has dtype {out.dtype}; float32 or float64 is expected: convert it")
    return out


def _unsigned(index: Any) -> Any:
    """Indices as unsigned 32-bit numbers, where they fit: one type for the compiler."""
    index = np.ascontiguousarray(index)
    if index.dtype.itemsize == 8 and (not len(index) or int(index.max()) < 2**31):
        index = index.astype(np.int32)
    return index.view(np.uint32 if index.dtype.itemsize == 4 else np.uint64)


class Design:
    """X with its columns at hand: F-ordered and CSC input is used as it stands, other orders are copied once.

    Parameters
    ----------
    X : ndarray or sparse array, shape (n, p)
    symmetric : bool
        X is a quadratic's matrix, whose columns update a gradient.
    """

    def __init__(self, X: Any, symmetric: bool = False) -> None:
        self.X = X
        self.shape = X.shape
        self.sparse = sp.issparse(X)
        none = np.zeros(1, dtype=np.uint32)
        if self.sparse:
            csc = X if X.format == "csc" else X.tocsc()
            if not csc.has_canonical_format:
                csc = csc.copy()
                csc.sum_duplicates()
            self.csc = csc
            self.nnz = int(csc.nnz)
            parts = (3 if symmetric else 1, np.zeros((1, 1), X.dtype), csc.data)
            self.store = (*parts, _unsigned(csc.indices), _unsigned(csc.indptr))
        else:
            self.nnz = int(X.shape[0]) * int(X.shape[1])
            columns = np.ascontiguousarray(X.T)  # a view of F-ordered X
            self.store = (2 if symmetric else 0, columns, np.zeros(1, X.dtype), none, none)
        self._norms: Any = None
        self._gram: Any = None
        self._sizes: dict[Any, Any] = {}

    def finite(self) -> bool:
        """Whether all entries are finite: one pass."""
        return bool(np.isfinite(np.sum(self.squares())))

    def squares(self) -> Any:
        """Squared column norms, kept."""
        if self._norms is None:
            if self.sparse:
                squared = self.csc.copy()
                squared.data = squared.data.astype(np.float64) ** 2
                self._norms = np.asarray(squared.sum(axis=0)).ravel()
            else:
                columns = self.store[1]
                with np.errstate(all="ignore"):
                    self._norms = np.einsum("ji,ji->j", columns, columns).astype(np.float64)
        return self._norms

    def same_as(self, other: "Design") -> bool:
        """Equal in content: the very object with the same column norms, or equal entries."""
        if self.shape != other.shape or self.sparse != other.sparse or self.X.dtype != other.X.dtype:
            return False
        if self.store[0] != other.store[0] or not np.array_equal(self.squares(), other.squares()):
            return False
        if self.sparse:
            pairs = zip(self.store[2:], other.store[2:], strict=True)
            return all(a is b or np.array_equal(a, b) for a, b in pairs)
        return self.store[1] is other.store[1] or np.array_equal(self.store[1], other.store[1])

    def times(self, w: Any) -> Any:
        """``X w``, over the columns that take part."""
        if not self.sparse and 4 * np.count_nonzero(w) < len(w):
            taken = np.flatnonzero(w)
            return self.X[:, taken] @ w[taken]
        return self.X @ w

    def slopes(self, v: Any) -> Any:
        """``X' v``."""
        return self.X.T @ v

    def gram(self) -> Any:
        """``X' X`` as a dense array, kept."""
        if self._gram is None:
            found = self.csc.T @ self.csc if self.sparse else self.store[1] @ self.store[1].T
            self._gram = np.ascontiguousarray(found.toarray() if sp.issparse(found) else found)
        return self._gram

    def group_sizes(self, ptr: Any, idx: Any) -> Any:
        """Largest eigenvalue of ``X_g' X_g`` for each group, kept for these groups."""
        key = (ptr.tobytes(), idx.tobytes())
        if key not in self._sizes:
            self._sizes = {key: self._largest(ptr, idx)}
        return self._sizes[key]

    def _largest(self, ptr: Any, idx: Any) -> Any:
        out = np.empty(len(ptr) - 1)
        sizes = np.diff(ptr)
        for size in np.unique(sizes):
            which = np.flatnonzero(sizes == size)
            for chunk in np.array_split(which, max(1, len(which) * int(size) ** 2 // 4_000_000)):
                blocks = np.empty((len(chunk), size, size))
                members = idx[ptr[chunk][:, None] + np.arange(size)]
                if self.sparse:
                    part = self.csc[:, members.ravel()]
                    for i in range(len(chunk)):
                        block = part[:, i * size : (i + 1) * size]
                        blocks[i] = (block.T @ block).toarray()
                else:
                    rows = self.store[1][members].astype(np.float64)
                    blocks[:] = rows @ rows.transpose(0, 2, 1)
                out[chunk] = np.linalg.eigvalsh(blocks)[:, -1]
        return out * (1 + 1e-12)
