"""Entropic transport with the signature of POT's ``ot.sinkhorn``: replace the import, keep the call.

What differs from POT: the tolerance is met by both marginals in L1, recomputed from the plan's potentials (POT looks at one
marginal in the 2-norm every tenth sweep); small ``reg`` converges, because Newton's method takes over from the sweeps; a
difference of the two masses is refused instead of iterated on; gradients do not go through.
"""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..api import solve
from ..core import ConvergenceWarning, Result
from ..problems import Transport

__all__ = ["sinkhorn"]

#: POT's names of methods; all of them lead to the same certified plan here.
METHODS = ("sinkhorn", "sinkhorn_log", "sinkhorn_stabilized", "sinkhorn_epsilon_scaling", "greenkhorn")


def sinkhorn(
    a: Any,
    b: Any,
    M: Any,
    reg: float,
    method: str = "sinkhorn",
    numItermax: int = 1000,
    stopThr: float = 1e-9,
    verbose: bool = False,
    log: bool = False,
    warn: bool = True,
    warmstart: tuple[Any, Any] | None = None,
    **kwargs: Any,
) -> Any:
    """Solve the entropic transport problem and return the plan.

    Parameters
    ----------
    a, b : array, shape (n,) and (m,)
        Masses of equal sum; empty stands for uniform, as in POT. NumPy arrays or torch tensors (the plan is of that kind).
    M : array, shape (n, m)
        Cost; negative entries are allowed here.
    reg : float
        Regularisation, positive.
    method : str
        One of POT's names; accepted for compatibility.
    numItermax : int
        Steps allowed.
    stopThr : float
        L1 violation of both marginals together that is asked for.
    verbose : bool
        Print a line at the end.
    log : bool
        Return a dictionary too: ``err`` (list), ``niter``, ``u``, ``v``, ``log_u``, ``log_v``, and ``result``.
    warn : bool
        Warn when the tolerance is not met.
    warmstart : tuple of arrays, optional
        ``(log_u, log_v)``, the logarithms of the scalings.
    **kwargs
        Options of POT's other methods (``tau``, ``epsilon0``, ...); they have no meaning here.

    Returns
    -------
    array, shape (n, m)
        And the dictionary where ``log`` is true.

    Raises
    ------
    ValueError, TypeError
        For input that cannot be worked on, in one sentence.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.pot import sinkhorn
    >>> half = np.array([0.5, 0.5])
    >>> P, found = sinkhorn(half, half, np.array([[0.0, 1.0], [1.0, 0.0]]), 1.0, log=True)
    >>> np.round(P, 6).tolist(), bool(found["err"][-1] < 1e-9)
    ([[0.365529, 0.134471], [0.134471, 0.365529]], True)
    """
    if method.lower() not in METHODS:
        raise ValueError(f"method={method!r} was given; POT's names are {', '.join(METHODS)}")
    if getattr(b, "ndim", 1) != 1:
        raise ValueError(f"b of shape {tuple(b.shape)} was given; one target measure of shape (m,) is expected")
    a, b = _masses(a, M, 0), _masses(b, M, 1)
    least = float(M.min()) if getattr(M, "ndim", 0) == 2 and 0 not in M.shape else 0.0
    shift = least if least < 0.0 else 0.0
    problem = Transport(M - shift if shift else M, a, b, reg)
    x0 = None if warmstart is None else _started(warmstart, reg, shift)
    result = solve(problem, x0=x0, rtol=0.0, atol=float(stopThr), max_steps=int(numItermax), on_fail="ignore")
    if verbose:
        print(f"resolvent: {result.reason}")
    if warn and not result.ok:
        warnings.warn(result.reason, ConvergenceWarning, stacklevel=2)
    return (result.x, _logged(result, reg, shift)) if log else result.x


def _masses(v: Any, M: Any, axis: int) -> Any:
    """The masses, or uniform ones of M's kind where none are given."""
    if v is not None and len(v):
        return v
    n = M.shape[axis]
    return (M[:, 0] if axis == 0 else M[0]) * 0 + 1.0 / n


def _started(warmstart: Sequence[Any], reg: float, shift: float) -> tuple[Any, Any]:
    """Potentials from POT's logarithms of scalings."""
    if len(warmstart) != 2:
        raise ValueError(f"warmstart has {len(warmstart)} parts; (log_u, log_v) is expected")
    f, g = (reg * np.asarray(v, dtype=float) for v in warmstart)
    return f - shift, g


def _logged(result: Result, reg: float, shift: float) -> dict[str, Any]:
    """POT's dictionary."""
    f, g = result.potentials
    log_u, log_v = (f + shift) / reg, g / reg
    space = np
    if not isinstance(f, np.ndarray):
        import array_api_compat

        space = array_api_compat.array_namespace(f)
    with np.errstate(over="ignore"):
        u, v = space.exp(log_u), space.exp(log_v)
    errors = [float(e) for e in result.history[:, 1]] + [float(result.seen["residual"])]
    return {
        "err": errors,
        "niter": int(result.steps),
        "u": u,
        "v": v,
        "log_u": log_u,
        "log_v": log_v,
        "result": result,
    }
