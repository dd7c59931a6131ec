"""Monotone inclusions: a battery of their methods, known answers, lowerings, infeasibility, and bad input."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.optimize import linprog

import resolvent as rv
from resolvent.core.registry import REGISTRY
from resolvent.gallery import games
from resolvent.gallery.feasibility import ball, box, feasibility, halfspace
from resolvent.problems import douglas_rachford, forward_backward, proximal_point

N = 30


def strongly(seed=0, resolvent=None, dtype="float64"):
    """The mean of N rank-one terms and a skew part: strongly monotone, with a known zero."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((N, 4))
    S = rng.standard_normal((4, 4))
    S = 0.3 * (S - S.T)
    x = np.ones(4)
    A, S, x = A.astype(dtype), S.astype(dtype), x.astype(dtype)

    def operator(z, idx=slice(None)):
        return A[idx].T @ (A[idx] @ (z - x)) / A.dtype.type(len(A[idx])) + S @ (z - x)

    problem = rv.Inclusion(operator, resolvent, n_terms=N, lipschitz=6.0, reference=np.zeros(4, dtype=dtype))
    return problem, x


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    method: object
    rtol: float


ROWS = [
    Row("extragradient", rv.Extragradient(), 1e-8),
    Row("anchoredextragradient", rv.AnchoredExtragradient(), 3e-2),
    Row("vrhalpern", rv.VRHalpern(), 2e-2),
    Row("vrhalpernmonotone", rv.VRHalpernMonotone(), 2e-2),
]
each = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


def natural(problem, x):
    v = x - problem.operator(x)
    return np.linalg.norm(x - (v if problem.resolvent is None else problem.resolvent(v, 1.0)))


def solved(row, problem, **options):
    return rv.solve(problem, row.method, **{"rtol": row.rtol, "on_fail": "ignore"} | options)


@each
def test_the_published_residual_is_the_recomputed_one(row):
    problem, x = strongly()
    result = solved(row, problem)
    assert result.ok, result.reason
    assert result.seen["residual"] == pytest.approx(natural(problem, result.x), rel=1e-9)
    assert result.threshold == pytest.approx(row.rtol * np.linalg.norm(problem.operator(np.zeros(4))))
    assert np.linalg.norm(result.x - x) <= 20 * result.seen["residual"]


@each
def test_constraints_are_kept(row):
    problem, _ = strongly(resolvent=lambda v, eta: np.maximum(v, 1.5))
    result = solved(row, problem)
    assert result.ok and natural(problem, result.x) <= result.threshold


@each
def test_every_evaluation_is_counted(row):
    problem, _ = strongly()
    counts = {"operators": 0, "terms": 0}

    def counted(x, idx=None):
        counts["operators" if idx is None else "terms"] += 1 if idx is None else len(idx)
        return problem.operator(x) if idx is None else problem.operator(x, idx)

    result = solved(row, dataclasses.replace(problem, operator=counted))
    assert result.ok and all(result.work.get(name, 0) == count for name, count in counts.items())


@each
def test_same_seed_same_bits_and_dtype(row):
    for dtype in ("float64", "float32"):
        one, two = (solved(row, strongly(dtype=dtype)[0], rtol=max(row.rtol, 1e-3)) for _ in range(2))
        assert one.ok and one.x.tobytes() == two.x.tobytes() and one.work == two.work and one.x.dtype == dtype


@each
def test_restart_from_the_solution_stops_at_once(row):
    problem, _ = strongly()
    first = solved(row, problem)
    again = solved(row, problem, x0=first.x)
    assert again.ok and again.steps == 0 and np.array_equal(again.x, first.x)


@each
def test_inputs_stay_as_they_are(row):
    problem, _ = strongly()

    def destructive(x, idx=slice(None)):
        y = problem.operator(x, idx)
        x[:] = np.nan
        return y

    x0 = np.full(4, 0.5)
    x0.flags.writeable = False
    assert solved(row, dataclasses.replace(problem, operator=destructive), x0=x0).ok


@each
def test_operators_that_are_not_monotone_or_not_finite_end_truthfully(row):
    def ends(operator, **options):
        problem = rv.Inclusion(operator, n_terms=N, lipschitz=1.0, reference=np.zeros(3))
        return solved(row, problem, max_steps=500, **options)

    away = ends(lambda x, idx=None: -x - 1.0, rtol=1e-6, x0=np.full(3, 5.0))
    assert not away.ok and np.all(np.isfinite(away.x))
    assert ends(lambda x, idx=None: x + np.nan).status == rv.Status.NONFINITE
    for bad, said in ((lambda x, idx=None: x[:2], "shape (2,)"), (lambda x, idx=None: x.astype("f4"), "float32")):
        result = ends(bad)
        assert result.status == rv.Status.ERROR and said in result.reason


@each
def test_threshold_does_not_depend_on_the_guess(row):
    problem, _ = strongly()
    assert len({solved(row, problem, x0=10.0**k * np.ones(4), max_steps=3).threshold for k in range(-2, 3)}) == 1


def test_every_method_for_inclusions_is_enrolled():
    own = {
        name for name, cls in REGISTRY["method"].items() if ".fixedpoint." in cls.__module__ and "operator" in cls.needs
    }
    assert own == {type(row.method).__name__.lower() for row in ROWS}


# ---- known answers


def test_plain_steps_fail_on_a_rotation_and_the_others_do_not():
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    problem = rv.Inclusion(lambda x: turn @ x, lipschitz=1.0)
    plain = rv.solve(forward_backward(problem, 0.5), "picard", x0=np.ones(2), max_steps=200, on_fail="ignore")
    assert not plain.ok
    assert rv.solve(problem, "extragradient", x0=np.ones(2), atol=1e-8).ok


def test_the_anchored_method_keeps_its_bound():
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    problem = rv.Inclusion(lambda x: turn @ x, lipschitz=1.0)
    result = rv.solve(problem, "anchoredextragradient", x0=np.array([3.0, 4.0]), max_steps=400, on_fail="ignore")
    k, residual = result.history.T
    eta = 0.125
    bound = 4 * (1 + eta + eta**2) / (eta**2 * (1 + eta)) * 25.0 / (k + 1) ** 2  # of its square
    assert np.all(residual**2 <= bound)


def test_extragradient_without_the_constant_finds_a_step():
    rng = np.random.default_rng(0)
    S = rng.standard_normal((6, 6))
    S = 50.0 * (S - S.T) + np.eye(6)
    result = rv.solve(rv.Inclusion(lambda x: S @ x - 1.0, reference=np.zeros(6)), "extragradient", rtol=1e-7)
    assert result.ok and np.allclose(S @ result.x, 1.0, atol=1e-4)


def test_vr_halpern_charges_terms_and_needs_fewer_whole_passes():
    rng = np.random.default_rng(1)
    n, d = 4096, 20
    A, x = rng.standard_normal((n, d)), np.ones(d)

    def operator(z, idx=slice(None)):
        return A[idx].T @ (A[idx] @ (z - x)) / len(A[idx])

    problem = rv.Inclusion(operator, n_terms=n, reference=np.zeros(d))
    result = rv.solve(problem, "vrhalpern", rtol=1e-3, max_steps=20000)
    assert result.ok and result.work["operators"] + result.work["terms"] / n < 0.5 * result.steps
    with pytest.raises(ValueError, match="lipschitz"):
        rv.solve(problem, rv.VRHalpern(adaptive=False))


def test_games_have_the_value_that_linear_programming_finds():
    A = np.random.default_rng(4).random((6, 6))
    result = rv.solve(games.matrix_game(A), "extragradient", rtol=1e-5, max_steps=50_000)
    x, y = result.x[:6], result.x[6:]
    assert result.ok and x.min() >= 0 and abs(x.sum() - 1) < 1e-12
    program = linprog(
        [0.0] * 6 + [1.0],
        A_ub=np.hstack([A.T, -np.ones((6, 1))]),
        b_ub=np.zeros(6),
        A_eq=[[1.0] * 6 + [0.0]],
        b_eq=[1.0],
        bounds=[(0, None)] * 6 + [(None, None)],
    )
    assert (x @ A).max() == pytest.approx(program.fun, abs=1e-3) and (A @ y).min() == pytest.approx(
        program.fun, abs=1e-3
    )


def test_terms_of_a_game_average_to_the_whole():
    problem = games.matrix_game(games.policeman_burglar(7, seed=3))
    z = np.random.default_rng(0).random(14)
    assert np.allclose(problem.operator(z, np.arange(7)), problem.operator(z))
    assert np.allclose(games.simplex(np.array([0.5, 2.0, -1.0])), [0.0, 1.0, 0.0])


def test_warm_starts_pay_on_drifting_games():
    cost = {}
    for name, learners in (("cold", []), ("warm", [rv.Warm()])):
        session = rv.Session("extragradient", learners, rtol=1e-5)
        results = list(session.solve_all(games.drifting(5, n=10, drift=1e-3, ridge=0.3)))
        assert all(r.ok for r in results)
        cost[name] = sum(r.cost.total for r in results[1:])
    assert cost["warm"] < 0.8 * cost["cold"]


def test_auto_and_a_saved_session(tmp_path):
    problems = list(games.drifting(5, n=8, drift=1e-3, ridge=0.3))
    session = rv.Session(rtol=1e-5)
    assert all(session.solve(p).ok for p in problems[:4])
    session.save(tmp_path / "s.rv")
    one, two = session.solve(problems[4]), rv.Session.load(tmp_path / "s.rv").solve(problems[4])
    assert one.ok and one.x.tobytes() == two.x.tobytes()


# ---- lowerings


def test_lowerings_have_the_same_zeros():
    b = np.array([2.0, -1.0, 0.3])
    lasso = rv.Inclusion(
        lambda x: x - b, lambda v, eta: np.sign(v) * np.maximum(np.abs(v) - 0.5 * eta, 0), lipschitz=1.0
    )
    expected = np.array([1.5, -0.5, 0.0])
    assert np.allclose(rv.solve(forward_backward(lasso), "picard", x0=np.zeros(3), rtol=1e-10).x, expected)
    assert np.allclose(rv.solve(lasso, "extragradient", x0=np.zeros(3), rtol=1e-10).x, expected, atol=1e-8)
    shrink = lasso.resolvent
    split = douglas_rachford(shrink, lambda v, eta: (v + eta * b) / (1 + eta))
    z = rv.solve(split, "picard", x0=np.zeros(3), rtol=1e-10).x
    assert np.allclose(shrink(z, 1.0), expected, atol=1e-8)
    point = proximal_point(lambda v, eta: (v + eta * b) / (1 + eta), 2.0)
    assert np.allclose(rv.solve(point, "anderson", x0=np.zeros(3), rtol=1e-10).x, b)


# ---- no solution


def test_disc_and_halfspace_have_the_displacement_that_geometry_gives():
    apart = feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 1.5), 2)
    bare = dataclasses.replace(apart, certificate=None)
    for method in ("displacement", "halpern"):
        result = rv.solve(bare, method, x0=np.array([2.0, 1.0]), on_fail="ignore")
        assert result.status == rv.Status.DIVERGED and result.seen["displacement"] == pytest.approx(0.5, rel=0.05)
    result = rv.solve(apart, "displacement", x0=np.array([2.0, 1.0]), on_fail="ignore")
    assert result.status == rv.Status.INFEASIBLE and result.answered and not result.ok
    state = rv.Displacement().init(_ready(bare), np.array([2.0, 1.0]), {})
    for _ in range(1024):
        rv.Displacement().step(bare, state)
    for v in state.estimates.values():
        assert np.linalg.norm(v - [0.0, -0.5]) < 0.02


def _ready(problem):
    problem.receive(None)
    return problem


def test_a_proof_is_carried_to_the_next_problem_and_checked_there():
    def problems():
        return [feasibility(ball([0.01 * t, 0.0]), halfspace([0.0, 1.0], 1.5), 2) for t in range(5)]

    steps = {}
    for name, learners in (("without", []), ("with", [rv.Carried("displacement")])):
        session = rv.Session("displacement", learners, on_fail="ignore")
        results = [session.solve(p, np.array([2.0, 1.0])) for p in problems()]
        assert all(r.status == rv.Status.INFEASIBLE for r in results)
        steps[name] = sum(r.steps for r in results)
    assert steps["with"] < 0.7 * steps["without"]
    meet = session.solve(feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 0.5), 2), np.array([2.0, 1.0]))
    assert meet.ok


def test_a_linear_program_without_a_point_has_a_gap_of_one():
    rows = feasibility(box([1.0, -math.inf], [math.inf, math.inf]), box([-math.inf, -math.inf], [0.0, math.inf]), 2)
    result = rv.solve(rows, "displacement", x0=np.array([3.0, 2.0]), on_fail="ignore")
    assert result.status == rv.Status.INFEASIBLE and result.seen["displacement"] == pytest.approx(1.0, rel=0.1)


def test_sets_that_meet_are_not_called_infeasible():
    meet = feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 0.5), 2)
    result = rv.solve(meet, "displacement", x0=np.array([3.0, -4.0]), rtol=1e-9)
    assert result.ok


def test_the_certificate_is_a_separating_hyperplane():
    apart = feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 1.5), 2)
    assert apart.certificate(np.array([0.0, -0.5])) and not apart.certificate(np.array([0.5, 0.0]))
    touching = feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 0.99), 2)
    assert not touching.certificate(np.array([0.0, -0.5]))


# ---- bad input


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda: rv.Inclusion(3), TypeError, "operator is a int"),
        (lambda: rv.Inclusion(np.sin, resolvent=2.0), TypeError, "resolvent"),
        (lambda: rv.Inclusion(np.sin, n_terms=0), ValueError, "n_terms"),
        (lambda: rv.Inclusion(np.sin, lipschitz=-1.0), ValueError, "lipschitz"),
        (lambda: rv.solve(rv.Inclusion(np.sin), "vrhalpern", x0=np.ones(2)), ValueError, "finite sum"),
        (lambda: rv.solve(rv.Inclusion(np.sin), "picard", x0=np.ones(2)), ValueError, "not a method for inclusions"),
        (lambda: rv.solve(rv.FixedPoint(np.sin), "extragradient", x0=np.ones(2)), ValueError, "not a method for fixed"),
        (lambda: rv.Extragradient(1.0), ValueError, "step_size"),
        (lambda: rv.VRHalpern(batch=0), ValueError, "batch"),
        (lambda: rv.VRHalpernMonotone(inner=0.0), ValueError, "inner"),
        (lambda: forward_backward(rv.Inclusion(np.sin)), ValueError, "eta"),
        (lambda: proximal_point(lambda v, eta: v, -1.0), ValueError, "eta"),
        (lambda: games.matrix_game(np.ones((2, 3))), ValueError, "square"),
    ],
)
def test_bad_input_is_one_sentence(make, kind, said):
    with pytest.raises(kind, match=said):
        make()


class Tempted(rv.core.Learner):
    """Tries a method that gets nowhere first, as auto may."""

    def propose(self, problem, advice):
        advice.params["method"], advice.trial = rv.KrasnoselskiiMann(), True
        return advice

    def recover(self, problem, advice, result):
        return rv.core.Advice(params={"method": rv.Anderson()})


def test_a_trial_cannot_use_up_the_steps_of_a_solve(monkeypatch):
    monkeypatch.setattr(rv.FixedPoint, "default_steps", 40)
    slow = rv.FixedPoint(lambda x: np.array([0.9999, 0.5]) * x + 1.0, np.zeros(2))
    assert rv.solve(slow, "krasnoselskiimann", on_fail="ignore").status == rv.Status.BUDGET
    result = rv.Session("picard", [Tempted()], rtol=1e-8).solve(slow)
    assert result.ok and 40 < result.steps < 80
    limited = rv.Session("picard", [Tempted()], rtol=1e-8, max_steps=30, on_fail="ignore").solve(slow)
    assert limited.status == rv.Status.BUDGET and limited.steps == 30


@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_inclusions_over_another_array_library(library):
    xp = pytest.importorskip(library, reason=f"needs {library}")
    A = np.array([[0.5, 2.0, 0.0], [-2.0, 0.5, 0.0], [0.0, 0.0, 1.0]])
    B, start = xp.asarray(A), xp.asarray(np.zeros(3))
    made = lambda **kw: rv.Inclusion(lambda x: B @ x + 1.0, reference=start, **kw)
    boxed = made(resolvent=lambda v, eta: xp.clip(v, -0.3, 0.3))
    values = lambda x: np.array(x.tolist()) if library == "torch" else np.asarray(x)
    free = rv.solve(made(), "extragradient", rtol=1e-8)
    assert free.ok and type(free.x) is type(start) and np.allclose(A @ values(free.x), -1.0, atol=1e-6)
    for problem, method in ((boxed, "extragradient"), (boxed, "auto"), (forward_backward(boxed, 0.1), "halpern")):
        result = rv.solve(problem, method, rtol=1e-3)
        assert result.ok and type(result.x) is type(start) and np.allclose(values(result.x), -0.3, atol=1e-2)


def test_a_carried_step_saves_the_evaluations_that_find_one():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((400, 5))

    def problem(shift):
        b = a @ np.full(5, 1.0 + shift)
        F = lambda z, idx=slice(None): (a[idx] * (a[idx] @ z - b[idx])[:, None]).mean(axis=0)
        return rv.Inclusion(F, n_terms=400, reference=np.zeros(5))

    method = rv.VRHalpern(step_size=0.25)
    first = rv.solve(problem(0.0), method, rtol=1e-2)
    assert first.ok and first.carry["step"] > 0.0
    works = {}
    for name, carry in (("with", {"step": first.carry["step"]}), ("without", {})):
        new = problem(0.01)
        new.receive(None)
        state = method.init(new, None, carry)
        works[name] = new.work.total()["operators"]
        assert state.eta == pytest.approx(first.carry["step"])
    assert works["with"] == 1 and works["without"] == 4  # a step is found by three of them
    halved = method.init(problem(0.0), None, {"step": 3.0})
    halved.halved = True
    assert method.harvest(None, halved) == {}  # what had to be halved is a poor beginning


def test_a_carried_anchor_saves_steps_of_restarted_halpern():
    rates = np.linspace(0.2, 0.95, 20)

    def cost(learners):
        session = rv.Session("restartedhalpern", learners, rtol=1e-6)
        results = [
            session.solve(rv.FixedPoint(lambda x, t=t: rates * x + 1 + 1e-3 * t, np.zeros(20))) for t in range(8)
        ]
        assert all(r.ok for r in results)
        return sum(r.steps for r in results[1:])

    assert cost([rv.Warm()]) < 0.8 * cost([])
