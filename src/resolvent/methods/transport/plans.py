"""The plan at the potentials of a run: row sums exact, its exponentials kept while the potentials stay near.

With E the plan at (f0, h0), the plan at h = h0 + log v is ``diag(u) E diag(v)`` with ``u = a / (E v)``: a trial step costs
two products with E (``scalings``) and no exponential. Where E does not fit, or the cost comes in blocks, each evaluation
is a pass over C (``plans``). Potentials here are in units of reg, and columns are padded to a multiple of 8.
"""

from typing import Any

import numpy as np

from ... import kernels

__all__ = ["Scaled"]

_KEPT_ENTRIES = 1 << 27
_NEAR = 150.0
_RUNS = 1 << 25


class Scaled:
    """The plan with exact rows at column potentials h and regularisation 1 / ir.

    Attributes
    ----------
    c : ndarray
        Its column sums, padded with zeros.
    error : float
        Their L1 distance from b.
    """

    def __init__(self, problem: Any, f: Any, h: Any, ir: float) -> None:
        self.problem, self.ir = problem, ir
        self.a, n, m = problem.source, len(problem.source), len(problem.targets)
        self.n, self.m, self.padded = n, m, -(-m // kernels.transport.BLOCK) * kernels.transport.BLOCK
        self.b = np.zeros(self.padded)
        self.b[:m] = problem.targets
        self.E = self._room()
        self.h, self.base, self.v = (np.zeros(self.padded) for _ in range(3))
        self.h[:m] = h
        self.f, self.u, self.logs = f.copy(), np.ones(n), np.zeros(n)
        self.c = np.zeros(self.padded)
        self.ip, self.ends = np.zeros(n + 1, np.uint32), np.zeros(2, np.int64)
        self.first = self.length = self.data = None
        self.squares = np.zeros(self.padded)
        self.absorb()

    def _room(self) -> Any:
        """Place for the exponentials; of a block where not all of them fit."""
        problem, n = self.problem, self.n
        self.stored = problem.stored and n * self.padded <= _KEPT_ENTRIES
        return np.zeros((n if self.stored else min(n, _largest(problem)), self.padded))

    @property
    def rows(self) -> Any:
        """Row potentials, in units of reg."""
        return self.f + np.log(self.u)

    def absorb(self) -> None:
        """Evaluate the exponentials anew at the potentials in force."""
        self.c[:] = 0.0
        for start, stop, block in self.problem.blocks():
            E = self.E[start:stop] if self.stored else self.E[: stop - start]
            kernels.transport.absorb(
                block, self.ir, self.f[start:stop], self.h[: self.m], self.a[start:stop], E, self.c
            )
        self.problem.work.add("plans")
        self._based()

    def _based(self) -> None:
        self.base[:] = self.h
        self.u[:], self.v[: self.m] = 1.0, 1.0
        self.error = float(np.abs(self.c - self.b).sum())

    def move(self, h: Any) -> None:
        """Go to other column potentials: rows are made exact, and column sums computed."""
        self.h[:] = h
        shift = self.h - self.base
        if not self.stored or np.abs(shift).max() > _NEAR:
            self.f += np.log(self.u)
            self.absorb()
            return
        kernels.transport.exponentials(shift, self.v)
        self.v[self.m :] = 0.0
        self.c[:] = 0.0
        self._product()
        self.error = float(np.abs(self.c - self.b).sum())

    def _product(self) -> None:
        kernels.transport.kept(self.E, self.v, self.a, self.u, self.c)
        self.problem.work.add("scalings")

    def sweeps(self, norms: Any, omega: float = 1.0, slow: float = np.inf, goal: float = 0.0) -> int:
        """Sweeps of Sinkhorn's in one kernel, errors into `norms`; one alone where the exponentials are not kept."""
        if not self.stored:
            return self._sweep(norms, omega)
        done = kernels.transport.sweeps(self.E, self.a, self.b, omega, slow, goal, self.v, self.u, self.c, norms)
        self.problem.work.add("scalings", done)
        scaling = self.v[: self.m]
        self.h[: self.m] = self.base[: self.m] + np.log(scaling)
        self.error = float(np.abs(self.c - self.b).sum())
        if not 1e-60 < scaling.min() <= scaling.max() < 1e60:
            self.f += np.log(self.u)
            self.absorb()
        return int(done)

    def _sweep(self, norms: Any, omega: float) -> int:
        h = self.h.copy()
        h[: self.m] += omega * np.log(self.b[: self.m] / self.c[: self.m])
        self.move(h)
        norms[0] = self.error
        return 1

    def sharpen(self, squarings: int) -> None:
        """The same potentials at reg / 2^squarings."""
        factor = 2.0**squarings
        self.f += np.log(self.u)
        self.ir *= factor
        self.h *= factor
        if not self.stored:
            self.f *= factor
            self.absorb()
            return
        self.c[:] = 0.0
        kernels.transport.power(self.E, self.u, self.v, self.a, self.f, self.c, squarings)
        self.problem.work.add("scalings", 2)
        self._based()

    def lost(self) -> bool:
        """Whether some column has no mass that could be scaled."""
        return bool(self.c[: self.m].min() < 1e-200)

    def rescue(self) -> None:
        """Column potentials by a log-sum-exp over columns: safe wherever the potentials are."""
        problem = self.problem
        f, top, total = self.rows, np.full(self.m, -np.inf), np.zeros(self.m)
        for start, stop, block in problem.blocks():
            kernels.transport.columns(block, self.ir, f[start:stop], top, total)
        problem.work.add("columns")
        self.f = f
        self.h[: self.m] = np.log(problem.targets) - np.log(total) - top
        self.absorb()

    def extract(self, level: float, dtype: Any) -> int:
        """Collect the runs of the plan's entries of `level` times the row's mass; returns how many entries."""
        if self.data is None or self.data.dtype != dtype:
            self._rooms(min(self.n * self.padded, _RUNS), dtype)
        while True:
            self.ends[:] = 0
            self.squares[:] = 0.0
            fits = self._collected(level)
            if fits:
                return int(self.ends[1])
            self._rooms(min(4 * len(self.data), 2 * self.n * self.padded), dtype)

    def _collected(self, level: float) -> bool:
        """One pass over the plan; whether there was room."""
        fits = True
        for start, stop, E in self._plans():
            part = slice(start, stop)
            ip, u, a = self.ip[start : stop + 1], self.u[part], self.a[part]
            runs = (ip, self.first, self.length, self.data, self.squares)
            fits = kernels.transport.extract(E, u, self.v, a, level, self.ends, *runs)
            if not fits:
                break
        self.problem.work.add("extractions")
        return bool(fits)

    def _rooms(self, entries: int, dtype: Any) -> None:
        """Arrays for that many entries; memory that is not written to is not taken."""
        blocks = entries // kernels.transport.BLOCK + self.n
        self.data = np.empty(entries + 64, dtype)
        self.first, self.length = np.empty(blocks, np.uint32), np.empty(blocks, np.uint32)

    def _plans(self) -> Any:
        """Blocks of kept exponentials; without them each block is evaluated again."""
        if self.stored:
            yield 0, self.n, self.E
            return
        scrap = np.zeros(self.padded)
        for start, stop, block in self.problem.blocks():
            E = self.E[: stop - start]
            kernels.transport.absorb(block, self.ir, self.f[start:stop], self.h[: self.m], self.a[start:stop], E, scrap)
            yield start, stop, E
        self.problem.work.add("plans")

    def potentials(self) -> Any:
        """Of the problem, as one vector, at its own reg."""
        reg = self.problem.reg
        return self.problem.join(reg * self.rows, reg * self.h[: self.m])


def _largest(problem: Any) -> int:
    """Rows of the largest block."""
    return max(stop - start for start, stop, _ in problem.blocks()) if problem.stored else problem.block_rows
