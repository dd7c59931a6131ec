"""Recycling MINRES: MINRES without a space, deflated eigenvectors, and the residual of a dense twin."""

import numpy as np
import pytest

import resolvent as rv
from resolvent.core import Residual, Steps, drive
from resolvent.operators.space import Space


def system(dtype="float64", n=60, seed=0):
    rng = np.random.default_rng(seed)
    d = np.concatenate([[-2e-3, 1e-3, 3e-3], rng.uniform(0.5, 2, n - 3) * rng.choice([-1, 1], n - 3)])
    Q = rng.standard_normal((n, n))
    b = rng.standard_normal(n)
    if dtype == "complex128":
        Q, b = Q + 1j * rng.standard_normal((n, n)), b + 1j * rng.standard_normal(n)
    Q = np.linalg.qr(Q)[0]
    A = Q @ np.diag(d) @ Q.conj().T
    return 0.5 * (A + A.conj().T), b, Q


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_without_a_space_it_is_minres(dtype):
    A, b, _ = system(dtype)
    for steps in (3, 10, 20):
        one = rv.solve(rv.LinearSystem(A, b), rv.RMINRES(), rtol=1e-12, max_steps=steps, on_fail="ignore")
        two = rv.solve(rv.LinearSystem(A, b), rv.MINRES(), rtol=1e-12, max_steps=steps, on_fail="ignore")
        assert one.seen["residual"] == pytest.approx(two.seen["residual"], rel=1e-6)
        assert np.linalg.norm(one.x - two.x) <= 1e-6 * np.linalg.norm(two.x)


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_the_residual_is_least_over_the_space_and_the_krylov_vectors(dtype):
    A, b, Q = system(dtype)
    rng = np.random.default_rng(3)
    U = Q[:, :3] + 1e-3 * rng.standard_normal((60, 3))
    stop = Residual(1e-14) | Steps(6)
    result = drive(rv.LinearSystem(A, b), rv.RMINRES(3), stop, carry={"space": Space(np.ascontiguousarray(U.T))})
    C = np.linalg.qr(A @ U)[0]
    P = np.eye(60) - C @ C.conj().T
    K = (r := P @ b)[:, None] / np.linalg.norm(r)
    for _ in range(5):
        new = P @ A @ K[:, -1]
        for _ in range(2):
            new = new - K @ (K.conj().T @ new)
        K = np.column_stack([K, new / np.linalg.norm(new)])
    basis = np.column_stack([U, K])
    y = np.linalg.lstsq(A @ basis, b, rcond=None)[0]
    assert result.seen["residual"] == pytest.approx(np.linalg.norm(b - A @ basis @ y), rel=1e-7)
    assert result.history[-1, 1] == pytest.approx(result.seen["residual"], rel=1e-8)


def test_carried_eigenvectors_leave_the_spectrum():
    A, b, Q = system()
    stop = Residual(1e-8) | Steps(300)
    carry = {"space": Space(np.ascontiguousarray(Q[:, :3].T))}
    warm = drive(rv.LinearSystem(A, b), rv.RMINRES(3), stop, carry=carry)
    cold = drive(rv.LinearSystem(A, b), rv.RMINRES(3), stop)
    rest = rv.LinearSystem(A, b - Q[:, :3] @ (Q[:, :3].T @ b))
    plain = drive(rest, rv.MINRES(), stop)
    assert warm.ok and cold.ok and abs(warm.steps - plain.steps) <= 2 and warm.steps < 0.8 * cold.steps


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_a_drifting_sequence_costs_fewer_products(dtype):
    A, b, _ = system(dtype, n=150)
    rng = np.random.default_rng(1)
    E = rng.standard_normal((150, 150)) * 1e-6
    products = []
    for learners in ([], [rv.Recycle(always=True)]):
        session = rv.Session(rv.RMINRES(8), learners=learners, rtol=1e-8)
        results = [session.solve(rv.LinearSystem(A + t * (E + E.T), b)) for t in range(5)]
        assert all(r.ok for r in results)
        products.append(sum(r.work["products"] for r in results[1:]))
    assert products[1] < 0.8 * products[0]


def test_what_it_leaves_is_a_space_with_its_images():
    A, b, _ = system()
    result = drive(rv.LinearSystem(A, b), rv.RMINRES(4), Residual(1e-9) | Steps(300))
    space = result.carry["space"]
    assert np.linalg.norm(A @ space.U.T - space.C.T) <= 1e-8 * np.linalg.norm(space.U)
    assert np.linalg.norm(space.C @ space.C.T - np.eye(space.size)) <= 1e-6


def test_parameters_are_refused():
    with pytest.raises(ValueError, match="k=0"):
        rv.RMINRES(0)
