"""Of what shape a linear system is, for the choice of a method: found once per pattern, from the entries or by two products."""

from typing import Any

import numpy as np

from . import checks
from .memory import NAMES

__all__ = ["Shaped", "dominant"]


class Shaped:
    """The part of LinearSystem that tells ``auto`` what it is like."""

    n: int
    dtype: Any
    stored: bool
    symmetric: bool | None
    positive_definite: bool | None

    def kind_of_arms(self) -> str:
        """What ``auto`` distinguishes: how A is given, its shape (below), its size and dtype.

        ``spd``: symmetric (Hermitian) with positive diagonal, as long as no solve shows otherwise; ``hermitian``: the
        others of these; ``symmetric``: complex symmetric; ``dominant``: rows or columns have dominant diagonals;
        ``general``: all else.
        """
        return f"{'stored' if self.stored else 'operator'}/{self._shape()}/{self.n}/{NAMES.get(self.dtype, self.dtype)}"

    def _shape(self: Any) -> str:
        told = (
            self.stored or self.symmetric is not None or hasattr(self, "xp")
        )  # arrays of other libraries look themselves
        if not (self.is_symmetric() if told else _seems_symmetric(self)):
            return _without_symmetry(self)
        if self.positive_definite is False:
            return "hermitian"
        if self.positive_definite or not self.stored:
            return "spd" if self.facts.get("positive", True) else "hermitian"
        positive = self.facts.get("positive", True) and bool(np.all(self.diagonal().real > 0))
        return "spd" if positive else "hermitian"


def _without_symmetry(problem: Any) -> str:
    """``symmetric``, ``dominant`` or ``general``; entered into the facts of the pattern."""
    if not problem.stored:
        return "general"
    facts = problem.facts
    if "turned" not in facts:
        problem._vet()
        facts["turned"] = problem.dtype.kind == "c" and checks.found_symmetric(problem, hermitian=False)
        with np.errstate(all="ignore"):
            facts["dominant"] = dominant(problem.ip, problem.ix, problem.data)
        problem.work.add("symmetry", 2, "once")
    return "symmetric" if facts["turned"] else "dominant" if facts["dominant"] else "general"


def _seems_symmetric(problem: Any) -> bool:
    """Whether an operator gives <u, A v> = <A u, v> for one pair of random vectors; asked once, two products."""
    facts = problem.facts
    if "seems symmetric" not in facts:
        u = checks.random_like(np.ones(problem.n, dtype=problem.dtype))
        v = u[::-1].copy()
        v[::2] *= -0.5
        au, av = problem.product(u), problem.product(v)
        with np.errstate(all="ignore"):
            gap = abs(np.vdot(u, av) - np.vdot(au, v))
            size = np.linalg.norm(u) * np.linalg.norm(av) + np.linalg.norm(au) * np.linalg.norm(v)
        facts["seems symmetric"] = not gap > problem.eps**0.5 * float(size)
    return bool(facts["seems symmetric"])


def dominant(ip: Any, ix: Any, data: Any) -> bool:
    """Whether all rows, or all columns, have weakly dominant diagonals, up to rounding.

    Examples
    --------
    >>> dominant(np.array([0, 2, 4]), np.array([0, 1, 0, 1]), np.array([2.0, 2.0, -1.0, 2.0]))
    True
    """
    n = len(ip) - 1
    rows = np.repeat(np.arange(n), np.diff(ip.astype(np.int64)))
    size = np.abs(data)
    own = rows == ix
    diagonal = np.bincount(rows[own], size[own], n)
    for of in (rows, ix):
        sums = np.bincount(of.astype(np.int64), size, n)
        if np.all(sums <= (2.0 + 1e-7) * diagonal):
            return True
    return False
