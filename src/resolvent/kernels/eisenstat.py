"""CG with the SSOR preconditioner in Eisenstat's form: an iteration reads every off-diagonal entry once.

``A = L + D + L^H`` Hermitian positive definite, ``S = (D/omega)^(1/2)``, ``N = S^-1 L S^-1``, ``kappa = 2 - omega``:

    S^-1 A S^-1 = (I + N) + (I + N)^H - kappa I
    C = (I + N)^-1 S^-1 A S^-1 (I + N)^-H,   C p = t + w,   t = (I + N)^-H p,   w = (I + N)^-1 (p - kappa t)

Plain CG on C is CG on A with ``M = omega/(2 - omega) (D/omega + L) D^-1 (D/omega + L)^H``, up to a factor of M. An
iteration is a backward and a forward solve; the vector operations ride in them on rows whose vectors are in the
first-level cache. There are no divisions, and the stored values ``N/omega`` do not depend on omega. Rows are
renumbered (`triangular`), which changes the iterates by rounding only. Cost of an iteration: about 1 product on plane
grids, 1.3 on space grids and meshes, 5 on a chain, where every row waits for the one before (solve that one directly).

As in `cg` the new direction uses a forecast of <r, r>; the sum itself is taken in the next sweep. The residual of the
system is ``b - A x = S (I + N) r``: half a product, taken (a *look*) when the estimate ``ratio ||r||``, with the ratio
seen at the last look, comes near the goal, and at least every `EVERY` iterations.

Use: ``plan = symbolic(ip, ix)`` once a pattern, ``mat, root, vec, scal = allocate(plan, dtype)``, ``numeric`` once a
matrix, ``start`` once a right-hand side or omega, ``cg`` as often as wanted, ``solution``.

References: Eisenstat, Efficient implementation of a class of preconditioned conjugate gradient methods, SIAM J. Sci.
Stat. Comput. 2 (1981), 1-4; Chen and Carson, Predict-and-recompute conjugate gradient variants, SIAM J. Sci. Comput.
42 (2020), for the forecast.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, _ZERO, FAST, abs2, redot
from .triangular import _THREE, _TWO, HEAD, LOWER, UPPER, UPPER_VALUES, VALUES, N, lower_solve, segment
from .triangular import analyse as symbolic

__all__ = ["advance", "allocate", "cg", "look", "numeric", "solution", "start", "symbolic"]

RUNNING, INDEFINITE, NONFINITE, EXACT = 0.0, 1.0, 2.0, 3.0
LOST = 1e-6  # a forecast below this part of the old value is replaced by a sum
EVERY = 8  # iterations from one look to the next, at most
NEAR = 1.5  # look where the estimate is within this factor of the goal
# scal: what `cg` carries on from call to call
OMEGA, TRUE, CODE, STEPS, LOOKED, RATIO, RR, STEP_R, STEP_X, BETA = range(10)
R, P, T, W, X = range(5)  # rows of vec


def allocate(plan, dtype):
    """Buffers for a plan: ``mat`` (values, zeros yet), ``root`` (2, n) real, ``vec`` (5, n), ``scal`` (10,) float64."""
    n = int(plan[N])
    root = np.empty((2, n), np.empty(0, dtype).real.dtype)
    return np.zeros(int(plan[VALUES]) + 1, dtype), root, np.empty((5, n), dtype), np.zeros(10)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def numeric(plan, ip, ix, a, mat, root):
    """Gather ``D^-1/2 (L + L^H) D^-1/2`` into `mat` and ``D^-1/2, D^1/2`` (renumbered) into `root`.

    A is canonical. Returns -1, or the first row whose diagonal is not positive and finite; then the buffers are of no
    use.
    """
    n, nnz = ip.shape[0] - 1, ix.shape[0]
    scale = np.empty(n, root.dtype)
    dest, diag = _U(HEAD + n), HEAD + n + nnz
    bad = n
    for k in range(n):
        e, i = plan[diag + k], plan[HEAD + k]
        d = a[e].real if e < nnz else root.dtype.type(0)
        if not (d > 0 and np.isfinite(d)):
            bad = min(bad, np.int64(i))
        d = 1 / np.sqrt(d)
        root[0, k], scale[i] = d, d
    if bad < n:
        return bad
    for k in range(n):
        root[1, k] = 1 / root[0, k]
    for i in range(n):
        s = scale[i]
        for e in range(_U(ip[i]), _U(ip[i + 1])):
            mat[plan[dest + e]] = a[e] * s * scale[ix[e]]
    return -1


@njit(cache=True, fastmath=FAST, error_model="numpy")
def start(plan, mat, root, omega, r, vec, scal):
    """Begin at the residual `r` (natural order, unchanged) with a correction of zero; returns the 2-norm of r."""
    rh = vec[R]
    sq = root.dtype.type(np.sqrt(omega))
    total = 0.0
    for k in range(r.shape[0]):
        s = r[plan[HEAD + k]]
        total += abs2(s)
        rh[k] = s * (root[0, k] * sq)
    lower_solve(plan, mat, root.dtype.type(omega), rh)
    rr = 0.0
    for k in range(r.shape[0]):
        rr += abs2(rh[k])
    for row in range(1, 5):
        for k in range(r.shape[0]):
            vec[row, k] = 0
    for i in range(scal.shape[0]):
        scal[i] = 0.0
    scal[OMEGA], scal[RR], scal[TRUE] = omega, rr, np.sqrt(total)
    scal[RATIO] = np.sqrt(total / rr) if rr > 0.0 else 1.0
    return scal[TRUE]


@njit(cache=True, fastmath=FAST)
def _settle(vec, scal):
    """Take the step of r that the last iteration left to the next; returns ``<r, r>``."""
    r, t, w = vec[R], vec[T], vec[W]
    step = r.real.dtype.type(scal[STEP_R])
    rr = 0.0
    for k in range(r.shape[0]):
        s = r[k] - step * (t[k] + w[k])
        r[k] = s
        rr += abs2(s)
    scal[STEP_R] = 0.0
    return rr


@njit(cache=True, fastmath=FAST, error_model="numpy")
def look(plan, mat, root, vec, scal):
    """The 2-norm of ``b - A x`` by the recurrence, also left in ``scal[TRUE]``; half a product."""
    if scal[STEP_R] != 0.0:
        _settle(vec, scal)
    r, w = vec[R], vec[W]  # w is free once r is settled
    om = root.dtype.type(-scal[OMEGA])
    pc, q = _U(plan[LOWER]), _ZERO
    total = 0.0
    while pc < _U(plan[UPPER]):
        lo, hi, count = _U(plan[pc]), _U(plan[pc + _ONE]), _U(plan[pc + _TWO])
        pc += _THREE
        for k in range(lo, hi):
            w[k] = r[k]
        for _ in range(count):
            pc, q = segment(plan, mat, pc, q, om, r, w, False)
        for k in range(lo, hi):
            total += abs2(w[k] * root[1, k])
    scal[TRUE] = np.sqrt(total / scal[OMEGA])
    scal[LOOKED] = scal[STEPS]
    return scal[TRUE]


@njit(cache=True, fastmath=FAST)
def _backward(plan, mat, vec, om, step_r, step_x, beta):
    """Take the pending steps of x and r, ``p = r + beta p`` and ``t = (I + N)^-H p``; returns ``<r, r>``."""
    r, p, t, w, x = vec[R], vec[P], vec[T], vec[W], vec[X]
    pc, q = _U(plan[UPPER]), _U(plan[UPPER_VALUES])
    rr = 0.0
    while pc < _U(plan.shape[0]):
        lo, hi, count = _U(plan[pc]), _U(plan[pc + _ONE]), _U(plan[pc + _TWO])
        pc += _THREE
        for k in range(lo, hi):
            old = t[k]
            x[k] += step_x * old
            s = r[k] - step_r * (old + w[k])
            r[k] = s
            rr += abs2(s)
            s += beta * p[k]
            p[k] = s
            t[k] = s
        for _ in range(count):
            pc, q = segment(plan, mat, pc, q, om, t, t, True)
    return rr


@njit(cache=True, fastmath=FAST)
def _forward(plan, mat, vec, om):
    """``w = (I + N)^-1 (p - kappa t)``; returns Re <p, q>, Re <r, q>, <q, q> with ``q = t + w``."""
    r, p, t, w = vec[R], vec[P], vec[T], vec[W]
    kappa = r.real.dtype.type(2) - om
    pc, q = _U(plan[LOWER]), _ZERO
    pq = rq = qq = 0.0
    while pc < _U(plan[UPPER]):
        lo, hi, count = _U(plan[pc]), _U(plan[pc + _ONE]), _U(plan[pc + _TWO])
        pc += _THREE
        for k in range(lo, hi):
            w[k] = p[k] - kappa * t[k]
        for _ in range(count):
            pc, q = segment(plan, mat, pc, q, om, w, w, False)
        for k in range(lo, hi):
            s = t[k] + w[k]
            pq += redot(p[k], s)
            rq += redot(r[k], s)
            qq += abs2(s)
    return pq, rq, qq


@njit(cache=True, fastmath=FAST, error_model="numpy")
def advance(plan, mat, root, vec, scal, goal, rr, pq, rq, qq):
    """The numbers of an iteration from its sums ``<r, r>``, Re ``<p, q>``, Re ``<r, q>``, ``<q, q>``.

    Returns whether it was one (else ``scal[CODE]`` says why not) and the residual's norm after it, as `cg` leaves it.
    """
    if not (rr > 0.0 and pq > 0.0 and np.isfinite(pq)):
        finite = np.isfinite(rr) and np.isfinite(pq)
        scal[CODE] = (EXACT if rr == 0.0 else INDEFINITE) if finite else NONFINITE
        scal[STEP_R] = scal[STEP_X] = 0.0
        return False, 0.0
    alpha = rr / pq
    new = rr - 2.0 * alpha * rq + alpha * alpha * qq
    scal[STEP_R] = scal[STEP_X] = alpha
    if not new > LOST * rr:
        new = _settle(vec, scal)
    scal[BETA], scal[RR] = new / rr, new
    scal[STEPS] += 1.0
    norm = scal[RATIO] * np.sqrt(new)
    if not norm > NEAR * goal or scal[STEPS] - scal[LOOKED] >= EVERY:
        norm = look(plan, mat, root, vec, scal)
        scal[RATIO] = norm / np.sqrt(new) if new > 0.0 else 1.0
    if not np.isfinite(norm):
        scal[CODE] = NONFINITE
    return True, norm


@njit(cache=True, fastmath=FAST, error_model="numpy")
def cg(plan, mat, root, vec, scal, n_steps, goal, norms):
    """Up to `n_steps` iterations; returns the number done, with the residual's 2-norm after each in `norms`.

    ``norms[s]`` is the true norm where the kernel looked (``scal[LOOKED]`` is the last such iteration, ``scal[TRUE]``
    its norm) and else an estimate above `goal`. Looks depend on the iteration alone, so calls may be cut anywhere.
    The kernel returns early after the first look at most `goal`, or with ``scal[CODE]`` 1 where ``<p, C p> <= 0`` (A
    is not positive definite; the solution is as before that step), 2 where a number was not finite, 3 where the
    residual is zero.
    """
    real = root.dtype.type
    om = real(scal[OMEGA])
    for step in range(n_steps):
        rr = _backward(plan, mat, vec, om, real(scal[STEP_R]), real(scal[STEP_X]), real(scal[BETA]))
        pq, rq, qq = _forward(plan, mat, vec, om)
        done, norm = advance(plan, mat, root, vec, scal, goal, rr, pq, rq, qq)
        if not done:
            return step
        norms[step] = norm
        if norm <= goal or not np.isfinite(norm):
            return step + 1
    return max(n_steps, 0)


@njit(cache=True, fastmath=FAST)
def solution(plan, root, vec, scal, x0, x):
    """``x = x0 +`` the correction so far, in natural order; the state stays as it is."""
    sq, step = root.dtype.type(np.sqrt(scal[OMEGA])), root.dtype.type(scal[STEP_X])
    for k in range(x.shape[0]):
        i = plan[HEAD + k]
        x[i] = x0[i] + (vec[X, k] + step * vec[T, k]) * (root[0, k] * sq)
