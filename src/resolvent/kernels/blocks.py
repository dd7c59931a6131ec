"""Block coordinate descent on a quadratic with its gradient kept: selection, update and gradient in one kernel.

    f(w) = w'Hw / 2 - c'w,   g = H w - c;   choose b,  w_b += d_b,   g += H[:, b] d_b

Rules: 0 random, 1 cyclic, 2 GS, 3 GSL, 4 GSD, 5 GSQ. Updates: 0 Lipschitz, 1 matrix, 2 exact line search, 3 adaptive
Lipschitz, 4 Newton, which is 1 here. H is dense, C-ordered and symmetric.
"""

import math

from numba import njit

from .columns import FAST

__all__ = ["choose", "descend", "forest", "sweep_tree"]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _factor(H, b, k, L):
    """Cholesky factor of ``H_bb`` with a little added where it is singular."""
    trace = 0.0
    for i in range(k):
        trace += H[b[i], b[i]]
    more = 1e-10 * trace / k
    for i in range(k):
        for j in range(i + 1):
            s = H[b[i], b[j]]
            for q in range(j):
                s -= L[i, q] * L[j, q]
            if i == j:
                L[i, i] = math.sqrt(max(s + more, 1e-300))
            else:
                L[i, j] = s / L[j, j]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _solve(L, k, d):
    for i in range(k):
        for q in range(i):
            d[i] -= L[i, q] * d[q]
        d[i] /= L[i, i]
    for i in range(k - 1, -1, -1):
        d[i] /= L[i, i]
        for q in range(i):
            d[q] -= L[i, q] * d[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _bound(H, b, k):
    """The largest absolute row sum of ``H_bb``: at least its largest eigenvalue."""
    top = 0.0
    for i in range(k):
        s = 0.0
        for j in range(k):
            s += abs(H[b[i], b[j]])
        top = max(top, s)
    return top


@njit(cache=True, error_model="numpy")
def _best_block(rule, g, order, ptr, blocks, sizes, D, factors, d):
    """The fixed block that a greedy rule takes."""
    best, winner = -1.0, 0
    for q in range(blocks):
        score = 0.0
        first, k = ptr[q], ptr[q + 1] - ptr[q]
        if rule == 5:
            for i in range(k):
                d[i] = g[order[first + i]]
            _solve(factors[q], k, d)
            for i in range(k):
                score += d[i] * g[order[first + i]]
        else:
            for i in range(first, first + k):
                score += g[order[i]] ** 2 / (D[order[i]] if rule == 4 else 1.0)
            if rule == 3:
                score /= sizes[q]
        if score > best:
            best, winner = score, q
    return winner


@njit(cache=True, error_model="numpy")
def _top(scores, tau, b):
    """The places of the tau largest scores; these are overwritten."""
    for k in range(tau):
        best = 0
        for i in range(scores.shape[0]):
            if scores[i] > scores[best]:
                best = i
        b[k] = best
        scores[best] = -1.0


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _hard(H, g, D, tau, mu, b, scores, u, moved):
    """Iterative hard thresholding for the block whose matrix update gains most, begun at ``-g / sqrt(L)``."""
    n = g.shape[0]
    for i in range(n):
        u[i] = -g[i] / math.sqrt(H[i, i]) if H[i, i] > 0 else 0.0
    for _ in range(10):
        for i in range(n):
            scores[i] = abs(u[i])
        _top(scores, tau, b)
        for i in range(n):
            moved[i] = g[i]
        for q in range(tau):
            j = b[q]
            for i in range(n):
                moved[i] += u[j] * H[j, i]
        for q in range(tau):
            moved[b[q]] -= u[b[q]] / mu
        for i in range(n):
            u[i] = -mu * moved[i]
    for i in range(n):
        scores[i] = abs(u[i])
    _top(scores, tau, b)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def choose(H, g, rule, fixed, order, ptr, D, sizes, factors, picks, tau, mu, b, d, scores, u, moved, at, row):
    """The block of step ``at`` into b, by ``picks[row]`` where it is random: its number (-1 if variable) and its size."""
    n = g.shape[0]
    blocks = ptr.shape[0] - 1
    if fixed:
        if rule == 0:
            q = picks[row, 0]
        elif rule == 1:
            q = at % blocks
        else:
            q = _best_block(rule, g, order, ptr, blocks, sizes, D, factors, d)
        k = ptr[q + 1] - ptr[q]
        for i in range(k):
            b[i] = order[ptr[q] + i]
        return q, k
    if rule == 0:
        for i in range(tau):
            b[i] = picks[row, i]
    elif rule == 1:
        for i in range(tau):
            b[i] = (at * tau + i) % n
    elif rule == 5:
        _hard(H, g, D, tau, mu, b, scores, u, moved)
    else:
        for i in range(n):
            if rule == 2:
                scores[i] = abs(g[i])
            elif rule == 3:
                scores[i] = abs(g[i]) / math.sqrt(max(H[i, i], 1e-300))
            else:
                scores[i] = g[i] * g[i] / D[i]
        _top(scores, tau, b)
    return -1, tau


@njit(cache=True, fastmath=FAST, error_model="numpy")
def descend(
    H, w, g, rule, update, fixed, order, ptr, sizes, D, factors, adaptive, picks, tau, mu, b, d, scores, u, moved, work,
    at, steps, goal, norms,
):  # fmt: skip
    """``steps`` block steps, from the ``at``-th on, or until the gradient's 2-norm is at most ``goal``; returns the steps.

    ``picks`` holds a random number for each step (fixed) or tau coordinates for each step (variable).
    """
    n = g.shape[0]
    for step in range(steps):
        q, k = choose(
            H, g, rule, fixed, order, ptr, D, sizes, factors, picks, tau, mu, b, d, scores, u, moved, at + step, step
        )  # fmt: skip
        square = 0.0
        for i in range(k):
            d[i] = -g[b[i]]
            square += d[i] * d[i]
        if update == 1 or update == 4:
            if fixed:
                _solve(factors[q], k, d)
            else:
                _factor(H, b, k, work)
                _solve(work, k, d)
        else:
            curve = 0.0
            for i in range(k):
                for j in range(k):
                    curve += d[i] * H[b[i], b[j]] * d[j]
            if update == 0:
                L = sizes[q] if fixed else _bound(H, b, k)
            elif update == 2:
                L = curve / square if square > 0 else 1.0
            else:
                slot = q if fixed else 0
                L = adaptive[slot]
                while -square / L + 0.5 * curve / (L * L) > -0.5 * square / L + 1e-16 * square and L < 1e300:
                    L *= 2.0
                adaptive[slot] = L
            for i in range(k):
                d[i] = d[i] / L if L > 0 else 0.0
        for i in range(k):
            j = b[i]
            w[j] += d[i]
            x = H[j]
            for p in range(n):
                g[p] += d[i] * x[p]
        total = 0.0
        for p in range(n):
            total += g[p] * g[p]
        norms[step] = math.sqrt(total)
        if not norms[step] > goal:
            return step + 1
    return steps


@njit(cache=True, error_model="numpy")
def _root(parent, i):
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@njit(cache=True, error_model="numpy")
def forest(ip, ix, taken, candidates, count, parent, near, chosen):
    """A forest among the candidates that are not taken, in their order: a node joins unless it would close a cycle.

    Writes the nodes to ``chosen`` and returns how many; ``parent`` is scratch for union-find.
    """
    n = taken.shape[0]
    for i in range(n):
        parent[i] = -1
    size = 0
    for q in range(count):
        i = candidates[q]
        if taken[i]:
            continue
        found = 0
        closes = False
        for k in range(ip[i], ip[i + 1]):
            j = ix[k]
            if j != i and parent[j] >= 0:
                r = _root(parent, j)
                for a in range(found):
                    closes = closes or near[a] == r
                near[found] = r
                found += 1
        if closes:
            continue
        parent[i] = i
        for a in range(found):
            parent[near[a]] = i
        chosen[size] = i
        size += 1
    return size


@njit(cache=True, error_model="numpy")
def sweep_tree(ip, ix, a, w, c, order, up, first, last, pivot, load):
    """Solve ``H_bb w_b = c_b - H_bc w_c`` for a forest b exactly: from the leaves to the roots and back, O(|b|).

    ``order[first:last]`` lists the nodes, parents before children; ``up`` is the parent or -1; for others -2.
    """
    for q in range(first, last):
        i = order[q]
        s = c[i]
        d = 0.0
        for k in range(ip[i], ip[i + 1]):
            j = ix[k]
            if j == i:
                d += a[k]
            elif not (up[j] == i or up[i] == j):
                s -= a[k] * w[j]
        pivot[i], load[i] = d, s
    for q in range(last - 1, first - 1, -1):
        i = order[q]
        p = up[i]
        if p >= 0:
            e = 0.0
            for k in range(ip[i], ip[i + 1]):
                if ix[k] == p:
                    e += a[k]
            pivot[p] -= e * e / pivot[i]
            load[p] -= e * load[i] / pivot[i]
    for q in range(first, last):
        i = order[q]
        s = load[i]
        p = up[i]
        if p >= 0:
            for k in range(ip[i], ip[i + 1]):
                if ix[k] == p:
                    s -= a[k] * w[p]
        w[i] = s / pivot[i]
