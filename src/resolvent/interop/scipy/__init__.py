"""The iterative solvers of ``scipy.sparse.linalg`` under their own names and signatures, with a true ``info``.

``from resolvent.interop.scipy import cg`` in place of ``from scipy.sparse.linalg import cg``, and nothing else changes:
the arguments, ``(x, info)``, what a callback is given and how often, what ``maxiter`` counts, the errors. What changes:

- ``info == 0`` only where ``||b - A x|| <= max(rtol ||b||, atol)`` for the x returned, computed again from A and b. SciPy's
  own trust their recurrence, which drifts. Where minres of SciPy stops on ``||r|| <= rtol ||A|| ||x||``, this one goes
  on; where a least-squares answer is all there is, ``info`` is not 0.
- b of 1e-300 is not taken for zero, a complex x0 of a real system is refused, and ``maxiter=0`` is no success.

`OWN` lists the functions that run methods of this library; the others run SciPy's and measure what comes back.
"""

from .cycles import gmres
from .lent import bicg, cgs, gcrotmk, lgmres, qmr, tfqmr
from .own import bicgstab, cg, minres

__all__ = ["OWN", "bicg", "bicgstab", "cg", "cgs", "gcrotmk", "gmres", "lgmres", "minres", "qmr", "tfqmr"]

OWN = frozenset({"bicgstab", "cg", "gmres", "minres"})
