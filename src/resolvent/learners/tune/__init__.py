"""Learners of parameters: ``Bandit`` for one that is drawn, with a bound on its regret, from the costs it sees."""

from .bandit import Bandit

__all__ = ["Bandit"]
