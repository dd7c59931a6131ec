"""Bad input: one clear sentence before any work, or a truthful status; and nothing that was given is ever modified."""

import warnings

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv

N = 40
METHODS = [
    "auto", "cg", "jacobi", "gaussseidel", "sor", "ssor", "chebyshev", "direct",
    rv.CG(rv.SSOR()), rv.CG(rv.Jacobi()), rv.CG(rv.IC()), rv.CG(rv.Direct()), "minres", "bicgstab", "idr", "blockcg",
]  # fmt: skip
GIVEN = ["csr", "csc", "coo", "lil", "dok", "dia", "bsr"]


def matrix(n=N):
    return sp.csr_array(sp.diags_array([-np.ones(n - 1), 2.5 * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1]))


def rhs(n=N):
    return np.cos(np.arange(n))


def one_sentence(error):
    return len(str(error.value)) > 15 and str(error.value).isprintable()  # a line break is not printable


def is_true(A, b, result, rtol=1e-6):
    return result.ok and np.linalg.norm(b - A @ result.x) <= rtol * np.linalg.norm(b) * 1.001


# ---- what is refused ------------------------------------------------------------------------------

REFUSED = {
    "not square": (ValueError, "square", lambda: (matrix()[:, :-1], rhs())),
    "one dimension": (ValueError, "square", lambda: (np.ones(N), rhs())),
    "three dimensions": (ValueError, "square", lambda: (np.ones((2, 2, 2)), np.ones(2))),
    "empty": (ValueError, "empty", lambda: (np.ones((0, 0)), np.ones(0))),
    "empty sparse": (ValueError, "empty", lambda: (sp.csr_array((0, 0)), np.ones(0))),
    "b too short": (ValueError, r"shape \(39,\).*\(40,\)", lambda: (matrix(), rhs(N - 1))),
    "b a number": (ValueError, "shape", lambda: (matrix(), np.float64(1.0))),
    "b three-dimensional": (ValueError, "shape", lambda: (matrix(), np.ones((N, 1, 1)))),
    "b without columns": (ValueError, "shape", lambda: (matrix(), np.ones((N, 0)))),
    "b lies down": (ValueError, "shape", lambda: (matrix(), np.ones((1, N)))),
    "b sparse": (TypeError, "dense", lambda: (matrix(), sp.csr_array(np.ones((N, 1))))),
    "b of integers": (TypeError, "integer.*astype", lambda: (matrix(), np.arange(N))),
    "b a list of integers": (TypeError, "integer", lambda: (matrix(), [1] * N)),
    "b of objects": (TypeError, "dtype object", lambda: (matrix(), np.array([1.0] * N, dtype=object))),
    "b of text": (TypeError, "dtype", lambda: (matrix(), np.array(["1"] * N))),
    "b None": (ValueError, "b has shape", lambda: (matrix(), None)),
    "A of integers": (TypeError, "integer.*astype", lambda: (matrix().astype(int), rhs())),
    "A of truth values": (TypeError, "bool", lambda: (np.eye(N, dtype=bool), rhs())),
    "A of objects": (TypeError, "dtype object", lambda: (np.eye(N).astype(object), rhs())),
    "A of long doubles": (TypeError, "float64", lambda: (np.eye(N, dtype=np.longdouble), rhs())),
    "A of half precision": (TypeError, "float32", lambda: (np.eye(N, dtype=np.float16), rhs())),
    "A a list": (TypeError, "list", lambda: ([[1.0, 0.0], [0.0, 1.0]], np.ones(2))),
    "A None": (TypeError, "NoneType", lambda: (None, rhs())),
    "A a string": (TypeError, "str", lambda: ("matrix.mtx", rhs())),
    "A masked": (TypeError, "mask", lambda: (np.ma.masked_equal(np.eye(N), 1.0), rhs())),
    "b masked": (TypeError, "mask", lambda: (matrix(), np.ma.masked_less(rhs(), 0.0))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_one_sentence_before_any_work(name):
    kind, words, given = REFUSED[name]
    A, b = given()
    with pytest.raises(kind, match=words) as caught:
        rv.LinearSystem(A, b)
    assert one_sentence(caught)
    with pytest.raises(kind, match=words):
        rv.Session()(A, b)


@pytest.mark.parametrize(
    ("x0", "kind", "words"),
    [
        (np.ones(N - 1), ValueError, r"x0 has shape \(39,\)"),
        (np.ones((N, 1)), ValueError, "x0 has shape"),
        (np.ones(N, complex), TypeError, "complex"),
        (np.ones(N, object), TypeError, "dtype"),
        ("zero", ValueError, "x0"),
    ],
    ids=str,
)
def test_first_guesses_are_checked(x0, kind, words):
    with pytest.raises((kind, TypeError), match=words) as caught:
        rv.solve(rv.LinearSystem(matrix(), rhs()), "cg", x0=x0)
    assert one_sentence(caught)


@pytest.mark.parametrize(
    "nullspace",
    [np.ones(N - 1), np.zeros(N), np.full(N, np.nan), np.ones((N, 2)), np.eye(N), np.ones((N, 1, 1))],
    ids=["short", "zero", "nan", "dependent", "all", "deep"],
)
def test_null_spaces_are_checked(nullspace):
    with pytest.raises(ValueError, match="nullspace") as caught:
        rv.LinearSystem(matrix(), rhs(), nullspace=nullspace)
    assert one_sentence(caught)


@pytest.mark.parametrize("name", ["nullspace", "near_nullspace"])
@pytest.mark.parametrize(
    ("basis", "kind"),
    [
        (np.ones((N - 1, 2)), ValueError),
        (np.ones((N, 0)), ValueError),
        (np.ones((N, 1, 1)), ValueError),
        (np.r_[np.ones(N - 1), np.inf], ValueError),
        (np.c_[np.ones(N), np.r_[np.nan, np.ones(N - 1)]], ValueError),
        (1.0, ValueError),
        (np.ones(N, complex), TypeError),
        (np.full(N, "a"), TypeError),
        (np.full(N, None), TypeError),
    ],
    ids=["short", "none", "deep", "inf", "nan", "number", "complex", "text", "objects"],
)
def test_candidates_are_checked_before_any_work(name, basis, kind):
    with pytest.raises(kind, match=name) as caught:
        rv.LinearSystem(matrix(), rhs(), **{name: basis})
    assert one_sentence(caught)
    assert rv.LinearSystem(matrix(), rhs() + 0j, near_nullspace=np.ones(N, complex)).near_nullspace is not None


@pytest.mark.parametrize(
    "make",
    [
        lambda: rv.SOR(2.0), lambda: rv.SOR(0.0), lambda: rv.SSOR(-1.0), lambda: rv.Jacobi(np.nan),
        lambda: rv.AMG("geometric"),
        lambda: rv.Chebyshev(lmin=2.0, lmax=1.0), lambda: rv.Guess(vectors=0), lambda: rv.Lifetime("factor", memory=0),
        lambda: rv.Lifetime("factor", cap=-1.0), lambda: rv.Bandit("omega", 1.9, 1.0),
        lambda: rv.CG(preconditioner="ssor"), lambda: rv.MINRES("jacobi"), lambda: rv.BiCGStab(3.0), lambda: rv.IDR(s=0),
        lambda: rv.IDR(s=2.5), lambda: rv.FlexibleCG(window=0), lambda: rv.KrylovGradient(65),
        lambda: rv.KrylovGradient(-1), lambda: rv.KrylovGradient(2.0),
        lambda: rv.MINRES(lambda r: r), lambda: rv.BlockCG(stride=0),
        lambda: rv.LGMRES(preconditioner="ilu"), lambda: rv.CGLS(preconditioner=1),
        lambda: rv.CG(stride=0), lambda: rv.SOR(stride=-3),
    ],
)  # fmt: skip
def test_parameters_are_checked(make):
    with pytest.raises((ValueError, TypeError)) as caught:
        make()
    assert one_sentence(caught)


# ---- patterns -------------------------------------------------------------------------------------


def broken(change):
    A = matrix()
    change(A)
    return A


PATTERNS = {
    "column outside": lambda A: A.indices.__setitem__(5, N),
    "column far outside": lambda A: A.indices.__setitem__(5, 2**31 - 1),
    "column negative": lambda A: A.indices.__setitem__(5, -1),
    "pointers fall": lambda A: A.indptr.__setitem__(5, A.nnz),
    "pointers begin late": lambda A: A.indptr.__setitem__(0, 3),
    "pointers end outside": lambda A: A.indptr.__setitem__(-1, 10 * A.nnz),
    "pointer negative": lambda A: A.indptr.__setitem__(7, -8),
}


@pytest.mark.parametrize("name", PATTERNS)
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_patterns_that_point_outside_are_refused(name, method):
    A = broken(PATTERNS[name])
    with pytest.raises(ValueError, match=r"pattern|pointers") as caught:
        rv.solve(rv.LinearSystem(A, rhs()), method)
    assert one_sentence(caught)


def test_a_pattern_broken_in_place_between_solves_is_noticed():
    session = rv.Session(rv.CG(rv.SSOR()))
    A = matrix()
    session.solve(rv.LinearSystem(A, rhs()))
    A.indices[5] = 2**31 - 1
    with pytest.raises(ValueError, match="outside"):
        session.solve(rv.LinearSystem(A, rhs()))
    assert is_true(matrix(), rhs(), session.solve(rv.LinearSystem(matrix(), rhs())))


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_duplicate_and_unsorted_entries_are_summed(method):
    C = matrix().tocoo()
    order = np.random.default_rng(0).permutation(2 * C.nnz)
    rows, cols = np.tile(C.row, 2)[order], np.tile(C.col, 2)[order]
    vals = np.concatenate([0.25 * C.data, 0.75 * C.data])[order]
    by_row = np.argsort(rows, kind="stable")
    indptr = np.r_[0, np.cumsum(np.bincount(rows, minlength=N))]
    A = sp.csr_array((vals[by_row], cols[by_row], indptr), shape=(N, N))
    before = [a.tobytes() for a in (A.data, A.indices, A.indptr)]
    assert is_true(matrix(), rhs(), rv.solve(rv.LinearSystem(A, rhs()), method))
    assert [a.tobytes() for a in (A.data, A.indices, A.indptr)] == before


def test_explicit_zeros_are_entries():
    A = matrix()
    A.data[A.indices == np.repeat(np.arange(N), np.diff(A.indptr)) + 1] *= 1.0
    B = sp.csr_array(A + 0.0 * sp.eye_array(N, k=3) + 0.0 * sp.eye_array(N, k=-3))
    assert is_true(A, rhs(), rv.solve(rv.LinearSystem(B, rhs()), rv.CG(rv.SSOR())))


# ---- what is taken as it comes --------------------------------------------------------------------


@pytest.mark.parametrize("kind", [*GIVEN, "csr_matrix", "csc_matrix", "dense", "fortran", "matrix"])
@pytest.mark.parametrize("method", ["auto", "cg", "direct", rv.CG(rv.SSOR())], ids=str)
def test_every_format_is_taken(kind, method):
    A = matrix()
    made = {
        "csr_matrix": lambda: sp.csr_matrix(A),
        "csc_matrix": lambda: sp.csc_matrix(A),
        "dense": A.toarray,
        "fortran": lambda: np.asfortranarray(A.toarray()),
        "matrix": lambda: np.asmatrix(A.toarray()),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # of np.matrix
        given = made[kind]() if kind in made else A.asformat(kind)
        result = rv.solve(rv.LinearSystem(given, rhs()), method)
    assert is_true(A, rhs(), result) and type(result.x) is np.ndarray and result.x.shape == (N,)


@pytest.mark.parametrize("index", [np.int32, np.int64])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_both_widths_of_indices(index, method):
    A = matrix()
    A.indices, A.indptr = A.indices.astype(index), A.indptr.astype(index)
    assert is_true(matrix(), rhs(), rv.solve(rv.LinearSystem(A, rhs()), method))


def test_mixed_widths_of_indices():
    A = matrix()
    A.indptr = A.indptr.astype(np.int64)
    assert is_true(matrix(), rhs(), rv.solve(rv.LinearSystem(A, rhs()), "cg"))


@pytest.mark.parametrize("swap", ["A", "b", "both"])
def test_big_endian(swap):
    A, b = matrix(), rhs()
    if swap != "b":
        A.data = A.data.astype(">f8")
    if swap != "A":
        b = b.astype(">f8")
    result = rv.solve(rv.LinearSystem(A, b), "cg")
    assert is_true(matrix(), rhs(), result) and result.x.dtype.isnative
    dense = rv.solve(rv.LinearSystem(matrix().toarray().astype(">f8"), b), "direct")
    assert is_true(matrix(), rhs(), dense)


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_read_only_and_strided_arrays(method):
    A, wide = matrix(), np.zeros((N, 3))
    wide[:, 1] = rhs()
    x0 = np.ones(2 * N)[::2]
    for array in (A.data, A.indices, A.indptr, wide, x0):
        array.flags.writeable = False
    before = [a.tobytes() for a in (A.data, A.indices, A.indptr, wide)]
    result = rv.solve(rv.LinearSystem(A, wide[:, 1]), method, x0=x0)
    assert is_true(matrix(), rhs(), result) and result.x.flags.writeable
    assert [a.tobytes() for a in (A.data, A.indices, A.indptr, wide)] == before
    assert not np.shares_memory(result.x, x0)


def test_a_right_hand_side_that_is_a_matrix():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        b = np.asmatrix(rhs()).T
        result = rv.solve(rv.LinearSystem(matrix(), b), "cg")
    assert result.ok and type(result.x) is np.ndarray and result.x.shape == (N, 1)
    assert is_true(matrix(), rhs(), rv.solve(rv.LinearSystem(matrix(), list(rhs())), "cg"))


def test_a_row_and_a_column_of_one():
    for A in (np.array([[4.0]]), sp.csr_array(np.array([[4.0]]))):
        for method in METHODS:
            result = rv.solve(rv.LinearSystem(A, np.array([2.0])), method)
            assert result.ok and result.x == pytest.approx([0.5])


def test_the_result_shares_nothing_with_the_input():
    b, x0 = rhs(), np.ones(N)
    for method in METHODS:
        x = rv.solve(rv.LinearSystem(matrix(), b), method, x0=x0).x
        assert not np.shares_memory(x, b) and not np.shares_memory(x, x0)
    near = rv.solve(rv.LinearSystem(sp.eye_array(N).tocsr(), b), "cg", x0=b)
    assert near.ok and near.steps == 0 and not np.shares_memory(near.x, b)


# ---- what ends in a status ------------------------------------------------------------------------


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["A", "diagonal", "b"])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_what_is_not_finite_ends_nonfinite(method, where, bad):
    A, b = matrix(), rhs()
    if where == "A":
        A[3, 4] = A[4, 3] = bad
    elif where == "diagonal":
        A[3, 3] = bad
    else:
        b[3] = bad
    result = rv.solve(rv.LinearSystem(A, b), method, on_fail="ignore")
    assert result.status == rv.Status.NONFINITE and "NaN or inf" in result.reason
    assert ("A contains" in result.reason) == (where != "b")


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_diagonal_that_is_not_positive(method, value):
    A = matrix()
    A[7, 7] = value
    result = rv.solve(rv.LinearSystem(A, rhs()), method, on_fail="ignore")
    if result.ok:
        assert is_true(A, rhs(), result)
    else:
        assert result.status < 0 and len(result.reason) > 30
        assert result.x is not None and np.isfinite(result.x).all()


@pytest.mark.parametrize(
    "method", ["jacobi", "gaussseidel", "sor", "ssor", rv.CG(rv.SSOR()), rv.CG(rv.Jacobi())], ids=str
)
def test_a_zero_diagonal_is_named(method):  # and what was reached is measured all the same
    dense = matrix().toarray()
    dense[7, 7] = 0.0
    for A in (sp.csr_array(dense), dense):  # the entry is missing; the entry is zero
        result = rv.solve(rv.LinearSystem(A, rhs()), method, on_fail="ignore")
        assert result.status == rv.Status.SETUP and "row 7" in result.reason
        assert result.seen["residual"] == pytest.approx(np.linalg.norm(rhs() - A @ result.x))


@pytest.mark.parametrize("method", [m for m in METHODS if m == "cg" or isinstance(m, rv.CG)], ids=str)
def test_an_indefinite_matrix_is_not_called_solved(method):
    d = np.ones(N)
    d[::2] = -2.0
    off = 0.1 * np.ones(N - 1)
    A = sp.csr_array(sp.diags_array([off, d, off], offsets=[-1, 0, 1]))
    result = rv.solve(rv.LinearSystem(A, rhs()), method, on_fail="ignore")
    if result.ok:
        assert is_true(A, rhs(), result)
    else:
        assert result.status in (rv.Status.INDEFINITE, rv.Status.SETUP, rv.Status.BREAKDOWN)
        assert "positive" in result.reason
    assert is_true(A, rhs(), rv.solve(rv.LinearSystem(A, rhs())))  # auto finds a way


def test_auto_solves_what_cg_cannot():
    A = matrix() + sp.eye_array(N, k=1) * 0.7
    assert is_true(A, rhs(), rv.solve(rv.LinearSystem(A, rhs())))
    with pytest.raises(ValueError, match="symmetric"):
        rv.solve(rv.LinearSystem(A, rhs()), "cg")


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_a_matrix_without_entries(method):
    result = rv.solve(rv.LinearSystem(sp.csr_array((N, N)), rhs()), method, on_fail="ignore")
    assert not result.ok and len(result.reason) > 30
    assert np.array_equal(result.x, np.zeros(N))
    assert rv.solve(rv.LinearSystem(sp.csr_array((N, N)), np.zeros(N)), "cg").ok


def path(n=N):
    """The Laplacian of a path: singular, constants are its null space."""
    d = np.r_[1.0, np.full(n - 2, 2.0), 1.0]
    return sp.csr_array(sp.diags_array([-np.ones(n - 1), d, -np.ones(n - 1)], offsets=[-1, 0, 1]))


@pytest.mark.parametrize("method", ["auto", "cg", rv.CG(rv.SSOR()), rv.CG(rv.Jacobi())], ids=str)
def test_singular_and_consistent_is_solved(method):
    b = rhs() - rhs().mean()
    assert is_true(path(), b, rv.solve(rv.LinearSystem(path(), b), method))


@pytest.mark.parametrize("method", METHODS, ids=str)
def test_singular_and_inconsistent_says_how_much_lies_outside(method):
    b = rhs() + 3.0
    result = rv.solve(rv.LinearSystem(path(), b), method, on_fail="ignore", max_steps=4000)
    outside = abs(b.sum()) / np.sqrt(N)
    assert result.status == rv.Status.STAGNATED, result.reason
    assert result.seen["outside_range"] == pytest.approx(outside, rel=1e-6)
    assert f"{outside:.4g}" in result.reason and "singular" in result.reason
    assert result.seen["residual"] == pytest.approx(np.linalg.norm(b - path() @ result.x), rel=1e-6)


def test_more_than_the_dtype_can_give():
    A = matrix(4000) - sp.diags_array(np.full(4000, 0.5 - 1e-4))
    for rtol in (3e-8, 1e-8):
        problem = rv.LinearSystem(A.astype(np.float32), rhs(4000).astype(np.float32))
        result = rv.solve(problem, "cg", rtol=rtol, on_fail="ignore")
        assert result.status == rv.Status.STAGNATED and result.x.dtype == np.float32
        assert result.seen["attainable"] > 0 and "float32" in result.reason and "rtol >=" in result.reason
