"""Keep what was seen: residuals by iteration, and the time at which they were reached.

``History`` and ``Clock`` keep one block for each attempt (``begin`` opens it), and forget the oldest blocks beyond
``keep``, so a session of any length holds a bounded number. Cost: one tuple for each call of ``step``. A result's own
``history`` is free; these two are for sessions, where only the last result is at hand.
"""

import collections
import time
from typing import Any

import numpy as np

from ..core import State, Status

__all__ = ["Clock", "History"]


class History:
    """Rows of (iteration, residual) for each attempt of the last solves.

    Parameters
    ----------
    each : bool, default False
        See every iteration (kernels then come back after each: slower), not only what a kernel call leaves.
    keep : int, default 256
        Attempts kept; the oldest go.

    Attributes
    ----------
    blocks : sequence of list of tuple
        One list of (iteration, residual) an attempt, the last one at the end.

    Raises
    ------
    ValueError
        For ``keep`` below 1.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> from resolvent.recorders import History
    >>> A = sp.diags_array([-np.ones(9), 2.5 * np.ones(10), -np.ones(9)], offsets=[-1, 0, 1]).tocsr()
    >>> history = History(each=True)
    >>> result = rv.solve(rv.LinearSystem(A, np.ones(10)), "cg", rtol=1e-10, recorders=[history])
    >>> len(history.last) == result.steps + 1, int(history.last[-1, 0]) == result.steps
    (True, True)
    """

    def __init__(self, each: bool = False, keep: int = 256) -> None:
        if keep < 1:
            raise ValueError(f"keep={keep} was given; at least 1 is expected")
        self.each = each
        self.blocks: collections.deque[list[tuple[Any, ...]]] = collections.deque(maxlen=keep)

    def begin(self, problem: Any, method: Any, state: State) -> None:
        """Open a block with the residual at the start."""
        self.blocks.append([self._row(state)])

    def step(self, problem: Any, state: State) -> Status | None:
        """One more row."""
        self.blocks[-1].append(self._row(state))
        return None

    def end(self, problem: Any, result: Any) -> None:
        """Nothing left to see."""

    def _row(self, state: State) -> tuple[Any, ...]:
        return state.k, float(state.seen.get("residual", float("nan")))

    @property
    def last(self) -> Any:
        """The last attempt's rows as an array, (rows, columns); empty before the first."""
        return np.array(self.blocks[-1], dtype=float) if self.blocks else np.empty((0, 2))


class Clock(History):
    """Rows of (iteration, residual, seconds since the attempt began).

    Seconds include what other recorders need to look; the result's own ``seconds`` do not.

    Parameters
    ----------
    each, keep
        As for `History`.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.recorders import Clock
    >>> clock = Clock()
    >>> _ = rv.solve(rv.LinearSystem(np.diag([1.0, 2.0]), np.ones(2)), "cg", recorders=[clock])
    >>> clock.last.shape[1], bool(np.all(np.diff(clock.last[:, 2]) >= 0))
    (3, True)
    """

    def begin(self, problem: Any, method: Any, state: State) -> None:
        """Start the clock and open a block."""
        self._zero = time.perf_counter()
        super().begin(problem, method, state)

    def _row(self, state: State) -> tuple[Any, ...]:
        return *super()._row(state), time.perf_counter() - self._zero
