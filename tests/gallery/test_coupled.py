"""Coupled sequences: one problem at a time, the solution fed back, and the same bits after a kill."""

import json

import numpy as np
import pytest
import scipy.sparse.linalg as sla

from resolvent import gallery

SMALL = {
    "heat-shift": {"count": 6, "size": 7},
    "heat-conductivity": {"count": 6, "size": 7},
    "heat-equation": {"count": 6, "size": 8},
    "topology": {"count": 6, "size": 12},
    "topology3d": {"count": 6, "size": 4},
    "photograph": {"count": 6, "size": 40, "noisy": True},
}
NAMES = sorted(SMALL)


def solve(problem):
    return sla.spsolve(problem.A.tocsc(), problem.b)


def run(steps, start, stop):
    solutions = []
    for i in range(start, stop):
        solutions.append(solve(steps[i]))
        steps.feed(i, solutions[-1])
    return solutions


def through_disk(state, folder):
    """JSON and .npy, as a run's folder keeps it."""
    arrays = state.pop("arrays")
    (folder / "state.json").write_text(json.dumps(state))
    for key, value in arrays.items():
        np.save(folder / f"{key}.npy", value)
    back = json.loads((folder / "state.json").read_text())
    back["arrays"] = {key: np.load(folder / f"{key}.npy", allow_pickle=False) for key in arrays}
    return back


def test_these_are_all_the_coupled_ones():
    assert sorted(name for name, builder in gallery.SEQUENCES.items() if builder.coupled) == NAMES


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("killed_after", [0, 1, 4, 6])
def test_a_resumed_run_gives_the_same_bits(name, killed_after, tmp_path):
    whole = run(gallery.sequence(name, **SMALL[name]), 0, 6)
    first = gallery.sequence(name, **SMALL[name])
    run(first, 0, killed_after)
    state = through_disk(first.state_dict(), tmp_path)
    second = gallery.sequence(name, **SMALL[name])
    second.load_state_dict(state)
    assert second.position == killed_after
    rest = run(second, killed_after, 6)
    for one, other in zip(whole[killed_after:], rest):
        assert np.array_equal(one, other)
    assert second.done
    assert all(np.array_equal(v, second.state_dict()["arrays"][k]) for k, v in second.state_dict()["arrays"].items())


@pytest.mark.parametrize("name", NAMES)
def test_the_next_problem_waits_for_the_solution(name):
    steps = gallery.sequence(name, **SMALL[name])
    with pytest.raises(RuntimeError, match=r"problem 1 .* depends on the solution of problem 0: call feed\(0, x\)"):
        steps[1]
    p = steps[0]
    assert np.array_equal(steps[0].A.data, p.A.data)  # asking again changes nothing
    x = solve(p)
    with pytest.raises(RuntimeError, match="waits for the solution of problem 0, not of problem 1"):
        steps.feed(1, x)
    steps.feed(0, x)
    with pytest.raises(RuntimeError, match="left behind"):
        steps[0]
    with pytest.raises(RuntimeError, match="waits for"):
        steps.feed(0, x)
    steps[1]
    steps.reset()
    assert np.array_equal(steps[0].A.data, p.A.data) and np.array_equal(steps[0].b, p.b)


@pytest.mark.parametrize("name", NAMES)
def test_feeding_checks_and_keeps_its_input(name):
    steps = gallery.sequence(name, **SMALL[name])
    n = steps.unknowns
    x = solve(steps[0])
    assert x.shape == (n,)
    for bad, sentence in (
        (np.ones(n + 1), "needs"),
        (np.ones((n, 1)), "needs"),
        (np.ones(n, dtype=complex), "needs"),
        (np.full(n, np.nan), "NaN"),
        (np.full(n, np.inf), "NaN"),
    ):
        with pytest.raises(ValueError, match=sentence):
            steps.feed(0, bad)
    assert steps.position == 0
    kept = x.copy()
    steps.feed(0, x)
    second = steps[1]
    assert np.array_equal(x, kept)
    x[:] = 0.0
    again = steps[1]
    assert np.array_equal(second.b, again.b) and np.array_equal(second.A.data, again.A.data)
    again.b[:] = 0.0
    again.A.data[:] = 0.0
    assert np.array_equal(second.b, steps[1].b) and np.array_equal(second.A.data, steps[1].A.data)


def test_after_the_end_nothing_is_taken_or_given():
    steps = gallery.sequence("heat-shift", count=2, size=4)
    run(steps, 0, 2)
    assert steps.done
    with pytest.raises(IndexError, match="it has 2"):
        steps[2]
    with pytest.raises(RuntimeError, match="come to its end"):
        steps.feed(2, np.ones(16))
    next(iter(steps))  # iterating goes back to the start
    assert steps.position == 0


def test_a_state_of_something_else_is_refused():
    steps = gallery.sequence("heat-shift", count=3, size=5)
    run(steps, 0, 2)
    good = steps.state_dict()
    fresh = gallery.sequence("heat-shift", count=3, size=5)
    for key, value in (("name", "topology"), ("size", 6), ("options", {"seed": 1})):
        with pytest.raises(ValueError, match=f"this state is of {key}"):
            fresh.load_state_dict({**good, key: value})
    for arrays in (None, {}, {"u": np.ones(25), "v": np.ones(1)}):
        with pytest.raises(ValueError, match="must have the arrays"):
            fresh.load_state_dict({**good, "arrays": arrays})
    for u in (np.ones(24), np.ones(25, dtype=np.float32), np.full(25, np.nan), np.ones((25, 1))):
        with pytest.raises(ValueError, match="must be finite float64"):
            fresh.load_state_dict({**good, "arrays": {"u": u}})
    with pytest.raises(ValueError, match="position"):
        fresh.load_state_dict({**good, "position": -1})
    with pytest.raises(TypeError, match="position"):
        fresh.load_state_dict({**good, "position": None})
    assert fresh.position == 0
    fresh.load_state_dict(good)
    good["arrays"]["u"][:] = 0.0
    assert fresh.state_dict()["arrays"]["u"].any()


def test_uncoupled_sequences_have_an_empty_state():
    steps = gallery.sequence("darcy-path", count=3, size=5)
    state = steps.state_dict()
    assert state["arrays"] == {}
    json.dumps({k: v for k, v in state.items() if k != "arrays"})
    other = gallery.sequence("darcy-path", count=3, size=5)
    other.load_state_dict(state)
    with pytest.raises(ValueError, match="options"):
        gallery.sequence("darcy-path", count=3, size=5, rho=0.5).load_state_dict(state)
