"""What a new process pays: the import, the compilation once a machine, the first solve after that."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

__all__ = ["compiled_once", "first_solve", "import_seconds"]

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"
_SOLVE = """
import sys, time
import numpy as np, scipy.sparse as sp, resolvent as rv
n = 400
A = sp.diags_array([-np.ones(n - 20), -np.ones(n - 1), 4.1 * np.ones(n), -np.ones(n - 1), -np.ones(n - 20)],
                   offsets=[-20, -1, 0, 1, 20]).tocsr()
start = time.perf_counter()
result = rv.solve(rv.LinearSystem(A, np.ones(n)))
assert result.ok, result.reason
print(time.perf_counter() - start)
"""


def _run(code: str, **settings: str) -> tuple[float, float]:
    """What the process printed, and the wall seconds of all of it; ``settings`` are variables of its environment."""
    env = dict(os.environ)
    env["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parents[2]), *env.get("PYTHONPATH", "").split(os.pathsep)])
    env.update(settings)
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=300, check=False
    )
    took = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"a process of the start-up check failed: {done.stderr.strip().splitlines()[-1:]}")
    return float(done.stdout.split()[-1]), took


def import_seconds(rounds: int = 5) -> dict[str, float]:
    """Median seconds of ``import resolvent`` and of SciPy's solvers, in turn; ``more`` is the difference.

    With byte code, as an installed package has it, whatever the environment says: the round that does not count writes it.
    """
    ours, theirs = [], []
    with tempfile.TemporaryDirectory() as folder:
        kept = {"PYTHONPYCACHEPREFIX": folder, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(rounds + 1):
            theirs.append(_run(_IMPORT.format("scipy.sparse.linalg"), **kept)[0])
            ours.append(_run(_IMPORT.format("resolvent"), **kept)[0])
    a, b = statistics.median(ours[1:]), statistics.median(theirs[1:])
    return {"more": a - b, "resolvent": a, "scipy": b}


def compiled_once() -> dict[str, float]:
    """Seconds of a plain ``rv.solve`` with an empty kernel cache, then in a new process with that cache."""
    with tempfile.TemporaryDirectory() as cache:
        first = _run(_SOLVE, NUMBA_CACHE_DIR=cache)
        again = _run(_SOLVE, NUMBA_CACHE_DIR=cache)
    return {"compile": first[0], "again": again[0], "process": again[1]}


def first_solve(rounds: int = 3) -> dict[str, float]:
    """Median wall seconds of a whole process that imports, solves once and ends, kernels compiled before."""
    _run(_SOLVE)
    runs = [_run(_SOLVE) for _ in range(rounds)]
    return {"process": statistics.median(r[1] for r in runs), "solve": statistics.median(r[0] for r in runs)}
