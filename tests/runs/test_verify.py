"""``verify`` believes nothing: corrupted solutions, edited logs and exchanged systems are found."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.runs import Folder, Plan, RunError, execute, verify
from resolvent.runs.verify import residual_norms


@pytest.fixture(params=["darcy-path", "heat-conductivity"])
def run(request, tmp_path, monkeypatch):
    monkeypatch.setattr("resolvent.report.write_run", lambda folder: (folder / "report.html").write_text("page"))
    execute(Plan(request.param, count=4, size=8, rtol=1e-9), tmp_path / "run")
    return tmp_path / "run"


def rewrite(run, change, line=1):
    log = (run / "log.jsonl").read_text().splitlines()
    entry = json.loads(log[line])
    change(entry)
    log[line] = json.dumps(entry)
    (run / "log.jsonl").write_text("\n".join(log) + "\n")


def test_an_honest_run_holds(run):
    verdict = verify(run)
    assert verdict.good and verdict.claimed == verdict.held == 4 and 0 < verdict.worst <= 1
    assert "long double" in " ".join(verdict.lines())


def test_without_the_assembled_file_the_parts_are_read(run):
    (run / "solutions.h5").unlink()
    assert verify(run).good


def test_a_corrupted_solution_is_found(run):
    (run / "solutions.h5").unlink()
    folder = Folder(run)
    x = folder.part(3)
    x[5] *= 1 + 1e-5
    folder.put(3, x)
    verdict = verify(run)
    assert not verdict.good and verdict.held == 3 and "system 3" in verdict.failures[0]


def test_a_single_changed_bit_is_found_where_two_copies_disagree(run):
    folder = Folder(run)
    x = folder.part(3)
    x.view(np.uint8)[0] ^= 1
    folder.put(3, x)
    verdict = verify(run)
    assert not verdict.good and "not the one in parts" in verdict.failures[0]


def test_a_solution_of_nan_is_found(run):
    (run / "solutions.h5").unlink()
    folder = Folder(run)
    folder.put(3, np.full_like(folder.part(3), np.nan))
    verdict = verify(run)
    assert not verdict.good and "NaN" in verdict.failures[0]


def test_a_wrong_shape_and_a_damaged_part_are_found(run):
    (run / "solutions.h5").unlink()
    folder = Folder(run)
    folder.put(3, np.ones(3))
    assert "shape" in verify(run).failures[0]
    folder.where(3).write_bytes(b"\x93NUMPY nothing")
    assert "not a readable solution" in verify(run).failures[0]


def test_an_edited_residual_is_found(run):
    rewrite(run, lambda entry: entry.update(residual=entry["residual"] * 0.5))
    verdict = verify(run)
    assert not verdict.good and "it says residual" in verdict.failures[0]


def test_a_tolerance_in_the_log_is_not_believed(run):
    """A worse solution whose own log line claims a laxer tolerance fails: the tolerance is computed again."""
    (run / "solutions.h5").unlink()
    folder = Folder(run)
    x = folder.part(3)
    x *= 1 + 1e-4
    folder.put(3, x)
    rewrite(run, lambda entry: entry.update(tolerance=1.0, residual=1e-3), line=3)
    assert not verify(run).good


def test_a_system_that_was_exchanged_is_found(run):
    rewrite(run, lambda entry: entry.update(system="0000000000000000"))
    verdict = verify(run)
    assert not verdict.good and "no longer those that were solved" in verdict.failures[0]


def test_a_shortened_log_is_found(run):
    log = (run / "log.jsonl").read_text().splitlines()
    (run / "log.jsonl").write_text("\n".join(log[:-1]) + "\n")
    assert "manifest says 4" in verify(run).failures[0]


def test_a_solve_that_is_hidden_is_found(run):
    rewrite(run, lambda entry: entry.update(ok=False, status="BUDGET"))
    verdict = verify(run)
    assert not verdict.good and "3 systems ok, the manifest says 4" in verdict.failures[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest.pop("plan"),
        lambda manifest: manifest["plan"].update(colour="red"),
        lambda manifest: manifest.update(order=None),
    ],
)
def test_a_manifest_that_is_not_ours_is_refused(run, change):
    manifest = json.loads((run / "manifest.json").read_text())
    change(manifest)
    (run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(RunError):
        verify(run)


def test_a_log_that_is_not_ours_is_refused(run):
    rewrite(run, lambda entry: entry.pop("ok"))
    with pytest.raises(RunError, match="index and ok"):
        verify(run)


def test_a_claim_without_a_residual_is_false(run):
    rewrite(run, lambda entry: entry.update(residual=None))
    assert "it says residual None" in verify(run).failures[0]


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(RunError, match="holds no run"):
        verify(tmp_path)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_residuals_agree_with_dense_arithmetic(dtype):
    draw = np.random.default_rng(0)
    A = sp.random_array((40, 40), density=0.1, rng=draw).astype(dtype).tolil()
    A[3] = 0
    A = A.tocsr()
    x, b = draw.standard_normal((2, 40, 3)).astype(dtype)
    r, scale, floor = residual_norms(A, x, b)
    want = np.linalg.norm(b.astype(complex) - A.toarray().astype(complex) @ x, axis=0)
    assert np.allclose(r, want, rtol=1e-13)
    assert np.allclose(scale, np.linalg.norm(b, axis=0), rtol=1e-5)
    assert np.allclose(residual_norms(A.toarray(), x, b)[0], r, rtol=1e-12)
    assert (floor > 0).all()


def test_norms_neither_underflow_nor_overflow():
    for size in (1e-300, 1e300):
        r, scale, _ = residual_norms(np.eye(2), np.zeros(2), size * np.array([3.0, 4.0]))
        assert np.allclose([r[0] / size, scale[0] / size], 5.0)
