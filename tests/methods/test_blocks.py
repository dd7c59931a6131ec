"""Block descent, forests, two-metric projection and separation: twins in NumPy, closed forms, and what is claimed."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import kernels
from resolvent.experiments import block_coordinate_descent as experiment
from resolvent.experiments import normalized_logistic
from resolvent.methods.coordinate.forest import forests, rooted

RULES = ("random", "cyclic", "gs", "gsl", "gsd", "gsq")
UPDATES = ("lipschitz", "matrix", "line search", "adaptive", "newton")


def quadratic(n=12, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((2 * n, n)) * rng.uniform(0.3, 2.0, n)
    return rv.Composite(rv.Quadratic(X.T @ X / (2 * n), rng.standard_normal(n)), rv.L1(0.0))


@pytest.mark.parametrize("blocks", ["fixed", "variable"])
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("rule", RULES)
def test_every_pair_solves_descends_and_repeats(rule, update, blocks):
    P = quadratic()
    method = rv.BlockDescent(rule, update, blocks, 4, seed=3)
    one, two = (rv.solve(P, method, rtol=1e-9, max_steps=50_000) for _ in range(2))
    assert one.ok and np.allclose(P.loss.H @ one.x, P.loss.b, atol=1e-7)
    assert one.x.tobytes() == two.x.tobytes() and one.steps == two.steps
    state, before = method.init(P, None, {}), np.inf
    for _ in range(8):
        now = P.objective(method.solution(P, state))
        assert now <= before + 1e-12
        before, state.room = now, 1
        method.step(P, state)
    assert rv.solve(P, method, rtol=1e-8, x0=one.x).steps == 0


def labels(n=120, p=10, seed=0, dtype=np.float64):
    rng = np.random.default_rng(seed)
    X = (rng.standard_normal((n, p)) * rng.uniform(0.3, 2.0, p)).astype(dtype)
    y = np.where(X @ rng.standard_normal(p) + 6.0 * rng.standard_normal(n) > 0, 1.0, -1.0).astype(dtype)
    return rv.Composite(rv.Logistic(X, y), rv.L1(0.0))


@pytest.mark.parametrize("blocks", ["fixed", "variable"])
@pytest.mark.parametrize("update", UPDATES)
@pytest.mark.parametrize("rule", RULES)
def test_every_pair_solves_a_logistic_problem_and_descends(rule, update, blocks):
    P = labels()
    method = rv.BlockDescent(rule, update, blocks, 4, seed=3)
    one, two = (rv.solve(P, method, rtol=1e-5, max_steps=50_000) for _ in range(2))
    m = P.loss.y * (P.loss.X @ one.x)
    g = P.loss.X.T @ (-P.loss.y / (1.0 + np.exp(m))) / len(m)
    assert one.ok and np.linalg.norm(g) <= 1.001 * one.threshold
    assert one.x.tobytes() == two.x.tobytes() and one.steps == two.steps
    state, before = method.init(P, None, {}), np.inf
    for _ in range(8):
        now = P.objective(method.solution(P, state))
        assert now <= before + 1e-12
        before, state.room = now, 1
        method.step(P, state)
    assert rv.solve(P, method, rtol=1e-4, x0=one.x).steps == 0


@pytest.mark.parametrize("update", ["matrix", "lipschitz", "newton"])
@pytest.mark.parametrize("rule", ["gs", "gsl", "gsd"])
def test_the_logistic_kernel_does_what_its_twin_does(rule, update):
    P = labels()
    X, y, n = P.loss.X, P.loss.y, len(P.loss.y)
    bound, w = X.T @ X / (4 * n), np.zeros(10)
    f = lambda w: np.mean(np.logaddexp(0.0, -y * (X @ w)))
    for _ in range(7):
        share = 1.0 / (1.0 + np.exp(y * (X @ w)))
        g = X.T @ (-y * share) / n
        score = {"gs": abs(g), "gsl": abs(g) / np.sqrt(np.diag(bound)), "gsd": g**2 / abs(bound).sum(axis=1)}[rule]
        b = np.argsort(-score)[:3]
        B = bound[np.ix_(b, b)] if update == "matrix" else X[:, b].T @ ((share * (1 - share))[:, None] * X[:, b]) / n
        d = -g[b] / abs(bound[np.ix_(b, b)]).sum(axis=1).max() if update == "lipschitz" else np.linalg.solve(B, -g[b])
        before = f(w)
        w[b] += d
        assert f(w) < before  # so that the kernel's search takes the whole step
    ours = rv.solve(P, rv.BlockDescent(rule, update, "variable", 3), rtol=1e-15, max_steps=7, on_fail="ignore").x
    assert np.allclose(ours, w, rtol=1e-6, atol=1e-8)


def test_logistic_blocks_in_sparse_and_single_precision():
    P, Q = labels(), labels(dtype=np.float32)
    S = rv.Composite(rv.Logistic(sp.csc_array(P.loss.X), P.loss.y), rv.L1(0.0))
    x = rv.solve(P, rv.BlockDescent(update="newton"), rtol=1e-9).x
    assert np.allclose(rv.solve(S, rv.BlockDescent(update="newton"), rtol=1e-9).x, x, atol=1e-8)
    single = rv.solve(Q, rv.BlockDescent(update="newton"), rtol=1e-4)
    assert single.ok and single.x.dtype == np.float32 and np.allclose(single.x, x, atol=1e-2)
    with pytest.raises(ValueError, match="column of ones"):
        rv.solve(rv.Composite(rv.Logistic(P.loss.X, P.loss.y, intercept=True), rv.L1(0.0)), rv.BlockDescent())


def twin(H, c, steps, rule, tau, L):
    """Variable blocks with the matrix update, as a person would write it."""
    w = np.zeros(len(c))
    for _ in range(steps):
        g = H @ w - c
        D = np.abs(H).sum(axis=1)
        score = {"gs": np.abs(g), "gsl": np.abs(g) / np.sqrt(np.diag(H)), "gsd": g**2 / D}[rule]
        b = np.argsort(-score)[:tau]
        d = -g[b] / L(b) if L else np.linalg.solve(H[np.ix_(b, b)], -g[b])
        w[b] += d
    return w


@pytest.mark.parametrize("rule", ["gs", "gsl", "gsd"])
@pytest.mark.parametrize("update", ["matrix", "lipschitz"])
def test_the_kernel_does_what_its_twin_does(rule, update):
    P = quadratic()
    H, c = P.loss.H, P.loss.b
    L = None if update == "matrix" else lambda b: np.abs(H[np.ix_(b, b)]).sum(axis=1).max()
    ours = rv.solve(P, rv.BlockDescent(rule, update, "variable", 3), rtol=1e-15, max_steps=9, on_fail="ignore").x
    assert np.allclose(ours, twin(H, c, 9, rule, 3, L), atol=1e-8)


def test_the_stride_does_not_change_the_iterates():
    P = quadratic()
    for rule in ("random", "cyclic", "gsd"):
        xs = []
        for stride in (1, 5, 64):
            method = rv.BlockDescent(rule, size=3, stride=stride)
            xs.append(rv.solve(P, method, rtol=1e-15, max_steps=20, on_fail="ignore").x.tobytes())
        assert len(set(xs)) == 1


def test_greedy_rules_that_know_curvature_win():
    P = experiment.headline(0)
    left = {r: experiment.left_over(P, rv.BlockDescent(r, "matrix", "fixed", 5), 1500) for r in RULES}
    assert max(left["gsl"], left["gsd"]) < left["gs"] < left["random"]
    assert min(left["gsd"], left["gsq"]) * 30 <= left["random"]


@pytest.mark.parametrize("n", [2, 50, 3000])
def test_a_tridiagonal_system_is_one_forest_and_one_step(n):
    off = np.linspace(-1.0, -0.5, n - 1)
    H = sp.diags_array([off, np.linspace(2.1, 3.0, n), off], offsets=[-1, 0, 1]).tocsc()
    c = np.cos(np.arange(n))
    result = rv.solve(rv.Composite(rv.Quadratic(H, c), rv.L1(0.0)), rv.ForestDescent(), rtol=1e-12)
    assert result.ok and result.steps == 1
    assert np.allclose(result.x, sp.linalg.spsolve(H.tocsc(), c), rtol=1e-9, atol=1e-9)


def test_forests_part_a_lattice_without_cycles_and_their_solves_are_exact():
    P = experiment.lattice(12)
    H = sp.csr_array(P.loss.H)
    parts = forests(H)
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(144)) and len(parts) <= 4
    w = np.random.default_rng(0).standard_normal(144)
    for nodes in parts:
        block = H[nodes][:, nodes]
        count, _ = sp.csgraph.connected_components(block, directed=False)
        assert (block.nnz - len(nodes)) // 2 == len(nodes) - count  # edges of a forest
        order, up = rooted(H, nodes)
        parents = np.full(144, -2)
        parents[order] = up
        rest = np.setdiff1d(np.arange(144), nodes)
        expected = np.linalg.solve(block.toarray(), P.loss.b[nodes] - H[nodes][:, rest] @ w[rest])
        ip, ix = H.indptr.astype(np.int64), H.indices.astype(np.int64)
        scratch = np.empty(144), np.empty(144)
        kernels.blocks.sweep_tree(ip, ix, H.data, w, P.loss.b, order, parents, 0, len(order), *scratch)
        assert np.allclose(w[nodes], expected, atol=1e-10)
    result = rv.solve(P, rv.ForestDescent(), rtol=1e-8)
    assert result.ok and np.allclose(H @ result.x, P.loss.b, atol=1e-6)


def test_two_metric_identifies_and_ends_fast():
    P = experiment.sparse_nonnegative(120)
    ours = rv.solve(P, rv.TwoMetric(), rtol=1e-10)
    other = rv.solve(P, rv.CoordinateDescent(), rtol=1e-12, on_fail="ignore")
    assert ours.ok and np.allclose(ours.x, other.x, atol=1e-6)
    assert np.array_equal(ours.x > 0, other.x > 1e-9)
    assert ours.steps * 10 <= experiment.projected_gradient(P, 1e-10, 50_000)
    boxed = rv.Composite(P.loss, rv.Box(0.0, 0.2))
    result = rv.solve(boxed, rv.TwoMetric(), rtol=1e-9)
    assert result.status == rv.Status.GAP and np.all(result.x <= 0.2)


@pytest.mark.parametrize(("n", "count"), [(100, 5), (1000, 5), (10_000, 5)])
def test_the_adversarial_set_is_separated_in_five_steps(n, count):
    problem = normalized_logistic.adversarial(n)
    result = rv.solve(problem)
    assert result.steps == count and result.status == rv.Status.EXACT
    assert np.all(problem.y * (problem.X @ result.x) > 0)


def test_plain_descent_with_a_huge_step_needs_steps_in_proportion():
    method = rv.NormalizedLogistic(1e6, normalized=False)
    assert [normalized_logistic.steps(normalized_logistic.adversarial(n), method, 1000) for n in (100, 1000)] == [
        74,
        736,
    ]


def test_data_that_no_plane_separates_are_said_not_to_be():
    X = np.array([[1.0, 0.0], [2.0, 0.0], [1.5, 0.0]])
    result = rv.solve(rv.Separation(X, np.array([1.0, 1.0, -1.0])), max_steps=200, on_fail="ignore")
    assert result.status == rv.Status.BUDGET and "not separated: " in result.reason and not result.ok


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: rv.BlockDescent("best"), "random, cyclic"),
        (lambda: rv.BlockDescent(update="secant"), "lipschitz"),
        (lambda: rv.BlockDescent(blocks="some"), "variable"),
        (lambda: rv.BlockDescent(size=0), "at least 1"),
        (lambda: rv.TwoMetric(-1.0), "not negative"),
        (lambda: rv.NormalizedLogistic(0.0), "positive"),
        (
            lambda: rv.solve(rv.Composite(rv.Quadratic(np.eye(2), np.ones(2)), rv.L1(0.1)), rv.BlockDescent()),
            "no penalty",
        ),
        (
            lambda: rv.solve(rv.Composite(rv.Quadratic(np.eye(2), np.ones(2)), rv.L1(0.1)), rv.TwoMetric()),
            "NonNegative or Box",
        ),
        (lambda: rv.solve(quadratic(), rv.ForestDescent()), "sparse"),
        (lambda: rv.Separation(np.ones((2, 1)), np.ones(2)), "one class"),
        (lambda: rv.solve(rv.Separation(np.ones((2, 1)), np.array([1.0, -1.0])), x0=np.ones(3)), "shape"),
    ],
)
def test_bad_input_gets_one_sentence(make, says):
    with pytest.raises(ValueError, match=says):
        make()


@pytest.mark.full
def test_the_experiments_run():
    lines = []
    found = experiment.run(quick=True, out=lines.append)
    assert found["tridiagonal"] == 1 and any("claim" in line for line in lines)
    found = normalized_logistic.run(quick=True, out=lines.append)
    assert found["adversarial: normalised, gamma = 1e2"] == [5, 5]
