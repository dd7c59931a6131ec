"""Newton's relatives: known answers, the tests of the damping rules, old curvature, and callables that misbehave."""

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery
from resolvent.core import Status
from resolvent.experiments.gradient_normalized_smoothness import cases
from resolvent.gallery.smooth import double_well, log_sum_exp, logistic, quartic, rosenbrock
from resolvent.methods.newton import (
    FOSI,
    OASIS,
    Armijo,
    Cubic,
    GradientDescent,
    GradientNormalized,
    GradientRegularized,
    HeavyBall,
    LazyNewton,
    Newton,
    SaddleFreeNewton,
    StepSized,
)
from resolvent.methods.newton.lanczos import lanczos
from resolvent.operators.curvature import Curvature
from resolvent.operators.tridiagonal import TridiagonalCurvature

DAMPINGS = [GradientNormalized(), GradientRegularized(), Cubic(), StepSized(), Armijo()]
METHODS = [
    *(Newton(damping) for damping in DAMPINGS),
    LazyNewton(),
    LazyNewton(GradientNormalized(), 5),
    SaddleFreeNewton(),
    SaddleFreeNewton(rank=20),
    FOSI(GradientDescent(), largest=3),
    OASIS(),
    GradientDescent(),
    HeavyBall(0.5, 0.9),
]


def quadratic(d=12, seed=0):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((d, d)))[0]
    H = (Q * np.linspace(0.5, 3.0, d)) @ Q.T
    H = 0.5 * (H + H.T)
    b = rng.standard_normal(d)
    problem = rv.Smooth(
        lambda x: float(0.5 * x @ H @ x - b @ x), lambda x: H @ x - b, lambda x: H.copy(), lambda x, v: H @ v
    )
    return problem, np.linalg.solve(H, b), H


@pytest.mark.parametrize("method", METHODS, ids=repr)
def test_a_quadratic_is_solved(method):
    problem, x, _ = quadratic()
    result = rv.solve(problem, method, x0=np.zeros(12), rtol=1e-9)
    assert result.ok, result.reason
    assert np.linalg.norm(result.x - x) < 1e-7
    assert result.seen["residual"] == pytest.approx(np.linalg.norm(problem.gradient(result.x)), rel=1e-12)
    assert result.certificate()["kind"] == "gradient of f, 2-norm"
    again = rv.solve(problem, method, x0=result.x, rtol=1e-9)
    assert again.ok and again.steps == 0 and again.x.tobytes() == result.x.tobytes()


@pytest.mark.parametrize("method", METHODS[:9], ids=repr)
def test_logistic_regression_agrees_with_armijo_newton(method):
    problem = logistic(120, 8, seed=3)
    oracle = rv.solve(problem, Newton(Armijo()), rtol=1e-12)
    result = rv.solve(logistic(120, 8, seed=3), method, x0=3 * np.ones(8), rtol=1e-10)
    assert result.ok, result.reason
    assert np.linalg.norm(result.x - oracle.x) < 1e-6


@pytest.mark.parametrize("damping", [GradientNormalized(), GradientRegularized(), Cubic(), StepSized()], ids=repr)
def test_every_start_and_softness(damping):
    for mu in (1.0, 0.1):
        result = rv.solve(log_sum_exp(20, 60, mu), Newton(damping), rtol=0.0, atol=1e-8, max_steps=3000)
        assert result.ok and np.linalg.norm(result.x) < 1e-4  # the minimiser is zero
    for t in (0.0, 3.0, 10.0):
        result = rv.solve(logistic(100, 10), Newton(damping), x0=t * np.ones(10), rtol=0.0, atol=1e-9, max_steps=500)
        assert result.ok


def test_gradient_normalised_damping_solves_all_of_its_cases():
    for name, (problem, x0, atol) in cases().items():
        result = rv.solve(problem, "newton", x0=x0, rtol=0.0, atol=atol, max_steps=5000, on_fail="ignore")
        assert result.ok, (name, result.reason)
        assert np.linalg.norm(problem.gradient(result.x)) <= atol


def test_progress_of_an_accepted_step_is_what_the_rule_promises():
    problem = log_sum_exp(15, 40, 0.1)
    problem.receive(None)
    method = Newton()
    state = method.init(problem, None, {})
    for _ in range(20):
        f, norm = state.f, np.linalg.norm(state.g)
        if norm < 1e-6:
            break
        method.step(problem, state)
        shift = norm / (state.scale / 2.0)  # gamma has doubled since
        assert f - state.f >= np.linalg.norm(state.g) ** 2 / (8.0 * shift) * (1 - 1e-9)


def test_cubic_step_minimises_its_model():
    rng = np.random.default_rng(1)
    for least in (-2.0, 0.0, 1.0):
        Q = np.linalg.qr(rng.standard_normal((4, 4)))[0]
        H = (Q * np.array([least, 0.5, 1.0, 3.0])) @ Q.T
        H = 0.5 * (H + H.T)
        g = rng.standard_normal(4)
        trial = Cubic(2.0).trial(Curvature(H, True), g, np.linalg.norm(g), 2.0)
        model = lambda s, g=g, H=H: g @ s + 0.5 * s @ H @ s + np.linalg.norm(s) ** 3 / 3
        best = min(model(trial.s + 0.3 * rng.standard_normal(4)) for _ in range(2000))
        assert model(trial.s) <= best + 1e-12
        assert trial.model == pytest.approx(model(trial.s), rel=1e-9)


def test_cubic_leaves_a_saddle_whose_gradient_vanishes_along_the_way_out():
    result = rv.solve(double_well(0.0), Newton(Cubic()), rtol=0.0, atol=1e-9)
    assert result.ok and abs(abs(result.x[0]) - 1.0) < 1e-8


@pytest.mark.parametrize("start", [1e-2, 1e-6, 1e-12, 0.0])
@pytest.mark.parametrize("rank", [None, 2])
def test_saddle_free_newton_reaches_a_minimum(start, rank):
    result = rv.solve(double_well(start), SaddleFreeNewton(rank=rank), rtol=0.0, atol=1e-9)
    assert result.ok and abs(abs(result.x[0]) - 1.0) < 1e-8 and abs(result.x[1]) < 1e-8


def test_lazy_newton_makes_few_hessians():
    fresh = rv.solve(log_sum_exp(30, 80, 0.2), Newton(GradientRegularized()), rtol=1e-9)
    lazy = rv.solve(log_sum_exp(30, 80, 0.2), LazyNewton(period=50), rtol=1e-9)
    assert fresh.ok and lazy.ok
    assert 3 * lazy.work["hessians"] <= fresh.work["hessians"]


def test_carried_curvature_saves_factorizations_and_keeps_the_tolerance():
    counts, thresholds = {}, set()
    for name, learners in (("with", [rv.Carried(("curvature", "curvature.scale"))]), ("without", [])):
        session = rv.Session("lazynewton", learners, rtol=1e-8)
        problems = gallery.sequence("log-sum-exp-drift", count=12, size=25)
        results = list(session.solve_all(problems))
        assert all(r.ok for r in results)
        for problem, result in zip(problems, results, strict=True):
            assert np.linalg.norm(problem.gradient(result.x)) <= result.threshold
        counts[name] = sum(r.work.get("factorizations", 0) for r in results)
        thresholds.add(tuple(round(r.threshold, 18) for r in results))
    assert 3 * counts["with"] <= counts["without"]
    assert len(thresholds) == 1


def test_carried_curvature_of_another_problem_does_no_harm():
    def jump(i):
        return log_sum_exp(20, 50, 0.3, seed=i)

    costs = {}
    for name, learners in (("with", [rv.Carried(("curvature", "curvature.scale"))]), ("without", [])):
        session = rv.Session("lazynewton", learners, rtol=1e-8)
        results = [session.solve(jump(i)) for i in range(30)]
        assert all(r.ok for r in results)
        costs[name] = sum(r.cost.total for r in results)
    assert costs["with"] <= 1.1 * costs["without"]


def test_a_saved_session_goes_on_bit_for_bit(tmp_path):
    problems = list(gallery.sequence("log-sum-exp-drift", count=6, size=15))
    again = list(gallery.sequence("log-sum-exp-drift", count=6, size=15))
    session = rv.Session("lazynewton", [rv.Carried(("curvature", "curvature.scale"))], rtol=1e-8)
    for problem in problems[:4]:
        session.solve(problem)
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    for problem, other in zip(problems[4:], again[4:], strict=True):
        one, two = session.solve(problem), loaded.solve(other)
        assert one.x.tobytes() == two.x.tobytes() and one.work == two.work


def test_curvature_from_a_stranger_is_vetted():
    good = Curvature(np.diag([1.0, 2.0]) + 0.1, True).state_dict()
    assert Curvature.from_state(good).solve(0.0, np.ones(2)) is not None
    for change in ({"w": np.array([1.0, np.nan])}, {"V": np.ones((2, 2))}, {"V": np.eye(3)}, {"w": np.ones((2, 2))}):
        with pytest.raises(ValueError, match="eigendecomposition"):
            Curvature.from_state(good | change)


@pytest.mark.parametrize("n", [1, 2, 3, 12])
def test_the_tridiagonal_form_solves_as_the_decomposition_does(n):
    rng = np.random.default_rng(n)
    B = rng.standard_normal((n, n))
    H, g = B + B.T, rng.standard_normal(n)
    reduced, decomposed = TridiagonalCurvature(H), Curvature(H, True)
    assert reduced.least == pytest.approx(float(np.linalg.eigvalsh(H)[0]), abs=1e-12)
    for shift in (-reduced.least + 0.1, -reduced.least + 10.0):
        s = reduced.solve(shift, g)
        assert np.allclose((H + shift * np.eye(n)) @ s, g) and np.allclose(s, decomposed.solve(shift, g))
    assert reduced.solve(-reduced.least - 0.1, g) is None and decomposed.solve(-reduced.least - 0.1, g) is None
    again = TridiagonalCurvature.from_state(reduced.state_dict())
    assert again.solve(100.0, g).tobytes() == reduced.solve(100.0, g).tobytes()


def test_the_tridiagonal_form_takes_diagonals_and_refuses_the_rest():
    diagonal = TridiagonalCurvature(np.array([3.0, 1.0, 2.0]))
    assert diagonal.least == 1.0 and diagonal.solve(1.0, np.array([4.0, 2.0, 3.0])).tolist() == [1.0, 1.0, 1.0]
    assert TridiagonalCurvature.from_state(diagonal.state_dict()).least == 1.0
    for H in (np.array([[1.0, 2.0], [0.0, 1.0]]), np.array([[np.nan]])):
        with pytest.raises(rv.core.OperatorError):
            TridiagonalCurvature(H)


@pytest.mark.parametrize(
    "change",
    [{"d": np.array([1.0, np.inf])}, {"e": np.ones(2)}, {"Q": np.ones((2, 2))}, {"Q": None}, {"matrix_version": "two"}],
)
def test_a_tridiagonal_form_from_a_stranger_is_vetted(change):
    good = TridiagonalCurvature(np.array([[2.0, 1.0], [1.0, 3.0]])).state_dict()
    with pytest.raises(ValueError, match="tridiagonal"):
        TridiagonalCurvature.from_state(good | change)


def test_a_reduced_curvature_is_not_taken_by_a_rule_that_needs_eigenvalues():
    kept = {"curvature": TridiagonalCurvature(np.eye(2))}
    problem = rosenbrock()
    problem.compare({})
    assert Newton(Cubic()).init(problem, np.zeros(2), kept).curvature is None
    assert LazyNewton().init(problem, np.zeros(2), kept).curvature is kept["curvature"]


@pytest.mark.parametrize("approximation", ["diagonal", "gauss-newton", "fisher"])
def test_approximate_hessians_are_accepted(approximation):
    exact = logistic(100, 6, seed=1)
    if approximation == "diagonal":
        hessian = lambda x: np.diag(exact.hessian(x)).copy()
    elif approximation == "gauss-newton":
        hessian = lambda x: exact.hessian(np.zeros(6))
    else:
        hessian = lambda x: np.outer(exact.gradient(x), exact.gradient(x)) + 0.3 * np.eye(6)
    problem = rv.Smooth(exact.value, exact.gradient, hessian, reference=np.zeros(6))
    result = rv.solve(problem, "newton", rtol=1e-8, max_steps=5000)
    assert result.ok and np.linalg.norm(exact.gradient(result.x)) <= result.threshold


def test_fosi_charges_its_products_and_helps_on_a_spectrum_with_outliers():
    d = np.r_[500.0, 300.0, np.linspace(1, 3, 28)]
    make = lambda: rv.Smooth(lambda x: float(0.5 * d @ x**2 - x.sum()), lambda x: d * x - 1, hvp=lambda x, v: d * v)
    plain = rv.solve(make(), GradientDescent(1 / 500), x0=np.zeros(30), rtol=1e-6)
    helped = rv.solve(make(), FOSI(GradientDescent(1 / 500), 3, alpha=1.0, clip=100.0), x0=np.zeros(30), rtol=1e-6)
    assert plain.ok and helped.ok and helped.work["hvps"] == 12
    assert 3 * helped.cost.total < plain.cost.total


def test_oasis_keeps_its_step_where_the_gradient_no_longer_changes():
    problem, x, _ = quadratic()
    result = rv.solve(problem, OASIS(), x0=np.zeros(12), rtol=0.0, atol=0.0, max_steps=3000, on_fail="ignore")
    assert np.all(np.isfinite(result.x)) and np.linalg.norm(result.x - x) < 1e-10
    assert result.status in (Status.RESIDUAL, Status.STAGNATED, Status.BUDGET, Status.CHANGE)


def test_lanczos_finds_the_whole_spectrum_of_a_small_matrix():
    rng = np.random.default_rng(0)
    B = rng.standard_normal((9, 9))
    B = B + B.T
    w, Y = lanczos(lambda v: B @ v, rng.standard_normal(9), 9, rng)
    assert np.allclose(w, np.linalg.eigvalsh(B)) and np.allclose(Y.T @ Y, np.eye(9))
    w, Y = lanczos(lambda v: 2.0 * v, np.ones(5), 4, rng)
    assert np.allclose(w, [2.0], rtol=1e-15) and Y.shape == (5, 1)


def test_same_bits_and_inputs_untouched():
    x0 = np.linspace(-1, 1, 10)
    before = x0.tobytes()
    runs = [rv.solve(logistic(60, 10), m, x0=x0, rtol=1e-8, seed=1) for m in ("newton", "newton", "oasis", "oasis")]
    assert x0.tobytes() == before
    assert runs[0].x.tobytes() == runs[1].x.tobytes() and runs[2].x.tobytes() == runs[3].x.tobytes()


def test_threshold_does_not_depend_on_the_guess():
    problem = lambda: rosenbrock()
    assert len({rv.solve(problem(), "newton", x0=np.array([t, 1.0])).threshold for t in (-2.0, 0.0, 1.5)}) == 1


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"hessian": lambda x: np.array([[1.0, 2.0], [0.0, 1.0]])}, Status.ERROR, "not symmetric"),
        ({"hessian": lambda x: np.full((2, 2), np.nan)}, Status.ERROR, "NaN"),
        ({"hessian": lambda x: np.eye(3)}, Status.ERROR, "shape"),
        ({"gradient": lambda x: np.ones(3)}, Status.ERROR, "shape"),
        ({"gradient": lambda x: (x - 1).astype(np.float32)}, Status.ERROR, "float32"),
        ({"gradient": lambda x: np.full(2, np.nan)}, Status.NONFINITE, "not finite"),
        ({"value": lambda x: 1 / 0}, Status.ERROR, "ZeroDivisionError"),
        ({"value": lambda x: np.ones(2)}, Status.ERROR, "one number"),
        ({"gradient": lambda x: -(x - 1)}, Status.CHANGE, "nothing is certified"),
    ],
)
def test_callables_that_misbehave_end_in_a_sentence(change, status, words):
    good = {
        "value": lambda x: float(0.5 * (x - 1) @ (x - 1)),
        "gradient": lambda x: x - 1,
        "hessian": lambda x: np.eye(2),
    }
    result = rv.solve(rv.Smooth(**(good | change)), "newton", x0=np.zeros(2), on_fail="ignore")
    assert result.status == status and words in result.reason


def test_bad_input_is_refused_before_any_work():
    f, g = (lambda x: 0.0), (lambda x: x)
    with pytest.raises(TypeError, match="callable"):
        rv.Smooth(1.0, g)
    with pytest.raises(TypeError, match="callable"):
        rv.Smooth(f, g, hessian=np.eye(2))
    with pytest.raises(ValueError, match="neither x0 nor reference"):
        rv.solve(rv.Smooth(f, g), "gradientdescent")
    with pytest.raises(ValueError, match="expected, as of the reference"):
        rv.solve(rv.Smooth(f, g, reference=np.zeros(2)), "gradientdescent", x0=np.zeros(3))
    with pytest.raises(TypeError):
        rv.solve(rv.Smooth(f, g), "gradientdescent", x0=np.zeros(2, dtype=int))
    with pytest.raises(ValueError, match="hessian"):
        rv.solve(rv.Smooth(f, g), "newton", x0=np.zeros(2))
    with pytest.raises(ValueError, match="smooth"):
        rv.solve(rv.Smooth(f, g), "cg", x0=np.zeros(2))
    for make in (
        lambda: Newton(period=0),
        lambda: Newton(damping=3),
        lambda: GradientNormalized(0.0),
        lambda: StepSized(beta=0.2),
        lambda: SaddleFreeNewton(rank=0),
        lambda: FOSI(base=3),
        lambda: OASIS(beta=1.0),
        lambda: HeavyBall(0.1, 1.0),
        lambda: GradientDescent(-1.0),
    ):
        with pytest.raises(ValueError, match=r"was given|were given|expected|no move|not a damping"):
            make()


def test_auto_solves_smooth_functions_and_says_with_what():
    session = rv.Session(rtol=1e-8)
    results = [session.solve(p) for p in gallery.sequence("log-sum-exp-drift", count=6, size=20)]
    assert all(r.ok for r in results)
    assert "auto:" in session.summary()
    without = rv.Smooth(logistic(50, 4).value, logistic(50, 4).gradient, reference=np.zeros(4))
    assert rv.solve(without, rtol=1e-6).ok  # no Hessian: a first-order method
    assert rv.solve(quartic(10, 20), rtol=1e-6).ok
