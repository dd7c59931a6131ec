"""docs/api.rst lists every public name and no other; no link of the documents is dead."""

import importlib
import re
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "api.rst"
MODULES = (
    "",
    "gallery",
    "doctor",
    "generate",
    "interop.scipy",
    "interop.sklearn",
    "interop.pot",
    "runs",
    "report",
    "recorders",
)
# constants, told of in a sentence or in the docstrings of the functions that take them
CONSTANTS = {"OTHERS", "SEQUENCES", "NAMES", "OWN"}

pytestmark = pytest.mark.skipif(not PAGE.exists(), reason="the documents are not beside the tests")


def listed():
    """(module, name) of each entry of the page."""
    module, found = "resolvent", []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if place := re.match(r"\.\. currentmodule:: ([\w.]+)", line):
            module = place[1]
        if entry := re.match(r"\.\. auto(?:function|class|exception|data):: ([\w.]+)", line):
            found.append((module, entry[1]))
    return found


def test_what_is_listed_exists_and_is_described():
    entries = listed()
    assert len(entries) > 100 and len(entries) == len(set(entries))
    for module, name in entries:
        if module == "resolvent.interop.sklearn" and find_spec("sklearn") is None:
            continue
        thing = importlib.import_module(module)
        for part in name.split("."):
            thing = getattr(thing, part)
        assert (thing.__doc__ or "").strip(), f"{module}.{name} has no docstring"


@pytest.mark.parametrize("module", MODULES)
def test_what_is_public_is_listed(module):
    if module == "interop.sklearn":
        pytest.importorskip("sklearn", reason="needs scikit-learn")
    where = f"resolvent.{module}".rstrip(".")
    text = PAGE.read_text(encoding="utf-8")
    known = {name for place, name in listed() if module == "" or place == where}  # the front repeats some of the rooms
    missing = [
        name
        for name in importlib.import_module(where).__all__
        if name not in CONSTANTS and not name.startswith("__") and name not in known and f"``{name}``" not in text
    ]
    assert not missing, f"{where}: {missing} in no entry of docs/api.rst"


@pytest.mark.parametrize(
    "path", sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("docs/*.rst")]), ids=lambda p: p.name
)
def test_no_link_is_dead(path):
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#\s]+)", text) + re.findall(r":doc:`(?:[^<`]*<)?([^>`]+)>?`", text)
    dead = [
        link
        for link in links
        if not link.startswith(("http", "mailto"))
        and not any((path.parent / (link + ending)).exists() for ending in ("", ".rst", ".md"))
    ]
    assert not dead
