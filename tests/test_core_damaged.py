"""State files that were built wrong on purpose, with a right digest, and what a carried set-up may come from."""

import hashlib
import os
import stat
import struct

import numpy as np
import pytest
import scipy.sparse

import resolvent as rv
from resolvent.core import StateFileError, persist
from resolvent.core.persist import atomic_write, dumps, loads
from resolvent.core.registry import from_record, restored, to_record
from resolvent.operators.base import Bound, Stored

GOOD = dumps({"a": np.arange(6.0), "b": np.arange(4.0), "c": {"d": [1, 2.5, "x", None, True]}})


def signed(data):
    return bytes(data[:-64]) + hashlib.sha256(bytes(data[:-64])).hexdigest().encode()


def directory(data, which):
    """Where the central directory has the entry of that number."""
    at = -1
    for _ in range(which + 1):
        at = data.index(b"PK\x01\x02", at + 1)
    return at


def test_the_good_one_is_good():
    state = loads(GOOD)
    assert np.array_equal(state["a"], np.arange(6.0)) and state["c"] == {"d": [1, 2.5, "x", None, True]}
    assert loads(signed(GOOD))["b"][3] == 3.0


def test_a_member_that_says_it_is_larger_than_the_file():
    data = bytearray(GOOD)
    at = directory(data, 1)
    struct.pack_into("<II", data, at + 20, 10 * len(data), 10 * len(data))
    with pytest.raises(StateFileError, match="larger than the file"):
        loads(signed(data))


def test_a_member_that_says_it_is_encrypted():
    data = bytearray(GOOD)
    at = directory(data, 1)
    struct.pack_into("<H", data, at + 8, 1)
    with pytest.raises(StateFileError, match="larger than the file"):
        loads(signed(data))


def test_members_that_overlap():
    data = bytearray(GOOD)
    for which in (1, 2):
        struct.pack_into("<II", data, directory(data, which) + 20, len(data) - 100, len(data) - 100)
    with pytest.raises(StateFileError, match="overlap"):
        loads(signed(data))


def test_a_member_whose_sizes_differ():
    data = bytearray(GOOD)
    struct.pack_into("<I", data, directory(data, 1) + 24, 3)
    with pytest.raises(StateFileError, match="compressed"):
        loads(signed(data))


def nested(deep, kind):
    tree = 1 if kind is list else {}
    for _ in range(deep):
        tree = [tree] if kind is list else {"d": tree}
    return {"t": tree}


@pytest.mark.parametrize("kind", [dict, list])
def test_a_tree_has_a_depth_that_is_allowed(kind, monkeypatch):
    """What can be written can be read, and deeper ones are neither."""
    assert loads(dumps(nested(59, kind))) == nested(59, kind)
    with pytest.raises(TypeError, match="more than 60 levels"):
        dumps(nested(60, kind))
    with monkeypatch.context() as patch:
        patch.setattr(persist, "_DEEPEST", 1000)
        deeper = dumps(nested(60, kind)), dumps(nested(150, kind))
    for data in deeper:
        with pytest.raises(StateFileError, match="nested too deeply"):
            loads(data)


def test_numbers_of_numpy_become_plain_ones():
    state = loads(dumps({"f": np.float64(1.5), "i": np.int32(7), "b": np.bool_(True), "n": np.float32(0.25)}))
    assert state == {"f": 1.5, "i": 7, "b": True, "n": 0.25}
    assert [type(v) for v in state.values()] == [bool, float, int, float]
    with pytest.raises(TypeError, match="date cannot be saved"):
        dumps({"t": np.datetime64("2020-01-01")})


def test_a_folder_that_cannot_be_opened_is_no_reason_to_fail(tmp_path, monkeypatch):
    """Some systems cannot flush a folder; the file is written all the same."""
    honest = os.open

    def stubborn(path, flags, *rest):
        if os.path.isdir(path):
            raise PermissionError(13, "Permission denied", str(path))
        return honest(path, flags, *rest)

    monkeypatch.setattr(os, "open", stubborn)
    atomic_write(tmp_path / "x", b"whole")
    assert (tmp_path / "x").read_bytes() == b"whole" and os.listdir(tmp_path) == ["x"]


def test_the_folder_is_flushed_after_the_name_is_there(tmp_path, monkeypatch):
    seen = []
    honest = os.fsync

    def watched(handle):
        found = os.fstat(handle)
        seen.append((os.path.exists(tmp_path / "x"), found.st_size if stat.S_ISREG(found.st_mode) else None))
        honest(handle)

    monkeypatch.setattr(os, "fsync", watched)
    atomic_write(tmp_path / "x", b"whole")
    assert seen == [(False, 5), (True, None)]  # all bytes are handed over before they are asked to be on disk


# ---- sessions --------------------------------------------------------------------------------------------------------


def saved(tmp_path, change):
    session = rv.Session(rv.CG(), [rv.Guess()], rtol=1e-8)
    session(np.diag([1.0, 2.0]), np.ones(2))
    state = {"session": session.state_dict()}
    change(state["session"])
    path = tmp_path / "s.rv"
    path.write_bytes(dumps(state))
    return path


def test_options_and_make_up_are_those_of_a_session(tmp_path):
    with pytest.raises(StateFileError, match="options are not those"):
        rv.Session.load(saved(tmp_path, lambda s: s["options"].pop("seed")))
    with pytest.raises(StateFileError, match="options are not those"):
        rv.Session.load(saved(tmp_path, lambda s: s["options"].update(more=1)))
    with pytest.raises(StateFileError, match="0 learners, this session 1"):
        rv.Session.load(saved(tmp_path, lambda s: s.update(learned=[])))
    assert rv.Session.load(saved(tmp_path, lambda s: None)).solved == 1


def test_a_default_tolerance_stays_the_default(tmp_path):
    """The default depends on the dtype: it is saved as the default, and not as a number."""
    session = rv.Session("cg")
    session(np.diag([1.0, 2.0]), np.ones(2))
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    single = loaded.solve(rv.LinearSystem(np.diag([1.0, 2.0]).astype("float32"), np.ones(2, "float32")))
    assert single.threshold == pytest.approx(1e-3 * np.sqrt(2.0))
    assert rv.Session.load(tmp_path / "s.rv", rtol=1e-4).rtol == 1e-4


# ---- records and set-ups ---------------------------------------------------------------------------------------------


def test_lists_of_records_go_there_and_back():
    methods = (rv.CG(rv.SSOR(1.25)), rv.SOR(1.5))
    assert from_record(to_record(methods)) == methods and from_record(to_record(list(methods))) == methods
    assert to_record((1, "a", None)) == [1, "a", None]
    with pytest.raises(ValueError, match="not a carried object"):
        restored({"bound": ["FactorBound"]})


def stored(**change):
    good = {
        "ip": np.array([0, 2, 4], np.uint32), "ix": np.array([0, 1, 0, 1], np.uint32),
        "data": np.array([2.0, -1.0, -1.0, 2.0]), "symmetric": True,
    }  # fmt: skip
    return good | change


def test_a_stored_matrix_goes_there_and_back():
    near = np.ones((2, 1))
    source = Stored.from_state(stored(near_nullspace=near))
    assert source.shape == (2, 2) and source.is_symmetric() and source.nonzeros == 4
    assert source.state_dict()["near_nullspace"] is near
    assert "near_nullspace" not in Stored.from_state(stored()).state_dict()
    one = Stored.from_state(stored(ip=np.array([0, 0], np.uint64), ix=np.zeros(0, np.uint64), data=np.zeros(0)))
    assert one.n == 1 and one.nonzeros == 0


@pytest.mark.parametrize(
    "near",
    [
        "ones", [1.0, 1.0], np.ones(3), np.ones((3, 1)), np.ones((2, 0)), np.ones((2, 1, 1)), np.array(1.0),
        np.array([1.0, np.nan]), np.array([[np.inf], [1.0]]), np.array(["a", "b"]), np.array([True, False]),
    ],
    ids=str,
)  # fmt: skip
def test_a_near_null_space_of_strangers(near):
    with pytest.raises(ValueError, match="near null space of a carried set-up"):
        Stored.from_state(stored(near_nullspace=near))


def test_a_bound_object_of_strangers():
    bound = rv.CG(rv.IC()).preconditioner.bind(Stored.from_state(stored()), {})
    state = bound.state_dict()
    again = restored(state)
    assert np.array_equal(again.apply(np.ones(2)), bound.apply(np.ones(2))) and again.fits(rv.IC())
    assert not again.fits(rv.IC(shift=0.5)) and again.matrix_version == bound.matrix_version
    with pytest.raises(ValueError, match="does not give one"):
        restored(state | {"recipe": to_record(rv.Direct())})
    with pytest.raises(TypeError, match="Bound has no application of its own"):
        Bound(rv.IC(), Stored.from_state(stored())).apply(np.ones(2))
    plain = Stored.of(rv.LinearSystem(np.diag([1.0, 2.0]), np.ones(2), near_nullspace=np.ones((2, 1))))
    assert np.array_equal(plain.near_nullspace, np.ones((2, 1))) and plain.n == 2


def test_a_summary_before_anything_was_solved_from_nothing():
    session = rv.Session("cg", rtol=1e-8)
    assert session.summary() == "nothing solved yet"
    session.solve(rv.LinearSystem(np.diag([1.0, 2.0]), np.ones(2)), x0=np.array([1.0, 0.5]))
    assert "against solving cold" not in session.summary() or session.totals["cold"] > 0
    failing = rv.Session("jacobi", rtol=1e-12, max_steps=1, on_fail="ignore")
    failing.solve(rv.LinearSystem(np.array([[2.0, 1.0], [1.0, 2.0]]), np.array([1.0, 0.0])))
    lines = failing.summary().splitlines()
    assert lines[-1] == "not solved: 1 x BUDGET" and not any("against solving cold" in line for line in lines)


# ---- what only a changed line would break --------------------------------------------------------------------------


def test_a_byte_of_an_array_that_is_wrong_is_noticed():
    data = bytearray(GOOD)
    at = data.index(np.arange(6.0).tobytes())
    data[at + 10] ^= 1
    with pytest.raises(StateFileError, match="damaged"):
        loads(bytes(data))
    with pytest.raises(StateFileError, match="not readable"):  # a right digest over it: the archive's own sum is wrong
        loads(signed(data))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (b"\x93NUMPY\x01\x00", b"\x93NUMPY\x02\x00", r"not \.npy version 1\.0"),
        (b"\x93NUMPY", b"\x93NUMPZ", r"not \.npy version 1\.0"),
        (b"'<f8'", b"'|O8'", "header of an array member"),
        (b"(6,)", b"(5,)", "not as long as its shape says"),
        (b"(4,)", b"(7,)", "not as long as its shape says"),
    ],
)
def test_an_array_of_another_make_is_refused(old, new, reason):
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as other:
        for name in archive.namelist():
            part = archive.read(name)
            other.writestr(
                zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), part.replace(old, new) if "npy" in name else part
            )
        other.comment = b"0" * 64
    with pytest.raises(StateFileError, match=reason):
        loads(signed(buffer.getvalue()))


@pytest.mark.parametrize("data", [b"", GOOD[:149], b"QK" + GOOD[2:], bytes(500)])
def test_what_does_not_even_begin_like_one_is_not_called_damaged(data):
    with pytest.raises(StateFileError, match="a state: not a resolvent state file"):
        loads(data, "a state")
    with pytest.raises(StateFileError, match="a state: damaged"):
        loads(GOOD[:150], "a state")


def test_as_many_members_as_are_allowed(monkeypatch):
    many = dumps({"a": [np.zeros(1)] * 3})  # four members with the tree
    monkeypatch.setattr(persist, "_MEMBERS", 4)
    assert len(loads(many)["a"]) == 3
    monkeypatch.setattr(persist, "_MEMBERS", 3)
    with pytest.raises(StateFileError, match="members"):
        loads(many)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="open files are counted in /proc")
def test_writing_leaves_no_file_open(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        atomic_write(tmp_path / "x", b"whole")
    assert len(os.listdir("/proc/self/fd")) == before


def test_what_a_state_leaves_out():
    """Plans that are made again and seconds that differ from run to run are not saved; figures of a pattern are."""
    session = rv.Session(rv.CG(rv.Direct()), [rv.Lifetime("preconditioner")], rtol=1e-8)
    session(np.diag([2.0, 3.0]), np.ones(2))
    state = session.state_dict()
    assert "symbolic" not in state["memory"] and state["totals"]["seconds"] == 0.0
    assert session.totals["seconds"] > 0 and state["solved"] == 1 and state["auto"] is False
    assert set(state["memory"]["figures"]) <= {"width", "factor.flops.True", "factor.flops.False"}
    fresh = rv.Session("cg").state_dict()
    assert fresh["memory"] == {"figures": {}} and fresh["solved"] == 0 and fresh["options"]["rtol"] is None
    assert rv.Session("auto").state_dict()["method"] is None


def test_a_session_that_solved_nothing_goes_there_and_back(tmp_path):
    for method in ("cg", "auto"):
        rv.Session(method, rtol=1e-8).save(tmp_path / "s.rv")
        loaded = rv.Session.load(tmp_path / "s.rv")
        assert loaded.solved == 0 and loaded.rtol == 1e-8
        assert loaded.solve(rv.LinearSystem(np.diag([1.0, 2.0]), np.ones(2))).ok


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"class": "cg", "params": {"stride": float("nan")}}, "stride"),
        ({"class": "cg", "params": {"stride": 1.5}}, "stride"),
        ({"class": "cg", "params": {"stride": True}}, "stride"),
        ({"class": "sor", "params": {"omega": float("nan")}}, "omega"),
        ({"class": "sor", "params": {"omega": "1"}}, "omega"),
        ({"class": "gcrodr", "params": {"m": "ten"}}, "m"),
        ({"class": "saddlefreenewton", "params": {"rank": 2.0}}, "rank"),
    ],
)
def test_parameters_from_a_file_are_of_their_kind(record, name):
    with pytest.raises(ValueError, match=f"cannot have {name}="):
        from_record(record)


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ({"class": "cg", "params": {"stride": 3, "omegas": 1}}, r"cg has no parameters \['omegas'\]$"),
        ({"class": "cgg", "params": {}}, "'cgg' is not a method, preconditioner or learner of resolvent"),
        ({"class": "cg", "params": None}, "'cg' is not a method"),
        ({"params": {}}, "'None' is not a method"),
    ],
)
def test_records_of_nothing_that_there_is(record, reason):
    with pytest.raises(ValueError, match=reason):
        from_record(record)


def test_a_learner_beside_auto_is_saved_and_a_figure_of_the_pattern_too():
    beside = rv.Session("auto", [rv.Recycle("other")]).state_dict()
    assert [record["class"] for record in beside["learners"]] == ["Recycle"] and len(beside["learned"]) == 2
    session = rv.Session("direct", rtol=1e-8)
    n = 10
    A = np.diag(np.full(n, 2.5)) - np.diag(np.ones(n - 1), 1) - np.diag(np.ones(n - 1), -1)
    session(scipy.sparse.csr_array(A), np.ones(n))
    flops, nonzeros = session.state_dict()["memory"]["figures"]["factor.flops.True"]
    assert nonzeros == 2 * (2 * n - 1) and flops > nonzeros - n


def test_parameters_that_may_be_absent_may_be_none():
    for rank in (None, 3):
        assert from_record({"class": "saddlefreenewton", "params": {"rank": rank}}).rank == rank


def test_a_file_says_of_a_factor_whether_it_trusts_the_diagonal():
    state = rv.Direct().bind(rv.LinearSystem(np.diag([2.0, 3.0]), np.ones(2)), {}).source.state_dict()
    with pytest.raises(ValueError, match="trusts the diagonal"):
        Stored.from_state(state | {"trusting": 1})
    assert Stored.from_state(state | {"trusting": None}).n == 2
