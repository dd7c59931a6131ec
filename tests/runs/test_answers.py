"""Sequences of transport and completion through `resolvent run` and `verify`: what is kept, and how it is judged again."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery
from resolvent.runs import Plan, RunError, execute, verify
from resolvent.runs.answers import fingerprint, kept, kept_shape, norms, storable

h5py = pytest.importorskip("h5py", reason="needs h5py: pip install 'resolvent[cli]'")
pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'resolvent[cli]'")
pytest.importorskip("jinja2", reason="needs jinja2: pip install 'resolvent[cli]'")

SMALL = {
    "drifting-points": Plan("drifting-points", count=4, size=15, options={"reg": 0.02}, checkpoint=0.0),
    "drifting-images": Plan("drifting-images", count=4, size=6, options={"reg": 0.02}, checkpoint=0.0),
    "arriving-entries": Plan("arriving-entries", count=4, size=60, options={"rank": 2}, checkpoint=0.0),
}


def problems_of(plan):
    return list(gallery.sequence(plan.source, plan.count, plan.size, **plan.options))


@pytest.fixture(scope="module", params=sorted(SMALL))
def made(request, tmp_path_factory):
    """A run of each family, made once."""
    folder = tmp_path_factory.mktemp("runs") / request.param
    plan = SMALL[request.param]
    outcome = execute(plan, folder)
    assert outcome.good and outcome.solved == 4
    with h5py.File(folder / "solutions.h5") as file:
        x = file["x"][:]
    return plan, folder, x


def test_what_is_written_meets_the_tolerance(made):
    plan, _, x = made
    for problem, row in zip(problems_of(plan), x, strict=True):
        assert row.shape == kept_shape(problem) and row.dtype == np.float64
        if problem.family == "transport":
            f, g = row[: problem.n], row[problem.n :]
            P = np.exp((f[:, None] + g - problem.C) / problem.reg)
            missing = np.abs(P.sum(axis=1) - problem.a).sum() + np.abs(P.sum(axis=0) - problem.b).sum()
            assert missing <= 1.0001e-6 * problem.a.sum()
        else:
            assert problem.measure(row).residual <= 1e-6 * problem.scale


def test_norms_are_those_of_the_problem(made):
    """At a point that solves nothing, where a wrong formula would show."""
    plan, _, x = made
    problem = problems_of(plan)[0]
    off = x[0] + 0.05 * np.random.default_rng(1).standard_normal(x[0].shape)
    r, scale, floor = (float(v[0]) for v in norms(problem, off))
    assert r == pytest.approx(problem.measure(off).residual, rel=1e-9)
    assert scale == pytest.approx(problem.scale, rel=1e-12) and 0 <= floor < 1e-6 * scale < r


def test_every_claim_is_judged_again(made):
    verdict = verify(made[1])
    words = " ".join(verdict.lines())
    assert verdict.good and verdict.held == verdict.claimed == 4 and "no code of the solvers" in words


def test_the_judge_calls_nothing_of_the_solvers(made, monkeypatch):
    from resolvent.problems import Completion, Transport

    def refuse(*args):
        raise AssertionError("the problem's own measure was asked")

    for cls in (Completion, Transport):
        monkeypatch.setattr(cls, "measure", refuse)
    monkeypatch.setattr(Completion, "gradient", refuse)
    monkeypatch.setattr(Transport, "sums", refuse)
    assert verify(made[1]).good


def test_a_changed_answer_is_found_out(made, tmp_path):
    import shutil

    for change in (1e-3, np.nan):
        folder = tmp_path / f"copy {change}"
        shutil.copytree(made[1], folder)
        (folder / "solutions.h5").unlink()
        part = folder / "parts" / "000002.npy"
        x = np.load(part)
        x[3] += change
        np.save(part, x)
        verdict = verify(folder)
        assert not verdict.good and verdict.held == 3 and verdict.failures[0].startswith("system 2: ")


def test_other_data_are_found_out(made, tmp_path):
    import shutil

    folder = tmp_path / "copy"
    shutil.copytree(made[1], folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["plan"]["options"]["seed"] = 7
    (folder / "manifest.json").write_text(json.dumps(manifest))
    failures = verify(folder).failures
    assert len(failures) == 4 and all("no longer those that were solved" in failure for failure in failures)


def test_the_page_is_about_these_problems(made):
    page = (made[1] / "report.html").read_text(encoding="utf-8")
    assert "from A, b and x alone" not in page and "4 of 4" in page


def test_a_killed_run_goes_on_bit_for_bit(made, tmp_path):
    """Killed by the system in the middle, resumed, and compared with the run that nobody killed."""
    plan, _, x = made
    words = [
        sys.executable,
        "-m",
        "resolvent",
        "run",
        plan.source,
        f"--count={plan.count}",
        f"--size={plan.size}",
        "-q",
    ]
    words += [part for key, value in plan.options.items() for part in ("-o", f"{key}={value}")]
    words += ["--checkpoint=0", f"--out={tmp_path / 'run'}"]
    killed = subprocess.Popen(words)
    log, until = tmp_path / "run" / "log.jsonl", time.monotonic() + 60
    while time.monotonic() < until and killed.poll() is None and not (log.exists() and log.stat().st_size):
        time.sleep(0.005)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    outcome = execute(plan, tmp_path / "run", resume=True)
    assert outcome.good and outcome.solved == 4
    with h5py.File(tmp_path / "run" / "solutions.h5") as file:
        assert file["x"][:].tobytes() == x.tobytes()


# ---- the parts -------------------------------------------------------------------------------------------------------


def test_points_without_mass_are_kept_as_such():
    C = np.abs(np.subtract.outer(np.arange(5.0), np.arange(4.0))) / 5
    problem = rv.Transport(C, np.array([0.0, 1, 2, 1, 0]) / 4, np.array([1.0, 0, 1, 2]) / 4, 0.1)
    x = kept(problem, rv.solve(problem, rtol=1e-9))
    assert x.shape == (9,) and np.isneginf(x[[0, 4, 6]]).all() and np.isfinite(np.delete(x, [0, 4, 6])).all()
    r, scale, _ = norms(problem, x)
    assert scale[0] == 1.0 and r[0] <= 1.1e-9
    x[1] = -np.inf
    assert norms(problem, x)[0][0] == np.inf


def test_weights_and_multipliers_of_entries():
    rng = np.random.default_rng(0)
    M = rng.standard_normal((12, 2)) @ rng.standard_normal((2, 9))
    rows, cols = np.nonzero(rng.random(M.shape) < 0.8)
    weights, multipliers = rng.uniform(0.5, 2, len(rows)), rng.uniform(0.5, 2, len(rows))
    problem = rv.Completion(
        rows, cols, M[rows, cols], M.shape, 2, ridge=0.1, entry_weights=weights, multipliers=multipliers, held_out=0.0
    )
    x = rng.standard_normal(kept_shape(problem))
    r, scale, _ = norms(problem, x)
    assert r[0] == pytest.approx(problem.measure(x).residual, rel=1e-9) and scale[0] == pytest.approx(problem.scale)


def test_fingerprints_tell_data_apart():
    C, a = np.ones((2, 2)), np.full(2, 0.5)
    prints = {fingerprint(rv.Transport(M, v, a, reg)) for M, v, reg in ((C, a, 1.0), (2 * C, a, 1.0), (C, a, 0.5))}
    prints.add(fingerprint(rv.Transport(C, np.array([0.25, 0.75]), a, 1.0)))
    for ridge in (0.0, 0.1):
        prints.add(fingerprint(rv.Completion([0, 1], [0, 1], [1.0, 2.0], (2, 2), 1, ridge=ridge)))
    assert len(prints) == 6


def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path):
    quadratic = rv.Transport(np.ones((2, 2)), np.full(2, 0.5), np.full(2, 0.5), 1.0, regularizer="l2")
    assert not storable(quadratic)

    class Mine(list):
        """A sequence of one problem."""

        coupled, name, title = False, "mine", "Mine."

        def reset(self):
            """Nothing to go back to."""

    with pytest.raises(RunError, match="cannot hold the solutions"):
        execute(Plan("mine"), tmp_path / "run", source=lambda plan, where: Mine([quadratic]))
    assert not (tmp_path / "run" / "manifest.json").exists()
