"""The gradient method with the best polynomial: CG begun anew, never behind another polynomial of its degree, counted."""

import numpy as np
import pytest
from scipy.sparse.linalg import LinearOperator

import resolvent as rv


def definite(spectrum, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    n = len(spectrum)
    B = rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if np.dtype(dtype).kind == "c" else 0.0)
    Q = np.linalg.qr(B)[0]
    A = (Q * np.asarray(spectrum)) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype), rng.standard_normal(n).astype(dtype)


def energy(A, x, exact):
    e = exact - x
    return float(np.vdot(e, A @ e).real)


def iterates(method, problem, steps):
    state = method.init(problem, None, {})
    for _ in range(steps):
        state.room = 1
        method.step(problem, state)
        yield state.engine.x.copy()


@pytest.mark.parametrize("tau", [0, 1, 3, 6])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("scaled", [False, True])
def test_a_step_is_cg_begun_anew(tau, dtype, scaled):
    A, b = definite(np.geomspace(1.0, 50.0, 40), dtype=dtype)
    d = np.linspace(1.0, 3.0, 40)
    inner = LinearOperator((40, 40), matvec=lambda r: r / d, dtype=dtype) if scaled else None
    problem, x, cg = rv.LinearSystem(A, b), None, rv.CG(inner)
    for mine in iterates(rv.KrylovGradient(tau, inner), rv.LinearSystem(A, b), 5):
        state = cg.init(problem, x, {})
        state.room = tau + 1
        cg.step(problem, state)
        x = cg.solution(problem, state)
        assert state.k == tau + 1
        assert np.allclose(mine, x, rtol=0, atol=1e-9 * np.abs(x).max())


def test_of_degree_zero_it_is_steepest_descent():
    A, b = definite([1.0, 2.0, 5.0])
    x = np.zeros(3)
    for mine in iterates(rv.KrylovGradient(0), rv.LinearSystem(A, b), 6):
        r = b - A @ x
        x = x + (r @ r) / (r @ A @ r) * r
        assert np.allclose(mine, x, rtol=0, atol=1e-13)


@pytest.mark.parametrize("tau", [1, 2, 4])
@pytest.mark.parametrize("recipe", [rv.SymmetricPolynomial, rv.ChebyshevPolynomial])
def test_no_polynomial_of_its_degree_gains_more_in_a_step(tau, recipe):
    A, b = definite(np.append([900.0, 300.0], np.linspace(1.0, 4.0, 28)))
    A = A / np.sqrt(np.outer(np.diag(A), np.diag(A)))  # unit diagonal: Chebyshev's scaling is none
    problem, exact = rv.LinearSystem((A + A.T) / 2, b), np.linalg.solve(A, b)
    bound, x = recipe(tau).bind(problem, {}), np.zeros(30)
    for mine in iterates(rv.KrylovGradient(tau), problem, 4):
        r = b - A @ x
        p = bound.apply(r)
        other = x + (r @ p) / (p @ A @ p) * p
        assert energy(A, mine, exact) <= energy(A, other, exact) * (1 + 1e-9)
        x = mine


def test_outliers_cost_as_many_degrees_whatever_their_size():
    steps = {}
    for top in (1e2, 1e4, 1e6):
        A, b = definite(np.append([top, top / 2, top / 5], np.linspace(1.0, 2.0, 37)))
        steps[top] = rv.solve(rv.LinearSystem(A, b), rv.KrylovGradient(5), rtol=1e-6).steps
    assert max(steps.values()) <= min(steps.values()) + 3
    A, b = definite(np.append([1e4, 5e3, 2e3], np.linspace(1.0, 2.0, 37)))
    problem = rv.LinearSystem(A, b)
    few, many = (rv.solve(problem, rv.KrylovGradient(tau), rtol=1e-6, max_steps=5000).steps for tau in (5, 1))
    assert 20 * few < many


def test_products_are_counted_and_the_space_may_be_exhausted():
    A, b = definite(np.linspace(1.0, 9.0, 60))
    result = rv.solve(rv.LinearSystem(A, b), rv.KrylovGradient(3), rtol=1e-8)
    assert result.ok and result.work["products"] == 4 * result.steps + 1  # one to measure
    assert result.work["basis"] > 0 and result.work["passes"] >= 12 * 4 * result.steps
    A, b = definite([1.0, 1.0, 3.0, 3.0, 3.0])
    problem = rv.LinearSystem(A, b)  # two eigenvalues: two directions
    x = next(iterates(rv.KrylovGradient(4), problem, 1))
    assert problem.work.total()["products"] == 2 and np.allclose(A @ x, b, rtol=0, atol=1e-14)
    assert rv.solve(rv.LinearSystem(np.array([[4.0]]), np.array([2.0])), rv.KrylovGradient(4)).x == pytest.approx(0.5)


def test_failures_are_said():
    A, b = definite(np.append(-1.0, np.linspace(1.0, 2.0, 20)))
    result = rv.solve(rv.LinearSystem(A, b), "krylovgradient", on_fail="ignore")
    assert result.status == rv.Status.INDEFINITE and "not positive definite" in result.reason
    zero = LinearOperator((21, 21), matvec=lambda r: 0.0 * r, dtype=float)
    A, b = definite(np.linspace(1.0, 2.0, 21))
    result = rv.solve(rv.LinearSystem(A, b), rv.KrylovGradient(2, zero), on_fail="ignore")
    assert result.status == rv.Status.BREAKDOWN and "no direction" in result.reason
    with pytest.raises(ValueError, match="symmetric"):
        rv.solve(rv.LinearSystem(np.triu(A), b), "krylovgradient")
