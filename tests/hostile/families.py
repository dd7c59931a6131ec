"""Hostile problems of the families other than linear systems: case x method x dtype x {cold, in a session}, judged.

A case is a function of (rng, dtype) entered by ``@case(family)``; it gives a Case: how the problem is made, what must not be
written to, and the judge of its answers. The table of what is allowed is ``family_table``, the judge ``family_judge``.
"""

import dataclasses
import importlib.util
import signal
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np

import resolvent as rv
from resolvent.methods import Armijo, Cubic


def sibling(name):
    """A module of this folder, loaded by path once."""
    full = f"resolvent_hostile_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


table, judge = sibling("family_table"), sibling("family_judge")
FATAL = ("silent", "escaped", "modified", "hang", "forbidden", "false fact", "failed", "warning", "spoiled")
SECONDS = 90.0  # of the processor for one solve, in which kernels may have to be compiled
SINGLE = ("fixedpoint", "inclusion", "smooth", "composite", "transport")
METHODS = {
    "fixedpoint": {
        "auto": "auto", "picard": rv.Picard(), "anderson": rv.Anderson(), "km": rv.KrasnoselskiiMann(),
        "halpern": rv.Halpern(), "restarted": rv.RestartedHalpern(), "displacement": rv.Displacement(),
        "linearized": rv.Linearized(), "newtonkrylov": rv.NewtonKrylov(),
    },
    "inclusion": {
        "auto": "auto", "extragradient": rv.Extragradient(), "anchored": rv.AnchoredExtragradient(),
        "vrhalpern": rv.VRHalpern(), "vrmonotone": rv.VRHalpernMonotone(),
    },
    "smooth": {
        "auto": "auto", "newton": rv.Newton(), "lazynewton": rv.LazyNewton(), "cubic": rv.Newton(Cubic()),
        "armijo": rv.Newton(Armijo()), "saddlefree": rv.SaddleFreeNewton(), "sketched": rv.SaddleFreeNewton(2),
        "oasis": rv.OASIS(), "fosi": rv.FOSI(), "descent": rv.GradientDescent(), "heavyball": rv.HeavyBall(),
    },
    "composite": {
        "auto": "auto", "coordinate": rv.CoordinateDescent(), "forest": rv.ForestDescent(),
        "blocks": rv.BlockDescent(), "twometric": rv.TwoMetric(),
        "plain": rv.CoordinateDescent(False, False, False),
    },
    "transport": {
        "auto": "auto", "sinkhorn": rv.Sinkhorn(), "overrelaxed": rv.Sinkhorn(1.5), "newton": rv.SinkhornNewton(),
        "sparsified": rv.SinkhornNewtonSparse(), "sparseplan": rv.SparseTransport(),
    },
    "completion": {"auto": "auto", "alternating": rv.AlternatingMinimization()},
}  # fmt: skip
SAME_MEASURE = ("fixedpoint", "inclusion", "smooth", "completion")
STEPS = {"fixedpoint": 400, "inclusion": 400, "smooth": 400, "composite": 2000, "transport": 1000, "completion": 300}


@dataclasses.dataclass
class Case:
    """One problem: ``build()`` makes it, ``inputs`` must stay as they are, ``judge(result, rtol, atol)`` measures."""

    build: object
    judge: object = None
    inputs: tuple = ()
    x0: object = None
    rtol: float = 1e-6
    atol: float = 0.0
    floor: float = 0.0


CASES = {}


def case(family):
    """Enter a case under the name of its function, without the family before it."""

    def enter(make):
        CASES[f"{family}/{make.__name__.removeprefix(family + '_')}"] = make
        return make

    return enter


def enter(family, **made):
    """Enter several at once."""
    for name, make in made.items():
        CASES[f"{family}/{name}"] = make


@dataclasses.dataclass
class Tally:
    """What was counted, and one line for each finding."""

    count: Counter = dataclasses.field(default_factory=Counter)
    ends: Counter = dataclasses.field(default_factory=Counter)
    findings: list = dataclasses.field(default_factory=list)

    def found(self, kind, where, what):
        self.count[kind] += 1
        self.findings.append((kind, where, what))

    def figures(self):
        """The counts that are promised."""
        return {"solves": self.count["solves"], "judged": self.count["judged"], "compared": self.count["compared"]} | {
            k: self.count[k] for k in FATAL
        }


class TooLong(BaseException):
    """Raised by the alarm in a solve that does not end."""


def _ring(number, frame):
    raise TooLong


# ---- one solve -----------------------------------------------------------------------------------------------------


def attempt(tally, where, given, row, method, call):
    """One solve under the judge's eyes: ``call(problem, x0)`` gives a Result."""
    before = [np.asarray(v).tobytes() for v in (*given.inputs, *([] if given.x0 is None else [given.x0]))]
    tally.count["solves"] += 1
    result = error = None
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            result = call(given.build(), given.x0)
    except TooLong:
        tally.found("hang", where, f"over {SECONDS} s")
    except Exception as escaped:
        error = escaped
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    for w in told:
        if not issubclass(w.category, rv.ConvergenceWarning):
            tally.found("warning", where, f"{w.category.__name__}: {w.message}")
    if before != [np.asarray(v).tobytes() for v in (*given.inputs, *([] if given.x0 is None else [given.x0]))]:
        tally.found("modified", where, "the input is not what it was")
    if error is not None:
        _refused(tally, where, row, error)
    elif result is not None:
        _ended(tally, where, given, row, method, result, told)
    return result


def _refused(tally, where, row, error):
    text = str(error)
    tally.ends[where[0], type(error).__name__] += 1
    plain = type(error) in (ValueError, TypeError) and "\n" not in text and 10 < len(text) < 300
    lacking = plain and "cannot be used here" in text and where[1] != "auto"
    if not lacking and not (plain and row.raises):
        tally.found("escaped", where, f"{type(error).__name__}: {text[:200]}")


def _ended(tally, where, given, row, method, result, told):
    name = result.status.name
    tally.ends[where[0], name] += 1
    if name not in row.ends:
        tally.found("forbidden", where, result.reason[:200])
    ours = sum(issubclass(w.category, rv.ConvergenceWarning) for w in told)
    if "cold" in where and ours != (not result.ok):
        tally.found("warning", where, f"{name} with {ours} warnings")
    _published(tally, where, given, row, result)
    if not result.ok:
        if method in row.must:
            tally.found("failed", where, result.reason[:200])
        return
    tally.count["judged"] += 1
    if given.judge is None:
        tally.found("silent", where, f"{name} where nothing can be an answer")
        return
    with np.errstate(all="ignore"):
        measure, most = given.judge(result, given.rtol, given.atol)
    if not measure <= most:
        said = result.seen.get("residual")
        tally.found("silent", where, f"{name}: measure {_short(measure)}, allowed {_short(most)}, said {_short(said)}")


def _published(tally, where, given, row, result):
    """The residual that is published is that of the x that is returned, of failures too; only where nothing changes."""
    said, x = result.seen.get("residual"), result.x
    parts = x if isinstance(x, tuple) else (x,)
    still = "ERROR" not in row.ends and where[0].split("/")[0] in SAME_MEASURE and given.judge is not None
    if not still or said is None or x is None or not all(np.isfinite(p).all() for p in parts):
        return
    with np.errstate(all="ignore"):
        measure, spare = given.judge(result, 0.0, 0.0)
        off = abs(judge.WIDE(said) - measure)
    tally.count["compared"] += 1
    if np.isfinite(said) and not off <= 1e-2 * measure + spare:
        tally.found("false fact", where, f"{result.status.name}: {_short(said)} is said, {_short(measure)} is true")


def _short(v):
    return np.format_float_scientific(judge.WIDE(v), precision=6)


def made(name, dtype, seed):
    """The case; the same for the same arguments."""
    return CASES[name](np.random.default_rng([seed, *map(ord, name)]), np.dtype(dtype))


def _options(family, given):
    return {"rtol": given.rtol, "atol": given.atol, "max_steps": STEPS[family]}


def cold(tally, name, method, dtype, seed):
    """From nothing."""
    family, given = name.split("/")[0], made(name, dtype, seed)
    if dtype == "float32":
        given.rtol = max(given.rtol, 1e-3) if given.rtol else 0.0
    call = lambda problem, x0: rv.solve(problem, METHODS[family][method], x0=x0, **_options(family, given))
    attempt(tally, (name, method, dtype, "cold", seed), given, table.TABLE[name], method, call)


FIRST = {f: next(n for n, row in table.TABLE.items() if n.startswith(f + "/") and row.must) for f in METHODS}


def warm(tally, name, method, dtype, seed):
    """In a session: a benign problem, the case, it again, the benign one again, which must go as it went before."""
    family, rtol = name.split("/")[0], 1e-3 if dtype == "float32" else 1e-6
    learners = [] if method == "auto" else [rv.Warm() if family in ("fixedpoint", "inclusion") else rv.Guess()]
    session = rv.Session(METHODS[family][method], learners, on_fail="ignore", rtol=rtol, max_steps=STEPS[family])
    went = []
    for k, which in enumerate((FIRST[family], name, name, FIRST[family])):
        given = made(which, dtype, seed)
        given.rtol, given.atol = rtol, 0.0
        where = (which, method, dtype, f"warm {k} of {name}", seed)
        result = attempt(tally, where, given, table.TABLE[which], None, session.solve)
        went.append(result is not None and result.ok)
    if went[0] and not went[3]:
        tally.found("spoiled", (name, method, dtype, "warm", seed), "a good problem fails after this one")


MODES = {"cold": cold, "warm": warm}


def run(tally, jobs):
    """Run jobs ``(mode, name, method, dtype, seed)``."""
    old = signal.signal(signal.SIGPROF, _ring)
    try:
        for mode, *job in jobs:
            MODES[mode](tally, *job)
    finally:
        signal.signal(signal.SIGPROF, old)
    return tally


def grid(modes=("cold", "warm"), seed=0):
    """All jobs: every case with every method of its family, in every dtype."""
    for name in CASES:
        family = name.split("/")[0]
        for method in METHODS[family]:
            for dtype in ("float64", "float32") if family in SINGLE else ("float64",):
                for mode in modes:
                    yield mode, name, method, dtype, seed


sibling("family_maps")
sibling("family_functions")
sibling("family_data")
