"""The goals of fixed points at tiny size: every call is charged, peers solve what they say, failures are inf."""

import numpy as np
import pytest

from resolvent.bench import fixed_point_goals as goals
from resolvent.bench.goals import items
from resolvent.gallery.bratu import bratu
from resolvent.gallery.mdp import garnet


def test_the_items_are_part_of_the_topic():
    assert set(goals.ITEMS) <= set(items("optimization"))


def test_every_call_is_charged():
    problem = bratu(size=5)
    charged = goals.Charged(problem)
    for _ in range(3):
        charged.problem.map(np.zeros(25))
    assert charged.calls == 3 and problem.map is not charged.problem.map


def test_peers_are_counted_to_the_tolerance_and_failures_are_inf():
    problem = bratu(size=7)
    tight, loose = (goals.scipy_work(problem, tol, "krylov") for tol in (1e-10, 1e-3))
    assert loose < tight < np.inf
    rotation = goals.FixedPoint(lambda x: np.array([-x[1], x[0] + 5.0]) * 1.5, reference=np.zeros(2))
    assert goals.scipy_work(rotation, 1e-12, "fixed_point, del2") in (np.inf, pytest.approx(5, abs=60))


def test_policy_iteration_solves_and_tighter_systems_cost_products():
    problem = garnet(60, 3, 5, 0.95).problem()
    assert 0 < goals.policy_iteration(problem, 1e-8, 0.01) < np.inf


@pytest.mark.parametrize("name", [n for n in goals.ITEMS if n != "fixed points, scipy"])
def test_items_run_at_tiny_size(name):
    lines = []
    goals.ITEMS[name](lambda *line: lines.append(line), lambda text: None, True)
    assert len(lines) == 2 and all(np.isfinite(value) and value > 0 for _, value, _, _ in lines)
