"""What the linear solves of Newton's method leave for those of the next problem: a factor, the slowest mode."""

import numpy as np
import pytest

import resolvent as rv
from resolvent.gallery.mdp import garnet, ring
from resolvent.methods.fixedpoint.kept import Kept, SlowMode


def walk():
    return ring(states=2000, actions=4, successors=20, reach=12, gamma=0.999)


def chance():
    return garnet()


def solved(model, keep, count=6):
    method = rv.Linearized(keep=keep)
    session = rv.Session(method, [rv.Warm(always=True), rv.Carried("inner")], rtol=0.0, atol=1e-7)
    results = [session.solve(p) for p in model.drifting(count)]
    assert all(r.ok for r in results)
    return results, session


@pytest.mark.parametrize("build", [walk, chance])
def test_with_what_is_kept_a_sequence_costs_less_than_without(build):
    with_, session = solved(build(), True)
    without, _ = solved(build(), False)
    assert np.isclose(with_[0].cost.total, without[0].cost.total)  # nothing is kept before there is something to keep
    assert sum(r.cost.total for r in with_[1:]) < 0.95 * sum(r.cost.total for r in without[1:])
    assert sum(r.work["inner_products"] for r in with_[1:]) < 0.8 * sum(r.work["inner_products"] for r in without[1:])
    for one, two in zip(with_, without, strict=True):
        assert np.max(np.abs(one.x - two.x)) < 1e-2  # both within 1e-7 / (1 - gamma)
    kept = session.learners[1].state_dict()["kept"]["inner"]["kept"]
    assert (kept["factor"] is not None) == (build is walk)


def test_a_factor_is_made_only_where_it_is_cheaper_than_what_was_spent():
    results, session = solved(chance(), True, 3)
    kept = session.learners[1].state_dict()["kept"]["inner"]["kept"]
    assert kept["factor"] is None and kept["spent"] > 0 and kept["z"] is not None
    assert all("factorizations" not in r.work for r in results)


def test_the_mode_is_the_eigenvector_of_a_random_walk():
    model = chance()
    _, session = solved(model, True, 3)
    z = session.learners[1].state_dict()["kept"]["inner"]["kept"]["z"]
    assert np.ptp(z / z.mean()) < 0.1 * (1 - model.gamma)


def test_the_mode_as_a_preconditioner_scales_its_vector_alone():
    rng = np.random.default_rng(0)
    z = np.linalg.qr(rng.standard_normal((30, 30)))[0]
    bound = SlowMode(z[:, 0], 0.01)
    assert np.allclose(bound.apply(z[:, 0]), 100 * z[:, 0])
    assert np.allclose(bound.apply(z[:, 1]), z[:, 1])


def test_a_direction_that_is_no_mode_is_given_up():
    rng = np.random.default_rng(1)
    kept = Kept()
    kept.learn(rng.standard_normal(800))
    system = rv.LinearSystem(np.eye(800) + np.triu(rng.standard_normal((800, 800)), 1), np.ones(800))
    assert kept.solve(rv.BiCGStab(), system, None) is None and kept.z is None


def test_a_saved_factor_is_the_same_after_loading(tmp_path):
    model = walk()
    _, session = solved(model, True, 4)
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    last = list(model.drifting(5))[4]
    assert np.array_equal(session.solve(last).x, loaded.solve(last).x)


@pytest.mark.parametrize(
    "spoil",
    [
        {"spent": -1.0},
        {"paid": float("nan")},
        {"gained": "much"},
        {"stale": 1},
        {"z": np.array([np.nan, 1.0])},
        {"z": np.array([3.0, 4.0])},
        {"z": "north"},
        {"factor": {"bound": "Nobody"}},
        {"factor": {"bound": "Inner", "solver": "cg", "learners": [], "session": {}}},
    ],
)
def test_what_a_stranger_says_was_kept_is_vetted(spoil):
    kept = Kept()
    kept.learn(np.array([3.0, 4.0]))
    state = kept.state_dict()
    assert np.allclose(Kept.from_state(state).z, [0.6, 0.8])
    with pytest.raises((ValueError, KeyError)):
        Kept.from_state(state | spoil)
