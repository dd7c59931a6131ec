"""Sub-domains for deflation: a partition of the unknowns, kept with the pattern, and CG with SSOR deflated by it.

Squares on grids that are numbered line by line, connected blocks grown breadth first elsewhere; blocks are numbered so
that the coarse matrix has a narrow band.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.linalg import get_lapack_funcs

from .. import kernels
from ..core import SetupError
from .engines import EisenstatEngine

__all__ = ["DeflatedEngine", "partition"]


def partition(problem: Any, blocks: int) -> tuple[Any, int]:
    """About ``blocks`` sub-domains of the problem's graph.

    Returns
    -------
    (labels, count)
        ``labels`` of int64, shape (n,).

    Examples
    --------
    >>> from resolvent import gallery
    >>> labels, count = partition(gallery.sequence("darcy-path", 1, 6)[0], 4)
    >>> labels.reshape(6, 6)[[0, 0, 5, 5], [0, 5, 0, 5]].tolist(), count
    ([0, 1, 2, 3], 4)
    """
    n = problem.n
    blocks = max(1, min(blocks, n))
    shape = _grid(problem)
    if shape is None:
        return _grown(problem, max(1, -(-n // blocks)))
    sides = _sides(shape, blocks)
    labels = np.zeros(shape, np.int64)
    for axis, (length, parts) in enumerate(zip(shape, sides, strict=True)):
        part = (np.arange(length) * parts) // length
        labels *= parts
        labels += part.reshape([-1 if a == axis else 1 for a in range(len(shape))])
    return labels.ravel(), int(np.prod(sides))


def _grid(problem: Any) -> tuple[int, ...] | None:
    """The sides of a grid numbered line by line, when the pattern is that of nearest neighbours on one."""
    ip, ix, n = problem.ip, problem.ix, problem.n
    rows = np.repeat(np.arange(n), np.diff(ip.astype(np.int64)))
    away = np.unique(np.abs(ix.astype(np.int64) - rows))
    away = away[away > 1]
    if len(away) == 3 and away[2] == away[1] + 1 == away[0] + 2:  # nine points
        away = away[1:2]
    if len(away) not in (1, 2):
        return None
    line = int(away[0])
    if len(away) == 1:
        return (n // line, line) if n % line == 0 else None
    plane = int(away[1])
    return (n // plane, plane // line, line) if plane % line == 0 and n % plane == 0 else None


def _sides(shape: tuple[int, ...], blocks: int) -> tuple[int, ...]:
    """How many parts along each axis: blocks about as long as wide."""
    edge = (np.prod(shape) / blocks) ** (1.0 / len(shape))
    return tuple(max(1, min(length, round(length / edge))) for length in shape)


def _grown(problem: Any, most: int) -> tuple[Any, int]:
    from scipy.sparse.csgraph import reverse_cuthill_mckee  # at first use: a tenth of what importing us takes

    labels, count = kernels.deflation.grow(problem.ip, problem.ix, most)
    rows = np.repeat(np.arange(problem.n), np.diff(problem.ip.astype(np.int64)))
    pairs = (labels[rows], labels[problem.ix.astype(np.int64)])
    graph = sp.csr_array((np.ones(len(rows), np.int8), pairs), shape=(count, count))
    graph.sum_duplicates()
    place = np.empty(count, np.int64)
    place[reverse_cuthill_mckee(sp.csr_matrix(graph), symmetric_mode=True)] = np.arange(count)
    return place[labels], int(count)


class DeflatedEngine(EisenstatEngine):
    """CG with SSOR in Eisenstat's form, deflated by the indicators of sub-domains.

    The partition, the pattern of A W and the buffers are kept with the pattern of A.
    """

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, omega: float, blocks: int) -> None:
        symbolic = problem.symbolic
        super().__init__(problem, x, r, norm, omega)
        key = f"deflation.{blocks}"
        known = symbolic.get(key)
        if known is None:
            labels, count = partition(problem, blocks)
            perm = self.plan[kernels.eisenstat.HEAD : kernels.eisenstat.HEAD + problem.n]
            known = symbolic[key] = (
                labels,
                count,
                *kernels.deflation.analyse(problem.ip, problem.ix, labels, count, perm),
            )
            problem.work.add("symbolics", 1, "once")
        self.labels = known[0]
        self.coarse = self._numeric(problem, known)
        self.counts = {
            "ssor_steps": 1.0,
            "passes": 18.0 * len(self.coarse[2]) / problem.n,  # scattered: an entry takes as long as eighteen in a row
            "dense_triangular": 2.0 * self.coarse[3].size,
        }
        self.rest: Any = r
        self.omega = omega

    def _start(self) -> None:
        """The correction by the sub-domains alone, and the iteration from there."""
        mat, root, vec, scal = self.buffers
        self.x, rest = self.x.copy(), self.rest.copy()
        kernels.deflation.project(self.plan, root, self.labels, *self.coarse, self.x, rest)
        kernels.eisenstat.start(self.plan, mat, root, self.omega, rest, vec, scal)
        self.rest = None
        self.problem.work.add("sweeps", 2.5)

    def _numeric(self, problem: Any, known: Any) -> tuple[Any, ...]:
        """The entries of A W and the factor of E for this matrix."""
        labels, count, ptr, col, place, band = known
        root = self.buffers[1]
        val = np.empty((2, len(col)), problem.dtype)
        at, to = np.empty(len(col) + 1, col.dtype), np.empty(len(col), col.dtype)
        E, inverse = np.empty((count, band + 1), problem.dtype), np.zeros(count, root.dtype)
        perm = self.plan[kernels.eisenstat.HEAD : kernels.eisenstat.HEAD + problem.n]
        filled = kernels.deflation.numeric(
            problem.ip, problem.data, labels, perm, ptr, col, place, root, val[0], E, at, to, val[1]
        )
        problem.work.add("gathers", 1, "setup")
        problem.work.add("dense_flops", count * (band + 1) ** 2, "setup")
        E = _factor(E, inverse)
        if E is None:
            self.release()
            raise SetupError("the matrix is not positive definite: that of the sub-domains has a negative pivot")
        return at[: filled + 1], to[:filled], val[1, :filled], E, inverse, np.empty(count, problem.dtype)

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        if self.rest is not None:
            self._start()
        mat, root, vec, scal = self.buffers
        done: int = kernels.deflation.cg(self.plan, mat, root, vec, scal, room, goal, norms, *self.coarse)
        for name, amount in self.counts.items():
            self.problem.work.add(name, amount * done)
        self.code = int(scal[kernels.eisenstat.CODE])
        if done:
            self.norm = float(norms[done - 1])
        return done

    def solution(self) -> Any:
        """The iterate in natural order, corrected by the sub-domains."""
        if self.rest is not None:
            return self.x.copy()
        x = super().solution()
        kernels.deflation.correct(self.plan, self.buffers[1], self.labels, *self.coarse, self.x, x)
        self.problem.work.add("passes", 4)
        return x


def _factor(E: Any, inverse: Any) -> Any:
    """The Cholesky factor within the band, columns in rows; None where E is not definite. A null vector is left out."""
    (pbtrf,) = get_lapack_funcs(("pbtrf",), (E,))
    factored, info = pbtrf(E.T, lower=1)
    if info == 0:
        E = np.ascontiguousarray(factored.T)
        inverse[:] = 1.0 / E[:, 0].real
        return E
    return E if kernels.deflation.factor(E, inverse) < 0 else None
