"""The experiment at tiny sizes: its tables are what they say, and its time steps are the heat equation's."""

import numpy as np
import pytest
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from resolvent.bench import relax_goals
from resolvent.experiments import learning_to_relax as experiment
from resolvent.gallery import sequence


@pytest.fixture(scope="module")
def printed():
    lines = []
    result = experiment.run(quick=True, seed=3, out=lines.append, rounds=6, steps=5, sizes=(8, 12))
    return result, lines


def test_tables_are_ordered_as_they_must_be(printed):
    result, _ = printed
    for table in (*result["synthetic"].values(), *result["heat"].values()):
        rows = table["rows"]
        best = next(row for name, row in rows.items() if name.startswith("best fixed omega"))
        fixed = [row["iterations"] for name, row in rows.items() if name.startswith("omega = ")]
        assert rows["instance-optimal omega"]["iterations"] <= best["iterations"] <= min(fixed)
        for name in ("Tsallis-INF", "Tsallis-INF + formula arm", "ChebCB", "ChebCB + formula arm"):
            assert rows[name]["iterations"] >= rows["instance-optimal omega"]["iterations"] or "formula" in name
            assert rows[name]["learning_ms"] > 0.0
        assert rows["omega = 1"]["learning_ms"] == 0.0


def test_counts_are_those_of_sor_written_down(printed):
    result, _ = printed
    counts = []
    for problem in sequence("synthetic-shift", count=6, seed=3, variance="low"):
        A = problem.A.toarray()
        W = np.tril(A, -1) + np.diag(np.diag(A)) / 1.6
        x, steps = np.zeros(100), 0
        while np.linalg.norm(problem.b - A @ x) > 1e-8 * np.linalg.norm(problem.b):
            x, steps = x + np.linalg.solve(W, problem.b - A @ x), steps + 1
        counts.append(steps)
    assert abs(result["synthetic"]["low"]["rows"]["omega = 1.6"]["iterations"] - np.mean(counts)) < 0.2


def test_the_papers_figures_stand_beside_ours(printed):
    result, lines = printed
    text = "\n".join(lines)
    assert "paper 2.4x" in text
    assert "paper 3.5x" in text
    rows = result["heat"][12]["rows"]
    ours = rows["omega = 1"]["iterations"] / rows["ChebCB"]["iterations"]
    assert result["headline"]["chebcb"]["iterations"] == pytest.approx(ours)
    assert "sine transform" in text
    assert "Direct" in text
    assert max(len(line) for line in lines) < 1000


def test_the_march_solves_each_step():
    before = None
    for problem, u in experiment._march(9, 4, []):
        if before is not None:
            exact = sla.spsolve(sp.csc_array(before.A), before.b)
            np.testing.assert_allclose(u, exact, atol=1e-12)
        before = problem


def test_goals_at_a_tiny_size():
    found = []
    relax_goals.goals(lambda *row: found.append(row), seeds=(1,), count=40)
    assert [row[3] for row in found] == ["<=", "<=", "<="]
    assert [row[2] for row in found] == [1.15, 1.12, 30.0]
    assert all(np.isfinite(row[1]) and row[1] > 0.0 for row in found)
    assert found[1][1] >= 1.0
    assert len({row[0] for row in found}) == 3


def test_the_grid_table_is_the_kernels_count_from_zero():
    problems = list(sequence("synthetic-shift", count=2, seed=5, variance="high"))
    table = relax_goals.counts(problems, np.array([1.2, 1.5]))
    for problem, row in zip(problems, table, strict=True):
        A = problem.A.toarray()
        for omega, count in zip((1.2, 1.5), row, strict=True):
            W = np.tril(A, -1) + np.diag(np.diag(A)) / omega
            x, steps = np.zeros(100), 0
            while np.linalg.norm(problem.b - A @ x) > 1e-8 * np.linalg.norm(problem.b):
                x, steps = x + np.linalg.solve(W, problem.b - A @ x), steps + 1
            assert abs(steps - count) <= 1
