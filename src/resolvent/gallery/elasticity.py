"""Linear elasticity on a box of equal square or cubic elements, one modulus per element, assembled in one product.

``K(E) = sum_e E_e R_e' K0 R_e``: the values of the CSR matrix are linear in E, so ``K.data = S E`` with a sparse
matrix S that is computed once with the pattern. Nodes are numbered in C order of their coordinates, unknown ``d *
node + component``; clamped unknowns are left out.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy.sparse import coo_array, csr_array

from .sequence import wrap_csr

__all__ = ["Box", "cone_filter", "element_stiffness"]


def element_stiffness(d: int, nu: float) -> np.ndarray:
    """Stiffness matrix of the unit square (plane stress) or cube with modulus 1, multilinear shape functions.

    Two Gauss points an axis are exact here.  Corners in C order, components innermost; shape (d 2^d, d 2^d).

    Examples
    --------
    >>> K = element_stiffness(2, 0.3)
    >>> K.shape, float(round(K[0, 0], 6)), bool(abs(K.sum(axis=1)).max() < 1e-14)
    ((8, 8), 0.494505, True)
    """
    if d == 2:
        D = np.array([[1, nu, 0], [nu, 1, 0], [0, 0, (1 - nu) / 2]]) / (1 - nu**2)
    else:
        D = np.zeros((6, 6))
        D[:3, :3] = nu
        D[range(3), range(3)] = 1 - nu
        D[range(3, 6), range(3, 6)] = (1 - 2 * nu) / 2
        D /= (1 + nu) * (1 - 2 * nu)
    corners = np.array(list(itertools.product((0, 1), repeat=d)))
    shears = list(itertools.combinations(range(d), 2))
    K = np.zeros((d * 2**d, d * 2**d))
    for point in itertools.product((0.5 - 0.5 / 3**0.5, 0.5 + 0.5 / 3**0.5), repeat=d):
        part = np.where(corners, point, 1 - np.array(point))
        slope = np.where(corners, 1.0, -1.0)
        gradient = np.array([slope[:, k] * np.delete(part, k, axis=1).prod(axis=1) for k in range(d)])
        B = np.zeros((d + len(shears), 2**d, d))
        for k in range(d):
            B[k, :, k] = gradient[k]
        for row, (k, l) in enumerate(shears, start=d):
            B[row, :, k], B[row, :, l] = gradient[l], gradient[k]
        B = B.reshape(d + len(shears), -1)
        K += B.T @ D @ B / 2**d
    return (K + K.T) / 2


class Box:
    """Stiffness matrices of a box of elements with some unknowns clamped.

    Parameters
    ----------
    shape : tuple of int
        Elements along each axis, two or three of them.
    clamped : ndarray of bool, shape (nodes along each axis, d)
        True where the displacement component is held at zero.
    nu : float
        Poisson's ratio.

    Attributes
    ----------
    free : ndarray of int
        The unknowns of the system, as numbers among all displacement components.
    """

    def __init__(self, shape: tuple[int, ...], clamped: np.ndarray, nu: float = 0.3):
        d = len(shape)
        self.shape = shape
        self.K0 = element_stiffness(d, nu)
        nodes = np.arange(np.prod([s + 1 for s in shape])).reshape([s + 1 for s in shape])
        corner = [
            nodes[tuple(slice(c, c + s) for c, s in zip(at, shape))] for at in itertools.product((0, 1), repeat=d)
        ]
        corner = np.stack([c.ravel() for c in corner], axis=1)
        self._dofs = (d * corner[:, :, None] + np.arange(d)).reshape(corner.shape[0], -1)
        self.total = d * nodes.size
        self.free = np.flatnonzero(~clamped.ravel())
        self._set_pattern()

    @property
    def n(self) -> int:
        """Number of unknowns."""
        return self.free.size

    def _set_pattern(self) -> None:
        n, elements = self.n, self._dofs.shape[0]
        number = np.full(self.total, -1, dtype=np.int64)
        number[self.free] = np.arange(n)
        dofs = number[self._dofs]
        rows, columns = np.broadcast_arrays(dofs[:, :, None], dofs[:, None, :])
        kept = ((rows >= 0) & (columns >= 0)).ravel()
        keys, place = np.unique((rows * n + columns).ravel()[kept], return_inverse=True)
        self.indices = (keys % n).astype(np.int32)
        self.indptr = np.searchsorted(keys, n * np.arange(n + 1)).astype(np.int32)
        element = np.repeat(np.arange(elements), self.K0.size)[kept]
        values = np.tile(self.K0.ravel(), elements)[kept]
        self._S = coo_array((values, (place, element)), shape=(keys.size, elements)).tocsr()
        self._S.sort_indices()  # (i, j) and (j, i) are summed in one order: symmetric to the last bit

    def matrix(self, E: np.ndarray) -> csr_array:
        """The stiffness matrix on the free unknowns for the moduli `E` of the elements."""
        return wrap_csr(self._S @ E.ravel(), self.indices, self.indptr, (self.n, self.n))

    def energies(self, x: np.ndarray) -> np.ndarray:
        """``u_e' K0 u_e`` of each element for displacements `x` of the free unknowns; the box's shape."""
        u = np.zeros(self.total)
        u[self.free] = x
        u = u[self._dofs]
        return ((u @ self.K0) * u).sum(axis=1).reshape(self.shape)


def cone_filter(shape: tuple[int, ...], radius: float) -> csr_array:
    """Weights ``max(0, radius - |centre i - centre j|)`` between elements, as a symmetric sparse array."""
    reach = int(np.ceil(radius)) - 1
    number = np.arange(np.prod(shape)).reshape(shape)
    rows, columns, values = [], [], []
    for offset in itertools.product(range(-reach, reach + 1), repeat=len(shape)):
        weight = radius - float(np.sqrt(np.sum(np.square(offset))))
        if weight > 0 and all(abs(o) < s for o, s in zip(offset, shape)):
            here = number[tuple(slice(max(0, -o), s - max(0, o)) for o, s in zip(offset, shape))].ravel()
            there = number[tuple(slice(max(0, o), s - max(0, -o)) for o, s in zip(offset, shape))].ravel()
            rows.append(here)
            columns.append(there)
            values.append(np.full(here.size, weight))
    entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
    return coo_array(entries, shape=(number.size, number.size)).tocsr()
