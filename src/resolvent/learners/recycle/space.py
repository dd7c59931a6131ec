"""A space from earlier solves for the next one, while that pays: low Ritz vectors and the last solutions.

What a method leaves in the slot is on probation. A space of k vectors costs k products where A has changed, so it is
tried only where a cold solve costs several times that; its cost, refresh included, is compared with that of solves
without it, which are made again now and then. Its size adapts: one that does not pay is halved, and left alone at the
end. Systems of another size begin a new record, because their costs are not comparable.

Cost: nothing but memory, ``size + recent`` n-vectors and as many while a solve lasts. Not for solves of a few steps under
a strong preconditioner: there it keeps out of the way.

Reference: Parks, de Sturler, Mackey, Johnson and Maiti, SIAM J. Sci. Comput. 28 (2006), section 3; solutions: Fischer,
Comput. Methods Appl. Mech. Engrg. 163 (1998).
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace

from ...core import Advice, Learner
from ...core.registry import restored
from ...operators.space import Space, choosing

__all__ = ["Recycle"]

_LONGEST = 64
_SHARE = 0.4  # of a cold solve's cost that a space may cost
_MOST = 512


@dataclass(slots=True)
class _Mean:
    """A running mean of costs, the last ones weighing a fifth."""

    value: float = 0.0
    count: int = 0

    def learn(self, cost: float) -> None:
        self.count += 1
        self.value += max(1.0 / self.count, 0.2) * (cost - self.value)


@dataclass(slots=True)
class _Book:
    """What is known of one method: solves without a space, with one, and the size in use."""

    cold: _Mean
    warm: _Mean
    size: int = 0
    wait: int = 4
    pause: int = 4
    steps: float = 0.0  # of a solve without a space
    planned: int = 1  # whether the next solve is to have one


@dataclass(eq=False)
class Recycle(Learner):
    """Carries a space in a slot from solve to solve, while that pays.

    Parameters
    ----------
    slot : str, default "space"
        As for ``rv.GCRODR``, whose harvest has one.
    size : int, optional
        Vectors at most, the last solutions not counted; None takes what the method leaves.
    recent : int, default 2
        Last solutions that are put behind the vectors of the method.
    always : bool, default False
        Carry without probation (for experiments).

    Raises
    ------
    ValueError
        For a size below 1 or a negative ``recent``.

    References
    ----------
    M. L. Parks, E. de Sturler, G. Mackey, D. D. Johnson and S. Maiti, SIAM J. Sci. Comput. 28 (2006) 1651-1674.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> A = np.diag(np.concatenate([[1e-4, 2e-4, 3e-4], np.linspace(1, 2, 97)]))
    >>> session = rv.Session(rv.GCRODR(20, 5), learners=[rv.Recycle()], rtol=1e-8)
    >>> steps = [session.solve(rv.LinearSystem(A, np.cos(np.arange(100.0) + t))).steps for t in range(4)]
    >>> steps[3] < 0.5 * steps[0]
    True
    """

    slot: str = "space"
    size: int | None = None
    recent: int = 2
    always: bool = False

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise ValueError(f"size={self.size} was given; at least 1 is expected")
        if self.recent < 0:
            raise ValueError(f"recent={self.recent} was given; at least 0 is expected")
        self.owns = frozenset({self.slot})
        self.purse: Any = None
        self._space: Any = None
        self._x: list[tuple[Any, Any, int]] = []  # the last solutions, their images, of which matrix
        self._epoch = -1
        self._n = 0  # unknowns of the systems that the record is of, 0 before any
        self._stable = True  # whether the pattern is that of the solve before: else a space is not made in vain
        self._books: dict[str, _Book] = {}
        self._now = ""
        self._carried = 0
        self.used = 0

    # ---- before a solve --------------------------------------------------------------------------------------------

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Put the space into the slot, cut to the size in use, unless the record speaks against it."""
        self._carried = 0
        self._now = _key(advice)
        self._stable = problem.epoch == self._epoch or self._epoch < 0
        if problem.epoch != self._epoch:
            self._space, self._x, self._epoch = None, [], problem.epoch
        if problem.n != self._n:
            self._begin_again(problem.n)
        book = self._book()
        if self._space is None or not self._space.size or not (self.always or self._wanted(problem, advice, book)):
            return advice
        space = self._made(problem, book)
        if space is None:
            return advice
        advice.carry[self.slot] = space
        self._carried = space.size
        self.used += 1
        if not self.always and book.cold.count and space.images(problem) is None:
            limit = 2.0 * max(book.cold.value, book.warm.value) + 6.0
            advice.cap = limit if advice.cap is None else min(advice.cap, limit)
        return advice

    def _begin_again(self, n: int) -> None:
        """Systems of another size: the record so far, and what a cold solve is taken to cost, are of no use for them."""
        if self._n:
            self._books = {}
            if self.purse is not None:
                self.purse.cold = 0.0
        self._n = n

    def _made(self, problem: Any, book: _Book) -> Any:
        """The space to be carried: so many of its vectors, and the last solutions where A has changed."""
        space = self._space
        most = space.size if self.size is None else min(self.size, space.size)
        if not self.always and book.size:
            most = min(most, book.size)
        if space.images(problem) is not None:
            return self._with_images(problem, space)
        space = space.cut(most)
        if not space.size:
            return None
        fresh = [x for x, _, _ in self._x if x.shape[0] == space.U.shape[1] and x.dtype == space.U.dtype]
        return space.joined([x * (1.0 / length) for x in fresh if 0 < (length := _norm(x)) < math.inf])

    def _with_images(self, problem: Any, space: Any) -> Any:
        """The space and the last solutions, whose images are right-hand sides where A is the same."""
        known = [(x, a) for x, a, version in self._x if version == problem.matrix_version and a is not None]
        return space.extended([x for x, _ in known], [a for _, a in known])

    def _book(self) -> _Book:
        return self._books.setdefault(self._now, _Book(_Mean(), _Mean()))

    def _wanted(self, problem: Any, advice: Advice, book: _Book) -> bool:
        """As planned after the last solve; always where A is the same, because then it costs nothing."""
        if self._space.images(problem) is not None:
            return True
        if advice.trial:
            return book.warm.count > 0 and book.warm.value <= book.cold.value
        return book.planned == 1 and book.cold.count > 0

    def _plan(self, problem: Any, book: _Book, available: int) -> bool:
        """Whether the next solve is to have a space: while the mean with one is below the mean without.

        The other side is looked at again now and then; a space that did not pay comes back half as large.
        """
        most = min(book.size or _MOST, available if self.size is None else min(self.size, available))
        while most >= 2 and self._overhead(problem, book, most) > _SHARE * book.cold.value:
            most //= 2
        if most < 2 or not book.cold.count:
            return False
        book.size = most
        if book.warm.count == 0 or (book.warm.count == 1 and book.warm.value <= 1.1 * book.cold.value):
            return self._affords(book)
        pays = book.warm.value <= 0.95 * book.cold.value
        book.wait -= 1
        if book.wait > 0:
            return pays
        book.pause = min((4 if pays else 2) * book.pause, _LONGEST)
        book.wait = book.pause
        if pays:
            return False  # a solve without, to compare with
        book.size = max(2, book.size // 2)
        return self._affords(book)

    def _overhead(self, problem: Any, book: _Book, size: int) -> float:
        """What a space of that size costs a solve: its images, made orthonormal, the work against it at each step, the choice
        of the next one.
        """
        k = size + self.recent
        weight = getattr(problem, "weight", None)
        if weight is None:
            return float(k)
        small = choosing(k + int(min(book.steps, 2 * k)))
        choice = sum(amount * weight(name) for name, amount in small.items())
        return float(k + weight("basis") * (3 * k * k + 5 * k + 3 * k * min(book.steps, 200.0)) + choice)

    def _affords(self, book: _Book) -> bool:
        """Whether a space that may not pay can be tried: its images, at most a quarter of a cold solve, may be lost."""
        if self.purse is None:
            return True
        if not self.purse.cold:
            self.purse.cold = book.cold.value
        return bool(self.purse.left >= _SHARE * book.cold.value)

    # ---- after an attempt ------------------------------------------------------------------------------------------

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """After an attempt with a space that was capped or failed: without."""
        if self.slot not in advice.carry:
            return None
        carry = {k: v for k, v in advice.carry.items() if k != self.slot}
        return Advice(advice.x0, dict(advice.params), carry, None, advice.trial)

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Compare the cost, keep the space and the solution."""
        book = self._book()
        carried = advice.carry.get(self.slot) is not None
        if not advice.trial:
            self._learn(book, advice, result, carried)
        space = result.carry.get(self.slot)
        wanted = space is not None and (
            self.always or (self._stable and (advice.trial or self._plan(problem, book, self._available(result))))
        )
        if not advice.trial:
            book.planned = int(wanted)
        before = problem.price().running
        self._keep(problem, result, space if wanted else None)
        if carried and not advice.trial and book.warm.count:
            book.warm.value += (problem.price().running - before) / min(book.warm.count, 5)

    def _available(self, result: Any) -> int:
        """How many vectors there may be, as far as that is known before they are made."""
        if self._space is not None and self._space.size:
            return int(self._space.size)
        return _MOST

    def _learn(self, book: _Book, advice: Advice, result: Any, carried: bool) -> None:
        cost = result.cost.running
        if carried and (result.ok or result.capped):
            excess = cost - book.cold.value if book.cold.count else 0.0
            if self.purse is not None and (book.warm.count < 2 or book.warm.value > book.cold.value):
                self.purse.charge(excess)
            book.warm.learn(cost * (2.0 if result.capped else 1.0))
        elif result.ok and advice.x0 is None and not result.capped:
            book.cold.learn(cost)
            book.steps += max(1.0 / book.cold.count, 0.2) * (result.steps - book.steps)

    def _keep(self, problem: Any, result: Any, space: Any) -> None:
        """The space that the method left, made now, or none where it is not wanted; the last solutions."""
        self._space = space if space is not None and space.size else None
        if result.ok and result.x is not None and self.recent:
            r = result.carry.get("residual")
            image = None if r is None else problem.rhs - r
            self._x = [*self._x, (result.x + 0.0, image, problem.matrix_version)][-self.recent :]

    # ---- what is learned -------------------------------------------------------------------------------------------

    def digest(self) -> list[str]:
        """A line for the summary."""
        lines = [f"Recycle({self.slot!r}): carried {self.used} times"]
        for book in self._books.values():
            if book.warm.count and book.cold.count:
                lines.append(
                    f"  a system costs {book.warm.value:.0f} products with a space of {book.size}, "
                    f"{book.cold.value:.0f} without"
                )
        return lines

    def state_dict(self) -> dict[str, Any]:
        """The space, the last solutions and the record."""
        return {
            "space": None if self._space is None or not self._space.size else self._space.state_dict(),
            "x": [x for x, _, _ in self._x],
            "epoch": self._epoch,
            "n": self._n,
            "books": {
                key: [
                    b.cold.value,
                    b.cold.count,
                    b.warm.value,
                    b.warm.count,
                    b.size,
                    b.wait,
                    b.pause,
                    b.steps,
                    b.planned,
                ]
                for key, b in self._books.items()
            },
            "used": self.used,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over.

        Raises
        ------
        ValueError
            When a part of it is not what it says.
        """
        saved = state["space"]
        space = restored(saved) if isinstance(saved, dict) else saved
        if space is not None and not isinstance(space, Space):
            raise ValueError("the carried space is not one")
        x = list(state["x"])
        if any(not isinstance(v, np.ndarray) or v.ndim != 1 or v.dtype.kind not in "fc" for v in x):
            raise ValueError("the solutions kept are not vectors")
        if not all(bool(np.all(np.isfinite(v))) for v in x) or len(x) > self.recent:
            raise ValueError("the solutions kept are not finite, or too many")
        books = {}
        for key, row in state["books"].items():
            sound = len(row) == 9 and all(type(v) in (int, float) and math.isfinite(v) and v >= 0 for v in row)
            if not sound or any(type(row[i]) is not int for i in (1, 3, 4, 5, 6, 8)):
                raise ValueError("the record of a space is not one")
            books[str(key)] = _Book(
                _Mean(float(row[0]), row[1]), _Mean(float(row[2]), row[3]), *row[4:7], float(row[7]), row[8]
            )
        counts = (state["used"], state["n"])
        if type(state["epoch"]) is not int or any(type(v) is not int or v < 0 for v in counts):
            raise ValueError("the counts of a space are not counts")
        self._space, self._x, self._books = space, [(v, None, -1) for v in x], books
        self._epoch, self.used, self._n = state["epoch"], state["used"], state["n"]


def _norm(v: Any) -> float:
    if isinstance(v, np.ndarray):
        return math.sqrt(abs(np.vdot(v, v)))
    return float(array_namespace(v).linalg.vector_norm(v))


def _key(advice: Advice) -> str:
    """The method in force, without its tuned numbers, and whether its preconditioner is of an earlier matrix."""
    method = advice.params.get("method")
    inner = getattr(method, "preconditioner", None)
    kept = "kept" if any(slot not in ("symbolic", "residual") for slot in advice.carry) else "fresh"
    return f"{type(method).__name__}/{type(inner).__name__}/{kept}"
