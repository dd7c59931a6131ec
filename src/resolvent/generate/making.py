"""A training set from a name or a file, through the machinery of runs; and one sample of it, alone."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..core import Session
from ..core.names import meant
from ..runs import Folder, Outcome, Plan, RunError, execute
from ..runs.plan import open_source
from .dataset import Dataset
from .userfile import UserSamples, digest

__all__ = ["NAMES", "generate", "places", "sample"]

#: The built-in problems, and the sequences of the gallery that state them.
NAMES = {name: f"{name}-samples" for name in ("darcy", "helmholtz", "convection-diffusion", "poisson")}
_RTOL = 1e-8
_COUNT = 1000
_DEFAULTS = {"rtol": _RTOL, "order": "similar", "chunk": 512, "dtype": "float64"}


def places(out: str | os.PathLike[str]) -> tuple[Path, Path]:
    """(the data file, the folder of the run): ``set.h5`` has its run beside it in ``set.run``."""
    path = Path(out)
    if path.suffix in (".h5", ".hdf5"):
        return path, path.with_suffix(".run")
    return path / "dataset.h5", path


def generate(
    problem: str | os.PathLike[str],
    out: str | os.PathLike[str],
    count: int | None = None,
    size: int | None = None,
    *,
    seed: int | None = None,
    rtol: float | None = None,
    method: str | None = None,
    dtype: str | None = None,
    order: str | None = None,
    chunk: int | None = None,
    checkpoint: float | None = None,
    resume: bool = False,
    options: dict[str, Any] | None = None,
    bar: Any = None,
) -> Outcome:
    """Make a training set.

    Parameters
    ----------
    problem : str or path-like
        ``"darcy"``, ``"helmholtz"``, ``"convection-diffusion"``, ``"poisson"``; or a Python file with a function
        ``make(i, rng) -> (A, b, features)``, which is run.
    out : path-like
        ``set.h5``, or a folder for ``dataset.h5``.
    count, size : int, optional
        Samples (1000), and grid points a side (64; built-in problems only).
    seed : int, optional
        Root of the seeds (0); sample i draws from ``default_rng([seed, i])``.
    rtol : float, optional
        Of every solve (1e-8).
    method : str, optional
        ``"auto"`` without.
    dtype : {"float64", "float32"}, optional
        Of inputs and solutions in the file (float64).
    order : {"similar", "given"}, optional
        In which order samples are solved; in the file they stand in the given one.
    chunk : int, optional
        Samples sorted together (512).
    checkpoint : float, optional
        Seconds of work between checkpoints (30).
    resume : bool
        Go on with what is there.
    options : dict, optional
        Of the problem, such as ``{"kind": "log"}`` for darcy.
    bar : callable, optional
        As in `runs.execute`.

    Returns
    -------
    Outcome
        ``good`` when every sample met its tolerance.

    Raises
    ------
    ValueError, TypeError
        One sentence, for bad input; nothing is written then.
    OSError
        When the files cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile, h5py
    >>> from resolvent.generate import generate
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "waves.h5"
    >>> generate("helmholtz", path, count=3, size=8, seed=1).good
    True
    >>> with h5py.File(path) as file:
    ...     file["x"].shape, file["y"].shape
    ((3, 8, 8), (3, 2, 8, 8))
    """
    if dtype not in (None, "float64", "float32"):
        raise ValueError(f"dtype {dtype!r} was given; float64 or float32 is expected")
    file, folder = places(out)
    given = dict(options or {}) | ({} if seed is None else {"seed": seed})
    said = {"rtol": rtol, "method": method, "order": order, "chunk": chunk, "checkpoint": checkpoint, "dtype": dtype}
    if resume and (folder / "manifest.json").exists():  # what is not said is as it was begun
        given = dict(Plan.of(Folder(folder).manifest()).options) | given
    else:
        said = {key: _DEFAULTS.get(key) if value is None else value for key, value in said.items()}
        if file.exists():
            raise RunError(f"{file} is there already: give another name, or remove it")
    plan, opener = _planned(str(problem), count, size, given)
    return execute(replace(plan, **said), folder, resume, bar, source=opener, product=Dataset(file))


def _planned(name: str, count: Any, size: Any, options: dict[str, Any]) -> tuple[Plan, Any]:
    """The plan, and who opens its sequence."""
    if name in NAMES:
        return Plan(source=NAMES[name], count=count, size=size, options={"seed": 0} | options), open_source
    path = Path(name)
    if path.suffix != ".py":
        raise ValueError(
            f"there is no problem {name!r}{meant(name, NAMES)}; "
            f"there are {', '.join(NAMES)}, or a Python file with make(i, rng)"
        )
    if not path.is_file():
        raise FileNotFoundError(2, "there is no such file", str(path))
    seed = options.get("seed", 0)
    if size is not None or set(options) - {"seed", "file_sha256"}:
        raise ValueError("a size and further options go with the built-in problems; a Python file decides by itself")
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed {seed!r} was given; a whole number, 0 or more, is expected")
    now = digest(path)
    if options.get("file_sha256", now) != now:
        raise RunError(f"{path} is not the file with which this set was begun: its checksum differs")
    plan = Plan(source=name, count=count, options={"seed": seed, "file_sha256": now})
    return plan, lambda plan, where: UserSamples(path, plan.count or _COUNT, seed)


def sample(problem: str | os.PathLike[str], i: int, size: int | None = None, *, seed: int = 0, **options: Any) -> Any:
    """Sample `i` of a training set, made again alone.

    Parameters
    ----------
    problem : str or path-like
        As in `generate`.
    i : int
    size, seed, **options
        As the set was made.

    Returns
    -------
    x : ndarray
        The input, bit for bit as in the set (in float64).
    y : ndarray
        The solution, solved from nothing to ``rtol = 1e-8``: the set's own agrees to that tolerance, not to the bit,
        because there each solve learned from the ones before.

    Raises
    ------
    ValueError, TypeError
        As in `generate`.
    NotConverged
        When the sample cannot be solved.

    Examples
    --------
    >>> from resolvent.generate import sample
    >>> x, y = sample("poisson", 17, size=12, seed=3)
    >>> x.shape, y.shape
    ((12, 12), (12, 12))
    """
    plan, opener = _planned(str(problem), int(i) + 1, size, options | {"seed": seed})
    sequence = opener(plan, None)
    x = np.asarray(sequence.input(i))
    result = Session("auto", rtol=_RTOL, on_fail="ignore").solve(sequence[i]).raise_if_failed()
    return x, sequence.output(result.x)
