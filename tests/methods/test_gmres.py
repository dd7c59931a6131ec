"""GMRES and FGMRES: minimal residuals against a dense twin, the Arnoldi relation, breakdowns with a name."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, gmres

import resolvent as rv
from resolvent.core import Residual, Steps, drive
from resolvent.methods.krylov.arnoldi import Small

DTYPES = ("float64", "complex128")


def system(n=40, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n)) / np.sqrt(n) + 2.5 * np.eye(n)
    b = rng.standard_normal(n)
    if dtype == "complex128":
        A = A + 1j * rng.standard_normal((n, n)) / np.sqrt(n)
        b = b + 1j * rng.standard_normal(n)
    return A, b


def krylov_minimum(A, b, j):
    """min || b - A x || over the Krylov space of dimension j, by dense least squares on an orthonormal basis."""
    K = b[:, None] / np.linalg.norm(b)
    for _ in range(j - 1):
        new = A @ K[:, -1]
        for _ in range(2):
            new = new - K @ (K.conj().T @ new)
        K = np.column_stack([K, new / np.linalg.norm(new)])
    y = np.linalg.lstsq(A @ K, b, rcond=None)[0]
    return np.linalg.norm(b - A @ K @ y), K @ y


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("side", ["right", "left"])
def test_the_residual_is_the_least_of_its_krylov_space(dtype, side):
    A, b = system(dtype=dtype)
    for j in (1, 2, 5, 11):
        result = rv.solve(rv.LinearSystem(A, b), rv.GMRES(side=side), rtol=1e-14, max_steps=j, on_fail="ignore")
        least, x = krylov_minimum(A, b, j)
        assert result.steps == j
        assert result.seen["residual"] == pytest.approx(least, rel=1e-9)
        assert np.linalg.norm(result.x - x) <= 1e-9 * np.linalg.norm(x)


def test_right_preconditioning_minimises_the_residual_left_the_preconditioned_one():
    A, b = system()
    A = np.diag(np.logspace(0, 3, 40)) @ A
    d = A.diagonal()
    for side, M in (("right", (A / d, b)), ("left", (A / d[:, None], b / d))):
        result = rv.solve(
            rv.LinearSystem(A, b), rv.GMRES(40, rv.Jacobi(), side), rtol=1e-14, max_steps=6, on_fail="ignore"
        )
        least, y = krylov_minimum(*M, 6)
        x = y / d if side == "right" else y
        assert np.linalg.norm(result.x - x) <= 1e-8 * np.linalg.norm(x)
        mine = b - A @ result.x
        assert np.linalg.norm(mine if side == "right" else mine / d) == pytest.approx(least, rel=1e-7)


def test_the_estimate_on_the_left_is_confirmed_against_the_true_residual():
    A, b = system(60)
    A = np.diag(np.logspace(-4, 4, 60)) @ A
    problem = rv.LinearSystem(A, b)
    result = rv.solve(problem, rv.GMRES(20, rv.Jacobi(), side="left"), rtol=1e-9)
    assert result.ok and np.linalg.norm(b - A @ result.x) <= 1e-9 * np.linalg.norm(b) * 1.001


@pytest.mark.parametrize("dtype", DTYPES)
def test_arnoldi_relation_and_orthonormal_basis(dtype):
    A, b = system(dtype=dtype)
    problem, method = rv.LinearSystem(A, b), rv.GMRES(20)
    state = method.init(problem, None, {})
    state.goal = 0.0
    for _ in range(12):
        method.step(problem, state)
    V, H = state.V[:13].T, state.small.H[:13, :12]
    assert np.linalg.norm(V.conj().T @ V - np.eye(13)) <= 1e-10  # what the estimate may be off by, relatively
    assert np.linalg.norm(A @ V[:, :12] - V @ H) <= 1e-12 * np.linalg.norm(A)
    y = state.small.solve()
    e = np.linalg.norm(b) * np.eye(13)[0]
    assert np.linalg.norm(y - np.linalg.lstsq(H, e, rcond=None)[0]) <= 1e-10
    assert np.linalg.norm(state.small.left() - (e - H @ y)) <= 1e-12 * np.linalg.norm(b)


def test_restarts_take_as_many_products_as_those_of_scipy():
    A, b = system(200, seed=3)
    A = A + np.diag(np.linspace(0, 30, 200))
    seen = []
    gmres(A, b, rtol=1e-9, restart=8, callback=seen.append, callback_type="pr_norm")
    result = rv.solve(rv.LinearSystem(A, b), rv.GMRES(8), rtol=1e-9)
    assert abs(result.steps - len(seen)) <= 1
    assert result.history[:, 1][1:9] == pytest.approx(np.array(seen[:8]) * np.linalg.norm(b), rel=1e-6)


def test_a_lucky_breakdown_is_a_solution():
    b = np.array([1.0, 1.0, 0.0, 0.0])
    result = rv.solve(rv.LinearSystem(np.diag([1.0, 2.0, 3.0, 4.0]), b), "gmres", rtol=1e-12)
    assert result.ok and result.steps == 2
    assert np.allclose(result.x, [1.0, 0.5, 0.0, 0.0])


@pytest.mark.parametrize("name", ["gmres", "fgmres", "gcrodr"])
def test_an_unlucky_breakdown_is_named(name):
    A = np.array([[0.0, 1.0], [0.0, 0.0]])  # A e1 = 0: the Krylov space of e1 is e1, and A is singular on it
    result = rv.solve(rv.LinearSystem(A, np.array([1.0, 0.0])), name, rtol=1e-8, on_fail="ignore")
    assert result.status == rv.Status.BREAKDOWN and "singular" in result.reason
    assert result.seen["residual"] == 1.0 and not result.x.any()


@pytest.mark.parametrize("method", [rv.GMRES(5), rv.FGMRES(5), rv.GCRODR(5, 2)], ids=lambda m: type(m).__name__)
def test_stagnation_of_a_cyclic_shift_is_no_false_answer(method):
    A = sp.csr_array(np.roll(np.eye(12), 1, axis=0))
    result = rv.solve(rv.LinearSystem(A, np.eye(12)[0]), method, max_steps=60, on_fail="ignore")
    assert not result.ok and result.status < 0 and len(result.reason) > 20


def test_a_full_space_solves_the_cyclic_shift():
    A = sp.csr_array(np.roll(np.eye(12), 1, axis=0))
    result = rv.solve(rv.LinearSystem(A, np.eye(12)[0]), rv.GMRES(12), rtol=1e-12)
    assert result.ok and result.steps == 12 and np.allclose(A @ result.x, np.eye(12)[0])


class Varying:
    """Another scaling at every application: what only a flexible method may be given."""

    needs = frozenset()
    counts = {}  # noqa: RUF012

    def bind(self, problem, carry):
        return self

    def fits(self, recipe):
        return False

    def apply(self, r):
        self.count = getattr(self, "count", 0) + 1
        return r * (1.0 + 0.5 * np.cos(np.arange(len(r)) * self.count))


def test_the_flexible_one_keeps_what_a_changing_preconditioner_gave():
    A, b = system()
    for steps in (4, 9):
        method = rv.FGMRES(40, Varying())
        result = rv.solve(rv.LinearSystem(A, b), method, rtol=1e-14, max_steps=steps, on_fail="ignore")
        assert result.history[-1, 1] == pytest.approx(np.linalg.norm(b - A @ result.x), rel=1e-9)
    fixed = rv.solve(rv.LinearSystem(A, b), rv.GMRES(40, Varying()), rtol=1e-14, max_steps=9, on_fail="ignore")
    assert fixed.history[-1, 1] < 0.9 * np.linalg.norm(b - A @ fixed.x)  # the fixed form is off, and it is measured


def test_flexible_and_fixed_agree_for_a_fixed_preconditioner():
    A, b = system()
    runs = [rv.solve(rv.LinearSystem(A, b), cls(9, rv.Jacobi()), rtol=1e-10) for cls in (rv.GMRES, rv.FGMRES)]
    assert runs[0].steps == runs[1].steps and np.allclose(runs[0].x, runs[1].x, rtol=1e-9)


def test_an_operator_that_returns_its_argument():
    b = np.arange(1.0, 6.0)
    A = LinearOperator((5, 5), matvec=lambda v: v, dtype=float)
    for name in ("gmres", "fgmres", "gcrodr"):
        result = rv.solve(rv.LinearSystem(A, b), name, rtol=1e-12)
        assert result.ok and result.steps == 1 and np.allclose(result.x, b, rtol=1e-14)


def test_the_answer_inside_a_cycle_is_that_of_the_residual_seen():
    A, b = system()
    seen = []
    rv.solve(rv.LinearSystem(A, b), rv.GMRES(7), rtol=1e-8, callback=lambda state: seen.append(state.seen["residual"]))
    for j in (3, 7, 10):
        cut = rv.solve(rv.LinearSystem(A, b), rv.GMRES(7), rtol=1e-8, max_steps=j, on_fail="ignore")
        assert np.linalg.norm(b - A @ cut.x) == pytest.approx(seen[j - 1], rel=1e-8)


def test_going_on_after_a_drift_reaches_the_tolerance():
    A, b = system()
    problem = rv.LinearSystem(A, b)
    first = drive(problem, rv.GMRES(6), Residual(1e-3) | Steps(100))
    again = drive(problem, rv.GMRES(6), Residual(1e-11) | Steps(100), x0=first.x, carry=first.carry)
    assert again.ok and np.linalg.norm(b - A @ again.x) <= 1e-11 * np.linalg.norm(b) * 1.001


def test_the_small_problem_is_least_squares():
    rng = np.random.default_rng(1)
    H = np.triu(rng.standard_normal((6, 5)) + 1j * rng.standard_normal((6, 5)), -1)
    H[np.arange(1, 6), np.arange(5)] = np.abs(H[np.arange(1, 6), np.arange(5)])
    small = Small(5, 2.0, np.complex128)
    left = [small.append(H[: j + 1, j], H[j + 1, j].real) for j in range(5)]
    e = 2.0 * np.eye(6)[0]
    y = np.linalg.lstsq(H, e, rcond=None)[0]
    assert np.allclose(small.solve(), y) and left[-1] == pytest.approx(np.linalg.norm(e - H @ y))
    assert np.all(np.diff(left) <= 0) and np.allclose(small.left(), e - H @ y)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: rv.GMRES(0), "restart=0"),
        (lambda: rv.GMRES(2.5), "restart=2.5"),
        (lambda: rv.FGMRES(True), "restart=True"),
        (lambda: rv.GMRES(side="both"), "side='both'"),
        (lambda: rv.GMRES(preconditioner=3), "not a preconditioner"),
        (lambda: rv.GCRODR(10, 10), "0 <= k < m"),
        (lambda: rv.GCRODR(10, -1), "0 <= k < m"),
        (lambda: rv.GCRODR(preconditioner="jacobi"), "not a preconditioner"),
    ],
)
def test_parameters_are_refused_in_a_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_a_function_preconditions_the_flexible_ones_only():
    A, b = system()
    problem = rv.LinearSystem(A, b)
    for method in (rv.FGMRES(20, lambda r: r / 2.5), rv.GCRODR(20, 5, lambda r: r / 2.5)):
        assert rv.solve(problem, method, rtol=1e-9).ok
    with pytest.raises(ValueError, match="LinearOperator"):
        rv.GMRES(20, lambda r: r / 2.5)
    assert rv.solve(problem, rv.GMRES(20, LinearOperator(A.shape, matvec=lambda r: r / 2.5, dtype=float)), rtol=1e-9).ok


def test_the_loss_of_orthogonality_stays_below_its_bound():
    n = 300
    A = np.diag(1.0 + 1e-3 * np.sin(np.arange(n)))  # every product is nearly its argument: one pass loses three digits
    state = (method := rv.GMRES(60)).init(problem := rv.LinearSystem(A, np.ones(n)), None, {})
    state.goal = 0.0
    while state.small is None or state.small.j < 5:
        method.step(problem, state)
    V = state.V[: state.small.j + 1]
    assert np.linalg.norm(V @ V.T - np.eye(len(V))) <= 1e-7
    A = np.diag(np.linspace(0.01, 2, n))
    state = method.init(problem := rv.LinearSystem(A, np.ones(n)), None, {})
    for _ in range(59):
        method.step(problem, state)
    assert np.linalg.norm(state.V[:60] @ state.V[:60].T - np.eye(60)) <= 1e-7
    assert problem.work.total()["basis"] < 3.2 * sum(range(1, 60))  # and most steps make one pass
