"""Potentials carried from one transport problem to the next: what it saves, when it leaves the field, and its state."""

import numpy as np
import pytest

import resolvent as rv
from resolvent.learners import Potentials


def bumps(count, side=14, speed=0.01, seed=0):
    """Two densities on a grid that drift towards each other."""
    at = np.stack(np.meshgrid(*2 * [np.linspace(0, 1, side)], indexing="ij"), -1).reshape(-1, 2)
    C = ((at[:, None] - at[None]) ** 2).sum(-1)
    C /= C.max()
    for t in range(count):
        bump = lambda x, y, w: np.exp(-((at - [x, y]) ** 2).sum(1) / (2 * w * w)) + 1e-3
        a, b = bump(0.3 + speed * t, 0.3, 0.12), bump(0.7, 0.6 - speed * t, 0.15)
        yield rv.Transport(C, a / a.sum(), b / b.sum(), 1 / 1200)


def unrelated(count, n=40, seed=0):
    """Another geometry each time."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        even = np.full(n, 1 / n)
        yield rv.Transport(rng.random((n, n)), even, even, 5e-3)


def test_warm_costs_at_most_half_of_cold():
    problems = list(bumps(8))
    with_ = rv.Session("sinkhornnewton", learners=[rv.Potentials()], rtol=1e-10)
    without = rv.Session("sinkhornnewton", rtol=1e-10)
    warm = [with_.solve(p) for p in problems]
    cold = [without.solve(p) for p in problems]
    assert all(r.ok for r in warm + cold)
    assert sum(r.cost.total for r in warm[2:]) <= sum(r.cost.total for r in cold[2:]) / 2
    for one, two in zip(warm, cold):
        assert np.abs(one.x - two.x).sum() < 1e-7
        assert abs(one.seen["cost_upper"] - two.seen["cost_upper"]) < 1e-9


def test_unrelated_problems_are_not_made_dear():
    with_ = rv.Session("sinkhornnewton", learners=[rv.Potentials()], rtol=1e-9)
    without = rv.Session("sinkhornnewton", rtol=1e-9)
    warm = sum(with_.solve(p).cost.total for p in unrelated(30))
    cold = sum(without.solve(p).cost.total for p in unrelated(30))
    assert warm <= 1.25 * cold


def test_masses_that_come_and_go():
    problems = list(bumps(6))
    session = rv.Session("sinkhornnewton", learners=[rv.Potentials(always=True)], rtol=1e-9)
    for t, p in enumerate(problems):
        a = p.a.copy()
        a[20 * t : 20 * t + 15] = 0.0
        result = session.solve(rv.Transport(p.C, a / a.sum(), p.b, p.reg))
        assert result.ok and not result.x[20 * t : 20 * t + 15].any()
    assert session.learners[0].used == 5


def test_another_size_begins_anew():
    session = rv.Session("sinkhornnewton", learners=[rv.Potentials()], rtol=1e-9)
    for problem in [*unrelated(2, n=20), *unrelated(2, n=25)]:
        assert session.solve(problem).ok


def test_the_users_guess_goes_first():
    first, second = bumps(2)
    session = rv.Session("sinkhornnewton", learners=[rv.Potentials()], rtol=1e-9)
    result = session.solve(first)
    assert session.solve(second, x0=result.potentials).ok
    assert session.learners[0].used == 0


def test_a_loaded_session_goes_on_bit_for_bit(tmp_path):
    problems = list(bumps(6))
    session = rv.Session("sinkhornnewton", learners=[rv.Potentials()], rtol=1e-9)
    for p in problems[:4]:
        session.solve(p)
    session.save(tmp_path / "s.rv")
    other = rv.Session.load(tmp_path / "s.rv")
    for p, q in zip(problems[4:], list(bumps(6))[4:]):
        one, two = session.solve(p), other.solve(q)
        assert one.x.tobytes() == two.x.tobytes() and one.work == two.work


@pytest.mark.parametrize(
    "change",
    [
        {"z": "no"},
        {"z": [np.zeros(3), np.zeros(4)]},
        {"z": [np.zeros(3, dtype=np.float32)]},
        {"z": [np.array([np.nan])]},
        {"z": [np.zeros(3)] * 4},
        {"books": {}},
        {"books": {"cold": [0.0, 0.0], "last": [0.0, 0.0], "line": [0.0, -1.0], "curve": [0.0, 0.0]}},
        {"books": {"cold": [0.0, 0.0], "last": [np.inf, 0.0], "line": [0.0, 1.0], "curve": [0.0, 0.0]}},
        {"waits": [0, 1]},
        {"waits": [0, -1, 0, 0]},
        {"used": 1.5},
        {"epoch": None},
    ],
)
def test_a_strangers_state_is_vetted(change):
    learner = Potentials()
    with pytest.raises(ValueError):
        learner.load_state_dict({**learner.state_dict(), **change})


def test_state_dict_round_trip():
    session = rv.Session("sinkhornnewton", learners=[rv.Potentials()], rtol=1e-9)
    for p in bumps(3):
        session.solve(p)
    state = session.learners[0].state_dict()
    fresh = Potentials()
    fresh.load_state_dict(state)
    again = fresh.state_dict()
    assert np.array_equal(again["z"][1], state["z"][1]) and again["books"] == state["books"]
