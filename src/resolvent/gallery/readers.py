"""Systems and sequences of systems from files, and back: Matrix Market text, ``.npz``, HDF5, folders of these.

A file is checked before it is believed (see `matrix_market`, `npz`, `hdf5`): what is wrong ends in one sentence with
the file (and the line), a ValueError; memory is bounded by the file's size; no code in a file is ever run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse

from ..core.names import meant
from .hdf5 import Hdf5Reader, natural, write_hdf5
from .matrix_market import read_matrix_market, write_matrix_market
from .npz import read_npy_file, read_npz, write_npz
from .sequence import Sequence

__all__ = ["FileSequence", "find_rhs", "load_sequence", "load_system", "save_system"]

_HDF5 = (".h5", ".hdf5")
_KINDS = (".mtx", ".npz", *_HDF5)


def _ending(kind: str) -> str:
    return repr(kind) if kind else "a file without ending"


def find_rhs(path: str | Path) -> Path | None:
    """Where the right-hand side of a ``.mtx`` file is: ``NAME_b.mtx``, else ``b.mtx`` beside it, else None."""
    path = Path(path)
    for name in (f"{path.stem}_b.mtx", "b.mtx"):
        beside = path.with_name(name)
        if beside != path and beside.is_file():
            return beside
    return None


def _vector(rhs: Any) -> np.ndarray:
    """A right-hand side given as an array or as the path of one."""
    if not isinstance(rhs, (str, Path)):
        return np.asarray(rhs)
    path = Path(rhs)
    kind = path.suffix.lower()
    if kind not in (".mtx", ".npy"):
        raise ValueError(f"{path}: a right-hand side is read from .mtx or .npy, not from {_ending(kind)}")
    _must_exist(path)
    b = read_matrix_market(path) if kind == ".mtx" else read_npy_file(path)
    if issparse(b):
        if b.shape[1] != 1:
            raise ValueError(f"{path}: a right-hand side in coordinate form must have one column, not {b.shape[1]}")
        b = b.toarray()
    return b[:, 0] if b.ndim == 2 and b.shape[1] == 1 and kind == ".mtx" else b


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise FileNotFoundError(f"{path}: there is no such file")


def _system(where: str, A: Any, b: Any) -> Any:
    from ..problems.linear import LinearSystem

    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise ValueError(f"{where}: a system needs a square matrix, not one of shape {A.shape}")
    if b is None:
        b = np.ones(A.shape[0], dtype=A.dtype)
    try:
        return LinearSystem(A, b)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{where}: {error}") from None


def load_system(path: str | Path, rhs: Any = None) -> Any:
    """Read one linear system.

    Parameters
    ----------
    path : path
        ``.mtx`` (Matrix Market), ``.npz`` (as ``scipy.sparse.save_npz`` writes it, possibly with a member ``b``),
        ``.h5`` or ``.hdf5`` (datasets ``data, indices, indptr, shape, b``, or dense ``A, b``).
    rhs : array or path, optional
        The right-hand side; else the member or dataset ``b``, or for Matrix Market ``NAME_b.mtx`` or ``b.mtx`` beside
        the matrix (`find_rhs`); **where there is none, b is a vector of ones**.

    Returns
    -------
    LinearSystem
        A in canonical CSR (a dense file: an ndarray), float64 or as stored; whole numbers become doubles.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        One sentence that names the file (text: and the line).

    Examples
    --------
    >>> import tempfile, pathlib
    >>> from resolvent import gallery
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "first.npz"
    >>> save_system(path, gallery.sequence("darcy-log", size=4)[0])
    >>> load_system(path).A.shape
    (16, 16)
    """
    path = Path(path)
    _must_exist(path)
    kind = path.suffix.lower()
    b: Any = None
    if kind == ".mtx":
        A = read_matrix_market(path)
        b = find_rhs(path) if rhs is None else rhs
        b = None if b is None else _vector(b)
    elif kind == ".npz":
        A, b = read_npz(path)
    elif kind in _HDF5:
        reader = Hdf5Reader(path)
        if not reader.single:
            raise ValueError(f"{path}: holds a sequence of {reader.count} systems: read it with load_sequence")
        A, b = reader.read(0)
    else:
        raise ValueError(f"{path}: a system is read from .mtx, .npz, .h5 or .hdf5, not from {_ending(kind)}")
    if rhs is not None and kind != ".mtx":
        b = _vector(rhs)
    return _system(str(path), A, b)


class FileSequence(Sequence):
    """Systems in files, read one by one when they are asked for.

    Parameters
    ----------
    name : str
        What it is called.
    title : str
        One sentence.
    readers : list of (path, index or None)
        Where each system is; an index goes to the `Hdf5Reader` of the path.
    """

    def __init__(self, name: str, title: str, files: list[Path], reader: Hdf5Reader | None = None):
        super().__init__(reader.count if reader else len(files))
        self.name, self.title = name, title
        self._files, self._reader = files, reader

    def _problem(self, i: int) -> Any:
        if self._reader is None:
            return load_system(self._files[i])
        A, b = self._reader.read(i)
        return _system(f"{self._reader.path}: system {i}", A, b)


def load_sequence(path: str | Path) -> Sequence:
    """Open a sequence of linear systems.

    Parameters
    ----------
    path : str or path
        A name of the gallery (it goes first: write ``./topology`` for a folder of that name); a folder of systems,
        taken in natural order of the names (``a2`` before ``a10``; ``NAME_b.mtx`` and ``b.mtx`` are right-hand
        sides); an HDF5 file with one group a system, or with one pattern and ``data`` of shape (N, nnz), ``b`` of
        shape (N, n); or one system.

    Returns
    -------
    Sequence
        Problems are read when they are asked for.

    Raises
    ------
    ValueError
        One sentence.

    Examples
    --------
    >>> load_sequence("darcy-path").title
    'Flow through a log-normal medium that drifts from system to system.'
    """
    from . import OTHERS, SEQUENCES, sequence

    if isinstance(path, str) and (path in SEQUENCES or path in OTHERS):
        return sequence(path)
    path = Path(path)
    if path.is_dir():
        files = sorted((f for f in path.iterdir() if _is_system(f)), key=lambda f: (natural(f.name), f.name))
        if not files:
            raise ValueError(f"{path}: no systems in this folder (files .mtx, .npz, .h5 or .hdf5)")
        return FileSequence(path.resolve().name, f"{len(files)} systems from a folder.", files)
    if not path.exists():
        known = sorted({**SEQUENCES, **OTHERS})
        near = meant(str(path), known)
        raise ValueError(f"{path}: neither a file, nor a folder, nor one of the gallery{near}: {', '.join(known)}")
    if path.suffix.lower() in _HDF5:
        reader = Hdf5Reader(path)
        return FileSequence(path.stem, f"{reader.count} systems from an HDF5 file.", [], reader)
    if path.suffix.lower() not in _KINDS:
        raise ValueError(f"{path}: systems are read from .mtx, .npz, .h5 or .hdf5, or a folder of these")
    return FileSequence(path.stem, "One system from a file.", [path])


def _is_system(file: Path) -> bool:
    kind = file.suffix.lower()
    right = kind == ".mtx" and (file.name.lower() == "b.mtx" or file.stem.endswith("_b"))
    return kind in _KINDS and not right and not file.name.startswith(".") and file.is_file()


def save_system(path: str | Path, problem: Any) -> None:
    """Write a linear system so that `load_system` reads it back to the same bits (text comes back in double precision).

    Parameters
    ----------
    path : path
        ``.npz``, ``.h5``/``.hdf5``, or ``.mtx`` (the right-hand side goes to ``NAME_b.mtx`` beside it).
    problem : LinearSystem
        With a stored matrix.

    Raises
    ------
    ValueError
        Another ending, or a matrix that is only an operator.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind not in _KINDS:
        raise ValueError(f"{path}: a system is written to .mtx, .npz, .h5 or .hdf5, not to {_ending(kind)}")
    A, b = problem.A, np.asarray(problem.b)
    if not (issparse(A) or isinstance(A, np.ndarray)):
        raise ValueError(f"{path}: only a stored matrix can be written, not {type(A).__name__}")
    if kind == ".mtx":
        write_matrix_market(path, A)
        write_matrix_market(path.with_name(f"{path.stem}_b.mtx"), b)
    elif kind == ".npz":
        write_npz(path, A, b)
    else:
        write_hdf5(path, A, b)
