"""Transport with a quadratic term, and at most k entries in each column: the semi-dual, and how a plan is measured.

    max_f  <f, a> - sum_j max { <s, t> - reg/2 |t|^2 : t >= 0, sum t = b_j, at most k entries },   s = f - C_j

The inner maximum keeps the k largest entries of s and projects them on the simplex of mass b_j. Any f gives a lower bound
of the constrained problem, so the distance of a feasible plan's value to it is a certificate, whatever produced the plan.

Reference: Liu, Puigcerver and Blondel, Sparsity-constrained optimal transport (ICLR 2023), section 3.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from ..core import Measure

__all__ = ["Coupling", "columns", "leave", "measured"]


class Coupling(NamedTuple):
    """A plan between the points that have mass, and the row potentials that bound it from below."""

    plan: Any
    f: Any
    g: Any

    @property
    def vector(self) -> Any:
        """The potentials as one vector."""
        return np.concatenate([self.f, self.g])


class Columns(NamedTuple):
    """The maximisers of all columns: rows and values of shape (k, m), thresholds, and the value of the semi-dual."""

    rows: Any
    values: Any
    level: Any
    value: float
    next: Any


def columns(C: Any, f: Any, a: Any, b: Any, reg: float, k: int) -> Columns:
    """Maximise over each column.

    Parameters
    ----------
    C : ndarray, shape (n, m)
    f : ndarray, shape (n,)
    a, b : ndarray
    reg : float
    k : int
        Entries allowed in a column.

    Returns
    -------
    Columns
        ``next`` is the largest score of each column that was left out (-inf where none was).
    """
    s = f[:, None] - C
    n, m = s.shape
    if k < n:
        order = np.argpartition(-s, k, axis=0)[: k + 1]
        scores = np.take_along_axis(s, order, axis=0)
        rank = np.argsort(-scores, axis=0, kind="stable")
        order, scores = np.take_along_axis(order, rank, axis=0), np.take_along_axis(scores, rank, axis=0)
        rows, scores, left = order[:k], scores[:k], scores[k]
    else:
        rows = np.argsort(-s, axis=0, kind="stable")
        scores, left = np.take_along_axis(s, rows, axis=0), np.full(m, -np.inf)
    sums = np.cumsum(scores, axis=0)
    count = np.arange(1, len(rows) + 1)[:, None]
    levels = (sums - reg * b) / count
    size = np.sum(scores > levels, axis=0)
    level = levels[size - 1, np.arange(m)]
    values = np.maximum(scores - level, 0.0) / reg
    best = float(f @ a) - float(np.sum(values * scores)) + 0.5 * reg * float(np.sum(values**2))
    return Columns(rows, values, level, best, left)


def gathered(found: Columns, shape: tuple[int, int]) -> Any:
    """The maximisers as a CSR plan."""
    cols = np.broadcast_to(np.arange(shape[1]), found.rows.shape)
    keep = found.values > 0
    return sp.csr_array((found.values[keep], (found.rows[keep], cols[keep])), shape=shape)


def measured(problem: Any, x: Any) -> Measure:
    """L1 violation of both marginals of the plan, and its distance from the dual bound; inf where it is not allowed."""
    if not isinstance(x, Coupling):
        x = started(problem, x)
    T = x.plan
    k = problem.max_nonzeros
    values = T.data
    if values.size and (not np.all(np.isfinite(values)) or values.min() < 0.0):
        return Measure(math.inf)
    most = int(np.bincount(T.tocoo().col, minlength=T.shape[1]).max()) if T.nnz else 0
    rows, cols = np.asarray(T.sum(axis=1)) - problem.source, np.asarray(T.sum(axis=0)) - problem.targets
    errors = {"row_error": float(np.abs(rows).sum()), "column_error": float(np.abs(cols).sum())}
    dense = T.toarray()
    cost = float(np.sum(problem.matrix * dense))
    value = cost + 0.5 * problem.reg * float(np.sum(dense**2))
    n = len(problem.source)
    dual = columns(problem.matrix, x.f, problem.source, problem.targets, problem.reg, min(k or n, n)).value
    problem.work.add("plans", 2)
    seen = errors | {"gap": value - dual, "value": value, "dual": dual, "cost": cost, "most_nonzeros": float(most)}
    residual = sum(errors.values()) if k is None or most <= k else math.inf
    return Measure(residual, np.concatenate([rows, cols]), False, seen)


def started(problem: Any, z: Any) -> Coupling:
    """The plan of the semi-dual at potentials z (None is zero)."""
    f, _ = problem.split(np.zeros(problem.n + problem.m) if z is None else np.asarray(z, dtype=float))
    f = np.where(np.isfinite(f), f, 0.0)
    n = len(f)
    C, k = problem.matrix, min(problem.max_nonzeros or n, n)
    found = columns(C, f, problem.source, problem.targets, problem.reg, k)
    return Coupling(gathered(found, C.shape), f, -found.level)


def leave(problem: Any, result: Any) -> None:
    """The plan of all points as ``x`` (CSR with `max_nonzeros`, else dense), and the potentials."""
    from .closing import faced

    x = result.x if isinstance(result.x, Coupling) else started(problem, result.x)
    if "gap" not in result.seen:
        found = measured(problem, x)
        result.seen = {**result.seen, **found.seen, "residual": found.residual}
    plan = x.plan.tocoo()
    row = plan.row if problem.rows is None else problem.rows[plan.row]
    col = plan.col if problem.cols is None else problem.cols[plan.col]
    whole = sp.csr_array((plan.data.astype(problem.dtype), (row, col)), shape=(problem.n, problem.m))
    z = problem.join(x.f, x.g)
    result.potentials = faced(problem, z[: problem.n].copy()), faced(problem, z[problem.n :].copy())
    result.x = whole if problem.max_nonzeros is not None else faced(problem, whole.toarray())
    result.carry = {name: v for name, v in result.carry.items() if name != "residual"}
