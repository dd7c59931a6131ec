"""The plan on a carried pattern: the same as ``Scaled``, what is outside the pattern counts as zero.

Evaluations, trial steps and collections cost the pattern's share of what they cost on the whole plan. Nothing is taken
on trust: the answer is measured on the whole plan, and where it does not hold the run goes on there. Where C comes in blocks,
the exponentials of the runs are kept where those of the whole plan are not: trial steps ask for no block.

Reference: Schmitzer, Stabilized sparse scaling algorithms for entropy regularized transport problems, SIAM J. Sci. Comput.
41 (2019), section 3.3, for kernels that are truncated.
"""

from typing import Any

import numpy as np

from ... import kernels
from .pattern import Runs
from .plans import Scaled

__all__ = ["Truncated"]

_SHORT = 1.5  # an entry of a run costs this much of one in a whole row, as timed


class Truncated(Scaled):
    """The plan with exact rows on the runs of a pattern.

    Attributes
    ----------
    share : float
        Part of the plan's entries that the runs hold.
    """

    def __init__(self, problem: Any, f: Any, h: Any, ir: float, runs: Runs) -> None:
        self.runs = runs
        self.entries = int(runs.length.sum())
        self.share = self.entries / (len(problem.source) * len(problem.targets))
        super().__init__(problem, f, h, ir)

    def _room(self) -> Any:
        self.stored = True
        return np.empty(self.entries)

    def absorb(self) -> None:
        """Evaluate the exponentials of the runs anew at the potentials in force."""
        self.c[:] = 0.0
        ip, first, length, at = self.runs
        for start, stop, block in self.problem.blocks():
            part, h = slice(start, stop), self.h[: self.m]
            runs = (ip[start : stop + 1], first, length, at[part])
            kernels.truncated.absorb(block, self.ir, self.f[part], h, self.a[part], *runs, self.E, self.c)
        self.problem.work.add("plans", _SHORT * self.share)
        if not self.problem.stored:  # all of C is asked for
            self.problem.work.add("scalings")
        self._based()

    def _product(self) -> None:
        kernels.truncated.kept(self.E, *self.runs, self.v, self.a, self.u, self.c)
        self.problem.work.add("scalings", _SHORT * self.share)

    def sweeps(self, norms: Any, omega: float = 1.0, slow: float = np.inf, goal: float = 0.0) -> int:
        """One sweep."""
        return self._sweep(norms, omega)

    def _collected(self, level: float) -> bool:
        ends, ip = self.ends, self.ip
        parts = (ip, self.first, self.length, self.data, self.squares)
        self.problem.work.add("extractions", _SHORT * self.share)
        return bool(kernels.truncated.collect(self.E, *self.runs, self.u, self.v, self.a, level, ends, *parts))

    def whole(self) -> Scaled:
        """The whole plan at these potentials."""
        return Scaled(self.problem, self.rows, self.h[: self.m], self.ir)
