"""The list of goals: form of the lines, the verdict, selection, and the items at tiny size. Never the figures."""

import re

import pytest

from resolvent.bench import linear
from resolvent.bench.goals import Line, goals, items

FORM = re.compile(r"^(?P<name>\S.*?)\s+(?P<value>\S+)\s+(?P<op><=|<|>=)(?P<goal>\S+)\s+(?P<verdict>pass|fail)$")


def test_a_line_says_name_value_goal_and_verdict():
    found = FORM.match(Line("CG+SSOR in products, n = 10000", 1.0437, 2.4).text())
    assert found.groupdict() == {
        "name": "CG+SSOR in products, n = 10000",
        "value": "1.044",
        "op": "<=",
        "goal": "2.4",
        "verdict": "pass",
    }


@pytest.mark.parametrize(
    ("value", "op", "passed"),
    [(1.0, "<=", True), (1.0, "<", False), (1.0, ">=", True), (0.9, ">=", False), (float("nan"), "<=", False)],
)
def test_verdicts(value, op, passed):
    assert Line("x", value, 1.0, op).passed is passed


def test_goals_prints_lines_that_align_and_says_whether_all_passed(monkeypatch):
    def good(report, say, quick):
        say("an explanation")
        report("first", 1.0, 2.0)

    def bad(report, say, quick):
        report("second, with a longer name", 3.0, 2.0, "<=")

    monkeypatch.setattr(linear, "ITEMS", {"good": good, "bad": bad})
    printed = []
    assert goals("linear", printed.append) is False
    assert goals("linear", lambda line: None, only="good") is True
    lines = [line for line in printed if not line.startswith("#")]
    assert [FORM.match(line)["verdict"] for line in lines] == ["pass", "fail"]
    assert len({len(line) for line in lines}) == 1
    assert "#   an explanation" in printed


def test_an_item_that_raises_is_a_fail_and_not_the_end(monkeypatch):
    def broken(report, say, quick):
        raise RuntimeError("no such luck")

    monkeypatch.setattr(linear, "ITEMS", {"broken": broken, "good": lambda report, say, quick: report("b", 0, 1)})
    printed = []
    assert goals("linear", printed.append) is False
    assert any("no such luck" in line for line in printed)
    assert [FORM.match(line)["verdict"] for line in printed if not line.startswith("#")] == ["fail", "pass"]


def test_unknown_topics_and_items_are_refused():
    with pytest.raises(ValueError, match="no goals for 'liner'"):
        goals("liner")
    with pytest.raises(ValueError, match="has 'xyz' in its name"):
        goals("linear", only="xyz")


@pytest.mark.parametrize(
    "name", [name for name in items("linear") if name not in ("relax", "startup", "auto photograph")]
)
def test_every_item_runs_at_tiny_size(name):
    printed = []
    goals("linear", printed.append, quick=True, only=name)
    lines = [line for line in printed if not line.startswith("#")]
    assert lines
    for line in lines:
        assert FORM.match(line) and "could not be measured" not in line, printed


@pytest.mark.full
def test_the_doctor_s_figures_at_tiny_size():
    printed = []
    goals("krylov", printed.append, quick=True, only="doctor")
    lines = [line for line in printed if not line.startswith("#")]
    assert len(lines) == 7 and all(FORM.match(line) and "could not be" not in line for line in lines), printed


def test_the_model_is_held_against_the_clock_for_each_method():
    printed = []
    goals("krylov", printed.append, quick=True, only="model ")
    lines = [line for line in printed if not line.startswith("#")]
    assert len(lines) == 13 and all(FORM.match(line) and "could not be" not in line for line in lines), printed


def counted(monkeypatch):
    """Two items, the second of which needs the first one's note, and how often each ran."""
    ran = []

    def first(report, say, quick):
        ran.append("first")
        say("how it went")
        report("a", 1.0, 2.0)
        report.note("a", 3.0)

    def second(report, say, quick):
        ran.append("second")
        report("b", report.notes["a"], 2.0)

    monkeypatch.setattr(linear, "ITEMS", {"first": first, "second": second})
    return ran


def test_a_run_goes_on_from_what_is_finished(monkeypatch, tmp_path):
    ran, file, printed = counted(monkeypatch), tmp_path / "kept.jsonl", []
    assert goals("linear", only="first", keep=file, out=lambda line: None) is True
    whole = file.read_text()
    file.write_text(whole + '{"topic": "lin')  # killed while it wrote
    assert goals("linear", printed.append, keep=file) is False
    assert ran == ["first", "second"]  # the note was read from the file
    assert goals("linear", keep=file, out=lambda line: None) is False and ran == ["first", "second"]
    assert any(line.startswith("# first: measured on ") for line in printed) and "#   how it went" in printed
    assert [FORM.match(line)["value"] for line in printed if not line.startswith("#")] == ["1", "3"]
    assert goals("linear", quick=True, only="first", keep=file, out=lambda line: None) is True and len(ran) == 3
    assert file.read_text().startswith(whole) and len(file.read_text().splitlines()) == 3


def test_without_a_file_nothing_is_kept(monkeypatch):
    ran = counted(monkeypatch)
    for _ in range(2):
        goals("linear", out=lambda line: None, only="first")
    assert ran == ["first", "first"]


@pytest.mark.parametrize(
    "text",
    [
        "hello\n",
        "[1]\n",
        "{}\n",
        '{"topic": 1, "item": "a", "quick": true, "at": "", "said": [], "notes": {}, "lines": []}\n',
        '{"topic": "linear", "item": "a", "quick": true, "at": "", "said": [], "notes": {"a": "b"}, "lines": []}\n',
        '{"topic": "linear", "item": "a", "quick": true, "at": "", "said": [], "notes": {}, "lines": [["a", 1, 2]]}\n',
        '{"topic": "linear", "item": "a", "quick": true, "at": "", "said": [], "notes": {}, "lines": [["a", 1, 2, "=="]]}\n',
    ],
)
def test_a_file_that_is_another_one_is_refused_before_any_work(monkeypatch, tmp_path, text):
    ran, file = counted(monkeypatch), tmp_path / "other"
    file.write_text(text)
    with pytest.raises(ValueError, match="line 1: not a finished item"):
        goals("linear", keep=file)
    with pytest.raises(ValueError, match="does not exist"):
        goals("linear", keep=tmp_path / "no" / "file")
    assert not ran and file.read_text() == text
