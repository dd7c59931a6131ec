"""What methods for fixed points share: an iterate with its image, and the watch for maps without a fixed point.

A nonexpansive map without fixed point drifts: ``(x_0 - x_k) / k`` of plain iteration, ``2 (x_0 - x_k) / (k + 1)`` and the
residual of Halpern's tend to the infimal displacement vector v, the shortest of the closure of the range of I - T. The
watch looks at powers of two only, so it costs next to nothing. It says that the map drifts when, over four looks in a
row, the estimates agree ever better while the residual falls ever less: a slow contraction does the opposite, for its
residual falls by ever more from one power of two to the next.

Reference: Park and Ryu, Accelerated infeasibility detection of constrained optimization and fixed-point iterations,
ICML 2023 (arXiv 2303.15876), section 3.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from ...core import State, Status
from ...problems import vectors

__all__ = ["Drift", "FixedState", "begin", "evaluate"]

_FIRST = 512
_LOOKS = 4
_CLOSE = 0.1
_SMALLER = 0.8
_LARGER = 1.5


class FixedState(State):
    """The iterate, its image, and their difference x - T(x)."""

    x: Any
    Tx: Any
    r: Any
    drift: Any


def begin(problem: Any, state: Any, x0: Any, carry: Mapping[str, Any]) -> Any:
    """The first iterate with its image."""
    state.x, state.Tx, state.seen["residual"] = problem.start(x0, carry)
    state.r = state.x - state.Tx
    return state


def evaluate(problem: Any, state: Any, x: Any, passes: float = 0.0) -> None:
    """Go on to x: its image, and the residual there."""
    state.x = x
    state.Tx = problem.image(x)
    with np.errstate(all="ignore"):  # what is not finite is found in the residual
        state.r = x - state.Tx
    state.seen["residual"] = problem.size(state.r)
    problem.work.add("passes", 4.0 + passes)
    state.k += 1


class Drift:
    """Looks at powers of two whether the iterates drift.

    Parameters
    ----------
    x0 : array
        Where the iteration began; kept, and not changed.
    average : float
        What one step moves, of the displacement: 1 for Picard, lambda for averaged steps, 1/2 for Halpern.
    residual : bool
        The residual is an estimate too (Halpern's is); without, the last two normalised ones are compared.
    """

    def __init__(self, x0: Any, average: float = 1.0, residual: bool = False) -> None:
        self.x0, self.average, self.residual = vectors.copied(x0), average, residual
        self.k = 0
        self.next = 8
        self.last: Any = None
        self.size = math.inf
        self.offset = 0.0
        self.falls = [math.inf, math.inf]
        self.agreed = 0

    def look(self, problem: Any, state: Any) -> None:
        """Count one step; at a power of two compare the estimates, leave them in ``seen``, and end a drifting run."""
        self.k += 1
        if self.k < self.next:
            return
        self.next *= 2
        v = (self.x0 - state.x) / (self.average * (self.k + (1.0 if self.residual else 0.0)))
        other = state.r if self.residual else self.last
        size, length = vectors.length(v), vectors.length(state.r)
        gap = math.inf if other is None else vectors.length(v - other)
        fall = abs(1.0 - length / self.size) if 0.0 < self.size < math.inf else math.inf
        problem.work.add("passes", 8)
        offset = self.k * gap  # bounded where the estimates err by O(1 / k); a slow contraction quadruples it each time
        close = gap <= _CLOSE * size and offset <= max(_LARGER * self.offset, 1e-12 * self.k * size)
        steady = fall <= max(_SMALLER * max(self.falls), 1e-12)
        self.agreed = self.agreed + 1 if close and steady and math.isfinite(size) else 0
        self.last, self.size = v, length
        self.falls = [self.falls[1], fall]
        if math.isfinite(offset):
            self.offset = max(self.offset, offset)
        state.seen["displacement"] = size
        state.seen["displacement_gap"] = gap
        if self.agreed >= _LOOKS and self.k >= _FIRST:
            self.end(problem, state, v, size)

    def end(self, problem: Any, state: Any, v: Any, size: float) -> None:
        """DIVERGED; INFEASIBLE when the problem's own certificate proves it of the estimate."""
        if problem.proves(v):
            state.status = Status.INFEASIBLE
            state.reason = (
                f"there is no fixed point: the problem's certificate holds for a displacement of length {size:.4g}"
            )
        else:
            state.status = Status.DIVERGED
            state.reason = f"the iterates drift by about {size:.4g} a step: it seems that the map has no fixed point"
