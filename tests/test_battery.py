"""The battery: what every method must do, whatever it is. A new method is enrolled by one row of ``ROWS``.

A check is a function of a row; ``tests/test_contributing.py`` runs the same checks on the method of CONTRIBUTING.md.
"""

import dataclasses
import json
import tracemalloc
from importlib.util import find_spec

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse.linalg import aslinearoperator

import resolvent as rv
from resolvent.core import Residual, Steps, drive

RTOL = {"float32": 1e-3, "complex64": 1e-3, "float64": 1e-8, "complex128": 1e-8}


def grid(dtype="float64", side=11, shift=0.5, seed=1, drift=0.0):
    """A shifted 5-point Laplacian with a random right-hand side; Hermitian, with complex entries for a complex dtype.

    ``drift`` adds convection, so that it is diagonally dominant and not symmetric.
    """
    line = sp.diags_array([-np.ones(side - 1), 2.0 * np.ones(side), -np.ones(side - 1)], offsets=[-1, 0, 1])
    eye = sp.eye_array(side)
    A = sp.csr_array(sp.kron(line, eye) + sp.kron(eye, line) + shift * sp.eye_array(side * side))
    if drift:
        wind = sp.diags_array([-np.ones(side - 1), np.ones(side)], offsets=[-1, 0])
        A = sp.csr_array(A + drift * sp.kron(eye, wind))
    rng = np.random.default_rng(seed)
    b = rng.standard_normal(side * side)
    if np.dtype(dtype).kind == "c":
        turn = sp.diags_array(np.exp(1j * np.arange(side * side)))
        A = sp.csr_array(turn @ A @ turn.conj())
        b = b + 1j * rng.standard_normal(side * side)
    A.sort_indices()
    return rv.LinearSystem(A.astype(dtype), b.astype(dtype))


def wind(dtype="float64", **options):
    """The same with convection: not symmetric."""
    return grid(dtype, drift=0.7, **options)


def indefinite(dtype="float64", shift=0.5, **options):
    """Hermitian with eigenvalues of either sign, none near zero."""
    problem = grid(dtype, shift=shift, **options)
    side = int(np.sqrt(problem.n))
    turn = np.where((np.arange(problem.n) // side) % 2 == 0, 1.0, -1.0)  # lines of the grid, in turn
    A = problem.A + sp.diags_array(6.0 * turn).astype(dtype) - 4.0 * sp.eye_array(problem.n, dtype=dtype)
    return rv.LinearSystem(sp.csr_array(A).astype(dtype), problem.b)


def lossy(dtype="complex128", shift=0.5, **options):
    """Complex symmetric: the grid with damping on its diagonal. Real for a real dtype."""
    problem = grid("float64", shift=shift, **options)
    A, b = problem.A, problem.b
    if np.dtype(dtype).kind == "c":
        A = A + 0.8j * sp.diags_array(np.linspace(0.2, 1.0, problem.n))
        b = b + 1j * b[::-1]
    return rv.LinearSystem(sp.csr_array(A).astype(dtype), b.astype(dtype))


def easy(dtype="float64", shift=0.5, **options):
    """The grid with a heavy diagonal."""
    return grid(dtype, shift=400.0 + shift, **options)


def dense_solution(problem):
    """The oracle: LAPACK in double precision."""
    wide = np.result_type(problem.b.dtype, np.float64)
    return np.linalg.solve(problem.A.toarray().astype(wide), problem.b.astype(wide))


def halved(r):
    """A function as preconditioner."""
    return 0.5 * r


@dataclasses.dataclass(frozen=True)
class Row:
    """A method, the problem that it is checked on, and who knows the answer."""

    name: str
    method: object
    build: object = grid
    oracle: object = dense_solution
    dtypes: tuple = ("float64", "float32", "complex128", "complex64")
    kernel: bool = True  # its step runs in a kernel and allocates nothing
    exact_scaling: bool = True  # multiplying A by a power of four divides x by it, to the bit
    extra: str = ""


ROWS = [
    Row("jacobi", rv.Jacobi()),
    Row("jacobi-damped-wind", rv.Jacobi(omega=0.8), wind),
    Row("gaussseidel", rv.GaussSeidel()),
    Row("gaussseidel-wind", rv.GaussSeidel(), wind),
    Row("sor", rv.SOR(omega=1.3)),
    Row("sor-wind", rv.SOR(omega=0.9), wind),
    Row("ssor", rv.SSOR(omega=1.2)),
    Row("chebyshev", rv.Chebyshev()),
    Row("chebyshev-bounds", rv.Chebyshev(lmin=0.1, lmax=2.0)),
    Row("cg", rv.CG()),
    Row("cg+jacobi", rv.CG(rv.Jacobi())),
    Row("cg+ssor", rv.CG(rv.SSOR(omega=1.4))),
    Row("cg+ic", rv.CG(rv.IC()), kernel=False),
    Row("bicgstab+ilu0-wind", rv.BiCGStab(rv.ILU0()), wind, kernel=False),
    Row("gmres+ilut-wind", rv.GMRES(30, rv.ILUT()), wind, kernel=False),
    Row("gmres+blockjacobi-wind", rv.GMRES(30, rv.BlockJacobi(5)), wind, kernel=False),
    Row("minres+chebyshevpolynomial", rv.MINRES(rv.ChebyshevPolynomial(2)), kernel=False),
    Row("cg+ilu0", rv.CG(rv.ILU0()), kernel=False),
    Row("cg+blockjacobi", rv.CG(rv.BlockJacobi(5)), kernel=False),
    Row("cg+chebyshevpolynomial", rv.CG(rv.ChebyshevPolynomial(3)), kernel=False),
    Row("cg+symmetricpolynomial", rv.CG(rv.SymmetricPolynomial(2)), kernel=False, exact_scaling=False),
    Row("cg+direct", rv.CG(rv.Direct()), kernel=False),
    Row("minres", rv.MINRES()),
    Row("minres-indefinite", rv.MINRES(), indefinite),
    Row("minres+jacobi", rv.MINRES(rv.Jacobi())),
    Row("minres+direct", rv.MINRES(rv.Direct()), kernel=False),
    Row("minres+definite", rv.MINRES(rv.Definite()), kernel=False),
    Row("minres+definite-indefinite", rv.MINRES(rv.Definite()), indefinite, kernel=False),
    Row("minres+definite-jacobi", rv.MINRES(rv.Definite(rv.Jacobi())), indefinite),
    Row("rminres", rv.RMINRES(4), kernel=False),
    Row("rminres-indefinite", rv.RMINRES(4), indefinite, kernel=False),
    Row("rminres+definite", rv.RMINRES(4, rv.Definite()), kernel=False),
    Row("rminres+definite-jacobi", rv.RMINRES(4, rv.Definite(rv.Jacobi())), indefinite, kernel=False),
    Row("cocg", rv.COCG(), lossy, kernel=False),
    Row("cocg+jacobi", rv.COCG(rv.Jacobi()), lossy, kernel=False),
    Row("flexiblecg", rv.FlexibleCG(), kernel=False),
    Row("flexiblecg+function", rv.FlexibleCG(window=3, preconditioner=halved), kernel=False),
    Row("krylovgradient", rv.KrylovGradient(), kernel=False),
    Row("krylovgradient+jacobi", rv.KrylovGradient(2, rv.Jacobi()), kernel=False),
    Row("cg+function", rv.CG(halved), kernel=False),
    Row("idr-wind", rv.IDR(), wind),
    Row("idr+jacobi-indefinite", rv.IDR(s=2, preconditioner=rv.Jacobi()), indefinite),
    Row("idr+ilu0-wind", rv.IDR(s=2, preconditioner=rv.ILU0()), wind, kernel=False),
    Row("sketchproject", rv.SketchProject(look=8), easy, kernel=False),
    Row("sketchproject-block", rv.SketchProject("block"), easy, kernel=False),
    Row("sketchproject-gauss", rv.SketchProject("gauss", size=16), easy, kernel=False),
    Row("blockcg", rv.BlockCG(), kernel=False),
    Row("blockcg+direct", rv.BlockCG(rv.Direct()), kernel=False),
    Row("bicg-wind", rv.BiCG(), wind, kernel=False, exact_scaling=False),
    Row("cgs-wind", rv.CGS(), wind, kernel=False, exact_scaling=False),
    Row("qmr-wind", rv.QMR(), wind, kernel=False, exact_scaling=False),
    Row("tfqmr-wind", rv.TFQMR(), wind, kernel=False, exact_scaling=False),
    Row("lgmres-wind", rv.LGMRES(), wind, kernel=False, exact_scaling=False),
    Row("gcrotmk+jacobi", rv.GCROTMK(preconditioner=rv.Jacobi()), indefinite, kernel=False, exact_scaling=False),
    Row("bicgstab", rv.BiCGStab()),
    Row("bicgstab-wind", rv.BiCGStab(), wind),
    Row("bicgstab+jacobi-indefinite", rv.BiCGStab(rv.Jacobi()), indefinite),
    Row("bicgstab+direct-wind", rv.BiCGStab(rv.Direct()), wind, kernel=False),
    Row("cg+amg-sa", rv.CG(rv.AMG("sa")), dtypes=("float64",), kernel=False, exact_scaling=False, extra="pyamg"),
    Row("cg+amg-rs", rv.CG(rv.AMG("rs")), dtypes=("float64",), kernel=False, exact_scaling=False, extra="pyamg"),
    Row("gmres", rv.GMRES(), kernel=False),
    Row("gmres-wind", rv.GMRES(restart=12), wind, kernel=False),
    Row("gmres-wind+jacobi", rv.GMRES(20, rv.Jacobi()), wind, kernel=False),
    Row("gmres-wind-left", rv.GMRES(20, rv.Jacobi(), side="left"), wind, kernel=False),
    Row("gmres-wind+direct", rv.GMRES(20, rv.Direct()), wind, kernel=False),
    Row("fgmres-wind", rv.FGMRES(20, rv.Jacobi()), wind, kernel=False),
    Row("deflatedcg-blocks", rv.DeflatedCG(blocks=9), kernel=False),
    Row("deflatedcg-ssor", rv.DeflatedCG(blocks=16, preconditioner=rv.SSOR(1.5))),
    Row("deflatedcg-dense", rv.DeflatedCG(blocks=0, size=4), kernel=False),
    Row("deflatedcg-dense+jacobi", rv.DeflatedCG(blocks=0, preconditioner=rv.Jacobi()), kernel=False),
    Row("deflatedcg-dense+ic", rv.DeflatedCG(blocks=0, preconditioner=rv.IC(), precision="single"), kernel=False),
    Row("gcrodr", rv.GCRODR(14, 6), kernel=False),
    Row("gcrodr-wind", rv.GCRODR(14, 6), wind, kernel=False),
    Row("gcrodr-wind+jacobi", rv.GCRODR(14, 6, rv.Jacobi()), wind, kernel=False),
    Row("gcrodr-wind+direct", rv.GCRODR(14, 6, rv.Direct()), wind, kernel=False),
    Row("direct", rv.Direct(), kernel=False),
    Row("direct-wind", rv.Direct(), wind, kernel=False),
]
CHECKS = []


def check(function):
    """Enter a check into the battery."""
    CHECKS.append(function)
    return function


def solved(row, problem, **options):
    options.setdefault("rtol", RTOL[str(problem.dtype)])
    return rv.solve(problem, row.method, on_fail="ignore", **options)


def error_of(problem, x):
    """b - A x and its norm in the widest precision there is."""
    wide = np.clongdouble if problem.b.dtype.kind == "c" else np.longdouble
    coo = problem.A.tocoo()
    r = problem.b.astype(wide)
    np.subtract.at(r, coo.row, coo.data.astype(wide) * np.asarray(x).astype(wide)[coo.col])
    return float(np.sqrt(np.sum(np.abs(r) ** 2)))


def small(problem):
    """A residual that is below this is rounding."""
    return 100 * float(np.finfo(problem.dtype).eps) * float(np.linalg.norm(problem.b)) * 10


@check
def published_fact_equals_recomputed(row):
    for dtype in row.dtypes:
        problem = row.build(dtype)
        result = solved(row, problem)
        true = error_of(problem, result.x)
        asked = RTOL[dtype] * np.linalg.norm(problem.b)
        assert result.ok and result.status == rv.Status.RESIDUAL, (dtype, result.reason)
        assert true <= asked * (1 + 1e-3) + small(problem) * 1e-2
        assert abs(result.seen["residual"] - true) <= small(problem)
        assert result.threshold == pytest.approx(asked, rel=1e-6)
        assert result.steps > 0 and result.work and result.cost.total > 0
        assert json.dumps(result.certificate()) and "meets the tolerance" in result.reason


@check
def oracle_agrees(row):
    for dtype in row.dtypes:
        problem = row.build(dtype)
        x = solved(row, problem).x
        inverse = np.linalg.norm(np.linalg.inv(problem.A.toarray()), 2)
        bound = inverse * (error_of(problem, x) + small(problem))
        assert np.linalg.norm(x - row.oracle(problem)) <= 1.01 * bound


@check
def dtype_is_kept(row):
    for dtype in row.dtypes:
        result = solved(row, row.build(dtype))
        assert result.x.dtype == np.dtype(dtype) and result.x.shape == (121,)


@check
def method_is_frozen_and_unchanged(row):
    before = repr(row.method)
    solved(row, row.build())
    assert repr(row.method) == before
    name = dataclasses.fields(row.method)[0].name if dataclasses.fields(row.method) else "x"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(row.method, name, 1)
    assert dataclasses.replace(row.method) == row.method


@check
def inputs_are_not_modified(row):
    problem = row.build()
    x0 = np.linspace(-1.0, 1.0, 121)
    arrays = [problem.A.data, problem.A.indices, problem.A.indptr, problem.b, x0]
    before = [a.tobytes() for a in arrays]
    for array in arrays:
        array.flags.writeable = False
    assert solved(row, problem, x0=x0).ok
    assert [a.tobytes() for a in arrays] == before


@check
def restart_from_the_solution_stops_at_once(row):
    for dtype in row.dtypes:
        problem = row.build(dtype)
        first = solved(row, problem)
        again = solved(row, problem, x0=first.x)
        assert again.ok and again.steps == 0
        assert np.array_equal(again.x, first.x)


@check
def harvest_serves_the_same_tolerance(row):
    if hasattr(row.method, "solve"):  # a black box that owns its loop
        return
    stop = Residual(1e-9) | Steps(5000)
    first = drive(row.build(), row.method, stop)
    again = drive(row.build(), row.method, stop, carry=first.carry)
    later = drive(
        row.build(shift=0.6), row.method, stop, carry={k: v for k, v in first.carry.items() if k != "residual"}
    )
    for result, problem in ((first, row.build()), (again, row.build()), (later, row.build(shift=0.6))):
        assert result.ok, result.reason
        assert error_of(problem, result.x) <= 1e-9 * np.linalg.norm(problem.b) * 1.001


@check
def same_seed_same_bits(row):
    one, two = (solved(row, row.build(), seed=3) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes() and one.steps == two.steps
    assert np.array_equal(one.history, two.history) and one.work == two.work


@check
def input_that_is_not_finite_ends_nonfinite(row):
    for bad in (np.nan, np.inf, -np.inf):
        problem = row.build()
        A, b = problem.A.copy(), problem.b.copy()
        b[3] = bad
        assert solved(row, rv.LinearSystem(A, b)).status == rv.Status.NONFINITE
        for i, j in ((0, 1), (5, 5)):
            A = problem.A.copy()
            A[i, j] = A[j, i] = bad
            result = solved(row, rv.LinearSystem(A, problem.b))
            assert result.status == rv.Status.NONFINITE, (bad, i, j, result.reason)
            assert "A contains" in result.reason
        x0 = np.zeros(121)
        x0[7] = bad
        result = solved(row, row.build(), x0=x0)
        assert result.ok or result.status == rv.Status.NONFINITE


@check
def zero_right_hand_side_ends_at_once(row):
    problem = row.build()
    result = solved(row, rv.LinearSystem(problem.A, np.zeros(121)))
    assert result.ok and result.steps == 0 and not result.x.any()


@check
def threshold_does_not_depend_on_the_guess(row):
    rng = np.random.default_rng(0)
    found = {solved(row, row.build(), x0=10.0**k * rng.standard_normal(121)).threshold for k in range(-5, 5)}
    assert len(found) == 1


@check
def missing_capability_is_refused(row):
    problem = row.build()
    needs = row.method.needs
    if "entries" in needs:
        with pytest.raises(ValueError, match="entries of A"):
            solved(row, rv.LinearSystem(aslinearoperator(problem.A), problem.b))
    if "complex symmetric" in needs:
        with pytest.raises(ValueError, match="equal to its transpose"):
            solved(row, wind())
        with pytest.raises(ValueError, match="equal to its transpose"):
            solved(row, grid("complex128"))  # Hermitian
    if "symmetric" in needs:
        with pytest.raises(ValueError, match="symmetric"):
            solved(row, wind())
        turned = problem.A.astype(complex)
        turned[0, 1] = turned[1, 0] = -1.0 + 0.5j  # complex symmetric, not Hermitian
        with pytest.raises(ValueError, match="Hermitian"):
            solved(row, rv.LinearSystem(turned, problem.b.astype(complex)))


@check
def budget_is_kept_and_said(row):
    result = solved(row, row.build(), max_steps=2, rtol=1e-13)
    assert result.steps <= 2
    assert result.ok or (result.status == rv.Status.BUDGET and result.reason.startswith("BUDGET"))
    assert abs(result.seen["residual"] - error_of(row.build(), result.x)) <= small(row.build())


@check
def stride_does_not_change_the_iterates(row):
    if not hasattr(row.method, "stride"):
        return
    runs = []
    for stride in (1, 7, 64):
        method = dataclasses.replace(row.method, stride=stride)
        some = rv.solve(row.build(), method, rtol=1e-14, max_steps=19, on_fail="ignore")
        whole = rv.solve(row.build(), method, rtol=1e-8)
        runs.append((some.x.tobytes(), whole.x.tobytes(), whole.steps))
    assert runs[0] == runs[1] == runs[2]


@check
def step_allocates_nothing(row):
    if not row.kernel:
        return
    problem = row.build(side=60)
    state = row.method.init(problem, None, {})
    state.room, state.goal = 3, 0.0
    row.method.step(problem, state)
    tracemalloc.start()
    row.method.step(problem, state)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * 3600 // 2, f"a step allocated {peak} bytes, an n-vector has {8 * 3600}"


@check
def scaling_by_powers_of_four_scales_x(row):
    if row.method.__class__.__module__.endswith("wrapped"):
        return  # SciPy's own recurrences break down at fixed small numbers
    whole = solved(row, row.build())

    @given(st.integers(-20, 20), st.integers(-20, 20))
    def scales(left, right):
        problem = row.build()
        left = left if row.exact_scaling else 0
        scaled = rv.LinearSystem(problem.A * 4.0**left, problem.b * 4.0**right)
        result = solved(row, scaled)
        assert result.steps == whole.steps
        assert np.array_equal(result.x, whole.x * 4.0 ** (right - left))

    scales()


@check
def renumbering_renumbers_x(row):
    problem = row.build()
    exact = row.oracle(problem)

    @given(st.randoms(use_true_random=False))
    def renumbers(random):
        order = list(range(121))
        random.shuffle(order)
        moved = rv.LinearSystem(sp.csr_array(problem.A[order][:, order]), problem.b[order])
        result = solved(row, moved)
        assert result.ok
        assert np.linalg.norm(result.x - exact[order]) <= 1e-6 * np.linalg.norm(exact)

    renumbers()


@pytest.mark.parametrize("function", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_battery(row, function):
    if row.extra and find_spec(row.extra) is None:
        pytest.skip(f"needs {row.extra}: pip install 'resolvent[amg]'")
    function(row)


def test_every_method_is_enrolled():
    from resolvent.core.registry import REGISTRY

    elsewhere = (  # families with a battery of their own
        ".methods.coordinate.",
        ".methods.fixedpoint.",
        ".methods.separation",
        ".methods.least_squares.",
        ".methods.lowrank.",
        ".methods.newton.",
        ".methods.wrapped.least_squares.",
        ".methods.transport.",
    )
    linear = {
        name
        for name, cls in REGISTRY["method"].items()
        if not any(part in f"{cls.__module__}.{name}" for part in elsewhere)
    }
    assert linear == {type(row.method).__name__.lower() for row in ROWS}
