"""The doctor's figures: how long a look at a large matrix takes, and whether what it foretells comes true.

A look is timed as a user makes it: a process of its own that reads a Matrix Market file of 1e5 unknowns (kernels
compiled before). What it foretells, from system 0 of a gallery sequence, is the cost in products of a solve with the method
that it recommends; what comes true is measured on systems 1 to 3 of the sequence.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp

from .goals import Item, Report, Say

__all__ = ["ITEMS", "foretold", "look"]

_SEEN = ("darcy-log", "convection-diffusion", "helmholtz", "poisson3d-drift")


def matrices(m: int) -> dict[str, Any]:
    """A definite, a nonsymmetric and an indefinite matrix of m^2 rows."""
    from ..gallery import sequence

    flow, wind = (sequence(name, 1, m)[0].A for name in ("darcy-log", "convection-diffusion"))
    heat = sequence("heat-shift", 1, m)[0].A
    return {"definite": flow, "nonsymmetric": wind, "indefinite": heat - 0.05 * sp.eye_array(m * m)}


def look(A: Any, folder: Path) -> tuple[float, float]:
    """Seconds by the clock, and of the processor, of ``resolvent doctor A.mtx``.

    Raises
    ------
    ValueError
        When it did not end well.
    """
    from ..gallery import save_system
    from ..problems import LinearSystem

    save_system(folder / "A.mtx", LinearSystem(sp.csr_array(A), np.ones(A.shape[0])))
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "resolvent", "doctor", str(folder / "A.mtx"), "--json"], capture_output=True, text=True
    )
    took, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 1) or not done.stdout.startswith("{"):
        raise ValueError(done.stderr.strip().splitlines()[-1] if done.stderr.strip() else "it said nothing")
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def foretold(name: str, size: int | None, seconds: float = 6.0) -> tuple[str, float, float]:
    """The method recommended for system 0, its cost as foretold, and the mean measured on the next three."""
    from ..api import solve
    from ..doctor import examine
    from ..gallery import sequence

    problems = list(sequence(name, 4, size))
    found = examine(problems[0], seconds=seconds)
    if found.best is None or found.best.expected is None:
        raise ValueError(f"nothing is recommended for {name}")
    took = [solve(problem, found.best.method, rtol=1e-8, on_fail="ignore").cost.total for problem in problems[1:]]
    return found.best.name, found.best.expected, float(np.mean(took))


def looks(report: Report, say: Say, quick: bool) -> None:
    """Ten seconds for 1e5 unknowns."""
    m = 20 if quick else 317
    with tempfile.TemporaryDirectory() as folder:
        look(matrices(12)["definite"], Path(folder))
        for kind, A in matrices(m).items():
            took, processor = look(A, Path(folder))
            say(f"{kind}: {took:.1f} s by the clock, {processor:.1f} s of the processor")
            report(f"doctor: seconds for n = {m * m}, {kind}", took, 10.0, "<=")


def expectations(report: Report, say: Say, quick: bool) -> None:
    """The products foretold, against those that it then took."""
    for name in _SEEN:
        size = 12 if quick else (30 if name == "poisson3d-drift" else 100)
        method, expected, took = foretold(name, size, 1.0 if quick else 6.0)
        say(f"{name}: {method}, {expected:.0f} products foretold, {took:.0f} needed")
        report(f"doctor: foretold over needed or its inverse, {name}", max(expected / took, took / expected), 3.0, "<=")


ITEMS: dict[str, Item] = {"doctor seconds": looks, "doctor foretells": expectations}
