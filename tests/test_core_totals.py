"""The totals of a session and the lines of its summary: their arithmetic, by records made by hand."""

import pytest

import resolvent as rv
from resolvent.core import Advice, Cost, Result, Status
from resolvent.core.books import Record, Records, add, opening, summary
from resolvent.core.status import Change


def record(running, setup=0.0, once=0.0, status=Status.RESIDUAL, advice=None, retried=False, method=None):
    """A solve of four steps and half a second."""
    result = Result(status=status, steps=4, cost=Cost(once, setup, running), seconds=0.5, seen={"residual": 1e-9})
    result.method = rv.CG() if method is None else method
    result.work = {"products": running}
    first = Advice() if advice is None else advice
    return Record(result, Change.SHAPE, first, Advice() if retried else first)


def entered(*records):
    totals = opening()
    for one in records:
        add(totals, one)
    return totals


def test_nothing_is_in_the_books_at_first():
    assert opening() == dict.fromkeys(opening(), 0) | {"methods": {}, "failed": {}}
    assert summary(opening()) == ["nothing solved yet"]


def test_the_cold_cost_is_a_mean_that_forgets():
    assert entered(record(90.0, 10.0))["cold"] == 100.0
    assert entered(record(90.0, 10.0), record(50.0))["cold"] == pytest.approx(0.8 * 100.0 + 0.2 * 50.0)


@pytest.mark.parametrize(
    "advice",
    [Advice(x0=1.0), Advice(carry={"preconditioner": "kept"}), Advice(trial=True)],
    ids=["a guess", "a kept set-up", "a trial"],
)
def test_a_solve_that_was_given_something_is_not_cold(advice):
    totals = entered(record(100.0), record(40.0, advice=advice))
    assert totals["cold"] == 100.0
    assert totals["saved"] == (0.0 if advice.trial else 60.0) and totals["hurt"] == 0


def test_what_is_carried_unasked_or_is_none_does_not_count_as_kept():
    totals = entered(record(100.0), record(50.0, advice=Advice(carry={"symbolic": 1, "residual": 2, "space": None})))
    assert totals["kept"] == 0 and totals["cold"] == pytest.approx(90.0)


def test_a_failure_or_a_second_attempt_is_not_cold_and_may_have_hurt():
    assert entered(record(9.0, status=Status.BUDGET))["cold"] == 0.0
    totals = entered(record(100.0), record(130.0, status=Status.BUDGET), record(80.0, retried=True))
    assert totals["cold"] == 100.0 and totals["saved"] == -30.0 + 20.0
    assert totals["hurt"] == 1 and totals["failed"] == {"BUDGET": 1} and totals["ok"] == 2


@pytest.mark.parametrize(("cost", "hurt"), [(111.0, 0), (111.01, 1), (105.0, 0)])
def test_it_hurt_beyond_a_twentieth_and_six_products(cost, hurt):
    assert entered(record(100.0), record(cost, advice=Advice(x0=1.0)))["hurt"] == hurt


def test_sums():
    one = record(5.0, 2.0, 8.0)
    totals = opening()
    add(totals, one)
    add(totals, one, charged=0.25)
    assert totals["cost"] == 7.0 + 8.0 + 7.0 + 2.0 and totals["setup"] == 4.0
    assert totals["solves"] == totals["ok"] == 2 and totals["steps"] == 8 and totals["seconds"] == 1.0


def test_methods_are_counted_by_name_with_their_preconditioner():
    plain, inner = record(1.0), record(1.0, method=rv.CG(rv.SSOR()))
    assert entered(plain, inner, inner)["methods"] == {"CG": 1, "CG+SSOR": 2}


def test_the_summary_in_words():
    given = Advice(x0=1.0, carry={"preconditioner": "kept"})
    inner = record(30.0, advice=given, method=rv.CG(rv.SSOR()))
    totals = entered(record(100.0), inner, inner, record(200.0, status=Status.STAGNATED, advice=Advice(trial=True)))
    assert summary(totals) == [
        "4 solves, 3 certified, 2 s, 4.0 steps each",
        "methods: CG 2, CG+SSOR 2",
        "kept a set-up 2 times, a guess 2 times; 1 trials, 0 second attempts",
        "against solving cold (100 products a system, estimated): saved 140 products, hurt 0 times",
        "not solved: 1 x STAGNATED",
    ]
    dearer = entered(record(100.0), record(107.4, advice=given))
    assert summary(dearer)[3].endswith("lost 7 products, hurt 0 times")
    level = entered(record(100.0), record(100.4, advice=given))
    assert summary(level)[3].endswith("saved 0 products, hurt 0 times")
    assert len(summary(entered(record(3.0, status=Status.TIME)))) == 4  # no cold solve: nothing to compare with


def test_an_entry_of_the_log():
    given = Advice(x0=1.0, carry={"space": "kept", "preconditioner": "kept", "symbolic": 1}, trial=True)
    entry = record(3.0, 2.0, 1.0, advice=given, retried=True).entry()
    assert entry["ok"] is True and entry["kept"] == ["preconditioner", "space"]
    assert entry["guess"] is entry["trial"] is entry["retried"] is True
    assert (entry["once"], entry["setup"], entry["running"], entry["seconds"]) == (1.0, 2.0, 3.0, 0.5)
    assert entry["steps"] == 4 and entry["residual"] == 1e-9 and entry["work"] == {"products": 3.0}
    assert record(1.0, status=Status.RUNNING).entry()["ok"] is False


def test_the_last_256_records_are_kept():
    records = Records()
    for cost in range(300):
        records.append(record(float(cost)))
    assert len(records) == 256 and records[0]["running"] == 44.0 and records[-1]["running"] == 299.0
    assert [entry["running"] for entry in records] == list(range(44, 300))
