"""The race and its peers: who is counted, who is marked, what is fed. Never who is faster."""

import numpy as np
import pytest

from resolvent import gallery
from resolvent.bench import peers as peers_module
from resolvent.bench.compare import OURS, Entrant, compare, lines, race
from resolvent.bench.peers import NAMES, WARM, AbandonedError, NotInstalledError, Peer, make, peers, silenced


def relative(problem, x):
    return np.linalg.norm(problem.b - problem.A @ x) / np.linalg.norm(problem.b)


def installed(**options):
    return [peer for peer in peers(**options).values() if isinstance(peer, Peer)]


def test_every_installed_peer_meets_the_tolerance_on_a_sequence():
    for peer in installed(warm=True):
        for problem in gallery.sequence("darcy-path", 3, 9):
            with silenced():
                x, steps = peer(problem)
            assert relative(problem, x) <= 1.01e-8, peer.name
            assert steps >= 1


@pytest.mark.parametrize(("keep", "times"), [(True, 1), (False, 3)])
def test_a_kept_preconditioner_is_set_up_once_and_a_rebuilt_one_each_time(keep, times):
    made = []

    def setup(problem):
        made.append(problem)
        return np.diag(1.0 / problem.A.diagonal())

    peer = Peer("counted", setup, keep=keep)
    for problem in gallery.sequence("darcy-path", 3, 5):
        peer(problem)
    assert len(made) == times


def test_a_warm_peer_begins_at_the_last_solution():
    problem = gallery.sequence("heat-shift", 1, 8)[0]
    warm, cold = make("SciPy cg" + WARM), make("SciPy cg")
    assert warm(problem)[1] == cold(problem)[1] > 1
    assert warm(problem)[1] <= 1 < cold(problem)[1]


def test_peers_leave_the_problem_as_it_is():
    problem = gallery.sequence("darcy-log", 1, 8)[0]
    before = problem.A.copy(), problem.b.copy()
    for peer in installed():
        with silenced():
            peer(problem)
    assert (before[0] != problem.A).nnz == 0
    assert np.array_equal(problem.b, before[1])


def test_a_peer_whose_time_is_over_gives_up():
    with pytest.raises(AbandonedError):
        make("SciPy cg")(gallery.sequence("darcy-log", 1, 8)[0], until=0.0)


def test_a_missing_peer_is_a_row_that_says_so_and_never_the_best(monkeypatch):
    monkeypatch.setattr(peers_module, "find_spec", lambda name: None)
    with pytest.raises(NotInstalledError, match="pip install"):
        make("PyAMG SA kept")
    table = compare("darcy-path", 2, 8, out=None)
    missing = [row for row in table["rows"] if row["name"].startswith("PyAMG")]
    assert len(missing) == 4
    for row in missing:
        assert row["seconds"] is None and not row["valid"] and "not installed" in row["note"]
    assert not table["best"].startswith("PyAMG")
    assert sum("not installed" in line for line in lines(table)) == 4


def test_an_unknown_peer_is_refused_by_name():
    with pytest.raises(ValueError, match="no peer 'SciPy gc'"):
        make("SciPy gc")
    with pytest.raises(ValueError, match="no peer"):
        make("SciPy spsolve" + WARM)


def test_a_wrong_answer_is_marked_and_cannot_be_the_best():
    problems = list(gallery.sequence("darcy-path", 3, 6))
    exact = Entrant("exact", lambda p, until: (np.linalg.solve(p.A.toarray(), p.b), 1))
    wrong = Entrant("wrong", lambda p, until: (np.zeros_like(p.b), 1))
    loose = Entrant("loose", lambda p, until: (np.linalg.solve(p.A.toarray(), p.b) * (1 + 1e-6), 1))
    assert race(problems, [exact, wrong, loose]) == 3
    assert (exact.failed, wrong.failed, loose.failed) == (0, 3, 3)
    assert exact.row(3, 1.0)["valid"] and not wrong.row(3, 1.0)["valid"]


def test_an_entrant_that_raises_is_out_with_its_reason():
    def broken(problem, until):
        raise RuntimeError("no luck")

    ours = Entrant("ours", lambda p, until: (np.linalg.solve(p.A.toarray(), p.b), 1))
    other = Entrant("broken", broken)
    race(gallery.sequence("darcy-path", 3, 6), [ours, other])
    assert other.out and other.failed == 1 and len(other.seconds) == 1 and "no luck" in other.note
    assert len(ours.seconds) == 3


def test_a_spent_budget_ends_an_entrant_with_a_lower_bound():
    ours = Entrant("ours", lambda p, until: (np.linalg.solve(p.A.toarray(), p.b), 1))
    race(gallery.sequence("darcy-path", 3, 6), [ours], budget=0.0)
    assert ours.out and len(ours.seconds) == 1 and "lower bound" in ours.note
    assert not ours.row(3, 1.0)["complete"]


def test_coupled_sequences_are_fed_with_the_first_entrants_solutions():
    steps = gallery.sequence("heat-shift", 4, 6)
    seen = {"a": [], "b": []}

    def entrant(name, scale):
        def call(problem, until):
            seen[name].append(problem.b.copy())
            return scale * np.linalg.solve(problem.A.toarray(), problem.b), 1

        return Entrant(name, call)

    race(steps, [entrant("a", 1.0), entrant("b", 0.5)], feed=steps.feed)
    reference = gallery.sequence("heat-shift", 4, 6)
    for i, problem in enumerate(reference):
        assert np.allclose(seen["a"][i], problem.b) and np.array_equal(seen["a"][i], seen["b"][i])
        reference.feed(i, np.linalg.solve(problem.A.toarray(), problem.b))


def test_the_first_turn_moves_on_by_one():
    order = []

    def entrant(name):
        def call(problem, until):
            order.append(name)
            return np.linalg.solve(problem.A.toarray(), problem.b), 1

        return Entrant(name, call)

    race(gallery.sequence("darcy-path", 3, 4), [entrant("a"), entrant("b"), entrant("c")])
    assert "".join(order) == "abcbcacab"


def test_compare_returns_every_contender_and_prints_a_table():
    printed = []
    table = compare("heat-conductivity", 3, 8, out=printed.append)
    assert table["systems"] == 3 and table["rows"][0]["name"] == OURS
    assert table["rows"][0]["systems"] == 3 and table["rows"][0]["failed"] == 0
    names = [row["name"] for row in table["rows"]]
    assert set(NAMES) < set(names) and any(name.endswith(WARM) for name in names)
    assert sum(table["methods"].values()) == 3
    assert table["best"] in names[1:] and table["ratio"] > 0 and table["modelled_over_measured"] > 0
    assert len(printed) == len(names) + 3
    for name in names:
        assert sum(line.startswith(f"{name} ") for line in printed) >= 1


def test_warm_starts_compete_on_coupled_sequences_only():
    assert not any(name.endswith(WARM) for name in peers())
    assert sum(name.endswith(WARM) for name in peers(warm=True)) == 7
