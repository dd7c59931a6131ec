"""A page tells what happened in words, needs nothing from elsewhere, and is the same bytes for the same input."""

import html.parser
import re

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import gallery
from resolvent.recorders import History
from resolvent.report import write_run, write_session
from resolvent.report.story import Story, method_label
from resolvent.runs import Plan, execute

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "run"
    execute(Plan("heat-conductivity", count=25, size=16, rtol=1e-8), folder)
    return folder


class Reader(html.parser.HTMLParser):
    """Collects text, and everything that could point elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.text, self.links, self.tags, self.open = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href", "action", "data", "srcset")]

    def handle_data(self, data):
        self.text.append(data)

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


def test_it_points_nowhere(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    reader = Reader(text)
    assert not re.search(r"https?:|//[a-z]|@import|url\((?!#)", text)
    assert all(link.startswith(("#", "data:")) for link in reader.links)
    assert not {"script", "link", "iframe", "object", "embed"} & set(reader.tags)


def test_it_is_the_same_bytes_again(run):
    before = (run / "report.html").read_bytes()
    write_run(run)
    assert (run / "report.html").read_bytes() == before


def test_its_pictures_are_inline_and_named(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    assert text.count("<svg") == text.count("</svg>") == text.count("aria-label=") == 3
    assert "var(--c0)" in text and "f3" not in re.findall(r"#\w\wf3\w\w", text)
    assert "prefers-color-scheme: dark" in text and "width=device-width" in text


def test_identifiers_are_unique(run):
    text = (run / "report.html").read_text(encoding="utf-8")
    found = re.findall(r'\bid="([^"]+)"', text)
    assert len(found) == len(set(found))


def test_it_says_what_happened(run):
    words = Reader((run / "report.html").read_text(encoding="utf-8")).words
    for expected in (
        "heat-conductivity",
        "25 of 25",
        "All 25 systems meet the tolerance",
        "What was kept, what it saved, when it hurt",
        "resolvent run heat-conductivity --count 25 --size 16 --rtol 1e-08",
        "resolvent verify run",
        "Certificates",
        "Select",
    ):
        assert expected in words


def test_a_session_in_memory(tmp_path):
    session = rv.Session(rtol=1e-8, recorders=[History(keep=256)])
    for problem in gallery.sequence("darcy-path", count=12, size=12):
        session.solve(problem)
    session.report(tmp_path / "a.html")
    write_session(session, tmp_path / "b.html")
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    words = Reader((tmp_path / "a.html").read_text(encoding="utf-8")).words
    assert "12 of 12" in words and "How a few of them converged" in words


def test_a_session_that_solved_nothing(tmp_path):
    write_session(rv.Session("cg"), tmp_path / "page.html")
    assert "Nothing has been solved yet" in (tmp_path / "page.html").read_text()


def test_one_solve_and_a_failed_one(tmp_path):
    session = rv.Session("cg", rtol=1e-8, on_fail="ignore")
    session.solve(rv.LinearSystem(np.diag([1.0, 2.0]), np.ones(2)))
    write_session(session, tmp_path / "one.html")
    assert "The system meets the tolerance" in (tmp_path / "one.html").read_text()
    session.solve(rv.LinearSystem(np.diag([1.0, -2.0]), np.ones(2)))
    write_session(session, tmp_path / "two.html")
    words = Reader((tmp_path / "two.html").read_text()).words
    assert "1 of 2 systems did not meet the tolerance" in words and "INDEFINITE" in words


def test_more_solves_than_a_session_keeps(tmp_path):
    session = rv.Session("cg", rtol=1e-8)
    for k in range(300):
        session.solve(rv.LinearSystem(np.diag([1.0, 2.0 + k]), np.ones(2)))
    write_session(session, tmp_path / "page.html")
    words = Reader((tmp_path / "page.html").read_text()).words
    assert "300 of 300" in words and "last 256 of 300 solves" in words


def test_hostile_text_is_escaped(tmp_path):
    source = tmp_path / "<b>systems"
    source.mkdir()
    gallery.save_system(source / "a.npz", rv.LinearSystem(sp.csr_array(np.eye(3)), np.ones(3)))
    execute(Plan(str(source)), tmp_path / "run")
    assert "<b>systems" not in (tmp_path / "run" / "report.html").read_text()


# ---- what is said ----------------------------------------------------------------------------------------------------


def entry(place, method="CG(preconditioner=SSOR(omega=1.5))", **more):
    base = {
        "index": place,
        "status": "RESIDUAL",
        "ok": True,
        "reason": "",
        "steps": 10,
        "residual": 0.5,
        "tolerance": 1.0,
        "once": 0.0,
        "setup": 0.0,
        "running": 100.0,
        "seconds": 0.001,
        "method": method,
        "kept": [],
        "guess": False,
        "trial": False,
        "retried": False,
        "work": {},
        "cold": 100.0,
    }
    return base | more


def story(entries, auto=True):
    facts = {"entries": entries, "total": len(entries), "solved_all": sum(e["ok"] for e in entries), "auto": auto}
    learners = [{"name": "Select", "owns": ["method"], "says": [], "arms": []}] if auto else []
    return Story(facts | {"complete": True, "note": "", "learners": learners})


def test_stepping_aside_is_said_in_words():
    aside = story([entry(k) for k in range(3)] + [entry(k, "Direct()") for k in range(3, 20)])
    said = " ".join(aside.sentences())
    assert "auto stepped aside: from solve 3 on it uses the direct solver" in said
    assert "stepped aside" not in " ".join(story([entry(0)]).sentences())
    given = story([entry(0, "Direct()")], auto=False)
    assert "stepped aside" not in " ".join(given.sentences())


def test_hurting_is_said_with_its_worst_case():
    hurt = story([entry(0), entry(1, running=130.0, guess=True), entry(2, running=300.0, guess=True)])
    said = " ".join(hurt.sentences())
    assert "It hurt twice" in said and "system 2: 300 products where 100" in said
    assert "It hurt nowhere" in " ".join(story([entry(0), entry(1, running=900.0, trial=True)]).sentences())


def test_saving_is_the_sum_of_what_cold_would_have_cost():
    saved = story([entry(k, running=50.0, guess=True) for k in range(4)])
    assert saved.against_cold() == (200.0, 400.0)
    assert "saved 200 products" in " ".join(saved.sentences())
    rows = {row["name"]: row for row in saved.savings()}
    assert rows["a first guess"]["saved"] == 200.0 and rows["a first guess"]["count"] == 4


def test_labels():
    assert method_label("CG(preconditioner=AMG(kind='rs', seed=0), stride=64)") == "CG + AMG (rs)"
    assert method_label("CG(preconditioner=None, stride=64)") == "CG"
    assert method_label("CG(preconditioner=Direct(), stride=64)") == "CG + kept factor"
    assert method_label("Chebyshev(low=None)") == "Chebyshev"
