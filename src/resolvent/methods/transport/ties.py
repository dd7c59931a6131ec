"""A plan with few entries in each column, where the dual leaves ties: a pattern by mixed-integer programming, then exact.

    min <C + reg T0, T>   T <= min(a, b) z,  z in {0, 1},  sum_i z_ij <= k,   over the best-scored entries of each column

T0 is the plan of the dual. The plan on the pattern found is projected on the marginals, and its value is lowered by
projected Newton steps that keep it feasible.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["repaired"]

_SWEEPS = 60


def repaired(problem: Any, f: Any, found: Any, seconds: float) -> tuple[Any, str]:
    """A feasible plan with at most ``max_nonzeros`` entries in each column, or None and the reason.

    Parameters
    ----------
    problem : Transport
    f : ndarray, shape (n,)
        Row potentials.
    found : Columns
        The maximisers at f.
    seconds : float
        For all programs together.
    """
    C, a, b, k = problem.matrix, problem.source, problem.targets, problem.max_nonzeros
    n, m = C.shape
    if k is None or k >= n:
        return None, "the semi-dual gains nothing more"
    dense = np.zeros((n, m))
    np.put_along_axis(dense, found.rows, found.values, axis=0)
    score = f[:, None] - C
    why = "no plan was found"
    for extra in (4, 12, n):
        rows, cols = _candidates(score, dense, min(n, k + extra))
        T, why = _program(C + problem.reg * dense, a, b, k, rows, cols, seconds / 3)
        problem.work.add("programs")
        if T is not None:
            return _lowered(problem, _exact(T, a, b)), ""
    return None, f"no plan with at most {k} entries a column was found: {why}"


def _candidates(score: Any, dense: Any, count: int) -> tuple[Any, Any]:
    """The best-scored entries of each column, and of each row, so that every row can be reached."""
    n, m = score.shape
    keep = dense > 0
    if count < n:
        keep[np.argpartition(-score, count - 1, axis=0)[:count], np.arange(m)] = True
        wide = min(m, max(2, count * m // n))
        shifted = score - np.max(score, axis=0)
        keep[np.arange(n)[:, None], np.argpartition(-shifted, wide - 1, axis=1)[:, :wide]] = True
    else:
        keep[:] = True
    return np.nonzero(keep)


def _program(cost: Any, a: Any, b: Any, k: int, rows: Any, cols: Any, seconds: float) -> tuple[Any, str]:
    from scipy.optimize import Bounds, LinearConstraint, milp  # at first use: it takes half as long as all of ours

    size, n, m = len(rows), len(a), len(b)
    one, at = np.ones(size), np.arange(size)
    R, S = sp.csr_array((one, (rows, at)), shape=(n, size)), sp.csr_array((one, (cols, at)), shape=(m, size))
    most = np.minimum(a[rows], b[cols])
    unit = 1.0 / a.max()  # masses near one: the tolerances of the program are absolute
    nothing = lambda count: sp.csr_array((count, size))
    constraints = [
        LinearConstraint(sp.hstack([R, nothing(n)], format="csr"), a * unit, a * unit),
        LinearConstraint(sp.hstack([S, nothing(m)], format="csr"), b * unit, b * unit),
        LinearConstraint(sp.hstack([sp.eye_array(size), -sp.diags_array(most * unit)], format="csr"), -np.inf, 0.0),
        LinearConstraint(sp.hstack([nothing(m), S], format="csr"), -np.inf, float(k)),
    ]
    answer = milp(
        np.concatenate([cost[rows, cols], np.zeros(size)]),
        integrality=np.concatenate([np.zeros(size), one]),
        bounds=Bounds(0.0, np.concatenate([most * unit, one])),
        constraints=constraints,
        options={"time_limit": seconds, "mip_rel_gap": 0.02},
    )
    if answer.x is None:
        return None, answer.message.split("\n")[0]
    keep = answer.x[size:] > 0.5
    values = np.where(keep, np.maximum(answer.x[:size], 0.0) / unit, 0.0)
    keep = values > 1e-9 * most
    return sp.csr_array((values[keep], (rows[keep], cols[keep])), shape=(n, m)), ""


def _exact(T: Any, a: Any, b: Any) -> Any:
    """The nearest plan on the same pattern that meets the marginals."""
    coo = T.tocoo()
    E = _incidence(coo.row, coo.col, len(a), len(b))
    values = coo.data.copy()
    for _ in range(4):
        missing = np.concatenate([a, b]) - E @ values
        if np.abs(missing).sum() < 1e-15 * a.sum():
            break
        values = np.maximum(values + E.T @ np.linalg.lstsq((E @ E.T).toarray(), missing, rcond=1e-11)[0], 0.0)
    keep = values > 0
    return sp.csr_array((values[keep], (coo.row[keep], coo.col[keep])), shape=T.shape)


def _incidence(rows: Any, cols: Any, n: int, m: int) -> Any:
    """Rows and columns that an entry belongs to."""
    at, one = np.arange(len(rows)), np.ones(len(rows))
    return sp.vstack(
        [sp.csr_array((one, (rows, at)), shape=(n, len(rows))), sp.csr_array((one, (cols, at)), shape=(m, len(rows)))],
        format="csr",
    )


def _lowered(problem: Any, T: Any) -> Any:
    """Steps inside the pattern towards the least value, as far as no entry becomes negative."""
    coo = T.tocoo()
    n, m = T.shape
    values, cost = coo.data.copy(), problem.matrix[coo.row, coo.col]
    for _ in range(_SWEEPS):
        active = values > 0
        E = _incidence(coo.row[active], coo.col[active], n, m)
        gradient = cost[active] + problem.reg * values[active]
        multipliers = np.linalg.lstsq((E @ E.T).toarray(), E @ gradient, rcond=1e-11)[0]
        step = -(gradient - E.T @ multipliers) / problem.reg
        if np.abs(step).max(initial=0.0) < 1e-12 * problem.mass:
            break
        falling = step < 0
        length = min(1.0, float(np.min(values[active][falling] / -step[falling], initial=1.0)))
        moved = values[active] + length * step
        moved[moved < 1e-15 * problem.mass] = 0.0
        values[active] = moved
    keep = values > 0
    return _exact(
        sp.csr_array((values[keep], (coo.row[keep], coo.col[keep])), shape=T.shape), problem.source, problem.targets
    )
