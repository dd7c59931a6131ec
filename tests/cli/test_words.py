"""What the command line says: the name that was meant, JSON everywhere, commands that can be pasted, odd terminals."""

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


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["run", "darcy-pth"], "darcy-path"),
        (["run", "darcy-path", "-o", "ro=0.5"], "rho"),
        (["run", "darcy-path", "--method", "gmrs"], "gmres"),
        (["run", "darcy-path", "--method", "cg+sor"], "ssor"),
        (["bench", "heat-shft"], "heat-shift"),
        (["bench", "--goals", "liner"], "linear"),
        (["reproduce", "learning-to-rela"], "learning-to-relax"),
        (["generate", "posson", "--out", "x.h5"], "poisson"),
        (["slove", "A.mtx"], "solve"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else value,
)
def test_an_unknown_name_is_answered_with_the_nearest(call, tmp_path, monkeypatch, words, meant):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(*words)
    assert code == 2 and f"did you mean '{meant}'?" in err.lower() and err.count("\n") == 1


def test_a_name_that_is_near_nothing_is_not_guessed(call):
    assert "did you mean" not in call("run", "zzzzzz")[2]


@pytest.mark.parametrize(
    "words",
    [
        ["run", ""],
        ["run", "darcy-path", "--seed", "-1"],
        ["run", "darcy-path", "--method", "auto+ssor"],
        ["reproduce", "learning-to-relax", "--seed", "-1"],
        ["doctor", "A.mtx", "--seed", "-1"],
        ["bench", "mdp-drift"],
        ["bench", "darcy-path", "--out", "."],
        ["demo", "--out", "A.mtx"],
        ["demo", "--picture", "x.jpg"],
        ["solve", "A.mtx", "b.npy", "--out", "b.npy"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line(call, system, tmp_path, monkeypatch, words):
    np.save(tmp_path / "b.npy", np.ones(30))
    monkeypatch.chdir(tmp_path)
    code, out, err = call(*words)
    assert code == 2 and err.startswith("resolvent: ") and err.count("\n") == 1 and not out
    assert np.array_equal(np.load("b.npy"), np.ones(30))


def test_bench_as_json(call):
    code, out, err = call("bench", "darcy-path", "--count", "2", "--size", "6", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["reached"] and facts["rows"][0]["name"] == "resolvent auto" and "resolvent auto" in err


def test_reproduce_as_json(call, monkeypatch):
    import resolvent.experiments.learning_to_relax as experiment

    monkeypatch.setattr(experiment, "run", lambda quick, seed, out: out(f"quick {quick}, seed {seed}"))
    code, out, err = call("reproduce", "learning-to-relax", "--quick", "--seed", "3", "--json")
    assert code == 0 and json.loads(out)["lines"] == ["quick True, seed 3"] and "seed 3" in err


def test_version(call):
    from importlib.metadata import version

    assert call("--version")[:2] == (0, f"resolvent {version('resolvent')}\n")


def test_commands_that_are_shown_can_be_pasted(call, system, tmp_path):
    folder = tmp_path / "my systems"
    folder.mkdir()
    save_system(folder / "a.npz", rv.LinearSystem(system[1], system[2]))
    code, out, _ = call("run", folder, "--out", tmp_path / "a run")
    assert code == 0 and f"resolvent verify '{tmp_path / 'a run'}'" in out
    page = (tmp_path / "a run" / "report.html").read_text(encoding="utf-8")
    assert "resolvent verify &#39;a run&#39;" in page and f"resolvent run &#39;{folder}&#39;" in page


def test_a_made_up_right_hand_side_is_told_of(call, system, tmp_path):
    folder = tmp_path / "systems"
    folder.mkdir()
    sp.save_npz(folder / "a.npz", system[1])
    save_system(folder / "b.npz", rv.LinearSystem(system[1], system[2]))
    code, out, _ = call("run", folder)
    assert code == 0 and "in 1 of 2 systems b is a vector of ones" in out
    assert "b is a vector of ones" in call("solve", folder / "a.npz")[1]
    assert "vector of ones" not in call("solve", folder / "b.npz")[1]


def test_without_a_method_none_is_named(call, system, tmp_path):
    np.save(tmp_path / "nan.npy", np.full(30, np.nan))
    code, out, err = call("solve", system[0], tmp_path / "nan.npy", "--json")
    assert code == 1 and json.loads(out)["method"] is None and "method: None" not in err


def test_a_terminal_that_cannot_write_a_name(tmp_path):
    path = tmp_path / "Ä.npz"
    save_system(path, rv.LinearSystem(sp.csr_array(np.diag([1.0, 2.0])), np.ones(2)))
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    words = [sys.executable, "-m", "resolvent", "solve", str(path), "--method", "direct"]
    run = subprocess.run(words, capture_output=True, text=True, env=environment)
    assert run.returncode == 0 and "RESIDUAL" in run.stdout, run.stderr


def test_a_temporary_name_is_not_shown(call, system, tmp_path, monkeypatch):
    def refuse(handle):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(tmp_path / "x.npy.123-0123abcd.tmp"))

    monkeypatch.setattr(os, "fsync", refuse)
    code, _, err = call("solve", system[0], "--out", tmp_path / "x.npy")
    assert code == 2 and f"{tmp_path / 'x.npy'}: the file system is read-only" in err


@pytest.mark.parametrize(
    ("key", "value"), [("source", 5), ("count", True), ("options", None), ("rtol", "x"), ("where", 3), ("order", ["a"])]
)
def test_a_manifest_of_the_wrong_kind_is_one_line(call, tmp_path, key, value):
    call("run", "darcy-path", "--count", "2", "--size", "6", "--out", tmp_path / "run", "-q")
    path = tmp_path / "run" / "manifest.json"
    manifest = json.loads(path.read_text())
    if key == "order":
        manifest[key] = value
    else:
        manifest["plan"][key] = value
    path.write_text(json.dumps(manifest))
    for words in (["verify", tmp_path / "run"], ["run", "darcy-path", "--out", tmp_path / "run", "--resume"]):
        code, _, err = call(*words)
        assert code == 2 and "start the run anew" in err and err.count("\n") == 1


def test_a_log_of_the_wrong_kind_gives_no_page(call, tmp_path):
    call("run", "darcy-path", "--count", "2", "--size", "6", "--out", tmp_path / "run", "-q")
    log = tmp_path / "run" / "log.jsonl"
    lines = [json.loads(line) | {"method": 5} for line in log.read_text().splitlines()]
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "run" / "report.html").unlink()
    code, _, err = call("run", "darcy-path", "--out", tmp_path / "run", "--resume", "-q")
    assert code == 2 and "line 1 of the log has method=5" in err and err.count("\n") == 1


@pytest.mark.parametrize("how", ["empty", "half", "junk", "gone"])
def test_resuming_a_finished_run_mends_its_solutions(call, tmp_path, how):
    call("run", "darcy-path", "--count", "3", "--size", "6", "--out", tmp_path / "run", "-q")
    path = tmp_path / "run" / "solutions.h5"
    whole = path.read_bytes()
    path.write_bytes({"empty": b"", "half": whole[: len(whole) // 2], "junk": b"junk" * 200, "gone": b""}[how])
    if how == "gone":
        path.unlink()
    assert call("verify", tmp_path / "run", "-q")[0] == (0 if how == "gone" else 1)
    assert call("run", "darcy-path", "--out", tmp_path / "run", "--resume", "-q")[0] == 0
    assert call("verify", tmp_path / "run", "-q")[0] == 0 and path.stat().st_size == len(whole)


@pytest.mark.parametrize("text", ["raise SystemExit(0)", "def make(i, rng):\n    raise SystemExit(0)\n"])
def test_a_users_file_that_leaves_is_bad_input(call, tmp_path, text):
    (tmp_path / "mine.py").write_text(text)
    code, _, err = call("generate", tmp_path / "mine.py", "--count", "2", "--out", tmp_path / "set.h5", "-q")
    assert code == 2 and "raised SystemExit" in err and err.count("\n") == 1


@pytest.mark.parametrize("there", [False, True])
def test_a_wrong_pair_leaves_nothing_behind(call, tmp_path, there):
    folder = tmp_path / "run"
    if there:
        folder.mkdir()
    words = ["run", "mdp-drift", "--count", "2", "--size", "20", "--out", folder, "-q"]
    code, _, err = call(*words, "--method", "cg")
    assert code == 2 and "cannot be used here" in err and folder.exists() == there
    assert call(*words)[0] == 0 and call("verify", folder, "-q")[0] == 0
