"""The same files over NumPy, torch and array-api-strict: same iterates up to rounding, dtype and device kept."""

import importlib
import math

import numpy as np
import pytest

import resolvent as rv
from resolvent.problems.foreign import ArraySystem

N = 60


def library(name):
    module = {"torch": "torch", "strict": "array_api_strict"}[name]
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"needs {module}, which is not installed")
    return importlib.import_module(module)


def given(kind, dtype, seed=0):
    """A dense matrix of the kind and a right-hand side."""
    rng = np.random.default_rng(seed)
    cplx = np.dtype(dtype).kind == "c"
    B = rng.standard_normal((N, N)) + (1j * rng.standard_normal((N, N)) if cplx else 0.0)
    b = rng.standard_normal(N) + (1j * rng.standard_normal(N) if cplx else 0.0)
    Q = np.linalg.qr(B)[0]
    values = np.linspace(1.0, 30.0, N) * (np.where(np.arange(N) % 2, 1.0, -1.0) if kind == "indefinite" else 1.0)
    A = (Q * values) @ Q.conj().T
    if kind == "complex symmetric":
        A = (A.real + A.real.T) / 2 + (1j * np.diag(np.linspace(1, 4, N)) if cplx else 0.0)
    elif kind == "general":
        A = A + 0.2 * np.triu(rng.standard_normal((N, N)))
    else:
        A = (A + A.conj().T) / 2
    return A.astype(dtype), b.astype(dtype)


METHODS = {
    "cg": (rv.CG(), "definite"),
    "cg+function": (rv.CG(lambda r: 0.5 * r), "definite"),
    "flexiblecg": (rv.FlexibleCG(window=2), "definite"),
    "krylovgradient": (rv.KrylovGradient(3), "definite"),
    "blockcg": (rv.BlockCG(), "definite"),
    "minres": (rv.MINRES(), "indefinite"),
    "bicgstab": (rv.BiCGStab(), "general"),
    "idr": (rv.IDR(s=3), "general"),
    "cocg": (rv.COCG(), "complex symmetric"),
    "gmres": (rv.GMRES(25), "general"),
    "gmres-left": (rv.GMRES(25, side="left"), "general"),
    "fgmres": (rv.FGMRES(25, lambda r: 0.1 * r), "general"),
    "gcrodr": (rv.GCRODR(25, 6), "general"),
    "rminres": (rv.RMINRES(4), "indefinite"),
    "deflatedcg": (rv.DeflatedCG(blocks=0), "definite"),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("lib", ["torch", "strict"])
@pytest.mark.parametrize("name", METHODS)
def test_solves_in_the_namespace_given(name, lib, dtype):
    xp = library(lib)
    method, kind = METHODS[name]
    A, b = given(kind, dtype)
    rtol = 1e-9 if np.finfo(dtype).eps < 1e-10 else 1e-3
    before = A.tobytes() + b.tobytes()
    a, c = xp.asarray(A), xp.asarray(b)
    result = rv.solve(rv.LinearSystem(a, c), method, rtol=rtol)
    assert result.ok, result.reason
    assert type(result.x) is type(c) and result.x.dtype == c.dtype
    assert getattr(result.x, "device", None) == getattr(c, "device", None)
    x = np.asarray(result.x)
    assert np.linalg.norm(b - A @ x) <= 1.01 * rtol * np.linalg.norm(b)
    assert np.asarray(a).tobytes() + np.asarray(c).tobytes() == before
    plain = rv.solve(rv.LinearSystem(A, b), method, rtol=rtol)
    assert abs(plain.steps - result.steps) <= 1 + 0.1 * plain.steps


@pytest.mark.parametrize("lib", ["torch", "strict"])
def test_functions_and_operators_over_the_library(lib):
    xp = library(lib)
    A, b = given("definite", "float64")
    a, c = xp.asarray(A), xp.asarray(b)

    class Operator:
        shape = (N, N)

        def matvec(self, x):
            return a @ x

    for operator in (Operator(), lambda x: a @ x):
        result = rv.solve(rv.LinearSystem(operator, c), "cg", rtol=1e-9)
        assert result.ok and type(result.x) is type(c)
        assert np.linalg.norm(b - A @ np.asarray(result.x)) <= 1.01e-9 * np.linalg.norm(b)
    inverse = xp.asarray(np.linalg.inv(A))
    assert rv.solve(rv.LinearSystem(a, c), rv.FlexibleCG(preconditioner=lambda r: inverse @ r)).steps <= 2


@pytest.mark.parametrize("lib", ["torch", "strict"])
def test_sessions_auto_guesses_and_sizes(lib):
    xp = library(lib)
    A, b = given("definite", "float64")
    session = rv.Session(rtol=1e-8)
    for k in range(4):
        x = session(xp.asarray(A + 0.01 * k * np.eye(N)), xp.asarray(b))
        assert np.linalg.norm(b - (A + 0.01 * k * np.eye(N)) @ np.asarray(x)) <= 1.01e-8 * np.linalg.norm(b)
    assert session(A, b).__class__ is np.ndarray  # NumPy in the same session
    for size in (1e-300, 1e300):
        result = rv.solve(rv.LinearSystem(xp.asarray(A), xp.asarray(size * b)), "minres", rtol=1e-9)
        assert result.ok and np.allclose(np.asarray(result.x) / size, np.linalg.solve(A, b), rtol=1e-6)
    start = xp.asarray(np.linalg.solve(A, b))
    again = rv.solve(rv.LinearSystem(xp.asarray(A), xp.asarray(b)), "cg", x0=start, rtol=1e-6)
    assert again.ok and again.steps == 0
    assert rv.solve(rv.LinearSystem(xp.asarray(A), xp.asarray(0.0 * b)), "bicgstab").steps == 0


@pytest.mark.parametrize("lib", ["torch", "strict"])
def test_what_is_refused(lib):
    xp = library(lib)
    A, b = given("definite", "float64")
    a, c = xp.asarray(A), xp.asarray(b)
    with pytest.raises(TypeError, match="of the same"):
        rv.LinearSystem(a, b)
    with pytest.raises(TypeError, match="is expected"):
        rv.LinearSystem(A, c)
    with pytest.raises(ValueError, match="square"):
        rv.LinearSystem(a[:, :-1], c)
    with pytest.raises(ValueError, match="shape"):
        rv.LinearSystem(a, c[:-1])
    with pytest.raises(ValueError, match="a vector, or columns"):
        rv.LinearSystem(a, xp.reshape(a, (N, 1, N)))
    for method in ("cgs", "bicg", "tfqmr"):
        with pytest.raises(ValueError, match="NumPy arrays"):
            rv.solve(rv.LinearSystem(a, c), method)
    with pytest.raises(TypeError, match="x0"):
        rv.solve(rv.LinearSystem(a, xp.stack([c, c], axis=1)), "blockcg", x0=np.stack([b, b], axis=1))
    with pytest.raises(ValueError, match="x0 has shape"):
        rv.solve(rv.LinearSystem(a, xp.stack([c, c], axis=1)), "cg", x0=c)
    with pytest.raises(TypeError, match="dtype"):
        rv.LinearSystem(a, xp.asarray(np.arange(N)))
    with pytest.raises(ValueError, match="entries"):
        rv.solve(rv.LinearSystem(a, c), rv.CG(rv.Jacobi()))
    with pytest.raises(ValueError, match="symmetric"):
        rv.solve(rv.LinearSystem(xp.asarray(np.triu(A)), c), "minres")
    with pytest.raises(TypeError, match="x0"):
        rv.solve(rv.LinearSystem(a, c), "cg", x0=b)
    bad = b.copy()
    bad[3] = math.nan
    assert rv.solve(rv.LinearSystem(a, xp.asarray(bad)), "cg", on_fail="ignore").status == rv.Status.NONFINITE
    result = rv.solve(rv.LinearSystem(lambda x: x[:-1], c), "cg", on_fail="ignore")
    assert result.status == rv.Status.ERROR and "shape" in result.reason
    result = rv.solve(rv.LinearSystem(lambda x: x * x, c), "bicgstab", on_fail="ignore", max_steps=50)
    assert not result.ok


def test_numpy_input_takes_the_old_way():
    A, b = given("definite", "float64")
    assert type(rv.LinearSystem(A, b)) is rv.LinearSystem
    assert type(rv.LinearSystem(A, list(b))) is rv.LinearSystem
    assert issubclass(ArraySystem, rv.LinearSystem)


@pytest.mark.parametrize("lib", ["torch", "strict"])
@pytest.mark.parametrize(
    "method", [rv.GCRODR(25, 6), rv.RMINRES(6), rv.DeflatedCG(blocks=0)], ids=lambda m: type(m).__name__
)
def test_spaces_are_recycled_in_the_namespace_given(method, lib):
    xp = library(lib)
    A, b = given("definite", "float64")
    session = rv.Session(method, learners=[rv.Recycle(always=True)], rtol=1e-9)
    results = [session.solve(rv.LinearSystem(xp.asarray(A + 1e-3 * t * np.eye(N)), xp.asarray(b))) for t in range(3)]
    assert all(r.ok for r in results) and results[2].steps < results[0].steps
    assert isinstance(results[2].x, type(xp.asarray(b)))


def columns(lib, dtype, k=4):
    """The definite matrix and k right-hand sides, the second of them large, the third zero."""
    A, _ = given("definite", dtype)
    rng = np.random.default_rng(7)
    B = rng.standard_normal((N, k)) + (1j * rng.standard_normal((N, k)) if np.dtype(dtype).kind == "c" else 0.0)
    B[:, 1] *= 1e4
    B[:, 2] = 0.0
    return A, B.astype(dtype), library(lib)


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("lib", ["torch", "strict"])
@pytest.mark.parametrize("method", ["cg", "blockcg"])
def test_columns_over_the_library(method, lib, dtype):
    A, B, xp = columns(lib, dtype)
    rtol = 1e-9 if np.finfo(dtype).eps < 1e-10 else 1e-3
    a, c = xp.asarray(A), xp.asarray(B)
    result = rv.solve(rv.LinearSystem(a, c), method, rtol=rtol)
    assert result.ok and type(result.x) is type(c) and result.x.dtype == c.dtype, result.reason
    x = np.asarray(result.x)
    assert x.shape == B.shape and not x[:, 2].any()
    left = np.linalg.norm(B - A @ x, axis=0)
    assert np.all(left <= 1.01 * rtol * np.linalg.norm(B, axis=0))
    assert np.allclose(result.seen["residuals"], left, rtol=0.5, atol=1e-12)
    again = rv.solve(rv.LinearSystem(a, c), method, x0=result.x, rtol=2 * rtol)
    assert again.ok and again.steps == 0
    plain = rv.solve(rv.LinearSystem(A, B), method, rtol=rtol)
    assert abs(plain.steps - result.steps) <= 1 + 0.1 * plain.steps
    assert result.seen["residual"] == np.max(result.seen["residuals"])


@pytest.mark.parametrize("lib", ["torch", "strict"])
def test_blocks_of_operators_with_functions_and_failures(lib):
    A, B, xp = columns(lib, "float64")
    a, c = xp.asarray(A), xp.asarray(B)
    result = rv.solve(rv.LinearSystem(lambda x: a @ x, c), "blockcg", rtol=1e-9)
    assert result.ok and np.allclose(A @ np.asarray(result.x), B, rtol=1e-7, atol=1e-7)
    alone = rv.solve(rv.LinearSystem(a, c), "cg", rtol=1e-9)
    assert 0 < result.steps < alone.steps / 3
    short = rv.solve(rv.LinearSystem(a, c), "blockcg", rtol=1e-9, max_steps=2, on_fail="ignore")
    assert short.status == rv.Status.BUDGET and tuple(short.x.shape) == B.shape
    B = B.copy()
    B[5, 1] = np.nan
    assert rv.solve(rv.LinearSystem(a, xp.asarray(B)), "blockcg", on_fail="ignore").status == rv.Status.NONFINITE
    shifted = xp.asarray(A - 5.0 * np.eye(N))
    assert rv.solve(rv.LinearSystem(shifted, c), "blockcg", on_fail="ignore").status == rv.Status.INDEFINITE


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128"])
@pytest.mark.parametrize("lib", ["torch", "strict"])
def test_gaussian_sketches_over_the_library(lib, dtype):
    xp = library(lib)
    A, b = given("general", dtype)
    A = (A + 60.0 * np.eye(N)).astype(dtype)
    rtol = 1e-8 if np.finfo(dtype).eps < 1e-10 else 1e-3
    method = rv.SketchProject("gauss", size=12)
    result = rv.solve(rv.LinearSystem(xp.asarray(A), xp.asarray(b)), method, rtol=rtol)
    assert result.ok and type(result.x) is type(xp.asarray(b))
    assert np.linalg.norm(b - A @ np.asarray(result.x)) <= 1.01 * rtol * np.linalg.norm(b)
    plain = rv.solve(rv.LinearSystem(A, b), method, rtol=rtol)
    assert plain.steps == result.steps  # the same draws
    with pytest.raises(ValueError, match="entries"):
        rv.solve(rv.LinearSystem(xp.asarray(A), xp.asarray(b)), "sketchproject")
    with pytest.raises(ValueError, match="adjoint"):
        rv.solve(rv.LinearSystem(lambda x: xp.asarray(A) @ x, xp.asarray(b)), method)
