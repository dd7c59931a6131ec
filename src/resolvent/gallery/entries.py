"""Matrices of low rank of which some entries are known: planted ones, and entries that arrive."""

from __future__ import annotations

from typing import Any

import numpy as np

from .sequence import Sequence, check_integer, check_number

__all__ = ["ArrivingEntries", "planted"]


def planted(
    m: int = 200, n: int = 150, rank: int = 3, density: float = 0.4, noise: float = 0.0, seed: int = 0
) -> tuple[Any, Any, Any, Any, Any]:
    """A matrix U V' with standard normal factors, and a random part of its entries.

    Parameters
    ----------
    m, n, rank : int
    density : float
        Part of the entries that is known.
    noise : float
        Standard deviation of what is added to them.
    seed : int

    Returns
    -------
    rows, cols, values, U, V : ndarrays
        Entries by rows, and the factors.

    Examples
    --------
    >>> rows, cols, values, U, V = planted(20, 10, 2, 0.5)
    >>> len(rows), bool(np.allclose((U @ V.T)[rows, cols], values))
    (100, True)
    """
    rng = np.random.default_rng(seed)
    U, V = rng.standard_normal((m, rank)), rng.standard_normal((n, rank))
    count = round(density * m * n)
    flat = rng.choice(m * n, count, replace=False) if m * n <= 50_000_000 else rng.integers(0, m * n, count)
    rows, cols = np.divmod(np.unique(flat), n)
    values = np.empty(len(rows))
    for at in range(0, len(rows), 1_000_000):
        part = slice(at, at + 1_000_000)
        values[part] = np.einsum("ek,ek->e", U[rows[part]], V[cols[part]])
    return rows, cols, values + noise * rng.standard_normal(len(rows)), U, V


class ArrivingEntries(Sequence):
    """A noisy matrix of low rank of which more entries become known from problem to problem.

    Parameters
    ----------
    count : int
        Number of problems.
    size : int
        Rows; three quarters as many columns.
    rank : int
        Rank of the matrix and of the fit.
    density : float
        Part of the entries known at first.
    growth : float
        New entries in each step, as a part of those known at first.
    noise : float
        Standard deviation.
    seed : int

    Examples
    --------
    >>> one, two = ArrivingEntries(count=2, size=40)
    >>> bool(one.entries < two.entries <= 1.05 * one.entries)
    True
    """

    name = "arriving-entries"
    title = "Matrix completion as entries arrive."

    def __init__(
        self,
        count: int = 20,
        size: int = 400,
        *,
        rank: int = 5,
        density: float = 0.4,
        growth: float = 0.01,
        noise: float = 0.01,
        seed: int = 0,
    ):
        super().__init__(
            count, size, {"rank": rank, "density": density, "growth": growth, "noise": noise, "seed": seed}
        )
        self.rank = check_integer("rank", rank, 1)
        self.density = check_number("density", density, 0.0, 1.0)
        self.growth = check_number("growth", growth, 0.0, 1.0, open_low=False)
        self.noise = check_number("noise", noise, 0.0, open_low=False)

    def _problem(self, i: int) -> Any:
        from ..problems import Completion

        n = max(self.rank, 3 * self.size // 4)
        last = min(1.0, self.density * (1.0 + self.growth * (self.count - 1)))
        rows, cols, values, _, _ = planted(self.size, n, self.rank, last, self.noise, self.options["seed"])
        arrival = np.random.default_rng([self.options["seed"], 1]).permutation(len(rows))
        known = np.sort(arrival[: round(self.density * (1.0 + self.growth * i) * self.size * n)])
        return Completion(
            rows[known], cols[known], values[known], (self.size, n), self.rank, ridge=1e-3, seed=self.options["seed"]
        )
