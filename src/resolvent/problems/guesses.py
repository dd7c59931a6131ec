"""First guesses that are one vector or a pair of arrays, vetted."""

from typing import Any

import numpy as np

__all__ = ["real_parts"]


def real_parts(x0: Any) -> list[Any]:
    """The arrays of a guess: the members of a tuple, or the one array.

    Raises
    ------
    TypeError
        For what is masked, complex or no number.

    Examples
    --------
    >>> [p.shape for p in real_parts((np.ones((2, 1)), np.ones((3, 1))))]
    [(2, 1), (3, 1)]
    """
    parts = []
    for part in x0 if isinstance(x0, tuple) else (x0,):
        if isinstance(part, np.ma.MaskedArray):
            raise TypeError("x0 is a masked array; an array without masked entries is expected")
        v = np.asarray(part)
        if v.dtype.kind not in "fiu":
            raise TypeError(f"x0 has dtype {v.dtype}; an array of real numbers is expected")
        parts.append(v)
    return parts
