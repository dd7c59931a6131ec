"""The battery of the methods for fixed points: what each must do, whatever it is. One row of ``ROWS`` enrols a method."""

import dataclasses
import json

import numpy as np
import pytest

import resolvent as rv
from resolvent.core import Residual, Steps, drive
from resolvent.core.registry import REGISTRY

RTOL = {"float32": 1e-3, "complex64": 1e-3, "float64": 1e-8, "complex128": 1e-8}
N = 24


def affine(dtype="float64", seed=1, rate=0.9, drift=0.0, **options):
    """``T(x) = M x + b`` with the norm of M equal to ``rate``: contracting, and not symmetric."""
    rng = np.random.default_rng(seed)
    M, b = rng.standard_normal((N, N)), rng.standard_normal(N)
    if np.dtype(dtype).kind == "c":
        M, b = M + 1j * rng.standard_normal((N, N)), b + 1j * rng.standard_normal(N)
    M = (rate * M / np.linalg.norm(M, 2)).astype(dtype)
    b = (b + drift * rng.standard_normal(N)).astype(dtype)
    return Known(lambda x: M @ x + b, np.linalg.solve(np.eye(N) - M.astype(complex), b), dtype, options)


def bent(dtype="float64", seed=1, drift=0.0, **options):
    """A contraction that is not affine: ``T(x) = M sin(x) + b`` entry by entry."""
    known = affine(dtype, seed, 0.8, drift)
    problem = Known(lambda x: known.map(np.sin(x)), None, dtype, options)
    x = np.zeros(N, dtype=np.result_type(dtype, np.float64))
    for _ in range(2000):
        x = known.map(np.sin(x))
    problem.answer = x
    return problem


class Known:
    """A map, its fixed point, and the dtype."""

    def __init__(self, map, answer, dtype, options):
        self.map, self.answer, self.dtype, self.options = map, answer, dtype, options

    def problem(self):
        return rv.FixedPoint(self.map, reference=np.zeros(N, dtype=self.dtype), **self.options)


@dataclasses.dataclass(frozen=True)
class Row:
    """A method, and the map that it is checked on."""

    name: str
    method: object
    build: object = affine
    dtypes: tuple = ("float64", "float32", "complex128", "complex64")


ROWS = [
    Row("picard", rv.Picard()),
    Row("picard-bent", rv.Picard(), bent, ("float64", "float32")),
    Row("krasnoselskiimann", rv.KrasnoselskiiMann()),
    Row("krasnoselskiimann-0.8", rv.KrasnoselskiiMann(0.8), bent, ("float64", "float32")),
    Row("halpern", rv.Halpern(), dtypes=("float32", "complex64")),
    Row("restartedhalpern", rv.RestartedHalpern()),
    Row("anderson", rv.Anderson()),
    Row("displacement", rv.Displacement(), dtypes=("float64", "complex128")),
    Row("newtonkrylov", rv.NewtonKrylov(), dtypes=("float64", "complex128")),
    Row("newtonkrylov-bent", rv.NewtonKrylov("gmres"), bent, ("float64",)),
    Row("anderson-bent", rv.Anderson(depth=3, damping=0.9), bent, ("float64", "float32")),
]
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def solved(row, problem, **options):
    options.setdefault("rtol", RTOL[problem.dtype])
    return rv.solve(problem, row.method, on_fail="ignore", **options)


def first(row):
    return row.build(row.dtypes[0])


@check
def published_fact_equals_recomputed(row):
    for dtype in row.dtypes:
        known = row.build(dtype)
        problem = known.problem()
        result = solved(row, problem)
        true = np.linalg.norm(result.x - known.map(result.x))
        scale = np.linalg.norm(known.map(np.zeros(N, dtype=dtype)))
        assert result.ok and result.status == rv.Status.RESIDUAL, (dtype, result.reason)
        assert result.seen["residual"] == pytest.approx(true, rel=1e-6)
        assert result.threshold == pytest.approx(RTOL[dtype] * scale, rel=1e-5) and true <= result.threshold
        assert result.steps > 0 and result.work["maps"] > 1 and result.cost.total > result.work["maps"] - 1e-9
        assert json.dumps(result.certificate()) and "fixed" not in result.certificate()["kind"]


@check
def oracle_agrees(row):
    for dtype in row.dtypes:
        known = row.build(dtype)
        problem = known.problem()
        result = solved(row, problem)
        assert np.linalg.norm(result.x - known.answer) <= 10.1 * result.seen["residual"] + 1e-4 * (dtype[-2:] in "3264")


@check
def every_evaluation_is_counted(row):
    known = first(row)
    calls = []

    def counted(x):
        calls.append(1)
        return known.map(x)

    problem = rv.FixedPoint(counted, reference=np.zeros(N, dtype=known.dtype))
    result = solved(row, problem)
    assert result.ok and result.work["maps"] == len(calls)


@check
def dtype_is_kept(row):
    for dtype in row.dtypes:
        result = solved(row, row.build(dtype).problem())
        assert result.x.dtype == np.dtype(dtype) and result.x.shape == (N,)


@check
def method_is_frozen_and_unchanged(row):
    before = repr(row.method)
    solved(row, first(row).problem())
    assert repr(row.method) == before
    name = dataclasses.fields(row.method)[0].name if dataclasses.fields(row.method) else "x"
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(row.method, name, 1)


@check
def inputs_are_not_modified(row):
    known = first(row)
    x0, reference = np.ones(N, dtype=known.dtype), np.zeros(N, dtype=known.dtype)

    def destructive(x):  # whatever a map does to its argument, the iterates stay as they are
        y = known.map(x)
        x[:] = 7.0
        return y

    for array in (x0, reference):
        array.flags.writeable = False
    result = solved(row, rv.FixedPoint(destructive, reference=reference), x0=x0)
    plain = solved(row, known.problem(), x0=x0)
    assert result.ok and result.x.tobytes() == plain.x.tobytes()
    assert np.all(x0 == 1.0) and not reference.any()


@check
def a_map_may_answer_in_one_place(row):
    known = first(row)
    place = np.empty(N, dtype=known.dtype)

    def lazy(x):
        place[:] = known.map(x)
        return place

    result = solved(row, rv.FixedPoint(lazy, reference=np.zeros(N, dtype=known.dtype)))
    assert result.ok and result.x.tobytes() == solved(row, known.problem()).x.tobytes()


@check
def restart_from_the_solution_stops_at_once(row):
    for dtype in row.dtypes:
        problem = row.build(dtype).problem()
        first = solved(row, problem)
        again = solved(row, problem, x0=first.x)
        assert again.ok and again.steps == 0 and np.array_equal(again.x, first.x)


@check
def harvest_serves_the_same_tolerance(row):
    dtype = row.dtypes[0]
    stop = Residual(RTOL[dtype]) | Steps(5000)

    def run(known, carry=None):
        problem = known.problem()
        problem.receive(None)
        return drive(problem, row.method, stop, carry=carry)

    one, other = row.build(dtype), row.build(dtype, drift=0.01)
    before = run(one)
    slots = {k: v for k, v in before.carry.items() if k != "residual"}
    for known in (one, other):
        result = run(known, slots)
        assert result.ok, result.reason
        assert np.linalg.norm(result.x - known.map(result.x)) <= result.threshold * 1.001


@check
def same_seed_same_bits(row):
    one, two = (solved(row, first(row).problem(), seed=3) for _ in range(2))
    assert one.x.tobytes() == two.x.tobytes() and one.steps == two.steps
    assert np.array_equal(one.history, two.history) and one.work == two.work


@check
def what_is_not_finite_is_called_so(row):
    known = first(row)
    for bad in (np.nan, np.inf):
        x0 = np.zeros(N, dtype=known.dtype)
        x0[3] = bad
        assert solved(row, known.problem(), x0=x0).status == rv.Status.NONFINITE
        result = solved(
            row, rv.FixedPoint(lambda x, bad=bad: x + x.dtype.type(bad), reference=np.zeros(N, known.dtype))
        )
        assert result.status == rv.Status.NONFINITE and "reference" in result.reason
        late = rv.FixedPoint(_failing(known, 4, bad), reference=np.zeros(N, known.dtype))
        result = solved(row, late)
        assert result.status == rv.Status.NONFINITE and np.all(np.isfinite(result.x))


def _failing(known, after, value):
    count = [0]

    def map(x):
        count[0] += 1
        y = known.map(x)
        if count[0] > after:
            y[0] = value
        return y

    return map


@check
def a_map_that_raises_or_changes_shape_ends_error(row):
    known = first(row)
    zeros = np.zeros(N, known.dtype)

    def angry(x):
        raise RuntimeError("no such luck")

    wide = "complex128" if np.dtype(known.dtype).kind == "c" else "float64"
    other = {"float64": "float32", "complex128": "complex64"}.get(known.dtype, wide)
    for map, said in (
        (angry, "no such luck"),
        (lambda x: x[:-1], f"shape ({N - 1},)"),
        (lambda x: x.astype(other), "dtype"),
        (lambda x: None, "NoneType"),
    ):
        result = solved(row, rv.FixedPoint(map, reference=zeros))
        assert result.status == rv.Status.ERROR and said in result.reason, result.reason
        calls = []

        def late(x, calls=calls, map=map):
            calls.append(1)
            return known.map(x) if len(calls) < 4 else map(x)

        result = solved(row, rv.FixedPoint(late, reference=zeros))
        assert result.status == rv.Status.ERROR and said in result.reason, result.reason


@check
def a_map_that_expands_diverges(row):
    known = first(row)
    result = solved(row, rv.FixedPoint(lambda x: 3 * x + known.map(x), reference=np.zeros(N, known.dtype)))
    if type(row.method) not in (
        rv.Anderson,
        rv.NewtonKrylov,
    ):  # which find the fixed point of an affine map all the same
        assert result.status == rv.Status.DIVERGED, result.reason
    assert result.ok or result.status < 0
    assert np.all(np.isfinite(result.x))


@check
def threshold_does_not_depend_on_the_guess(row):
    rng = np.random.default_rng(0)
    known = first(row)
    guesses = [(10.0**k * rng.standard_normal(N)).astype(known.dtype) for k in range(-3, 4)]
    assert len({solved(row, known.problem(), x0=x0, max_steps=5).threshold for x0 in guesses}) == 1


@check
def budget_is_kept_and_said(row):
    known = first(row)
    result = solved(row, known.problem(), max_steps=2, rtol=1e-13)
    assert result.steps <= 2 and result.status == rv.Status.BUDGET and result.reason.startswith("BUDGET")
    assert result.seen["residual"] == pytest.approx(np.linalg.norm(result.x - known.map(result.x)), rel=1e-6)


@check
def a_noisy_map_is_never_called_solved_beyond_its_noise(row):
    known = first(row)
    rng = np.random.default_rng(5)
    noise = 1e-3 if np.dtype(known.dtype).itemsize < 16 else 1e-6

    def noisy(x):
        return known.map(x) + (noise * rng.standard_normal(N)).astype(known.dtype)

    result = solved(row, rv.FixedPoint(noisy, reference=np.zeros(N, known.dtype)), rtol=1e-12, max_steps=500)
    assert not result.ok


@check
def linear_systems_and_other_methods_are_refused(row):
    with pytest.raises(ValueError, match="linear system does not offer"):
        rv.solve(rv.LinearSystem(np.eye(3), np.ones(3)), row.method)
    with pytest.raises(ValueError, match="not a method for fixed points"):
        rv.solve(affine().problem(), "cg")


@pytest.mark.parametrize("function", CHECKS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_battery(row, function):
    function(row)


def test_every_method_for_fixed_points_is_enrolled():
    own = {
        name
        for name, cls in REGISTRY["method"].items()
        if ".fixedpoint." in cls.__module__ and "operator" not in cls.needs  # those: test_inclusion.py
    }
    assert own == {type(row.method).__name__.lower() for row in ROWS} | {"linearized"}  # test_fixed_point_newton.py
