"""The battery of entropic transport: what every method must do. A new method is enrolled by one row of ``ROWS``."""

import dataclasses
import json

import numpy as np
import pytest
from scipy.optimize import linprog
from scipy.special import logsumexp

import resolvent as rv
from resolvent.core import drive
from resolvent.core.stopping import Residual, Steps

ROWS = {"sinkhornnewton": rv.SinkhornNewton(), "sinkhorn": rv.Sinkhorn(), "overrelaxed": rv.Sinkhorn(omega=1.4)}
ROWS["published"] = rv.SinkhornNewtonSparse(density=15.0)
each = pytest.mark.parametrize("method", ROWS.values(), ids=ROWS)
SLOW = 0.02  # a reg at which every method converges


def plane(n=40, m=33, seed=0, dtype="float64"):
    """Squared distances in the plane, random masses."""
    rng = np.random.default_rng(seed)
    X, Y = rng.standard_normal((n, 2)), rng.standard_normal((m, 2)) + 1
    C = ((X[:, None] - Y[None]) ** 2).sum(-1)
    a, b = rng.random(n) + 0.1, rng.random(m) + 0.1
    return (C / C.max()).astype(dtype), (a / a.sum()).astype(dtype), (b / b.sum()).astype(dtype)


def grid(side, p=2):
    """Distances on a grid, and two bumps."""
    at = np.stack(np.meshgrid(*2 * [np.linspace(0, 1, side)], indexing="ij"), -1).reshape(-1, 2)
    D = np.abs(at[:, None] - at[None])
    C = (D**p).sum(-1)
    bump = lambda x, y, w: np.exp(-((at - [x, y]) ** 2).sum(1) / (2 * w * w)) + 1e-3
    a, b = bump(0.3, 0.3, 0.12), bump(0.7, 0.6, 0.15)
    return C / C.max(), a / a.sum(), b / b.sum()


def plan_of(C, f, g, reg):
    """The plan of potentials, in plain NumPy."""
    with np.errstate(invalid="ignore"):
        return np.exp((f[:, None] + g[None] - C.astype(float)) / reg)


def violation(P, a, b):
    """L1 errors of rows and columns."""
    P = np.asarray(P, dtype=float)
    return np.abs(P.sum(1) - a).sum(), np.abs(P.sum(0) - b).sum()


def reference(C, a, b, reg, sweeps=20_000):
    """A long Sinkhorn iteration in the log domain."""
    f, g = np.zeros(len(a)), np.zeros(len(b))
    for _ in range(sweeps):
        f = reg * (np.log(a) - logsumexp((g[None] - C) / reg, axis=1))
        update = reg * (np.log(b) - logsumexp((f[:, None] - C) / reg, axis=0))
        if np.abs(update - g).max() < 1e-15:
            break
        g = update
    return plan_of(C, f, g, reg)


@each
def test_published_facts_equal_recomputed_ones(method):
    C, a, b = plane()
    result = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-10)
    f, g = result.potentials
    rows, cols = violation(plan_of(C, f, g, SLOW), a, b)
    assert result.ok and result.status == rv.Status.RESIDUAL
    assert rows + cols <= 1e-10 * (1 + 1e-6)
    assert abs(result.seen["residual"] - rows - cols) <= 1e-13
    assert abs(result.seen["row_error"] - rows) <= 1e-13 and abs(result.seen["column_error"] - cols) <= 1e-13
    assert np.allclose(result.x, plan_of(C, f, g, SLOW), rtol=1e-12, atol=0)
    assert result.work["plans"] >= 2 and result.cost.total > 0
    certificate = result.certificate()
    assert json.dumps(certificate) and certificate["measure"]["gap"] == result.seen["gap"]


@each
def test_two_points_have_a_closed_form(method):
    C, half = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.5, 0.5])
    for reg in (2.0, 0.5, 0.05):
        P = rv.solve(rv.Transport(C, half, half, reg), method, rtol=1e-13).x
        assert P[0, 0] == pytest.approx(0.5 / (1 + np.exp(-1 / reg)), rel=1e-12)
        assert P[0, 1] == pytest.approx(0.5 / (1 + np.exp(1 / reg)), rel=1e-10)


@each
def test_agrees_with_a_long_iteration_in_the_log_domain(method):
    C, a, b = plane()
    P = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-12).x
    assert np.abs(P - reference(C, a, b, SLOW)).sum() < 1e-10


@pytest.mark.parametrize("method", [rv.SinkhornNewton()])
def test_sorted_points_are_matched_in_order(method):
    x, y = np.linspace(0, 1, 25) ** 2, np.linspace(0.1, 1.3, 25)
    even = np.full(25, 1 / 25)
    result = rv.solve(rv.Transport((x[:, None] - y) ** 2, even, even, 1e-5), method, rtol=1e-9)
    assert result.ok and np.abs(result.x - np.diag(even)).sum() < 1e-3


@each
def test_the_gap_is_true_and_the_bounds_hold(method):
    C, a, b = plane(15, 12)
    for rtol in (1e-2, 1e-6, 1e-12):
        result = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=rtol)
        f, g = result.potentials
        P = plan_of(C, f, g, SLOW)
        x, y = np.minimum(1, a / P.sum(1)), np.minimum(1, b / P.sum(0))
        F = x[:, None] * P * y
        p, q = a - F.sum(1), b - F.sum(0)
        Q = F + np.outer(p, q) / p.sum() if p.sum() > 0 else F
        assert max(violation(Q, a, b)) < 1e-14
        primal = (C * Q).sum() + SLOW * (Q * (np.log(Q) - 1)).sum()
        dual = f @ a + g @ b - SLOW * P.sum()
        assert result.seen["gap"] >= primal - dual - 1e-14 and result.seen["gap"] >= 0
        loose = 2 * p.sum() * (1 + abs(np.log(p.sum() + 1e-300))) * SLOW + 1e-14
        error = np.abs(P.sum(1) - a).sum() + np.abs(P.sum(0) - b).sum()  # below 1e-7 rounding is bounded by it
        assert result.seen["gap"] <= primal - dual + loose + (4 * error * (C.max() + np.ptp(f) + np.ptp(g)))
        exact = linprog(
            C.ravel(),
            A_eq=np.vstack([np.kron(np.eye(15), np.ones(12)), np.kron(np.ones(15), np.eye(12))]),
            b_eq=np.concatenate([a, b]),
        ).fun
        assert result.seen["cost_lower"] - 1e-12 <= exact <= result.seen["cost_upper"] + 1e-12
        assert result.seen["cost_upper"] == pytest.approx((C * Q).sum(), abs=1e-12)


@each
def test_points_without_mass_are_left_out(method):
    C, a, b = plane()
    a[[0, 7, 39]], b[[3, 4]] = 0.0, 0.0
    a, b = a / a.sum(), b / b.sum()
    result = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-11)
    rows, cols = np.flatnonzero(a), np.flatnonzero(b)
    inner = rv.solve(rv.Transport(C[np.ix_(rows, cols)], a[rows], b[cols], SLOW), method, rtol=1e-11)
    assert result.ok and np.allclose(result.x[np.ix_(rows, cols)], inner.x, rtol=1e-9, atol=1e-14)
    assert not result.x[[0, 7, 39]].any() and not result.x[:, [3, 4]].any()
    f, g = result.potentials
    assert np.all(f[[0, 7, 39]] == -np.inf) and np.all(np.isfinite(f[rows])) and np.all(np.isfinite(g[cols]))
    assert sum(violation(plan_of(C, f, g, SLOW), a, b)) < 1.1e-11


@each
def test_restart_from_the_solution_stops_at_once(method):
    C, a, b = plane()
    first = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-9)
    again = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-9, x0=first.potentials)
    assert again.ok and again.steps == 0
    flat = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-9, x0=np.concatenate(first.potentials))
    assert flat.ok and flat.steps == 0


@each
def test_same_bits_and_inputs_unmodified(method):
    C, a, b = plane()
    before = [v.tobytes() for v in (C, a, b)]
    for v in (C, a, b):
        v.flags.writeable = False
    one, two = (rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-9, seed=3) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes() and one.work == two.work and one.steps == two.steps
    assert [v.tobytes() for v in (C, a, b)] == before
    assert np.array_equal(one.history, two.history)


@each
def test_method_is_frozen(method):
    name = dataclasses.fields(method)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(method, name, 1)
    assert dataclasses.replace(method) == method


@each
def test_float32_stays_float32(method):
    C, a, b = plane(dtype="float32")
    result = rv.solve(rv.Transport(C, a, b, SLOW), method)
    assert result.ok and result.x.dtype == np.float32 and result.potentials[0].dtype == np.float32
    assert sum(violation(plan_of(C, *(v.astype(float) for v in result.potentials), SLOW), a, b)) <= 1.1e-3
    hopeless = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-9, on_fail="ignore")
    assert hopeless.status == rv.Status.STAGNATED and "float64" in hopeless.reason


@each
def test_a_cost_in_blocks_is_the_stored_cost(method):
    C, a, b = plane()
    a[5] = 0.0
    a /= a.sum()
    calls = []

    def rows(start, stop):
        calls.append((start, stop))
        return C[start:stop]

    stored = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-10)
    blocks = rv.solve(rv.Transport(rows, a, b, SLOW), method, rtol=1e-10)
    assert blocks.ok and calls and np.abs(blocks.x - stored.x).sum() < 1e-9
    assert blocks.seen["cost_upper"] == pytest.approx(stored.seen["cost_upper"], rel=1e-8)


@each
def test_budget_is_kept_and_said(method):
    C, a, b = plane()
    result = rv.solve(rv.Transport(C, a, b, 1e-3), method, rtol=1e-12, max_steps=3, on_fail="ignore")
    assert result.status == rv.Status.BUDGET and result.steps == 3
    f, g = result.potentials
    assert result.seen["residual"] == pytest.approx(sum(violation(plan_of(C, f, g, 1e-3), a, b)), rel=1e-9)


@each
def test_scaling_of_mass_and_cost(method):
    C, a, b = plane()
    whole = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-10)
    more = rv.solve(rv.Transport(8 * C, 64 * a, 64 * b, 8 * SLOW), method, rtol=1e-10)
    assert more.ok and more.steps == whole.steps
    assert np.allclose(more.x, 64 * whole.x, rtol=1e-8, atol=1e-12)


@each
def test_x0_that_is_not_finite_is_named(method):
    C, a, b = plane()
    x0 = np.zeros(73)
    x0[3] = np.nan
    result = rv.solve(rv.Transport(C, a, b, SLOW), method, x0=x0, on_fail="ignore")
    assert result.status == rv.Status.NONFINITE and "x0 contains NaN" in result.reason
    with pytest.raises(ValueError, match=r"potentials \(f, g\) of shapes \(40,\) and \(33,\)"):
        rv.solve(rv.Transport(C, a, b, SLOW), method, x0=np.zeros(7))


@each
def test_unknown_potentials_are_filled_in(method):
    C, a, b = plane()
    first = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-9)
    f, g = (v.copy() for v in first.potentials)
    f[3], g[[2, 5]] = -np.inf, -np.inf
    again = rv.solve(rv.Transport(C, a, b, SLOW), method, rtol=1e-9, x0=(f, g))
    assert again.ok and again.steps < first.steps


def test_stride_does_not_change_the_iterates():
    C, a, b = plane()
    runs = [rv.solve(rv.Transport(C, a, b, SLOW), rv.Sinkhorn(stride=stride), rtol=1e-9) for stride in (1, 7, 64)]
    assert len({r.steps for r in runs}) == 1 and all(np.array_equal(r.x, runs[0].x) for r in runs)
    assert all(len(r.history) == r.steps + 1 for r in runs)


@each
def test_the_loop_alone_gives_the_same(method):
    C, a, b = plane()
    problem = rv.Transport(C, a, b, SLOW)
    result = drive(problem, method, Residual(1e-9) | Steps(20_000))
    assert result.ok and problem.measure(result.x).residual <= 1e-9


def test_every_method_is_enrolled():
    from resolvent.core.registry import REGISTRY

    here = {name for name, cls in REGISTRY["method"].items() if ".methods.transport." in cls.__module__}
    elsewhere = {"sparsetransport"}  # another problem: tests/methods/test_transport_sparse.py
    assert here - elsewhere == {type(method).__name__.lower() for method in ROWS.values()}


# ---- hard cases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("reg", [1e-2, 1e-3, 1 / 1200])
def test_newton_on_grids(p, reg):
    C, a, b = grid(14, p)
    result = rv.solve(rv.Transport(C, a, b, reg), "sinkhornnewton", rtol=1e-10)
    assert result.ok, result.reason
    assert sum(violation(plan_of(C, *result.potentials, reg), a, b)) <= 1e-10 * (1 + 1e-6)
    assert result.steps < 120


def test_newton_at_tiny_reg():
    C, a, b = plane(30, 30, seed=3)
    result = rv.solve(rv.Transport(C, a, b, 1e-5), "sinkhornnewton", rtol=1e-8)
    assert result.ok, result.reason
    assert result.seen["cost_upper"] - result.seen["cost_lower"] < 1e-4


def test_auto_solves_large_and_small_reg():
    C, a, b = plane()
    for reg in (0.1, 1e-2, 1e-3):
        assert rv.solve(rv.Transport(C, a, b, reg), rtol=1e-10).ok


# ---- bad input -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"reg": 0.0}, ValueError, r"reg=0.0 was given; a positive finite number"),
        ({"reg": np.nan}, ValueError, r"reg=nan was given"),
        ({"a": np.array([-0.5, 1.5])}, ValueError, r"a has the negative mass -0.5 at 0"),
        ({"b": np.array([0.5, np.nan])}, ValueError, r"b contains NaN or inf"),
        ({"a": np.array([0.5, 0.6])}, ValueError, r"a has the sum 1.1 and b has the sum 1.0"),
        ({"a": np.full(2, 1e150), "b": np.full(2, 1e150)}, ValueError, r"a has the sum 2e\+150; a mass between"),
        ({"a": np.zeros(2)}, ValueError, r"a has the sum 0; a positive mass"),
        ({"C": np.array([[0.0, -1.0], [1.0, 0.0]])}, ValueError, r"C has the negative cost -1; add a constant"),
        ({"C": np.array([[0.0, np.nan], [1.0, 0.0]])}, ValueError, r"C contains NaN or inf"),
        ({"C": np.array([[0.0, np.inf], [1.0, 0.0]])}, ValueError, r"C contains NaN or inf"),
        ({"C": np.zeros((2, 3))}, ValueError, r"C has shape \(2, 3\), a has 2 entries and b has 2"),
        ({"C": np.zeros(4)}, ValueError, r"C has shape \(4,\); 2 dimensions"),
        ({"C": np.array([[0, 1], [1, 0]])}, TypeError, r"C has dtype int64; float32 or float64"),
        ({"C": [[0.0, 1.0], [1.0, 0.0]]}, TypeError, r"C is a list; an array is expected"),
        ({"C": np.ma.masked_array(np.ones((2, 2)), np.eye(2))}, TypeError, r"C is a masked array"),
        ({"a": np.ma.masked_array(np.ones(2), [True, False])}, TypeError, r"a is a masked array"),
        ({"a": np.full(2, 1e308), "b": np.full(2, 1e308)}, ValueError, r"a has the sum inf"),
        ({"a": np.array([1, 0])}, TypeError, r"a has dtype int64"),
        ({"a": np.ones((2, 2))}, ValueError, r"a has shape \(2, 2\); 1 dimension"),
        ({"regularizer": "magic"}, ValueError, r"regularizer='magic' was given"),
    ],
)
def test_bad_input_gets_one_sentence(change, kind, sentence):
    half = np.array([0.5, 0.5])
    given = {"C": np.array([[0.0, 1.0], [1.0, 0.0]]), "a": half, "b": half, "reg": 0.1} | change
    with pytest.raises(kind, match=sentence) as caught:
        rv.Transport(**given)
    assert "\n" not in str(caught.value)


def test_blocks_that_fail_end_in_one_sentence():
    half = np.array([0.5, 0.5])

    def broken(start, stop):
        raise OSError("disk gone")

    result = rv.solve(rv.Transport(broken, half, half, 0.1), "sinkhorn", on_fail="ignore")
    assert result.status == rv.Status.ERROR and "disk gone" in result.reason


@each
def test_bad_parameters_are_refused(method):
    name = dataclasses.fields(method)[-1].name
    with pytest.raises(ValueError, match="was given"):
        dataclasses.replace(method, **{name: -1.0})


def test_blocks_of_another_shape_end_in_one_sentence():
    half = np.array([0.5, 0.5])
    result = rv.solve(rv.Transport(lambda i, j: np.zeros((2, 3)), half, half, 0.1), "sinkhorn", on_fail="ignore")
    assert result.status == rv.Status.ERROR and "C(0, 2) has shape (2, 3)" in result.reason


def test_a_large_plan_comes_as_csr(monkeypatch):
    C, a, b = grid(9)
    dense = rv.solve(rv.Transport(C, a, b, 1e-3), "sinkhornnewton", rtol=1e-10)
    a2 = a.copy()
    a2[[0, 5]] = 0.0
    monkeypatch.setattr("resolvent.problems.transport._DENSE", 100)
    sparse = rv.solve(rv.Transport(C, a, b, 1e-3), "sinkhornnewton", rtol=1e-10)
    assert sparse.x.format == "csr" and sparse.x.shape == (81, 81) and sparse.x.nnz < 81 * 81
    assert np.abs(sparse.x.toarray() - dense.x).sum() < 1e-10 and 0 <= dense.seen["gap"] - sparse.seen["gap"] < 1e-11
    part = rv.solve(rv.Transport(C, a2 / a2.sum(), b, 1e-3), "sinkhornnewton", rtol=1e-10)
    assert part.ok and part.x.shape == (81, 81) and part.x[[0, 5]].nnz == 0


@pytest.mark.parametrize("reg", [1e-2, 1e-5])
def test_masses_of_very_different_size(reg):
    C, a, b = plane()
    a[:5], b[:4] = [1e-30, 1e-60, 1e-100, 1e-12, 1e-20], [1e-15, 1e-40, 1e-80, 1e-25]
    a, b = a / a.sum(), b / b.sum()
    result = rv.solve(rv.Transport(C, a, b, reg), "sinkhornnewton", rtol=1e-9, on_fail="ignore")
    f, g = result.potentials
    error = sum(violation(plan_of(C, f, g, reg), a, b))
    assert result.ok == (error <= 1e-9 * (1 + 1e-3)) and result.ok, result.reason
