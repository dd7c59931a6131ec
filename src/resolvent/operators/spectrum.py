"""Bounds of the spectrum of a diagonally scaled Hermitian matrix by a few Lanczos steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.linalg import eigvalsh_tridiagonal

from ..core import SetupError

__all__ = ["lanczos_bounds"]


def lanczos_bounds(problem: Any, diagonal: Any, steps: int, product: Callable[[Any], Any]) -> tuple[float, float]:
    """Bounds of the spectrum of D^-1/2 A D^-1/2: Ritz values of a few Lanczos steps, the ends moved outwards.

    Raises
    ------
    SetupError
        When the diagonal is not positive, or a Ritz value is not.
    """
    if not np.all(diagonal > 0):
        raise SetupError("Chebyshev needs a positive diagonal")
    half = 1.0 / np.sqrt(diagonal)
    v = np.cos(1.0 + 2.3 * np.arange(problem.n)).astype(problem.dtype)
    v /= np.linalg.norm(v)
    before = np.zeros_like(v)
    alphas: list[float] = []
    betas: list[float] = []
    for _ in range(min(steps, problem.n)):
        w = half * product(half * v) - (betas[-1] if betas else 0.0) * before
        alphas.append(float(np.vdot(v, w).real))
        w -= alphas[-1] * v
        beta = float(np.linalg.norm(w))
        if not np.isfinite(beta) or beta <= 1e-10 * abs(alphas[0]):
            break
        betas.append(beta)
        before, v = v, w / beta
    if not np.all(np.isfinite(alphas)):
        raise SetupError("a value that is not finite appeared while the spectrum was estimated")
    ritz = eigvalsh_tridiagonal(np.array(alphas), np.array(betas[: len(alphas) - 1]))
    last = betas[len(alphas) - 1] if len(betas) >= len(alphas) else 0.0
    if ritz[0] <= 0:
        raise SetupError("the matrix is not positive definite: a Ritz value is not positive")
    high, sure = float(ritz[-1]) + 0.3 * last, _gershgorin(problem, half)
    return 0.3 * float(ritz[0]), sure if high < sure <= 1.6 * high else high


def _gershgorin(problem: Any, half: Any) -> float:
    """The largest absolute row sum of D^-1/2 A D^-1/2: no eigenvalue is above it. A few thousand rows at a time."""
    most = 0.0
    for first in range(0, problem.n, 4096):
        ip = problem.ip[first : first + 4097].astype(np.int64)
        part = slice(ip[0], ip[-1])
        rows = np.repeat(np.arange(len(ip) - 1), np.diff(ip))
        sums = np.bincount(rows, np.abs(problem.data[part]) * half[problem.ix[part]], len(ip) - 1)
        most = max(most, float((sums * half[first : first + 4096]).max()))
    return most
