"""Bandit: what it learns from and what it ignores, what it does in a Session, and that a state goes on."""

import json
import math

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

import resolvent as rv
from resolvent.core import Advice, Cost, Result, Status
from resolvent.core.registry import from_record, to_record
from resolvent.learners.tune.formula import relaxation


class Plain:
    """A problem of which only the context matters."""

    scale = 1.0

    def __init__(self, context=None):
        self.context = context


def result(running, status=Status.RESIDUAL, **more):
    return Result(status=status, cost=Cost(0.0, 0.0, running), **more)


def laplacian(m, shift):
    T = sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
    I = sp.eye_array(m)
    return (sp.kron(T, I) + sp.kron(I, T) + shift * sp.eye_array(m * m)).tocsr()


def lesson(bandit, loss, problem=None, **more):
    """One round with the given loss, a number or a function of the value proposed."""
    problem = problem or Plain()
    advice = bandit.propose(problem, Advice())
    value = advice.params[bandit.parameter]
    bandit.observe(problem, advice, result(loss(value) if callable(loss) else loss, **more))
    return value


def same(a, b):
    """Whether two trees of plain data are equal."""
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    return np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b


# ---- what it learns


@pytest.mark.parametrize("kind", ["tsallis", "chebyshev"])
def test_probabilities_sum_to_one(kind):
    rng = np.random.default_rng(4)
    bandit = rv.Bandit("omega", 1.0, 1.9, kind=kind, arms=13, formula=False)
    for _ in range(300):
        lesson(bandit, float(rng.exponential(50.0)), Plain(rng.random()))
        assert abs(bandit.probabilities.sum() - 1.0) < 1e-12
        assert (bandit.probabilities >= 0).all()


def test_constant_losses_leave_it_uniform():
    bandit = rv.Bandit("omega", 1.0, 1.9, arms=10, seed=5)
    for _ in range(2000):
        lesson(bandit, 42.0)
    assert bandit.probabilities.max() < 0.2
    assert bandit.plays[:10].min() > 60


@pytest.mark.parametrize("kind", ["tsallis", "chebyshev"])
def test_two_arms_with_losses_one_and_two(kind):
    bandit = rv.Bandit("p", 1.0, 2.0, kind=kind, arms=2)
    regret = [lesson(bandit, lambda v: v, Plain(0.0)) - 1.0 for _ in range(4000)]
    assert np.mean(regret[:200]) < 0.4
    assert np.mean(regret[-2000:]) < 0.02


def test_a_rare_huge_loss_does_not_wreck_it():
    rng = np.random.default_rng(6)
    bandit = rv.Bandit("p", 0.0, 1.0, arms=5)
    for _ in range(3000):
        outlier = 1e9 if rng.random() < 0.01 else 0.0
        lesson(bandit, lambda v, more=outlier: 50.0 + 60.0 * abs(v - 0.75) + more)
    assert bandit.favourite == 0.75
    assert np.isfinite(bandit.probabilities).all()


def test_chebyshev_follows_the_context():
    rng = np.random.default_rng(7)
    bandit = rv.Bandit("p", 0.0, 1.0, kind="chebyshev", arms=9)
    last = []
    for t in range(3000):
        c = float(rng.uniform(-3.0, 5.0))
        best = (c + 3.0) / 8.0
        value = lesson(bandit, lambda v, best=best: 40.0 * (1.0 + (v - best) ** 2) + rng.normal(0.0, 1.0), Plain(c))
        if t >= 2000:
            last.append(abs(value - best))
    assert np.mean(last) < 0.15


def test_the_modal_arm_on_shifted_laplacians_is_the_best_one():
    # the count depends on the matrix: beta = 4 cos(pi / (m + 1)) / (4 + c), omega* = 2 / (1 + sqrt(1 - beta^2))
    rng = np.random.default_rng(8)
    bandit = rv.Bandit("omega", 1.0, 1.95, formula=False, seed=8)
    steps = {}
    shifts = rng.choice([0.02, 0.05, 0.1], 1500)
    b = rng.standard_normal(36)
    for c in (0.02, 0.05, 0.1):
        for omega in bandit.grid.tolist():
            answer = rv.solve(rv.LinearSystem(laplacian(6, c), b), rv.SOR(omega), rtol=1e-8)
            steps[c, omega] = answer.steps
    for c in shifts:
        lesson(bandit, lambda v, c=c: float(steps[c, v]))
    total = [sum(steps[c, v] for c in shifts) for v in bandit.grid.tolist()]
    assert abs(int(np.argmax(bandit.plays)) - int(np.argmin(total))) <= 1
    beta = 4 * math.cos(math.pi / 7) / 4.05
    assert abs(bandit.favourite - relaxation(beta, "sor")) <= 0.1


@pytest.mark.parametrize("kind", ["tsallis", "chebyshev"])
@given(unit=st.integers(-30, 30), stretch=st.integers(-20, 20))
def test_draws_do_not_depend_on_the_units_of_losses_and_contexts(kind, unit, stretch):
    def draws(loss_unit, context_unit):
        rng = np.random.default_rng(13)
        bandit = rv.Bandit("p", 0.0, 1.0, kind=kind, arms=5)
        out = []
        for _ in range(60):
            c, noise = rng.random(), rng.random()
            loss = lambda v, c=c, noise=noise: 2.0**40 * loss_unit * (1.0 + (v - c) ** 2 + 0.1 * noise)
            out.append(lesson(bandit, loss, Plain(context_unit * c)))
        return out

    assert draws(2.0**unit, 2.0**stretch) == draws(1.0, 1.0)


# ---- in a Session


def test_advice_changes_what_the_solver_does():
    b = np.random.default_rng(9).standard_normal(64)
    systems = [rv.LinearSystem(laplacian(8, 0.02 + 0.001 * i), b) for i in range(60)]
    bandit = rv.Bandit("omega", 1.2, 1.8, arms=4, seed=2)
    session = rv.Session(rv.SOR(1.0), learners=[bandit], rtol=1e-8)
    learned = [session.solve(p) for p in systems]
    plain = [rv.solve(p, rv.SOR(1.0), rtol=1e-8) for p in systems]
    assert all(r.ok for r in learned)
    assert sum(r.steps for r in learned) < 0.6 * sum(r.steps for r in plain)
    for r, p in zip(learned[:5], systems, strict=False):
        alone = rv.solve(p, rv.SOR(r.advice.params["omega"]), rtol=1e-8)
        assert alone.steps == r.steps
    assert bandit.lessons == 60
    assert "60 lessons" in session.summary()


def test_nested_parameter_and_chebyshev_in_a_session():
    b = np.ones(64)
    bandit = rv.Bandit("preconditioner.omega", 1.0, 1.9, kind="chebyshev", arms=5)
    session = rv.Session(rv.CG(rv.SSOR()), learners=[bandit], rtol=1e-8)
    for i in range(30):
        c = 0.01 * (i % 7)
        r = session.solve(rv.LinearSystem(laplacian(8, c), b, context=c))
        assert r.ok
        assert r.method.preconditioner.omega == r.advice.params["preconditioner.omega"]
    assert bandit.lessons == 30
    with pytest.raises(ValueError, match="needs a context"):
        session.solve(rv.LinearSystem(laplacian(8, 0.1), b))


@pytest.mark.parametrize("context", [np.array([1.0, 2.0]), math.nan, "hot", 1j, np.inf])
def test_a_context_must_be_one_number(context):
    bandit = rv.Bandit("p", 0.0, 1.0, kind="chebyshev")
    with pytest.raises(ValueError, match="context"):
        bandit.propose(Plain(context), Advice())


def test_contexts_of_other_number_types():
    bandit = rv.Bandit("p", 0.0, 1.0, kind="chebyshev")
    for context in (3, np.float32(0.5), np.array([2.0]), np.array(1)):
        lesson(bandit, 5.0, Plain(context))
    assert bandit.lessons == 4


# ---- what it does not learn from


def test_it_writes_its_own_parameter_only():
    bandit = rv.Bandit("preconditioner.omega", 1.0, 1.9)
    given = Advice(x0=np.ones(3), params={"stride": 8}, carry={"space": 1}, cap=7.0, trial=True)
    advice = bandit.propose(Plain(), given)
    assert given.params == {"stride": 8}
    assert set(advice.params) == {"stride", "preconditioner.omega"}
    assert (advice.x0 is given.x0, advice.carry, advice.cap, advice.trial) == (True, {"space": 1}, 7.0, True)
    assert bandit.owns == {"preconditioner.omega"}


@pytest.mark.parametrize("kind", ["tsallis", "chebyshev"])
def test_trials_foreign_values_and_interruptions_teach_nothing(kind):
    bandit = rv.Bandit("p", 0.0, 1.0, kind=kind)
    problem = Plain(0.5)
    bandit.observe(problem, Advice(params={"p": 0.0}), result(5.0))
    before = bandit.propose(problem, Advice())
    state = bandit.state_dict()
    bandit.observe(problem, Advice(params=before.params, trial=True), result(5.0))
    bandit.observe(problem, Advice(params={"p": before.params["p"] + 0.01}), result(5.0))
    bandit.observe(problem, Advice(), result(5.0))
    for status in (Status.USER, Status.INTERRUPTED, Status.ERROR, Status.NOISY):
        bandit.observe(problem, before, result(5.0, status))
    bandit.observe(problem, before, result(math.nan))
    assert bandit.lessons == 0
    assert same(state, bandit.state_dict())


@pytest.mark.parametrize("kind", ["tsallis", "chebyshev"])
def test_a_value_that_fails_cheaply_is_not_taken_for_a_good_one(kind):
    bandit = rv.Bandit("p", 0.0, 1.0, kind=kind, arms=4)
    problem = Plain(0.0)
    for _ in range(1500):
        advice = bandit.propose(problem, Advice())
        v = advice.params["p"]
        if v < 0.5:
            bandit.observe(problem, advice, result(1.0, Status.DIVERGED))
        else:
            bandit.observe(problem, advice, result(40.0 + 20.0 * v))
    plays = bandit.plays
    assert plays[2] > 0.8 * plays.sum()  # twice the largest loss seen for each failure


def test_a_capped_attempt_counts_at_least_what_is_expected_and_the_next_attempt_replaces_it():
    bandit = rv.Bandit("p", 0.0, 1.0, arms=2, seed=1)
    for _ in range(50):
        lesson(bandit, 40.0)
    policy = bandit._policy
    total = policy.total
    advice = bandit.propose(Plain(), Advice())
    bandit.observe(Plain(), advice, result(10.0, Status.BUDGET, capped=True))
    assert policy.total - total == pytest.approx(40.0)
    assert bandit.lessons == 51
    # the rest of the same solve, from where it stood: 30 products for 3 of 6 digits
    rest = result(30.0, seen={"residual": 1e-6}, history=[(0, 1e-3)], threshold=1e-6)
    bandit.observe(Plain(), Advice(x0=np.ones(1), params=advice.params), rest)
    assert bandit.lessons == 51
    assert policy.total - total == pytest.approx(60.0)


def test_under_a_guess_the_loss_is_cost_per_digit():
    bandit = rv.Bandit("p", 0.0, 1.0, arms=2)
    advice = bandit.propose(Plain(), Advice(x0=np.ones(2)))
    bandit.observe(Plain(), advice, result(10.0, seen={"residual": 1e-9}, history=[(0, 1e-4)], threshold=1e-8))
    assert bandit._policy.total == pytest.approx(20.0)  # 10 products for 4 digits of 8; the one beyond is not counted
    advice = bandit.propose(Plain(), Advice(x0=np.ones(2)))
    bandit.observe(Plain(), advice, result(1.0, seen={"residual": 1e-8}, history=[(0, 1.5e-8)], threshold=1e-8))
    assert bandit.lessons == 1


# ---- the formula


def test_formula_is_asked_once_a_matrix_in_a_session_and_paid_for():
    A = laplacian(8, 0.05)
    bandit = rv.Bandit("omega", 1.0, 1.95, arms=2, seed=3)
    session = rv.Session(rv.SOR(), learners=[bandit], rtol=1e-8)
    b = np.ones(64)
    products = []
    for _ in range(80):
        r = session.solve(rv.LinearSystem(A, b))
        products.append(r.work["products"])
    assert bandit.plays[2] > 60  # the grid has only bad values
    assert max(products) >= 12
    assert sorted(products)[-2] < 12
    assert bandit.favourite == "formula"


def test_formula_is_closed_where_it_does_not_hold():
    A = sp.csr_array(np.array([[1.0, -3.0], [-3.0, 1.0]]))  # indefinite: no Jacobi radius below one
    bandit = rv.Bandit("omega", 1.0, 1.5, arms=2, formula=True)
    values = {bandit.propose(rv.LinearSystem(A, np.ones(2)), Advice()).params["omega"] for _ in range(30)}
    assert values <= {1.0, 1.5}
    none = rv.Bandit("omega", 1.0, 1.5, arms=2, formula=True)
    assert {none.propose(Plain(), Advice()).params["omega"] for _ in range(30)} <= {1.0, 1.5}
    assert len(rv.Bandit("restart", 5, 50).plays) == 20
    assert len(rv.Bandit("preconditioner.omega", 1.0, 1.9).plays) == 21
    assert len(rv.Bandit("preconditioner.omega", 1.0, 1.9, formula=False).plays) == 20
    assert relaxation(0.9, "ssor") == pytest.approx(2 / (1 + math.sqrt(0.2)))


# ---- state


@pytest.mark.parametrize("kind", ["tsallis", "chebyshev"])
def test_a_resumed_run_gives_the_same_bits(kind, tmp_path):
    b = np.random.default_rng(11).standard_normal(49)
    shifts = np.random.default_rng(12).uniform(0.0, 0.3, 40)
    systems = [rv.LinearSystem(laplacian(7, c), b, context=float(c)) for c in shifts]

    def fresh():
        return rv.Session(rv.SOR(), learners=[rv.Bandit("omega", 1.0, 1.9, kind=kind, arms=6, seed=4)], rtol=1e-8)

    whole = fresh()
    through = [whole.solve(p) for p in systems]
    half = fresh()
    for p in systems[:17]:
        half.solve(p)
    half.save(tmp_path / "half.rv")
    rest = rv.Session.load(tmp_path / "half.rv")
    for p, r in zip(systems[17:], through[17:], strict=True):
        again = rest.solve(p)
        assert again.advice.params == r.advice.params
        assert np.array_equal(again.x, r.x)
    assert same(rest.learners[0].state_dict(), whole.learners[0].state_dict())


def test_state_is_plain_and_records_hold_the_parameters():
    bandit = rv.Bandit("preconditioner.omega", 1.0, 1.9, kind="chebyshev", arms=4, rule="ssor", seed=7)
    for c in (0.1, 0.7, 0.3):
        lesson(bandit, 10.0 + c, Plain(c))
    json.dumps(bandit.state_dict(), default=lambda a: {"array": a.tolist()}, allow_nan=False)
    twin = from_record(to_record(bandit))
    assert repr(twin) == repr(bandit)
    twin.load_state_dict(bandit.state_dict())
    assert same(twin.state_dict(), bandit.state_dict())
    for _ in range(20):
        assert lesson(twin, 3.0, Plain(0.4)) == lesson(bandit, 3.0, Plain(0.4))


@pytest.mark.parametrize("kind", ["tsallis", "chebyshev"])
@pytest.mark.parametrize("damage", ["kind", "random", "shape", "nan", "worst", "rounds", "missing", "empty"])
def test_damaged_states_are_refused_and_change_nothing(kind, damage):
    bandit = rv.Bandit("omega", 1.0, 1.9, kind=kind, arms=4)
    lesson(bandit, 10.0, Plain(0.2))
    state, before = bandit.state_dict(), bandit.state_dict()
    if damage == "kind":
        state["kind"] = "exp3"
    elif damage == "random":
        state["random"] = ["1", "2", "3", "-4"]
    elif damage == "shape":
        state["policy"]["plays"] = np.zeros(3)
    elif damage == "nan":
        state["policy"]["p"] = np.full(5, math.nan)
    elif damage == "worst":
        state["worst"] = -1.0
    elif damage == "rounds":
        state["policy"]["rounds"] = -1
    elif damage == "empty":
        del state["random"]
    else:
        del state["policy"]["p"]
    with pytest.raises(ValueError, match="state"):
        bandit.load_state_dict(state)
    assert same(bandit.state_dict(), before)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"parameter": 3}, "parameter"),
        ({"parameter": "a b"}, "parameter"),
        ({"low": 2.0}, "low"),
        ({"high": math.inf}, "high"),
        ({"low": "1"}, "low"),
        ({"arms": 1}, "arms"),
        ({"arms": 2.5}, "arms"),
        ({"kind": "ucb"}, "kind"),
        ({"rule": "jacobi"}, "rule"),
        ({"seed": -1}, "seed"),
        ({"formula": 3}, "formula"),
    ],
)
def test_bad_parameters_are_one_sentence(options, word):
    with pytest.raises(ValueError, match=word) as caught:
        rv.Bandit(**{"parameter": "omega", "low": 1.0, "high": 1.9, **options})
    assert "\n" not in str(caught.value)


def test_two_bandits_on_one_parameter_are_refused():
    with pytest.raises(ValueError, match="both own"):
        rv.Session(rv.SOR(), learners=[rv.Bandit("omega", 1.0, 1.9), rv.Bandit("omega", 1.0, 1.5)])
