"""The fused CG loop against the textbook's, and what it says where CG cannot go on."""

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.kernels import cg


def textbook(A, b, inverse, n):
    """Preconditioned CG as everybody writes it, in double precision."""
    x, r = np.zeros(len(b), np.result_type(b, "float64")), b.astype(np.result_type(b, "float64"))
    z = inverse * r
    p, rz = z.copy(), np.vdot(r, z).real
    norms = []
    for _ in range(n):
        q = A @ p
        alpha = rz / np.vdot(p, q).real
        x, r = x + alpha * p, r - alpha * q
        norms.append(np.linalg.norm(r))
        z = inverse * r
        rz, old = np.vdot(r, z).real, rz
        p = z + rz / old * p
    return x, np.array(norms)


class Run:
    def __init__(self, parts, A, b, inverse=None, index="uint32"):
        self.ar, self.use = parts(sp.csr_array(A), index), inverse is not None
        self.inverse = np.ones(1, b.real.dtype) if inverse is None else inverse.astype(b.real.dtype)
        self.x, self.r, self.p, self.q = np.zeros_like(b), b.copy(), np.full_like(b, np.nan), np.full_like(b, np.nan)
        self.scal, self.norms = np.zeros(4), np.full(500, np.nan)

    def __call__(self, n, goal=-1.0):
        return cg.cg(*self.ar, self.inverse, self.use, self.x, self.r, self.p, self.q, self.scal, n, goal, self.norms)


def test_by_hand(parts):
    """A = diag(1, 3), b = (1, 1): alpha = 1/2, x = (1/2, 1/2), r = (1/2, -1/2); then x is exact."""
    run = Run(parts, np.diag([1.0, 3.0]), np.array([1.0, 1.0]))
    assert run(1) == 1
    assert run.x.tolist() == [0.5, 0.5]
    assert run.r.tolist() == [0.5, -0.5]
    assert run.norms[0] == pytest.approx(np.sqrt(0.5))
    assert run.scal[1:].tolist() == [1.0, run.norms[0], 0.0]
    run(1)
    assert np.allclose(run.x, [1.0, 1.0 / 3.0], rtol=1e-15)


@pytest.mark.parametrize("preconditioned", [False, True])
def test_iterates_are_the_textbooks(parts, definite, vector, dtype, index, near, preconditioned):
    A, b = definite(60, 0.1, dtype), vector(60, dtype)
    inverse = 1.0 / A.diagonal().real if preconditioned else np.ones(60)
    x, norms = textbook(A.astype(np.result_type(dtype, "float64")), b, inverse, 8)
    run = Run(parts, A, b, inverse if preconditioned else None, index)
    assert run(8) == 8
    assert np.allclose(run.x, x, rtol=0, atol=near * abs(x).max())
    assert np.allclose(run.norms[:8], norms, rtol=0, atol=near * norms[0])
    assert run.x.dtype == dtype


def test_converges_and_comes_back_early(parts, shapes, vector):
    for A in shapes.values():
        b = vector(A.shape[0])
        run, goal = Run(parts, A, b, 1.0 / A.diagonal()), 1e-10 * np.linalg.norm(b)
        k = run(500, goal)
        assert k < 500
        assert run.norms[k - 1] <= goal
        assert np.linalg.norm(b - A @ run.x) <= 1.1 * goal
        assert run.scal[3] == 0


def test_cutting_the_calls_changes_no_bit(parts, definite, vector):
    A, b = definite(60), vector(60)
    whole, cut = Run(parts, A, b), Run(parts, A, b)
    whole(9)
    for n in (1, 3, 0, 5):
        assert cut(n) == n
    assert np.array_equal(whole.x, cut.x)
    assert np.array_equal(whole.r, cut.r)


def test_one_step_where_the_forecast_cancels(parts, vector):
    """A multiple of the identity: the residual vanishes in one step, and the forecast of its norm is rounding."""
    b = vector(50)
    run = Run(parts, 2.5 * np.eye(50), b)
    assert run(10, 1e-14 * np.linalg.norm(b)) == 1
    assert np.allclose(run.x, b / 2.5, rtol=1e-15)


@pytest.mark.parametrize("scale", [1e-200, 1e200])
def test_a_matrix_of_any_size(parts, definite, vector, scale):
    """The forecast overflows where <Ap, Ap> does; the iterates do not."""
    A, b = definite(60), vector(60)
    plain, scaled = Run(parts, A, b), Run(parts, A * scale, b)
    assert plain(12) == scaled(12) == 12
    assert np.allclose(scaled.x * scale, plain.x, rtol=0, atol=1e-11)


def test_indefinite_and_zero(parts, vector):
    run = Run(parts, np.diag([1.0, -1.0, 2.0]), np.array([0.1, 5.0, 0.1]))
    assert run(10) == 0
    assert run.scal[3] == cg.INDEFINITE == 1
    assert run.x.tolist() == [0.0, 0.0, 0.0]
    run = Run(parts, np.eye(3), np.zeros(3))
    assert run(10) == 0
    assert run.scal[3] == cg.ZERO == 3


@pytest.mark.parametrize("place", ["right-hand side", "matrix", "preconditioner", "overflow"])
def test_what_is_not_finite_ends(parts, definite, vector, place):
    A, b, inverse = definite(40), vector(40), np.ones(40)
    if place == "right-hand side":
        b[3] = np.nan
    elif place == "matrix":
        A.data[7] = np.inf
    elif place == "preconditioner":
        inverse[2] = np.nan
    else:
        b *= 1e200
    run = Run(parts, A, b, inverse)
    assert run(50, 0.0) < 2
    assert run.scal[3] == cg.NONFINITE == 2
