"""load_system, load_sequence, save_system: where things are looked for, round trips, sentences."""

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from resolvent import gallery
from resolvent.gallery.readers import find_rhs, load_sequence, load_system, save_system
from resolvent.problems.linear import LinearSystem

A3 = sp.csr_array(np.array([[4.0, -1, 0], [-1, 4, -1], [0, -1, 4]]))


@pytest.mark.parametrize("ending", [".mtx", ".npz", ".h5", ".hdf5"])
@pytest.mark.parametrize("name", ["heat-shift", "topology", "darcy-path"])
def test_gallery_problems_survive_a_round_trip(tmp_path, ending, name):
    if ending.startswith(".h"):
        pytest.importorskip("h5py")
    p = gallery.sequence(name, count=1, size=9)[0]
    save_system(tmp_path / f"p{ending}", p)
    q = load_system(tmp_path / f"p{ending}")
    assert np.array_equal(p.A.data, q.A.data) and np.array_equal(p.b, q.b)
    assert np.array_equal(p.A.indices, q.A.indices) and np.array_equal(p.A.indptr, q.A.indptr)
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("ending", [".mtx", ".npz", ".h5"])
def test_dense_complex_and_many_right_hand_sides_survive(tmp_path, ending):
    if ending.startswith(".h"):
        pytest.importorskip("h5py")
    rng = np.random.default_rng(0)
    A = rng.standard_normal((4, 4)) + 1j * rng.standard_normal((4, 4))
    b = rng.standard_normal((4, 3)) + 0j
    for matrix in (A, sp.csc_array(A)):
        save_system(tmp_path / f"p{ending}", LinearSystem(matrix, b))
        q = load_system(tmp_path / f"p{ending}")
        back = q.A.toarray() if sp.issparse(q.A) else q.A
        assert np.array_equal(back, A) and np.array_equal(q.b, b)
        assert sp.issparse(q.A) == sp.issparse(matrix)


def test_the_right_hand_side_is_looked_for_beside_the_matrix(tmp_path):
    scipy.io.mmwrite(tmp_path / "a.mtx", A3)
    assert find_rhs(tmp_path / "a.mtx") is None
    assert np.array_equal(load_system(tmp_path / "a.mtx").b, np.ones(3))
    scipy.io.mmwrite(tmp_path / "b.mtx", np.array([[1.0], [2.0], [3.0]]))
    assert np.array_equal(load_system(tmp_path / "a.mtx").b, [1, 2, 3])
    scipy.io.mmwrite(tmp_path / "a_b.mtx", sp.coo_array(np.array([[0.0], [5.0], [0.0]])))
    assert find_rhs(tmp_path / "a.mtx") == tmp_path / "a_b.mtx"
    p = load_system(tmp_path / "a.mtx")
    assert isinstance(p, LinearSystem) and np.array_equal(p.b, [0, 5, 0])
    assert np.array_equal(load_system(tmp_path / "a.mtx", rhs=np.full(3, 7.0)).b, [7, 7, 7])
    assert np.array_equal(load_system(str(tmp_path / "a.mtx"), rhs=str(tmp_path / "b.mtx")).b, [1, 2, 3])
    np.save(tmp_path / "r.npy", np.arange(3.0))
    assert np.array_equal(load_system(tmp_path / "a.mtx", rhs=tmp_path / "r.npy").b, [0, 1, 2])
    save_system(tmp_path / "n.npz", p)
    assert np.array_equal(load_system(tmp_path / "n.npz").b, [0, 5, 0])
    assert np.array_equal(load_system(tmp_path / "n.npz", rhs=tmp_path / "r.npy").b, [0, 1, 2])
    assert find_rhs(tmp_path / "b.mtx") is None  # not itself


def test_right_hand_sides_that_do_not_fit_are_refused(tmp_path):
    scipy.io.mmwrite(tmp_path / "a.mtx", A3)
    scipy.io.mmwrite(tmp_path / "wide.mtx", sp.csr_array(np.ones((3, 2))))
    with pytest.raises(
        ValueError, match=r"wide\.mtx: a right-hand side in coordinate form must have one column, not 2"
    ):
        load_system(tmp_path / "a.mtx", rhs=tmp_path / "wide.mtx")
    with pytest.raises(ValueError, match=r"a\.mtx: b has shape \(4,\)"):
        load_system(tmp_path / "a.mtx", rhs=np.ones(4))
    with pytest.raises(ValueError, match=r"a\.mtx: b has the integer dtype"):
        load_system(tmp_path / "a.mtx", rhs=[1, 2, 3])
    with pytest.raises(ValueError, match=r"b\.txt: a right-hand side is read from \.mtx or \.npy, not from '\.txt'"):
        load_system(tmp_path / "a.mtx", rhs="b.txt")
    with pytest.raises(FileNotFoundError, match="no such file"):
        load_system(tmp_path / "a.mtx", rhs=tmp_path / "nowhere.npy")


def test_what_is_no_system_is_refused(tmp_path):
    scipy.io.mmwrite(tmp_path / "wide.mtx", sp.csr_array(np.ones((3, 2))))
    with pytest.raises(ValueError, match=r"wide\.mtx: a system needs a square matrix, not one of shape \(3, 2\)"):
        load_system(tmp_path / "wide.mtx")
    (tmp_path / "a.txt").write_text("1")
    with pytest.raises(ValueError, match=r"a\.txt: a system is read from .*, not from '\.txt'"):
        load_system(tmp_path / "a.txt")
    (tmp_path / "bare").write_text("1")
    with pytest.raises(ValueError, match="not from a file without ending"):
        load_system(tmp_path / "bare")
    with pytest.raises(FileNotFoundError, match=r"nowhere\.mtx: there is no such file"):
        load_system(tmp_path / "nowhere.mtx")


def test_a_folder_is_a_sequence_in_natural_order(tmp_path):
    steps = gallery.sequence("darcy-path", count=3, size=4)
    for k, ending in ((1, ".mtx"), (2, ".npz"), (10, ".mtx")):
        save_system(tmp_path / f"step{k}{ending}", steps[0 if k == 1 else 1 if k == 2 else 2])
    (tmp_path / "readme.txt").write_text("not a system")
    (tmp_path / ".hidden.mtx").write_text("not a system")
    (tmp_path / "folder.mtx").mkdir()
    found = load_sequence(tmp_path)
    assert len(found) == 3 and found.name == tmp_path.name and "3 systems" in found.title
    for i in (2, 0, 1):
        assert np.array_equal(found[i].A.data, steps[i].A.data) and np.array_equal(found[i].b, steps[i].b)
    assert found.state_dict()["arrays"] == {} and found.features(0) is None
    assert len(list(found)) == 3


def test_a_folder_may_share_one_right_hand_side(tmp_path):
    for k in range(2):
        scipy.io.mmwrite(tmp_path / f"{k}.mtx", A3)
    scipy.io.mmwrite(tmp_path / "b.mtx", np.array([[3.0], [2.0], [1.0]]))
    found = load_sequence(str(tmp_path))
    assert len(found) == 2
    assert all(np.array_equal(p.b, [3, 2, 1]) for p in found)


def test_one_file_is_a_sequence_of_one(tmp_path):
    scipy.io.mmwrite(tmp_path / "a.mtx", A3)
    assert [p.A.shape for p in load_sequence(tmp_path / "a.mtx")] == [(3, 3)]


def test_names_of_the_gallery_go_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "topology").mkdir()
    scipy.io.mmwrite(tmp_path / "topology" / "a.mtx", A3)
    assert load_sequence("topology").coupled
    assert len(load_sequence("./topology")) == 1


def test_what_is_no_sequence_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"neither a file, nor a folder, nor one of the gallery: .*darcy-log"):
        load_sequence("nowhere")
    with pytest.raises(ValueError, match=r"one of the gallery \(did you mean 'mdp-drift'\?\): arriving-entries, "):
        load_sequence("mdp-drif")
    with pytest.raises(ValueError, match="no systems in this folder"):
        load_sequence(tmp_path)
    (tmp_path / "a.txt").write_text("1")
    with pytest.raises(ValueError, match=r"a\.txt: systems are read from"):
        load_sequence(tmp_path / "a.txt")


def test_only_stored_matrices_are_written_and_only_known_endings(tmp_path):
    operator = LinearSystem(sla.aslinearoperator(A3), np.ones(3))
    with pytest.raises(ValueError, match="only a stored matrix can be written"):
        save_system(tmp_path / "a.npz", operator)
    with pytest.raises(ValueError, match=r"is written to .*, not to '\.mat'"):
        save_system(tmp_path / "a.mat", LinearSystem(A3, np.ones(3)))
    assert not list(tmp_path.iterdir())
