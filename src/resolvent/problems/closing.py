"""The end of a transport solve: the plan, its rounding to a feasible one, and what that proves.

With x_i = min(1, a_i / r_i) and y_j = min(1, b_j / c_j), F = diag(x) P diag(y) violates no marginal from above, and

    Q = F + p q' / |p|_1,   p = a - F 1,   q = b - F' 1

is feasible. Since log F_ij = (f_i + g_j - C_ij) / reg + log x_i + log y_j, the value of F follows from its marginals; the
rank-one part is bounded through convexity. One pass over C evaluates, and one multiplies; the second is left out where
the violation is so small that the bounds hold without it.

Reference: Altschuler, Weed and Rigollet, NIPS 2017, algorithm 2.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import kernels

__all__ = ["close", "faced", "nothing"]

_NEGLIGIBLE = 1e-12
_NEARLY = 1e-7  # from here on what rounding moves is bounded, and not carried out


def close(problem: Any, result: Any) -> None:
    """Put the plan into ``result.x``, the pair of potentials beside it, and the certificate into ``seen``."""
    z = np.asarray(result.x)
    f, g = problem.split(z)
    result.potentials = faced(problem, z[: problem.n].copy()), faced(problem, z[problem.n :].copy())
    if not (np.all(np.isfinite(f)) and np.all(np.isfinite(g))):
        result.x = faced(problem, np.zeros((problem.n, problem.m), dtype=problem.dtype))
        return
    kept = problem.__dict__.pop("kept", None)
    vector = result.carry.get("residual")
    whole = kept is not None and np.array_equal(kept[0], f) and np.array_equal(kept[1], g)
    if whole and vector is not None and len(vector) == len(f) + len(g):
        r, c, P = vector[: len(f)] + problem.source, vector[len(f) :] + problem.targets, kept[2]
    else:
        P = np.empty((len(f), len(g)), dtype=problem.dtype) if problem.dense else None
        r, c = problem.sums(f, g, P)
    error = float(np.abs(r - problem.source).sum() + np.abs(c - problem.targets).sum())
    if whole and kept[3] is not None and error <= _NEARLY * problem.mass:
        plan, seen = _dense(problem, P), _bounded(problem, f, g, r, c, *kept[3])
    else:
        plan, seen = _rounded(problem, f, g, r, c, P)
    result.seen = {**result.seen, **seen}
    result.carry = {k: v for k, v in result.carry.items() if k != "residual"}
    result.x = plan


def nothing(problem: Any, result: Any) -> None:
    """No plan: the cost could not be had."""
    result.potentials = faced(problem, np.zeros(problem.n)), faced(problem, np.zeros(problem.m))
    result.x = sp.csr_array((problem.n, problem.m), dtype=problem.dtype)
    result.seen = {**result.seen, "residual": 2.0 * problem.mass}


def _rounded(problem: Any, f: Any, g: Any, r: Any, c: Any, P: Any) -> tuple[Any, dict[str, float]]:
    """The plan, and the certificate."""
    a, b, reg = problem.source, problem.targets, problem.reg
    x, y = np.minimum(1.0, a / np.maximum(r, 1e-300)), np.minimum(1.0, b / np.maximum(c, 1e-300))
    rows, cols, low = np.empty(len(a)), np.zeros(len(b)), np.full(len(b), np.inf)
    cost, parts = 0.0, []
    for start, stop, block in problem.blocks():
        part = slice(start, stop)
        plan = _evaluated(problem, block, f[part], g) if P is None else P[part]
        cost += kernels.transport.rounded(block, plan, x[part], y, f[part], rows[part], cols, low)
        if P is None:  # what is dropped of a row is at most 1e-12 of its mass
            least = _NEGLIGIBLE / len(b) * a[part, None]
            parts.append(sp.csr_array(np.where(plan >= least, plan, 0)))
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
    seen = {"gap": gap, "cost_upper": cost + rest, "cost_lower": float(a @ f + b @ low), "dual": dual}
    return (_dense(problem, P) if P is not None else _sparse(problem, parts)), seen


def _bounded(problem: Any, f: Any, g: Any, r: Any, c: Any, cost: float, low: Any) -> dict[str, float]:
    """The certificate of the rounded plan without a pass over C: what rounding moves is bounded by the violation.

    F loses at most s = sum (r - a)_+ + sum (c - b)_+ of P, so e = mass - sum P + s bounds the rank-one part, which costs
    at most the largest entry of C; that is at most the range of C above the mean cost <C, P> / sum P.
    """
    a, b, reg, mass = problem.source, problem.targets, problem.reg, problem.mass
    total = float(r.sum())
    s = float(np.maximum(r - a, 0.0).sum() + np.maximum(c - b, 0.0).sum())
    e = max(0.0, float(a.sum()) - total + s)
    rest = e * (problem.largest_cost() + cost / total)
    shift = 0.5 * (float(f.mean()) - float(g.mean()))  # (f - t, g + t) belong to the same plan
    f, g = f - shift, g + shift
    moved = s * (max(0.0, float(-f.min())) + max(0.0, float(-g.min())))
    over = float((r - a) @ f + (c - b) @ g) + moved + reg * (total - mass + e)
    spread = reg * e * max(0.0, float(np.log(min(a.max(), b.max()))))
    dual = float(a @ f + b @ g) - reg * total
    gap = max(0.0, over + rest + spread)
    return {"gap": gap, "cost_upper": cost + rest, "cost_lower": float(a @ f + b @ (low + shift)), "dual": dual}


def _evaluated(problem: Any, block: Any, f: Any, g: Any) -> Any:
    """Rows of the plan, where it was not kept."""
    plan = np.empty(block.shape, dtype=problem.dtype)
    ir = 1.0 / problem.reg
    kernels.transport.marginals(block, ir, f * ir, g * ir, True, plan, np.empty(len(f)), np.zeros(len(g)))
    problem.work.add("plans", len(f) / len(problem.source))
    return plan


def _dense(problem: Any, P: Any) -> Any:
    """The plan of all points, in the caller's kind of array."""
    if problem.rows is None and problem.cols is None:
        return faced(problem, P)
    out = np.zeros((problem.n, problem.m), dtype=problem.dtype)
    rows = np.arange(problem.n) if problem.rows is None else problem.rows
    cols = np.arange(problem.m) if problem.cols is None else problem.cols
    out[np.ix_(rows, cols)] = P
    return faced(problem, out)


def _sparse(problem: Any, parts: list[Any]) -> Any:
    """The same as CSR."""
    plan = sp.vstack(parts, format="csr")
    if problem.rows is None and problem.cols is None:
        return sp.csr_array(plan)
    plan = plan.tocoo()
    row = plan.row if problem.rows is None else problem.rows[plan.row]
    col = plan.col if problem.cols is None else problem.cols[plan.col]
    return sp.csr_array((plan.data, (row, col)), shape=(problem.n, problem.m))


def faced(problem: Any, v: Any) -> Any:
    """As an array of the namespace that the problem was given in."""
    return v if problem.faces.back is None else problem.faces.back.from_dlpack(v)
