"""Least squares with a penalty: Lasso, ElasticNet and GroupLasso, and each with its weight chosen by cross-validation."""

from typing import Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ...operators import ElasticNet as _ElasticNet
from ...operators import GroupL1
from .base import CROSS_VALIDATED, CrossValidated, Fit, Penalised

__all__ = ["ElasticNet", "ElasticNetCV", "GroupLasso", "GroupLassoCV", "Lasso", "LassoCV"]


class _Regressor(RegressorMixin, Penalised):
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any) -> Any:
        """Fit to X of shape (n, p), dense or sparse, and y of shape (n,)."""
        self._checked()
        X, y = self._data(X, y)
        fit = Fit(X, y, self.fit_intercept, False)
        self._take(fit, self._solve(self._session(), fit, self.alpha))
        return self

    def predict(self, X: Any) -> Any:
        """``X coef_ + intercept_``, shape (n,)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return np.asarray(X @ self.coef_ + self.intercept_)


class Lasso(_Regressor):
    """``||y - X w - b||^2 / (2 n) + alpha ||w||_1``.

    Parameters
    ----------
    alpha : float, default 1.0
    fit_intercept : bool, default True
    tol : float, default 1e-6
        Relative true duality gap.
    max_iter : int, default 100000
        Epochs.

    Attributes
    ----------
    coef_ : ndarray, shape (p,)
    intercept_ : float
    dual_gap_ : float
        The true duality gap of these coefficients, from the data alone.
    n_iter_ : int

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.sklearn import Lasso
    >>> X = np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> Lasso(alpha=0.1).fit(X, np.array([0.0, 1.0, 2.0])).predict([[1.0, 1.0]]).round(6).tolist()
    [1.0]
    """

    def __init__(
        self, alpha: float = 1.0, *, fit_intercept: bool = True, tol: float = 1e-6, max_iter: int = 100_000
    ) -> None:
        self.alpha, self.fit_intercept, self.tol, self.max_iter = alpha, fit_intercept, tol, max_iter


class ElasticNet(_Regressor):
    """``||y - X w - b||^2 / (2 n) + alpha (l1_ratio ||w||_1 + (1 - l1_ratio) ||w||^2 / 2)``.

    Parameters and attributes are those of Lasso, and ``l1_ratio`` (default 0.5).

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.sklearn import ElasticNet
    >>> X, y = np.eye(3), np.array([3.0, 0.0, 0.0])
    >>> bool(ElasticNet(alpha=0.1).fit(X, y).coef_[0] > 0)
    True
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 100_000,
    ) -> None:
        self.alpha, self.l1_ratio, self.fit_intercept = alpha, l1_ratio, fit_intercept
        self.tol, self.max_iter = tol, max_iter

    def _penalty(self, alpha: float) -> Any:
        return _ElasticNet(float(alpha), self.l1_ratio)


class GroupLasso(_Regressor):
    """``||y - X w - b||^2 / (2 n) + alpha sum_g ||w_g||_2``.

    Parameters and attributes are those of Lasso, and ``groups``: a size of groups of neighbours (default 1), or lists of
    coordinates that part them.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.sklearn import GroupLasso
    >>> X = np.random.default_rng(0).standard_normal((20, 4))
    >>> GroupLasso(groups=2, alpha=0.1).fit(X, X[:, 0]).coef_[2:].round(8).tolist()
    [0.0, -0.0]
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        groups: Any = 1,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 100_000,
    ) -> None:
        self.alpha, self.groups, self.fit_intercept = alpha, groups, fit_intercept
        self.tol, self.max_iter = tol, max_iter

    def _penalty(self, alpha: float) -> Any:
        return GroupL1(float(alpha), self.groups)


class LassoCV(CrossValidated, Lasso):
    __doc__ = "Lasso with the weight chosen by cross-validation along a path." + CROSS_VALIDATED

    def __init__(
        self,
        *,
        alphas: Any = None,
        eps: float = 1e-3,
        n_alphas: int = 100,
        cv: Any = None,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 100_000,
    ) -> None:
        self.alphas, self.eps, self.n_alphas, self.cv = alphas, eps, n_alphas, cv
        self.fit_intercept, self.tol, self.max_iter = fit_intercept, tol, max_iter


class ElasticNetCV(CrossValidated, ElasticNet):
    __doc__ = "ElasticNet (one ``l1_ratio``) with the weight chosen by cross-validation along a path." + CROSS_VALIDATED

    def __init__(
        self,
        *,
        l1_ratio: float = 0.5,
        alphas: Any = None,
        eps: float = 1e-3,
        n_alphas: int = 100,
        cv: Any = None,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 100_000,
    ) -> None:
        self.l1_ratio = l1_ratio
        self.alphas, self.eps, self.n_alphas, self.cv = alphas, eps, n_alphas, cv
        self.fit_intercept, self.tol, self.max_iter = fit_intercept, tol, max_iter


class GroupLassoCV(CrossValidated, GroupLasso):
    __doc__ = "GroupLasso with the weight chosen by cross-validation along a path." + CROSS_VALIDATED

    def __init__(
        self,
        *,
        groups: Any = 1,
        alphas: Any = None,
        eps: float = 1e-3,
        n_alphas: int = 100,
        cv: Any = None,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 100_000,
    ) -> None:
        self.groups = groups
        self.alphas, self.eps, self.n_alphas, self.cv = alphas, eps, n_alphas, cv
        self.fit_intercept, self.tol, self.max_iter = fit_intercept, tol, max_iter
