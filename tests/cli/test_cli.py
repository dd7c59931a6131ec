"""The command line: exit status 0, 1 or 2, one line for what is wrong, one JSON object on the last line."""

import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.gallery import save_system

pytest.importorskip("typer")
pytest.importorskip("rich")


def one_line(err):
    return err.startswith("resolvent: ") and err.count("\n") == 1


# ---- solve -----------------------------------------------------------------------------------------------------------


def test_solve_writes_x_and_says_how_good_it_is(call, system, tmp_path):
    path, A, b = system
    code, out, _ = call("solve", path, "--rtol", "1e-10", "--out", tmp_path / "x.npy")
    x = np.load(tmp_path / "x.npy")
    assert code == 0 and np.linalg.norm(b - A @ x) <= 1e-10 * np.linalg.norm(b)
    assert "RESIDUAL" in out and "meets the tolerance" in out and "certificate" in out


def test_solve_as_json(call, system):
    code, out, err = call("solve", system[0], "--method", "cg", "--json")
    facts = json.loads(out.splitlines()[-1])
    assert code == 0 and facts["ok"] and facts["status"] == "RESIDUAL" and facts["exit"] == 0
    assert facts["certificate"]["tolerance"] > 0 and out.count("\n") == 1 and "certificate" in err


def test_solve_with_another_right_hand_side(call, system, tmp_path):
    np.save(tmp_path / "c.npy", np.ones(30))
    code, _, _ = call("solve", system[0], tmp_path / "c.npy", "--out", tmp_path / "x.npy", "--rtol", "1e-12")
    assert code == 0 and np.allclose(system[1] @ np.load(tmp_path / "x.npy"), 1.0)


def test_solve_says_when_b_is_made_up(call, tmp_path):
    rv.gallery.matrix_market.write_matrix_market(tmp_path / "only.mtx", sp.csr_array(np.diag([2.0, 4.0])))
    code, out, _ = call("solve", tmp_path / "only.mtx")
    assert code == 0 and "vector of ones" in out


def test_what_cannot_be_solved_is_exit_1(call, tmp_path):
    save_system(tmp_path / "bad.npz", rv.LinearSystem(sp.csr_array(np.array([[1.0, -1], [-1, 1]])), np.ones(2)))
    code, out, _ = call("solve", tmp_path / "bad.npz", "--json")
    facts = json.loads(out.splitlines()[-1])
    assert code == 1 and not facts["ok"] and facts["exit"] == 1 and "outside its range" in facts["reason"]


@pytest.mark.parametrize(
    "words",
    [
        ["solve", "missing.mtx"],
        ["solve", "junk.mtx"],
        ["solve", "junk.npz"],
        ["solve", "folder"],
        ["solve", "A.mtx", "missing.npy"],
        ["solve", "A.mtx", "short.npy"],
        ["solve", "A.mtx", "--method", "guessing"],
        ["solve", "A.mtx", "--method", "cg+magic"],
        ["solve", "A.mtx", "--rtol", "-1"],
        ["solve", "A.mtx", "--rtol", "small"],
        ["solve", "A.mtx", "--out", "no/where/x.npy"],
        ["solve", "A.mtx", "--out", "x.txt"],
        ["solve", "A.mtx", "--frobnicate"],
        ["solve"],
        ["run", "no-such-sequence"],
        ["run", "darcy-path", "--count", "0"],
        ["run", "darcy-path", "--count", "many"],
        ["run", "darcy-path", "--size", "-3"],
        ["run", "darcy-path", "--option", "colour"],
        ["run", "darcy-path", "--option", "colour=3"],
        ["run", "darcy-path", "--resume"],
        ["run", "darcy-path", "--order", "random"],
        ["run", "darcy-path", "--state", "missing.rv"],
        ["run", "darcy-path", "--state", "junk.npz"],
        ["run", "darcy-path", "--out", "junk.mtx"],
        ["run", "darcy-path", "--out", "folder"],
        ["run", "empty"],
        ["run", "general.npz", "--method", "cg"],
        ["verify", "folder"],
        ["verify", "nowhere"],
        ["bench"],
        ["bench", "no-such-sequence"],
        ["bench", "darcy-path", "--goals", "linear"],
        ["bench", "--goals", "happiness"],
        ["bench", "darcy-path", "--keep", "kept.jsonl"],
        ["reproduce", "perpetual-motion"],
        ["make-coffee"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_and_exit_2(call, system, tmp_path, monkeypatch, words):
    (tmp_path / "junk.mtx").write_text("junk")
    (tmp_path / "junk.npz").write_bytes(b"junk" * 100)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "note.txt").write_text("mine")
    (tmp_path / "empty").mkdir()
    np.save(tmp_path / "short.npy", np.ones(3))
    save_system(tmp_path / "general.npz", rv.LinearSystem(sp.csr_array(np.array([[1.0, 2], [0, 1]])), np.ones(2)))
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*words)
    assert code == 2 and one_line(err) and not out, (code, out, err)
    if words[0] in ("solve", "run", "verify") and "--frobnicate" not in words:
        code, out, err = call(*words, "--json")
        facts = json.loads(out.splitlines()[-1])
        assert code == 2 and facts["exit"] == 2 and facts["error"] in err


def test_help_is_exit_0(call):
    assert call("--help")[0] == 0
    for name in ("run", "solve", "verify", "doctor", "generate", "bench", "reproduce", "calibrate", "demo"):
        code, out, _ = call(name, "--help")
        assert code == 0 and "Usage" in out


# ---- run and verify ------------------------------------------------------------------------------------------------


def test_run_verify_and_a_second_run_is_refused(call, tmp_path):
    words = ["run", "darcy-path", "--count", "4", "--size", "8", "--rtol", "1e-8", "--out", tmp_path / "run"]
    code, out, _ = call(*words)
    assert code == 0 and "4 solves, 4 certified" in out and "report.html" in out
    code, out, err = call(*words)
    assert code == 2 and "not empty" in err and one_line(err)
    code, out, _ = call("verify", tmp_path / "run")
    assert code == 0 and "every claim of this run is true" in out and "long double" in out
    code, out, err = call("verify", tmp_path / "run", "--json")
    facts = json.loads(out.splitlines()[-1])
    assert code == 0 and facts["good"] and facts["held"] == facts["claimed"] == 4


def test_verify_exits_1_on_a_false_claim(call, tmp_path):
    call("run", "darcy-path", "--count", "3", "--size", "8", "--out", tmp_path / "run", "--quiet")
    (tmp_path / "run" / "solutions.h5").unlink()
    part = tmp_path / "run" / "parts" / "000001.npy"
    np.save(part, np.load(part) * 1.001)
    code, out, err = call("verify", tmp_path / "run", "--json")
    facts = json.loads(out.splitlines()[-1])
    assert code == 1 and facts["exit"] == 1 and not facts["good"] and "false: system 1" in err


def test_run_as_json_is_one_object_on_stdout(call, tmp_path):
    code, out, _ = call("run", "darcy-path", "--count", "2", "--size", "6", "--json", "--out", tmp_path / "run")
    facts = json.loads(out)
    assert code == 0 and facts["status"] == "complete" and facts["solved"] == facts["ok"] == 2
    assert facts["out"] == str(tmp_path / "run")


def test_run_without_a_folder_writes_nothing(call, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, _ = call("run", "darcy-path", "--count", "2", "--size", "6")
    assert code == 0 and "nothing was written" in out and not list(tmp_path.iterdir())


def test_quiet_is_quiet(call):
    assert call("run", "darcy-path", "--count", "2", "--size", "6", "--quiet")[:2] == (0, "")


def test_a_run_with_a_failure_is_exit_1(call, tmp_path):
    (tmp_path / "systems").mkdir()
    A = sp.csr_array(np.array([[1.0, -1], [-1, 1]]))
    save_system(tmp_path / "systems" / "a.npz", rv.LinearSystem(A, np.ones(2)))
    assert call("run", tmp_path / "systems", "--quiet")[0] == 1


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "no permission"),
        (errno.EIO, "disk reports an error"),
        (errno.EMFILE, os.strerror(errno.EMFILE)),
    ],
)
def test_what_the_system_refuses_is_one_sentence(call, tmp_path, monkeypatch, number, words):
    def refuse(handle):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    code, _, err = call("run", "darcy-path", "--count", "2", "--size", "6", "--out", tmp_path / "run", "--quiet")
    assert code == 2 and one_line(err) and words in err
    monkeypatch.undo()
    again = ["run", "darcy-path", "--count", "2", "--size", "6", "--out", tmp_path / "run", "--quiet", "--resume"]
    assert call(*again)[0] == 0


def test_a_folder_that_cannot_be_made(call, tmp_path):
    (tmp_path / "file").write_text("")
    code, _, err = call("run", "darcy-path", "--count", "2", "--size", "6", "--out", tmp_path / "file" / "run")
    assert code == 2 and one_line(err)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of the system")
def test_a_real_limit_on_file_sizes(tmp_path):
    """The kernel refuses to let a file grow: what a quota or a full disk does, without filling a disk."""
    import resource

    words = [sys.executable, "-m", "resolvent", "run", "darcy-path", "--count=6", "--size=40", "--quiet", "--out"]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run([*words, tmp_path / "run"], preexec_fn=limit, capture_output=True, text=True, env=environment)
    assert (
        run.returncode == 2 and run.stderr.splitlines()[-1].startswith("resolvent: ") and "Traceback" not in run.stderr
    )
    assert subprocess.run([*words, tmp_path / "run", "--resume"], capture_output=True).returncode == 0


def test_no_memory_is_one_sentence(call, monkeypatch):
    def none(*args, **options):
        raise MemoryError("Unable to allocate 7 EiB")

    monkeypatch.setattr("resolvent.runs.execute", none)
    code, _, err = call("run", "darcy-path")
    assert code == 2 and "not enough memory" in err


def test_interrupted_elsewhere_is_130(call, monkeypatch):
    def stop(*args, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("resolvent.runs.verify", stop)
    assert call("verify", "folder")[0] == 130


# ---- entry points --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lacks", ["typer", "rich"])
def test_a_missing_extra_is_one_sentence(monkeypatch, capsys, lacks):
    import importlib.util

    from resolvent.__main__ import main

    monkeypatch.setattr("resolvent.__main__.find_spec", lambda name: None if name == lacks else importlib.util)
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 2
    assert f"needs {lacks}" in capsys.readouterr().err


def test_a_missing_extra_of_run(call, monkeypatch, tmp_path):
    import importlib.util

    original = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "h5py" else original(name))
    code, _, err = call("run", "darcy-path", "--out", tmp_path / "run")
    assert code == 2 and "needs h5py" in err and one_line(err)


def test_python_m_resolvent():
    run = subprocess.run([sys.executable, "-m", "resolvent", "--help"], capture_output=True, text=True)
    assert run.returncode == 0 and "verify" in run.stdout
    run = subprocess.run([sys.executable, "-m", "resolvent", "run", "nothing"], capture_output=True, text=True)
    assert run.returncode == 2 and one_line(run.stderr)
