"""An order for a batch: greedy nearest neighbour on the problems' features, from the first.

Fields are compared by their low frequencies: the centred block of the discrete Fourier transform, real and imaginary parts.

Reference: Wang, Hao, Wang, Geng, Wang, Li and Wu, ICLR 2024 (arXiv 2401.09516), section 3 and appendix, for the truncation.
"""

import itertools
from typing import Any

import numpy as np

__all__ = ["low_frequencies", "similar_chunks", "similar_order"]


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


def low_frequencies(field: Any, keep: int = 12) -> Any:
    """The ``keep`` lowest frequencies along each axis of a field, as a real vector.

    Parameters
    ----------
    field : ndarray of two or more dimensions
    keep : int

    Returns
    -------
    ndarray, shape (2 keep^d,)
        Real parts, then imaginary parts, scaled so that nothing is lost of the mean square of a field that has no higher
        frequencies.

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.core.order import low_frequencies
    >>> x = np.linspace(0, 2 * np.pi, 32, endpoint=False)
    >>> f = np.cos(x)[:, None] * np.sin(2 * x)[None, :]
    >>> round(float(np.sum(low_frequencies(f) ** 2) / np.mean(f**2)), 12), low_frequencies(f).shape
    (1.0, (288,))
    """
    values = np.asarray(field)
    spectrum = np.fft.fftshift(np.fft.fftn(values)) / values.size
    for axis, length in enumerate(values.shape):
        first = max(0, length // 2 - keep // 2)
        spectrum = np.take(spectrum, range(first, min(length, first + keep)), axis=axis)
    flat = spectrum.ravel()
    return np.concatenate([flat.real, flat.imag])


def similar_chunks(problems: list[Any], workers: int) -> list[list[int]]:
    """The nearest-neighbour order cut into ``workers`` contiguous pieces, so that each carries over what is near.

    Raises
    ------
    ValueError
        For fewer than one worker.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.core.order import similar_chunks
    >>> A = np.eye(2)
    >>> similar_chunks([rv.LinearSystem(A, np.ones(2), context=c) for c in (0.0, 5.0, 1.0, 4.0)], 2)
    [[0, 2], [3, 1]]
    """
    if workers < 1:
        raise ValueError(f"workers={workers} was given; at least 1 is expected")
    order = similar_order(problems)
    cuts = [round(len(order) * i / workers) for i in range(workers + 1)]
    return [order[a:b] for a, b in itertools.pairwise(cuts) if b > a]
