"""MINRES: the residual is the least over the Krylov space, whatever the signs of the eigenvalues, and it is the true one."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator
from scipy.sparse.linalg import minres as scipy_minres

import resolvent as rv
from resolvent.methods.krylov.minres import FusedMINRES, PlainMINRES

DTYPES = ["float64", "float32", "complex128", "complex64"]


def hermitian(n, dtype="float64", seed=0, low=-2.0, high=3.0):
    """A dense Hermitian matrix with eigenvalues in [low, -0.3] and [0.3, high], and a right-hand side."""
    rng = np.random.default_rng(seed)
    cplx = np.dtype(dtype).kind == "c"
    Q = np.linalg.qr(rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if cplx else 0.0))[0]
    half = n // 2
    values = np.concatenate([np.linspace(low, -0.3, half), np.linspace(0.3, high, n - half)])
    A = (Q * values) @ Q.conj().T
    A = (A + A.conj().T) / 2
    b = rng.standard_normal(n) + (1j * rng.standard_normal(n) if cplx else 0.0)
    return A.astype(dtype), b.astype(dtype)


def least_residuals(A, b, steps, weight=None):
    """min || b - A x ||_W over the Krylov spaces K_k(W A, W b), k = 1 .. steps, by orthonormal bases and least squares."""
    W = np.eye(len(b)) if weight is None else weight
    root = np.linalg.cholesky(W).conj().T  # || v ||_W = || root v ||
    basis, out = np.zeros((len(b), 0), A.dtype), []
    v = W @ b
    for _ in range(steps):
        for _ in range(2):
            v = v - basis @ (basis.conj().T @ v)
        basis = np.column_stack([basis, v / np.linalg.norm(v)])
        y = np.linalg.lstsq(root @ A @ basis, root @ b, rcond=None)[0]
        out.append(np.linalg.norm(root @ (b - A @ basis @ y)))
        v = W @ (A @ basis[:, -1])
    return np.array(out)


def run(engine, A, b, steps, *args):
    problem = rv.LinearSystem(A, b)
    x, r, norm = problem.start(None, {})
    made = engine(problem, x, r, norm, *args)
    norms = np.zeros(steps)
    assert made.advance(steps, -1.0, norms) == steps
    return made, norms, problem


@pytest.mark.parametrize("engine", [FusedMINRES, PlainMINRES])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_residual_is_the_least_over_the_krylov_space(engine, dtype):
    A, b = hermitian(40, dtype)
    _, norms, _ = run(engine, A, b, 25)
    assert np.allclose(norms, least_residuals(A, b, 25), rtol=1e-6, atol=1e-12)


@pytest.mark.parametrize("dtype", DTYPES)
def test_published_norm_is_that_of_the_iterate_and_never_grows(dtype):
    A, b = hermitian(60, dtype, seed=1)
    near = 200 * np.finfo(dtype).eps * np.linalg.norm(b)
    for engine in (FusedMINRES, PlainMINRES):
        made, norms, problem = run(engine, A, b, 30)
        assert abs(np.linalg.norm(problem.residual(made.x)) - norms[-1]) <= near
        assert np.all(np.diff(norms) <= near)
        assert made.x.dtype == np.dtype(dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_kernel_and_array_api_are_twins(dtype):
    A, b = hermitian(50, dtype, seed=2)
    one, norms, _ = run(FusedMINRES, A, b, 12)
    two, others, _ = run(PlainMINRES, A, b, 12)
    near = 500 * np.finfo(dtype).eps
    assert np.allclose(norms, others, rtol=near, atol=near * norms[0])
    assert np.allclose(one.x, two.x, rtol=0, atol=near * np.abs(two.x).max())


@pytest.mark.parametrize("fused", [True, False])
def test_a_preconditioner_makes_it_least_in_its_own_norm(fused):
    A, b = hermitian(30, seed=3)
    d = np.linspace(0.5, 4.0, 30)
    problem = rv.LinearSystem(A, b)
    x, r, norm = problem.start(None, {})
    if fused:
        made = FusedMINRES(problem, x, r, norm, d)
    else:
        bound = rv.MINRES(LinearOperator((30, 30), matvec=lambda v: d * v, dtype=float))._recipe.bind(problem, {})
        made = PlainMINRES(problem, x, r, norm, bound)
    wanted = least_residuals(A, b, 15, np.diag(d))
    norms = np.zeros(1)
    for best in wanted:
        made.advance(1, -1.0, norms)
        r = b - A @ made.x
        assert np.sqrt(r @ (d * r)) == pytest.approx(best, rel=1e-7)
        assert norms[0] == pytest.approx(np.linalg.norm(r), rel=1e-9)


def test_goes_on_where_scipy_stops_early():
    """SciPy's rule is ||r|| <= rtol ||A|| ||x||: with a large x that is no answer to what was asked."""
    n = 60
    A = sp.diags_array(np.concatenate([[1e-5, -2e-5], np.linspace(1.0, 2.0, n - 2)])).tocsr()
    b = np.ones(n)
    x, info = scipy_minres(A, b, rtol=1e-6)
    assert info == 0 and np.linalg.norm(b - A @ x) > 1e-3 * np.linalg.norm(b)
    result = rv.solve(rv.LinearSystem(A, b), "minres", rtol=1e-6)
    assert result.ok and np.linalg.norm(b - A @ result.x) <= 1e-6 * np.linalg.norm(b)


def test_indefinite_preconditioners_are_found_out():
    A, b = hermitian(30, seed=4)
    M = LinearOperator((30, 30), matvec=lambda v: np.where(np.arange(30) == 7, -v, v), dtype=float)
    result = rv.solve(rv.LinearSystem(A, b), rv.MINRES(M), on_fail="ignore")
    assert result.status == rv.Status.INDEFINITE and "preconditioner" in result.reason
    saddle = sp.csr_array(sp.block_array([[2 * sp.eye_array(5), np.ones((5, 1))], [np.ones((1, 5)), -np.eye(1)]]))
    result = rv.solve(rv.LinearSystem(saddle, np.ones(6)), rv.MINRES(rv.Jacobi()), on_fail="ignore")
    assert result.status == rv.Status.INDEFINITE and "preconditioner" in result.reason


def test_singular_systems_end_truthfully():
    n = 30
    L = sp.diags_array([-np.ones(n - 1), np.r_[1.0, 2 * np.ones(n - 2), 1.0], -np.ones(n - 1)], offsets=[-1, 0, 1])
    L = sp.csr_array(L)
    b = np.cos(np.arange(n))
    inside = rv.solve(rv.LinearSystem(L, b - b.mean()), "minres", rtol=1e-9)
    assert inside.ok
    outside = rv.solve(rv.LinearSystem(L, b), "minres", rtol=1e-9, on_fail="ignore")
    assert outside.status == rv.Status.STAGNATED and "outside its range" in outside.reason
    assert np.linalg.norm(b - L @ outside.x) == pytest.approx(abs(b.sum()) / np.sqrt(n), rel=1e-6)


def test_needs_no_more_products_than_cg_and_kept_factors_serve():
    A = sp.csr_array(sp.diags_array([-np.ones(199), 2.1 * np.ones(200), -np.ones(199)], offsets=[-1, 0, 1]))
    b = np.ones(200)
    one = rv.solve(rv.LinearSystem(A, b), "minres", rtol=1e-8)
    two = rv.solve(rv.LinearSystem(A, b), "cg", rtol=1e-8)
    assert one.steps <= two.steps
    session = rv.Session(rv.MINRES(rv.Direct()), learners=[rv.Lifetime("preconditioner")], rtol=1e-8)
    results = [session.solve(rv.LinearSystem(A + 0.01 * k * sp.eye_array(200), b)) for k in range(5)]
    assert all(result.ok for result in results)
    assert 1 <= sum(result.work.get("factorizations", 0) for result in results) < 5
