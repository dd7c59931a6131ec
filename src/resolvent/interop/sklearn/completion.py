"""Matrix completion with scikit-learn's face: NaN marks what is missing, or a sparse matrix holds what is known."""

from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from ...api import solve
from ...problems import Completion

__all__ = ["MatrixCompletion"]


class MatrixCompletion(TransformerMixin, BaseEstimator):
    """Fill in the missing entries of a matrix by one of low rank.

    Parameters
    ----------
    rank : int, default 5
        Rank of the fit; at most the smaller side of the data.
    ridge : float, default 1e-3
        Weight of the squared factors, on the scale of the entries' squares.
    tol : float, default 1e-6
        Gradient asked for, relative to the problem's scale.
    max_iter : int, default 200
        Rounds.
    center : bool, default True
        Fit the mean apart.
    held_out : float, default 0.0
        Part of the entries kept aside to tell the error on what is missing.
    random_state : int, default 0
        Which entries are held out.

    Attributes
    ----------
    row_factors_, column_factors_ : ndarrays, shapes (n_samples, rank), (n_features, rank)
        The fit is ``mean_ + row_factors_ @ column_factors_.T``.
    mean_ : float
    held_out_error_ : float
        Root mean square error on held-out entries; NaN without any.
    n_iter_ : int
    result_ : Result
        With its certificate.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.sklearn import MatrixCompletion
    >>> rng = np.random.default_rng(0)
    >>> M = rng.standard_normal((40, 2)) @ rng.standard_normal((2, 30))
    >>> X = np.where(rng.random(M.shape) < 0.5, M, np.nan)
    >>> filled = MatrixCompletion(rank=2, ridge=1e-9, tol=1e-9, center=False).fit_transform(X)
    >>> bool(np.abs(filled - M).max() < 1e-4)
    True
    """

    def __init__(
        self,
        rank: int = 5,
        ridge: float = 1e-3,
        tol: float = 1e-6,
        max_iter: int = 200,
        center: bool = True,
        held_out: float = 0.0,
        random_state: int = 0,
    ) -> None:
        self.rank = rank
        self.ridge = ridge
        self.tol = tol
        self.max_iter = max_iter
        self.center = center
        self.held_out = held_out
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any = None) -> "MatrixCompletion":
        """Fit the factors.

        Parameters
        ----------
        X : array with NaN where nothing is known, or sparse matrix of what is known, shape (n_samples, n_features)
        y : ignored

        Returns
        -------
        self

        Raises
        ------
        ValueError
            When nothing is known.
        """
        X = self._checked(X, reset=True)
        rows, cols, values = _known(X)
        if len(values) == 0:
            raise ValueError("all entries are missing; at least one known entry is expected")
        self.mean_ = float(values.mean()) if self.center else 0.0
        problem = Completion(
            rows,
            cols,
            values - self.mean_,
            X.shape,
            rank=min(self.rank, *X.shape),
            ridge=float(self.ridge),
            held_out=self.held_out,
            seed=self.random_state,
        )
        result = solve(problem, rtol=self.tol, atol=1e-12, max_steps=self.max_iter)
        self.row_factors_, self.column_factors_ = result.x
        self.held_out_error_ = float(result.seen.get("held_out_error", np.nan))
        self.n_iter_ = max(1, result.steps)
        self.result_ = result
        return self

    def transform(self, X: Any) -> Any:
        """Fill in what is missing in rows over the same columns; known entries stay.

        Each row is fitted to its own known entries, the column factors being given.

        Parameters
        ----------
        X : array with NaN, or sparse matrix, shape (any, n_features)

        Returns
        -------
        ndarray
        """
        fit, (rows, cols, values) = self._fitted(X)
        fit[rows, cols] = values
        return fit

    def predict(self, X: Any) -> Any:
        """The fit of rows over the same columns, also where they are known.

        Parameters
        ----------
        X : array with NaN, or sparse matrix, shape (any, n_features)

        Returns
        -------
        ndarray
        """
        return self._fitted(X)[0]

    def predict_entries(self, rows: Any, cols: Any) -> Any:
        """The fit at some entries of the matrix that was fitted.

        Parameters
        ----------
        rows, cols : integer arrays of one length

        Returns
        -------
        ndarray
        """
        check_is_fitted(self, "column_factors_")
        rows, cols = np.asarray(rows), np.asarray(cols)
        return self.mean_ + np.einsum("ek,ek->e", self.row_factors_[rows], self.column_factors_[cols])

    def _fitted(self, X: Any) -> tuple[Any, Any]:
        """Rows fitted to their known entries with the column factors given, and those entries."""
        check_is_fitted(self, "column_factors_")
        X = self._checked(X, reset=False)
        rows, cols, values = known = _known(X)
        V = self.column_factors_
        U = np.zeros((X.shape[0], V.shape[1]))
        starts = np.searchsorted(rows, np.arange(X.shape[0] + 1))
        for i in range(X.shape[0]):
            at = slice(starts[i], starts[i + 1])
            A = V[cols[at]]
            G = A.T @ A
            G.flat[:: len(G) + 1] += max(float(self.ridge), 1e-10 * max(float(np.trace(G)), 1e-300))
            U[i] = np.linalg.solve(G, A.T @ (values[at] - self.mean_))
        return self.mean_ + U @ V.T, known

    def _checked(self, X: Any, reset: bool) -> Any:
        return validate_data(
            self, X, reset=reset, accept_sparse="coo", dtype=np.float64, ensure_all_finite="allow-nan", copy=False
        )


def _known(X: Any) -> tuple[Any, Any, Any]:
    """Rows, columns and values of what is known, by rows."""
    if sp.issparse(X):
        X = X.tocoo()
        rows, cols, values = X.row.astype(np.int64), X.col.astype(np.int64), X.data
        keep = ~np.isnan(values)
        order = np.lexsort((cols[keep], rows[keep]))
        return rows[keep][order], cols[keep][order], values[keep][order]
    rows, cols = np.nonzero(~np.isnan(X))
    return rows, cols, X[rows, cols]
