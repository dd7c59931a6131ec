"""The HDF5 reader: its layouts, and containers that point elsewhere or claim what they have not."""

import os
import sys

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.gallery.hdf5 import Hdf5Reader, natural, write_hdf5
from resolvent.gallery.readers import load_sequence, load_system

h5py = pytest.importorskip("h5py")

A3 = sp.csr_array(np.array([[4.0, -1, 0], [-1, 4, -1], [0, -1, 4]]))
PARTS = {"data": A3.data, "indices": A3.indices, "indptr": A3.indptr, "shape": np.array(A3.shape), "b": np.arange(3.0)}


def write(path, parts, group="/"):
    with h5py.File(path, "a") as file:
        where = file.require_group(group)
        for name, part in parts.items():
            if part is not None:
                where.create_dataset(name, data=part)
    return path


def refused(path, sentence, i=0):
    with pytest.raises(ValueError, match=sentence) as caught:
        load_sequence(path)[i]
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


def test_one_system_is_read(tmp_path):
    path = write(tmp_path / "a.h5", PARTS)
    p = load_system(path)
    assert (p.A != A3).nnz == 0 and np.array_equal(p.b, np.arange(3.0))
    steps = load_sequence(path)
    assert len(steps) == 1 and (steps[0].A != A3).nnz == 0
    p = load_system(write(tmp_path / "square.hdf5", {**PARTS, "shape": None, "b": None}))
    assert (p.A != A3).nnz == 0 and np.array_equal(p.b, np.ones(3))
    p = load_system(
        write(tmp_path / "dense.h5", {"A": A3.toarray().astype(np.float32), "b": np.ones((3, 2), np.float32)})
    )
    assert p.A.dtype == np.float32 and p.b.shape == (3, 2)


@pytest.mark.parametrize(
    "options", [{}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True, "fletcher32": True}]
)
def test_the_usual_storage_is_read(tmp_path, options):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, part in PARTS.items():
            file.create_dataset(name, data=part, chunks=True if options else None, **options)
    assert (load_system(tmp_path / "a.h5").A != A3).nnz == 0


def test_groups_are_a_sequence_in_natural_order(tmp_path):
    for k in (10, 2, 1):
        write(tmp_path / "a.h5", {**PARTS, "b": np.full(3, float(k))}, f"step{k}")
    steps = load_sequence(tmp_path / "a.h5")
    assert [p.b[0] for p in steps] == [1.0, 2.0, 10.0]
    assert steps.name == "a" and not steps.coupled and steps.size is None
    with pytest.raises(ValueError, match="holds a sequence of 3 systems"):
        load_system(tmp_path / "a.h5")


@pytest.mark.parametrize("shared", [True, False])
def test_one_pattern_for_all_is_a_sequence(tmp_path, shared):
    order = np.array([1, 0, 4, 3, 2, 6, 5])  # unsorted rows
    data = np.arange(1.0, 15.0).reshape(2, 7)
    b = np.arange(3.0) if shared else np.arange(6.0).reshape(2, 3)
    path = write(tmp_path / "a.h5", {**PARTS, "data": data, "indices": A3.indices[order], "b": b})
    steps = load_sequence(path)
    assert len(steps) == 2
    for i in (1, 0):
        expected = sp.csr_array((data[i], A3.indices[order], A3.indptr), shape=(3, 3)).toarray()
        assert np.array_equal(steps[i].A.toarray(), expected)
        assert np.array_equal(steps[i].b, b if shared else b[i])
    assert steps[0].A.indices is steps[1].A.indices
    assert steps[0].A.has_canonical_format
    steps[0].A.check_format(full_check=True)
    none = load_sequence(write(tmp_path / "ones.h5", {**PARTS, "data": data, "b": None, "shape": None}))
    assert np.array_equal(none[1].b, np.ones(3))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"indptr": None}, "no systems in it"),
        ({"data": np.ones((2, 6))}, "'data' must have 7 numbers a row"),
        ({"data": np.full((2, 7), np.nan)}, "'data' has a NaN"),
        ({"data": np.ones((0, 7))}, "no systems in it"),
        ({"data": np.ones((2, 7)), "indices": np.zeros(7, int)}, "names an entry twice"),
        ({"data": np.ones((2, 7)), "indices": A3.indices + 1}, r"'indices'\[1\] is 3|'indices'\[4\] is 3"),
        ({"data": np.ones((2, 7)), "b": np.ones((3, 3))}, "'b' must have 2 rows, not 3"),
        ({"data": np.ones((2, 7)), "b": np.ones((2, 4))}, "system 0: b has shape"),
        ({"data": np.ones((2, 7, 1))}, "at most two axes"),
        ({"indptr": np.zeros((2, 2), int), "shape": None}, "'indptr' must have one axis"),
        ({"indptr": np.zeros(1, int), "shape": None}, "'indptr' must have one axis"),
        ({"indptr": np.array([0, 2, 5, 9])}, "'indptr' must run from 0 to 7"),
        ({"shape": np.array([3, 4])}, "needs a square matrix"),
        ({"shape": np.array([3.0, 3.0])}, "'shape' must be two whole numbers"),
        ({"data": A3.data.astype(np.float16)}, "'data' must be single or double"),
        ({"data": np.array([b"x"] * 7)}, "plain array of numbers"),
        ({"A": np.ones((3, 2))}, "needs a square matrix"),
        ({"A": np.ones(3)}, "needs a square matrix"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, change, sentence):
    refused(write(tmp_path / "a.h5", {**PARTS, **change}), sentence)


def test_a_group_without_a_part_is_refused_by_name(tmp_path):
    refused(write(tmp_path / "a.h5", {**PARTS, "indices": None}, "one"), "'one': a system needs a dataset 'indices'")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_group("data")
        file["indices"], file["indptr"] = A3.indices, A3.indptr
    refused(tmp_path / "b.h5", "'data' is not a dataset")
    with h5py.File(tmp_path / "empty.h5", "w"):
        pass
    refused(tmp_path / "empty.h5", "no systems in it")


@pytest.mark.parametrize("name", ["data", "b", "indptr"])
def test_links_elsewhere_are_not_followed(tmp_path, name):
    write(tmp_path / "secret.h5", PARTS)
    for kind, link in (("external", h5py.ExternalLink("secret.h5", name)), ("soft", h5py.SoftLink("/hidden/x"))):
        path = write(tmp_path / f"{kind}.h5", {**PARTS, name: None})
        with h5py.File(path, "a") as file:
            file["hidden/x"] = PARTS[name]
            file[name] = link
        refused(path, "is a link to elsewhere, which is not followed")


def test_groups_behind_links_are_not_followed(tmp_path):
    path = write(tmp_path / "a.h5", PARTS, "one")
    with h5py.File(path, "a") as file:
        file["two"] = h5py.SoftLink("/one")
    refused(path, "'two' is a link to elsewhere")


def test_storage_elsewhere_is_not_read(tmp_path):
    (tmp_path / "raw.bin").write_bytes(A3.data.tobytes())
    with h5py.File(write(tmp_path / "raw.h5", {**PARTS, "data": None}), "a") as file:
        file.create_dataset("data", (7,), "f8", external=[(str(tmp_path / "raw.bin"), 0, 56)])
    refused(tmp_path / "raw.h5", "keeps its numbers outside this file")
    write(tmp_path / "source.h5", PARTS)
    layout = h5py.VirtualLayout((7,), "f8")
    layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "data", (7,))
    with h5py.File(write(tmp_path / "virtual.h5", {**PARTS, "data": None}), "a") as file:
        file.create_virtual_dataset("data", layout)
    refused(tmp_path / "virtual.h5", "keeps its numbers outside this file")


def test_filters_and_claims_are_checked_before_reading(tmp_path):
    with h5py.File(write(tmp_path / "lzf.h5", {**PARTS, "data": None}), "a") as file:
        file.create_dataset("data", data=A3.data, compression="lzf")
    refused(tmp_path / "lzf.h5", "packed by a filter other than")
    with h5py.File(write(tmp_path / "claim.h5", {**PARTS, "b": None}), "a") as file:
        file.create_dataset("b", (2**40,), "f8", chunks=(2**10,))
    refused(tmp_path / "claim.h5", "claims 1099511627776 numbers, out of proportion")
    with h5py.File(write(tmp_path / "chunk.h5", {**PARTS, "b": None}), "a") as file:
        file.create_dataset("b", (3,), "f8", chunks=(2**24,), maxshape=(None,), compression="gzip")
    refused(tmp_path / "chunk.h5", "out of proportion")
    with h5py.File(write(tmp_path / "void.h5", {**PARTS, "b": None}), "a") as file:
        file.create_dataset("b", data=h5py.Empty("f8"))
    refused(tmp_path / "void.h5", "must be a plain array")


def test_numbers_that_were_never_written_are_not_made_up(tmp_path):
    """Storage in one piece that the file does not have: HDF5 would hand out zeros, as many as are claimed."""
    path = write(tmp_path / "a.h5", {**PARTS, "data": None})
    with h5py.File(path, "a") as file:
        file.create_dataset("data", shape=(50_000_000,), dtype="f8")
    assert os.path.getsize(path) < 20_000
    with pytest.raises(ValueError, match="claims 50000000 numbers, out of proportion"):
        load_system(path)


def test_one_by_one_without_a_shape(tmp_path):
    one = {"data": np.array([2.0]), "indices": np.array([0]), "indptr": np.array([0, 1])}
    assert load_system(write(tmp_path / "one.h5", one)).A.toarray().tolist() == [[2.0]]
    with pytest.raises(ValueError, match="at least two numbers"):
        load_system(write(tmp_path / "none.h5", {**one, "indptr": np.array([0])}))


def test_what_is_no_hdf5_is_refused(tmp_path):
    (tmp_path / "text.h5").write_text("not HDF5")
    refused(tmp_path / "text.h5", "not a readable HDF5 file")
    data = write(tmp_path / "cut.h5", PARTS).read_bytes()
    (tmp_path / "cut.h5").write_bytes(data[: len(data) // 3])
    refused(tmp_path / "cut.h5", "not a readable HDF5 file")
    with pytest.raises(FileNotFoundError):
        Hdf5Reader(tmp_path / "nowhere.h5")
    os.mkfifo(tmp_path / "pipe.h5")
    refused(tmp_path / "pipe.h5", "not a regular file")


def test_without_h5py_the_sentence_says_what_to_install(tmp_path, monkeypatch):
    path = write(tmp_path / "a.h5", PARTS)
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ValueError, match=r"needs h5py: pip install resolvent\[cli\]"):
        Hdf5Reader(path)


@pytest.mark.parametrize("dtype", [np.float32, np.complex128])
def test_what_is_written_reads_back(tmp_path, dtype):
    write_hdf5(tmp_path / "a.h5", A3.tocsc().astype(dtype), np.ones(3, dtype))
    A, b = Hdf5Reader(tmp_path / "a.h5").read(0)
    assert A.dtype == b.dtype == dtype and (A3.astype(dtype) != A).nnz == 0
    write_hdf5(tmp_path / "d.h5", np.eye(3, dtype=dtype), np.ones((3, 2), dtype))
    A, b = Hdf5Reader(tmp_path / "d.h5").read(0)
    assert np.array_equal(A, np.eye(3)) and b.shape == (3, 2)


def test_natural_order():
    assert sorted(["a10", "a9", "a1b2", "b", "10", "9", ""], key=natural) == ["", "9", "10", "a1b2", "a9", "a10", "b"]
    assert sorted(["x10y", "x9z", "x2", "x²"], key=natural) == ["x2", "x9z", "x10y", "x²"]
    natural("9" * 10_000)  # a name from a stranger


def test_complaints_of_the_library_become_one_sentence(tmp_path):
    reader = Hdf5Reader(write(tmp_path / "a.h5", PARTS))

    def fail(h5py, file):
        raise ValueError("inner words")

    with pytest.raises(ValueError, match=r"a\.h5: not a readable HDF5 file \(inner words\)"):
        reader._open(fail)
