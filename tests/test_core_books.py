"""The books of a Session: what a pattern was charged once is charged once, whether it was loaded in between or not."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.core import StateFileError, load_state, save_state
from resolvent.core.books import Paid, opening, reopened

MAKES = {
    "auto": lambda: rv.Session(rtol=1e-8),
    "ssor": lambda: rv.Session(rv.CG(rv.SSOR()), rtol=1e-8),
    "ic": lambda: rv.Session(rv.CG(rv.IC()), rtol=1e-8),
    "factor": lambda: rv.Session(rv.CG(rv.Direct()), [rv.Lifetime("preconditioner")], rtol=1e-8),
    "direct": lambda: rv.Session("direct", rtol=1e-8),
    "sor": lambda: rv.Session(rv.SOR(1.2), rtol=1e-6),
}


def problem(t, n=60):
    side = np.ones(n - 1)
    A = sp.diags_array([-side, (2.5 + 0.3 * np.sin(0.3 * t)) * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()
    return rv.LinearSystem(A, np.cos(np.arange(n) + 0.1 * t))


@pytest.mark.parametrize("name", MAKES)
@pytest.mark.parametrize("cut", [1, 4])
def test_a_loaded_session_charges_the_symbolic_part_once(name, cut, tmp_path):
    whole, half = MAKES[name](), MAKES[name]()
    costs = [whole.solve(problem(t)).cost for t in range(9)]
    assert whole.totals["cost"] == pytest.approx(sum(c.total for c in costs))
    for t in range(cut):
        half.solve(problem(t))
    half.save(tmp_path / "s.rv")
    for _ in range(2):  # and loaded twice in a row
        rv.Session.load(tmp_path / "s.rv").save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    for t in range(cut, 9):
        loaded.solve(problem(t))
    assert loaded.totals["cost"] == pytest.approx(whole.totals["cost"], rel=1e-12)
    assert loaded.totals["setup"] == pytest.approx(whole.totals["setup"], rel=1e-12)


def test_another_pattern_is_charged_anew(tmp_path):
    session = MAKES["ic"]()
    first = session.solve(problem(0)).cost
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    other = loaded.solve(problem(0, 70)).cost
    assert other.once > 0 and loaded.totals["cost"] == pytest.approx(first.total + other.total)


def test_a_loaded_session_estimates_as_the_saved_one_did(tmp_path):
    """What was found of a pattern's factor is saved: before, estimates are only within a factor of three."""
    session = rv.Session("direct", rtol=1e-8)
    session.solve(problem(0))
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    one, two = problem(1), problem(1)
    one.compare(session.memory)
    two.compare(loaded.memory)
    assert one.estimate(rv.Direct()) == two.estimate(rv.Direct()) != problem(1).estimate(rv.Direct())


@pytest.mark.parametrize(
    ("part", "value"),
    [
        ("paid", {"symbolics": -1.0}),
        ("paid", {"symbolics": float("nan")}),
        ("paid", {"symbolics": "many"}),
        ("paid", [1]),
        ("paid", None),
        ("solved", -1),
        ("solved", 1.5),
        ("solved", True),
        ("figures", {"width": 0}),
        ("figures", {"width": float("inf")}),
        ("figures", {"width": [1, 2]}),
        ("figures", {"factor.flops.True": [1.0, 0]}),
        ("figures", {"factor.flops.True": [1.0]}),
        ("figures", {"factor.order": 3}),
        ("figures", 7),
    ],
)
def test_books_of_strangers_are_refused(part, value, tmp_path):
    session = rv.Session("direct", rtol=1e-8)
    session.solve(problem(0))
    state = session.state_dict()
    place = state["memory"] if part == "figures" else state
    place[part] = value
    save_state(tmp_path / "s.rv", {"session": state})
    with pytest.raises(StateFileError, match=r"s\.rv"):
        rv.Session.load(tmp_path / "s.rv")
    assert load_state(tmp_path / "s.rv")["session"]["auto"] is False


def test_totals_of_strangers_are_refused():
    good = opening()
    assert reopened(good) == good and reopened(good) is not good
    for name, value in (
        ("solves", "1"),
        ("cost", True),
        ("methods", []),
        ("methods", {"CG": 1.5}),
        ("failed", {"x": "y"}),
    ):
        with pytest.raises(ValueError, match="total"):
            reopened(good | {name: value})
    with pytest.raises(ValueError, match="totals"):
        reopened({k: v for k, v in good.items() if k != "cold"})
    with pytest.raises(ValueError, match="totals"):
        reopened(good | {"more": 1})


def test_what_was_paid_is_owed_once():
    class Priced:
        epoch = 3

        def __init__(self, once):
            self.work = rv.core.Work()
            self.work.once = once

        def price(self):
            return self.work.price({"a": 1.0, "b": 3.0})

    paid = Paid.reopened({"a": 2.0}, 3)
    assert paid.charge(Priced({})) == 1.0
    assert paid.charge(Priced({"a": 1, "b": 1})) == pytest.approx(0.75)
    assert paid.charge(Priced({"a": 2})) == pytest.approx(0.5)
    assert paid.charge(Priced({"a": 2})) == 1.0
    assert paid.counts == {"a": 2.0 + 1 + 2, "b": 1}
    assert paid.charge(Priced({"free": 2})) == 1.0
