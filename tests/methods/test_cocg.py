"""COCG on complex symmetric matrices, and that it is CG on real ones."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv


def damped(n, dtype="complex128", shift=-0.4):
    A = sp.diags_array([-np.ones(n - 1), (2.0 + shift) * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1])
    A = A.tocsr() + 1j * sp.diags_array(np.linspace(0.1, 0.6, n)).tocsr()
    return A.astype(dtype), np.exp(1j * np.arange(n)).astype(dtype)


def test_is_cg_in_the_real_case():
    A = sp.csr_array(sp.diags_array([-np.ones(79), 2.2 * np.ones(80), -np.ones(79)], offsets=[-1, 0, 1]))
    b = np.cos(np.arange(80))
    for preconditioner in (None, rv.Jacobi()):
        one = rv.solve(rv.LinearSystem(A, b), rv.COCG(preconditioner), rtol=1e-9)
        two = rv.solve(rv.LinearSystem(A, b), rv.CG(preconditioner), rtol=1e-9)
        assert one.ok and one.steps == two.steps
        assert np.allclose(one.history[:, 1], two.history[:, 1], rtol=1e-6, atol=1e-12)
        assert np.allclose(one.x, two.x, rtol=1e-8)


@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
@pytest.mark.parametrize("preconditioner", [None, rv.Jacobi(), rv.Direct()])
def test_solves_what_is_complex_symmetric(dtype, preconditioner):
    A, b = damped(150, dtype, shift=-0.4 if dtype == "complex128" else 0.2)
    rtol = 1e-10 if dtype == "complex128" else 1e-3
    result = rv.solve(rv.LinearSystem(A, b), rv.COCG(preconditioner), rtol=rtol)
    assert result.ok and np.linalg.norm(b - A @ result.x) <= rtol * np.linalg.norm(b) * 1.01
    assert preconditioner != rv.Direct() or result.steps <= 2


def test_residuals_are_conjugate_orthogonal():
    """r_i^T r_j = 0: what its name says."""
    A, b = damped(40)
    problem = rv.LinearSystem(A, b)
    method = rv.COCG()
    state = method.init(problem, None, {})
    rows = [state.engine.r.copy()]
    for _ in range(6):
        state.room = 1
        method.step(problem, state)
        rows.append(state.engine.r.copy())
    gram = np.array(rows) @ np.array(rows).T
    size = np.outer(*2 * [np.linalg.norm(rows, axis=1)])
    assert np.max(np.abs(gram - np.diag(np.diag(gram))) / size) < 1e-9


def test_refuses_what_is_not_equal_to_its_transpose():
    A, b = damped(20)
    hermitian = A + sp.diags_array([1j * np.ones(19), -1j * np.ones(19)], offsets=[1, -1]).tocsr()
    with pytest.raises(ValueError, match="equal to its transpose"):
        rv.solve(rv.LinearSystem(hermitian, b), "cocg")


def test_a_quasi_null_start_breaks_down_and_says_so():
    """b^T b = 0 for b = (1, i): the very first rho."""
    result = rv.solve(rv.LinearSystem(np.eye(2) * (1 + 1j), np.array([1.0, 1j])), "cocg", on_fail="ignore")
    assert result.status == rv.Status.BREAKDOWN and "vanished" in result.reason
