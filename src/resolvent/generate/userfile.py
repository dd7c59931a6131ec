"""Problems of the user's own: a Python file with ``make(i, rng) -> (A, b, features)``.

The file is run because it was named by the user on the command line or in a call, and for no other reason: nothing that
is read from a folder leads here.
"""

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

from ..gallery import Sequence
from ..problems import LinearSystem

__all__ = ["UserSamples", "digest"]

_LOW = 8


def digest(path: Path) -> str:
    """SHA-256 of the file, so that a run is not gone on with under another one."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _load(path: Path) -> Any:
    """The function ``make`` of a Python file."""
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise ValueError(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ValueError(f"{path}: running it raised {type(error).__name__}: {error}") from error
    make = getattr(module, "make", None)
    if not callable(make):
        raise ValueError(f"{path}: it has no function make(i, rng), which returns (A, b, features)")
    return make


class UserSamples(Sequence):
    """The samples that a user's function makes.

    Parameters
    ----------
    path : path
    count : int
    seed : int
    """

    title = "Problems of a user's own function."
    equation = "A u = b, as the function makes them"
    boundary = "as the function makes it"
    given = "features"
    channels = ("u",)
    grid = None

    def __init__(self, path: Path, count: int, seed: int) -> None:
        super().__init__(count, None, {"seed": seed})
        self.path, self.name = Path(path), Path(path).stem
        self._make = _load(self.path)
        self._shape: tuple[int, ...] | None = None

    def rng(self, i: int) -> np.random.Generator:
        """The generator of sample `i`."""
        return np.random.default_rng([self.options["seed"], i])

    def _made(self, i: int) -> tuple[Any, Any, Any]:
        """(A, b, features) of sample `i`; features default to b."""
        try:
            made = self._make(i, self.rng(i))
        except (Exception, SystemExit) as error:
            raise ValueError(f"{self.path}: make({i}, rng) raised {type(error).__name__}: {error}") from error
        if not isinstance(made, tuple) or len(made) != 3:
            raise ValueError(
                f"{self.path}: make({i}, rng) returned a {type(made).__name__}; (A, b, features) is expected"
            )
        A, b, features = made
        x = np.asarray(b if features is None else features)
        if x.dtype.kind not in "iufc" or x.ndim == 0 or not np.all(np.isfinite(x)):
            raise ValueError(f"{self.path}: the features of sample {i} must be an array of finite numbers")
        if self._shape is None:
            self._shape = x.shape
        if x.shape != self._shape:
            raise ValueError(f"{self.path}: the features of sample {i} have shape {x.shape}, others {self._shape}")
        return A, b, x

    def _problem(self, i: int) -> Any:
        A, b, _ = self._made(i)
        try:
            return LinearSystem(A, b)
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.path}: sample {i}: {error}") from None

    def input(self, i: int) -> np.ndarray:
        """The features of sample `i`."""
        return self._made(i)[2]

    def output(self, x: np.ndarray) -> np.ndarray:
        """The solution in the shape of the features where it has as many values; complex ones as two channels."""
        u = x.reshape(self._shape) if self._shape is not None and x.size == int(np.prod(self._shape)) else x
        return np.stack([u.real, u.imag]) if np.iscomplexobj(u) else u

    def features(self, i: int) -> np.ndarray:
        """What the order goes by: the features, of a field only its lowest 8 x 8 cosine coefficients."""
        x = np.abs(self.input(i)).astype(float)
        if x.ndim == 2 and min(x.shape) > _LOW:
            from scipy.fft import dctn

            return dctn(x, norm="ortho")[:_LOW, :_LOW].ravel()
        return x.ravel()[: _LOW * _LOW]
