"""The level at which a warm solve enters a continuation: what learning it saves, and where nothing is tried."""

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery


def spent(problems, *learners, rtol=1e-8):
    session = rv.Session("sinkhornnewton", [rv.Potentials(), *learners], rtol=rtol)
    results = [session.solve(p) for p in problems]
    assert all(r.ok for r in results)
    return sum(r.cost.setup + r.cost.running for r in results), results


def test_a_level_saves_work_where_problems_drift_far():
    problems = list(gallery.sequence("drifting-images", count=16, size=16, speed=0.05))
    learner = rv.Schedule()
    with_, results = spent(problems, learner)
    without, plain = spent(problems)
    assert with_ < 0.95 * without
    assert {r.method.levels for r in results} > {0}
    assert all(np.abs(one.x - two.x).sum() < 1e-6 for one, two in zip(results, plain, strict=True))


def test_nothing_is_tried_where_the_guess_is_near():
    problems = list(gallery.sequence("drifting-images", count=12, size=14, speed=0.003))
    with_, results = spent(problems, rv.Schedule())
    without, _ = spent(problems)
    assert with_ == without and {r.method.levels for r in results} == {0}


def test_unrelated_problems_are_not_made_dear():
    rng = np.random.default_rng(0)
    even = np.full(40, 1 / 40)
    problems = [rv.Transport(rng.random((40, 40)), even, even, 5e-3) for _ in range(20)]
    assert spent(problems, rv.Schedule())[0] <= 1.25 * spent(problems)[0]


def test_a_loaded_session_goes_on_bit_for_bit(tmp_path):
    make = lambda: list(gallery.sequence("drifting-images", count=12, size=10, speed=0.05))
    session = rv.Session("sinkhornnewton", [rv.Potentials(), rv.Schedule()], rtol=1e-8)
    for p in make()[:8]:
        session.solve(p)
    session.save(tmp_path / "s.rv")
    other = rv.Session.load(tmp_path / "s.rv")
    for one, two in zip(make()[8:], make()[8:], strict=True):
        a, b = session.solve(one), other.solve(two)
        assert a.x.tobytes() == b.x.tobytes() and a.work == b.work


@pytest.mark.parametrize(
    "change",
    [
        {"books": "no"},
        {"books": [[0.0, 0]]},
        {"books": [[0.0, 0], [np.nan, 1], [0.0, 0], [0.0, 0]]},
        {"books": [[0.0, 0], [1.0, -1], [0.0, 0], [0.0, 0]]},
        {"books": [[0.0, 0], [1.0, 0.5], [0.0, 0], [0.0, 0]]},
        {"cold": [1.0]},
        {"waits": [0, 1]},
        {"waits": [0, -1, 0]},
        {"epoch": 1.5},
    ],
)
def test_a_strangers_state_is_vetted(change):
    learner = rv.Schedule()
    with pytest.raises(ValueError):
        learner.load_state_dict({**learner.state_dict(), **change})
    with pytest.raises(ValueError, match="most=0"):
        rv.Schedule(most=0)


def test_levels_are_levels_of_the_method():
    problem = gallery.sequence("drifting-images", count=1, size=12)[0]
    exact = rv.solve(problem, "sinkhornnewton", rtol=1e-10)
    for levels in (0, 1, 9):  # more than a cold start has are those of a cold start
        again = rv.solve(problem, rv.SinkhornNewton(levels=levels), x0=exact.potentials, rtol=1e-10)
        assert again.ok and np.abs(again.x - exact.x).sum() < 1e-8
    with pytest.raises(ValueError, match="levels >= 0"):
        rv.SinkhornNewton(levels=-1)
