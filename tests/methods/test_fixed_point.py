"""Fixed points: known answers, the tolerance, bad input, and the array libraries."""

import math
from importlib.util import find_spec

import numpy as np
import pytest

import resolvent as rv

VECTOR_METHODS = [rv.Picard(), rv.KrasnoselskiiMann(), rv.Halpern(), rv.RestartedHalpern(), rv.Anderson()]
ids = [type(m).__name__ for m in VECTOR_METHODS]


def rotation(angle):
    return np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])


def rotation_with_drift(angle=1.0, speed=0.7):
    R = np.eye(3)
    R[:2, :2] = rotation(angle)
    return lambda x: R @ x - np.array([0.0, 0.0, speed])


# ---- known answers


def test_picard_never_ends_on_a_rotation_and_halpern_keeps_its_bound():
    R, x0 = rotation(0.3), np.array([3.0, 4.0])
    problem = rv.FixedPoint(lambda x: R @ x)
    residuals = {}
    for name in ("picard", "halpern"):
        result = rv.solve(problem, name, x0=x0, max_steps=2000, on_fail="ignore")
        assert not result.ok
        residuals[name] = result.history[:, 1]
    assert np.allclose(residuals["picard"], residuals["picard"][0])
    k = np.arange(len(residuals["halpern"]))
    assert np.all(residuals["halpern"] <= 2 * 5.0 / (k + 1) * (1 + 1e-12))


def test_halpern_is_halpern():
    rng = np.random.default_rng(0)
    M, b, x0 = 0.5 * np.eye(4) + 0.1 * rng.random((4, 4)), rng.random(4), rng.random(4)
    x = x0
    for k in range(7):
        x = x0 / (k + 2) + (1 - 1 / (k + 2)) * (M @ x + b)
    result = rv.solve(rv.FixedPoint(lambda x: M @ x + b), "halpern", x0=x0, max_steps=7, rtol=0.0, on_fail="ignore")
    assert result.steps == 7 and np.allclose(result.x, x, rtol=1e-14)


def test_anderson_with_enough_depth_solves_an_affine_map_like_gmres():
    rng = np.random.default_rng(1)
    M = rng.standard_normal((6, 6))
    M *= 0.9 / np.linalg.norm(M, 2)
    b = rng.standard_normal(6)
    result = rv.solve(rv.FixedPoint(lambda x: M @ x + b), rv.Anderson(depth=6), x0=np.zeros(6), rtol=1e-9)
    assert result.ok and result.steps <= 9
    assert np.allclose(result.x, np.linalg.solve(np.eye(6) - M, b), rtol=1e-7)


@pytest.mark.parametrize("method", [*VECTOR_METHODS, "auto"], ids=[*ids, "auto"])
def test_a_map_that_drifts_ends_diverged_with_its_displacement(method):
    result = rv.solve(rv.FixedPoint(rotation_with_drift()), method, x0=np.ones(3), on_fail="ignore")
    assert result.status == rv.Status.DIVERGED and "no fixed point" in result.reason
    assert result.seen["displacement"] == pytest.approx(0.7, rel=0.02)


def test_infeasible_is_said_only_with_a_certificate():
    asked = []

    def certificate(v):
        asked.append(np.array(v))
        return bool(np.linalg.norm(v - [0, 0, 0.7]) < 0.05)

    problem = rv.FixedPoint(rotation_with_drift(), certificate=certificate)
    assert rv.solve(problem, "halpern", x0=np.ones(3), on_fail="ignore").status == rv.Status.INFEASIBLE
    assert asked
    other = rv.FixedPoint(rotation_with_drift(), certificate=lambda v: False)
    assert rv.solve(other, "halpern", x0=np.ones(3), on_fail="ignore").status == rv.Status.DIVERGED


@pytest.mark.parametrize("method", VECTOR_METHODS, ids=ids)
def test_a_slow_contraction_is_not_called_a_drift(method):
    rates = np.linspace(0.0, 0.9995, 20)
    problem = rv.FixedPoint(lambda x: rates * x + 1.0, reference=np.zeros(20))
    result = rv.solve(problem, method, rtol=1e-4, max_steps=3000, on_fail="ignore")
    assert result.ok or result.status == rv.Status.BUDGET


# ---- the tolerance, and what is said


def test_the_scale_is_the_residual_at_the_reference_and_counted_once():
    calls = []

    def map(x):
        calls.append(np.array(x))
        return 0.5 * x + 1.0

    problem = rv.FixedPoint(map, reference=np.full(3, 4.0))
    assert problem.scale == pytest.approx(math.sqrt(3)) and problem.scale and len(calls) == 1
    one = rv.solve(problem, "picard", rtol=1e-3)
    two = rv.solve(problem, "picard", rtol=1e-3, x0=np.zeros(3))
    assert one.threshold == two.threshold == pytest.approx(1e-3 * math.sqrt(3))
    assert sum(np.array_equal(c, np.full(3, 4.0)) for c in calls) == 1


def test_the_maximum_norm():
    problem = rv.FixedPoint(lambda x: 0.5 * x + np.array([1.0, 3.0]), reference=np.zeros(2), norm=np.inf)
    assert problem.scale == 3.0
    result = rv.solve(problem, "picard", rtol=1e-4)
    assert result.seen["residual"] == np.max(np.abs(result.x - problem.map(result.x)))


def test_a_reference_that_is_a_fixed_point_asks_for_atol():
    result = rv.solve(rv.FixedPoint(lambda x: 0.9 * x), "picard", x0=np.ones(2), max_steps=50, on_fail="ignore")
    assert not result.ok and "atol" in result.reason
    assert rv.solve(rv.FixedPoint(lambda x: 0.9 * x), "picard", x0=np.ones(2), atol=1e-3).ok


def test_the_default_is_auto():
    result = rv.solve(rv.FixedPoint(np.cos), x0=np.array([1.0]))
    assert result.ok and abs(result.x[0] - 0.7390851332) < 1e-5


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda: rv.FixedPoint(3.0), TypeError, "callable"),
        (lambda: rv.FixedPoint(np.cos, reference=[1.0]), TypeError, "array of floats"),
        (lambda: rv.FixedPoint(np.cos, reference=np.zeros(3, dtype=int)), TypeError, "int64"),
        (lambda: rv.FixedPoint(np.cos, reference=np.zeros(0)), ValueError, "empty"),
        (lambda: rv.FixedPoint(np.cos, norm=1), ValueError, "norm=1"),
        (lambda: rv.FixedPoint(np.cos, nonzeros=0), ValueError, "nonzeros"),
        (lambda: rv.solve(rv.FixedPoint(np.cos), "picard"), ValueError, "neither x0 nor reference"),
        (lambda: rv.solve(rv.FixedPoint(np.cos), "picard", x0=[1.0]), TypeError, "x0 is a list"),
        (lambda: rv.solve(rv.FixedPoint(np.cos), "picard", x0=np.arange(3)), TypeError, "int64"),
        (
            lambda: rv.solve(rv.FixedPoint(np.cos, reference=np.zeros(3)), "picard", x0=np.zeros(2)),
            ValueError,
            "shape",
        ),
        (
            lambda: rv.solve(rv.FixedPoint(np.cos, reference=np.zeros(3)), "picard", x0=np.zeros(3, np.float32)),
            TypeError,
            "float32",
        ),
        (lambda: rv.Anderson(depth=0), ValueError, "depth=0"),
        (lambda: rv.Anderson(damping=2.0), ValueError, "damping"),
        (lambda: rv.Anderson(growth=1.0), ValueError, "growth"),
        (lambda: rv.KrasnoselskiiMann(0.0), ValueError, "step_size"),
        (lambda: rv.RestartedHalpern(1.0), ValueError, "factor"),
    ],
)
def test_bad_input_is_one_sentence(make, kind, said):
    with pytest.raises(kind, match=said) as error:
        make()
    assert "\n" not in str(error.value)


# ---- arrays of other libraries


def contraction(xp, dtype, device=None):
    rng = np.random.default_rng(2)
    M = rng.standard_normal((4, 3, 4, 3)).reshape(12, 12)
    M *= 0.8 / np.linalg.norm(M, 2)
    A, b = xp.asarray(M, dtype=dtype), xp.asarray(rng.standard_normal(12), dtype=dtype)
    return lambda x: xp.reshape(A @ xp.reshape(x, (-1,)) + b, (4, 3))


@pytest.mark.parametrize("method", VECTOR_METHODS, ids=ids)
@pytest.mark.parametrize("library", ["array_api_strict", "torch"])
def test_arrays_of_other_libraries_take_the_same_steps(library, method):
    if find_spec(library) is None:
        pytest.skip(f"needs {library}: pip install {library.replace('_', '-')}")
    import importlib

    xp = importlib.import_module(library)
    rtol = 1e-3 if isinstance(method, rv.Halpern) else 1e-8
    mine = rv.solve(rv.FixedPoint(contraction(np, np.float64)), method, x0=np.zeros((4, 3)), rtol=rtol)
    theirs = rv.solve(
        rv.FixedPoint(contraction(xp, xp.float64)), method, x0=xp.zeros((4, 3), dtype=xp.float64), rtol=rtol
    )
    assert theirs.ok and abs(theirs.steps - mine.steps) <= 1 and type(theirs.x) is type(xp.zeros(1))
    assert theirs.x.dtype == xp.float64 and tuple(theirs.x.shape) == (4, 3)
    assert np.allclose(
        np.asarray(theirs.x.tolist() if library == "torch" else theirs.x), mine.x, atol=10 * mine.threshold
    )
