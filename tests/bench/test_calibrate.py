"""The fit of the cost table: exact coefficients come back, and what is printed is a table."""

import numpy as np
import pytest

from resolvent.bench.calibrate import Fit, main, remarks, solve, source, table
from resolvent.bench.probes import Sample, grids, measure
from resolvent.core.costs import EVENTS, UNITS

SIZES = [(100, 500), (1000, 5000), (1000, 7000), (20_000, 90_000), (60_000, 1_600_000)]


def sample(rows, nonzeros, coefficients, scale=1.0):
    a, b, c = coefficients
    return Sample(rows, nonzeros, scale * 1e-6 * (a + 1e-3 * (b * nonzeros + c * rows)), {"sweeps": 1})


def test_exact_data_gives_the_coefficients_back():
    fit = solve([sample(n, z, (2.0, 0.5, 3.0)) for n, z in SIZES], ["sweeps"], {})["sweeps"]
    assert np.allclose(fit.values, (2.0, 0.5, 3.0), rtol=1e-6)
    assert fit.low == pytest.approx(1.0) and fit.high == pytest.approx(1.0)


def test_one_sample_taken_under_load_does_not_move_the_fit():
    sizes = [*SIZES, *((2 * n, 2 * z + 7 * n) for n, z in SIZES)]
    samples = [sample(n, z, (2.0, 0.5, 3.0), scale=8.0 if i == 3 else 1.0) for i, (n, z) in enumerate(sizes)]
    fit = solve(samples, ["sweeps"], {})["sweeps"]
    assert np.allclose(fit.values, (2.0, 0.5, 3.0), rtol=0.5)


def test_coefficients_are_never_negative():
    fit = solve([Sample(n, z, 1e-6 * (1 + z / 1000 - n / 2000), {"sweeps": 1}) for n, z in SIZES[:4]], ["sweeps"], {})
    assert min(fit["sweeps"].values) >= 0


def test_what_is_known_is_taken_off_before_the_fit():
    samples = [Sample(n, z, 1e-6 * (12 * (0.5 + 1e-4 * n) + 3.0), {"passes": 12, "calls": 1}) for n, z in SIZES]
    fit = solve(samples, ["passes"], {"calls": (3.0, 0.0, 0.0)})["passes"]
    assert np.allclose(fit.values, (0.5, 0.0, 0.1), rtol=1e-6)


def test_grids_are_symmetric_and_positive_definite():
    found = list(grids(300))
    assert len(found) >= 2
    for problem in found:
        A = problem.A.toarray()
        assert np.array_equal(A, A.T)
        assert np.linalg.eigvalsh(A)[0] > 0


@pytest.mark.full
def test_a_small_measurement_gives_a_table_that_is_python():
    found = measure(largest=1000, rounds=1)
    assert all(s.seconds > 0 for samples in found.values() for s in samples)
    fits = table(found)
    optional = {"hierarchy", "levels_rs", "levels_sa", "cycles_rs", "cycles_sa"}  # PyAMG's
    assert {*EVENTS, *UNITS} - optional <= set(fits) <= {*EVENTS, *UNITS}
    text = "\n".join(source(fits))
    space = {}
    exec(text, space)
    assert set(space["EVENTS"]) == set(EVENTS) and set(space["UNITS"]) == set(UNITS)
    assert all(len(row) == 3 and min(row) >= 0 for row in space["EVENTS"].values())
    assert all(line.startswith("#") for line in remarks(found, fits))


def test_main_prints_what_it_returns():
    printed = []
    fits = main(printed.append, largest=120)
    assert all(isinstance(fit, Fit) for fit in fits.values()) and "products" in fits
    assert any(line.startswith("EVENTS") for line in printed)
