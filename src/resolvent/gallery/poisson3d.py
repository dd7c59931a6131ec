"""A 3-D Darcy operator whose smooth conductivity drifts: ``darcy(a_q) u = b`` on m^3 cells, b fixed.

``log a_q = sigma sum_k w_k z_{q,k} c_k(x)`` over the modes ``k in {0..modes-1}^3`` without 0, at cell centres ``x =
(i + 1/2) / m``, ``c_k(x) = prod_axis (1 if k = 0 else sqrt(2) cos(pi k x))``, ``w_k = (pi^2 |k|^2 +
tau^2)^(-alpha/2)`` scaled to ``sum w_k^2 = 1`` (so ``log a / sigma`` has unit variance in the mean over the domain),
``z_0`` standard normal and ``z_q = rho z_{q-1} + sqrt(1 - rho^2) xi_q``. Normals are drawn from ``default_rng(seed)``
in blocks of ``modes^3``, b is ``default_rng(3).standard_normal(m^3)``.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .fields import GridStencil, NormalBlocks
from .sequence import Sequence, check_integer, check_number, spd_system

__all__ = ["Poisson3dDrift"]


class Poisson3dDrift(Sequence):
    """The 7-point conservative Darcy operator with a drifting smooth log-conductivity.

    Parameters
    ----------
    count : int
        Number of systems.
    size : int
        Cells a side, m; n = m^3.
    seed : int
        Of the drift.
    rho : float
        Correlation of the modes with those of the next system.
    sigma : float
        Standard deviation of log a.
    modes : int
        Cosine modes an axis.
    alpha, tau : float
        Spectrum of the modes.

    Examples
    --------
    >>> drift = Poisson3dDrift(count=2, size=4)
    >>> A = drift[1].A
    >>> A.shape, A.nnz, bool((A - A.T).nnz == 0)
    ((64, 64), 352, True)
    """

    name = "poisson3d-drift"
    title = "A 3-D diffusion operator of 2.6e5 unknowns whose smooth conductivity drifts."

    def __init__(
        self,
        count: int = 50,
        size: int = 64,
        *,
        seed: int = 20240,
        rho: float = 0.99,
        sigma: float = 1.0,
        modes: int = 4,
        alpha: float = 2.0,
        tau: float = 3.0,
    ):
        m = check_integer("size", size, 2, 800)
        options = {
            "seed": check_integer("seed", seed, 0),
            "rho": check_number("rho", rho, 0.0, 1.0, open_low=False),
            "sigma": check_number("sigma", sigma, 0.0, 10.0, open_low=False),
            "modes": check_integer("modes", modes, 2, 32),
            "alpha": check_number("alpha", alpha, 0.0),
            "tau": check_number("tau", tau, 0.0),
        }
        super().__init__(count, m, options)
        k = np.arange(modes)
        self._basis = np.cos(np.pi * np.outer((np.arange(m) + 0.5) / m, k)) * np.where(k == 0, 1.0, math.sqrt(2.0))
        k2 = (np.pi * k) ** 2
        w = (k2[:, None, None] + k2[None, :, None] + k2[None, None, :] + tau**2) ** (-alpha / 2)
        w[0, 0, 0] = 0.0
        self._w = options["sigma"] * w / math.sqrt(float((w**2).sum()))
        self._normals = NormalBlocks(options["seed"], (modes,) * 3)
        self._rho, self._fresh = options["rho"], math.sqrt(1.0 - options["rho"] ** 2)
        self._stencil = GridStencil((m, m, m))
        self._b = np.random.default_rng(3).standard_normal(m**3)
        self._at, self._z = -1, None

    def modes(self, i: int) -> np.ndarray:
        """The standard normal modes ``z_i``, (modes, modes, modes)."""
        if self._z is None or self._at > i:
            self._at, self._z = 0, self._normals(0)
        while self._at < i:
            self._at += 1
            self._z = self._rho * self._z + self._fresh * self._normals(self._at)
        return self._z

    def conductivity(self, i: int) -> np.ndarray:
        """The cell values ``a_i``, (m, m, m)."""
        g = self._w * self.modes(i)
        for _ in range(3):  # each product moves the first axis, made m long, to the end
            g = np.tensordot(g, self._basis, axes=(0, 1))
        return np.exp(g)

    def features(self, i: int) -> np.ndarray:
        """The weighted modes."""
        return (self._w * self.modes(i)).ravel()

    def _problem(self, i: int) -> Any:
        return spd_system(self._stencil.darcy(self.conductivity(i)), self._b.copy())
