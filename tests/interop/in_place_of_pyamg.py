"""A pytest plugin: cg, bicgstab and gmres of ``pyamg.krylov``, and SciPy's gmres beside them, are ours.

PyAMG's tests of its Krylov methods are run on these; the adapter knows what ``tol`` and ``maxiter`` mean there.
"""

import pytest
import scipy.sparse.linalg

from resolvent.interop import scipy as ours

pyamg = pytest.importorskip("pyamg.krylov")


def cg(A, b, x0=None, tol=1e-5, criteria="rr", maxiter=None, M=None, callback=None, residuals=None):
    """PyAMG's signature; every criterion is the true residual's."""
    return ours.cg(A, b, x0, rtol=tol, maxiter=maxiter, M=M, callback=callback)


def bicgstab(A, b, x0=None, tol=1e-5, criteria="rr", maxiter=None, M=None, callback=None, residuals=None):
    """As `cg`."""
    return ours.bicgstab(A, b, x0, rtol=tol, maxiter=maxiter, M=M, callback=callback)


def gmres(A, b, x0=None, tol=1e-5, restart=None, maxiter=None, M=None, callback=None, residuals=None, **options):
    """Without a restart, maxiter is the length of the one cycle."""
    if restart is None:
        restart, maxiter = maxiter or min(A.shape[0], 40), 1
    return ours.gmres(A, b, x0, rtol=tol, restart=restart, maxiter=maxiter, M=M)


CALLED = set()


def counted(function):
    def call(*args, **options):
        CALLED.add(function.__name__)
        return function(*args, **options)

    call.__name__ = function.__name__
    return call


def pytest_configure(config):
    """Before anything is collected; importing this module replaces nothing."""
    for function in (cg, bicgstab, gmres):
        setattr(pyamg, function.__name__, counted(function))
    scipy.sparse.linalg.gmres = counted(ours.gmres)


def pytest_sessionfinish(session):
    """Nothing replaced and never called would prove nothing."""
    print("called:", *sorted(CALLED))
