"""BiCGStab: the textbook's iterates, and what it says where it breaks down."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.methods.krylov.bicgstab import FusedBiCGStab, PlainBiCGStab

DTYPES = ["float64", "float32", "complex128", "complex64"]


def windy(n, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    A = sp.diags_array([-1.6 * np.ones(n - 1), 3.0 + rng.random(n), -0.7 * np.ones(n - 1)], offsets=[-1, 0, 1]).tocsr()
    b = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        A = A * (1 + 0.2j) + 0.5j * sp.diags_array(rng.random(n))
        b = b + 1j * rng.standard_normal(n)
    return sp.csr_array(A).astype(dtype), b.astype(dtype)


def textbook(A, b, inverse, steps):
    """Right-preconditioned BiCGStab as it is printed."""
    x, r = np.zeros_like(b), b.copy()
    rh, p, v = r.copy(), np.zeros_like(b), np.zeros_like(b)
    rho = alpha = omega = 1.0
    norms = []
    for _ in range(steps):
        new = np.vdot(rh, r)
        p = r + (new / rho) * (alpha / omega) * (p - omega * v)
        rho = new
        v = A @ (inverse * p)
        alpha = rho / np.vdot(rh, v)
        s = r - alpha * v
        t = A @ (inverse * s)
        omega = np.vdot(t, s) / np.vdot(t, t)
        x = x + inverse * (alpha * p + omega * s)
        r = s - omega * t
        norms.append(np.linalg.norm(r))
    return x, np.array(norms)


@pytest.mark.parametrize("diagonal", [False, True])
@pytest.mark.parametrize("engine", [FusedBiCGStab, PlainBiCGStab])
@pytest.mark.parametrize("dtype", DTYPES)
def test_iterates_are_the_textbooks(dtype, engine, diagonal):
    A, b = windy(60, dtype)
    wide = np.result_type(dtype, "float64")
    inverse = (1.0 / A.diagonal()) if diagonal else np.ones(60, dtype)
    x, norms = textbook(A.astype(wide), b.astype(wide), inverse.astype(wide), 6)
    problem = rv.LinearSystem(A, b)
    bound = rv.Jacobi().bind(problem, {}) if diagonal else None
    made = engine(problem, *problem.start(None, {}), bound.inverse if diagonal and engine is FusedBiCGStab else bound)
    found = np.zeros(6)
    assert made.advance(6, -1.0, found) == 6
    near = 3e3 * np.finfo(dtype).eps
    assert np.allclose(found, norms, rtol=near, atol=near * norms[0])
    assert np.allclose(made.x, x, rtol=0, atol=near * np.abs(x).max())
    assert made.x.dtype == np.dtype(dtype)


@pytest.mark.parametrize("preconditioner", [None, rv.Jacobi(), rv.Direct()])
@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_solves_and_counts(preconditioner, dtype):
    A, b = windy(300, dtype)
    result = rv.solve(rv.LinearSystem(A, b), rv.BiCGStab(preconditioner), rtol=1e-10)
    assert result.ok and np.linalg.norm(b - A @ result.x) <= 1e-10 * np.linalg.norm(b) * 1.0001
    done = result.work.get("bicgstab_steps", 0) + result.work.get("preconditions", 0) / 2
    assert result.steps - 0.5 <= done <= result.steps + 0.5


def test_a_skew_matrix_breaks_it_down_and_it_says_so():
    """<r, A r> = 0 for every r: nothing can be gained."""
    A = sp.csr_array(sp.diags_array([np.ones(29), -np.ones(29)], offsets=[1, -1]))
    result = rv.solve(rv.LinearSystem(A, np.ones(30)), "bicgstab", on_fail="ignore", max_steps=500)
    assert result.status == rv.Status.BREAKDOWN
    assert "vanished" in result.reason and result.seen["residual"] <= np.sqrt(30) * 1.0001


def test_after_a_breakdown_it_begins_again_from_the_x_reached():
    """b = e1 and a cyclic shift: <r~, A p> = 0 at once in the first space, while another start goes through."""
    A = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]])
    shift = rv.solve(rv.LinearSystem(A, np.array([1.0, 0.0, 0.0])), "bicgstab", on_fail="ignore")
    assert shift.status == rv.Status.BREAKDOWN  # the start itself: nothing was reached to begin again from
    A, b = breaks_after_one_step()
    result = rv.solve(rv.LinearSystem(A, b), "bicgstab", rtol=1e-10, on_fail="ignore")
    assert result.ok, result.reason


def breaks_after_one_step():
    """Small integers whose second rho is exactly zero: found by search, checked here."""
    rng = np.random.default_rng(0)
    for _ in range(20_000):
        A = rng.integers(-2, 3, (4, 4)).astype(float)
        b = rng.integers(-1, 2, 4).astype(float)
        if abs(np.linalg.det(A)) < 0.5 or not b.any():
            continue
        down = b @ (A @ b)
        if down == 0.0:
            continue
        s = b - (b @ b) / down * (A @ b)
        t = A @ s
        if t @ s == 0.0 or not s.any():
            continue
        r = s - (t @ s) / (t @ t) * t
        if abs(b @ r) < 1e-15 and 0.05 < np.linalg.norm(r) < 0.7 * np.linalg.norm(b) and abs(r @ (A @ r)) > 0.1:
            return A, b
    raise AssertionError("no such matrix was found")


def test_operators_and_their_preconditioners():
    from scipy.sparse.linalg import LinearOperator, aslinearoperator, splu

    A, b = windy(80)
    lu = splu(sp.csc_array(A))
    M = LinearOperator(A.shape, matvec=lu.solve, dtype=float)
    result = rv.solve(rv.LinearSystem(aslinearoperator(A), b), rv.BiCGStab(M), rtol=1e-10)
    assert result.ok and result.steps <= 2
    with pytest.raises(ValueError, match="FlexibleCG"):
        rv.BiCGStab(lambda r: r)
    with pytest.raises(ValueError, match="not a preconditioner"):
        rv.BiCGStab("ilu")


class Shrinking:
    """A set-up of the user's own, without counts, so small that squares of what it gives vanish."""

    def __init__(self, size):
        self.size = size

    def bind(self, problem, carry):
        return self

    def apply(self, r):
        return r * r.dtype.type(self.size)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("stored", [True, False])
def test_squares_that_vanish_end_in_a_status(dtype, stored):
    from scipy.sparse.linalg import aslinearoperator

    A, b = windy(30, dtype)
    given = A if stored else aslinearoperator(A)
    size = 1e-25 if np.dtype(dtype).itemsize == 4 or dtype == "complex64" else 1e-200
    result = rv.solve(rv.LinearSystem(given, b), rv.BiCGStab(Shrinking(size)), rtol=1e-3, on_fail="ignore")
    assert result.status in (rv.Status.BREAKDOWN, rv.Status.NONFINITE) or result.ok
    assert not result.ok or np.linalg.norm(b - A @ result.x) <= 1.001e-3 * np.linalg.norm(b)
    tight = rv.solve(rv.LinearSystem(A, b), rv.BiCGStab(rv.Jacobi()), rtol=0.0, on_fail="ignore")
    assert isinstance(tight.status, rv.Status) and tight.seen["residual"] < 1e-3 * np.linalg.norm(b)


def test_a_dot_product_that_is_no_number_is_called_so():
    from scipy.sparse.linalg import LinearOperator

    A, b = windy(30)
    calls = []

    def once(v):
        calls.append(1)
        return A @ v * (np.nan if len(calls) == 1 else 1.0)

    result = rv.solve(
        rv.LinearSystem(LinearOperator(A.shape, matvec=once, dtype=float), b), "bicgstab", on_fail="ignore"
    )
    assert result.status == rv.Status.NONFINITE
