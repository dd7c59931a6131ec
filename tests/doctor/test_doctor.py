"""The doctor: what is said of a matrix is true, what is tried is solved, bad files are one line."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.bench.doctor_goals import foretold
from resolvent.doctor import examine, trials
from resolvent.doctor.spectrum import arnoldi, lanczos
from resolvent.doctor.structure import matrix_of, structure
from resolvent.doctor.words import density, lines

pytest.importorskip("typer")
pytest.importorskip("matplotlib")
from resolvent.gallery import save_system, sequence


def laplace(m, shift=0.0):
    return (sequence("darcy-log", count=1, size=m)[0].A - shift * sp.eye_array(m * m)).tocsr()


def facts(A):
    problem = rv.LinearSystem(sp.csr_array(A), np.ones(A.shape[0]))
    return structure(problem, matrix_of(problem))


def test_structure_against_dense_looks():
    rng = np.random.default_rng(0)
    D = rng.standard_normal((12, 12)) * (rng.random((12, 12)) < 0.4)
    D[3] = 0.0
    D[np.arange(12), np.arange(12)] = np.where(np.arange(12) % 3 == 0, 0.0, 9.0)
    found = facts(sp.csr_array(D))
    off = np.abs(D).sum(axis=1) - np.abs(np.diag(D))
    assert found["nonzeros"] == np.count_nonzero(D) and found["zero_diagonal"] == 4 and found["empty_rows"] == 1
    assert found["dominant_rows"] == np.mean(np.abs(np.diag(D)) >= off)
    norms = np.linalg.norm(D, axis=1)
    assert np.isclose(found["row_spread"], norms[norms > 0].max() / norms[norms > 0].min())
    assert np.isclose(found["norm"], np.linalg.norm(D)) and found["symmetry"] == "nonsymmetric"
    i, j = np.nonzero(D)
    assert found["bandwidth"] == np.abs(i - j).max()


@pytest.mark.parametrize(
    ("A", "kind"),
    [
        (np.array([[2.0, 1], [1, 3]]), "symmetric"),
        (np.array([[2.0, 1j], [-1j, 3]]), "Hermitian"),
        (np.array([[2.0, 1j], [1j, 3]]), "complex symmetric"),
        (np.array([[0.0, 1], [-1, 0]]), "skew-symmetric"),
        (np.array([[1.0, 1], [0, 1]]), "nonsymmetric"),
    ],
)
def test_symmetry(A, kind):
    assert facts(A)["symmetry"] == kind


def test_hints():
    m = 12
    grid = laplace(m)
    assert any("5-point" in h and "12 points" in h for h in facts(grid)["hints"])
    assert any("M-matrix" in h for h in facts(grid)["hints"])
    assert any("7-point" in h for h in facts(sequence("poisson3d-drift", count=1, size=6)[0].A)["hints"])
    assert any(
        "tridiagonal" in h
        for h in facts(sp.diags_array([np.ones(9), 4 * np.ones(10), np.ones(9)], offsets=[-1, 0, 1]))["hints"]
    )
    free = sp.csr_array(grid - sp.diags_array(np.asarray(grid.sum(axis=1)).ravel()))
    assert any("null space" in h for h in facts(free)["hints"])
    assert any("2 independent systems" in h for h in facts(sp.block_diag([grid, grid]))["hints"])
    B = sp.random_array((4, 10), density=0.6, rng=np.random.default_rng(1))
    saddle = sp.block_array([[sp.eye_array(10), B.T], [B, None]])
    assert any("last 4 rows" in h and "saddle" in h for h in facts(saddle)["hints"])
    nodes = sp.kron(laplace(5), np.ones((3, 3)) + 3 * np.eye(3))
    assert any("blocks of 3" in h for h in facts(nodes)["hints"])
    assert any("scale" in h for h in facts(sp.diags_array(np.logspace(0, 9, 20)))["hints"])
    assert not any(
        "blocks of" in h or "stencil" in h
        for h in facts(sp.random_array((50, 50), density=0.2, rng=np.random.default_rng(2)))["hints"]
    )


# ---- spectrum --------------------------------------------------------------------------------------------------------


def test_lanczos_and_arnoldi_find_all_of_a_small_matrix():
    rng = np.random.default_rng(3)
    A = rng.standard_normal((9, 9)) + 1j * rng.standard_normal((9, 9))
    H = A + A.conj().T
    v = rng.standard_normal(9) + 0j
    theta, weights = lanczos(lambda x: H @ x, v, 9)
    assert np.allclose(theta, np.linalg.eigvalsh(H)) and np.isclose(weights.sum(), 1.0)
    _, vectors = np.linalg.eigh(H)
    assert np.allclose(weights, np.abs(vectors.conj().T @ v) ** 2 / np.vdot(v, v).real)
    found = arnoldi(lambda x: A @ x, v, 9)
    assert all(np.abs(found - e).min() < 1e-9 for e in np.linalg.eigvals(A))
    assert len(lanczos(lambda x: x, np.ones(5), 5)[0]) == 1


def test_the_density_counts_the_eigenvalues():
    A = laplace(20)
    exact = np.linalg.eigvalsh(A.toarray())
    found = examine(rv.LinearSystem(A, np.ones(400)), seconds=0.5)
    edges, counts = density(found.spectrum, 400, 6)
    assert np.isclose(counts.sum(), 400)
    middle = edges[3]
    assert abs(counts[:3].sum() - np.sum(exact < middle)) < 0.15 * 400


@pytest.mark.parametrize("shift", [0.0, 0.3, 1000.0])
def test_definiteness_and_condition(shift):
    A = laplace(20, shift)
    exact = np.linalg.eigvalsh(A.toarray())
    found = examine(rv.LinearSystem(A, np.ones(400)), seconds=0.5).spectrum
    kind = "positive definite" if exact[0] > 0 else "negative definite" if exact[-1] < 0 else "indefinite"
    assert found["definite"] == kind
    assert np.isclose(found["condition"], np.abs(exact).max() / np.abs(exact).min(), rtol=0.02)
    assert f"{np.sum(exact < 0)} negative" in found["definite_known"]


def test_without_a_factor_the_bounds_hold(monkeypatch):
    from resolvent.doctor import diagnosis

    monkeypatch.setattr(diagnosis, "_factor", lambda problem, rtol, seconds, slower: (None, None, "not made"))
    A = laplace(20)
    exact = np.linalg.eigvalsh(A.toarray())
    found = examine(rv.LinearSystem(A, np.ones(400)), seconds=0.5).spectrum
    assert exact[0] - 1e-9 <= found["smallest"] and found["largest"] <= exact[-1] + 1e-9
    assert found["condition"] <= exact[-1] / exact[0] * 1.000001 and "at least" in found["condition_known"]
    hidden = examine(rv.LinearSystem(laplace(20, exact[:2].mean()), np.ones(400)), seconds=0.5)
    assert hidden.spectrum["definite"] == "indefinite"  # Lanczos may miss it, CG or the pivots do not
    assert any(t.name.startswith("minres") for t in hidden.trials)


def test_condition_of_a_nonsymmetric_matrix():
    A = sequence("convection-diffusion", count=1, size=12)[0].A
    found = examine(rv.LinearSystem(A, np.ones(144)), seconds=0.5).spectrum
    exact = np.linalg.cond(A.toarray(), 1)
    assert 0.3 * exact <= found["condition"] <= 1.0001 * exact  # an estimate from below, rarely off by 3


# ---- trials ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "size", "must"),
    [
        ("darcy-log", 24, {"cg", "cg+jacobi", "cg+ssor", "cg+ic", "direct"}),
        ("convection-diffusion", 16, {"bicgstab", "bicgstab+ilu0", "gmres+ilu0", "gmres+ilut", "direct"}),
        ("helmholtz", 16, {"bicgstab", "direct"}),
    ],
)
def test_what_is_tried_is_solved_and_counted(name, size, must):
    problem = sequence(name, count=1, size=size)[0]
    found = examine(problem, seconds=3.0)
    tried = {t.name: t for t in found.trials}
    assert must <= set(tried) and found.good
    for t in tried.values():
        if t.outcome == "solved":
            assert t.residual <= 1.0001e-8 and t.cost > 0 and t.products >= 1
    solved = [t for t in tried.values() if t.outcome == "solved"]
    assert found.best.expected == min(t.cost for t in solved)
    again = rv.solve(problem, found.best.method, rtol=1e-8)
    assert again.ok and again.steps == found.best.steps


@pytest.mark.parametrize(
    ("name", "size"), [("darcy-log", 24), ("convection-diffusion", 20), ("helmholtz", 16), ("poisson3d-drift", 9)]
)
def test_what_it_foretells_is_what_the_next_systems_take(name, size):
    _, expected, took = foretold(name, size, seconds=3.0)
    assert took / 3 <= expected <= 3 * took


def test_a_solve_that_is_cut_off_is_foretold_from_its_rate(monkeypatch):
    problem = sequence("darcy-log", count=1, size=40)[0]
    whole = rv.solve(problem, rv.CG(rv.Jacobi()), rtol=1e-8)
    monkeypatch.setattr(trials, "Seconds", lambda share: trials.Steps(2 * whole.steps // 3))
    cut, _ = trials.run_trial(problem, "cg+jacobi", rv.CG(rv.Jacobi()), 1e-8, 1.0, 1.0)
    assert cut.outcome == "cut off" and whole.cost.total / 3 < cut.expected < 3 * whole.cost.total
    monkeypatch.undo()
    again = trials.tried_longer(problem, [cut], 1e-8, 60.0, 1.0)
    assert again[0].outcome == "solved" and again[0].steps == whole.steps and again[0].expected == again[0].cost
    assert trials.tried_longer(problem, [cut], 1e-8, 1e-9, 1.0) == [cut]  # no time
    cheap = trials.Trial("cheap", rv.CG(), "solved", cost=1.0, expected=1.0)
    assert trials.tried_longer(problem, [cut, cheap], 1e-8, 60.0, 1.0) == [cut, cheap]  # no promise


def test_one_factor_serves_the_spectrum_and_the_trial():
    found = examine(rv.LinearSystem(laplace(20), np.ones(400)), seconds=1.0)
    direct = [t for t in found.trials if t.name == "direct"]
    assert len(direct) == 1 and direct[0].work["factorizations"] == 1 and found.spectrum["factor"] == "made"


def test_what_is_recommended_can_be_asked_for(tmp_path, call):
    """The command line takes every name that the doctor says."""
    from resolvent.doctor.trials import candidates
    from resolvent.runs.plan import method_of

    base = {"n": 2000, "zero_diagonal": 0, "diagonal": "positive"}
    kinds = [
        ("symmetric", "positive definite"),
        ("symmetric", "indefinite"),
        ("complex symmetric", ""),
        ("nonsymmetric", ""),
    ]
    for symmetry, definite in kinds:
        for name, method in candidates(base | {"symmetry": symmetry}, {"definite": definite}):
            asked = method_of(name)
            asked = asked if not isinstance(asked, str) else rv.Session(asked).method
            assert type(asked) is type(method)
            assert getattr(asked, "preconditioner", None) == getattr(method, "preconditioner", None)


def test_a_cut_trial_is_drawn_on():
    found = examine(rv.LinearSystem(laplace(60), np.ones(3600)), seconds=1e-9)
    assert all(t.outcome in ("solved", "cut off", "not tried") for t in found.trials)
    assert any(t.outcome != "solved" for t in found.trials)
    for t in found.trials:
        if t.outcome == "cut off" and t.expected is not None:
            assert t.expected >= t.cost


def test_options_and_operators_are_refused():
    import scipy.sparse.linalg as sla

    problem = rv.LinearSystem(laplace(4), np.ones(16))
    for options in ({"rtol": 0.0}, {"rtol": 2.0}, {"seconds": 0.0}):
        with pytest.raises(ValueError, match="expected"):
            examine(problem, **options)
    with pytest.raises(ValueError, match="looks at entries"):
        examine(rv.LinearSystem(sla.aslinearoperator(laplace(4)), np.ones(16)))


def test_nothing_is_modified():
    A, b = laplace(10), np.arange(100.0)
    data, kept = A.data.copy(), b.copy()
    examine(rv.LinearSystem(A, b), seconds=0.5)
    assert np.array_equal(A.data, data) and np.array_equal(b, kept)


def test_single_precision_is_asked_for_what_it_can_reach():
    found = examine(rv.LinearSystem(laplace(12).astype(np.float32), np.arange(144, dtype=np.float32)), seconds=1.0)
    assert found.good and found.rtol == 1e-3 and found.best is not None
    assert examine(rv.LinearSystem(laplace(12), np.arange(144.0)), seconds=0.5).rtol == 1e-8


# ---- the command -----------------------------------------------------------------------------------------------------


def test_the_command_says_and_draws(call, tmp_path):
    save_system(tmp_path / "A.mtx", rv.LinearSystem(laplace(16), np.ones(256)))
    png, page = tmp_path / "A.png", tmp_path / "A.html"
    code, out, _ = call("doctor", tmp_path / "A.mtx", "--seconds", "2", "--picture", png, "--report", page)
    assert code == 0 and "positive definite" in out and "recommended: --method cg" in out and "#" in out
    assert png.read_bytes().startswith(b"\x89PNG") and png.stat().st_size > 10_000
    text = page.read_text(encoding="utf-8")
    assert "<svg" in text and "recommended" in text and "http" not in text.replace("http://www.w3.org", "")


def test_the_command_as_json(call, tmp_path):
    save_system(tmp_path / "A.npz", sequence("convection-diffusion", count=1, size=10)[0])
    code, out, _ = call("doctor", tmp_path / "A.npz", "--seconds", "1", "--json")
    found = json.loads(out.splitlines()[-1])
    assert code == 0 and out.count("\n") == 1 and found["structure"]["symmetry"] == "nonsymmetric"
    assert found["recommended"] in {t["name"] for t in found["tried"]} and found["expected_products"] > 0
    assert {"products", "cost", "steps", "outcome"} <= set(found["tried"][0])


def test_what_nothing_solves_is_exit_1(call, tmp_path):
    A = np.array([[1.0, -1, 0], [-1, 2, -1], [0, -1, 1]])
    save_system(tmp_path / "A.npz", rv.LinearSystem(sp.csr_array(A), np.array([1.0, 0.0, 1.0])))
    code, out, _ = call("doctor", tmp_path / "A.npz", "--seconds", "0.5")
    assert code == 1 and "singular" in out and "null space" in out
    save_system(tmp_path / "empty.npz", rv.LinearSystem(sp.csr_array(np.diag([1.0, 0.0])), np.array([1.0, 2.0])))
    code, out, _ = call("doctor", tmp_path / "empty.npz", "--seconds", "0.5")
    assert code == 1 and "1 empty rows" in out and "1 zeros on the diagonal" in out


def test_numbers_that_are_none_are_exit_1(call, tmp_path):
    np.savez(tmp_path / "A.npz", **_csr(np.array([[1.0, np.nan], [0.0, 1.0]])))
    code, out, err = call("doctor", tmp_path / "A.npz")
    assert (code == 1 and "NaN" in out) or (code == 2 and "NaN" in err)


def _csr(D):
    A = sp.csr_array(D)
    return {"format": b"csr", "shape": A.shape, "data": A.data, "indices": A.indices, "indptr": A.indptr}


@pytest.mark.parametrize(
    "words",
    [
        ["doctor"],
        ["doctor", "missing.mtx"],
        ["doctor", "junk.mtx"],
        ["doctor", "wide.mtx"],
        ["doctor", "A.mtx", "--rtol", "0"],
        ["doctor", "A.mtx", "--seconds", "-1"],
        ["doctor", "A.mtx", "--picture", "x.txt"],
        ["doctor", "A.mtx", "--report", "no/where/x.html"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_and_exit_2(call, tmp_path, monkeypatch, words):
    save_system(tmp_path / "A.mtx", rv.LinearSystem(laplace(3), np.ones(9)))
    (tmp_path / "junk.mtx").write_text("junk")
    (tmp_path / "wide.mtx").write_text("%%MatrixMarket matrix coordinate real general\n2 3 1\n1 1 1.0\n")
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*words)
    assert code == 2 and not out and err.startswith("resolvent: ") and err.count("\n") == 1, (out, err)


def test_lines_fit_a_terminal():
    found = examine(rv.LinearSystem(laplace(12), np.ones(144)), seconds=0.5)
    said = lines(found, "A.mtx")
    assert any(line.startswith("recommended") for line in said)
    assert all(len(line) < 150 for line in said)
