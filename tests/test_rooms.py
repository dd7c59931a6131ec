"""Which room may import which: the rooms of the design, read off the source, and what no room may use."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parent.parent / "src" / "resolvent"
BELOW = {"core", "kernels", "operators", "problems", "methods", "accelerators", "learners", "recorders"}
FACE = BELOW | {"gallery", "api", "auto", "__init__"}
ALLOWED = {
    "core": set(),
    "kernels": set(),
    "operators": {"core", "kernels"},
    "problems": {"core", "kernels", "operators"},
    "methods": {"core", "kernels", "operators", "problems"},
    "accelerators": {"core", "kernels"},
    "learners": {"core", "kernels", "operators"},
    "recorders": {"core"},
    "gallery": {"core", "problems"},
    "backends": {"core", "operators", "problems"},
    "interop": FACE,
    "report": {"core", "recorders", "runs"},  # the page of a run reads its folder
    "api": {"core"},
    "auto": {"core", "learners", "methods", "operators"},
    "__init__": (FACE | {"report"}) - {"__init__"},
    "runs": FACE,
    "doctor": FACE | {"report"},
    "generate": FACE | {"report", "runs"},
    "bench": FACE | {"doctor", "experiments"},  # goals that are the doctor's or an experiment's figures
    "experiments": FACE | {"report"},
    "demo": FACE | {"bench", "report", "runs"},
    "cli": FACE | {"bench", "demo", "doctor", "experiments", "generate", "report", "runs"},
    "__main__": {"cli"},
}
BANNED = {"pickle", "cPickle", "dill", "cloudpickle", "shelve", "marshal", "joblib", "krypy", "jaxopt", "fancyimpute"}
FILES = sorted(SOURCE.rglob("*.py"))


def room(parts):
    """The room of a module of the package, given its dotted name's parts below ``resolvent``."""
    return parts[0] if parts else "__init__"


def imports(path):
    """(line, absolute dotted name) of every import of a file; ``from . import x`` counts as x where x is a module."""
    package = ("resolvent", *path.relative_to(SOURCE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *([node.module] if node.module else [])))
            yield from ((node.lineno, f"{name}.{alias.name}" if name == "resolvent" else name) for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_one_way(path):
    own = room(path.relative_to(SOURCE).with_suffix("").parts)
    rooms = {room(p.relative_to(SOURCE).with_suffix("").parts) for p in FILES}
    assert own in ALLOWED, f"the room {own!r} is new: say in this test what it may import"
    for line, name in imports(path):
        top, *rest = name.split(".")
        assert top not in BANNED, f"{path.name}:{line} imports {name}"
        if top == "resolvent":
            target = room(rest) if room(rest) in rooms else "__init__"
            assert target == own or target in ALLOWED[own], f"{path.name}:{line}: {own} imports {target}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_nothing_that_executes_a_file(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            plain = isinstance(node.func, ast.Name)
            assert not (plain and name in ("eval", "exec", "__import__")), f"{path.name}:{node.lineno} calls {name}"
            for keyword in node.keywords:
                if keyword.arg == "allow_pickle":
                    assert isinstance(keyword.value, ast.Constant) and keyword.value.value is False
