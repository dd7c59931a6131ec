"""The end of a transport solve: the plan, its rounding to a feasible one, and what that proves.

With x_i = min(1, a_i / r_i) and y_j = min(1, b_j / c_j), F = diag(x) P diag(y) violates no marginal from above, and

    Q = F + p q' / |p|_1,   p = a - F 1,   q = b - F' 1

is feasible. Since log F_ij = (f_i + g_j - C_ij) / reg + log x_i + log y_j, the value of F follows from its marginals; the
rank-one part is bounded through convexity. One pass over C evaluates, and one multiplies.

Reference: Altschuler, Weed and Rigollet, NIPS 2017, algorithm 2.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import kernels

__all__ = ["close", "nothing"]

_DENSE = 40_000_000
_NEGLIGIBLE = 1e-12


def close(problem: Any, result: Any) -> None:
    """Put the plan into ``result.x``, the pair of potentials beside it, and the certificate into ``seen``."""
    z = np.asarray(result.x)
    f, g = problem.split(z)
    result.potentials = _faced(problem, z[: problem.n].copy()), _faced(problem, z[problem.n :].copy())
    if not (np.all(np.isfinite(f)) and np.all(np.isfinite(g))):
        result.x = _faced(problem, np.zeros((problem.n, problem.m), dtype=problem.dtype))
        return
    r, c = problem.sums(f, g) if "row_error" not in result.seen else _measured(problem, result, f, g)
    plan, seen = _rounded(problem, f, g, r, c)
    result.seen = {**result.seen, **seen}
    result.carry = {k: v for k, v in result.carry.items() if k != "residual"}
    result.x = plan


def nothing(problem: Any, result: Any) -> None:
    """No plan: the cost could not be had."""
    result.potentials = _faced(problem, np.zeros(problem.n)), _faced(problem, np.zeros(problem.m))
    result.x = sp.csr_array((problem.n, problem.m), dtype=problem.dtype)
    result.seen = {**result.seen, "residual": 2.0 * problem.mass}


def _measured(problem: Any, result: Any, f: Any, g: Any) -> tuple[Any, Any]:
    """The marginals that the last measure left, where it left them."""
    vector = result.carry.get("residual")
    if vector is None or len(vector) != len(f) + len(g):
        return problem.sums(f, g)
    return vector[: len(f)] + problem.source, vector[len(f) :] + problem.targets


def _rounded(problem: Any, f: Any, g: Any, r: Any, c: Any) -> tuple[Any, dict[str, float]]:
    a, b, reg = problem.source, problem.targets, problem.reg
    x, y = np.minimum(1.0, a / np.maximum(r, 1e-300)), np.minimum(1.0, b / np.maximum(c, 1e-300))
    rows, cols, low = np.empty(len(a)), np.zeros(len(b)), np.empty(len(a))
    plan = _Plan(problem)
    cost = 0.0
    for start, stop, block in problem.blocks():
        P = plan.room(start, stop)
        part = slice(start, stop)
        cost += kernels.transport.close(
            block, 1.0 / reg, f[part] / reg, g / reg, x[part], y, g, P, plan.keeps, rows[part], cols, low[part]
        )
        plan.take(start, stop, P)
    p, q = np.maximum(a - rows, 0.0), np.maximum(b - cols, 0.0)
    missing = float(p.sum())
    rest, worst = 0.0, 0.0
    if missing > 0.0:
        for start, stop, block in problem.blocks():
            rest += kernels.transport.bilinear(block, p[start:stop], q)
        rest /= missing
        worst = missing * (1.0 + float(np.log(min(a.max(), b.max()))))  # sum e (1 + log(F + e)), e the rank-one part
    problem.work.add("roundings")
    value = float(rows @ (f + reg * np.log(x)) + cols @ (g + reg * np.log(y))) - reg * float(rows.sum())
    dual = float(a @ f + b @ g) - reg * float(r.sum())
    gap = max(0.0, value - dual + rest + reg * (worst - missing))
    seen = {"gap": gap, "cost_upper": cost + rest, "cost_lower": float(a @ low + b @ g), "dual": dual}
    return plan.done(), seen


class _Plan:
    """The plan as it is built: dense, or CSR above a threshold of entries."""

    def __init__(self, problem: Any) -> None:
        self.problem = problem
        self.dense = problem.n * problem.m <= _DENSE
        self.keeps = True
        whole = problem.rows is None and problem.cols is None
        shape = (len(problem.source), len(problem.targets))
        self.P = np.empty(shape, dtype=problem.dtype) if self.dense else None
        self.whole = whole
        self.parts: list[Any] = []

    def room(self, start: int, stop: int) -> Any:
        """Where the rows of a block go."""
        if self.P is not None:
            return self.P[start:stop]
        return np.empty((stop - start, len(self.problem.targets)), dtype=self.problem.dtype)

    def take(self, start: int, stop: int, P: Any) -> None:
        """Entries that matter, where the plan is sparse: what is dropped of a row is at most 1e-12 of its mass."""
        if self.P is None:
            least = _NEGLIGIBLE / P.shape[1] * self.problem.source[start:stop, None]
            self.parts.append(sp.csr_array(np.where(least <= P, P, 0)))

    def done(self) -> Any:
        """The plan of all points, in the caller's kind of array."""
        problem = self.problem
        if self.P is None:
            plan = sp.vstack(self.parts, format="csr")
            if self.whole:
                return sp.csr_array(plan)
            plan = plan.tocoo()
            row = plan.row if problem.rows is None else problem.rows[plan.row]
            col = plan.col if problem.cols is None else problem.cols[plan.col]
            return sp.csr_array((plan.data, (row, col)), shape=(problem.n, problem.m))
        if self.whole:
            return _faced(problem, self.P)
        out = np.zeros((problem.n, problem.m), dtype=problem.dtype)
        rows = np.arange(problem.n) if problem.rows is None else problem.rows
        cols = np.arange(problem.m) if problem.cols is None else problem.cols
        out[np.ix_(rows, cols)] = self.P
        return _faced(problem, out)


def _faced(problem: Any, v: Any) -> Any:
    """As an array of the namespace that the problem was given in."""
    return v if problem.faces.back is None else problem.faces.back.from_dlpack(v)
