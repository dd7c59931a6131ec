"""Block CG: fewer steps than one column alone, dependent columns, each column certified by itself."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator

import resolvent as rv


def laplacian(side=20, dtype="float64"):
    line = sp.diags_array([-np.ones(side - 1), 2.0 * np.ones(side), -np.ones(side - 1)], offsets=[-1, 0, 1])
    A = sp.csr_array(sp.kron(line, sp.eye_array(side)) + sp.kron(sp.eye_array(side), line))
    if np.dtype(dtype).kind == "c":
        turn = sp.diags_array(np.exp(1j * np.arange(side * side))).tocsr()
        A = sp.csr_array(turn @ A @ turn.conj())
    return A.astype(dtype)


def columns(n, k, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((n, k)) + (1j * rng.standard_normal((n, k)) if np.dtype(dtype).kind == "c" else 0.0)
    return B.astype(dtype)


@pytest.mark.parametrize("preconditioner", [None, rv.Jacobi(), rv.IC()])
@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32", "complex64"])
def test_every_column_meets_its_own_tolerance(dtype, preconditioner):
    A, B = laplacian(dtype=dtype), columns(400, 5, dtype)
    B[:, 2] *= 1e4
    B[:, 3] *= 1e-6
    rtol = 1e-9 if np.finfo(dtype).eps < 1e-10 else 1e-3
    result = rv.solve(rv.LinearSystem(A, B), rv.BlockCG(preconditioner), rtol=rtol)
    assert result.ok and result.x.shape == (400, 5) and result.x.dtype == np.dtype(dtype)
    left = np.linalg.norm(B - A @ result.x, axis=0)
    assert np.all(left <= 1.01 * rtol * np.linalg.norm(B, axis=0))
    near = 1e-2 if rtol == 1e-9 else 0.5
    assert np.allclose(result.seen["residuals"], left, rtol=near)
    assert result.seen["residual"] == result.seen["residuals"].max() <= result.threshold


def test_needs_fewer_steps_and_products_than_column_by_column():
    A, B = laplacian(), columns(400, 6)
    block = rv.solve(rv.LinearSystem(A, B), "blockcg", rtol=1e-8)
    single = rv.solve(rv.LinearSystem(A, B), "cg", rtol=1e-8)
    assert block.steps < 0.75 * single.steps / 6
    assert block.work["products"] < single.work["cg_steps"] + 6


def test_is_cg_for_one_column():
    A, B = laplacian(), columns(400, 1)
    for b in (B, B[:, 0]):
        block = rv.solve(rv.LinearSystem(A, b), "blockcg", rtol=1e-9)
        alone = rv.solve(rv.LinearSystem(A, B[:, 0]), "cg", rtol=1e-9)
        assert block.steps == alone.steps and block.x.shape == b.shape
        assert np.allclose(block.x.ravel(), alone.x, rtol=1e-7, atol=1e-9)


def test_terminates_within_n_over_k_steps():
    rng = np.random.default_rng(0)
    Q = np.linalg.qr(rng.standard_normal((24, 24)))[0]
    A = (Q * np.linspace(1, 5, 24)) @ Q.T
    result = rv.solve(rv.LinearSystem((A + A.T) / 2, columns(24, 6)), "blockcg", rtol=1e-9)
    assert result.ok and result.steps <= 24 / 6 + 1


@pytest.mark.parametrize("kind", ["twice", "zero", "low rank", "all equal", "nearly"])
def test_dependent_columns(kind):
    A, B = laplacian(), columns(400, 5)
    if kind == "twice":
        B[:, 3] = -2.0 * B[:, 1]
    elif kind == "zero":
        B[:, 2] = 0.0
    elif kind == "low rank":
        B = B[:, :2] @ columns(2, 5, seed=3)
    elif kind == "all equal":
        B = np.repeat(B[:, :1], 5, axis=1)
    else:
        B[:, 3] = B[:, 1] + 1e-9 * B[:, 2]
    result = rv.solve(rv.LinearSystem(A, B), "blockcg", rtol=1e-8)
    assert result.ok, result.reason
    assert np.all(np.linalg.norm(B - A @ result.x, axis=0) <= 1.01e-8 * np.linalg.norm(B, axis=0))


def test_guesses_operators_sizes_and_inputs():
    A, B = laplacian(), columns(400, 3)
    exact = np.linalg.solve(A.toarray(), B)
    again = rv.solve(rv.LinearSystem(A, B), "blockcg", x0=exact, rtol=1e-6)
    assert again.ok and again.steps == 0 and np.allclose(again.x, exact, rtol=1e-12)
    assert rv.solve(rv.LinearSystem(aslinearoperator(A), B), "blockcg", rtol=1e-8).ok
    B[:, 0] *= 1e-290
    B[:, 1] *= 1e290
    before = B.tobytes(), A.data.tobytes()
    result = rv.solve(rv.LinearSystem(A, B), "blockcg", rtol=1e-8)
    assert result.ok and np.allclose(result.x / np.array([1e-290, 1e290, 1.0]), exact, rtol=1e-5, atol=1e-7)
    assert (B.tobytes(), A.data.tobytes()) == before
    zero = rv.solve(rv.LinearSystem(A, 0.0 * columns(400, 3)), "blockcg")
    assert zero.ok and zero.steps == 0 and not zero.x.any()


def test_failures_are_said():
    A, B = laplacian(), columns(400, 3)
    result = rv.solve(rv.LinearSystem(A, B), "blockcg", rtol=1e-12, max_steps=3, on_fail="ignore")
    assert result.status == rv.Status.BUDGET and result.steps == 3 and result.x.shape == (400, 3)
    shifted = sp.csr_array(A - 3.0 * sp.eye_array(400))
    result = rv.solve(rv.LinearSystem(shifted, B), "blockcg", on_fail="ignore")
    assert result.status == rv.Status.INDEFINITE
    B[5, 1] = np.nan
    assert rv.solve(rv.LinearSystem(A, B), "blockcg", on_fail="ignore").status == rv.Status.NONFINITE
    with pytest.raises(ValueError, match="symmetric"):
        rv.solve(rv.LinearSystem(sp.triu(A).tocsr(), columns(400, 3)), "blockcg")


def test_sessions_carry_set_ups_to_the_next_block():
    session = rv.Session(rv.BlockCG(rv.Direct()), learners=[rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-8)
    A, B = laplacian(), columns(400, 3)
    results = [session.solve(rv.LinearSystem(A + 1e-3 * k * sp.eye_array(400), B)) for k in range(5)]
    assert all(result.ok for result in results)
    assert 1 <= sum(result.work.get("factorizations", 0) for result in results) < 5
    assert session.solve(rv.LinearSystem(A, B[:, 0])).ok
