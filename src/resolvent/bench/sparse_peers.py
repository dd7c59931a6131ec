"""The lasso, group lasso and L1-logistic solvers installed beside us, each with its tolerance lowered until it delivers."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

__all__ = ["PATHS", "group_peer", "logistic_peer", "settled", "worst_gap"]

#: Tried in turn, until the true relative gap is reached.
TOLERANCES = (1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14)


def worst_gap(X: Any, y: Any, lams: Sequence[float], W: Any) -> float:
    """The largest true duality gap of a lasso path, relative to the objective at zero.

    Parameters
    ----------
    X, y : the data
    lams : sequence of float
    W : ndarray, shape (p, len(lams))

    Returns
    -------
    float
    """
    n = len(y)
    found = 0.0
    for lam, w in zip(lams, np.asarray(W).T, strict=True):
        r = y - X @ w
        a, b = float(r @ y) / n, float(r @ r) / n
        bound = lam / (float(np.max(np.abs(X.T @ r))) / n)
        t = min(max(a / b, -bound), bound)
        found = max(found, 0.5 * b + lam * float(np.abs(w).sum()) - t * a + 0.5 * t * t * b)
    return found / (float(y @ y) / (2 * n))


def _sklearn(X: Any, y: Any, lams: Any, tol: float) -> Any:
    from sklearn.linear_model import lasso_path

    return lasso_path(X, y, alphas=lams, tol=tol, max_iter=100_000)[1]


def _celer(X: Any, y: Any, lams: Any, tol: float) -> Any:
    from celer import celer_path

    return celer_path(X, y, "lasso", alphas=lams, tol=tol, max_iter=1000, max_epochs=100_000)[1]


_SKGLM: dict[str, Any] = {}


def _skglm(X: Any, y: Any, lams: Any, tol: float) -> Any:
    from skglm.datafits import Quadratic
    from skglm.penalties import L1
    from skglm.solvers import AndersonCD

    solver = AndersonCD(tol=tol * float(lams[0]) * 100, max_iter=1000, fit_intercept=False, warm_start=True)
    return solver.path(X, y, Quadratic(), L1(1.0), alphas=lams)[1]


PATHS: dict[str, Callable[[Any, Any, Any, float], Any]] = {"scikit-learn": _sklearn, "celer": _celer, "skglm": _skglm}


def settled(
    solve: Callable[[float], Any],
    gap: Callable[[Any], float],
    goal: float,
    tolerances: Sequence[float] = TOLERANCES,
) -> tuple[float | None, float]:
    """The first tolerance at which a peer delivers the true gap, or None, and the best gap it came to.

    Parameters
    ----------
    solve : callable
        The peer at a tolerance.
    gap : callable
        The true relative gap of what it gave.
    goal : float
    tolerances : sequence of float

    Returns
    -------
    tol : float or None
    best : float
    """
    best = np.inf
    for tol in tolerances:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                found = gap(solve(tol))
            except Exception:
                return None, best
        best = min(best, found)
        if found <= goal:
            return tol, best
    return None, best


def group_peer(X: Any, y: Any, lam: float, size: int, tol: float) -> Any:
    """Celer's group lasso; the coefficients."""
    from celer import GroupLasso

    fitted = GroupLasso(size, alpha=lam, tol=tol, fit_intercept=False, max_iter=1000, max_epochs=100_000).fit(X, y)
    return np.asarray(fitted.coef_)


def logistic_peer(X: Any, y: Any, lam: float, tol: float) -> Any:
    """Liblinear's L1-logistic through scikit-learn; the coefficients."""
    from sklearn.linear_model import LogisticRegression

    options: dict[str, Any] = {"C": 1.0 / (lam * len(y)), "tol": tol, "fit_intercept": False, "max_iter": 1000}
    fitted = LogisticRegression(l1_ratio=1.0, solver="liblinear", random_state=0, **options).fit(X, y)
    return np.asarray(fitted.coef_[0])
