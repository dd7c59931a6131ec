"""A first guess from the last solutions: the combination S y that minimises || b - A S y ||, while it pays.

    y = argmin || b - (A S) y ||_2,   x0 = S y,   r0 = b - A S y

With A unchanged, A S is known from the earlier residuals and any number of vectors costs no product (Fischer's
projection); with a new A two vectors and two products are used. The residual of x0 is at most that of zero; that bounds
the residual and not the count of iterations, so the guess is on probation: its cost, products included, is compared with
solves from zero, which are made again now and then.

Cost: at most 2 products and about 12 vector passes. Not for sequences of unrelated systems: it leaves the field there.
Reference: Fischer, Comput. Methods Appl. Mech. Engrg. 163 (1998) 193-204.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Advice, Learner
from ..probation import Probation, reopened

__all__ = ["Guess"]

_USEFUL = 0.5


@dataclass(eq=False)
class Guess(Learner):
    """Proposes x0 from the last solutions, while that pays.

    Parameters
    ----------
    vectors : int, default 8
        Solutions kept for an unchanged A; for a changed one the last two are used.
    always : bool, default False
        Propose without probation (for experiments).

    Raises
    ------
    ValueError
        For fewer than one vector.

    References
    ----------
    P. F. Fischer, Comput. Methods Appl. Mech. Engrg. 163 (1998) 193-204, section 2.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(99), 2.1 * np.ones(100), -np.ones(99)], offsets=[-1, 0, 1]).tocsr()
    >>> session = rv.Session("cg", learners=[rv.Guess(always=True)], rtol=1e-8)
    >>> steps = [session.solve(rv.LinearSystem(A, np.ones(100) * (1 + t))).steps for t in range(3)]
    >>> steps[0] > 10, steps[1:]
    (True, [0, 0])
    """

    vectors: int = 8
    always: bool = False

    owns = frozenset({"x0"})

    def __post_init__(self) -> None:
        if self.vectors < 1:
            raise ValueError(f"vectors={self.vectors} was given; at least 1 is expected")
        self._x: list[Any] = []
        self._ax: list[Any] = []
        self._spare: list[Any] = []
        self._version = -1
        self._epoch = -1
        self._books: dict[str, Probation] = {}
        self._now = ""
        self._mine: Any = None
        self._price = 0.0
        self.used = 0

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Set x0 and its residual, unless the user gave x0 or the record speaks against it."""
        self._mine = None
        if not _projectable(problem):
            return advice
        if problem.epoch != self._epoch:
            self._x, self._ax, self._epoch = [], [], problem.epoch
        if self._x and (self._x[-1].shape != problem.rhs.shape or self._x[-1].dtype != problem.rhs.dtype):
            self._x, self._ax = [], []
        self._now = _key(advice)
        if advice.x0 is not None or not self._x or not (self.always or self._wanted(problem, advice)):
            return advice
        before = problem.price().running
        with np.errstate(all="ignore"):  # what overflows is of no use, and is found so
            found = self._combination(problem)
        self._price = problem.price().running - before
        if found is None:
            self._record().enter(self._price + self._record().without, carried=True)
            return advice
        advice.x0, residual = found
        advice.carry["residual"] = residual
        self._mine = advice.x0
        self.used += 1
        return advice

    def _combination(self, problem: Any) -> tuple[Any, Any] | None:
        same = problem.matrix_version == self._version and len(self._ax) == len(self._x)
        count = len(self._x) if same else min(2, len(self._x))
        S = self._x[-count:]
        AS = self._ax[-count:] if same else [problem.product(x) for x in S]
        problem.work.add("passes", 6 * count)
        problem.work.add("calls", 2)
        r = problem.rhs.copy()
        weights: list[Any] = []
        images: list[Any] = []  # an orthonormal basis of the span of A S, and the vectors it comes from
        origins: list[Any] = []
        for s, a in zip(reversed(S), reversed(AS), strict=True):
            q, v = (a / 1.0 if same else a), s / 1.0  # what is kept stays as it is
            size = _norm(q)
            for p, u in zip(images, origins, strict=True):
                c = np.vdot(p, q)
                q -= c * p
                v -= c * u
            length = _norm(q)
            if not length > 1e-8 * size or not math.isfinite(length):
                continue
            q *= 1.0 / length
            v *= 1.0 / length
            c = np.vdot(q, r)
            r -= c * q
            images.append(q)
            origins.append(v)
            weights.append(c)
        left = _norm(r)
        if not images or not left <= _USEFUL * problem.scale:
            return None
        x0 = weights[0] * origins[0]
        for c, v in zip(weights[1:], origins[1:], strict=True):
            x0 += c * v
        return x0, problem.project(r)

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Keep the solution; compare the cost with that of solves from zero."""
        if not _projectable(problem):
            return
        if result.ok and result.x is not None:
            self._keep(problem, result)
        if advice.trial or result.capped or not result.ok:
            return
        if self._mine is not None and advice.x0 is self._mine:  # not where an attempt goes on from another x
            self._record().enter(result.cost.running + self._price, carried=True)
        elif advice.x0 is None:
            self._record().enter(result.cost.running, carried=False)

    def _keep(self, problem: Any, result: Any) -> None:
        if problem.matrix_version != self._version:
            self._ax = []
            self._version = problem.matrix_version
        residual = result.carry.get("residual")
        self._x.append(self._copied(result.x))
        if residual is not None and len(self._ax) == len(self._x) - 1:
            self._ax.append(problem.rhs - residual)
        elif residual is not None and not self._ax:
            self._x, self._ax = self._x[-2:], []
        self._spare = self._x[: -self.vectors][-1:] or self._spare
        del self._x[: -self.vectors]
        del self._ax[: -self.vectors]

    def _copied(self, x: Any) -> Any:
        """A copy of x, in the place of the last vector that was dropped where it fits."""
        if self._spare and self._spare[0].shape == x.shape and self._spare[0].dtype == x.dtype:
            kept = self._spare.pop()
            np.copyto(kept, x)
            return kept
        return np.array(x)

    # ---- probation -------------------------------------------------------------------------------------------------

    def _record(self) -> Probation:
        return self._books.setdefault(self._now, _opening())

    def _dear(self, problem: Any, cold: float) -> bool:
        """Whether the guess itself would cost more than a seventh of a solve: on small systems it cannot pay."""
        weight = getattr(problem, "weight", None)
        if weight is None:
            return False
        products = 0 if problem.matrix_version == self._version else 2
        return bool(products + 12 * weight("passes") + 2 * weight("calls") > cold / 7 + 2)

    def _wanted(self, problem: Any, advice: Advice) -> bool:
        """In use while the mean with guess is below the mean without; the other side is looked at again now and then."""
        book = self._record()
        if advice.trial:
            return book.warms > 0 and book.carried <= book.without
        return book.colds > 0 and not self._dear(problem, book.without) and book.wanted()

    def digest(self) -> list[str]:
        """A line for the summary."""
        return [f"Guess: proposed {self.used} times"]

    def state_dict(self) -> dict[str, Any]:
        """The vectors and the record."""
        return {
            "x": self._x,
            "ax": self._ax,
            "version": self._version,
            "epoch": self._epoch,
            "books": {key: book.state_dict() for key, book in self._books.items()},
            "used": self.used,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them over.

        Raises
        ------
        ValueError
            When they are not vectors of one length and dtype, or a record is not one of finite numbers and counts.
        """
        self._x, self._ax = list(state["x"]), list(state["ax"])
        vectors = [*self._x, *self._ax]
        if len(self._x) > self.vectors:
            raise ValueError(f"a guess of {self.vectors} vectors is given {len(self._x)}")
        if any(not isinstance(v, np.ndarray) or v.ndim != 1 for v in vectors) or len(self._ax) > len(self._x):
            raise ValueError("the vectors of a guess are not vectors")
        if len({(v.shape, v.dtype) for v in vectors}) > 1 or any(v.dtype.kind not in "fc" for v in vectors):
            raise ValueError("the vectors of a guess differ in length or dtype")
        self._version, self._epoch, self.used = state["version"], state["epoch"], state["used"]
        self._books = reopened(state["books"], _opening)
        if not all(type(state[name]) is int for name in ("version", "epoch", "used")) or self.used < 0:
            raise ValueError("the counts of a guess are not whole numbers")


def _opening() -> Probation:
    """An empty record: two solves without before anything is decided, then a look at the losing side."""
    return Probation(wait=0, clear=-1.0, share=math.inf)


def _projectable(problem: Any) -> bool:
    """Whether it is a linear system over NumPy, with the matrix and not with its transpose."""
    return isinstance(getattr(problem, "rhs", None), np.ndarray) and not getattr(problem, "transposed", False)


def _norm(v: Any) -> float:
    return math.sqrt(abs(np.vdot(v, v)))


def _key(advice: Advice) -> str:
    """The method in force, without its tuned numbers."""
    method = advice.params.get("method")
    inner = getattr(method, "preconditioner", None)
    return f"{type(method).__name__}/{type(inner).__name__}"
