"""Polynomial preconditioners: the condition-number table of the symmetric polynomials, Chebyshev's optimality."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.core import SetupError
from resolvent.operators.polynomial import elementary_ratios, power_traces

SPECTRUM = np.array([100.0, 50.0, 10.0, 3.0, 2.0, 1.5, 1.0])
TABLE = [100.0, 40.5, 12.8, 5.27, 2.74, 1.61, 1.00]


def rotated(spectrum, seed=0):
    """A full symmetric matrix with this spectrum."""
    Q, _ = np.linalg.qr(np.random.default_rng(seed).standard_normal((len(spectrum), len(spectrum))))
    A = (Q * spectrum) @ Q.T
    return rv.LinearSystem(0.5 * (A + A.T), np.ones(len(spectrum)))


def matrix_of(bound, n):
    return np.array([bound.apply(e) for e in np.eye(n)]).T


def condition(problem, bound):
    """Of P^1/2 A P^1/2, whose eigenvalues are those of P A."""
    values = np.linalg.eigvals(matrix_of(bound, problem.n) @ problem.A).real
    return values.max() / values.min()


@pytest.mark.parametrize("tau", range(1, 7))
def test_condition_numbers_of_the_symmetric_polynomials(tau):
    problem = rotated(SPECTRUM)
    found = condition(problem, rv.SymmetricPolynomial(tau).bind(problem, {}))
    assert found == pytest.approx(TABLE[tau], rel=5e-3)


@pytest.mark.parametrize("tau", range(1, 7))
def test_eigenvalues_are_the_symmetric_functions_of_the_others(tau):
    from itertools import combinations

    problem = rotated(SPECTRUM)

    def sigma(values, k):
        return sum(np.prod(c) for c in combinations(values, k))

    want = [sigma(np.delete(SPECTRUM, i), tau) / sigma(SPECTRUM, tau) for i in range(7)]
    values = np.linalg.eigvalsh(matrix_of(rv.SymmetricPolynomial(tau).bind(problem, {}), 7))
    assert np.sort(values) == pytest.approx(np.sort(want), rel=1e-6)


def test_the_last_polynomial_is_the_adjugate():
    problem = rotated(SPECTRUM)
    P = matrix_of(rv.SymmetricPolynomial(6).bind(problem, {}), 7)
    PA = P @ problem.A
    assert np.allclose(PA / PA[0, 0], np.eye(7), atol=1e-6)


def test_traces_of_sparse_powers(laplacian):
    A = sp.csr_array(laplacian(9, 0.3).A)
    traces, flops = power_traces(A, 6)
    full = A.toarray()
    want = [np.trace(np.linalg.matrix_power(full, k)) for k in range(1, 7)]
    assert traces == pytest.approx(want, rel=1e-12) and flops > 0
    values = np.linalg.eigvalsh(full)[:, None]
    e = np.poly(values.ravel())[:7] * (-1.0) ** np.arange(7)
    assert elementary_ratios(traces) == pytest.approx(e[:-1] / e[1:], rel=1e-8)


def test_outliers_are_taken_out_and_a_flat_spectrum_is_left_alone():
    spectrum = np.append([4000.0, 2000.0, 900.0], np.linspace(3.0, 1.0, 77))
    gap = rotated(spectrum)
    top, rest = (abs(np.poly(np.delete(spectrum, i))[3]) for i in (0, -1))  # sigma_3 without the first, the last
    found = condition(gap, rv.SymmetricPolynomial(3).bind(gap, {}))
    assert found == pytest.approx(4000.0 * top / rest, rel=1e-9) and found < 4000.0 / 25
    flat = rotated(np.geomspace(1000.0, 1.0, 200))
    assert condition(flat, rv.SymmetricPolynomial(1).bind(flat, {})) == pytest.approx(966.0, rel=2e-3)


def test_symmetric_polynomials_refuse_what_they_are_not_for():
    with pytest.raises(SetupError, match="trace of the matrix is not positive"):
        rv.SymmetricPolynomial(1).bind(rv.LinearSystem(-np.eye(4), np.ones(4)), {})
    with pytest.raises(SetupError, match="not positive definite"):
        rv.SymmetricPolynomial(2).bind(rv.LinearSystem(np.diag([9.0, -8.0, 0.1]), np.ones(3)), {})
    with pytest.raises(SetupError, match="tau=4 was given for a matrix of 4 rows"):
        rv.SymmetricPolynomial(4).bind(rv.LinearSystem(np.eye(4), np.ones(4)), {})


@pytest.mark.parametrize("degree", [1, 2, 3, 6])
def test_chebyshev_is_the_best_polynomial_on_its_interval(degree, laplacian):
    problem = laplacian(12, 0.2)
    bound = rv.ChebyshevPolynomial(degree).bind(problem, {})
    d = problem.A.diagonal()
    values = np.linalg.eigvals(matrix_of(bound, problem.n) @ problem.A.toarray()).real
    scaled = np.linalg.eigvalsh(problem.A.toarray() / np.sqrt(np.outer(d, d)))
    middle = (bound.high + bound.low) / (bound.high - bound.low)
    best = 1.0 / np.cosh((degree + 1) * np.arccosh(middle))  # the least maximum of a polynomial that is 1 at zero
    assert bound.low < scaled[0] and scaled[-1] < bound.high
    assert abs(1.0 - values).max() <= best * (1 + 1e-8)
    inverse = matrix_of(bound, problem.n)
    assert np.allclose(inverse, inverse.T, atol=1e-13)


def test_polynomials_save_steps_but_not_products_of_cg(laplacian):
    problem = laplacian(40, 0.01)
    plain = rv.solve(problem, "cg", rtol=1e-8)
    degree = 4
    result = rv.solve(problem, rv.CG(rv.ChebyshevPolynomial(degree)), rtol=1e-8)
    assert result.ok and result.steps < 0.5 * plain.steps
    assert (degree + 1) * result.steps >= plain.steps - degree  # Krylov spaces are optimal


def test_chebyshev_refuses_an_indefinite_matrix():
    with pytest.raises(SetupError, match="positive"):
        rv.ChebyshevPolynomial().bind(rv.LinearSystem(np.diag([1.0, -1.0]), np.ones(2)), {})
