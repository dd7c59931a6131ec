"""What a solve returns: the answer, how it ended, how well it is known, and what it cost."""

import json
import math
from typing import Any

import numpy as np

from .errors import NotConverged
from .status import Status
from .work import Cost

__all__ = ["Result"]

_SENTENCES = {
    Status.BUDGET: "the iterations allowed were used up",
    Status.TIME: "the time allowed was used up",
    Status.BREAKDOWN: "the recurrence broke down",
    Status.NONFINITE: "a value that is not finite appeared",
    Status.STAGNATED: "the residual stopped falling",
    Status.USER: "stopped on request",
    Status.DIVERGED: "the residual grew without bound",
    Status.INFEASIBLE: "the problem has no solution, and a certificate of that was checked",
    Status.CHANGE: "the iterates stopped changing, and nothing is certified",
    Status.INDEFINITE: "the matrix or the preconditioner is not positive definite",
    Status.SETUP: "the set-up failed",
    Status.ERROR: "something that was called raised an error",
    Status.INTERRUPTED: "interrupted",
    Status.NOISY: "the operator gives different answers to the same question",
}


class Result:
    """The end of one solve.

    Attributes
    ----------
    x : ndarray
        The best measured iterate.
    status : Status
        Positive when ``x`` meets the tolerance by the problem's own measure.
    steps : int
        Iterations up to the first examined one that meets the rule.
    seen : dict
        ``residual`` (measured from the original data), other error measures, ``attainable`` where rounding
        is the limit.
    work : dict
        Counts by name. ``cost`` is their price in products: ``once``, ``setup``, ``running``.
    seconds : float
        Wall time, without the recorders' looking.
    history : ndarray of shape (k, 2)
        Iteration and residual as the method saw them.
    carry, advice : dict, Advice
        What a later solve may use again, and what was in force.
    capped : bool
        The attempt reached its cost cap.
    index : int or None
        Position in a sequence.
    potentials : tuple of arrays or None
        (f, g) of a transport problem.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array([-np.ones(9), 2.5 * np.ones(10), -np.ones(9)], offsets=[-1, 0, 1]).tocsr()
    >>> result = rv.solve(rv.LinearSystem(A, np.ones(10)), "cg", rtol=1e-10)
    >>> result.ok, result.status.name, result.seen["residual"] < 1e-9
    (True, 'RESIDUAL', True)
    """

    def __init__(
        self,
        x: Any = None,
        status: Status = Status.RUNNING,
        steps: int = 0,
        seen: dict[str, Any] | None = None,
        work: dict[str, float] | None = None,
        cost: Cost = Cost(),  # noqa: B008 - an immutable tuple
        seconds: float = 0.0,
        history: Any = (),
        carry: dict[str, Any] | None = None,
        advice: Any = None,
        capped: bool = False,
        index: int | None = None,
        why: str = "",
        threshold: float | None = None,
    ) -> None:
        self.x = x
        self.status = status
        self.steps = steps
        self.seen = {} if seen is None else seen
        self.work = {} if work is None else work
        self.cost = cost
        self.seconds = seconds
        self.carry = {} if carry is None else carry
        self.advice = advice
        self.capped = capped
        self.index = index
        self.why = why
        self.threshold = threshold
        self.method: Any = None
        self.digest: dict[str, Any] = {}
        self.potentials: Any = None
        self._history = history
        self.exponent = 0

    @property
    def ok(self) -> bool:
        """``status > 0``."""
        return self.status > 0

    @property
    def answered(self) -> bool:
        """ok, or known to have no solution."""
        return self.status > 0 or self.status == Status.INFEASIBLE

    @property
    def history(self) -> Any:
        """Rows of (iteration, residual)."""
        if isinstance(self._history, list):
            rows = []
            for first, values in self._history:
                values = np.atleast_1d(values)
                rows.append(np.column_stack([np.arange(first, first + len(values)), values]))
            self._history = np.concatenate(rows) if rows else np.empty((0, 2))
            self._history[:, 1] = np.ldexp(self._history[:, 1], self.exponent)
        return self._history

    @property
    def start(self) -> float:
        """The residual at the first iterate, as the method saw it; NaN when there was none."""
        if isinstance(self._history, list):
            return float(self._history[0][1]) if self._history else math.nan
        return float(self._history[0, 1]) if len(self._history) else math.nan

    @property
    def reason(self) -> str:
        """One sentence: how it ended, with the figures that show it."""
        residual = self.seen.get("residual")
        measured = "" if residual is None else f"residual {residual:.3g}"
        limit = "" if self.threshold is None else f"{self.threshold:.3g}"
        if self.ok:
            met = f"{measured} meets the tolerance {limit} after {self.steps} steps"
            return f"{met}, recomputed from the problem's own data."
        sentence = self.why or _SENTENCES.get(self.status, self.status.name.lower())
        tail = f" (measured {measured}, asked {limit}, {self.steps} steps)" if measured and limit else ""
        return f"{self.status.name}: {sentence.rstrip('.')}{tail}."

    def raise_if_failed(self) -> "Result":
        """Return self, or raise.

        Raises
        ------
        NotConverged
            When ``status`` is not positive; the message is ``reason``.
        """
        if not self.ok:
            raise NotConverged(self.reason, self)
        return self

    def certificate(self) -> dict[str, Any]:
        """What is known of the answer, as JSON: the measure, what it is relative to, and how strong it is.

        Returns
        -------
        dict
            Plain numbers and strings only.

        Examples
        --------
        >>> import numpy as np, resolvent as rv
        >>> result = rv.solve(rv.LinearSystem(np.diag([2.0, 4.0]), np.ones(2)))
        >>> certificate = result.certificate()
        >>> certificate["status"], certificate["kind"]
        ('RESIDUAL', 'residual of A x = b, 2-norm')
        """
        measure = {k: float(v) for k, v in self.seen.items() if np.ndim(v) == 0}
        out = {
            "status": self.status.name,
            "answered": bool(self.answered),
            "tolerance": None if self.threshold is None else float(self.threshold),
            "measure": measure,
            "steps": int(self.steps),
            "reason": self.reason,
            "kind": "recomputed",
            "strength": "the measure was recomputed from x and the problem's data alone",
            **self.digest,
        }
        json.dumps(out)
        return out

    def __repr__(self) -> str:
        return f"Result({self.status.name}, steps={self.steps}, residual={self.seen.get('residual', float('nan')):.3g})"
