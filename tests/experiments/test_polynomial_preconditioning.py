"""The experiment at small size: the table is the formula's, counts are counts, and what does not pay is seen not to pay."""

import numpy as np
import pytest

from resolvent.experiments import polynomial_preconditioning as experiment


@pytest.fixture(scope="module")
def printed():
    lines = []
    return experiment.run(quick=True, out=lines.append), lines


def test_measured_condition_numbers_are_the_formulas(printed):
    result, lines = printed
    table = result["conditions"]["100, 50, 10, 3, 2, 1.5, 1"]
    assert [row[0] for row in table] == [0, 1, 3]
    assert [row[2] for row in table] == pytest.approx([100.0, 40.5, 5.27], rel=3e-3)
    for rows in result["conditions"].values():
        for _, formula, measured in rows:
            assert measured == pytest.approx(formula, rel=1e-5)
    assert any("tau 3: 5.266 / 5.266" in line for line in lines)


def test_fewer_steps_are_not_fewer_products(printed):
    rows = printed[0]["regression"]
    assert all(row["reached"] for row in rows.values())
    base, best = rows["gradient"], rows["gradient, P of degree 3"]
    assert base["steps"] >= 5 * best["steps"]
    assert best["products"] == pytest.approx(4 * best["steps"] + 1)
    assert rows["L-BFGS (SciPy)"]["products"] < best["products"]
    assert rows["gradient, Krylov of degree 3"]["steps"] <= best["steps"]


def test_the_gradient_counts_are_those_of_gradient_descent_written_down():
    f = experiment.Logistic(40, np.array([50.0, 2.0, 1.0]), 0.5, seed=1)
    experiment._steps(f, lambda g: g, f.L, 1e-6, 10_000)
    w, steps = np.zeros(3), 0

    def gradient(w):
        p = 1.0 / (1.0 + np.exp(f.y * (f.X @ w)))
        return -f.X.T @ (f.y * p) / 40 + 0.5 * w

    goal = 1e-6 * np.linalg.norm(gradient(w))
    while np.linalg.norm(gradient(w)) > goal:
        w, steps = w - gradient(w) / f.L, steps + 1
    assert abs(steps - f.steps) <= 1 and f.products == f.steps + 1


def test_conjugate_gradients_dominate_on_linear_systems(printed):
    rows = printed[0]["linear"]
    for name in ("3 outliers", "grid"):
        least = min(rows["CG"][name], rows["CG, scaled by the diagonal"][name])
        assert all(row[name] >= 0.9 * least for row in rows.values())
