"""gmres with SciPy's signature: one run of the loop for each cycle, so that what SciPy counts in cycles is counted here.

The loop measures at the end of a cycle, where SciPy computes its residual too; the product is not made twice.
"""

import warnings
from typing import Any

import numpy as np

from ...core import Status
from ...methods import GMRES
from .system import Face, Shown, check_atol

__all__ = ["gmres"]


class _Left(GMRES):
    """GMRES that remembers the least preconditioned residual of each step, which SciPy's callback is shown."""

    def step(self, problem: Any, state: Any) -> None:
        """One Arnoldi step."""
        super().step(problem, state)
        if state.small is not None:
            state.least = abs(state.small.g[state.small.j])

    def _close(self, problem: Any, state: Any, exhausted: bool) -> None:
        state.least = abs(state.small.g[state.small.j])
        super()._close(problem, state, exhausted)


class _Norms(Shown):
    """SciPy's ``callback(pr_norm)``."""

    def show(self, problem: Any, state: Any) -> None:
        """The preconditioned residual over the norm of b."""
        self.call(np.float64(state.least / problem.scale))


def gmres(A, b, x0=None, *, rtol=1e-5, atol=0.0, restart=None, maxiter=None, M=None, callback=None, callback_type=None):
    """GMRES(restart) for a nonsymmetric A, preconditioned from the left.

    Parameters
    ----------
    A, b, x0, rtol, atol, M
        As in `cg`; M need not be Hermitian.
    restart : int, optional
        Length of a cycle; ``min(20, n)`` without.
    maxiter : int, optional
        Cycles allowed, 10 n without; with ``callback_type="legacy"`` iterations.
    callback : callable, optional
    callback_type : {"x", "pr_norm", "legacy"}, optional
        What the callback is given: the iterate after each cycle, or the preconditioned residual's norm over ``norm(b)``
        after each iteration.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        0: certified. Positive: what ``maxiter`` allowed.

    Raises
    ------
    ValueError, TypeError
        As in `cg`, and for another ``callback_type``.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import gmres
    >>> gmres(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)[1]
    0
    """
    if callback is not None and callback_type is None:
        warnings.warn(
            "scipy.sparse.linalg.gmres called without specifying `callback_type`: 'legacy' is assumed, under which "
            "maxiter counts iterations; say callback_type='pr_norm' or 'x' for maxiter to count cycles",
            DeprecationWarning,
            stacklevel=2,
        )
    kind = callback_type or "legacy"
    if kind not in ("x", "pr_norm", "legacy"):
        raise ValueError(f"callback_type={callback_type!r} was given; 'x', 'pr_norm' or 'legacy' is expected")
    face = Face(A, b, x0, M, rtol, check_atol("gmres", atol), maxiter)
    known = face.known()
    if known is not None:
        return known
    return _cycles(face, min(20 if restart is None else int(restart), face.n), callback, kind)


def _cycles(face: Face, restart: int, callback: Any, kind: str) -> Any:
    """Cycles until the measure agrees, nothing more can be had, or ``maxiter`` is reached."""
    method = _Left(restart=max(1, restart), preconditioner=face.recipe, side="left" if face.recipe else "right")
    counts_steps = callback is not None and kind == "legacy"
    left = face.maxiter
    while True:
        room = min(method.restart, left) if counts_steps else method.restart
        result = face.own(method, None if kind == "x" else callback, room, _Norms)
        if callback is not None and kind == "x":
            callback(result.x.copy())
        left -= room if counts_steps else 1
        if result.ok:
            return result.x, 0
        if left <= 0 or result.status != Status.BUDGET:
            return result.x, face.maxiter
        face.go_on(result)
