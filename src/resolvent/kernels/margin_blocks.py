"""Block coordinate descent on the mean logistic loss of the margins z = X w, which are kept: one block a step.

    f = mean log(1 + exp(-y z)),   g = X'v,  v = df/dz;   choose b,  w_b += t d_b,  z += t X_b d_b

H is a bound on the Hessian, X'X / (4 n): rules and the updates 0 Lipschitz, 1 matrix, 2 line search and 3 adaptive use it as
``blocks`` does the Hessian of a quadratic; 4 Newton forms X_b' diag(h) X_b at the margins and halves the step until f falls.
"""

import math

from numba import njit

from .blocks import _bound, _factor, _solve, choose
from .columns import FAST

__all__ = ["descend"]


@njit(cache=True, error_model="numpy")
def _value(y, z, dz, t):
    """The mean loss at z + t dz."""
    total = 0.0
    for i in range(z.shape[0]):
        m = y[i] * (z[i] + t * dz[i])
        total += math.log1p(math.exp(-abs(m))) + max(-m, 0.0)
    return total / z.shape[0]


@njit(cache=True, error_model="numpy")
def _slope(y, z, v, h):
    """df/dz and the second derivative, coordinate by coordinate."""
    n = z.shape[0]
    for i in range(n):
        m = y[i] * z[i]
        e = math.exp(-abs(m))
        share = (e if m > 0 else 1.0) / (1.0 + e)
        v[i] = -y[i] * share / n
        h[i] = share * (1.0 - share) / n


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _gradient(XT, v, g, b, k):
    """X'v, of k coordinates or (k < 0) of all."""
    for q in range(g.shape[0] if k < 0 else k):
        j = q if k < 0 else b[q]
        s = 0.0
        x = XT[j]
        for i in range(x.shape[0]):
            s += x[i] * v[i]
        g[j] = s


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _curvature(XT, h, b, k, B):
    """X_b' diag(h) X_b into the first k rows of B."""
    for i in range(k):
        for j in range(i + 1):
            s = 0.0
            x, u = XT[b[i]], XT[b[j]]
            for q in range(h.shape[0]):
                s += x[q] * h[q] * u[q]
            B[i, j] = B[j, i] = s


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _direction(XT, H, h, b, k, update, fixed, q, sizes, factors, local, places, work, d, square):
    """From ``d = -g_b`` to the step of length one."""
    if update == 1 and fixed:
        _solve(factors[q], k, d)
    elif update == 1:
        _factor(H, b, k, work)
        _solve(work, k, d)
    elif update == 4:
        _curvature(XT, h, b, k, local)
        _factor(local, places, k, work)
        _solve(work, k, d)
    elif update != 3:
        L = sizes[q] if fixed else _bound(H, b, k)
        if update == 2:
            L = 0.0
            for i in range(k):
                for j in range(k):
                    L += d[i] * H[b[i], b[j]] * d[j]
            L = L / square if square > 0 else 1.0
        for i in range(k):
            d[i] = d[i] / L if L > 0 else 0.0


@njit(cache=True, error_model="numpy")
def _length(update, y, z, dz, slope, square, slot, adaptive):
    """How far to go along the step."""
    if update < 2:
        return 1.0
    start = _value(y, z, dz, 0.0)
    if update == 3:  # d = -g_b: L doubles until the decrease that it promises is met
        L = adaptive[slot]
        while _value(y, z, dz, 1.0 / L) > start - 0.5 * square / L + 1e-16 * abs(start) and L < 1e300:
            L *= 2.0
        adaptive[slot] = L
        return 1.0 / L
    t, now = 1.0, _value(y, z, dz, 1.0)
    if update == 2:  # the bound promises a decrease at one; further while it goes on
        for _ in range(20):
            further = _value(y, z, dz, 2.0 * t)
            if not further < now:
                break
            t, now = 2.0 * t, further
        return t
    for _ in range(40):
        if now <= start + 1e-4 * t * slope + 1e-16 * abs(start):
            return t
        bend = now - start - t * slope
        guess = -0.5 * slope * t * t / bend if bend > 0 else 0.5 * t
        t = min(max(guess, 0.1 * t), 0.5 * t)
        now = _value(y, z, dz, t)
    return 0.0


@njit(cache=True, fastmath=FAST, error_model="numpy")
def descend(
    XT, y, H, w, z, dz, v, h, g, rule, update, fixed, order, ptr, sizes, D, factors, adaptive, picks, tau, mu, b, d,
    scores, u, moved, work, local, places, last, at, steps, goal, norms,
):  # fmt: skip
    """``steps`` block steps, or until the gradient's 2-norm is at most ``goal``; returns the steps made.

    Rules that look at the whole gradient have it at each step; for the others it is formed once a round, and ``norms`` holds
    the last one known, to begin with ``last``.
    """
    n, p = z.shape[0], w.shape[0]
    rounds = max(1, (p + tau - 1) // tau)
    for step in range(steps):
        whole = rule >= 2 or (at + step) % rounds == rounds - 1
        q, k = choose(
            H, g, rule, fixed, order, ptr, D, sizes, factors, picks, tau, mu, b, d, scores, u, moved, at + step, step
        )  # fmt: skip
        if rule < 2:
            _gradient(XT, v, g, b, k)
        square = 0.0
        for i in range(k):
            d[i] = -g[b[i]]
            square += d[i] * d[i]
        _direction(XT, H, h, b, k, update, fixed, q, sizes, factors, local, places, work, d, square)
        slope = 0.0
        for i in range(n):
            dz[i] = 0.0
        for i in range(k):
            slope += d[i] * g[b[i]]
            x = XT[b[i]]
            for j in range(n):
                dz[j] += d[i] * x[j]
        t = _length(update, y, z, dz, slope, square, q if fixed else 0, adaptive)
        for i in range(k):
            w[b[i]] += t * d[i]
        for i in range(n):
            z[i] += t * dz[i]
        _slope(y, z, v, h)
        if whole:
            _gradient(XT, v, g, b, -1)
            last = 0.0
            for i in range(p):
                last += g[i] * g[i]
            last = math.sqrt(last)
        norms[step] = last
        if whole and not last > goal:
            return step + 1
    return steps
