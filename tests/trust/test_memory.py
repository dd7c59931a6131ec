"""Bounded memory: sessions that live for thousands of solves do not grow, and a solve holds the n-vectors it says."""

import gc
import importlib.util
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv

SCRIPT = """
import gc, sys
import numpy as np, scipy.sparse as sp, resolvent as rv

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096

def problem(t, n):
    side = np.ones(n - 1)
    A = sp.diags_array([-side, (2.5 + 0.3 * np.sin(0.05 * t)) * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()
    return rv.LinearSystem(A, np.cos(np.arange(n) + 0.1 * t))

kind, solves, warm = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
make = {
    "auto": lambda: rv.Session(rtol=1e-8, on_fail="ignore"),
    "ssor": lambda: rv.Session(rv.CG(rv.SSOR()), learners=[rv.Guess()], rtol=1e-8),
    "factor": lambda: rv.Session(rv.CG(rv.Direct()), learners=[rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-8),
    "failing": lambda: rv.Session(rv.Jacobi(), learners=[rv.Guess()], rtol=1e-12, max_steps=3, on_fail="ignore"),
    "bandit": lambda: rv.Session(rv.SOR(), learners=[rv.Bandit("omega", 1.0, 1.95, seed=0)], rtol=1e-4),
}
if kind == "patterns":
    make, sizes = make["auto"], (40, 60, 80)
else:
    make, sizes = make[kind], (100,)
session = make()
for t in range(warm):
    session.solve(problem(t, sizes[t % len(sizes)]))
before = resident()
for t in range(warm, warm + solves):
    session.solve(problem(t, sizes[t % len(sizes)]))
print("GREW", resident() - before)
"""
KINDS = ("auto", "ssor", "factor", "failing", "bandit", "patterns")


@pytest.mark.full
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="resident memory is read from /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_ten_thousand_solves_in_a_mebibyte(kind):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, kind, "10000", "2000"],
        env=os.environ | {"MALLOC_ARENA_MAX": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    grew = int(done.stdout.split("GREW")[-1])
    assert grew <= 2**20, f"{kind}: {grew / 2**20:.2f} MiB in 10,000 solves"


def problem(t, n=60):
    side = np.ones(n - 1)
    A = sp.diags_array([-side, (2.5 + 0.3 * np.sin(0.05 * t)) * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()
    return rv.LinearSystem(A, np.cos(np.arange(n) + 0.1 * t))


def test_fifteen_hundred_solves_leave_nothing_behind():
    """Four sessions take turns: 1,500 solves, after a warm-up in which the records of a session fill (256 a session)."""
    sessions = [
        rv.Session(rtol=1e-8, on_fail="ignore"),
        rv.Session(rv.CG(rv.Direct()), learners=[rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-8),
        rv.Session(rv.CG(rv.SSOR()), learners=[rv.Bandit("preconditioner.omega", 1.0, 1.95, seed=0)], rtol=1e-8),
        rv.Session("jacobi", rtol=1e-12, max_steps=2, on_fail="ignore"),
    ]
    for t in range(1200):
        sessions[t % 4].solve(problem(t))
    gc.collect()
    tracemalloc.start()
    for t in range(1200, 1300):  # what the first look costs
        sessions[t % 4].solve(problem(t))
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for t in range(1300, 2800):
        sessions[t % 4].solve(problem(t))
    gc.collect()
    grew = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    # the records that were made before the trace began are replaced by ones that are counted: about 1 KiB each
    assert grew <= 4 * 256 * 1536, f"{grew / 1024:.0f} KiB"


# n-vectors that a method says it holds, in the words of its module's docstring as a formula, and one for a diagonal
# preconditioner. A solve may hold four more at its peak beside A and b: the measured residual, the solution handed out,
# the one that is projected, and one in passing. A method that is not listed is held to what the hungriest of SciPy's needs.
OTHERS = 40
VECTORS = {
    "CG": lambda m: 4,
    "FlexibleCG": lambda m: 5 + 2 * m.window,
    "KrylovGradient": lambda m: 4 + 2 * (m.tau + 1),
    "MINRES": lambda m: 6,
    "COCG": lambda m: 5,
    "BiCGStab": lambda m: 6 + 2 * (m.preconditioner is not None),
    "IDR": lambda m: 4 + 3 * m.s,
    "GMRES": lambda m: m.restart + 4,
    "FGMRES": lambda m: 2 * m.restart + 4,
    "GCRODR": lambda m: m.m + 3 * m.k + 5,
    "DeflatedCG": lambda m: 5 if m.blocks else 4 * m.size + 13,
    "SOR": lambda m: 3,
    "SSOR": lambda m: 3,
    "Jacobi": lambda m: 3,
    "GaussSeidel": lambda m: 3,
    "Chebyshev": lambda m: 11,
    "SketchProject": lambda m: 4 + 3 * m.size if m.kind == "gauss" else OTHERS,
}


def battery():
    """The rows of the battery, read from its file, whose memory is the method's own and not that of a factor."""
    spec = importlib.util.spec_from_file_location("battery_of_memory", Path(__file__).parents[1] / "test_battery.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    bare = (type(None), rv.Jacobi)
    return {r.name: r for r in module.ROWS if isinstance(getattr(r.method, "preconditioner", None), bare)}


ROWS = {name: row for name, row in battery().items() if type(row.method).__name__ != "Direct"}


def band(n, t, kind):
    """Of the kind that the row is for: definite, or complex symmetric."""
    side, middle = np.ones(n - 1), 3.0 * np.ones(n)
    if kind == "lossy":
        middle = middle + 0.5j
    A = sp.diags_array([-side, middle, -side], offsets=[-1, 0, 1]).tocsr()
    return rv.LinearSystem(A, np.cos(np.arange(n) + t).astype(A.dtype))


@pytest.mark.parametrize("name", ROWS)
def test_a_solve_holds_the_vectors_it_says(name):
    row = ROWS[name]
    n = 4_000 if isinstance(row.method, rv.SketchProject) else 20_000
    kind = row.build.__name__
    said = VECTORS.get(type(row.method).__name__, lambda m: OTHERS)(row.method)
    allowed = said + 4 + (getattr(row.method, "preconditioner", None) is not None)
    most = 20 if isinstance(row.method, rv.SketchProject) else 300  # slow ones need not finish
    session = rv.Session(row.method, rtol=1e-6, max_steps=most, on_fail="ignore")
    for t in range(2):
        session.solve(band(n, t, kind))
    session._last.x = session._last.carry = None  # what the user would have let go
    problem = band(n, 3.0, kind)
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    assert session.solve(problem).steps > 0
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    size = problem.b.nbytes
    assert peak <= (allowed + 0.2) * size, f"{peak / size:.1f} n-vectors, {allowed} allowed"


def test_every_method_says_what_it_holds():
    """Each module of a method has a sentence on its memory, and the figures above are of methods that exist."""
    from resolvent.core.registry import REGISTRY

    assert set(VECTORS) <= {cls.__name__ for cls in REGISTRY["method"].values()}
    for row in ROWS.values():
        page = sys.modules[type(row.method).__module__].__doc__
        assert "emory" in page or type(row.method).__name__ not in VECTORS, type(row.method).__name__


def test_kept_results_keep_no_factors_alive():
    """A user who keeps every result keeps x, and not a factor or a hierarchy each."""
    session = rv.Session(rv.CG(rv.Direct()), rtol=1e-8)
    kept = [session.solve(problem(t)) for t in range(5)]
    assert all(not result.carry for result in kept[:-1])
    assert all(isinstance(v, str) for result in kept for v in result.advice.carry.values())
