"""Goals of matrix completion: against rows solved exactly, growth with the entries, and entries that arrive."""

from collections.abc import Callable
from importlib.util import find_spec
from time import perf_counter
from typing import Any

import numpy as np

from ..api import solve
from ..experiments.matrix_completion import error, race, slope, stream
from ..gallery.entries import planted
from ..methods import AlternatingMinimization
from ..problems import Completion
from .threads import one_thread

__all__ = ["ITEMS"]

Report = Callable[[str, float, float, str], Any]
Say = Callable[[str], Any]


def _rows(report: Report, say: Say, quick: bool) -> None:
    """Warm inexact rows against exact ones, in the same code."""
    cases = (
        [(300, 300, 10, 0.2, 1.1), (200, 200, 40, 0.8, 0.5)]
        if quick
        else [
            (2000, 2000, 10, 0.05, 1.1),
            (10_000, 5_000, 10, 0.05, 1.1),
            (600, 600, 100, 0.8, 0.5),
        ]
    )
    with one_thread():
        race(60, 50, 2, 0.5)
        for m, n, k, density, goal in cases:
            found = race(m, n, k, density, repeats=1 if quick else 2)
            one, two = found["auto"], found["exact"]
            say(f"{m} x {n}, k = {k}: {one['seconds']:.2f} s, {one['rounds']:.0f} rounds, error {one['error']:.1e}")
            say(f"exact rows: {two['seconds']:.2f} s, {two['rounds']:.0f} rounds, error {two['error']:.1e}")
            report(
                f"completion {m} x {n}, k = {k}: seconds over those with exact rows",
                one["seconds"] / two["seconds"],
                goal,
                "<=",
            )


def _peer(report: Report, say: Say, quick: bool) -> None:
    """Against cmfrec's alternating least squares in C, both to a true relative error of 1e-6, one thread.

    Of its exact and its conjugate gradient rows and of its numbers of rounds the fastest that gets there stands, and the
    loosest tolerance of ours that does.
    """
    if find_spec("cmfrec") is None:
        say("cmfrec is not installed (it has no wheels and wants a compiler): the comparison is not measured")
        return
    from cmfrec import CMF
    from scipy.sparse import coo_matrix

    m, n, k, density, goal = (300, 200, 5, 0.2, 1e-6) if quick else (10_000, 5_000, 10, 0.05, 1e-6)
    i, j, values, U, V = planted(m, n, k, density)
    X = coo_matrix((values, (i, j)), shape=(m, n))

    def theirs(rounds: int, cg: bool) -> tuple[float, float]:
        model = CMF(
            k=k,
            lambda_=1e-6,
            use_cg=cg,
            niter=rounds,
            user_bias=False,
            item_bias=False,
            center=False,
            use_float=False,
            nthreads=1,
            verbose=False,
            random_state=1,
            precompute_for_predictions=False,
        )
        start = perf_counter()
        model.fit(X)
        return perf_counter() - start, error(model.A_, model.B_, U, V)

    def ours(rtol: float) -> tuple[float, float]:
        start = perf_counter()
        result = solve(Completion(i, j, values, (m, n), k), AlternatingMinimization(), rtol=rtol, on_fail="ignore")
        return perf_counter() - start, error(*result.x, U, V)

    with one_thread():
        ours(1e-3)
        rtol = next((r for r in (1e-5, 5e-6, 2e-6, 1e-6) if ours(r)[1] <= goal), goal)
        reach = [
            (rounds, cg)
            for cg in (False, True)
            for rounds in [next((r for r in (7, 8, 9, 10, 15, 30) if theirs(r, cg)[1] <= goal), 0)]
            if rounds
        ]
        found = [(ours(rtol), [theirs(*case) for case in reach]) for _ in range(1 if quick else 5)]
    if not reach:
        say(f"cmfrec does not reach an error of {goal:g} in 30 rounds: the comparison is not measured")
        return
    mine = float(np.median([one[0] for one, _ in found]))
    peers = [float(np.median([many[c][0] for _, many in found])) for c in range(len(reach))]
    best = int(np.argmin(peers))
    rounds, cg = reach[best]
    rows = "conjugate gradients" if cg else "exact rows"
    say(f"ours, rtol {rtol:g}: {mine:.2f} s, error {found[0][0][1]:.1e}")
    say(f"cmfrec, {rounds} rounds, {rows}: {peers[best]:.2f} s, error {found[0][1][best][1]:.1e}")
    report(f"completion {m} x {n}, k = {k}: cmfrec's seconds over ours, to {goal:g}", peers[best] / mine, 2.0, ">=")
    report("completion: our error there", found[0][0][1], goal, "<=")


def _growth(report: Report, say: Say, quick: bool) -> None:
    """Seconds of a round against the number of entries."""
    with one_thread():
        rows = [
            race(s, s, 10, 0.1, rows=("auto",), repeats=2)["auto"]
            for s in ((300, 600) if quick else (1000, 2000, 4000))
        ]
    for row in rows:
        say(f"{row['entries']:.0f} entries: {row['seconds'] / row['rounds']:.4f} s a round")
    exponent = slope([r["entries"] for r in rows], [r["seconds"] / r["rounds"] for r in rows])
    report("completion: slope of seconds a round against entries, k = 10", exponent, 1.1, "<=")


def _arriving(report: Report, say: Say, quick: bool) -> None:
    """A stream of one per cent of new entries."""
    for noise in (0.0, 0.01):
        found = stream(100 if quick else 1000, 5 if quick else 10, noise=noise)
        say(f"noise {noise:g}, seconds: {found['carried seconds']:.2f} carried, {found['cold seconds']:.2f} cold")
        ratio = found["carried"] / found["cold"]
        report(f"completion: cost of 1 % new entries over a cold solve, noise {noise:g}", ratio, 0.2, "<=")


ITEMS = {
    "completion rows": _rows,
    "completion peer": _peer,
    "completion growth": _growth,
    "completion stream": _arriving,
}
