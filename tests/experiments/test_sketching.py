"""The experiment at small size: derivatives are right, answers are stationary, the sketches contract as the theory says."""

import numpy as np
import pytest

from resolvent.experiments import sketching as experiment


@pytest.fixture(scope="module")
def printed():
    lines = []
    return experiment.run(quick=True, out=lines.append), lines


def test_derivatives_against_differences():
    rng = np.random.default_rng(0)
    for p in experiment.problems():
        x, lam = p.x + 0.1 * rng.standard_normal(len(p.x)), rng.standard_normal(len(p.c(p.x)))
        for k, e in enumerate(np.eye(len(x))):
            h = 1e-6
            slope = (p.f(x + h * e) + lam @ p.c(x + h * e) - p.f(x - h * e) - lam @ p.c(x - h * e)) / (2 * h)
            assert p.gradient(x, lam)[k] == pytest.approx(slope, rel=1e-4, abs=1e-5)
            assert p.jacobian(x)[:, k] == pytest.approx((p.c(x + h * e) - p.c(x - h * e)) / (2 * h), rel=1e-4, abs=1e-5)


def test_row_sketches_contract_as_the_theory_says(printed):
    for n, measured, theory, never_grew in printed[0]["contraction"]:
        deviation = np.sqrt(theory * (1 - theory) / 200)
        assert abs(measured - theory) < 4 * deviation and never_grew, n


def test_known_minima_are_found():
    known = {"HS6": 0.0, "HS7": -np.sqrt(3), "HS28": 0.0, "HS40": -0.25, "HS48": 0.0, "HS51": 0.0, "HS77": 0.24150513}
    for p in experiment.problems():
        if p.name in known:
            found = experiment.minimised(p, experiment.MINRES())
            assert found.reached and np.abs(p.c(found.x)).max() <= 1e-4
            assert p.f(found.x) == pytest.approx(known[p.name], abs=2e-3), p.name


def test_the_baseline_finds_the_same_minima():
    rose = 0
    for p in experiment.problems():
        found = experiment.minimised_l1(p, experiment.GOAL, experiment.OUTER, 1000)
        other = experiment.minimised(p, experiment.Direct())
        rose += found.tightened
        assert found.reached and p.f(found.x) == pytest.approx(p.f(other.x), abs=2e-3), p.name
        assert found.residuals[-1] <= experiment.GOAL < min(found.residuals[:-1]) and found.inner >= found.steps
    assert rose > 0  # the penalty has to find its size


def test_sketches_need_as_few_outer_steps_and_more_work(printed):
    runs = printed[0]["runs"]
    shared = [p for p, r in runs["sketched rows"].items() if r.reached]
    assert shared
    for p in shared:
        sketched, krylov = runs["sketched rows"][p], runs["MINRES, same rule"][p]
        assert krylov.reached and abs(sketched.steps - krylov.steps) <= 3
        assert sketched.inner > 10 * krylov.inner
    assert all(r.reached and r.residuals[-1] <= experiment.GOAL for r in runs["direct"].values())


def test_the_rule_saves_inner_work(printed):
    """Looser where the optimality is far, so no more inner iterations than with 1e-10 throughout."""
    runs = printed[0]["runs"]
    ruled, fixed = runs["MINRES, same rule"], runs["MINRES to 1e-10"]
    assert sum(r.inner for r in ruled.values()) <= 1.2 * sum(r.inner for r in fixed.values())


def test_the_figures_of_the_paper_stand_beside(printed):
    assert any("paper" in line for line in printed[1]) and any("5, 0.035" in line for line in printed[1])
    assert any(line.lstrip().startswith("GMRES, L1 merit") and "50, 0.02" in line for line in printed[1])
