"""A first guess for transport: the potentials of the last problems, as they were or continued.

    x0 = z_k,   2 z_k - z_{k-1}   or   3 z_k - 3 z_{k-1} + z_{k-2}

A point that has no mass has no potential: the last known one of its place is kept, and the problem fills in what was never
known by a c-transform. The guess is on probation: it stays in use while solves with it cost less than the cold ones that
were seen; of the three forms the one that costs least is used, and another is looked at again now and then.

Cost: two vector passes. Not for sequences of unrelated problems: it leaves the field there.
Reference: Merigot, A multiscale approach to optimal transport, Comput. Graph. Forum 30 (2011), for potentials carried from
one problem to the next.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Advice, Learner

__all__ = ["Potentials"]

#: The forms of a guess, and the weights of the last potentials, the newest first.
_FORMS = {"last": (1.0,), "line": (2.0, -1.0), "curve": (3.0, -3.0, 1.0)}
_LONGEST = 64


@dataclass(eq=False)
class Potentials(Learner):
    """Proposes the potentials of earlier problems of the same shape, while that pays.

    Parameters
    ----------
    always : bool, default False
        Propose without probation (for experiments).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> x = np.linspace(0, 1, 40)
    >>> C, b = (x[:, None] - x) ** 2, np.full(40, 1 / 40)
    >>> session = rv.Session("sinkhornnewton", learners=[rv.Potentials()], rtol=1e-9)
    >>> weights = [np.exp(-((x - 0.4 - 0.001 * t) ** 2) / 0.02) + 0.01 for t in range(4)]
    >>> steps = [session.solve(rv.Transport(C, a / a.sum(), b, reg=1e-3)).steps for a in weights]
    >>> max(steps[1:]) < steps[0]
    True
    """

    always: bool = False

    owns = frozenset({"x0"})

    def __post_init__(self) -> None:
        self._z: list[Any] = []
        self._epoch = -1
        self._books = {name: [0.0, 0.0] for name in ("cold", *_FORMS)}
        self._wait, self._next, self._age, self._again = 0, 2, 0, 5
        self._now = "cold"
        self.used = 0

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Set x0, unless the user gave one or the record speaks against it."""
        self._now = "cold"
        if problem.epoch != self._epoch:
            self._forget(problem.epoch)
        if advice.x0 is not None:
            self._now = ""
            return advice
        form = self._choice() if self._z else "cold"
        if form == "cold":
            return advice
        advice.x0 = _continued(self._z, _FORMS[form])
        self._now = form
        self.used += 1
        cold = self._books["cold"]
        if cold[1] and not self.always:
            limit = 1.2 * cold[0] + 4.0
            advice.cap = limit if advice.cap is None else min(limit, advice.cap)
        return advice

    def _forget(self, epoch: int) -> None:
        self._z, self._epoch = [], epoch
        self._books = {name: [0.0, 0.0] for name in ("cold", *_FORMS)}
        self._wait, self._next, self._age, self._again = 0, 2, 0, 5

    def _choice(self) -> str:
        """The form to use now."""
        self._age += 1
        forms = [form for form, weights in _FORMS.items() if len(weights) <= len(self._z)]
        if self._wait > 0:
            self._wait -= 1
            return "cold"
        mean = {form: self._books[form][0] for form in forms if self._books[form][1]}
        untried = [form for form in forms if form not in mean]
        if not mean:
            return untried[0]
        best = min(mean, key=lambda form: mean[form])
        if untried and (len(_FORMS[untried[0]]) == 2 or best == "line"):  # a curve where a line pays already
            return untried[0]
        if len(mean) > 1 and self._age >= self._again:  # ever more rarely
            self._again = 2 * self._age
            other = min((form for form in mean if form != best), key=lambda form: mean[form])
            return other if mean[other] < 2.0 * mean[best] else best
        return best

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After a capped or failed attempt: without the guess."""
        if self._now not in _FORMS:
            return None
        self._pause()
        self._now = ""
        return Advice(None, advice.params, dict(advice.carry), None, advice.trial)

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Keep the potentials; enter the cost."""
        if result.ok and result.x is not None:
            self._keep(np.asarray(getattr(result.x, "vector", result.x), dtype=float))
        if advice.trial or not self._now:
            return
        cost = result.cost.setup + result.cost.running
        book = self._books[self._now]
        if not result.ok:
            book[0], book[1] = max(book[0], cost), book[1] + 1.0
            return
        weight = max(1.0 / (book[1] + 1.0), 0.5)
        book[0] += weight * (cost - book[0])
        book[1] += 1.0
        cold = self._books["cold"]
        if self._now in _FORMS and not self.always and cold[1]:
            if min(self._books[form][0] for form in _FORMS if self._books[form][1]) > cold[0]:
                self._pause()
            else:
                self._next = 2

    def _pause(self) -> None:
        """Solve cold for a while, each time for longer; then ask again from an empty record."""
        self._wait, self._next = self._next, min(2 * self._next, _LONGEST)
        for form in _FORMS:
            self._books[form] = [0.0, 0.0]

    def _keep(self, z: Any) -> None:
        z = z.copy()
        if self._z:
            gone = ~np.isfinite(z)
            z[gone] = self._z[-1][gone]
        self._z = [*self._z[-2:], z]

    def digest(self) -> list[str]:
        """A line for the summary."""
        means = ", ".join(f"{name} {mean:.3g}" for name, (mean, count) in self._books.items() if count)
        return [f"Potentials: proposed {self.used} times; mean cost: {means or 'not known yet'}"]

    def state_dict(self) -> dict[str, Any]:
        """The last potentials, and the record."""
        return {
            "z": list(self._z),
            "epoch": self._epoch,
            "books": {name: list(book) for name, book in self._books.items()},
            "waits": [self._wait, self._next, self._age, self._again],
            "used": self.used,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over.

        Raises
        ------
        ValueError
            When a part is not of its shape.
        """
        z, books, waits = state["z"], state["books"], state["waits"]
        sound = isinstance(z, list) and len(z) <= 3
        sound = sound and all(isinstance(v, np.ndarray) and v.dtype == np.float64 and v.ndim == 1 for v in z)
        if not sound or len({v.shape for v in z}) > 1 or any(np.any(np.isnan(v) | np.isposinf(v)) for v in z):
            raise ValueError("the potentials that were kept are not vectors of one length")
        if not isinstance(books, dict) or set(books) != {"cold", *_FORMS}:
            raise ValueError("the record of the potentials is not one")
        for book in books.values():
            plain = isinstance(book, list) and len(book) == 2 and all(type(v) in (int, float) for v in book)
            if not plain or not all(math.isfinite(v) and v >= 0 for v in book):
                raise ValueError("the record of the potentials is not one")
        counts = [*waits, state["used"]] if isinstance(waits, list) and len(waits) == 4 else [None]
        if not all(type(v) is int and v >= 0 for v in counts) or type(state["epoch"]) is not int:
            raise ValueError("the counts of the potentials are not whole numbers")
        self._z, self._epoch = [v.copy() for v in z], state["epoch"]
        self._books = {name: [float(v) for v in books[name]] for name in ("cold", *_FORMS)}
        self._wait, self._next, self._age, self._again = waits
        self.used = state["used"]


def _continued(z: list[Any], weights: tuple[float, ...]) -> Any:
    """The combination of the last potentials, where all of them are known; elsewhere the last one."""
    last = z[-len(weights) :][::-1]
    known = np.all(np.isfinite(last), axis=0)
    out = last[0].copy()
    out[known] = sum(w * v[known] for w, v in zip(weights, last, strict=True))
    return out
