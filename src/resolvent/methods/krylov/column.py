"""One more column of an Arnoldi relation: in one kernel for NumPy arrays, by array operations for those of other libraries.

    w <- (I - V V^H) w,    h = V^H w,    v_new = w / |w|,    the column (h, |w|) into B and the small problem

Both ways count the same work and take the same decisions; the kernel saves some fifteen array operations a step, which is
most of what a step costs on systems of a few thousand rows.
"""

import math
from typing import Any

import numpy as np

from ... import kernels
from .arnoldi import Orthogonal, Small

__all__ = ["enlarged"]


def enlarged(
    problem: Any, orthogonal: Orthogonal, small: Small, V: Any, w: Any, B: Any
) -> tuple[float, float, float, bool]:
    """Make ``w`` (overwritten) orthogonal to the rows of ``V`` in use and write it behind them at length one.

    Parameters
    ----------
    V : array
        Rows: as many images as B has rows, then the vectors of the small problem's columns.
    B : ndarray
        Receives the coefficients with the images.

    Returns
    -------
    tuple
        The least residual of the small problem, NaN where the norm is not finite; the norm of what is left of w; the norm
        before; whether what is left is rounding, in which case nothing is written behind the rows.
    """
    k, j = len(B), small.j
    count = k + j + 1
    fused = type(w) is np.ndarray and type(V) is np.ndarray and w.dtype.char in "fdFD" and w.flags.c_contiguous
    if not fused:
        w, h, norm, before = orthogonal(problem, V[:count, :], w)
        exhausted = not norm > 4 * problem.eps * before
        estimate = math.nan
        if math.isfinite(norm):
            estimate = small.append(h[k:], 0.0 if exhausted else norm)
            B[:, j] = h[:k]
        if not (exhausted or small.singular):
            V[count, :] = w * (1.0 / norm)
        return estimate, norm, before, exhausted
    o, said = orthogonal, orthogonal.said
    kernels.arnoldi.column(
        V, k, j, w, o.scratch(small.H.dtype), o.loss, o.E, small.H, small.R, small.Q, small.g, B,
        o.eps, o.limit, o.again, said,
    )  # fmt: skip
    estimate, norm, before, passes, again, lost, singular = said.tolist()
    o.again, o.lost = again != 0.0, max(o.lost, lost)
    small.singular = singular != 0.0
    small.j += math.isfinite(norm) and not small.singular
    problem.work.add("basis", passes * count)
    problem.work.add("passes", 2 + passes // 2)
    return estimate, norm, before, not norm > 4 * problem.eps * before
