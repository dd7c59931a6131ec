"""What docs/findings.md says of other libraries: its blocks run, each in a process of its own, and ours hold.

What the others do is not asserted, because it may be mended; that the block shows what it is meant to show is: it runs to
its end or dies by a signal, and not by a mistake of ours.
"""

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "findings.md"
TITLE, BLOCK = re.compile(r"^## (\d+)\. (.*)$", re.M), re.compile(r"^```python (\w+) ?(\w*)\n(.*?)^```$", re.M | re.S)


def sections():
    """Number: (title, text, blocks)."""
    parts = TITLE.split(PAGE.read_text(encoding="utf-8"))[1:]
    return {int(n): (title, text, BLOCK.findall(text)) for n, title, text in zip(*(parts[i::3] for i in range(3)))}


FOUND = sections()
THEIRS = [(n, library) for n, (_, _, blocks) in FOUND.items() for kind, library, _ in blocks if kind == "theirs"]


def child(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)


def given(n, kind, library=""):
    _, _, blocks = FOUND[n]
    (only,) = [code for k, of, code in blocks if k == kind and of == library]
    return only


def test_each_finding_says_what_is_needed():
    assert sorted(FOUND) == list(range(1, len(FOUND) + 1)) and len(FOUND) >= 9
    for title, text, blocks in FOUND.values():
        kinds = [kind for kind, _, _ in blocks]
        assert kinds[0] == "input" and kinds[-1] == "ours" and "theirs" in kinds, title
        assert "Expected:" in text and re.search(r"\d+\.\d+\.\d+", text), title


@pytest.mark.full
@pytest.mark.parametrize("n", FOUND)
def test_ours_holds(n):
    if any(library == "pyamg" and find_spec("pyamg") is None for m, library in THEIRS if m == n and n > 7):
        pytest.skip("needs pyamg: pip install 'resolvent[amg]'")
    done = child(given(n, "input") + given(n, "ours"))
    assert done.returncode == 0, done.stderr


@pytest.mark.full
@pytest.mark.parametrize(("n", "library"), THEIRS)
def test_theirs_runs(n, library):
    if find_spec(library) is None:
        pytest.skip(f"{library} is not installed")
    done = child(given(n, "input") + given(n, "theirs", library))
    assert done.returncode <= 0 or done.returncode >= 128, done.stderr
    assert done.returncode < 0 or "Error" not in done.stderr
