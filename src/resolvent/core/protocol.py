"""The few small interfaces that everything else is written against: State, Method, Stop, Recorder, Advice, Learner.

A *method* is a frozen record of parameters; what a run needs lives in its *state*; a *stop* rule decides; a *recorder*
looks; a *learner* speaks only between solves, through *advice*. Nobody but the loop runs the loop.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol, runtime_checkable

from .status import Status
from .work import Cost, Work

__all__ = ["Advice", "Learner", "Measure", "Method", "Problem", "Recorder", "Solver", "State", "Stop", "with_params"]


class State:
    """What one run of a method knows; methods subclass it with their work vectors, allocated once.

    Attributes
    ----------
    k : int
        Mathematical iterations done.
    seen : dict of str to float
        Facts that the method leaves for free, of the state as left; ``"residual"`` above all.
    status : Status
        RUNNING, or what the method found out (BREAKDOWN, INDEFINITE, NONFINITE, ...).
    goal : float or None
        The residual at which the stop rule fires, so that a kernel may come back early.
    room : int or None
        Iterations left.
    norms : array or None
        Residual norms of the iterations of the last ``step``, where the kernel wrote them.
    """

    def __init__(self) -> None:
        self.k: int = 0
        self.seen: dict[str, float] = {}
        self.status: Status = Status.RUNNING
        self.goal: float | None = None
        self.room: int | None = None
        self.norms: Any = None
        self.reason: str = ""


class Measure(NamedTuple):
    """What a problem says of a candidate, from its original data alone; ``success`` is what meeting the tolerance is called."""

    residual: float
    vector: Any = None
    noisy: bool = False
    seen: dict[str, float] = {}  # noqa: RUF012 - a NamedTuple's default, never written
    success: Status = Status.RESIDUAL


@runtime_checkable
class Problem(Protocol):
    """What the loop and the Session ask of a problem; there is no superclass."""

    work: Work

    @property
    def scale(self) -> float:
        """What relative tolerances refer to; a function of the problem alone."""

    def measure(self, x: Any) -> Measure:
        """The residual of ``x``, recomputed from the original data."""

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when something of ``needs`` is not offered, else None."""

    def price(self) -> Cost:
        """The cost of ``work`` so far, in products."""


class Method(Protocol):
    """A frozen dataclass of parameters that holds no data."""

    needs: frozenset[str]
    sees: frozenset[str]

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> State:
        """Allocate the state at ``x0`` (None means zero); ``carry`` maps slot names to earlier harvests."""

    def step(self, problem: Any, state: Any) -> None:
        """Advance in place, by one or (kernels) by several iterations, never by more than ``state.room``."""

    def solution(self, problem: Any, state: Any) -> Any:
        """The iterate, built on demand."""

    def harvest(self, problem: Any, state: Any) -> dict[str, Any] | None:
        """What a later solve may use again."""


class Solver(Protocol):
    """The smaller protocol for black boxes that own their loop."""

    def solve(self, problem: Any, advice: "Advice", stop: "Stop") -> Any:
        """Run to the end; work is counted, the answer is measured again by the caller."""


class Stop(Protocol):
    """A frozen rule; rules combine with ``|`` and ``&``."""

    sees: frozenset[str]

    def start(self, problem: Any, state: State) -> Callable[[State], Status]:
        """One run's memory of the rule."""

    def goal(self, problem: Any) -> float | None:
        """The residual that ends the run on its own, or None."""

    def threshold(self, problem: Any) -> float | None:
        """The residual that a positive status of this rule stands for, or None."""

    def steps(self) -> int | None:
        """The greatest number of iterations that the rule allows, or None."""


class Recorder(Protocol):
    """Looks, may ask to stop, never steers; the clock stops while it looks."""

    def begin(self, problem: Any, method: Any, state: State) -> None:
        """Called after init."""

    def step(self, problem: Any, state: State) -> Status | None:
        """Called after each step; a status other than None ends the run."""

    def end(self, problem: Any, result: Any) -> None:
        """Called with the result."""


@dataclass(slots=True)
class Advice:
    """What learners may propose for one solve, and nothing else: the tolerance is out of their reach.

    Examples
    --------
    >>> from resolvent.core import Advice
    >>> Advice(params={"omega": 1.7}).trial
    False
    """

    x0: Any = None
    params: dict[str, Any] = field(default_factory=dict)
    carry: dict[str, Any] = field(default_factory=dict)
    cap: float | None = None
    trial: bool = False


class Learner:
    """Speaks only between solves. The base class proposes nothing and learns nothing.

    ``owns`` names the slots and parameters that the learner writes; two learners that name the same one are refused.
    """

    owns: frozenset[str] = frozenset()

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Add to the advice for this problem."""
        return advice

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a capped or failed attempt: other advice for the same solve, or None."""
        return None

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Learn from one attempt; ``advice`` is what was in force."""

    def state_dict(self) -> dict[str, Any]:
        """Everything learned, as plain arrays and JSON."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave."""


def with_params(method: Any, params: Mapping[str, Any]) -> Any:
    """``method`` with parameters replaced; nested ones have dotted names.

    Raises
    ------
    ValueError
        When the method has no parameter of that name.

    Examples
    --------
    >>> import resolvent as rv
    >>> from resolvent.core import with_params
    >>> with_params(rv.CG(preconditioner=rv.SSOR()), {"preconditioner.omega": 1.7}).preconditioner.omega
    1.7
    """
    if "method" in params:
        method = params["method"]
    for name, value in params.items():
        if name != "method":
            method = _replaced(method, name.split("."), value, name)
    return method


def _replaced(record: Any, path: list[str], value: Any, name: str) -> Any:
    if path[0] not in getattr(record, "__dataclass_fields__", {}):
        raise ValueError(f"{type(record).__name__} has no parameter {path[0]!r} (asked for {name!r})")
    if len(path) > 1:
        value = _replaced(getattr(record, path[0]), path[1:], value, name)
    return replace(record, **{path[0]: value})
