"""From arrays of unknown origin to a matrix: everything SciPy would take on trust is looked at first."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from scipy.sparse import coo_array, csc_array, csr_array

from .sequence import wrap_csr

__all__ = ["budget", "compressed_matrix", "coordinate_matrix", "dense", "open_regular", "shape_of", "values"]


def budget(size: int) -> int:
    """Bytes that the arrays of a file of `size` bytes may take: 200 times as many (compressed ones) and 1 MiB."""
    return 200 * size + 2**20


def open_regular(path: Path) -> tuple[BinaryIO, int]:
    """A regular file, open for reading, and its size; a pipe or device is refused (and not waited for)."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    status = os.fstat(handle)
    if not stat.S_ISREG(status.st_mode):
        os.close(handle)
        raise ValueError(f"{path}: not a regular file")
    return os.fdopen(handle, "rb"), status.st_size


def shape_of(where: str, shape: np.ndarray) -> tuple[int, int]:
    """Two whole numbers of at least 1."""
    if shape.dtype.kind not in "iu" or shape.shape != (2,):
        raise ValueError(f"{where}: 'shape' must be two whole numbers, not {shape.dtype} of shape {shape.shape}")
    rows, columns = (int(v) for v in shape)
    if not (0 < rows < 2**48 and 0 < columns < 2**48):
        raise ValueError(f"{where}: a matrix of {rows} x {columns} has no entries to solve with, or too many")
    return rows, columns


def values(where: str, name: str, data: np.ndarray) -> np.ndarray:
    """Finite numbers in native byte order: single or double, real or complex; whole numbers become doubles."""
    if data.dtype.kind in "iub":
        if data.size and max(int(data.max()), -int(data.min())) > 2**53:
            raise ValueError(f"{where}: {name!r} has whole numbers that a double does not hold")
        return data.astype(np.float64)
    if data.dtype.newbyteorder("=") not in (np.float32, np.float64, np.complex64, np.complex128):
        raise ValueError(f"{where}: {name!r} must be single or double precision numbers, not {data.dtype}")
    data = np.asarray(data, dtype=data.dtype.newbyteorder("="), order="C")
    if not np.isfinite(data).all():
        raise ValueError(f"{where}: {name!r} has a NaN or inf at {np.argwhere(~np.isfinite(data))[0].tolist()}")
    return data


def dense(where: str, name: str, data: np.ndarray) -> np.ndarray:
    """`values` with one or two axes, none of them empty."""
    data = values(where, name, data)
    if data.ndim not in (1, 2) or not data.size:
        raise ValueError(f"{where}: {name!r} must be a vector or a matrix, not an array of shape {data.shape}")
    return data


def _indices(where: str, name: str, index: np.ndarray, size: int, bound: int) -> np.ndarray:
    """`size` whole numbers in [0, bound), as int32 where that holds them."""
    if index.dtype.kind not in "iu" or index.shape != (size,):
        raise ValueError(f"{where}: {name!r} must be {size} whole numbers, not {index.dtype} of shape {index.shape}")
    if size and (int(index.min()) < 0 or int(index.max()) >= bound):
        at = int(np.flatnonzero((index < 0) | (index >= bound))[0])
        raise ValueError(f"{where}: {name!r}[{at}] is {index[at]}, but must be between 0 and {bound - 1}")
    return index.astype(np.int32 if max(bound, size) < 2**31 else np.int64, order="C")


def _check_proportion(where: str, shape: tuple[int, int], stored: int, size: int) -> None:
    """Refuse dimensions far above what the entries can fill: converting takes memory for each row and column."""
    if max(shape) > 65_536 + size:
        raise ValueError(f"{where}: {shape[0]} x {shape[1]} is out of proportion to {stored} entries")


def compressed_matrix(
    where: str, kind: str, data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int]
) -> csr_array:
    """A canonical CSR array from the parts of a CSR or CSC one.

    Raises
    ------
    ValueError
        ``where: what is wrong``: lengths, types, indices out of range, pointers that run back, NaN or inf.
    """
    data = values(where, "data", data)
    major, minor = shape if kind == "csr" else shape[::-1]
    if data.ndim != 1:
        raise ValueError(f"{where}: 'data' must have one axis, not shape {data.shape}")
    indices = _indices(where, "indices", indices, data.size, minor)
    if indptr.dtype.kind not in "iu" or indptr.shape != (major + 1,):
        raise ValueError(
            f"{where}: 'indptr' must be {major + 1} whole numbers, not {indptr.dtype} of shape {indptr.shape}"
        )
    if indptr[0] != 0 or indptr[-1] != data.size or (indptr[1:] < indptr[:-1]).any():
        raise ValueError(f"{where}: 'indptr' must run from 0 to {data.size} and never back")
    _check_proportion(where, shape, data.size, data.nbytes + indices.nbytes + indptr.nbytes)
    indptr = indptr.astype(indices.dtype, order="C")
    if kind == "csc":
        return _canonical(where, csc_array((data, indices, indptr), shape=shape).tocsr(), data.size)
    return _canonical(where, csr_array((data, indices, indptr), shape=shape), data.size)


def coordinate_matrix(
    where: str, data: np.ndarray, row: np.ndarray, column: np.ndarray, shape: tuple[int, int]
) -> csr_array:
    """A canonical CSR array from triplets; dimensions are bounded by 65,536 + the bytes of the triplets."""
    data = values(where, "data", data)
    if data.ndim != 1:
        raise ValueError(f"{where}: 'data' must have one axis, not shape {data.shape}")
    row = _indices(where, "row", row, data.size, shape[0])
    column = _indices(where, "col", column, data.size, shape[1])
    _check_proportion(where, shape, data.size, data.nbytes + row.nbytes + column.nbytes)
    return _canonical(where, coo_array((data, (row, column)), shape=shape).tocsr(), data.size)


def _canonical(where: str, A: Any, stored: int) -> csr_array:
    A.sum_duplicates()
    if A.nnz < stored and not np.isfinite(A.data).all():
        raise ValueError(f"{where}: entries given more than once add up beyond the range of their type")
    return wrap_csr(A.data, A.indices, A.indptr, A.shape)
