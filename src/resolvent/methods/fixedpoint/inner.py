"""The linear solves inside a Newton method: a Session that goes on learning from step to step and from problem to problem."""

import math
from typing import Any

from ...core import Session, Status
from ...core.registry import from_record, to_record
from ...core.stopping import Standard
from .foresight import Foresight
from .kept import Kept

__all__ = ["Inner", "forcing"]

_LIMIT = 5000


def forcing(before: float, now: float, last: float, greatest: float) -> float:
    """The relative tolerance of the next linear solve: the square of the last fall of the residual, safeguarded.

    Reference: Eisenstat and Walker, SIAM J. Sci. Comput. 17 (1996), choice 2 with gamma = 0.9.
    """
    ratio = now / before if before > 0.0 else math.inf
    eta = 0.9 * ratio * ratio if before > 0.0 else greatest
    if 0.9 * last**2 > 0.1:
        eta = max(eta, 0.9 * last**2)
    return min(eta, greatest)


class Inner:
    """A learning Session for the linear solves, with their cost handed on in evaluations of the map.

    Parameters
    ----------
    method : str or method
        Of the linear solves.
    learners : tuple of str
        Names of learners; each is made with its default options, ``Lifetime`` for the slot ``preconditioner``.
    keep : bool
        Precondition a method that has no preconditioner with what earlier matrices left.
    """

    grows = True  # what it holds is the longer learned the better

    def __init__(self, method: Any, learners: tuple[str, ...] = (), keep: bool = False) -> None:
        self.method, self.names = method, tuple(learners)
        self.kept = Kept() if keep and getattr(method, "preconditioner", False) is None else None
        self.foresight = Foresight()
        slots = {"Lifetime": {"slot": "preconditioner"}}
        made = [from_record({"class": name, "params": slots.get(name, {})}) for name in self.names]
        self.session = Session(method, made, on_fail="ignore")

    def fits(self, method: Any, learners: tuple[str, ...], keep: bool = False) -> bool:
        """Whether it belongs to a method with these parameters."""
        keep = keep and getattr(method, "preconditioner", False) is None
        return self.method == method and self.names == tuple(learners) and (self.kept is not None) == keep

    def solve(
        self, problem: Any, system: Any, x0: Any, tolerance: float, largest: float = 0.0, limit: int = _LIMIT
    ) -> Any:
        """The solution of ``system`` to an absolute tolerance, at most ``limit`` iterations; charged to ``problem``.

        Where it can be seen on the way, a residual with no entry above ``largest`` is enough too.
        """
        stop = self.session.stop = Standard(0.0, tolerance, limit, None)
        price = system.product_seconds / problem.product_seconds
        result, made = None, 0.0
        if self.kept is not None and x0 is None:
            result = self.kept.solve(self.method, system, stop, largest)
            self._charge(problem, system.price(), price)
            made = _beside_vectors(system)
        if result is None:
            result = self.session.solve(system, x0)
            made += result.work.get("products", 0.0) + 2.0 * result.work.get("bicgstab_steps", 0.0)
            if system.stored:
                self._charge(problem, result.cost, price)
                if self.kept is not None:
                    self.kept.enter(system, result)
        if not system.stored:  # its products were counted as they were made
            passes = result.work.get("passes", 0.0) + 6.0 * result.work.get("products", 0.0)
            problem.work.add("passes", passes)
        problem.work.add("inner_products", made)  # bookkeeping: their price is in ``inner``, or they are maps
        problem.work.add("inner_steps", result.steps)
        if self.kept is None or self.kept.factor is None:  # with a factor a digit costs more the older it is
            self.foresight.charge(made * price, system.scale, result.seen.get("residual", math.inf))
        return result

    @staticmethod
    def _charge(problem: Any, cost: Any, price: float) -> None:
        problem.work.add("inner", cost.running * price)
        problem.work.add("inner", (cost.setup + cost.once) * price, "setup")

    def state_dict(self) -> dict[str, Any]:
        """The session's own state, and what it was made of."""
        method = self.method if isinstance(self.method, str) else to_record(self.method)
        state = self.session.state_dict()
        kept = None if self.kept is None else self.kept.state_dict()
        own = {"kept": kept, "foresight": self.foresight.state_dict()}
        return {"bound": "Inner", "solver": method, "learners": list(self.names), "session": state} | own

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> "Inner":
        """From what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it is no such thing.
        """
        solver, names = state["solver"], state["learners"]
        if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
            raise ValueError("the learners of an inner session are not names")
        saved = state.get("kept")
        made = cls(solver if isinstance(solver, str) else from_record(solver), tuple(names), saved is not None)
        if saved is not None:
            made.kept = Kept.from_state(saved)
        made.foresight = Foresight.from_state(state["foresight"])
        made.session.load_state_dict(state["session"])
        return made


def _beside_vectors(system: Any) -> float:
    """The work on a system in products, factors and their applications included, vector passes and calls left out."""
    counts, beside = system.work.total(), ("passes", "basis", "calls", "checks")
    return float(system.price().total - sum(counts.get(k, 0.0) * system.weight(k) for k in beside))


def failed(result: Any) -> bool:
    """Whether a linear solve gave nothing that a Newton step could use."""
    return result.x is None or result.status in (Status.NONFINITE, Status.ERROR, Status.SETUP)
