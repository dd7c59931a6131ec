"""Bounded memory: sessions that live for thousands of solves do not grow, and a solve holds the n-vectors it says."""

import gc
import os
import subprocess
import sys
import tracemalloc

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


# n-vectors that a solve may hold at its peak beside A and b: what the method's docstring says, the measured residual,
# the solution handed out, and one in passing
VECTORS = {
    "cg": (rv.CG(), 4 + 3),
    "cg+jacobi": (rv.CG(rv.Jacobi()), 5 + 3),
    "sor": (rv.SOR(omega=1.2), 3 + 3),
    "ssor": (rv.SSOR(omega=1.2), 3 + 3),
    "jacobi": (rv.Jacobi(), 3 + 3),
    "gaussseidel": (rv.GaussSeidel(), 3 + 3),
    "chebyshev": (rv.Chebyshev(), 3 + 8),
}


@pytest.mark.parametrize("name", VECTORS)
def test_a_solve_holds_the_vectors_it_says(name):
    method, vectors = VECTORS[name]
    n = 20_000
    side = np.ones(n - 1)
    A = sp.diags_array([-side, 3.0 * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()
    session = rv.Session(method, rtol=1e-6)
    for t in range(2):
        session.solve(rv.LinearSystem(A, np.cos(np.arange(n) + t)))
    session._last.x = session._last.carry = None  # what the user would have let go
    problem = rv.LinearSystem(A, np.cos(np.arange(n) + 3.0))
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    assert session.solve(problem).ok
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak <= (vectors + 0.2) * 8 * n, f"{peak / (8 * n):.1f} n-vectors"


def test_kept_results_keep_no_factors_alive():
    """A user who keeps every result keeps x, and not a factor or a hierarchy each."""
    session = rv.Session(rv.CG(rv.Direct()), rtol=1e-8)
    kept = [session.solve(problem(t)) for t in range(5)]
    assert all(not result.carry for result in kept[:-1])
    assert all(isinstance(v, str) for result in kept for v in result.advice.carry.values())
