"""IDR(s): finite termination, the shadow space's seed, and breakdowns that are said."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.methods.krylov.idr import FusedIDR, IDRRecurrence


def dense(n, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n)) / np.sqrt(n) + 2.0 * np.eye(n)
    b = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        A, b = A + 0.5j * rng.standard_normal((n, n)) / np.sqrt(n), b + 1j * rng.standard_normal(n)
    return A.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("s", [1, 2, 4, 8])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_terminates_within_n_and_n_over_s_products(s, dtype):
    n = 24
    A, b = dense(n, dtype)
    result = rv.solve(rv.LinearSystem(A, b), rv.IDR(s=s), rtol=1e-9)
    assert result.ok and result.steps <= n + n // s
    early = rv.solve(rv.LinearSystem(A, b), rv.IDR(s=s), rtol=1e-9, max_steps=n // 2, on_fail="ignore")
    assert not early.ok


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
def test_published_norm_is_that_of_the_iterate(dtype):
    A, b = dense(80, dtype, seed=1)
    problem = rv.LinearSystem(A, b)
    method = rv.IDR(s=3)
    state = method.init(problem, None, {})
    for room in (1, 2, 5, 9):
        state.room, state.goal = room, None
        method.step(problem, state)
        true = np.linalg.norm(b - A @ state.engine.x)
        assert abs(state.seen["residual"] - true) <= 1e3 * np.finfo(dtype).eps * np.linalg.norm(b)
    assert state.k == 17


def test_residuals_stay_in_the_spaces():
    """After the first cycle r lies in (I - omega A) of the null space of P^H: so (I - omega A)^-1 r is orthogonal to P."""
    A, b = dense(30, seed=2)
    problem = rv.LinearSystem(A, b)
    method = rv.IDR(s=4)
    state = method.init(problem, None, {})
    state.room = 5
    method.step(problem, state)
    engine = state.engine
    v = np.linalg.solve(np.eye(30) - engine.omega * A, engine.r)
    assert np.linalg.norm(engine.P @ v) <= 1e-10 * np.linalg.norm(v)


def test_more_shadow_vectors_need_fewer_products_on_a_hard_one():
    n = 400
    A = sp.diags_array([-1.0 * np.ones(n - 1), 2.0 * np.ones(n), -0.6 * np.ones(n - 1)], offsets=[-1, 0, 1]).tocsr()
    A = sp.csr_array(A + sp.diags_array([0.9 * np.ones(n - 20)], offsets=[20]))
    b = np.sin(np.arange(n))
    steps = {s: rv.solve(rv.LinearSystem(A, b), rv.IDR(s=s), rtol=1e-9, max_steps=8000).steps for s in (1, 8)}
    assert steps[8] < steps[1]


def test_seeds_give_bits():
    A, b = dense(40, seed=3)
    one, two, other = (rv.solve(rv.LinearSystem(A, b), rv.IDR(seed=k)).x for k in (0, 0, 1))
    assert one.tobytes() == two.tobytes() and one.tobytes() != other.tobytes()


def test_a_skew_matrix_is_solved_though_omega_vanishes_in_it_or_it_says_so():
    A = sp.csr_array(sp.diags_array([np.ones(29), -np.ones(29)], offsets=[1, -1]))
    result = rv.solve(rv.LinearSystem(A, np.ones(30)), rv.IDR(), on_fail="ignore", max_steps=500)
    assert result.ok or (result.status == rv.Status.BREAKDOWN and "omega vanished" in result.reason)


def test_a_system_smaller_than_s():
    assert rv.solve(rv.LinearSystem(np.array([[2.0]]), np.array([4.0])), rv.IDR(s=4)).x == pytest.approx([2.0])


def test_squares_that_vanish_end_in_a_status():
    """A preconditioner so small that the square of what it gives is zero."""
    from scipy.sparse.linalg import LinearOperator

    rng = np.random.default_rng(0)
    A = sp.csr_array(np.diag(rng.uniform(1, 3, 30)) + np.eye(30, k=1) * 0.3)
    b = rng.standard_normal(30)
    M = LinearOperator(A.shape, matvec=lambda r: 1e-200 * r, dtype=float)
    result = rv.solve(rv.LinearSystem(A, b), rv.IDR(preconditioner=M), rtol=1e-8, on_fail="ignore")
    assert result.status in (rv.Status.BREAKDOWN, rv.Status.NONFINITE)


@pytest.mark.parametrize("s", [1, 3, 4])
@pytest.mark.parametrize("scaled", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
def test_the_kernel_makes_the_iterates_of_the_array_form(dtype, scaled, s):
    n = 2600  # more than two pieces
    rng = np.random.default_rng(4)
    A = sp.csr_array(
        sp.diags_array([-1.2 * np.ones(n - 1), 3.0 + rng.random(n), -0.7 * np.ones(n - 1)], offsets=[-1, 0, 1])
    )
    b = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        A, b = A + 0.3j * sp.eye_array(n), b + 1j * rng.standard_normal(n)
    A, b = sp.csr_array(A).astype(dtype), b.astype(dtype)
    problem = rv.LinearSystem(A, b)
    bound = rv.Jacobi().bind(problem, {}) if scaled else None
    norm = float(np.linalg.norm(b))
    fused = FusedIDR(problem, 0 * b, b.copy(), norm, bound.inverse if scaled else None, s, 0)
    plain = IDRRecurrence(problem, 0 * b, b.copy(), norm, bound, False, s, 0)
    norms = np.empty((2, 12))
    for k, engine in enumerate((fused, plain)):
        assert engine.advance(12, -1.0, norms[k]) == 12
    digits = 1e-9 if np.finfo(dtype).eps < 1e-10 else 2e-2
    assert np.allclose(norms[0], norms[1], rtol=digits)
    assert np.linalg.norm(fused.x - plain.x) <= digits * np.linalg.norm(plain.x)
    assert abs(fused.omega - plain.omega) <= digits * abs(plain.omega)


def test_work_of_the_kernel_is_counted():
    A, b = dense(60)
    result = rv.solve(rv.LinearSystem(A, b), rv.IDR(s=4), rtol=1e-8)
    assert result.work["basis"] == 12 * result.steps and result.work["passes"] >= 13 * result.steps
    assert result.work["products"] >= result.steps + 1
