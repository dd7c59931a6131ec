"""Shared by all tests: one thread for BLAS, the same Hypothesis examples in every run, and extras that may be absent."""

import os
import re
from importlib.util import find_spec

import pytest
from hypothesis import HealthCheck, settings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# compilation of a kernel at its first use is no sign of a slow test
settings.register_profile(
    "house", deadline=None, derandomize=True, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

EXTRAS = {"amg": "pyamg", "cli": "typer", "sklearn": "sklearn"}


def missing_extra(error):
    """The extra that is absent and that the error asks for by name, as ours do, or None."""
    error = getattr(error, "exc_info", (None, error))[1]  # a doctest wraps what was raised
    asked = re.search(r"resolvent\[(\w+)\]", str(error))
    if asked and asked[1] in EXTRAS and find_spec(EXTRAS[asked[1]]) is None:
        return asked[1]
    return None


class Left(pytest.Item):
    """Stands for a module that needs an extra; skipped before pytest sets up, that is imports, the package around it."""

    def runtest(self):
        raise AssertionError("it is skipped")

    def reportinfo(self):
        return self.path, 0, self.name


class LeftFile(pytest.File):
    """A file of the source that cannot be imported without an extra."""

    def collect(self):
        extra = self.path.parent.name
        item = Left.from_parent(self, name=extra)
        item.add_marker(pytest.mark.skip(reason=f"needs the extra {extra}: pip install 'resolvent[{extra}]'"))
        yield item


class SkipsMissingExtras:
    """A test that ends in our own "install resolvent[extra]" is skipped with that reason; so are doctests of such modules."""

    @pytest.hookimpl(wrapper=True)
    def pytest_collect_file(self, file_path, parent):
        found, room = (yield), file_path.parent  # a room of resolvent.interop is called like its extra
        absent = room.parent.name == "interop" and room.name in EXTRAS and find_spec(EXTRAS[room.name]) is None
        return [LeftFile.from_parent(parent, path=file_path)] if found and absent else found

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        try:
            return (yield)
        except Exception as error:
            extra = missing_extra(error)
            if extra is None:
                raise
            pytest.skip(f"needs the extra {extra}: pip install 'resolvent[{extra}]'")


def pytest_configure(config):
    """A plugin of its own, so that it serves the doctests of the source too."""
    config.pluginmanager.register(SkipsMissingExtras())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Each type compiles the kernels anew: single complex numbers and wide indices wait for `make test-all`."""
    for item in items:
        if re.search(r"complex64|uint64|-int64\]", item.name):
            item.add_marker("full")


@pytest.fixture
def call(capsys):
    """``call(*words)`` -> (exit status, stdout, stderr)."""

    cli = pytest.importorskip("resolvent.cli", reason="typer and rich are not installed", exc_type=ImportError)

    def run(*words):
        code = cli.run([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return run
