"""Where systems come from, and in which order they are solved."""

import json

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent import gallery
from resolvent.gallery import save_system
from resolvent.runs import Folder, Plan, RunError, execute, verify


@pytest.fixture
def folder(tmp_path):
    """Four systems as files, of two sizes and kinds."""
    source = tmp_path / "systems"
    source.mkdir()
    media = gallery.sequence("darcy-log", count=3, size=7)
    for i in range(3):
        save_system(source / f"s{i}.npz", media[i])
    return source


def test_a_folder_of_systems(tmp_path, folder):
    outcome = execute(Plan(str(folder), rtol=1e-9), tmp_path / "run")
    assert outcome.good and outcome.solved == 3
    assert verify(tmp_path / "run").good
    again = execute(Plan(str(folder)), tmp_path / "run", resume=True)
    assert again.good and again.resumed == 3


def test_count_is_checked_against_what_there_is(folder):
    assert execute(Plan(str(folder), count=2)).solved == 2
    with pytest.raises(RunError, match="holds 3"):
        execute(Plan(str(folder), count=4))
    with pytest.raises(RunError, match="gallery only"):
        execute(Plan(str(folder), size=4))


def test_systems_of_different_sizes(tmp_path, folder):
    h5py = pytest.importorskip("h5py")
    save_system(folder / "s3.npz", gallery.sequence("darcy-log", count=1, size=4)[0])
    assert execute(Plan(str(folder)), tmp_path / "run").solved == 4
    with h5py.File(tmp_path / "run" / "solutions.h5") as file:
        assert file["x/000003"].shape == (16,) and file["x/000000"].shape == (49,)
    assert verify(tmp_path / "run").good


def test_a_file_that_is_wrong_stops_the_run_with_a_sentence_and_it_can_go_on(tmp_path, folder):
    good = (folder / "s1.npz").read_bytes()
    (folder / "s1.npz").write_bytes(b"nothing of the kind")
    with pytest.raises(RunError, match=r"system 1 cannot be had: .*s1\.npz"):
        execute(Plan(str(folder), checkpoint=0.0), tmp_path / "run")
    (folder / "s1.npz").write_bytes(good)
    assert execute(Plan(str(folder)), tmp_path / "run", resume=True).solved == 3


def test_similar_order_solves_the_same_systems(tmp_path):
    given = execute(Plan("darcy-log", count=6, size=8, rtol=1e-10), tmp_path / "given")
    similar = execute(Plan("darcy-log", count=6, size=8, rtol=1e-10, order="similar"), tmp_path / "similar")
    assert given.good and similar.good
    order = json.loads((tmp_path / "similar" / "manifest.json").read_text())["order"]
    assert sorted(order) == list(range(6)) and order[0] == 0
    for i in range(6):
        x, y = (Folder(tmp_path / name).part(i) for name in ("given", "similar"))
        assert np.linalg.norm(x - y) <= 1e-7 * np.linalg.norm(x)
    assert verify(tmp_path / "similar").good


def test_a_coupled_sequence_ends_where_it_ends(tmp_path):
    outcome = execute(Plan("topology", count=400, size=9, rtol=1e-9), tmp_path / "run")
    assert outcome.good and 5 < outcome.solved < 400 and outcome.total == outcome.solved
    assert verify(tmp_path / "run").good


def test_a_saved_session_is_the_start(tmp_path):
    first = rv.Session(rtol=1e-8)
    for problem in gallery.sequence("darcy-path", count=8, size=12):
        first.solve(problem)
    first.save(tmp_path / "learned.rv")
    plan = Plan("darcy-path", count=5, size=12, state=str(tmp_path / "learned.rv"))
    outcome = execute(plan, tmp_path / "run")
    assert outcome.good and outcome.summary[0].startswith("5 solves")
    assert verify(tmp_path / "run").good
    with pytest.raises(RunError, match="method or a state"):
        execute(Plan("darcy-path", method="cg", state=str(tmp_path / "learned.rv")))


def test_a_solve_that_fails_is_written_down_and_told(tmp_path):
    source = tmp_path / "systems"
    source.mkdir()
    A = sp.csr_array(np.array([[1.0, -1.0], [-1.0, 1.0]]))
    save_system(source / "bad.npz", rv.LinearSystem(A, np.array([1.0, 1.0])))
    save_system(source / "good.npz", rv.LinearSystem(sp.csr_array(np.eye(2)), np.ones(2)))
    outcome = execute(Plan(str(source)), tmp_path / "run")
    assert (outcome.status, outcome.solved, outcome.ok, outcome.good) == ("complete", 2, 1, False)
    verdict = verify(tmp_path / "run")
    assert verdict.good and verdict.unclaimed == 1 and verdict.claimed == 1
    assert "did not meet" in (tmp_path / "run" / "report.html").read_text()


def test_methods_by_name(tmp_path):
    for method in ("cg", "direct", "cg+ssor", "cg+jacobi", "cg+ic"):
        assert execute(Plan("darcy-path", count=2, size=6, method=method)).good
    with pytest.raises(RunError, match="takes no preconditioner"):
        execute(Plan("darcy-path", count=2, size=6, method="direct+ic"))
