"""GCRO-DR: equal to GMRES without a space, harmonic Ritz vectors against a dense oracle, spaces that help the next solve."""

import numpy as np
import pytest
import scipy.linalg as la

import resolvent as rv
from resolvent import gallery
from resolvent.core import Residual, Steps, drive
from resolvent.methods.krylov.images import images_of
from resolvent.methods.krylov.ritz import harmonic, orthonormal_images
from resolvent.operators.space import Space

DTYPES = ("float64", "complex128")


def system(n=60, dtype="float64", seed=0):
    rng = np.random.default_rng(seed)
    A = np.diag(np.concatenate([np.logspace(-3, -1, 6), np.linspace(1, 4, n - 6)]))
    A = A + 0.3 * np.triu(rng.standard_normal((n, n)), 1) / np.sqrt(n)
    b = rng.standard_normal(n)
    if dtype == "complex128":
        A = A * np.exp(0.2j) + 0.02j * np.tril(rng.standard_normal((n, n)), -1) / np.sqrt(n)
        b = b + 1j * rng.standard_normal(n)
    return A, b


@pytest.mark.parametrize("dtype", DTYPES)
def test_without_a_space_it_is_restarted_gmres(dtype):
    A, b = system(dtype=dtype)
    A = A + 2 * np.eye(60)
    one = rv.solve(rv.LinearSystem(A, b), rv.GMRES(7), rtol=1e-10)
    two = rv.solve(rv.LinearSystem(A, b), rv.GCRODR(7, 0), rtol=1e-10)
    assert one.ok and one.steps == two.steps
    assert np.allclose(one.history, two.history, rtol=1e-6)
    assert np.linalg.norm(one.x - two.x) <= 1e-12 * np.linalg.norm(one.x)


def stepped(problem, method, steps, carry=None):
    state = method.init(problem, None, carry or {})
    state.goal = 0.0
    for _ in range(steps):
        method.step(problem, state)
    return state


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("preconditioner", [None, rv.Jacobi()], ids=["plain", "jacobi"])
def test_invariants_after_cycles(dtype, preconditioner):
    A, b = system(dtype=dtype)
    if preconditioner is not None and dtype == "complex128":
        A = A + np.diag(np.abs(A.diagonal()) - A.diagonal())  # Jacobi wants a positive diagonal
    problem, method = rv.LinearSystem(A, b), rv.GCRODR(16, 6, preconditioner)
    state = stepped(problem, method, 16 + 10)
    while state.small is not None:  # to the end of a cycle, which is one longer where a pair did not fit
        method.step(problem, state)
    k = state.k0
    C, U = state.W[:k].T, (state.Y if preconditioner is None else state.Y / A.diagonal().real).T
    assert 5 <= k <= 6
    assert np.linalg.norm(C.conj().T @ C - np.eye(k)) <= 1e-12
    assert np.linalg.norm(A @ U - C) <= 1e-10
    r = b - A @ method.solution(problem, state)
    assert np.linalg.norm(r - state.r) <= 1e-12 * np.linalg.norm(b)
    assert np.linalg.norm(C.conj().T @ r) <= 1e-12 * np.linalg.norm(b)
    method.step(problem, state)  # one Arnoldi step: (I - C C^H) A Z = V H
    z = state.W[k].copy() if preconditioner is None else state.W[k] / A.diagonal().real
    left = A @ z
    right = C @ state.B[:, 0] + state.W[k : k + 2].T @ state.small.H[:2, 0]
    assert np.linalg.norm(left - right) <= 1e-12 * np.linalg.norm(left)


@pytest.mark.parametrize("dtype", DTYPES)
def test_harmonic_ritz_vectors_against_a_dense_oracle(dtype):
    A, b = system(dtype=dtype, seed=2)
    problem, method = rv.LinearSystem(A, b), rv.GCRODR(18, 5)
    state = stepped(problem, method, 18)  # one cycle, after which the space is there
    Vj = stepped(rv.LinearSystem(A, b), rv.GCRODR(19, 5), 18).W[:18].T  # the same basis, before its cycle ends
    AV = A @ Vj
    theta, Z = la.eig(AV.conj().T @ AV, AV.conj().T @ Vj)
    order = np.argsort(np.abs(theta))
    wanted = []
    for i in order:
        if len(wanted) == state.k0:
            break
        wanted.append(Vj @ Z[:, i])
    span = np.linalg.qr(np.array(wanted).T)[0]
    U = np.linalg.qr(state.Y.T)[0]
    angles = np.linalg.svd(span.conj().T @ U, compute_uv=False)
    assert angles.min() > 1 - 1e-8


def test_complex_pairs_stay_whole_in_real_arithmetic():
    G = np.zeros((6, 5))
    G[:2, :2] = [[0.1, 0.2], [-0.2, 0.1]]
    G[2:4, 2:4] = [[0.5, 0.6], [-0.6, 0.5]]
    G[4, 4] = 3.0
    T = np.eye(6, 5)
    for k, size in ((1, 0), (2, 2), (3, 2), (4, 4), (5, 5)):
        found = harmonic(G, T, k)
        if size == 0:
            assert found is None
            continue
        P, whole = found
        assert P.dtype == np.float64 and P.shape == (5, size) and whole[-1] == size and 1 not in whole
        plane = np.linalg.qr(P[:, :2])[0]
        assert np.linalg.norm(plane[2:]) <= 1e-12  # the pair of least modulus, both of it


def test_images_that_depend_are_left_out():
    A, b = system()
    problem = rv.LinearSystem(A, b)
    rng = np.random.default_rng(0)
    U = rng.standard_normal((5, 60))
    U[3] = U[0] - 2 * U[1]
    U[4] = 0.0
    C, U = images_of(problem, U)
    assert C.shape == (3, 60) and np.linalg.norm(C @ C.T - np.eye(3)) <= 1e-12
    assert np.linalg.norm(A @ U.T - C.T) <= 1e-9
    Q, P, whole = orthonormal_images(np.eye(5, 4), np.ones((4, 2)), [1, 2])
    assert Q.shape == (5, 1) and P.shape == (4, 1) and whole == [1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_exact_eigenvectors_in_the_space_are_gone_from_the_iteration(dtype):
    d = np.concatenate([np.logspace(-6, -3, 4), np.ones(56) + 1e-9 * np.arange(56)]).astype(dtype)
    b = np.ones(60, dtype)
    space = Space(np.eye(60, dtype=dtype)[:4])
    problem = rv.LinearSystem(np.diag(d), b)
    warm = drive(problem, rv.GCRODR(12, 4), Residual(1e-6) | Steps(100), carry={"space": space})
    cold = drive(rv.LinearSystem(np.diag(d), b), rv.GCRODR(12, 4), Residual(1e-6) | Steps(100))
    assert warm.ok and warm.steps == 1 and cold.steps >= 4
    assert warm.work["products"] == 4 + 1 + 1  # images, one step, the measure


def test_a_space_of_the_same_matrix_costs_no_product():
    A, b = system()
    session = rv.Session(rv.GCRODR(16, 6), learners=[rv.Recycle(always=True, recent=0)], rtol=1e-9)
    session.solve(rv.LinearSystem(A, b))
    result = session.solve(rv.LinearSystem(A, b + 1.0))
    assert result.ok and result.work["products"] == result.steps + 1


def test_a_space_is_not_taken_for_that_of_another_matrix():
    A, b = system()
    stop = Residual(1e-9) | Steps(500)
    first = drive(rv.LinearSystem(A, b), rv.GCRODR(16, 6), stop)
    other = rv.LinearSystem(A + 0.3 * np.eye(60), b)  # outside of a Session both have the same version number
    second = drive(other, rv.GCRODR(16, 6), stop, carry={"space": first.carry["space"]})
    assert second.ok and second.steps < first.steps
    assert second.work["products"] >= second.steps + 5


def test_right_hand_sides_in_a_plane_need_no_step_after_two_solves():
    A, _ = system()
    rng = np.random.default_rng(4)
    plane = rng.standard_normal((60, 2))
    session = rv.Session(rv.GCRODR(20, 6), learners=[rv.Recycle()], rtol=1e-8)
    results = [session.solve(rv.LinearSystem(A, plane @ rng.standard_normal(2))) for _ in range(5)]
    assert all(r.ok for r in results) and results[0].steps > 10
    assert [r.steps for r in results[2:]] == [0, 0, 0]


def recipe_of(name):
    return rv.Jacobi() if name == "convection-diffusion" else None


@pytest.mark.parametrize("name", ["convection-diffusion", "helmholtz"])
def test_a_carried_space_lowers_the_products_of_a_drifting_sequence(name):
    problems = list(gallery.sequence(name, 6, 40 if recipe_of(name) else 24, rho=0.999))
    counts = []
    for learners in ([], [rv.Recycle()]):
        session = rv.Session(rv.GCRODR(24, 10, recipe_of(name)), learners=learners, rtol=1e-8)
        results = [session.solve(rv.LinearSystem(p.A, p.b, symmetric=False)) for p in problems]
        assert all(r.ok for r in results)
        for p, r in zip(problems, results, strict=True):
            assert np.linalg.norm(p.b - p.A @ r.x) <= 1.001e-8 * np.linalg.norm(p.b)
        counts.append(sum(r.work["products"] for r in results[1:]))
    assert counts[1] < 0.9 * counts[0]


def test_residuals_never_grow():
    A, b = system(seed=5)
    result = rv.solve(rv.LinearSystem(A, b), rv.GCRODR(12, 5), rtol=1e-10)
    seen = result.history[:, 1]
    assert result.ok and np.all(seen[1:] <= seen[:-1] * (1 + 1e-9))
