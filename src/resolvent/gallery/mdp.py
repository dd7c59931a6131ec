"""Markov decision processes as fixed points: value iteration is the map, policy evaluation its linearisation.

    T(v)_s = max_a  r_{sa} + gamma sum_{s'} P_{sa,s'} v_{s'}

T contracts with gamma in the maximum norm, in which the residual is measured. The linearisation at v is
``(I - gamma P_pi) y = r_pi`` with pi greedy for v, so that Newton's method is policy iteration. One evaluation costs
``S A b`` multiply-adds, b the successors of a pair.

Reference: Puterman, Markov Decision Processes (1994), sections 6.3 and 6.4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from ..problems.fixed_point import FixedPoint
from .sequence import Sequence, check_integer, check_number

__all__ = ["MDP", "MDPDrift", "garnet", "ring"]


class MDP:
    """States, actions, transitions and rewards.

    Parameters
    ----------
    successors : ndarray of int, shape (S, A, b)
        Where a pair of state and action may lead.
    weights : ndarray, shape (S, A, b)
        With what probability; sums to one over the last axis.
    rewards : ndarray, shape (S, A)
    gamma : float
        Discount in (0, 1).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.gallery.mdp import garnet
    >>> model = garnet(states=50, actions=3, successors=5, gamma=0.9)
    >>> result = rv.solve(model.problem(), "picard", rtol=1e-6)
    >>> result.ok, bool(np.all(result.x >= model.rewards.max(axis=1)))
    (True, True)
    """

    def __init__(self, successors: Any, weights: Any, rewards: Any, gamma: float) -> None:
        self.states, self.actions, self.branches = successors.shape
        self.rewards = np.asarray(rewards, dtype=float)
        self.gamma = check_number("gamma", gamma, 0.0, 1.0)
        starts = np.arange(0, successors.size + 1, self.branches)
        self.P = sp.csr_array(
            (np.asarray(weights, dtype=float).ravel(), successors.ravel().astype(np.int32), starts.astype(np.int32)),
            shape=(self.states * self.actions, self.states),
        )
        self.P.sum_duplicates()

    def values(self, v: Any) -> Any:
        """The value of each action at each state when v is what follows; shape (S, A)."""
        return self.rewards + self.gamma * (self.P @ v).reshape(self.states, self.actions)

    def greedy(self, v: Any) -> Any:
        """The best action of each state when v is what follows."""
        return np.argmax(self.values(v), axis=1)

    def evaluation(self, policy: Any) -> tuple[Any, Any]:
        """``I - gamma P_pi`` and ``r_pi``: the value of a policy solves this system."""
        states = np.arange(self.states)
        A = sp.eye_array(self.states, format="csr") - self.gamma * self.P[states * self.actions + policy]
        return sp.csr_array(A), self.rewards[states, policy]

    def problem(self, rewards: Any = None) -> FixedPoint:
        """Value iteration, with these rewards in place of the model's."""
        model = self if rewards is None else self._with(rewards)
        return FixedPoint(
            map=lambda v: model.values(v).max(axis=1),
            reference=np.zeros(self.states),
            norm=np.inf,
            linearization=lambda v: model.evaluation(model.greedy(v)),
            nonzeros=self.P.nnz,
        )

    def _with(self, rewards: Any) -> MDP:
        other = object.__new__(MDP)
        other.__dict__.update(self.__dict__, rewards=np.asarray(rewards, dtype=float))
        return other

    def drifting(self, count: int, drift: float = 0.01, seed: int = 1) -> Iterator[FixedPoint]:
        """Problems whose rewards take steps ``drift * N(0, 1)``; the first one is the model's own."""
        for i in range(check_integer("count", count, 1)):
            yield self.drifted(i, drift, seed)

    def drifted(self, i: int, drift: float, seed: int) -> FixedPoint:
        """The problem after ``i`` steps of the rewards."""
        rng = np.random.default_rng(seed)
        rewards = self.rewards
        for _ in range(i):
            rewards = rewards + drift * rng.standard_normal(rewards.shape)
        return self.problem(rewards)


def garnet(
    states: int = 5000,
    actions: int = 10,
    successors: int = 20,
    gamma: float = 0.999,
    concentration: float = 0.3,
    seed: int = 0,
) -> MDP:
    """A random process: successors drawn uniformly, probabilities from a Dirichlet law, rewards from U(0, 1).

    Reference: Bhatnagar, Sutton, Ghavamzadeh and Lee, Automatica 45 (2009), where such problems are named so.
    """
    return _drawn(states, actions, successors, gamma, concentration, seed, None)


def ring(
    states: int = 5000,
    actions: int = 10,
    successors: int = 20,
    reach: int = 25,
    gamma: float = 0.999,
    concentration: float = 0.3,
    seed: int = 0,
) -> MDP:
    """States on a ring with successors within ``reach``: it mixes slowly, and plain iteration needs 1 / (1 - gamma) steps."""
    return _drawn(states, actions, successors, gamma, concentration, seed, check_integer("reach", reach, 1))


def _drawn(
    states: int, actions: int, successors: int, gamma: float, concentration: float, seed: int, reach: int | None
) -> MDP:
    for name, value in (("states", states), ("actions", actions), ("successors", successors)):
        check_integer(name, value, 1)
    rng = np.random.default_rng(seed)
    shape = (states, actions, successors)
    if reach is None:
        where = rng.integers(0, states, shape)
    else:
        where = (np.arange(states)[:, None, None] + rng.integers(-reach, reach + 1, shape)) % states
    weights = rng.dirichlet(np.full(successors, concentration), (states, actions))
    return MDP(where, weights, rng.random((states, actions)), gamma)


class MDPDrift(Sequence):
    """Decision processes whose rewards drift.

    Parameters
    ----------
    count : int
        Number of problems.
    size : int
        States.
    kind : {"ring", "garnet"}
        Slow or fast mixing.
    actions, successors : int
    gamma : float
        Discount in (0, 1).
    drift : float
        Size of a step of the rewards, which are drawn from U(0, 1).
    seed : int

    Examples
    --------
    >>> problems = list(MDPDrift(count=2, size=30, successors=4))
    >>> problems[1].n, sorted(problems[1].offers)
    (30, ['linearization', 'map'])
    """

    name = "mdp-drift"
    title = "Markov decision processes with drifting rewards: fixed points, for value and policy iteration."

    def __init__(
        self,
        count: int = 20,
        size: int = 2000,
        *,
        kind: str = "ring",
        actions: int = 10,
        successors: int = 20,
        gamma: float = 0.999,
        drift: float = 0.01,
        seed: int = 0,
    ):
        if kind not in ("ring", "garnet"):
            raise ValueError(f"kind={kind!r} was given; 'ring' and 'garnet' are possible")
        options = {"kind": kind, "actions": actions, "successors": successors, "gamma": gamma}
        super().__init__(count, size, options | {"drift": drift, "seed": seed})
        self.drift = check_number("drift", drift, 0.0, open_low=False)
        build = ring if kind == "ring" else garnet
        self._model = build(states=size, actions=actions, successors=successors, gamma=gamma, seed=seed)

    def _problem(self, i: int) -> FixedPoint:
        return self._model.drifted(i, self.drift, self.options["seed"] + 1)
