"""Stationary sweeps against their definitions on dense matrices, and the identity ``r = b - A x`` that they live by."""

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.kernels import csr, sor

HAND = np.array([[4.0, 1.0, 0.0], [-2.0, 5.0, 1.0], [0.0, 2.0, 4.0]])  # not symmetric


def split_parts(A):
    return np.diag(np.diag(A)), np.tril(A, -1), np.triu(A, 1)


def forward(A, omega, r):
    D, L, _ = split_parts(A)
    return np.linalg.solve(D / omega + L, r)


def both_ways(A, omega, r):
    D, L, U = split_parts(A)
    half = np.linalg.solve(D / omega + L, r)
    return (2 - omega) / omega * np.linalg.solve(D / omega + U, D @ half)


def pointwise(A, omega, r):
    return omega * r / np.diag(A)


KINDS = [(sor.sor, forward), (sor.ssor, both_ways), (sor.jacobi, pointwise)]
kinds = pytest.mark.parametrize(("kernel", "step"), KINDS, ids=["sor", "ssor", "jacobi"])


class Run:
    """A kernel's arguments, kept from call to call."""

    def __init__(self, parts, A, b, index="uint32"):
        self.ar = parts(sp.csr_array(A), index)
        self.pos = np.empty(len(b), index)
        assert csr.diagonal_positions(*self.ar[:2], self.pos) == -1
        self.x, self.r, self.dx = np.zeros_like(b), b.copy(), np.full_like(b, np.nan)
        self.norms = np.full(200, np.nan)

    def __call__(self, kernel, parameter, n, goal=-1.0):
        return kernel(*self.ar, self.pos, self.x, self.r, self.dx, parameter, n, goal, self.norms)


def scattered(n, dtype, seed=0):
    """Not symmetric, with a heavy diagonal."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.3)
    if np.dtype(dtype).kind == "c":
        A = A + 1j * rng.standard_normal((n, n)) * (rng.random((n, n)) < 0.3)
    return (A + n * np.eye(n)).astype(dtype)


def test_one_sweep_by_hand(parts):
    run = Run(parts, HAND, np.array([4.0, 3.0, 2.0]))
    assert run(sor.sor, 1.0, 1) == 1
    assert run.x.tolist() == [1.0, 1.0, 0.0]  # (4)/4, (3 + 2)/5, (2 - 2)/4
    assert run.r.tolist() == [-1.0, 0.0, 0.0]
    assert run.norms[0] == 1.0


@kinds
@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_sweeps_are_their_definition(parts, vector, dtype, index, near, kernel, step, n):
    A, b = scattered(n, dtype), vector(n, dtype)
    omega = 0.8 if kernel is sor.jacobi else 1.3
    run = Run(parts, A, b, index)
    assert run(kernel, omega, 4) == 4
    wide = np.result_type(dtype, "float64")
    x, norms = np.zeros(n, wide), []
    for _ in range(4):
        x = x + step(A.astype(wide), omega, b - A.astype(wide) @ x)
        norms.append(np.linalg.norm(b - A.astype(wide) @ x))
    assert np.allclose(run.x, x, rtol=0, atol=near)
    assert np.allclose(run.r, b - A.astype(wide) @ run.x, rtol=0, atol=near * n)
    assert np.allclose(run.norms[:4], norms, rtol=1e-6, atol=near * n)
    assert np.isnan(run.norms[4])


@kinds
@pytest.mark.parametrize("omega", [0.5, 1.0, 1.9])
def test_on_shapes(parts, shapes, vector, kernel, step, omega):
    omega = omega / 2 if kernel is sor.jacobi else omega
    for A in shapes.values():
        n = A.shape[0]
        run, b, dense = Run(parts, A, vector(n)), vector(n), A.toarray()
        assert run(kernel, omega, 2) == 2
        x = step(dense, omega, b)
        x = x + step(dense, omega, b - dense @ x)
        assert np.allclose(run.x, x, rtol=1e-9, atol=1e-12)
        assert np.linalg.norm(run.r - (b - dense @ run.x)) <= 1e-12 * np.linalg.norm(abs(dense) @ abs(run.x) + abs(b))


@kinds
def test_cutting_the_calls_changes_nothing_but_rounding(parts, vector, kernel, step):
    A, b = scattered(20, "float64"), vector(20)
    whole, cut = Run(parts, A, b), Run(parts, A, b)
    whole(kernel, 1.0, 6)
    for n in (1, 2, 3):
        assert cut(kernel, 1.0, n) == n
    assert np.allclose(whole.x, cut.x, rtol=0, atol=1e-14)
    assert np.allclose(whole.r, cut.r, rtol=0, atol=1e-13)


@kinds
def test_stops_after_the_first_norm_at_the_goal(parts, vector, kernel, step):
    A, b = scattered(20, "float64"), vector(20)
    free = Run(parts, A, b)
    free(kernel, 0.9, 12)
    goal = 1.0001 * free.norms[6]
    run = Run(parts, A, b)
    assert run(kernel, 0.9, 12, goal) == 7
    assert run.norms[6] <= goal < run.norms[5]
    assert np.allclose(run.r, b - A @ run.x, rtol=0, atol=1e-13)
    assert np.linalg.norm(run.r) == pytest.approx(run.norms[6], rel=1e-9)


@kinds
def test_no_sweeps_and_no_residual(parts, vector, kernel, step):
    run = Run(parts, HAND, np.zeros(3))
    assert run(kernel, 1.0, 0) == 0
    assert run(kernel, 1.0, 5, 0.0) == 1
    assert run.x.tolist() == [0.0, 0.0, 0.0]


@kinds
@pytest.mark.parametrize("place", ["right-hand side", "matrix", "zero diagonal"])
def test_what_is_not_finite_ends(parts, vector, kernel, step, place):
    A, b = scattered(20, "float64"), vector(20)
    if place == "right-hand side":
        b[3] = np.nan
    elif place == "matrix":
        A[4, np.flatnonzero(A[4])[-1]] = np.inf
    run = Run(parts, A, b)
    if place == "zero diagonal":
        run.ar[2][run.pos[5]] = 0.0
    done = run(kernel, 1.0, 50, 0.0)
    assert done < 50
    assert not np.isfinite(run.norms[done - 1])


def test_divergence_ends(parts, vector):
    A = np.array([[1.0, 3.0], [3.0, 1.0]])
    run = Run(parts, A, vector(2))
    run.norms = np.full(5000, np.nan)
    done = run(sor.jacobi, 1.0, 5000, 0.0)
    assert done < 5000
    assert not np.isfinite(run.norms[done - 1])


def cosh_form(k, t):
    """Chebyshev's polynomial T_k outside [-1, 1]."""
    return np.cosh(k * np.arccosh(t))


def test_chebyshev_damps_by_its_polynomial(parts, dtype, near):
    """On a diagonal of D^-1 A the residual's factor after k steps is T_k((c - t)/h) / T_k(c/h)."""
    A = np.kron(np.eye(5), np.array([[2.0, 1.0], [1.0, 2.0]])).astype(dtype)  # D^-1 A has 0.5 and 1.5
    b = np.tile([1.0, 1.0], 5).astype(dtype)  # of eigenvalue 1.5
    for lo, hi in ((0.5, 1.5), (0.25, 2.0)):
        run = Run(parts, A, b)
        state = np.array([lo, hi, 0.0, 0.0])
        assert run(sor.chebyshev, state, 3) == 3
        assert run(sor.chebyshev, state, 2) == 2
        assert state[3] == 5
        c, h = (lo + hi) / 2, (hi - lo) / 2
        want = np.cos(5 * np.arccos((c - 1.5) / h)) / cosh_form(5, c / h)
        assert np.allclose(run.r, want * b, rtol=0, atol=near)
        assert np.allclose(run.r, b - A @ run.x, rtol=0, atol=near)


def test_chebyshev_with_one_eigenvalue_is_done_at_once(parts, vector):
    run = Run(parts, 3.0 * np.eye(4), vector(4))
    assert run(sor.chebyshev, np.array([1.0, 1.0, 0.0, 0.0]), 9, 1e-14) == 1
    assert np.allclose(run.x, vector(4) / 3.0, rtol=1e-15)


def test_chebyshev_converges_within_its_bounds(parts, shapes, vector):
    A = shapes["grid2"]
    top = 1.0 + np.cos(np.pi / 24)
    run = Run(parts, A, vector(A.shape[0]))
    state, first = np.array([2.0 - top, top, 0.0, 0.0]), np.linalg.norm(run.r)
    k = run(sor.chebyshev, state, 150, 1e-6 * first)
    rate = (np.sqrt(top / (2.0 - top)) - 1) / (np.sqrt(top / (2.0 - top)) + 1)
    assert 2 * rate ** (k - 1) > 1e-6 * 0.5  # not later than the bound says
    assert np.linalg.norm(vector(A.shape[0]) - A @ run.x) <= 1.01e-6 * first
    run = Run(parts, A, np.full(A.shape[0], np.nan))
    assert run(sor.chebyshev, np.array([0.1, 1.9, 0.0, 0.0]), 50, 0.0) == 1
