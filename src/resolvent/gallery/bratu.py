"""The Bratu problem -laplace u = lam exp(u) on the unit square, u = 0 on its rim, as two fixed points.

    picard:   G(u) = L^-1 (lam exp(u))                    one Poisson solve by sine transforms
    jacobi:   u + omega D^-1 (lam exp(u) - L u)           one damped Jacobi sweep, slow

L is the 5-point Laplacian on ``size x size`` inner points with spacing 1 / (size + 1). Solutions exist up to lam about
6.8; the first map contracts below that, the second one ever more slowly on finer grids.

Reference: Glowinski, Keller and Reinhart, SIAM J. Sci. Stat. Comput. 6 (1985), section 3.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp

from ..problems.fixed_point import FixedPoint
from .sequence import check_integer, check_number

__all__ = ["bratu"]


def bratu(kind: str = "picard", size: int = 64, lam: float = 6.5, omega: float = 0.9) -> FixedPoint:
    """The Bratu problem as a fixed point; x has shape (size * size,).

    Parameters
    ----------
    kind : {"picard", "jacobi"}
        Which map.
    size : int
        Inner grid points a side.
    lam : float
        The parameter, positive.
    omega : float
        Damping of the Jacobi sweep.

    Raises
    ------
    ValueError
        For another kind, or numbers out of range.

    Examples
    --------
    >>> import resolvent as rv
    >>> from resolvent.gallery.bratu import bratu
    >>> rv.solve(bratu(size=15), "anderson", rtol=1e-8).ok
    True
    """
    size = check_integer("size", size, 1)
    lam, omega = check_number("lam", lam, 0.0), check_number("omega", omega, 0.0, 2.0)
    if kind == "picard":
        return FixedPoint(_picard(size, lam), reference=np.zeros(size * size), norm=np.inf, nonzeros=40 * size**2)
    if kind != "jacobi":
        raise ValueError(f'kind={kind!r} was given; "picard" or "jacobi" is expected')
    L = laplacian(size)
    step = omega / (4.0 * (size + 1) ** 2)

    def sweep(u: Any) -> Any:
        return u + step * (lam * np.exp(u) - L @ u)

    return FixedPoint(sweep, reference=np.zeros(size * size), norm=np.inf, nonzeros=L.nnz + 8 * size**2)


def laplacian(size: int) -> Any:
    """The 5-point Laplacian on size x size points, scaled by the square of the spacing."""
    line = sp.diags_array([-np.ones(size - 1), 2.0 * np.ones(size), -np.ones(size - 1)], offsets=[-1, 0, 1])
    eye = sp.eye_array(size)
    return sp.csr_array((sp.kron(line, eye) + sp.kron(eye, line)) * float(size + 1) ** 2)


def _picard(size: int, lam: float) -> Any:
    from scipy.fft import dstn, idstn

    modes = 4.0 * (size + 1) ** 2 * np.sin(0.5 * np.pi * np.arange(1, size + 1) / (size + 1)) ** 2
    both = modes[:, None] + modes[None, :]

    def map(u: Any) -> Any:
        source = lam * np.exp(u).reshape(size, size)
        return idstn(dstn(source, type=1) / both, type=1).ravel()

    return map
