"""One call of SciPy after another until the measure agrees: what all of them share, and the attempt's memory."""

import math
import time
import warnings
from typing import Any, ClassVar

import numpy as np
import scipy.sparse.linalg as spla

from ...core import Cost, OperatorError, Result, SetupError, State, Status
from ...core.protocol import Measure
from ...operators.given import recipe_of
from ..krylov.common import bound_of, needs_of, preconditioned

__all__ = ["EndedError", "Run", "Wrapped", "operator"]

_ROUNDS = 12


class EndedError(Exception):
    """A stop rule or the cap ended the call; ``status`` says which."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


class Run:
    """One attempt: what is known of the best x, and when to end."""

    def __init__(self, problem: Any, advice: Any, stop: Any) -> None:
        self.problem, self.begun = problem, time.perf_counter()
        self.before: Cost = problem.price()
        self.cap = math.inf if advice.cap is None else advice.cap
        self.limit, self.threshold = stop.steps(), stop.threshold(problem)
        self.state = State()
        self.state.seen["residual"] = math.inf
        self.check = stop.start(problem, self.state)
        self.k, self.latest, self.unit = 0, None, 1.0
        self.history: list[Any] = []
        self.x = advice.x0
        self.measured = Measure(problem.scale) if advice.x0 is None else problem.measure(advice.x0)
        self.enter(self.x, self.measured)

    def enter(self, x: Any, measured: Measure) -> None:
        """Take a measured x over where it is the best."""
        if not measured.residual >= self.measured.residual or x is self.x:
            self.x, self.measured = x, measured
        self.history.append((self.k, measured.residual))

    @property
    def met(self) -> bool:
        """Whether the best x meets the tolerance."""
        return self.threshold is not None and self.measured.residual <= self.threshold

    def left(self, most: int) -> int:
        """Iterations that may still be made."""
        return most if self.limit is None else max(0, min(most, self.limit - self.k))

    def tick(self, x: Any = None) -> None:
        """SciPy's callback: one iteration is done."""
        self.k += 1
        self.state.k = self.k
        if isinstance(x, np.ndarray) and x.shape == (self.problem.n,):
            self.latest = x / self.unit
        cost = self.problem.price() - self.before
        if cost.setup + cost.running > self.cap:
            raise EndedError(Status.BUDGET)
        if self.check(self.state) == Status.TIME:
            raise EndedError(Status.TIME)

    def result(self, status: Status, reason: str, carry: dict[str, Any], capped: bool = False) -> Result:
        """The end."""
        problem, measured = self.problem, self.measured
        if status < 0 and not measured.residual <= problem.scale:  # zero is better
            self.x, measured = None, Measure(problem.scale)
        seen = {**measured.seen, "residual": measured.residual}
        explain = getattr(problem, "explain", None)
        if explain is not None and status < 0 and not capped:
            status, reason = explain(status, self.x, measured, reason, seen)
        vector = {} if measured.vector is None else {"residual": measured.vector}
        return Result(
            x=self.x, status=status, steps=self.k, seen=seen, work=problem.work.total(),
            cost=problem.price() - self.before, seconds=time.perf_counter() - self.begun, history=self.history,
            carry={**carry, **vector}, capped=capped, why=reason, threshold=self.threshold,
        )  # fmt: skip


class Wrapped:
    """Calls SciPy until the measure agrees; subclasses name the function and its options."""

    preconditioner: Any
    needs: frozenset[str]
    _recipe: Any
    sees: ClassVar[frozenset[str]] = frozenset({"residual"})
    cycle: ClassVar[int] = 1  # products of an iteration
    adjoint: ClassVar[bool] = False  # whether it multiplies with A^H

    def __post_init__(self) -> None:
        recipe = recipe_of(getattr(self, "preconditioner", None))
        own = {"products", "NumPy arrays", *(["adjoint"] if self.adjoint else [])}
        object.__setattr__(self, "_recipe", recipe)
        object.__setattr__(self, "needs", needs_of(recipe, frozenset(own)))

    def solve(self, problem: Any, advice: Any, stop: Any) -> Result:
        """Run to the end; never raises for what happens inside."""
        run, carry, capped = Run(problem, advice, stop), {}, False
        status, reason = Status.RUNNING, ""
        try:
            if not run.met:
                bound, _ = bound_of(self._recipe, problem, advice.carry)
                if hasattr(bound, "fits") and not hasattr(bound, "engine"):
                    carry["preconditioner"] = bound
                status, reason = self._rounds(run, bound)
        except EndedError as end:
            status, capped = end.status, end.status == Status.BUDGET
            self._last_look(run)
        except (OperatorError, SetupError, KeyboardInterrupt, MemoryError) as error:
            status, reason = _broken(error)
        except Exception as error:  # what SciPy itself raises (LinAlgError, ZeroDivisionError, ...)
            status, reason = (
                Status.BREAKDOWN,
                f"SciPy's {type(self).__name__.lower()} raised {type(error).__name__}: {error}",
            )
        if run.met and status not in (Status.ERROR, Status.INTERRUPTED, Status.NOISY):
            status, reason = run.measured.success, ""
        return run.result(status, reason, carry, capped)

    def _last_look(self, run: Run) -> None:
        if run.latest is not None:
            x = run.latest.astype(run.problem.dtype)
            run.enter(x, run.problem.measure(x))

    def _rounds(self, run: Run, bound: Any) -> tuple[Status, str]:
        """Call, measure, call again."""
        problem, name = run.problem, f"SciPy's {type(self).__name__.lower()}"
        tolerance, stuck = run.threshold or 0.0, 0
        for _ in range(_ROUNDS):
            room = run.left(getattr(problem, "default_steps", 10_000))
            if room == 0:
                return Status.BUDGET, ""
            before = run.measured.residual
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                x, info = self._call(run, bound, tolerance, room)
            x = np.array(x, dtype=problem.dtype)
            problem.work.add("calls", 2)
            measured = problem.measure(x)
            run.enter(x, measured)
            if measured.noisy:
                return Status.NOISY, "two measures of the same x differ beyond rounding"
            if run.met:
                return measured.success, ""
            if not math.isfinite(measured.residual):
                return Status.NONFINITE, f"{name} gave values that are not finite"
            if info < 0 and not measured.residual <= 0.9 * before:
                return Status.BREAKDOWN, f"{name} broke down (info = {info})"
            if run.left(1) == 0:
                return Status.BUDGET, ""
            stuck = 0 if measured.residual <= 0.5 * before else stuck + 1
            if stuck >= 2:
                return (
                    Status.STAGNATED,
                    f"{name} says info = {info}, and calling it again no longer reduces the residual",
                )
            tolerance *= 0.3
        return Status.STAGNATED, f"{name} was called {_ROUNDS} times, and the measure still does not agree"

    def _call(self, run: Run, bound: Any, tolerance: float, room: int) -> tuple[Any, int]:
        problem = run.problem
        run.unit = unit = math.ldexp(1.0, -math.frexp(problem.scale)[1])  # SciPy finds breakdowns by absolute numbers
        x0 = None if run.x is None else unit * run.x
        options: dict[str, Any] = dict(self._options())
        if bound is not None:
            M = operator(problem, lambda r: preconditioned(problem, bound, r), lambda r: _adjoint_of(problem, bound, r))
            options |= self._given(problem, M)
        A = operator(problem, problem.product, problem.adjoint if self.adjoint else None)
        function = getattr(spla, type(self).__name__.lower())
        x, info = function(
            A, unit * problem.rhs, x0=x0, rtol=0.0, atol=unit * tolerance, maxiter=room, callback=run.tick, **options
        )
        problem.work.add("passes", 12.0 * max(run.k, 1))
        return x / unit, int(info)

    def _options(self) -> dict[str, Any]:
        return {}

    def _given(self, problem: Any, M: Any) -> dict[str, Any]:
        """Under which name SciPy takes the preconditioner."""
        return {"M": M}

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one iteration costs as ``running``."""
        recipe = self._recipe
        setup = recipe.estimate(problem) if hasattr(recipe, "estimate") else Cost()
        own = self.cycle * (1.0 + setup.running + 12 * problem.weight("passes") + problem.weight("calls"))
        return Cost(setup.once, setup.setup, own)


def operator(problem: Any, forward: Any, backward: Any) -> Any:
    """A map of vectors as SciPy wants it; without ``backward`` its adjoint is refused."""
    n, dtype = problem.n, problem.dtype
    back = backward if backward is not None else _no_adjoint
    return spla.LinearOperator(
        (n, n),
        matvec=lambda v: forward(v.ravel().astype(dtype)),
        rmatvec=lambda v: back(v.ravel().astype(dtype)),
        dtype=dtype,
    )


def _no_adjoint(v: Any) -> Any:
    raise OperatorError("a product with the adjoint was asked for")


def _adjoint_of(problem: Any, bound: Any, r: Any) -> Any:
    """M^-H r by the set-up's transpose."""
    apply = getattr(bound, "apply_transposed", None)
    if apply is None:
        raise SetupError(f"{type(bound).__name__} has no transposed application, which this method needs")
    problem.work.add("preconditions")
    for name, amount in bound.counts.items():
        problem.work.add(name, amount)
    return apply(r.conj()).conj()


def _broken(error: BaseException) -> tuple[Status, str]:
    if isinstance(error, KeyboardInterrupt):
        return Status.INTERRUPTED, "interrupted from the keyboard"
    return (Status.SETUP if isinstance(error, SetupError) else Status.ERROR), str(error) or type(error).__name__
