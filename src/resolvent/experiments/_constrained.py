"""Problems with constraints for Newton's method, and what one run of it leaves: shared by the outer methods of sketching."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["XI", "Constrained", "Outer", "convex", "problems"]

XI = 0.1


@dataclass(frozen=True, eq=False)
class Constrained:
    """``min f(x)`` subject to ``c(x) = 0``, f and c analytic; derivatives by complex steps, exact to rounding.

    Parameters
    ----------
    name : str
    f, c : callable
        ``(n,) -> number`` and ``(n,) -> (m,)``, on complex arguments too.
    x : ndarray, shape (n,)
        Where to begin.
    """

    name: str
    f: Callable[[Any], Any]
    c: Callable[[Any], Any]
    x: Any

    def gradient(self, x: Any, lam: Any) -> Any:
        """Of the Lagrangian."""
        return np.array([(self.f(z) + lam @ self.c(z)).imag / 1e-30 for z in _steps(x)])

    def jacobian(self, x: Any) -> Any:
        """G, shape (m, n)."""
        return np.array([self.c(z).imag / 1e-30 for z in _steps(x)]).T

    def hessian(self, x: Any, lam: Any) -> Any:
        """Of the Lagrangian, by central differences of exact gradients."""
        h = 1e-6
        columns = [(self.gradient(x + h * e, lam) - self.gradient(x - h * e, lam)) / (2 * h) for e in np.eye(len(x))]
        return 0.5 * (np.array(columns) + np.array(columns).T)


def _steps(x: Any) -> Any:
    return x + 1e-30j * np.eye(len(x))


def _logistic(rng: Any, m: int, n: int, k: int) -> Constrained:
    """Logistic regression on the unit sphere with k linear constraints that a point of the sphere satisfies."""
    X = rng.standard_normal((m, n)) / np.sqrt(n)
    y = np.where(X @ rng.standard_normal(n) + 0.3 * rng.standard_normal(m) > 0, 1.0, -1.0)
    A, inside = rng.standard_normal((k, n)) / np.sqrt(n), rng.standard_normal(n)
    b = A @ (inside / np.linalg.norm(inside))
    start = inside / np.linalg.norm(inside) + 0.3 * rng.standard_normal(n) / np.sqrt(n)
    return Constrained(
        f"sphere {m}x{n}",
        lambda x: np.mean(np.log(1.0 + np.exp(-y * (X @ x)))),
        lambda x: np.append(A @ x - b, x @ x - 1.0),
        start,
    )


def problems(seed: int = 0, quick: bool = False) -> list[Constrained]:
    """Seven from the collection of Hock and Schittkowski (1981) by their numbers, and logistic regressions on a sphere."""
    rng = np.random.default_rng(seed)
    found = [
        Constrained("HS6", lambda x: (1 - x[0]) ** 2, lambda x: np.array([10 * (x[1] - x[0] ** 2)]), np.array([-1.2, 1.0])),
        Constrained("HS7", lambda x: np.log(1 + x[0] ** 2) - x[1],
                    lambda x: np.array([(1 + x[0] ** 2) ** 2 + x[1] ** 2 - 4]), np.array([2.0, 2.0])),
        Constrained("HS28", lambda x: (x[0] + x[1]) ** 2 + (x[1] + x[2]) ** 2,
                    lambda x: np.array([x[0] + 2 * x[1] + 3 * x[2] - 1]), np.array([-4.0, 1.0, 1.0])),
        Constrained("HS40", lambda x: -x[0] * x[1] * x[2] * x[3],
                    lambda x: np.array([x[0] ** 3 + x[1] ** 2 - 1, x[0] ** 2 * x[3] - x[2], x[3] ** 2 - x[1]]),
                    0.8 * np.ones(4)),
        Constrained("HS48", lambda x: (x[0] - 1) ** 2 + (x[1] - x[2]) ** 2 + (x[3] - x[4]) ** 2,
                    lambda x: np.array([x.sum() - 5, x[2] - 2 * (x[3] + x[4]) + 3]), np.array([3.0, 5.0, -3.0, 2.0, -2.0])),
        Constrained("HS51", lambda x: (x[0] - x[1]) ** 2 + (x[1] + x[2] - 2) ** 2 + (x[3] - 1) ** 2 + (x[4] - 1) ** 2,
                    lambda x: np.array([x[0] + 3 * x[1] - 4, x[2] + x[3] - 2 * x[4], x[1] - x[4]]),
                    np.array([2.5, 0.5, 2.0, -1.0, 0.5])),
        Constrained("HS77", lambda x: (x[0] - 1) ** 2 + (x[0] - x[1]) ** 2 + sum((x[k] - 1) ** (2 * k - 2) for k in (2, 3, 4)),
                    lambda x: np.array([x[0] ** 2 * x[3] + np.sin(x[3] - x[4]) - 2 * np.sqrt(2),
                                        x[1] + x[2] ** 4 * x[3] ** 2 - 8 - np.sqrt(2)]), 2.0 * np.ones(5)),
    ]  # fmt: skip
    sizes = [(30, 4, 1)] if quick else [(60, 6, 2), (200, 12, 4)]
    return (found[2:4] if quick else found) + [_logistic(rng, *size) for size in sizes]


@dataclass
class Outer:
    """One run: outer steps, inner iterations, cost in products with K, seconds, whether the end was reached."""

    reached: bool = False
    steps: int = 0
    inner: int = 0
    cost: float = 0.0
    seconds: float = 0.0
    tightened: int = 0
    residuals: list[float] = field(default_factory=list)
    x: Any = None


def convex(H: Any, G: Any) -> Any:
    """The Hessian, shifted where it is not positive on the null space of G."""
    _, s, V = np.linalg.svd(G)
    Z = V[len(s[s > 1e-12 * s.max()]) :].T
    least = np.linalg.eigvalsh(Z.T @ H @ Z).min() if Z.shape[1] else 1.0
    return H if least > 1e-6 else H + (XI + np.linalg.norm(H, 2)) * np.eye(len(H))
