"""CG as a few kernels want it: the fused loop (alone or with a diagonal), Eisenstat's form, and any other preconditioner.

An *engine* runs iterations of preconditioned CG for one start; all engines have

    advance(room, goal, norms) -> done;  norm, code;  solution() -> x;  release()

with code 0 fine, 1 not positive definite, 2 not finite, 3 nothing left to reduce.
"""

import math
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from .. import kernels
from ..core import SetupError
from .base import Bound

__all__ = ["ApplyEngine", "EisenstatEngine", "FusedEngine", "applied"]


def applied(bound: Any, r: Any) -> Any:
    """z = M^-1 r, vetted: the preconditioner may be a user's own. It gets a copy of r, and z is of r's shape and dtype.

    Raises
    ------
    SetupError
        With what the preconditioner did.
    """
    try:
        z = bound.apply(r if isinstance(bound, Bound) else r + 0)
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise SetupError(f"the preconditioner raised {type(error).__name__}: {error}") from error
    if not isinstance(z, type(r)) or z.shape != r.shape:
        found = f"an array of shape {z.shape}" if isinstance(z, type(r)) else f"a {type(z).__name__}"
        raise SetupError(f"the preconditioner returned {found} for a vector of shape {tuple(r.shape)}")
    if z.dtype != r.dtype:
        z = _cast(z, r)
    return z


def _cast(z: Any, r: Any) -> Any:
    xp = array_namespace(r)
    if not xp.isdtype(z.dtype, "numeric") or (
        xp.isdtype(z.dtype, "complex floating") and not xp.isdtype(r.dtype, "complex floating")
    ):
        raise SetupError(f"the preconditioner returned {z.dtype} values for a vector of {r.dtype}")
    return xp.astype(z, r.dtype)


class FusedEngine:
    """CG without preconditioner or with a diagonal one, in one kernel; 1 product and about 9 vector passes a step."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, inverse: Any = None) -> None:
        self.problem, self.x, self.r, self.norm, self.code = problem, x, r, norm, 0
        self.use = inverse is not None
        self.inverse = inverse if self.use else np.empty(1, dtype=r.real.dtype)
        self.p, self.q = np.empty_like(r), np.empty_like(r)
        self.scal = np.zeros(4)

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        problem = self.problem
        scal = self.scal
        done: int = kernels.cg.cg(
            problem.ip,
            problem.ix,
            problem.data,
            self.inverse,
            self.use,
            self.x,
            self.r,
            self.p,
            self.q,
            scal,
            room,
            goal,
            norms,
        )
        problem.work.add("cg_steps", done)
        self.norm, self.code = float(scal[2]), int(scal[3])
        return done

    def solution(self) -> Any:
        """The iterate, a copy."""
        return self.x.copy()

    def release(self) -> None:
        """Nothing is pooled."""


class EisenstatEngine:
    """CG with SSOR in Eisenstat's form on rows renumbered by dependency level; reads every off-diagonal entry once a step.

    The symbolic part and the buffers are kept with the pattern.
    """

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, omega: float) -> None:
        if not 0.0 < omega < 2.0:
            raise SetupError(f"omega={omega} was given to SSOR; a value between 0 and 2 is expected")
        self.problem, self.x, self.norm, self.code = problem, x, norm, 0
        symbolic = problem.symbolic
        plan = symbolic.get("eisenstat.plan")
        if plan is None:
            plan = symbolic["eisenstat.plan"] = kernels.eisenstat.symbolic(problem.ip, problem.ix)
            problem.work.add("symbolics", 1, "once")
        self.plan = plan
        self.pool = symbolic.setdefault(f"eisenstat.buffers.{problem.dtype.char}", [])
        self.buffers = self.pool.pop() if self.pool else kernels.eisenstat.allocate(plan, problem.dtype)
        mat, root, vec, scal = self.buffers
        row = kernels.eisenstat.numeric(plan, problem.ip, problem.ix, problem.data, mat, root)
        problem.work.add("gathers", 1, "setup")
        if row >= 0:
            self.release()
            raise SetupError(f"the diagonal entry of row {row} is not positive, and SSOR needs a positive diagonal")
        kernels.eisenstat.start(plan, mat, root, omega, r, vec, scal)
        problem.work.add("sweeps", 0.5)

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        mat, root, vec, scal = self.buffers
        done: int = kernels.eisenstat.cg(self.plan, mat, root, vec, scal, room, goal, norms)
        self.problem.work.add("ssor_steps", done)
        self.code = int(scal[kernels.eisenstat.CODE])
        if done:
            self.norm = float(norms[done - 1])
        return done

    def solution(self) -> Any:
        """The iterate in natural order."""
        if self.buffers is None:
            raise RuntimeError("this engine's buffers were released")
        x = np.empty_like(self.x)
        _, root, vec, scal = self.buffers
        kernels.eisenstat.solution(self.plan, root, vec, scal, self.x, x)
        self.problem.work.add("passes", 5)
        return x

    def release(self) -> None:
        """Give the buffers back to the pattern's pool."""
        if self.buffers is not None:
            self.pool.append(self.buffers)
            self.buffers = None


class ApplyEngine:
    """CG with any preconditioner, on the array API; 1 product, 1 application and about 12 vector passes a step."""

    def __init__(self, problem: Any, x: Any, r: Any, norm: float, bound: Any = None) -> None:
        self.problem, self.x, self.r, self.norm, self.code = problem, x, r, norm, 0
        self.bound = bound
        self.counts = getattr(bound, "counts", {})
        self.xp = array_namespace(r)
        self.complex = self.xp.isdtype(r.dtype, "complex floating")
        self.p: Any = None
        self.rz = 0.0
        self.done = 0  # iterations of the call that runs

    def _dot(self, u: Any, v: Any) -> float:
        """The real part of <u, v>."""
        value = self.xp.vecdot(u, v)
        return complex(value).real if self.complex else float(value)

    def advance(self, room: int, goal: float, norms: Any) -> int:
        """At most ``room`` iterations."""
        with np.errstate(all="ignore"):  # what overflows is found by looking at it
            for step in range(room):
                self.done = step
                if not self._one():
                    return step
                norms[step] = self.norm
                if self.norm <= goal or not math.isfinite(self.norm):
                    self.code = 0 if math.isfinite(self.norm) else 2
                    return step + 1
        return room

    def _precondition(self) -> Any:
        if self.bound is None:
            return self.r
        work = self.problem.work
        work.add("preconditions")
        for name, amount in self.counts.items():
            work.add(name, amount)
        return applied(self.bound, self.r)

    def _one(self) -> bool:
        """One iteration; False when it could not be made, with the code."""
        z = self._precondition()
        rz = self._dot(self.r, z)
        if not (rz > 0.0 and math.isfinite(rz)):
            self.code = (3 if self.norm == 0.0 else 1) if math.isfinite(rz) else 2
            return False
        self.p = z + 0.0 if self.p is None else z + (rz / self.rz) * self.p
        self.rz = rz
        q = self.problem.product(self.p)
        pq = self._dot(self.p, q)
        if not (pq > 0.0 and math.isfinite(pq)):
            self.code = 1 if math.isfinite(pq) else 2
            return False
        alpha = rz / pq
        self.x += alpha * self.p
        self.r -= alpha * q
        self.norm = math.sqrt(self._dot(self.r, self.r))
        self.problem.work.add("passes", 12)
        self.problem.work.add("calls")
        return True

    def solution(self) -> Any:
        """The iterate, a copy."""
        return self.x + 0.0

    def release(self) -> None:
        """Nothing is pooled."""
