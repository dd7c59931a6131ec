"""Conjugate gradients for a Hermitian positive definite A in CSR, alone or with a diagonal preconditioner.

One iteration is a product, in which three dot products ride, and one pass over the vectors (1.2 products in all): the
next direction does not wait for the norm of the new residual, because with ``q = A p`` and ``z = M^-1 r``

    <r - alpha q, M^-1 (r - alpha q)> = <r, z> - 2 alpha <z, q> + alpha^2 <q, M^-1 q>

is known before. This forecast makes beta, while the sum recomputed in the pass makes the next alpha, so its rounding
errors do not build up (Chen and Carson, Predict-and-recompute conjugate gradient variants, SIAM J. Sci. Comput. 42,
2020). Where it has lost its digits to cancellation, or overflowed, the pass is split in two.
"""

import numpy as np
from numba import njit

from .csr import _ONE, _U, FAST, abs2, redot

RUNNING, INDEFINITE, NONFINITE, ZERO = 0.0, 1.0, 2.0, 3.0
LOST = 1e-6  # a forecast below this part of the old value is replaced by a sum


@njit(cache=True, fastmath=FAST)
def _product(ip, ix, a, dinv, use_dinv, r, p, q):
    """``q = A p``; returns Re <p, q>, Re <z, q>, <q, M^-1 q> with ``z = M^-1 r``."""
    pq = rq = qq = 0.0
    k = _U(ip[0])
    for i in range(r.shape[0]):
        s = r.dtype.type(0)
        end = _U(ip[i + 1])
        while k < end:
            s += a[k] * p[ix[k]]
            k += _ONE
        q[i] = s
        pq += redot(p[i], s)
        if use_dinv:
            rq += redot(r[i], s) * np.float64(dinv[i])
            qq += abs2(s) * np.float64(dinv[i])
        else:
            rq += redot(r[i], s)
            qq += abs2(s)
    return pq, rq, qq


@njit(cache=True, fastmath=FAST)
def _advance(dinv, use_dinv, x, r, p, q, alpha, beta):
    """``x += alpha p, r -= alpha q, p = M^-1 r + beta p``; returns <r, r>, <r, M^-1 r>."""
    rr = rz = 0.0
    for i in range(r.shape[0]):
        d = p[i]
        x[i] += alpha * d
        s = r[i] - alpha * q[i]
        r[i] = s
        e = abs2(s)
        rr += e
        if use_dinv:
            rz += e * np.float64(dinv[i])
            p[i] = s * dinv[i] + beta * d
        else:
            p[i] = s + beta * d
    return rr, rz if use_dinv else rr


@njit(cache=True, fastmath=FAST)
def _redirect(dinv, use_dinv, r, p, beta):
    for i in range(r.shape[0]):
        p[i] = (r[i] * dinv[i] if use_dinv else r[i]) + beta * p[i]


@njit(cache=True, fastmath=FAST, error_model="numpy")
def cg(ip, ix, a, dinv, use_dinv, x, r, p, q, scal, n_steps, goal, norms):
    """Up to `n_steps` iterations; returns the number done, with the residual's 2-norm after each in `norms`.

    `dinv` (real, shape (n,); ignored, but of some length, unless `use_dinv`) is the inverse of the diagonal
    preconditioner; x, r, p, q have shape (n,), r is ``b - A x`` on entry and the recursive residual on return, q is
    scratch. `scal` (float64, 4 or more) carries on from call to call: ``[<r, M^-1 r>, steps so far, norm of r,
    code]``; all zeros to begin. The kernel returns early after the first norm at most `goal`, or with a code: 1 where
    ``p'Ap <= 0`` (A is not positive definite; x is as before that step), 2 where a number was not finite, 3 where r
    is zero.
    """
    real = r.real.dtype.type
    if scal[1] == 0.0:
        p[:] = 0
        rr, rz = _advance(dinv, use_dinv, x, r, p, p, real(0.0), real(0.0))
        scal[0], scal[2], scal[3] = rz, np.sqrt(rr), RUNNING
    for step in range(n_steps):
        rz = scal[0]
        if rz == 0.0:
            scal[3] = ZERO
            return step
        pq, rq, qq = _product(ip, ix, a, dinv, use_dinv, r, p, q)
        if not (pq > 0.0 and np.isfinite(pq)):
            scal[3] = NONFINITE if not (np.isfinite(pq) and np.isfinite(rz)) else INDEFINITE
            return step
        alpha = rz / pq
        forecast = rz - 2.0 * alpha * rq + alpha * alpha * qq
        if forecast > LOST * rz and np.isfinite(forecast):
            rr, new = _advance(dinv, use_dinv, x, r, p, q, real(alpha), real(forecast / rz))
        else:
            rr, new = _split(dinv, use_dinv, x, r, p, q, real(alpha), rz)
        norm = np.sqrt(rr)
        scal[0], scal[2] = new, norm
        scal[1] += 1.0
        norms[step] = norm
        if not np.isfinite(norm):
            scal[3] = NONFINITE
        if norm <= goal or not np.isfinite(norm):
            return step + 1
    return max(n_steps, 0)


@njit(cache=True, fastmath=FAST, error_model="numpy")
def _split(dinv, use_dinv, x, r, p, q, alpha, rz):
    """The step with beta from the new residual itself."""
    rr = new = 0.0
    for i in range(r.shape[0]):
        x[i] += alpha * p[i]
        s = r[i] - alpha * q[i]
        r[i] = s
        rr += abs2(s)
        new += abs2(s) * (np.float64(dinv[i]) if use_dinv else 1.0)
    _redirect(dinv, use_dinv, r, p, r.real.dtype.type(new / rz))
    return rr, new
