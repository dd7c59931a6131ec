"""What the linear solves of Newton's method leave for those after them, though the matrix differs from step to step.

    M = L U of an earlier matrix     or     M^-1 = I + (1/theta - 1) z z',   A z = theta z,  |z| = 1

both as preconditioners. In a solve to which this was carried, a matrix is factored once the linear solves before have cost
three times what that is estimated at, and anew where the last one cost more per digit than the mean since, set-up included.
Whether it pays at all is for the learner to say that carries it. z is the slowest mode of the map: power iteration, one
product for each matrix, begun at the way that the first solve went. It is used while A z is theta z to a tenth and theta is
small: then a Krylov method spends many steps on nothing but this mode. Where it is one to a thousandth it is looked at no
more, until a solve with it fails. What the mode leaves of the spectrum is small, and GMRES on a short basis needs fewest
products. Memory: the factor, its matrix, one vector; a basis of 31 while a solve runs.

Reference: Nicolaides, SIAM J. Numer. Anal. 24 (1987), for the deflation of a known mode.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...core import Result, SetupError, Status
from ...core.loop import drive
from ...core.registry import restored
from ...operators.base import Bound
from ...operators.factor import factor_estimate
from ..direct import Direct
from ..krylov.gmres import GMRES

__all__ = ["Kept"]

_SMOOTHINGS = 8
_INVARIANT = 0.1
_EXACT = 1e-3
_BASIS = 30
_SLOW = 0.1
_DEARER = 1.5
_SURE = 3.0  # an estimate of a factorization may be that much too low


@dataclass(frozen=True, eq=False)
class Lent:
    """A preconditioner that is there already, as a recipe."""

    bound: Any
    needs = frozenset[str]()

    def bind(self, problem: Any, carry: Any) -> Any:
        """Itself."""
        return self.bound


class SlowMode:
    """``I + (1/theta - 1) z z'``."""

    counts = {"passes": 5.0}  # noqa: RUF012 - never written

    def __init__(self, z: Any, theta: float) -> None:
        self.z, self.factor = z, 1.0 / theta - 1.0

    def apply(self, r: Any) -> Any:
        """Its product with r."""
        return r + (self.factor * float(self.z @ r)) * self.z


class Kept:
    """A factor and a mode that outlive their matrices, and what solves cost with and without."""

    def __init__(self) -> None:
        self.factor: Any = None
        self.z: Any = None  # the slowest mode, or where to begin looking for it
        self.theta = 0.0  # its eigenvalue, where z was an eigenvector to a thousandth of it; zero: look again
        self.spent = 0.0  # products of the solves without a factor
        self.wall = 0.0  # what they had to reach for a factor when that was last asked
        self.paid = 0.0  # products since the factor was made, with it
        self.gained = 0.0
        self.stale = self.dropped = self.carried = False

    @property
    def _spent(self) -> bool:
        return self.carried and self.spent > 0.0 and not self.dropped

    def learn(self, way: Any) -> None:
        """Remember where a solve went, if nothing better is known."""
        size = float(np.linalg.norm(way))
        if self.z is None and 0.0 < size < math.inf and way.dtype == np.float64:
            self.z = np.ravel(way) / size

    def solve(self, method: Any, system: Any, stop: Any, largest: float = 0.0) -> Any:
        """The result of a preconditioned solve; None where there is nothing to precondition with, or it failed."""
        if not system.stored or system.dtype != np.float64 or (self.factor is self.z is None and not self._spent):
            return None
        system.compare({})
        bound = self._bound(system)
        if bound is None:
            return None
        if isinstance(bound, SlowMode):
            result = _stepped(system, GMRES(_BASIS, Lent(bound)), stop, largest)
            if not result.ok:
                self.z, self.theta = None, 0.0
            self.enter(system, result)
        else:
            result = drive(system, replace(method, preconditioner=Lent(bound)), stop)
            self._judge(system, result)
        return result if result.ok else None

    def _bound(self, system: Any) -> Any:
        if self.factor is not None and self.factor.source.n != system.n:
            self.factor = None
        if (self.factor is None or self.stale) and not self.dropped and self._affords(system):
            try:
                self.factor = Direct().bind(system, {})
            except SetupError:
                self.dropped = True
            cost = system.price()
            self.paid, self.gained, self.stale = cost.setup + cost.once, 0.0, False
        return self.factor if self.factor is not None else self._mode(system)

    def _affords(self, system: Any) -> bool:
        """Whether the solves since have cost what a factorization is estimated at; cheap to ask, dear where w is large."""
        if self.stale:
            return True
        if not self._spent or self.spent < self.wall:
            return False
        self.wall = _SURE * factor_estimate(system).setup
        return self.spent >= self.wall

    def _mode(self, system: Any) -> Any:
        """The slowest mode, taken on by power iterations of I - A; None where it is not near enough to one."""
        if self.z is None or self.z.shape != (system.n,):
            self.z, self.theta = None, 0.0
            return None
        if 2.0 + 31.0 * system.weight("passes") + system.weight("calls") > _DEARER * system.weight("bicgstab_steps"):
            return None  # a step outside the kernel costs more than the mode saves
        if self.theta > 0.0:
            return SlowMode(self.z, self.theta)
        for _ in range(_SMOOTHINGS):
            z = self.z
            Az = system.product(z)
            theta = float(z @ Az)
            off = float(np.linalg.norm(Az - theta * z))
            moved = z - Az
            size = float(np.linalg.norm(moved))
            system.work.add("passes", 8)
            if not 0.0 < size < math.inf:
                self.z = None
                return None
            self.z = moved / size
            if 0.0 < theta < _SLOW and off <= _INVARIANT * theta:
                if off <= _EXACT * theta:
                    self.z, self.theta = z, theta
                return SlowMode(z, theta)
        self.z = None
        return None

    def enter(self, system: Any, result: Any) -> None:
        """The cost of a solve without a factor."""
        if result.ok:
            self.spent += result.cost.running

    def _judge(self, system: Any, result: Any) -> None:
        """Renew what costs more per digit than its mean, set-up included."""
        digits, running = _digits(system, result), result.cost.running
        mean = self.paid / self.gained if self.gained > 0.0 else math.inf
        self.paid, self.gained = self.paid + running, self.gained + digits
        self.stale = not result.ok or running > mean * digits

    def state_dict(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        out = {k: float(getattr(self, k)) for k in ("spent", "wall", "theta", "paid", "gained")}
        out |= {"stale": self.stale, "dropped": self.dropped, "z": self.z}
        return out | {"factor": None if self.factor is None else self.factor.state_dict()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Kept":
        """From what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it is no such thing.
        """
        made = cls()
        numbers = {k: state[k] for k in ("spent", "wall", "theta", "paid", "gained")}
        if not all(type(v) in (int, float) and 0.0 <= v < math.inf for v in numbers.values()):
            raise ValueError("the costs of kept linear solves are not numbers")
        if type(state["stale"]) is not bool or type(state["dropped"]) is not bool:
            raise ValueError("a kept factor is stale or it is not")
        z, factor = state["z"], state["factor"]
        sound = isinstance(z, np.ndarray) and z.dtype == np.float64 and z.ndim == 1 and bool(np.all(np.isfinite(z)))
        if z is not None and not (sound and abs(float(np.linalg.norm(z)) - 1.0) < 1e-6):
            raise ValueError("the slowest mode of a map is a finite vector of length one")
        made.__dict__.update(numbers, stale=state["stale"], dropped=state["dropped"], z=z)
        if factor is not None:
            made.factor = restored(factor)
            if not isinstance(made.factor, Bound) or not isinstance(made.factor.recipe, Direct):
                raise ValueError("what is kept of linear solves is no factor")
        return made


def _stepped(system: Any, method: Any, stop: Any, largest: float) -> Any:
    """A solve without the loop and its measure, which the next look at the map makes good; looked at after every step."""
    goal, limit = stop.threshold(system), stop.steps()
    largest = largest * system.unit
    state, r = method.init(system, None, {}), None
    enough = state.seen["residual"] <= goal
    while not enough and state.k < limit and state.status == Status.RUNNING:
        method.step(system, state)
        enough = state.seen["residual"] <= goal
        if 0.0 < state.seen["residual"] <= largest * system.n**0.5:
            r = method.remainder(system, state)
            enough = float(np.max(np.abs(r))) <= largest
    status = Status.RESIDUAL if enough else state.status or Status.BUDGET
    result = Result(method.solution(system, state), status, state.k, dict(state.seen), system.work.total())
    result.cost, result.threshold = system.price(), goal
    result.carry = {} if r is None else {"residual": r}
    system.leave(result)
    return result


def _digits(system: Any, result: Any) -> float:
    """Decimal digits that a solve from zero was asked for, at least a tenth: what it gains above is luck."""
    if not result.threshold or not system.scale > 0.0:
        return 0.1
    return max(0.1, math.log10(system.scale / result.threshold))
