"""scikit-learn's estimators on our solvers: Lasso, ElasticNet, GroupLasso, LogisticRegression, each with a path, and
MatrixCompletion.

    from resolvent.interop.sklearn import Lasso, LassoCV

``tol`` is a relative *true* duality gap: ``dual_gap_ <= tol * objective at zero``, recomputed from the data and the
coefficients after the fit. Paths and cross-validation run through one Session per design, so that each penalty weight
begins with the minimiser, slopes and factor of the one before.
"""

try:
    import sklearn  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise ImportError("resolvent.interop.sklearn needs scikit-learn: pip install 'resolvent[sklearn]'") from error

from .completion import MatrixCompletion
from .logistic import LogisticRegression, LogisticRegressionCV
from .regression import ElasticNet, ElasticNetCV, GroupLasso, GroupLassoCV, Lasso, LassoCV

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
