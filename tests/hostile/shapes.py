"""Families of hostile structure, hostile first guesses, input that must be refused, and matrices that lie about themselves."""

import sys

import numpy as np
import scipy.sparse as sp

systems = sys.modules["resolvent_hostile_systems"]  # loaded by the grid, as this module is
Case, family, made, pick = systems.Case, systems.family, systems.made, systems.pick
mesh, normal, general = systems.mesh, systems.normal, systems.general
spectrum, small = systems.spectrum, systems.small


# ---- structure -----------------------------------------------------------------------------------------------------


@family
def identity(rng, dtype, n):
    return made(rng, dtype, np.eye(n))


@family
def diagonal(rng, dtype, n):
    return made(rng, dtype, np.diag(rng.uniform(0.1, 10, n)))


@family
def zero_matrix(rng, dtype, n):
    return made(rng, dtype, np.zeros((n, n)))


@family
def nothing_stored(rng, dtype, n):
    case = made(rng, dtype, np.zeros((n, n)), sparse=True)
    case.A = sp.csr_array((n, n), dtype=dtype)
    return case


@family
def empty_row(rng, dtype, n):
    M = pick(rng, dtype, n)
    M[rng.integers(n)] = 0
    return made(rng, dtype, M)


@family
def empty_row_and_column(rng, dtype, n):
    M, i = mesh(rng, dtype, n), rng.integers(n)
    M[i] = 0
    M[:, i] = 0
    b = normal(rng, dtype, n)
    if rng.random() < 0.5:
        b[i] = 0
    return made(rng, dtype, M, b)


@family
def upper_triangle_only(rng, dtype, n):
    return made(rng, dtype, np.triu(mesh(rng, dtype, n)), sparse=True)


def broken_up(rng, case):
    """The same matrix with entries split in two, in any order; split so that the sum is exact."""
    A = sp.coo_array(case.true)
    order = rng.permutation(2 * A.nnz)
    row, col = np.r_[A.row, A.row][order], np.r_[A.col, A.col][order]
    data = np.r_[A.data / 2, A.data / 2][order]
    sort = np.argsort(row, kind="stable")
    ip = np.searchsorted(row[sort], np.arange(case.true.shape[0] + 1)).astype(np.int32)
    case.A = sp.csr_array((data[sort], col[sort].astype(np.int32), ip), shape=A.shape)
    return case


@family
def duplicates_unsorted(rng, dtype, n):
    return broken_up(rng, made(rng, dtype, pick(rng, dtype, n)))


@family
def duplicates_that_cancel(rng, dtype, n):
    case = broken_up(rng, made(rng, dtype, mesh(rng, dtype, n)))
    A = case.A
    row = np.repeat(np.arange(n), np.diff(A.indptr))
    big = rng.permutation(n)[: n // 2]
    rows, cols = np.r_[row, big, big], np.r_[A.indices, big[::-1], big[::-1]]
    data = np.r_[A.data, np.full(len(big), 4), np.full(len(big), -4)].astype(dtype)
    sort = np.argsort(rows, kind="stable")
    ip = np.searchsorted(rows[sort], np.arange(n + 1)).astype(np.int32)
    case.A = sp.csr_array((data[sort], cols[sort].astype(np.int32), ip), shape=(n, n))
    case.loose = True
    return case


@family
def explicit_zeros(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n), sparse=True)
    full = sp.csr_array(np.ones((n, n), dtype=dtype))
    full.data[:] = case.true.ravel()
    case.A = full
    return case


@family
def wide_indices(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n), sparse=True)
    A = case.A
    A.indices, A.indptr = A.indices.astype(np.int64), A.indptr.astype(np.int64)
    return case


@family
def mixed_indices(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n), sparse=True)
    case.A.indptr = case.A.indptr.astype(np.int64)
    return case


@family
def any_format(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n), sparse=True)
    case.A = case.A.asformat(str(rng.choice(["coo", "csc", "bsr", "dia", "lil", "dok"])))
    return case


@family
def old_matrix_class(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n), sparse=True)
    case.A = sp.csr_matrix(case.A)
    return case


@family
def any_layout(rng, dtype, n):
    """Fortran order, every other entry of a larger array, read-only, reversed."""
    case = made(rng, dtype, pick(rng, dtype, n), sparse=False)
    wide = np.zeros((2 * n, 2 * n), dtype=dtype)
    wide[::2, ::2] = case.true
    case.A = [np.asfortranarray(case.true), wide[::2, ::2], case.true[::-1, ::-1][::-1, ::-1]][rng.integers(3)]
    twice = np.zeros(2 * n, dtype=dtype)
    twice[::2] = case.b
    case.b = twice[::2]
    case.A.flags.writeable = case.b.flags.writeable = False
    return case


@family
def other_byte_order(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    swapped = np.dtype(dtype).newbyteorder(">")
    if sp.issparse(case.A):
        case.A.data = case.A.data.astype(swapped)
    else:
        case.A = case.A.astype(swapped)
    case.b = case.b.astype(swapped)
    return case


@family
def more_entries_than_pointers(rng, dtype, n):
    """CSR arrays that are longer than the last row pointer says."""
    case = made(rng, dtype, pick(rng, dtype, n), sparse=True)
    A = case.A
    A.data, A.indices = np.r_[A.data, A.data[:3] * np.nan], np.r_[A.indices, A.indices[:3]]
    return case


@family
def permuted(rng, dtype, n):
    order = rng.permutation(n)
    return made(rng, dtype, mesh(rng, dtype, n)[order][:, order])


@family
def permuted_rows(rng, dtype, n):
    return made(rng, dtype, general(rng, dtype, n)[rng.permutation(n)])


@family
def isolated_unknowns(rng, dtype, n):
    M = mesh(rng, dtype, n)
    for i in rng.permutation(n)[: n // 3]:
        M[i], M[:, i] = 0, 0
        M[i, i] = 10.0 ** rng.uniform(-2, 2)
    return made(rng, dtype, M)


@family
def two_worlds(rng, dtype, n):
    m = n // 2
    M = np.zeros((n, n), dtype=complex if np.dtype(dtype).kind == "c" else float)
    M[:m, :m] = mesh(rng, dtype, m)
    M[m:, m:] = mesh(rng, dtype, n - m) * (1e3 if small(dtype) else 1e9)
    return made(rng, dtype, M)


@family
def arrow(rng, dtype, n):
    M = np.diag(n + rng.uniform(1, 2, n))
    M[0, 1:] = M[1:, 0] = 1.0
    return made(rng, dtype, M)


@family
def blocks(rng, dtype, n):
    k = max(1, n // 3)
    return made(rng, dtype, np.kron(mesh(rng, dtype, k), np.array([[4.0, 1, 0], [1, 4, 1], [0, 1, 4]])))


@family
def nearly_symmetric(rng, dtype, n):
    M = mesh(rng, dtype, n)
    M[0, 1] *= 1 + 10.0 ** rng.uniform(-14, -3)
    return made(rng, dtype, M)


@family
def nearly_real_diagonal(rng, dtype, n):
    M = mesh(rng, dtype, n)
    if np.dtype(dtype).kind == "c":
        M = M + np.diag(1j * 10.0 ** rng.uniform(-16, -8, n))
    return made(rng, dtype, M)


@family
def mixed_dtypes(rng, dtype, n):
    """float32 matrix with a float64 right-hand side, a real matrix with a complex one, and so on."""
    M = mesh(rng, "float64", n).astype(rng.choice(["float32", "float64"]))
    b = normal(rng, dtype, n).astype(dtype)
    A = sp.csr_array(M) if rng.random() < 0.5 else M
    both = small(dtype) or M.dtype == np.float32
    return Case(A, b, M, rtol=1e-3 if both else 1e-8)


@family
def several_columns(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.b = normal(rng, dtype, n, 3).astype(dtype)
    case.b[:, 1] = 0
    return case


@family
def columns_one_nan(rng, dtype, n):
    case = several_columns(rng, dtype, n)
    case.b[0, 2] = np.nan
    return case


# ---- not finite ----------------------------------------------------------------------------------------------------


@family
def matrix_with_nan(rng, dtype, n):
    M, i, j = pick(rng, dtype, n), rng.integers(n), rng.integers(n)
    M[i, j] = M[j, i] = np.nan
    return made(rng, dtype, M)


@family
def matrix_with_inf(rng, dtype, n):
    M, i, j = pick(rng, dtype, n), rng.integers(n), rng.integers(n)
    M[i, j] = M[j, i] = rng.choice([np.inf, -np.inf])
    return made(rng, dtype, M)


@family
def rhs_with_nan(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.b[rng.integers(n)] = rng.choice([np.nan, np.inf, -np.inf])
    return case


# ---- first guesses -------------------------------------------------------------------------------------------------


@family
def guess_of_nan(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.x0 = np.full(n, rng.choice([np.nan, np.inf]), dtype=dtype)
    return case


@family
def guess_with_one_nan(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.x0 = normal(rng, dtype, n).astype(dtype)
    case.x0[rng.integers(n)] = np.nan
    return case


@family
def guess_huge(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.x0 = (normal(rng, dtype, n) * 10.0 ** rng.uniform(5, 37 if small(dtype) else 300)).astype(dtype)
    return case


@family
def guess_is_the_solution(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.x0 = np.linalg.solve(case.true, case.b).astype(dtype)
    return case


@family
def guess_of_another_dtype(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.x0 = rng.integers(-3, 3, n) if rng.random() < 0.5 else rng.standard_normal(n).astype("float32")
    return case


@family
def guess_aliases_rhs(rng, dtype, n):
    case = made(rng, dtype, pick(rng, dtype, n))
    case.x0 = case.b
    return case


# ---- lies ----------------------------------------------------------------------------------------------------------


@family
def says_symmetric(rng, dtype, n):
    M = general(rng, dtype, n) if rng.random() < 0.5 else normal(rng, dtype, n, n)
    return made(rng, dtype, M, options={"symmetric": True})


@family
def says_positive_definite(rng, dtype, n):
    M = spectrum(rng, dtype, rng.choice([-1, 1], n) * rng.uniform(1, 5, n))
    return made(rng, dtype, M, options={"symmetric": True, "positive_definite": True})


@family
def denies_symmetry(rng, dtype, n):
    return made(rng, dtype, mesh(rng, dtype, n), options={"symmetric": False})


@family
def denies_definiteness(rng, dtype, n):
    return made(rng, dtype, mesh(rng, dtype, n), options={"positive_definite": False})


@family
def false_nullspace(rng, dtype, n):
    """The matrix is regular, or its null space is another one."""
    Z = normal(rng, dtype, n, int(rng.integers(1, 3))) * 10.0 ** rng.uniform(-8, 3)
    M = mesh(rng, dtype, n) if rng.random() < 0.7 else systems.neumann(n)
    return made(rng, dtype, M, options={"nullspace": Z})


@family
def nullspace_nearly(rng, dtype, n):
    M = systems.neumann(n)
    Z = np.ones(n) + 10.0 ** rng.uniform(-12, -2) * rng.standard_normal(n)
    return made(rng, dtype, M, M @ rng.standard_normal(n), options={"nullspace": Z})


@family
def false_near_nullspace(rng, dtype, n):
    B = rng.standard_normal((n, 1)) * rng.choice([0.0, 1.0])
    return made(rng, dtype, mesh(rng, dtype, n), options={"near_nullspace": B})


# ---- to be refused before any work ---------------------------------------------------------------------------------


@family
def wrong_input(rng, dtype, n):
    M, b = mesh(rng, "float64", n), rng.standard_normal(n)
    A = sp.csr_array(M)
    outside = A.copy()
    outside.indices[rng.integers(outside.nnz)] = n + 3
    negative = A.copy()
    negative.indices[0] = -1
    pointers = A.copy()
    pointers.indptr[1] = 2 * A.nnz
    falling = A.copy()
    falling.indptr[1:3] = falling.indptr[1:3][::-1]
    wrong = [
        (M.astype(int), b),
        (M, np.arange(n)),
        (M.astype(object), b),
        (M.astype("float16"), b),
        (M.astype(np.longdouble), b),
        (M[:, :-1], b),
        (M, b[:-1]),
        (M, b.reshape(1, n)),
        (M, b[:, None, None]),
        (np.zeros((0, 0)), np.zeros(0)),
        (sp.csr_array((0, 0)), np.zeros(0)),
        (M, np.zeros((n, 0))),
        (A, sp.csr_array(b[:, None])),
        (M.tolist(), b),
        ("matrix", b),
        (None, b),
        (M, None),
        (M, ["a"] * n),
        (M, b.astype(object)),
        (M.astype(bool), b),
        (outside, b),
        (negative, b),
        (pointers, b),
        (falling, b),
        (M[0], b),
    ]
    return Case(*wrong[rng.integers(len(wrong))])


@family
def wrong_guess(rng, dtype, n):
    case = made(rng, "float64", mesh(rng, "float64", n))
    wrong = [np.zeros(n + 1), np.zeros(n) * 1j, np.zeros((n, 1)), np.array(["a"] * n), np.array([None] * n), 3.0]
    case.x0 = wrong[rng.integers(len(wrong))]
    return case


@family
def wrong_nullspace(rng, dtype, n):
    Z = [np.ones(n - 1), np.full(n, np.nan), np.zeros(n), np.eye(n), np.ones((n, 2))][rng.integers(5)]
    return made(rng, dtype, mesh(rng, dtype, n), options={"nullspace": Z})


@family
def wrong_near_nullspace(rng, dtype, n):
    one_nan = rng.standard_normal((n, 2))
    one_nan[rng.integers(n), 1] = rng.choice([np.nan, np.inf])
    wrong = [one_nan, np.ones((n + 1, 1)), np.ones((n, 0)), np.ones((n, 1, 1)), np.full((n, 1), "a"), 1.0]
    case = made(rng, dtype, mesh(rng, dtype, n), options={"near_nullspace": wrong[rng.integers(len(wrong))]})
    case.true = None
    return case
