"""SciPy's own solvers for A x = b and for least squares, as black boxes that own their loop.

    x from SciPy;  r = b - A x measured again by the problem;  not what was asked: go on from that x, or say so

SciPy's ``info = 0`` is never taken at its word: where the measure disagrees the solver is called again from the x it
gave, with a smaller tolerance, and after two calls that do not halve the residual the run ends STAGNATED. Every product
goes through a counting operator, adjoints too. ``steps`` are the iterations of which SciPy tells the callback (whole
cycles for LGMRES and GCROTMK). Leaves ``residual``, measured. Recorders and callbacks cannot look inside. Use them to
compare, and our own methods (CG, MINRES, BiCGStab, IDR, GMRES, CGLS) otherwise.

Reference: SciPy, scipy.sparse.linalg; the papers named with each class.
"""

from .least_squares import LSMR, LSQR
from .systems import CGS, GCROTMK, LGMRES, QMR, TFQMR, BiCG

__all__ = ["CGS", "GCROTMK", "LGMRES", "LSMR", "LSQR", "QMR", "TFQMR", "BiCG"]
