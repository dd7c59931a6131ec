"""What ``import resolvent`` brings in, and what it leaves for later."""

import subprocess
import sys

import pytest

HEAVY = ("numba", "matplotlib", "typer", "rich", "pyamg", "torch", "pandas", "sklearn", "h5py", "jinja2", "pydantic")


def child(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "code", ["import resolvent", "import resolvent as rv; rv.Session(rv.CG(rv.SSOR()), [rv.Guess()])"]
)
def test_heavy_packages_wait_for_their_first_use(code):
    loaded = child(f"import sys; {code}; print(*(name for name in {HEAVY!r} if name in sys.modules))")
    assert loaded.split() == []


def test_of_scipy_only_what_its_sparse_solvers_bring():
    code = "import scipy.sparse.linalg, sys; before = set(sys.modules); import resolvent"
    brought = child(
        f"{code}; print(*(name for name in set(sys.modules) - before if name.startswith('scipy.')))"
    ).split()
    assert brought == []  # scipy.optimize alone takes half as long as all of ours


def test_every_public_name_is_there():
    wanted = child("import resolvent as rv; [getattr(rv, name) for name in rv.__all__]; print(*rv.__all__)").split()
    assert {"CG", "SSOR", "Direct", "Guess", "Lifetime", "LinearSystem", "Session", "Status", "solve"} <= set(wanted)


def test_a_name_that_is_not_there_is_an_attribute_error():
    import resolvent as rv

    with pytest.raises(AttributeError, match="nosuch"):
        rv.nosuch  # noqa: B018


def test_the_typed_marker_is_shipped():
    from importlib.resources import files

    assert files("resolvent").joinpath("py.typed").is_file()
