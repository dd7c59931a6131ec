"""When a linear solve of policy iteration goes the whole way at once, and what is learned of that."""

import numpy as np
import pytest

import resolvent as rv
from resolvent.gallery.mdp import garnet
from resolvent.learners.probation import Probation
from resolvent.methods.fixedpoint.foresight import Foresight
from resolvent.methods.fixedpoint.inner import Inner


def seen(level=0.0, digit=0.5):
    foresight = Foresight()
    foresight.level, foresight.digit = level, digit
    return foresight


def run(model, count=5):
    session = rv.Session("linearized", [rv.Warm(always=True), rv.Carried("inner")], rtol=0.0, atol=1e-8)
    results = [session.solve(p) for p in model.drifting(count)]
    assert all(r.ok for r in results)
    return results


def test_the_whole_way_saves_linearisations_and_finds_the_same(monkeypatch):
    model = garnet()
    with_ = run(model)
    monkeypatch.setattr(Foresight, "straight", lambda self, residual: False)
    without = run(model)
    looks = [sum(r.work["linearizations"] for r in results) for results in (with_, without)]
    assert looks[0] < looks[1]
    for one, two in zip(with_, without, strict=True):
        assert np.max(np.abs(one.x - two.x)) <= 2e-8 / (1 - 0.999)


def test_only_where_a_step_was_foretold_exactly_and_digits_are_cheap():
    foresight = seen()
    foresight.look(0.1, left=1e-4, found=2e-4)
    assert not foresight.straight(0.01)
    foresight.look(0.1, left=1e-4, found=1e-4 * (1 + 1e-7))
    assert foresight.straight(0.1) and not foresight.straight(0.2)
    assert not seen(0.1, digit=3.0).straight(0.1) and not seen(0.1, digit=0.0).straight(0.1)


def test_an_answer_that_was_not_confirmed_lowers_the_level_and_one_that_was_raises_it():
    missed, met = seen(0.1), seen(0.1)
    missed.foretold(0.02)
    missed.begin(again=True)
    assert missed.straight(0.02) and not missed.straight(0.03)
    missed.foretold(0.02)
    missed.begin(again=True)
    assert not missed.straight(0.02)
    met.foretold(0.3)
    met.begin(again=False)
    assert met.straight(0.3)


def test_a_digit_costs_what_the_solves_of_the_last_problem_cost():
    foresight = Foresight()
    foresight.charge(2.0, 1.0, 1e-4)
    foresight.charge(1.0, 1.0, 1e-2)
    foresight.charge(9.0, 1.0, 0.0)  # no number of digits
    foresight.begin(again=False)
    assert foresight.digit == pytest.approx(0.5) and foresight.cheap


@pytest.mark.parametrize(
    "spoil", [{"level": -1.0}, {"digit": float("nan")}, {"tried": "no"}, {"spent": None}, {"more": 1}]
)
def test_what_a_stranger_says_is_vetted(spoil):
    state = seen(0.1).state_dict()
    assert Foresight.from_state(state).level == 0.1
    with pytest.raises(ValueError, match="numbers"):
        Foresight.from_state(state | spoil)


def test_a_probe_does_not_replace_what_has_grown():
    carried = rv.Carried("inner")
    problem = garnet(states=30, actions=2, successors=4, gamma=0.9).problem()
    old, new = Inner("bicgstab"), Inner("bicgstab")
    carried._kept, carried._epoch = {"inner": old}, problem.epoch
    for cost, mine in ((10.0, False), (4.0, True), (4.0, True)):
        carried.book.enter(cost, carried=mine)
    result = rv.core.Result(status=rv.Status.RESIDUAL, carry={"inner": new})
    carried.observe(problem, rv.core.Advice(), result)
    assert carried._kept["inner"] is old
    carried.book.carried = 11.0  # it does not pay: then the new one is taken
    carried.observe(problem, rv.core.Advice(), result)
    assert carried._kept["inner"] is new


@pytest.mark.parametrize("ratio", [0.9, 0.5, 0.1])
def test_looks_at_the_losing_side_cost_a_twentieth_at_most(ratio):
    book, spent, excess = Probation(), 0.0, 0.0
    for _ in range(400):
        carried = book.wanted()
        book.enter(ratio if carried else 1.0, carried)
        spent, excess = spent + ratio, excess + (0.0 if carried else 1.0 - ratio)
    longest = 64 * 0.05 * ratio / (1.0 - ratio)  # where the longest wait binds
    assert excess <= (1.0 - ratio) + 0.05 * spent * max(1.0, 1.0 / longest)
    assert book.colds >= 3


def test_what_is_not_finite_is_not_learned_from():
    foresight = Foresight()
    foresight.look(np.inf, left=1.0, found=1.0)
    foresight.foretold(np.inf)
    foresight.charge(1.0, 1e300, 1e-300)
    foresight.begin(again=False)
    assert Foresight.from_state(foresight.state_dict()).level == foresight.digit == 0.0
