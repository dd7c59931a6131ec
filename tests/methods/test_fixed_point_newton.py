"""Newton's methods for fixed points: policy iteration, Newton-Krylov, and what their inner Sessions learn."""

import numpy as np
import pytest
import scipy.sparse.linalg as sla
from scipy.optimize import root

import resolvent as rv
from resolvent.gallery.bratu import bratu
from resolvent.gallery.mdp import garnet, ring
from resolvent.methods.fixedpoint.inner import forcing


@pytest.fixture(scope="module")
def model():
    return garnet(states=300, actions=4, successors=6, gamma=0.99)


def exact(model, steps=40):
    v = np.zeros(model.states)
    for _ in range(steps):
        A, b = model.evaluation(model.greedy(v))
        v = sla.spsolve(A.tocsc(), b)
    return v


def test_linearized_is_policy_iteration(model):
    result = rv.solve(model.problem(), rv.Linearized("direct"), rtol=1e-12)
    v, policies = np.zeros(model.states), []
    while len(policies) < 2 or not np.array_equal(policies[-1], policies[-2]):
        policies.append(model.greedy(v))
        A, b = model.evaluation(policies[-1])
        v = sla.spsolve(A.tocsc(), b)
    assert result.ok and result.steps == len(policies) - 1
    assert np.allclose(result.x, v, rtol=1e-9)


@pytest.mark.parametrize("build", [garnet, ring])
def test_inexact_policy_iteration_needs_far_fewer_evaluations_than_value_iteration(build):
    problem = build(states=300, actions=4, successors=6, gamma=0.99).problem()
    newton = rv.solve(problem, "linearized", rtol=1e-8)
    plain = rv.solve(problem, "picard", rtol=1e-8)
    assert newton.ok and plain.ok and newton.cost.total < 0.2 * plain.cost.total
    assert np.max(np.abs(newton.x - plain.x)) <= 100 * (newton.seen["residual"] + plain.seen["residual"])


def test_linearized_needs_a_linearisation_and_the_right_one():
    with pytest.raises(ValueError, match="linearization"):
        rv.solve(rv.FixedPoint(np.cos, reference=np.zeros(2)), "linearized")
    wrong = rv.FixedPoint(np.cos, reference=np.zeros(2), linearization=lambda x: (np.eye(3), np.zeros(3)))
    result = rv.solve(wrong, "linearized", on_fail="ignore")
    assert result.status == rv.Status.ERROR and "shape (2, 2)" in result.reason


def test_a_linearisation_that_lies_is_found_out_by_the_measure():
    liar = rv.FixedPoint(
        lambda x: 0.5 * x + 1.0, reference=np.zeros(2), linearization=lambda x: (np.eye(2), np.full(2, 7.0))
    )
    result = rv.solve(liar, "linearized", on_fail="ignore")
    assert not result.ok and result.seen["residual"] == pytest.approx(np.linalg.norm(result.x - 0.5 * result.x - 1.0))


def test_newton_krylov_agrees_with_scipy():
    problem = bratu("jacobi", size=12, lam=5.0)
    result = rv.solve(problem, "newtonkrylov", rtol=1e-10)
    other = root(lambda u: u - problem.map(u), np.zeros(144), tol=1e-14).x
    assert result.ok and np.max(np.abs(result.x - other)) < 1e-8


def test_a_given_jvp_is_used_and_counted():
    problem = bratu("jacobi", size=12, lam=5.0)
    step = 0.9 / (4 * 13**2)
    from resolvent.gallery.bratu import laplacian

    L = laplacian(12)
    given = rv.FixedPoint(
        problem.map,
        reference=np.zeros(144),
        norm=np.inf,
        jvp=lambda u, v: v + step * (5.0 * np.exp(u) * v - L @ v),
    )
    one, two = rv.solve(problem, "newtonkrylov", rtol=1e-8), rv.solve(given, "newtonkrylov", rtol=1e-8)
    assert one.ok and two.ok and two.work["products"] > two.work["maps"] and "products" not in one.work
    assert np.max(np.abs(one.x - two.x)) < 1e-6


def test_differences_are_the_derivative():
    problem = rv.FixedPoint(np.sin, reference=np.zeros(5))
    problem.receive(None)
    x, v = np.linspace(-1, 1, 5), np.array([1.0, -2.0, 0.5, 3.0, 0.0])
    assert np.allclose(problem.derivative(x, np.sin(x), v), np.cos(x) * v, atol=1e-6)
    assert np.array_equal(problem.derivative(x, np.sin(x), 2 * v), 2 * problem.derivative(x, np.sin(x), v))
    assert not problem.derivative(x, np.sin(x), 0 * v).any()


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
@pytest.mark.parametrize("jvp", [False, True])
def test_newton_krylov_over_another_array_library(library, jvp):
    xp = pytest.importorskip(library, reason=f"needs {library}")
    rates = np.linspace(0.1, 0.9, 12).reshape(3, 4)
    R, zero = xp.asarray(rates), xp.asarray(np.zeros((3, 4)))
    offers = {"jvp": lambda x, v: R * xp.cos(x) * v} if jvp else {}
    theirs = rv.solve(rv.FixedPoint(lambda x: R * xp.sin(x) + 1.0, zero, **offers), "newtonkrylov", rtol=1e-10)
    mine = rv.solve(rv.FixedPoint(lambda x: rates * np.sin(x) + 1.0, np.zeros((3, 4))), "newtonkrylov", rtol=1e-10)
    assert theirs.ok and mine.ok and type(theirs.x) is type(zero) and tuple(theirs.x.shape) == (3, 4)
    values = np.array(theirs.x.tolist()) if library == "torch" else np.asarray(theirs.x)
    assert np.allclose(values, mine.x, atol=1e-8) and theirs.steps == mine.steps
    assert ("products" in theirs.work) == jvp


def test_forcing_terms():
    assert forcing(1.0, 0.1, 0.1, 0.5) == pytest.approx(0.009)
    assert forcing(1.0, 0.9, 0.1, 0.5) == 0.5
    assert forcing(1.0, 0.01, 0.4, 0.5) == pytest.approx(0.9 * 0.16)
    assert forcing(0.0, 0.0, 0.1, 0.5) == 0.5


# ---- sequences: with and without what is carried


def cost(problems, method, learners):
    session = rv.Session(method, learners, rtol=1e-8)
    results = list(session.solve_all(problems))
    assert all(r.ok for r in results)
    return sum(r.cost.total for r in results[1:]), session


@pytest.mark.parametrize("method", ["linearized", "anderson"])
def test_warm_starts_pay_on_drifting_rewards(model, method):
    cold, _ = cost(list(model.drifting(8)), method, [])
    warm, session = cost(list(model.drifting(8)), method, [rv.Warm()])
    assert warm < 0.85 * cold and "Warm: proposed" in session.summary()


def test_warm_extrapolates_where_the_drift_is_smooth():
    rates = np.linspace(0.5, 0.99, 30)
    direction = np.cos(np.arange(30.0))

    def problems():
        return [rv.FixedPoint(lambda x, t=t: rates * x + 1 + 0.1 * t * direction, np.zeros(30)) for t in range(6)]

    results = list(rv.Session("picard", [rv.Warm(always=True)], rtol=1e-6).solve_all(problems()))
    assert results[1].steps > 10 and results[-1].steps == 0


def test_a_guess_that_does_not_pay_is_left_alone():
    rng = np.random.default_rng(3)
    rates = np.linspace(0.0, 0.95, 20)
    shifts = [(-1) ** t * (100.0 + rng.random(20)) for t in range(24)]
    problems = [rv.FixedPoint(lambda x, b=b: rates * x + b, np.zeros(20)) for b in shifts]
    session = rv.Session("picard", [rv.Warm()], rtol=1e-6)
    guessed = [r.advice.x0 is not None for r in session.solve_all(problems)]
    assert any(guessed[:4]) and sum(guessed[4:]) <= 3


def test_carried_differences_pay_on_maps_that_are_alike():
    rng = np.random.default_rng(0)
    M = rng.standard_normal((40, 40))
    M = 0.98 * M @ M.T / np.linalg.norm(M @ M.T, 2)

    def problems():
        return [rv.FixedPoint(lambda x, t=t: M @ x + np.cos(np.arange(40.0) + 3.0 * t), np.zeros(40)) for t in range(8)]

    without, _ = cost(problems(), rv.Anderson(depth=20), [])
    with_, session = cost(problems(), rv.Anderson(depth=20), [rv.Carried("memory")])
    assert with_ < without and session.learners[0].used > 3


def test_auto_installs_what_costs_less_and_stays_within_reach_of_it(model):
    problems = list(model.drifting(10))
    auto = rv.Session(rtol=1e-8)
    total = sum(r.cost.total for r in auto.solve_all(problems))
    assert total < cost(list(model.drifting(10)), "anderson", [])[0]


def test_auto_changes_over_to_newton_krylov_where_that_costs_less():
    session = rv.Session(rtol=1e-6)
    results = [session.solve(bratu("jacobi", 40, 4.5 + 0.05 * t)) for t in range(11)]
    assert all(r.ok for r in results)
    assert type(results[0].method) is rv.Anderson and type(results[-1].method) is rv.NewtonKrylov
    assert results[-1].cost.total < results[0].cost.total


def test_auto_begins_with_the_linearisation_where_there_is_one(model):
    assert type(rv.solve(model.problem()).method) is rv.Linearized


# ---- state files


@pytest.mark.parametrize(
    "make",
    [
        lambda: rv.Session(rtol=1e-8),
        lambda: rv.Session("linearized", [rv.Warm(), rv.Carried("inner")], rtol=1e-8),
        lambda: rv.Session(rv.Anderson(depth=8), [rv.Warm(), rv.Carried("memory")], rtol=1e-8),
    ],
    ids=["auto", "linearized", "anderson"],
)
def test_a_loaded_session_goes_on_as_the_saved_one_would(make, model, tmp_path):
    problems = list(model.drifting(8))
    session = make()
    for problem in problems[:5]:
        session.solve(problem)
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    for problem in list(model.drifting(8))[5:]:
        one = session.solve(problem)
        again = rv.FixedPoint(
            problem.map, problem.reference, np.inf, linearization=problem.linearization, nonzeros=problem.nonzeros
        )
        two = loaded.solve(again)
        assert one.ok and two.ok and one.steps == two.steps
        assert np.allclose(one.x, two.x, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("make", "spoil"),
    [
        (rv.Warm, lambda s: s.update(x=[np.array([np.nan])])),
        (rv.Warm, lambda s: s.update(x=[np.zeros(3), np.zeros(2)])),
        (rv.Warm, lambda s: s.update(x=["hello"])),
        (rv.Warm, lambda s: s.update(books={"Anderson": [1.0]})),
        (rv.Warm, lambda s: s["books"]["NoneType"].update(without=-1.0)),
        (rv.Warm, lambda s: s["books"]["NoneType"].update(warms=1.5)),
        (lambda: rv.Carried("memory"), lambda s: s.update(kept={"memory": {"bound": "Nobody"}})),
        (lambda: rv.Carried("memory"), lambda s: s["kept"]["memory"].update(dX=np.full((1, 3), np.inf))),
        (lambda: rv.Carried("memory"), lambda s: s["kept"]["memory"].update(dF=np.zeros((2, 3)))),
        (lambda: rv.Carried("memory"), lambda s: s["kept"]["memory"].update(depth=10**9)),
        (lambda: rv.Carried("memory"), lambda s: s["kept"]["memory"].update(dtype="object")),
    ],
)
def test_states_from_strangers_are_vetted(make, spoil):
    learner = make()
    session = rv.Session(rv.Anderson(depth=3), [learner], rtol=1e-8)
    for t in range(2):
        session.solve(rv.FixedPoint(lambda x, t=t: np.array([0.1, 0.5, 0.9]) * x + 1 + t, np.zeros(3)))
    state = learner.state_dict()
    make().load_state_dict(state)
    spoil(state)
    with pytest.raises(ValueError):
        make().load_state_dict(state)
