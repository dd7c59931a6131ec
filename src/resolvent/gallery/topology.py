"""Minimum-compliance design: each step solves ``K(rho) u = f`` and moves material to where it works.

``min f'u  subject to  K(rho) u = f, mean(rho) = volfrac, 0 <= rho <= 1``, ``E = Emin + rho^3 (1 - Emin)`` (SIMP).
After each solve: sensitivities ``-3 (1 - Emin) rho^2 u_e' K0 u_e``, filtered over a radius (the sensitivities or the
densities), ``x <- clip(x (-dc / (lambda dv))^(1/2))`` within 0.2 of x, lambda by bisection on the volume; stop when
no density changed by more than 0.01. Condition numbers reach 1e9 (Emin = 1e-9), the matrix changes much at first and
little at last.

References: M. P. Bendsoe, O. Sigmund, Topology Optimization, 2003, chapter 1; E. Andreassen et al., Efficient topology
optimization in MATLAB using 88 lines of code, 2011 (the benchmark values of its table: section 4).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .elasticity import Box, cone_filter
from .sequence import Sequence, check_integer, check_number, spd_system

__all__ = ["Topology", "Topology3d"]


class _Compliance(Sequence):
    coupled = True

    def __init__(self, count: int, size: int, shape: tuple[int, ...], filter: str, radius: float, volfrac: float):
        if filter not in ("sensitivity", "density"):
            raise ValueError(f'filter must be "sensitivity" or "density", not {filter!r}')
        radius = check_number("radius", radius, 1.0, 64.0, open_low=False)
        volfrac = check_number("volfrac", volfrac, 0.0, 1.0)
        super().__init__(count, size, {"filter": filter, "radius": radius, "volfrac": volfrac})
        self.shape = shape
        nodes = np.zeros((*[s + 1 for s in shape], len(shape)))
        clamped, load = nodes.astype(bool), nodes
        self._support(clamped, load)
        self._box = Box(shape, clamped)
        self._f = load.ravel()[self._box.free]
        self._H = cone_filter(shape, radius)
        self._Hs = self._H.sum(axis=1)
        self._start()

    def _support(self, clamped: np.ndarray, load: np.ndarray) -> None:
        """Write supports and loads into arrays of shape (nodes along each axis, components)."""
        raise TypeError("a design problem says where it is held and loaded")

    @property
    def unknowns(self) -> int:
        return self._box.n

    @property
    def density(self) -> np.ndarray:
        """The densities that the current problem is built from, (elements along each axis), in [0, 1]."""
        return self._density.copy()

    @property
    def compliance(self) -> float:
        """``f'u`` at the last solution fed; NaN before the first."""
        return float(self._numbers[0]) if self.position else math.nan

    @property
    def change(self) -> float:
        """The largest change of a density in the last update; 1 before the first."""
        return float(self._numbers[1])

    @property
    def done(self) -> bool:
        """True when the design has settled (change <= 0.01) or `count` steps are over."""
        return self.position >= self.count or (self.position > 0 and self.change <= 0.01)

    def _start(self) -> None:
        self._design = np.full(self.shape, self.options["volfrac"])
        self._density = self._design.copy()
        self._numbers = np.array([0.0, 1.0])

    def _state(self) -> dict[str, np.ndarray]:
        return {"design": self._design, "density": self._density, "numbers": self._numbers}

    def _load(self, arrays: dict[str, np.ndarray]) -> None:
        self._design, self._density, self._numbers = arrays["design"], arrays["density"], arrays["numbers"]

    def _problem(self, i: int) -> Any:
        return spd_system(self._box.matrix(1e-9 + self._density**3 * (1 - 1e-9)), self._f.copy())

    def _smooth(self, v: np.ndarray) -> np.ndarray:
        return (self._H @ v.ravel()).reshape(self.shape)

    def _advance(self, x: np.ndarray) -> None:
        energy = self._box.energies(x)
        rho, Hs = self._density, self._Hs.reshape(self.shape)
        compliance = float(((1e-9 + rho**3 * (1 - 1e-9)) * energy).sum())
        dc = -3.0 * (1 - 1e-9) * rho**2 * energy
        dv = np.ones(self.shape)
        if self.options["filter"] == "sensitivity":
            dc = self._smooth(self._design * dc) / Hs / np.maximum(1e-3, self._design)
        else:
            dc, dv = self._smooth(dc / Hs), self._smooth(dv / Hs)
        gain = np.maximum(-dc, 0.0) / dv
        if not gain.any():
            raise ValueError(f"the displacements fed to {self.name} strain no element: they do not solve the system")
        design, density = self._update(gain)
        self._numbers = np.array([compliance, float(np.abs(design - self._design).max())])
        self._design, self._density = design, density

    def _update(self, gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Optimality criteria: the new design and its densities, the multiplier by bisection on the volume."""
        x, dense = self._design, self.options["filter"] == "density"
        lower, upper = np.maximum(0.0, x - 0.2), np.minimum(1.0, x + 0.2)
        low, high, target = 0.0, 1e9, self.options["volfrac"] * x.size
        while (high - low) / (low + high) > 1e-3 and high > 1e-290:
            middle = 0.5 * (low + high)
            design = np.clip(x * np.sqrt(gain) / math.sqrt(middle), lower, upper)
            density = self._smooth(design) / self._Hs.reshape(self.shape) if dense else design
            if density.sum() > target:
                low = middle
            else:
                high = middle
        return design, np.clip(density, 0.0, 1.0)  # a mean of ones may round to more than one


class Topology(_Compliance):
    """The MBB half beam: simply supported, loaded in the middle, half of it by symmetry; 2-D plane stress.

    Parameters
    ----------
    count : int
        Most design steps; the sequence ends earlier when the design has settled (`done`).
    size : int
        Elements along the beam; a third of that across.
    filter : {"sensitivity", "density"}
        What is smoothed.
    radius : float, optional
        Of the filter, in elements; ``0.04 * size`` (at least 1.2) by default.
    volfrac : float
        Share of the box that may be filled.

    Notes
    -----
    Coupled: `feed` the displacements of each step. With exact solves the compliance ends at 216.81 (60 x 20,
    sensitivity filter), 233.71 (60 x 20, density filter) and 219.52 (150 x 50, sensitivity filter). A direct solver
    is the best there is here; a kept factor is good only when the design has nearly settled.

    Examples
    --------
    >>> import scipy.sparse.linalg as sla
    >>> beam = Topology(count=4, size=12)
    >>> for i, problem in enumerate(beam):
    ...     beam.feed(i, sla.spsolve(problem.A.tocsc(), problem.b))
    >>> beam.density.shape, bool(abs(beam.density.mean() - 0.5) < 1e-3)
    ((12, 4), True)
    """

    name = "topology"
    title = "Minimum-compliance design of the MBB beam, 2-D: stiffness matrices of a design that settles."

    def __init__(
        self,
        count: int = 300,
        size: int = 150,
        *,
        filter: str = "sensitivity",
        radius: float | None = None,
        volfrac: float = 0.5,
    ):
        size = check_integer("size", size, 3, 5000)
        radius = max(1.2, 0.04 * size) if radius is None else radius
        super().__init__(count, size, (size, max(1, size // 3)), filter, radius, volfrac)

    def _support(self, clamped: np.ndarray, load: np.ndarray) -> None:
        clamped[0, :, 0] = True  # the plane of symmetry; y points down
        clamped[-1, -1, 1] = True
        load[0, 0, 1] = -1.0


class Topology3d(_Compliance):
    """A cantilever in 3-D: the left face is clamped, a line load pulls at the lower edge of the right face.

    Parameters
    ----------
    count, filter, volfrac
        As for `Topology`.
    size : int
        Elements along the beam; half of that in the two other directions.
    radius : float
        Of the filter, in elements.

    Examples
    --------
    >>> block = Topology3d(count=2, size=4)
    >>> block[0].A.shape, float(round(block[0].b.sum(), 12))
    ((108, 108), -1.0)
    """

    name = "topology3d"
    title = "Minimum-compliance design of a 3-D cantilever."

    def __init__(
        self,
        count: int = 100,
        size: int = 24,
        *,
        filter: str = "sensitivity",
        radius: float = 1.5,
        volfrac: float = 0.5,
    ):
        size = check_integer("size", size, 2, 400)
        super().__init__(count, size, (size, max(1, size // 2), max(1, size // 2)), filter, radius, volfrac)

    def _support(self, clamped: np.ndarray, load: np.ndarray) -> None:
        clamped[0] = True
        load[-1, 0, :, 1] = -1.0 / load.shape[2]
