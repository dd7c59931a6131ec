"""Implicit time steps of the heat equation on a grid: the shift drifts, or the conductivity turns.

``heat-shift``: ``A_t = c_t I + K``, K the 5-point Laplacian, ``c_t = c0 10^(0.75 sin(2 pi t / 100))``.
``heat-conductivity``: ``A_t = c0 I + darcy(a_t)``, ``a_t = exp(1.5 (g1 cos p + g2 sin p))``, ``p = 2 pi t / 200``,
``g1 = sin 2 pi x sin 3 pi y``, ``g2 = cos 3 pi x cos 2 pi y``.

Both: ``c0 = 0.02 (100 / m)^2``, ``b_t = c u_t + h^2 f_t`` with the shift c of that step and ``u_t`` the solution of
the step before, ``f_t = 100 exp(-|x - x_t|^2 / 0.01)``, ``x_t = (0.5, 0.5) + 0.25 (cos, sin)(2 pi t / 100)``, ``u_0 =
exp(-((x - 0.3)^2 + (y - 0.3)^2) / 0.02)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .fields import GridStencil, grid
from .sequence import Sequence, check_integer, spd_system

__all__ = ["HeatConductivity", "HeatShift"]


class _Heat(Sequence):
    coupled = True

    def __init__(self, count: int = 200, size: int = 100):
        super().__init__(count, check_integer("size", size, 2, 20_000))
        self._x, self._y = grid(self.size)
        self._h2 = 1.0 / (self.size + 1) ** 2
        self._c0 = 0.02 * (100.0 / self.size) ** 2
        self._stencil = GridStencil((self.size, self.size))
        self._start()

    @property
    def unknowns(self) -> int:
        return self.size**2

    def _start(self) -> None:
        self._u = np.exp(-((self._x - 0.3) ** 2 + (self._y - 0.3) ** 2) / 0.02).ravel()

    def _advance(self, x: np.ndarray) -> None:
        self._u = x.copy()

    def _state(self) -> dict[str, np.ndarray]:
        return {"u": self._u}

    def _load(self, arrays: dict[str, np.ndarray]) -> None:
        self._u = arrays["u"]

    def _right_side(self, t: int, c: float) -> np.ndarray:
        angle = 2 * math.pi * t / 100
        cx, cy = 0.5 + 0.25 * math.cos(angle), 0.5 + 0.25 * math.sin(angle)
        source = 100.0 * np.exp(-((self._x[:, :1] - cx) ** 2) / 0.01) * np.exp(-((self._y[:1] - cy) ** 2) / 0.01)
        return c * self._u + self._h2 * source.ravel()


class HeatShift(_Heat):
    """Implicit heat steps whose shift (the inverse time step) drifts over a factor of 30.

    Parameters
    ----------
    count : int
        Number of time steps.
    size : int
        Grid points a side, m; n = m^2.

    Notes
    -----
    Coupled: `feed` the solution of each step.  ``context`` of each system is the shift ``c_t``.

    Examples
    --------
    >>> steps = HeatShift(count=2, size=4)
    >>> float(steps[0].A.diagonal()[0]), steps[0].context
    (16.5, 12.5)
    """

    name = "heat-shift"
    title = "Implicit heat steps with a drifting time step: a shifted Laplacian, b from the last solution."

    def __init__(self, count: int = 200, size: int = 100):
        super().__init__(count, size)
        self._faces = [np.ones((self.size - 1, self.size)), np.ones((self.size, self.size - 1))]
        self._four = np.full((self.size, self.size), 4.0)

    def shift(self, t: int) -> float:
        """The shift ``c_t``."""
        return self._c0 * 10.0 ** (0.75 * math.sin(2 * math.pi * t / 100))

    def features(self, i: int) -> np.ndarray:
        """The logarithm of the shift."""
        return np.array([math.log10(self.shift(i))])

    def _problem(self, i: int) -> Any:
        c = self.shift(i)
        return spd_system(self._stencil.assemble(self._four + c, self._faces), self._right_side(i, c), context=c)


class HeatConductivity(_Heat):
    """Implicit heat steps in a medium whose conductivity turns from one pattern into another.

    Parameters
    ----------
    count : int
        Number of time steps.
    size : int
        Grid points a side, m; n = m^2.

    Notes
    -----
    Coupled: `feed` the solution of each step.

    Examples
    --------
    >>> steps = HeatConductivity(count=2, size=5)
    >>> A = steps[0].A
    >>> bool((A - A.T).nnz == 0), A.shape
    (True, (25, 25))
    """

    name = "heat-conductivity"
    title = "Implicit heat steps in a medium whose conductivity turns slowly: kept factors go stale."

    def __init__(self, count: int = 200, size: int = 100):
        super().__init__(count, size)
        x, y = self._x, self._y
        self._g1 = np.sin(2 * np.pi * x) * np.sin(3 * np.pi * y)
        self._g2 = np.cos(3 * np.pi * x) * np.cos(2 * np.pi * y)

    def conductivity(self, t: int) -> np.ndarray:
        """The cell values ``a_t``, (m, m)."""
        p = 2 * math.pi * t / 200
        return np.exp(1.5 * (self._g1 * math.cos(p) + self._g2 * math.sin(p)))

    def features(self, i: int) -> np.ndarray:
        """The two amplitudes of the conductivity's logarithm."""
        p = 2 * math.pi * i / 200
        return np.array([math.cos(p), math.sin(p)])

    def _problem(self, i: int) -> Any:
        return spd_system(self._stencil.darcy(self.conductivity(i), self._c0), self._right_side(i, self._c0))
