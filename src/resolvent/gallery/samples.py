"""Samples for training sets: one random input field each, drawn from a seed of its own, and the system it states.

Sample `i` draws from ``default_rng([seed, i])`` and from nothing else, so it can be made again alone, and a longer set
begins with the shorter one. The discretisations are those of `darcy` and `convection` (finite volumes in flux form, a
Helmholtz operator that is indefinite), grid of s x s interior points of the unit square, zero on the boundary:

    darcy                 -div(a grad u) = 1             a -> u
    poisson               -laplace u = f                 f -> u
    convection-diffusion  -div(a grad u) + div(w u) = 1  a -> u, the wind w always the same
    helmholtz             -laplace u - k^2 (1 - 0.1 i) u = delta   k -> u complex, as two channels
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .convection import ConvectionDiffusion, Helmholtz
from .darcy import DarcyLog
from .fields import RandomField
from .sequence import check_integer, spd_system

__all__ = ["ConvectionDiffusionSamples", "DarcySamples", "HelmholtzSamples", "PoissonSamples"]


class _Samples:
    """What all have: the field of sample `i`, input and output as a training set holds them."""

    equation: str
    boundary = "u = 0"
    given: str
    channels: tuple[str, ...] = ("u",)

    def rng(self, i: int) -> np.random.Generator:
        """The generator of sample `i`."""
        return np.random.default_rng([self.options["seed"], i])  # type: ignore[attr-defined]

    def field(self, i: int) -> np.ndarray:
        """The Gaussian field g of sample `i`, (s, s)."""
        m = self.size  # type: ignore[attr-defined]
        return self._grf(self.rng(i).standard_normal((m, m)))  # type: ignore[attr-defined]

    def input(self, i: int) -> np.ndarray:
        """The input of sample `i`, (s, s)."""
        return self.conductivity(i)  # type: ignore[attr-defined]

    def output(self, x: np.ndarray) -> np.ndarray:
        """A solution (n,) as the set holds it: (s, s), or (2, s, s) where it is complex."""
        u = x.reshape(self.size, self.size)  # type: ignore[attr-defined]
        return np.stack([u.real, u.imag]) if np.iscomplexobj(u) else u

    @property
    def grid(self) -> np.ndarray:
        """The coordinates of the grid's lines, (s,)."""
        m = self.size  # type: ignore[attr-defined]
        return np.arange(1, m + 1) / (m + 1)


class DarcySamples(_Samples, DarcyLog):
    """Flow through random media: conductivity to pressure.

    Parameters
    ----------
    count : int
        Number of samples.
    size : int
        Grid points a side, s.
    seed : int
        Root of the samples' seeds.
    kind : {"threshold", "log"}
        ``a = 12`` where ``g >= 0``, else 3; or ``a = exp(1.5 g)``.

    Examples
    --------
    >>> samples = DarcySamples(count=4, size=6)
    >>> bool((samples.input(3) == DarcySamples(count=9, size=6).input(3)).all()), samples.output(np.ones(36)).shape
    (True, (6, 6))
    """

    name = "darcy-samples"
    title = "Flow through independent random media, each with a seed of its own: conductivity to pressure."
    equation = "-div(a grad u) = 1"
    given = "conductivity a"

    def __init__(self, count: int = 1000, size: int = 64, *, seed: int = 0, kind: str = "threshold"):
        if kind not in ("threshold", "log"):
            raise ValueError(f'kind must be "threshold" or "log", not {kind!r}')
        super().__init__(count, size, seed=seed)
        self.options["kind"] = kind

    def conductivity(self, i: int) -> np.ndarray:
        """The cell values a of sample `i`, (s, s)."""
        g = self.field(i)
        return np.where(g >= 0, 12.0, 3.0) if self.options["kind"] == "threshold" else np.exp(1.5 * g)


class PoissonSamples(_Samples, DarcyLog):
    """One operator and random sources: source to solution.

    Parameters
    ----------
    count, size, seed
        As for `DarcySamples`.
    kind : {"smooth", "rough"}
        Gaussian sources with spectral decay ``(pi^2 k^2 + 9)^-1`` or ``(pi^2 k^2 + 9)^-0.6``.

    Examples
    --------
    >>> samples = PoissonSamples(count=2, size=6)
    >>> bool((samples[0].A != samples[1].A).nnz == 0), bool((samples[0].b == samples[1].b).any())
    (True, False)
    """

    name = "poisson-samples"
    title = "The Laplacian with independent random sources: source to solution."
    equation = "-laplace u = f"
    given = "source f"

    def __init__(self, count: int = 1000, size: int = 64, *, seed: int = 0, kind: str = "smooth"):
        if kind not in ("smooth", "rough"):
            raise ValueError(f'kind must be "smooth" or "rough", not {kind!r}')
        super().__init__(count, size, seed=seed)
        self.options["kind"] = kind
        self._grf = RandomField(self.size, alpha=2.0 if kind == "smooth" else 1.2)
        self._matrix = self._stencil.darcy(np.ones((self.size, self.size)))

    def input(self, i: int) -> np.ndarray:
        """The source f of sample `i`, (s, s)."""
        return self.field(i)

    def _problem(self, i: int) -> Any:
        return spd_system(self._matrix, (self.input(i) / (self.size + 1) ** 2).ravel())


class ConvectionDiffusionSamples(_Samples, ConvectionDiffusion):
    """Random diffusion in a fixed wind: conductivity to concentration; the systems are not symmetric.

    Parameters
    ----------
    count, size, seed
        As for `DarcySamples`.

    Examples
    --------
    >>> ConvectionDiffusionSamples(count=2, size=6).input(1).shape
    (6, 6)
    """

    name = "convection-diffusion-samples"
    title = "Log-normal diffusion in a fixed wind, upwind, each sample with a seed of its own."
    equation = "-div(a grad u) + div(w u) = 1, w = curl of a fixed stream function"
    given = "conductivity a"

    def __init__(self, count: int = 1000, size: int = 64, *, seed: int = 0):
        super().__init__(count, size, seed=check_integer("seed", seed, 0))


class HelmholtzSamples(_Samples, Helmholtz):
    """Damped waves from a point source: wave number to the complex amplitude; the systems are indefinite.

    Parameters
    ----------
    count, size, seed
        As for `DarcySamples`.

    Examples
    --------
    >>> samples = HelmholtzSamples(count=2, size=6)
    >>> samples.output(np.ones(36, dtype=complex)).shape
    (2, 6, 6)
    """

    name = "helmholtz-samples"
    title = "Damped waves from a point source in random media, each with a seed of its own."
    equation = "-laplace u - k(x)^2 (1 - 0.1 i) u = delta(x - x0), x0 the grid point (s/2, s/2)"
    given = "wave number k"
    channels = ("real part of u", "imaginary part of u")

    def __init__(self, count: int = 1000, size: int = 64, *, seed: int = 0):
        super().__init__(count, size, seed=check_integer("seed", seed, 0))

    def input(self, i: int) -> np.ndarray:
        """The wave number k of sample `i`, (s, s)."""
        return self.wavenumber(i)
