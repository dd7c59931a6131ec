"""Micro-benchmarks behind the cost table: each does, and times, what the package does where it counts an entry.

A probe yields for one problem ``group, counts, seconds``; the counts are those that the package would enter in its books.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, ClassVar, NamedTuple

import numpy as np
import scipy.sparse as sp

__all__ = ["Sample", "grids", "measure", "seconds"]

_SIZES = (10, 24, 56, 100, 256, 512)
_CUBES = (6, 10, 16, 24, 40, 64)
_FLOPS = 1.5e9  # no factorization above this many multiply-adds is timed
_STEPS = 24


class Sample(NamedTuple):
    """One timed piece of work: its size, and how much of what was done."""

    rows: int
    nonzeros: int
    seconds: float
    counts: dict[str, float]


def grids(largest: int = 300_000) -> Iterator[Any]:
    """Systems on grids: 5 and 9 points in the plane, 7 and 27 in space, shifted so that they are positive definite.

    Parameters
    ----------
    largest : int
        No more rows than this.

    Yields
    ------
    LinearSystem
    """
    from ..problems import LinearSystem

    for m, d, dense in [
        *((m, 2, False) for m in _SIZES),
        *((m, 2, True) for m in _SIZES[1:5]),
        *((m, 3, False) for m in _CUBES),
        *((m, 3, True) for m in _CUBES[1:5]),
    ]:
        if m**d <= largest:
            A = _grid(m, d, dense)
            b = np.random.default_rng(m).standard_normal(A.shape[0])
            yield LinearSystem(A, b, symmetric=True, positive_definite=True)


def _grid(m: int, d: int, dense: bool) -> Any:
    line = sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1]).tocsr()
    near = sp.diags_array([np.ones(m - 1), 4.0 * np.ones(m), np.ones(m - 1)], offsets=[-1, 0, 1]).tocsr() / 6
    other = near if dense else sp.eye_array(m, format="csr")
    A = sp.csr_array((m**d, m**d))
    for axis in range(d):
        term = sp.csr_array(np.ones((1, 1)))
        for k in range(d):
            term = sp.kron(term, line if k == axis else other, format="csr")
        A = A + term
    A = sp.csr_array(A + 0.02 * sp.eye_array(m**d, format="csr"))
    A.sum_duplicates()
    A.sort_indices()
    return A


def seconds(call: Callable[[], Any], budget: float = 0.05) -> float:
    """Median seconds of a call, warm, repeated within a budget (5 to 51 samples of at least 0.2 ms; 3 of long ones).

    Examples
    --------
    >>> 0.0 < seconds(lambda: sum(range(100)), budget=0.001) < 0.01
    True
    """
    call()
    start = time.perf_counter()
    call()
    once = max(time.perf_counter() - start, 1e-7)
    if once > 0.1:
        start = time.perf_counter()
        call()
        return min(once, time.perf_counter() - start)
    inner = max(1, int(2e-4 / once))
    samples = []
    for _ in range(min(51, max(5, int(budget / (inner * once))))):
        start = time.perf_counter()
        for _ in range(inner):
            call()
        samples.append((time.perf_counter() - start) / inner)
    return statistics.median(samples)


# ---- the probes ------------------------------------------------------------------------------------------------------


def _products(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    x = problem.rhs.copy()
    yield "products", {"products": 1}, seconds(lambda: problem.product(x))
    yield "residuals", {"products": 1}, seconds(lambda: problem.residual(x))


def _sweeps(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    from .. import kernels
    from ..methods.stationary.sweeps import sweep_init

    state = sweep_init(problem, None, {}, _STEPS)
    args = (problem.ip, problem.ix, problem.data, state.positions, state.x, state.r, state.dx, 1.0)
    took = seconds(lambda: kernels.sor.sor(*args, _STEPS, -1.0, state.norms))
    yield "sweeps", {"sweeps": 1}, took / _STEPS


def _krylov(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    """Fused CG and Eisenstat's form, their starts apart."""
    from .. import kernels
    from ..methods.krylov.bicgstab import FusedBiCGStab
    from ..methods.krylov.minres import FusedMINRES
    from ..methods.stationary.sketch import SketchProject
    from ..operators.engines import FusedEngine

    norms = np.empty(_STEPS)

    def fused() -> None:
        FusedEngine(problem, np.zeros(problem.n), problem.rhs.copy(), 1.0).advance(_STEPS, -1.0, norms)

    yield "cg_steps", {"cg_steps": 1}, seconds(fused) / _STEPS
    for name, engine in (("minres_steps", FusedMINRES), ("bicgstab_steps", FusedBiCGStab)):

        def some(engine: Any = engine) -> None:
            engine(problem, np.zeros(problem.n), problem.rhs.copy(), 1.0).advance(_STEPS, -1.0, norms)

        yield name, {name: 1}, seconds(some) / _STEPS
    sketch = SketchProject()
    rows = sketch.init(problem, None, {})
    yield "projections", {"projections": 1}, seconds(lambda: sketch._rows(problem, rows))
    plan = kernels.eisenstat.symbolic(problem.ip, problem.ix)
    mat, root, vec, scal = kernels.eisenstat.allocate(plan, problem.dtype)
    kernels.eisenstat.numeric(plan, problem.ip, problem.ix, problem.data, mat, root)

    def begin() -> None:
        kernels.eisenstat.start(plan, mat, root, 1.5, problem.rhs, vec, scal)

    def steps() -> None:
        begin()
        kernels.eisenstat.cg(plan, mat, root, vec, scal, _STEPS, -1.0, norms)

    yield "ssor_steps", {"ssor_steps": 1}, max(seconds(steps) - seconds(begin), 1e-7) / _STEPS


def _once(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    """Comparisons, gathers and symbolic work."""
    from dataclasses import replace

    from .. import kernels
    from ..operators.ssor import JacobiBound
    from ..problems import checks

    memory = problem.memory
    other = replace(problem, A=problem.A * 1.001)
    pair = [problem, other]

    def compare() -> None:
        pair.reverse()
        pair[0].compare(memory)

    yield "checks", {"checks": 1}, seconds(compare)
    problem.compare(memory)
    plan = kernels.eisenstat.symbolic(problem.ip, problem.ix)
    mat, root, _, _ = kernels.eisenstat.allocate(plan, problem.dtype)
    took = seconds(lambda: kernels.eisenstat.numeric(plan, problem.ip, problem.ix, problem.data, mat, root))
    yield "gathers", {"gathers": 1}, took
    yield "diagonals", {"diagonals": 1}, seconds(lambda: JacobiBound(None, problem))
    took = seconds(
        lambda: kernels.eisenstat.allocate(kernels.eisenstat.symbolic(problem.ip, problem.ix), problem.dtype)
    )
    yield "symbolics", {"symbolics": 1}, took
    yield "symmetry", {"symmetry": 1}, seconds(lambda: checks.found_symmetric(problem))
    yield "width", {"symmetry": 2}, seconds(lambda: kernels.csr.bfs_width(problem.ip, problem.ix))


def _vectors(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    """CG with an application that costs nothing: product, passes and calls; and the loop around a small step."""
    from ..core import Residual, Steps
    from ..core.loop import drive
    from ..methods import CG
    from ..operators.engines import ApplyEngine

    class Free:
        counts: ClassVar[dict[str, float]] = {}

        @staticmethod
        def apply(r: Any) -> Any:
            return r

    norms = np.empty(_STEPS)

    def apply() -> None:
        ApplyEngine(problem, np.zeros(problem.n), problem.rhs.copy(), 1.0, Free).advance(_STEPS, -1.0, norms)

    yield "vectors", {"products": 1, "passes": 12, "calls": 1}, seconds(apply) / _STEPS
    block, w = np.zeros((24, problem.n)), problem.rhs.copy()
    yield "basis", {"basis": 48}, seconds(lambda: (block @ w) @ block)
    if problem.n < 4000:
        rule = Residual(1e-3) | Steps(1000)
        done = drive(problem, CG(stride=1), rule).steps
        short = seconds(lambda: drive(problem, CG(stride=1000), rule))
        long = seconds(lambda: drive(problem, CG(stride=1), rule))
        yield "loop", {"calls": 1}, max(long - short, 1e-7) / max(1, done - 1)


def _factors(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    """Orderings, factorizations, and passes over the factors."""
    from ..methods import Direct
    from ..operators.factor import FactorBound, _ordering
    from ..operators.ic import IC

    if not problem.symbolic.get("too large"):
        A = sp.csc_array(problem.A)
        yield "orderings", {"orderings": 1}, seconds(lambda: _ordering(A), 0.0)
        problem.work.reset()
        FactorBound(Direct(), problem)
        problem.work.reset()
        bound = FactorBound(Direct(), problem)
        counts = {k: float(v) for k, v in problem.work.setup.items()}
        problem.work.reset()
        yield "factors", counts, seconds(lambda: FactorBound(Direct(), problem), 0.2)
        yield "triangular", dict(bound.counts), seconds(lambda: bound.apply(problem.rhs))
    IC().bind(problem, {})
    yield "ic_factorizations", {"ic_factorizations": 1}, seconds(lambda: IC().bind(problem, {}))
    kept = IC().bind(problem, {})
    yield "ic_solves", dict(kept.counts), seconds(lambda: kept.apply(problem.rhs))


def _incomplete(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    """ILU(0), ILUT and block Jacobi: set-ups and applications."""
    from ..operators import ILU0, ILUT, BlockJacobi

    recipes = {"ilu": ILU0(), "ilut": ILUT(), "block": BlockJacobi(4)}
    if problem.nonzeros > 1_000_000:
        del recipes["ilut"]
    for name, recipe in recipes.items():
        recipe.bind(problem, {})  # the symbolic part
        problem.work.reset()
        bound = recipe.bind(problem, {})
        counts = {k: float(v) for k, v in problem.work.setup.items()}
        yield name, counts, seconds(lambda recipe=recipe: recipe.bind(problem, {}), 0.1)
        group = "triangular ilut" if name == "ilut" else f"{name} applied"
        yield group, dict(bound.counts), seconds(lambda bound=bound: bound.apply(problem.rhs))


def _dense(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    from ..methods import Direct
    from ..operators.factor import DenseFactorBound
    from ..problems import LinearSystem

    if not 500 < problem.n <= 2500:
        return
    full = LinearSystem(np.asarray(problem.A.toarray()), problem.rhs, symmetric=True)
    full.compare({})
    full.work.reset()
    bound = DenseFactorBound(Direct(), full)
    counts = {k: float(v) for k, v in full.work.setup.items()}
    yield "dense", counts, seconds(lambda: DenseFactorBound(Direct(), full), 0.2)
    yield "dense_triangular", dict(bound.counts), seconds(lambda: bound.apply(problem.rhs))


def _multigrid(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    from importlib.util import find_spec

    from ..operators.amg import AMG

    if find_spec("pyamg") is None or not 900 <= problem.n <= 70_000:
        return
    for kind in ("rs", "sa"):
        problem.work.reset()
        bound = AMG(kind).bind(problem, {})
        counts = {k: float(v) for k, v in problem.work.setup.items()}
        yield f"hierarchy {kind}", counts, seconds(lambda kind=kind: AMG(kind).bind(problem, {}), 0.0)
        older = {"preconditioner.transfer": bound}
        yield f"refresh {kind}", counts, seconds(lambda kind=kind, older=older: AMG(kind).bind(problem, older), 0.0)
        yield f"cycles {kind}", dict(bound.counts), seconds(lambda bound=bound: bound.apply(problem.rhs))


_PROBES = (_products, _sweeps, _krylov, _once, _vectors, _factors, _incomplete, _dense, _multigrid)


def measure(
    largest: int = 300_000, out: Callable[[str], Any] = lambda line: None, rounds: int = 2
) -> dict[str, list[Sample]]:
    """Time every probe on every grid.

    Parameters
    ----------
    largest : int
        Rows of the largest grid.
    out : callable
        Told each grid when it is done.
    rounds : int
        Medians taken of each; the smaller stands, because another program can only slow it down.

    Returns
    -------
    dict of str to list of Sample
    """
    from .. import kernels

    found: dict[str, list[Sample]] = {}
    for problem in [problem for problem in grids(largest) for _ in range(rounds)]:
        problem.compare({})
        width = float(kernels.csr.bfs_width(problem.ip, problem.ix))
        problem.symbolic["too large"] = 10 * width**3 > _FLOPS
        start = time.perf_counter()
        for probe in _PROBES:
            for group, counts, took in probe(problem):
                _enter(found.setdefault(group, []), Sample(problem.n, problem.nonzeros, took, counts))
        out(f"# {problem.n} rows, {problem.nonzeros} nonzeros: {time.perf_counter() - start:.1f} s")
    return found


def _enter(samples: list[Sample], new: Sample) -> None:
    """Of the same piece of work the faster round stands."""
    for i, old in enumerate(samples):
        if old[:2] == new[:2] and old.counts == new.counts:
            samples[i] = min(old, new, key=lambda sample: sample.seconds)
            return
    samples.append(new)
