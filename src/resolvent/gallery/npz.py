"""A strict reader of ``.npz`` systems and ``.npy`` arrays from anyone (and a writer); no pickle, no evaluation of text.

Layout: that of ``scipy.sparse.save_npz`` (formats csr, csc, coo), or a dense member ``A``; the right-hand side in a
member ``b`` if there is one. Before a member is unpacked its declared size, type and shape are checked against each
other, and all members read together may take 200 times the file's size and 1 MiB (a zip bomb is refused; so is an
honest matrix that compresses better than that: save it uncompressed). Other members are not looked at.
"""

from __future__ import annotations

import os
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from scipy.sparse import csr_array, issparse

from .checked import budget, compressed_matrix, coordinate_matrix, dense, open_regular, shape_of

__all__ = ["read_npy_file", "read_npz", "write_npz"]

_HEADER = re.compile(
    r"\{'descr': '([<>|=])([biufcSU])(\d{1,4})', 'fortran_order': (True|False), "
    r"'shape': \(((?:\d{1,18}, )*\d{1,18},?)?\), \} *\n"
)
_SIZES = {
    "b": (1,),
    "i": (1, 2, 4, 8),
    "u": (1, 2, 4, 8),
    "f": (4, 8),
    "c": (8, 16),
    "S": range(1, 9),
    "U": range(1, 9),
}
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, struct.error, KeyError,
               OverflowError, UnicodeError, IndexError, OSError)  # fmt: skip


def _read_array(where: str, stream: BinaryIO, size: int, most: int) -> np.ndarray:
    """One array of `size` bytes in ``.npy`` form, of at most `most` bytes."""
    magic = stream.read(8)
    if len(magic) < 8 or magic[:6] != b"\x93NUMPY" or magic[6] not in (1, 2, 3):
        raise ValueError(f"{where}: not a NumPy array")
    wide = 2 if magic[6] == 1 else 4
    length = int.from_bytes(stream.read(wide), "little")
    if length > 10_000:
        raise ValueError(f"{where}: the header claims {length} bytes")
    match = _HEADER.fullmatch(stream.read(length).decode("latin-1"))
    if match is None or int(match[3]) not in _SIZES[match[2]]:
        raise ValueError(f"{where}: the header does not describe a plain array of numbers")
    order, kind, width, fortran, axes = match.groups()
    shape = tuple(int(part) for part in (axes or "").replace(",", " ").split())
    dtype = np.dtype(f"{'<' if order in '|=' else order}{kind}{width}")
    count = 1
    for axis in shape:
        count *= axis
    if len(shape) > 3 or count * dtype.itemsize != size - 8 - wide - length:
        raise ValueError(f"{where}: a shape of {shape} does not fit the {size} bytes there are")
    if count * dtype.itemsize > most:
        raise ValueError(f"{where}: {count * dtype.itemsize} bytes unpacked are out of proportion to the file")
    array = np.empty(count, dtype=dtype)
    if count and stream.readinto(memoryview(array).cast("B")) != array.nbytes:
        raise ValueError(f"{where}: the array is cut off")
    return array.reshape(shape[::-1]).T if fortran == "True" else array.reshape(shape)


def read_npy_file(path: str | Path) -> np.ndarray:
    """Read an ``.npy`` file of plain numbers.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "x.npy"
    >>> np.save(path, np.arange(3.0))
    >>> read_npy_file(path)
    array([0., 1., 2.])
    """
    path = Path(path)
    file, size = open_regular(path)
    with file:
        return _read_array(str(path), file, size, size)


def _members(path: Path) -> dict[str, np.ndarray]:
    """The members of an archive that a system may have."""
    known = ("format", "shape", "data", "indices", "indptr", "row", "col", "b", "A")
    found: dict[str, np.ndarray] = {}
    file, size = open_regular(path)
    left = budget(size)
    with file:
        try:
            with zipfile.ZipFile(file) as archive:
                for entry in archive.infolist():
                    name = entry.filename.removesuffix(".npy")
                    if name not in known or not entry.filename.endswith(".npy"):
                        continue
                    where = f"{path}: member {name!r}"
                    if name in found:
                        raise ValueError(f"{where} is there twice")
                    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                        raise ValueError(f"{where} is encrypted or packed by an unusual method")
                    with archive.open(entry) as stream:
                        found[name] = _read_array(where, stream, entry.file_size, left)
                    left -= found[name].nbytes
        except _UNREADABLE as error:
            raise ValueError(f"{path}: not a readable .npz archive ({str(error)[:100]})") from None
    return found


def read_npz(path: str | Path) -> tuple[csr_array | np.ndarray, np.ndarray | None]:
    """Read a matrix, and the right-hand side if the file has one.

    Parameters
    ----------
    path : path
        As ``scipy.sparse.save_npz`` writes it, possibly with a further member ``b``; or with dense members ``A``,
        ``b``.

    Returns
    -------
    A : csr_array or ndarray
        Single or double precision as stored; whole numbers become doubles.
    b : ndarray or None

    Raises
    ------
    ValueError
        ``file: what is wrong``.

    Examples
    --------
    >>> import tempfile, pathlib, scipy.sparse
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "eye.npz"
    >>> scipy.sparse.save_npz(path, scipy.sparse.eye_array(2))
    >>> read_npz(path)
    Traceback (most recent call last):
        ...
    ValueError: ...eye.npz: the format 'dia' is not read; save it as csr, csc or coo
    """
    path = Path(path)
    found = _members(path)
    where = str(path)
    b = dense(where, "b", found["b"]) if "b" in found else None
    if "A" in found:
        return dense(where, "A", found["A"]), b
    kind = _format(where, found.get("format"))
    needed = ("shape", "data", "row", "col") if kind == "coo" else ("shape", "data", "indices", "indptr")
    for name in needed:
        if name not in found:
            raise ValueError(f"{where}: a {kind} matrix needs a member {name!r}, and there is none")
    shape = shape_of(where, found["shape"])
    if kind == "coo":
        return coordinate_matrix(where, found["data"], found["row"], found["col"], shape), b
    return compressed_matrix(where, kind, found["data"], found["indices"], found["indptr"], shape), b


def _format(where: str, stored: np.ndarray | None) -> str:
    if stored is None or stored.dtype.kind not in "SU" or stored.shape != ():
        raise ValueError(f"{where}: no matrix in it: neither as scipy.sparse.save_npz writes it, nor a member 'A'")
    kind = stored.item()
    kind = kind.decode("latin-1") if isinstance(kind, bytes) else kind
    if kind not in ("csr", "csc", "coo"):
        raise ValueError(f"{where}: the format {kind!r} is not read; save it as csr, csc or coo")
    return kind


def write_npz(path: str | Path, A: Any, b: np.ndarray) -> None:
    """Write a system that `read_npz` and ``scipy.sparse.load_npz`` read; replaced in one step when complete."""
    path = Path(path)
    if issparse(A):
        A = A.tocsr()
        members = {"indices": A.indices, "indptr": A.indptr, "format": np.array(b"csr"), "shape": np.array(A.shape),
                   "data": A.data, "_is_array": np.array(True)}  # fmt: skip
    else:
        members = {"A": A}
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "wb") as file:
        np.savez(file, b=b, **members)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
