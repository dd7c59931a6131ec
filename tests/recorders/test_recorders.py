"""Recorders see what the loop shows them, write whole lines, and never change a solve."""

import io
import itertools
import json
import re

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import gallery
from resolvent.core import Recorder
from resolvent.recorders import Clock, History, JSONLines, ProgressBar, Table


@pytest.fixture
def problem():
    return gallery.sequence("darcy-path", count=1, size=12)[0]


def everyone():
    return [History(), History(each=True), Clock(), Table(5, io.StringIO()), JSONLines(io.StringIO())]


@pytest.mark.parametrize("recorder", everyone(), ids=lambda recorder: type(recorder).__name__)
def test_they_have_the_protocol(recorder):
    assert isinstance(recorder, object) and all(hasattr(recorder, name) for name in ("begin", "step", "end"))
    assert {"begin", "step", "end"} <= set(vars(Recorder))


def test_looking_does_not_change_a_solve(problem):
    alone = rv.solve(problem, "cg", rtol=1e-10)
    watched = rv.solve(problem, "cg", rtol=1e-10, recorders=everyone())
    assert watched.steps == alone.steps and np.array_equal(watched.x, alone.x)


def test_every_iteration_is_seen_when_asked(problem):
    history, coarse = History(each=True), History()
    result = rv.solve(problem, "cg", rtol=1e-10, recorders=[history])
    rv.solve(problem, "cg", rtol=1e-10, recorders=[coarse])
    assert np.array_equal(history.last[:, 0], np.arange(result.steps + 1))
    assert len(coarse.last) < len(history.last) and coarse.last[-1, 0] == result.steps
    assert np.allclose(history.last[0, 1], np.linalg.norm(problem.b))


def test_a_block_for_each_solve_and_the_oldest_go(problem):
    history = History(keep=2)
    session = rv.Session("cg", rtol=1e-8, recorders=[history])
    for _ in range(3):
        session.solve(problem)
    assert len(history.blocks) == 2
    with pytest.raises(ValueError, match="at least 1"):
        History(keep=0)


def test_the_clock_rises(problem):
    clock = Clock(each=True)
    rv.solve(problem, "cg", rtol=1e-10, recorders=[clock])
    assert clock.last.shape[1] == 3 and (np.diff(clock.last[:, 2]) >= 0).all() and clock.last[0, 2] >= 0


def test_nothing_recorded_is_empty():
    assert History().last.shape == (0, 2)


def test_the_table_has_a_line_each_few_steps_and_the_last(problem):
    out = io.StringIO()
    result = rv.solve(problem, "cg", rtol=1e-10, recorders=[Table(10, out)])
    steps = [int(line.split()[0]) for line in out.getvalue().splitlines() if re.match(r" *\d+ ", line)]
    assert steps[0] == 0 and steps[-1] == result.steps
    assert all(b - a <= 10 for a, b in itertools.pairwise(steps))
    with pytest.raises(ValueError, match="at least 1"):
        Table(0)


def test_the_table_ends_with_the_reason(problem, capsys):
    table = Table()
    result = rv.solve(problem, "cg", rtol=1e-10, recorders=[table])
    table.end(problem, result)
    assert result.reason in capsys.readouterr().err


def test_json_lines_are_whole_and_plain(tmp_path, problem):
    path = tmp_path / "events.jsonl"
    with JSONLines(path, each=True) as recorder:
        result = rv.solve(problem, "cg", rtol=1e-10, recorders=[recorder])
        recorder.end(problem, result)
    events = [json.loads(line) for line in path.read_text().splitlines()]
    assert events[0]["event"] == "begin" and events[0]["n"] == 144
    assert [e["k"] for e in events if e["event"] == "step"][-1] == result.steps
    assert events[-1]["event"] == "end" and events[-1]["status"] == "RESIDUAL"


def test_json_lines_have_no_nan():
    out = io.StringIO()
    A = sp.csr_array(np.array([[1.0, np.nan], [np.nan, 1.0]]))
    rv.solve(rv.LinearSystem(A, np.ones(2)), "cg", recorders=[JSONLines(out)], on_fail="ignore")
    assert not re.search(r": -?(NaN|Infinity)\b", out.getvalue())


def test_a_stream_that_was_given_stays_open():
    out = io.StringIO()
    JSONLines(out).close()
    assert not out.closed


def test_progress_over_a_session():
    out = io.StringIO()
    systems = gallery.sequence("darcy-path", count=3, size=8)
    bar = ProgressBar(systems, file=out)
    for result in rv.Session(rtol=1e-8).solve_all(systems):
        bar.advance(result)
    bar.close()
    assert out.getvalue() == "3 of 3 done\n"


def test_progress_as_the_session_shows_it(capsys):
    list(rv.Session(rtol=1e-8).solve_all(gallery.sequence("darcy-path", count=2, size=8), progress=True))
    assert "2 of 2 done" in capsys.readouterr().err


def test_progress_of_something_without_a_length_and_with_failures():
    out = io.StringIO()
    bar = ProgressBar(iter([]), file=out)
    bar._PAUSE = 0.0
    bar.advance(rv.Result(status=rv.Status.BUDGET))
    bar.close()
    assert out.getvalue().splitlines() == ["1 done, 1 not solved"] * 2


def test_progress_on_a_terminal():
    pytest.importorskip("rich")

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    out = Terminal()
    bar = ProgressBar(2, done=1, file=out)
    bar.advance(rv.Result(status=rv.Status.RESIDUAL))
    bar.close()
    assert "2/2" in out.getvalue()
