"""Families of operators and preconditioners that break the contract: noisy, affine, mutating, aliasing, lying, failing."""

import sys
from dataclasses import dataclass

import numpy as np

systems = sys.modules["resolvent_hostile_systems"]  # loaded by the grid, as this module is
Case, family, mesh, normal = systems.Case, systems.family, systems.mesh, systems.normal
small, tolerance = systems.small, systems.tolerance


class Operator:
    """What a user may write: a shape, a dtype and a matvec that does as it likes."""

    def __init__(self, M, act, dtype=None):
        self.M, self.act, self.calls = M, act, 0
        self.shape = M.shape
        self.dtype = M.dtype if dtype is None else dtype

    def matvec(self, x):
        self.calls += 1
        with np.errstate(all="ignore"):
            return self.act(self, x)


def operated(rng, dtype, n, act, M=None, declared=None, **more):
    """A case whose matrix is known to the judge only."""
    M = (mesh(rng, dtype, n) if M is None else M).astype(dtype)
    b = normal(rng, dtype, n).astype(dtype)
    more.setdefault("rtol", tolerance(rng, dtype))
    return Case(Operator(M, act, declared), b, M, operator=True, **more)


def honest(self, x):
    return self.M @ x


# ---- operators -----------------------------------------------------------------------------------------------------


@family
def operator_honest(rng, dtype, n):
    return operated(rng, dtype, n, honest)


@family
def operator_scaled(rng, dtype, n):
    s = 10.0 ** rng.uniform(-15, 15) if small(dtype) else 10.0 ** rng.uniform(-140, 140)
    return operated(rng, dtype, n, honest, mesh(rng, dtype, n) * s)


@family
def operator_overflows(rng, dtype, n):
    return operated(rng, dtype, n, honest, mesh(rng, dtype, n) * (1e36 if small(dtype) else 1e306))


@family
def operator_tiny_rhs(rng, dtype, n):
    case = operated(rng, dtype, n, honest)
    case.b = (case.b * (1e-36 if small(dtype) else 1e-300)).astype(dtype)
    return case


@family
def operator_without_dtype(rng, dtype, n):
    case = operated(rng, "float64", n, honest)
    case.A.dtype = None
    return case


@family
def operator_column_answer(rng, dtype, n):
    return operated(rng, dtype, n, lambda self, x: (self.M @ x)[:, None])


@family
def operator_readonly_answer(rng, dtype, n):
    def act(self, x):
        y = self.M @ x
        y.flags.writeable = False
        return y

    return operated(rng, dtype, n, act)


@family
def operator_same_buffer(rng, dtype, n):
    buffer = np.empty(n, dtype=dtype)

    def act(self, x):
        buffer[:] = self.M @ x
        return buffer

    return operated(rng, dtype, n, act)


@family
def operator_returns_input(rng, dtype, n):
    return operated(rng, dtype, n, lambda self, x: x, np.eye(n))


@family
def operator_works_in_place(rng, dtype, n):
    def act(self, x):
        x *= 2
        return x

    return operated(rng, dtype, n, act, 2 * np.eye(n))


@family
def operator_mutates_input(rng, dtype, n):
    def act(self, x):
        y = self.M @ x
        x[:] = 7
        return y

    return operated(rng, dtype, n, act)


@family
def operator_noisy(rng, dtype, n):
    size = 10.0 ** rng.uniform(-5, -1) if small(dtype) else 10.0 ** rng.uniform(-10, -1)

    def act(self, x):
        y = self.M @ x
        return (y * (1 + size * rng.standard_normal(len(y)))).astype(y.dtype)

    return operated(rng, dtype, n, act)


@family
def operator_noisy_later(rng, dtype, n):
    start = int(rng.integers(1, 30))

    def act(self, x):
        y = self.M @ x
        noise = 1e-2 * rng.standard_normal(len(y)) if self.calls > start else 0
        return (y * (1 + noise)).astype(y.dtype)

    return operated(rng, dtype, n, act)


@family
def operator_never_the_same(rng, dtype, n):
    return operated(rng, dtype, n, lambda self, x: normal(rng, dtype, n).astype(dtype))


@family
def operator_affine(rng, dtype, n):
    c = (normal(rng, dtype, n) * 10.0 ** rng.uniform(-1, 3)).astype(dtype)
    return operated(rng, dtype, n, lambda self, x: self.M @ x + c)


@family
def operator_constant(rng, dtype, n):
    c = normal(rng, dtype, n).astype(dtype)
    return operated(rng, dtype, n, lambda self, x: c.copy())


@family
def operator_nonlinear(rng, dtype, n):
    acts = [
        lambda self, x: self.M @ x + 0.1 * x * np.abs(x),
        lambda self, x: self.M @ np.sign(x.real).astype(dtype),
        lambda self, x: (self.M @ x) / (1 + np.abs(x)),
        lambda self, x: np.tanh(self.M @ x),
    ]
    return operated(rng, dtype, n, acts[rng.integers(len(acts))])


@family
def operator_homogeneous_not_additive(rng, dtype, n):
    """Doubles exactly, so that a doubling test sees nothing; it is no matrix, and no answer is right."""
    turned = rng.permutation(n)
    acts = [
        lambda self, x: (self.M @ np.abs(x)).astype(dtype),
        lambda self, x: (self.M @ np.maximum(x.real, 0)).astype(dtype),
        lambda self, x: self.M @ x + (0.5 * np.abs(x)).astype(dtype),
        lambda self, x: self.M @ np.where(np.abs(x) > np.abs(x[turned]), x, x[turned]),
        lambda self, x: self.M @ np.sort(x.real).astype(dtype),
        lambda self, x: x * np.linalg.norm(x, 1) / max(np.linalg.norm(x), 1e-300),
    ]
    return operated(rng, dtype, n, acts[rng.integers(len(acts))])


@family
def operator_not_homogeneous_in_i(rng, dtype, n):
    """Adds exactly, and forgets what i is."""
    acts = [lambda self, x: self.M @ x.conj(), lambda self, x: self.M @ x.real + 2j * (self.M @ x.imag)]
    return operated(rng, "complex128", n, acts[rng.integers(len(acts))])


@family
def operator_wrong_shape(rng, dtype, n):
    acts = [
        lambda self, x: (self.M @ x)[:-1],
        lambda self, x: (self.M @ x)[None, :],
        lambda self, x: np.ones((n, n), dtype=dtype),
        lambda self, x: (self.M @ x).sum(),
        lambda self, x: np.zeros(0, dtype=dtype),
        lambda self, x: None,
        lambda self, x: list(self.M @ x),
        lambda self, x: "answer",
        lambda self, x: (self.M @ x).astype(object),
        lambda self, x: (self.M @ x).astype(str),
    ]
    return operated(rng, dtype, n, acts[rng.integers(len(acts))])


@family
def operator_half_precision(rng, dtype, n):
    """Says float64 and answers in single precision."""
    wide = "complex128" if np.dtype(dtype).kind == "c" else "float64"
    case = operated(
        rng, wide, n, lambda self, x: (self.M @ x).astype("complex64" if x.dtype.kind == "c" else "float32")
    )
    case.rtol = float(rng.choice([1e-3, 1e-8, 1e-10]))
    if rng.random() < 0.5:
        case.b = np.round(case.b)
    return case


@family
def operator_single_with_double_rhs(rng, dtype, n):
    """Is float32 and says so; the right-hand side is float64."""
    M = mesh(rng, "float64", n).astype("float32")
    b = np.round(rng.standard_normal(n)) + (rng.random() < 0.5) * rng.standard_normal(n)
    act = lambda self, x: self.M @ x.astype("float32")
    return Case(Operator(M, act), b, M, rtol=float(rng.choice([1e-3, 1e-10])), operator=True)


@family
def operator_integers(rng, dtype, n):
    return operated(rng, dtype, n, lambda self, x: np.round((self.M @ x).real).astype(int))


@family
def operator_complex_answer(rng, dtype, n):
    return operated(rng, "float64", n, lambda self, x: (self.M @ x) * (1 + 0.5j))


@family
def operator_drops_imaginary(rng, dtype, n):
    return operated(rng, "complex128", n, lambda self, x: (self.M @ x).real)


@family
def operator_says_complex(rng, dtype, n):
    return operated(rng, "float64", n, honest, declared=np.dtype("complex128"))


@family
def operator_nan(rng, dtype, n):
    start = int(rng.integers(0, 15))

    def act(self, x):
        y = self.M @ x
        if self.calls > start:
            y[rng.integers(n)] = rng.choice([np.nan, np.inf])
        return y

    return operated(rng, dtype, n, act)


@family
def operator_nan_once(rng, dtype, n):
    at = int(rng.integers(1, 10))

    def act(self, x):
        y = self.M @ x
        return y * np.nan if self.calls == at else y

    return operated(rng, dtype, n, act)


@family
def operator_raises(rng, dtype, n):
    start = int(rng.integers(0, 15))
    error = [ValueError, RuntimeError, ZeroDivisionError, KeyError, AssertionError, StopIteration, MemoryError, OSError]
    kind = error[rng.integers(len(error))]

    def act(self, x):
        if self.calls > start:
            raise kind("the user's own fault")
        return self.M @ x

    return operated(rng, dtype, n, act)


@family
def operator_raises_once(rng, dtype, n):
    at = int(rng.integers(1, 10))

    def act(self, x):
        if self.calls == at:
            raise ValueError("once")
        return self.M @ x

    return operated(rng, dtype, n, act)


@family
def operator_changes(rng, dtype, n):
    """Becomes another matrix on the way; no answer can be right for both."""
    at = int(rng.integers(2, 12))
    other = (3 * mesh(rng, dtype, n)).astype(dtype)
    case = operated(rng, dtype, n, lambda self, x: (self.M if self.calls < at else other) @ x)
    case.others = (other,)
    return case


@family
def operator_not_symmetric(rng, dtype, n):
    return operated(rng, dtype, n, honest, systems.general(rng, dtype, n))


@family
def operator_indefinite(rng, dtype, n):
    return operated(rng, dtype, n, honest, systems.spectrum(rng, dtype, rng.choice([-1, 1], n) * rng.uniform(1, 5, n)))


@family
def operator_zero(rng, dtype, n):
    return operated(rng, dtype, n, lambda self, x: np.zeros(n, dtype=dtype), np.zeros((n, n)))


# ---- preconditioners -----------------------------------------------------------------------------------------------


class Fake:
    """A user's own bound preconditioner, the least that can work: ``apply``."""

    def __init__(self, act):
        self.act = act

    def apply(self, r):
        return self.act(r)


@dataclass(frozen=True)
class Recipe:
    """A user's own recipe."""

    act: object = None
    made: object = None

    def bind(self, problem, carry):
        return Fake(self.act) if self.made is None else self.made()


def preconditioned(rng, dtype, n, act=None, made=None):
    case = systems.made(rng, dtype, mesh(rng, dtype, n)) if rng.random() < 0.7 else operated(rng, dtype, n, honest)
    case.recipe = Recipe(act, made)
    return case


def _enter(name, act):
    """A family for each way in which ``apply`` may misbehave; ``act`` gets (rng, dtype, n) and gives apply."""

    def build(rng, dtype, n):
        return preconditioned(rng, dtype, n, act(rng, dtype, n))

    build.__name__ = f"preconditioner_{name}"
    family(build)


def _raising(rng, dtype, n):
    def apply(r):
        raise [ValueError, ZeroDivisionError, MemoryError, AttributeError][rng.integers(4)]("in apply")

    return apply


def _mutating(rng, dtype, n):
    def apply(r):
        z = r.copy()
        r[:] = 5
        return z

    return apply


def _in_place(rng, dtype, n):
    def apply(r):
        r *= 0.5
        return r

    return apply


def _same_buffer(rng, dtype, n):
    buffer = np.empty(n, dtype=dtype)

    def apply(r):
        buffer[:] = 0.5 * r
        return buffer

    return apply


def _singular(rng, dtype, n):
    keep = rng.random(n) < 0.5
    return lambda r: r * keep


def _indefinite(rng, dtype, n):
    sign = rng.choice([-1, 1], n)
    return lambda r: r * sign


def _not_symmetric(rng, dtype, n):
    M = (np.eye(n) + 0.5 * normal(rng, dtype, n, n)).astype(dtype)
    return lambda r: M @ r


def _nan_late(rng, dtype, n):
    calls = []

    def apply(r):
        calls.append(1)
        return r * (np.nan if len(calls) > 3 else 1)

    return apply


def _wrong_shape(rng, dtype, n):
    acts = [
        lambda r: r[:-1],
        lambda r: r[None, :] * 1,
        lambda r: np.ones((n, n), dtype=dtype),
        lambda r: None,
        lambda r: 1.0,
        lambda r: list(r),
        lambda r: "z",
        lambda r: r.astype(object),
    ]
    return acts[rng.integers(len(acts))]


_BEHAVIOURS = {
    "good": lambda rng, dtype, n: lambda r: 0.5 * r,
    "nan": lambda rng, dtype, n: lambda r: r * np.nan,
    "nan_late": _nan_late,
    "inf": lambda rng, dtype, n: lambda r: r + np.inf,
    "zero": lambda rng, dtype, n: lambda r: r * 0,
    "negative": lambda rng, dtype, n: lambda r: -r,
    "indefinite": _indefinite,
    "singular": _singular,
    "not_symmetric": _not_symmetric,
    "tiny": lambda rng, dtype, n: lambda r: r * r.dtype.type(1e-25 if small(dtype) else 1e-200),
    "huge": lambda rng, dtype, n: lambda r: r * r.dtype.type(1e25 if small(dtype) else 1e200),
    "random": lambda rng, dtype, n: lambda r: r * rng.uniform(0.1, 10, n).astype(r.real.dtype),
    "raises": _raising,
    "mutates": _mutating,
    "in_place": _in_place,
    "returns_input": lambda rng, dtype, n: lambda r: r,
    "same_buffer": _same_buffer,
    "complex": lambda rng, dtype, n: lambda r: r * (1 + 1j),
    "half_precision": lambda rng, dtype, n: lambda r: r.astype("complex64" if r.dtype.kind == "c" else "float32"),
    "wrong_shape": _wrong_shape,
    "column": lambda rng, dtype, n: lambda r: r[:, None],
}
for _name, _act in _BEHAVIOURS.items():
    _enter(_name, _act)


@family
def preconditioner_bind_fails(rng, dtype, n):
    def bad():
        raise [ValueError, ZeroDivisionError, MemoryError, KeyError][rng.integers(4)]("in bind")

    made = [bad, lambda: None, lambda: 3, object]
    return preconditioned(rng, dtype, n, None, made[rng.integers(len(made))])
