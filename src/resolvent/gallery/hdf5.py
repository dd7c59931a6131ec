"""A strict reader of systems, and of sequences of them, in HDF5 (and a writer of one system).

One system: datasets ``data, indices, indptr`` (CSR), ``shape`` (or square without), ``b``; or a dense ``A`` and ``b``.
A sequence: one group for each system, in natural order of the names; or one pattern for all, ``indptr, indices``,
``data`` of shape (N, nnz) and ``b`` of shape (N, n), or (n,) for all.

Looked at before anything is read: only hard links (a soft or external link could name another file), only contiguous,
compact or chunked storage inside this file (no virtual or external), only the filters deflate, shuffle and
fletcher32, plain numbers, and sizes of at most 200 x the file and 1 MiB. The parsing of the container itself is
HDF5's own: `h5py` (extra ``cli``).
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from .checked import budget, compressed_matrix, dense, shape_of, values

__all__ = ["Hdf5Reader", "natural", "write_hdf5"]

_FILTERS = {1, 2, 3}
_PARTS = ("data", "indices", "indptr", "shape", "b", "A")


def natural(name: str) -> list[Any]:
    """A sorting key under which ``a2`` comes before ``a10``."""
    return [
        (0, int(part), "") if part.isdecimal() else (1, 0, part) for part in re.split(r"([0-9]{1,18})", name) if part
    ]


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise ValueError("reading and writing HDF5 needs h5py: pip install resolvent[cli]") from None
    return h5py


class Hdf5Reader:
    """The systems in one HDF5 file; the file is opened for each, so nothing stays open or in memory.

    Parameters
    ----------
    path : path

    Attributes
    ----------
    count : int
        Number of systems.
    single : bool
        True when the file is one system, not a sequence.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "one.h5"
    >>> write_hdf5(path, np.eye(2), np.ones(2))
    >>> Hdf5Reader(path).read(0)
    (array([[1., 0.],
           [0., 1.]]), array([1., 1.]))
    """

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self._pattern: tuple[np.ndarray, np.ndarray] | None = None
        status = os.stat(self.path)
        if not stat.S_ISREG(status.st_mode):
            raise ValueError(f"{self.path}: not a regular file")
        self._most = budget(status.st_size)
        self._open(self._survey)

    def _open(self, task: Any) -> Any:
        """Run `task` on the open file; what HDF5 complains of becomes one sentence."""
        h5py = _h5py()
        try:
            with h5py.File(self.path, "r") as file:
                return task(h5py, file)
        except ValueError as error:
            message = str(error)
            if message.startswith(str(self.path)):
                raise
        except (
            OSError,
            RuntimeError,
            KeyError,
            TypeError,
            AttributeError,
            OverflowError,
            UnicodeError,
            IndexError,
        ) as error:
            message = str(error)
        raise ValueError(f"{self.path}: not a readable HDF5 file ({message[:120]})") from None

    def _survey(self, h5py: Any, file: Any) -> None:
        """Find out which of the layouts it is."""
        names = self._names(h5py, file)
        self.single, self.groups, self.count = False, [], 1
        if "A" in names:
            self.single = True
        elif {"data", "indices", "indptr"} <= names:
            self.single = self._dataset(h5py, file, "data").ndim == 1
            self.count = 1 if self.single else self._dataset(h5py, file, "data").shape[0]
        else:
            self.groups = sorted((n for n in names if self._is_group(h5py, file, n)), key=natural)
            self.count = len(self.groups)
        if self.count < 1:
            raise ValueError(
                f"{self.path}: no systems in it: expected datasets data, indices, indptr (and shape, b), a dense A, or "
                "groups of such"
            )

    def _names(self, h5py: Any, group: Any) -> set[str]:
        return {name for name in group if isinstance(name, str)}

    def _hard(self, h5py: Any, group: Any, name: str) -> None:
        if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise ValueError(f"{self.path}: {name[:60]!r} is a link to elsewhere, which is not followed")

    def _is_group(self, h5py: Any, group: Any, name: str) -> bool:
        self._hard(h5py, group, name)
        return h5py.h5o.get_info(group.id, name.encode()).type == h5py.h5o.TYPE_GROUP

    def _dataset(self, h5py: Any, group: Any, name: str) -> Any:
        """A dataset that is safe to read as a whole."""
        where = f"{self.path}: {name!r}"
        self._hard(h5py, group, name)
        if h5py.h5o.get_info(group.id, name.encode()).type != h5py.h5o.TYPE_DATASET:
            raise ValueError(f"{where} is not a dataset")
        data = group[name]
        made = data.id.get_create_plist()
        if (
            made.get_layout() not in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)
            or made.get_external_count()
        ):
            raise ValueError(f"{where} keeps its numbers outside this file, which is not followed")
        if any(made.get_filter(k)[0] not in _FILTERS for k in range(made.get_nfilters())):
            raise ValueError(f"{where} is packed by a filter other than deflate, shuffle and fletcher32")
        if data.shape is None or data.ndim > 2 or data.dtype.kind not in "iufc" or data.dtype.itemsize > 16:
            raise ValueError(f"{where} must be a plain array of numbers with at most two axes")
        chunk = data.dtype.itemsize
        for axis in data.chunks or ():
            chunk *= axis
        if max(chunk, data.size * data.dtype.itemsize) > self._most:
            raise ValueError(f"{where} claims {data.size} numbers, out of proportion to the file")
        return data

    def read(self, i: int) -> tuple[csr_array | np.ndarray, np.ndarray | None]:
        """Matrix and right-hand side (None if there is none) of system `i`.

        Raises
        ------
        ValueError
            ``file: what is wrong``.
        """
        if self.groups:
            return self._open(
                lambda h5py, file: self._one(h5py, file[self.groups[i]], f"{self.path}: {self.groups[i]!r}")
            )
        if self.single:
            return self._open(lambda h5py, file: self._one(h5py, file, str(self.path)))
        return self._open(lambda h5py, file: self._row(h5py, file, i))

    def _one(self, h5py: Any, group: Any, where: str) -> tuple[csr_array | np.ndarray, np.ndarray | None]:
        names = self._names(h5py, group)
        found = {name: self._dataset(h5py, group, name)[()] for name in _PARTS if name in names}
        b = dense(where, "b", found["b"]) if "b" in found else None
        if "A" in found:
            return dense(where, "A", found["A"]), b
        for name in ("data", "indices", "indptr"):
            if name not in found:
                raise ValueError(f"{where}: a system needs a dataset {name!r}, and there is none")
        shape = self._shape(where, found.get("shape"), found["indptr"])
        return compressed_matrix(where, "csr", found["data"], found["indices"], found["indptr"], shape), b

    def _shape(self, where: str, shape: np.ndarray | None, indptr: np.ndarray) -> tuple[int, int]:
        if shape is None:
            if indptr.ndim != 1 or indptr.size < 2:
                raise ValueError(f"{where}: 'indptr' must have one axis and at least two numbers")
            return indptr.size - 1, indptr.size - 1
        return shape_of(where, shape)

    def _row(self, h5py: Any, file: Any, i: int) -> tuple[csr_array, np.ndarray | None]:
        """System `i` of a file with one pattern for all; the pattern is read once."""
        where = str(self.path)
        names = self._names(h5py, file)
        data = values(where, "data", self._dataset(h5py, file, "data")[i])
        if self._pattern is None:
            indices, indptr = (self._dataset(h5py, file, name)[()] for name in ("indices", "indptr"))
            shape = self._shape(where, self._dataset(h5py, file, "shape")[()] if "shape" in names else None, indptr)
            A = compressed_matrix(where, "csr", np.arange(1.0, indices.size + 1), indices, indptr, shape)
            if A.nnz != indices.size:
                raise ValueError(f"{where}: 'indices' names an entry twice")
            self._pattern = (A, A.data.astype(np.int64) - 1)  # the order that sorts each row
        A, order = self._pattern
        if data.shape != order.shape:
            raise ValueError(f"{where}: 'data' must have {order.size} numbers a row, not {data.shape}")
        from .sequence import wrap_csr

        b = None
        if "b" in names:
            right = self._dataset(h5py, file, "b")
            if right.ndim == 2 and right.shape[0] != self.count:
                raise ValueError(f"{where}: 'b' must have {self.count} rows, not {right.shape[0]}")
            b = dense(where, "b", right[i] if right.ndim == 2 else right[()])
        return wrap_csr(data[order], A.indices, A.indptr, A.shape), b


def write_hdf5(path: str | Path, A: Any, b: np.ndarray) -> None:
    """Write one system that `Hdf5Reader` reads; replaced in one step when complete."""
    h5py = _h5py()
    path = Path(path)
    temporary = path.with_name(path.name + ".tmp")
    with h5py.File(temporary, "w") as file:
        if issparse(A):
            A = A.tocsr()
            for name, part in (
                ("data", A.data),
                ("indices", A.indices),
                ("indptr", A.indptr),
                ("shape", np.array(A.shape)),
            ):
                file.create_dataset(name, data=part)
        else:
            file.create_dataset("A", data=np.asarray(A))
        file.create_dataset("b", data=b)
    os.replace(temporary, path)
