"""Matrices for these tests."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv


@pytest.fixture(scope="session")
def laplacian():
    """(side, shift, seed) -> the shifted 5-point Laplacian with a random right-hand side."""

    def make(m, shift=0.5, seed=1):
        line = sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
        eye = sp.eye_array(m)
        A = sp.csr_array(sp.kron(line, eye) + sp.kron(eye, line) + shift * sp.eye_array(m * m))
        return rv.LinearSystem(A, np.random.default_rng(seed).standard_normal(m * m))

    return make
