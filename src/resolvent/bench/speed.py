"""What a step and a Session cost beyond their kernels, in products and microseconds; medians, interleaved, warm."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from .threads import one_thread

__all__ = ["fixed_cost", "products_per_step", "session_overhead"]

_ROUNDS = 11


def products_per_step(size: int, omega: float = 1.9, steps: int = 40) -> dict[str, float]:
    """One iteration of CG with SSOR through the public method, in products, on darcy-log.

    The product is the faster of SciPy's ``A @ x`` and our kernel; all three are timed in turn, `_ROUNDS` times,
    medians.

    Returns
    -------
    dict
        ``products``, ``step_us``, ``scipy_us``, ``kernel_us``.
    """
    from .. import kernels
    from ..gallery import sequence
    from ..methods import CG, SSOR

    problem = sequence("darcy-log", 1, size)[0]
    problem.compare({})
    method = CG(SSOR(omega))
    x, y = np.ones(problem.n), np.empty(problem.n)
    took: dict[str, list[float]] = {"step": [], "scipy": [], "kernel": []}
    with one_thread():
        for _ in range(_ROUNDS + 1):
            state = method.init(problem, None, {})
            state.goal, state.room = 1e-300, steps
            start = time.perf_counter()
            while state.k < steps:
                method.step(problem, state)
            took["step"].append((time.perf_counter() - start) / steps)
            method.harvest(problem, state)
            took["scipy"].append(_each(lambda: problem.A @ x, steps))
            took["kernel"].append(_each(lambda: kernels.csr.spmv(problem.ip, problem.ix, problem.data, x, y), steps))
    median = {k: statistics.median(v[1:]) for k, v in took.items()}
    product = min(median["scipy"], median["kernel"])
    return {
        "products": median["step"] / product,
        "step_us": 1e6 * median["step"],
        "scipy_us": 1e6 * median["scipy"],
        "kernel_us": 1e6 * median["kernel"],
    }


def _each(call: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        call()
    return (time.perf_counter() - start) / count


def session_overhead(auto: bool, count: int = 1500) -> dict[str, float]:
    """Microseconds of one ``Session.solve`` at n = 100 beyond the bare kernel calls that the same solve needs.

    Systems of one pattern with values changing, made beforehand, each solved once. After each solve the kernels alone
    do the same work: for SSOR numeric, start, the iterations, solution; for Jacobi or none the fused iterations; and
    one residual. With auto the first half of the systems is for learning, and what a guess multiplies counts as
    overhead.

    Returns
    -------
    dict
        ``overhead_us``, ``solve_us``, ``kernel_us`` (medians), ``counted`` (solves that entered).
    """
    from ..core import Session
    from ..gallery import sequence
    from ..methods import CG, SSOR

    problems = list(sequence("synthetic-shift", count, 10))
    session = Session(rtol=1e-8) if auto else Session(CG(SSOR(1.5)), rtol=1e-8)
    solves, bare = [], []
    with one_thread():
        for i, problem in enumerate(problems):
            start = time.perf_counter()
            result = session.solve(problem)
            took = time.perf_counter() - start
            alone = fixed_cost(problem, result)
            if alone is not None and i >= (count // 2 if auto else count // 10):
                solves.append(took)
                bare.append(alone)
    solve, kernel = statistics.median(solves), statistics.median(bare)
    return {
        "overhead_us": 1e6 * (solve - kernel),
        "solve_us": 1e6 * solve,
        "kernel_us": 1e6 * kernel,
        "counted": len(solves),
    }


def fixed_cost(problem: Any, result: Any) -> float | None:
    """Seconds of the bare kernel calls behind a result of CG; None for methods without a kernel of their own."""
    from ..methods import CG, SSOR, Jacobi

    method = result.method
    inner = getattr(method, "preconditioner", None)
    if not isinstance(method, CG) or not (inner is None or isinstance(inner, SSOR | Jacobi)):
        return None
    run = _eisenstat if isinstance(inner, SSOR) else _fused
    x = np.zeros(problem.n)
    r = problem.rhs - problem.A @ x
    return run(problem, inner, x, r, result.steps)


def _eisenstat(problem: Any, inner: Any, x: Any, r: Any, steps: int) -> float:
    from .. import kernels

    e = kernels.eisenstat
    plan = problem.symbolic.get("eisenstat.plan")
    if plan is None:
        plan = problem.symbolic["eisenstat.plan"] = e.symbolic(problem.ip, problem.ix)
    mat, root, vec, scal = e.allocate(plan, problem.dtype)
    norms, out = np.empty(max(steps, 1)), np.empty_like(x)
    begin = time.perf_counter()
    e.numeric(plan, problem.ip, problem.ix, problem.data, mat, root)
    e.start(plan, mat, root, inner.omega, r, vec, scal)
    e.cg(plan, mat, root, vec, scal, steps, -1.0, norms)
    e.solution(plan, root, vec, scal, x, out)
    kernels.csr.residual(problem.ip, problem.ix, problem.data, out, problem.rhs, r)
    return time.perf_counter() - begin


def _fused(problem: Any, inner: Any, x: Any, r: Any, steps: int) -> float:
    from .. import kernels

    use = inner is not None
    inverse = 1.0 / problem.A.diagonal() if use else np.empty(1)
    p, q, scal, norms = np.empty_like(r), np.empty_like(r), np.zeros(4), np.empty(max(steps, 1))
    begin = time.perf_counter()
    kernels.cg.cg(problem.ip, problem.ix, problem.data, inverse, use, x, r, p, q, scal, steps, -1.0, norms)
    kernels.csr.residual(problem.ip, problem.ix, problem.data, x, problem.rhs, r)
    return time.perf_counter() - begin
