"""Flexible CG: PCG for linear maps, never worse in the norm of A for any other, and what CG does with a function."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

import resolvent as rv


def definite(n, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if np.dtype(dtype).kind == "c" else 0.0)
    Q = np.linalg.qr(B)[0]
    A = (Q * np.logspace(0, 3, n)) @ Q.conj().T
    return ((A + A.conj().T) / 2).astype(dtype), rng.standard_normal(n).astype(dtype)


@pytest.mark.parametrize("window", [1, 2, 5])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_with_a_linear_map_it_is_pcg_to_rounding(window, dtype):
    A, b = definite(60, dtype=dtype)
    d = np.linspace(1.0, 9.0, 60)
    operator = LinearOperator((60, 60), matvec=lambda r: r / d, dtype=dtype)
    problem = rv.LinearSystem(A, b)
    pcg = rv.solve(problem, rv.CG(operator), max_steps=15, rtol=1e-14, on_fail="ignore")
    flexible = rv.FlexibleCG(window, lambda r: r / d)
    mine = rv.solve(problem, flexible, max_steps=15, rtol=1e-14, on_fail="ignore")
    assert mine.steps == pcg.steps == 15
    assert np.allclose(mine.history[:, 1], pcg.history[:, 1], rtol=1e-7)
    assert np.allclose(mine.x, pcg.x, rtol=0, atol=1e-8 * np.abs(pcg.x).max())


@pytest.mark.parametrize("window", [1, 3])
def test_the_error_in_the_norm_of_a_never_grows_whatever_the_function_does(window):
    A, b = definite(50, seed=1)
    exact = np.linalg.solve(A, b)
    rng = np.random.default_rng(5)

    def wild(r):
        return rng.standard_normal() * r + np.linalg.norm(r) * rng.standard_normal(50)

    problem = rv.LinearSystem(A, b)
    method = rv.FlexibleCG(window, wild)
    state = method.init(problem, None, {})
    error = exact @ A @ exact
    for _ in range(40):
        state.room = 1
        method.step(problem, state)
        e = exact - state.engine.x
        assert e @ A @ e <= error * (1 + 1e-12)
        error = e @ A @ e


def test_a_wider_window_helps_a_function_that_changes():
    A, b = definite(80, seed=2)

    def make():
        count = [0]

        def turning(r):
            count[0] += 1
            return r * (1.0 + 0.8 * np.sin(np.arange(80) + count[0]))

        return turning

    steps = [rv.solve(rv.LinearSystem(A, b), rv.FlexibleCG(k, make()), rtol=1e-8).steps for k in (1, 20)]
    assert steps[1] < steps[0]


def test_cg_takes_functions_and_runs_them_flexibly():
    A, b = definite(40, seed=3)
    calls = []

    def f(r):
        calls.append(r.shape)
        return r * (0.5 + 0.1 * (len(calls) % 3))

    one = rv.solve(rv.LinearSystem(A, b), rv.CG(f), rtol=1e-8)
    assert one.ok and len(calls) == one.steps == one.work["preconditions"]
    calls.clear()
    two = rv.solve(rv.LinearSystem(A, b), rv.FlexibleCG(1, f), rtol=1e-8)
    assert one.x.tobytes() == two.x.tobytes()


@pytest.mark.parametrize(
    ("f", "status", "words"),
    [
        (lambda r: 0.0 * r, rv.Status.BREAKDOWN, "no new direction"),
        (lambda r: r[:-1], rv.Status.SETUP, "shape"),
        (lambda r: r * 1j, rv.Status.SETUP, "complex"),
        (lambda r: r * np.nan, rv.Status.NONFINITE, "finite"),
        (lambda r: 1 / 0, rv.Status.SETUP, "ZeroDivisionError"),
        (lambda r: None, rv.Status.SETUP, "NoneType"),
    ],
)
def test_functions_that_misbehave(f, status, words):
    A, b = definite(20, seed=4)
    for method in (rv.CG(f), rv.FlexibleCG(2, f)):
        result = rv.solve(rv.LinearSystem(A, b), method, on_fail="ignore")
        assert result.status == status and words in result.reason


def test_indefinite_matrices_are_found_out():
    result = rv.solve(
        rv.LinearSystem(sp.diags_array([1.0, -1.0, 2.0]).tocsr(), np.array([0.1, 1.0, 0.1])),
        "flexiblecg",
        on_fail="ignore",
    )
    assert result.status == rv.Status.INDEFINITE
