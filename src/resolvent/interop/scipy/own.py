"""cg, bicgstab, minres with SciPy's signatures, through the one loop.

The recurrence runs in this library's methods; what they reach is measured, and gone on from where the measure does not
agree. A call costs one product more than the recurrence.
"""

from scipy.sparse.linalg import cg as _cg
from scipy.sparse.linalg import minres as _minres

from ...core import Status
from ...methods import CG, MINRES, BiCGStab
from .system import Face, check_atol

__all__ = ["bicgstab", "cg", "minres"]


def cg(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None):
    """Conjugate gradients for a Hermitian positive definite A.

    Parameters
    ----------
    A : sparse array, ndarray or LinearOperator, shape (n, n)
    b : array_like, shape (n,) or (n, 1)
        Integers are taken as float64.
    x0 : array_like or "Mb", optional
        Never modified.
    rtol, atol : float
        ``info == 0`` means ``norm(b - A @ x) <= max(rtol * norm(b), atol)``, computed again.
    maxiter : int, optional
        Iterations allowed; 10 n without.
    M : sparse array, ndarray or LinearOperator, optional
        Hermitian positive definite, an approximate inverse of A.
    callback : callable, optional
        ``callback(xk)`` after each iteration.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        0: certified. Positive: iterations made.

    Raises
    ------
    ValueError, TypeError
        For shapes that do not fit, or an atol that is no number.

    Notes
    -----
    Where p'Ap is not positive the matrix is not positive definite; the solve then goes on with SciPy's recurrence, which
    does not look, so that what SciPy's cg solves by chance is solved here too, and measured.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import cg
    >>> x, info = cg(np.array([[4, 1], [1, 3]]), np.array([1, 2]), rtol=1e-10)
    >>> info, x.round(6)
    (0, array([0.090909, 0.636364]))
    """
    face = Face(A, b, x0, M, rtol, check_atol("cg", atol), maxiter)
    known = face.known()
    if known is not None:
        return known
    result = face.own(CG(preconditioner=face.recipe), callback)
    if result.status == Status.INDEFINITE:
        start = face.problem.enter(result.x)
        return face.lent(_cg, callback, start, result.steps, rtol=0.0, atol=face.tolerance)
    return result.x, face.info(result)


def bicgstab(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None):
    """BiCGStab for a nonsymmetric A.

    Parameters
    ----------
    A, b, x0, rtol, atol, maxiter, M, callback
        As in `cg`; M need not be Hermitian.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        0: certified. Positive: iterations made. Negative: breakdown.

    Raises
    ------
    ValueError, TypeError
        As in `cg`.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import bicgstab
    >>> bicgstab(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)[1]
    0
    """
    face = Face(A, b, x0, M, rtol, check_atol("bicgstab", atol), maxiter)
    known = face.known()
    if known is not None:
        return known
    result = face.own(BiCGStab(preconditioner=face.recipe), callback)
    return result.x, face.info(result)


def minres(A, b, x0=None, *, rtol=1e-5, shift=0.0, maxiter=None, M=None, callback=None, show=False, check=False):
    """MINRES for ``(A - shift I) x = b``, A symmetric, definite or not.

    Parameters
    ----------
    A, b, x0
        As in `cg`.
    rtol : float
        ``info == 0`` means ``norm(b - (A - shift I) x) <= rtol * norm(b)``. SciPy's minres stops on ``norm(r) <= rtol
        * norm(A) * norm(x)``, which may be far from that; this one goes on.
    shift : float
    maxiter : int, optional
        Iterations allowed; 5 n without.
    M : sparse array, ndarray or LinearOperator, optional
        Symmetric positive definite, an approximate inverse of A.
    callback : callable, optional
        ``callback(xk)`` after each iteration.
    show : bool
        Print SciPy's table, of a run of SciPy's recurrence.
    check : bool
        Look whether A and M are symmetric.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        As in `cg`.

    Raises
    ------
    ValueError
        M indefinite; with ``check`` A or M not symmetric.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import minres
    >>> minres(np.array([[0.0, 2.0], [2.0, 1.0]]), np.array([2.0, 3.0]), rtol=1e-10)[1]
    0
    """
    face = Face(A, b, x0, M, rtol, 0.0, maxiter, default=lambda n: 5 * n, shift=shift, stored=not show)
    known = face.known()
    if known is not None:
        return known
    if show:
        return face.lent_minres(_minres, callback, show=True, check=check)
    if check:  # before its first iteration
        _minres(A, b, shift=shift, M=M, maxiter=0, check=True)
    result = face.own(MINRES(preconditioner=face.recipe), callback)
    if result.status == Status.INDEFINITE:
        raise ValueError(result.reason)
    return result.x, max(1, result.steps) if result.status == Status.BREAKDOWN else face.info(result)
