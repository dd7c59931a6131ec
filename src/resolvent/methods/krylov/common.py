"""What Krylov methods share: the preconditioner's set-up, a recurrence on the array API, and the way through the loop.

A method here is a frozen record that says which *recurrence* runs it. A recurrence has, like the engines of CG,

    advance(room, goal, norms) -> done;  x, r, norm, status, reason, done;  solution()

``Recurrence`` is one whose ``one()`` makes one iteration with array-API operations; compiled ones replace ``advance``.
"""

import cmath
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from array_api_compat import array_namespace, device

from ...core import Cost, OperatorError, SetupError, State, Status
from ...operators.base import transposed
from ...operators.engines import applied
from ...operators.given import recipe_of

__all__ = ["Krylov", "KrylovState", "Recurrence", "bound_of", "needs_of", "preconditioned", "small"]

NOT_FINITE = "a value that is not finite appeared in the recurrence"


def needs_of(inner: Any, own: frozenset[str]) -> frozenset[str]:
    """What a method with this preconditioner asks of the problem."""
    return own | getattr(inner, "needs", frozenset())


def bound_of(recipe: Any, problem: Any, carry: Mapping[str, Any]) -> tuple[Any, bool]:
    """The preconditioner set up for this problem, and whether it was carried from an earlier one.

    Raises
    ------
    SetupError
        With what went wrong.
    """
    if recipe is None:
        return None, False
    kept = carry.get("preconditioner")
    kept = kept if kept is not None and kept.fits(recipe) else None
    if getattr(problem, "base", None) is not None:  # a system with A^T
        return transposed(recipe, problem, kept, lambda r, p: _bound(r, p, carry)), kept is not None
    if kept is not None:
        return getattr(kept, "original", kept), True
    return _bound(recipe, problem, carry), False


def _bound(recipe: Any, problem: Any, carry: Mapping[str, Any]) -> Any:
    try:
        bound = recipe.bind(problem, carry)
    except (SetupError, OperatorError, MemoryError):
        raise
    except Exception as error:  # a recipe may be the user's own
        raise SetupError(f"the preconditioner's set-up raised {type(error).__name__}: {error}") from error
    if not (hasattr(bound, "apply") or hasattr(bound, "engine")):
        raise SetupError(f"the preconditioner's set-up gave a {type(bound).__name__}, which has no apply")
    return bound


def preconditioned(problem: Any, bound: Any, r: Any) -> Any:
    """z = M^-1 r, counted and vetted; r itself without a preconditioner."""
    if bound is None:
        return r
    work = problem.work
    work.add("preconditions")
    for name, amount in getattr(bound, "counts", {}).items():  # a user's own set-up need not count
        work.add(name, amount)
    return applied(bound, r)


def small(array: Any) -> Any:
    """A small array of any library, on any device, as NumPy's."""
    return np.asarray(array.tolist() if hasattr(array, "tolist") else array)


class Recurrence:
    """One start of a Krylov method: x, the recursive residual r and its 2-norm, on the array API.

    ``passes`` is the number of n-vectors that an iteration reads or writes outside products and preconditioner.
    """

    passes = 12.0

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None, kept: bool = False) -> None:
        self.problem, self.x, self.r, self.norm = problem, x, r, norm
        self.bound, self.kept = bound, kept
        self.xp = array_namespace(r)
        self.complex = self.xp.isdtype(r.dtype, "complex floating")
        self.status, self.reason = Status.RUNNING, ""
        self.done = 0  # iterations of the call that runs

    def dot(self, u: Any, v: Any) -> Any:
        """<u, v>, conjugated in u, as a Python number."""
        value = self.xp.vecdot(u, v)
        return complex(value) if self.complex else float(value)

    def redot(self, u: Any, v: Any) -> float:
        """The real part of <u, v>."""
        value = self.dot(u, v)
        return float(value.real)

    def norm2(self, v: Any) -> float:
        """2-norm."""
        return math.sqrt(max(self.redot(v, v), 0.0)) if v.shape[0] else 0.0

    def numbers(self, array: Any) -> Any:
        """A small array as NumPy's, in double precision."""
        return small(array).astype(complex if self.complex else float)

    def array(self, values: Any) -> Any:
        """Small numbers as an array of r's library, dtype and device."""
        return self.xp.asarray(values.tolist(), dtype=self.r.dtype, device=device(self.r))

    def precondition(self, r: Any) -> Any:
        """z = M^-1 r."""
        return preconditioned(self.problem, self.bound, r)

    def fail(self, status: Status, reason: str) -> bool:
        """End this start; for use as ``return self.fail(...)`` in ``one``."""
        self.status, self.reason = status, reason
        return False

    def broke(self, value: Any, reason: str) -> bool:
        """End this start because ``value`` vanished, or because it is no number."""
        if not cmath.isfinite(value):
            return self.fail(Status.NONFINITE, NOT_FINITE)
        return self.fail(Status.BREAKDOWN, reason)

    def lost(self, value: Any, size: float) -> bool:
        """Whether a dot product has no digit left beside the product of norms that bounds it."""
        return not abs(value) > self.problem.eps * size

    def one(self) -> bool:
        """One iteration; False when it was not made."""
        raise TypeError(f"{type(self).__name__} has no iteration")

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        work = self.problem.work
        with np.errstate(all="ignore"):  # what overflows is found by looking at it
            for step in range(room):
                self.done = step
                if not self.one():
                    return step
                work.add("passes", self.passes)
                work.add("calls")
                norms[step] = self.norm
                if not math.isfinite(self.norm):
                    self.fail(Status.NONFINITE, NOT_FINITE)
                if self.norm <= goal or self.status != Status.RUNNING:
                    return step + 1
        return room

    def solution(self) -> Any:
        """The iterate, a copy."""
        return self.x + 0.0


class KrylovState(State):
    """The recurrence that holds the vectors, and the bound preconditioner."""

    engine: Any
    bound: Any
    kept: bool


class Krylov:
    """The way through the loop that Krylov methods share; ``start`` gives the recurrence."""

    preconditioner: Any
    stride: int
    needs: frozenset[str]
    _recipe: Any
    sees = frozenset({"residual"})
    products = 1.0  # of an iteration
    fused: str | None = None  # the entry of the cost table for an iteration in one kernel

    def _check(self, own: frozenset[str], flexible: bool = False) -> None:
        """Refuse what is no preconditioner or stride; called by ``__post_init__``."""
        if self.stride < 1:
            raise ValueError(f"stride={self.stride} was given; at least 1 is expected")
        recipe = recipe_of(self.preconditioner, flexible)
        object.__setattr__(self, "_recipe", recipe)
        object.__setattr__(self, "needs", needs_of(recipe, own))

    def start(self, problem: Any, x: Any, r: Any, norm: float, bound: Any, kept: bool) -> Any:
        """The recurrence from x with residual r, both of which it may overwrite."""
        raise TypeError(f"{type(self).__name__} has no recurrence")

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> KrylovState:
        """Set up the preconditioner, unless one that fits is carried, and start the recurrence."""
        state = KrylovState()
        x, r, norm = problem.start(x0, carry)
        state.bound, state.kept = bound_of(self._recipe, problem, carry) if norm else (None, False)
        if state.bound is not None and not hasattr(state.bound, "apply"):
            raise SetupError(f"{type(self._recipe).__name__} is a preconditioner of CG only; use another one here")
        state.engine = self.start(problem, x, r, norm, state.bound, state.kept)
        state.seen["residual"] = norm
        state.norms = np.empty(self.stride)
        return state

    def step(self, problem: Any, state: KrylovState) -> None:
        """Up to ``stride`` iterations."""
        room = self.stride if state.room is None else min(self.stride, state.room)
        engine = state.engine
        try:
            done = engine.advance(room, -1.0 if state.goal is None else state.goal, state.norms)
        except BaseException:  # Ctrl-C, or what the user's operator raised: the iterations made count
            state.k += engine.done
            raise
        problem.work.add("calls")
        state.k += done
        state.seen["residual"] = engine.norm
        if engine.status != Status.RUNNING:
            state.status, state.reason = engine.status, engine.reason

    def solution(self, problem: Any, state: KrylovState) -> Any:
        """The iterate."""
        return state.engine.solution()

    def harvest(self, problem: Any, state: KrylovState) -> dict[str, Any]:
        """The bound preconditioner, where it may serve another matrix."""
        if not hasattr(state.bound, "fits") or hasattr(state.bound, "engine"):
            return {}
        return {"preconditioner": state.bound}

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one iteration costs as ``running``."""
        recipe = self._recipe
        diagonal = recipe is None or type(getattr(recipe, "inner", recipe)).__name__ == "Jacobi"
        if self.fused is not None and problem.stored and diagonal:
            return Cost(0.0, 0.0 if recipe is None else problem.weight("diagonals"), problem.weight(self.fused))
        setup = recipe.estimate(problem) if hasattr(recipe, "estimate") else Cost()
        own = self.products * 1.0 + 14 * problem.weight("passes") + problem.weight("calls")
        return Cost(setup.once, setup.setup, self.products * setup.running + own)
