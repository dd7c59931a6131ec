"""Which of d arms costs least at this context: a Chebyshev series per arm by least squares, inverse gap weighting.

    s_i(c) = sum_j theta_ij T_j(2 (c - a) / (b - a) - 1), j < 6;   p_i = 1 / (d + gamma_t (s_i - min s) / K_t);
    gamma_t = 2 t

[a, b] is the range of the contexts seen, K_t the mean loss. Only the 6 x 6 normal equations of each arm are kept; when
the range grows they are carried over to the new basis exactly, so a round costs O(d m + m^3), about 3 us for d = 20,
whatever t. Memory: d (m^2 + 2 m) numbers. Not for contexts that say nothing, nor for several of them at once.

What differs from the paper: normal equations in place of all history, with a small ridge (1e-3 j^2 on coefficient j,
relative to the losses, so free of units) where the paper takes the solution of least norm; the range [a, b] is found,
not given; gamma_t grows like t with a constant of 2, in place of an estimate from the residuals of the fit.

Reference: Khodak, Chow, Balcan and Talwalkar, Learning to Relax, ICLR 2024 (ChebCB); Foster and Rakhlin,
Beyond UCB, ICML 2020 (SquareCB).
"""

import math
from typing import Any

import numpy as np

from ... import kernels
from .checks import taken

__all__ = ["ChebCB"]

TERMS = 6
_GREED = 2.0
_RIDGE = 1e-3


class ChebCB:
    """The policy of ``Bandit(kind="chebyshev")``.

    Parameters
    ----------
    arms : int
        Number of arms.

    Examples
    --------
    >>> from resolvent.learners.tune.chebcb import ChebCB
    >>> policy = ChebCB(2)
    >>> for t in range(400):
    ...     c = 0.618 * t % 1.0
    ...     arm = policy.draw(0.414 * t % 1.0, 2, c)
    ...     policy.learn(arm, 1.0 + (c if arm == 0 else 1.0 - c))
    >>> policy.draw(0.5, 2, 0.1), policy.draw(0.5, 2, 0.9)
    (0, 1)
    """

    needs_context = True

    def __init__(self, arms: int) -> None:
        self.G = np.zeros((arms, TERMS, TERMS))
        self.h = np.zeros((arms, TERMS))
        self.theta = np.zeros((arms, TERMS))
        self.plays = np.zeros(arms)
        self.p = np.full(arms, 1.0 / arms)
        self.f = np.zeros(TERMS)
        self.range: tuple[float, float] | None = None
        self.rounds = 0
        self.total = 0.0
        self.low, self.high = math.inf, 0.0

    @property
    def scale(self) -> float:
        """Mean loss so far (1 before the first)."""
        return self.total / self.rounds if self.rounds else 1.0

    def draw(self, u: float, live: int, context: float | None) -> int:
        """An arm among the first ``live``, by the uniform number u; its distribution stays in ``p``."""
        assert context is not None
        greed = _GREED * (self.rounds + 1.0)
        x = self._place(context)
        return int(kernels.bandit.cheb_draw(self.theta, live, x, greed, self.scale, u, self.f, self.p))

    def learn(self, arm: int, loss: float) -> None:
        """The loss of the arm drawn last, at the context of that draw."""
        self.rounds += 1
        self.total += loss
        self._fit(arm, loss, loss, 1.0)

    def amend(self, arm: int, old: float, new: float) -> None:
        """Replace the loss that ``learn`` was told last."""
        self.total += new - old
        self._fit(arm, new, new - old, 0.0)

    def _fit(self, arm: int, loss: float, change: float, weight: float) -> None:
        wider = loss < self.low or loss > self.high
        self.low, self.high = min(self.low, loss), max(self.high, loss)
        kernels.bandit.cheb_learn(
            self.G, self.h, self.theta, self.plays, self.f, arm, change, weight, _RIDGE, self.low, self.high, wider
        )

    def _place(self, context: float) -> float:
        """Where the context is in the range, as a number in [-1, 1]; the range grows to hold it."""
        a, b = self.range or (context, context)
        if context < a or context > b:
            low, high = min(a, context), max(b, context)
            if self.rounds:
                alpha, beta = (b - a) / (high - low), ((a - low) - (high - b)) / (high - low)
                kernels.bandit.cheb_rebase(
                    self.G, self.h, self.theta, self.plays, alpha, beta, _RIDGE, self.low, self.high
                )
            a, b = low, high
        self.range = (a, b)
        return ((context - a) - (b - context)) / (b - a) if b > a else 0.0

    def expected(self, arm: int) -> float:
        """What the arm is predicted to cost at the context drawn last, 0 before it was played."""
        return float(self.theta[arm] @ self.f) if self.plays[arm] > 0 else 0.0

    def state_dict(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        arrays = {name: getattr(self, name).copy() for name in ("G", "h", "theta", "plays", "p", "f")}
        return arrays | {
            "range": None if self.range is None else list(self.range),
            "rounds": self.rounds,
            "total": self.total,
            "losses": None if self.rounds == 0 else [self.low, self.high],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it does not fit; nothing is changed then.
        """
        names = ("G", "h", "theta", "plays", "p", "f")
        arrays = taken(state, {name: getattr(self, name).shape for name in names})
        rounds, total, ends, losses = int(state["rounds"]), float(state["total"]), state["range"], state["losses"]
        span = None if ends is None else (float(ends[0]), float(ends[1]))
        low, high = (math.inf, 0.0) if losses is None else (float(losses[0]), float(losses[1]))
        fine = rounds >= 0 and math.isfinite(total) and (arrays["plays"] >= 0).all()
        if not fine or (span is not None and not -math.inf < span[0] <= span[1] < math.inf) or math.isnan(low + high):
            raise ValueError("the state of a ChebCB policy has counts or ranges that cannot be")
        self.G, self.h, self.theta, self.plays, self.p, self.f = (arrays[n] for n in names)
        self.rounds, self.total, self.range, self.low, self.high = rounds, total, span, low, high
