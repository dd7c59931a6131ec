"""Linear least squares: every method against numpy's lstsq, the two ways to succeed, and what is refused."""

import dataclasses
import importlib
import json

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import resolvent as rv

DTYPES = ["float64", "float32", "complex128", "complex64"]
METHODS = {
    "cgls": rv.CGLS(),
    "cgls+jacobi": rv.CGLS(rv.Jacobi()),
    "qr": rv.QR(),
    "lsqr": rv.LSQR(),
    "lsmr": rv.LSMR(),
    "auto": "auto",
}
SHAPES = {"tall": (40, 15), "wide": (15, 40), "square": (20, 20)}


def given(shape, dtype="float64", seed=0, consistent=False):
    rng = np.random.default_rng(seed)
    m, n = shape
    A = rng.standard_normal((m, n)) + 0.3 * np.eye(m, n)
    b = rng.standard_normal(m)
    if np.dtype(dtype).kind == "c":
        A, b = A + 1j * rng.standard_normal((m, n)), b + 1j * rng.standard_normal(m)
    if consistent:
        b = A @ rng.standard_normal(n)
    return A.astype(dtype), b.astype(dtype)


def oracle(A, b, damp=0.0):
    """LAPACK in double precision; of least norm."""
    wide = np.result_type(A.dtype, np.float64)
    A, b = A.astype(wide), b.astype(wide)
    full = np.concatenate([A, damp * np.eye(A.shape[1])]) if damp else A
    return np.linalg.lstsq(full, np.concatenate([b, np.zeros(A.shape[1])]) if damp else b, rcond=None)[0]


def ratios(A, b, x, damp=0.0):
    r = b - A @ x
    s = A.conj().T @ r - damp**2 * x
    return np.linalg.norm(s) / (np.linalg.norm(A) * np.linalg.norm(r)), np.linalg.norm(r) / np.linalg.norm(b)


@pytest.mark.parametrize("damp", [0.0, 0.7])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", METHODS)
def test_agrees_with_lapack(name, shape, damp):
    for dtype in DTYPES:
        A, b = given(SHAPES[shape], dtype)
        rtol = 1e-11 if np.finfo(dtype).eps < 1e-10 else 1e-5
        problem = rv.LinearLeastSquares(A, b, damp=damp)
        result = rv.solve(problem, METHODS[name], rtol=rtol, on_fail="ignore")
        assert result.ok, (dtype, result.reason)
        gap, fit = ratios(A, b, result.x, damp)
        assert gap <= rtol * 1.01 + 4 * np.finfo(dtype).eps or (damp == 0 and fit <= rtol * 1.01)
        if name == "cgls+jacobi" and shape == "wide" and damp == 0:
            continue  # the solution of least norm in another norm
        x = oracle(A, b, damp)
        near = 1e-7 if np.finfo(dtype).eps < 1e-10 else 2e-2
        assert np.linalg.norm(result.x - x) <= near * np.linalg.norm(x)
        assert result.x.dtype == np.dtype(dtype) and result.x.shape == (SHAPES[shape][1],)
        assert json.dumps(result.certificate())


@pytest.mark.parametrize("name", METHODS)
def test_the_status_says_which_criterion_was_met(name):
    A, b = given((40, 15), consistent=True)
    result = rv.solve(rv.LinearLeastSquares(A, b), METHODS[name], rtol=1e-8)
    assert result.status == rv.Status.RESIDUAL and result.seen["misfit"] <= 1e-8 * np.linalg.norm(b) * 1.01
    A, b = given((40, 15))
    result = rv.solve(rv.LinearLeastSquares(A, b), METHODS[name], rtol=1e-8)
    assert result.status == rv.Status.GAP and result.ok
    r = b - A @ result.x
    assert np.linalg.norm(A.T @ r) <= 1.01e-8 * np.linalg.norm(A) * np.linalg.norm(r)
    assert result.seen["misfit"] == pytest.approx(np.linalg.norm(r))
    assert result.seen["gradient"] == pytest.approx(np.linalg.norm(A.T @ r), abs=1e-12)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "operator", "dense"])
def test_every_form_of_a_gives_the_same_and_products_are_counted(form):
    A, b = given((50, 20))
    A[np.abs(A) < 0.8] = 0.0
    calls = [0, 0]

    def forward(v):
        calls[0] += 1
        return A @ v

    def backward(v):
        calls[1] += 1
        return A.T @ v

    operator = LinearOperator(A.shape, matvec=forward, rmatvec=backward, dtype=float)
    made = operator if form == "operator" else A if form == "dense" else sp.csr_array(A).asformat(form)
    result = rv.solve(rv.LinearLeastSquares(made, b), "cgls", rtol=1e-11)
    assert result.ok and np.allclose(result.x, oracle(A, b), rtol=1e-8, atol=1e-10)
    if form == "operator":
        assert calls == [result.work["products"], result.work["adjoint_products"]]


def test_iterates_are_those_of_cg_on_the_normal_equations():
    A, b = given((30, 12), seed=4)
    for k in (1, 3, 6):
        one = rv.solve(rv.LinearLeastSquares(A, b), "cgls", max_steps=k, rtol=1e-14, on_fail="ignore")
        two = rv.solve(rv.LinearSystem(A.T @ A, A.T @ b), "cg", max_steps=k, rtol=1e-14, on_fail="ignore")
        assert np.allclose(one.x, two.x, rtol=1e-9)


def test_rank_deficient_problems_and_the_solution_of_least_norm():
    A, b = given((30, 10))
    A[:, 7] = A[:, 2]
    x = oracle(A, b)
    assert np.allclose(rv.solve(rv.LinearLeastSquares(A, b), "cgls", rtol=1e-11).x, x, atol=1e-8)
    assert np.allclose(rv.solve(rv.LinearLeastSquares(A, b), "qr", rtol=1e-11).x, x, atol=1e-8)


@pytest.mark.parametrize("name", METHODS)
def test_zero_restart_and_guess(name):
    A, b = given((40, 15))
    method = METHODS[name]
    zero = rv.solve(rv.LinearLeastSquares(A, 0 * b), method)
    assert zero.ok and zero.steps == 0 and not zero.x.any()
    first = rv.solve(rv.LinearLeastSquares(A, b), method, rtol=1e-9)
    again = rv.solve(rv.LinearLeastSquares(A, b), method, rtol=1e-9, x0=first.x)
    assert again.ok and again.steps == 0 and np.array_equal(again.x, first.x)
    thresholds = {
        rv.solve(rv.LinearLeastSquares(A, b), method, x0=10.0**k * np.ones(15), on_fail="ignore").threshold
        for k in (-3, 0, 5)
    }
    assert len(thresholds) == 1


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_right_hand_sides_of_any_size(size):
    A, b = given((40, 15))
    result = rv.solve(rv.LinearLeastSquares(A, size * b), "cgls", rtol=1e-10)
    assert result.ok and np.allclose(result.x / size, oracle(A, b), rtol=1e-8)


def test_inputs_and_methods_are_left_alone_and_bits_are_the_same():
    A, b = given((40, 15))
    S = sp.csr_array(A)
    before = [v.tobytes() for v in (A, b, S.data, S.indices, S.indptr)]
    for array in (A, b, S.data, S.indices, S.indptr):
        array.flags.writeable = False
    for matrix in (A, S):
        for name, method in METHODS.items():
            one, two = (rv.solve(rv.LinearLeastSquares(matrix, b), method, rtol=1e-9) for _ in range(2))
            assert one.x.tobytes() == two.x.tobytes(), name
    assert [v.tobytes() for v in (A, b, S.data, S.indices, S.indptr)] == before
    assert dataclasses.replace(rv.CGLS()) == rv.CGLS()


@pytest.mark.parametrize("lib", ["torch", "array_api_strict"])
@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32"])
def test_arrays_of_other_libraries(lib, dtype):
    if importlib.util.find_spec(lib) is None:
        pytest.skip(f"needs {lib}, which is not installed")
    xp = importlib.import_module(lib)
    A, b = given((40, 15), dtype)
    rtol = 1e-10 if dtype != "float32" else 1e-5
    for method in ("cgls", "auto"):
        result = rv.solve(rv.LinearLeastSquares(xp.asarray(A), xp.asarray(b), damp=0.1), method, rtol=rtol)
        assert result.ok and type(result.x) is type(xp.asarray(b))
        assert np.allclose(
            np.asarray(result.x), oracle(A, b, 0.1), rtol=1e-2 if dtype == "float32" else 1e-7, atol=1e-4
        )


def test_sessions_solve_them_one_after_another():
    session = rv.Session(rtol=1e-9)
    for k in range(6):
        A, b = given((40, 15), seed=k)
        result = session.solve(rv.LinearLeastSquares(sp.csr_array(A), b))
        assert result.ok and np.allclose(result.x, oracle(A, b), rtol=1e-6, atol=1e-9)
    assert session.solve(rv.LinearSystem(np.eye(3), np.ones(3))).ok
    assert "in use" in session.summary()


REFUSED = {
    "one dimension": (ValueError, "matrix", lambda: (np.ones(4), np.ones(4), 0.0)),
    "empty": (ValueError, "empty|rows", lambda: (np.ones((0, 3)), np.ones(0), 0.0)),
    "no columns": (ValueError, "empty|rows", lambda: (np.ones((3, 0)), np.ones(3), 0.0)),
    "b of n": (ValueError, r"shape", lambda: (np.ones((4, 3)), np.ones(3), 0.0)),
    "b of columns": (ValueError, "shape", lambda: (np.ones((4, 3)), np.ones((4, 2)), 0.0)),
    "integers": (TypeError, "integer", lambda: (np.ones((4, 3), int), np.ones(4), 0.0)),
    "a list": (TypeError, "list", lambda: ([[1.0], [2.0]], np.ones(2), 0.0)),
    "damp negative": (ValueError, "damp", lambda: (np.ones((4, 3)), np.ones(4), -1.0)),
    "damp nan": (ValueError, "damp", lambda: (np.ones((4, 3)), np.ones(4), np.nan)),
    "damp text": (ValueError, "damp", lambda: (np.ones((4, 3)), np.ones(4), "1")),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence(name):
    kind, words, make = REFUSED[name]
    A, b, damp = make()
    with pytest.raises(kind, match=words) as caught:
        rv.LinearLeastSquares(A, b, damp=damp)
    assert "\n" not in str(caught.value)


def test_methods_and_families_that_do_not_fit_are_refused():
    A, b = given((20, 20))
    for method in ("cgls", "qr"):
        with pytest.raises(ValueError, match="least squares"):
            rv.solve(rv.LinearSystem(A, b), method)
    for method in ("cg", "bicgstab", "minres", "direct"):
        with pytest.raises(ValueError, match="cannot be used here"):
            rv.solve(rv.LinearLeastSquares(A, b), method)
    with pytest.raises(ValueError, match="rmatvec"):

        class Forward:
            shape, dtype = (20, 20), np.dtype(float)

            def matvec(self, x):
                return A @ x

        rv.LinearLeastSquares(Forward(), b)
    with pytest.raises(ValueError, match="entries"):
        rv.solve(rv.LinearLeastSquares(aslinearoperator(A), b), "qr")


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_input_that_is_not_finite(bad):
    A, b = given((20, 8))
    for name, method in METHODS.items():
        A2, b2 = A.copy(), b.copy()
        A2[3, 3], b2[5] = bad, bad
        for problem in (
            rv.LinearLeastSquares(A2, b),
            rv.LinearLeastSquares(A, b2),
            rv.LinearLeastSquares(sp.csr_array(A2), b),
        ):
            assert rv.solve(problem, method, on_fail="ignore").status == rv.Status.NONFINITE, name


def test_qr_says_when_it_would_be_too_large():
    A, b = given((40, 15))
    result = rv.solve(rv.LinearLeastSquares(A, b), rv.QR(limit=100), on_fail="ignore")
    assert result.status == rv.Status.SETUP and "limit" in result.reason


@pytest.mark.parametrize("size", [1e-23, 1e-21, 1e18])
def test_the_gradient_of_a_scaled_float32_matrix_is_no_zero(size):
    """The squares of its entries under- or overflow in float32; its norm does not."""
    rng = np.random.default_rng(3)
    A = (rng.standard_normal((30, 10)) * size).astype(np.float32)
    b = rng.standard_normal(30).astype(np.float32)
    wide = A.astype(float)
    x = (np.linalg.lstsq(wide, b, rcond=None)[0] * (1 + 1e-2 * rng.standard_normal(10))).astype(np.float32)
    r = b - wide @ x
    true = np.linalg.norm(wide.T @ r) / (np.linalg.norm(wide) * np.linalg.norm(r))
    problem = rv.LinearLeastSquares(A, b)
    found = problem.measure(x * np.float32(2.0**problem.shift)).residual / problem.scale
    assert found == pytest.approx(min(true, np.linalg.norm(r) / np.linalg.norm(b)), rel=1e-3)
