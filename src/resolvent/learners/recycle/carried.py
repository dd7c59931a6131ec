"""Carry what the last solve harvested to the next one, while that pays.

    carry[slot] = harvest of the last solve that met its tolerance

What is carried is on probation: the mean cost of solves with it is held against that of solves without, which are made
again now and then. Cost: none. For slots whose method knows by itself when the thing is too old; a set-up that a method
keeps for good belongs to ``Lifetime``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Advice, Learner
from ...core.registry import restored
from ..probation import Probation

__all__ = ["Carried"]


@dataclass(eq=False)
class Carried(Learner):
    """Hands the last harvest of some slots on.

    Parameters
    ----------
    slots : str or tuple of str
        Names of slots, such as ``"curvature"`` for the Hessian of ``rv.LazyNewton``; carried together or not at all.
    ask : bool, default False
        Tell the method that the slots are wanted (by None in each) where there is nothing to carry yet: for what it
        harvests only then, because that costs work. Ever more rarely while nothing comes.

    Raises
    ------
    ValueError
        Without a slot.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent import gallery
    >>> problems = gallery.sequence("log-sum-exp-drift", count=8, size=20)
    >>> session = rv.Session("lazynewton", learners=[rv.Carried(("curvature", "curvature.scale"))], rtol=1e-8)
    >>> cold = rv.Session("lazynewton", rtol=1e-8)
    >>> count = lambda s: sum(r.work.get("hessians", 0) for r in s.solve_all(problems))
    >>> 2 * count(session) <= count(cold)
    True
    """

    slots: Any
    ask: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.slots, str):
            self.slots = (self.slots,)
        if not self.slots or not all(isinstance(s, str) for s in self.slots):
            raise ValueError(f"{self.slots!r} was given; the names of one or more slots are expected")
        self.owns = frozenset(self.slots)
        self.book = Probation()
        self._kept: dict[str, Any] = {}
        self._epoch = -1
        self._mine = False
        self.used = 0
        self._empty = 0

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Fill the slots unless the record speaks against it."""
        self._mine = False
        if problem.epoch != self._epoch:
            self._kept, self._epoch = {}, problem.epoch
        if self._kept and self.book.wanted():
            advice.carry.update(self._kept)
            self._mine = True
            self.used += 1
        elif self.ask and self._empty & (self._empty - 1) == 0:  # 0, 1, 2, 4, 8, ... solves that left nothing
            advice.carry.update(dict.fromkeys(self.slots))
        return advice

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a failure with it: without."""
        if not self._mine:
            return None
        self._mine = False
        self.book.enter(2.0 * (result.cost.setup + result.cost.running), carried=True)
        advice.carry = {k: v for k, v in advice.carry.items() if k not in self.owns}
        return advice

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Keep the harvest; enter the cost."""
        if not result.answered:
            return
        found = {k: result.carry[k] for k in self.slots if result.carry.get(k) is not None}
        if found and (self._mine or not self._lasts()):
            self._kept = found
        self._empty = 0 if found else self._empty + 1
        if not advice.trial and "residual" not in advice.carry:  # a solve taken up where another ended teaches nothing
            self.book.enter(result.cost.setup + result.cost.running, carried=self._mine)

    def _lasts(self) -> bool:
        """Whether what is carried grows from problem to problem, and pays: a solve without, for comparison, leaves less."""
        book = self.book
        grows = any(getattr(v, "grows", False) for v in self._kept.values())
        return grows and book.warms > 0 and book.carried <= book.margin * book.without

    def digest(self) -> list[str]:
        """A line for the summary."""
        return [f"Carried({', '.join(map(repr, self.slots))}): used {self.used} times"]

    def state_dict(self) -> dict[str, Any]:
        """What is carried, as plain numbers and arrays or as its own record, and the books."""
        kept = {k: v.state_dict() if hasattr(v, "state_dict") else v for k, v in self._kept.items()}
        return {"kept": kept, "epoch": self._epoch, "book": self.book.state_dict(), "used": self.used} | {
            "empty": self._empty
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it over.

        Raises
        ------
        ValueError
            When a slot is another's, or holds what is no record, no array and no number.
        """
        kept = dict(state["kept"])
        if not set(kept) <= self.owns:
            raise ValueError("the state carries slots that this learner does not own")
        self._kept = {k: _taken(v) for k, v in kept.items()}
        self.book.load_state_dict(state["book"])
        counts = [int(state[k]) for k in ("used", "empty")]
        if min(counts) < 0:
            raise ValueError("a count of something carried is negative")
        self._epoch, self.used, self._empty = int(state["epoch"]), *counts


def _taken(value: Any) -> Any:
    if isinstance(value, dict):
        return restored(value)
    sound = isinstance(value, np.ndarray) and value.dtype.kind in "fc" and bool(np.all(np.isfinite(value)))
    if not sound and not (isinstance(value, float) and abs(value) < float("inf")):
        raise ValueError("what is carried is neither a finite array nor a finite number")
    return value
