"""Policies of rebuilding, random sequences, and the three clauses: counts and definitions, no times."""

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery
from resolvent.bench.hurts import Verdict, check, judge
from resolvent.bench.lifetime import ALWAYS, NEVER, Period, against_periods, collect, on_unrelated
from resolvent.bench.sequences import EVOLUTIONS, KINDS, random_sequence
from resolvent.bench.speed import fixed_cost, products_per_step, session_overhead
from resolvent.bench.startup import import_seconds


@pytest.mark.parametrize(("period", "built"), [(ALWAYS, 7), (2, 4), (3, 3), (NEVER, 1)])
def test_a_period_sets_up_so_many_times(period, built):
    session = rv.Session(rv.CG(preconditioner=rv.Direct()), learners=[Period("preconditioner", period)], rtol=1e-8)
    results = [session.solve(p) for p in gallery.sequence("darcy-path", 7, 6)]
    assert all(result.ok for result in results)
    assert sum("factorizations" in result.work for result in results) == built


def test_a_new_pattern_ends_a_period():
    session = rv.Session(rv.CG(preconditioner=rv.Direct()), learners=[Period("preconditioner", NEVER)], rtol=1e-8)
    for size in (5, 6, 5):
        assert session.solve(gallery.sequence("darcy-log", 1, size)[0]).work["factorizations"] == 1


def test_collecting_a_coupled_sequence_gives_its_problems():
    steps = gallery.sequence("heat-shift", 3, 6)
    for i, (found, problem) in enumerate(zip(collect("heat-shift", 3, 6), steps, strict=True)):
        assert np.allclose(found.b, problem.b, rtol=1e-7)
        steps.feed(i, np.linalg.solve(problem.A.toarray(), problem.b))


def test_all_policies_race_over_the_same_systems():
    found = against_periods("jumps", 5, 8, rounds=2)
    assert set(found["table"]) == {"Lifetime", "always", "every 2", "every 3", "every 4", "for ever"}
    assert found["best"] in found["table"] and found["best"] != "Lifetime"
    assert found["ratio"] == pytest.approx(found["seconds"] / found["best_seconds"])
    assert found["table"]["Lifetime"][1] == 5


def test_unrelated_fields_are_counted_against_rebuilding():
    found = on_unrelated(4, 10)
    assert found["worst"] >= found["median"] > 0 and found["worst"] >= found["sum"] > 0


def test_a_random_sequence_depends_on_its_number_alone():
    one, other = random_sequence(5, 3, largest=120), random_sequence(5, 3, largest=120)
    assert one[0] == other[0]
    for p, q in zip(one[1], other[1], strict=True):
        assert (p.A != q.A).nnz == 0 and np.array_equal(p.b, q.b)


@pytest.mark.parametrize("k", range(16))
def test_random_sequences_are_positive_definite_and_what_they_are_called(k):
    label, systems = random_sequence(k, 5, largest=150)
    evolution, kind = label.split()[:2]
    assert (evolution, kind) == (EVOLUTIONS[k % 4], KINDS[k // 4])
    for problem in systems:
        A = problem.A.toarray()
        assert np.allclose(A, A.T, rtol=1e-13, atol=0) and np.linalg.eigvalsh(A)[0] > 0
    same = all(np.array_equal(systems[0].A.indices, p.A.indices) for p in systems[1:])
    assert same == (evolution != "permuted")


def verdict(cost, cold, trials=None):
    trials = [False] * len(cost) if trials is None else trials
    return Verdict("x", cost, cold, trials, 0, [{}] * len(cost))


def test_the_three_clauses():
    cold = [100.0] * 40
    assert verdict(cold, cold).broken == (False, False, False)
    assert verdict([111.0] * 40, cold).broken == (False, False, False)
    assert verdict([111.1] * 40, cold).broken == (True, True, False)
    assert verdict([112.0] * 2 + [100.0] * 38, cold).broken == (False, False, False)
    assert verdict([112.0] * 3 + [100.0] * 37, cold).broken == (False, True, False)
    assert verdict([207.0] + [100.0] * 39, cold).broken == (False, False, True)


def test_trials_count_in_the_sum_alone():
    cold = [100.0] * 40
    trials = [True] * 10 + [False] * 30
    assert verdict([300.0] * 10 + [10.0] * 30, cold, trials).broken == (False, False, False)
    assert verdict([1000.0] * 10 + [10.0] * 30, cold, trials).broken == (True, False, False)


def test_judging_solves_every_system_and_counts_a_pattern_once():
    label, systems = random_sequence(0, 4, largest=80)
    found = judge(label, systems)
    assert found.failed == 0 and len(found.cost) == len(found.cold) == len(found.trials) == 4
    assert found.cold[0] > found.cold[1]  # the first one has the symbolic work
    assert label in found.story()


def test_check_tells_each_verdict():
    seen = []
    assert check(3, systems=3, largest=60, progress=seen.append) == seen and len(seen) == 3


def test_bare_kernels_are_known_for_cg_with_ssor_jacobi_or_nothing():
    problem = gallery.sequence("darcy-log", 1, 8)[0]
    for method in (rv.CG(rv.SSOR(1.5)), rv.CG(rv.Jacobi()), rv.CG()):
        assert fixed_cost(problem, rv.solve(problem, method)) > 0
    assert fixed_cost(problem, rv.solve(problem, "direct")) is None


def test_steps_and_sessions_are_counted():
    assert set(products_per_step(10)) == {"products", "step_us", "scipy_us", "kernel_us"}
    assert session_overhead(False, 20)["counted"] == 18
    assert session_overhead(True, 20)["counted"] <= 10


@pytest.mark.full
def test_the_import_is_timed_in_processes_of_its_own():
    found = import_seconds(rounds=1)
    assert found["resolvent"] > 0 and found["more"] == found["resolvent"] - found["scipy"]
