"""The definite matrix beside an indefinite one: against NumPy, and what it does for MINRES."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import kernels
from resolvent.operators.definite import DefiniteBound


def matrix(n=60, complex_=False, seed=0):
    rng = np.random.default_rng(seed)
    R = sp.random_array((n, n), density=0.08, rng=rng, format="csr")
    if complex_:
        R = R + 1j * sp.random_array((n, n), density=0.08, rng=rng, format="csr")
    A = sp.csr_array(R + R.conj().T + sp.diags_array(rng.uniform(-2.0, 2.0, n)))
    A.sort_indices()
    return A


def twin(A):
    """The stand-in, dense."""
    S = A.toarray()
    size = np.abs(S)
    own, top = np.diag(size).copy(), size.max(axis=1)
    w = np.sqrt(np.where(own > 1e-4 * top, own, top))
    np.fill_diagonal(size, 0.0)
    top = np.maximum(own, w * (size / w).sum(axis=1)) * (1 + 1e-6)
    np.fill_diagonal(S, np.where(top > 0, top, 1.0))
    return S


@pytest.mark.parametrize("complex_", [False, True])
def test_the_kernel_is_its_twin_and_the_result_definite(complex_):
    A = matrix(complex_=complex_)
    out = np.empty_like(A.data)
    ip, ix = A.indptr.astype(np.uint32), A.indices.astype(np.uint32)
    assert kernels.definite.raised(ip, ix, A.data, np.empty(60), out) == -1
    S = sp.csr_array((out, A.indices, A.indptr), shape=A.shape).toarray()
    assert np.allclose(S, twin(A), rtol=1e-14)
    assert np.linalg.eigvalsh(S)[0] > 0 > np.linalg.eigvalsh(A.toarray())[0]


@pytest.mark.parametrize("complex_", [False, True])
def test_with_a_factor_it_is_the_inverse_of_the_stand_in(complex_):
    A = matrix(complex_=complex_)
    problem = rv.LinearSystem(A, np.ones(60, A.dtype))
    bound = rv.Definite(rv.Direct()).bind(problem, {})
    r = np.cos(np.arange(60.0)).astype(A.dtype)
    assert np.allclose(twin(A) @ bound.apply(r), r, atol=1e-10)
    assert np.array_equal(problem.A.toarray(), matrix(complex_=complex_).toarray())


def test_a_diagonal_that_is_not_stored_is_put_there():
    B = sp.random_array((20, 10), density=0.3, rng=np.random.default_rng(1), format="csr") + sp.eye_array(20, 10)
    A = sp.csr_array(sp.block_array([[4.0 * sp.eye_array(20), B], [B.T, None]]))
    A.sort_indices()
    problem = rv.LinearSystem(A, np.ones(30))
    bound = rv.Definite(rv.Direct()).bind(problem, {})
    assert np.allclose(twin(A) @ bound.apply(np.ones(30)), np.ones(30), atol=1e-8)
    result = rv.solve(problem, rv.MINRES(rv.Definite(rv.IC())), rtol=1e-10)
    assert result.ok and np.linalg.norm(1.0 - A @ result.x) <= 1.0001e-10 * np.sqrt(30)


@pytest.mark.parametrize("inner", [rv.IC(), rv.Jacobi(), rv.Direct()], ids=repr)
def test_minres_takes_fewer_steps_on_a_badly_scaled_system(inner):
    A = matrix(400, seed=3)
    D = sp.diags_array(10.0 ** np.random.default_rng(5).uniform(-2, 2, 400))
    A = sp.csr_array(D @ (A + sp.diags_array(np.where(np.arange(400) % 3, 20.0, -20.0))) @ D)
    b = D @ np.ones(400)
    plain = rv.solve(rv.LinearSystem(A, b), rv.MINRES(), rtol=1e-8, on_fail="ignore", max_steps=2000)
    result = rv.solve(rv.LinearSystem(A, b), rv.MINRES(rv.Definite(inner)), rtol=1e-8)
    assert result.ok and result.steps < 0.2 * plain.steps, result.steps
    assert np.linalg.norm(b - A @ result.x) <= 1.0001e-8 * np.linalg.norm(b)


def test_it_goes_through_a_file_and_is_kept(tmp_path):
    session = rv.Session(rv.MINRES(rv.Definite()), [rv.Lifetime("preconditioner")], rtol=1e-9)
    A = matrix(300, seed=2)
    for t in range(3):
        assert session.solve(rv.LinearSystem(sp.csr_array(A * (1 + 1e-4 * t)), np.ones(300))).ok
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    again = [s.solve(rv.LinearSystem(sp.csr_array(A * 1.001), np.ones(300))) for s in (session, loaded)]
    assert np.array_equal(again[0].x, again[1].x) and again[0].steps == again[1].steps
    kept = loaded.learners[0]._cycles
    assert any(isinstance(cycle.bound, DefiniteBound) for cycle in kept)


def test_what_cannot_be_applied_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match=r"a recipe such as rv.IC\(\)"):
        rv.Definite(3)
    result = rv.solve(rv.LinearSystem(matrix(), np.ones(60)), rv.MINRES(rv.Definite(rv.SSOR())), on_fail="ignore")
    assert not result.ok and "no application of its own" in result.reason
