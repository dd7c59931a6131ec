"""Eigenvalues and condition from a few Krylov steps, and from a factor where one is cheap.

Hermitian: k steps of Lanczos from a few random vectors, orthogonalised in full,

    A V_k = V_k T_k + beta_k v_{k+1} e_k',   theta_i eigenvalues of T_k (Ritz values),   weights (e_1' s_i)^2

Ritz values lie inside the spectrum, so a negative one *proves* that A is not positive definite, and max / min is a lower
bound of the condition number; the weights give the density of eigenvalues (stochastic Lanczos quadrature). Otherwise
Arnoldi, whose Ritz values show where the spectrum lies. Where a factor is cheap, the smallest eigenvalue comes from
Lanczos on its inverse, and the condition from SciPy's one-norm estimator. About 100 products and 50 vectors.

Reference: Golub and Meurant, Matrices, Moments and Quadrature (2010), chapters 4 and 6; Lin, Saad and Yang, SIAM Review
58 (2016); Higham and Tisseur, SIAM J. Matrix Anal. Appl. 21 (2000).
"""

import math
from typing import Any

import numpy as np
from scipy.sparse.linalg import LinearOperator, onenormest

__all__ = ["arnoldi", "inertia", "lanczos", "spectrum"]

_PROBES = 2
_STEPS = 48


def lanczos(product: Any, v: Any, steps: int) -> tuple[Any, Any]:
    """Ritz values and their weights after `steps` steps from `v`.

    Parameters
    ----------
    product : callable
        ``x -> A x``, A Hermitian.
    v : ndarray, shape (n,)
        Of any length but zero.
    steps : int

    Returns
    -------
    theta : ndarray, shape (k,)
        Ascending; k is less than `steps` when the space is exhausted.
    weights : ndarray, shape (k,)
        Summing to one.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.doctor.spectrum import lanczos
    >>> lanczos(lambda x: np.array([1.0, 2.0, 5.0]) * x, np.ones(3), 3)[0].round(12)
    array([1., 2., 5.])
    """
    from scipy.linalg import eigh_tridiagonal

    n, steps = len(v), min(steps, len(v))
    V = np.empty((steps, n), dtype=v.dtype)
    V[0] = v / np.linalg.norm(v)
    alpha, beta = [], []
    for k in range(steps):
        w = product(V[k])
        alpha.append(float(np.vdot(V[k], w).real))
        size = float(np.linalg.norm(w))
        for _ in range(2):
            before = size
            w = w - (V[: k + 1].conj() @ w) @ V[: k + 1]
            size = float(np.linalg.norm(w))
            if size > 0.5 * before:
                break
        if k + 1 == steps or size <= 1e-12 * (abs(alpha[-1]) + (beta[-1] if beta else 0.0)) or not math.isfinite(size):
            break
        beta.append(size)
        V[k + 1] = w / size
    theta, s = eigh_tridiagonal(np.array(alpha), np.array(beta[: len(alpha) - 1]))
    return theta, np.abs(s[0]) ** 2


def arnoldi(product: Any, v: Any, steps: int) -> Any:
    """Ritz values of a general A after `steps` steps from `v`.

    Parameters
    ----------
    product, v, steps
        As in `lanczos`; A need not be Hermitian.

    Returns
    -------
    ndarray of complex
    """
    n, steps = len(v), min(steps, len(v))
    V = np.zeros((steps + 1, n), dtype=v.dtype)
    H = np.zeros((steps + 1, steps), dtype=v.dtype)
    V[0] = v / np.linalg.norm(v)
    k = 0
    for k in range(steps):
        w = product(V[k])
        for _ in range(2):
            h = V[: k + 1].conj() @ w
            H[: k + 1, k] += h
            w = w - h @ V[: k + 1]
        H[k + 1, k] = np.linalg.norm(w)
        if not abs(H[k + 1, k]) > 1e-12 * np.linalg.norm(H[: k + 1, k]):
            break
        V[k + 1] = w / H[k + 1, k]
    return np.linalg.eigvals(H[: k + 1, : k + 1]).astype(complex)


def spectrum(problem: Any, hermitian: bool, factor: Any, seed: int) -> dict[str, Any]:
    """What is known of the eigenvalues.

    Parameters
    ----------
    problem : LinearSystem
    hermitian : bool
    factor : bound factor of A, or None
    seed : int
        Of the random vectors.

    Returns
    -------
    dict
        ``ritz`` (complex ends of what was seen), ``smallest``, ``largest``, ``condition``, and how each is known.
    """
    rng = np.random.default_rng(seed)
    facts = _hermitian(problem, rng, factor) if hermitian else _general(problem, rng)
    if factor is not None:
        facts |= _from_factor(problem, factor, rng, hermitian, facts)
    return {name: float(value) if isinstance(value, np.floating) else value for name, value in facts.items()}


def _random(problem: Any, rng: Any) -> Any:
    v = rng.standard_normal(problem.n)
    if problem.dtype.kind == "c":
        v = v + 1j * rng.standard_normal(problem.n)
    return v.astype(problem.dtype)


def _hermitian(problem: Any, rng: Any, factor: Any) -> dict[str, Any]:
    found = [lanczos(problem.product, _random(problem, rng), _STEPS) for _ in range(_PROBES)]
    theta = np.concatenate([t for t, _ in found])
    top, low = float(np.max(np.abs(theta))), float(np.min(np.abs(theta)))
    negative, positive = bool(np.any(theta < -1e-10 * top)), bool(np.any(theta > 1e-10 * top))
    kind = "indefinite" if negative and positive else "negative definite" if negative else "positive definite"
    return {
        "kind": "lanczos",
        "ritz": theta,
        "probes": found,
        "largest": float(theta.max()),
        "smallest": float(theta.min()),
        "near_zero": low,
        "definite": kind,
        "definite_known": "proved by a Rayleigh quotient of each sign"
        if kind == "indefinite"
        else "by Lanczos steps only",
        "condition": top / low if low > 0 else math.inf,
        "condition_known": "at least; from Lanczos steps",
        "steps": _STEPS * _PROBES,
    }


def _general(problem: Any, rng: Any) -> dict[str, Any]:
    theta = arnoldi(problem.product, _random(problem, rng), _STEPS)
    size = np.abs(theta)
    right = bool(np.all(theta.real > 0))
    return {
        "kind": "arnoldi",
        "ritz": theta,
        "probes": None,
        "largest": float(size.max()),
        "smallest": float(size.min()),
        "near_zero": float(size.min()),
        "definite": "spectrum to the right of zero" if right else "spectrum on both sides of zero",
        "definite_known": "by Arnoldi steps only",
        "condition": float(size.max() / size.min()) if size.min() > 0 else math.inf,
        "condition_known": "a ratio of Ritz values; the condition number may be larger",
        "steps": _STEPS,
    }


def _from_factor(problem: Any, factor: Any, rng: Any, hermitian: bool, facts: dict[str, Any]) -> dict[str, Any]:
    """The eigenvalue nearest zero and the condition number, by solves with the factor."""

    def solve(x: Any) -> Any:
        return factor.apply(np.ascontiguousarray(x.reshape(-1)).astype(problem.dtype))

    out: dict[str, Any] = {}
    if hermitian:
        inverse, _ = lanczos(solve, _random(problem, rng), 16)
        far = inverse[np.argmax(np.abs(inverse))]
        if far != 0.0 and math.isfinite(far):
            top = max(abs(facts["largest"]), abs(facts["smallest"]))
            out = {
                "near_zero": abs(1.0 / far),
                "condition": top * abs(far),
                "condition_known": "from Lanczos on a factor",
            }
            out["smallest"] = 1.0 / float(far) if facts["definite"] == "positive definite" else facts["smallest"]
        signs = inertia(factor)
        if signs is not None:
            negative, positive = signs
            kinds = {(False, True): "positive definite", (True, False): "negative definite", (True, True): "indefinite"}
            out["definite"] = kinds.get((negative > 0, positive > 0), facts["definite"])
            out["definite_known"] = f"by the pivots of a factor: {negative} negative, {positive} positive eigenvalues"
        return out
    back = _adjoint(factor)

    def adjoint(x: Any) -> Any:
        return back(np.ascontiguousarray(x.reshape(-1)).astype(problem.dtype))

    inverse = LinearOperator(problem.shape, matvec=solve, rmatvec=adjoint, dtype=problem.dtype)
    one = float(np.max(np.bincount(problem.ix.astype(np.int64), weights=np.abs(problem.data), minlength=problem.n)))
    condition = one * float(onenormest(inverse))
    return {"condition": condition, "condition_known": "in the 1-norm, by SciPy's estimator on a factor"}


def _adjoint(factor: Any) -> Any:
    """``x -> A^-H x`` of a factor."""
    if isinstance(factor.lu, tuple):
        from scipy.linalg import lu_solve

        return lambda x: lu_solve(factor.lu, x, trans=2, check_finite=False)
    perm = slice(None) if factor.perm is None else factor.perm

    def back(x: Any) -> Any:
        z = np.empty_like(x)
        z[perm] = np.conj(factor.lu.solve(np.conj(x[perm])))  # the factor is one of the transpose
        return z

    return back


def inertia(factor: Any) -> tuple[int, int] | None:
    """Negative and positive eigenvalues of a Hermitian A, by the signs of the pivots of a factor without interchanges."""
    if isinstance(factor.lu, tuple) or not factor.trusting or not np.array_equal(factor.lu.perm_r, factor.lu.perm_c):
        return None
    pivots = factor.lu.U.diagonal().real
    return int(np.sum(pivots < 0)), int(np.sum(pivots > 0))
