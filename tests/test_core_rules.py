"""Stop rules and their algebra, work and its price, the purse, the order, names and records."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

import resolvent as rv
from resolvent.core import And, Cost, Or, Purse, Residual, Result, Seconds, State, Status, Steps, Unchanged, Work
from resolvent.core.costs import EVENTS, UNITS, product_seconds, weights
from resolvent.core.order import similar_order
from resolvent.core.registry import from_record, hook, method_named, restored, to_record


class Thing:
    scale = 10.0
    unit = 2.0


def fires(rule, *states):
    """The statuses that one run of a rule gives for (k, residual) pairs."""
    state = State()
    state.k, state.seen["residual"] = states[0]
    check = rule.start(Thing(), state)
    out = []
    for state.k, state.seen["residual"] in states:
        out.append(check(state))
    return out


def test_residual_is_relative_or_absolute():
    assert Residual(1e-3).threshold(Thing()) == 1e-2
    assert Residual(1e-3, atol=1.0).threshold(Thing()) == 2.0  # atol is in the user's unit
    assert Residual(0.0, 0.0).goal(Thing()) == 0.0
    assert fires(Residual(1e-3), (1, 0.011), (2, 0.01), (3, math.nan)) == [0, Status.RESIDUAL, 0]


def test_the_other_rules():
    assert fires(Steps(2), (1, 1.0), (2, 1.0)) == [0, Status.BUDGET]
    assert fires(Seconds(0.0), (1, 1.0)) == [Status.TIME]
    assert fires(Seconds(1e9), (1, 1.0)) == [0]
    assert fires(Unchanged(3), (0, 1.0), (2, 0.995), (3, 0.995), (4, 0.5), (6, 0.5)) == [0, 0, Status.CHANGE, 0, 0]


ATOMS = [(Residual(1e-3), Residual(1e-1)), (Residual(1e-3), Steps(5)), (Steps(3), Steps(5)), (Unchanged(2), Steps(3))]


@pytest.mark.parametrize(("one", "two"), ATOMS, ids=str)
def test_either_and_both_are_what_they_say(one, two):
    walk = [(k, 10.0 / 3**k) for k in range(9)]
    first, second = fires(one, *walk), fires(two, *walk)
    either, both = fires(one | two, *walk), fires(one & two, *walk)
    for a, b, e, t in zip(first, second, either, both, strict=True):
        assert (e != 0) == (a != 0 or b != 0) and (t != 0) == (a != 0 and b != 0)
        assert e in (a, b) and t in (a, b, 0)
        if max(a, b) > 0:
            assert e > 0 and (t == 0 or t > 0)
    assert (one | two).sees == (one & two).sees == one.sees | two.sees


def test_what_a_combination_tells_the_kernels():
    thing = Thing()
    either, both = Residual(1e-3) | Steps(5), Residual(1e-3) & Steps(5)
    assert isinstance(either, Or) and isinstance(both, And)
    assert either.goal(thing) == 1e-2 and either.steps() == 5
    assert both.goal(thing) is None and both.steps() is None and both.threshold(thing) == 1e-2
    assert (Residual(1e-3) | Residual(1e-1)).threshold(thing) == 1.0
    assert (Residual(1e-3) & Residual(1e-1)).threshold(thing) == 1e-2
    assert (Steps(3) | Steps(5)).steps() == 3 and Steps(3).goal(thing) is None


def test_rules_are_frozen_and_each_run_has_its_own_memory():
    rule = Unchanged(2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        rule.window = 5
    assert fires(rule, (0, 1.0), (2, 1.0)) == fires(rule, (0, 1.0), (2, 1.0)) == [0, Status.CHANGE]


# ---- work and cost --------------------------------------------------------------------------------


def test_work_is_counted_by_name_and_part():
    work = Work()
    work.add("products", 3)
    work.add("products", 2, "setup")
    work.add("orderings", 1, "once")
    work.add("gossip", 99)
    assert work.total() == {"orderings": 1, "products": 5, "gossip": 99}
    assert work.price({"products": 2.0, "orderings": 7.0}) == Cost(7.0, 4.0, 6.0)
    work.reset()
    assert work.total() == {} and work.price({"products": 2.0}) == Cost()


def test_costs_add_and_subtract():
    assert Cost(1, 2, 3) + Cost(1, 1, 1) == Cost(2, 3, 4) and Cost(2, 3, 4) - Cost(1, 1, 1) == Cost(1, 2, 3)
    assert sum([Cost(1, 2, 3)] * 2, Cost()).total == 12


@pytest.mark.parametrize(("rows", "nonzeros"), [(10, 50), (10_000, 50_000), (1_000_000, 7_000_000)])
def test_the_cost_table_is_in_products(rows, nonzeros):
    table = weights(rows, nonzeros)
    assert set(table) == set(EVENTS) | set(UNITS)
    assert table["products"] == pytest.approx(1.0) and all(0 < w < math.inf for w in table.values())
    assert max(table["cg_steps"], table["ssor_steps"]) < 12  # an iteration costs a few products
    assert product_seconds(2 * rows, 2 * nonzeros) > product_seconds(rows, nonzeros)


def test_the_table_is_the_same_bits_every_time():
    assert weights(12345, 67890) == weights(12345, 67890)


def test_the_purse_opens_slowly_and_closes_when_spent():
    purse = Purse(solves=4.0, cold=100.0, open=1.0)
    assert purse.left == 100.0
    for _ in range(1000):
        purse.earn()
    assert purse.left == 400.0
    purse.charge(-50.0)
    assert purse.left == 400.0  # a trial that paid gives nothing back
    purse.charge(500.0)
    assert purse.left == 0.0
    other = Purse()
    other.load_state_dict(purse.state_dict())
    assert other == purse


# ---- names, records, order ------------------------------------------------------------------------


def test_methods_have_names():
    assert method_named("CG") == rv.CG() and method_named("gaussseidel") == rv.GaussSeidel()
    with pytest.raises(ValueError, match=r"no method is named 'nosuch'; there are auto, .*\bcg,"):
        method_named("nosuch")


@pytest.mark.parametrize(
    "value",
    [rv.CG(), rv.CG(rv.SSOR(1.7)), rv.CG(rv.IC(0.1)), rv.CG(rv.AMG("rs", 3)), rv.Direct(), rv.Chebyshev(lmax=2.0)],
)
def test_records_go_there_and_back(value):
    import json

    assert from_record(json.loads(json.dumps(to_record(value)))) == value


@pytest.mark.parametrize(
    "record", [{"class": "Popen", "params": {}}, {"class": "CG", "params": {"evil": 1}}, {}, {"class": []}]
)
def test_records_of_strangers_are_refused(record):
    with pytest.raises((ValueError, TypeError)):
        from_record(record)


def test_what_cannot_be_a_record_is_said():
    with pytest.raises(ValueError, match="cannot be saved"):
        to_record(object())
    with pytest.raises(ValueError, match="not a carried object"):
        restored({"bound": "Popen"})
    with pytest.raises(KeyError):
        hook("nosuch")


class Point:
    def __init__(self, *features):
        self._features = features

    def features(self):
        return np.array(self._features, dtype=float)


def test_similar_order_is_greedy_from_the_first():
    assert similar_order([Point(0), Point(9), Point(2), Point(8), Point(1)]) == [0, 4, 2, 3, 1]
    assert similar_order([]) == [] and similar_order([Point(1)]) == [0]
    assert similar_order([Point(0), Point(1, 2), Point(3)]) == [0, 1, 2]  # not comparable: as given
    assert similar_order([object()] * 4) == [0, 1, 2, 3]


def test_similar_order_is_a_permutation():
    rng = np.random.default_rng(0)
    points = [Point(*row) for row in rng.standard_normal((40, 3))]
    assert sorted(similar_order(points)) == list(range(40))


# ---- results --------------------------------------------------------------------------------------


def test_every_status_has_a_truth_and_a_sentence():
    for status in Status:
        if status == Status.RUNNING:
            continue
        result = Result(x=np.zeros(1), status=status, seen={"residual": 0.5}, threshold=0.1, steps=3)
        assert result.ok == (status > 0)
        assert result.answered == (status > 0 or status == Status.INFEASIBLE)
        assert "0.5" in result.reason and "0.1" in result.reason and result.reason.endswith(".")
        if result.ok:
            assert result.raise_if_failed() is result
        else:
            assert result.reason.startswith(status.name)
            with pytest.raises(rv.NotConverged) as caught:
                result.raise_if_failed()
            assert caught.value.result is result and str(caught.value) == result.reason


def test_statuses_are_distinct_numbers_of_the_design():
    assert len(set(map(int, Status))) == len(list(Status))
    assert [int(s) for s in (Status.RESIDUAL, Status.GAP, Status.EXACT)] == [1, 2, 3]
    positive = [s for s in Status if s > 0]
    assert all(a is not b for a, b in itertools.combinations(positive, 2))


# ---- options --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["max_steps", "seed"])
def test_whole_numbers_are_asked_for_and_those_of_numpy_are_some(name):
    problem = rv.LinearSystem(np.diag([2.0, 3.0]), np.ones(2))
    for wrong in (-1, 1.5, True, "3", np.float64(2.0)):
        with pytest.raises(ValueError, match=rf"{name}=.* a whole number that is not negative is expected"):
            rv.Session("cg", **{name: wrong})
        with pytest.raises(ValueError, match=f"{name}="):
            rv.solve(problem, "cg", **{name: wrong})
    assert rv.solve(problem, "cg", **{name: np.int64(7)}).ok


def test_tolerances_are_numbers_and_those_of_numpy_are_some(tmp_path):
    for wrong in (-1.0, math.nan, math.inf, True, "1e-3", None):
        with pytest.raises(ValueError, match=r"rtol=.* a finite number that is not negative is expected"):
            rv.Session("cg", rtol=wrong)
    session = rv.Session("cg", rtol=np.float32(1e-3), max_steps=np.int64(9))
    session.save(tmp_path / "s.rv")
    assert rv.Session.load(tmp_path / "s.rv").rtol == np.float32(1e-3)


def test_a_method_that_nobody_has_is_answered_with_the_nearest():
    for given in ("gmrs", "GMRS"):
        with pytest.raises(
            ValueError, match=rf"no method is named '{given}' \(did you mean 'gmres'\?\); there are auto"
        ):
            rv.Session(given)
    with pytest.raises(ValueError, match="no method is named 'tea'; there are auto, "):
        method_named("tea")
