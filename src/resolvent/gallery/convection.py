"""Flow with wind, and waves: sequences that are not symmetric, for the solvers that need no symmetry.

``convection-diffusion``: ``-div(a grad u) + div(w u) = 1`` on the unit square, finite volumes. ``a = exp(1.5 g)`` as in
`darcy`; the wind is fixed: its flux through an inner face is the difference of a stream function ``s = 300 psi / max
|psi|`` at the two ends of the face, ``psi`` one random field (alpha = tau = 3) on the (m + 1)^2 corners; nothing is
blown through the outer boundary. First-order upwind, so the columns are diagonally dominant (an M-matrix).

``helmholtz``: ``-laplace u - k(x)^2 (1 - 0.1 i) u = point source``, ``k = 20 exp(-0.3 g)``, complex symmetric and not
Hermitian, indefinite: the real part has eigenvalues of both signs where waves fit into the square.

Both are independent from problem to problem by default, and drift with ``rho`` near one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .darcy import DarcyLog, DarcyPath
from .fields import GridStencil, RandomField
from .sequence import check_number, wrap_csr

__all__ = ["ConvectionDiffusion", "Helmholtz"]


class _Drifting(DarcyPath):
    """Random fields that are independent (``rho = 0``) or drift."""

    def __init__(self, count: int = 100, size: int = 100, *, seed: int = 20240, rho: float = 0.0):
        rho = check_number("rho", rho, 0.0, 1.0, open_low=False)
        super().__init__(count, size, seed=seed, rho=rho)

    def field(self, i: int) -> np.ndarray:
        """The Gaussian field g of problem `i`, (m, m)."""
        return DarcyLog.field(self, i) if self._rho == 0.0 else super().field(i)


class ConvectionDiffusion(_Drifting):
    """Log-normal diffusion in a fixed wind, first-order upwind: not symmetric.

    Parameters
    ----------
    count : int
        Number of systems.
    size : int
        Grid points a side, m; n = m^2.
    seed : int
        Of the fields; the wind has a seed of its own and is always the same.
    rho : float
        Correlation of a field with the next one; 0 for independent ones.

    Examples
    --------
    >>> problem = ConvectionDiffusion(count=2, size=6)[0]
    >>> bool((abs(problem.A - problem.A.T) > 1).nnz), float(problem.A.sum(axis=0).min()) > -1e-9
    (True, True)
    """

    name = "convection-diffusion"
    title = "Log-normal diffusion in a fixed wind, upwind: systems that are not symmetric."

    def __init__(self, count: int = 100, size: int = 100, *, seed: int = 20240, rho: float = 0.0):
        super().__init__(count, size, seed=seed, rho=rho)
        m = self.size
        psi = RandomField(m + 1, 3.0, 3.0)(np.random.default_rng(7).standard_normal((m + 1, m + 1)))
        s = psi * (300.0 / np.abs(psi).max())
        #: flux through the inner faces along each axis, towards the higher index
        self.fluxes = [np.diff(s, axis=1)[1:-1], -np.diff(s, axis=0)[:, 1:-1]]

    def _problem(self, i: int) -> Any:
        from ..problems.linear import LinearSystem

        A = self._stencil.upwind(self._stencil.darcy(self.conductivity(i)), self.fluxes)
        return LinearSystem(A, self._b.copy(), symmetric=False)


class Helmholtz(_Drifting):
    """Damped waves in a random medium: complex, symmetric, not Hermitian, indefinite.

    Parameters
    ----------
    count : int
        Number of systems.
    size : int
        Grid points a side, m; n = m^2.
    seed : int
        Of the fields.
    rho : float
        Correlation of a field with the next one; 0 for independent ones.

    Examples
    --------
    >>> problem = Helmholtz(count=2, size=6)[0]
    >>> str(problem.A.dtype), (problem.A != problem.A.T).nnz, complex(problem.b.sum())
    ('complex128', 0, (1+0j))
    """

    name = "helmholtz"
    title = "Damped waves from a point source in random media: complex symmetric and indefinite."

    def __init__(self, count: int = 100, size: int = 100, *, seed: int = 20240, rho: float = 0.0):
        super().__init__(count, size, seed=seed, rho=rho)
        m = self.size
        self._laplacian = GridStencil((m, m)).graph_laplacian()
        self._source = np.zeros(m * m, dtype=complex)
        self._source[(m // 2) * m + m // 2] = 1.0

    def wavenumber(self, i: int) -> np.ndarray:
        """k of problem `i`, (m, m)."""
        return 20.0 * np.exp(-0.3 * self.field(i))

    def _problem(self, i: int) -> Any:
        from ..problems.linear import LinearSystem

        st = self._stencil
        data = self._laplacian.astype(complex)
        data[st.diagonal_places] -= (self.wavenumber(i).ravel() / (self.size + 1)) ** 2 * (1.0 - 0.1j)
        A: csr_array = wrap_csr(data, st.indices, st.indptr, (st.n, st.n))
        return LinearSystem(A, self._source.copy(), symmetric=False)
