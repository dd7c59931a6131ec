"""``solve``: one problem, one answer."""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

from .core import DEFAULT_RTOL, ConvergenceWarning, Result, Rule, Session

__all__ = ["solve"]


def solve(
    problem: Any,
    method: Any = "auto",
    *,
    x0: Any = None,
    rtol: float = DEFAULT_RTOL,
    atol: float = 0.0,
    max_steps: int | None = None,
    max_seconds: float | None = None,
    stop: Rule | None = None,
    recorders: Sequence[Any] = (),
    callback: Callable[[Any], Any] | None = None,
    seed: int | None = None,
    on_fail: str = "warn",
) -> Result:
    """Solve one problem and say how well it is solved.

    Parameters
    ----------
    problem : Problem
        Such as ``rv.LinearSystem(A, b)``.
    method : str or method, default "auto"
        A name (``"cg"``, ``"direct"``), a method (``rv.CG(preconditioner=rv.SSOR())``), or ``"auto"``.
    x0 : array, optional
        First guess, shape of x; never modified.
    rtol, atol : float
        Stop when ``residual <= max(rtol * scale, atol)``; what these are stands with each problem. The default rtol is
        1e-6, and 1e-3 in float32.
    max_steps : int, optional
        Iterations allowed.
    max_seconds : float, optional
        Wall time allowed.
    stop : Stop, optional
        A rule in place of the four options above.
    recorders : sequence of Recorder
    callback : callable, optional
        ``callback(state)`` after each iteration; answering True stops the solve with USER.
    seed : int, optional
        For what draws random numbers.
    on_fail : {"warn", "raise", "ignore"}
        Non-convergence is a ConvergenceWarning with the reason, a NotConverged, or only in the result.

    Returns
    -------
    Result
        ``ok``, ``status``, ``reason``, ``x``, ``seen["residual"]`` (recomputed from the problem's own data), ...

    Raises
    ------
    ValueError, TypeError
        For input that cannot be worked on, before any work.
    NotConverged
        With ``on_fail="raise"``.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(49), 3.0 * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> result = rv.solve(rv.LinearSystem(A, np.ones(50)), "cg", rtol=1e-8)
    >>> result.ok, bool(np.linalg.norm(np.ones(50) - A @ result.x) <= 1e-8 * np.sqrt(50))
    (True, True)
    """
    session = Session(
        method,
        rtol=rtol,
        atol=atol,
        max_steps=max_steps,
        max_seconds=max_seconds,
        stop=stop,
        recorders=recorders,
        callback=callback,
        seed=seed,
        on_fail="ignore",
    )
    if on_fail not in ("warn", "raise", "ignore"):
        raise ValueError(f'on_fail={on_fail!r} was given; "warn", "raise" or "ignore" is expected')
    result = session.solve(problem, x0)
    if not result.ok and on_fail == "raise":
        result.raise_if_failed()
    if not result.ok and on_fail == "warn":
        warnings.warn(result.reason, ConvergenceWarning, stacklevel=2)
    return result
