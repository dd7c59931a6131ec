"""The experiments of Newton-type methods, small: they run, and their claims are computed from what was run."""

import pytest

from resolvent.experiments import damped_newton, fosi, gradient_normalized_smoothness, lazy_hessians, saddle_free_newton


@pytest.fixture
def lines():
    return []


def test_damped_newton_solves_all_and_says_how(lines):
    found = damped_newton.run(quick=True, out=lines.append)
    assert found["solved"] == 1.0 and 0.3 < found["ratio"] < 5.0
    assert any("paper" in line for line in lines)


def test_gradient_normalised_damping_never_fails(lines):
    found = gradient_normalized_smoothness.run(quick=True, out=lines.append)
    assert len(found) == 11 and not any(row["failed"] for row in found.values())


def test_lazy_hessians_are_fewer(lines):
    found = lazy_hessians.run(quick=True, out=lines.append)
    rows = found["race"][0.1]
    assert rows["m = 20"]["hessians"] < rows["m = 1, Cholesky"]["hessians"]
    assert found["sequence"]["carried"] < found["sequence"]["cold"]
    assert found["sequence"]["carried, solved"] == 20


def test_saddle_free_newton_reaches_minima(lines):
    found = saddle_free_newton.run(quick=True, out=lines.append)
    assert found["minimum"] == 1.0
    assert found["slope"] < 10.0


def test_fosi_is_charged_for_its_products(lines):
    found = fosi.run(quick=True, out=lines.append)
    rows = found["100"]
    assert rows["FOSI + gradient descent"] < rows["gradient descent, 1/L"]
