"""The two test beds of "Learning to Relax": a shifted small Laplacian, and a Crank-Nicolson heat equation.

``synthetic-shift``: ``A_t = K + c_t I``, K the 5-point Laplacian of 10 x 10 points, ``c = -0.15 + 0.6 Beta(2, 6)`` (low
variance) or ``Beta(1/2, 3/2)`` (high), b standard normal, drawn again until ``|b| <= sqrt(n)``.

``heat-equation``: ``u_t = kappa(t) Laplace u + f`` on [0, 1]^2, 0 on the boundary, ``(I - C) u_{q+1} = (I + C) u_q +
dt f``, ``C = kappa dt L / 2``, kappa and f at the middle of the step, ``kappa = max(low sin 2 pi t, -10 sin 2 pi
t)``, f = 32 x a bump of radius 1/8 at ``(0.5, 0.5) + (cos, sin)(16 pi t) / 4``, ``u_0`` a bump of radius 1/4 in the
middle, ``bump = exp(1 - 1 / (1 - min(1, |x - c|^2 / r^2)))``.

Reference: M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, Learning to Relax, ICLR 2024, section 4 (arXiv 2310.02246).
The paper prints ``low = 0.01``; the authors' program, and the default here, has 0.1.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .fields import GridStencil, grid
from .sequence import Sequence, check_integer, check_number, spd_system

__all__ = ["HeatEquation", "SyntheticShift"]

_BETA = {"low": (2.0, 6.0), "high": (0.5, 1.5)}


class SyntheticShift(Sequence):
    """A 5-point Laplacian plus a random shift, n = 100: thousands of tiny systems.

    Parameters
    ----------
    count : int
        Number of systems.
    size : int
        Grid points a side.
    variance : {"low", "high"}
        Which Beta distribution the shift has.
    seed : int
        Problem `i` draws from ``default_rng([seed, i])``: the shift, then b.

    Notes
    -----
    ``context`` of each system is the shift c.

    Examples
    --------
    >>> systems = SyntheticShift(count=10)
    >>> p = systems[7]
    >>> p.A.shape, bool(-0.15 <= p.context <= 0.45), bool(p.b @ p.b <= 100)
    ((100, 100), True, True)
    """

    name = "synthetic-shift"
    title = "A 10 x 10 Laplacian with a random shift: the synthetic test of Learning to Relax."

    def __init__(self, count: int = 5000, size: int = 10, *, variance: str = "low", seed: int = 0):
        m = check_integer("size", size, 2, 40)
        if variance not in _BETA:
            raise ValueError(f'variance must be "low" or "high", not {variance!r}')
        super().__init__(count, m, {"variance": variance, "seed": check_integer("seed", seed, 0)})
        if 4 - 4 * math.cos(math.pi / (m + 1)) <= 0.15:
            raise ValueError(f"size must be at most 10 for the matrices to stay positive definite, not {m}")
        self._stencil = GridStencil((m, m))
        self._faces = [np.ones((m - 1, m)), np.ones((m, m - 1))]
        self._four = np.full((m, m), 4.0)

    def _draw(self, i: int) -> tuple[float, np.random.Generator]:
        rng = np.random.default_rng([self.options["seed"], i])
        return -0.15 + 0.6 * float(rng.beta(*_BETA[self.options["variance"]])), rng

    def features(self, i: int) -> np.ndarray:
        """The shift."""
        return np.array([self._draw(i)[0]])

    def _problem(self, i: int) -> Any:
        c, rng = self._draw(i)
        n = self.size**2
        b = rng.standard_normal(n)
        while b @ b > n:
            b = rng.standard_normal(n)
        return spd_system(self._stencil.assemble(self._four + c, self._faces), b, context=c)


def bump(x: np.ndarray, y: np.ndarray, cx: float, cy: float, radius: float) -> np.ndarray:
    """A smooth function with maximum 1 at the centre and 0 outside the radius."""
    inside = 1.0 - np.minimum(1.0, ((x - cx) ** 2 + (y - cy) ** 2) / radius**2)
    with np.errstate(divide="ignore"):
        return np.exp(1.0 - 1.0 / inside)


class HeatEquation(Sequence):
    """Crank-Nicolson steps of the heat equation with a diffusion coefficient that varies over three decades.

    Parameters
    ----------
    count : int
        Number of time steps.
    size : int
        n_x, grid intervals a side; n = (n_x - 1)^2.
    dt : float
        Time step.
    low : float
        Amplitude of kappa in the weak half of a period: 0.1 in the authors' program, 0.01 in the paper's text.

    Notes
    -----
    Coupled: `feed` the solution of each step.  ``context`` of each system is kappa in the middle of the step.

    Examples
    --------
    >>> steps = HeatEquation(count=2, size=5)
    >>> p = steps[0]
    >>> p.A.shape, round(p.context, 6)
    ((16, 16), 0.000314)
    """

    name = "heat-equation"
    title = "Crank-Nicolson steps with a varying diffusion coefficient: the simulation of Learning to Relax."
    coupled = True

    def __init__(self, count: int = 5000, size: int = 50, *, dt: float = 1e-3, low: float = 0.1):
        options = {"dt": check_number("dt", dt, 0.0), "low": check_number("low", low, 0.0)}
        super().__init__(count, check_integer("size", size, 3, 20_000), options)
        m = self.size - 1
        self._x, self._y = grid(m)
        self._stencil = GridStencil((m, m))
        self._faces = [np.ones((m - 1, m)), np.ones((m, m - 1))]
        self._laplacian = self._stencil.assemble(np.full((m, m), 4.0), self._faces)
        self._start()

    @property
    def unknowns(self) -> int:
        return (self.size - 1) ** 2

    def kappa(self, t: float) -> float:
        """The diffusion coefficient at time t."""
        s = math.sin(2 * math.pi * t)
        return max(self.options["low"] * s, -10.0 * s)

    def features(self, i: int) -> np.ndarray:
        """The diffusion coefficient in the middle of step `i`."""
        return np.array([self.kappa((i + 0.5) * self.options["dt"])])

    def _start(self) -> None:
        self._u = bump(self._x, self._y, 0.5, 0.5, 0.25).ravel()

    def _advance(self, x: np.ndarray) -> None:
        self._u = x.copy()

    def _state(self) -> dict[str, np.ndarray]:
        return {"u": self._u}

    def _load(self, arrays: dict[str, np.ndarray]) -> None:
        self._u = arrays["u"]

    def _problem(self, i: int) -> Any:
        dt = self.options["dt"]
        t = (i + 0.5) * dt
        kappa = self.kappa(t)
        weight = 0.5 * kappa * dt * self.size**2
        m = self.size - 1
        A = self._stencil.assemble(np.full((m, m), 1.0 + 4.0 * weight), [weight * f for f in self._faces])
        cx, cy = 0.5 + math.cos(16 * math.pi * t) / 4, 0.5 + math.sin(16 * math.pi * t) / 4
        source = 32.0 * bump(self._x, self._y, cx, cy, 0.125)
        b = self._u - weight * (self._laplacian @ self._u) + dt * source.ravel()
        return spd_system(A, b, context=kappa)
