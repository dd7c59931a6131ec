"""Operators and fields against slow constructions that share no code with them."""

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.gallery.fields import GridStencil, NormalBlocks, RandomField, grid


def slow_darcy(a):
    """Face by face, in a dictionary."""
    number = np.arange(a.size).reshape(a.shape)
    A = np.zeros((a.size, a.size))
    for at in np.ndindex(*a.shape):
        for axis in range(a.ndim):
            for side in (-1, 1):
                other = list(at)
                other[axis] += side
                k = number[at]
                if 0 <= other[axis] < a.shape[axis]:
                    face = 2 * a[at] * a[tuple(other)] / (a[at] + a[tuple(other)])
                    A[k, k] += face
                    A[k, number[tuple(other)]] -= face
                else:
                    A[k, k] += a[at]
    return A


@pytest.mark.parametrize("shape", [(2, 2), (5, 5), (4, 7), (3, 4, 5), (6, 1, 2)])
def test_darcy_equals_the_face_by_face_construction(shape):
    a = np.exp(np.random.default_rng(1).standard_normal(shape))
    A = GridStencil(shape).darcy(a)
    np.testing.assert_allclose(A.toarray(), slow_darcy(a), rtol=1e-14)


@pytest.mark.parametrize("m", [2, 3, 9])
def test_unit_conductivity_is_the_kronecker_laplacian(m):
    T = sp.diags_array([-np.ones(m - 1), 2 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
    K = sp.kron(sp.eye_array(m), T) + sp.kron(T, sp.eye_array(m))
    assert np.array_equal(GridStencil((m, m)).darcy(np.ones((m, m))).toarray(), K.toarray())
    shifted = GridStencil((m, m)).darcy(np.ones((m, m)), 0.5)
    assert np.array_equal(shifted.toarray(), (K + 0.5 * sp.eye_array(m * m)).toarray())


def test_darcy_is_symmetric_conservative_and_positive_definite():
    a = np.exp(2 * np.random.default_rng(2).standard_normal((8, 8)))
    A = GridStencil((8, 8)).darcy(a)
    assert (A != A.T).nnz == 0
    inner = np.zeros((8, 8), dtype=bool)
    inner[1:-1, 1:-1] = True
    rows = A.sum(axis=1)
    assert abs(rows[inner.ravel()]).max() < 1e-13 * abs(A).max()
    assert (rows[~inner.ravel()] > 0).all()
    assert np.linalg.eigvalsh(A.toarray())[0] > 0


def test_matrices_of_one_stencil_share_a_canonical_pattern():
    stencil = GridStencil((5, 6))
    A, B = stencil.darcy(np.ones((5, 6))), stencil.darcy(np.full((5, 6), 2.0))
    assert A.indices is B.indices is stencil.indices
    assert A.indptr is B.indptr
    assert A.indices.dtype == A.indptr.dtype == np.int32
    assert A.data is not B.data
    fresh = sp.csr_array((A.data, A.indices.copy(), A.indptr.copy()), shape=A.shape)
    fresh.check_format(full_check=True)
    assert fresh.has_canonical_format


def test_grid_numbers_the_unknowns_row_by_row():
    x, y = grid(3)
    assert x[2, 0] == 0.75
    assert y[0, 2] == 0.75
    assert x.shape == y.shape == (3, 3)


def test_blocks_of_normals_are_the_stream_in_any_order():
    rng = np.random.default_rng(7)
    stream = [rng.standard_normal((3, 4)) for _ in range(100)]
    blocks = NormalBlocks(7, (3, 4))
    for i in [0, 1, 5, 3, 99, 33, 64, 31, 32, 0, 98, 40, 70]:
        assert np.array_equal(blocks(i), stream[i]), i


def test_a_random_field_is_its_cosine_sum():
    m, xi = 6, np.random.default_rng(3).standard_normal((6, 6))
    k = np.arange(m)
    coef = 3.0 * (np.pi**2 * (k[:, None] ** 2 + k[None, :] ** 2) + 9.0) ** -1.0
    coef[0, 0] = 0
    phi = np.cos(np.pi * np.outer(k, np.arange(m) + 0.5) / m) * np.where(k == 0, 1, np.sqrt(2))[:, None] / np.sqrt(m)
    expected = np.einsum("kl,ki,lj->ij", m * coef * xi, phi, phi) / np.sqrt((coef**2).sum())
    np.testing.assert_allclose(RandomField(m)(xi), expected, rtol=1e-12, atol=1e-13)


def test_random_fields_have_unit_variance_and_zero_mean():
    field, rng = RandomField(16), np.random.default_rng(4)
    samples = np.array([field(rng.standard_normal((16, 16))) for _ in range(2000)])
    assert abs(samples.mean(axis=(1, 2))).max() < 1e-13
    assert abs((samples**2).mean() - 1) < 0.05
