"""The judge: whether an answer meets its tolerance, from the user's own data, in extended precision. NumPy and nothing of ours.

A positive status is a *silent wrong answer* when ``||b - A x|| > 1.0005 max(rtol ||b||, atol)``. For operators, which can
only be asked in working precision, ``8 eps (||A|| ||x|| + ||b||)`` is added; for stored matrices, which promise twice
the working precision, ``4 eps^2 || |A| |x| + |b| ||``, and no more than another 0.0005 unless less than the unit
roundoff was asked for. Where extended precision cannot tell, the judge reckons with rational numbers.
"""

from fractions import Fraction

import numpy as np

SLACK = 1.0005
_TINY = np.longdouble(2.0) ** -16000  # nothing here underflows to zero by being squared


def wide(v):
    """In extended precision."""
    v = np.asarray(v)
    return v.astype(np.clongdouble if v.dtype.kind == "c" else np.longdouble)


def norm(v):
    """2-norm in extended precision, without overflow or underflow on the way."""
    size = np.abs(np.asarray(v))
    top = size.max() if size.size else np.longdouble(0)
    if not 0 < top < np.inf:
        return np.longdouble(top)
    return top * np.sqrt(np.sum((size / top) ** 2))


def eps_of(*arrays):
    """Unit roundoff of the solve's dtype."""
    return np.longdouble(np.finfo(np.result_type(*arrays)).eps)


def residual(true, b, x, product=None):
    """||b - A x|| in extended precision."""
    with np.errstate(all="ignore"):
        y = wide(true) @ wide(x) if product is None else product(wide(true), wide(x))
        return norm(wide(b) - y)


def exact_residual(true, b, x):
    """The same in rational arithmetic: for tolerances at which extended precision cannot tell."""
    total = Fraction(0)
    planes = [(true.real, x.real, 1), (true.imag, x.imag, -1)], [(true.real, x.imag, 1), (true.imag, x.real, 1)]
    for part, pairs in zip((b.real, b.imag), planes):
        for i in range(len(b)):
            s = Fraction(float(part[i]))
            for M, v, sign in pairs:
                for a, c in zip(M[i], v):
                    if a and c:
                        s -= sign * Fraction(float(a)) * Fraction(float(c))
            total += s * s
    if not total:
        return np.longdouble(0)
    half = (total.numerator.bit_length() - total.denominator.bit_length()) // 2
    return np.ldexp(np.sqrt(np.longdouble(float(total / Fraction(4) ** half))), half)


def limit(b, rtol, atol):
    """The tolerance asked for."""
    return max(np.longdouble(rtol) * norm(wide(b)), np.longdouble(atol))


def rounding(true, b, x, operator=False):
    """|| |A| |x| + |b| ||, and for operators ||A||_F ||x|| + ||b||, which is all that can be known of them."""
    with np.errstate(all="ignore"):
        if operator:
            return norm(wide(true).ravel()) * norm(wide(x)) + norm(wide(b))
        return norm(np.abs(wide(true)) @ np.abs(wide(x)) + np.abs(wide(b)))


def meets(true, b, x, rtol, atol, operator=False, product=None):
    """Whether x meets the tolerance, with the slack that stands above."""
    x = np.asarray(x)
    if not (np.isfinite(x).all() and np.isfinite(b).all() and np.isfinite(true).all()):
        return False
    eps = eps_of(true, b)
    size, asked = rounding(true, b, x, operator), limit(b, rtol, atol)
    if operator:
        spare = 8 * eps * size
    else:  # all of it counts only for those who ask for less than the dtype can hold
        spare = min(4 * eps * eps * size, (SLACK - 1) * asked if asked > eps * norm(wide(b)) else np.inf)
    most, found = np.longdouble(SLACK) * asked + spare, residual(true, b, x, product)
    if operator or abs(found - most) > 64 * np.finfo(np.longdouble).eps * size:
        return bool(found <= most)
    return bool(exact_residual(true, b, x) <= most)


def reference(true, b):
    """Dense LU in the solve's dtype, refined once: what any solver could be expected to reach. None where it fails."""
    dtype = np.result_type(true, b)
    A, b = true.astype(dtype), b.astype(dtype)
    try:
        with np.errstate(all="ignore"):
            x = np.linalg.solve(A, b)
            return x + np.linalg.solve(A, b - A @ x)
    except np.linalg.LinAlgError:
        return None


def good(true, b, rtol, atol):
    """Whether the system is one that a dense LU in the same dtype, refined once, solves to the tolerance."""
    if not (np.isfinite(true).all() and np.isfinite(b).all()):
        return False
    x = reference(true, b)
    return x is not None and bool(np.isfinite(x).all()) and meets(true, b, x, rtol, atol)


# ---- which methods are entitled to solve it ------------------------------------------------------------------------


def _scaled(true):
    M = wide(true)
    top = np.abs(M).max()
    return (M / top).astype(np.complex128 if M.dtype.kind == "c" else float)


def definite(true, least=1e-6, scaled=True):
    """Hermitian positive definite, and not near the edge (once its diagonal is scaled to one)."""
    M = _scaled(true)
    if np.abs(M - M.conj().T).max() > 0:
        return False
    d = M.diagonal().real
    if not (d > 0).all():
        return False
    if scaled:
        M = M / np.sqrt(np.outer(d, d))
    w = np.linalg.eigvalsh(M)
    return bool(w[0] > least * w[-1])


def iteration(true, how, omega=1.0):
    """The matrix of a stationary iteration, dense."""
    M = _scaled(true)
    D, L, U = np.diag(np.diag(M)), np.tril(M, -1), np.triu(M, 1)
    if how == "jacobi":
        return np.eye(len(M)) - omega * np.linalg.solve(D, M)
    G = np.linalg.solve(D / omega + L, (1 / omega - 1) * D - U)
    if how == "ssor":
        G = np.linalg.solve(D / omega + U, (1 / omega - 1) * D - L) @ G
    return G


def shrinks(true, how, omega, reach):
    """Whether 512 steps of a stationary iteration bring the residual down by ``reach``, without growing much on the way."""
    if not np.diag(_scaled(true)).all():
        return False
    try:
        G, size = iteration(true, how, omega), 1.0
    except np.linalg.LinAlgError:
        return False
    for _ in range(9):
        G = G @ G
        size = float(np.linalg.norm(G))
        if not size < 1e4:
            return False
    return size < 1e-2 * reach


def roomy(true, b, asked):
    """Whether the tolerance is well above the rounding level of the solution."""
    x = reference(true, b)
    return x is not None and bool(asked >= 2 * eps_of(true, b) * rounding(true, b, x))


# what theory says of a method: of the dense matrix and the reduction asked for
PROMISES = {
    "nothing": lambda true, reach: False,
    "anything": lambda true, reach: True,
    "definite": lambda true, reach: definite(true),
    "definite as it is": lambda true, reach: definite(true) and definite(true, scaled=False),
    "definite as it is, real": lambda true, reach: (
        true.dtype.kind != "c" and definite(true) and definite(true, scaled=False)
    ),
    "ordinary": lambda true, reach: PROMISES["tame"](true, reach) and definite(true, 1e-2, False) and ordinary(true),
    "definite, tame": lambda true, reach: definite(true, 1e-3) and reach > max(1e-20, 4 * np.finfo(true.dtype).eps),
    "tame": lambda true, reach: reach > max(1e-20, 1e2 * np.finfo(true.dtype).eps) and conditioned(true, 1e2),
    "hermitian, tame": lambda true, reach: (
        PROMISES["tame"](true, reach) and ordinary(true) and np.array_equal(true, true.conj().T)
    ),
    "jacobi 1.0": lambda true, reach: _sweeps(true, "jacobi", 1.0, reach),
    "sor 1.0": lambda true, reach: _sweeps(true, "sor", 1.0, reach),
    "sor 1.5": lambda true, reach: _sweeps(true, "sor", 1.5, reach),
    "ssor 1.5": lambda true, reach: _sweeps(true, "ssor", 1.5, reach),
}


def ordinary(true):
    """Whether the squares of the entries can be summed."""
    info, sizes = np.finfo(true.dtype), np.abs(true[true != 0])
    return bool(sizes.size and info.tiny**0.45 < sizes.max() < info.max**0.45)


def conditioned(true, most):
    """Whether the matrix as it stands has a condition number below ``most``."""
    s = np.linalg.svd(_scaled(true), compute_uv=False)
    return bool(s[-1] * most > s[0])


def _sweeps(true, how, omega, reach):
    return reach >= 4 * np.finfo(true.dtype).eps and shrinks(true, how, omega, max(reach, 1e-300))


def entitled(promise, true, reach):
    """Whether theory says that a method of that promise reduces the residual by ``reach`` with something to spare."""
    with np.errstate(all="ignore"):
        return bool(PROMISES[promise](true, reach))
