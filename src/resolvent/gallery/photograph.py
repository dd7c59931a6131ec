"""Edge-preserving smoothing of a picture: each step one system with conductivities from the picture as it is now.

``(I + tau L(g)) u_new = u``, L(g) the graph Laplacian of the pixels with weight ``(g_i + g_j) / 2`` between
neighbours, ``g = 1 / (1 + |grad u_sigma|^2 / kappa^2)``, ``u_sigma`` the picture smoothed by a Gaussian of `sigma`
pixels, central differences, nothing flows over the border: rows of the matrix sum to 1, so the mean gray value is
kept and so are the bounds.

Reference: F. Catte, P.-L. Lions, J.-M. Morel, T. Coll, Image selective smoothing and edge detection by nonlinear
diffusion, SIAM J. Numer. Anal. 29 (1992), after P. Perona, J. Malik, IEEE TPAMI 12 (1990).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .fields import GridStencil
from .sequence import Sequence, check_integer, check_number, spd_system

__all__ = ["Photograph", "read_picture"]

_MOST_PIXELS = 40_000_000


def _china() -> Path:
    """Where scikit-learn keeps its sample picture, found without importing it."""
    import importlib.util

    spec = importlib.util.find_spec("sklearn")
    path = Path(spec.origin).parent / "datasets" / "images" / "china.jpg" if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ValueError(
            "the sequence photograph takes scikit-learn's sample picture, which is not installed here: "
            "install resolvent[sklearn], or give a picture of your own with file="
        )
    return path


def read_picture(path: str | Path) -> np.ndarray:
    """Read a picture as gray values in [0, 1].

    Parameters
    ----------
    path : path
        ``.npy`` (two axes, or a third of 3 or 4 colours; integers are divided by the largest value of their type), or
        what Pillow reads (PNG, JPEG, ...).

    Returns
    -------
    ndarray of float64, (rows, columns)

    Raises
    ------
    ValueError
        No readable picture; the sentence says why.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    if path.suffix.lower() == ".npy":
        from .npz import read_npy_file

        pixels = read_npy_file(path)
    else:
        pixels = _decode(path)
    if pixels.dtype.kind in "ui" and pixels.dtype.itemsize <= 4:
        pixels = pixels / float(np.iinfo(pixels.dtype).max)
    elif pixels.dtype.kind != "f":
        raise ValueError(f"{path}: a picture must have real gray values, not {pixels.dtype}")
    if pixels.ndim == 3 and pixels.shape[2] in (3, 4):
        pixels = pixels[:, :, :3] @ np.array([0.299, 0.587, 0.114])
    if pixels.ndim != 2 or min(pixels.shape) < 2 or pixels.size > _MOST_PIXELS:
        raise ValueError(
            f"{path}: a picture needs 2 x 2 to {_MOST_PIXELS} pixels, not an array of shape {pixels.shape}"
        )
    if not np.isfinite(pixels).all() or pixels.min() < 0 or pixels.max() > 1:
        raise ValueError(f"{path}: gray values must be finite and between 0 and 1")
    return pixels.astype(np.float64)


def _decode(path: Path) -> np.ndarray:
    try:
        from PIL import Image
    except ImportError:
        raise ValueError(
            f"{path}: reading this kind of picture needs Pillow (pip install pillow), or save it as .npy"
        ) from None
    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise ValueError(f"it has {picture.width} x {picture.height} pixels, the most is {_MOST_PIXELS}")
            return np.asarray(picture.convert("RGB"))
    except Exception as error:  # a decoder meets hostile bytes with many kinds of exception
        raise ValueError(f"{path}: not a readable picture ({error})") from None


class Photograph(Sequence):
    """Implicit nonlinear diffusion of a real picture.

    Parameters
    ----------
    count : int
        Number of steps.
    size : int, optional
        The longer side is brought to at most this many pixels by averaging blocks; the picture as it is without.
    file : path, optional
        The picture; scikit-learn's ``china.jpg`` (427 x 640, 273,280 unknowns) without.
    tau : float
        Time step, in squared pixels.
    kappa : float
        Gradient (gray values per pixel) at which the conductivity is one half.
    sigma : float
        Pixels of smoothing before gradients are taken.
    noisy : bool or float
        True adds seeded normal noise of standard deviation 0.1 (or as given) to the picture first.
    seed : int
        Of the noise.

    Attributes
    ----------
    clean, before : ndarray of float64, (rows, columns)
        The picture as read, and as the first step gets it (the same without noise).

    Notes
    -----
    Coupled: `feed` the picture that each step gives.

    Examples
    --------
    >>> steps = Photograph(count=2, size=40)
    >>> p = steps[0]
    >>> bool(abs(p.A.sum(axis=1) - 1).max() < 1e-12), steps.after.shape
    (True, (26, 40))
    """

    name = "photograph"
    title = "Edge-preserving smoothing of a photograph: one large system a step, from the picture as it is now."
    coupled = True

    def __init__(
        self,
        count: int = 10,
        size: int | None = None,
        *,
        file: str | Path | None = None,
        tau: float = 2.0,
        kappa: float = 0.01,
        sigma: float = 1.0,
        noisy: bool | float = False,
        seed: int = 0,
    ):
        if size is not None:
            size = check_integer("size", size, 2)
        noise = (
            0.1 if noisy is True else 0.0 if noisy is False else check_number("noisy", noisy, 0.0, 1.0, open_low=False)
        )
        options = {
            "file": None if file is None else str(file),
            "tau": check_number("tau", tau, 0.0),
            "kappa": check_number("kappa", kappa, 0.0),
            "sigma": check_number("sigma", sigma, 0.0, 100.0, open_low=False),
            "noise": noise,
            "seed": check_integer("seed", seed, 0),
        }
        super().__init__(count, size, options)
        self.clean = _shrink(read_picture(_china() if file is None else file), size)
        self.before = self.clean
        if noise:
            self.before = self.clean + noise * np.random.default_rng(seed).standard_normal(self.clean.shape)
        self._stencil = GridStencil(self.clean.shape)
        self._start()

    @property
    def unknowns(self) -> int:
        return self._stencil.n

    @property
    def after(self) -> np.ndarray:
        """The picture as it is now, (rows, columns)."""
        return self._u.copy()

    def _start(self) -> None:
        self._u = self.before

    def _advance(self, x: np.ndarray) -> None:
        self._u = x.reshape(self.clean.shape).copy()

    def _state(self) -> dict[str, np.ndarray]:
        return {"picture": self._u}

    def _load(self, arrays: dict[str, np.ndarray]) -> None:
        self._u = arrays["picture"]

    def conductivity(self) -> np.ndarray:
        """The conductivities g of the current picture, in (0, 1]."""
        from scipy.ndimage import gaussian_filter

        u = gaussian_filter(self._u, self.options["sigma"], mode="nearest") if self.options["sigma"] else self._u
        dy, dx = np.gradient(u)
        return 1.0 / (1.0 + (dx * dx + dy * dy) / self.options["kappa"] ** 2)

    def _problem(self, i: int) -> Any:
        g = 0.5 * self.options["tau"] * self.conductivity()
        faces = [g[1:] + g[:-1], g[:, 1:] + g[:, :-1]]
        return spd_system(self._stencil.assemble(self._stencil.graph(faces, 1.0), faces), self._u.ravel().copy())


def _shrink(pixels: np.ndarray, size: int | None) -> np.ndarray:
    """Average blocks of k x k pixels, k the least that brings the longer side to `size`; an odd border is cut off."""
    k = 1 if size is None else -(-max(pixels.shape) // size)
    rows, columns = pixels.shape[0] // k, pixels.shape[1] // k
    if min(rows, columns) < 2:
        raise ValueError(
            f"size {size} leaves less than 2 x 2 pixels of a picture of {pixels.shape[0]} x {pixels.shape[1]}"
        )
    return pixels[: rows * k, : columns * k].reshape(rows, k, columns, k).mean(axis=(1, 3))
