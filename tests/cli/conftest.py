"""A system in a file."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.gallery import save_system


@pytest.fixture
def system(tmp_path):
    A = sp.diags_array([-np.ones(29), 3 * np.ones(30), -np.ones(29)], offsets=[-1, 0, 1]).tocsr()
    save_system(tmp_path / "A.mtx", rv.LinearSystem(A, np.arange(30.0)))
    return tmp_path / "A.mtx", A, np.arange(30.0)
