"""RMINRES with a definite preconditioner: it is RMINRES on the transformed system, in exact arithmetic."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.operators.space import Space


def pair(complex_, n=60, seed=0):
    """A Hermitian and indefinite, a lower triangular L with M = L L^H."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if complex_ else 0)
    A = A + A.conj().T + np.diag(np.where(np.arange(n) % 4, 15.0, -15.0))
    L = np.tril(rng.standard_normal((n, n)) + (1j * rng.standard_normal((n, n)) if complex_ else 0)) / n
    return A, L + np.diag(rng.uniform(0.5, 2.0, n))


def inverse(L):
    """M^-1 as an operator."""
    M = np.linalg.inv(L @ L.conj().T)
    return sp.linalg.LinearOperator(L.shape, matvec=lambda v: M @ v, dtype=L.dtype)


def iterates(method, problem, space, count):
    state = method.init(problem, None, {} if space is None else {"space": space})
    out = []
    for _ in range(count):
        method.step(problem, state)
        assert state.status == 0, state.reason
        out.append((method.solution(problem, state), state.seen["residual"]))
    return out, state


@pytest.mark.parametrize("complex_", [False, True])
@pytest.mark.parametrize("k", [0, 4])
def test_the_iterates_are_those_of_the_transformed_system(complex_, k):
    A, L = pair(complex_)
    rng = np.random.default_rng(7)
    b = rng.standard_normal(60).astype(A.dtype)
    W = rng.standard_normal((max(k, 1), 60)).astype(A.dtype)
    inner = np.linalg.inv(L)
    B = inner @ A @ inner.conj().T
    B = 0.5 * (B + B.conj().T)
    space = None if not k else Space(W)
    other = None if not k else Space((L.conj().T @ W.T).T.copy())
    problem, changed = rv.LinearSystem(A, b, symmetric=True), rv.LinearSystem(B, inner @ b, symmetric=True)
    mine, state = iterates(rv.RMINRES(4, inverse(L)), problem, space, 16)
    theirs, twin = iterates(rv.RMINRES(4), changed, other, 16)
    for (x, residual), (y, _) in zip(mine, theirs, strict=True):
        y = inner.conj().T @ y
        assert np.linalg.norm(x - y) <= 1e-7 * np.linalg.norm(y)
        assert residual == pytest.approx(np.linalg.norm(b - A @ x), rel=1e-6)
    left = rv.RMINRES(4, inverse(L)).harvest(problem, state)["space"]
    same = rv.RMINRES(4).harvest(changed, twin)["space"]
    Q, _ = np.linalg.qr(left.U.T)
    P, _ = np.linalg.qr(inner.conj().T @ same.U.T)
    assert np.allclose(np.linalg.svd(Q.conj().T @ P)[1], 1.0, atol=1e-6)


def test_what_is_left_has_orthonormal_images():
    A, L = pair(True)
    problem = rv.LinearSystem(A, np.ones(60, complex), symmetric=True)
    _, state = iterates(rv.RMINRES(5, inverse(L)), problem, None, 30)
    space = rv.RMINRES(5, inverse(L)).harvest(problem, state)["space"]
    assert np.allclose(A @ space.U.T, space.C.T, atol=1e-8)
    assert np.allclose(space.C.conj() @ space.C.T, np.eye(space.size), atol=1e-10)


def layered(m=10):
    from resolvent.gallery.fields import GridStencil

    axes = np.indices((m, m, m)) / m
    g = np.exp(3.0 * np.prod(np.sin(3 * np.pi * axes), axis=0))
    return GridStencil((m, m, m)).darcy(g), g.ravel()


def test_space_and_preconditioner_each_save_steps():
    K, g = layered()
    rng = np.random.default_rng(0)
    right = [rng.standard_normal(len(g)) for _ in range(6)]
    steps = {}
    for name, method, learners in [
        ("neither", rv.RMINRES(8), []),
        ("space", rv.RMINRES(8), [rv.Recycle(always=True)]),
        ("preconditioner", rv.RMINRES(8, rv.Definite()), []),
        ("both", rv.RMINRES(8, rv.Definite()), [rv.Recycle(always=True)]),
    ]:
        session = rv.Session(method, learners, rtol=1e-8)
        found = []
        for t, b in enumerate(right):
            A = sp.csr_array(K - (0.3 + 1e-4 * t) * sp.diags_array(g))
            result = session.solve(rv.LinearSystem(A, b, positive_definite=False))
            assert result.ok and np.linalg.norm(b - A @ result.x) <= 1.0001e-8 * np.linalg.norm(b)
            found.append(result.steps)
        steps[name] = sum(found[1:])
    assert steps["preconditioner"] < 0.5 * steps["neither"]
    assert steps["both"] < 0.95 * steps["preconditioner"], steps


def test_an_indefinite_preconditioner_is_said():
    A, _ = pair(False)
    M = sp.linalg.LinearOperator(A.shape, matvec=lambda v: -v, dtype=float)
    result = rv.solve(rv.LinearSystem(A, np.ones(60)), rv.RMINRES(4, M), on_fail="ignore")
    assert result.status == rv.Status.INDEFINITE and "not positive definite" in result.reason
