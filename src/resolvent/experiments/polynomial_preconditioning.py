"""Preconditioning by symmetric polynomials of the spectrum: what it promises, and what it costs in products.

Condition numbers: of P_tau B for matrices with given spectra, measured by applying the preconditioner, beside the formula

    kappa(P_tau B) = (lambda_1 / lambda_n) sigma_tau(without lambda_1) / sigma_tau(without lambda_n).

Logistic regression ``mean log(1 + exp(-y x'w)) + mu/2 |w|^2`` with three large eigenvalues in its curvature bound
``B = X'X / 4m + mu I``: gradient steps, and products with B (a gradient costs as much as one), until the gradient is 1e-8 of
its first size. Linear systems: CG with and without, at equal products.

Reference: N. Doikov and A. Rodomanov, Polynomial Preconditioning for Gradient Methods, ICML 2023 (arXiv 2301.13194).
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import minimize

from ..api import solve
from ..gallery import sequence
from ..methods import CG, Chebyshev, Jacobi, KrylovGradient
from ..operators import ChebyshevPolynomial, SymmetricPolynomial
from ..problems import LinearSystem

__all__ = ["condition_numbers", "linear_systems", "regression", "run"]

TAUS = (1, 2, 3, 4, 6)
SPECTRA: dict[str, Any] = {
    "100, 50, 10, 3, 2, 1.5, 1": np.array([100.0, 50.0, 10.0, 3.0, 2.0, 1.5, 1.0]),
    "3 outliers over 27 in [1, 2]": np.append([1000.0, 500.0, 200.0], np.linspace(2.0, 1.0, 27)),
    "geometric, 1000 to 1, n = 30": np.geomspace(1000.0, 1.0, 30),
    "geometric, 1000 to 1, n = 200": np.geomspace(1000.0, 1.0, 200),
}
NOTES = """What does not pay: one step with P_tau costs tau + 1 products where a plain one costs 1, so fewer steps are not fewer
products. Accelerated and conjugate methods find the outliers by themselves, in as many products as there are outliers;
for linear systems CG, with the diagonal scaling that Chebyshev's polynomial has, needs the fewest products. A spectrum
without a gap leaves P_tau idle. It is for first-order steps that must stay simple, with a curvature bound whose few large
eigenvalues are known to stand apart. Beside our condition numbers stands the paper's formula; its experiments are on other
data and are not repeated here. L, mu and the bounds of the spectra are known exactly to all methods that ask for them."""


def _system(spectrum: Any, seed: int) -> Any:
    n = len(spectrum)
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((n, n)))
    A = (Q * spectrum) @ Q.T
    return LinearSystem(0.5 * (A + A.T), np.random.default_rng(seed + 1).standard_normal(n))


def _inverse(recipe: Any, problem: Any) -> Any:
    bound = recipe.bind(problem, {})
    return np.array([bound.apply(e) for e in np.eye(problem.n)]).T


def _without(spectrum: Any, i: int, tau: int) -> float:
    """sigma_tau of all eigenvalues but one, by the recursion that adds positive numbers only."""
    sigma = np.zeros(tau + 1)
    sigma[0] = 1.0
    for value in np.delete(spectrum, i) / spectrum.mean():
        sigma[1:] += value * sigma[:-1]
    return float(sigma[tau])


def condition_numbers(seed: int = 0, taus: Any = TAUS) -> dict[str, list[tuple[int, float, float]]]:
    """For each spectrum: tau, the formula's condition number, the measured one."""
    found = {}
    for name, spectrum in SPECTRA.items():
        problem = _system(spectrum, seed)
        kappa = float(spectrum[0] / spectrum[-1])
        rows = [(0, kappa, float(np.linalg.cond(problem.A)))]
        for tau in taus:
            values = np.linalg.eigvals(_inverse(SymmetricPolynomial(tau), problem) @ problem.A).real
            top, rest = _without(spectrum, 0, tau), _without(spectrum, -1, tau)
            rows.append((tau, kappa * top / rest, float(values.max() / values.min())))
        found[name] = rows
    return found


class Logistic:
    """The objective; counts gradients and products with B alike, each is one pass over X and one over X'."""

    def __init__(self, rows: int, spectrum: Any, mu: float, seed: int) -> None:
        rng = np.random.default_rng(seed)
        n = len(spectrum)
        U, _ = np.linalg.qr(rng.standard_normal((rows, n)))
        V, _ = np.linalg.qr(rng.standard_normal((n, n)))
        self.X = (U * np.sqrt(4.0 * rows * spectrum)) @ V.T
        self.y = np.where(rng.random(rows) < 1.0 / (1.0 + np.exp(-self.X @ rng.standard_normal(n) * 0.1)), 1.0, -1.0)
        self.mu, self.products, self.steps = mu, 0, 0
        self.B = self.X.T @ self.X / (4.0 * rows) + mu * np.eye(n)
        values = np.linalg.eigvalsh(self.B)
        self.L, self.low = float(values[-1]), mu  # far from the origin nothing but the ridge curves

    def value(self, w: Any) -> float:
        """The objective."""
        return float(np.mean(np.logaddexp(0.0, -self.y * (self.X @ w))) + 0.5 * self.mu * (w @ w))

    def gradient(self, w: Any) -> Any:
        """Its gradient, counted."""
        self.products += 1
        margin = self.y * (self.X @ w)
        return self.X.T @ (-self.y * np.exp(-np.logaddexp(0.0, margin))) / len(self.y) + self.mu * w

    def times(self, v: Any) -> Any:
        """B v, counted."""
        self.products += 1
        return self.B @ v


def _steps(f: Logistic, precondition: Callable[[Any], Any], top: float, tol: float, most: int) -> None:
    """w -= P g / lambda_max(P B)."""
    w = np.zeros(len(f.B))
    g = f.gradient(w)
    goal = tol * np.linalg.norm(g)
    while np.linalg.norm(g) > goal and f.products < most:
        w = w - precondition(g) / top
        g = f.gradient(w)
        f.steps += 1


def _fast(f: Logistic, precondition: Callable[[Any], Any], top: float, low: float, tol: float, most: int) -> None:
    """Nesterov's two sequences with constant momentum, in the norm of P^-1."""
    root = math.sqrt(low / top)
    momentum = (1.0 - root) / (1.0 + root)
    w = v = np.zeros(len(f.B))
    g = f.gradient(v)
    goal = tol * np.linalg.norm(g)
    while np.linalg.norm(g) > goal and f.products < most:
        ahead = v - precondition(g) / top
        v = ahead + momentum * (ahead - w)
        w = ahead
        g = f.gradient(v)
        f.steps += 1


def _krylov(f: Logistic, tau: int, tol: float, most: int) -> None:
    """The adaptive form: the minimiser of g'd + d'Bd / 2 over span(g, Bg, ..., B^tau g), tau + 1 products."""
    w = np.zeros(len(f.B))
    g = f.gradient(w)
    goal = tol * np.linalg.norm(g)
    while np.linalg.norm(g) > goal and f.products < most:
        basis = [g / np.linalg.norm(g)]
        images = []
        for _ in range(tau + 1):
            images.append(f.times(basis[-1]))
            v = images[-1] - np.array(basis).T @ (np.array(basis) @ images[-1])
            length = float(np.linalg.norm(v))
            if length < 1e-12 * f.L:
                break
            basis.append(v / length)
        Q, BQ = np.array(basis[: len(images)]).T, np.array(images).T
        w = w - Q @ np.linalg.solve(Q.T @ BQ, Q.T @ g)
        g = f.gradient(w)
        f.steps += 1


def _scipy(f: Logistic, method: str, tol: float, most: int) -> None:
    zero = np.zeros(len(f.B))
    goal = tol * float(np.linalg.norm(f.gradient(zero)))
    f.products = 0
    reached: list[int] = []

    def gradient(w: Any) -> Any:
        g = f.gradient(w)
        if not reached and np.linalg.norm(g) <= goal:
            reached.append(f.products)
        return g

    options = {"maxiter": most, "gtol": 0.1 * goal / math.sqrt(len(zero))}
    options |= {"ftol": 0.0, "maxfun": most} if method == "L-BFGS-B" else {}
    found = minimize(f.value, zero, jac=gradient, method=method, options=options)
    f.products, f.steps = (reached[0], int(found.nit)) if reached else (most, int(found.nit))


def regression(
    n: int = 30,
    rows: int = 400,
    mu: float = 0.3,
    seed: int = 0,
    tol: float = 1e-8,
    most: int = 200_000,
    taus: Any = TAUS,
) -> dict[str, dict[str, float]]:
    """Steps and products of each method."""
    spectrum = np.append([1000.0, 500.0, 200.0], np.linspace(2.0, 1.0, n - 3))
    found: dict[str, dict[str, float]] = {}

    def enter(name: str, run: Callable[[Logistic], None]) -> None:
        f = Logistic(rows, spectrum, mu, seed)
        run(f)
        found[name] = {"steps": f.steps, "products": f.products, "reached": float(f.products < most)}

    def bounds(P: Any, f: Logistic) -> tuple[float, float]:
        values = np.linalg.eigvals(P @ f.B).real
        least = np.linalg.eigvals(P * f.mu).real.min()  # the curvature that is sure: the ridge, seen through P
        return float(values.max()), float(least)

    enter("gradient", lambda f: _steps(f, lambda g: g, f.L, tol, most))
    enter("fast gradient", lambda f: _fast(f, lambda g: g, f.L, f.low, tol, most))
    B = Logistic(rows, spectrum, mu, seed).B
    problem = LinearSystem(0.5 * (B + B.T), np.ones(n))
    for tau in taus:
        for title, recipe in (("P", SymmetricPolynomial(tau)), ("Chebyshev", ChebyshevPolynomial(tau, lanczos=n))):
            bound, P = recipe.bind(problem, {}), _inverse(recipe, problem)

            def precondition(f: Logistic, bound: Any = bound, tau: int = tau) -> Callable[[Any], Any]:
                def apply(g: Any) -> Any:
                    f.products += tau
                    return bound.apply(g)

                return apply

            def plain(f: Logistic, P: Any = P, make: Any = precondition) -> None:
                _steps(f, make(f), bounds(P, f)[0], tol, most)

            def fast(f: Logistic, P: Any = P, make: Any = precondition) -> None:
                _fast(f, make(f), *bounds(P, f), tol, most)

            enter(f"gradient, {title} of degree {tau}", plain)
            if title == "P":
                enter(f"fast gradient, P of degree {tau}", fast)
        enter(f"gradient, Krylov of degree {tau}", lambda f, tau=tau: _krylov(f, tau, tol, most))
    for title, method in (("nonlinear CG (SciPy)", "CG"), ("L-BFGS (SciPy)", "L-BFGS-B")):
        enter(title, lambda f, method=method: _scipy(f, method, tol, most))
    return found


def linear_systems(size: int = 60, seed: int = 0, taus: Any = TAUS) -> dict[str, dict[str, float]]:
    """Products until 1e-8: CG alone and with either polynomial, Chebyshev's iteration; three outliers, and a grid."""
    spectrum = np.append([1000.0, 500.0, 200.0], np.linspace(2.0, 1.0, 297))
    problems = {"3 outliers": _system(spectrum, seed), "grid": sequence("darcy-log", 1, size)[0]}
    found: dict[str, dict[str, float]] = {}
    for name, problem in problems.items():
        A = sp.csr_array(problem.A)
        rows: dict[str, Any] = {"CG": CG(), "CG, scaled by the diagonal": CG(Jacobi()), "Chebyshev": Chebyshev()}
        for tau in taus:
            rows[f"CG, P of degree {tau}"] = CG(SymmetricPolynomial(tau))
            rows[f"CG, Chebyshev of degree {tau}"] = CG(ChebyshevPolynomial(tau))
            rows[f"gradient, Krylov of degree {tau}"] = KrylovGradient(tau)
        for title, method in rows.items():
            result = solve(LinearSystem(A, problem.b, symmetric=True), method, rtol=1e-8, on_fail="ignore")
            degree = 1 + int(title.rsplit(" ", 1)[1]) if "degree" in title else 1
            found.setdefault(title, {})[name] = result.steps * degree if result.ok else math.inf
    return found


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Run the experiment and print its tables.

    Parameters
    ----------
    quick : bool
        Two degrees and small problems.
    seed : int
        Of the matrices and the data.
    out : callable
        Takes each line.

    Returns
    -------
    dict
        ``conditions``, ``regression``, ``linear``.
    """
    taus = (1, 3) if quick else TAUS
    conditions = condition_numbers(seed, taus)
    out("Condition number of P_tau B: the paper's formula / measured by applying P_tau")
    for name, rows in conditions.items():
        out(f"  {name:32s}" + "".join(f"  tau {tau}: {want:.4g} / {got:.4g}" for tau, want, got in rows))
    found = regression(12 if quick else 30, 60 if quick else 400, seed=seed, taus=taus, tol=1e-4 if quick else 1e-8)
    base = found["gradient"]
    out("")
    out("Logistic regression, three outliers in its curvature: until the gradient is at its goal")
    out(f"  {'':34s} {'steps':>9s} {'fewer':>9s} {'products':>9s} {'fewer':>9s}")
    for name, row in found.items():
        steps, products = base["steps"] / max(row["steps"], 1), base["products"] / row["products"]
        told = "" if row["reached"] else "  not reached"
        out(f"  {name:34s} {row['steps']:9.0f} {steps:8.1f}x {row['products']:9.0f} {products:8.1f}x{told}")
    systems = linear_systems(16 if quick else 60, seed, taus)
    out("")
    out("Linear systems: products until the residual is 1e-8 of b")
    for title, row in systems.items():
        out(f"  {title:34s}" + "".join(f"  {name}: {products:.0f}" for name, products in row.items()))
    out("")
    out(NOTES)
    return {"conditions": conditions, "regression": found, "linear": systems}
