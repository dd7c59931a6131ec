"""A run that is stopped in any way and resumed ends with the bits of one that was left in peace."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from resolvent.runs import Folder, Plan, RunError, execute

SMALL = Plan("darcy-path", count=3, size=6, rtol=1e-8, checkpoint=0.0)
posix = pytest.mark.skipif(os.name != "posix", reason="needs fork and signals")


@pytest.fixture
def no_report(monkeypatch):
    """The page takes longest and is written last; its own tests are elsewhere."""
    monkeypatch.setattr("resolvent.report.write_run", lambda folder: (folder / "report.html").write_text("page"))


def solutions(folder):
    folder = Folder(folder)
    return [folder.part(entry["index"]).tobytes() for entry in folder.entries()]


@pytest.fixture
def peace(tmp_path, no_report):
    execute(SMALL, tmp_path / "peace")
    return solutions(tmp_path / "peace")


def test_a_run_leaves_what_it_promises(tmp_path):
    h5py = pytest.importorskip("h5py")
    outcome = execute(SMALL, tmp_path / "run")
    assert outcome.good and outcome.solved == outcome.ok == outcome.total == 3
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert names == {".lock", "log.jsonl", "manifest.json", "parts", "report.html", "solutions.h5", "state.rv"}
    with h5py.File(tmp_path / "run" / "solutions.h5") as file:
        x = file["x"][()]
    assert x.shape == (3, 36) and x.dtype == np.float64
    assert [row.tobytes() for row in x] == solutions(tmp_path / "run")
    log = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [entry["index"] for entry in log] == list(range(3))
    assert all(entry["certificate"]["status"] == "RESIDUAL" for entry in log)
    manifest = json.loads((tmp_path / "run" / "manifest.json").read_text())
    assert manifest["complete"] and manifest["n"] == 36 and manifest["order"] == [0, 1, 2]


def test_the_state_of_a_run_is_a_session(tmp_path, no_report):
    import resolvent as rv

    execute(SMALL, tmp_path / "run")
    assert rv.Session.load(tmp_path / "run" / "state.rv").solved == 3


def test_checkpoints_do_not_change_the_bits(tmp_path, no_report):
    for name in ("darcy-path", "heat-conductivity", "topology"):
        found = []
        for seconds in (0.0, 1e-3, 1e9):
            folder = tmp_path / f"{name}-{seconds}"
            execute(Plan(name, count=12, size=12, rtol=1e-8, checkpoint=seconds), folder)
            found.append(solutions(folder))
        assert found[0] == found[1] == found[2]


@pytest.mark.parametrize("target", ["os.fsync", "os.replace", "builtins.open"])
def test_a_failure_at_every_write_flush_and_rename(tmp_path, monkeypatch, peace, target):
    """The k-th call fails as a full disk does, for every k; then the run is resumed."""
    original = {"os.fsync": os.fsync, "os.replace": os.replace, "builtins.open": open}[target]
    for k in range(10_000):
        folder = tmp_path / f"run-{k}"
        calls = 0

        def failing(*args, k=k, **options):
            nonlocal calls
            mine = target != "builtins.open" or str(tmp_path) in str(args[0])
            calls += mine
            if mine and calls == k + 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), args[0] if isinstance(args[0], str) else None)
            return original(*args, **options)

        monkeypatch.setattr(target, failing)
        try:
            execute(SMALL, folder)
        except (OSError, RunError):
            failed = True
        else:
            failed = False
        monkeypatch.setattr(target, original)
        if not failed:
            assert calls <= k
            break
        assert execute(SMALL, folder, resume=True).good
        assert solutions(folder) == peace
    assert k > 10


@posix
@pytest.mark.parametrize("target", ["os.fsync", "os.replace", "builtins.open"])
def test_death_at_every_write_flush_and_rename(tmp_path, monkeypatch, peace, target):
    """A forked process dies at once, without any tidying up, before or after its k-th call."""
    original = {"os.fsync": os.fsync, "os.replace": os.replace, "builtins.open": open}[target]
    for k in range(10_000):
        folder = tmp_path / f"run-{k}"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            child = os.fork()
        if child == 0:  # pragma: no cover - it never comes back
            calls = 0

            def dying(*args, k=k, **options):
                nonlocal calls
                calls += target != "builtins.open" or str(tmp_path) in str(args[0])
                if calls == k + 1 and k % 2:
                    os._exit(9)
                result = original(*args, **options)
                if calls == k + 1:
                    os._exit(9)
                return result

            try:
                monkeypatch.setattr(target, dying)
                execute(SMALL, folder)
            finally:
                os._exit(7)
        _, status = os.waitpid(child, 0)
        assert execute(SMALL, folder, resume=True).good
        assert solutions(folder) == peace
        assert not list(folder.rglob("*.tmp"))
        if os.waitstatus_to_exitcode(status) == 7:
            break
    assert k > 10


# ---- processes that are killed -------------------------------------------------------------------------------------

COUNT = 40
WORDS = ["run", "darcy-path", f"--count={COUNT}", "--size=40", "--rtol=1e-8", "--checkpoint=0.002", "--quiet"]


def start(folder, *more):
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    words = [sys.executable, "-m", "resolvent", *WORDS, "--out", str(folder), *more]
    return subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def lines(folder):
    log = folder / "log.jsonl"
    return log.read_bytes().count(b"\n") if log.exists() else 0


def until(folder, count, process):
    while lines(folder) < count and process.poll() is None:
        time.sleep(0.001)


def killed_and_resumed(tmp_path, times, seed):
    """Kill after a random number of systems and a random moment more, some while the ending is written."""
    process = start(tmp_path / "peace")
    process.communicate()
    peace = solutions(tmp_path / "peace")
    assert len(peace) == COUNT
    draw = random.Random(seed)
    struck = 0
    for k in range(times):
        folder = tmp_path / f"killed-{k}"
        process = start(folder)
        until(folder, draw.randint(1, COUNT), process)
        time.sleep(0.01 * draw.random())
        process.kill()
        process.communicate()
        struck += not (folder / "report.html").exists()
        again = start(folder, "--resume")
        _, err = again.communicate()
        assert again.returncode == 0, err
        assert solutions(folder) == peace
        assert (folder / "solutions.h5").read_bytes() == (tmp_path / "peace" / "solutions.h5").read_bytes()
    return struck


@posix
def test_killed_at_random_times(tmp_path):
    assert killed_and_resumed(tmp_path, 3, 1) >= 2


@posix
@pytest.mark.full
def test_killed_at_forty_random_times(tmp_path):
    assert killed_and_resumed(tmp_path, 40, 2) >= 30


@posix
@pytest.mark.full
def test_killed_again_and_again(tmp_path):
    """The same run, killed every few systems until it is through, gets there."""
    folder = tmp_path / "run"
    for _ in range(200):
        process = start(folder, "--resume")
        state = folder / "state.rv"
        until(folder, min(COUNT, lines(folder) + 9), process)
        process.kill()
        process.communicate()
        if state.exists() and lines(folder) == COUNT:
            break
    process = start(folder, "--resume")
    process.communicate()
    assert process.returncode == 0 and lines(folder) == COUNT


@posix
def test_control_c_leaves_a_run_that_goes_on(tmp_path):
    process = start(tmp_path / "run")
    until(tmp_path / "run", 5, process)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    if process.returncode == 0:
        pytest.skip("it was faster than the signal")
    assert process.returncode == 130
    assert "go on with: resolvent run darcy-path" in err and "--resume" in err
    again = start(tmp_path / "run", "--resume")
    again.communicate()
    assert again.returncode == 0
    process = start(tmp_path / "peace")
    process.communicate()
    assert solutions(tmp_path / "run") == solutions(tmp_path / "peace")


# ---- what is left behind -------------------------------------------------------------------------------------------


def test_a_half_written_log_line_is_survived(tmp_path, peace):
    folder = tmp_path / "run"
    execute(SMALL, folder)
    (folder / "solutions.h5").unlink()
    with open(folder / "log.jsonl", "a") as file:
        file.write('{"index": 3, "sta')
    assert len(list(Folder(folder).entries())) == 3
    assert execute(SMALL, folder, resume=True).good
    assert solutions(folder) == peace


def test_resuming_a_finished_run_changes_nothing(tmp_path, no_report):
    folder = tmp_path / "run"
    execute(SMALL, folder)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    outcome = execute(SMALL, folder, resume=True)
    assert outcome.good and outcome.resumed == 3
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_resuming_in_an_empty_or_missing_folder_begins(tmp_path, no_report):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "missing/deep"):
        assert execute(SMALL, tmp_path / name, resume=True).solved == 3


def test_a_folder_with_something_in_it_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="not empty"):
        execute(SMALL, tmp_path)
    with pytest.raises(RunError, match=r"no manifest\.json"):
        execute(SMALL, tmp_path, resume=True)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(RunError, match="is a file"):
        execute(SMALL, tmp_path / "mine.txt")


def test_other_options_are_refused_on_resuming(tmp_path, no_report):
    execute(SMALL, tmp_path / "run")
    for wrong in (Plan("darcy-path", count=6), Plan("darcy-log"), Plan("darcy-path", rtol=1e-6)):
        with pytest.raises(RunError, match="begun with"):
            execute(wrong, tmp_path / "run", resume=True)
    assert execute(Plan("darcy-path"), tmp_path / "run", resume=True).good


def test_bad_input_leaves_nothing_behind(tmp_path):
    for wrong in (
        Plan("nothing-of-that-name"),
        Plan("darcy-path", count=0),
        Plan("darcy-path", rtol=-1.0),
        Plan("darcy-path", method="no-such-method"),
        Plan("darcy-path", method="cg+nothing"),
        Plan("darcy-path", order="sideways"),
        Plan("topology", order="similar"),
        Plan("darcy-path", checkpoint=-1.0),
        Plan("darcy-path", options={"colour": 3}),
        Plan("darcy-path", state=str(tmp_path / "no.rv")),
    ):
        with pytest.raises((ValueError, OSError)):
            execute(wrong, tmp_path / "run")
        assert not (tmp_path / "run").exists()


def test_a_damaged_state_says_what_to_do(tmp_path, no_report):
    folder = tmp_path / "run"
    execute(SMALL, folder)
    damaged = bytearray((folder / "state.rv").read_bytes())
    damaged[200] ^= 1
    (folder / "state.rv").write_bytes(damaged)
    with pytest.raises(RunError, match="delete it to run everything again"):
        execute(SMALL, folder, resume=True)
    before = solutions(folder)
    (folder / "state.rv").unlink()
    assert execute(SMALL, folder, resume=True).good
    assert solutions(folder) == before


@pytest.mark.parametrize("name", ["parts/000001.npy", "log.jsonl"])
def test_something_missing_is_said(tmp_path, no_report, name):
    execute(SMALL, tmp_path / "run")
    (tmp_path / "run" / name).unlink()
    with pytest.raises(RunError, match="checkpoint counts"):
        execute(SMALL, tmp_path / "run", resume=True)


def test_a_damaged_manifest_is_said(tmp_path, no_report):
    execute(SMALL, tmp_path / "run")
    for text in ("{", '{"format": "another"}', "[]"):
        (tmp_path / "run" / "manifest.json").write_text(text)
        with pytest.raises(RunError, match=r"manifest\.json"):
            execute(SMALL, tmp_path / "run", resume=True)


@posix
def test_two_processes_do_not_share_a_folder(tmp_path):
    held = Folder(tmp_path / "run")
    held.hold()
    with pytest.raises(RunError, match="another process"):
        execute(SMALL, tmp_path / "run")
    held.release()
