"""Logistic regression with a penalty, and with its weight chosen by cross-validation; several classes one against the rest.

The targets inside are +-1: of shape (n,) for two classes, and (n, c) for c of them, a column each, solved one by one.
"""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from ...operators import ElasticNet as _ElasticNet
from .base import CROSS_VALIDATED, CrossValidated, Penalised

__all__ = ["LogisticRegression", "LogisticRegressionCV"]


class LogisticRegression(LinearClassifierMixin, ClassifierMixin, Penalised):
    """Mean logistic loss plus ``(l1_ratio ||w||_1 + (1 - l1_ratio) ||w||^2 / 2) / (C n)``; c classes one against the rest.

    Parameters
    ----------
    C : float, default 1.0
        Inverse of the penalty's weight, as in scikit-learn.
    l1_ratio : float, default 0.0
        0 is L2, 1 is L1, between them the elastic net.
    fit_intercept : bool, default True
    tol : float, default 1e-6
        Relative true duality gap.
    max_iter : int, default 100000

    Attributes
    ----------
    classes_ : ndarray, shape (c,)
    coef_ : ndarray, shape (1, p) for two classes, (c, p) for more
    intercept_ : ndarray, shape (1,) or (c,)
    dual_gap_ : float
        The true duality gap of these coefficients (of the mean loss), the largest of the classes.
    n_iter_ : ndarray, shape (1,) or (c,)

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.sklearn import LogisticRegression
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array(["a", "a", "b", "b"])
    >>> LogisticRegression(l1_ratio=1.0, C=10.0).fit(X, y).predict([[2.5]]).tolist()
    ['b']
    """

    _logistic = True

    def __init__(
        self,
        C: float = 1.0,
        *,
        l1_ratio: float = 0.0,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 100_000,
    ) -> None:
        self.C, self.l1_ratio, self.fit_intercept, self.tol, self.max_iter = C, l1_ratio, fit_intercept, tol, max_iter

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def _penalty(self, alpha: float) -> Any:
        return _ElasticNet(float(alpha), self.l1_ratio)

    def _data(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, accept_sparse="csc", dtype=np.float64, order="F")
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only ({self.classes_[0]!r}); two classes are expected")
        if len(self.classes_) == 2:
            return X, 2.0 * codes - 1.0
        return X, np.where(codes[:, None] == np.arange(len(self.classes_)), 1.0, -1.0)

    def _alphas(self, X: Any, y: Any, alphas: Any, eps: float, n_alphas: int) -> Any:
        if y.ndim == 1 or alphas is not None:
            return super()._alphas(X, y, alphas, eps, n_alphas)
        return max(
            (super(LogisticRegression, self)._alphas(X, t, None, eps, n_alphas) for t in y.T), key=lambda a: a[0]
        )

    def _path(self, X: Any, y: Any, alphas: Any) -> tuple[Any, Any, Any]:
        """As for two classes; of more, coefficients (c, p, k), intercepts (c, k) and the largest of the gaps (k,)."""
        if np.any(np.all(y == y[:1], axis=0)):
            raise ValueError("a class is missing, or the only one, in a part of the data; use fewer folds")
        if y.ndim == 1:
            return super()._path(X, y, alphas)
        found = [super(LogisticRegression, self)._path(X, np.ascontiguousarray(t), alphas) for t in y.T]
        coefs, intercepts, gaps = (np.array(part) for part in zip(*found, strict=True))
        return coefs, intercepts, gaps.max(axis=0)

    def _fit_last(self, X: Any, y: Any, alphas: Any) -> None:
        found = []
        for target in np.reshape(y, (len(y), -1)).T:
            super()._fit_last(X, np.ascontiguousarray(target), alphas)
            found.append((self.coef_, self.intercept_, self.n_iter_, self.dual_gap_))
        self.coef_, self.intercept_, self.n_iter_, gaps = (np.array(part) for part in zip(*found, strict=True))
        self.dual_gap_ = float(gaps.max())

    def fit(self, X: Any, y: Any) -> Any:
        """Fit to X of shape (n, p), dense or sparse, and y of shape (n,) with two or more classes."""
        self._checked()
        if not self.C > 0:
            raise ValueError(f"C={self.C!r} was given; a positive number is expected")
        X, y = self._data(X, y)
        self._fit_last(X, y, [1.0 / (self.C * len(y))])
        return self

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the classes, shape (n, c); of more than two, those of each against the rest, made to sum to one."""
        return np.exp(self.predict_log_proba(X))

    def predict_log_proba(self, X: Any) -> Any:
        """Their logarithms."""
        m = self.decision_function(X)
        if m.ndim == 1:
            return np.column_stack([-np.logaddexp(0.0, m), -np.logaddexp(0.0, -m)])
        out = -np.logaddexp(0.0, -m)
        return out - np.logaddexp.reduce(out, axis=1)[:, None]


class LogisticRegressionCV(CrossValidated, LogisticRegression):
    __doc__ = (
        "LogisticRegression with ``alpha = 1 / (C n)`` chosen by cross-validated loss along a path." + CROSS_VALIDATED
    )

    def __init__(
        self,
        *,
        l1_ratio: float = 1.0,
        alphas: Any = None,
        eps: float = 1e-2,
        n_alphas: int = 30,
        cv: Any = None,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 100_000,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.alphas, self.eps, self.n_alphas, self.cv = alphas, eps, n_alphas, cv
        self.fit_intercept, self.tol, self.max_iter = fit_intercept, tol, max_iter

    def _labels(self, y: Any) -> Any:
        return y if y.ndim == 1 else np.argmax(y, axis=1)

    def _loss_on(self, X: Any, y: Any, coefs: Any, intercepts: Any) -> Any:
        if y.ndim == 1:
            return self._loss_of(y, X @ coefs + intercepts)
        return sum(self._loss_of(t, X @ c + b) for t, c, b in zip(y.T, coefs, intercepts, strict=True))

    def _loss_of(self, y: Any, m: Any) -> Any:
        return np.mean(np.logaddexp(0.0, -y[:, None] * m), axis=0)
