"""Anderson acceleration for x = T(x): the combination of the last iterates whose residual is least.

    f_k = T(x_k) - x_k,   gamma = argmin || f_k - dF gamma ||,   x_{k+1} = x_k + beta f_k - (dX + beta dF) gamma

dX and dF hold the last ``depth`` differences of iterates and residuals. The small problem is solved by its normal
equations, scaled to a unit diagonal and regularised; one row of them changes in a step. Step: one evaluation and about
4 depth + 6 vector passes. Memory: 2 depth + 6 vectors, allocated once. Leaves ``residual``; where the last fall of the
residual, made once more, would meet the tolerance, the next iterate is left to the loop's own measure, so that it is
evaluated once and not twice (``residual`` is an estimate then). Safeguard: an iterate whose residual is ``growth`` times
the best is thrown away, and the iteration starts again at the best with an empty memory; when ``patience`` evaluations
gained nothing, averaged steps are made until the residual has halved. Slot ``memory``: the differences, for a next map
that is much alike. Not for noisy maps, nor where products with the derivative are cheap and the map contracts slowly:
Newton-Krylov needs fewer evaluations there.

Reference: Anderson, J. ACM 12 (1965); Walker and Ni, SIAM J. Numer. Anal. 49 (2011), algorithm AA, section 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core import Cost, Status
from ...problems import vectors
from .memory import Differences
from .steps import Drift, FixedState, begin, evaluate

__all__ = ["Anderson"]

_SURE = 0.7
_PLAIN = 5


class AndersonState(FixedState):
    """The differences, the best iterate with its image, and what the last prediction was worth."""

    kept: Differences
    best: Any  # iterate, image, residual
    lost: int = 0  # evaluations since the best one
    drift: Any = None  # watches while averaged steps are made
    fall: float = 1.0  # the last residual over the one before
    foretells: bool = True


@dataclass(frozen=True)
class Anderson:
    """Anderson acceleration, regularised, safeguarded and restarted.

    Parameters
    ----------
    depth : int, default 5
        Differences kept.
    damping : float, default 1.0
        beta, in (0, 1].
    regularization : float, default 1e-8
        Added to the unit diagonal of the scaled normal equations.
    forget : float, default 1e4
        Differences of residuals this many times as long as the residual are dropped: what they say of a curved map is
        wrong by more than is left to correct.
    growth : float, default 10.0
        A residual this many times the best starts the iteration again at the best.
    patience : int, default 200
        Evaluations without a new best residual (by one part in a hundred) after which averaged steps are made.

    References
    ----------
    D. G. Anderson, J. ACM 12 (1965) 547-560; H. F. Walker and P. Ni, SIAM J. Numer. Anal. 49 (2011) 1715-1735.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> slow = rv.FixedPoint(lambda x: np.linspace(0.5, 0.99, 50) * x + 1.0)
    >>> plain, fast = (rv.solve(slow, m, x0=np.zeros(50), rtol=1e-6) for m in ("picard", "anderson"))
    >>> plain.ok, fast.ok, 5 * fast.steps < plain.steps
    (True, True, True)
    """

    depth: int = 5
    damping: float = 1.0
    regularization: float = 1e-8
    forget: float = 1e4
    growth: float = 10.0
    patience: int = 200

    needs = frozenset({"map"})
    sees = frozenset({"residual"})

    def __post_init__(self) -> None:
        if self.depth < 1 or self.patience < 1:
            raise ValueError(f"depth={self.depth}, patience={self.patience} were given; at least 1 is expected")
        if not 0.0 < self.damping <= 1.0:
            raise ValueError(f"damping={self.damping} was given; a number in (0, 1] is expected")
        if not self.regularization >= 0.0 or not self.growth > 1.0 or not self.forget > 1.0:
            raise ValueError(
                f"regularization={self.regularization}, growth={self.growth}, forget={self.forget} were given; "
                "a number that is not negative and two above 1 are expected"
            )

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> AndersonState:
        """One evaluation, unless x0 is the reference or its residual is known; differences that fit are taken over."""
        state = begin(problem, AndersonState(), x0, carry)
        kept = carry.get("memory")
        fits = isinstance(kept, Differences) and kept.fits(self.depth, state.x)
        state.kept = kept.copy() if fits else Differences(self.depth, state.x)
        state.foretells = "residual" not in carry
        if state.kept.last is not None and state.kept.last[0] != problem.matrix_version:
            state.kept.last = None  # the last iterate of another map
        self._remember(state)
        return state

    def step(self, problem: Any, state: AndersonState) -> None:
        """One evaluation, or none where the next iterate is for the loop to measure."""
        if state.drift is not None:
            self._plain(problem, state)
            return
        x = self._next(problem, state)
        before = state.seen["residual"]
        state.kept.last = (problem.matrix_version, state.x, state.r)
        problem.work.add("passes", 4.0 * state.kept.count + 6.0)
        if state.foretells and before * state.fall <= _SURE * (state.goal or 0.0):
            state.x, state.seen["residual"] = x, before * state.fall
            state.k += 1
            return
        evaluate(problem, state, x)
        size = state.seen["residual"]
        state.fall = size / before if before > 0.0 else 1.0
        self._safeguard(problem, state, size)

    def _next(self, problem: Any, state: AndersonState) -> Any:
        """The next iterate, after the last difference was taken in."""
        kept, x, f = state.kept, state.x, -state.r
        if kept.last is not None:
            _, before, r = kept.last
            kept.push(x - before, r - state.r, 8 * problem.eps * vectors.length(state.Tx))
        kept.forget(self.forget * vectors.length(f))
        gamma = kept.weights(f, max(self.regularization, 4 * problem.eps))
        if gamma is None:
            return x + self.damping * f
        dx, df = kept.combined(gamma, x)
        return x - dx + self.damping * (f - df)

    def _safeguard(self, problem: Any, state: AndersonState, size: float) -> None:
        """Keep the best; go back to it when an iterate is far worse, or when nothing is gained for long."""
        best = state.best[2]
        if size < 0.99 * best:
            state.lost = 0
            self._remember(state)
            return
        state.lost += 1
        barren = state.lost >= self.patience
        if size <= self.growth * best and not barren:
            return
        state.kept.clear()
        state.x, state.Tx, state.seen["residual"] = state.best
        state.r = state.x - state.Tx
        state.fall = 1.0
        if barren:
            state.lost = 0
            state.drift = Drift(state.x, average=0.5)

    def _plain(self, problem: Any, state: AndersonState) -> None:
        """An averaged step, while the acceleration gains nothing: that converges for every nonexpansive map."""
        evaluate(problem, state, 0.5 * (state.x + state.Tx), 2.0)
        state.drift.look(problem, state)
        state.lost += 1
        if state.seen["residual"] < 0.5 * state.best[2]:
            state.drift, state.lost = None, 0
            self._remember(state)
        elif state.lost >= _PLAIN * self.patience and state.status == Status.RUNNING:
            state.status = Status.STAGNATED
            state.reason = "neither the acceleration nor averaged steps reduce the residual any more"

    def _remember(self, state: AndersonState) -> None:
        state.best = (state.x, state.Tx, state.seen["residual"])

    def solution(self, problem: Any, state: AndersonState) -> Any:
        """The iterate."""
        return vectors.copied(state.x)

    def harvest(self, problem: Any, state: AndersonState) -> dict[str, Any]:
        """The differences."""
        return {"memory": state.kept}

    def estimate(self, problem: Any) -> Cost:
        """One evaluation a step."""
        return Cost(0.0, 0.0, 1.0 + (4 * self.depth + 6) * problem.weight("passes"))
