"""What the cost table says of whole solves, against the clock: modelled over measured, both in products.

    cost of the solve  x  seconds of a product with its matrix  /  seconds of the solve

Seconds are those of the processor, on one thread, products and solves in turn; the least of each over the rounds counts, so
that other work on the machine counts little.
"""

import time
from functools import partial
from typing import Any

import numpy as np
import scipy.sparse as sp

from .goals import Item, Report, Say
from .threads import one_thread

__all__ = ["ITEMS", "modelled"]


def _cases() -> dict[str, tuple[Any, str, Any]]:
    from ..methods import CG, GCRODR, GMRES, IDR, MINRES, BiCGStab, Jacobi, SketchProject
    from ..operators import IC, ILU0

    wind, heat, heavy = "convection-diffusion", "heat-shift", "heat-shift with 20 more on the diagonal"
    return {
        "cg": (CG(), heat, 100),
        "cg+ic": (CG(IC()), "darcy-log", 100),
        "minres": (MINRES(), heat, 100),
        "minres+jacobi": (MINRES(Jacobi()), "darcy-log", 100),
        "minres, in space": (MINRES(), "poisson3d-drift", 24),
        "bicgstab": (BiCGStab(), heat, 100),
        "bicgstab+jacobi": (BiCGStab(Jacobi()), wind, 100),
        "bicgstab+ilu0": (BiCGStab(ILU0()), wind, 100),
        "idr": (IDR(), heat, 100),
        "idr+jacobi": (IDR(preconditioner=Jacobi()), wind, 100),
        "gmres+ilu0": (GMRES(30, ILU0()), wind, 100),
        "gcrodr+ilu0": (GCRODR(30, 10, ILU0()), wind, 100),
        "sketchproject": (SketchProject(), heavy, 100),
    }


def modelled(method: Any, name: str, size: int, rounds: int = 7) -> tuple[float, float, float]:
    """Modelled over measured, and the two in products.

    Examples
    --------
    >>> import resolvent as rv
    >>> from resolvent.bench.model_goals import modelled
    >>> ratio, model, clock = modelled(rv.MINRES(), "darcy-log", 12, rounds=2)
    >>> ratio == model / clock, model > 1
    (True, True)
    """
    from dataclasses import replace

    from ..api import solve
    from ..gallery import sequence
    from ..problems import LinearSystem

    word, *more = name.split(" ")
    problem = sequence(word, 1, size)[0]
    if more:
        problem = LinearSystem(sp.csr_array(problem.A + 20.0 * sp.eye_array(problem.n)), problem.b)
    x = np.random.default_rng(0).standard_normal(problem.n).astype(problem.dtype)
    product = took = np.inf
    for turn in range(rounds + 1):
        start = time.process_time()
        for _ in range(32):
            problem.product(x)
        middle = time.process_time()
        result = solve(replace(problem), method, rtol=1e-8, on_fail="ignore")
        end = time.process_time()
        if turn:
            product, took = min(product, (middle - start) / 32), min(took, end - middle)
    model, clock = float(result.cost.total), float(took / product)
    return model / clock, model, clock


def one(report: Report, say: Say, quick: bool, name: str) -> None:
    """One method on one system."""
    method, sequence, size = _cases()[name]
    with one_thread():
        ratio, model, clock = modelled(method, sequence, 12 if quick else size, 2 if quick else 7)
    say(f"{name} on {sequence}: {model:.0f} products modelled, {clock:.0f} by the clock, {ratio:.2f}")
    report(f"model: cost over seconds or its inverse, {name}", max(ratio, 1.0 / ratio), 2.0, "<=")


_NAMES = (
    "cg", "cg+ic", "minres", "minres+jacobi", "minres, in space", "bicgstab", "bicgstab+jacobi", "bicgstab+ilu0", "idr",
    "idr+jacobi", "gmres+ilu0", "gcrodr+ilu0", "sketchproject",
)  # fmt: skip
ITEMS: dict[str, Item] = {f"model {name}": partial(one, name=name) for name in _NAMES}
