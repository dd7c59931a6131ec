"""Block Jacobi: the inverse of A's diagonal blocks of a fixed number of consecutive rows.

    z = blockdiag(A_11, ..., A_pp)^-1 r

Set-up: n size^2 multiply-adds; an application n size of them. For unknowns that come in small groups (components of a
field at a node, cells of a line); with size 1 it is Jacobi. Not for groups that are scattered over the numbering.
Reference: Saad, Iterative Methods for Sparse Linear Systems, 2nd ed., section 4.1.1.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Cost, SetupError
from .base import Bound

__all__ = ["BlockJacobi", "BlockJacobiBound"]

_LARGEST = 2**29  # entries of all blocks together


@dataclass(frozen=True)
class BlockJacobi:
    """Block Jacobi as a preconditioner.

    Parameters
    ----------
    size : int, default 4
        Rows of a block; the last block may be smaller.

    Raises
    ------
    ValueError
        For a size that is not a positive whole number.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.block_diag([np.array([[2.0, 1.0], [1.0, 3.0]])] * 5, format="csr")
    >>> rv.solve(rv.LinearSystem(A, np.ones(10)), rv.CG(rv.BlockJacobi(2))).steps
    1
    """

    size: int = 4

    needs = frozenset({"entries"})

    def __post_init__(self) -> None:
        if not isinstance(self.size, int | np.integer) or isinstance(self.size, bool) or self.size < 1:
            raise ValueError(f"size={self.size!r} was given; a positive whole number of rows is expected")

    def bind(self, problem: Any, carry: Any) -> "BlockJacobiBound":
        """Invert the blocks.

        Raises
        ------
        SetupError
            When a block is singular, or the blocks do not fit in memory.
        """
        return BlockJacobiBound(self, problem)

    def estimate(self, problem: Any) -> Cost:
        """Set-up and one application from the cost table."""
        size = min(self.size, problem.n)
        setup = problem.weight("diagonals") + problem.weight("block_flops") * problem.n * size * size
        return Cost(0.0, setup, problem.weight("block_entries") * problem.n * size)


class BlockJacobiBound(Bound):
    """The inverse blocks of one matrix."""

    def __init__(self, recipe: BlockJacobi, problem: Any) -> None:
        super().__init__(recipe, problem)
        self.size = int(min(recipe.size, problem.n))
        if self.size > _LARGEST / problem.n:
            raise SetupError(
                f"blocks of {self.size} rows take {8 * problem.n * self.size:.1e} bytes; choose a smaller size"
            )
        self.blocks = _inverted(self._gathered(problem), self.size)
        problem.work.add("diagonals", 1, "setup")
        problem.work.add("block_flops", problem.n * self.size**2, "setup")
        self.counts = {"block_entries": float(problem.n * self.size)}

    def _gathered(self, problem: Any) -> Any:
        """The diagonal blocks, (p, size, size); the last one filled up with ones on its diagonal."""
        source, size = self.source, self.size
        rows = np.repeat(np.arange(problem.n), np.diff(source.ip.astype(np.int64)))
        inside = rows // size == source.ix // size
        i, j = rows[inside], source.ix[inside].astype(np.int64)
        count = -(-problem.n // size)
        blocks = np.zeros((count, size, size), dtype=problem.dtype)
        blocks[i // size, i % size, j % size] = source.data[inside]
        for k in range(problem.n - (count - 1) * size, size):
            blocks[-1, k, k] = 1
        return blocks

    def apply(self, r: Any) -> Any:
        """The inverse blocks times r."""
        count, size, _ = self.blocks.shape
        padded = np.zeros(count * size, dtype=r.dtype)
        padded[: len(r)] = r
        return np.matmul(self.blocks, padded.reshape(count, size, 1)).reshape(-1)[: len(r)]


def _inverted(blocks: Any, size: int) -> Any:
    try:
        inverse = np.linalg.inv(blocks)
    except np.linalg.LinAlgError:
        inverse = np.full_like(blocks, np.nan)
        for k, block in enumerate(blocks):
            try:
                inverse[k] = np.linalg.inv(block)
            except np.linalg.LinAlgError:
                break
    bad = np.flatnonzero(~np.isfinite(inverse).all(axis=(1, 2)))
    if len(bad):
        first = int(bad[0]) * size
        raise SetupError(f"the diagonal block of rows {first} to {first + size - 1} is singular; choose another size")
    return inverse
