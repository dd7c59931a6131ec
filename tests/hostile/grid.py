"""The grid: family x pair of method and preconditioner x dtype x {cold, in a session, poisoned carried state}, judged."""

import dataclasses
import importlib.util
import signal
import sys
import time
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import resolvent as rv


def sibling(name):
    """A module of this folder, loaded by path once."""
    full = f"resolvent_hostile_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


systems, judge, table = sibling("systems"), sibling("judge"), sibling("table")
sibling("shapes")
sibling("liars")
sibling("squares")
poison = sibling("poison")
FAMILIES = systems.FAMILIES
DTYPES = ("float64", "float32", "complex128")
SECONDS = 90.0  # of the processor for one solve, in which kernels may have to be compiled


@dataclasses.dataclass(frozen=True)
class Row:
    """One method of the grid. To enrol another, add a line to ROWS below, and nothing else.

    ``needs`` is what the method may refuse to work without, before any work: "hermitian", "complex symmetric" (equal to
    its transpose, not conjugated), "entries". A refusal of a
    system that has them is a false one. ``promise`` names what theory says of its convergence, a key of
    ``judge.PROMISES``: where it holds and a dense LU solves the system, a failure is a false alarm. ``slot`` is what it
    carries to the next system, kept by a Lifetime in the modes with a session. ``kind`` is the family of problems, that
    of ``kind`` in ``systems.family``; ``problem`` makes one of a case. ``dear`` rows come less often; rows that ``wrap``
    are also run with the preconditioners that break the contract.
    """

    name: str
    method: object
    needs: tuple = ()
    promise: str = "nothing"
    slot: str | None = None
    kind: str = "linear"
    problem: object = None
    dear: bool = False
    wraps: bool = False


def squares(case):
    """The case as methods for least squares take it."""
    return rv.LinearLeastSquares(case.A, case.b, **case.options)


HERMITIAN, SWEEPS, BOTH = ("hermitian",), ("entries",), ("hermitian", "entries")
ROWS = [
    Row("auto", "auto", promise="anything"),
    Row("direct", rv.Direct(), SWEEPS, "anything", slot="factor"),
    Row("cg", rv.CG(), HERMITIAN, "definite as it is", wraps=True),
    Row("cg+jacobi", rv.CG(rv.Jacobi()), BOTH, "definite"),
    Row("cg+ssor", rv.CG(rv.SSOR()), BOTH, "definite"),
    Row("cg+ic", rv.CG(rv.IC()), BOTH, "definite", slot="preconditioner"),
    Row("cg+direct", rv.CG(rv.Direct()), BOTH, "definite", slot="preconditioner"),
    Row("sor", rv.SOR(), SWEEPS, "sor 1.5"),
    Row("ssor", rv.SSOR(), SWEEPS, "ssor 1.5"),
    Row("jacobi", rv.Jacobi(), SWEEPS, "jacobi 1.0"),
    Row("gaussseidel", rv.GaussSeidel(), SWEEPS, "sor 1.0"),
    Row("chebyshev", rv.Chebyshev(), BOTH, "definite, tame"),
    Row("minres", rv.MINRES(), HERMITIAN, "hermitian, tame", wraps=True),
    Row("minres+jacobi", rv.MINRES(rv.Jacobi()), BOTH, "ordinary"),
    Row("minres+definite", rv.MINRES(rv.Definite()), BOTH, "ordinary", slot="preconditioner"),
    Row("bicgstab", rv.BiCGStab(), (), "ordinary", wraps=True),
    Row("bicgstab+jacobi", rv.BiCGStab(rv.Jacobi()), SWEEPS, "ordinary"),
    Row("bicgstab+direct", rv.BiCGStab(rv.Direct()), SWEEPS, "ordinary", slot="preconditioner"),
    Row("gmres", rv.GMRES(), (), "ordinary", wraps=True),
    Row("gmres+jacobi left", rv.GMRES(20, rv.Jacobi(), side="left"), SWEEPS, "ordinary"),
    Row("gmres+ilu0", rv.GMRES(20, rv.ILU0()), SWEEPS, "ordinary", slot="preconditioner"),
    Row("gmres+ilut", rv.GMRES(20, rv.ILUT()), SWEEPS, "ordinary", slot="preconditioner"),
    Row("fgmres", rv.FGMRES(), (), "ordinary", wraps=True),
    Row("gcrodr", rv.GCRODR(14, 6), (), "ordinary", wraps=True),
    Row("gcrodr+direct", rv.GCRODR(14, 6, rv.Direct()), SWEEPS, "ordinary", slot="preconditioner"),
    Row("idr", rv.IDR(), (), "ordinary", wraps=True),
    Row("cocg", rv.COCG(), ("complex symmetric",)),
    Row("krylovgradient", rv.KrylovGradient(), HERMITIAN, "ordinary", wraps=True),
    Row("blockcg", rv.BlockCG(), HERMITIAN, "ordinary", wraps=True),
    Row("flexiblecg", rv.FlexibleCG(), HERMITIAN, "ordinary", wraps=True),
    Row("cg+blockjacobi", rv.CG(rv.BlockJacobi(5)), BOTH, "ordinary", slot="preconditioner"),
    Row("cg+chebyshevpolynomial", rv.CG(rv.ChebyshevPolynomial(3)), BOTH, "ordinary"),
    Row("cg+symmetricpolynomial", rv.CG(rv.SymmetricPolynomial(2)), BOTH),
    Row("deflatedcg", rv.DeflatedCG(blocks=4), BOTH),
    Row("deflatedcg dense", rv.DeflatedCG(blocks=0, size=4), HERMITIAN, slot="space"),
    Row("bicg", rv.BiCG(), ()),
    Row("cgs", rv.CGS(), ()),
    Row("qmr", rv.QMR(), ()),
    Row("tfqmr", rv.TFQMR(), ()),
    Row("lgmres", rv.LGMRES(), (), dear=True),
    Row("gcrotmk", rv.GCROTMK(), (), dear=True),
    Row("cgls", rv.CGLS(), kind="least squares", problem=squares, promise="anything"),
    Row("lsqr", rv.LSQR(), kind="least squares", problem=squares, promise="anything"),
    Row("lsmr", rv.LSMR(), kind="least squares", problem=squares, promise="anything"),
    Row("qr", rv.QR(), SWEEPS, kind="least squares", problem=squares, promise="anything"),
]
if importlib.util.find_spec("pyamg") is not None:
    ROWS += [
        Row("cg+amg sa", rv.CG(rv.AMG("sa")), BOTH, "definite as it is", slot="preconditioner", dear=True),
        Row("cg+amg rs", rv.CG(rv.AMG("rs")), BOTH, "definite as it is, real", slot="preconditioner", dear=True),
    ]
PAIRS = {row.name: row for row in ROWS}


class TooLong(BaseException):
    """Raised by the alarm in a solve that does not end."""


def _ring(number, frame):
    raise TooLong


@dataclasses.dataclass
class Tally:
    """What was counted, and one line for each finding."""

    count: Counter = dataclasses.field(default_factory=Counter)
    findings: list = dataclasses.field(default_factory=list)
    ends: Counter = dataclasses.field(default_factory=Counter)

    def found(self, kind, where, what):
        self.count[kind] += 1
        if len(self.findings) < 4000:
            self.findings.append((kind, where, what))

    def figures(self):
        """The counts that are promised."""
        c = self.count
        return {
            "solves": c["solves"],
            "silent wrong answers": c["silent"],
            "false alarms": c["false alarm"] + c["false refusal"],
            "good systems": c["good"],
            "escaped exceptions": c["escaped"],
            "inputs modified": c["modified"],
            "false facts": c["false fact"],
            "forbidden statuses": c["forbidden"],
            "hangs": c["hang"],
            "auto solves": c["auto solved"] / max(1, c["auto good"]),
        }

    def lines(self):
        return [f"{name:22s} {value:.6g}" for name, value in self.figures().items()]


# ---- one solve -----------------------------------------------------------------------------------------------------


def _bytes(case):
    """The user's data as bytes."""
    out = []
    for thing in (case.A, case.b, case.x0, *case.options.values()):
        if isinstance(thing, np.ndarray):
            out.append(thing.tobytes())
        elif sp.issparse(thing):
            parts = (getattr(thing, name, None) for name in ("data", "indices", "indptr", "row", "col", "offsets"))
            out += [np.asarray(p).tobytes() for p in parts if isinstance(p, np.ndarray) and p.dtype.kind in "biufc"]
    return out


def linear(case):
    """The case as most methods take it."""
    return rv.LinearSystem(case.A, case.b, **case.options)


def attempt(tally, where, case, name, call):
    """One solve under the judge's eyes; ``call(problem, x0)`` gives a Result."""
    row = table.allowed(name, "hermitian" in PAIRS[where[1]].needs)
    before = _bytes(case)
    start = time.perf_counter()
    tally.count["solves"] += 1
    result = error = None
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        build = PAIRS[where[1]].problem or linear
        result = call(build(case), case.x0)
    except TooLong:
        tally.found("hang", where, f"over {SECONDS} s")
    except Exception as escaped:
        error = escaped
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    tally.count["microseconds"] += int(1e6 * (time.perf_counter() - start))
    if _bytes(case) != before:
        tally.found("modified", where, "the input is not what it was")
    if error is not None:
        tally.ends[name, type(error).__name__] += 1
        _judge_error(tally, where, case, row, error)
    elif result is not None:
        tally.ends[name, result.status.name] += 1
        with np.errstate(all="ignore"):
            _judge_result(tally, where, case, row, result)
    return result


def _judge_error(tally, where, case, row, error):
    if row.raises and isinstance(error, row.raises):
        return
    text = str(error)
    if isinstance(error, ValueError) and "cannot be used here" in text:
        row = PAIRS[where[1]]
        if case.true is not None and not _lacks(case, row.needs):
            tally.found("false refusal", where, text)
        return
    tally.found("escaped", where, f"{type(error).__name__}: {text[:150]}")


def _lacks(case, needs):
    """Whether a method that needs these may refuse the case."""
    if case.operator:
        return "entries" in needs
    denied = case.options.get("symmetric") is False
    if "complex symmetric" in needs and (denied or not np.array_equal(case.true, case.true.T)):
        return True
    hermitian = np.array_equal(case.true, case.true.conj().T) and case.options.get("symmetric") is not False
    return "hermitian" in needs and not hermitian


def _judge_result(tally, where, case, row, result):
    if row.ends is not None and result.status.name not in row.ends:
        tally.found("forbidden", where, f"{result.status.name}: {result.reason[:120]}")
    if case.true is None:
        tally.found("forbidden", where, "a result for input that is to be refused")
        return
    x = np.asarray(result.x)
    if case.meets is not None:
        _judge_other(tally, where, case, row, result, x)
        return
    if x.shape != case.b.shape or x.dtype != np.result_type(_dtype(case.A), case.b.dtype).newbyteorder("="):
        tally.found("false fact", where, f"x has shape {x.shape}, dtype {x.dtype}")
        return
    columns = [(case.b, x)] if case.b.ndim == 1 else list(zip(case.b.T, x.T))
    checks = [_meets(case, b, v) for b, v in columns]
    if result.status > 0 and not all(checks):
        true = max(judge.residual(case.true, b, v, case.product) for b, v in columns)
        told = f"true residual {true!s:.12s}, said {result.seen['residual']:.6g}, ||b|| {judge.norm(case.b)!s:.12s}"
        tally.found("silent", where, f"{result.status.name}, {told}, rtol {case.rtol:.3g}, atol {case.atol:.3g}")
    _judge_facts(tally, where, case, result, columns)
    if case.b.ndim == 1:
        _judge_alarm(tally, where, case, row, result, checks[0])


def _judge_other(tally, where, case, row, result, x):
    """A case with a judge of its own."""
    if x.shape != (case.true.shape[1],) or not np.can_cast(x.dtype, np.result_type(case.true, case.b)):
        tally.found("false fact", where, f"x has shape {x.shape}, dtype {x.dtype}")
    elif result.status > 0 and not case.meets(case, case.b, x):
        tally.found("silent", where, f"{result.status.name}, said {result.seen['residual']:.6g}, rtol {case.rtol:.3g}")
    elif case.solvable and row.counted:
        tally.count["good"] += 1
        if result.status < 0 and judge.entitled(PAIRS[where[1]].promise, case.true, case.rtol):
            tally.found("false alarm", where, f"{result.status.name}: {result.reason[:150]}")


def _dtype(A):
    return np.dtype(float) if A.dtype is None else A.dtype


def _meets(case, b, x):
    given = (case.rtol, case.atol, case.operator, case.product)
    return any(judge.meets(M, b, x, *given) for M in (case.true, *case.others))


def _judge_facts(tally, where, case, result, columns):
    """The residual that is published is that of the x that is returned."""
    said = result.seen.get("residual")
    if case.operator or case.loose or said is None or not all(np.isfinite(v).all() for _, v in columns):
        return
    if not (np.isfinite(case.true).all() and np.isfinite(case.b).all()):
        return
    true = max(judge.residual(case.true, b, v) for b, v in columns)
    eps, fine = judge.eps_of(case.true, case.b), np.finfo(np.longdouble).eps
    spare = (
        1e-2 * true + (1e3 * eps * eps + 64 * fine) * max(judge.rounding(case.true, b, v) for b, v in columns) + 1e-323
    )
    if not abs(np.longdouble(said) - true) <= spare:
        tally.found(
            "false fact", where, f"{result.status.name}: residual {said:.6g} is said, {float(true):.6g} is true"
        )


def _judge_alarm(tally, where, case, row, result, met):
    auto = where[1] == "auto" and row.counted and not case.operator
    if not auto and (result.status > 0 or not row.counted):
        return
    good = judge.good(case.true, case.b, case.rtol, case.atol)
    tally.count["good"] += good
    if auto and good:
        tally.count["auto good"] += 1
        tally.count["auto solved"] += result.status > 0
    if result.status > 0:
        return
    both, iterative = np.result_type(case.true, case.b), case.operator or where[1] not in ("auto", "direct")
    promise = PAIRS["cg" if case.operator and where[1] == "auto" else where[1]].promise
    normal = (
        promise != "ordinary" or judge.limit(case.b, case.rtol, case.atol) > np.finfo(both).tiny / np.finfo(both).eps
    )
    fair = not iterative or judge.roomy(case.true, case.b, judge.limit(case.b, case.rtol, case.atol))
    if good and fair and normal and judge.entitled(promise, case.true.astype(both), _reach(case)):
        tally.found("false alarm", where, f"{result.status.name}: {result.reason[:150]}")
    elif met and result.status.name not in ("USER", "NOISY", "ERROR"):
        tally.found("refused good x", where, f"{result.status.name}: {result.reason[:150]}")


def _reach(case):
    """The tolerance over the residual to begin with."""
    first = judge.norm(case.b) if case.x0 is None else judge.residual(case.true, case.b, np.asarray(case.x0))
    return float(judge.limit(case.b, case.rtol, case.atol) / max(first, judge.norm(case.b)))


# ---- the three modes -----------------------------------------------------------------------------------------------


def built(name, dtype, n, seed):
    """A case of the family; the same for the same arguments."""
    stream = np.random.default_rng([seed, n, sum(map(ord, name + dtype))])
    return FAMILIES[name](stream, dtype, n)


def method_for(pair, case):
    """The row's method, with the case's own preconditioner where it has one."""
    method = PAIRS[pair].method
    return method if case.recipe is None else dataclasses.replace(method, preconditioner=case.recipe)


def cold(tally, name, pair, dtype, n, seed):
    """From nothing."""
    case = built(name, dtype, n, seed)
    options = {} if case.rtol is None else {"rtol": case.rtol, "atol": case.atol}
    call = lambda problem, x0: rv.solve(
        problem, method_for(pair, case), x0=x0, on_fail="ignore", **options, **case.more
    )
    attempt(tally, (name, pair, dtype, "cold", n, seed), case, name, call)


def session_for(pair, case):
    """A session with the learners that fit the pair."""
    method = method_for(pair, case)
    learners = []
    slot = PAIRS[pair].slot if case.recipe is None else "preconditioner"
    if slot is not None:
        learners.append(rv.Lifetime(slot))
    if pair.startswith("gcrodr"):
        learners.append(rv.Recycle())
    if slot == "space":
        learners[:] = [rv.Recycle()]
    if method != "auto" and PAIRS[pair].kind == "linear":
        learners.append(rv.Guess(always=True))
    options = {} if case.rtol is None else {"rtol": case.rtol, "atol": case.atol}
    return rv.Session(method, learners, on_fail="ignore", **options, **case.more)


def warm(tally, name, pair, dtype, n, seed):
    """In a session: the case, the same matrix with another right-hand side, another case, the first again."""
    cases = [built(name, dtype, n, seed), built(name, dtype, n, seed), built(name, dtype, n, seed + 1), None]
    cases[3] = built(name, dtype, n, seed)
    first = cases[0]
    if isinstance(first.b, np.ndarray) and first.b.dtype.kind in "fc" and first.true is not None:
        with np.errstate(all="ignore"):
            cases[1].b = (first.b[::-1] * first.b.dtype.type(0.75)).copy()
    session = session_for(pair, first)
    answers = []
    for k, case in enumerate(cases):
        case.rtol, case.atol = first.rtol, first.atol
        where = (name, pair, dtype, f"warm {k}", n, seed)
        result = attempt(tally, where, case, name, session.solve)
        if result is not None:
            answers.append((result.x, result.x.copy()))
        if any(x.tobytes() != kept.tobytes() for x, kept in answers):
            tally.found("modified", where, "an earlier answer is not what it was")
        if seed % 2 and result is not None and result.x.flags.writeable:  # what is given back belongs to the user
            result.x[:] = np.nan
            answers[-1] = (result.x, result.x.copy())


def poisoned(tally, name, pair, dtype, n, seed):
    """In a session whose carried state was replaced by rubbish after three benign systems."""
    if getattr(FAMILIES[name], "kind", "linear") != "linear":  # the rubbish is made for linear systems
        warm(tally, name, pair, dtype, n, seed)
        return
    target = built(name, dtype, n, seed)
    rng = np.random.default_rng([seed, 77])
    base = systems.mesh(rng, dtype, len(target.b) if target.true is not None else n)
    rhs = systems.normal(rng, dtype, len(base))
    first = _drifted(base, rhs, dtype, 0.0)
    first.recipe, first.more = target.recipe, {}
    session = session_for(pair, first)
    judged = "benign" if target.recipe is None else name
    kind = poison.KINDS[seed % len(poison.KINDS)]
    for t in (0.0, 0.1, 0.2):
        attempt(
            tally, (judged, pair, dtype, f"before {t}", n, seed), _drifted(base, rhs, dtype, t), judged, session.solve
        )
    poison.spoil(session, kind, rng, base, dtype)
    plan = [(judged, _drifted(base, rhs, dtype, 0.3)), (judged, _drifted(base, rhs, dtype, 0.3)), (name, target)]
    for k, (which, case) in enumerate([*plan, (judged, _drifted(base, rhs, dtype, 0.4))]):
        case.rtol, case.atol = first.rtol, first.atol
        attempt(tally, (which, pair, dtype, f"poison {kind} {k}", n, seed), case, which, session.solve)


def _drifted(base, rhs, dtype, t):
    M = (base + np.diag(t * np.arange(len(base)) / len(base))).astype(dtype)
    return systems.Case(sp.csr_array(M), (rhs + t).astype(dtype), M, rtol=1e-3 if systems.small(dtype) else 1e-8)


MODES = {"cold": cold, "warm": warm, "poisoned": poisoned}


def run(tally, jobs, verbose=False):
    """Run jobs ``(mode, name, pair, dtype, n, seed)``; every warning but ours is an error."""
    kept = signal.signal(signal.SIGPROF, _ring)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", rv.ConvergenceWarning)
            for mode, *rest in jobs:
                before = len(tally.findings)
                MODES[mode](tally, *rest)
                if verbose:
                    for line in tally.findings[before:]:
                        print(*line, flush=True)
    finally:
        signal.signal(signal.SIGPROF, kept)
    return tally


def pairs_of(name):
    """The rows to run a family with, by name: those of its kind, and those that can take the family's own preconditioner."""
    kind = getattr(FAMILIES[name], "kind", "linear")
    rows = [row for row in ROWS if row.kind == kind]
    return [row.name for row in rows if row.wraps or not name.startswith("preconditioner_")]
