"""Two convex sets and the question whether they meet, as a Douglas-Rachford fixed point with a certificate.

The displacement of the Douglas-Rachford map is the shortest vector between the sets. It is a proof that they do not meet
when it separates them: ``max over A of <v, a>  <  min over B of <v, b>`` or the other way round, by their support functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..problems.fixed_point import FixedPoint
from ..problems.lowerings import douglas_rachford

__all__ = ["ConvexSet", "ball", "box", "feasibility", "halfspace"]


@dataclass(frozen=True)
class ConvexSet:
    """A closed convex set: its projection, and its support function ``max over the set of <d, x>`` (inf is allowed)."""

    project: Callable[[Any], Any]
    support: Callable[[Any], float]


def ball(center: Any, radius: float = 1.0) -> ConvexSet:
    """Points within ``radius`` of ``center``."""
    center = np.asarray(center, dtype=float)

    def project(x: Any) -> Any:
        d = x - center
        return center + d * min(1.0, radius / max(float(np.linalg.norm(d)), 1e-300))

    return ConvexSet(project, lambda d: float(d @ center + radius * np.linalg.norm(d)))


def halfspace(normal: Any, offset: float) -> ConvexSet:
    """Points with ``<normal, x> >= offset``."""
    a = np.asarray(normal, dtype=float)
    size = float(a @ a)

    def support(d: Any) -> float:
        slope = float(d @ a) / size
        aligned = bool(np.linalg.norm(d - slope * a) <= 1e-6 * np.linalg.norm(d))
        return slope * offset if aligned and slope <= 0.0 else np.inf

    return ConvexSet(lambda x: x + a * (max(0.0, offset - float(a @ x)) / size), support)


def box(low: Any, high: Any) -> ConvexSet:
    """Points with ``low <= x <= high`` in each entry; infinite bounds are allowed."""
    low, high = np.asarray(low, dtype=float), np.asarray(high, dtype=float)

    def support(d: Any) -> float:
        return float(
            sum(0.0 if v == 0.0 else v * (h if v > 0.0 else lo) for v, lo, h in zip(d, low, high, strict=True))
        )

    return ConvexSet(lambda x: np.clip(x, low, high), support)


def feasibility(first: ConvexSet, second: ConvexSet, dim: int) -> FixedPoint:
    """The Douglas-Rachford map of two sets in ``dim`` dimensions, with the separating hyperplane as certificate.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.gallery.feasibility import ball, feasibility, halfspace
    >>> apart = feasibility(ball([0.0, 0.0]), halfspace([0.0, 1.0], 1.5), 2)
    >>> result = rv.solve(apart, "displacement", x0=np.array([1.0, 2.0]), on_fail="ignore")
    >>> result.status.name, result.answered
    ('INFEASIBLE', True)
    """

    def certificate(v: Any) -> bool:
        return any(first.support(d) + second.support(-d) < 0.0 for d in (v, -v))

    return douglas_rachford(
        lambda z, eta: first.project(z),
        lambda z, eta: second.project(z),
        reference=np.zeros(dim),
        certificate=certificate,
    )
