"""Recycling and deflation on a drifting sequence, beside what they stand against: products, iterations, seconds, in turn."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from .threads import one_thread

__all__ = ["deflation", "recycling"]


def _turns(
    problems: Any, runs: dict[str, Callable[[Any], tuple[Any, float]]], rtol: float
) -> dict[str, dict[str, float]]:
    """Each run meets each problem, who begins moves on; seconds, what it counted, and how often it missed."""
    names = list(runs)
    found = {name: {"seconds": 0.0, "counted": 0.0, "failed": 0.0} for name in names}
    for i, problem in enumerate(problems):
        for k in range(len(names)):
            name = names[(i + k) % len(names)]
            start = time.perf_counter()
            x, counted = runs[name](problem)
            row = found[name]
            row["seconds"] += time.perf_counter() - start
            row["counted"] += counted
            error = float(np.linalg.norm(problem.b - problem.A @ x))
            row["failed"] += not error <= 1.01 * rtol * float(np.linalg.norm(problem.b))
    return found


def _session(method: Any, learners: Any, rtol: float, what: str) -> Callable[[Any], tuple[Any, float]]:
    from ..core import Session

    session = Session(method, learners, rtol=rtol, on_fail="ignore")

    def run(problem: Any) -> tuple[Any, float]:
        result = session.solve(replace(problem))
        return result.x, float(result.steps if what == "steps" else result.work["products"])

    return run


def recycling(count: int = 200, size: int = 100, rtol: float = 1e-8) -> dict[str, Any]:
    """GCRO-DR(50, 15) that carries its space, GMRES(50), and SciPy's gcrotmk with its own, all with Jacobi, on darcy-path.

    Returns
    -------
    dict
        ``rows`` by name, ``products`` (GMRES(50) over ours) and ``seconds`` (ours over gcrotmk's).
    """
    from scipy.sparse.linalg import LinearOperator

    from ..gallery import sequence
    from ..learners import Recycle
    from ..methods import GCRODR, GMRES, Jacobi
    from .krylov_peers import SOLVERS, Carrying, jacobi
    from .peers import silenced

    peer = Carrying("gcrotmk", SOLVERS["gcrotmk, CU carried"][1], jacobi, rtol=rtol)

    def carried(problem: Any) -> tuple[Any, float]:
        seen = [0]

        def product(x: Any) -> Any:
            seen[0] += 1
            return problem.A @ x

        class Counted:
            A = LinearOperator(problem.A.shape, matvec=product, dtype=problem.dtype)
            b, dtype = problem.b, problem.dtype

        Counted.A.diagonal = problem.A.diagonal
        return peer(Counted)[0], float(seen[0])

    runs = {
        "ours": _session(GCRODR(50, 15, Jacobi()), [Recycle()], rtol, "products"),
        "GMRES(50)": _session(GMRES(50, Jacobi()), [], rtol, "products"),
        "SciPy gcrotmk, CU carried": carried,
    }
    with one_thread(), silenced():
        for run in runs.values():
            run(sequence("darcy-path", 1, 12)[0])
        peer.CU.clear()
        rows = _turns(sequence("darcy-path", count, size), runs, rtol)
    ours = rows["ours"]
    return {
        "rows": rows,
        "products": rows["GMRES(50)"]["counted"] / ours["counted"],
        "seconds": ours["seconds"] / rows["SciPy gcrotmk, CU carried"]["seconds"],
        "failed": ours["failed"],
    }


OMEGAS = (1.8, 1.85, 1.9, 1.95)


def deflation(count: int = 50, size: int = 256, rtol: float = 1e-8) -> dict[str, Any]:
    """Deflated CG, by carried vectors (with IC(0): SSOR is no ``apply``) and by sub-domains, against SSOR-CG, on darcy-path.

    A session that may choose among the three is in the table too: where deflation does not pay, that learner is to leave it.

    Returns
    -------
    dict
        ``rows`` by name; ``dense_steps`` and ``dense_seconds`` (over the best plain one), ``blocks_faster`` (the best plain
        one's seconds over those by sub-domains); ``tried`` (systems that the choosing session solved by deflation),
        ``late`` (those among the last half), ``said`` (its summary).
    """
    from ..gallery import sequence
    from ..learners import Recycle
    from ..methods import CG, SSOR, DeflatedCG
    from ..operators import IC
    from .peers import silenced

    choosing = _choosing(rtol)
    used: list[str] = []

    def choose(problem: Any) -> tuple[Any, float]:
        result = choosing.solve(replace(problem))
        used.append(type(result.method).__name__)
        return result.x, float(result.steps)

    runs = {f"SSOR-CG, omega {omega}": _session(CG(SSOR(omega)), [], rtol, "steps") for omega in OMEGAS}
    runs["dense"] = _session(DeflatedCG(blocks=0, preconditioner=IC(), precision="single"), [Recycle()], rtol, "steps")
    runs["by sub-domains"] = _session(DeflatedCG(), [], rtol, "steps")
    runs["one that chooses"] = choose
    with one_thread(), silenced():
        for run in runs.values():
            run(sequence("darcy-path", 1, 12)[0])
        choosing, used[:] = _choosing(rtol), []
        rows = _turns(sequence("darcy-path", count, size), runs, rtol)
    plain = min((rows[name] for name in rows if name.startswith("SSOR")), key=lambda row: row["seconds"])
    return {
        "rows": rows,
        "dense_steps": rows["dense"]["counted"] / plain["counted"],
        "dense_seconds": rows["dense"]["seconds"] / plain["seconds"],
        "blocks_faster": plain["seconds"] / rows["by sub-domains"]["seconds"],
        "failed": sum(row["failed"] for row in rows.values()),
        "tried": used.count("DeflatedCG"),
        "late": used[len(used) // 2 :].count("DeflatedCG"),
        "said": choosing.summary(),
    }


def _choosing(rtol: float) -> Any:
    """A session that chooses between SSOR-CG and both kinds of deflation, and is told of none that it cannot pay."""
    from ..core import Session
    from ..learners import Recycle
    from ..learners.select import Arm, Select
    from ..learners.tune.climb import Climb
    from ..methods import CG, SSOR, DeflatedCG
    from ..operators import IC

    def arms(problem: Any) -> list[Arm]:
        return [
            Arm("cg+ssor", CG(SSOR(1.7)), [Climb("preconditioner.omega", start=1.7)]),
            Arm("deflated cg, sub-domains", DeflatedCG()),
            Arm("deflated cg, carried vectors", DeflatedCG(blocks=0, preconditioner=IC()), [Recycle()], carries=True),
        ]

    return Session(CG(SSOR(1.7)), [Select(arms)], rtol=rtol, on_fail="ignore")
