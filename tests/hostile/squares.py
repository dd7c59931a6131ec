"""Families of hostile least-squares problems, and their judge: normal equations in extended precision, nothing of ours.

A positive status is a silent wrong answer unless ``||A^H r - damp^2 x|| <= 1.0005 rtol ||A||_F ||r||`` or, without damping,
``||r|| <= 1.0005 rtol ||b||``, with r recomputed from the user's own data; operators, which can only be asked in working
precision, and whose ``||A||_F`` is an estimate, get ``64 eps`` of the sizes that enter, and a factor of four.
"""

import sys

import numpy as np
import scipy.sparse as sp

# loaded by the grid, as this module is
systems, judge = (sys.modules[f"resolvent_hostile_{name}"] for name in ("systems", "judge"))
Case, normal, small, tolerance = systems.Case, systems.normal, systems.small, systems.tolerance


def meets(case, b, x):
    """Whether x is the answer that its status claims; the module's first lines."""
    A, b, x = judge.wide(case.true), judge.wide(b), judge.wide(x)
    if not (np.isfinite(A).all() and np.isfinite(b).all() and np.isfinite(x).all()):
        return False
    damp = np.longdouble(case.options.get("damp", 0.0))
    with np.errstate(all="ignore"):
        r = b - A @ x
        s = A.conj().T @ r - damp * damp * x
        size, eps = judge.norm(A.ravel()), judge.eps_of(case.true, case.b)
        work = size * judge.norm(x) + judge.norm(b)
        slack = np.longdouble(64) * eps if case.operator else np.longdouble(16) * eps
        asked = np.longdouble(judge.SLACK) * max(case.rtol, case.atol / max(float(judge.norm(b)), 1e-300))
        asked *= 4 if case.operator else 1
        gradient = judge.norm(s) <= asked * size * judge.norm(r) + slack * size * work
        return bool(gradient or (damp == 0 and judge.norm(r) <= asked * judge.norm(b) + slack * work))


def family(function):
    """Enter a family of this kind."""
    function.kind = "least squares"
    return systems.family(function)


def tall(rng, dtype, n, least=0.3):
    """m x n with singular values between ``least`` and 3."""
    m = n + int(rng.integers(0, 2 * n))
    U, V = systems.unitary(rng, dtype, m)[:, :n], systems.unitary(rng, dtype, n)
    return ((U * rng.uniform(least, 3.0, n)) @ V).astype(dtype)


def made(rng, dtype, M, b=None, **options):
    """A case of the dense M, given as CSR or as an array."""
    with np.errstate(all="ignore"):
        M = np.asarray(M).astype(dtype)
        b = np.asarray(normal(rng, dtype, len(M)) if b is None else b).astype(dtype)
    more = {"rtol": tolerance(rng, dtype)} | options
    return Case(sp.csr_array(M) if rng.random() < 0.6 else M.copy(), b, M, meets=meets, **more)


@family
def squares_benign(rng, dtype, n):
    return made(rng, dtype, tall(rng, dtype, n), solvable=True)


@family
def squares_consistent(rng, dtype, n):
    M = tall(rng, dtype, n)
    return made(rng, dtype, M, M @ normal(rng, dtype, n).astype(dtype), solvable=True)


@family
def squares_wide(rng, dtype, n):
    return made(rng, dtype, tall(rng, dtype, n).T)


@family
def squares_damped(rng, dtype, n):
    return made(rng, dtype, tall(rng, dtype, n), options={"damp": float(10.0 ** rng.uniform(-3, 2))})


@family
def squares_without_rank(rng, dtype, n):
    M = tall(rng, dtype, n)
    M[:, rng.integers(n)] = M[:, rng.integers(n)]
    M[:, rng.integers(n)] = 0
    return made(rng, dtype, M)


@family
def squares_orthogonal_rhs(rng, dtype, n):
    """b is all residual: x = 0."""
    M = np.vstack([tall(rng, dtype, n), np.zeros((n, n))])
    b = np.r_[np.zeros(len(M) - n), normal(rng, dtype, n)]
    return made(rng, dtype, M, b)


@family
def squares_of_all_sizes(rng, dtype, n):
    M = tall(rng, dtype, n)
    top = 3 if small(dtype) else 12
    return made(rng, dtype, M * 10.0 ** rng.uniform(-top, top, (len(M), 1)))


@family
def squares_tiny_rhs(rng, dtype, n):
    M = tall(rng, dtype, n)
    return made(rng, dtype, M, normal(rng, dtype, len(M)) * (1e-36 if small(dtype) else 1e-300))


@family
def squares_huge_rhs(rng, dtype, n):
    M = tall(rng, dtype, n)
    return made(rng, dtype, M, normal(rng, dtype, len(M)) * (1e35 if small(dtype) else 1e300))


@family
def squares_scaled(rng, dtype, n):
    top = 15 if small(dtype) else 140
    return made(rng, dtype, tall(rng, dtype, n) * 10.0 ** rng.uniform(-top, top))


@family
def squares_zero(rng, dtype, n):
    M = tall(rng, dtype, n) * rng.choice([0.0, 1.0])
    return made(rng, dtype, M, np.zeros(len(M)) if rng.random() < 0.7 else None)


@family
def squares_not_finite(rng, dtype, n):
    M, b = tall(rng, dtype, n), normal(rng, dtype, 3 * n)
    b = b[: len(M)]
    (M.ravel() if rng.random() < 0.5 else b)[rng.integers(n)] = rng.choice([np.nan, np.inf])
    return made(rng, dtype, M, b)


@family
def squares_tight(rng, dtype, n):
    return made(rng, dtype, tall(rng, dtype, n, 1e-5), rtol=float(rng.choice([0.0, 1e-15, 1e-8])))


class Operator:
    """An operator of any shape, with an adjoint that may be another's."""

    def __init__(self, M, forward, backward):
        self.M, self.forward, self.backward = M, forward, backward
        self.shape, self.dtype = M.shape, M.dtype

    def matvec(self, x):
        with np.errstate(all="ignore"):
            return self.forward(self.M, x)

    def rmatvec(self, y):
        with np.errstate(all="ignore"):
            return self.backward(self.M, y)


def _operated(rng, dtype, n, forward=None, backward=None):
    M = tall(rng, dtype, n)
    forward = forward or (lambda M, x: M @ x)
    backward = backward or (lambda M, y: M.conj().T @ y)
    b = normal(rng, dtype, len(M)).astype(dtype)
    return Case(Operator(M, forward, backward), b, M, rtol=tolerance(rng, dtype), operator=True, meets=meets)


@family
def squares_operator(rng, dtype, n):
    return _operated(rng, dtype, n)


@family
def squares_operator_mutates(rng, dtype, n):
    def forward(M, x):
        y = M @ x
        x[:] = 3
        return y

    def backward(M, y):
        x = M.conj().T @ y
        y[:] = 0
        return x

    return _operated(rng, dtype, n, forward, backward)


@family
def squares_operator_fails(rng, dtype, n):
    calls, at = [], int(rng.integers(1, 12))
    how = rng.integers(4)

    def backward(M, y):
        calls.append(1)
        x = M.conj().T @ y
        if len(calls) < at:
            return x
        if how == 0:
            raise ZeroDivisionError("the user's own")
        return (x * np.nan, x[:-1], None)[how - 1]

    return _operated(rng, dtype, n, None, backward)
