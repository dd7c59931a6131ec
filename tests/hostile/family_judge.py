"""Measures of the other families, from the user's own data in extended precision. NumPy and nothing of ours.

Each function gives ``(measure, most)``: the answer stands when the measure is at most ``most``, which is the tolerance asked
for, 0.05 % of it, and what the working precision of the user's own callables cannot tell.
"""

import numpy as np

SLACK = np.longdouble(1.0005)
WIDE = np.longdouble


def wide(v):
    """In extended precision."""
    return np.asarray(v).astype(WIDE)


def norm(v):
    """2-norm in extended precision; NaN and inf stay."""
    v = wide(v)
    return np.sqrt(np.sum(v * v))


def asked(rtol, atol, scale):
    """The tolerance, with the slack."""
    return SLACK * max(WIDE(rtol) * scale, WIDE(atol))


def vanishing(residual, size, x, reference, rtol, atol, dtype, noise=0.0):
    """A residual r(x), asked small relative to that at the reference; ``size(x)`` is what rounding in it is relative to.

    Where numbers are subnormal, rounding is by their spacing: one for each coordinate.
    """
    eps, least = np.finfo(dtype).eps, len(x) * WIDE(np.finfo(dtype).smallest_subnormal)
    most = asked(rtol, atol, norm(residual(wide(reference))) + WIDE(noise))
    return norm(residual(wide(x))), most + 16 * WIDE(eps) * size(wide(x)) + WIDE(noise) + least


# ---- loss and penalty ----------------------------------------------------------------------------------------------


def _logs(a):
    """a log a + (1 - a) log(1 - a)."""
    inner = (a > 0) & (a < 1)
    safe = np.where(inner, a, WIDE(0.5))
    return np.where(inner, safe * np.log(safe) + (1 - safe) * np.log1p(-safe), WIDE(0))


def _grouped(v, groups):
    return np.array([norm(v[list(g)]) for g in groups], dtype=WIDE)


def _duality(kind, X, y, lam, second, groups, w):
    """P(w) - D(theta): theta the residual over n, scaled into the dual ball where the penalty is a norm."""
    n, m = len(y), X @ w
    penalty = lam * (np.sum(np.abs(w)) if groups is None else np.sum(_grouped(w, groups))) + second / 2 * (w @ w)
    if kind == "squares":
        r = y - m
        primal, theta = (r @ r) / (2 * n) + penalty, r / n
    else:
        share = 1 / (1 + np.exp(y * m))
        primal, theta = np.mean(np.logaddexp(WIDE(0), -y * m)) + penalty, y * share / n
    s = X.T @ theta
    top = np.max(np.abs(s)) if groups is None else np.max(_grouped(s, groups))
    reach = WIDE(1) if second > 0 or top <= lam else lam / top
    scales = [reach, min(reach, WIDE(1))]
    if kind == "squares":
        if second == 0 and theta @ theta > 0:
            reach = lam / top if top > 0 else WIDE(np.inf)
            scales.append(np.clip(theta @ y / (n * (theta @ theta)), -reach, reach))
        duals = [t * (theta @ y) - n * t * t * (theta @ theta) / 2 for t in scales]
    else:
        duals = [-np.mean(_logs(np.clip(t * share, 0, 1))) for t in scales if t <= 1]
    cost = np.sum(np.maximum(np.abs(s) - lam, 0) ** 2) / (2 * second) if second > 0 else WIDE(0)
    return primal - (max(duals) - cost), primal


def gap(kind, X, y, lam, second, groups, w, rtol, atol, eps):
    """Duality gap of least squares or logistic loss under lam |w|_1 + second |w|^2 / 2, or lam times the groups' norms."""
    X, y, w, lam, second = wide(X), wide(y), wide(w), WIDE(lam), WIDE(second)
    found, primal = _duality(kind, X, y, lam, second, groups, w)
    at_zero = (y @ y) / (2 * len(y)) if kind == "squares" else np.log(WIDE(2))
    return found, asked(rtol, atol, at_zero) + 64 * WIDE(eps) * (at_zero + primal)


def mapping(kind, X, y, lo, hi, w, rtol, atol, eps):
    """Norm of L_j (w_j - clip(w_j - s_j / L_j, lo, hi)); outside the bounds it is infinite."""
    X, y, w, n = wide(X), wide(y), wide(w), len(y)
    if np.any(w < lo) or np.any(w > hi):
        return WIDE(np.inf), WIDE(0)
    if kind == "squares":
        s, first, L = X.T @ (X @ w - y) / n, X.T @ y / n, np.sum(X * X, axis=0) / n
    else:
        s, first, L = -X.T @ (y / (1 + np.exp(y * (X @ w)))) / n, X.T @ y / (2 * n), np.sum(X * X, axis=0) / (4 * n)
    some = L > 0
    at = np.where(some, w - s / np.where(some, L, 1), w)
    found = norm(L * (w - np.clip(at, lo, hi)))
    return found, asked(rtol, atol, norm(first)) + 64 * WIDE(eps) * (norm(first) + norm(L * w) * np.sqrt(WIDE(len(w))))


def box(X, y, lo, hi, w, rtol, atol, eps):
    """Duality gap of least squares in a finite box: sum_j s_j w_j + max over the box of -s_j v."""
    X, y, w, n = wide(X), wide(y), wide(w), len(y)
    if np.any(w < lo) or np.any(w > hi):
        return WIDE(np.inf), WIDE(0)
    s = X.T @ (X @ w - y) / n
    at_zero = (y @ y) / (2 * n)
    return np.sum(w * s + np.maximum(-lo * s, -hi * s)), asked(rtol, atol, at_zero) + 64 * WIDE(eps) * at_zero


# ---- plans and factors ---------------------------------------------------------------------------------------------


def marginals(P, a, b, rtol, atol, eps, most=None):
    """|P 1 - a|_1 + |P' 1 - b|_1; infinite where the plan is negative, or a column has more than ``most`` entries."""
    P, a, b = wide(P), wide(a), wide(b)
    mass = a.sum()
    if not np.isfinite(P).all() or P.min() < 0 or (most is not None and np.count_nonzero(P, axis=0).max() > most):
        return WIDE(np.inf), WIDE(0)
    found = np.abs(P.sum(axis=1) - a).sum() + np.abs(P.sum(axis=0) - b).sum()
    return found, asked(rtol, atol, mass) + 64 * WIDE(eps) * mass


def entropic(P, f, g, C, reg):
    """How far the plan is from exp((f_i + g_j - C_ij) / reg), relative to its mass, and the exponents' size."""
    z = (wide(f)[:, None] + wide(g)[None, :] - wide(C)) / WIDE(reg)
    z = np.where(np.isfinite(z), z, -WIDE(np.inf))
    size = max(np.abs(wide(v)[np.isfinite(v)]).max(initial=0) for v in (f, g)) / WIDE(reg)
    size = max(size, wide(C).max() / WIDE(reg))
    P = wide(P)
    return np.abs(np.exp(z) - P).sum() / P.sum(), size


def factors(rows, cols, values, ridge, U, V, eps):
    """Gradient of half the squared error (and ridge) at the balanced factors, and a bound of what rounding makes of it.

    The balancing is done on the product, scaled to one, in working precision.
    """
    top = max(float(np.abs(U).max()), 1e-300), max(float(np.abs(V).max()), 1e-300)
    k = U.shape[1]
    left, s, right = np.linalg.svd((U / top[0]) @ (V / top[1]).T, full_matrices=False)
    root = np.sqrt(wide(s[:k])) * np.sqrt(WIDE(top[0])) * np.sqrt(WIDE(top[1]))
    U, V = wide(left[:, :k]) * root, wide(right[:k].T) * root
    E = np.zeros((len(U), len(V)), dtype=WIDE)
    E[rows, cols] = (U @ V.T)[rows, cols] - wide(values)
    found = np.hypot(norm(E @ V + ridge * U), norm(E.T @ U + ridge * V))
    spare = 1e3 * WIDE(eps) * (norm(U @ V.T) + norm(values) + ridge) * (norm(U) + norm(V))
    return found, spare
