"""What a run keeps of an answer, and how that is judged again with NumPy alone, for each family of problems.

    linear system                       x                                 ||b - A x||_2, column by column
    fixed point, inclusion, smooth      x                                 the problem's own functions, called again at x
    transport with entropy              (f, g), one vector of n + m       |P 1 - a|_1 + |P'1 - b|_1,
                                                                          P_ij = exp((f_i + g_j - C_ij) / reg)
    completion                          (U, V), one vector of (m + n) k   |gradient|_2 at balanced factors

A plan has n m entries and follows from n + m potentials, so the potentials are kept. Where there is no mass they are
-inf. Of the factors the rows of U stand first, then those of V. All sums are in long double. Cost: one pass over A, over
C (with an exponential for each entry) or over the entries.
"""

import hashlib
from typing import Any

import numpy as np

__all__ = ["fingerprint", "kept", "kept_shape", "linear", "norms", "on_vectors", "storable", "told"]

_WIDE = np.longdouble
_BLOCK = 1 << 20


def linear(problem: Any) -> bool:
    """Whether it is a linear system."""
    return hasattr(problem, "A")


def on_vectors(problem: Any) -> bool:
    """Whether it is one of the problems whose functions judge an array of known shape."""
    return getattr(problem, "family", "") in ("fixedpoint", "inclusion", "smooth")


def _entropic(problem: Any) -> bool:
    return getattr(problem, "family", "") == "transport" and problem.regularizer == "entropy" and problem.stored


def _factors(problem: Any) -> bool:
    return getattr(problem, "family", "") == "completion"


def storable(problem: Any) -> bool:
    """Whether a run's folder can hold its answers."""
    return linear(problem) or on_vectors(problem) or _entropic(problem) or _factors(problem)


def kept(problem: Any, result: Any) -> Any:
    """The array that is written for a result."""
    if _entropic(problem):
        return np.concatenate([np.ravel(part) for part in result.potentials])
    if _factors(problem):
        return np.concatenate([np.ravel(part) for part in result.x])
    return result.x


def kept_shape(problem: Any) -> tuple[int, ...]:
    """The shape of that array."""
    if _entropic(problem):
        return (int(problem.n + problem.m),)
    if _factors(problem):
        return (int((problem.m + problem.n) * problem.k),)
    return (int(problem.n),) if on_vectors(problem) else tuple(np.shape(problem.b))


def fingerprint(problem: Any) -> str:
    """A short digest of the data (of the scale, where these are functions): is the input the same?"""
    digest = hashlib.blake2b(digest_size=8)
    if on_vectors(problem):
        digest.update(repr(float(problem.scale)).encode())
        return digest.hexdigest()
    if linear(problem):
        A = problem.A
        arrays = (A if isinstance(A, np.ndarray) else getattr(A, "data", None), problem.b)
    elif _entropic(problem):
        arrays = (problem.C, problem.a, problem.b, np.array([float(problem.reg)]))
    else:
        arrays = (problem.rows, problem.cols, problem.values, np.array([problem.k, problem.ridge]))
    for array in arrays:
        if isinstance(array, np.ndarray) and not array.dtype.hasobject:
            digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


def told(problem: Any, source: str) -> tuple[str, str]:
    """What is measured, and how strong that is."""
    if on_vectors(problem):
        return (
            f"{problem.digest()['kind']}, against max(rtol scale, atol), both computed again",
            f"the functions of {source} were called again at x; it proves the residual, not the error in x",
        )
    bits = np.finfo(_WIDE).nmant + 1
    of = "A" if linear(problem) else "C" if _entropic(problem) else "the matrix"
    how = (
        f"NumPy sums in long double ({bits} bits) over the entries of {of} as {source} gives them now, with no code of "
        "the solvers"
    )
    if linear(problem):
        proves = "it proves the residual, and the error in x is at most ||A^-1|| times that"
        return "2-norm of b - A x, against max(rtol ||b||, atol), both computed again", f"{how}; {proves}"
    if _entropic(problem):
        proves = "it proves how far the plan of these potentials is from the marginals"
        return (
            "1-norm of what the plan exp((f + g - C) / reg) lacks of both marginals, against max(rtol mass, atol), "
            "both computed again",
            f"{how}; {proves}",
        )
    return (
        "2-norm of the gradient at balanced factors, against max(rtol scale, atol), both computed again",
        f"{how}; it proves a stationary point, not recovery",
    )


def norms(problem: Any, x: Any) -> tuple[Any, Any, Any]:
    """Residual, its scale, and what rounding in x's own precision can change, as arrays of one number each."""
    if on_vectors(problem):
        found = float(problem.measure(x).residual), float(problem.scale), 0.0
    elif _entropic(problem):
        found = _marginals(problem, x)
    else:
        found = _gradient(problem, x)
    r, scale, floor = (np.array([value]) for value in found)
    return r, scale, floor


def _marginals(problem: Any, x: Any) -> tuple[float, float, float]:
    """The 1-norm of what both marginals of the plan lack; the mass; rounding of the potentials."""
    C, a, b = np.asarray(problem.C), np.asarray(problem.a, dtype=_WIDE), np.asarray(problem.b, dtype=_WIDE)
    f, g = x[: len(a)].astype(_WIDE), x[len(a) :].astype(_WIDE)
    if not (np.all(np.isfinite(f) | (a == 0)) and np.all(np.isfinite(g) | (b == 0))):
        return float("inf"), float(a.sum()), 0.0
    f, g = np.where(a > 0, f, -np.inf), np.where(b > 0, g, -np.inf)
    rows, columns = np.zeros(len(a), dtype=_WIDE), np.zeros(len(b), dtype=_WIDE)
    step = max(1, _BLOCK // len(b))
    with np.errstate(over="ignore"):
        for start in range(0, len(a), step):
            block = slice(start, start + step)
            P = np.exp((f[block, None] + g - C[block].astype(_WIDE)) / _WIDE(problem.reg))
            rows[block] = P.sum(axis=1)
            columns += P.sum(axis=0)
    missing = np.abs(rows - a).sum() + np.abs(columns - b).sum()
    largest = max(np.abs(f[a > 0]).max(), np.abs(g[b > 0]).max()) / problem.reg
    floor = 4 * np.finfo(x.dtype).eps * (1 + largest) * a.sum()
    return float(missing), float(a.sum()), float(floor)


def _gradient(problem: Any, x: Any) -> tuple[float, float, float]:
    """The 2-norm of the gradient at balanced factors, over the entries that are fitted; the scale; rounding."""
    m, n, k = problem.m, problem.n, problem.k
    ip, cols, values, weights, multipliers = problem.by_row
    rows = np.repeat(np.arange(m), np.diff(ip.astype(np.int64)))
    cols = cols.astype(np.int64)
    a, w, c = (np.broadcast_to(v, values.shape).astype(_WIDE) for v in (values, weights, multipliers))
    U, V = _balanced(x[: m * k].reshape(m, k), x[m * k :].reshape(n, k))
    error = w * c * (c * np.sum(U[rows] * V[cols], axis=1) - a)
    both = [problem.ridge * U, problem.ridge * V]
    sizes = [np.zeros_like(U), np.zeros_like(V)]
    for part, size, i, other in ((both[0], sizes[0], rows, V[cols]), (both[1], sizes[1], cols, U[rows])):
        np.add.at(part, i, error[:, None] * other)
        np.add.at(size, i, w[:, None] * (np.abs(a * c)[:, None] + c[:, None] ** 2) * np.abs(other))
    norm = np.sqrt(sum(np.sum(part**2) for part in both))
    floor = (
        8
        * np.finfo(x.dtype).eps
        * np.sqrt(sum(np.sum(size**2) for size in sizes))
        * (1 + np.abs(U).max() * np.abs(V).max())
    )
    matrix = np.sqrt(m * n * np.sum(w * a**2) / np.sum(w * c**2))
    spectral = (1 / np.sqrt(_WIDE(m)) + 1 / np.sqrt(_WIDE(n))) * np.sqrt(np.sum((w * c * a) ** 2))
    return float(norm), float(spectral * np.sqrt(2 * np.sqrt(_WIDE(k)) * matrix)), float(floor)


def _balanced(U: Any, V: Any) -> tuple[Any, Any]:
    """Factors of the same product with U'U = V'V diagonal."""
    Q, R = np.linalg.qr(U)
    P, S = np.linalg.qr(V)
    left, s, right = np.linalg.svd(R @ S.T)
    root = np.sqrt(s)
    return (Q @ (left * root)).astype(_WIDE), (P @ (right.T * root)).astype(_WIDE)
