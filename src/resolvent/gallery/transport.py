"""Sequences of transport problems: two measures on a grid that drift, and two clouds of points of which one drifts.

Costs are squared distances divided by their largest, masses sum to one.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np

from .sequence import Sequence, check_integer, check_number

__all__ = ["DriftingImages", "DriftingPoints", "grid_cost"]


def grid_cost(side: int, p: float = 2.0) -> Any:
    """Distances to the power p between the points of a square grid, divided by the largest.

    Parameters
    ----------
    side : int
        Points a side.
    p : float
        2 for squares of Euclidean distances, 1 for sums of absolute differences.

    Returns
    -------
    ndarray, shape (side^2, side^2)

    Examples
    --------
    >>> grid_cost(3).shape, float(grid_cost(3).max())
    ((9, 9), 1.0)
    """
    line = np.abs(np.arange(side)[:, None] - np.arange(side)[None]) ** float(p)
    C = (line[:, None, :, None] + line[None, :, None, :]).reshape(side * side, side * side)
    return C / C.max()


def _transport(C: Any, a: Any, b: Any, reg: float) -> Any:
    from ..problems.transport import Transport

    return Transport(C, a / a.sum(), b / b.sum(), reg)


class DriftingImages(Sequence):
    """Two images as measures on a grid; both drift.

    Parameters
    ----------
    count : int
        Number of problems.
    size : int
        Pixels a side; n = m = size^2.
    reg : float
        Regularisation.
    speed : float
        How far a measure moves from one problem to the next, in sides of the picture.
    kind : {"bumps", "strokes", "pictures"}
        Two Gaussian bumps; curved strokes like those of digits; windows of two photographs (needs scikit-image).
    seed : int
        Of the strokes and the bumps; 0 gives fixed bumps.
    p : float
        Power of the distance.

    Examples
    --------
    >>> sequence = DriftingImages(count=3, size=8)
    >>> problem = sequence[2]
    >>> problem.C.shape, bool(abs(problem.a.sum() - 1) < 1e-12)
    ((64, 64), True)
    """

    name = "drifting-images"
    title = "Optimal transport between two images that drift."

    def __init__(
        self,
        count: int = 20,
        size: int = 28,
        *,
        reg: float = 1 / 1200,
        speed: float = 0.01,
        kind: str = "bumps",
        seed: int = 0,
        p: float = 2.0,
    ):
        size = check_integer("size", size, 2)
        if kind not in ("bumps", "strokes", "pictures"):
            raise ValueError(f'kind={kind!r} was given; "bumps", "strokes" or "pictures" is possible')
        if kind == "pictures" and find_spec("skimage") is None:
            raise ValueError('kind="pictures" needs scikit-image: pip install scikit-image')
        options = {
            "reg": check_number("reg", reg, 0.0),
            "speed": check_number("speed", speed, 0.0, 0.05, open_low=False),
        }
        options |= {"kind": kind, "seed": check_integer("seed", seed, 0), "p": check_number("p", p, 0.0)}
        super().__init__(count, size, options)
        self._cost = grid_cost(size, p)

    def _problem(self, i: int) -> Any:
        shift = i * self.options["speed"]
        a, b = {"bumps": self._bumps, "strokes": self._strokes, "pictures": self._pictures}[self.options["kind"]](shift)
        return _transport(self._cost, a, b, self.options["reg"])

    def _bumps(self, shift: float) -> tuple[Any, Any]:
        rng = np.random.default_rng(self.options["seed"])
        move = 0.1 * (rng.random((2, 2)) - 0.5) if self.options["seed"] else np.zeros((2, 2))
        first = self._bump(0.3 + move[0, 0] + shift, 0.3 + move[0, 1], 0.12)
        return first, self._bump(0.7 + move[1, 0], 0.6 + move[1, 1] - shift, 0.15)

    def _bump(self, x: float, y: float, width: float) -> Any:
        line = np.linspace(0.0, 1.0, self.size)
        return np.exp(-((line[:, None] - x) ** 2 + (line[None] - y) ** 2) / (2 * width**2)).ravel() + 1e-3

    def _strokes(self, shift: float) -> tuple[Any, Any]:
        """Points along a curve of three random arcs, smeared; the two curves turn against each other."""
        rng = np.random.default_rng([7, self.options["seed"]])
        out = []
        for turn in (1.0, -1.0):
            knots = 0.2 + 0.6 * rng.random((5, 2))
            t = np.linspace(0.0, 1.0, 60)[:, None]
            weights = [np.array([1, 4, 6, 4, 1])[k] * t**k * (1 - t) ** (4 - k) for k in range(5)]
            curve = sum(w * knot for w, knot in zip(weights, knots, strict=True)) - 0.5
            angle = turn * shift * np.pi
            curve = curve @ np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]) + 0.5
            out.append(sum(self._bump(x, y, 0.04) for x, y in curve))
        return out[0], out[1]

    def _pictures(self, shift: float) -> tuple[Any, Any]:
        from skimage import data
        from skimage.transform import resize

        out = []
        for picture, way in ((1.0 - data.camera() / 255.0, 1.0), (data.coins() / 255.0, -1.0)):
            side = 3 * min(picture.shape) // 4
            slack = np.array(picture.shape) - side
            corner = slack / 2 + way * np.array([shift, -shift]) * side
            row, column = np.clip(np.rint(corner).astype(int), 0, slack)
            window = picture[row : row + side, column : column + side]
            out.append(resize(window, (self.size, self.size), anti_aliasing=True).ravel() + 1e-3)
        return out[0], out[1]


class DriftingPoints(Sequence):
    """Two clouds of normally distributed points in the plane; the first drifts along a fixed direction of each point.

    Parameters
    ----------
    count : int
        Number of problems.
    size : int
        Points of each cloud.
    reg : float
        Regularisation.
    speed : float
        Part of the standard deviation that a point moves from one problem to the next.
    seed : int

    Examples
    --------
    >>> DriftingPoints(count=2, size=10)[1].C.shape
    (10, 10)
    """

    name = "drifting-points"
    title = "Optimal transport between two clouds of points of which one drifts."

    def __init__(self, count: int = 20, size: int = 500, *, reg: float = 1e-3, speed: float = 0.01, seed: int = 0):
        options = {"reg": check_number("reg", reg, 0.0), "speed": check_number("speed", speed, 0.0, open_low=False)}
        super().__init__(count, check_integer("size", size, 2), options | {"seed": check_integer("seed", seed, 0)})

    def _problem(self, i: int) -> Any:
        n = int(self.size or 0)
        rng = np.random.default_rng(self.options["seed"])
        X, Y = rng.standard_normal((n, 2)), rng.standard_normal((n, 2)) + 1.0
        X = X + i * self.options["speed"] * rng.standard_normal((n, 2))
        C = ((X[:, None] - Y[None]) ** 2).sum(axis=-1)
        return _transport(C / C.max(), np.ones(n), np.ones(n), self.options["reg"])
