"""SciPy's Krylov solvers as peers: they solve, keep what they say, end when their time is over; random systems; products."""

import time

import numpy as np
import pytest

from resolvent.bench import compare, krylov_goals, krylov_peers
from resolvent.bench.compare import Entrant, race, usual_peers
from resolvent.bench.krylov_peers import General, general_peers
from resolvent.bench.peers import AbandonedError, Peer
from resolvent.bench.product import measured
from resolvent.bench.sequences import ALL_KINDS, random_sequence
from resolvent.gallery import sequence


@pytest.mark.parametrize("name", ["convection-diffusion", "helmholtz"])
def test_peers_solve_what_is_not_symmetric(name):
    problems = sequence(name, 2, 7)
    entrants = [Entrant(title, peer) for title, peer in general_peers().items() if isinstance(peer, Peer)]
    race(problems, entrants, budget=20.0)
    solved = {e.name for e in entrants if not e.failed and len(e.seconds) == 2}
    for solver in ("gmres(30)", "lgmres", "bicgstab", "gcrotmk", "gcrotmk, CU carried"):
        assert f"SciPy {solver}, spilu rebuilt" in solved
    assert {"SciPy splu", "SciPy splu, symmetric mode", "SciPy spsolve"} <= solved


def test_what_is_kept_is_kept_and_what_is_carried_is_carried():
    problems = sequence("convection-diffusion", 3, 9)
    found = general_peers()
    kept, carrying = found["SciPy bicgstab, spilu kept"], found["SciPy gcrotmk, CU carried, Jacobi"]
    for problem in problems:
        kept(problem)
        carrying(problem)
    first = kept.kept
    kept(problems[1])
    assert kept.kept is first is not None
    assert len(carrying.CU) > 0
    assert found["SciPy gcrotmk, Jacobi"].kept is None


def test_a_set_up_made_once_is_charged_to_all_who_use_it(monkeypatch):
    made = []

    def slow(problem):
        made.append(problem)
        time.sleep(0.2)
        return krylov_peers.jacobi(problem)

    monkeypatch.setattr(krylov_peers, "ilut", slow)
    monkeypatch.setitem(krylov_peers.PRECONDITIONERS, "spilu rebuilt", (slow, False))
    monkeypatch.setitem(krylov_peers.PRECONDITIONERS, "spilu kept", (slow, True))
    problems = list(sequence("convection-diffusion", 2, 6))
    using = [Entrant(t, p) for t, p in general_peers(direct=False).items() if "spilu" in t]
    race(problems, using, budget=20.0)
    assert len(using) == 10 and [id(p) for p in made] == [id(p) for p in problems]
    assert all(e.seconds[0] >= 0.2 for e in using)
    assert all(e.seconds[1] >= 0.2 for e in using if "rebuilt" in e.name)
    assert all(e.call.charged == 0.0 for e in using if "kept" in e.name)


def test_a_set_up_that_runs_out_of_fill_is_not_tried_by_the_others():
    tried = []

    def fails(problem):
        tried.append(problem)
        raise RuntimeError("out of fill")

    shared = krylov_peers.Shared(fails)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="out of fill"):
            shared("a system")
    assert tried == ["a system"]


def test_a_peer_gives_up_when_its_time_is_over():
    problem = sequence("helmholtz", 1, 30)[0]
    peer = general_peers()["SciPy gmres(30), none"]
    assert isinstance(peer, General)
    with pytest.raises(AbandonedError):
        peer(problem, time.perf_counter() + 1e-3)


def test_sequences_get_the_peers_that_fit():
    assert "SciPy cg" in usual_peers("darcy-log", 1e-8) and "SciPy cg" not in usual_peers("helmholtz", 1e-8)


def test_random_sequences_of_every_kind():
    seen = set()
    for k in range(0, 4 * len(ALL_KINDS), 4):
        label, systems = random_sequence(k, 2, largest=120, kinds=ALL_KINDS)
        again = random_sequence(k, 2, largest=120, kinds=ALL_KINDS)[1]
        assert all(np.array_equal(p.A.data, q.A.data) for p, q in zip(systems, again, strict=True))
        A = systems[0].A.toarray()
        seen.add((label.split()[1], np.iscomplexobj(A), bool(np.allclose(A, A.T))))
    kinds = {name: (c, s) for name, c, s in seen}
    assert set(kinds) == set(ALL_KINDS)
    assert kinds["wind"] == (False, False) and kinds["waves"] == (True, True) and kinds["indefinite"] == (False, True)
    indefinite = random_sequence(20, 1, largest=120, kinds=ALL_KINDS)[1][0].A.toarray()
    assert np.linalg.eigvalsh(indefinite)[0] < 0 < np.linalg.eigvalsh(indefinite)[-1]


def test_products_are_measured_and_the_same_on_two_threads():
    found = measured(40, rounds=3)
    assert found["n"] == 1600.0 and found["different"] == 0.0
    assert found["fraction"] > 0 and found["ours_ms"] > 0 and found["two_ms"] > 0


def test_rows_of_the_goals_and_their_verdicts():
    assert {"product", "mean", "hurts", "row helmholtz 100", "short darcy-path 256"} <= set(krylov_goals.ITEMS)
    rows = [{"name": "resolvent auto", "failed": 0}, {"name": "SciPy spsolve", "valid": True, "ratio": 2.0}]
    table = {"rows": [*rows, {"name": "SciPy cg", "valid": True, "ratio": 1.5}], "ratio": 1.5}
    assert krylov_goals.ratio_of(table) == 1.5 and krylov_goals.ratio_of(table, direct=True) == 2.0
    table["rows"][0]["failed"] = 1
    assert np.isnan(krylov_goals.ratio_of(table))


def test_the_mean_measures_the_rows_that_are_missing(monkeypatch):
    asked, notes = [], {}

    class Report:
        def __init__(self):
            self.notes, self.lines = notes, []

        def __call__(self, *line):
            self.lines.append(line)

    def row(report, say, quick, name, count, size, goal):
        asked.append(name)
        report.notes["row of the mean: " + krylov_goals.label_of(name, count, size)] = 8.0

    monkeypatch.setattr(krylov_goals, "row", row)
    notes["row of the mean: heat-shift, 200 systems, size 100"] = 2.0
    report = Report()
    krylov_goals.mean(report, lambda text: None, False)
    assert "heat-shift" not in asked and len(asked) == 6 and "helmholtz" not in asked
    assert report.lines == [("auto: geometric mean of 7 rows", pytest.approx((2.0 * 8.0**6) ** (1 / 7)), 3.0, ">=")]


def test_a_factor_that_would_take_too_long_is_not_begun():
    problem = sequence("darcy-log", 2, 8)
    exact = Entrant("exact", lambda p, until: (np.linalg.solve(p.A.toarray(), p.b), 1))

    class Slow(Peer):
        def expected(self, problem, left):
            return 1e6 * left

    peer = Slow("slow", None)
    slow, looks = Entrant("slow", peer), []
    race(problem, [exact, Entrant("other", exact.call), slow], leave=True, look=lambda done, e: looks.append(done))
    assert slow.out and not slow.seconds and "estimated at 2e+06 s" in slow.note and not slow.row(2, 1.0)["valid"]
    assert looks == [1, 2]
    kept = usual_peers("darcy-log", 1e-8)["SciPy cg, first factor kept"]
    assert kept.expected(problem[0], 2) > 0.0
    kept(problem[0])
    assert kept.expected(problem[0], 2) == 0.0
    direct = usual_peers("darcy-log", 1e-8)["SciPy spsolve"]
    assert direct.expected(problem[0], 4) == 2 * direct.expected(problem[0], 2) > 0.0


def test_factors_for_all_systems_are_held_against_all_systems():
    """A first system that is easy for others says nothing against who takes the same for each."""
    problems = sequence("darcy-log", 8, 8)

    class Factors(Peer):
        def expected(self, problem, left):
            return 0.5 * left

        def __call__(self, problem, until):
            return np.linalg.solve(problem.A.toarray(), problem.b), 1

    def slower_and_slower(problem, until, seen=[0.0]):  # noqa: B006
        seen[0] += 0.06
        time.sleep(0.45 + seen[0])
        return np.linalg.solve(problem.A.toarray(), problem.b), 1

    direct = Entrant("direct", Factors("direct", None))
    race(problems, [Entrant("ours", direct.call), Entrant("iterative", slower_and_slower), direct], leave=True)
    assert len(direct.seconds) == 8 and not direct.out and not direct.note


def test_who_has_lost_since_its_turn_gets_no_other_and_keeps_its_note():
    problems = sequence("darcy-log", 6, 8)

    def solver(seconds):
        def call(problem, until):
            time.sleep(seconds)
            return np.linalg.solve(problem.A.toarray(), problem.b), 1

        return call

    entrants = [Entrant("ours", solver(0)), Entrant("slow", solver(0.35)), Entrant("quick", solver(0))]
    race(problems, entrants, leave=True)
    slow = entrants[1]
    assert slow.out and len(slow.seconds) < 6 and "a lower bound" in slow.note and "factors" not in slow.note
    assert len(entrants[2].seconds) == 6 and not entrants[2].out


def test_who_forgets_is_left_at_once_and_who_may_learn_is_waited_for():
    peers = usual_peers("convection-diffusion", 1e-8)
    names = ("SciPy lgmres, Jacobi", "SciPy spsolve", "SciPy lgmres, spilu kept", "SciPy gcrotmk, CU carried, none")
    assert [peers[name].forgets for name in names] == [True, True, False, False]
    assert not usual_peers("darcy-log", 1e-8, coupled=True)["SciPy cg, from the last x"].forgets
    forgets, learns = (Entrant(name, peers[name]) for name in names[1:3])
    entrants = [Entrant("ours", None), Entrant("quick", None, seconds=[0.5]), forgets, learns]
    assert compare._allowed(entrants, forgets, 0, 200) == (125.0, 5.0)
    assert compare._allowed(entrants, learns, 0, 200) == (125.0, 125.0)
    entrants[1].seconds = [0.5] * 4
    assert compare._allowed(entrants, learns, 3, 200) == (125.0, 20.0)
