"""Transport with a quadratic term and few entries in a column: feasible plans, true gaps, and honest ends."""

import importlib.util

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

import resolvent as rv
from resolvent.problems.quadratic import columns


def random_problem(n=60, m=30, seed=0, **options):
    C = np.random.default_rng(seed).random((n, m))
    return rv.Transport(C, np.full(n, 1 / n), np.full(m, 1 / m), regularizer="l2", **options)


def violation(P, p):
    P = P.toarray() if hasattr(P, "toarray") else P
    return np.abs(P.sum(1) - p.a).sum() + np.abs(P.sum(0) - p.b).sum()


def test_columns_are_the_best_of_all_patterns():
    """Against every choice of k entries, each solved as a small convex problem."""
    from itertools import combinations

    rng = np.random.default_rng(2)
    C, f, b, reg = rng.random((5, 1)), rng.random(5), np.array([0.7]), 0.3
    s = f - C[:, 0]
    for k in (1, 2, 3, 5):
        found = columns(C, f, np.zeros(5), b, reg, k)
        best = -np.inf
        for rows in combinations(range(5), k):
            rows = list(rows)
            inner = minimize(
                lambda t, rows=rows: -(s[rows] @ t - reg / 2 * t @ t),
                np.full(k, b[0] / k),
                bounds=[(0, None)] * k,
                constraints={"type": "eq", "fun": lambda t: t.sum() - b[0]},
                options={"ftol": 1e-14},
            )
            best = max(best, -inner.fun)
        assert -found.value == pytest.approx(best, abs=1e-7)
        assert found.values.sum() == pytest.approx(b[0], abs=1e-14) and np.all(found.values >= 0)


@pytest.mark.parametrize("reg", [1.0, 0.1, 0.01])
@pytest.mark.parametrize("k", [2, 3, 4, 6])
def test_plans_are_feasible_where_they_have_few_entries(reg, k):
    p = random_problem(reg=reg, max_nonzeros=k)
    result = rv.solve(p, "sparsetransport", rtol=1e-9)
    T = result.x.toarray()
    assert result.ok and violation(T, p) < 1e-8 and T.min() >= 0
    assert int((T > 0).sum(axis=0).max()) <= k
    value = (p.C * T).sum() + reg / 2 * (T**2).sum()
    assert result.seen["value"] == pytest.approx(value, rel=1e-10)
    free = rv.solve(random_problem(reg=reg), "sparsetransport", rtol=1e-9)
    assert free.seen["value"] <= value + 1e-9 and result.seen["dual"] <= value + 1e-9
    assert result.seen["dual"] >= free.seen["dual"] - 1e-3 * abs(value)


@pytest.mark.parametrize("reg", [10.0, 1.0, 0.1])
def test_quadratic_transport_meets_the_optimality_conditions(reg):
    p = random_problem(25, 18, reg=reg)
    result = rv.solve(p, rtol=1e-10)
    f, g = result.potentials
    expected = np.maximum(f[:, None] + g - p.C, 0.0) / reg
    assert result.ok and np.abs(result.x - expected).sum() < 1e-9 and violation(result.x, p) < 1e-10 * (1 + 1e-6)
    assert abs(result.seen["gap"]) < 1e-9


@pytest.mark.full
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.skipif(importlib.util.find_spec("ot") is None, reason="needs POT: pip install POT")
def test_quadratic_transport_agrees_with_pot():
    import ot

    p = random_problem(25, 18, reg=0.5)
    result = rv.solve(p, "sparsetransport", rtol=1e-10)
    theirs = ot.smooth.smooth_ot_semi_dual(p.a, p.b, p.C, 0.5, reg_type="l2", stopThr=1e-13, numItermax=5000)
    assert result.seen["value"] == pytest.approx((p.C * theirs).sum() + 0.25 * (theirs**2).sum(), rel=1e-5)


def test_small_reg_comes_to_the_linear_program():
    p = random_problem(12, 8, reg=1e-4)
    result = rv.solve(p, "sparsetransport", rtol=1e-9)
    E = np.vstack([np.kron(np.eye(12), np.ones(8)), np.kron(np.ones(12), np.eye(8))])
    exact = linprog(p.C.ravel(), A_eq=E, b_eq=np.concatenate([p.a, p.b])).fun
    assert result.ok and result.seen["cost"] == pytest.approx(exact, abs=1e-4)


def test_warm_potentials_save_steps():
    first = random_problem(seed=1, reg=0.1, max_nonzeros=4)
    moved = rv.Transport(
        first.C + 1e-4 * np.random.default_rng(3).random(first.C.shape), first.a, first.b, 0.1, "l2", 4
    )
    session = rv.Session("sparsetransport", learners=[rv.Potentials()], rtol=1e-9)
    cold, warm = session.solve(first), session.solve(moved)
    assert cold.ok and warm.ok and warm.steps < cold.steps and session.learners[0].used == 1


def test_what_cannot_be_is_said():
    n, m = 6, 3
    a = np.array([0.31, 0.05, 0.17, 0.11, 0.23, 0.13])  # no two of these make a third
    p = rv.Transport(np.random.default_rng(0).random((n, m)), a, np.full(m, 1 / 3), 0.1, "l2", 2)
    result = rv.solve(p, "sparsetransport", rtol=1e-9, on_fail="ignore")
    assert not result.ok and result.status == rv.Status.STAGNATED
    assert "no plan with at most 2 entries a column was found" in result.reason


def test_points_without_mass():
    rng = np.random.default_rng(5)
    a, b = np.array([0.5, 0.0, 0.5]), np.array([0.25, 0.25, 0.0, 0.5])
    p = rv.Transport(rng.random((3, 4)), a, b, 0.1, regularizer="l2")
    result = rv.solve(p, "sparsetransport", rtol=1e-10)
    assert result.ok and violation(result.x, p) < 1e-9 and not result.x[1].any() and not result.x[:, 2].any()


@pytest.mark.parametrize(
    ("options", "kind", "sentence"),
    [
        ({"max_nonzeros": 1}, ValueError, "max_nonzeros=1 is too small: 30 columns of 1 entries cannot reach 60 rows"),
        ({"max_nonzeros": 0}, ValueError, "max_nonzeros=0 was given"),
        ({"max_nonzeros": 2.5}, ValueError, "max_nonzeros=2.5 was given"),
        ({"max_nonzeros": True}, ValueError, "max_nonzeros=True was given"),
    ],
)
def test_bad_limits(options, kind, sentence):
    with pytest.raises(kind, match=sentence):
        random_problem(reg=0.1, **options)


def test_a_limit_needs_the_quadratic_term():
    half = np.array([0.5, 0.5])
    with pytest.raises(ValueError, match='max_nonzeros needs regularizer="l2"'):
        rv.Transport(np.eye(2), half, half, 0.1, max_nonzeros=1)
    with pytest.raises(TypeError, match="needs a stored C"):
        rv.Transport(lambda i, j: np.eye(2)[i:j], half, half, 0.1, regularizer="l2")
    with pytest.raises(ValueError, match="cannot be used here"):
        rv.solve(random_problem(reg=0.1), "sinkhorn")
    with pytest.raises(ValueError, match="cannot be used here"):
        rv.solve(rv.Transport(np.eye(2), half, half, 0.1), "sparsetransport")
    with pytest.raises(ValueError, match="levels"):
        rv.SparseTransport(levels=-1)


def test_same_bits():
    one, two = (rv.solve(random_problem(reg=1.0, max_nonzeros=3), "sparsetransport", rtol=1e-9) for _ in range(2))
    assert one.x.toarray().tobytes() == two.x.toarray().tobytes()
