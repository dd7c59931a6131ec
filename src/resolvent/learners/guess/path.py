"""Along a path of penalties: the last minimiser as first guess, and the factor of its support, while that pays.

    w0(lambda_k) = w(lambda_{k-1}),   slots support_factor: L L' = X_A'X_A of the last support A,   slopes: X'F'(X w0)

With two minimisers at hand w0 lies on the line through them, as far as signs stay: between changes of the support a path
of least squares is such a line. The slopes are those of the last measure, moved on alike, so that no product is spent
twice. The guess names the working set and the signs, so that the first Newton step on the carried factor is the exact
step to the next lambda where the support stays. All are on probation: the cost is compared with that of a solve from zero
beside it on the path; these are made again ever more rarely. Of the problem only its place on the path is asked.

Reference: Friedman, Hastie, Tibshirani, J. Stat. Softw. 33 (2010), section 2.5.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Advice, Learner
from ...operators.support import Slopes, SupportFactor

__all__ = ["Path"]

_LONGEST = 128
_NONE, _COLD, _WARM = 0.0, 1.0, 2.0


@dataclass(eq=False)
class Path(Learner):
    """Hands the last minimiser and its support's factor to the next problem of the same shape, while that pays.

    Parameters
    ----------
    always : bool, default False
        Hand on without probation (for experiments).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> loss = rv.LeastSquares(rng.standard_normal((50, 80)), rng.standard_normal(50))
    >>> warm = rv.Session(rv.CoordinateDescent(), learners=[rv.Path()], rtol=1e-8)
    >>> cold = rv.Session(rv.CoordinateDescent(), rtol=1e-8)
    >>> paths = [[s.solve(rv.Composite(loss, rv.L1(0.3 * 0.9**k))).steps for k in range(20)] for s in (warm, cold)]
    >>> sum(paths[0]) < sum(paths[1])
    True
    """

    always: bool = False

    owns = frozenset({"x0", "support_factor", "slopes"})

    def __post_init__(self) -> None:
        self._x: Any = None
        self._factor: Any = None
        self._slopes: Any = None
        self._at = self._before_at = 0.0
        self._before: Any = None  # minimiser and slopes of the problem before the last
        self._epoch = -1
        self._mine = False
        self._book = [0.0, 0.0, 0.0, 0.0, 16.0, 16.0]  # warm over cold, pairs, last cost and kind, wait, next wait
        self.used = 0

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """The last minimiser and its factor, unless the user gave x0 or the record speaks against it."""
        self._mine = False
        if problem.epoch != self._epoch:
            self._x, self._factor, self._slopes, self._epoch = None, None, None, problem.epoch
            self._before = None
        fits = self._x is not None and self._x.shape == (problem.n,) and self._x.dtype == problem.dtype
        if self._factor is not None:
            advice.carry["support_factor"] = self._factor
        if advice.x0 is not None or not fits or not (self.always or self._wanted()):
            return advice
        advice.x0, slopes = self._ahead(getattr(problem, "position", None))
        if slopes is not None:
            advice.carry["slopes"] = slopes
        self._mine = True
        self.used += 1
        return advice

    def _ahead(self, position: float | None) -> tuple[Any, Any]:
        """The last minimiser moved on along the last two, as far as no coordinate changes its sign."""
        x, slopes = self._x, self._slopes
        if position is None or self._before is None or self._at == self._before_at:
            return x.copy(), slopes
        c = (position - self._at) / (self._at - self._before_at)
        earlier, its = self._before
        if not 0.0 < c <= 2.0 or earlier.shape != x.shape:
            return x.copy(), slopes
        moved = x + c * (x - earlier)
        moved[(moved * x <= 0) | (earlier == 0)] = 0.0
        kept = (x != 0) & (moved == 0)
        moved[kept] = x[kept]
        if slopes is not None and its is not None:
            slopes = slopes.beyond(its, c)
        return moved, slopes

    def _wanted(self) -> bool:
        ratio, pairs, _, kind, wait, _ = self._book
        if kind == _NONE:
            return False
        if pairs < 1:
            return True
        pays = ratio <= 1.0
        self._book[4] = wait - 1
        if wait > 0:
            return pays
        self._book[5] = min(2 * self._book[5], _LONGEST)
        self._book[4] = self._book[5]
        return not pays

    def recover(self, problem: Any, advice: Advice, result: Any) -> Advice | None:
        """A failure under a guess is tried again from nothing."""
        if not self._mine:
            return None
        self._mine = False
        carry = {k: v for k, v in advice.carry.items() if k not in ("support_factor", "slopes")}
        return Advice(None, dict(advice.params), carry, None, False)

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Keep what was reached; compare costs."""
        if result.ok and result.x is not None:
            if self._x is not None:
                self._before, self._before_at = (self._x, self._slopes), self._at
            self._x, self._at = np.array(result.x), getattr(problem, "position", 0.0)
            slopes, factor = result.carry.get("residual"), result.carry.get("support_factor")
            known = isinstance(slopes, Slopes) and bool(np.all(np.isfinite(slopes.values)))
            self._slopes = slopes if known else None
            self._factor = factor if isinstance(factor, SupportFactor) else self._factor
        if advice.trial or result.capped or not result.ok:
            return
        if not self._mine and advice.x0 is not None:
            return
        book, cost, kind = self._book, result.cost.running, _WARM if self._mine else _COLD
        if book[3] not in (_NONE, kind) and min(cost, book[2]) > 0.0:  # neighbours, because costs grow along a path
            book[1] += 1
            book[0] += max(1.0 / book[1], 0.5) * ((cost / book[2] if self._mine else book[2] / cost) - book[0])
        book[2], book[3] = cost, kind

    def digest(self) -> list[str]:
        """A line for the summary."""
        if not self._book[1]:
            return []
        return [f"path: warm {self.used} times, at {self._book[0]:.2f} of the cost of a solve from zero beside it"]

    def state_dict(self) -> dict[str, Any]:
        """The last two minimisers with their slopes, where on the path they lie, the factor, and the books."""
        before, earlier = (None, None) if self._before is None else self._before
        parts = {"slopes": self._slopes, "before_slopes": earlier, "factor": self._factor}
        saved = {k: None if v is None else v.state_dict() for k, v in parts.items()}
        places = {"at": float(self._at), "before": before, "before_at": float(self._before_at)}
        return {"x": self._x, "epoch": self._epoch, "book": list(self._book), "used": self.used} | places | saved

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it is not of that form.
        """
        x, book, before = state["x"], state["book"], state["before"]
        sound = all(
            v is None or (isinstance(v, np.ndarray) and v.ndim == 1 and v.dtype.kind == "f") for v in (x, before)
        )
        sound = sound and all(v is None or bool(np.all(np.isfinite(v))) for v in (x, before))
        sound = sound and (before is None or (x is not None and before.shape == x.shape and before.dtype == x.dtype))
        places = [state["at"], state["before_at"]]
        sound = sound and all(type(v) in (int, float) and math.isfinite(v) for v in places)
        sound = sound and isinstance(book, list) and len(book) == 6
        sound = sound and all(type(v) in (int, float) and math.isfinite(v) and v >= -1 for v in book)
        sound = sound and type(state["epoch"]) is int and type(state["used"]) is int and state["used"] >= 0
        if not sound:
            raise ValueError("the state of a path learner is not one")
        parts = [state[k] for k in ("slopes", "before_slopes", "factor")]
        if not all(part is None or isinstance(part, dict) for part in parts):
            raise ValueError("the state of a path learner is not one")
        kinds = (Slopes, Slopes, SupportFactor)
        made = [None if part is None else kind.from_state(part) for kind, part in zip(kinds, parts, strict=True)]
        self._slopes, earlier, self._factor = made
        self._x = None if x is None else np.array(x)
        self._before = None if before is None else (np.array(before), earlier)
        self._at, self._before_at = map(float, places)
        self._epoch, self.used = state["epoch"], state["used"]
        self._book = [float(v) for v in book]
