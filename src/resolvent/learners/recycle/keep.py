"""Keeps what the last solve left in one slot for the next one, while that pays.

    carry[slot] = harvest of the last solve

On probation: solves without it are made again now and then, and their costs compared. Dropped when the shape changes and
after a failure. Not for set-ups that age with a matrix: ``Lifetime`` weighs when to build those again.
"""

from dataclasses import dataclass
from typing import Any

from ...core import Advice, Learner
from ...core.registry import restored
from .probation import Probation

__all__ = ["Keep"]


@dataclass(eq=False)
class Keep(Learner):
    """Carries one slot from solve to solve.

    Parameters
    ----------
    slot : str
        ``"memory"`` (Anderson's differences) or ``"inner"`` (the session of a Newton method's linear solves).
    always : bool, default False
        Without probation (for experiments).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rates = np.linspace(0.0, 0.99, 30)
    >>> problems = [rv.FixedPoint(lambda x, t=t: rates * x + 1 + 0.01 * t, np.zeros(30)) for t in range(3)]
    >>> session = rv.Session(rv.Anderson(), [rv.Keep("memory")], rtol=1e-8)
    >>> [r.ok for r in session.solve_all(problems)]
    [True, True, True]
    """

    slot: str
    always: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.slot, str) or not self.slot:
            raise ValueError(f"slot={self.slot!r} was given; the name of a slot is expected")
        self.owns = frozenset({self.slot})
        self.kept: Any = None
        self.record = Probation()
        self.epoch = -1
        self.used = 0
        self._mine = False

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Put it into its slot, unless the record speaks against it."""
        self._mine = False
        if problem.epoch != self.epoch:
            self.kept, self.epoch = None, problem.epoch
        if self.kept is not None and (self.always or self.record.wanted(_key(advice), advice.trial)):
            advice.carry[self.slot] = self.kept
            self._mine = True
            self.used += 1
        return advice

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a failure with it: the same solve without."""
        if not self._mine or self.slot not in advice.carry:
            return None
        self._mine = False
        carry = {k: v for k, v in advice.carry.items() if k != self.slot}
        return Advice(advice.x0, dict(advice.params), carry, None, advice.trial)

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Take over what the solve left; learn what it cost."""
        key = _key(advice)
        if not result.ok:
            self.kept = None
            if self._mine and not result.capped:
                self.record.failed(key)
            return
        if result.carry.get(self.slot) is not None:
            self.kept = result.carry[self.slot]
        if not advice.trial:
            self.record.learn(key, result.cost.setup + result.cost.running, self._mine)

    def digest(self) -> list[str]:
        """A line for the summary."""
        return [f"Keep({self.slot!r}): used {self.used} times"]

    def state_dict(self) -> dict[str, Any]:
        """What is kept, as far as it can be written down, and the record."""
        saved = self.kept.state_dict() if hasattr(self.kept, "state_dict") else None
        return {"kept": saved, "epoch": self.epoch, "used": self.used, **self.record.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it over.

        Raises
        ------
        ValueError
            When it is not what ``state_dict`` gives.
        """
        self.kept = None if state["kept"] is None else restored(state["kept"])
        self.epoch, self.used = int(state["epoch"]), int(state["used"])
        self.record.load_state_dict(state)


def _key(advice: Advice) -> str:
    return type(advice.params.get("method")).__name__
