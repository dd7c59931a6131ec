"""SciPy's own solvers for A x = b and for least squares, as black boxes that own their loop.

    x from SciPy;  r = b - A x measured again by the problem;  not what was asked: go on from that x, or say so

SciPy's ``info = 0`` is never taken at its word: where the measure disagrees the solver is called again from the x it
gave, with a smaller tolerance, and after two calls that do not halve the residual the run ends STAGNATED. Every product
goes through a counting operator, adjoints too. ``steps`` are the iterations of which SciPy tells the callback (whole
cycles for LGMRES and GCROTMK). Leaves ``residual``, measured. Recorders and callbacks cannot look inside. Use them to
compare, and our own methods (CG, MINRES, BiCGStab, IDR, GMRES, CGLS) otherwise.

Reference: SciPy, scipy.sparse.linalg; the papers named with each class.
"""

import math
import time
import warnings
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import scipy.sparse.linalg as spla

from ..core import Cost, OperatorError, Result, SetupError, State, Status
from ..core.protocol import Measure
from ..operators.given import recipe_of
from .krylov.common import bound_of, needs_of, preconditioned

__all__ = ["CGS", "GCROTMK", "LGMRES", "LSMR", "LSQR", "QMR", "TFQMR", "BiCG"]

_ROUNDS = 12


class _EndedError(Exception):
    """A stop rule or the cap ended the call; ``status`` says which."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


class _Run:
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
            raise _EndedError(Status.BUDGET)
        if self.check(self.state) == Status.TIME:
            raise _EndedError(Status.TIME)

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
        own = {"products", "adjoint"} if self.adjoint else {"products"}
        object.__setattr__(self, "_recipe", recipe)
        object.__setattr__(self, "needs", needs_of(recipe, frozenset(own)))

    def solve(self, problem: Any, advice: Any, stop: Any) -> Result:
        """Run to the end; never raises for what happens inside."""
        run, carry, capped = _Run(problem, advice, stop), {}, False
        status, reason = Status.RUNNING, ""
        try:
            if not run.met:
                bound, _ = bound_of(self._recipe, problem, advice.carry)
                if hasattr(bound, "fits") and not hasattr(bound, "engine"):
                    carry["preconditioner"] = bound
                status, reason = self._rounds(run, bound)
        except _EndedError as end:
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

    def _last_look(self, run: _Run) -> None:
        if run.latest is not None:
            x = run.latest.astype(run.problem.dtype)
            run.enter(x, run.problem.measure(x))

    def _rounds(self, run: _Run, bound: Any) -> tuple[Status, str]:
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

    def _call(self, run: _Run, bound: Any, tolerance: float, room: int) -> tuple[Any, int]:
        problem = run.problem
        unit = math.ldexp(1.0, -math.frexp(problem.scale)[1])  # SciPy finds breakdowns by absolute numbers
        x0 = None if run.x is None else unit * run.x
        options: dict[str, Any] = dict(self._options())
        if bound is not None:
            M = _operator(
                problem, lambda r: preconditioned(problem, bound, r), lambda r: _adjoint_of(problem, bound, r)
            )
            options |= {"M1": M, "M2": _operator(problem, _same, _same)} if isinstance(self, QMR) else {"M": M}
        A = _operator(problem, problem.product, problem.adjoint if self.adjoint else None)
        function = getattr(spla, type(self).__name__.lower())
        x, info = function(
            A, problem.rhs.copy(), x0=x0, rtol=0.0, atol=tolerance, maxiter=room, callback=run.tick, **options
        )
        problem.work.add("passes", 12.0 * max(run.k, 1))
        return x, int(info)

    def _options(self) -> dict[str, Any]:
        return {}

    def estimate(self, problem: Any) -> Cost:
        """Set-up, and what one iteration costs as ``running``."""
        recipe = self._recipe
        setup = recipe.estimate(problem) if hasattr(recipe, "estimate") else Cost()
        own = self.cycle * (1.0 + setup.running + 12 * problem.weight("passes") + problem.weight("calls"))
        return Cost(setup.once, setup.setup, own)


def _operator(problem: Any, forward: Any, backward: Any) -> Any:
    n, dtype = problem.n, problem.dtype
    back = backward if backward is not None else _no_adjoint
    return spla.LinearOperator(
        (n, n),
        matvec=lambda v: forward(v.ravel().astype(dtype)),
        rmatvec=lambda v: back(v.ravel().astype(dtype)),
        dtype=dtype,
    )


def _same(v: Any) -> Any:
    return v


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


@dataclass(frozen=True)
class BiCG(Wrapped):
    """SciPy's ``bicg``: bi-conjugate gradients (Fletcher 1976); one product with A and one with its adjoint.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        One that can be applied transposed.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "bicg").ok
    True
    """

    preconditioner: Any = None
    cycle: ClassVar[int] = 2
    adjoint: ClassVar[bool] = True


@dataclass(frozen=True)
class CGS(Wrapped):
    """SciPy's ``cgs``: conjugate gradients squared (Sonneveld 1989); two products an iteration, ragged.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "cgs").ok
    True
    """

    preconditioner: Any = None
    cycle: ClassVar[int] = 2


@dataclass(frozen=True)
class QMR(Wrapped):
    """SciPy's ``qmr``: quasi-minimal residuals (Freund and Nachtigal 1991); a product with A and one with its adjoint.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional
        On the left; one that can be applied transposed.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "qmr").ok
    True
    """

    preconditioner: Any = None
    cycle: ClassVar[int] = 2
    adjoint: ClassVar[bool] = True


@dataclass(frozen=True)
class TFQMR(Wrapped):
    """SciPy's ``tfqmr``: transpose-free QMR (Freund 1993); a product an iteration.

    Parameters
    ----------
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "tfqmr").ok
    True
    """

    preconditioner: Any = None


@dataclass(frozen=True)
class LGMRES(Wrapped):
    """SciPy's ``lgmres``: GMRES augmented with error approximations (Baker, Jessup and Manteuffel 2005).

    Parameters
    ----------
    inner_m : int, default 30
        Inner iterations of a cycle; a step is a cycle.
    outer_k : int, default 3
        Vectors carried from cycle to cycle.
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "lgmres").ok
    True
    """

    inner_m: int = 30
    outer_k: int = 3
    preconditioner: Any = None
    cycle: ClassVar[int] = 30

    def _options(self) -> dict[str, Any]:
        return {"inner_m": self.inner_m, "outer_k": self.outer_k}


@dataclass(frozen=True)
class GCROTMK(Wrapped):
    """SciPy's ``gcrotmk``: GCROT(m, k) (Hicken and Zingg 2010), nothing carried between systems.

    Parameters
    ----------
    m : int, default 20
        Inner iterations of a cycle; a step is a cycle.
    k : int, default 20
        Vectors kept from cycle to cycle.
    preconditioner : recipe or LinearOperator, optional

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearSystem(np.array([[2.0, 1.0], [0.0, 3.0]]), np.ones(2)), "gcrotmk").ok
    True
    """

    m: int = 20
    k: int = 20
    preconditioner: Any = None
    cycle: ClassVar[int] = 20

    def _options(self) -> dict[str, Any]:
        return {"m": self.m, "k": self.k}


class _Bidiagonal(Wrapped):
    """LSQR and LSMR on the correction: min || [r; -damp x] - [A; damp I] d ||, x + d."""

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "needs", frozenset({"least squares"}))

    def _call(self, run: _Run, bound: Any, tolerance: float, room: int) -> tuple[Any, int]:
        problem, damp = run.problem, run.problem.damp
        if not isinstance(problem.target, np.ndarray):
            raise SetupError("SciPy works on NumPy arrays; use cgls for arrays of another library")
        x, r = problem.start(run.x, {})
        m, n, dtype = problem.m, problem.n, problem.dtype

        def forward(v: Any) -> Any:
            y = problem.product(v.ravel().astype(dtype))
            return np.concatenate([y, damp * v.ravel()]) if damp else y

        def backward(v: Any) -> Any:
            y = problem.adjoint(v[:m].astype(dtype))
            return y + damp * v[m:] if damp else y

        A = spla.LinearOperator((m + (n if damp else 0), n), matvec=forward, rmatvec=backward, dtype=dtype)
        rhs = np.concatenate([r, -damp * x]) if damp else r
        size = problem.scale or 1.0
        rtol = tolerance / size
        btol = tolerance / max(float(np.linalg.norm(rhs)), 1e-300)
        d, reason, steps = self._solved(A, rhs, rtol, min(btol, 1.0), room)
        run.k += int(steps)
        run.state.k = run.k
        problem.work.add("passes", 10.0 * steps)
        if run.check(run.state) == Status.TIME:
            raise _EndedError(Status.TIME)
        return x + d, 0 if reason != 7 else 1

    def _solved(self, A: Any, rhs: Any, atol: float, btol: float, room: int) -> tuple[Any, int, int]:
        raise TypeError("SciPy's function is not named")

    def estimate(self, problem: Any) -> Cost:
        """What one iteration costs as ``running``."""
        own = 1.0 + problem.weight("adjoint_products") + 10 * problem.weight("passes") + 2 * problem.weight("calls")
        return Cost(0.0, 0.0, own)


@dataclass(frozen=True)
class LSQR(_Bidiagonal):
    """SciPy's ``lsqr`` for least squares (Paige and Saunders 1982).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearLeastSquares(np.ones((3, 1)), np.array([1.0, 2.0, 6.0])), "lsqr").x.round(6).tolist()
    [3.0]
    """

    def _solved(self, A: Any, rhs: Any, atol: float, btol: float, room: int) -> tuple[Any, int, int]:
        out = spla.lsqr(A, rhs, atol=atol, btol=btol, conlim=0, iter_lim=room)
        return out[0], int(out[1]), int(out[2])


@dataclass(frozen=True)
class LSMR(_Bidiagonal):
    """SciPy's ``lsmr`` for least squares (Fong and Saunders 2011); the gradient falls at each iteration.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rv.solve(rv.LinearLeastSquares(np.ones((3, 1)), np.array([1.0, 2.0, 6.0])), "lsmr").x.round(6).tolist()
    [3.0]
    """

    def _solved(self, A: Any, rhs: Any, atol: float, btol: float, room: int) -> tuple[Any, int, int]:
        out = spla.lsmr(A, rhs, atol=atol, btol=btol, conlim=0, maxiter=room)
        return out[0], int(out[1]), int(out[2])
