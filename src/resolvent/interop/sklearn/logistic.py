"""Logistic regression of two classes with a penalty, and with its weight chosen by cross-validation."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model._base import LinearClassifierMixin
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import validate_data

from ...operators import ElasticNet as _ElasticNet
from .base import CROSS_VALIDATED, CrossValidated, Fit, Penalised

__all__ = ["LogisticRegression", "LogisticRegressionCV"]


class LogisticRegression(LinearClassifierMixin, ClassifierMixin, Penalised):
    """Two classes: mean logistic loss plus ``(l1_ratio ||w||_1 + (1 - l1_ratio) ||w||^2 / 2) / (C n)``.

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
    classes_ : ndarray, shape (2,)
    coef_ : ndarray, shape (1, p)
    intercept_ : ndarray, shape (1,)
    dual_gap_ : float
        The true duality gap of these coefficients (of the mean loss).
    n_iter_ : ndarray, shape (1,)

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
        tags.classifier_tags.multi_class = False
        tags.input_tags.sparse = True
        return tags

    def _penalty(self, alpha: float) -> Any:
        return _ElasticNet(float(alpha), self.l1_ratio)

    def _data(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, accept_sparse="csc", dtype=np.float64, order="F")
        check_classification_targets(y)
        kind = type_of_target(y, input_name="y", raise_unknown=True)
        if kind != "binary":
            raise ValueError(f"Only binary classification is supported. The type of the target is {kind}.")
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"y has one class only ({self.classes_[0]!r}); two classes are expected")
        return X, 2.0 * codes - 1.0

    def _take(self, fit: Fit, result: Any) -> None:
        super()._take(fit, result)
        self.coef_, self.intercept_ = self.coef_[None, :], np.array([self.intercept_])
        self.n_iter_ = np.array([self.n_iter_])

    def fit(self, X: Any, y: Any) -> Any:
        """Fit to X of shape (n, p), dense or sparse, and y of shape (n,) with two classes."""
        self._checked()
        if not self.C > 0:
            raise ValueError(f"C={self.C!r} was given; a positive number is expected")
        X, y = self._data(X, y)
        fit = Fit(X, y, self.fit_intercept, True)
        self._take(fit, self._solve(self._session(), fit, 1.0 / (self.C * len(y))))
        return self

    def predict_proba(self, X: Any) -> Any:
        """Probabilities of the two classes, shape (n, 2)."""
        m = self.decision_function(X)
        up = np.exp(-np.logaddexp(0.0, -m))
        return np.column_stack([1.0 - up, up])

    def predict_log_proba(self, X: Any) -> Any:
        """Their logarithms."""
        m = self.decision_function(X)
        return np.column_stack([-np.logaddexp(0.0, m), -np.logaddexp(0.0, -m)])


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

    def _loss_of(self, y: Any, m: Any) -> Any:
        return np.mean(np.logaddexp(0.0, -y[:, None] * m), axis=0)
