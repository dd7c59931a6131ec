"""Cyclic block proximal descent, exact and variance-reduced: twins in NumPy, closed forms, other methods' answers."""

import dataclasses
from itertools import pairwise

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import kernels
from resolvent.experiments import cyclic_coordinate_descent as experiment
from resolvent.methods.coordinate import cyclic


def sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))


def data(n=60, p=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, p)) + 0.3 * rng.standard_normal((n, 1))
    w = np.where(np.arange(p) % 4 == 0, 2.0, 0.0)
    return X, (X @ w + rng.standard_normal(n) > 0).astype(float)


def stored(X, layout):
    return {"C": np.ascontiguousarray, "F": np.asfortranarray, "csr": sp.csr_array, "csc": sp.csc_array}[layout](X)


def losses(name, layout="C"):
    X, y = data()
    if layout.startswith("cs"):
        X = np.where(np.abs(X) > 0.7, X, 0.0)
    X = stored(X, layout)
    if name == "squares":
        return rv.LeastSquares(X, np.asarray(X @ np.linspace(-1, 1, 12)))
    return rv.Logistic(X, 2 * y - 1) if name == "logistic" else rv.SigmoidSquares(X, y)


PENALTIES = {
    "l1": rv.L1(0.02),
    "elastic": rv.ElasticNet(0.05, 0.5),
    "groups": rv.GroupL1(0.02, 3),
    "groups-listed": rv.GroupL1(0.02, [[11, 0], [*range(1, 6)], [*range(6, 11)]]),
    "box": rv.Box(-0.3, 0.5),
    "nonnegative": rv.NonNegative(),
}
LOSSES = ("squares", "logistic", "sigmoid")


def mean_loss(loss, w, rows=slice(None)):
    """Mean loss and gradient over some rows by the textbook's formula."""
    X = loss.X.toarray() if sp.issparse(loss.X) else loss.X
    X, y = X[rows], loss.y[rows]
    z = X @ w
    if isinstance(loss, rv.LeastSquares):
        return 0.5 * np.mean((z - y) ** 2), X.T @ (z - y) / len(y)
    if isinstance(loss, rv.Logistic):
        return np.mean(np.log1p(np.exp(-y * z))), X.T @ (-y * sigmoid(-y * z)) / len(y)
    s = sigmoid(z)
    return np.mean((s - y) ** 2), X.T @ (2 * (s - y) * s * (1 - s)) / len(y)


def parts(P, state):
    *_, ptr, idx, bptr = state.penalty
    return [idx[ptr[a] : ptr[b]] for a, b in pairwise(bptr)]


def exact_cycle(P, w, L, blocks, relax, small):
    """A cycle by whole gradients; a step too small to be tested is made with the last constant that was."""
    w, L = w.copy(), L.copy()
    for b, J in enumerate(blocks):
        value, g = mean_loss(P.loss, w)
        c, tested = relax * L[b], True
        while True:
            moved = w.copy()
            moved[J] -= g[J] / c
            new = w.copy()
            new[J] = P.penalty.prox(moved, 1.0 / c)[J]
            d = new - w
            if tested and 0.5 * c * d @ d <= small * value:
                c, tested = max(c, L[b]), False
                continue
            if not tested or mean_loss(P.loss, new)[0] <= value + g @ d + 0.5 * c * d @ d + 1e-14 * value:
                break
            c *= 2.0
        w, L[b] = new, c
    return w, L


@pytest.mark.parametrize("layout", ["C", "csr"])
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_cycle_is_that_of_whole_gradients(loss, penalty, layout):
    P = rv.Composite(losses(loss, layout), PENALTIES[penalty])
    method = rv.ProximalCyclic(blocks=3, stride=1)
    state = method.init(P, None, {})
    w, L = state.w.copy(), state.L.copy()
    for _ in range(3):
        w, L = exact_cycle(P, w, L, parts(P, state), 0.9, state.small)
        method.step(P, state)
        assert np.allclose(state.w, w, atol=1e-11) and np.allclose(state.L, L)
    assert np.allclose(state.z, P.loss.margins(state.w), atol=1e-12)


@pytest.mark.parametrize("layout", ["C", "F", "csr", "csc"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("whole", [False, True])
def test_a_cycle_on_a_batch_tracks_partially_updated_points(loss, layout, whole):
    P = rv.Composite(losses(loss, layout), PENALTIES["l1"])
    method = rv.VRProximalCyclic(batch=7, blocks=4)
    state = method.init(P, None, {})
    state.room = 1
    method.step(P, state)
    rng = np.random.default_rng(5)
    for _ in range(3):
        rows = np.arange(60) if whole else np.sort(rng.integers(0, 60, 7))
        before, w, G = state.before.copy(), state.w.copy(), state.G.copy()
        now, then = w.copy(), before.copy()
        for b, J in enumerate(parts(P, state)):
            G[J] += (mean_loss(P.loss, now, rows)[1] - mean_loss(P.loss, then, rows)[1])[J]
            if whole:
                assert np.allclose(G[J], mean_loss(P.loss, now)[1][J], atol=1e-12)
            then[J] = w[J]
            now[J] = P.penalty.prox(now - G / state.L[b], 1.0 / state.L[b])[J]
        method._on_batch(P, state, rows)
        assert np.allclose(state.G, G, atol=1e-12) and np.allclose(state.w, now, atol=1e-12)
        assert np.array_equal(state.before, w)


@pytest.mark.parametrize("loss", LOSSES)
def test_the_slope_of_a_loss_is_its_formula(loss):
    P = rv.Composite(losses(loss), rv.L1(0.1))
    w = np.random.default_rng(1).standard_normal(12)
    v = np.empty(60)
    value = kernels.cyclic.slope(P.loss.code, P.loss.target, P.loss.margins(w), v)
    ours, slope = P.loss.at(w)
    right, gradient = mean_loss(P.loss, w)
    assert value == pytest.approx(right) and ours == pytest.approx(right) and P.loss.value(w) == pytest.approx(right)
    assert np.allclose(v, slope, atol=1e-15) and np.allclose(P.loss.X.T @ v, gradient, atol=1e-13)


def test_the_curvature_bound_of_sigmoid_squares_is_met_and_never_passed():
    z = np.linspace(-12, 12, 400_001)
    s = sigmoid(z)
    for y in (0.0, 0.3, 1.0):
        second = 2 * (s * (1 - s)) ** 2 + 2 * (s - y) * s * (1 - s) * (1 - 2 * s)
        assert np.max(np.abs(second)) <= rv.SigmoidSquares.curvature
    assert np.max(np.abs(second)) > 0.9999 * rv.SigmoidSquares.curvature


def test_margins_that_overflow_an_exponential_do_no_harm():
    loss = rv.SigmoidSquares(np.array([[1e4], [-1e4]]), np.array([1.0, 1.0]))
    value, slope = loss.at(np.ones(1))
    assert value == 0.5 and np.all(slope == 0.0)


METHODS = {"exact": rv.ProximalCyclic(blocks=4), "reduced": rv.VRProximalCyclic(batch=10, seed=2, blocks=4)}


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("penalty", PENALTIES)
@pytest.mark.parametrize("loss", ["squares", "logistic"])
def test_convex_problems_end_where_coordinate_descent_ends(loss, penalty, method):
    P = rv.Composite(losses(loss), PENALTIES[penalty])
    ours = rv.solve(P, method, rtol=1e-10)
    theirs = rv.solve(P, rv.CoordinateDescent(), rtol=1e-12, on_fail="ignore")
    assert ours.ok and np.allclose(ours.x, theirs.x, atol=1e-4)
    assert P.objective(ours.x) <= P.objective(theirs.x) + 1e-9 * P.scale


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("layout", ["C", "csr"])
@pytest.mark.parametrize("penalty", [p for p in PENALTIES if p != "nonnegative"])  # where minimisers are not far away
def test_nonconvex_answers_are_stationary(penalty, layout, method):
    P = rv.Composite(losses("sigmoid", layout), PENALTIES[penalty])
    result = rv.solve(P, method, rtol=1e-8)
    g = mean_loss(P.loss, result.x)[1]
    step = P.penalty.prox(result.x - g, 1.0)
    assert result.ok and np.linalg.norm(step - result.x) <= 1e-4
    assert P.objective(result.x) < P.objective(P.zero())
    again = rv.solve(rv.Composite(P.loss, P.penalty), method, rtol=1e-8)
    assert again.x.tobytes() == result.x.tobytes() and again.cost.running == result.cost.running
    assert rv.solve(P, method, rtol=1e-8, x0=result.x).steps == 0


def wells(p=6):
    """A narrow well and a wide one in each coordinate, from two rows each; no row has two coordinates."""
    X, y = np.zeros((2 * p, p)), np.empty(2 * p)
    for j in range(p):
        X[2 * j, j], y[2 * j] = 8.0 + j, 0.05
        X[2 * j + 1, j], y[2 * j + 1] = 1.0, 0.8 + 0.02 * j
    return X, y


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_double_wells_end_in_a_minimum_found_by_a_grid(method):
    X, y = wells()
    lam = 0.002
    P = rv.Composite(rv.SigmoidSquares(X, y), rv.L1(lam))
    grid = np.linspace(-4, 6, 400_001)
    each = [
        sum((sigmoid(X[i, j] * grid) - y[i]) ** 2 for i in (2 * j, 2 * j + 1)) / len(y) + lam * np.abs(grid)
        for j in range(6)
    ]
    minima = [grid[1:-1][(f[1:-1] < f[:-2]) & (f[1:-1] < f[2:])] for f in each]
    assert all(len(m) == 2 for m in minima)
    found = set()
    for start in (-0.5, 3.0):
        result = rv.solve(P, method, x0=np.full(6, start), rtol=1e-9, max_steps=200_000)
        assert result.ok
        for x, m in zip(result.x, minima, strict=True):
            assert np.min(np.abs(m - x)) < 1e-4
            found.add((start, int(np.argmin(np.abs(m - x)))))
    assert {(-0.5, 0), (3.0, 1)} <= found


def test_steps_that_are_too_long_are_taken_back():
    P = experiment.problem(0, 500, 20)
    result = rv.solve(P, rv.VRProximalCyclic(batch=32, step_size=8.0), rtol=1e-6)
    assert result.ok and P.objective(result.x) < 0.7 * P.objective(P.zero())


def test_every_pass_is_counted():
    P = rv.Composite(losses("sigmoid"), rv.L1(0.01))
    method = rv.ProximalCyclic(blocks=4, stride=1)
    state = method.init(P, None, {})
    start = dict(P.work.running)
    state.room = 1
    method.step(P, state)
    spent = {k: v - start.get(k, 0.0) for k, v in P.work.running.items()}
    assert spent["entries"] >= 2 * 60 * 12 * 0.5 and spent["slopes"] >= 5 and spent["products"] >= 1
    reduced = rv.VRProximalCyclic(batch=6, blocks=4)
    state = reduced.init(P, None, {})
    state.room = 1
    reduced.step(P, state)
    start = P.work.running["entries"]
    reduced._on_batch(P, state, np.arange(6))
    assert 4 * 6 * 12 <= P.work.running["entries"] - start <= 6 * 6 * 12


def test_constants_found_serve_a_restart():
    P = rv.Composite(losses("sigmoid"), rv.L1(0.01))
    method = rv.ProximalCyclic(blocks=4)
    state = method.init(P, None, {})
    method.step(P, state)
    kept = method.harvest(P, state)
    assert np.array_equal(method.init(P, None, kept).L, state.L)
    assert not np.array_equal(method.init(P, None, {}).L, state.L)


def test_float32_stays():
    X, y = data()
    P = rv.Composite(rv.SigmoidSquares(X.astype("f4"), y.astype("f4")), rv.L1(0.01))
    for method in METHODS.values():
        result = rv.solve(P, method, rtol=1e-3)
        assert result.ok and result.x.dtype == np.float32


def test_auto_takes_it_where_the_loss_is_not_convex():
    P = rv.Composite(losses("sigmoid"), rv.L1(0.01))
    result = rv.solve(P, rtol=1e-7)
    assert result.ok and "cyclic" in str(result.advice.params or result.summary()).lower()


def test_what_does_not_fit_is_refused():
    X, y = data()
    with pytest.raises(ValueError, match="convex"):
        rv.solve(rv.Composite(rv.SigmoidSquares(X, y), rv.L1(0.1)), rv.CoordinateDescent())
    for method in METHODS.values():
        with pytest.raises(ValueError, match="mean over rows"):
            rv.solve(rv.Composite(rv.LeastSquares(X, y, intercept=True), rv.L1(0.1)), method)
        with pytest.raises(dataclasses.FrozenInstanceError):
            method.blocks = 2
    with pytest.raises(ValueError, match="0 to 1"):
        rv.SigmoidSquares(X, y - 1)
    for bad in ({"blocks": 0}, {"batch": 0}, {"step_size": 0.0}):
        with pytest.raises(ValueError, match="expected"):
            rv.VRProximalCyclic(**bad)
    with pytest.raises(ValueError, match="at least 1"):
        rv.ProximalCyclic(stride=0)


def test_a_state_that_is_not_finite_says_so():
    P = rv.Composite(losses("sigmoid"), rv.L1(0.01))
    method = rv.ProximalCyclic(blocks=4)
    state = method.init(P, None, {})
    state.w[:] = np.nan
    with np.errstate(all="ignore"):
        cyclic._look(P, state)
    assert state.status == rv.Status.NONFINITE


def test_the_experiment_counts_passes():
    found = experiment.run(quick=True, out=lambda line: None)
    for row in found.values():
        assert all(a >= b for a, b in pairwise(row))
    assert found["P-CCD"][-1] < found["prox-gradient"][-1]
