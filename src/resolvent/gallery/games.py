"""Matrix games min over x max over y of x'A y on probability simplices, as monotone inclusions of n terms.

    F(x, y) = (A y, -A'x),   G the normal cone of the two simplices,   z = (x, y)
    F_i(x, y) = n (y_i A[:, i], -x_i A[i, :])          the mean over i is F

``policeman_burglar`` has A_ij = w_i (1 - exp(-theta |i - j|)); ``drifting`` lets its wealths w wander.

Reference: Nemirovski, lecture notes on mirror descent (policeman and burglar); Alacaoglu and Malitsky, COLT 2022.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..problems.inclusion import Inclusion
from .sequence import Sequence, check_integer, check_number

__all__ = ["GameDrift", "drifting", "matrix_game", "policeman_burglar", "simplex"]


def simplex(v: Any) -> Any:
    """The point of the probability simplex nearest to v."""
    u = np.sort(v)[::-1]
    excess = (np.cumsum(u) - 1.0) / np.arange(1, len(u) + 1)
    return np.maximum(v - excess[np.nonzero(u > excess)[0][-1]], 0.0)


def matrix_game(A: Any, ridge: float = 0.0) -> Inclusion:
    """The game with payoffs A of shape (n, n); z = (x, y) has shape (2 n,).

    ``ridge`` adds ``ridge / 2 (|x|^2 - |y|^2)`` to the payoff: both players hedge, and the solution is unique.
    """
    A = np.asarray(A, dtype=float)
    if A.ndim != 2 or A.shape[0] != A.shape[1]:
        raise ValueError(f"A has shape {A.shape}; a square matrix is expected")
    n = len(A)

    def operator(z: Any, idx: Any = None) -> Any:
        x, y = z[:n], z[n:]
        if idx is None:
            return np.concatenate([A @ y, -(x @ A)]) + ridge * z
        weight = n / len(idx)
        return weight * np.concatenate([A[:, idx] @ y[idx], -(x[idx] @ A[idx])]) + ridge * z

    def resolvent(v: Any, eta: float) -> Any:
        return np.concatenate([simplex(v[:n]), simplex(v[n:])])

    steep = float(np.linalg.norm(A, 2)) + check_number("ridge", ridge, 0.0, open_low=False)
    return Inclusion(operator, resolvent, n_terms=n, lipschitz=steep, reference=np.full(2 * n, 1.0 / n))


def policeman_burglar(n: int = 500, theta: float = 0.8, seed: int = 0) -> Any:
    """The payoffs ``w_i (1 - exp(-theta |i - j|))`` with wealths |N(0, 1)|."""
    n, theta = check_integer("n", n, 1), check_number("theta", theta, 0.0)
    return _payoffs(np.abs(np.random.default_rng(seed).standard_normal(n)), theta)


def _payoffs(wealth: Any, theta: float) -> Any:
    i = np.arange(len(wealth))
    return wealth[:, None] * (1.0 - np.exp(-theta * np.abs(i[:, None] - i)))


def drifting(
    count: int, n: int = 100, drift: float = 0.01, theta: float = 0.8, ridge: float = 0.1, seed: int = 0
) -> Iterator[Inclusion]:
    """Games whose wealths take steps ``drift * N(0, 1)``."""
    for i in range(check_integer("count", count, 1)):
        yield drifted(i, check_integer("n", n, 1), drift, theta, ridge, seed)


def drifted(i: int, n: int, drift: float, theta: float, ridge: float, seed: int) -> Inclusion:
    """The game after ``i`` steps of the wealths."""
    rng = np.random.default_rng(seed)
    wealth = np.abs(rng.standard_normal(n))
    for _ in range(i):
        wealth = np.abs(wealth + drift * rng.standard_normal(n))
    return matrix_game(_payoffs(wealth, theta), ridge)


class GameDrift(Sequence):
    """Games of policeman and burglar whose payoffs drift.

    Parameters
    ----------
    count : int
        Number of problems.
    size : int
        Houses, n; a problem has 2 n unknowns.
    theta : float
        How fast the policeman's chance falls with the distance.
    ridge : float
        Both players hedge by this much.
    drift : float
        Size of a step of the wealths, which begin as |N(0, 1)|.
    seed : int

    Examples
    --------
    >>> GameDrift(count=3, size=10)[2].n
    20
    """

    name = "game-drift"
    title = "Matrix games with drifting payoffs: monotone inclusions, for extragradient and Halpern methods."

    def __init__(
        self,
        count: int = 20,
        size: int = 50,
        *,
        theta: float = 0.8,
        ridge: float = 0.5,
        drift: float = 0.01,
        seed: int = 0,
    ):
        super().__init__(count, size, {"theta": theta, "ridge": ridge, "drift": drift, "seed": seed})
        check_integer("size", size, 1)
        check_number("drift", drift, 0.0, open_low=False)
        check_number("theta", theta, 0.0)

    def _problem(self, i: int) -> Inclusion:
        return drifted(i, int(self.size or 1), **self.options)
