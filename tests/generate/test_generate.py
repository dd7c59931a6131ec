"""Training sets: certified, the same bytes after a kill, each sample from its own seed, honest operators."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import scipy.sparse.linalg as sla

pytest.importorskip("h5py")
pytest.importorskip("typer")
pytest.importorskip("jinja2")
import h5py

import resolvent as rv
from resolvent import cli, gallery
from resolvent.generate import NAMES, check, generate, sample
from resolvent.runs import verify

USER = """
import numpy as np, scipy.sparse as sp

def make(i, rng):
    k = rng.uniform(1.0, 3.0, {n} + 1)
    A = sp.diags_array([-k[1:-1], k[:-1] + k[1:], -k[1:-1]], offsets=[-1, 0, 1]).tocsr()
    return A, np.ones({n}), {features}
"""


def read(path):
    with h5py.File(path) as file:
        return {name: file[name][()] for name in file}, dict(file.attrs)


def relative(A, b, x):
    return np.linalg.norm(b - A @ x) / np.linalg.norm(b)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """``made(name)`` -> the path of a set of 7 samples, 9 x 9, seed 5, made once."""
    folder = tmp_path_factory.mktemp("sets")

    def path(name):
        file = folder / f"{name}.h5"
        if not file.exists():
            outcome = generate(name, file, count=7, size=9, seed=5)
            assert outcome.good and outcome.solved == 7
        return file

    return path


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_sample_is_solved(name, made):
    path = made(name)
    data, attributes = read(path)
    problems = gallery.sequence(NAMES[name], count=7, size=9, seed=5)
    for i in range(7):
        y = data["y"][i]
        u = (y[0] + 1j * y[1]) if name == "helmholtz" else y
        problem = problems[i]
        assert relative(problem.A, problem.b, u.ravel()) <= 1.0001e-8
        assert np.array_equal(data["x"][i], problems.input(i))
        assert data["residual"][i] <= data["tolerance"][i] and data["certified"][i] == 1
    assert np.array_equal(data["coeff"], data["x"]) and np.array_equal(data["sol"], data["y"])
    assert data["seeds"].tolist() == [[5, i] for i in range(7)] and np.allclose(data["grid"], np.arange(1, 10) / 10)
    assert attributes["equation"] and json.loads(attributes["options"])["seed"] == 5
    assert check(path) == {"samples": 7, "certified": 7}
    assert verify(path.with_suffix(".run")).good


def test_two_names_are_one_dataset(made):
    with h5py.File(made("poisson")) as file:
        assert file["x"].id.get_offset() == file["coeff"].id.get_offset()


@pytest.mark.parametrize("name", sorted(NAMES))
def test_a_sample_alone_is_the_one_in_the_set(name, made):
    data = read(made(name))[0]
    for i in (0, 3, 5):
        x, y = sample(name, i, size=9, seed=5)
        assert np.array_equal(x, data["x"][i])
        assert np.linalg.norm(y - data["y"][i]) <= 1e-6 * np.linalg.norm(y)
    assert not np.array_equal(data["x"][0], data["x"][1])
    assert not np.array_equal(sample(name, 0, size=9, seed=3)[0], data["x"][0])


def test_a_longer_set_begins_with_the_shorter(made, tmp_path):
    generate("darcy", tmp_path / "longer.h5", count=9, size=9, seed=5)
    assert np.array_equal(read(tmp_path / "longer.h5")[0]["x"][:7], read(made("darcy"))[0]["x"])


@pytest.mark.parametrize("stops", [(3,), pytest.param((2, 9, 17), marks=pytest.mark.full)])
def test_killed_and_resumed_is_the_same_bytes(stops, tmp_path):
    """A real SIGKILL, at whatever instant."""
    words = [
        "generate",
        "darcy",
        "--count",
        str(8 * len(stops)),
        "--size",
        "12",
        "--checkpoint",
        "0",
        "-q",
        "-o",
        "kind=log",
        "--out",
    ]
    assert cli.run([*words, str(tmp_path / "whole.h5")]) == 0
    command = [sys.executable, "-m", "resolvent", *words, str(tmp_path / "killed.h5"), "--resume"]
    parts, kills = tmp_path / "killed.run" / "parts", 0
    for reached in stops:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < end:
            if parts.is_dir() and len(list(parts.glob("*.npy"))) >= reached:
                os.kill(child.pid, signal.SIGKILL)
                kills += 1
                break
            time.sleep(0.002)
        child.wait()
    assert kills >= 1 and not (tmp_path / "killed.h5").exists()
    assert cli.run([*words, str(tmp_path / "killed.h5"), "--resume"]) == 0
    assert (tmp_path / "killed.h5").read_bytes() == (tmp_path / "whole.h5").read_bytes()


def test_float32_is_rounded_at_the_end(tmp_path):
    generate("darcy", tmp_path / "fine.h5", count=3, size=8)
    generate("darcy", tmp_path / "short.h5", count=3, size=8, dtype="float32")
    fine, short = read(tmp_path / "fine.h5")[0], read(tmp_path / "short.h5")[0]
    assert short["y"].dtype == np.float32 and np.array_equal(fine["y"].astype(np.float32), short["y"])
    assert np.array_equal(fine["residual"], short["residual"])


def test_what_is_not_certified_is_nan(tmp_path):
    """Even systems are singular and without a solution."""
    text = "import numpy as np\ndef make(i, rng):\n    return np.diag([1.0, float(i % 2)]), np.ones(2), rng.random(2)\n"
    (tmp_path / "mine.py").write_text(text)
    words = ["generate", str(tmp_path / "mine.py"), "--count", "4", "-q", "--out", str(tmp_path / "mine.h5")]
    assert cli.run(words) == 1
    data, _ = read(tmp_path / "mine.h5")
    assert data["certified"].tolist() == [0, 1, 0, 1]
    assert np.isnan(data["y"][[0, 2]]).all() and np.allclose(data["y"][[1, 3]], 1.0)
    assert (
        cli.run(["generate", str(tmp_path / "mine.py"), "--count", "4", "-q", "--out", str(tmp_path / "again.h5")]) == 1
    )


# ---- a file of the user's own ----------------------------------------------------------------------------------------


def test_problems_of_the_users_own(tmp_path):
    (tmp_path / "mine.py").write_text(USER.format(n=16, features="k[:16].reshape(4, 4)"))
    assert generate(tmp_path / "mine.py", tmp_path / "mine.h5", count=5, seed=4).good
    data, _ = read(tmp_path / "mine.h5")
    assert data["x"].shape == data["y"].shape == (5, 4, 4)
    rng = np.random.default_rng([4, 3])
    assert np.array_equal(data["x"][3].ravel(), rng.uniform(1.0, 3.0, 17)[:16])
    assert np.array_equal(sample(tmp_path / "mine.py", 3, seed=4)[0], data["x"][3])
    (tmp_path / "plain.py").write_text(USER.format(n=6, features="None"))
    generate(tmp_path / "plain.py", tmp_path / "plain.h5", count=2)
    assert np.array_equal(read(tmp_path / "plain.h5")[0]["x"], np.ones((2, 6)))


def test_a_changed_file_is_not_gone_on_with(tmp_path):
    (tmp_path / "mine.py").write_text(USER.format(n=6, features="k"))
    generate(tmp_path / "mine.py", tmp_path / "mine.h5", count=2)
    (tmp_path / "mine.py").write_text(USER.format(n=6, features="2 * k"))
    with pytest.raises(ValueError, match="not the file with which this set was begun"):
        generate(tmp_path / "mine.py", tmp_path / "mine.h5", resume=True)


def test_nothing_read_from_a_folder_runs_a_python_file(tmp_path):
    trap = USER.format(n=6, features="k") + f"\nimport pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    (tmp_path / "mine.py").write_text(trap)
    generate(tmp_path / "mine.py", tmp_path / "mine.h5", count=2)
    (tmp_path / "ran").unlink()
    with pytest.raises(ValueError, match="only `resolvent generate` runs"):
        verify(tmp_path / "mine.run")
    assert cli.run(["run", str(tmp_path / "mine.py")]) == 2
    assert not (tmp_path / "ran").exists()


# ---- honest operators ------------------------------------------------------------------------------------------------


def test_helmholtz_is_indefinite_and_waves_fit():
    problem = gallery.sequence("helmholtz-samples", count=1, size=20)[0]
    eigenvalues = np.linalg.eigvalsh(problem.A.toarray().real)
    assert np.sum(eigenvalues < 0) >= 5 < np.sum(eigenvalues > 0)
    assert np.abs(problem.A.toarray().imag).max() > 0.0


def test_fluxes_are_conserved():
    """Columns of inner cells sum to zero: what leaves a cell enters its neighbour; the boundary takes the rest."""
    for name in ("darcy-samples", "convection-diffusion-samples"):
        A = gallery.sequence(name, count=1, size=9)[0].A
        inner = np.zeros((9, 9), dtype=bool)
        inner[1:-1, 1:-1] = True
        sums = np.asarray(A.sum(axis=0)).reshape(9, 9)
        assert np.abs(sums[inner]).max() <= 1e-12 * np.abs(A.data).max() and sums[~inner].min() > 0


def test_poisson_converges_to_the_continuous_solution():
    """Second order: f = 2 pi^2 sin sin gives u = sin sin."""
    errors = []
    for s in (15, 31):
        line = np.arange(1, s + 1) / (s + 1)
        exact = np.outer(np.sin(np.pi * line), np.sin(np.pi * line))
        A = gallery.sequence("poisson-samples", count=1, size=s)[0].A
        u = sla.spsolve(A.tocsc(), (2 * np.pi**2 * exact / (s + 1) ** 2).ravel())
        errors.append(np.abs(u - exact.ravel()).max())
    assert 3.7 < errors[0] / errors[1] < 4.3


def test_learning_saves_work_on_a_set(tmp_path):
    """The running cost of the set's session against a session of the same method that begins anew for each sample."""
    generate("poisson", tmp_path / "warm.h5", count=20, size=16)
    entries = [json.loads(line) for line in (tmp_path / "warm.run" / "log.jsonl").read_text().splitlines()]
    problems = gallery.sequence("poisson-samples", count=20, size=16)
    cold = sum(rv.Session("auto", rtol=1e-8).solve(problems[i]).cost.total for i in range(20))
    assert sum(e["once"] + e["setup"] + e["running"] for e in entries) < 0.7 * cold


# ---- damage and bad input --------------------------------------------------------------------------------------------


def test_a_changed_number_is_found(made, tmp_path):
    shutil.copy(made("poisson"), tmp_path / "set.h5")
    with h5py.File(tmp_path / "set.h5", "r+") as file:
        file["y"][1, 2, 3] += 1e-12
    with pytest.raises(ValueError, match="'y' is not what was written"):
        check(tmp_path / "set.h5")
    (tmp_path / "junk.h5").write_bytes(b"junk" * 50)
    with pytest.raises(ValueError, match="not a readable training set"):
        check(tmp_path / "junk.h5")


def test_the_checksum_is_that_of_the_numbers(tmp_path):
    outcome = generate("darcy", tmp_path / "folder", count=3, size=6)
    with h5py.File(tmp_path / "folder" / "dataset.h5") as file:
        for name in ("x", "y", "residual"):
            assert hashlib.sha256(file[name][()].tobytes()).hexdigest() == file[name].attrs["sha256"]
            listed = json.loads((outcome.folder / "manifest.json").read_text())["product"]["sha256"]
            assert listed[name] == file[name].attrs["sha256"]


@pytest.mark.parametrize(
    "words",
    [
        ["generate", "dracy", "--out", "a.h5"],
        ["generate", "darcy"],
        ["generate", "darcy", "--out", "there.h5"],
        ["generate", "darcy", "--out", "a.h5", "--count", "0"],
        ["generate", "darcy", "--out", "a.h5", "--size", "1"],
        ["generate", "darcy", "--out", "a.h5", "--seed", "-1"],
        ["generate", "darcy", "--out", "a.h5", "--dtype", "int8"],
        ["generate", "darcy", "--out", "a.h5", "--option", "kind=lumpy"],
        ["generate", "darcy", "--out", "a.h5", "--order", "random"],
        ["generate", "darcy", "--out", "a.h5", "--chunk", "0"],
        ["generate", "missing.py", "--out", "a.h5"],
        ["generate", "broken.py", "--out", "a.h5"],
        ["generate", "empty.py", "--out", "a.h5"],
        ["generate", "wrong.py", "--out", "a.h5"],
        ["generate", "whole.py", "--out", "a.h5"],
        ["generate", "whole.py", "--size", "8", "--out", "a.h5"],
    ],
    ids=" ".join,
)
def test_bad_input_is_one_line_and_exit_2(words, tmp_path, monkeypatch, capsys):
    (tmp_path / "there.h5").write_bytes(b"mine")
    (tmp_path / "broken.py").write_text("def make(:")
    (tmp_path / "empty.py").write_text("pass")
    (tmp_path / "wrong.py").write_text("def make(i, rng): return 3")
    (tmp_path / "whole.py").write_text(
        "import numpy as np\ndef make(i, rng): return np.eye(2, dtype=int), [1, 2], None"
    )
    monkeypatch.chdir(tmp_path)
    assert cli.run(words) == 2
    out, err = capsys.readouterr()
    assert not out and err.startswith("resolvent: ") and err.count("\n") == 1, (out, err)
    assert not (tmp_path / "a.h5").exists()
