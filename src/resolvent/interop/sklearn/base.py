"""What the estimators share: data in the form of a loss, one fit, a path of fits, and the choice of a weight on folds."""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv
from sklearn.utils.validation import validate_data

from ...core import Session
from ...operators import L1, GroupL1, LeastSquares, Logistic
from ...problems import Composite

__all__ = ["CROSS_VALIDATED", "CrossValidated", "Fit", "Penalised"]

CROSS_VALIDATED = """

    Parameters
    ----------
    alphas : array, optional
        Penalty weights; None: ``n_alphas`` of them from the least that leaves nothing, down to ``eps`` times it.
    eps, n_alphas : float, int
    cv : int, splitter or iterable, optional
        As everywhere in scikit-learn; None is five folds.
    fit_intercept, tol, max_iter
        As without cross-validation, as are the attributes.

    Attributes
    ----------
    alpha_ : float
    alphas_ : ndarray, shape (k,)
    loss_path_ : ndarray, shape (k, folds)
        Mean squared error, or mean logistic loss, on what was left out.
"""


def _grid(top: float, eps: float, n_alphas: int) -> Any:
    return np.geomspace(max(top, np.finfo(float).tiny), max(top * eps, np.finfo(float).tiny), n_alphas)


class Fit:
    """Data brought into the form that a loss takes, and coefficients brought back."""

    def __init__(self, X: Any, y: Any, intercept: bool, logistic: bool) -> None:
        self.shift: Any = None
        self.height = 0.0
        self.p = X.shape[1]
        self.inside = intercept and (logistic or sp.issparse(X))
        if intercept and not self.inside:  # least squares: the best intercept is eliminated by centring
            self.shift, self.height = X.mean(axis=0), float(y.mean())
            X, y = np.subtract(X, self.shift, order="F"), y - self.height
        self.loss = (Logistic if logistic else LeastSquares)(X, y, intercept=self.inside)

    def top(self, penalty: Any) -> float:
        """The least weight at which all coefficients are zero."""
        w = np.zeros(self.loss.size)
        if self.inside and isinstance(self.loss, LeastSquares):
            w[-1] = self.loss.target.mean()
        elif self.inside:
            share = float(np.mean(self.loss.target > 0))
            w[-1] = np.log(share / (1 - share))
        s = self.loss.design.slopes(self.loss.at(w)[1])
        if isinstance(penalty, GroupL1):
            return float(np.max(penalty.norms(s)))
        return float(np.max(np.abs(s))) / max(getattr(penalty, "ratio", 1.0), 1e-3)

    def split(self, w: Any) -> tuple[Any, float]:
        """Coefficients and intercept of the data as given."""
        if self.inside:
            return w[:-1].copy(), float(w[-1])
        if self.shift is None:
            return w, 0.0
        return w, self.height - float(self.shift @ w)


class Penalised(BaseEstimator):
    """What the estimators share: one fit, and a path of them."""

    _logistic = False

    def _penalty(self, alpha: float) -> Any:
        return L1(float(alpha))

    def _checked(self) -> None:
        for name in ("alpha", "tol", "C"):
            value = getattr(self, name, 1.0)
            if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not value >= 0:
                raise ValueError(f"{name}={value!r} was given; a number that is not negative is expected")
        if isinstance(self.max_iter, bool) or not isinstance(self.max_iter, int | np.integer) or self.max_iter < 1:
            raise ValueError(f"max_iter={self.max_iter!r} was given; a whole number of at least 1 is expected")

    def _session(self) -> Session:
        return Session(rtol=float(self.tol), max_steps=int(self.max_iter), on_fail="ignore")

    def _solve(self, session: Session, fit: Fit, alpha: float) -> Any:
        result = session.solve(Composite(fit.loss, self._penalty(alpha)))
        if not result.ok:
            warnings.warn(f"alpha = {alpha:g}: {result.reason}", ConvergenceWarning, stacklevel=4)
        return result

    def _take(self, fit: Fit, result: Any) -> None:
        self.coef_, self.intercept_ = fit.split(result.x)
        self.n_iter_ = max(1, int(result.steps))
        self.dual_gap_ = float(result.seen["residual"])

    def _fit_last(self, X: Any, y: Any, alphas: Any) -> None:
        """A fit at the last of some weights, the others on the way."""
        fit, session = Fit(X, y, self.fit_intercept, self._logistic), self._session()
        for alpha in alphas[:-1]:
            self._solve(session, fit, float(alpha))
        self._take(fit, self._solve(session, fit, float(alphas[-1])))

    def _path(self, X: Any, y: Any, alphas: Any) -> tuple[Any, Any, Any]:
        """Coefficients (p, k), intercepts (k,) and true gaps (k,) along ``alphas``."""
        fit, session = Fit(X, y, self.fit_intercept, self._logistic), self._session()
        found = [self._solve(session, fit, float(alpha)) for alpha in alphas]
        pairs = [fit.split(r.x) for r in found]
        coefs = np.column_stack([c for c, _ in pairs]) if pairs else np.empty((X.shape[1], 0))
        return coefs, np.array([b for _, b in pairs]), np.array([r.seen["residual"] for r in found])

    def path(self, X: Any, y: Any, alphas: Any = None, *, eps: float = 1e-3, n_alphas: int = 100) -> Any:
        """The whole path, from large weights to small ones, each fit beginning where the last one ended.

        Parameters
        ----------
        X : array or sparse matrix, shape (n, p)
        y : array, shape (n,)
        alphas : array, optional
            Penalty weights; None: ``n_alphas`` of them from the least that leaves nothing, down to ``eps`` times it.
        eps : float
        n_alphas : int

        Returns
        -------
        alphas : ndarray, shape (k,)
        coefs : ndarray, shape (p, k)
        dual_gaps : ndarray, shape (k,)
            True duality gaps.
        """
        self._checked()
        X, y = self._data(X, y)
        alphas = self._alphas(X, y, alphas, eps, n_alphas)
        coefs, self.path_intercepts_, gaps = self._path(X, y, alphas)
        return alphas, coefs, gaps

    def _alphas(self, X: Any, y: Any, alphas: Any, eps: float, n_alphas: int) -> Any:
        if alphas is None:
            fit = Fit(X, y, self.fit_intercept, self._logistic)
            return _grid(fit.top(self._penalty(1.0)), eps, n_alphas)
        alphas = np.sort(np.asarray(alphas, dtype=float))[::-1]
        if alphas.ndim != 1 or not np.all(np.isfinite(alphas)) or np.any(alphas < 0):
            raise ValueError("alphas holds a value that is negative or not finite; penalty weights are expected")
        return alphas

    def _data(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, accept_sparse="csc", dtype=np.float64, order="F", y_numeric=True)
        return X, np.asarray(y, dtype=np.float64)


class CrossValidated:
    """Choose the penalty weight by cross-validation: one path per fold, one Session per path, then a fit to all data."""

    def _labels(self, y: Any) -> Any:
        """What folds are balanced by."""
        return y

    def _loss_on(self, X: Any, y: Any, coefs: Any, intercepts: Any) -> Any:
        """The mean loss for each weight of a path on data that were left out."""
        return self._loss_of(y, X @ coefs + intercepts)

    def _loss_of(self, y: Any, m: Any) -> Any:
        return np.mean((y[:, None] - m) ** 2, axis=0)

    def fit(self, X: Any, y: Any) -> Any:
        """Choose ``alpha_`` and fit to all data."""
        self._checked()
        X, y = self._data(X, y)
        alphas = self._alphas(X, y, self.alphas, self.eps, self.n_alphas)
        rows = X.tocsr() if sp.issparse(X) else X
        losses = []
        labels = self._labels(y)
        for train, test in check_cv(self.cv, labels, classifier=self._logistic).split(rows, labels):
            part = rows[train].tocsc() if sp.issparse(X) else np.asfortranarray(rows[train])
            coefs, intercepts, _ = self._path(part, y[train], alphas)
            losses.append(self._loss_on(rows[test], y[test], coefs, intercepts))
        self.alphas_, self.loss_path_ = alphas, np.column_stack(losses)
        best = int(np.argmin(self.loss_path_.mean(axis=1)))
        self.alpha_ = float(alphas[best])
        self._fit_last(X, y, alphas[max(0, best - 4) : best + 1])
        return self
