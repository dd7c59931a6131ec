"""The solutions of a run in one HDF5 file: dataset ``x`` of shape (N, n), or one dataset each where shapes differ.

For transport a row holds the potentials (f, g), for completion the factors (U, V): see `answers`.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .folder import Folder, RunError

__all__ = ["assemble", "read_solution", "stands", "write_whole"]


def assemble(folder: Folder, solved: int) -> None:
    """Write ``solutions.h5`` from the parts; complete or not at all.

    HDF5 is not crash-safe, so it is written beside its place, flushed and renamed, and the parts stay.
    """
    order = sorted(entry["index"] for entry in folder.entries())[:solved]
    if not order:
        raise RunError(f"{folder.path}: nothing was solved")
    write_whole(folder.solutions, lambda h5py, file: _fill(h5py, file, folder, order))


def write_whole(path: Path, fill: Callable[[Any, Any], None]) -> None:
    """Write an HDF5 file, complete or not at all: beside its place, flushed, renamed.

    Parameters
    ----------
    path : path
    fill : callable
        ``fill(h5py, file)`` writes what is in it.

    Raises
    ------
    OSError
        When it cannot be written; nothing is left behind.
    """
    h5py = _h5py()
    beside = path.with_name(path.name + ".tmp")
    try:
        with h5py.File(beside, "w") as file:
            fill(h5py, file)
        handle = os.open(beside, os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
        os.replace(beside, path)
    except RuntimeError as error:  # h5py tells of a full disk in this way when it closes
        beside.unlink(missing_ok=True)
        raise OSError(0, f"HDF5 could not write ({error})", str(path)) from None
    except BaseException:
        beside.unlink(missing_ok=True)
        raise


def _fill(h5py: Any, file: Any, folder: Folder, order: list[int]) -> None:
    first = folder.part(order[0])
    same = all(_like(folder.part(i), first) for i in order)
    if same:
        data = file.create_dataset("x", shape=(len(order), *first.shape), dtype=first.dtype)
        for row, i in enumerate(order):
            data[row] = folder.part(i)
    else:
        group = file.create_group("x")
        for i in order:
            group.create_dataset(f"{i:06d}", data=folder.part(i))
    file.create_dataset("index", data=order, dtype="i8")


def _like(x: Any, first: Any) -> bool:
    return bool(x.shape == first.shape and x.dtype == first.dtype)


def _h5py() -> Any:
    try:
        import h5py
    except ImportError:
        raise RunError("a run's folder needs h5py: pip install 'resolvent[cli]'") from None
    return h5py


def stands(folder: Folder, solved: int) -> bool:
    """Whether ``solutions.h5`` is there, can be opened, and has that many solutions."""
    try:
        with _h5py().File(folder.solutions, "r") as file:
            return len(file["x"]) == len(file["index"]) == solved
    except (OSError, KeyError, ValueError, RuntimeError, TypeError):
        return False


def read_solution(folder: Folder, i: int) -> Any:
    """Solution `i` from ``solutions.h5``.

    Raises
    ------
    RunError
        When it is not there or not readable.
    """
    h5py = _h5py()
    try:
        with h5py.File(folder.solutions, "r") as file:
            if isinstance(file["x"], h5py.Group):
                return file["x"][f"{i:06d}"][()]
            index = file["index"][()].tolist()
            return file["x"][index.index(i)]
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        raise RunError(f"{folder.solutions}: solution {i} cannot be read ({error})") from None
