"""auto asks for estimates once a pattern, chooses as if it had asked each time, and leaves out what cannot work."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import gallery
from resolvent.auto import arms
from resolvent.problems.linear import LinearSystem

SEQUENCES = ("darcy-path", "darcy-log", "jumps", "heat-shift")


def solved(name, count=14, size=24):
    session = rv.Session(rtol=1e-8, on_fail="ignore")
    problems = gallery.sequence(name, count, size)
    results = list(session.solve_all(problems))
    return [(r.x.tobytes(), repr(r.method), r.steps, r.advice.trial) for r in results]


@pytest.mark.parametrize("name", SEQUENCES)
def test_choices_are_those_of_asking_every_time(name, monkeypatch):
    kept = solved(name)
    monkeypatch.setattr(LinearSystem, "estimate_key", property(lambda self: object()))
    assert solved(name) == kept


def test_estimates_do_not_depend_on_values():
    """On one pattern with very different values, whatever was found of the pattern before."""
    n = 40
    rng = np.random.default_rng(0)
    memory = {}
    for scale in (1.0, 1e-9, 1e9):
        side = -rng.uniform(0.1, 1.0, n - 1)
        A = sp.diags_array([side, 3.0 * np.ones(n), side], offsets=[-1, 0, 1]).tocsr() * scale
        problem = LinearSystem(A, np.ones(n))
        problem.compare(memory)
        found = [problem.estimate(arm.method) for arm in arms("stored/spd/40/float64")]
        if scale == 1.0:
            first = found
            key = problem.estimate_key
        assert found == first and problem.estimate_key == key


def test_a_settled_session_asks_no_more(monkeypatch):
    session = rv.Session(rtol=1e-8)
    problems = list(gallery.sequence("darcy-path", 30, 24))
    for problem in problems[:20]:
        session.solve(problem)
    asked = []
    monkeypatch.setattr(LinearSystem, "estimate", lambda self, method: asked.append(method))
    for problem in problems[20:]:
        session.solve(problem)
    assert not asked


def test_a_new_pattern_is_asked_of_anew():
    select = rv.Session(rtol=1e-8).learners[0]
    memory, found = {}, []
    for n in (24, 24, 36):
        problem = next(iter(gallery.sequence("darcy-path", 1, n)))
        problem.compare(memory)
        select._ready(problem)
        found.append(select._estimate(problem, select.arms[2]))
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_ruge_stueben_is_for_real_matrices(dtype):
    pytest.importorskip("pyamg", reason="needs pyamg: pip install 'resolvent[amg]'")
    names = [arm.name for arm in arms(f"stored/spd/5000/{dtype}")]
    assert "cg+amg sa" in names and ("cg+amg rs" in names) == (not dtype.startswith("complex"))
