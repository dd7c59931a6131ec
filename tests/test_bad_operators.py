"""Operators with bad manners: survived, believed only where they are linear and repeatable, and said so where not."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, aslinearoperator

import resolvent as rv
from resolvent.core import OperatorError

N = 40
TRUE = sp.csr_array(sp.diags_array([-np.ones(N - 1), 2.5 * np.ones(N), -np.ones(N - 1)], offsets=[-1, 0, 1]))
RIGHT = np.cos(np.arange(N))


def is_solution(b, result):
    return result.ok and np.linalg.norm(b - TRUE @ result.x) <= 1.001e-6 * np.linalg.norm(b)


def operator(function, n=N, dtype=float):
    return LinearOperator((n, n), matvec=function, dtype=dtype)


class Bare:
    """A duck of an operator: what SciPy's own class would check is not checked."""

    def __init__(self, function):
        self.matvec, self.shape, self.dtype = function, (N, N), np.dtype(float)


def test_operators_are_solved_by_cg_and_auto():
    A = TRUE
    for method in ("cg", "auto"):
        for given in (aslinearoperator(A), operator(lambda v: A @ v), Bare(lambda v: A @ v)):
            assert is_solution(RIGHT, rv.solve(rv.LinearSystem(given, RIGHT), method))


def mutating(v):
    y = TRUE @ v
    v[:] = -7.0
    return y


def lasting(out=np.empty(N)):  # noqa: B008 - the buffer is to last
    def call(v):
        out[:] = TRUE @ v
        return out

    return call


@pytest.mark.parametrize(
    "function", [mutating, lasting(), lambda v: (TRUE @ v)[:, None]], ids=["mutates", "reuses", "column"]
)
def test_operators_with_bad_manners_are_survived(function):
    b, x0 = RIGHT, np.ones(N)
    kept = b.copy()
    result = rv.solve(rv.LinearSystem(Bare(function), b), "cg", x0=x0)
    assert is_solution(RIGHT, result)
    assert np.array_equal(b, kept) and np.array_equal(x0, np.ones(N))


def raising(v):
    raise ZeroDivisionError("in user code")


BAD_OPERATORS = {
    "raises": (raising, "ZeroDivisionError: in user code"),
    "too short": (lambda v: v[:-1], r"shape \(39,\)"),
    "too long": (lambda v: np.r_[v, v], r"shape \(80,\)"),
    "a matrix": (lambda v: np.outer(v, v), "shape"),
    "None": (lambda v: None, "NoneType"),
    "a list": (lambda v: list(v), "list"),
    "complex": (lambda v: v * 1j, "complex"),
    "objects": (lambda v: v.astype(object), "object"),
    "affine": (lambda v: TRUE @ v + 1.0, "linear"),
}


@pytest.mark.parametrize("name", BAD_OPERATORS)
def test_operators_that_break_the_rules_end_in_error(name):
    function, words = BAD_OPERATORS[name]
    for method in ("cg", "auto"):
        result = rv.solve(rv.LinearSystem(Bare(function), RIGHT), method, on_fail="ignore")
        assert result.status == rv.Status.ERROR, result.reason
        import re

        assert re.search(words, result.reason) and "\n" not in result.reason


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_added_is_seen_beside_an_iterate_that_has_grown(dtype):
    """A constant is lost in the rounding of a large A x; the map is asked again at the size of the data."""
    A, b = TRUE.astype(dtype), RIGHT.astype(dtype)
    far = (np.linspace(1.0, 2.0, N) * 1e3 / np.finfo(dtype).eps).astype(dtype)
    affine = Bare(lambda v: A @ v + v.dtype.type(0.5))
    affine.dtype = np.dtype(dtype)
    with pytest.raises(OperatorError, match="not linear"):
        rv.LinearSystem(affine, b).measure(far)
    honest = Bare(lambda v: A @ v)
    honest.dtype = np.dtype(dtype)
    assert not rv.LinearSystem(honest, b).measure(far).noisy


def test_a_noisy_operator_is_not_believed():
    rng = np.random.default_rng(0)
    result = rv.solve(
        rv.LinearSystem(Bare(lambda v: TRUE @ v * (1 + 1e-3 * rng.standard_normal())), RIGHT),
        "cg",
        on_fail="ignore",
    )
    assert result.status == rv.Status.NOISY and "not deterministic" in result.reason


def test_an_operator_that_gives_nan():
    result = rv.solve(rv.LinearSystem(Bare(lambda v: v * np.nan), RIGHT), "cg", on_fail="ignore")
    assert result.status == rv.Status.NONFINITE


def test_ctrl_c_in_an_operator():
    calls = []

    def press(v):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return TRUE @ v

    result = rv.solve(rv.LinearSystem(Bare(press), RIGHT), "cg", on_fail="ignore")
    assert result.status == rv.Status.INTERRUPTED and result.x is not None


def test_an_operator_has_no_entries():
    for method in ("sor", "direct", rv.CG(rv.SSOR()), rv.CG(rv.IC())):
        with pytest.raises(ValueError, match="entries of A") as caught:
            rv.solve(rv.LinearSystem(aslinearoperator(TRUE), RIGHT), method)
        assert len(str(caught.value)) > 15 and "\n" not in str(caught.value)


def test_a_real_operator_with_a_complex_right_hand_side():
    b = RIGHT + 1j * np.sin(np.arange(N))
    for A in (TRUE, aslinearoperator(TRUE)):
        result = rv.solve(rv.LinearSystem(A, b), "cg")
        assert result.x.dtype == complex and is_solution(b, result)


# ---- homogeneous, and not linear ----------------------------------------------------------------------------------


def swapping(v):
    w = np.roll(v, 1)
    return np.where(np.abs(v) > np.abs(w), v, w)


HOMOGENEOUS = {
    "absolute values": lambda v: TRUE @ np.abs(v),
    "partly absolute": lambda v: TRUE @ v + 0.5 * np.abs(v),
    "the larger neighbour": lambda v: 3.0 * v + swapping(v),
    "its own norms": lambda v: v * (np.linalg.norm(v, 1) / max(np.linalg.norm(v), 1e-300)),
    "sorted": lambda v: 4.0 * np.sort(v),
}


@pytest.mark.parametrize("name", HOMOGENEOUS)
def test_an_operator_that_doubles_and_does_not_add_is_not_called_linear(name):
    f = HOMOGENEOUS[name]
    assert np.array_equal(f(2 * RIGHT), 2 * f(RIGHT))
    session = rv.Session("cg", rtol=1e-2, on_fail="ignore")
    for x0 in (None, np.ones(N)):
        result = session.solve(rv.LinearSystem(Bare(f), f(np.ones(N)) if x0 is not None else RIGHT), x0=x0)
        assert not result.ok
        assert result.status == rv.Status.INDEFINITE or "not linear" in result.reason


def test_additivity_is_asked_once_an_operator():
    calls = []

    def counted(v):
        calls.append(1)
        return TRUE @ v

    session, spent, same = rv.Session("cg", rtol=1e-8), [], Bare(counted)
    for given in (same, same, same, Bare(counted)):
        calls.clear()
        assert session.solve(rv.LinearSystem(given, RIGHT)).ok
        spent.append(len(calls))
    assert spent[0] == spent[1] + 2 and spent[1] == spent[2] and spent[3] == spent[0]


def test_linear_up_to_what_an_inner_solve_leaves():
    """An operator that is linear to nine digits is no liar."""
    noise = np.random.default_rng(0).standard_normal(N)
    result = rv.solve(rv.LinearSystem(Bare(lambda v: TRUE @ v + 1e-9 * noise * np.abs(v)), RIGHT), "cg", rtol=1e-6)
    assert result.ok
