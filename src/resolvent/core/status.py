"""How a solve ended: positive says that the problem's own measure met the tolerance, negative says that it did not."""

from enum import IntEnum

__all__ = ["Change", "Status"]


class Status(IntEnum):
    """The end of a solve.

    A positive status means that ``x`` meets the tolerance and that the problem's own measure, recomputed from the
    original data, said so. A negative one means that it does not, or that nobody knows.

    Examples
    --------
    >>> from resolvent import Status
    >>> Status.RESIDUAL > 0, Status.STAGNATED.name, int(Status.INFEASIBLE)
    (True, 'STAGNATED', -8)
    """

    RUNNING = 0
    RESIDUAL = 1
    GAP = 2
    EXACT = 3
    BUDGET = -1
    TIME = -2
    BREAKDOWN = -3
    NONFINITE = -4
    STAGNATED = -5
    USER = -6
    DIVERGED = -7
    INFEASIBLE = -8
    CHANGE = -9
    INDEFINITE = -10
    SETUP = -11
    ERROR = -12
    INTERRUPTED = -13
    NOISY = -14


class Change(IntEnum):
    """What a new problem has in common with the one before it, as found by comparison."""

    SAME = 0
    VALUES = 1
    PATTERN = 2
    SHAPE = 3
