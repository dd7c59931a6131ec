"""ILU(0), ILUT and block Jacobi: against their definitions, inside solvers, and what they say when they fail."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, bicgstab, gmres, spilu

import resolvent as rv
from resolvent.core import SetupError
from resolvent.operators import ILUTBound


def upwind(m=14, wind=3.0, dtype="float64", seed=0):
    """Diffusion with first-order upwind convection: a nonsymmetric M-matrix."""
    line = sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
    blow = sp.diags_array([-np.ones(m - 1), np.ones(m)], offsets=[-1, 0])
    eye = sp.eye_array(m)
    A = sp.csr_array(sp.kron(line, eye) + sp.kron(eye, line) + wind * sp.kron(eye, blow))
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "c":
        A = sp.csr_array(A + 0.3j * sp.eye_array(m * m))
    return rv.LinearSystem(A.astype(dtype), rng.standard_normal(m * m).astype(dtype))


def ragged(n=60, seed=3, dtype="float64"):
    """A nonsymmetric pattern, dominant diagonal."""
    rng = np.random.default_rng(seed)
    A = sp.random_array((n, n), density=0.06, rng=rng, format="csr")
    if np.dtype(dtype).kind == "c":
        A = A + 1j * sp.random_array((n, n), density=0.06, rng=rng, format="csr")
    A = sp.csr_array(A + (1.0 + abs(A).sum(axis=1).max()) * sp.eye_array(n))
    return rv.LinearSystem(A.astype(dtype), rng.standard_normal(n).astype(dtype))


def by_definition(A):
    """L and U of ILU(0): Gaussian elimination on A's pattern alone."""
    LU, pattern = A.copy(), A != 0
    for i in range(1, len(A)):
        for k in np.flatnonzero(pattern[i, :i]):
            LU[i, k] /= LU[k, k]
            for j in range(k + 1, len(A)):
                if pattern[i, j]:
                    LU[i, j] -= LU[i, k] * LU[k, j]
    return np.tril(LU, -1) + np.eye(len(A)), np.triu(LU)


def inverse_of(bound, n, dtype):
    return np.array([bound.apply(e) for e in np.eye(n, dtype=dtype)]).T


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
@pytest.mark.parametrize("build", [upwind, ragged])
def test_ilu0_is_its_definition(build, dtype):
    problem = build(dtype=dtype)
    A = problem.A.toarray()
    L, U = by_definition(A.astype(np.result_type(dtype, "float64")))
    r = problem.b
    z = rv.ILU0().bind(problem, {}).apply(r)
    want = np.linalg.solve(L @ U, r)
    assert z.dtype == np.dtype(dtype)
    assert np.allclose(
        z, want, rtol=0, atol=(1e-5 if "32" in dtype or dtype == "complex64" else 1e-13) * abs(want).max()
    )


def test_ilu0_agrees_with_a_on_its_pattern_and_by_hand():
    problem = ragged()
    A = problem.A.toarray()
    LU = np.linalg.inv(inverse_of(rv.ILU0().bind(problem, {}), 60, "float64"))
    assert np.allclose(LU[A != 0], A[A != 0], rtol=1e-10)
    assert abs(LU - A).max() > 1e-4  # fill was dropped
    full = rv.LinearSystem(np.array([[2.0, 1.0], [4.0, 5.0]]), np.ones(2))  # a full pattern: the exact inverse
    assert rv.ILU0().bind(full, {}).apply(np.array([3.0, 9.0])) == pytest.approx([1.0, 1.0], abs=1e-15)


def test_ilu0_of_a_definite_matrix_is_symmetric_and_is_ic(laplacian):
    problem = laplacian(11)
    z = inverse_of(rv.ILU0().bind(problem, {}), 121, "float64")
    assert np.allclose(z, z.T, atol=1e-14)
    assert np.allclose(z, inverse_of(rv.IC().bind(problem, {}), 121, "float64"), atol=1e-13)


def test_ilu0_keeps_its_symbolic_part_with_the_pattern(laplacian):
    session = rv.Session(rv.CG(rv.ILU0()), rtol=1e-8)
    for shift in (0.1, 0.2, 0.3):
        assert session.solve(laplacian(20, shift)).ok
    counts = [r["work"].get("symbolics", 0) for r in session.records]
    assert counts == [1, 0, 0]


@pytest.mark.parametrize(
    ("matrix", "what"),
    [
        (np.array([[0.0, 1.0], [1.0, 0.0]]), "row 0 has no diagonal"),
        (np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]), "zero pivot in row 1"),
    ],
)
def test_ilu0_says_where_it_failed(matrix, what):
    problem = rv.LinearSystem(sp.csr_array(matrix), np.ones(len(matrix)))
    with pytest.raises(SetupError, match=what):
        rv.ILU0().bind(problem, {})


def test_a_failed_set_up_is_a_status_with_the_sentence():
    A = sp.csr_array(np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 1.0, 1.0]]))
    result = rv.solve(rv.LinearSystem(A, np.ones(3), symmetric=True), rv.CG(rv.ILU0()), on_fail="ignore")
    assert result.status == rv.Status.SETUP and "zero pivot in row 1" in result.reason


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
@pytest.mark.parametrize("recipe", [rv.ILU0(), rv.ILUT(), rv.BlockJacobi(14)])
def test_they_speed_up_scipys_solvers(recipe, dtype):
    problem = upwind(dtype=dtype, m=20)
    bound = recipe.bind(problem, {})
    M = LinearOperator(problem.A.shape, matvec=bound.apply, dtype=dtype)
    for solver in (gmres, bicgstab):
        counts = []
        for inverse in (None, M):
            steps = []
            extra = {"callback_type": "pr_norm"} if solver is gmres else {}
            x, info = solver(problem.A, problem.b, M=inverse, rtol=1e-9, callback=steps.append, **extra)
            assert info == 0 and np.linalg.norm(problem.b - problem.A @ x) <= 1e-7 * np.linalg.norm(problem.b)
            counts.append(len(steps))
        assert counts[1] < 0.7 * counts[0]


def starved(n=300, seed=1):
    """Symmetric and indefinite, random pattern, weak diagonal: its factors are nearly full."""
    A = sp.random_array((n, n), density=0.02, rng=np.random.default_rng(seed), format="csr")
    return rv.LinearSystem(sp.csr_array(A + A.T + 1e-3 * sp.eye_array(n)), np.ones(n))


def test_ilut_takes_more_fill_when_it_runs_out_and_says_so():
    problem, recipe = starved(), rv.ILUT(drop_tol=1e-4, fill_factor=1.0)
    with pytest.raises(RuntimeError, match="singular"):
        spilu(sp.csc_array(problem.A), drop_tol=1e-4, fill_factor=1.0)
    bound = recipe.bind(problem, {})
    assert isinstance(bound, ILUTBound) and bound.fill_factor in (3.0, 6.0)
    assert problem.work.setup["ilut_nonzeros"] > bound.lu.nnz  # the rungs that failed are counted
    result = rv.solve(problem, rv.CG(recipe), on_fail="ignore")
    assert result.seen["ilut_fill_factor"] == bound.fill_factor
    assert result.seen["ilut_nonzeros"] == bound.lu.nnz


def test_the_summary_says_which_fill_served(laplacian):
    session = rv.Session(rv.CG(rv.ILUT(fill_factor=20.0)), learners=[rv.Lifetime("preconditioner")], rtol=1e-8)
    assert session.solve(laplacian(12)).ok
    assert "ILUT was made with fill factor 20" in session.summary()


def test_ilut_with_no_fill_left_fails_in_one_sentence():
    problem = rv.LinearSystem(sp.csr_array(np.array([[1.0, 1.0], [1.0, 1.0]])), np.ones(2))
    with pytest.raises(SetupError, match=r"ran out of fill, or met a zero pivot.* 10, 30 and 60"):
        rv.ILUT().bind(problem, {})


@pytest.mark.parametrize("size", [1, 3, 7, 121, 500])
def test_block_jacobi_inverts_the_blocks(size):
    problem = upwind(11)
    A = problem.A.toarray()
    want = np.zeros_like(A)
    for first in range(0, 121, size):
        part = slice(first, min(first + size, 121))
        want[part, part] = np.linalg.inv(A[part, part])
    assert np.allclose(inverse_of(rv.BlockJacobi(size).bind(problem, {}), 121, "float64"), want, atol=1e-13)


def test_block_jacobi_names_the_singular_block():
    A = np.diag(np.ones(6))
    A[3:5, 3:5] = 1.0
    A[0, 5] = 2.0
    with pytest.raises(SetupError, match="rows 3 to 5"):
        rv.BlockJacobi(3).bind(rv.LinearSystem(A, np.ones(6)), {})


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda: rv.BlockJacobi(0), "size=0"),
        (lambda: rv.BlockJacobi(2.5), "size=2.5"),
        (lambda: rv.ILUT(drop_tol=-1.0), "drop_tol=-1"),
        (lambda: rv.ILUT(fill_factor=float("nan")), "fill_factor=nan"),
        (lambda: rv.ChebyshevPolynomial(0), "degree=0"),
        (lambda: rv.SymmetricPolynomial(0), "tau=0"),
        (lambda: rv.SymmetricPolynomial(99), "tau=99"),
    ],
)
def test_bad_parameters_are_refused(make, what):
    with pytest.raises(ValueError, match=what):
        make()


@pytest.mark.parametrize(
    "recipe", [rv.ILU0(), rv.ILUT(), rv.BlockJacobi(5), rv.ChebyshevPolynomial(2), rv.SymmetricPolynomial(4)]
)
def test_a_saved_set_up_goes_on_bit_for_bit(recipe, tmp_path, laplacian):
    def session():
        return rv.Session(rv.CG(recipe), learners=[rv.Lifetime("preconditioner")], rtol=1e-8)

    systems = [laplacian(16, 0.1 + 1e-3 * t) for t in range(6)]
    one = session()
    for problem in systems[:3]:
        one.solve(problem)
    one.save(tmp_path / "s.rv")
    two = rv.Session.load(tmp_path / "s.rv")
    for problem in systems[3:]:
        mine, theirs = one.solve(problem), two.solve(problem)
        assert mine.ok and mine.x.tobytes() == theirs.x.tobytes()
    assert one.totals["kept"] == two.totals["kept"] > 0


@pytest.mark.parametrize("recipe", [rv.ILU0(), rv.ILUT(), rv.BlockJacobi(5), rv.ChebyshevPolynomial(3)])
def test_the_table_foretells_what_is_counted(recipe, laplacian):
    problem = laplacian(30)
    problem.compare({})
    first = recipe.estimate(problem)
    bound = recipe.bind(problem, {})
    setup = problem.price().setup
    running = sum(problem.weight(name) * amount for name, amount in bound.counts.items())
    assert 0.3 < first.setup / setup < 3.0 and 0.3 < first.running / running < 3.0


def test_ilut_is_of_the_matrix_and_not_of_its_transpose():
    problem = rv.load_sequence("convection-diffusion")[0]
    problem.compare({})
    v = np.random.default_rng(0).standard_normal(problem.n)
    bound = rv.ILUT().bind(problem, {})
    assert np.linalg.norm(problem.A @ bound.apply(v) - v) < 1e-2 * np.linalg.norm(v)
    assert np.linalg.norm(problem.A.T @ bound.apply_transposed(v) - v) < 1e-2 * np.linalg.norm(v)
