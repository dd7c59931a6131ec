"""The HDF5 file of a training set, written whole, with a checksum for each dataset; and the check of one.

    x (N, s, s)  inputs     = coeff    (two names of one dataset)
    y (N, s, s)  solutions  = sol      (N, 2, s, s) where they are complex: real and imaginary part
    grid (s,)    coordinates of the grid's lines     seeds (N, 2)   of default_rng
    residual, tolerance, certified, steps (N,)       how well each sample is solved, in float64

A sample that was not solved to its tolerance has NaN for a solution, so that nothing is trained on it by accident.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..core import StateFileError
from ..runs.assemble import write_whole

__all__ = ["SECOND_NAMES", "Dataset", "check"]

#: The names that older files of this kind use, for the same datasets.
SECOND_NAMES = {"x": "coeff", "y": "sol"}


class Dataset:
    """The file that a run's parts become.

    Parameters
    ----------
    path : path
        Of the HDF5 file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, run: Any, solved: int) -> dict[str, Any]:
        """Write the file; what the manifest says of it: checksums, and how many samples are certified."""
        entries = {entry["index"]: entry for entry in run.folder.entries()}
        order = sorted(entries)[:solved]
        sums: dict[str, str] = {}
        dtype = np.dtype(run.plan.dtype)

        def fill(h5py: Any, file: Any) -> None:
            sequence = run.sequence
            _rows(file, "x", order, sequence.input, dtype, sums)
            _rows(file, "y", order, lambda i: _output(run, entries[i], i), dtype, sums)
            for name, second in SECOND_NAMES.items():
                file[second] = file[name]
            for name, values in _facts(sequence, entries, order).items():
                file.create_dataset(name, data=values)
                sums[name] = _sum(values)
            for name, value in sums.items():
                file[name].attrs["sha256"] = value
            _describe(file, run)

        write_whole(self.path, fill)
        certified = sum(bool(entries[i]["ok"]) for i in order)
        return {"file": self.path.name, "samples": len(order), "certified": certified, "sha256": sums}


def _output(run: Any, entry: dict[str, Any], i: int) -> np.ndarray:
    """The solution of sample `i` as the set holds it; NaN where it is not certified."""
    y = run.sequence.output(run.folder.part(i))
    return y if entry["ok"] else np.full_like(y, np.nan)


def _rows(file: Any, name: str, order: list[int], row: Any, dtype: Any, sums: dict[str, str]) -> None:
    """A dataset row by row, so that memory holds one sample; its checksum on the way."""
    first = np.asarray(row(order[0]))
    data = file.create_dataset(name, shape=(len(order), *first.shape), dtype=dtype)
    digest = hashlib.sha256()
    for place, i in enumerate(order):
        values = np.ascontiguousarray(first if place == 0 else row(i), dtype=dtype)
        data[place] = values
        digest.update(values.tobytes())
    sums[name] = digest.hexdigest()


def _sum(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


def _facts(sequence: Any, entries: dict[int, Any], order: list[int]) -> dict[str, np.ndarray]:
    """What stands beside inputs and solutions, one row for each sample."""

    def column(name: str) -> np.ndarray:
        return np.array([np.nan if entries[i][name] is None else entries[i][name] for i in order], dtype=float)

    seed = sequence.options["seed"]
    facts = {
        "seeds": np.array([[seed, i] for i in order], dtype=np.int64),
        "residual": column("residual"),
        "tolerance": column("tolerance"),
        "steps": column("steps").astype(np.int64),
        "certified": np.array([entries[i]["ok"] for i in order], dtype=np.uint8),
    }
    return facts if sequence.grid is None else facts | {"grid": np.asarray(sequence.grid)}


def _describe(file: Any, run: Any) -> None:
    """What the numbers mean, as attributes."""
    sequence = run.sequence
    file.attrs["title"] = sequence.title
    file.attrs["problem"] = sequence.name
    file.attrs["equation"] = sequence.equation
    file.attrs["boundary"] = sequence.boundary
    file.attrs["options"] = json.dumps(sequence.options)
    file.attrs["rtol"] = run.session.rtol
    file.attrs["solved_in"] = "float64; y is rounded to its dtype afterwards"
    file.attrs["versions"] = json.dumps(run.manifest["versions"])
    file["x"].attrs["is"] = sequence.given
    file["y"].attrs["is"] = ", ".join(sequence.channels)


def check(path: str | os.PathLike[str]) -> dict[str, int]:
    """Compare every dataset of a training set with its checksum.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    dict
        ``samples`` and how many of them are ``certified``.

    Raises
    ------
    StateFileError
        A ValueError: the file is damaged, or not a training set.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> from resolvent.generate import check, generate
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "darcy.h5"
    >>> _ = generate("darcy", path, count=2, size=8)
    >>> check(path)
    {'samples': 2, 'certified': 2}
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            for name in ("x", "y", "seeds", "residual", "tolerance", "steps", "certified"):
                if _streamed(file[name]) != file[name].attrs["sha256"]:
                    raise StateFileError(f"{path}: dataset {name!r} is not what was written: its checksum differs")
            return {"samples": len(file["x"]), "certified": int(np.sum(file["certified"][()]))}
    except (OSError, KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise StateFileError(f"{path}: not a readable training set ({error})") from None


def _streamed(data: Any) -> str:
    """The checksum of a dataset, read row by row."""
    digest = hashlib.sha256()
    for row in range(len(data)):
        digest.update(np.ascontiguousarray(data[row]).tobytes())
    return digest.hexdigest()
