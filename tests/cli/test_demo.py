"""The scenes of the demo: computed live, truthful also where something is missing."""

import numpy as np
import pytest

pytest.importorskip("rich")
pytest.importorskip("matplotlib")
from resolvent.demo import belief


@pytest.fixture
def console():
    import io

    from rich.console import Console

    return Console(file=io.StringIO(), width=140)


@pytest.mark.full
def test_belief_is_judged_and_not_known_beforehand(console):
    scene = belief.play(console)
    assert len(scene["rows"]) == 6 and scene["good"]
    for row in scene["rows"]:
        assert all(residual > 1e-7 for residual in row["fooled"].values())
        assert (row["example"] is None) == (not row["fooled"])
        if row["ok"]:
            assert row["ours"] <= 1e-8 * 1.0001
    assert sum(row["ok"] for row in scene["rows"]) >= 2


def test_a_solver_that_is_right_is_not_accused(console, monkeypatch):
    import scipy.sparse.linalg as sla

    def careful(A, b, rtol=1e-8, maxiter=None):
        raise ValueError("it says that something is wrong")

    def right(A, b, rtol=1e-8, maxiter=None):
        dense = A.toarray() if hasattr(A, "toarray") else A @ np.eye(len(b))
        return np.linalg.lstsq(dense.astype(float), b.astype(float) / abs(b).max(), rcond=None)[0] * abs(b).max(), 0

    monkeypatch.setattr(belief, "_solvers", lambda: {"careful": careful, "right": right})
    tiny = belief._meet(belief.cases()[0], belief._solvers())
    assert tiny["example"] is None and tiny["fooled"] == {}
    assert sla is not None


def test_peers_that_are_not_installed_are_rows(console, monkeypatch):
    from resolvent.bench import peers
    from resolvent.demo import race

    original = peers.find_spec
    monkeypatch.setattr(peers, "find_spec", lambda name: None if name == "pyamg" else original(name))
    scene = race.play(console, quick=True)
    absent = [row for row in scene["rows"] if row["seconds"] is None]
    assert len(absent) == 4 and all("not installed" in row["note"] for row in absent)
    assert scene["good"] and "not installed" in console.file.getvalue()
    assert scene["svg"].startswith("<svg")


def test_labels_are_kept_apart():
    from resolvent.demo.race import _apart

    values = [1.0, 1.01, 1.02, 5.0, 0.1]
    places = _apart(values, 0.3)
    order = np.argsort(values, kind="stable")
    gaps = np.diff(np.array(places)[order])
    assert (gaps >= 0.3 * (1 - 1e-6)).all() and list(np.argsort(places, kind="stable")) == list(order)


def test_a_photograph_without_its_picture_says_so(console, monkeypatch):
    from resolvent.demo import photo

    def missing(name, **options):
        raise ValueError("scikit-learn's sample picture is not installed here")

    monkeypatch.setattr("resolvent.gallery.sequence", missing)
    scene = photo.play(console, quick=True)
    assert scene == {"missing": "scikit-learn's sample picture is not installed here", "good": True}


@pytest.mark.full
def test_the_whole_demo(tmp_path):
    import subprocess
    import sys

    run = subprocess.run(
        [sys.executable, "-m", "resolvent", "demo", "--quick", "--out", str(tmp_path / "demo")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr
    assert "resolvent run YOUR_FOLDER" in run.stdout.splitlines()[-1]
    page = (tmp_path / "demo" / "report.html").read_text()
    assert "The same bits." in page and "http" not in page
