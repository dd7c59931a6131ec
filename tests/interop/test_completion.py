"""The scikit-learn face of matrix completion."""

import numpy as np
import pytest
import scipy.sparse as sp

pytest.importorskip("sklearn", reason="needs the extra sklearn: pip install 'resolvent[sklearn]'")
from sklearn.utils.estimator_checks import parametrize_with_checks

from resolvent.gallery.entries import planted
from resolvent.interop.sklearn import MatrixCompletion

MATRIX = "its prediction is a matrix of rows and features, not one number a row"


def expected(estimator):
    return {"check_estimator_sparse_array": MATRIX, "check_estimator_sparse_matrix": MATRIX}


@parametrize_with_checks([MatrixCompletion(rank=2)], expected_failed_checks=expected)
def test_what_scikit_learn_asks(estimator, check):
    check(estimator)


def test_nan_and_sparse_input_agree_and_recover():
    rows, cols, values, U, V = planted(60, 40, 2, 0.5)
    M = U @ V.T
    dense = np.full(M.shape, np.nan)
    dense[rows, cols] = values
    sparse = sp.coo_array((values, (rows, cols)), shape=M.shape)
    make = lambda: MatrixCompletion(rank=2, ridge=1e-10, tol=1e-9, center=False)
    one, two = make().fit(dense), make().fit(sparse)
    assert np.array_equal(one.row_factors_, two.row_factors_)
    assert np.abs(one.transform(dense) - M).max() < 1e-5
    assert np.abs(one.predict_entries(np.arange(40), np.arange(40)) - np.diag(M[:40])).max() < 1e-5
    assert one.result_.ok
    fresh = np.full((1, 40), np.nan)
    fresh[0, :10] = (U[3] @ V.T)[:10]
    assert np.abs(one.transform(fresh) - U[3] @ V.T).max() < 1e-4


def test_nothing_known_is_refused():
    with pytest.raises(ValueError, match="all entries are missing"):
        MatrixCompletion().fit(np.full((3, 3), np.nan))
