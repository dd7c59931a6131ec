"""A plan's pattern carried from one problem to the next: what it saves, that it is never trusted, and how it is vetted."""

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery
from resolvent.core import Learner
from resolvent.methods.transport import pattern


def spent(results):
    assert all(r.ok for r in results)
    return sum(r.cost.setup + r.cost.running for r in results)


def violation(problem, result):
    f, g = result.potentials
    P = np.exp((f[:, None] + g - problem.C) / problem.reg)
    return np.abs(P.sum(1) - problem.a).sum() + np.abs(P.sum(0) - problem.b).sum()


@pytest.mark.parametrize(("size", "part"), [(20, 0.9), (28, 0.8)])
def test_a_carried_pattern_saves_work(size, part):
    problems = list(gallery.sequence("drifting-images", count=6, size=size))
    cost, plans = [], []
    for learners in ([rv.Potentials()], [rv.Potentials(), rv.Carried("pattern", ask=True)]):
        session = rv.Session("sinkhornnewton", learners, rtol=1e-10)
        results = [session.solve(p) for p in problems]
        cost.append(spent(results[1:]))
        plans.append([r.x for r in results])
        assert all(violation(p, r) <= 1.001e-10 for p, r in zip(problems, results, strict=True))
    assert learners[1].used > 0 and cost[1] < part * cost[0]
    assert max(np.abs(x - y).sum() for x, y in zip(*plans, strict=True)) < 1e-8


def test_a_solve_without_learners_does_not_look_for_a_pattern():
    problem = gallery.sequence("drifting-images", count=1, size=16)[0]
    assert "scans" not in rv.solve(problem, "sinkhornnewton", rtol=1e-9).work


def test_a_pattern_of_another_plan_costs_work_but_no_digit():
    near, far = (gallery.sequence("drifting-images", count=1, size=17, seed=s)[0] for s in (0, 3))
    far = rv.Transport(far.C[:, ::-1].copy(), far.a, far.b, far.reg)
    for first, second in ((near, far), (far, near)):
        session = rv.Session("sinkhornnewton", [rv.Carried("pattern", ask=True)], rtol=1e-10)
        start = session.solve(first)
        result = session.solve(second, x0=start.potentials)
        assert session.learners[0].used == 1 and result.ok and violation(second, result) <= 1.001e-10


def test_masses_that_come_and_go_drop_the_pattern():
    problems = list(gallery.sequence("drifting-images", count=4, size=17))
    session = rv.Session("sinkhornnewton", [rv.Potentials(always=True), rv.Carried("pattern", ask=True)], rtol=1e-9)
    for t, p in enumerate(problems):
        a = p.a.copy()
        a[20 * t : 20 * t + 15] = 0.0
        q = rv.Transport(p.C, a / a.sum(), p.b, p.reg)
        result = session.solve(q)
        assert result.ok and np.abs(result.x.sum(1) - q.a).sum() < 1e-9


def test_a_dense_plan_leaves_no_pattern():
    problem = gallery.sequence("drifting-points", count=1, size=260)[0]
    session = rv.Session("sinkhornnewton", [rv.Carried("pattern", ask=True)], rtol=1e-8)
    result = session.solve(problem)
    assert result.ok and "pattern" not in result.carry
    assert 0 < result.work["scans"] < 0.3  # a sample of the rows says so
    later = [session.solve(problem).work.get("scans", 0.0) for _ in range(4)]
    assert later[0] > 0 and later[2] == 0.0 and session.learners[0].used == 0  # it is asked for ever more rarely


def test_a_loaded_session_goes_on_bit_for_bit(tmp_path):
    make = lambda: list(gallery.sequence("drifting-images", count=6, size=16))
    session = rv.Session("sinkhornnewton", [rv.Potentials(), rv.Carried("pattern", ask=True)], rtol=1e-9)
    for p in make()[:4]:
        session.solve(p)
    session.save(tmp_path / "s.rv")
    other = rv.Session.load(tmp_path / "s.rv")
    for one, two in zip(make()[4:], make()[4:], strict=True):
        a, b = session.solve(one), other.solve(two)
        assert a.x.tobytes() == b.x.tobytes() and a.work == b.work


def packed():
    problem = gallery.sequence("drifting-images", count=1, size=16)[0]
    result = rv.solve(problem, "sinkhornnewton", rtol=1e-9)
    return problem, pattern.found(problem, result.x, 1e-14 / 256)


def test_a_pattern_is_unpacked_as_it_was_found():
    problem, v = packed()
    runs = pattern.unpacked(v, problem)
    P = rv.solve(problem, "sinkhornnewton", rtol=1e-9).x
    left = P.copy()
    for i in range(256):
        for k in range(runs.ip[i], runs.ip[i + 1]):
            left[i, runs.first[k] : runs.first[k] + runs.length[k]] = 0.0
    assert left.sum() < 1e-14 and runs.length.sum() < 0.5 * P.size


@pytest.mark.parametrize(
    ("at", "value"),
    [(0, 255), (1, 260), (2, 1), (3, 7), (3, 1e18), (3, np.inf), (4, 1), (6, 1e9), (6, -1), (-1, 9), (-1, 0), (-1, 1e9)]
    + [(-1, 8e3), (20, np.nan), (20, 0.5), (20, 0)],
)
def test_a_strangers_pattern_is_not_used(at, value):
    problem, v = packed()
    v = v.copy()
    v[at] = value
    assert pattern.unpacked(v, problem) is None


@pytest.mark.parametrize(
    "rubbish", [None, 3.0, "no", np.zeros(2), np.zeros((3, 4)), np.full(900, np.nan), np.zeros(900)]
)
def test_rubbish_is_not_a_pattern(rubbish):
    problem = packed()[0]
    assert pattern.unpacked(rubbish, problem) is None
    x0 = rv.solve(problem, "sinkhornnewton", rtol=1e-3).potentials
    session = rv.Session("sinkhornnewton", [Rubbish(rubbish)], rtol=1e-9)
    assert session.solve(problem, x0=x0).ok


class Rubbish(Learner):
    """Puts something into the slot."""

    owns = frozenset({"pattern"})

    def __init__(self, what):
        self.what = what

    def propose(self, problem, advice):
        advice.carry["pattern"] = self.what
        return advice


def in_blocks(problem):
    return rv.Transport(lambda i, j: problem.C[i:j], problem.a, problem.b, problem.reg)


def test_a_pattern_is_found_in_blocks_as_in_the_whole_plan(monkeypatch):
    problem, v = packed()
    monkeypatch.setattr(rv.Transport, "block_rows", 37)
    f, g = rv.solve(problem, "sinkhornnewton", rtol=1e-9).potentials
    assert np.array_equal(pattern.found_in_blocks(in_blocks(problem), f, g, 1e-14 / 256), v)
    assert pattern.found_in_blocks(in_blocks(problem), f, g, 0.0) is None


@pytest.mark.parametrize("dense", [True, False])
def test_costs_in_blocks_are_asked_for_less_often_with_a_pattern(dense, monkeypatch):
    monkeypatch.setattr(rv.Transport, "block_rows", 100)
    problems = list(gallery.sequence("drifting-images", count=6, size=20))
    cost = []
    for learners in ([rv.Potentials()], [rv.Potentials(), rv.Carried("pattern", ask=True)]):
        session = rv.Session("sinkhornnewton", learners, rtol=1e-10)
        results = []
        for p in problems:
            blocks = in_blocks(p)
            blocks.__dict__["dense"] = dense  # a plan that is not kept
            results.append(session.solve(blocks))
        cost.append(spent(results[1:]))
        assert all(violation(p, r) <= 1.001e-10 for p, r in zip(problems, results, strict=True))
    assert learners[1].used > 0 and cost[1] < 0.6 * cost[0]
