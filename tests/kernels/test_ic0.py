"""IC(0) against its dense definition, and where it is the whole Cholesky factorization."""

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.kernels import ic0


def dense_factor(A):
    """The lower factor of IC(0): Cholesky's formulas, taken on A's pattern alone."""
    L = np.zeros(A.shape, np.result_type(A, "float64"))
    for i in range(len(A)):
        for j in np.flatnonzero(A[i, :i]):
            L[i, j] = (A[i, j] - L[i, :j] @ L[j, :j].conj()) / L[j, j]
        L[i, i] = np.sqrt(A[i, i].real - (abs(L[i, :i]) ** 2).sum())
    return L


def factored(A, parts, shift=0.0, index="uint32"):
    ar = parts(A, index)
    plan = ic0.symbolic(*ar[:2])
    fac = ic0.allocate(plan, A.dtype)
    return plan, fac, ic0.factor(plan, *ar, shift, fac)


def test_by_hand(parts):
    """Full pattern, so the exact inverse: [[4, 2], [2, 5]]^-1 (8, 8) = (1.5, 1)."""
    plan, fac, row = factored(sp.csr_array(np.array([[4.0, 2.0], [2.0, 5.0]])), parts)
    assert row == -1
    z = np.empty(2)
    ic0.solve(plan, fac, np.array([8.0, 8.0]), z)
    assert z.tolist() == [1.5, 1.0]


def test_solves_with_the_dense_factor(parts, definite, vector, dtype, index, near):
    A, r = definite(50, 0.06, dtype), vector(50, dtype)
    plan, fac, row = factored(A, parts, index=index)
    assert row == -1
    L = dense_factor(A.toarray())
    want = np.linalg.solve(L @ L.conj().T, r)
    z = np.full_like(r, np.nan)
    ic0.solve(plan, fac, r, z)
    assert np.allclose(z, want, rtol=0, atol=10 * near * abs(want).max())
    ic0.solve(plan, fac, r, r)
    assert np.array_equal(r, z)


def test_shapes(parts, shapes, vector):
    for name, A in shapes.items():
        plan, fac, row = factored(A, parts)
        if name == "mesh" and row >= 0:
            continue  # not an M-matrix
        assert row == -1
        L = dense_factor(A.toarray())
        assert np.allclose((L @ L.T)[A.toarray() != 0], A.toarray()[A.toarray() != 0], rtol=1e-12)
        z, r = np.empty(A.shape[0]), vector(A.shape[0])
        ic0.solve(plan, fac, r, z)
        assert np.allclose(L @ (L.T @ z), r, rtol=0, atol=1e-10 * abs(A).max() * abs(z).max())


@pytest.mark.parametrize("name", ["line", "dense", "hub", "diagonal"])
def test_exact_where_nothing_fills(parts, shapes, vector, name):
    A = shapes[name]
    plan, fac, row = factored(A, parts)
    assert row == -1
    x = np.empty(A.shape[0])
    ic0.solve(plan, fac, vector(A.shape[0]), x)
    assert np.allclose(A @ x, vector(A.shape[0]), rtol=0, atol=1e-11)


def test_a_failing_pivot_names_its_row_and_a_shift_helps(parts, vector):
    A = np.eye(6) * 2.0
    A[1, 4] = A[4, 1] = 3.0  # pivot 2 - 9/2
    plan, fac, row = factored(sp.csr_array(A), parts)
    assert row == 4
    plan, fac, row = factored(sp.csr_array(A), parts, shift=1.0)
    assert row == -1
    x = np.empty(6)
    ic0.solve(plan, fac, vector(6), x)
    assert np.allclose((A + 2.0 * np.eye(6)) @ x, vector(6), rtol=0, atol=1e-13)


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_a_diagonal_that_cannot_be(parts, shapes, value):
    ip, ix, a = parts(shapes["grid2"])
    rows = np.repeat(np.arange(len(ip) - 1), np.diff(ip.astype(int)))
    a = np.where((rows == 17) & (ix == 17), value, a)
    plan = ic0.symbolic(ip, ix)
    assert ic0.factor(plan, ip, ix, a, 0.0, ic0.allocate(plan, "float64")) == 17


def test_the_room_can_be_used_again(parts, shapes, vector):
    A = shapes["grid3"]
    plan, fac, _ = factored(A, parts)
    ip, ix, a = parts(A)
    assert ic0.factor(plan, ip, ix, -a, 0.0, fac) == 0
    assert ic0.factor(plan, ip, ix, a, 0.0, fac) == -1
    fresh, z, w = factored(A, parts)[1], np.empty(A.shape[0]), np.empty(A.shape[0])
    ic0.solve(plan, fac, vector(A.shape[0]), z)
    ic0.solve(plan, fresh, vector(A.shape[0]), w)
    assert np.array_equal(z, w)
