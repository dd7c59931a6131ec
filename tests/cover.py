"""Branch coverage of what every answer and every file of a stranger goes through: ``make cover``.

    python tests/cover.py

Runs the tests of the core and of the readers under ``coverage run --branch``, the kernel of the Matrix Market reader
once more as plain Python, prints the table, and fails where it is below what is promised: 100 % of certificates, state
files and readers, 95 % of ``core/``. Some three minutes.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
SOURCE = HERE.parent / "src" / "resolvent"
CORE = [
    *sorted(HERE.glob("test_core_*.py")),
    HERE / "test_session.py",
    HERE / "test_bad_input.py",
    HERE / "trust" / "test_faults.py",
    HERE / "trust" / "test_certificate.py",
    HERE / "methods" / "test_transposed.py",
    *(HERE / "gallery" / f"test_{name}.py" for name in ("hdf5", "npz", "readers", "matrix_market")),
]
WHOLE = [
    *(f"core/{name}.py" for name in ("result", "persist", "keeping", "registry", "books")),
    "operators/base.py",
    *(f"gallery/{name}.py" for name in ("matrix_market", "npz", "hdf5", "readers", "checked", "_mm_kernel")),
]
PYTEST = ["-m", "pytest", "-q", "-m", "not full", "-p", "no:cacheprovider"]


def run(files, data, **environment):
    """The tests of these files under coverage, into that data file."""
    command = [sys.executable, "-m", "coverage", "run", "--branch", f"--source={SOURCE}", *PYTEST]
    if "NUMBA_DISABLE_JIT" in environment:  # unsigned words wrap, as they do in the compiled kernel
        command += ["-W", "ignore:overflow encountered:RuntimeWarning"]
    done = subprocess.run(
        [*command, *map(str, files)],
        env=os.environ | {"COVERAGE_FILE": data} | environment,
        cwd=HERE.parent,
        check=False,
    )
    return done.returncode


def report(data, names, least):
    """Print the table of these files; whether it reaches ``least`` per cent."""
    include = ",".join(str(SOURCE / name) for name in names)
    command = [sys.executable, "-m", "coverage", "report", "-m", f"--include={include}", f"--fail-under={least}"]
    return subprocess.run(command, env=os.environ | {"COVERAGE_FILE": data}, cwd=HERE.parent, check=False).returncode


def main():
    """Run, combine, print, judge."""
    with tempfile.TemporaryDirectory() as folder:
        one, two, all_of_it = (f"{folder}/.coverage{end}" for end in (".1", ".2", ""))
        failed = run(CORE, one)
        failed |= run([HERE / "gallery" / "test_matrix_market.py"], two, NUMBA_DISABLE_JIT="1")
        subprocess.run(
            [sys.executable, "-m", "coverage", "combine", "-q", one, two],
            env=os.environ | {"COVERAGE_FILE": all_of_it},
            check=True,
        )
        print("\ncertificates, state files, readers: 100 % of lines and branches", flush=True)
        short = report(all_of_it, WHOLE, 100)
        print("\ncore: 95 % of lines and branches", flush=True)
        short |= report(all_of_it, ["core/*"], 95)
    return 1 if failed or short else 0


if __name__ == "__main__":
    sys.exit(main())
