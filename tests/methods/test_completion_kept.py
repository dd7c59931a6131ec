"""Rows' factors kept between rounds and problems; the scale, which no guess moves; the gap's norm."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import gallery
from resolvent.gallery.entries import planted
from resolvent.methods.lowrank.kept import SLOTS
from resolvent.problems.entries import by_columns, sparse
from resolvent.problems.norms import _top, norm_of_parts, rough_norm, spectral_norm, steps_within


def stream(learners, count=8, size=300, noise=0.01):
    session = rv.Session(rv.AlternatingMinimization(), learners, rtol=1e-6)
    return list(session.solve_all(gallery.sequence("arriving-entries", count=count, size=size, noise=noise)))[1:]


def test_a_stream_with_rows_carried_makes_few_gram_matrices_and_costs_less():
    warm, kept = stream([rv.Warm(always=True)]), stream([rv.Warm(always=True), rv.Carried(SLOTS)])
    assert all(r.ok for r in warm + kept)
    total = lambda results, name: sum(r.work.get(name, 0) for r in results)
    assert total(kept, "grams") < 0.5 * total(warm, "grams")
    assert sum(r.cost.total for r in kept) < 0.9 * sum(r.cost.total for r in warm)
    assert [r.threshold for r in warm] == [r.threshold for r in kept]


def test_kept_rows_reach_what_exact_rows_reach_for_fewer_gram_matrices():
    i, j, values, U, V = planted(150, 120, 6, 0.3)
    one, two = (
        rv.solve(rv.Completion(i, j, values, (150, 120), 6), rv.AlternatingMinimization(rows), rtol=1e-10)
        for rows in ("auto", "exact")
    )
    assert one.ok and two.ok and one.steps <= two.steps + 3
    assert 2 * one.work["grams"] < two.work["grams"] and one.cost.running < two.cost.running
    assert np.linalg.norm(one.x[0] @ one.x[1].T - U @ V.T) <= 1e-7 * np.linalg.norm(U @ V.T)


@pytest.mark.parametrize("what", ["random", "small", "far", "complex", "counts", "other shape", "nothing"])
def test_factors_that_do_not_belong_cost_rounds_and_no_answer(what):
    i, j, values, _, _ = planted(60, 50, 3, 0.5, noise=0.01)
    problem = rv.Completion(i, j, values, (60, 50), 3, ridge=1e-3)
    first = rv.solve(problem, rv.AlternatingMinimization(), rtol=1e-6)
    rng = np.random.default_rng(0)
    carry = {name: first.carry[name] for name in SLOTS}
    if what == "random":
        carry |= {name: rng.standard_normal(carry[name].shape) for name in SLOTS[:2]}
    elif what == "small":
        carry |= {name: 1e-3 * carry[name] for name in SLOTS[:2]}
    elif what == "far":
        carry |= {SLOTS[2]: np.full_like(carry[SLOTS[2]], 1e300)}
    elif what == "complex":
        carry |= {name: carry[name] + 1j for name in SLOTS}
    elif what == "counts":
        carry |= {SLOTS[3]: -1e300 * carry[SLOTS[3]]}
    elif what == "other shape":
        carry |= {SLOTS[2]: np.ones(7)}
    else:
        carry = dict.fromkeys(SLOTS)
    from resolvent.core.loop import drive
    from resolvent.core.stopping import Standard

    again = rv.Completion(i, j, values, (60, 50), 3, ridge=1e-3)
    start = again.enter(tuple(p + 0.01 * rng.standard_normal(p.shape) for p in first.x))
    before = {name: None if v is None else v.copy() for name, v in carry.items()}
    result = drive(again, rv.AlternatingMinimization(), Standard(1e-6, 0.0, 200), x0=start, carry=carry)
    assert result.status > 0 and result.steps < 60
    assert all(v is None or np.array_equal(v, before[k]) for k, v in carry.items())


def test_the_scale_is_the_data_s_alone_and_a_full_matrix_has_one():
    i, j, values, _, _ = planted(40, 30, 2, 0.5, noise=0.1)
    make = lambda t, at=slice(None): rv.Completion(i[at], j[at], t * values[at], (40, 30), 2)
    one = make(1.0)
    assert make(4.0).scale == pytest.approx(8.0 * one.scale) and 0.1 < one.start_residual / one.scale < 10.0
    assert make(1e100).scale == pytest.approx(1e150 * one.scale) and make(1e-100).scale > 0.0
    assert make(1.0, np.random.default_rng(0).permutation(len(i))).scale == pytest.approx(one.scale, rel=1e-12)
    rng = np.random.default_rng(0)
    M = rng.standard_normal((20, 2)) @ rng.standard_normal((2, 15))
    rows, cols = np.divmod(np.arange(300), 15)
    for held_out in (0.0, 0.05):
        full = rv.solve(rv.Completion(rows, cols, M.ravel(), (20, 15), 2, held_out=held_out), rtol=1e-9)
        assert full.ok and np.allclose(full.x[0] @ full.x[1].T, M)


def test_without_a_step_the_start_is_given_with_its_own_residual():
    i, j, values, _, _ = planted(40, 30, 2, 0.3, noise=0.1)
    problem = rv.Completion(i, j, values, (40, 30), 2)
    result = rv.solve(problem, rtol=1e-9, max_steps=0, on_fail="ignore")
    again = rv.Completion(i, j, values, (40, 30), 2)
    assert not result.ok and result.seen["residual"] == pytest.approx(again.measure(again.enter(result.x)).residual)


def test_norms_of_a_sparse_matrix():
    rng = np.random.default_rng(3)
    rows, cols = np.nonzero(rng.random((60, 50)) < 0.3)
    assert np.array_equal(by_columns(rows, cols, 60, 50), np.lexsort((rows, cols)))
    ip = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=60))]).astype(np.uint64)
    noise = sparse(ip, cols.astype(np.uint32), rng.standard_normal(len(rows)), (60, 50))
    P, Q = (np.linalg.qr(rng.standard_normal((s, 3)))[0] for s in (60, 50))
    exact = np.linalg.norm(noise.toarray(), 2)
    assert rough_norm(noise, 1)[0] <= rough_norm(noise, 5)[0] <= exact <= spectral_norm(noise)[0] <= 1.001 * exact
    assert norm_of_parts(noise, P, Q, noise @ Q, noise.T @ P)[0] is None
    R = noise.copy()
    R.data = 0.02 * noise.data + (P @ Q.T)[rows, cols]
    U, s, Wt = np.linalg.svd(R.toarray())
    U, V = U[:, :3], Wt[:3].T
    top, products = norm_of_parts(R, U, V, R @ V, R.T @ U)
    if top is None:
        assert 2.0 * s[3] > 0.8 * s[0]
    else:
        assert s[0] * (1 - 1e-12) <= top <= 1.3 * s[0] and products == 2 * (steps_within(50, 2.0) + 1)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_norms_of_entries_in_a_pattern_and_of_any_size(size):
    centred = size * sp.csr_array(np.outer(np.ones(30), np.arange(20) - 9.5))
    assert size != 1.0 or not (centred @ np.ones(20)).any()
    exact = size * np.sqrt(30 * np.sum((np.arange(20) - 9.5) ** 2))
    assert rough_norm(centred, 5)[0] == pytest.approx(exact, rel=1e-12)
    assert exact <= spectral_norm(centred)[0] <= 1.0001 * exact
    assert spectral_norm(0.0 * centred)[0] == rough_norm(0.0 * centred, 5)[0] == 0.0


def test_twice_what_so_few_steps_find_is_a_bound():
    """On the spectrum that hides its end best: one value above a cluster."""
    n = 300
    for seed in range(200):
        rng = np.random.default_rng(seed)
        values = np.full(n, rng.uniform(0.3, 0.95))
        values[0] = 1.0
        least, products = _top(lambda v, d=values: d * v, rng.standard_normal(n), ncv=steps_within(n, 2.0), tol=1.0)
        assert 0.5 <= least <= 1.0 + 1e-12 and products <= 2 * (steps_within(n, 2.0) + 1)


def test_a_product_of_zero_is_no_answer_for_centred_entries():
    i, j = np.divmod(np.arange(600), 20)
    problem = rv.Completion(i, j, j - 9.5, (30, 20), 1)
    assert problem.saddle(problem.enter((np.zeros((30, 1)), np.zeros((20, 1)))))


@pytest.mark.parametrize("ridge", [0.0, 1e-3])
def test_singular_values_that_spread_are_recovered_by_inexact_rows_without_many_steps(ridge):
    rng = np.random.default_rng(1)
    s, k = 160, 24
    U = np.linalg.qr(rng.standard_normal((s, k)))[0] * np.logspace(0, -2.5, k) * s
    M = U @ np.linalg.qr(rng.standard_normal((s, k)))[0].T
    i, j = np.nonzero(rng.random(M.shape) < 0.7)
    passes = {}
    for rows in ("auto", "exact"):
        result = rv.solve(
            rv.Completion(i, j, M[i, j], M.shape, k, ridge), rv.AlternatingMinimization(rows), rtol=1e-7, max_steps=60
        )
        assert result.ok and result.seen["held_out_error"] < 1e-3 * np.sqrt(np.mean(M**2))
        passes[rows] = result.work["entry_passes"] / result.steps
    assert passes["auto"] < 25.0


def test_factors_of_rows_that_outweigh_the_entries_are_not_kept():
    i, j, values, _, _ = planted(300, 300, 8, 0.06, seed=1)
    few, many = (
        rv.Completion(i[at], j[at], values[at], (300, 300), k, 1e-3)
        for at, k in ((slice(None, None, 3), 8), (slice(None), 2))
    )
    for problem, kept in ((few, False), (many, True)):
        result = rv.solve(problem, rv.AlternatingMinimization(), rtol=1e-3, max_steps=300, on_fail="ignore")
        assert (SLOTS[0] in result.carry) == kept
        assert result.steps > 1 and ((problem.m + problem.n) * problem.k**2 <= 8 * problem.entries) == kept
