"""An order for a batch: greedy nearest neighbour on the problems' features, from the first."""

from typing import Any

import numpy as np

__all__ = ["similar_order"]


def similar_order(problems: list[Any]) -> list[int]:
    """Indices in greedy nearest-neighbour order from problem 0.

    Parameters
    ----------
    problems : list
        Each with ``features()`` -> 1-D array of a common length, or without: then the order is the given one.

    Returns
    -------
    list of int
        Cost O(N^2 p) for N problems with p features.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.core.order import similar_order
    >>> A = np.eye(2)
    >>> similar_order([rv.LinearSystem(A, np.ones(2), context=c) for c in (0.0, 5.0, 1.0, 4.0)])
    [0, 2, 3, 1]
    """
    if len(problems) < 3 or not all(hasattr(p, "features") for p in problems):
        return list(range(len(problems)))
    rows = [np.asarray(p.features(), dtype=float).ravel() for p in problems]
    if len({len(row) for row in rows}) != 1:
        return list(range(len(problems)))
    points = np.array(rows)
    left = np.ones(len(points), dtype=bool)
    order, at = [0], 0
    left[0] = False
    while left.any():
        where = np.flatnonzero(left)
        at = int(where[np.argmin(np.sum((points[where] - points[at]) ** 2, axis=1))])
        left[at] = False
        order.append(at)
    return order
