"""A^T x = b through the same session: what was set up for A is applied transposed, and nothing is set up again."""

import importlib

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import resolvent as rv


def windy(n=60, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    A = sp.diags_array([-1.4 * np.ones(n - 1), 3.0 + rng.random(n), -0.6 * np.ones(n - 1)], offsets=[-1, 0, 1]).tocsr()
    A = sp.csr_array(A + sp.diags_array([0.3 * np.ones(n - 5)], offsets=[5]).tocsr())
    b = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        A, b = A * (1 + 0.3j), b + 1j * rng.standard_normal(n)
    return A.astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32"])
@pytest.mark.parametrize("name", ["direct", "bicgstab", "idr", "gmres", "auto", "lgmres", "bicg", "qmr"])
@pytest.mark.parametrize("form", ["csr", "dense", "operator"])
def test_solves_with_the_transpose_not_conjugated(form, name, dtype):
    A, b = windy(dtype=dtype)
    made = {"csr": A, "dense": A.toarray(), "operator": aslinearoperator(A)}[form]
    if form == "operator" and name in ("direct", "auto"):
        return
    rtol = 1e-9 if dtype != "float32" else 1e-3
    result = rv.solve(rv.LinearSystem(made, b, transposed=True), name, rtol=rtol)
    assert result.ok and np.linalg.norm(b - A.T @ result.x) <= 1.01 * rtol * np.linalg.norm(b)
    assert "A^T" in result.certificate()["kind"] if "kind" in result.certificate() else True


SET_UPS = {
    "bicgstab+factor": (lambda: rv.BiCGStab(rv.Direct()), "preconditioner"),
    "idr+ilut": (lambda: rv.IDR(preconditioner=rv.ILUT()), "preconditioner"),
    "gmres+factor": (lambda: rv.GMRES(preconditioner=rv.Direct()), "preconditioner"),
    "direct": (rv.Direct, "factor"),
}


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("name", SET_UPS)
def test_no_second_set_up_is_made(name, dtype):
    make, slot = SET_UPS[name]
    A, b = windy(dtype=dtype)
    session = rv.Session(make(), learners=[rv.Lifetime(slot)], rtol=1e-9)
    problem = rv.LinearSystem(A, b)
    first = session.solve(problem)
    back = session.solve(problem.transpose(b[::-1].copy()))
    again = session.solve(rv.LinearSystem(A, 2.0 * b))
    assert first.work["factorizations"] == 1
    assert back.work.get("factorizations", 0) == again.work.get("factorizations", 0) == 0
    assert back.ok and np.linalg.norm(b[::-1] - A.T @ back.x) <= 1.01e-9 * np.linalg.norm(b)
    assert again.ok and np.linalg.norm(2.0 * b - A @ again.x) <= 2.02e-9 * np.linalg.norm(b)
    assert back.steps <= 5


@pytest.mark.parametrize("name", SET_UPS)
def test_the_set_up_of_a_transposed_solve_serves_the_other_way(name):
    make, slot = SET_UPS[name]
    A, b = windy()
    session = rv.Session(make(), learners=[rv.Lifetime(slot)], rtol=1e-9)
    back = session.solve(rv.LinearSystem(A, b, transposed=True))
    first = session.solve(rv.LinearSystem(A, b))
    assert back.ok and first.ok and back.work["factorizations"] == 1
    assert first.work.get("factorizations", 0) == 0 and np.linalg.norm(b - A @ first.x) <= 1.01e-9 * np.linalg.norm(b)


@pytest.mark.parametrize("preconditioner", ["jacobi", "ilu0", "operator"])
def test_other_preconditioners(preconditioner):
    A, b = windy()
    inverse = np.linalg.inv(A.toarray())
    M = LinearOperator(A.shape, matvec=lambda v: inverse @ v, rmatvec=lambda v: inverse.T @ v, dtype=float)
    made = {"jacobi": rv.Jacobi(), "ilu0": rv.ILU0(), "operator": M}[preconditioner]
    session = rv.Session(rv.BiCGStab(made), learners=[rv.Lifetime("preconditioner")], rtol=1e-9)
    for problem in (rv.LinearSystem(A, b), rv.LinearSystem(A, b, transposed=True), rv.LinearSystem(A, 2 * b)):
        result = session.solve(problem)
        assert result.ok and result.steps < 25
    assert preconditioner != "operator" or result.steps <= 2


def test_symmetric_matrices_and_sessions_with_guesses():
    A = sp.csr_array(sp.diags_array([-np.ones(59), 2.5 * np.ones(60), -np.ones(59)], offsets=[-1, 0, 1]))
    for method in (rv.CG(rv.SSOR()), rv.CG(rv.IC()), rv.CG(rv.Direct()), "auto"):
        session = rv.Session(method, learners=[] if method == "auto" else [rv.Guess(always=True)], rtol=1e-9)
        for k in range(6):
            b = np.cos(np.arange(60) + k)
            result = session.solve(rv.LinearSystem(A, b, transposed=bool(k % 2)))
            assert result.ok and np.linalg.norm(b - A @ result.x) <= 1.01e-9 * np.linalg.norm(b)


def test_guesses_of_one_side_are_not_used_for_the_other():
    A, _ = windy()
    session = rv.Session("bicgstab", learners=[rv.Guess(always=True)], rtol=1e-9)
    for k in range(8):
        b = np.cos(np.arange(60) + 0.3 * k)
        result = session.solve(rv.LinearSystem(A, b, transposed=bool(k % 2)))
        M = A.T if k % 2 else A
        assert result.ok and np.linalg.norm(b - M @ result.x) <= 1.01e-9 * np.linalg.norm(b)


def test_columns_back_and_forth_and_inputs():
    A, b = windy()
    B = np.column_stack([b, b[::-1]])
    before = A.data.tobytes(), A.indices.tobytes(), B.tobytes()
    problem = rv.LinearSystem(A, B)
    x = rv.solve(problem.transpose(B), "bicgstab", rtol=1e-9).x
    assert np.linalg.norm(B - A.T @ x) <= 2e-9 * np.linalg.norm(B)
    twice = problem.transpose(B).transpose(b)
    assert type(twice) is rv.LinearSystem and not twice.transposed
    assert (A.data.tobytes(), A.indices.tobytes(), B.tobytes()) == before


@pytest.mark.parametrize("lib", ["torch", "array_api_strict"])
def test_arrays_of_other_libraries(lib):
    if importlib.util.find_spec(lib) is None:
        pytest.skip(f"needs {lib}, which is not installed")
    xp = importlib.import_module(lib)
    A, b = windy()
    problem = rv.LinearSystem(xp.asarray(A.toarray()), xp.asarray(b))
    result = rv.solve(problem.transpose(xp.asarray(b)), "bicgstab", rtol=1e-9)
    assert result.ok and np.linalg.norm(b - A.T @ np.asarray(result.x)) <= 1.01e-9 * np.linalg.norm(b)


def test_what_is_refused():
    A, b = windy()
    with pytest.raises(ValueError, match="nullspace"):
        rv.LinearSystem(A, b, nullspace=np.ones(60), transposed=True)

    class Forward:
        shape, dtype = A.shape, np.dtype(float)

        def matvec(self, x):
            return A @ x

    with pytest.raises(ValueError, match="rmatvec"):
        rv.LinearSystem(Forward(), b, transposed=True)


def test_a_transposed_set_up_transposed_again_is_the_set_up():
    from resolvent.operators.base import Transposed

    A = np.array([[4.0, 1.0], [0.0, 3.0]])
    bound = rv.ILUT().bind(rv.LinearSystem(sp.csr_array(A), np.ones(2)), {})
    turned, r = Transposed(bound), np.array([1.0, 2.0])
    assert np.allclose(turned.apply(r), np.linalg.solve(A.T, r))
    assert np.allclose(turned.apply_transposed(r), np.linalg.solve(A, r))
    assert turned.recipe == rv.ILUT()
    with pytest.raises(AttributeError):
        Transposed.__new__(Transposed).original  # noqa: B018 - nothing to look into yet
