"""The cost table fitted on this machine: every entry of ``core/costs.py`` by micro-benchmarks, least squares, printed.

    seconds of one event  ~  a + b nonzeros + c rows,   a, b, c >= 0

Each probe does what the package does where it counts the entry, on grids of 1e2 to 2.6e5 rows with 5, 7, 9 and 27 entries a row;
the fits minimise relative errors. What is counted together (flops, nonzeros and events of a factorization; passes and calls) is
fitted together. Takes about two minutes on one quiet core; the printed source may be pasted over the shipped table.

Reference: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23 (non-negative least squares).
"""

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp
from scipy.optimize import nnls

from ..core.costs import EVENTS, UNITS

__all__ = ["Fit", "grids", "main", "measure", "table"]

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


class Fit(NamedTuple):
    """Coefficients in microseconds, and the smallest and largest ratio of model to measurement over the samples."""

    values: tuple[float, ...]
    low: float
    high: float


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


# ---- the probes: each yields (name of the group, counts, seconds) for one problem ---------------------------------------


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
    from ..operators.engines import FusedEngine

    norms = np.empty(_STEPS)

    def fused() -> None:
        FusedEngine(problem, np.zeros(problem.n), problem.rhs.copy(), 1.0).advance(_STEPS, -1.0, norms)

    yield "cg_steps", {"cg_steps": 1}, seconds(fused) / _STEPS
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
    from ..operators.base import Stored
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

    class Kept:
        matrix_version = -2
        source = Stored.of(other)

    yield "distances", {"checks": 2}, seconds(lambda: problem.distance(Kept))
    plan = kernels.eisenstat.symbolic(problem.ip, problem.ix)
    mat, root, _, _ = kernels.eisenstat.allocate(plan, problem.dtype)
    took = seconds(lambda: kernels.eisenstat.numeric(plan, problem.ip, problem.ix, problem.data, mat, root))
    yield "gathers", {"gathers": 1}, took
    yield "jacobi gathers", {"gathers": 1}, seconds(lambda: JacobiBound(None, problem))
    took = seconds(lambda: kernels.eisenstat.allocate(kernels.eisenstat.symbolic(problem.ip, problem.ix), problem.dtype))
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
        counts: dict[str, float] = {}

        @staticmethod
        def apply(r: Any) -> Any:
            return r

    norms = np.empty(_STEPS)

    def apply() -> None:
        ApplyEngine(problem, np.zeros(problem.n), problem.rhs.copy(), 1.0, Free).advance(_STEPS, -1.0, norms)

    yield "vectors", {"products": 1, "passes": 12, "calls": 1}, seconds(apply) / _STEPS
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
    yield "ic triangular", dict(kept.counts), seconds(lambda: kept.apply(problem.rhs))


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
    yield "dense triangular", dict(bound.counts), seconds(lambda: bound.apply(problem.rhs))


def _multigrid(problem: Any) -> Iterator[tuple[str, dict[str, float], float]]:
    from importlib.util import find_spec

    from ..operators.amg import AMG

    if find_spec("pyamg") is None or not 900 <= problem.n <= 70_000:
        return
    for kind in ("rs", "sa"):
        problem.work.reset()
        bound = AMG(kind).bind(problem, {})
        counts = {k: float(v) for k, v in problem.work.setup.items()}
        counts["levels"] = float(len(bound.hierarchy.levels))
        yield f"hierarchy {kind}", counts, seconds(lambda kind=kind: AMG(kind).bind(problem, {}), 0.0)
        older = {"preconditioner.transfer": bound}
        yield f"refresh {kind}", counts, seconds(lambda kind=kind, older=older: AMG(kind).bind(problem, older), 0.0)
        counts = {"cycles": bound.counts["cycles"], "levels": counts["levels"]}
        yield f"cycles {kind}", counts, seconds(lambda bound=bound: bound.apply(problem.rhs))


_PROBES = (_products, _sweeps, _krylov, _once, _vectors, _factors, _dense, _multigrid)


def measure(largest: int = 300_000, out: Callable[[str], Any] = lambda line: None, rounds: int = 2) -> dict[str, list[Sample]]:
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


# ---- the fits ------------------------------------------------------------------------------------------------------------


def _columns(name: str, sample: Sample) -> list[float]:
    """What multiplies the coefficients of an entry, in the table's units; calls have no size, passes no nonzeros."""
    amount = sample.counts.get(name, 0.0)
    if name in UNITS:
        return [1e-3 * amount]
    if name in ("calls", "levels", "passes"):
        return [amount, 0.0, 1e-3 * amount * sample.rows * (name == "passes")]
    return [amount, 1e-3 * amount * sample.nonzeros, 1e-3 * amount * sample.rows]


def _priced(values: dict[str, tuple[float, ...]], sample: Sample, names: Any) -> float:
    """Microseconds of what is known already."""
    return sum(float(np.dot(_columns(k, sample), values[k])) for k in names if k in sample.counts)


def solve(samples: list[Sample], names: list[str], known: dict[str, tuple[float, ...]]) -> dict[str, Fit]:
    """Non-negative least squares in ratios for the entries ``names``, the others priced as known.

    Examples
    --------
    >>> two = [Sample(1000, 5000, 6e-6, {"products": 1}), Sample(2000, 10_000, 11e-6, {"products": 1})]
    >>> fit = solve(two, ["products"], {})["products"]
    >>> round(fit.values[0], 6), round(fit.low, 6), round(fit.high, 6)
    (1.0, 1.0, 1.0)
    """
    others = {k for s in samples for k in s.counts if k not in names and k in known}
    rest = np.array([1e6 * s.seconds - _priced(known, s, others) for s in samples])
    scale = np.array([1e6 * s.seconds for s in samples])
    rows = np.array([[v for name in names for v in _columns(name, s)] for s in samples])
    found = _fitted(rows, np.maximum(rest, 0.0), scale)
    ratio = (rows @ found + scale - rest) / scale
    out, at = {}, 0
    for name in names:
        count = len(_columns(name, samples[0]))
        out[name] = Fit(tuple(float(v) for v in found[at : at + count]), float(ratio.min()), float(ratio.max()))
        at += count
    return out


def relative(found: dict[str, list[Sample]], product: tuple[float, ...]) -> dict[str, list[Sample]]:
    """The samples as a machine with exactly the modelled product would have given them.

    Weights are ratios to a product of the same matrix, so what matters is the ratio measured on that matrix: out of the caches both
    sides become slower together.
    """
    own = {s[:2]: s.seconds for s in found["products"]}

    def model(s: Sample) -> float:
        return 1e-6 * float(np.dot(product, [1.0, 1e-3 * s.nonzeros, 1e-3 * s.rows]))

    return {
        group: [s._replace(seconds=s.seconds * model(s) / own[s[:2]]) for s in samples if s[:2] in own]
        for group, samples in found.items()
    }


def _fitted(rows: Any, wanted: Any, scale: Any) -> Any:
    """Reweighted until errors count by the logarithm of model over measurement, and those beyond a factor 1.3 less."""
    norms = np.linalg.norm(rows / scale[:, None], axis=0)
    norms[norms == 0] = 1.0
    weight = 1.0 / scale
    found = np.zeros(rows.shape[1])
    for _ in range(30):
        found = nnls(rows * weight[:, None] / norms, wanted * weight)[0] / norms
        model = rows @ found + scale - wanted
        off = np.abs(np.log(np.maximum(model, 1e-3 * scale) / scale))
        weight = np.sqrt(np.minimum(1.0, np.log(1.3) / np.maximum(off, 1e-12)) / (np.maximum(model, 0.1 * scale) * scale))
    return found


def table(found: dict[str, list[Sample]]) -> dict[str, Fit]:
    """Every entry of the cost table from the samples, in an order in which what is needed is known."""
    fits = solve(found["products"], ["products"], {})
    found = relative(found, fits["products"].values)
    known = {"products": fits["products"].values}

    def fit(groups: list[str], names: list[str]) -> None:
        samples = [s for g in groups for s in found.get(g, [])]
        if samples:
            fits.update(solve(samples, names, known))
            known.update({k: fits[k].values for k in names})

    for name in ("sweeps", "cg_steps", "ssor_steps", "checks", "gathers", "symbolics", "symmetry", "orderings"):
        fit([name], [name])
    fit(["loop"], ["calls"])
    fit(["vectors"], ["passes"])
    fit(["ic_factorizations"], ["ic_factorizations"])
    fit(["factors"], ["factorizations", "factor_flops", "factor_nonzeros"])
    fit(["triangular"], ["triangular"])
    fit(["dense"], ["dense_flops"])
    fit(["hierarchy rs", "hierarchy sa"], ["hierarchy"])
    fit(["cycles rs", "cycles sa"], ["cycles"])
    return fits


def main(out: Callable[[str], Any] = print, largest: int = 300_000) -> dict[str, Fit]:
    """Measure, fit, and print the table as source beside the shipped values.

    Parameters
    ----------
    out : callable
        Takes the lines.
    largest : int
        Rows of the largest grid.

    Returns
    -------
    dict of str to Fit
    """
    from .threads import one_thread

    with one_thread():
        found = measure(largest, out)
    fits = table(found)
    for line in source(fits):
        out(line)
    for line in remarks(found, fits):
        out(line)
    return fits


def source(fits: dict[str, Fit]) -> Iterator[str]:
    """The table as Python source; behind each entry the shipped one and the range of model over measurement."""
    first = fits["products"].values if "products" in fits else EVENTS["products"]
    yield f"PRODUCT: tuple[float, float, float] = ({', '.join(f'{v:.3g}' for v in first)})"
    yield "EVENTS: dict[str, tuple[float, float, float]] = {"
    for name, shipped in EVENTS.items():
        fit = fits.get(name)
        values = "PRODUCT" if name == "products" else f"({', '.join(f'{v:.3g}' for v in (fit.values if fit else shipped))})"
        yield f'    "{name}": {values},  # shipped {shipped}; {_range(fit)}'
    yield "}"
    yield "UNITS: dict[str, float] = {"
    for name, old in UNITS.items():
        fit = fits.get(name)
        yield f'    "{name}": {fit.values[0] if fit else old:.3g},  # shipped {old}; {_range(fit)}'
    yield "}"


def _range(fit: Fit | None) -> str:
    return "not measured" if fit is None else f"model/measured {fit.low:.2f} to {fit.high:.2f}"


_ALONE = {
    "residuals": ["products"],
    "distances": ["checks"],
    "jacobi gathers": ["gathers"],
    "width": ["symmetry"],
    "ic triangular": ["triangular", "calls"],
    "ic triangular by rows": ["ic_solves"],
    "dense triangular": ["triangular", "calls"],
    "triangular": ["triangular", "calls"],
    "hierarchy rs": ["hierarchy", "levels"],
    "hierarchy sa": ["hierarchy", "levels"],
    "refresh rs": ["hierarchy", "levels"],
    "refresh sa": ["hierarchy", "levels"],
    "cycles rs": ["cycles", "levels"],
    "cycles sa": ["cycles", "levels"],
}


def remarks(found: dict[str, list[Sample]], fits: dict[str, Fit]) -> Iterator[str]:
    """What is counted under a shared name, fitted alone: where these differ much, one name is too few."""
    found = relative(found, fits["products"].values)
    for group, names in _ALONE.items():
        samples = found.get(group.removesuffix(" by rows"), [])
        if group.endswith("by rows"):
            samples = [s._replace(counts={names[0]: 1.0}) for s in samples]
        if samples:
            alone = solve(samples, names, {})
            what = "; ".join(f"{k} ({', '.join(f'{v:.3g}' for v in alone[k].values)})" for k in names)
            yield f"# {group} alone: {what}; {_range(alone[names[0]])}"
