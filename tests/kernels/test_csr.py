"""Products, residuals and questions about a matrix, against NumPy, exact fractions and matrices checked by hand."""

from fractions import Fraction

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.kernels import csr

HAND = np.array([[4.0, 1.0, 0.0, 0.0], [1.0, 3.0, 2.0, 0.0], [0.0, 2.0, 5.0, 0.0], [0.0, 0.0, 0.0, 6.0]])


def test_product_by_hand(parts):
    y = np.empty(4)
    csr.spmv(*parts(sp.csr_array(HAND)), np.array([1.0, 2.0, 3.0, 4.0]), y)
    assert y.tolist() == [6.0, 13.0, 19.0, 24.0]


def test_product_and_residual_are_numpys(parts, vector, dtype, index, near):
    A = sp.random_array((40, 40), density=0.2, rng=np.random.default_rng(1)).astype(dtype)
    ar = parts(A, index)
    x, b, y, r = vector(40, dtype, 1), vector(40, dtype, 2), np.empty(40, dtype), np.empty(40, dtype)
    csr.spmv(*ar, x, y)
    assert np.allclose(y, A @ x, rtol=0, atol=near * 40)
    norm = csr.residual(*ar, x, b, r)
    assert np.allclose(r, b - A @ x, rtol=0, atol=near * 40)
    assert norm == pytest.approx(np.linalg.norm(r.astype(complex)), rel=1e-12 if dtype.char in "dD" else 1e-6)
    assert csr.norm2(r) == norm


def exact_row(row, x, b):
    """b - row'x in fractions, the real and the imaginary part."""
    split = [(Fraction(float(z.real)), Fraction(float(z.imag))) for z in (*row, *x, b)]
    n = len(row)
    re, im = split[-1]
    for (ar, ai), (xr, xi) in zip(split[:n], split[n:-1]):
        re -= ar * xr - ai * xi
        im -= ar * xi + ai * xr
    return re, im


def test_compensated_residual_is_exact_then_rounded(parts, vector, dtype):
    """Where b is the rounded A x, the residual is all cancellation: a plain sum has no right digit, this one all."""
    n = 12
    A, x = np.outer(vector(n, dtype, 1), vector(n, dtype, 2)), vector(n, dtype, 3)
    wide = np.result_type(dtype, "float64")
    b = (A.astype(wide) @ x.astype(wide)).astype(dtype)
    r = np.empty(n, dtype)
    norm = csr.residual_compensated(*parts(sp.csr_array(A)), x, b, r)
    eps = np.finfo(dtype).eps
    for i in range(n):
        size = float(abs(A[i]) @ abs(x) + abs(b[i]))
        for got, want in zip((r[i].real, r[i].imag), exact_row(A[i], x, b[i])):
            slack = eps * abs(float(want)) + n**2 * (eps * 1e-7 if dtype.char in "fF" else eps**2) * size
            assert abs(float(Fraction(float(got)) - want)) <= slack
    assert norm == pytest.approx(np.linalg.norm(r.astype("D")), rel=1e-6)


def test_compensated_residual_of_a_cancelling_row(parts):
    A = sp.csr_array(np.array([[1e16, 1.0, -1e16], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]))
    r = np.empty(3)
    assert csr.residual_compensated(*parts(A), np.ones(3), np.array([0.0, 1.0, 1.0]), r) == 1.0
    assert r.tolist() == [-1.0, 0.0, 0.0]


def test_floor(parts, vector, dtype, near):
    A = sp.random_array((30, 30), density=0.2, rng=np.random.default_rng(1)).astype(dtype)
    x, b = vector(30, dtype, 1), vector(30, dtype, 2)
    want = np.linalg.norm(abs(A.toarray()) @ abs(x) + abs(b))
    assert csr.floor(*parts(A), x, b) == pytest.approx(want, rel=max(near, 1e-6))


def test_diagonal(parts, dtype, index):
    d = np.empty(4, dtype)
    assert csr.diagonal(*parts(sp.csr_array(HAND.astype(dtype)), index), d) == -1
    assert np.array_equal(d, np.diag(HAND))
    missing = HAND.copy()
    missing[1, 1] = missing[3, 3] = 0
    assert csr.diagonal(*parts(sp.csr_array(missing.astype(dtype)), index), d) == 1
    ip, ix, a = np.array([0, 2], index), np.array([0, 0], index), np.array([1.0, 2.0], dtype)
    assert csr.diagonal(ip, ix, a, d[:1]) == -1
    assert d[0] == 3.0


def test_diagonal_positions(parts, index):
    ip, ix, a = parts(sp.csr_array(HAND), index)
    pos = np.empty(4, index)
    assert csr.diagonal_positions(ip, ix, pos) == -1
    assert a[pos].tolist() == [4.0, 3.0, 5.0, 6.0]
    hole = HAND.copy()
    hole[2, 2] = 0
    ip, ix, a = parts(sp.csr_array(hole), index)
    assert csr.diagonal_positions(ip, ix, pos) == 2


def test_symmetry_by_hand(parts, index):
    def code(A, hermitian=False, tol=1e-12):
        return csr.is_symmetric(*parts(sp.csr_array(A), index), hermitian, tol)

    assert code(HAND) == 2
    values = HAND.copy()
    values[0, 1] = 1.5
    assert code(values) == 1
    assert code(values, tol=0.4) == 2
    pattern = HAND.copy()
    pattern[3, 0] = 1.0
    assert code(pattern) == 0
    assert code(pattern.T) == 0
    assert code(np.triu(HAND)) == 0
    turned = np.array([[2.0, 1j], [-1j, 2.0]])
    assert (code(turned), code(turned, True)) == (1, 2)
    assert (code(abs(turned) + 1j * np.eye(2)), code(abs(turned) + 1j * np.eye(2), True)) == (2, 1)
    hole = HAND.copy()
    hole[0, 1] = np.nan
    assert code(hole) == 1
    assert code(np.zeros((3, 3))) == 2


def test_symmetry_is_what_the_transpose_says(parts, dtype):
    rng = np.random.default_rng(0)
    for _ in range(60):
        n = int(rng.integers(1, 12))
        A = rng.integers(-1, 2, (n, n)) * (rng.random((n, n)) < 0.5)
        A = A + A.T
        for _ in range(int(rng.integers(0, 3))):
            i, j = rng.integers(0, n, 2)
            A[i, j] = rng.integers(0, 3)
        S = sp.csr_array(A.astype(dtype))
        S.eliminate_zeros()
        want = 2 if np.array_equal(A, A.T) else int(np.array_equal(A != 0, (A != 0).T))
        assert csr.is_symmetric(*parts(S), True, 0.0) == want


def test_levels(parts, shapes, index):
    assert csr.levels(*parts(sp.csr_array(HAND), index)[:2], 4).tolist() == [0, 1, 2, 0]
    for A in shapes.values():
        ip, ix, _ = parts(A, index)
        level = csr.levels(ip, ix, A.shape[0])
        for i in range(A.shape[0]):
            before = [int(level[j]) for j in ix[ip[i] : ip[i + 1]] if j < i]
            assert level[i] == 1 + max(before, default=-1)


def test_width(parts, shapes, index):
    width = {name: csr.bfs_width(*parts(A, index)[:2]) for name, A in shapes.items()}
    assert width["one"] == width["diagonal"] == width["line"] == 1
    assert width["grid2"] == 23
    assert width["two blocks"] == 12
    assert width["hub"] >= 88


def test_products_by_runs(parts, shapes, vector, dtype, index, near):
    """Every shape: the same product, to the bit on any number of threads and from the shortest runs to none."""
    for name, A in shapes.items():
        A = A.astype(dtype)
        ip, ix, a = parts(A, index)
        n = len(ip) - 1
        x = vector(n, dtype)
        want, y, z = A @ x, np.empty_like(x), np.empty_like(x)
        for shortest in (2, 8, n + 1):
            plan = csr.runs(ip, ix, shortest)
            assert plan[0, 0] == 0 and plan[-1, 1] == n and np.array_equal(plan[1:, 0], plan[:-1, 1]), name
            csr.spmv_runs(plan, ip, ix, a, x, y)
            assert np.allclose(y, want, rtol=0, atol=near * (abs(A) @ abs(x)).max())
            for count in (2, 3):
                z[:] = np.nan
                csr.spmv_threads(plan, ip, ix, a, x, z, count)
                assert np.array_equal(y, z)


def test_runs_of_a_line_and_of_a_permuted_one(parts):
    line = sp.diags_array([-np.ones(19), 2.0 * np.ones(20), -np.ones(19)], offsets=[-1, 0, 1]).tocsr()
    assert csr.runs(*parts(line)[:2], 8).tolist() == [[0, 1, 0], [1, 19, 3], [19, 20, 0]]
    order = np.random.default_rng(0).permutation(20)
    assert csr.runs(*parts(line[order][:, order])[:2], 8).tolist() == [[0, 20, 0]]


def test_large_systems_multiply_by_runs(monkeypatch):
    import resolvent as rv

    monkeypatch.setattr(csr, "LARGE", 50)
    line = sp.diags_array([-np.ones(99), 3.0 * np.ones(100), -2.0 * np.ones(99)], offsets=[-1, 0, 1]).tocsr()
    problem = rv.LinearSystem(line, np.ones(100))
    assert np.allclose(problem.product(np.arange(100.0)), line @ np.arange(100.0), rtol=1e-14)
    assert problem.symbolic["csr.runs"].tolist() == [[0, 1, 0], [1, 99, 3], [99, 100, 0]]
    order = np.random.default_rng(0).permutation(100)
    mixed = rv.LinearSystem(sp.csr_array(line[order][:, order]), np.ones(100))
    assert np.allclose(mixed.product(np.ones(100)), mixed.A @ np.ones(100)) and mixed.symbolic["csr.runs"] is None
