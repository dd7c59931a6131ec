"""Polynomials in A as preconditioners: Chebyshev's, and the symmetric polynomials of the spectrum.

    z = p(D^-1 A) D^-1 r,   1 - t p(t) the Chebyshev polynomial of degree + 1 on [lmin, lmax]
    z = P_tau r / sigma_tau,   P_tau = sigma_tau I - B P_{tau-1},   sigma_tau = tr(B P_{tau-1}) / tau,   B = n A / tr A

Set-up: some twelve products (bounds by Lanczos steps), or the traces of B, ..., B^tau (sparse products). An application is
`degree` or `tau` products and a few vector passes: no triangular solve, no inner product. The first smooths the whole
spectrum. The second divides the condition number by the influence of the tau largest eigenvalues and is idle where
no gap stands behind them: on a grid it does almost nothing. CG alone needs fewer products than CG with either, unless
inner products are dear. For Hermitian positive definite matrices.
Reference: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., section 12.3.2; Doikov and Rodomanov, ICML 2023,
arXiv 2301.13194, section 3; Faddeev and Sominskii's recursion.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import kernels
from ..core import Cost, SetupError
from .base import Bound
from .spectrum import lanczos_bounds

__all__ = [
    "ChebyshevPolynomial",
    "ChebyshevPolynomialBound",
    "SymmetricPolynomial",
    "SymmetricPolynomialBound",
    "elementary_ratios",
    "power_traces",
]

_MOST = 32
_FILL = 400  # a power of A with more entries than this many times those of A is not formed


def _whole(value: Any, name: str, least: int) -> None:
    if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name}={value!r} was given; a whole number of at least {least} is expected")


@dataclass(frozen=True)
class ChebyshevPolynomial:
    """Chebyshev's polynomial of the diagonally scaled matrix as a preconditioner.

    Parameters
    ----------
    degree : int, default 3
        Products of one application.
    lanczos : int, default 12
        Lanczos steps that estimate the bounds of the spectrum, one product each.

    Raises
    ------
    ValueError
        For numbers below 1.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(99), 2.01 * np.ones(100), -np.ones(99)], offsets=[-1, 0, 1]).tocsr()
    >>> problem = rv.LinearSystem(A, np.ones(100))
    >>> rv.solve(problem, rv.CG(rv.ChebyshevPolynomial(5))).steps < rv.solve(problem, "cg").steps / 2
    True
    """

    degree: int = 3
    lanczos: int = 12

    needs = frozenset({"entries", "symmetric"})

    def __post_init__(self) -> None:
        _whole(self.degree, "degree", 1)
        _whole(self.lanczos, "lanczos", 1)

    def bind(self, problem: Any, carry: Any) -> "ChebyshevPolynomialBound":
        """Estimate the bounds.

        Raises
        ------
        SetupError
            When the diagonal or a Ritz value is not positive.
        """
        return ChebyshevPolynomialBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """The Lanczos steps, and one application."""
        passes = problem.weight("passes")
        return Cost(0.0, self.lanczos * (1.0 + 10 * passes), self.degree * (1.0 + 5 * passes) + 3 * passes)


class _Polynomial(Bound):
    """A set-up that multiplies by its own copy of the matrix."""

    def _times(self, x: Any) -> Any:
        y, source = np.empty_like(x), self.source
        kernels.csr.spmv(source.ip, source.ix, source.data, x, y)
        return y


class ChebyshevPolynomialBound(_Polynomial):
    """The matrix, its inverse diagonal and the bounds ``low, high`` of the scaled spectrum."""

    def __init__(self, recipe: ChebyshevPolynomial, problem: Any) -> None:
        super().__init__(recipe, problem)
        d = np.zeros(problem.n, dtype=problem.dtype)
        kernels.csr.diagonal(self.source.ip, self.source.ix, self.source.data, d)
        self.low, self.high = lanczos_bounds(self.source, d.real, recipe.lanczos, self._times)
        problem.work.add("products", min(recipe.lanczos, problem.n), "setup")
        problem.work.add("passes", 10 * min(recipe.lanczos, problem.n), "setup")
        self.inverse = 1.0 / d.real
        self.counts = {"products": float(recipe.degree), "passes": 5.0 * recipe.degree + 3.0}

    def apply(self, r: Any) -> Any:
        """p(D^-1 A) D^-1 r by Chebyshev's three-term recurrence from zero."""
        real = self.inverse.dtype.type
        middle, half = 0.5 * (self.high + self.low), 0.5 * (self.high - self.low)
        sigma = middle / half
        rho = 1.0 / sigma
        left = r.copy()
        dz = real(1.0 / middle) * (self.inverse * left)
        z = dz.copy()
        for _ in range(self.recipe.degree):
            left -= self._times(dz)
            following = 1.0 / (2.0 * sigma - rho)
            dz = real(following * rho) * dz + real(2.0 * following / half) * (self.inverse * left)
            rho = following
            z += dz
        return z


@dataclass(frozen=True)
class SymmetricPolynomial:
    """The symmetric polynomial P_tau of A as a preconditioner: it takes out the tau largest eigenvalues.

    Parameters
    ----------
    tau : int, default 2
        Degree, and the number of outliers it is made for; tau < n.

    Raises
    ------
    ValueError
        For a tau below 1 or above 32.

    References
    ----------
    N. Doikov and A. Rodomanov, ICML 2023, arXiv 2301.13194, section 3.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> spectrum = np.append([1000.0, 500.0], np.linspace(1.0, 2.0, 8))
    >>> bound = rv.SymmetricPolynomial(2).bind(rv.LinearSystem(sp.diags_array(spectrum), np.ones(10)), {})
    >>> left = spectrum * bound.apply(np.ones(10))
    >>> bool(left.max() / left.min() < 20)
    True
    """

    tau: int = 2

    needs = frozenset({"entries", "symmetric"})

    def __post_init__(self) -> None:
        _whole(self.tau, "tau", 1)
        if self.tau > _MOST:
            raise ValueError(f"tau={self.tau} was given; at most {_MOST} is expected: beyond it the traces cancel")

    def bind(self, problem: Any, carry: Any) -> "SymmetricPolynomialBound":
        """Form the traces and the coefficients.

        Raises
        ------
        SetupError
            When A is not positive definite, tau is not below n, or a power of A has too many entries.
        """
        return SymmetricPolynomialBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """The traces at 30 products for each power formed, and one application."""
        half = -(-self.tau // 2) - 1
        passes = problem.weight("passes")
        return Cost(0.0, 4.0 + 30.0 * half**2, self.tau * (1.0 + 4 * passes))


class SymmetricPolynomialBound(_Polynomial):
    """The matrix and the ratios ``sigma_{k-1} / sigma_k`` of its scaled spectrum's elementary symmetric polynomials."""

    def __init__(self, recipe: SymmetricPolynomial, problem: Any) -> None:
        super().__init__(recipe, problem)
        source, tau = self.source, int(recipe.tau)
        if tau >= problem.n:
            raise SetupError(f"tau={tau} was given for a matrix of {problem.n} rows; fewer are expected")
        signed = np.int32 if source.ix.dtype.itemsize == 4 else np.int64
        wide = np.result_type(problem.dtype, np.float64)
        A = sp.csr_array(
            (source.data.astype(wide), source.ix.view(signed), source.ip.view(signed)), shape=problem.shape
        )
        trace = float(A.diagonal().real.sum())
        if not (trace > 0 and np.isfinite(trace)):
            raise SetupError("the trace of the matrix is not positive, and SymmetricPolynomial is for definite ones")
        scale = problem.n / trace
        traces, flops = power_traces(A * scale, tau)
        problem.work.add("products", 2.0 + flops / max(1, problem.nonzeros), "setup")
        ratios = elementary_ratios(traces)
        if not np.all(np.isfinite(ratios)) or np.any(ratios <= 0):
            raise SetupError("the matrix is not positive definite: an elementary symmetric polynomial is not positive")
        self.steps = [float(ratio) * scale for ratio in ratios]
        self.counts = {"products": float(tau), "passes": 4.0 * tau}

    def apply(self, r: Any) -> Any:
        """P_tau r / sigma_tau by tau products."""
        real = r.real.dtype.type
        z = r.copy()
        for step in self.steps:
            z = r - real(step) * self._times(z)
        return z


def power_traces(B: Any, tau: int) -> tuple[Any, float]:
    """``tr B, ..., tr B^tau`` of a Hermitian sparse array, and the multiply-adds it took (times six: they are sparse).

    Raises
    ------
    SetupError
        When a power has more than some hundred times B's entries.
    """
    traces, flops = [float(B.diagonal().real.sum())], 0.0
    low = high = B  # consecutive powers: tr B^(i+j) = <B^i, B^j>
    for k in range(2, tau + 1):
        if k % 2 == 0:
            traces.append(float(abs(high).power(2).sum()))
            low = high
            continue
        if (B.nnz / B.shape[0]) * low.nnz > _FILL * B.nnz + B.shape[0] ** 2:
            raise SetupError(f"the trace of A^{k} needs a power with too many entries; choose a smaller tau")
        flops += 6.0 * low.nnz * B.nnz / B.shape[0]
        high = sp.csr_array(low @ B)
        traces.append(float(high.multiply(low.conj()).sum().real))
    return np.array(traces), flops


def elementary_ratios(traces: Any) -> Any:
    """``sigma_0/sigma_1, ..., sigma_{tau-1}/sigma_tau`` from the traces of powers, by Newton's identities.

    Examples
    --------
    >>> from resolvent.operators.polynomial import elementary_ratios
    >>> elementary_ratios([6.0, 14.0, 36.0]).round(12).tolist()  # of 1, 2, 3: sigma = 1, 6, 11, 6
    [0.166666666667, 0.545454545455, 1.833333333333]
    """
    sigma = [1.0]
    for k in range(1, len(traces) + 1):
        total = sum((-1) ** (i - 1) * sigma[k - i] * traces[i - 1] for i in range(1, k + 1))
        sigma.append(total / k)
    with np.errstate(all="ignore"):
        return np.array(sigma[:-1]) / np.array(sigma[1:])
