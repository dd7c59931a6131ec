"""The one loop, on methods and problems made for it: whatever they claim, the result tells the truth."""

import dataclasses
import math

import numpy as np
import pytest

from resolvent.core import (
    Advice,
    And,
    Cost,
    Measure,
    OperatorError,
    Residual,
    Rule,
    Seconds,
    SetupError,
    State,
    Status,
    Steps,
    Unchanged,
    Work,
    drive,
    with_params,
)
from resolvent.core import loop as loop_module


class Toy:
    """Find x = b; the residual is b - x; one unit of work costs one product."""

    def __init__(self, b=(3.0, 4.0), floor=0.0):
        self.b = np.array(b)
        self.scale = float(np.linalg.norm(self.b))
        self.work = Work()
        self.rounding = floor
        self.measured = 0
        self.noisy = False

    def measure(self, x):
        self.measured += 1
        r = self.b - x
        return Measure(float(np.linalg.norm(r)), r, self.noisy, {"backward_error": 0.5})

    def lacks(self, needs):
        return None

    def price(self):
        return self.work.price({"products": 1.0})

    def floor(self, x):
        return self.rounding

    def attainable_hint(self, floor):
        return f"not below {floor:g}"


@dataclasses.dataclass(frozen=True)
class Fake:
    """Each step takes ``rate`` of the true error away and *claims* ``claim`` of it; remembers how it was begun."""

    rate: float = 0.5
    claim: float = 0.5
    raises: object = None
    at: int = 3
    log: list = dataclasses.field(default_factory=list, compare=False)

    needs = frozenset()
    sees = frozenset({"residual"})

    def init(self, problem, x0, carry):
        self.log.append((None if x0 is None else np.array(x0), dict(carry)))
        state = State()
        state.x = np.zeros_like(problem.b) if x0 is None else np.array(x0)
        known = carry.get("residual")
        state.seen["residual"] = float(np.linalg.norm(problem.b - state.x if known is None else known))
        return state

    def step(self, problem, state):
        assert state.room is None or state.room >= 1
        problem.work.add("products")
        state.k += 1
        if self.raises is not None and state.k == self.at:
            if isinstance(self.raises, Status):
                state.status, state.reason = self.raises, "the method says so"
                return
            raise self.raises
        state.x = state.x + (1 - self.rate) * (problem.b - state.x)
        state.seen["residual"] *= self.claim

    def solution(self, problem, state):
        return state.x.copy()

    def harvest(self, problem, state):
        return {"space": "kept"}


def test_an_honest_method_ends_after_one_measure():
    problem = Toy()
    result = drive(problem, Fake(), Residual(1e-3))
    assert result.status == Status.RESIDUAL and result.steps == 10
    assert problem.measured == 1
    assert result.seen["residual"] == np.linalg.norm(problem.b - result.x) <= result.threshold
    assert result.seen["backward_error"] == 0.5
    assert result.history[:, 0].tolist() == list(range(11)) and result.carry["space"] == "kept"
    assert result.cost.running == 10 and result.work == {"products": 10}


def test_a_drifting_recurrence_is_continued_from_its_own_x():
    problem, method = Toy(), Fake(rate=0.5, claim=0.1)
    result = drive(problem, method, Residual(1e-6))
    assert result.ok and np.linalg.norm(problem.b - result.x) <= 1e-6 * problem.scale
    assert result.steps == 20  # what halving takes; nothing but measures was lost
    assert len(method.log) == problem.measured > 1
    for x0, carry in method.log[1:]:
        assert np.array_equal(carry["residual"], problem.b - x0)  # its residual comes with x, for that x alone
        assert carry["space"] == "kept"


def test_restarts_that_gain_nothing_end_stagnated_with_the_best_x():
    class Worse(Fake):
        def step(self, problem, state):
            state.k += 1
            state.x = problem.b * (1 - 0.1 * len(self.log))
            state.seen["residual"] = 0.0

    method = Worse()
    problem = Toy()
    result = drive(problem, method, Residual(1e-6))
    assert result.status == Status.STAGNATED and not result.ok
    assert len(method.log) == 3  # the first run and two useless restarts
    assert result.seen["residual"] == pytest.approx(0.1 * problem.scale)  # of the first, the best
    assert np.allclose(result.x, 0.9 * problem.b)


def test_at_the_rounding_floor_it_stagnates_at_once():
    problem, method = Toy(floor=1e-3), Fake(rate=0.999, claim=1e-9)
    result = drive(problem, method, Residual(1e-9))
    assert result.status == Status.STAGNATED or len(method.log) > 1
    problem, method = Toy(floor=10.0), Fake(rate=0.999, claim=1e-9)
    result = drive(problem, method, Residual(1e-9))
    assert result.status == Status.STAGNATED and len(method.log) == 1
    assert result.seen["attainable"] == 10.0 and "not below 10" in result.reason


def test_a_noisy_measure_is_noisy():
    problem = Toy()
    problem.noisy = True
    assert drive(problem, Fake(), Residual(1e-3)).status == Status.NOISY


@pytest.mark.parametrize("limit", [0, 1, 5])
def test_the_budget_is_kept(limit):
    result = drive(Toy(), Fake(), Residual(1e-9) | Steps(limit))
    assert result.status == Status.BUDGET and result.steps == limit
    assert "iterations allowed" in result.reason and f"{limit} steps" in result.reason


def test_a_budget_that_ends_on_a_good_x_is_a_success():
    result = drive(Toy(), Fake(claim=1.0), Residual(1e-2) | Steps(50))
    assert result.status == Status.RESIDUAL  # the method never noticed; the measure did


def test_the_cap_ends_the_attempt_and_not_the_tolerance():
    problem = Toy()
    problem.work.add("products", 100)  # what came before does not count
    result = drive(problem, Fake(), Residual(1e-9), cap=6.0)
    assert result.status == Status.BUDGET and result.capped
    assert 6 < result.cost.total <= 7
    assert result.threshold == 1e-9 * problem.scale


def test_steps_of_earlier_attempts_count():
    result = drive(Toy(), Fake(), Residual(1e-9) | Steps(12), done=10)
    assert result.status == Status.BUDGET and result.steps == 12 and result.history[0, 0] == 10


@pytest.mark.parametrize("status", [Status.INDEFINITE, Status.DIVERGED, Status.NONFINITE])
def test_what_a_method_finds_out_is_reported(status):
    result = drive(Toy(), Fake(raises=status), Residual(1e-9))
    assert result.status == status and "the method says so" in result.reason
    assert result.seen["residual"] == pytest.approx(5.0 * 0.25)


def test_after_a_breakdown_the_method_begins_again_from_the_x_reached_while_that_helps():
    method = Fake(raises=Status.BREAKDOWN)  # breaks down once, in its third step
    result = drive(Toy(), method, Residual(1e-3))
    assert result.status == Status.RESIDUAL and len(method.log) == 2
    assert method.log[1][0].tolist() == [3.0 * 0.75, 4.0 * 0.75] and set(method.log[1][1]) == {"residual", "space"}
    useless = Fake(rate=0.99, raises=Status.BREAKDOWN)
    result = drive(Toy(), useless, Residual(1e-3))
    assert result.status == Status.BREAKDOWN and "the method says so" in result.reason
    assert len(useless.log) == 1 and result.seen["residual"] == pytest.approx(5.0 * 0.99**2)


def test_growth_and_nan_are_noticed():
    assert drive(Toy(), Fake(claim=100.0, rate=100.0), Residual(1e-9)).status == Status.DIVERGED
    assert drive(Toy(), Fake(claim=math.nan, rate=math.nan), Residual(1e-9)).status == Status.NONFINITE


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SetupError("no pivot"), Status.SETUP),
        (OperatorError("the operator raised ValueError: no"), Status.ERROR),
        (MemoryError("2 GiB"), Status.ERROR),
        (KeyboardInterrupt(), Status.INTERRUPTED),
    ],
)
def test_what_is_raised_becomes_a_status(error, status):
    result = drive(Toy(), Fake(raises=error), Residual(1e-9))
    assert result.status == status and not result.ok
    assert result.reason.startswith(status.name)


def test_a_failing_setup_is_a_result_without_x():
    class Broken(Fake):
        def init(self, problem, x0, carry):
            raise SetupError("the factorization failed: the matrix is exactly singular")

    result = drive(Toy(), Broken(), Residual(1e-9))
    assert result.status == Status.SETUP and result.x is None and "exactly singular" in result.reason


def test_an_error_of_the_program_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        drive(Toy(), Fake(raises=ZeroDivisionError()), Residual(1e-9))


class Watcher:
    """A recorder that writes down what it is told, and may ask, raise or dawdle."""

    def __init__(self, each=True, ask=None, error=None, clock=None):
        self.each, self.ask, self.error, self.clock = each, ask, error, clock
        self.begun, self.seen, self.ended = 0, [], []

    def begin(self, problem, method, state):
        self.begun += 1

    def step(self, problem, state):
        self.seen.append(state.k)
        if self.clock is not None:
            self.clock.now += 100.0
        if self.error is not None and state.k == 3:
            raise self.error
        return self.ask if state.k == 4 else None

    def end(self, problem, result):
        self.ended.append(result)


def test_a_recorder_sees_every_step_and_does_not_steer():
    watcher = Watcher()
    watched = drive(Toy(), Fake(claim=0.3), Residual(1e-6), recorders=[watcher])
    plain = drive(Toy(), Fake(claim=0.3), Residual(1e-6))
    assert watcher.begun == 1 and watcher.seen == list(range(1, watched.steps + 1))
    assert watched.x.tobytes() == plain.x.tobytes() and watched.steps == plain.steps


def test_a_recorder_is_told_the_result():
    import resolvent as rv

    watcher = Watcher()
    result = rv.solve(rv.LinearSystem(np.diag([1.0, 2.0]), np.array([1e-300, 1e-300])), "cg", recorders=[watcher])
    assert watcher.begun == 1 and watcher.ended == [result]
    assert result.x[0] == pytest.approx(1e-300)  # in the user's unit


def test_a_recorder_may_ask_to_stop():
    result = drive(Toy(), Fake(), Residual(1e-6), recorders=[Watcher(ask=Status.USER)])
    assert result.status == Status.USER and result.steps == 4 and "on request" in result.reason


@pytest.mark.parametrize(
    ("error", "status"), [(RuntimeError("disk full"), Status.ERROR), (KeyboardInterrupt(), Status.INTERRUPTED)]
)
def test_a_recorder_that_raises_costs_no_result(error, status):
    result = drive(Toy(), Fake(), Residual(1e-6), recorders=[Watcher(error=error)])
    assert result.status == status and result.steps == 3
    assert result.seen["residual"] == pytest.approx(5.0 / 8)  # the iterate that was reached, measured
    if status == Status.ERROR:
        assert "RuntimeError: disk full" in result.reason


class Clock:
    """A clock that only moves when told, and by a second at each glance."""

    def __init__(self):
        self.now = 0.0

    def perf_counter(self):
        self.now += 1.0
        return self.now


def test_the_clock_stops_while_anyone_looks(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(loop_module, "time", clock)
    result = drive(Toy(), Fake(), Residual(1e-3), recorders=[Watcher(clock=clock)])
    assert result.steps == 10 and result.seconds < 100  # ten looks took a thousand seconds


def test_time_runs_out_between_steps():
    result = drive(Toy(), Fake(claim=1.0, rate=1.0), Residual(1e-3) | Seconds(0.01))
    assert result.status == Status.TIME and result.steps >= 1


def test_no_new_minimum_is_a_change():
    result = drive(Toy(), Fake(claim=1.0, rate=1.0), Residual(1e-3) | Unchanged(30))
    assert result.status == Status.CHANGE and result.steps == 30


def test_both_of_two_rules_must_hold():
    result = drive(Toy(), Fake(), And(Residual(1e-3), Steps(15)))
    assert result.status == Status.RESIDUAL and result.steps == 15


def test_a_rule_of_ones_own():
    @dataclasses.dataclass(frozen=True)
    class Small(Rule):
        size: float
        sees = frozenset({"residual"})

        def start(self, problem, state):
            return lambda state: Status.USER if state.seen["residual"] < self.size else Status.RUNNING

    assert drive(Toy(), Fake(), Small(1e-2)).status == Status.USER


def test_advice_carries_no_tolerance():
    assert {f.name for f in dataclasses.fields(Advice)} == {"x0", "params", "carry", "cap", "trial"}


def test_parameters_are_replaced_by_dotted_name():
    import resolvent as rv

    method = rv.CG(rv.SSOR(1.5))
    changed = with_params(method, {"preconditioner.omega": 1.7, "stride": 3})
    assert changed == rv.CG(rv.SSOR(1.7), stride=3) and method == rv.CG(rv.SSOR(1.5))
    assert with_params(None, {"preconditioner.omega": 1.2, "method": method}) == rv.CG(rv.SSOR(1.2))
    with pytest.raises(ValueError, match="no parameter 'drop'"):
        with_params(method, {"preconditioner.drop": 1e-3})


def test_cost_of_attempts_is_measured_from_their_begin():
    problem = Toy()
    problem.work.add("products", 7)
    assert drive(problem, Fake(), Residual(1e-3)).cost == Cost(0.0, 0.0, 10.0)
