"""Newton's method on the dual of entropic transport, sparse and safe.

    (diag(c) - P' diag(1/a) P + mu e diag(b)) d = b - c,   h += t d,   f eliminated so that P 1 = a

P is the plan at the column potentials h (in units of reg) with exact rows, c its column sums, e = ||c - b||_1. What is
dropped of a row of P is below theta e of its mass, so the matrix becomes exact as the error goes; the diagonal is kept
whole, so it stays semidefinite; the shift mu goes up after a rejected or shortened step and down after a full one. CG
with the diagonal as preconditioner solves to a tolerance tied to e, in single precision until a step gains too little.
From a cold start reg comes down in steps of 4 from a value where Sinkhorn's iteration is quick. A step that cannot be
accepted is replaced by a sweep of Sinkhorn's.

From given potentials it may work on a pattern that was carried over: evaluations, trials and collections then cost the
pattern's share of the plan. The whole plan comes back where a step is rejected or the measure does not agree.

Step: two products with the kept plan, one pass to collect its large entries, and CG on these. Memory: one more array of
the size of C (none where C comes in blocks). Leaves ``residual``: the L1 violation at the final reg, rows being exact;
before that level is reached, its bound 2 mass. Not for large reg: Sinkhorn's iteration is cheaper there.

References: Tang, Shavlovsky, Rahmanian, Tardini, Thekumparampil, Xiao and Ying, Accelerating Sinkhorn algorithm with
sparse Newton iterations (ICLR 2024), algorithm 1; Brauer, Clason, Lorenz and Wirth, A Sinkhorn-Newton method for entropic
optimal transport (2017); Tang and Qiu, Safe and sparse Newton method for entropic-regularized optimal transport
(NeurIPS 2024), for the shift and the dropped mass tied to the gradient.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ... import kernels
from ...core import Cost, State, Status
from . import pattern
from .plans import Scaled
from .truncated import Truncated

__all__ = ["SinkhornNewton"]

_LENGTHS = (1.0, 0.5, 0.25, 0.1, 0.02)
_COARSE = 3e-2
_SQUARINGS = 2
_CG_LIMIT = 1000
_STUCK = 40
_STRIDE = 32
_SLOW = 0.3
_DROPPED, _LEAST = 1e-4, 1e-18  # what is outside a pattern has less than this part of the goal, of a row's mass


class NewtonState(State):
    """The plan, the level of reg, the shift, and work vectors of CG."""

    plan: Scaled
    level: int
    swept: int
    mu: float
    failures: int
    vectors: tuple[Any, ...]
    wanted: bool


@dataclass(frozen=True)
class SinkhornNewton:
    """Safe sparse Newton for entropic transport, with a first phase that brings reg down.

    Parameters
    ----------
    sweeps : int, default 2
        Sinkhorn sweeps at the beginning of each level of reg.
    theta : float, default 30
        What is dropped of a row is below ``theta`` times the error, divided by the number of columns, entry by entry.
    mu : float, default 1
        First shift; the shift is mu times the error.
    forcing : float, default 0.1
        CG stops at ``forcing * sqrt(error)``.
    start : float, default 0.03
        A cold start begins at the largest ``4^j reg`` below ``start`` times the largest cost.
    quick : float, default 0.5
        Sweeps go on while each brings the error below this part of the one before: cheaper than a Newton step then.
    levels : int, default 0
        How often reg is multiplied by four where a run from given potentials begins: for potentials that are far off.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> x = np.linspace(0, 1, 30)
    >>> problem = rv.Transport((x[:, None] - x) ** 2, np.full(30, 1 / 30), np.full(30, 1 / 30), reg=1e-3)
    >>> result = rv.solve(problem, "sinkhornnewton", rtol=1e-10)
    >>> result.ok, bool(abs(result.x.sum(axis=0) - 1 / 30).sum() < 1e-10)
    (True, True)
    """

    sweeps: int = 2
    theta: float = 30.0
    mu: float = 1.0
    forcing: float = 0.1
    start: float = 0.03
    quick: float = 0.5
    levels: int = 0

    needs = frozenset({"entropy"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if (
            self.sweeps < 0
            or self.levels < 0
            or not (self.theta > 0 and self.mu > 0 and self.forcing > 0 and self.start > 0 and self.quick > 0)
        ):
            raise ValueError(f"{self!r} was given; positive parameters are expected, sweeps and levels >= 0")

    def init(self, problem: Any, x0: Any, carry: Any) -> NewtonState:
        """At potentials x0, or at zero on the coarsest level."""
        state = NewtonState()
        state.level, state.swept, state.mu, state.failures = 0, 0, self.mu, 0
        ir = 1.0 / problem.reg
        if x0 is None:
            state.level = self._levels(problem)
            f, g = np.zeros(len(problem.source)), np.zeros(len(problem.targets))
        else:
            f, g = problem.begin(x0)
            state.swept = self.sweeps
            if self.levels and carry.get("residual") is None:
                state.level = min(self.levels, self._levels(problem))
            state.mu = _carried(carry.get("shift"), self.mu)
        ir *= 4.0**-state.level
        state.wanted = "pattern" in carry
        state.plan = _plan(problem, f * ir, g * ir, ir, carry if state.level == 0 else {})
        state.vectors = _vectors(state.plan, np.float64 if _wide(problem) else np.float32)
        self._look(problem, state)
        return state

    def _levels(self, problem: Any) -> int:
        """How often reg is multiplied by four before the cold start."""
        most = self.start * problem.largest_cost()
        return max(0, math.floor(math.log(max(most / problem.reg, 1.0), 4.0)))

    def step(self, problem: Any, state: NewtonState) -> None:
        """One sweep or one Newton step, and the next level where this one is done."""
        problem.work.add("calls")
        plan = state.plan
        if plan.lost():
            plan.rescue()
        elif state.swept < self.sweeps:
            self._sweeps(problem, state)
        else:
            self._newton(problem, state)
        while state.level > 0 and plan.error <= _COARSE * problem.mass:
            plan.sharpen(_SQUARINGS)
            state.level, state.swept, state.mu, state.failures = state.level - 1, 0, self.mu, 0
        state.k += 1
        self._look(problem, state)

    def _sweeps(self, problem: Any, state: NewtonState) -> None:
        """Sweeps as long as they are quick, up to the goal of this level; a slow one counts."""
        plan, before = state.plan, state.plan.error
        goal = (state.goal or 0.0) if state.level == 0 else _COARSE * problem.mass
        norms = np.empty(_STRIDE if state.room is None else max(1, min(_STRIDE, state.room)))
        done = plan.sweeps(norms, 1.0, self.quick, goal)
        state.k += max(0, done - 1)
        last = norms[done - 2] if done > 1 else before
        if done == 0 or not norms[done - 1] < self.quick * last:
            state.swept += 1

    def _look(self, problem: Any, state: NewtonState) -> None:
        error = state.plan.error
        if state.level > 0:
            error = 2.0 * problem.mass
        elif not math.isfinite(error):
            state.status, state.reason = Status.NONFINITE, "a marginal of the plan is not finite"
        state.seen["residual"] = error

    def _newton(self, problem: Any, state: NewtonState) -> None:
        plan = state.plan
        error = plan.error / problem.mass
        direction, slope = self._direction(problem, state, error)
        h, f, before = plan.h.copy(), plan.rows, plan.error
        for length in _LENGTHS:
            plan.move(h + length * direction)
            rise = float(plan.a @ (plan.rows - f)) + length * float(plan.b @ direction)
            if rise >= 1e-4 * length * slope or plan.error < 0.9 * before:
                state.mu = max(state.mu / 4.0, 1e-4) if length == 1.0 else 4.0 * state.mu
                state.failures = 0
                if plan.error > _SLOW * before and error < 1e-2:
                    state.vectors = _vectors(plan, np.float64)
                return
        state.mu *= 16.0
        state.failures += 1
        state.vectors = _vectors(plan, np.float64)
        plan.move(h)
        if isinstance(plan, Truncated):
            plan = state.plan = plan.whole()
        _sweep(plan)
        if state.failures > _STUCK:
            state.status = Status.STAGNATED
            state.reason = f"{_STUCK} Newton steps in a row were rejected"

    def _direction(self, problem: Any, state: NewtonState, error: float) -> tuple[Any, float]:
        """The Newton step by CG on the large entries, and the slope of the dual along it."""
        plan, (x, r, z, p, q, inverse) = state.plan, state.vectors
        entries = plan.extract(self.theta * min(error, 1.0) / plan.m, x.dtype)
        shifted = self._shift(plan, state.mu * error)
        least = 10.0 * float(np.finfo(x.dtype).eps)
        diagonal = np.maximum(shifted - plan.squares, least * shifted).astype(x.dtype)
        rhs = plan.b - plan.c
        size = 1.0 / plan.error
        np.multiply(rhs, size, out=r, casting="same_kind")
        enough = 0.2 * (state.goal or 0.0) / plan.error  # the last step need not go beyond the goal
        rtol = min(max(self.forcing * math.sqrt(error), enough, 1e-6), 0.1)
        steps = kernels.transport.newton(
            plan.ip,
            plan.first,
            plan.length,
            plan.data,
            inverse,
            shifted.astype(x.dtype),
            diagonal,
            x,
            r,
            z,
            p,
            q,
            rtol,
            _CG_LIMIT,
        )
        problem.work.add("sparse", entries * max(1, abs(steps)))
        direction = x / size
        direction -= (plan.b @ direction) / problem.mass  # pinned in the mean: a constant changes nothing
        direction[plan.m :] = 0.0
        longest = 2.0 * (problem.largest_cost() * plan.ir + 100.0)  # potentials of a solution do not differ by more
        direction *= min(1.0, longest / max(float(np.abs(direction).max()), 1e-300))
        return direction, float(rhs @ direction)

    def _shift(self, plan: Scaled, shift: float) -> Any:
        """Column sums plus the shift; ones where columns are padding."""
        shifted = plan.c + shift * plan.b
        shifted[plan.m :] = 1.0
        return shifted

    def solution(self, problem: Any, state: NewtonState) -> Any:
        """The potentials, as the problem's own reg has them."""
        plan = state.plan
        scale = 4.0**state.level * problem.reg
        return problem.join(scale * plan.rows, scale * plan.h[: plan.m])

    def harvest(self, problem: Any, state: NewtonState) -> dict[str, Any]:
        """The shift in force, for problems that begin near their solution; where it is asked for, the plan's pattern."""
        found = {"shift": np.array([state.mu])}
        kept = problem.__dict__.get("kept")
        if state.wanted and state.level == 0 and (kept is not None or not problem.stored):
            least = max(_DROPPED * (state.goal or 0.0) / problem.mass / state.plan.m, _LEAST / state.plan.m)
            if kept is not None:
                packed = pattern.found(problem, kept[2], least)
            else:
                f, g = problem.split(self.solution(problem, state))
                packed = pattern.found_in_blocks(problem, f, g, least)
            if packed is not None:
                found["pattern"] = packed
        return found

    def estimate(self, problem: Any) -> Cost:
        """One step: trial, extraction, and some forty products with a tenth of the plan."""
        return Cost(0.0, 0.0, problem.weight("scalings") + problem.weight("extractions") + 4.0)


def _plan(problem: Any, f: Any, h: Any, ir: float, carry: Any) -> Scaled:
    """The plan on the pattern that is carried; the whole one where there is none, or where a measure spoke against it."""
    runs = None if carry.get("residual") is not None else pattern.unpacked(carry.get("pattern"), problem)
    if runs is not None:
        plan = Truncated(problem, f, h, ir, runs)
        if not plan.lost() and math.isfinite(plan.error):
            return plan
    return Scaled(problem, f, h, ir)


def _carried(shift: Any, first: float) -> float:
    """A shift that an earlier run ended with, never above the first one of this method."""
    value = first if shift is None else float(np.ravel(shift)[0])
    return min(first, max(value, 1e-4)) if math.isfinite(value) else first


def _wide(problem: Any) -> bool:
    """Whether the masses span more than single precision holds."""
    mass = problem.mass
    return min(problem.source.min(), problem.targets.min()) < 1e-15 * mass or not 1e-12 < mass < 1e12


def _vectors(plan: Scaled, dtype: Any) -> tuple[Any, ...]:
    """Work vectors of CG, and the inverse row masses: single precision until a step disappoints."""
    return *(np.empty(plan.padded, dtype) for _ in range(5)), (1.0 / plan.a).astype(dtype)


def _sweep(plan: Scaled) -> None:
    """One sweep of Sinkhorn's: columns made exact, then rows."""
    h = plan.h.copy()
    h[: plan.m] += np.log(plan.b[: plan.m] / plan.c[: plan.m])
    plan.move(h)
