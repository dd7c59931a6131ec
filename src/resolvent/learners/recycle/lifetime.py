"""When to keep, refresh or rebuild what was set up for an earlier matrix: renewal by cost, with a cap for jumps.

A cycle begins with a set-up S and runs c_1 + ... + c_a; renewal is due when the next cost is expected above the average
so far, which is the optimal stopping rule of renewal-reward theory for costs that grow with age:

    rebuild when   predicted c_{a+1}  >  (S + c_1 + ... + c_a) / a

The prediction goes with the distance of the new matrix from the one that was set up, where the problem can tell it
(one pass over the entries), so that a jump is seen before it is paid for; several set-ups are kept, and the nearest
serves when a sequence returns. A kept attempt is capped at a part of what a rebuild costs.

Cost: one pass over the entries for each set-up kept. Not for set-ups that are cheaper than a solve: they are never kept.
Reference: Ross, Applied Probability Models with Optimization Applications (1970), chapter 3.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Any

from ...core import Advice, Learner, Status
from ...core.registry import restored

__all__ = ["Lifetime"]

_FAILED = frozenset(
    {Status.INDEFINITE, Status.BREAKDOWN, Status.STAGNATED, Status.NONFINITE, Status.DIVERGED, Status.SETUP}
)


@dataclass(slots=True)
class _Cycle:
    """One set-up in use: what it cost, what its solves cost, how far they were from it."""

    bound: Any
    epoch: int
    setup: float
    spent: float
    age: int
    fresh: float
    last: float
    distance: float
    refreshed: bool
    used: int

    @property
    def average(self) -> float:
        return (self.setup + self.spent) / max(1, self.age)


@dataclass(eq=False)
class Lifetime(Learner):
    """Decides for each system whether to keep, refresh or rebuild what stands in a slot.

    Parameters
    ----------
    slot : str
        ``"preconditioner"`` for the set-up of CG's preconditioner, ``"factor"`` for that of ``rv.Direct``.
    cap : float, default 0.85
        A kept attempt may cost this part of the last rebuild before a fresh set-up takes over.
    memory : int, default 3
        Set-ups kept at the same time (each holds its factors and a copy of its matrix).
    same : bool, default False
        Keep for an unchanged matrix only.

    Raises
    ------
    ValueError
        For a cap that is not positive or a memory below 1.

    References
    ----------
    S. M. Ross, Applied Probability Models with Optimization Applications (1970), chapter 3.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> session = rv.Session(rv.CG(preconditioner=rv.Direct()), learners=[rv.Lifetime("preconditioner")], rtol=1e-8)
    >>> line = sp.diags_array([-np.ones(39), 2.0 * np.ones(40), -np.ones(39)], offsets=[-1, 0, 1])
    >>> K = sp.kron(line, sp.eye_array(40)) + sp.kron(sp.eye_array(40), line)
    >>> for t in range(6):
    ...     A = sp.csr_array(K + (0.1 + 1e-3 * t) * sp.eye_array(1600))
    ...     _ = session.solve(rv.LinearSystem(A, np.ones(1600)))
    >>> session.totals["kept"] >= 4
    True
    """

    slot: str
    cap: float = 0.85
    memory: int = 3
    same: bool = False
    kept: int = field(default=0, init=False)
    built: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if not self.cap > 0 or self.memory < 1:
            raise ValueError(f"cap={self.cap}, memory={self.memory} were given; cap > 0 and memory >= 1 are expected")
        self.owns = frozenset({self.slot})
        self._cycles: list[_Cycle] = []
        self._slope = 0.0
        self._caps = 0
        self._rest = 0
        self._far = math.inf
        self._refused, self._patience = 0, 8
        self._clock = 0
        self._refresh_pays: float | None = None
        self._renewals = 0
        self._plan: tuple[str, _Cycle | None, float] = ("rebuild", None, 0.0)

    # ---- before a solve --------------------------------------------------------------------------------------------

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Put the nearest set-up into the slot when keeping it is expected to pay."""
        self._clock += 1
        suits = getattr(problem, "suits", _always)
        self._cycles = [c for c in self._cycles if c.epoch == problem.epoch and suits(c.bound)]
        kind, cycle, distance = self._plan = self._decide(problem)
        if kind == "keep":
            assert cycle is not None
            advice.carry[self.slot] = cycle.bound
            if distance > 0.0:
                limit = self.cap * (cycle.setup + cycle.fresh)
                advice.cap = limit if advice.cap is None else min(advice.cap, limit)
        elif kind == "refresh":
            assert cycle is not None
            advice.carry[f"{self.slot}.transfer"] = cycle.bound
        return advice

    def _decide(self, problem: Any) -> tuple[str, _Cycle | None, float]:
        best, found, distance = math.inf, None, 0.0
        for cycle in self._cycles:
            away = _distance(problem, cycle.bound)
            expected = self._predicted(cycle, away)
            if expected < best:
                best, found, distance = expected, cycle, away
        if found is None:
            return "rebuild", None, 0.0
        if distance == 0.0:
            return "keep", found, 0.0
        if self.same:
            return "rebuild", found, distance
        if self._rest > 0 or distance >= 0.7 * self._far:
            self._rest = max(0, self._rest - 1)
            self._refused += 1
            if self._refused >= self._patience:  # what was too far may not be so any more: ask again, ever more rarely
                self._refused, self._patience, self._far = 0, 2 * self._patience, 2.0 * self._far
            return self._renew(found, distance)
        if best > found.average or best > 0.95 * (found.setup + found.fresh):
            return self._renew(found, distance)
        return "keep", found, distance

    def _predicted(self, cycle: _Cycle, away: float) -> float:
        if not math.isfinite(away):
            return cycle.last
        step = self._slope * (away - cycle.distance)
        return max(cycle.fresh, cycle.last + step) if away > 0 else cycle.fresh

    def _renew(self, cycle: _Cycle, distance: float) -> tuple[str, _Cycle | None, float]:
        """Refresh where the set-up can be and it has paid, or has not been tried of late."""
        self._renewals += 1
        if not getattr(cycle.bound, "refreshable", False) or distance >= self._far:
            return "rebuild", cycle, distance
        if self._refresh_pays is None or self._renewals % 16 == 0:
            return "refresh", cycle, distance
        return ("refresh" if self._refresh_pays <= 1.0 else "rebuild"), cycle, distance

    # ---- after an attempt ------------------------------------------------------------------------------------------

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a kept set-up that was capped or failed: a fresh one."""
        if self.slot not in advice.carry:
            return None
        self._plan = ("rebuild", None, 0.0)
        return replace(advice, cap=None, carry={k: v for k, v in advice.carry.items() if k != self.slot})

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Enter the cost into the cycle that was in use, or open a new one."""
        kind, cycle, distance = self._plan
        if advice.carry.get(self.slot) is not None:
            assert cycle is not None
            self._observe_kept(cycle, distance, result, advice.trial)
        elif result.ok and result.carry.get(self.slot) is not None:
            self._open(problem, result, kind == "refresh", cycle)

    def _observe_kept(self, cycle: _Cycle, distance: float, result: Any, trial: bool) -> None:
        cycle.used = self._clock
        if result.capped or result.status in _FAILED:
            self._caps += 1
            self._far = min(self._far, distance) if math.isfinite(distance) else self._far
            if self._caps >= 2:
                self._rest = 2 ** min(self._caps - 1, 10)
            self._cycles = [c for c in self._cycles if c is not cycle]
            return
        if not result.ok:
            return
        self.kept += 1
        self._caps = 0
        cost = result.cost.running
        change = distance - cycle.distance
        if math.isfinite(distance) and abs(change) > 1e-3 * max(distance, cycle.distance):
            slope = max(0.0, (cost - cycle.last) / change)
            self._slope = slope if self._slope == 0.0 else 0.5 * self._slope + 0.5 * slope
        elif not math.isfinite(distance):
            cost = max(cost, cost + max(0.0, cost - cycle.last))
        cycle.last, cycle.distance = cost, distance
        if not trial:
            cycle.spent += result.cost.running
            cycle.age += 1
        if distance > self._far:
            self._far = math.inf

    def _open(self, problem: Any, result: Any, refreshed: bool, older: _Cycle | None) -> None:
        self.built += 1
        cost = result.cost
        if refreshed and older is not None:
            base = older.setup + older.fresh
            gain = (cost.setup + cost.running) / base if base > 0 else 1.0
            worse = cost.running / older.fresh if older.fresh > 0 else 1.0
            self._refresh_pays = max(gain, worse - 0.3)
        cycle = _Cycle(
            bound=result.carry[self.slot],
            epoch=problem.epoch,
            setup=cost.setup,
            spent=cost.running,
            age=1,
            fresh=cost.running,
            last=cost.running,
            distance=0.0,
            refreshed=refreshed,
            used=self._clock,
        )
        self._cycles.append(cycle)
        self._cycles.sort(key=lambda c: c.used)
        del self._cycles[: -self.memory]

    # ---- what is learned -------------------------------------------------------------------------------------------

    def digest(self) -> list[str]:
        """A line for the summary."""
        notes = sorted({note for c in self._cycles if (note := getattr(c.bound, "note", ""))})
        line = f"Lifetime({self.slot!r}): kept {self.kept} times, built {self.built} times"
        return ["; ".join([line, *notes])]

    def state_dict(self) -> dict[str, Any]:
        """Set-ups as recipes with their matrices, and the record."""
        names = ("epoch", "setup", "spent", "age", "fresh", "last", "distance", "refreshed", "used")
        return {
            "cycles": [{"bound": c.bound.state_dict(), **{k: getattr(c, k) for k in names}} for c in self._cycles],
            "slope": self._slope,
            "caps": self._caps,
            "rest": self._rest,
            "far": self._far,
            "refused": [self._refused, self._patience],
            "clock": self._clock,
            "refresh_pays": self._refresh_pays,
            "renewals": self._renewals,
            "kept": self.kept,
            "built": self.built,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Set everything up again from the recipes."""
        self._cycles = [_Cycle(**{**c, "bound": restored(c["bound"])}) for c in state["cycles"]]
        self._refused, self._patience = (int(v) for v in state["refused"])
        self._slope, self._far = float(state["slope"]), float(state["far"])
        self._caps, self._rest, self._clock = int(state["caps"]), int(state["rest"]), int(state["clock"])
        self._refresh_pays, self._renewals = state["refresh_pays"], int(state["renewals"])
        self.kept, self.built = int(state["kept"]), int(state["built"])


def _always(bound: Any) -> bool:
    return True


def _distance(problem: Any, bound: Any) -> float:
    """How far the problem is from what was set up; inf when nobody can tell."""
    tell = getattr(problem, "distance", None)
    return math.inf if tell is None else float(tell(bound))
