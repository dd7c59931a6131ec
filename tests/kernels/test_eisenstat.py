"""CG in Eisenstat's form: the iterates of CG with SSOR, norms that are true where it looked, and the end in time."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.linalg import solve_triangular

from resolvent.kernels import eisenstat as es


def ssor_cg(A, b, omega, n):
    """Textbook CG preconditioned by omega/(2 - omega) (D/omega + L) D^-1 (D/omega + L)^H, dense, double precision."""
    wide = np.result_type(A.dtype, "float64")
    A, b = A.toarray().astype(wide), b.astype(wide)
    d = np.diag(A)
    W = np.diag(d / omega) + np.tril(A, -1)

    def precondition(r):
        return (2 - omega) / omega * solve_triangular(W, d * solve_triangular(W, r, lower=True), trans="C", lower=True)

    x, r = np.zeros(len(b), wide), b.copy()
    z = precondition(r)
    p, rz = z.copy(), np.vdot(r, z).real
    xs, norms = [], []
    for _ in range(n):
        q = A @ p
        alpha = rz / np.vdot(p, q).real
        x, r = x + alpha * p, r - alpha * q
        z = precondition(r)
        rz, old = np.vdot(r, z).real, rz
        p = z + rz / old * p
        xs.append(x)
        norms.append(np.linalg.norm(b - A @ x))
    return xs, np.array(norms)


class Run:
    """Plan and buffers of one matrix."""

    def __init__(self, parts, A, index="uint32"):
        self.A, ar = A, parts(A, index)
        self.plan = es.symbolic(*ar[:2])
        self.mat, self.root, self.vec, self.scal = es.allocate(self.plan, A.dtype)
        self.vec[:] = np.nan  # nothing may depend on what was there
        self.row = es.numeric(self.plan, *ar, self.mat, self.root)
        self.norms = np.full(3000, np.nan)

    def start(self, b, omega):
        return es.start(self.plan, self.mat, self.root, omega, b, self.vec, self.scal)

    def __call__(self, n, goal=-1.0, norms=None):
        return es.cg(
            self.plan, self.mat, self.root, self.vec, self.scal, n, goal, self.norms if norms is None else norms
        )

    def x(self, x0=None):
        x = np.full(self.A.shape[0], np.nan, self.A.dtype)
        es.solution(self.plan, self.root, self.vec, self.scal, np.zeros_like(x) if x0 is None else x0, x)
        return x

    def look(self):
        return es.look(self.plan, self.mat, self.root, self.vec, self.scal)


NAMES = ["one", "diagonal", "line", "grid2", "grid3", "stencil9", "red_black", "long levels", "mesh", "random", "dense"]
NAMES += ["hub", "two blocks"]


def test_by_hand(parts):
    """A = [[2, 1], [1, 2]], omega = 1, b = (1, 0): M = W D^-1 W' = [[2, 1], [1, 2.5]].

    z = M^-1 b = (2.5, -1)/4, A z = (1, 1/8), alpha = <b, z>/<z, A z> = 0.625/0.59375.
    """
    run = Run(parts, sp.csr_array(np.array([[2.0, 1.0], [1.0, 2.0]])))
    assert run.start(np.array([1.0, 0.0]), 1.0) == 1.0
    assert run(1) == 1
    assert np.allclose(run.x(), 0.625 / 0.59375 * np.array([0.625, -0.25]), rtol=1e-15)
    run(1)
    assert np.allclose(run.x(), [2 / 3, -1 / 3], rtol=1e-14)


@pytest.mark.parametrize("omega", [0.6, 1.0, 1.7])
@pytest.mark.parametrize("name", NAMES)
def test_iterates_are_those_of_cg_with_ssor(parts, shapes, vector, name, omega):
    """Whatever the pattern: runs, compressed rows, both; so the renumbering changes the iterates by rounding only."""
    A = shapes[name]
    b = vector(A.shape[0])
    run, n = Run(parts, A), 1 if name in ("one", "diagonal") else 7
    run.start(b, omega)
    xs, norms = ssor_cg(A, b, omega, n)
    for x in xs:
        assert run(1) == 1
        assert np.allclose(run.x(), x, rtol=0, atol=1e-11 * abs(xs[-1]).max())
    assert run.look() == pytest.approx(norms[-1], rel=1e-9, abs=1e-12)


def test_types(parts, definite, vector, dtype, index, near):
    A, b = definite(70, 0.05, dtype), vector(70, dtype)
    run = Run(parts, A, index)
    assert run.start(b, 1.4) == pytest.approx(np.linalg.norm(b), rel=1e-6)
    xs, norms = ssor_cg(A, b, 1.4, 6)
    assert run(6) == 6
    assert run.x().dtype == dtype
    assert np.allclose(run.x(), xs[-1], rtol=0, atol=10 * near * abs(xs[-1]).max())
    assert run.look() == pytest.approx(norms[-1], rel=200 * near)


def test_numbering_of_the_unknowns_is_all_that_levels_change(parts, shapes, vector):
    """A row order that is already sorted by level gives the same plan, so both orders must give the same iterates."""
    A, b = shapes["mesh"], vector(400)
    plan = es.symbolic(*parts(A)[:2])
    perm = plan[es.HEAD : es.HEAD + 400].astype(int)
    here, there = Run(parts, A), Run(parts, sp.csr_array(A[perm][:, perm]))
    here.start(b, 1.5)
    there.start(b[perm], 1.5)
    here(10)
    there(10)
    assert np.allclose(here.x()[perm], there.x(), rtol=0, atol=1e-12 * abs(there.x()).max())


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("omega", [1.0, 1.8])
def test_stops_on_the_true_norm(parts, shapes, vector, name, omega):
    A = shapes[name]
    b = vector(A.shape[0])
    run = Run(parts, A)
    goal = 1e-9 * run.start(b, omega)
    k = run(3000, goal)
    assert 0 < k < 3000
    assert run.scal[es.CODE] == 0
    assert run.norms[k - 1] <= goal < run.norms[: k - 1].min(initial=np.inf)
    assert np.linalg.norm(b - A @ run.x()) == pytest.approx(run.norms[k - 1], rel=1e-4)
    _, norms = ssor_cg(A, b, omega, k)
    assert k <= np.flatnonzero(norms <= goal * (1 + 1e-6))[0] + 1 + es.EVERY


def test_looks(parts, shapes, vector):
    """At least every eighth iteration the norm is true; elsewhere it is an estimate above the goal."""
    A, b = shapes["grid2"], vector(23 * 23)
    run, norm = Run(parts, A), np.empty(1)
    goal = 1e-6 * run.start(b, 1.6)
    done = looked = 0
    while True:
        assert run(1, goal, norm) == 1
        done += 1
        true = np.linalg.norm(b - A @ run.x())
        if run.scal[es.LOOKED] == done:
            looked = done
            assert norm[0] == run.scal[es.TRUE] == pytest.approx(true, rel=1e-6)
            if norm[0] <= goal:
                break
        else:
            assert norm[0] > es.NEAR * goal
        assert done - looked < es.EVERY
        assert run.scal[es.STEPS] == done


def test_cutting_the_calls_changes_no_bit(parts, shapes, vector):
    A, b = shapes["grid3"], vector(729)
    whole, cut = Run(parts, A), Run(parts, A)
    goal = 1e-8 * whole.start(b, 1.5)
    cut.start(b, 1.5)
    k, done, pieces = whole(500, goal), 0, []
    while done < k:
        n = cut(3, goal)
        pieces += cut.norms[:n].tolist()
        done += n
        cut.x()  # a look at the solution disturbs nothing
    assert done == k
    assert np.array_equal(whole.norms[:k], pieces)
    assert np.array_equal(whole.x(), cut.x())


def test_another_right_side_another_omega_another_matrix(parts, shapes, vector):
    """The buffers serve the next solve; nothing of the last is left, and omega needs no new values."""
    A, b = shapes["stencil9"], vector(400)
    run = Run(parts, A)
    run.start(vector(400, seed=9), 1.1)
    run(5)
    run.start(b, 1.6)
    run(5)
    fresh = Run(parts, A)
    fresh.start(b, 1.6)
    fresh(5)
    assert np.array_equal(run.x(), fresh.x())
    B = sp.csr_array(A + 3.0 * sp.eye_array(400))
    assert es.numeric(run.plan, *parts(B), run.mat, run.root) == -1
    run.start(b, 1.6)
    run(5)
    assert np.allclose(run.x(), ssor_cg(B, b, 1.6, 5)[0][-1], rtol=0, atol=1e-12)


def test_from_another_start(parts, shapes, vector):
    A, b, x0 = shapes["grid2"], vector(529), vector(529, seed=4)
    run = Run(parts, A)
    goal = 1e-10 * np.linalg.norm(b)
    first = run.start(b - A @ x0, 1.7)
    assert first == pytest.approx(np.linalg.norm(b - A @ x0))
    assert np.array_equal(run.x(x0), x0)
    assert run(500, goal) < 500
    assert np.linalg.norm(b - A @ run.x(x0)) <= 1.01 * goal


def test_one_step_where_the_forecast_cancels(parts, vector):
    run = Run(parts, sp.csr_array(sp.diags_array(np.arange(1.0, 60.0))))
    first = run.start(vector(59), 1.0)
    assert run(20, 1e-14 * first) == 1
    assert np.allclose(run.x(), vector(59) / np.arange(1.0, 60.0), rtol=1e-14)


def test_zero_right_hand_side(parts, shapes):
    run = Run(parts, shapes["grid2"])
    assert run.start(np.zeros(529), 1.5) == 0.0
    assert run(10, 0.0) == 0
    assert run.scal[es.CODE] == es.EXACT == 3
    assert not run.x().any()


def test_indefinite_is_said_and_the_last_good_iterate_kept(parts, shapes, vector):
    A = sp.csr_array(shapes["grid2"] - 1.0 * sp.eye_array(529))
    run = Run(parts, A)
    run.start(vector(529), 1.0)
    k = run(500, 0.0)
    assert k < 500
    assert run.scal[es.CODE] == es.INDEFINITE == 1
    again = Run(parts, A)
    again.start(vector(529), 1.0)
    assert again(k) == k
    assert np.allclose(run.x(), again.x(), rtol=1e-13)
    assert run(5) == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_ends(parts, shapes, vector, value):
    for name in ("grid2", "mesh"):
        A, b = shapes[name], vector(shapes[name].shape[0])
        b[11] = value
        run = Run(parts, A)
        run.start(b, 1.5)
        assert run(500, 0.0) == 0
        assert run.scal[es.CODE] == es.NONFINITE == 2
        ip, ix, a = parts(A)
        a[ix != np.repeat(np.arange(A.shape[0]), np.diff(ip.astype(int)))] = value
        run = Run(parts, sp.csr_array((a, ix.astype(int), ip.astype(int)), shape=A.shape))
        run.start(vector(A.shape[0]), 1.5)
        assert run(500, 0.0) < 2
        assert run.scal[es.CODE] == es.NONFINITE


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0, -1.0])
def test_a_diagonal_that_cannot_be(parts, shapes, value):
    A = shapes["grid2"].copy()
    A = A.tolil()
    A[17, 17] = A[30, 30] = value
    ip, ix, a = parts(sp.csr_array(A))
    run = Run(parts, shapes["grid2"])
    assert es.numeric(es.symbolic(ip, ix), ip, ix, a, run.mat, run.root) == 17


def test_wide_scales(parts, shapes, vector):
    """Rows and columns scaled over twenty orders of magnitude: the iterates scale with them."""
    A, b = shapes["grid2"], vector(529)
    s = 10.0 ** np.linspace(-10, 10, 529)
    B = sp.csr_array(sp.diags_array(s) @ A @ sp.diags_array(s))
    plain, scaled = Run(parts, A), Run(parts, B)
    plain.start(b, 1.5)
    scaled.start(s * b, 1.5)
    plain(10)
    scaled(10)
    assert np.allclose(scaled.x() * s, plain.x(), rtol=0, atol=1e-10)
