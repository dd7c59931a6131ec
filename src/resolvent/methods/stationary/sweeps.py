"""What the stationary methods share: the state, and one call of a kernel that runs up to ``stride`` sweeps."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ... import kernels
from ...core import SetupError, State, Status

__all__ = ["SweepState", "check_stride", "diagonal_positions", "sweep_init", "swept"]


class SweepState(State):
    """x, its residual r, and one work vector."""

    x: Any
    r: Any
    dx: Any
    positions: Any


def check_stride(stride: int) -> None:
    """Refuse a stride below one.

    Raises
    ------
    ValueError
    """
    if stride < 1:
        raise ValueError(f"stride={stride} was given; at least 1 is expected")


def sweep_init(problem: Any, x0: Any, carry: Mapping[str, Any], stride: int) -> SweepState:
    """The state at x0.

    Raises
    ------
    SetupError
        When a diagonal entry is missing or zero.
    """
    state = SweepState()
    state.positions = diagonal_positions(problem)
    d = problem.data[state.positions]
    if not d.all():
        row = int(np.flatnonzero(d == 0)[0])
        raise SetupError(f"the diagonal entry of row {row} is zero, and a sweep divides by it")
    state.x, state.r, norm = problem.start(x0, carry)
    state.dx = np.zeros_like(state.r)
    state.norms = np.empty(stride)
    state.seen["residual"] = norm
    return state


def diagonal_positions(problem: Any) -> Any:
    """Where the diagonal stands in the entries, once per pattern.

    Raises
    ------
    SetupError
        When a row has no diagonal entry.
    """
    known = problem.symbolic.get("diagonal")
    if known is None:
        problem.diagonal()  # vets the pattern
        known = np.empty(problem.n, dtype=problem.ix.dtype)
        row = kernels.csr.diagonal_positions(problem.ip, problem.ix, known)
        if row is not None and row >= 0:
            raise SetupError(f"row {row} has no diagonal entry, and a sweep divides by it")
        problem.symbolic["diagonal"] = known
        problem.work.add("gathers", 1, "once")
    return known


def swept(kernel: Any, problem: Any, state: SweepState, parameter: Any, stride: int, weight: float) -> None:
    """Up to ``stride`` sweeps in one kernel call; ``weight`` sweeps over A are counted for each."""
    room = stride if state.room is None else min(stride, state.room)
    goal = -1.0 if state.goal is None else state.goal
    done = kernel(
        problem.ip,
        problem.ix,
        problem.data,
        state.positions,
        state.x,
        state.r,
        state.dx,
        parameter,
        room,
        goal,
        state.norms,
    )
    problem.work.add("sweeps", weight * done)
    state.k += done
    if done:
        state.seen["residual"] = float(state.norms[done - 1])
    if not np.isfinite(state.seen["residual"]):
        state.status = Status.DIVERGED if np.isfinite(state.norms[0]) else Status.NONFINITE
        state.reason = "the sweeps diverge: the iteration matrix has a spectral radius above 1"
