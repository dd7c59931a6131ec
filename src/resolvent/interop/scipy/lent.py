"""bicg, cgs, qmr, tfqmr, lgmres, gcrotmk: SciPy's own recurrences, what they return measured again, and gone on from.

A call costs what SciPy's costs and one product more, where SciPy did not make it at the x it returns.
"""

from typing import Any

from scipy.sparse.linalg import bicg as _bicg
from scipy.sparse.linalg import cgs as _cgs
from scipy.sparse.linalg import gcrotmk as _gcrotmk
from scipy.sparse.linalg import lgmres as _lgmres
from scipy.sparse.linalg import qmr as _qmr
from scipy.sparse.linalg import tfqmr as _tfqmr

from .system import Face, check_atol

__all__ = ["bicg", "cgs", "gcrotmk", "lgmres", "qmr", "tfqmr"]


def _lent(solver: Any, face: Face, callback: Any, **options: Any) -> Any:
    """The part that all share: where nothing is to be done, and the tolerance as one number."""
    known = face.known()
    return known if known is not None else face.lent(solver, callback, rtol=0.0, atol=face.tolerance, **options)


def bicg(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None):
    """Biconjugate gradients: SciPy's recurrence, with an answer that is measured.

    Parameters
    ----------
    A : sparse array, ndarray or LinearOperator, shape (n, n)
        With ``rmatvec``.
    b : array_like, shape (n,) or (n, 1)
    x0 : array_like or "Mb", optional
    rtol, atol : float
        ``info == 0`` means ``norm(b - A @ x) <= max(rtol * norm(b), atol)``.
    maxiter : int, optional
        Iterations allowed; 10 n without.
    M : sparse array, ndarray or LinearOperator, optional
        Approximate inverse of A, with ``rmatvec``.
    callback : callable, optional
        ``callback(xk)`` after each iteration.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        0: certified. Positive: iterations made. Negative: breakdown.

    Raises
    ------
    ValueError, TypeError
        For shapes that do not fit, or an atol that is no number.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import bicg
    >>> x, info = bicg(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)
    >>> info, x.round(8)
    (0, array([1., 1.]))
    """
    face = Face(A, b, x0, M, rtol, check_atol("bicg", atol), maxiter, stored=False)
    return _lent(_bicg, face, callback)


def cgs(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None):
    """Conjugate gradients squared: SciPy's recurrence, with an answer that is measured.

    Parameters
    ----------
    A, b, x0, rtol, atol, maxiter, M, callback
        As in `bicg`; no ``rmatvec`` is needed.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        As in `bicg`.

    Raises
    ------
    ValueError, TypeError
        As in `bicg`.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import cgs
    >>> cgs(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)[1]
    0
    """
    face = Face(A, b, x0, M, rtol, check_atol("cgs", atol), maxiter, stored=False)
    return _lent(_cgs, face, callback)


def qmr(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M1=None, M2=None, callback=None):
    """Quasi-minimal residual: SciPy's recurrence, with an answer that is measured.

    Parameters
    ----------
    A, b, x0, rtol, atol, maxiter, callback
        As in `bicg`.
    M1, M2 : sparse array, ndarray or LinearOperator, optional
        Left and right preconditioner, with ``rmatvec``.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        As in `bicg`.

    Raises
    ------
    ValueError, TypeError
        As in `bicg`.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import qmr
    >>> qmr(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)[1]
    0
    """
    face = Face(A, b, x0, None, rtol, check_atol("qmr", atol), maxiter, stored=False)
    return _lent(_qmr, face, callback, M1=M1, M2=M2)


def tfqmr(A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=None, M=None, callback=None, show=False):
    """Transpose-free QMR: SciPy's recurrence, with an answer that is measured.

    Parameters
    ----------
    A, b, x0, rtol, atol, M, callback
        As in `bicg`; no ``rmatvec`` is needed.
    maxiter : int, optional
        ``min(10000, 10 n)`` without.
    show : bool
        Print how it ended, as SciPy does.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        As in `bicg`.

    Raises
    ------
    ValueError, TypeError
        As in `bicg`.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import tfqmr
    >>> tfqmr(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)[1]
    0
    """
    atol = check_atol("tfqmr", atol)
    face = Face(A, b, x0, M, rtol, atol, maxiter, default=lambda n: min(10_000, 10 * n), stored=False)
    return _lent(_tfqmr, face, callback, show=show)


def lgmres(
    A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=1000, M=None, callback=None, inner_m=30, outer_k=3,
    outer_v=None, store_outer_Av=True, prepend_outer_v=False,
):  # fmt: skip
    """LGMRES: SciPy's recurrence, with an answer that is measured.

    Parameters
    ----------
    A, b, x0, rtol, atol, M
        As in `bicg`; no ``rmatvec`` is needed.
    maxiter : int
        Outer iterations allowed.
    callback : callable, optional
        ``callback(xk)`` before each outer iteration.
    inner_m, outer_k, outer_v, store_outer_Av, prepend_outer_v
        As in SciPy: the inner length, how many vectors are kept, and the list of them (changed in place).

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        As in `bicg`.

    Raises
    ------
    ValueError, TypeError
        As in `bicg`.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import lgmres
    >>> lgmres(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)[1]
    0
    """
    face = Face(A, b, x0, M, rtol, check_atol("lgmres", atol), maxiter, stored=False)
    options = {"inner_m": inner_m, "outer_k": outer_k, "outer_v": outer_v}
    return _lent(_lgmres, face, callback, store_outer_Av=store_outer_Av, prepend_outer_v=prepend_outer_v, **options)


def gcrotmk(
    A, b, x0=None, *, rtol=1e-5, atol=0.0, maxiter=1000, M=None, callback=None, m=20, k=None, CU=None,
    discard_C=False, truncate="oldest",
):  # fmt: skip
    """GCROT(m, k): SciPy's recurrence, with an answer that is measured.

    Parameters
    ----------
    A, b, x0, rtol, atol, M
        As in `bicg`; no ``rmatvec`` is needed.
    maxiter : int
        Outer iterations allowed.
    callback : callable, optional
        ``callback(xk)`` before each outer iteration.
    m, k, CU, discard_C, truncate
        As in SciPy: inner length, vectors kept, the list of pairs (changed in place), and how it is cut.

    Returns
    -------
    x : ndarray, shape (n,)
    info : int
        As in `bicg`.

    Raises
    ------
    ValueError, TypeError
        As in `bicg`.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.interop.scipy import gcrotmk
    >>> gcrotmk(np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([4.0, 2.0]), rtol=1e-10)[1]
    0
    """
    face = Face(A, b, x0, M, rtol, check_atol("gcrotmk", atol), maxiter, stored=False)
    return _lent(_gcrotmk, face, callback, m=m, k=k, CU=CU, discard_C=discard_C, truncate=truncate)
