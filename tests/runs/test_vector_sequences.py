"""Sequences of fixed points, inclusions and smooth functions through `resolvent run` and `verify`."""

import json

import numpy as np
import pytest

from resolvent import gallery
from resolvent.runs import Plan, execute, verify

SMALL = {
    "mdp-drift": {"count": 3, "size": 60, "options": {"gamma": 0.9}},
    "game-drift": {"count": 3, "size": 6},
    "log-sum-exp-drift": {"count": 3, "size": 8},
}


@pytest.mark.parametrize("name", sorted(SMALL))
def test_a_run_writes_solutions_that_verify_measures_again(name, tmp_path):
    h5py = pytest.importorskip("h5py", reason="needs h5py: pip install 'resolvent[cli]'")
    pytest.importorskip("matplotlib", reason="needs matplotlib: pip install 'resolvent[cli]'")
    pytest.importorskip("jinja2", reason="needs jinja2: pip install 'resolvent[cli]'")
    plan = Plan(name, **SMALL[name])
    outcome = execute(plan, tmp_path / "run")
    assert outcome.good and outcome.solved == 3
    with h5py.File(tmp_path / "run" / "solutions.h5") as file:
        x = file["x"][:]
    problems = list(gallery.sequence(name, plan.count, plan.size, **plan.options))
    for problem, solution in zip(problems, x, strict=True):
        assert problem.measure(solution).residual <= 1e-6 * problem.scale
    verdict = verify(tmp_path / "run")
    assert verdict.good and verdict.held == 3 and "called again" in " ".join(verdict.lines())


def test_a_solution_that_was_changed_is_found_out(tmp_path):
    pytest.importorskip("h5py", reason="needs h5py: pip install 'resolvent[cli]'")
    execute(Plan("mdp-drift", **SMALL["mdp-drift"]), tmp_path / "run")
    part = sorted((tmp_path / "run" / "parts").glob("*.npy"))[1]
    np.save(part, np.load(part) + 1.0)
    (tmp_path / "run" / "solutions.h5").unlink()
    assert not verify(tmp_path / "run").good


def test_two_runs_with_a_checkpoint_after_each_solve_write_the_same_bits(tmp_path):
    pytest.importorskip("h5py", reason="needs h5py: pip install 'resolvent[cli]'")
    plan = Plan("mdp-drift", checkpoint=0.0, **SMALL["mdp-drift"])
    runs = [tmp_path / "one", tmp_path / "two"]
    for folder in runs:
        assert execute(plan, folder).good
    parts = [[p.read_bytes() for p in sorted((folder / "parts").iterdir())] for folder in runs]
    assert len(parts[0]) == 3 and parts[0] == parts[1]
    assert json.loads((runs[0] / "manifest.json").read_text())["n"] == 60


def test_the_drift_is_the_same_however_a_problem_is_reached():
    sequence = gallery.sequence("mdp-drift", 4, 30)
    v = np.linspace(0, 1, 30)
    assert np.array_equal(sequence[3].map(v), list(sequence)[3].map(v))
    assert not np.array_equal(sequence[3].map(v), sequence[2].map(v))
    game = gallery.sequence("game-drift", 4, 10)
    z = np.full(20, 0.1)
    assert np.array_equal(game[2].operator(z), list(game)[2].operator(z))
    assert not np.array_equal(game[2].operator(z), game[1].operator(z))


@pytest.mark.parametrize(
    ("name", "options"),
    [("mdp-drift", {"kind": "square"}), ("mdp-drift", {"gamma": 2.0}), ("game-drift", {"drift": -1.0})],
)
def test_bad_options_are_refused(name, options):
    with pytest.raises(ValueError, match=r"given|finite"):
        gallery.sequence(name, **options)
