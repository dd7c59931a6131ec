"""The figures to reach for entropic transport, beside POT and regot, to the same true accuracy.

True accuracy: the L1 violation of both marginals together, recomputed in plain NumPy from the plan that each library
returns. What stops at another norm is given a tolerance of its own, found in an untimed run, with which it reaches the
goal; what does not reach it is said so. One thread, interleaved, medians; long runs are timed once.
"""

import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..api import solve
from ..core import Session
from ..gallery.transport import DriftingImages, DriftingPoints, grid_cost
from ..learners import Carried, Potentials
from ..methods import SinkhornNewton
from ..problems import Transport
from .goals import Item, Report, Say
from .threads import one_thread

__all__ = ["ITEMS"]

TOL = 1e-10
_CAP = 40_000  # POT's iterations: what is not there by then is timed as it stands, and said


def violation(P: Any, a: Any, b: Any) -> float:
    """L1 error of both marginals."""
    return float(np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum())


def timed(run: Callable[[], Any], rounds: int = 1) -> tuple[float, Any]:
    """Median seconds, and the last result."""
    seconds = []
    for _ in range(rounds):
        begin = time.perf_counter()
        result = run()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds)), result


def paired(run: Callable[[], Any], other: Callable[[], Any], rounds: int) -> tuple[float, float, float]:
    """Median of the ratios of runs side by side, and the median seconds of both: a load that comes and goes meets both."""
    pairs = [(timed(run)[0], timed(other)[0]) for _ in range(rounds)]
    mine, theirs = (float(np.median(v)) for v in zip(*pairs, strict=True))
    return float(np.median([x / y for x, y in pairs])), mine, theirs


def points(n: int, seed: int) -> tuple[Any, Any, Any]:
    """Squared distances of two clouds in the plane."""
    p = DriftingPoints(1, n, seed=seed)[0]
    return p.C, p.a, p.b


def uniform(n: int, seed: int) -> tuple[Any, Any, Any]:
    """Independent uniform costs."""
    return np.random.default_rng(seed).random((n, n)), np.full(n, 1 / n), np.full(n, 1 / n)


def images(side: int, kind: str, seed: int = 0, p: float = 2.0) -> tuple[Any, Any, Any]:
    """Two images on a grid."""
    q = DriftingImages(1, side, kind=kind, seed=seed, p=p)[0]
    return q.C, q.a, q.b


def photographs(side: int) -> tuple[Any, Any, Any]:
    """Two whole photographs, resized."""
    from skimage import data
    from skimage.transform import resize

    pictures = (1.0 - data.camera() / 255.0, data.coins() / 255.0)
    a, b = (resize(v, (side, side), anti_aliasing=True).ravel() + 1e-3 for v in pictures)
    return grid_cost(side), a / a.sum(), b / b.sum()


def digits() -> tuple[Any, Any, Any]:
    """Two handwritten digits of 8 x 8 pixels."""
    from sklearn.datasets import load_digits

    a, b = (v.ravel() + 0.01 for v in load_digits().images[:2])
    return grid_cost(8), a / a.sum(), b / b.sum()


def ours(case: tuple[Any, Any, Any], reg: float, method: Any = "sinkhornnewton") -> Callable[[], Any]:
    """Our solve, from the arrays to the certified plan."""
    return lambda: solve(Transport(*case, reg), method, rtol=TOL, on_fail="ignore")


class Pot:
    """POT's sinkhorn at the tolerance with which it truly reaches the goal."""

    def __init__(self, case: tuple[Any, Any, Any], reg: float, warm: Any = None, tol: float = TOL) -> None:
        self.case, self.reg, self.warm = case, reg, warm
        self.stop, self.seconds = 2.0 * tol / np.sqrt(len(case[1])), 0.0
        for _ in range(4):
            self.seconds, self.reached = timed(self.run)
            if self.reached <= tol or self.steps >= _CAP:
                return
            self.stop *= 0.5 * tol / self.reached

    def run(self) -> float:
        """One solve; returns the true violation."""
        import ot

        C, a, b = self.case
        P, log = ot.sinkhorn(
            a, b, C, self.reg, numItermax=_CAP, stopThr=self.stop, log=True, warn=False, warmstart=self.warm
        )
        self.steps = int(log["niter"])
        self.last = (np.log(log["u"]), np.log(log["v"]))
        return violation(P, a, b)


class Regot:
    """regot's safe sparse Newton at the tolerance with which it truly reaches the goal, if it does."""

    def __init__(self, case: tuple[Any, Any, Any], reg: float, tol: float = TOL) -> None:
        C, a, b = case
        self.args, self.marginals, self.stop = (np.asfortranarray(C), a, b, reg), (a, b), tol
        for _ in range(3):
            self.seconds, self.reached = timed(self.run)
            if self.reached <= tol or not np.isfinite(self.reached):
                return
            self.stop *= 0.5 * max(tol / self.reached, 1e-3)

    def run(self) -> float:
        """One solve; returns the true violation."""
        import regot

        found = regot.sinkhorn_ssns(*self.args, tol=self.stop, max_iter=500)
        return violation(np.asarray(found.plan), *self.marginals)


def _loaded() -> None:
    """Peers are loaded before the threads are limited: a limit reaches only what is there."""

    for name in ("ot", "regot"):
        if find_spec(name) is None:
            raise ModuleNotFoundError(
                f"these figures need the peers POT and regot: pip install POT regot ({name} is absent)"
            )
        import_module(name)


def _mean(values: list[float]) -> float:
    """Geometric mean."""
    return float(np.exp(np.mean(np.log(values)))) if values else float("nan")


def entropic(report: Report, say: Say, quick: bool, name: str, build: Callable[[int], Any], seeds: int) -> None:
    """Against regot's ssns and POT's sinkhorn at reg 1e-3 and 1/1200, with emd beside them."""
    import ot

    faster: dict[str, list[float]] = {"regot": [], "POT": []}
    failed = 0
    _loaded()
    with one_thread():
        for seed in range(1 if quick else seeds):
            case = points(60, seed) if quick else build(seed)
            for reg in (1e-3,) if quick else (1e-3, 1 / 1200):
                run = ours(case, reg)
                run()
                regot, pot = Regot(case, reg), Pot(case, reg)
                times: dict[str, list[float]] = {"ours": [], "regot": []}
                for _ in range(3):
                    seconds, result = timed(run)
                    times["ours"].append(seconds)
                    times["regot"].append(timed(regot.run)[0] if regot.seconds < 3.0 else regot.seconds)
                mine = float(np.median(times["ours"]))
                error = violation(result.x, case[1], case[2])
                failed += not error <= TOL * (1 + 1e-6)
                theirs = float(np.median(times["regot"]))
                if regot.reached <= TOL:
                    faster["regot"].append(theirs / mine)
                faster["POT"].append(pot.seconds / mine)
                exact = timed(lambda case=case: ot.emd(case[1], case[2], case[0]))[0]
                say(
                    f"{name}, seed {seed}, reg {reg:.3g}: ours {1e3 * mine:.1f} ms ({error:.0e}), regot {1e3 * theirs:.1f} ms "
                    f"({regot.reached:.0e}), POT {1e3 * pot.seconds:.0f} ms ({pot.steps} sweeps, {pot.reached:.0e}), "
                    f"emd {1e3 * exact:.1f} ms"
                )
    label = f"{name}, both marginals to {TOL:g} in L1"
    report(f"{label}: cases not converged", failed, 0, "<=")
    report(f"{label}: regot's ssns over ours, where it converges", _mean(faster["regot"]), 2.0, ">=")
    report(f"{label}: POT's sinkhorn over ours", _mean(faster["POT"]), 5.0, ">=")


def small(report: Report, say: Say, quick: bool) -> None:
    """n = 64 against regot."""
    _loaded()
    with one_thread():
        for reg in (1e-3, 1 / 1200):
            case = digits()
            run, regot = ours(case, reg), Regot(case, reg)
            run()
            ratio, mine, theirs = paired(run, regot.run, 3 if quick else 25)
            say(f"digits, reg {reg:.3g}: ours {1e3 * mine:.2f} ms, regot {1e3 * theirs:.2f} ms ({regot.reached:.0e})")
            report(f"digits, n = 64, reg {reg:.3g}: ours over regot's ssns", ratio, 1.1, "<=")


def large(report: Report, say: Say, quick: bool) -> None:
    """auto at reg 1e-2 against POT."""
    cases = {"digits": digits(), "sq 500": points(500, 0), "unif 500": uniform(500, 0), "img 784": photographs(28)}
    if not quick:
        cases |= {"sq 1000": points(1000, 0), "unif 1000": uniform(1000, 0)}
    _loaded()
    with one_thread():
        for name, case in cases.items():
            run, pot = ours(case, 1e-2, "auto"), Pot(case, 1e-2)
            run()
            ratio, mine, theirs = paired(run, pot.run, 2 if quick else 25)
            say(f"{name}: auto {1e3 * mine:.2f} ms, POT {1e3 * theirs:.2f} ms ({pot.steps} sweeps, {pot.reached:.0e})")
            report(f"{name}, reg 1e-2, {TOL:g} in L1: auto over POT's sinkhorn", ratio, 1.0, "<=")


def everywhere(report: Report, say: Say, quick: bool) -> None:
    """Convergence on every case, judged in plain NumPy from the potentials."""
    cases = {"digits": digits(), "img": photographs(28), "unif 500": uniform(500, 0), "sq 500": points(500, 0)}
    cases |= {"grid L1 400": images(20, "bumps", p=1.0), "grid L1 784": images(28, "strokes", p=1.0)}
    if not quick:
        cases |= {"sq 1000": points(1000, 0), "unif 1000": uniform(1000, 0), "grid L2 2025": images(45, "bumps")}
    failed = 0
    for name, case in cases.items():
        for reg in (1e-2, 1e-3, 1 / 600, 1 / 1200, 1e-4):
            for method in ("sinkhornnewton", "auto"):
                result = ours(case, reg, method)()
                f, g = result.potentials
                error = violation(np.exp((f[:, None] + g - case[0]) / reg), case[1], case[2])
                if not (result.ok and error <= TOL * (1 + 1e-3)):
                    failed += 1
                    say(f"{name}, reg {reg:.3g}, {method}: {result.reason} true error {error:.1e}")
    report(f"{len(cases)} problems at 5 values of reg, newton and auto: not converged", failed, 0, "<=")


def _warm_and_cold(problems: list[Any], tol: float) -> tuple[list[Any], list[Any]]:
    learners = [Potentials(), Carried("shift"), Carried("pattern", ask=True)]
    warm, cold = (Session(SinkhornNewton(), v, rtol=tol, on_fail="ignore") for v in (learners, []))
    pairs = [(warm.solve(p), cold.solve(p)) for p in problems]
    return [w for w, _ in pairs], [c for _, c in pairs]


def drift(report: Report, say: Say, quick: bool) -> None:
    """Points that drift by 1 %: warm against cold, and against POT started from its last scalings."""
    work, speed, failed = [], [], 0
    _loaded()
    with one_thread():
        for seed in range(1 if quick else 5):
            problems = list(DriftingPoints(6 if quick else 12, 60 if quick else 500, seed=seed))
            warm, cold = _warm_and_cold(problems, 1e-8)
            failed += sum(not r.ok for r in warm + cold)
            work.append(sum(r.cost.total for r in warm[1:]) / sum(r.cost.total for r in cold[1:]))
            mine = float(np.median([r.seconds for r in warm[1:]]))
            last, theirs, reached = None, [], 0.0
            for p in problems[:3]:
                pot = Pot((p.C, p.a, p.b), p.reg, last, tol=1e-8)
                last, reached = pot.last, max(reached, pot.reached)
                theirs.append(pot.seconds)
            speed.append(float(np.mean(theirs[1:])) / mine)
            say(
                f"seed {seed}: warm over cold in work {work[-1]:.3f}, in seconds "
                f"{sum(r.seconds for r in warm[1:]) / sum(r.seconds for r in cold[1:]):.3f}; a warm problem "
                f"{1e3 * mine:.1f} ms, POT warm {1e3 * np.mean(theirs[1:]):.0f} ms (worst {reached:.0e})"
            )
    report("points that drift, n = 500, 1e-8: solves not certified", failed, 0, "<=")
    report("points that drift, n = 500, 1e-8: warm over cold in work", _mean(work), 1 / 3, "<=")
    report("points that drift, n = 500, 1e-8: POT warm over ours warm, seconds a problem", _mean(speed), 8.0, ">=")


def _exact(problems: list[Any]) -> tuple[list[float], list[float]]:
    """Seconds and costs of the exact solver started from its last potentials."""
    import ot

    seconds, values, start = [], [], None
    for p in problems:
        spent, (_, log) = timed(
            lambda p=p, start=start: ot.emd(p.a, p.b, p.C, log=True, numItermax=10**7, potentials_init=start)
        )
        start = (log["u"], log["v"])
        seconds.append(spent)
        values.append(float(log["cost"]))
    return seconds, values


def grids(report: Report, say: Say, quick: bool, side: int, count: int) -> None:
    """Images that drift, with the exact solver; at reg 1/1200, and at 1/9000, where its cost is bounded within 1e-3."""
    side, count = (10, 4) if quick else (side, count)
    n = side * side
    _loaded()
    for reg, name in ((1 / 1200, f"n = {n}"), (1 / 9000, f"n = {n}, reg 1/9000")):
        if reg < 1 / 1200 and n < 2000 and not quick:
            continue
        problems = list(DriftingImages(count, side, reg=reg))
        with one_thread():
            warm, cold = _warm_and_cold(problems, TOL)
            exact, values = _exact(problems)
        mine, first = (float(np.median([r.seconds for r in v[1:]])) for v in (warm, cold))
        bounds = max((r.seen["cost_upper"] - r.seen["cost_lower"]) / v for r, v in zip(warm, values, strict=True))
        off = max(abs(r.seen["cost_upper"] - v) / v for r, v in zip(warm, values, strict=True))
        emd = float(np.median(exact[1:]))
        say(
            f"{name}: warm {1e3 * mine:.1f} ms ({warm[-1].steps} steps), cold {1e3 * first:.1f} ms ({cold[-1].steps}), emd "
            f"{1e3 * exact[0]:.1f} ms cold, {1e3 * emd:.1f} ms warm; bounds of its cost {bounds:.1e} wide, off {off:.1e}"
        )
        label = f"images that drift, {name}"
        report(f"{label}: solves not certified", sum(not r.ok for r in warm + cold), 0, "<=")
        if reg == 1 / 1200:
            work = sum(r.cost.total for r in warm[1:]) / sum(r.cost.total for r in cold[1:])
            report(f"{label}: warm over cold in work", work, 1 / 3, "<=")
        else:
            report(f"{label}: certified relative bounds of the exact cost, width", bounds, 1e-3, "<=")
        if n >= 2000 or quick:
            report(f"{label}: warm emd over ours warm, seconds", emd / mine, 1.0, ">=")


def sparse(report: Report, say: Say, quick: bool) -> None:
    """At most k entries in a column: the violation of the marginals, beside POT's."""
    import contextlib
    import io

    import ot

    rng = np.random.default_rng(0)
    n, m = 60, 30
    C, a, b = rng.random((n, m)), np.full(n, 1 / n), np.full(m, 1 / m)
    worst, theirs, silent = 0.0, 0.0, 0
    for reg in (1.0,) if quick else (1.0, 0.1, 0.01):
        for k in (2, 3, 4, 6, 10):
            problem = Transport(C, a, b, reg, regularizer="l2", max_nonzeros=k)
            seconds, result = timed(lambda p=problem: solve(p, "sparsetransport", rtol=1e-9, on_fail="ignore"))
            T = result.x.toarray()
            error = violation(T, a, b)
            with contextlib.redirect_stdout(io.StringIO()):  # POT 0.9.7 prints a shape in each evaluation
                P = ot.smooth.smooth_ot_semi_dual(
                    a, b, C, reg, reg_type="sparsity_constrained", max_nz=k, stopThr=1e-9, numItermax=2000
                )
            worst, theirs = max(worst, error if result.ok else 0.0), max(theirs, violation(P, a, b))
            silent += not result.ok and error > 1e-8 and not result.reason
            silent += int((T > 0).sum(axis=0).max()) > k
            say(
                f"gamma {reg:g}, k = {k}: {result.status.name}, violation {error:.0e} (POT {violation(P, a, b):.0e}), gap "
                f"{result.seen['gap']:.1e} of {result.seen['value']:.4f}, {1e3 * seconds:.0f} ms"
            )
    say(f"worst violation of POT's plans {theirs:.1e}")
    report("at most k entries a column: worst violation of both marginals", worst, 1e-8, "<=")
    report("at most k entries a column: too many entries, or failures without a reason", silent, 0, "<=")


ITEMS: dict[str, Item] = {
    "sq": partial(entropic, name="sq 500", build=lambda seed: points(500, seed), seeds=5),
    "img": partial(entropic, name="img 784", build=lambda seed: photographs(28), seeds=1),
    "grid": partial(entropic, name="grid 484", build=lambda seed: images(22, "bumps", seed), seeds=5),
    "unif": partial(entropic, name="unif 500", build=lambda seed: uniform(500, seed), seeds=2),
    "n=64": small,
    "reg 1e-2": large,
    "everywhere": everywhere,
    "sparse": sparse,
    "drift": drift,
    "grid 22": partial(grids, side=22, count=12),
    "grid 45": partial(grids, side=45, count=6),
    "grid 60": partial(grids, side=60, count=4),
}
