"""Random fields, and the finite-volume operators that they are the conductivity of.

``darcy(a)``: cells of value ``a`` on a grid of ``m`` interior points a side, conductivity of an inner face ``2 a b /
(a + b)`` (harmonic mean), a face on the boundary adds ``a`` of its cell to the diagonal (value 0 at distance h); all
scaled by h^2, so that ``darcy(1)`` is the 5-point (7-point) Laplacian. Symmetric positive definite, rows of inner
cells sum to zero.

A step costs one pass over the values: the pattern is computed once and shared, values are written to precomputed
places.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.sparse import csr_array

from .sequence import wrap_csr

__all__ = ["GridStencil", "NormalBlocks", "RandomField", "grid"]


def grid(m: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates (x, y), each (m, m), of the interior points of [0, 1]^2; point (i, j) is unknown ``i * m + j``."""
    line = np.arange(1, m + 1) / (m + 1)
    return np.broadcast_to(line[:, None], (m, m)), np.broadcast_to(line[None, :], (m, m))


class GridStencil:
    """The pattern of all nearest-neighbour operators on one grid, and fast assembly into it.

    Parameters
    ----------
    shape : tuple of int
        Cells along each axis (2-D: 5-point, 3-D: 7-point); unknowns are numbered in C order.

    Attributes
    ----------
    indptr, indices : ndarray of int32
        CSR pattern, sorted; shared by every matrix assembled.

    Examples
    --------
    >>> import numpy as np
    >>> GridStencil((2, 2)).darcy(np.ones((2, 2))).toarray()
    array([[ 4., -1., -1.,  0.],
           [-1.,  4.,  0., -1.],
           [-1.,  0.,  4., -1.],
           [ 0., -1., -1.,  4.]])
    """

    def __init__(self, shape: tuple[int, ...]):
        self.shape = shape
        d, n = len(shape), int(np.prod(shape))
        index = np.indices(shape, dtype=np.int32).reshape(d, n)
        there = np.ones(
            (n, 2 * d + 1), dtype=bool
        )  # entries of a row in order of their column: -axis 0 .. diagonal .. +axis 0
        offsets = np.zeros(2 * d + 1, dtype=np.int64)
        for axis, length in enumerate(shape):
            stride = int(np.prod(shape[axis + 1 :]))
            there[:, axis], there[:, 2 * d - axis] = index[axis] > 0, index[axis] < length - 1
            offsets[axis], offsets[2 * d - axis] = -stride, stride
        place = np.cumsum(there.ravel()).reshape(there.shape) - 1
        columns = np.arange(n, dtype=np.int64)[:, None] + offsets
        self.indices = columns[there].astype(np.int32)
        self.indptr = np.concatenate(([0], np.cumsum(there.sum(axis=1)))).astype(np.int32)
        self._diagonal = place[:, d].copy()
        self._lower = [place[there[:, axis], axis] for axis in range(d)]
        self._upper = [place[there[:, 2 * d - axis], 2 * d - axis] for axis in range(d)]

    @property
    def n(self) -> int:
        """Number of unknowns."""
        return self.indptr.size - 1

    def assemble(self, diagonal: np.ndarray, faces: list[np.ndarray]) -> csr_array:
        """The matrix with this diagonal and ``-faces[axis]`` between neighbours along each axis."""
        data = np.empty(self.indices.size)
        data[self._diagonal] = diagonal.ravel()
        for lower, upper, weight in zip(self._lower, self._upper, faces):
            values = np.negative(weight).ravel()
            data[lower] = values
            data[upper] = values
        return wrap_csr(data, self.indices, self.indptr, (self.n, self.n))

    def graph(self, faces: list[np.ndarray], base: float | np.ndarray = 0.0) -> np.ndarray:
        """The diagonal ``base + sum of the weights of a cell's inner faces``: rows then sum to `base`."""
        diagonal = np.empty(self.shape)
        diagonal[...] = base
        for axis, weight in enumerate(faces):
            _along(diagonal, axis, slice(None, -1))[...] += weight
            _along(diagonal, axis, slice(1, None))[...] += weight
        return diagonal

    def darcy(self, a: np.ndarray, shift: float = 0.0) -> csr_array:
        """``shift * I + darcy(a)`` for positive cell values `a` of the grid's shape."""
        faces = []
        for axis in range(a.ndim):
            one, other = _along(a, axis, slice(None, -1)), _along(a, axis, slice(1, None))
            face = one * other
            face /= one + other
            face += face
            faces.append(face)
        diagonal = self.graph(faces, shift)
        for axis in range(a.ndim):
            for end in (slice(0, 1), slice(-1, None)):
                _along(diagonal, axis, end)[...] += _along(a, axis, end)
        return self.assemble(diagonal, faces)

    def graph_laplacian(self) -> np.ndarray:
        """The values of the Laplacian, ``darcy(1)``, in the order of the pattern."""
        return self.darcy(np.ones(self.shape)).data

    @property
    def diagonal_places(self) -> np.ndarray:
        """Where the diagonal stands among the values."""
        return self._diagonal

    def upwind(self, A: csr_array, fluxes: list[np.ndarray]) -> csr_array:
        """`A`, in place, plus first-order upwind convection with these fluxes through the inner faces.

        Parameters
        ----------
        A : csr_array
            Assembled on this stencil.
        fluxes : list of ndarray
            For each axis the flux towards the higher index, of the shape of its inner faces; columns sum to what they
            summed to before.
        """
        out = np.zeros(self.shape)
        for axis, flux in enumerate(fluxes):
            ahead, back = np.maximum(flux, 0.0), np.maximum(-flux, 0.0)
            A.data[self._lower[axis]] -= ahead.ravel()
            A.data[self._upper[axis]] -= back.ravel()
            _along(out, axis, slice(None, -1))[...] += ahead
            _along(out, axis, slice(1, None))[...] += back
        A.data[self._diagonal] += out.ravel()
        return A


def _along(a: np.ndarray, axis: int, part: slice) -> np.ndarray:
    return a[(slice(None),) * axis + (part,)]


class NormalBlocks:
    """Block `i` of one stream of standard normals, in any order, without keeping the earlier blocks.

    The stream is that of ``default_rng(seed).standard_normal(shape)`` called again and again; the generator's state
    is kept every 32 blocks (normals take a varying number of raw draws, so the stream cannot be entered in the
    middle).
    """

    def __init__(self, seed: Any, shape: tuple[int, ...]):
        self._rng = np.random.default_rng(seed)
        self._shape = shape
        self._next = 0
        self._marks = [self._rng.bit_generator.state]

    def __call__(self, i: int) -> np.ndarray:
        """Block `i`: an array of the given shape."""
        mark = min(i // 32, len(self._marks) - 1)
        if i < self._next or self._next < 32 * mark:
            self._next = 32 * mark
            self._rng.bit_generator.state = self._marks[mark]
        while True:
            if self._next == 32 * len(self._marks):
                self._marks.append(self._rng.bit_generator.state)
            block = self._rng.standard_normal(self._shape)
            self._next += 1
            if self._next > i:
                return block


class RandomField:
    """Gaussian random fields of unit variance on an m x m grid, by a cosine transform.

    ``g = idct2(m * coef * xi)`` (orthonormal transform), ``coef = tau^(alpha-1) (pi^2 (k1^2 + k2^2) +
    tau^2)^(-alpha/2)``, ``coef[0, 0] = 0``, divided by ``sqrt(sum coef^2)``; `xi` standard normal of shape (m, m).
    """

    def __init__(self, m: int, alpha: float = 2.0, tau: float = 3.0):
        k2 = (np.pi * np.arange(m)) ** 2
        coef = tau ** (alpha - 1) * (k2[:, None] + k2[None, :] + tau**2) ** (-alpha / 2)
        coef[0, 0] = 0.0
        self._spectrum = m * coef
        self._deviation = float(np.sqrt((coef**2).sum()))

    def __call__(self, xi: np.ndarray) -> np.ndarray:
        """The field of the normals `xi`, both (m, m)."""
        from scipy.fft import idctn

        return idctn(self._spectrum * xi, norm="ortho") / self._deviation
