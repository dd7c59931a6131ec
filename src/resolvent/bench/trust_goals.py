"""Goals of trust: hostile systems judged from outside, memory that does not grow, fast reading, the same bits everywhere.

The hostile grid and its judge stand with the tests (``tests/hostile``), so that they share nothing with the solvers; they
are loaded by path from the source checkout. Where there is none, that is said, and the rest is measured.
"""

import gc
import importlib.util
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io
import scipy.sparse as sp

from ..core import Session
from ..gallery.matrix_market import read_matrix_market
from ..learners import Guess, Lifetime
from ..methods import CG, Direct
from ..problems import LinearSystem

__all__ = ["goals", "grown", "hostile", "reading", "same_bits"]

_SOAK = Path(__file__).resolve().parents[3] / "tests" / "hostile" / "soak.py"
_BITS = """
import hashlib, resolvent as rv
from resolvent.bench.trust_goals import drifting
h = hashlib.sha256()
for session in (rv.Session(rtol=1e-8), rv.Session(rv.CG(rv.IC()), learners=[rv.Lifetime("preconditioner")], rtol=1e-8)):
    for t in range(12):
        result = session.solve(drifting(t, 900))
        h.update(result.x.tobytes() + result.history.tobytes() + repr(result.method).encode())
    h.update(repr(sorted(session.totals["methods"].items())).encode())
print("BITS", h.hexdigest())
"""


def drifting(t: int, n: int) -> LinearSystem:
    """A definite tridiagonal system that changes with t."""
    side = np.ones(n - 1)
    A = sp.diags_array([-side, (2.5 + 0.3 * np.sin(0.05 * t)) * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()
    return LinearSystem(A, np.cos(np.arange(n) + 0.1 * t))


def hostile(solves: int, seed: int) -> dict[str, float] | None:
    """The counts of that many hostile solves, or None without a source checkout.

    Parameters
    ----------
    solves, seed : int

    Returns
    -------
    dict or None
        ``solves``, ``silent wrong answers``, ``false alarms``, ``good systems``, ``auto solves`` (a share), ...
    """
    if not _SOAK.exists():
        return None
    soak = _loaded("soak")
    grid = soak.load()
    tally = grid.Tally()
    grid.run(tally, soak.jobs(grid, float("inf"), seed, None, solves, tally))
    figures: dict[str, float] = tally.figures()
    return figures


def hostile_families(quick: bool, seed: int) -> dict[str, float] | None:
    """The counts of the hostile grid of the other families (each case cold, and in a session unless quick), or None."""
    if not _SOAK.exists():
        return None
    families = _loaded("families")
    jobs = families.grid(("cold",) if quick else ("cold", "warm"), seed)
    figures: dict[str, float] = families.run(families.Tally(), jobs).figures()
    return figures


def _loaded(name: str) -> Any:
    """A module of the hostile grid, loaded by path."""
    full = f"resolvent_hostile_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, _SOAK.with_name(f"{name}.py"))
        assert spec is not None and spec.loader is not None
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


def grown(solves: int, warm: int) -> float | None:
    """MiB by which resident memory grows in that many solves of two sessions; None where /proc does not tell."""
    if not os.path.exists("/proc/self/statm"):
        return None
    learners = [Lifetime("preconditioner"), Guess()]
    sessions = [Session(rtol=1e-8), Session(CG(preconditioner=Direct()), learners=learners, rtol=1e-8)]
    for t in range(warm):
        sessions[t % 2].solve(drifting(t, 100))
    before = _resident()
    for t in range(warm, warm + solves):
        sessions[t % 2].solve(drifting(t, 100))
    return (_resident() - before) / 2**20


def _resident() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return float(pages * os.sysconf("SC_PAGE_SIZE"))


def reading(megabytes: float, rounds: int = 3) -> tuple[float, float]:
    """Size in MB of a Matrix Market file, and the median of our time to read it over that of ``scipy.io.mmread``.

    Interleaved, after one reading of each; both end in CSR, and the two matrices are compared.
    """
    rng = np.random.default_rng(0)
    entries = int(megabytes * 1e6 / 36)
    n = max(10, entries // 7)
    places = rng.integers(0, n, (2, entries))
    A = sp.coo_array((rng.standard_normal(entries), tuple(places)), shape=(n, n)).tocsr()
    ratios = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.mtx"
        scipy.io.mmwrite(path, A, precision=17)
        for _ in range(rounds + 1):
            start = time.perf_counter()
            ours = read_matrix_market(path)
            middle = time.perf_counter()
            with warnings.catch_warnings(action="ignore"):  # from 1.18 on it asks which class it shall be
                theirs = scipy.io.mmread(path).tocsr()
            ratios.append((middle - start) / (time.perf_counter() - middle))
            if ours.nnz != theirs.nnz or abs(ours - theirs).max() > 0:
                raise RuntimeError("the two readers differ")
        size = path.stat().st_size / 1e6
    return size, float(np.median(ratios[1:]))


def same_bits() -> int:
    """How many different answers three processes give, with one, two and four threads."""
    seen = set()
    for threads in ("1", "2", "4"):
        names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
        environment = os.environ | dict.fromkeys(names, threads) | {"PYTHONHASHSEED": threads}
        done = subprocess.run(
            [sys.executable, "-c", _BITS], env=environment, capture_output=True, text=True, timeout=300, check=True
        )
        seen.add(done.stdout.split("BITS")[-1])
    return len(seen)


def goals(
    report: Callable[[str, float, float, str], Any],
    say: Callable[[str], Any] = print,
    solves: int = 20_000,
    seed: int = 0,
) -> None:
    """Compute the goals and hand each to ``report(name, value, goal, op)``.

    Parameters
    ----------
    report : callable
    say : callable
        Takes what is to be explained.
    solves : int
        Hostile solves; memory is watched over half as many.
    seed : int
        Other seeds give other systems.
    """
    found = hostile(solves, seed)
    if found is None:
        say(f"the hostile grid is not here: {_SOAK} belongs to the source checkout")
    else:
        say(f"{found['solves']:.0f} hostile solves, seed {seed}, {found['good systems']:.0f} of good systems")
        for name in ("silent wrong answers", "escaped exceptions", "inputs modified", "hangs"):
            report(name, found[name], 0, "<=")
        report("statuses that the table does not allow", found["forbidden statuses"], 0, "<=")
        report("published residuals that are not those of x", found["false facts"], 0, "<=")
        report(
            "false alarms on good systems, share", found["false alarms"] / max(1.0, found["good systems"]), 1e-3, "<="
        )
        report("good systems that auto solves, share", found["auto solves"], 0.95, ">=")
    other = hostile_families(solves < 4000, seed)
    if other is not None:
        say(f"{other['solves']:.0f} hostile solves of the other families, {other['judged']:.0f} answers judged")
        report("other families: silent wrong answers", other["silent"], 0, "<=")
        bad = ("escaped", "modified", "hang", "forbidden", "false fact", "failed", "warning", "spoiled")
        report("other families: anything else that the table forbids", sum(other[k] for k in bad), 0, "<=")
    mebibytes = grown(solves // 2, 2000 if solves >= 4000 else solves // 2)
    if mebibytes is not None:
        report(f"growth of resident memory in {solves // 2} solves, MiB", mebibytes, 1.0, "<=")
    size, ratio = reading(50.0 if solves >= 4000 else 2.0)
    report(f"reading a Matrix Market file of {size:.0f} MB over scipy.io.mmread, times", ratio, 3.0, "<=")
    report("different answers of three processes with 1, 2, 4 threads", same_bits(), 1, "<=")


def _trust(report: Callable[[str, float, float, str], Any], say: Callable[[str], Any], quick: bool) -> None:
    """Hostile systems, memory, the same bits."""
    goals(report, say, **({"solves": 200} if quick else {}))


ITEMS = {"trust": _trust}
