"""State files: what goes in comes out, and no other file does anything but be refused."""

import copy
import hashlib
import io
import json
import math
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvent.core import StateFileError, atomic_write, load_state, save_state
from resolvent.core.persist import dumps, loads

TREE = {
    "n": 3,
    "x": 0.1,
    "none": None,
    "yes": True,
    "text": "Zürich \u2713",
    "inf": math.inf,
    "list": [1, [2.5, "a"], {"deep": np.arange(3)}],
    "f8": np.linspace(0, 1, 5),
    "f4": np.ones((2, 3), np.float32),
    "c16": np.array([1 + 2j]),
    "u4": np.array([2**32 - 1], np.uint32),
    "empty": np.empty((0, 4)),
    "scalar": np.array(7.0),
}


def same(a, b):
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


def test_round_trip(tmp_path):
    save_state(tmp_path / "s.rv", TREE)
    assert same(TREE, load_state(tmp_path / "s.rv"))


leaves = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False) | st.text(max_size=5)
trees = st.recursive(leaves, lambda t: st.lists(t, max_size=3) | st.dictionaries(st.text(max_size=3), t, max_size=3))


@given(st.dictionaries(st.text(max_size=3), trees, max_size=4))
def test_round_trip_of_any_tree(tree):
    assert same(tree, loads(dumps(tree)))


def test_the_same_state_is_the_same_bytes():
    assert dumps(TREE) == dumps(copy.deepcopy(TREE))


def test_big_endian_fortran_and_strided_arrays_keep_their_values():
    given = [np.arange(4, dtype=">f8"), np.asfortranarray(np.arange(6.0).reshape(2, 3)), np.arange(10)[::3]]
    back = loads(dumps({"a": given}))["a"]
    assert all(np.array_equal(x, y) for x, y in zip(given, back, strict=True))


@pytest.mark.parametrize(
    "bad", [object(), np.array([object()]), np.array(["text"]), {1: 2}, {"f": print}, b"bytes", {1, 2}]
)
def test_what_is_not_plain_is_not_saved(bad):
    with pytest.raises(TypeError):
        dumps({"bad": bad})


def test_every_flipped_bit_is_noticed():
    data = dumps({"a": np.arange(2.0), "k": 1})
    assert len(data) < 1000
    for i in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[i // 8] ^= 1 << (i % 8)
        with pytest.raises(StateFileError):
            loads(bytes(flipped))


def test_every_truncation_and_extension_is_noticed():
    data = dumps({"a": np.arange(2.0), "k": 1})
    for cut in range(len(data)):
        with pytest.raises(StateFileError):
            loads(data[:cut])
    for more in (b"\0", b"x" * 64, data):
        with pytest.raises(StateFileError):
            loads(data + more)


def test_not_a_state_file(tmp_path):
    for content in (b"", b"hello", b"\x80\x04K\x01.", b"PK\x03\x04" + b"\0" * 500):
        (tmp_path / "f").write_bytes(content)
        with pytest.raises(StateFileError, match="f: "):
            load_state(tmp_path / "f")
    with pytest.raises(FileNotFoundError):
        load_state(tmp_path / "nosuch")


def crafted(members, compression=zipfile.ZIP_STORED, comment=True):
    """An archive of a stranger's making, with a right digest."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a name twice
        for name, data in members:
            archive.writestr(name, data)
        if comment:
            archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def tree(state, **other):
    return json.dumps({"format": "resolvent-state", "version": 1, "state": state} | other).encode()


def npy(array, **options):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, **options)
    return out.getvalue()


ONE = {"d": {"a": {"a": 0, "s": [2]}}}
TWO = npy(np.arange(2.0), version=(1, 0))
HEADER = TWO[: TWO.index(b"\n") + 1]


def test_the_crafting_is_right():
    assert np.array_equal(loads(crafted([("state.json", tree(ONE)), ("0.npy", TWO)]))["a"], [0.0, 1.0])


HOSTILE = {
    "swapped members": [("0.npy", TWO), ("state.json", tree(ONE))],
    "swapped arrays": [("state.json", tree(ONE)), ("1.npy", TWO), ("0.npy", TWO)],
    "a path": [("state.json", tree(ONE)), ("../0.npy", TWO)],
    "twice": [("state.json", tree(ONE)), ("0.npy", TWO), ("0.npy", TWO)],
    "one too many": [("state.json", tree(ONE)), ("0.npy", TWO), ("evil.py", b"import os")],
    "missing array": [("state.json", tree(ONE))],
    "no tree": [("0.npy", TWO)],
    "tree is a list": [("state.json", b"[]")],
    "tree is no JSON": [("state.json", b"{")],
    "tree is not UTF-8": [("state.json", b"\xff\xfe{}")],
    "deep": [
        (
            "state.json",
            b'{"format": "resolvent-state", "version": 1, "state": ' + b'{"l": [' * 5000 + b"]}" * 5000 + b"}",
        )
    ],
    "no format": [("state.json", json.dumps({"version": 1, "state": {"d": {}}}).encode())],
    "another version": [("state.json", tree({"d": {}}, version=2))],
    "version as text": [("state.json", tree({"d": {}}, version="1"))],
    "state is a number": [("state.json", tree(3))],
    "unknown node": [("state.json", tree({"pickle": "gASV"}))],
    "index outside": [("state.json", tree({"d": {"a": {"a": 7, "s": [2]}}})), ("0.npy", TWO)],
    "index negative": [("state.json", tree({"d": {"a": {"a": -1, "s": [2]}}})), ("0.npy", TWO)],
    "index is true": [("state.json", tree({"d": {"a": {"a": True, "s": [2]}}})), ("0.npy", TWO)],
    "another shape": [("state.json", tree({"d": {"a": {"a": 0, "s": [3]}}})), ("0.npy", TWO)],
    "objects": [("state.json", tree(ONE)), ("0.npy", npy(np.array([{}, {}], dtype=object), allow_pickle=True))],
    "text array": [("state.json", tree(ONE)), ("0.npy", npy(np.array(["a", "b"])))],
    "npy version 2": [("state.json", tree(ONE)), ("0.npy", npy(np.arange(2.0), version=(2, 0)))],
    "short array": [("state.json", tree(ONE)), ("0.npy", TWO[:-1])],
    "long array": [("state.json", tree(ONE)), ("0.npy", TWO + b"\0")],
    "huge shape": [("state.json", tree(ONE)), ("0.npy", HEADER.replace(b"(2,)", b"(999999999999999, 9)") + b"\0" * 16)],
    "code in a header": [("state.json", tree(ONE)), ("0.npy", HEADER.replace(b"'<f8'", b"exit(1)") + b"\0" * 16)],
    "empty array member": [("state.json", tree(ONE)), ("0.npy", b"")],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_a_right_digest_over_a_wrong_archive_is_refused(members):
    with pytest.raises(StateFileError):
        loads(crafted(members))


def test_compressed_members_are_refused():
    bomb = [("state.json", tree(ONE)), ("0.npy", HEADER + b"\0" * 10_000_000)]
    with pytest.raises(StateFileError, match="compressed"):
        loads(crafted(bomb, zipfile.ZIP_DEFLATED))


def test_writing_is_whole_or_not_at_all(tmp_path, monkeypatch):
    import os

    target = tmp_path / "s.rv"
    atomic_write(target, b"old")

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        atomic_write(target, b"new")
    assert target.read_bytes() == b"old" and [p.name for p in tmp_path.iterdir()] == ["s.rv"]


def test_a_state_is_checked_before_it_is_written(tmp_path):
    target = tmp_path / "s.rv"
    save_state(target, {"k": 1})
    with pytest.raises(TypeError):
        save_state(target, {"k": print})
    assert load_state(target) == {"k": 1}
