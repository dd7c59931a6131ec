"""Sketch-and-project: every sketch step is a projection, rates are those of the theory, and the accuracy rule adapts."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import aslinearoperator

import resolvent as rv
from resolvent.kernels import sketch
from resolvent.methods.stationary.sketch import Accuracy

KINDS = ["rows", "block", "gauss"]


def system(n=30, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n)) / np.sqrt(n) + 2.0 * np.eye(n)
    x = rng.standard_normal(n)
    if np.dtype(dtype).kind == "c":
        A, x = A + 0.5j * rng.standard_normal((n, n)) / np.sqrt(n), x + 1j * rng.standard_normal(n)
    return A.astype(dtype), x.astype(dtype), (A @ x).astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
def test_kernel_is_the_projection_by_hand(dtype):
    A, _, b = system(12, dtype)
    S = sp.csr_array(A)
    parts = (S.indptr.view(np.uint32), S.indices.view(np.uint32), S.data)
    norms = np.empty(12)
    sketch.row_norms(*parts, norms)
    assert np.allclose(norms, np.sum(np.abs(A) ** 2, axis=1), rtol=1e-5)
    found, wanted = np.zeros(12, dtype), np.zeros(12, dtype)
    order = np.array([3, 0, 11, 3, 7])
    sketch.rows(*parts, (1 / norms).astype(found.real.dtype), b, found, order)
    for i in order:
        wanted = wanted + (b[i] - A[i] @ wanted) / norms[i] * A[i].conj()
    near = 100 * np.finfo(dtype).eps
    assert np.allclose(found, wanted, rtol=near, atol=near)
    assert abs(b[7] - A[7] @ found) <= near * abs(b).max()  # the last row is met


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_error_never_grows_in_any_sketch_step(kind, dtype):
    A, x, b = system(dtype=dtype)
    problem = rv.LinearSystem(A, b)
    method = rv.SketchProject(kind, size=1 if kind == "block" else None)
    state = method.init(problem, None, {})
    error = np.linalg.norm(x)
    for _ in range(60 if kind == "gauss" else 4):
        if kind == "rows":
            for i in method._drawn(state, 30):
                sketch.rows(problem.ip, problem.ix, problem.data, state.inverse, b, state.x, np.array([i]))
                now = np.linalg.norm(x - state.x)
                assert now <= error * (1 + 1e-14)
                error = now
        else:
            getattr(method, "_" + kind)(problem, state)
            now = np.linalg.norm(x - state.x)
            assert now <= error * (1 + 1e-14)
            error = now
    assert error < np.linalg.norm(x)


def test_rows_contract_as_expected():
    """E || x - x* ||^2 falls by 1 - sigma_min^2 / ||A||_F^2 a row, or faster."""
    A, x, b = system(20, seed=3)
    singular = np.linalg.svd(A, compute_uv=False)
    rate = 1 - singular[-1] ** 2 / np.sum(singular**2)
    errors = []
    for seed in range(200):
        problem = rv.LinearSystem(A, b)
        method = rv.SketchProject(seed=seed)
        state = method.init(problem, None, {})
        for _ in range(3):
            method._rows(problem, state)
        errors.append(np.linalg.norm(x - state.x) ** 2)
    assert np.mean(errors) <= rate**60 * np.linalg.norm(x) ** 2 * 1.2


def test_the_table_of_draws_holds_the_weights_exactly():
    weights = np.array([4.0, 0.0, 1.0, 2.5, 0.5, 9.0])
    cut, other = np.empty(6), np.empty(6, dtype=np.int64)
    sketch.alias(weights, cut, other)
    held = cut.copy()
    np.add.at(held, other, np.where(other == np.arange(6), 0.0, 1.0 - cut))
    assert np.allclose(held / 6, weights / weights.sum(), atol=1e-15)
    order = np.empty(3, dtype=np.int64)
    sketch.draw(cut, other, np.array([0.0, 0.5, 1.0 - 1e-16]), order)
    assert np.all(weights[order] > 0)


def test_orthogonal_rows_are_solved_once_all_were_seen():
    Q = np.linalg.qr(np.random.default_rng(0).standard_normal((25, 25)))[0]
    x = np.arange(25.0)
    problem = rv.LinearSystem(Q, Q @ x)
    method = rv.SketchProject()
    state = method.init(problem, None, {})
    order = np.random.default_rng(1).permutation(25)
    sketch.rows(problem.ip, problem.ix, problem.data, state.inverse, problem.rhs, state.x, order)
    assert np.allclose(state.x, x, atol=1e-12)


def test_rows_are_drawn_by_their_norms():
    A = sp.diags_array([1.0, 3.0, 0.0, 2.0]).tocsr()
    problem = rv.LinearSystem(A, np.ones(4))
    method = rv.SketchProject()
    counts = np.bincount(method._drawn(method.init(problem, None, {}), 140_000), minlength=4)
    assert counts[2] == 0 and np.allclose(counts / 10_000, [1, 9, 0, 4], rtol=0.05)


def test_the_residual_is_looked_at_ever_more_often_towards_the_end():
    A, _, b = system(40)
    result = rv.solve(rv.LinearSystem(A, b), rv.SketchProject(look=64), rtol=1e-8)
    assert result.ok and result.work["products"] < 0.6 * result.steps
    gaps = np.diff(result.history[:, 0])
    assert gaps.max() > gaps[-1]
    worst = rv.solve(rv.LinearSystem(A, b), rv.SketchProject(look=1), rtol=1e-8)
    assert worst.steps <= result.steps <= 1.25 * worst.steps + 3


def test_gauss_takes_operators_and_rows_do_not():
    A, _, b = system()
    assert rv.solve(rv.LinearSystem(aslinearoperator(A), b), rv.SketchProject("gauss"), rtol=1e-4).ok
    with pytest.raises(ValueError, match="entries"):
        rv.solve(rv.LinearSystem(aslinearoperator(A), b), rv.SketchProject("rows"))


@pytest.mark.parametrize(
    "make",
    [
        lambda: rv.SketchProject("columns"), lambda: rv.SketchProject(size=0), lambda: rv.SketchProject(look=0),
        lambda: rv.SketchProject(size=1.5), lambda: Accuracy(nu=1.0), lambda: Accuracy(delta=0.0), lambda: Accuracy(theta=-1),
    ],
)  # fmt: skip
def test_parameters_are_checked(make):
    with pytest.raises(ValueError, match="expected"):
        make()


def test_the_accuracy_rule_ends_early_and_goes_on_from_the_same_iterate():
    A, _, b = system()
    problem = rv.LinearSystem(A, b)
    loose = Accuracy(delta=0.5)
    first = rv.solve(problem, rv.SketchProject(look=1), stop=loose.rule(1.0, 1.0, np.linalg.norm(b)))
    assert first.ok and np.linalg.norm(b - A @ first.x) <= 0.5 * np.linalg.norm(b)
    tight = loose.tightened()
    assert tight.delta == pytest.approx(0.5 / 1.5**4)
    rule = tight.rule(1.0, 1.0, np.linalg.norm(b))
    second = rv.solve(problem, rv.SketchProject(look=1), x0=first.x, stop=rule)
    cold = rv.solve(problem, rv.SketchProject(look=1), stop=rule)
    assert second.ok and second.steps <= cold.steps
    for _ in range(20):
        tight = tight.tightened()
    assert tight.delta == tight.least
