"""The documents' code runs: CONTRIBUTING's method passes the battery, README's lines do what they say."""

import dataclasses
import importlib.util
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv

ROOT = Path(__file__).resolve().parent.parent


def blocks(name):
    """The python blocks of a document."""
    return re.findall(r"^```python\n(.*?)^```$", (ROOT / name).read_text(encoding="utf-8"), flags=re.M | re.S)


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


battery = load("battery_for_contributing", ROOT / "tests" / "test_battery.py")


@pytest.fixture(scope="module")
def richardson(tmp_path_factory):
    (source,) = blocks("CONTRIBUTING.md")
    path = tmp_path_factory.mktemp("contributing") / "richardson.py"
    path.write_text(source, encoding="utf-8")
    return load("richardson_of_contributing", path).Richardson


@pytest.mark.parametrize("check", battery.CHECKS, ids=lambda check: check.__name__)
def test_the_example_passes_the_battery(richardson, check):
    check(battery.Row("richardson", richardson(omega=0.2), kernel=False, exact_scaling=False))


def test_the_example_is_steered_by_a_learner(richardson):
    A = sp.csr_array(sp.diags_array([-np.ones(29), 3.0 * np.ones(30), -np.ones(29)], offsets=[-1, 0, 1]))
    session = rv.Session(richardson(omega=0.05), [rv.Bandit("omega", 0.05, 0.35, formula=False)], rtol=1e-8)
    results = [session.solve(rv.LinearSystem(A, np.ones(30))) for _ in range(40)]
    assert all(r.ok for r in results)
    assert len({r.method.omega for r in results}) > 3 and dataclasses.is_dataclass(results[0].method)
    with pytest.raises(ValueError, match="positive"):
        richardson(omega=-1.0)


def test_the_code_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    line, ones = np.ones(99), np.ones(100)
    A = [sp.diags_array([-line, (2.2 + 0.01 * t) * ones, -line], offsets=[-1, 0, 1]).tocsr() for t in range(5)]
    names = {"np": np, "systems": [(M, np.ones(100)) for M in A], "A": A[0], "b": np.ones(100)}
    names["problems"] = [rv.LinearSystem(M, np.ones(100)) for M in A]
    found = blocks("README.md")
    assert len(found) >= 2
    for source in found:
        try:
            exec(compile(source, "README.md", "exec"), names)
        except ImportError as error:
            assert "resolvent[" in str(error)  # an extra that is not installed
    assert "5 solves, 5 certified" in capsys.readouterr().out


@pytest.mark.parametrize(
    "name", [*(p.name for p in ROOT.glob("*.md")), *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))]
)
def test_links_between_documents_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if not target.startswith(("http:", "https:", "mailto:")):
            assert (ROOT / name).parent.joinpath(target).exists(), f"{name} points at {target}"


def test_what_the_readme_names_exists():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = text[text.index("## What is in it") : text.index("## It fits")]
    for name in set(re.findall(r"`(?:rv\.)?([A-Z]\w+)", table)):
        assert hasattr(rv, name), name
    for family in ("LinearSystem", "FixedPoint", "Smooth", "Composite", "Transport", "Completion"):
        assert f"`{family}(" in table


def test_the_reference_has_every_public_name():
    text = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    named = set(re.findall(r"^\.\. auto\w+:: (\w+)", text, flags=re.M))
    lacking = sorted(set(rv.__all__) - named)
    assert not lacking, f"docs/api.rst lacks {lacking}"


def test_what_the_makefile_promises():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in ("demo", "test", "test-all", "lint", "bench", "docs", "soak", "cover"):
        assert re.search(rf"^{target}:", makefile, flags=re.M)
    assert "--only-binary :all:" in makefile
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make lint" in run and "make test-all" in run


def test_the_version_is_one():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["version"] == rv.__version__
    assert f"version: {rv.__version__}" in (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert rv.__version__ in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
