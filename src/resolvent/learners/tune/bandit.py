"""A parameter learned from what solves cost, one lesson a solve: a bandit over a grid, with bounded regret.

    propose: draw arm a with probability p_a;   observe: loss = running cost in products -> policy -> p

``kind="tsallis"`` competes with the best fixed value, ``kind="chebyshev"`` with the best value for each
``problem.context``. Where the parameter is a relaxation factor, its textbook formula is one more arm. A round of
learning takes about 8 us. Not for a parameter with one smooth valley and few solves ahead (under about 200), where a
bracketing search needs fewer trials.

Reference: Khodak, Chow, Balcan and Talwalkar, Learning to Relax, ICLR 2024 (arXiv 2310.02246).
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ...core import Advice, Learner, Status
from .chebcb import ChebCB
from .checks import dealt, dealt_state
from .formula import FORMULAS, Formula
from .tsallis import Tsallis

__all__ = ["Bandit"]

_POLICIES = {"tsallis": Tsallis, "chebyshev": ChebCB}
_SILENT = frozenset({Status.USER, Status.INTERRUPTED, Status.ERROR, Status.NOISY, Status.INFEASIBLE})
_LEAST = 1e-3
_CLIP = 10.0
_DIGITS = 0.5
_FAILED = 2.0


class _Drawn(NamedTuple):
    """What was proposed last, what finding it cost, and what was learned of it."""

    arm: int
    value: float
    spent: float
    lesson: float | None


@dataclass(eq=False)
class Bandit(Learner):
    """Learns one scalar parameter over a sequence of solves.

    Parameters
    ----------
    parameter : str
        Its name; nested ones are dotted: ``"omega"``, ``"preconditioner.omega"``.
    low, high : float
        Ends of the grid, both among its points.
    kind : {"tsallis", "chebyshev"}, default "tsallis"
        Compete with the best fixed value, or, for problems that have a scalar ``context``, with the best function of
        it.
    arms : int, default 20
        Grid points.
    formula : bool, optional
        Whether the textbook value competes as one more arm. None: when the parameter's name ends in "omega".
    rule : {"sor", "ssor"}, optional
        Which textbook. None: "ssor" for a nested parameter (a relaxed sweep that serves as preconditioner is the
        symmetric one), "sor" for one of the method itself; say ``rule="ssor"`` with the method ``rv.SSOR()``. A wrong
        one only loses its draws.
    seed : int, optional
        Seed of the draws. None is 0: the same sequence gives the same bits in every run.

    Raises
    ------
    ValueError
        For an empty range, fewer than two arms, an unknown kind or rule; from ``propose`` when ``kind="chebyshev"``
        meets a problem without a scalar context.

    Notes
    -----
    The loss is ``result.cost.running`` (products), with what the formula took. Under a first guess it is that cost per
    decimal digit gained times the digits from zero to the tolerance; gains under half a digit teach nothing. A solve
    that is capped or fails is censored: it counts as its own cost or the arm's expected loss, whichever is more, a
    failed one as twice the largest loss seen at least. A loss is never taken above 10 times the mean. Solves that
    another learner marked ``trial``, or in which the parameter had another value than the one proposed, teach nothing.

    References
    ----------
    M. Khodak, E. Chow, M.-F. Balcan, A. Talwalkar, Learning to Relax, ICLR 2024 (arXiv 2310.02246): Tsallis-INF on a
    grid, and ChebCB.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> session = rv.Session(rv.SOR(), learners=[rv.Bandit("omega", 1.0, 1.9, seed=1)], rtol=1e-8)
    >>> for shift in np.linspace(2.1, 2.2, 30):
    ...     A = sp.diags_array([-np.ones(39), shift * np.ones(40), -np.ones(39)], offsets=[-1, 0, 1]).tocsr()
    ...     x = session(A, np.ones(40))
    >>> session.learners[0].lessons
    30
    """

    parameter: str
    low: float
    high: float
    kind: str = "tsallis"
    arms: int = 20
    formula: bool | None = None
    rule: str | None = None
    seed: int | None = None

    def __post_init__(self) -> None:
        self._check()
        self.owns = frozenset({self.parameter})
        self.grid = np.linspace(self.low, self.high, self.arms)
        wanted = self.parameter.rsplit(".", 1)[-1] == "omega" if self.formula is None else self.formula
        rule = self.rule or ("ssor" if "." in self.parameter else "sor")
        self._formula = Formula(rule) if wanted else None
        self._policy: Any = _POLICIES[self.kind](self.arms + wanted)
        self._rng = np.random.default_rng(0 if self.seed is None else self.seed)
        self._drawn: _Drawn | None = None
        self._worst = 0.0
        self._closed = False

    def _check(self) -> None:
        if not isinstance(self.parameter, str) or not all(part.isidentifier() for part in self.parameter.split(".")):
            raise ValueError(f'parameter={self.parameter!r} was given; a name such as "omega" is expected')
        ends = (self.low, self.high)
        numbers = all(isinstance(v, int | float | np.number) and not isinstance(v, bool) for v in ends)
        if not numbers or not -math.inf < self.low < self.high < math.inf:
            raise ValueError(
                f"low={self.low!r}, high={self.high!r} were given; finite numbers with low < high are expected"
            )
        if isinstance(self.arms, bool) or not isinstance(self.arms, int) or not 2 <= self.arms <= 10_000:
            raise ValueError(f"arms={self.arms!r} was given; a whole number from 2 to 10000 is expected")
        if self.kind not in _POLICIES:
            raise ValueError(f'kind={self.kind!r} was given; "tsallis" or "chebyshev" is expected')
        if not isinstance(self.formula, bool | None):
            raise ValueError(f"formula={self.formula!r} was given; True, False or None is expected")
        if self.seed is not None and (isinstance(self.seed, bool) or not isinstance(self.seed, int) or self.seed < 0):
            raise ValueError(f"seed={self.seed!r} was given; a whole number that is not negative, or None, is expected")
        if self.rule is not None and self.rule not in FORMULAS:
            raise ValueError(f'rule={self.rule!r} was given; "sor", "ssor" or None is expected')

    # ---- what it tells ---------------------------------------------------------------------------------------------

    @property
    def lessons(self) -> int:
        """Solves it learned from."""
        return int(self._policy.rounds)

    @property
    def plays(self) -> Any:
        """Lessons of each grid point, and of the formula behind them where it competes; int array."""
        return self._policy.plays.astype(int)

    @property
    def probabilities(self) -> Any:
        """The distribution of the last draw, in the order of ``plays``; sums to one."""
        return self._policy.p.copy()

    @property
    def favourite(self) -> float | str:
        """The value played most, or ``"formula"``."""
        arm = int(np.argmax(self._policy.plays))
        return float(self.grid[arm]) if arm < self.arms else "formula"

    def digest(self) -> list[str]:
        """One line for the Session's summary."""
        if not self.lessons:
            return [f"bandit on {self.parameter}: nothing learned yet"]
        share = float(self._policy.plays.max() / self._policy.plays.sum())
        best = self.favourite if isinstance(self.favourite, str) else f"{self.favourite:.4g}"
        text = f"{self.lessons} lessons, {best} in {share:.0%} of them, {self._policy.scale:.3g} products each"
        return [f"bandit on {self.parameter}: {text}"]

    # ---- between solves --------------------------------------------------------------------------------------------

    def propose(self, problem: Any, advice: Advice) -> Advice:
        """Draw a value.

        Parameters
        ----------
        problem : Problem
        advice : Advice
            Not modified.

        Returns
        -------
        Advice
            With ``params[parameter]``.

        Raises
        ------
        ValueError
            When ``kind="chebyshev"`` and the problem has no scalar context.
        """
        context = self._context(problem) if self._policy.needs_context else None
        formula = self._formula
        open_to_all = formula is not None and not self._closed and formula.fits(problem)
        live = self.arms + open_to_all
        arm = self._policy.draw(self._rng.random(), live, context)
        value, spent = None, 0.0
        if arm == self.arms:
            value, spent = self._by_formula(problem)
            if value is None:
                self._closed = True
                arm = self._policy.draw(self._rng.random(), self.arms, context)
        if value is None:
            value = float(self.grid[arm])
        self._drawn = _Drawn(arm, value, spent, None)
        params = {**advice.params, self.parameter: value}
        return Advice(advice.x0, params, advice.carry, advice.cap, advice.trial)

    def _by_formula(self, problem: Any) -> tuple[float | None, float]:
        assert self._formula is not None
        before = problem.price().running
        omega = self._formula.omega(problem)
        spent = problem.price().running - before
        return (None if omega is None else min(max(omega, self.low), self.high)), spent

    def _context(self, problem: Any) -> float:
        given = getattr(problem, "context", None)
        if type(given) is float and -1e300 < given < 1e300:
            return given
        hint = "pass LinearSystem(..., context=number)"
        if given is None:
            raise ValueError(
                f'Bandit(kind="chebyshev") needs a context and this problem has none: {hint}, or use kind="tsallis"'
            )
        array = np.asarray(given)
        if array.size != 1 or array.dtype.kind not in "fiu" or not abs(float(array.reshape(-1)[0])) < 1e300:
            raise ValueError(f'Bandit(kind="chebyshev") needs one finite real number as context, not {given!r}: {hint}')
        return float(array.reshape(-1)[0])

    def observe(self, problem: Any, advice: Advice, result: Any) -> None:
        """Learn from one attempt; a later attempt at the same solve replaces what an earlier one taught."""
        drawn = self._drawn
        if drawn is None or advice.trial or result.status in _SILENT:
            return
        if advice.params.get(self.parameter) != drawn.value:
            return
        loss, censored = self._loss(problem, advice, result, drawn.spent)
        if loss is None:
            return
        policy = self._policy
        if policy.rounds:
            loss = min(loss, _CLIP * policy.scale)
        if censored:
            loss = max(loss, policy.expected(drawn.arm), 0.0 if result.capped else _FAILED * self._worst)
        else:
            self._worst = max(self._worst, loss)
        loss = max(loss, _LEAST)
        if drawn.lesson is None:
            policy.learn(drawn.arm, loss)
        else:
            policy.amend(drawn.arm, drawn.lesson, loss)
        self._drawn = _Drawn(drawn.arm, drawn.value, drawn.spent, loss)

    def _loss(self, problem: Any, advice: Advice, result: Any, spent: float) -> tuple[float | None, bool]:
        """The cost of this attempt in products, and whether it is only a lower bound; None when it says nothing."""
        cost = result.cost.running + spent
        censored = not result.ok
        if not math.isfinite(cost):
            return None, censored
        if advice.x0 is None:
            return cost, censored
        gained, nominal = _digits(problem, result)
        if gained < _DIGITS:
            return (cost if censored else None), censored
        return cost * nominal / gained, censored

    # ---- state -----------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Everything learned, as plain arrays and JSON; a resumed run draws the same values."""
        return {
            "kind": self.kind,
            "policy": self._policy.state_dict(),
            "formula": None if self._formula is None else self._formula.state_dict(),
            "random": dealt_state(self._rng),
            "worst": self._worst,
            "closed": self._closed,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When the state belongs to a bandit with other parameters, or is damaged.
        """
        missing = {"kind", "policy", "formula", "random", "worst", "closed"} - set(state)
        if missing:
            raise ValueError(f"the learned state of a bandit has no {sorted(missing)[0]!r}")
        if state["kind"] != self.kind or (state["formula"] is None) != (self._formula is None):
            raise ValueError(f"the learned state is not that of a {self.kind} bandit with this choice of formula")
        worst = float(state["worst"])
        if not 0.0 <= worst < math.inf:
            raise ValueError(f"the learned state has a largest loss of {worst}")
        rng = dealt(state["random"])
        policy: Any = _POLICIES[self.kind](len(self._policy.p))
        policy.load_state_dict(state["policy"])
        if self._formula is not None:
            self._formula.load_state_dict(state["formula"])
        self._policy, self._rng, self._worst = policy, rng, worst
        self._closed, self._drawn = state["closed"] is True, None


def _digits(problem: Any, result: Any) -> tuple[float, float]:
    """Decimal digits gained by the attempt, not beyond the tolerance, and those from zero to the tolerance."""
    start = getattr(result, "start", None)
    if start is None:
        rows = result.history
        start = float(rows[0][1]) if len(rows) else math.nan
    limit = result.threshold or 0.0
    end = max(float(result.seen.get("residual", math.nan)), limit)
    gained = math.log10(start / end) if start > 0.0 and end > 0.0 else 0.0
    goal = limit if limit > 0.0 else end
    scale = float(problem.scale)
    nominal = math.log10(scale / goal) if scale > goal > 0.0 else gained
    return (gained if math.isfinite(gained) else 0.0), nominal
