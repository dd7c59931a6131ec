"""The .npz reader: SciPy's layout, every check, bombs and lies."""

import io
import os
import zipfile

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.gallery.npz import read_npy_file, read_npz, write_npz

A3 = sp.csr_array(np.array([[4.0, -1, 0], [-1, 4, -1], [0, -1, 4]]))
PARTS = {
    "data": A3.data,
    "indices": A3.indices,
    "indptr": A3.indptr,
    "shape": np.array(A3.shape),
    "format": np.array(b"csr"),
}


def archive(path, parts, **options):
    np.savez(path, **{**parts, **options})
    return path


def refused(path, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        read_npz(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["csr", "csc", "coo"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.complex64])
@pytest.mark.parametrize("compressed", [True, False])
def test_what_scipy_saves_is_read(tmp_path, kind, dtype, compressed):
    A = sp.random_array((20, 20), density=0.2, rng=np.random.default_rng(0)).astype(dtype)
    sp.save_npz(tmp_path / "a.npz", A.asformat(kind), compressed=compressed)
    B, b = read_npz(tmp_path / "a.npz")
    assert b is None
    assert B.dtype == dtype and B.format == "csr" and B.has_canonical_format
    B.check_format(full_check=True)
    assert (A.tocsr() != B).nnz == 0


def test_a_right_hand_side_and_dense_matrices_are_read(tmp_path):
    b = np.arange(6.0).reshape(3, 2)
    B, right = read_npz(archive(tmp_path / "a.npz", PARTS, b=b))
    assert np.array_equal(right, b) and (B != A3).nnz == 0
    D, right = read_npz(
        archive(tmp_path / "d.npz", {}, A=np.asfortranarray(A3.toarray() + np.triu(np.ones((3, 3)))), b=b[:, 0])
    )
    assert np.array_equal(D, A3.toarray() + np.triu(np.ones((3, 3)))) and right.shape == (3,)
    B, _ = read_npz(archive(tmp_path / "u.npz", PARTS, format=np.array("csr")))  # text instead of bytes
    assert (B != A3).nnz == 0
    B, _ = read_npz(archive(tmp_path / "i.npz", PARTS, data=A3.data.astype(int), indices=A3.indices.astype(np.uint64)))
    assert B.dtype == np.float64 and (B != A3).nnz == 0
    B, _ = read_npz(archive(tmp_path / "e.npz", PARTS, data=A3.data.astype(">f8"), indptr=A3.indptr.astype(">i8")))
    assert B.data.dtype.isnative and (B != A3).nnz == 0


@pytest.mark.parametrize("width", [1, 2, 4, 8])
@pytest.mark.parametrize("sign", ["i", "u"])
def test_whole_numbers_of_every_width_are_read(tmp_path, sign, width):
    kind = f"{sign}{width}"
    parts = {name: PARTS[name].astype(kind) for name in ("indices", "indptr", "shape")}
    B, b = read_npz(archive(tmp_path / "a.npz", PARTS, **parts, b=np.array([1, 2, 3], kind)))
    assert (B != A3).nnz == 0 and b.tolist() == [1.0, 2.0, 3.0]


@pytest.mark.parametrize("data", [np.ones(7, np.float16), np.ones(7, np.longdouble), np.ones(7, np.clongdouble)])
def test_numbers_of_other_widths_are_not_read(tmp_path, data):
    refused(archive(tmp_path / "a.npz", PARTS, data=data), "not describe a plain array of numbers")


def test_rows_are_sorted_and_duplicates_added(tmp_path):
    parts = {
        "data": np.array([1.0, 2, 3, 4]),
        "indices": np.array([1, 0, 1, 1]),
        "indptr": np.array([0, 3, 4]),
        "shape": np.array([2, 2]),
    }
    B, _ = read_npz(archive(tmp_path / "a.npz", {**parts, "format": np.array(b"csr")}))
    assert np.array_equal(B.toarray(), [[2, 4], [0, 4]]) and B.nnz == 3
    parts["data"][:] = 1e308
    refused(archive(tmp_path / "b.npz", {**parts, "format": np.array(b"csr")}), "add up beyond the range")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": np.array(b"csc"), "shape": np.array([2**31 - 1, 3])}, "2147483647 x 3 is out of proportion"),
        ({"shape": np.array([3, 2**40])}, "3 x 1099511627776 is out of proportion"),
        ({"format": np.array(b"bsr")}, "format 'bsr' is not read"),
        ({"format": np.array(1.0)}, "no matrix in it"),
        ({"format": np.array([b"csr"])}, "no matrix in it"),
        ({"format": None}, "no matrix in it"),
        ({"shape": None}, "needs a member 'shape'"),
        ({"indptr": None}, "needs a member 'indptr'"),
        ({"format": np.array(b"coo")}, "a coo matrix needs a member 'row'"),
        ({"shape": np.array([3.0, 3.0])}, "'shape' must be two whole numbers"),
        ({"shape": np.array([3, 3, 3])}, "'shape' must be two whole numbers"),
        ({"shape": np.array([0, 3])}, "no entries to solve with"),
        ({"shape": np.array([-3, 3])}, "no entries to solve with"),
        ({"shape": np.array([2**50, 2**50])}, "or too many"),
        ({"shape": np.array([4, 3])}, "'indptr' must be 5 whole numbers"),
        ({"shape": np.array([3, 2])}, r"'indices'\[4\] is 2, but must be between 0 and 1"),
        ({"indices": A3.indices - 1}, r"'indices'\[0\] is -1"),
        ({"indices": A3.indices[:-1]}, "'indices' must be 7 whole numbers"),
        ({"indices": A3.indices.astype(float)}, "'indices' must be 7 whole numbers"),
        ({"indptr": A3.indptr.astype(float)}, "'indptr' must be 4 whole numbers"),
        ({"indptr": np.array([0, 5, 2, 7])}, "'indptr' must run from 0 to 7"),
        ({"indptr": np.array([0, 2, 5, 6])}, "'indptr' must run from 0 to 7"),
        ({"indptr": np.array([1, 2, 5, 7])}, "'indptr' must run from 0 to 7"),
        ({"indptr": np.array([0, 2**63 - 1, -5, 7])}, "'indptr' must run from 0 to 7"),
        ({"data": A3.data.astype(np.float16)}, "does not describe a plain array"),
        ({"data": A3.data.astype(np.longdouble)}, "does not describe a plain array"),
        ({"data": A3.data.reshape(1, -1)}, "'data' must have one axis"),
        ({"data": np.where(A3.data == 4, np.nan, A3.data)}, r"'data' has a NaN or inf at \[0\]"),
        ({"data": np.full(7, 2**60)}, "whole numbers that a double does not hold"),
        ({"data": np.full(7, "x")}, "'data' must be single or double precision"),
        ({"b": np.array([1.0, np.inf, 0.0])}, r"'b' has a NaN or inf at \[1\]"),
        ({"b": np.ones((3, 1, 1))}, "'b' must be a vector or a matrix"),
        ({"b": np.ones((3, 0))}, "'b' must be a vector or a matrix"),
        ({"b": np.ones((1, 1, 1, 1))}, "does not fit the"),
        ({"A": np.ones((2, 2, 2))}, "'A' must be a vector or a matrix"),
    ],
)
def test_parts_that_do_not_fit_are_refused(tmp_path, change, sentence):
    parts = {k: v for k, v in {**PARTS, **change}.items() if v is not None}
    refused(archive(tmp_path / "a.npz", parts), sentence)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"row": np.array([0, 3])}, r"'row'\[1\] is 3"),
        ({"col": np.array([0])}, "'col' must be 2 whole numbers"),
        ({"data": np.ones((2, 1))}, "'data' must have one axis"),
        ({"shape": np.array([10**9, 10**9])}, "out of proportion to 2 entries"),
    ],
)
def test_triplets_that_do_not_fit_are_refused(tmp_path, change, sentence):
    good = {
        "row": np.array([0, 1]),
        "col": np.array([1, 0]),
        "data": np.ones(2),
        "shape": np.array([3, 3]),
        "format": np.array(b"coo"),
    }
    assert read_npz(archive(tmp_path / "good.npz", good))[0].nnz == 2
    refused(archive(tmp_path / "a.npz", {**good, **change}), sentence)


def member(path, name, content, packed=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packed) as file:
        file.writestr(name, content)
    return path


def npy(header, body=b"", version=1):
    text = header.encode("latin-1")
    return b"\x93NUMPY" + bytes([version, 0]) + len(text).to_bytes(2 if version == 1 else 4, "little") + text + body


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "not a NumPy array"),
        (b"\x93NUMPY\x09\x00" + b"\x00" * 100, "not a NumPy array"),
        (b"\x93NUMPY\x01\x00\x20\x00{'descr'", "does not describe a plain array"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "the header claims 4294967295 bytes"),
        (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }\n", b"x"), "does not describe"),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (__import__('os').getpid(),), }\n"),
            "does not describe",
        ),
        (npy("{'descr': '<f3', 'fortran_order': False, 'shape': (1,), }\n", b"xxx"), "does not describe"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }\n"), "does not fit"),
        (
            npy("{'descr': '<f8', 'fortran_order': False, 'shape': (999999999999999999, 999999999999999999), }\n"),
            "does not fit",
        ),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", b"\x00" * 15), "does not fit"),
        (npy("{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }\n", b"\x00" * 17), "does not fit"),
    ],
)
def test_headers_are_not_believed(tmp_path, content, sentence):
    refused(member(tmp_path / "a.npz", "b.npy", content), sentence)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_all_versions_of_the_array_format_are_read(tmp_path, version):
    content = npy(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }   \n", np.array([1.0, 2.0]).tobytes(), version
    )
    (tmp_path / "a.npy").write_bytes(content)
    assert np.array_equal(read_npy_file(tmp_path / "a.npy"), [1.0, 2.0])


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    content = io.BytesIO()
    np.save(content, np.zeros(4_000_000))
    path = member(tmp_path / "bomb.npz", "b.npy", content.getvalue(), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 60_000
    refused(path, "32000000 bytes unpacked are out of proportion to the file")
    two = io.BytesIO()
    np.save(two, np.zeros(100_000))
    with zipfile.ZipFile(tmp_path / "many.npz", "w", zipfile.ZIP_DEFLATED) as file:
        for name in ("b", "data"):
            file.writestr(f"{name}.npy", two.getvalue())
    refused(tmp_path / "many.npz", "out of proportion")  # together


def test_members_that_are_twice_packed_strangely_or_encrypted_are_refused(tmp_path):
    content = io.BytesIO()
    np.save(content, np.ones(3))
    with zipfile.ZipFile(tmp_path / "twice.npz", "w") as file, pytest.warns(UserWarning, match="Duplicate"):
        file.writestr("b.npy", content.getvalue())
        file.writestr("b.npy", content.getvalue())
    refused(tmp_path / "twice.npz", "member 'b' is there twice")
    refused(member(tmp_path / "bz.npz", "b.npy", content.getvalue(), zipfile.ZIP_BZIP2), "packed by an unusual method")
    data = bytearray(member(tmp_path / "a.npz", "b.npy", content.getvalue()).read_bytes())
    at = data.find(b"PK\x01\x02")
    data[at + 8] |= 1
    (tmp_path / "locked.npz").write_bytes(data)
    refused(tmp_path / "locked.npz", "encrypted")


def test_damage_is_noticed(tmp_path):
    path = archive(tmp_path / "a.npz", PARTS, b=np.arange(3.0))
    data = bytearray(path.read_bytes())
    at = data.find(np.arange(3.0).tobytes())
    data[at + 9] ^= 1
    path.write_bytes(data)
    refused(path, "not a readable .npz archive .*CRC")
    path.write_bytes(data[: len(data) // 2])
    refused(path, "not a readable .npz archive")
    path.write_bytes(b"")
    refused(path, "not a readable .npz archive")
    # an archive that claims more than the stream gives
    text = "{'descr': '<f8', 'fortran_order': False, 'shape': (40,), }\n"
    data = bytearray(member(path, "b.npy", npy(text, bytes(320))).read_bytes())
    size = (len(npy(text)) + 320).to_bytes(4, "little")
    for mark, offset in ((b"PK\x03\x04", 18), (b"PK\x01\x02", 20)):
        at = data.find(mark) + offset
        assert data[at : at + 4] == size
        data[at : at + 4] = (int.from_bytes(size, "little") - 100).to_bytes(4, "little")
    path.write_bytes(data)
    refused(path, "the array is cut off|not a readable")


def test_a_member_that_gives_less_than_it_claims_is_refused():
    from resolvent.gallery.npz import _read_array

    content = npy("{'descr': '<f8', 'fortran_order': False, 'shape': (40,), }\n", bytes(320))
    with pytest.raises(ValueError, match="here: the array is cut off"):
        _read_array("here", io.BytesIO(content[:-100]), len(content), 10**6)


def test_other_members_are_not_looked_at(tmp_path):
    archive(tmp_path / "a.npz", PARTS)
    with zipfile.ZipFile(tmp_path / "a.npz", "a") as file:
        file.writestr("notes.txt", "hello")
        file.writestr("pickle.npy", b"cos\nsystem\n(S'false'\ntR.")
    assert (read_npz(tmp_path / "a.npz")[0] != A3).nnz == 0


def test_what_is_written_is_read_by_us_and_by_scipy(tmp_path):
    write_npz(tmp_path / "a.npz", A3.tocsc(), np.ones(3))
    B, b = read_npz(tmp_path / "a.npz")
    assert (B != A3).nnz == 0 and np.array_equal(b, np.ones(3))
    assert (sp.load_npz(tmp_path / "a.npz") != A3).nnz == 0
    assert isinstance(sp.load_npz(tmp_path / "a.npz"), sp.sparray)  # as an array, not as one of the old matrices
    write_npz(tmp_path / "d.npz", np.eye(2), np.ones((2, 2)))
    D, b = read_npz(tmp_path / "d.npz")
    assert np.array_equal(D, np.eye(2)) and b.shape == (2, 2)
    assert not list(tmp_path.glob("*.tmp"))


def test_what_is_no_regular_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_npz(tmp_path / "nowhere.npz")
    os.mkfifo(tmp_path / "pipe.npy")
    with pytest.raises(ValueError, match="not a regular file"):
        read_npy_file(tmp_path / "pipe.npy")


def test_what_is_written_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    seen, honest = [], os.fsync

    def watched(handle):
        seen.append((os.fstat(handle).st_size, os.path.exists(tmp_path / "a.npz")))
        honest(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_npz(tmp_path / "a.npz", A3, np.ones(3))
    assert seen == [(os.path.getsize(tmp_path / "a.npz"), False)]
    assert os.listdir(tmp_path) == ["a.npz"]
