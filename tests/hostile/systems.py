"""Families of hostile linear systems: matrices, right-hand sides, first guesses and tolerances that fool solvers.

A family is a function ``(rng, dtype, n) -> Case``. ``Case.true`` is the user's matrix as a dense array, entry by entry,
from which the judge works; nothing here imports the package.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp

FAMILIES = {}


@dataclass
class Case:
    """One system as a user would give it, and what the judge needs to know of it."""

    A: object
    b: object
    true: object = None
    rtol: float | None = None
    atol: float = 0.0
    x0: object = None
    options: dict = field(default_factory=dict)  # of LinearSystem
    recipe: object = None  # a preconditioner of its own: CG is run with it, whatever the pair
    operator: bool = False
    others: tuple = ()  # further matrices that the operator may be judged by
    product: object = None  # in place of ``true @ x``, for operators that are no matrix
    loose: bool = False  # its entries are sums that round: no claim on the residual beyond the tolerance
    more: dict = field(default_factory=dict)  # options of the solve
    meets: object = None  # ``meets(case, b, x)`` in place of the judge of linear systems
    solvable: bool = False  # with ``meets``: every method of the kind is expected to solve it


def family(function):
    """Enter a family under its name."""
    FAMILIES[function.__name__] = function
    return function


# ---- bricks --------------------------------------------------------------------------------------------------------


def small(dtype):
    return np.dtype(dtype) in (np.dtype("float32"), np.dtype("complex64"))


def tolerance(rng, dtype):
    return float(rng.choice([1e-2, 1e-3] if small(dtype) else [1e-3, 1e-6, 1e-8, 1e-10]))


def normal(rng, dtype, *shape):
    v = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        v = v + 1j * rng.standard_normal(shape)
    return v


def unitary(rng, dtype, n):
    return np.linalg.qr(normal(rng, dtype, n, n))[0]


def spectrum(rng, dtype, values):
    """A dense Hermitian matrix with these eigenvalues."""
    Q = unitary(rng, dtype, len(values))
    M = (Q * np.asarray(values)) @ Q.conj().T
    return (M + M.conj().T) / 2


def mesh(rng, dtype, n, shift=0.3):
    """A tridiagonal Hermitian positive definite matrix with a few far entries, dense."""
    M = np.diag((2.0 + shift) * np.ones(n)) - np.diag(np.ones(n - 1), 1) - np.diag(np.ones(n - 1), -1)
    for _ in range(n // 4):
        i, j = rng.integers(0, n, 2)
        if i != j:
            w = rng.uniform(0.1, 1.0)
            M[i, i] += w
            M[j, j] += w
            M[i, j] -= w
            M[j, i] -= w
    if np.dtype(dtype).kind == "c":
        turn = np.exp(1j * rng.uniform(0, 6.28, n))
        M = turn[:, None] * M * turn.conj()
        np.fill_diagonal(M, M.diagonal().real)
        M = np.tril(M) + np.tril(M, -1).conj().T
    return M


def general(rng, dtype, n, dominance=1.5):
    """Diagonally dominant, not symmetric."""
    M = normal(rng, dtype, n, n) * (rng.random((n, n)) < 0.3)
    np.fill_diagonal(M, 0)
    np.fill_diagonal(M, dominance * (np.abs(M).sum(axis=1) + 0.5))
    return M


def made(rng, dtype, M, b=None, sparse=None, **options):
    """A case of the dense M cast to the dtype, given as CSR or as an array."""
    with np.errstate(all="ignore"):
        M = np.asarray(M).astype(dtype)
        b = normal(rng, dtype, len(M)) if b is None else b
        b = np.asarray(b).astype(dtype)
    sparse = bool(rng.random() < 0.7) if sparse is None else sparse
    options.setdefault("rtol", tolerance(rng, dtype))
    return Case(sp.csr_array(M) if sparse else M.copy(), b, M, **options)


def pick(rng, dtype, n):
    """A benign matrix: a mesh, a full one, or one that is not symmetric."""
    which = rng.integers(3)
    if which == 0:
        return mesh(rng, dtype, n)
    return spectrum(rng, dtype, rng.uniform(1, 20, n)) if which == 1 else general(rng, dtype, n)


# ---- sizes ---------------------------------------------------------------------------------------------------------


@family
def benign(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n))


@family
def tiny_rhs(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), normal(rng, dtype, n) * (1e-36 if small(dtype) else 1e-300))


@family
def denormal_rhs(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), normal(rng, dtype, n) * (1e-41 if small(dtype) else 1e-315))


@family
def huge_rhs(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), normal(rng, dtype, n) * (1e35 if small(dtype) else 1e300))


@family
def tiny_matrix(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n) * (1e-18 if small(dtype) else 1e-150))


@family
def huge_matrix(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n) * (1e18 if small(dtype) else 1e150))


@family
def both_tiny(rng, dtype, n):
    s = 1e-25 if small(dtype) else 1e-250
    return made(rng, dtype, pick(rng, dtype, n) * s, normal(rng, dtype, n) * s)


@family
def both_huge(rng, dtype, n):
    s = 1e25 if small(dtype) else 1e250
    return made(rng, dtype, pick(rng, dtype, n) * s, normal(rng, dtype, n) * s)


@family
def solution_overflows(rng, dtype, n):
    s = 1e-30 if small(dtype) else 1e-200
    return made(rng, dtype, pick(rng, dtype, n) * s, normal(rng, dtype, n) / s)


@family
def solution_underflows(rng, dtype, n):
    s = 1e30 if small(dtype) else 1e200
    return made(rng, dtype, pick(rng, dtype, n) * s, normal(rng, dtype, n) / s)


@family
def solution_denormal(rng, dtype, n):
    """x has only a few bits left in the dtype."""
    low = 1.2e-38 if small(dtype) else 2.3e-308
    return made(rng, dtype, pick(rng, dtype, n) * 10.0 ** rng.integers(3, 9), normal(rng, dtype, n) * low * 10)


@family
def near_overflow(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n) * (1e36 if small(dtype) else 1e306), normal(rng, dtype, n))


@family
def rows_of_all_sizes(rng, dtype, n):
    d = 10.0 ** rng.uniform(-4, 4, n) if small(dtype) else 10.0 ** rng.uniform(-12, 12, n)
    M = mesh(rng, dtype, n)
    return made(rng, dtype, d[:, None] * M * d, d * normal(rng, dtype, n))


@family
def left_scaled(rng, dtype, n):
    d = 10.0 ** rng.uniform(-6, 6, n)
    return made(rng, dtype, d[:, None] * general(rng, dtype, n))


@family
def rhs_of_all_sizes(rng, dtype, n):
    reach = 30 if small(dtype) else 250
    return made(rng, dtype, pick(rng, dtype, n), normal(rng, dtype, n) * 10.0 ** rng.uniform(-reach, reach, n))


@family
def denormal_entries(rng, dtype, n):
    M = mesh(rng, dtype, n)
    far = 1e-42 if small(dtype) else 1e-318
    M[0, n - 1] = M[n - 1, 0] = far
    return made(rng, dtype, M)


@family
def one_by_one(rng, dtype, n):
    value = rng.choice([1.0, -2.0, 1e-30, 1e30, 3.0])
    return made(rng, dtype, np.array([[value]]))


@family
def one_by_one_zero(rng, dtype, n):
    return made(rng, dtype, np.zeros((1, 1)))


@family
def zero_rhs(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), np.zeros(n))


@family
def unit_rhs(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), np.eye(n)[rng.integers(n)])


# ---- tolerances ----------------------------------------------------------------------------------------------------


@family
def tolerance_zero(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), rtol=0.0)


@family
def tolerance_of_rounding(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), rtol=float(10.0 ** rng.uniform(-17, -14)))


@family
def single_at_1e8(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), rtol=1e-8)


@family
def tolerance_loose(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), rtol=float(rng.choice([0.3, 1.0, 5.0])))


@family
def absolute_tolerance(rng, dtype, n):
    size = 10.0 ** rng.uniform(-30, 30)
    case = made(rng, dtype, pick(rng, dtype, n), normal(rng, dtype, n) * size, rtol=0.0)
    case.atol = float(size * 1e-2 if small(dtype) else size * 1e-7)
    return case


@family
def absolute_tolerance_of_denormals(rng, dtype, n):
    low = 1e-40 if small(dtype) else 1e-310
    case = made(rng, dtype, pick(rng, dtype, n), normal(rng, dtype, n) * low, rtol=1e-2)
    case.atol = 1e-323
    return case


@family
def budget_of_one(rng, dtype, n):
    return made(rng, dtype, pick(rng, dtype, n), more={"max_steps": int(rng.integers(0, 3))})


# ---- spectra -------------------------------------------------------------------------------------------------------


@family
def hilbert(rng, dtype, n):
    i = np.arange(n)
    return made(rng, dtype, 1.0 / (i[:, None] + i + 1.0))


@family
def condition_1e16(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, np.geomspace(1e-16, 1, n)))


@family
def condition_1e8(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, np.geomspace(1e-3 if small(dtype) else 1e-8, 1, n)))


@family
def nearly_singular(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, np.r_[rng.uniform(1, 2, n - 1), 10.0 ** rng.uniform(-15, -11)]))


@family
def graded(rng, dtype, n):
    d = np.geomspace(1, 1e-3 if small(dtype) else 1e-10, n)
    M = np.diag(d) + 0.1 * np.diag(d[1:], 1) + 0.1 * np.diag(d[1:], -1)
    return made(rng, dtype, M)


@family
def clustered(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, np.r_[np.ones(n - 2), 1e-3, 1e3]))


@family
def one_outlier(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, np.r_[rng.uniform(1, 2, n - 1), 1e5]))


def neumann(n):
    M = np.diag(2.0 * np.ones(n)) - np.diag(np.ones(n - 1), 1) - np.diag(np.ones(n - 1), -1)
    M[0, 0] = M[-1, -1] = 1.0
    return M


@family
def singular_consistent(rng, dtype, n):
    M = neumann(n)
    return made(rng, dtype, M, M @ rng.standard_normal(n))


@family
def singular_inconsistent(rng, dtype, n):
    return made(rng, dtype, neumann(n), rng.standard_normal(n) + 1.0)


@family
def nearly_consistent(rng, dtype, n):
    M = neumann(n)
    return made(rng, dtype, M, M @ rng.standard_normal(n) + 1e-4)


@family
def singular_full(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, np.r_[rng.uniform(1, 2, n - 2), 0, 0]))


@family
def rank_one(rng, dtype, n):
    v = normal(rng, dtype, n)
    return made(rng, dtype, np.outer(v, v.conj()))


@family
def indefinite(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, rng.choice([-1, 1], n) * rng.uniform(1, 5, n)))


@family
def one_negative_eigenvalue(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, np.r_[rng.uniform(1, 5, n - 1), -0.1]))


@family
def negative_definite(rng, dtype, n):
    return made(rng, dtype, -mesh(rng, dtype, n))


@family
def saddle_point(rng, dtype, n):
    m = max(1, n // 3)
    M = np.zeros((n, n), dtype=complex if np.dtype(dtype).kind == "c" else float)
    M[: n - m, : n - m] = mesh(rng, dtype, n - m)
    M[n - m :, : n - m] = normal(rng, dtype, m, n - m)
    M[: n - m, n - m :] = M[n - m :, : n - m].conj().T
    return made(rng, dtype, M)


@family
def kahan(rng, dtype, n):
    c = 0.285
    s = np.sqrt(1 - c * c)
    return made(rng, dtype, np.diag(s ** np.arange(n)) @ (np.eye(n) - c * np.triu(np.ones((n, n)), 1)))


@family
def cyclic_shift(rng, dtype, n):
    return made(rng, dtype, np.roll(np.eye(n), 1, axis=0))


@family
def skew_symmetric(rng, dtype, n):
    M = normal(rng, dtype, n, n)
    return made(rng, dtype, M - M.conj().T)


@family
def shifted_skew(rng, dtype, n):
    M = normal(rng, dtype, n, n)
    return made(rng, dtype, 0.1 * np.eye(n) + M - M.conj().T)


@family
def wilkinson_growth(rng, dtype, n):
    M = np.eye(n) - np.tril(np.ones((n, n)), -1)
    M[:, -1] = 1
    return made(rng, dtype, M)


@family
def vandermonde(rng, dtype, n):
    return made(rng, dtype, np.vander(np.linspace(-1, 1, n)))


@family
def jordan_like(rng, dtype, n):
    return made(rng, dtype, np.diag(np.ones(n)) + np.diag(2.0 * np.ones(n - 1), 1))


@family
def grcar(rng, dtype, n):
    return made(rng, dtype, sum(np.diag(np.ones(n - k), k) for k in range(4)) - np.diag(np.ones(n - 1), -1))


@family
def convection(rng, dtype, n):
    return made(rng, dtype, mesh(rng, dtype, n) + 20 * (np.eye(n) - np.diag(np.ones(n - 1), -1)))


@family
def complex_symmetric(rng, dtype, n):
    M = normal(rng, dtype, n, n)
    return made(rng, dtype, M + M.T + n * np.eye(n))


@family
def hermitian(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, rng.uniform(0.5, 9, n)))


@family
def random_matrix(rng, dtype, n):
    return made(rng, dtype, normal(rng, dtype, n, n))


@family
def breakdown_at_once(rng, dtype, n):
    """p'Ap = 0 at the first step of CG."""
    M = np.kron(np.eye((n + 1) // 2), np.array([[0.0, 1.0], [1.0, 0.0]]))
    return made(rng, dtype, M, np.eye(len(M))[0])


@family
def breakdown_later(rng, dtype, n):
    d = np.ones(n)
    d[-1] = -1.0
    b = np.ones(n)
    b[-1] = np.sqrt(n - 1.0)
    return made(rng, dtype, np.diag(d) + 1e-3 * neumann(n), b)


@family
def zero_diagonal(rng, dtype, n):
    M = spectrum(rng, dtype, rng.uniform(1, 5, n))
    M[n // 2, n // 2] = 0
    return made(rng, dtype, M)


@family
def negative_diagonal(rng, dtype, n):
    M = mesh(rng, dtype, n)
    M[1, 1] *= -1
    return made(rng, dtype, M)


@family
def all_but_zero(rng, dtype, n):
    return made(rng, dtype, spectrum(rng, dtype, rng.uniform(1, 2, n)), rtol=1e-8, b=normal(rng, dtype, n) * 1e-12)
