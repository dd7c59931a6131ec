"""SciPy's own solvers: products counted, answers measured again, and no word of theirs taken for true."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from scipy.sparse.linalg import LinearOperator

import resolvent as rv
from resolvent.methods import wrapped

NAMES = ["bicg", "cgs", "qmr", "tfqmr", "lgmres", "gcrotmk"]


def windy(n=80, dtype="float64"):
    A = sp.diags_array([-1.4 * np.ones(n - 1), 3.0 * np.ones(n), -0.6 * np.ones(n - 1)], offsets=[-1, 0, 1]).tocsr()
    b = np.cos(np.arange(n))
    if np.dtype(dtype).kind == "c":
        A, b = A * (1 + 0.3j), b + 1j * np.sin(np.arange(n))
    return sp.csr_array(A).astype(dtype), b.astype(dtype)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", ["float64", "complex128", "float32"])
def test_products_are_counted_with_their_adjoints(name, dtype):
    A, b = windy(dtype=dtype)
    calls = []

    def forward(v):
        calls.append("A")
        return A @ v

    def backward(v):
        calls.append("A^H")
        return A.conj().T @ v

    operator = LinearOperator(A.shape, matvec=forward, rmatvec=backward, dtype=dtype)
    rtol = 1e-9 if dtype != "float32" else 1e-4
    result = rv.solve(rv.LinearSystem(operator, b), name, rtol=rtol)
    assert result.ok and result.work["products"] == len(calls)
    assert ("A^H" in calls) == (name in ("bicg", "qmr"))
    assert np.linalg.norm(b - A @ result.x) <= 1.01 * rtol * np.linalg.norm(b)
    assert result.x.dtype == np.dtype(dtype) and result.steps > 0


@pytest.mark.parametrize("name", NAMES)
def test_a_wrong_info_of_zero_is_continued_or_called_by_its_name(name, monkeypatch):
    A, b = windy()
    real = getattr(spla, name)
    lies = []

    def early(*args, atol=0.0, **options):
        lies.append(atol)
        x, _ = real(*args, atol=atol * (100.0 if len(lies) == 1 else 1.0), **options)
        return x, 0

    monkeypatch.setattr(spla, name, early)
    result = rv.solve(rv.LinearSystem(A, b), name, rtol=1e-9)
    assert result.ok and len(lies) > 1
    assert np.linalg.norm(b - A @ result.x) <= 1e-9 * np.linalg.norm(b)
    monkeypatch.setattr(spla, name, lambda A, b, **options: (0 * b, 0))
    result = rv.solve(rv.LinearSystem(A, b), name, rtol=1e-9, on_fail="ignore")
    assert result.status == rv.Status.STAGNATED and "info = 0" in result.reason


@pytest.mark.parametrize("name", NAMES)
def test_preconditioners_and_their_transposes(name):
    A, b = windy()
    inverse = np.linalg.inv(A.toarray())
    M = LinearOperator(A.shape, matvec=lambda v: inverse @ v, rmatvec=lambda v: inverse.T @ v, dtype=float)
    method = type(wrapped.__dict__[{c.lower(): c for c in wrapped.__all__}[name]]())(preconditioner=M)
    result = rv.solve(rv.LinearSystem(A, b), method, rtol=1e-10)
    assert result.ok and result.steps <= 3 and result.work["preconditions"] > 0


@pytest.mark.parametrize("name", NAMES)
def test_failures_are_said(name):
    A, b = windy()
    result = rv.solve(rv.LinearSystem(A, b), name, rtol=1e-13, max_steps=1, on_fail="ignore")
    assert result.ok or (result.status == rv.Status.BUDGET and result.steps <= 1)

    def raising(v):
        raise RuntimeError("the disk is full")

    operator = LinearOperator(A.shape, matvec=raising, rmatvec=raising, dtype=float)
    result = rv.solve(rv.LinearSystem(operator, b), name, on_fail="ignore")
    assert result.status == rv.Status.ERROR and "the disk is full" in result.reason
    singular = sp.diags_array(np.r_[0.0, np.ones(29)]).tocsr()
    result = rv.solve(rv.LinearSystem(singular, np.ones(30)), name, on_fail="ignore", max_steps=200)
    assert not result.ok and result.reason


@pytest.mark.parametrize("name", ["bicg", "qmr"])
def test_operators_without_adjoint_end_with_the_reason(name):
    A, b = windy()
    operator = LinearOperator(A.shape, matvec=lambda v: A @ v, dtype=float)
    result = rv.solve(rv.LinearSystem(operator, b), name, on_fail="ignore")
    assert (
        result.status == rv.Status.ERROR and "rmatvec" in result.reason.lower()
    ) or "NotImplemented" in result.reason


def test_the_time_and_the_cap_end_a_call():
    A, b = windy(3000)
    slow = LinearOperator(A.shape, matvec=lambda v: A @ v, dtype=float)
    assert (
        rv.solve(rv.LinearSystem(slow, b), "cgs", max_seconds=0.0, rtol=1e-12, on_fail="ignore").status
        == rv.Status.TIME
    )
    from resolvent.core import Advice, Residual

    problem = rv.LinearSystem(A, b)
    result = rv.TFQMR().solve(problem, Advice(cap=5.0), Residual(1e-12))
    assert result.capped and result.status == rv.Status.BUDGET


def test_sessions_keep_set_ups_for_them():
    session = rv.Session(rv.LGMRES(preconditioner=rv.Direct()), learners=[rv.Lifetime("preconditioner")], rtol=1e-8)
    A, b = windy()
    results = [session.solve(rv.LinearSystem(A + 1e-3 * k * sp.eye_array(80), b)) for k in range(5)]
    assert all(result.ok for result in results)
    assert 1 <= sum(result.work.get("factorizations", 0) for result in results) < 5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("power", [-20, -13, 17])
def test_the_unit_of_the_right_hand_side_changes_nothing(name, power):
    A, b = windy()
    whole = rv.solve(rv.LinearSystem(A, b), name, rtol=1e-8)
    scaled = rv.solve(rv.LinearSystem(A, b * 4.0**power), name, rtol=1e-8)
    assert scaled.ok and scaled.steps == whole.steps and np.array_equal(scaled.x, whole.x * 4.0**power)
