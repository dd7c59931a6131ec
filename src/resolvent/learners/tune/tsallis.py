"""Which of d arms costs least on average, against any sequence of losses: Tsallis-INF with self-scaled losses.

    p_i = 4 / (eta_t (L_i / K_t - x))^2,  sum p = 1,   eta_t = 2 / sqrt(t),   L_i += B + [i = a] (loss - B) / p_a

L are cumulative estimated losses, K_t the mean of the losses so far, so that nothing has to be tuned. Cost of a round:
O(d), about 2 us for d = 20, whatever t. Memory: four d-vectors. Not for an optimum that moves with a known feature of
the problem (``ChebCB``) nor for a parameter on which the cost does not depend.

What differs from the paper: the baseline ``B = K_t`` where ``p_i >= eta^2`` (the reduced-variance estimators of
Zimmert and Seldin, whose B is 1/2 for losses in [0, 1]). On the paper's synthetic systems the mean goes from 1.13
to 1.10 times the best fixed arm.

Reference: Zimmert and Seldin, Tsallis-INF, JMLR 22(28) (2021) 1-49; Khodak, Chow, Balcan and Talwalkar, Learning to
Relax, ICLR 2024.
"""

import math
from typing import Any

import numpy as np

from ... import kernels
from .checks import taken

__all__ = ["Tsallis"]


class Tsallis:
    """The policy of ``Bandit(kind="tsallis")``.

    Parameters
    ----------
    arms : int
        Number of arms.

    Examples
    --------
    >>> from resolvent.learners.tune.tsallis import Tsallis
    >>> policy = Tsallis(2)
    >>> for t in range(400):
    ...     arm = policy.draw(0.618 * t % 1.0, 2, None)
    ...     policy.learn(arm, 1.0 + arm)
    >>> bool(policy.p[0] > 0.9)
    True
    """

    needs_context = False

    def __init__(self, arms: int) -> None:
        self.losses = np.zeros(arms)
        self.plays = np.zeros(arms)
        self.means = np.zeros(arms)
        self.p = np.full(arms, 1.0 / arms)
        self.rounds = 0
        self.total = 0.0
        self._live = arms

    @property
    def scale(self) -> float:
        """Mean loss so far (1 before the first)."""
        return self.total / self.rounds if self.rounds else 1.0

    def draw(self, u: float, live: int, context: float | None) -> int:
        """An arm among the first ``live``, by the uniform number u; its distribution stays in ``p``."""
        self._live = live
        eta = 2.0 / math.sqrt(self.rounds + 1.0)
        return int(kernels.bandit.tsallis_draw(self.losses, live, self.scale, eta, u, self.p))

    def learn(self, arm: int, loss: float) -> None:
        """The loss of the arm drawn last."""
        eta = 2.0 / math.sqrt(self.rounds + 1.0)
        kernels.bandit.tsallis_learn(self.losses, self._live, self.p, arm, loss, self.scale, eta)
        self.rounds += 1
        self.total += loss
        self.plays[arm] += 1
        self.means[arm] += (loss - self.means[arm]) / self.plays[arm]

    def amend(self, arm: int, old: float, new: float) -> None:
        """Replace the loss that ``learn`` was told last."""
        self.losses[arm] += (new - old) / self.p[arm]
        self.total += new - old
        self.means[arm] += (new - old) / self.plays[arm]

    def expected(self, arm: int) -> float:
        """What the arm cost on average, 0 before it was played."""
        return float(self.means[arm])

    def state_dict(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        return {
            "losses": self.losses.copy(),
            "plays": self.plays.copy(),
            "means": self.means.copy(),
            "p": self.p.copy(),
            "rounds": self.rounds,
            "total": self.total,
            "live": self._live,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it does not fit; nothing is changed then.
        """
        arrays = taken(state, {name: getattr(self, name).shape for name in ("losses", "plays", "means", "p")})
        rounds, total, live = int(state["rounds"]), float(state["total"]), int(state["live"])
        if rounds < 0 or not math.isfinite(total) or not 0 < live <= len(self.p) or (arrays["plays"] < 0).any():
            raise ValueError("the state of a Tsallis policy has counts that cannot be")
        self.losses, self.plays, self.means, self.p = (arrays[n] for n in ("losses", "plays", "means", "p"))
        self.rounds, self.total, self._live = rounds, total, live
