"""Matrices for the kernels' tests, and how a kernel is given one."""

import numpy as np
import pytest
import scipy.sparse as sp

DTYPES = ("float32", "float64", "complex64", "complex128")


@pytest.fixture(params=DTYPES)
def dtype(request):
    return np.dtype(request.param)


@pytest.fixture
def near(dtype):
    """A relative tolerance for what differs by rounding."""
    return 2e-5 if dtype.char in "fF" else 1e-12


@pytest.fixture(params=("uint32", "uint64"))
def index(request):
    return np.dtype(request.param)


@pytest.fixture(scope="session")
def parts():
    """(matrix, index type) -> (ip, ix, a), as the kernels want them; the matrix comes out canonical."""

    def split(A, index="uint32"):
        A = A.tocsr().copy()
        A.sum_duplicates()
        return A.indptr.astype(index), A.indices.astype(index), A.data

    return split


@pytest.fixture(scope="session")
def vector():
    """(n, type, seed) -> a vector of normal numbers."""

    def make(n, dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        v = rng.standard_normal(n)
        if np.dtype(dtype).kind == "c":
            v = v + 1j * rng.standard_normal(n)
        return v.astype(dtype)

    return make


@pytest.fixture(scope="session")
def definite():
    """(n, density, type, seed) -> a sparse Hermitian positive definite matrix, condition number about 100."""

    def make(n, density=0.1, dtype="float64", seed=0):
        rng = np.random.default_rng(seed)
        B = sp.random_array((n, n), density=density, rng=rng, format="csr")
        if np.dtype(dtype).kind == "c":
            B = B + 1j * sp.random_array((n, n), density=density, rng=rng, format="csr")
        A = sp.csr_array(B @ B.conj().T)
        A = A + 0.02 * float(abs(A).sum(axis=1).max() + 1.0) * sp.eye_array(n)
        return sp.csr_array(A.astype(dtype))

    return make


def _line(m):
    return sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])


def _grid2(m):
    return sp.kron(sp.eye_array(m), _line(m)) + sp.kron(_line(m), sp.eye_array(m))


def _grid3(m):
    eye = sp.eye_array(m)
    return sp.kron(_grid2(m), eye) + sp.kron(sp.eye_array(m * m), _line(m))


def _stencil9(m):
    band = sp.diags_array([np.ones(m - 1), np.ones(m), np.ones(m - 1)], offsets=[-1, 0, 1])
    return 9.0 * sp.eye_array(m * m) - sp.kron(band, band)


def _mesh(n):
    """Stiffness plus mass of linear triangles on random points."""
    from scipy.spatial import Delaunay

    points = np.random.default_rng(5).random((n, 2))
    triangles = Delaunay(points).simplices
    corner = points[triangles]
    side = np.stack([corner[:, 2] - corner[:, 1], corner[:, 0] - corner[:, 2], corner[:, 1] - corner[:, 0]])
    area = abs(side[0, :, 0] * side[1, :, 1] - side[0, :, 1] * side[1, :, 0]) / 2
    local = (
        np.einsum("ite,jte->tij", side, side) / (4 * area[:, None, None]) + area[:, None, None] * (1 + np.eye(3)) / 12
    )
    rows, cols = np.repeat(triangles, 3, axis=1).ravel(), np.tile(triangles, (1, 3)).ravel()
    return sp.coo_array((local.ravel(), (rows, cols)), shape=(n, n))


def _red_black(m):
    order = np.argsort(np.indices((m, m)).sum(axis=0).ravel() % 2, kind="stable")
    return sp.csr_array(_grid2(m))[order][:, order]


@pytest.fixture(scope="session")
def shapes(definite):
    """Symmetric positive definite matrices of different build, by name."""
    hub = np.eye(90) * 3.0
    hub[-1, :], hub[:, -1], hub[-1, -1] = 0.1, 0.1, 3.0
    made = {
        "one": sp.csr_array(np.array([[2.0]])),
        "diagonal": sp.diags_array(np.arange(1.0, 41.0)),
        "line": _line(33),
        "grid2": _grid2(23),
        "grid3": _grid3(9),
        "stencil9": _stencil9(20),
        "red_black": _red_black(16),
        "long levels": _red_black(40),
        "mesh": _mesh(400),
        "random": definite(120, 0.03),
        "dense": definite(80, 0.8),
        "hub": sp.csr_array(hub),
        "two blocks": sp.block_diag([_grid2(12), _line(17)]),
    }
    return {name: sp.csr_array(A) for name, A in made.items()}
