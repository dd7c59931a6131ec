"""Sub-domain deflation: the coarse matrix, its band factor and the projection against dense twins."""

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent import kernels
from resolvent.operators.deflation import _factor, partition
from resolvent.problems.linear import LinearSystem


def band_of(E, width):
    out = np.zeros((len(E), width + 1), E.dtype)
    for c in range(len(E)):
        for r in range(c, min(len(E), c + width + 1)):
            out[c, r - c] = E[r, c]
    return out


def narrow(m, width, dtype, seed=0):
    """A Hermitian positive definite band matrix."""
    rng = np.random.default_rng(seed)
    L = np.tril(rng.standard_normal((m, m)))
    if np.dtype(dtype).kind == "c":
        L = L + 1j * np.tril(rng.standard_normal((m, m)), -1)
    L = np.where(np.subtract.outer(np.arange(m), np.arange(m)) <= width, L, 0) + 3 * np.eye(m)
    return (L @ L.conj().T).astype(dtype)


@pytest.mark.parametrize("width", [0, 1, 4, 9])
def test_the_band_factor_solves(dtype, near, width):
    E = narrow(10, width, dtype)
    inverse, s = np.zeros(10, E.real.dtype), (np.arange(10) - 3.0).astype(dtype)
    x = np.linalg.solve(E, s)
    for factor in (_factor, lambda F, inv: F if kernels.deflation.factor(F, inv) < 0 else None):
        F = factor(band_of(E, width), inverse)
        got = s.copy()
        kernels.deflation.solve(F, inverse, got)
        assert np.linalg.norm(got - x) <= 100 * near * np.linalg.norm(x)


def test_a_null_vector_is_left_out_and_a_negative_pivot_is_told():
    line = np.diag([1.0, 2, 2, 1]) - np.diag(np.ones(3), 1) - np.diag(np.ones(3), -1)
    inverse, s = np.zeros(4), np.array([1.0, 0, 0, -1])
    F = _factor(band_of(line, 1), inverse)
    kernels.deflation.solve(F, inverse, s)
    assert np.allclose(line @ s, [1, 0, 0, -1]) and np.count_nonzero(inverse) == 3
    assert _factor(band_of(np.diag([1.0, -1.0]), 0), np.zeros(2)) is None


def problem_of(A, dtype):
    return LinearSystem(A.astype(dtype), np.ones(A.shape[0], dtype), symmetric=True)


def grid(m, dtype):
    line = sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
    A = sp.csr_array(sp.kron(line, sp.eye_array(m)) + sp.kron(sp.eye_array(m), line))
    if np.dtype(dtype).kind == "c":
        turn = sp.diags_array(np.exp(1j * np.arange(m * m)))
        A = sp.csr_array(turn @ A @ turn.conj())
    return A


@pytest.mark.parametrize("index", ["uint32"])
def test_the_coarse_matrix_and_the_projection(dtype, near, index):
    A = grid(8, dtype)
    problem = problem_of(A, dtype)
    problem._vet()
    label, count = partition(problem, 9)
    W = np.eye(count)[label]
    plan = kernels.eisenstat.symbolic(problem.ip, problem.ix)
    perm = plan[kernels.eisenstat.HEAD : kernels.eisenstat.HEAD + 64]
    mat, root, _, _ = kernels.eisenstat.allocate(plan, problem.dtype)
    kernels.eisenstat.numeric(plan, problem.ip, problem.ix, problem.data, mat, root)
    ptr, col, place, band = kernels.deflation.analyse(problem.ip, problem.ix, label, count, perm)
    E, val = np.zeros((count, band + 1), dtype), np.zeros((2, len(col)), dtype)
    at, to = np.zeros(len(col) + 1, col.dtype), np.zeros(len(col), col.dtype)
    kernels_args = (problem.ip, problem.data, label, perm, ptr, col, place, root, val[0], E, at, to, val[1])
    filled = kernels.deflation.numeric(*kernels_args)
    dense = A.toarray()
    assert np.allclose(E, band_of(W.T @ dense @ W, band), rtol=10 * near, atol=10 * near)
    listed = np.zeros((64, count), dtype)
    np.add.at(listed, (at[:filled].astype(int), to[:filled].astype(int)), val[1, :filled])
    wanted = (dense @ W)[perm.astype(int)] / np.sqrt(dense.diagonal().real[perm.astype(int)])[:, None]
    assert np.allclose(listed, wanted, rtol=10 * near, atol=10 * near)
    assert np.dtype(dtype).kind == "c" or filled < len(col)  # inner rows sum to zero, and are left out
    inverse, s = np.zeros(count, root.dtype), np.zeros(count, dtype)
    F = _factor(E, inverse)
    x, r = np.zeros(64, dtype), np.arange(64).astype(dtype)
    kernels.deflation.project(plan, root, label, at[: filled + 1], to[:filled], val[1, :filled], F, inverse, s, x, r)
    size = np.linalg.norm(np.arange(64))
    assert np.linalg.norm(W.T @ r) <= 1e3 * near * size
    assert np.linalg.norm(np.arange(64) - dense @ x - r) <= 1e3 * near * size


def test_blocks_are_squares_on_grids_and_connected_elsewhere():
    labels, count = partition(problem_of(grid(8, "float64"), "float64"), 16)
    assert count == 16 and np.array_equal(labels.reshape(8, 8)[::2, ::2], np.arange(16).reshape(4, 4))
    order = np.random.default_rng(0).permutation(64)
    A = sp.csr_array(grid(8, "float64")[order][:, order])
    labels, count = partition(problem_of(A, "float64"), 8)
    assert np.array_equal(np.unique(labels), np.arange(count)) and np.bincount(labels).max() <= 8
    for g in range(count):
        own = np.flatnonzero(labels == g)
        assert sp.csgraph.connected_components(sp.csr_matrix(A[own][:, own]))[0] == 1


def test_cubes_and_nine_points():
    line = sp.diags_array([-np.ones(5), 2.0 * np.ones(6), -np.ones(5)], offsets=[-1, 0, 1])
    eye = sp.eye_array(6)
    cube = sp.kron(sp.kron(line, eye), eye) + sp.kron(sp.kron(eye, line), eye) + sp.kron(sp.kron(eye, eye), line)
    labels, count = partition(problem_of(sp.csr_array(cube), "float64"), 8)
    assert count == 8 and np.bincount(labels).tolist() == [27] * 8
    near = sp.diags_array([np.ones(5), np.ones(6), np.ones(5)], offsets=[-1, 0, 1])
    nine = sp.csr_array(9.0 * sp.eye_array(36) - sp.kron(near, near))
    labels, count = partition(problem_of(nine, "float64"), 4)
    assert count == 4 and np.bincount(labels).tolist() == [9] * 4
