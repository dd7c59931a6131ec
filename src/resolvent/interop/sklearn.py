"""scikit-learn's estimators on our solvers: Lasso, ElasticNet, GroupLasso, LogisticRegression, and each with a path.

    from resolvent.interop.sklearn import Lasso, LassoCV

``tol`` is a relative *true* duality gap: ``dual_gap_ <= tol * objective at zero``, recomputed from the data and the
coefficients after the fit. Paths and cross-validation run through one Session per design, so that each penalty weight
begins with the minimiser, slopes and factor of the one before.
"""

import warnings
from typing import Any

import numpy as np
import scipy.sparse as sp

try:
    from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model._base import LinearClassifierMixin
    from sklearn.model_selection import check_cv
    from sklearn.utils.multiclass import check_classification_targets, type_of_target
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:  # pragma: no cover
    raise ImportError("resolvent.interop.sklearn needs scikit-learn: pip install 'resolvent[sklearn]'") from error

from ..core import Session
from ..operators import L1, GroupL1, LeastSquares, Logistic
from ..operators import ElasticNet as _ElasticNet
from ..problems import Composite
from .completion import MatrixCompletion

__all__ = [
    "ElasticNet",
    "ElasticNetCV",
    "GroupLasso",
    "GroupLassoCV",
    "Lasso",
    "LassoCV",
    "LogisticRegression",
    "LogisticRegressionCV",
    "MatrixCompletion",
]


def _grid(top: float, eps: float, n_alphas: int) -> Any:
    return np.geomspace(max(top, np.finfo(float).tiny), max(top * eps, np.finfo(float).tiny), n_alphas)


class _Fit:
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


class _Penalised(BaseEstimator):
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

    def _solve(self, session: Session, fit: _Fit, alpha: float) -> Any:
        result = session.solve(Composite(fit.loss, self._penalty(alpha)))
        if not result.ok:
            warnings.warn(f"alpha = {alpha:g}: {result.reason}", ConvergenceWarning, stacklevel=4)
        return result

    def _take(self, fit: _Fit, result: Any) -> None:
        self.coef_, self.intercept_ = fit.split(result.x)
        self.n_iter_ = max(1, int(result.steps))
        self.dual_gap_ = float(result.seen["residual"])

    def _path(self, X: Any, y: Any, alphas: Any) -> tuple[Any, Any, Any]:
        """Coefficients (p, k), intercepts (k,) and true gaps (k,) along ``alphas``."""
        fit, session = _Fit(X, y, self.fit_intercept, self._logistic), self._session()
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
            fit = _Fit(X, y, self.fit_intercept, self._logistic)
            return _grid(fit.top(self._penalty(1.0)), eps, n_alphas)
        alphas = np.sort(np.asarray(alphas, dtype=float))[::-1]
        if alphas.ndim != 1 or not np.all(np.isfinite(alphas)) or np.any(alphas < 0):
            raise ValueError("alphas holds a value that is negative or not finite; penalty weights are expected")
        return alphas

    def _data(self, X: Any, y: Any) -> tuple[Any, Any]:
        X, y = validate_data(self, X, y, accept_sparse="csc", dtype=np.float64, order="F", y_numeric=True)
        return X, np.asarray(y, dtype=np.float64)


class _Regressor(RegressorMixin, _Penalised):
    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any) -> Any:
        """Fit to X of shape (n, p), dense or sparse, and y of shape (n,)."""
        self._checked()
        X, y = self._data(X, y)
        fit = _Fit(X, y, self.fit_intercept, False)
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


class LogisticRegression(LinearClassifierMixin, ClassifierMixin, _Penalised):
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

    def _take(self, fit: _Fit, result: Any) -> None:
        super()._take(fit, result)
        self.coef_, self.intercept_ = self.coef_[None, :], np.array([self.intercept_])
        self.n_iter_ = np.array([self.n_iter_])

    def fit(self, X: Any, y: Any) -> Any:
        """Fit to X of shape (n, p), dense or sparse, and y of shape (n,) with two classes."""
        self._checked()
        if not self.C > 0:
            raise ValueError(f"C={self.C!r} was given; a positive number is expected")
        X, y = self._data(X, y)
        fit = _Fit(X, y, self.fit_intercept, True)
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


class _CrossValidated:
    """Choose the penalty weight by cross-validation: one path per fold, one Session per path, then a fit to all data."""

    def _loss_of(self, y: Any, m: Any) -> Any:
        return np.mean((y[:, None] - m) ** 2, axis=0)

    def fit(self, X: Any, y: Any) -> Any:
        """Choose ``alpha_`` and fit to all data."""
        self._checked()
        X, y = self._data(X, y)
        alphas = self._alphas(X, y, self.alphas, self.eps, self.n_alphas)
        rows = X.tocsr() if sp.issparse(X) else X
        losses = []
        for train, test in check_cv(self.cv, y, classifier=self._logistic).split(rows, y):
            part = rows[train].tocsc() if sp.issparse(X) else np.asfortranarray(rows[train])
            coefs, intercepts, _ = self._path(part, y[train], alphas)
            losses.append(self._loss_of(y[test], rows[test] @ coefs + intercepts))
        self.alphas_, self.loss_path_ = alphas, np.column_stack(losses)
        best = int(np.argmin(self.loss_path_.mean(axis=1)))
        self.alpha_ = float(alphas[best])
        fit, session = _Fit(X, y, self.fit_intercept, self._logistic), self._session()
        for alpha in alphas[max(0, best - 4) : best]:
            self._solve(session, fit, float(alpha))
        self._take(fit, self._solve(session, fit, self.alpha_))
        return self


_CV = """

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


class LassoCV(_CrossValidated, Lasso):
    __doc__ = "Lasso with the weight chosen by cross-validation along a path." + _CV

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


class ElasticNetCV(_CrossValidated, ElasticNet):
    __doc__ = "ElasticNet (one ``l1_ratio``) with the weight chosen by cross-validation along a path." + _CV

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


class GroupLassoCV(_CrossValidated, GroupLasso):
    __doc__ = "GroupLasso with the weight chosen by cross-validation along a path." + _CV

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


class LogisticRegressionCV(_CrossValidated, LogisticRegression):
    __doc__ = "LogisticRegression with ``alpha = 1 / (C n)`` chosen by cross-validated loss along a path." + _CV

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
