"""Deflated CG: counts of a dense twin, deflated eigenvectors gone from the spectrum, Ritz vectors that help the next solve."""

import dataclasses

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery
from resolvent.core import Residual, Steps, drive
from resolvent.methods.krylov.ritz import lowest
from resolvent.operators.deflation import partition
from resolvent.operators.space import Space


def twin(A, b, W, M, rtol):
    """CG on P A with the preconditioner M (a dense inverse), from the corrected zero; iterations and the corrected x."""
    E = W.conj().T @ A @ W
    x = W @ np.linalg.solve(E, W.conj().T @ b)
    r, p, rz, k = b - A @ x, np.zeros_like(b), 1.0, 0
    while np.linalg.norm(r) > rtol * np.linalg.norm(b):
        z = M @ r
        z = z - W @ np.linalg.solve(E, W.conj().T @ (A @ z))
        new = np.vdot(r, z).real
        p = z + (new / rz if k else 0.0) * p
        alpha = new / np.vdot(p, A @ p).real
        x, r, rz, k = x + alpha * p, r - alpha * (A @ p), new, k + 1
    return k, x


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_sub_domains_take_the_iterations_of_the_dense_twin(dtype):
    p = gallery.sequence("darcy-path", 1, 16)[0]
    A = p.A.toarray().astype(dtype)
    if dtype == "complex128":
        turn = np.exp(1j * np.arange(256))
        A = turn[:, None] * A * turn.conj()
    b = np.cos(np.arange(256)).astype(dtype)
    problem = rv.LinearSystem(A, b) if dtype == "complex128" else rv.LinearSystem(p.A, b)
    labels, count = partition(problem, 16)
    L, D = np.tril(A, -1), np.diag(A.diagonal())
    half = D / 1.3 + L
    M = np.linalg.inv(half @ np.linalg.solve(D, half.conj().T))
    steps, x = twin(A, b, np.eye(count)[labels].astype(dtype), M, 1e-9)
    result = rv.solve(problem, rv.DeflatedCG(blocks=16), rtol=1e-9)
    assert result.ok and abs(result.steps - steps) <= 1
    assert np.linalg.norm(result.x - x) <= 1e-7 * np.linalg.norm(x)


def test_carried_eigenvectors_leave_the_spectrum():
    d = np.concatenate([np.logspace(-6, -4, 5), np.linspace(1, 2, 95)])
    b = np.ones(100)
    stop = Residual(1e-8) | Steps(500)
    rest = rv.solve(rv.LinearSystem(np.diag(d[5:]), b[5:]), "cg", rtol=1e-8).steps
    for precision in ("double", "single"):
        method = rv.DeflatedCG(blocks=0, precision=precision)
        carry = {"space": Space(np.eye(100)[:5])}
        warm = drive(rv.LinearSystem(np.diag(d), b), method, stop, carry=carry)
        assert warm.ok and abs(warm.steps - rest) <= 1
    cold = drive(rv.LinearSystem(np.diag(d), b), rv.DeflatedCG(blocks=0), stop)
    assert cold.ok and cold.steps > rest + 5


def krylov_ritz(A, b, j, k):
    """The k lowest Ritz vectors over the Krylov space of dimension j."""
    K = b[:, None] / np.linalg.norm(b)
    for _ in range(j - 1):
        new = A @ K[:, -1]
        for _ in range(2):
            new = new - K @ (K.T @ new)
        K = np.column_stack([K, new / np.linalg.norm(new)])
    return K @ np.linalg.eigh(K.T @ A @ K)[1][:, :k]


def test_what_a_solve_leaves_are_its_low_ritz_vectors():
    d = np.concatenate([[1e-3, 2e-3, 3e-3], np.linspace(1, 2, 57)])
    b = np.random.default_rng(0).standard_normal(60)
    stop = Residual(1e-10) | Steps(200)
    result = drive(rv.LinearSystem(np.diag(d), b), rv.DeflatedCG(blocks=0, size=3), stop)
    U = np.linalg.qr(result.carry["space"].U.T)[0]
    wanted = np.linalg.qr(krylov_ritz(np.diag(d), b, 14, 3))[0]  # of 2 size + 8 vectors
    assert np.linalg.svd(U.T @ wanted, compute_uv=False).min() > 1 - 1e-6
    again = drive(
        rv.LinearSystem(np.diag(d * 1.01), b),
        rv.DeflatedCG(blocks=0, size=3),
        stop,
        carry={"space": result.carry["space"]},
    )
    assert again.ok and again.steps <= result.steps - 3
    V = np.linalg.qr(again.carry["space"].U.T)[0]
    assert np.linalg.norm(V[3:]) < 0.1 * np.linalg.norm(U[3:])  # and come nearer to the eigenvectors


def test_the_pencil_is_solved():
    rng = np.random.default_rng(0)
    A, M = (X @ X.T + np.eye(6) for X in rng.standard_normal((2, 6, 6)))
    P = lowest(A, M, 2)
    values = [(v @ A @ v) / (v @ M @ v) for v in P.T]
    assert values == pytest.approx(sorted(np.linalg.eigvals(np.linalg.solve(M, A)).real)[:2])
    assert lowest(np.full((2, 2), np.nan), np.eye(2), 1) is None


def test_recycled_vectors_lower_the_steps_of_a_drifting_sequence():
    problems = list(gallery.sequence("darcy-path", 5, 40))
    steps = []
    for learners in ([], [rv.Recycle(always=True)]):
        session = rv.Session(rv.DeflatedCG(blocks=0, preconditioner=rv.IC()), learners=learners, rtol=1e-8)
        results = [session.solve(dataclasses.replace(p)) for p in problems]
        assert all(r.ok for r in results)
        steps.append(sum(r.steps for r in results[1:]))
    assert steps[1] < 0.75 * steps[0]


def test_dependent_vectors_are_left_out():
    rng = np.random.default_rng(1)
    W = rng.standard_normal((4, 50))
    W[3] = W[0] + W[1]
    d = np.linspace(0.1, 3, 50)
    stop = Residual(1e-9) | Steps(200)
    result = drive(rv.LinearSystem(np.diag(d), np.ones(50)), rv.DeflatedCG(blocks=0), stop, carry={"space": Space(W)})
    assert result.ok


@pytest.mark.parametrize("dtype", [float, complex])
@pytest.mark.parametrize("size", [0.0, 1e-170, 1e160])
def test_vectors_of_no_energy_are_left_out(dtype, size):
    W = np.random.default_rng(1).standard_normal((4, 50)).astype(dtype)
    W[1:3] *= size
    A, stop = np.diag(np.linspace(0.1, 3, 50)).astype(dtype), Residual(1e-9) | Steps(200)
    for carried in (W, 0 * W):
        space = {"space": Space(carried.copy())}
        assert drive(rv.LinearSystem(A, np.ones(50)), rv.DeflatedCG(blocks=0), stop, carry=space).ok


def test_an_indefinite_matrix_is_told():
    d = np.concatenate([[-1.0], np.linspace(1, 2, 63)])
    line = np.diag(d) + 0.1 * (np.eye(64, k=1) + np.eye(64, k=-1))
    line[0, 0] = 0.001
    line[0, 1] = line[1, 0] = 5.0
    for method in (rv.DeflatedCG(blocks=8), rv.DeflatedCG(blocks=0)):
        result = rv.solve(rv.LinearSystem(line, np.ones(64)), method, on_fail="ignore")
        assert result.status in (rv.Status.INDEFINITE, rv.Status.SETUP) and "positive definite" in result.reason


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"blocks": -1}, "blocks=-1"),
        ({"size": 0}, "size=0"),
        ({"precision": "half"}, "precision='half'"),
        ({"preconditioner": rv.Jacobi()}, "sub-domains go with"),
        ({"preconditioner": 3}, "not a preconditioner"),
    ],
)
def test_parameters_are_refused_in_a_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        rv.DeflatedCG(**options)
