"""The battery of composite problems: every loss with every penalty, KKT conditions, closed forms, scikit-learn."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

import resolvent as rv
from resolvent.core import Residual, Steps, drive

RTOL = 1e-9


def data(n=40, p=60, seed=0, dtype="float64"):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.4 * rng.standard_normal((n, 1))
    w = np.zeros(p)
    w[:6] = [2.0, -1.5, 1.0, 1.0, -0.7, 0.5]
    return X.astype(dtype), (X @ w + 0.3 * rng.standard_normal(n)).astype(dtype)


def squares(layout="C", **options):
    X, y = data()
    X = {"C": np.ascontiguousarray, "F": np.asfortranarray, "csc": sp.csc_array, "csr": sp.csr_array}[layout](X)
    return rv.LeastSquares(X, y + (3.0 if options else 0.0), **options)


def logistic(**options):
    X, y = data()
    return rv.Logistic(X, np.where(y + 0.5 * np.sin(9 * y) > 0.3, 1.0, -1.0), **options)


def quadratic(sparse=False):
    X, y = data()
    H = X.T @ X / 40 + 0.1 * np.eye(60)
    return rv.Quadratic(sp.csc_array(H) if sparse else H, X.T @ y / 40)


LOSSES = {
    "squares-C": squares,
    "squares-F": lambda: squares("F"),
    "squares-csc": lambda: squares("csc"),
    "squares-csr": lambda: squares("csr"),
    "squares-intercept": lambda: squares(intercept=True),
    "logistic": logistic,
    "logistic-intercept": lambda: logistic(intercept=True),
    "quadratic": quadratic,
    "quadratic-sparse": lambda: quadratic(True),
}
PENALTIES = {
    "l1": rv.L1(0.05),
    "elastic": rv.ElasticNet(0.1, 0.5),
    "ridge": rv.ElasticNet(0.1, 0.0),
    "groups": rv.GroupL1(0.05, 5),
    "groups-listed": rv.GroupL1(0.05, [[59, 0, 7], [*range(1, 7)], [*range(8, 59)]]),
    "nonnegative": rv.NonNegative(),
    "box": rv.Box(-0.4, np.linspace(0.1, 1.0, 60)),
    "half-open": rv.Box(-np.inf, 0.5),
}
ROWS = [(loss, penalty) for loss in LOSSES for penalty in PENALTIES]


def problem(row):
    return rv.Composite(LOSSES[row[0]](), PENALTIES[row[1]])


def slopes(P, w):
    """Gradient of the loss by its textbook formula, X dense; the intercept's last."""
    loss = P.loss
    if isinstance(loss, rv.Quadratic):
        H = loss.H.toarray() if sp.issparse(loss.H) else loss.H
        return H @ w - loss.b
    X = loss.X.toarray() if sp.issparse(loss.X) else loss.X
    if loss.intercept:
        X = np.column_stack([X, np.ones(len(X))])
    z = X @ w
    e = z - loss.y if isinstance(loss, rv.LeastSquares) else -loss.y / (1 + np.exp(loss.y * z))
    return X.T @ e / len(X)


def kkt(P, w):
    """The largest violation of the optimality conditions, coordinate by coordinate (or group by group)."""
    g = slopes(P, w)
    out = 0.0
    if P.loss.intercept:
        out, g, w = abs(g[-1]), g[:-1], w[:-1]
    if P.penalty.kind == 1:
        lo, hi = P.penalty.bounds(len(w))
        assert np.all(w >= lo) and np.all(w <= hi)
        violation = np.where(w <= lo, np.maximum(-g, 0), np.where(w >= hi, np.maximum(g, 0), np.abs(g)))
    elif P.penalty.kind == 2:
        groups = P.penalty.groups
        groups = [range(i, i + groups) for i in range(0, len(w), groups)] if isinstance(groups, int) else groups
        violation = []
        for G in (list(G) for G in groups):
            size = np.linalg.norm(w[G])
            inside = max(np.linalg.norm(g[G]) - P.penalty.lam, 0.0)
            violation.append(np.linalg.norm(g[G] + P.penalty.lam * w[G] / size) if size > 0 else inside)
    else:
        one, two = P.penalty.weights
        g = g + two * w
        violation = np.where(w != 0, np.abs(g + one * np.sign(w)), np.maximum(np.abs(g) - one, 0.0))
    return max(out, float(np.max(violation)))


@pytest.mark.parametrize("row", ROWS, ids="+".join)
class TestRow:
    def test_solved_certified_and_optimal(self, row):
        P = problem(row)
        result = rv.solve(P, rtol=RTOL)
        assert result.ok and result.status == (rv.Status.GAP if P.cert else rv.Status.RESIDUAL), result.reason
        assert result.seen["residual"] <= RTOL * P.scale and result.work["products"] >= 1
        assert kkt(P, result.x) <= 3e-4
        sharp = rv.solve(P, rtol=1e-13, on_fail="ignore")
        assert kkt(P, sharp.x) <= 3e-6
        assert abs(P.objective(result.x) - P.objective(sharp.x)) <= 2 * RTOL * abs(P.scale) + 1e-12
        assert json.dumps(result.certificate()) and result.x.dtype == np.float64

    def test_a_restart_from_the_solution_stops_at_once(self, row):
        P = problem(row)
        first = rv.solve(P, rtol=RTOL)
        again = rv.solve(P, x0=first.x, rtol=RTOL)
        assert again.ok and again.steps == 0

    def test_the_gap_bounds_what_is_left_to_gain(self, row):
        P = problem(row)
        if not P.cert:
            pytest.skip("no duality gap here")
        least = P.objective(rv.solve(P, rtol=1e-12, on_fail="ignore").x)
        rng = np.random.default_rng(1)
        for size in (1e-6, 1e-3, 0.1, 1.0):
            w = P.zero() + size * rng.standard_normal(P.n)
            if P.penalty.kind == 1:
                w[: len(P.lo)] = np.clip(w[: len(P.lo)], P.lo, P.hi)
            measure = P.measure(w)
            assert measure.residual >= P.objective(w) - least - 1e-12
            assert measure.seen["objective"] == pytest.approx(P.objective(w))


METHODS = {
    "default": rv.CoordinateDescent(),
    "plain": rv.CoordinateDescent(anderson=False, newton=False, screening=False),
    "anderson": rv.CoordinateDescent(newton=False),
    "newton": rv.CoordinateDescent(anderson=False),
    "no-gram": rv.CoordinateDescent(gram=False),
    "gram": rv.CoordinateDescent(gram=True),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("row", [("squares-C", "l1"), ("logistic", "elastic"), ("squares-csc", "groups")], ids="+".join)
def test_the_method_is_frozen_repeatable_and_leaves_inputs_alone(row, name):
    method = METHODS[name]
    P = problem(row)
    X, y = (P.loss.X.data if sp.issparse(P.loss.X) else P.loss.X), P.loss.y
    before, label = (X.tobytes(), y.tobytes()), repr(method)
    one, two = (rv.solve(problem(row), method, rtol=RTOL) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes() and one.steps == two.steps and one.work == two.work
    rv.solve(P, method, rtol=RTOL, x0=np.ones(P.n))
    assert (X.tobytes(), y.tobytes()) == before and repr(method) == label
    with pytest.raises(dataclasses.FrozenInstanceError):
        method.stride = 2


@pytest.mark.parametrize("row", [("squares-C", "l1"), ("logistic", "l1"), ("squares-F", "groups")], ids="+".join)
def test_the_stride_does_not_change_the_iterates(row):
    P = problem(row)
    runs = []
    for stride in (1, 3, 256):
        method = rv.CoordinateDescent(stride=stride)
        some = rv.solve(P, method, rtol=1e-14, max_steps=7, on_fail="ignore")
        whole = rv.solve(P, method, rtol=1e-8)
        runs.append((some.x.tobytes(), whole.x.tobytes(), whole.steps))
    assert runs[0] == runs[1] == runs[2]


def test_budget_is_kept_and_said():
    P = problem(("squares-C", "groups"))
    result = rv.solve(P, max_steps=2, rtol=1e-12, on_fail="ignore")
    assert result.steps == 2 and result.status == rv.Status.BUDGET and result.reason.startswith("BUDGET")
    assert result.seen["residual"] == P.measure(result.x).residual


def test_the_threshold_does_not_depend_on_the_guess():
    rng = np.random.default_rng(0)
    P = problem(("squares-C", "l1"))
    found = {rv.solve(P, x0=10.0**k * rng.standard_normal(60), rtol=1e-8).threshold for k in range(-4, 4)}
    assert len(found) == 1 and found.pop() == pytest.approx(1e-8 * float(P.loss.y @ P.loss.y) / 80)


def test_a_harvest_serves_another_weight():
    loss = squares()
    first = drive(rv.Composite(loss, rv.L1(0.1)), rv.CoordinateDescent(), Residual(1e-10) | Steps(999))
    again = drive(
        rv.Composite(loss, rv.L1(0.09)), rv.CoordinateDescent(), Residual(1e-10) | Steps(999),
        x0=first.x, carry={"support_factor": first.carry["support_factor"]},
    )  # fmt: skip
    P = rv.Composite(loss, rv.L1(0.09))
    assert again.ok and P.measure(again.x).residual <= 1e-10 * P.scale
    bare = drive(P, rv.CoordinateDescent(), Residual(1e-10) | Steps(999), x0=first.x)
    assert again.work["factor_flops"] < bare.work["factor_flops"] and kkt(P, again.x) < 1e-5


def test_orthogonal_columns_have_a_closed_form():
    Q, _ = np.linalg.qr(np.random.default_rng(3).standard_normal((30, 8)))
    y = np.random.default_rng(4).standard_normal(30)
    b = Q.T @ y / 30  # the curvature is 1 / 30
    loss = rv.LeastSquares(Q, y)
    shrunk = 30 * np.sign(b) * np.maximum(np.abs(b) - 0.01, 0)
    assert np.allclose(rv.solve(rv.Composite(loss, rv.L1(0.01)), rtol=1e-14).x, shrunk, atol=1e-7)
    elastic = np.sign(b) * np.maximum(np.abs(b) - 0.006, 0) / (1 / 30 + 0.004)
    assert np.allclose(rv.solve(rv.Composite(loss, rv.ElasticNet(0.01, 0.6)), rtol=1e-14).x, elastic, atol=1e-7)
    positive = rv.solve(rv.Composite(loss, rv.NonNegative()), rtol=1e-12).x
    assert np.allclose(positive, np.maximum(Q.T @ y, 0), atol=1e-7)
    norm = np.linalg.norm(b)
    group = 30 * b * max(0.0, 1 - 0.02 / norm)
    assert np.allclose(rv.solve(rv.Composite(loss, rv.GroupL1(0.02, 8)), rtol=1e-14).x, group, atol=1e-7)


def test_scikit_learn_agrees():
    linear = pytest.importorskip("sklearn.linear_model", reason="needs the extra sklearn")
    X, y = data()
    ours = rv.solve(rv.Composite(rv.LeastSquares(X, y, intercept=True), rv.ElasticNet(0.1, 0.7)), rtol=1e-13).x
    theirs = linear.ElasticNet(alpha=0.1, l1_ratio=0.7, tol=1e-14, max_iter=100_000).fit(X, y)
    assert np.allclose(ours[:-1], theirs.coef_, atol=1e-6) and ours[-1] == pytest.approx(theirs.intercept_, abs=1e-6)
    loss = logistic()
    ours = rv.solve(rv.Composite(loss, rv.ElasticNet(0.05, 0.0)), rtol=1e-12).x
    theirs = linear.LogisticRegression(C=1 / (0.05 * 40), fit_intercept=False, tol=1e-10, max_iter=10_000)
    assert np.allclose(ours, theirs.fit(X, loss.y).coef_[0], atol=1e-5)


@settings(max_examples=15)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 0.1, 0.01]), st.integers(2, 25), st.integers(1, 40))
def test_any_lasso_ends_certified_and_optimal(seed, fraction, n, p):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, p)), rng.standard_normal(n)
    if seed % 3 == 0 and p > 2:
        X[:, 1] = X[:, 0]  # a copy: minimisers are many
    lam = fraction * np.max(np.abs(X.T @ y)) / n
    P = rv.Composite(rv.LeastSquares(X, y), rv.L1(lam))
    result = rv.solve(P, rtol=1e-8)
    assert result.ok, result.reason
    assert np.max(np.abs(slopes(P, result.x))) <= lam + 1e-3


def test_every_accelerator_saves_work_where_it_should():
    datasets = pytest.importorskip("sklearn.datasets", reason="scikit-learn is not installed")
    X, y = datasets.load_diabetes(return_X_y=True)
    X = np.column_stack([X, X**2 * 20, X[:, :1] * X[:, 1:] * 20, X[:, 2:3] * X[:, 3:] * 20])
    P = rv.Composite(rv.LeastSquares(X - X.mean(0), y - y.mean()), rv.L1(0.02))

    def steps(**options):
        result = rv.solve(P, rv.CoordinateDescent(gram=False, **options), rtol=1e-9)
        assert result.ok, result.reason
        return result.steps

    plain = steps(anderson=False, newton=False)
    assert steps(newton=False) < 0.7 * plain and steps(anderson=False) < 0.2 * plain


def test_screening_saves_entries():
    X, y = data(60, 2000)
    P = rv.Composite(rv.LeastSquares(X, y), rv.L1(0.2))
    methods = [rv.CoordinateDescent(newton=False, screening=on) for on in (True, False)]
    one, two = (rv.solve(P, method, rtol=1e-10) for method in methods)
    assert one.work["entries"] < 0.95 * two.work["entries"] and np.allclose(one.x, two.x, atol=1e-6)


@pytest.mark.full
def test_float32_stays_and_is_certified():
    X, y = data(dtype="float32")
    result = rv.solve(rv.Composite(rv.LeastSquares(X, y), rv.L1(0.05)))
    assert result.ok and result.x.dtype == np.float32


def test_degenerate_data_end_at_once():
    X, _ = data()
    zero = rv.solve(rv.Composite(rv.LeastSquares(X, np.zeros(40)), rv.L1(0.1)))
    assert zero.ok and zero.steps == 0 and not zero.x.any()
    Z = X.copy()
    Z[:, 3] = 0.0
    result = rv.solve(rv.Composite(rv.LeastSquares(Z, X[:, 0]), rv.L1(0.01)), x0=np.ones(60), rtol=1e-9)
    assert result.ok and result.x[3] == 0.0
    assert rv.solve(rv.Composite(rv.LeastSquares(Z, X[:, 0]), rv.L1(0.0)), rtol=1e-9).ok


BAD = [
    (lambda: rv.L1(-1.0), "not negative"),
    (lambda: rv.L1(np.nan), "not negative"),
    (lambda: rv.ElasticNet(1.0, 1.5), "from 0 to 1"),
    (lambda: rv.GroupL1(1.0, [[0, 1], [1, 2]]), "overlap"),
    (lambda: rv.GroupL1(1.0, [[0, 1], []]), "empty"),
    (lambda: rv.GroupL1(-1.0, 2), "not negative"),
    (lambda: rv.Composite(squares(), rv.GroupL1(1.0, [[0, 1], [2]])), "exactly once"),
    (lambda: rv.Composite(squares(), rv.GroupL1(1.0, 7)), "do not fall"),
    (lambda: rv.Box(1.0, 0.0), "lo <= hi"),
    (lambda: rv.Box(np.nan, 0.0), "NaN"),
    (lambda: rv.Composite(squares(), rv.Box(np.zeros(3), 1.0)), "shape"),
    (lambda: rv.LeastSquares(np.full((3, 2), np.nan), np.ones(3)), "NaN"),
    (lambda: rv.LeastSquares(np.ones((3, 2)), np.array([1.0, np.inf, 0.0])), "NaN or inf"),
    (lambda: rv.LeastSquares(np.ones((3, 2)), np.ones(4)), "rows"),
    (lambda: rv.LeastSquares(np.ones((0, 2)), np.ones(0)), "at least one row"),
    (lambda: rv.Logistic(np.ones((3, 2)), np.ones(3)), "one class"),
    (lambda: rv.Logistic(np.ones((3, 2)), np.array([0.0, 1.0, 1.0])), "-1 and 1"),
    (lambda: rv.Quadratic(np.array([[1.0, 2.0], [0.0, 1.0]]), np.ones(2)), "not symmetric"),
    (lambda: rv.Quadratic(np.ones((2, 3)), np.ones(2)), "square"),
    (lambda: rv.Quadratic(-np.eye(2), np.ones(2)), "semidefinite"),
]
WRONG = [
    (lambda: rv.L1("big"), "number"),
    (lambda: rv.LeastSquares(np.ones((3, 2), dtype=int), np.ones(3)), "float64"),
    (lambda: rv.LeastSquares([[1.0]], np.ones(1)), "list"),
    (lambda: rv.LeastSquares(np.ones((3, 2)), np.ones(3, dtype=int)), "convert"),
    (lambda: rv.Composite(np.ones(3), rv.L1(1.0)), "LeastSquares"),
    (lambda: rv.Composite(squares(), "l1"), "ElasticNet"),
    (lambda: rv.solve(rv.Composite(squares(), rv.L1(1.0)), "cg"), "cannot be used"),
    (lambda: rv.solve(rv.Composite(squares(), rv.L1(1.0)), x0=np.ones(3)), "shape"),
]


@pytest.mark.parametrize(("make", "says"), BAD + WRONG)
def test_bad_input_gets_one_sentence(make, says):
    with pytest.raises((ValueError, TypeError), match=says) as found:
        make()
    assert "\n" not in str(found.value)


def test_a_guess_that_is_not_finite_is_refused():
    result = rv.solve(problem(("squares-C", "l1")), x0=np.full(60, np.nan), on_fail="ignore")
    assert result.status == rv.Status.NONFINITE


# ---- sequences -----------------------------------------------------------------------------------------------------------


def path_of(session, loss, count=40):
    top = np.max(np.abs(loss.X.T @ loss.y)) / len(loss.y)
    results = [session.solve(rv.Composite(loss, rv.L1(top * 0.01 ** (k / count)))) for k in range(1, count + 1)]
    assert all(r.ok for r in results)
    return sum(r.cost.setup + r.cost.running for r in results)


def test_a_path_that_is_handed_on_costs_less_than_one_that_is_not():
    loss = rv.LeastSquares(*data(80, 600))
    warm = path_of(rv.Session(rv.CoordinateDescent(), [rv.Path()], rtol=1e-9), loss)
    cold = path_of(rv.Session(rv.CoordinateDescent(), rtol=1e-9), loss)
    auto = path_of(rv.Session(rtol=1e-9), loss)
    assert warm < 0.7 * cold and auto < 0.7 * cold


def test_unrelated_problems_do_not_suffer():
    def cost(learners):
        session = rv.Session(rv.CoordinateDescent(), learners, rtol=1e-9)
        total = 0.0
        for seed in range(30):
            X, y = data(seed=seed)
            result = session.solve(rv.Composite(rv.LeastSquares(X, y), rv.L1(0.1)))
            assert result.ok
            total += result.cost.setup + result.cost.running
        return total

    assert cost([rv.Path()]) <= 1.1 * cost([])


def test_the_line_through_two_minimisers_saves_epochs():
    loss = rv.LeastSquares(*data(80, 600))
    top = np.max(np.abs(loss.X.T @ loss.y)) / 80
    lams = [top * 0.05 * 0.97**k for k in range(12)]

    def epochs(forget):
        learner = rv.Path(always=True)
        session = rv.Session(rv.CoordinateDescent(newton=False), [learner], rtol=1e-9)
        steps = []
        for lam in lams:
            steps.append(session.solve(rv.Composite(loss, rv.L1(lam))).steps)
            if forget:
                learner._before = None
        return sum(steps[2:])

    assert epochs(False) < 0.95 * epochs(True)


def test_a_guess_is_compared_with_its_neighbours_and_seldom_left_out():
    """Costs grow along a path: beside the first ones a guess late in it looks dear, and is not."""
    loss = rv.LeastSquares(*data(80, 600))
    top = np.max(np.abs(loss.X.T @ loss.y)) / 80
    learner = rv.Path()
    session = rv.Session(rv.CoordinateDescent(), [learner], rtol=1e-9)
    results = [session.solve(rv.Composite(loss, rv.L1(top * 0.001 ** (k / 60)))) for k in range(1, 61)]
    cold = [k for k, r in enumerate(results) if r.advice.x0 is None]
    assert all(r.ok for r in results) and cold[0] == 0 and len(cold) <= 3
    assert (
        results[-1].cost.total > 3 * results[1].cost.total and "of the cost of a solve from zero" in session.summary()
    )
