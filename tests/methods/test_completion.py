"""Matrix completion: recovery, stationarity, the relaxation's gap, streams, and what is refused."""

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery
from resolvent.gallery.entries import planted
from resolvent.problems.completion import balanced


def gradient(problem, U, V):
    """A NumPy twin, dense."""
    ip, ix, a, w, c = problem.by_row
    rows = np.repeat(np.arange(problem.m), np.diff(ip.astype(int)))
    R = np.zeros((problem.m, problem.n))
    R[rows, ix.astype(int)] = (c * np.einsum("ek,ek->e", U[rows], V[ix.astype(int)]) - a) * w * c
    return R @ V + problem.ridge * U, R.T @ U + problem.ridge * V


@pytest.mark.parametrize("rows", ["auto", "exact"])
@pytest.mark.parametrize("k", [3, 20])
def test_a_noiseless_matrix_is_recovered(rows, k):
    i, j, values, U, V = planted(200, 150, k, 0.4 if k == 3 else 0.7)
    problem = rv.Completion(i, j, values, (200, 150), k)
    result = rv.solve(problem, rv.AlternatingMinimization(rows), rtol=1e-9, max_steps=100)
    assert result.ok, result.reason
    P, Q = result.x
    assert np.linalg.norm(P @ Q.T - U @ V.T) <= 1e-6 * np.linalg.norm(U @ V.T)
    assert result.seen["held_out_error"] < 1e-6
    assert k > 3 or result.steps < 20
    G, H = gradient(problem, *balanced(P, Q))
    assert np.hypot(np.linalg.norm(G), np.linalg.norm(H)) == pytest.approx(result.seen["residual"], rel=1e-3, abs=1e-9)


def test_inexact_rows_pass_over_the_entries_less_often_than_exact_ones_at_large_rank():
    i, j, values, _, _ = planted(150, 150, 60, 0.9)
    one, two = (
        rv.solve(
            rv.Completion(i, j, values, (150, 150), 60), rv.AlternatingMinimization(rows), rtol=1e-6, max_steps=200
        )
        for rows in ("auto", "exact")
    )
    assert one.ok and two.ok and 2 * one.cost.running < two.cost.running


def test_the_relaxations_gap_is_a_certificate():
    i, j, values, _, _ = planted(40, 30, 2, 0.5, noise=0.1, seed=3)
    problem = rv.Completion(i, j, values, (40, 30), rank=10, ridge=2.0, held_out=0.0)
    result = rv.solve(problem, rtol=1e-10, max_steps=3000)
    assert result.ok and result.seen["gap"] + 1e-8 >= 0.0
    assert result.seen["gap"] <= 1e-4 * 0.5 * float(values @ values)  # rank 10 holds the relaxation's solution
    rng = np.random.default_rng(0)
    x = rng.standard_normal(70 * 10)
    assert problem.relaxation_gap(x) > 1.0


def test_weights_and_ridge_enter_the_gradient():
    i, j, values, _, _ = planted(30, 25, 2, 0.5, noise=0.1)
    w = np.random.default_rng(1).uniform(0.5, 2.0, len(i))
    problem = rv.Completion(i, j, values, (30, 25), 2, ridge=0.1, entry_weights=w, held_out=0.0)
    result = rv.solve(problem, rtol=1e-10, max_steps=2000)
    G, H = gradient(problem, *result.x)
    assert result.ok and np.hypot(np.linalg.norm(G), np.linalg.norm(H)) <= 1.01 * result.threshold


@pytest.mark.parametrize("k", [2, 20])
def test_multipliers_are_a_hadamard_product(k):
    i, j, values, U, V = planted(90, 80, k, 0.6 if k == 2 else 0.95)
    rng = np.random.default_rng(2)
    c = rng.uniform(0.5, 2.0, len(i)) * rng.choice([-1.0, 1.0], len(i))
    problem = rv.Completion(i, j, c * values, (90, 80), k, multipliers=c)
    result = rv.solve(problem, rtol=1e-9, max_steps=300)
    P, Q = result.x
    assert result.ok and np.linalg.norm(P @ Q.T - U @ V.T) <= 1e-5 * np.linalg.norm(U @ V.T)
    assert result.seen["held_out_error"] < 1e-5
    noisy = rv.Completion(i, j, c * (values + 0.1 * rng.standard_normal(len(i))), (90, 80), k, 0.1, c**2, multipliers=c)
    found = rv.solve(noisy, rtol=1e-8, max_steps=2000)
    G, H = gradient(noisy, *found.x)
    assert found.ok and np.hypot(np.linalg.norm(G), np.linalg.norm(H)) <= 1.01 * found.threshold + 1e-9


def test_entries_that_are_held_out_stay_so_as_others_arrive():
    one, two = (p for p in gallery.sequence("arriving-entries", count=2, size=60))
    was, later = (set(zip(p.test[0].tolist(), p.test[1].tolist(), strict=True)) for p in (one, two))
    assert len(was) > 30 and len(was - later) <= 0.02 * len(was)
    share = len(was) / (len(was) + one.entries)
    assert 0.02 < share < 0.08
    other = rv.Completion(one.rows, one.cols, one.values, one.shape, 5, seed=1)
    assert len(was & set(zip(other.test[0].tolist(), other.test[1].tolist(), strict=True))) < 0.3 * len(was)


@pytest.mark.full
def test_the_gap_is_an_upper_bound_where_it_is_not_small():
    i, j, values, _, _ = planted(60, 40, 3, 0.5, noise=0.3)
    problem = rv.Completion(i, j, values, (60, 40), 3, ridge=1e-3, held_out=0.0)
    result = rv.solve(problem, rtol=1e-6, max_steps=500)
    exact = rv.solve(rv.Completion(i, j, values, (60, 40), 40, ridge=1e-3, held_out=0.0), rtol=1e-7, max_steps=20_000)
    value = lambda r: 0.5 * r.seen["observed_error"] ** 2 * len(i) + 5e-4 * sum(np.sum(f**2) for f in r.x)
    assert result.ok and result.seen["gap"] >= value(result) - value(exact) - 1e-9


def test_a_stream_costs_less_when_the_factors_are_carried():
    costs = {}
    for name, learners in (("carried", [rv.Warm(always=True)]), ("cold", [])):
        session = rv.Session(rv.AlternatingMinimization(), learners, rtol=1e-6)
        results = list(session.solve_all(gallery.sequence("arriving-entries", count=5, size=80)))
        assert all(r.ok for r in results)
        costs[name] = sum(r.cost.total for r in results[1:])
    assert 1.5 * costs["carried"] < costs["cold"]


def test_factors_of_an_unrelated_matrix_are_left_when_they_lead_astray():
    session = rv.Session(rtol=1e-6)
    results = []
    for seed in range(8):
        i, j, values, _, _ = planted(50, 40, 3, 0.5, seed=seed)
        results.append(session.solve(rv.Completion(i, j, values, (50, 40), 3)))
    assert all(r.ok for r in results)
    alone = [rv.solve(rv.Completion(*planted(50, 40, 3, 0.5, seed=s)[:3], (50, 40), 3), rtol=1e-6) for s in range(8)]
    assert sum(r.cost.running for r in results) <= 2.6 * sum(r.cost.running for r in alone)


def test_a_few_new_entries_touch_a_few_rows():
    i, j, values, _, _ = planted(120, 100, 3, 0.4, noise=0.0)
    first = rv.solve(rv.Completion(i, j, values, (120, 100), 3, held_out=0.0), rtol=1e-8)
    changed = values.copy()
    changed[i == 7] += 1e-2 * np.cos(np.arange(np.sum(i == 7)))
    problem = rv.Completion(i, j, changed, (120, 100), 3, held_out=0.0)
    again = rv.solve(problem, x0=first.x, rtol=1e-5)
    assert again.ok and again.work["rows"] < 0.7 * again.steps * 220


def test_auto_restart_bits_and_inputs():
    i, j, values, _, _ = planted(60, 50, 3, 0.5)
    before = [a.tobytes() for a in (i, j, values)]
    make = lambda: rv.Completion(i, j, values, (60, 50), 3)
    one, two = (rv.solve(make(), rtol=1e-8) for _ in range(2))
    assert one.ok and one.x[0].tobytes() == two.x[0].tobytes() and one.threshold == two.threshold
    assert before == [a.tobytes() for a in (i, j, values)]
    again = rv.solve(make(), x0=one.x, rtol=1e-8)
    assert again.ok and again.steps == 0 and again.threshold == one.threshold
    assert one.certificate()["kind"].startswith("gradient of the squared error")


def test_rows_that_the_data_leave_open_are_named():
    i, j, values, _, _ = planted(40, 30, 3, 0.5)
    keep = i != 5
    result = rv.solve(rv.Completion(i[keep], j[keep], values[keep], (40, 30), 3), rtol=1e-6)
    assert result.ok and result.certificate()["undetermined_rows"] == [5]
    assert np.abs(result.x[0][5]).max() < 1e-12


def test_a_saved_session_goes_on_bit_for_bit(tmp_path):
    problems, again = (list(gallery.sequence("arriving-entries", count=4, size=60)) for _ in range(2))
    session = rv.Session(rtol=1e-6)
    for problem in problems[:3]:
        session.solve(problem)
    session.save(tmp_path / "s.rv")
    one, two = session.solve(problems[3]), rv.Session.load(tmp_path / "s.rv").solve(again[3])
    assert one.x[0].tobytes() == two.x[0].tobytes() and one.work == two.work


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"rows": np.array([0, 9])}, ValueError, "contains 9"),
        ({"rows": np.array([0, -1])}, ValueError, "contains -1"),
        ({"rows": np.array([0.0, 1.0])}, TypeError, "whole numbers"),
        ({"rows": np.array([1, 1]), "cols": np.array([2, 2])}, ValueError, "more than once"),
        ({"values": np.array([1.0, np.nan])}, ValueError, "NaN"),
        ({"values": np.array([1, 2])}, TypeError, "real floats"),
        ({"values": np.ones(3)}, ValueError, "lengths"),
        ({"rank": 6}, ValueError, "at most"),
        ({"rank": 0}, ValueError, "rank"),
        ({"shape": (5,)}, ValueError, "shape"),
        ({"ridge": -1.0}, ValueError, "ridge"),
        ({"entry_weights": np.array([1.0, 0.0])}, ValueError, "positive"),
        ({"entry_weights": np.ones(3)}, ValueError, "entry_weights has length 3"),
        ({"multipliers": np.array([1.0, 0.0])}, ValueError, "multipliers has zeros"),
        ({"multipliers": np.ones(1)}, ValueError, "multipliers has length 1"),
        ({"held_out": 1.0}, ValueError, "held_out"),
        ({"held_out": None}, ValueError, "held_out=None"),
        ({"ridge": "small"}, ValueError, "ridge='small'"),
        ({"ridge": True}, ValueError, "ridge=True"),
        ({"shape": (5.5, 6)}, ValueError, "shape"),
        ({"shape": "56"}, ValueError, "shape"),
        ({"shape": (2**40, 2**40)}, ValueError, "fewer than"),
        ({"values": np.ma.masked_array(np.ones(2), [True, False])}, TypeError, "values is a masked array"),
        ({"rows": np.ma.masked_array([0, 1], [True, False])}, TypeError, "rows is a masked array"),
        ({"values": np.ones(2, np.longdouble)}, TypeError, "real floats"),
        ({"values": np.array([1.0, 1e200])}, ValueError, "values has 1e.200"),
        ({"values": np.array([0.0, 1e-200])}, ValueError, "values has 1e-200"),
        ({"entry_weights": np.full(2, 1e-300)}, ValueError, "entry_weights has 1e-300"),
        ({"seed": -1}, ValueError, "seed=-1"),
        ({"seed": 1.5}, ValueError, "seed=1.5"),
        ({"rows": np.zeros(0, int), "cols": np.zeros(0, int), "values": np.zeros(0)}, ValueError, "no entry"),
    ],
)
def test_bad_input_is_one_sentence(change, error, words):
    good = {"rows": np.array([0, 1]), "cols": np.array([1, 2]), "values": np.ones(2), "shape": (5, 6), "rank": 1}
    with pytest.raises(error, match=words):
        rv.Completion(**(good | change))
    with pytest.raises(ValueError, match="shape"):
        rv.solve(rv.Completion(**good), x0=np.zeros(3))
    for x0, kind in ((np.ones(11, complex), "complex128"), ("abc", "<U3"), (np.ma.masked_array(np.ones(11)), "masked")):
        with pytest.raises(TypeError, match=kind):
            rv.solve(rv.Completion(**good), x0=x0)
    nan = (np.full((5, 1), np.nan), np.zeros((6, 1)))
    assert rv.solve(rv.Completion(**good), x0=nan, on_fail="ignore").status == rv.Status.NONFINITE
    wild = rv.solve(rv.Completion(**good), x0=np.full(11, 1e200), on_fail="ignore")
    assert wild.status == rv.Status.NONFINITE


def test_factors_of_zero_are_a_saddle_and_no_answer_unless_the_ridge_makes_them_one():
    i, j, values, U, V = planted(30, 20, 2, 0.6)
    make = lambda v=values, ridge=0.0: rv.Completion(i, j, v, (30, 20), 2, ridge)
    zero = np.zeros(100)
    assert make().measure(zero).residual == make().scale
    result = rv.solve(make(), x0=zero, rtol=1e-8)
    assert result.ok and np.allclose(result.x[0] @ result.x[1].T, U @ V.T)
    session = rv.Session(rv.AlternatingMinimization(), [rv.Warm(always=True)], rtol=1e-8)
    results = list(session.solve_all([make(0.0 * values), make()]))
    assert all(r.ok for r in results) and np.allclose(results[1].x[0] @ results[1].x[1].T, U @ V.T)
    heavy = make(ridge=1e4)
    assert heavy.measure(zero).residual == 0.0 and rv.solve(heavy, rtol=1e-8).ok
