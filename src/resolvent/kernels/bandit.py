"""What a bandit computes in a round: a distribution over arms, one draw from it, one lesson. Arrays in, arrays out.

A uniform number `u` in [0, 1) is passed in, so that the caller's generator alone decides the draws. `live` is how many
of the arms may be drawn in this round (the first ones). References: Zimmert and Seldin, JMLR 22(28) (2021) 1-49
(Tsallis-INF); Khodak, Chow, Balcan and Talwalkar, ICLR 2024 (ChebCB); Foster and Rakhlin, ICML 2020 (inverse gap
weighting).
"""

import numpy as np
from numba import njit

__all__ = ["cheb_draw", "cheb_learn", "cheb_rebase", "features", "refit", "tsallis_draw", "tsallis_learn"]

_NEWTON = 100
_SWEEPS = 60


@njit(cache=True)
def _drawn(p, live, u):
    """The arm whose share of [0, 1) holds u."""
    total = 0.0
    for i in range(live):
        total += p[i]
        if u < total:
            return i
    best = 0
    for i in range(live):
        if p[i] > p[best]:
            best = i
    return best


@njit(cache=True)
def tsallis_draw(losses, live, scale, eta, u, p):
    """Fill p with the Tsallis-INF distribution and draw.

    ``p_i = 4 / (eta (losses_i / scale - x))^2`` with x such that p sums to one: Newton's iteration for x, started
    where the largest p_i alone is one, rises monotonically. Returns the arm; p is zero beyond `live`.
    """
    low = losses[0]
    for i in range(1, live):
        low = min(low, losses[i])
    x = -2.0 / eta
    total = 0.0
    for _ in range(_NEWTON):
        total = 0.0
        slope = 0.0
        for i in range(live):
            w = 2.0 / (eta * ((losses[i] - low) / scale - x))
            p[i] = w * w
            total += w * w
            slope += w * w * w
        if total - 1.0 <= 1e-12:
            break
        x -= (total - 1.0) / (eta * slope)
    for i in range(live):
        p[i] /= total
    p[live:] = 0.0
    return _drawn(p, live, u)


@njit(cache=True)
def tsallis_learn(losses, live, p, arm, loss, baseline, eta):
    """Add the estimates of one round to the cumulative losses.

    Importance weighting about a baseline B where ``p_i >= eta^2``, as in the reduced-variance estimators of Zimmert
    and Seldin: ``losses_i += B_i``, and for the arm played ``+= (loss - B_arm) / p_arm``. Arms that could not be drawn
    get B.
    """
    bar = eta * eta
    for i in range(losses.shape[0]):
        if i >= live or p[i] >= bar:
            losses[i] += baseline
    losses[arm] += (loss - (baseline if p[arm] >= bar else 0.0)) / p[arm]


@njit(cache=True)
def features(x, f):
    """Chebyshev polynomials ``T_0 ... T_{m-1}`` at x into f."""
    f[0] = 1.0
    if f.shape[0] > 1:
        f[1] = x
    for j in range(2, f.shape[0]):
        f[j] = 2.0 * x * f[j - 1] - f[j - 2]


@njit(cache=True)
def cheb_draw(theta, live, x, greed, scale, u, f, p):
    """Predict each arm's loss at x, fill p by inverse gap weighting, and draw.

    ``p_i = 1 / (live + greed (s_i - min s) / scale)`` for all arms but the best, which has the rest. f takes the
    features of x.
    """
    features(x, f)
    best = 0
    least = np.inf
    for i in range(live):
        s = 0.0
        for j in range(f.shape[0]):
            s += theta[i, j] * f[j]
        p[i] = s
        if s < least:
            best, least = i, s
    rest = 1.0
    for i in range(live):
        if i != best:
            p[i] = 1.0 / (live + greed * (p[i] - least) / scale)
            rest -= p[i]
    p[best] = max(rest, 0.0)
    p[live:] = 0.0
    return _drawn(p, live, u)


@njit(cache=True)
def _box(j, low, high):
    """Bound on coefficient j: the largest loss seen for the mean, twice the spread over j for the others."""
    return high if j == 0 else 2.0 * (high - low) / j


@njit(cache=True)
def _solve(G, h, ridge, out):
    """Cholesky on ``G + ridge diag(1, 1, 4, 9, ...)``, into out."""
    m = h.shape[0]
    L = np.zeros((m, m))
    for j in range(m):
        for i in range(j, m):
            s = G[i, j]
            if i == j:
                s += ridge * max(j * j, 1)
            for k in range(j):
                s -= L[i, k] * L[j, k]
            L[i, j] = np.sqrt(max(s, 1e-300)) if i == j else s / L[j, j]
    for i in range(m):
        s = h[i]
        for k in range(i):
            s -= L[i, k] * out[k]
        out[i] = s / L[i, i]
    for i in range(m - 1, -1, -1):
        s = out[i]
        for k in range(i + 1, m):
            s -= L[k, i] * out[k]
        out[i] = s / L[i, i]


@njit(cache=True)
def refit(G, h, ridge, low, high, theta):
    """Least squares within the box, from the normal equations of one arm, into theta.

    Where the plain solution leaves the box, projected Gauss-Seidel goes on from its projection; that converges to the
    minimiser in the box because G plus ridge is positive definite.
    """
    m = h.shape[0]
    _solve(G, h, ridge, theta)
    outside = False
    for j in range(m):
        bound = _box(j, low, high)
        if not -bound <= theta[j] <= bound:
            outside = True
            theta[j] = min(max(theta[j], -bound), bound)
    if not outside:
        return
    for _ in range(_SWEEPS):
        moved = 0.0
        for j in range(m):
            s = h[j]
            for k in range(m):
                if k != j:
                    s -= G[j, k] * theta[k]
            bound = _box(j, low, high)
            new = min(max(s / (G[j, j] + ridge * max(j * j, 1)), -bound), bound)
            moved = max(moved, abs(new - theta[j]))
            theta[j] = new
        if moved <= 1e-9 * high:
            break


@njit(cache=True)
def cheb_learn(G, h, theta, plays, f, arm, loss, weight, ridge, low, high, everywhere):
    """Add ``weight`` rounds (1, or 0 to correct the loss of the last one by `loss`) to the arm's normal equations and
    refit.

    With `everywhere` all arms that were played are refitted, because the box has changed.
    """
    for j in range(f.shape[0]):
        h[arm, j] += loss * f[j]
        for k in range(f.shape[0]):
            G[arm, j, k] += weight * f[j] * f[k]
    plays[arm] += weight
    for i in range(h.shape[0]):
        if (everywhere or i == arm) and plays[i] > 0:
            refit(G[i], h[i], ridge, low, high, theta[i])


@njit(cache=True)
def _basis(alpha, beta, B):
    """``T_j(alpha x + beta) = sum_k B[j, k] T_k(x)``, by the three-term recurrence."""
    m = B.shape[0]
    B[:] = 0.0
    B[0, 0] = 1.0
    if m > 1:
        B[1, 0], B[1, 1] = beta, alpha
    for j in range(2, m):
        for k in range(j):
            v = B[j - 1, k]
            B[j, k] += 2.0 * beta * v
            if k == 0:
                B[j, 1] += 2.0 * alpha * v
            else:
                B[j, k + 1] += alpha * v
                B[j, k - 1] += alpha * v
        for k in range(m):
            B[j, k] -= B[j - 2, k]


@njit(cache=True)
def cheb_rebase(G, h, theta, plays, alpha, beta, ridge, low, high):
    """Carry the normal equations of all arms over to a wider range of contexts, exactly, and refit.

    A context at x in the old range is at ``alpha x + beta`` in the new one; its features are those of the old range
    times a fixed matrix B, so ``G = B G B'`` and ``h = B h``.
    """
    m = h.shape[1]
    B = np.empty((m, m))
    T = np.empty((m, m))
    v = np.empty(m)
    _basis(alpha, beta, B)
    for i in range(h.shape[0]):
        if plays[i] <= 0:
            continue
        for r in range(m):
            s = 0.0
            for k in range(m):
                s += B[r, k] * h[i, k]
            v[r] = s
            for c in range(m):
                s = 0.0
                for k in range(m):
                    s += B[r, k] * G[i, k, c]
                T[r, c] = s
        for r in range(m):
            h[i, r] = v[r]
            for c in range(m):
                s = 0.0
                for k in range(m):
                    s += T[r, k] * B[c, k]
                G[i, r, c] = s
        refit(G[i], h[i], ridge, low, high, theta[i])
