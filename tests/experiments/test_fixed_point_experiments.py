"""The experiments on fixed points at tiny sizes: what they print was measured, and the facts in it hold."""

import math

import numpy as np
import pytest

from resolvent.experiments import infeasibility_detection, variance_reduced_halpern


@pytest.fixture(scope="module")
def infeasible():
    lines = []
    return infeasibility_detection.run(quick=True, out=lines.append), "\n".join(lines)


def test_estimates_tend_to_the_known_displacement(infeasible):
    result, text = infeasible
    assert "paper -2" in text and "not the paper's" in text
    for rows in result["estimates"].values():
        for name in infeasibility_detection.PAPER:
            assert rows[name]["error"] < 0.05
            assert math.isnan(rows[name]["slope"]) or rows[name]["slope"] < -0.8
    assert result["estimates"]["rotation with drift"]["picard residual"]["error"] > 1.0


def test_only_what_has_a_certificate_is_called_infeasible(infeasible):
    ends = infeasible[0]["decisions"]
    assert ends["disc and halfspace"]["with"] == ends["rows x >= 1, x <= 0"]["with"] == "INFEASIBLE"
    assert ends["rotation with drift"]["with"] == "DIVERGED"
    assert all(row["without"] != "INFEASIBLE" for row in ends.values())
    assert all(row["with"] == "RESIDUAL" for name, row in ends.items() if "meet" in name or "touch" in name)


def test_errors_are_those_of_the_iteration_written_down():
    problem, x0, v = infeasibility_detection.cases()["rotation with drift"]
    found = infeasibility_detection.errors(problem, x0, v, 3)
    x = x0
    for _ in range(8):
        x = problem.map(x)
    assert found["picard normalised"][-1] == pytest.approx(np.linalg.norm((x0 - x) / 8 - v))
    y = x0
    for k in range(8):
        y = x0 / (k + 2) + (1 - 1 / (k + 2)) * problem.map(y)
    assert found["halpern residual"][-1] == pytest.approx(np.linalg.norm(y - problem.map(y) - v))


def test_passes_are_charged_and_the_deterministic_methods_stand_beside():
    lines = []
    problem = variance_reduced_halpern.least_squares(200, 5, 1)
    table = variance_reduced_halpern.compared(problem, (1e-1, 1e-2), lines.append)
    assert len(table) == 6 and all(v > 0 for row in table.values() for v in row.values())
    assert all(row[1e-1] <= row[1e-2] for row in table.values())
    gain = variance_reduced_halpern.gains(table)["variance-reduced, adaptive"]
    assert gain[1] == pytest.approx(table["Halpern, 1/L_F"][gain[0]] / table["variance-reduced, adaptive"][gain[0]])


def test_the_constant_is_that_of_the_terms_in_the_mean():
    problem = variance_reduced_halpern.least_squares(50, 3, 0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        u, v = rng.standard_normal(3), rng.standard_normal(3)
        squares = np.mean([np.sum((problem.operator(u, [i]) - problem.operator(v, [i])) ** 2) for i in range(50)])
        inner = (problem.operator(u) - problem.operator(v)) @ (u - v)
        assert squares <= problem.lipschitz * inner * (1 + 1e-9)
