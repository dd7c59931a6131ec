"""Smooth functions to minimise, with gradients and Hessians: what Newton-type methods are tried on.

``logistic`` (ridge regression of labels), ``log_sum_exp`` (a soft maximum of affine functions, its minimiser at zero),
``quartic`` (the fourth power of a residual), ``rosenbrock``, ``double_well`` (a saddle between two minima). The sequence
``log-sum-exp-drift`` turns the affine functions a little from one problem to the next.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .sequence import Sequence, check_number

__all__ = ["LogSumExpDrift", "double_well", "log_sum_exp", "logistic", "quartic", "rosenbrock"]


def logistic(n: int = 400, d: int = 50, ridge: float = 1e-3, seed: int = 0) -> Any:
    """Mean log-loss of labels +-1 with a ridge term.

    Parameters
    ----------
    n, d : int
        Samples and features.
    ridge : float
        Of ``ridge |x|^2 / 2``.
    seed : int

    Returns
    -------
    Smooth

    Examples
    --------
    >>> problem = logistic(40, 3)
    >>> round(problem.value(np.zeros(3)), 6)
    0.693147
    """
    from ..problems import Smooth

    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, d)) / np.sqrt(d)
    y = np.where(A @ rng.standard_normal(d) * 2 + rng.standard_normal(n) > 0, 1.0, -1.0)
    Z = y[:, None] * A

    def value(x: Any) -> float:
        return float(np.mean(np.logaddexp(0.0, -Z @ x)) + 0.5 * ridge * x @ x)

    def gradient(x: Any) -> Any:
        return -Z.T @ _sigmoid(-Z @ x) / n + ridge * x

    def hessian(x: Any) -> Any:
        s = _sigmoid(-Z @ x)
        return (Z.T * (s * (1 - s) / n)) @ Z + ridge * np.eye(d)

    def hvp(x: Any, v: Any) -> Any:
        s = _sigmoid(-Z @ x)
        return Z.T @ ((s * (1 - s) / n) * (Z @ v)) + ridge * v

    return Smooth(value, gradient, hessian, hvp, reference=np.zeros(d), flops=4.0 * n * d, hessian_cost=d / 4)


def _sigmoid(t: Any) -> Any:
    """1 / (1 + exp(-t)) without overflow."""
    e = np.exp(-np.abs(t))
    return np.where(t >= 0, 1.0, e) / (1.0 + e)


def log_sum_exp(
    d: int = 50, m: int = 200, mu: float = 1.0, seed: int = 0, weighted: bool = False, A: Any = None
) -> Any:
    """``mu log sum exp((a_i'x - b_i) / mu)``, rows shifted so that the minimiser is zero.

    Parameters
    ----------
    d, m : int
        Unknowns and affine functions.
    mu : float
        Softness; small ones are hard.
    seed : int
    weighted : bool
        Give the weighted Gauss-Newton matrix ``A' diag(p) A / mu`` in place of the Hessian.
    A : ndarray, shape (m, d), optional
        Rows to use instead of random ones.

    Returns
    -------
    Smooth
        Its reference is the vector of ones, where solves begin.

    Examples
    --------
    >>> problem = log_sum_exp(5, 20)
    >>> bool(np.linalg.norm(problem.gradient(np.zeros(5))) < 1e-14)
    True
    """
    from ..problems import Smooth

    rng = np.random.default_rng(seed)
    rows = rng.uniform(-1.0, 1.0, (m, d)) if A is None else A
    b = rng.uniform(-1.0, 1.0, m)
    p0 = _softmax(-b / mu)
    B = rows - p0 @ rows

    def value(x: Any) -> float:
        t = (B @ x - b) / mu
        top = float(t.max())
        return mu * (top + float(np.log(np.sum(np.exp(t - top)))))

    def gradient(x: Any) -> Any:
        return B.T @ _softmax((B @ x - b) / mu)

    def hessian(x: Any) -> Any:
        p = _softmax((B @ x - b) / mu)
        rows = np.sqrt(p / mu)[:, None] * (B if weighted else B - p @ B)  # a sum of squares, so that nothing cancels
        return rows.T @ rows

    def hvp(x: Any, v: Any) -> Any:
        p = _softmax((B @ x - b) / mu)
        Bv = B @ v
        return B.T @ (p * (Bv - p @ Bv)) / mu

    return Smooth(value, gradient, hessian, hvp, reference=np.ones(d), flops=4.0 * m * d, hessian_cost=d / 4)


def _softmax(t: Any) -> Any:
    e = np.exp(t - np.max(t))
    return e / e.sum()


def quartic(m: int = 100, d: int = 200, seed: int = 0) -> Any:
    """``|A x - b|^4 / 4`` with fewer rows than columns: its Hessian is singular everywhere.

    Parameters
    ----------
    m, d : int
        Rows and columns of A.
    seed : int

    Returns
    -------
    Smooth
    """
    from ..problems import Smooth

    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((m, d)) / np.sqrt(d), rng.standard_normal(m)

    def hessian(x: Any) -> Any:
        r = A @ x - b
        g = A.T @ r
        return (r @ r) * (A.T @ A) + 2.0 * np.outer(g, g)

    return Smooth(
        lambda x: 0.25 * float(np.sum((A @ x - b) ** 2)) ** 2,
        lambda x: float(np.sum((A @ x - b) ** 2)) * (A.T @ (A @ x - b)),
        hessian,
        reference=np.zeros(d),
        flops=4.0 * m * d,
        hessian_cost=d / 4,
    )


def rosenbrock() -> Any:
    """Rosenbrock's valley in two dimensions, from (-2, 2); the minimiser is (1, 1).

    Returns
    -------
    Smooth
    """
    from ..problems import Smooth

    return Smooth(
        lambda x: float(100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2),
        lambda x: np.array([-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]),
        lambda x: np.array([[1200 * x[0] ** 2 - 400 * x[1] + 2, -400 * x[0]], [-400 * x[0], 200.0]]),
        reference=np.array([-2.0, 2.0]),
    )


def double_well(start: float = 1e-3) -> Any:
    """``x^4/4 - x^2/2 + y^2/2``: minima at (+-1, 0), a saddle at zero; begins at ``(start, 1)``.

    Parameters
    ----------
    start : float
        Distance from the saddle's stable manifold.

    Returns
    -------
    Smooth
    """
    from ..problems import Smooth

    return Smooth(
        lambda x: float(x[0] ** 4 / 4 - x[0] ** 2 / 2 + x[1] ** 2 / 2),
        lambda x: np.array([x[0] ** 3 - x[0], x[1]]),
        lambda x: np.diag([3 * x[0] ** 2 - 1, 1.0]),
        lambda x, v: np.array([(3 * x[0] ** 2 - 1) * v[0], v[1]]),
        reference=np.array([start, 1.0]),
    )


class LogSumExpDrift(Sequence):
    """Soft maxima whose affine functions turn a little from problem to problem.

    Parameters
    ----------
    count : int
        Number of problems.
    size : int
        Unknowns, d; twice as many affine functions.
    mu : float
        Softness.
    drift : float
        Size of a step, relative to the rows.
    seed : int

    Examples
    --------
    >>> problems = list(LogSumExpDrift(count=2, size=5))
    >>> problems[0].n, bool(np.allclose(problems[1].gradient(np.zeros(5)), 0.0, atol=1e-12))
    (5, True)
    """

    name = "log-sum-exp-drift"
    title = "Soft maxima that drift: smooth convex minimisation, for Newton-type methods."

    def __init__(self, count: int = 20, size: int = 200, *, mu: float = 1.0, drift: float = 0.02, seed: int = 0):
        super().__init__(count, size, {"mu": mu, "drift": drift, "seed": seed})
        self.mu = check_number("mu", mu, 0.0, np.inf)
        self.drift = check_number("drift", drift, 0.0, 1.0, open_low=False)

    def _problem(self, i: int) -> Any:
        rng = np.random.default_rng([self.options["seed"], 1])
        A = rng.uniform(-1.0, 1.0, (2 * self.size, self.size))
        for _ in range(i):
            A = A + self.drift * rng.uniform(-1.0, 1.0, A.shape)
        return log_sum_exp(self.size, 2 * self.size, self.mu, self.options["seed"], A=A)
