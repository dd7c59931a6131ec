"""Lowerings: inclusions as fixed points of maps that are nonexpansive.

    forward-backward   T(x) = J_{eta G}(x - eta F(x))                    F (1/L)-cocoercive, eta < 2 / L
    Douglas-Rachford   T(z) = z + J_B(2 J_A(z) - z) - J_A(z)            x = J_A(z)
    proximal point     T(x) = J_{eta G}(x)

Reference: Bauschke and Combettes, Convex Analysis and Monotone Operator Theory in Hilbert Spaces, 2nd ed., chapter 26.
"""

from collections.abc import Callable
from typing import Any

from .fixed_point import FixedPoint
from .inclusion import Inclusion

__all__ = ["douglas_rachford", "forward_backward", "proximal_point"]


def forward_backward(problem: Inclusion, eta: float | None = None) -> FixedPoint:
    """The forward-backward map of an inclusion whose F is cocoercive.

    Parameters
    ----------
    problem : Inclusion
    eta : float, optional
        Step, positive; 1 / L where ``lipschitz`` is given.

    Raises
    ------
    ValueError
        Without eta and without ``lipschitz``, or for an eta that is not positive.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.problems import forward_backward
    >>> below = rv.Inclusion(lambda x: x - np.array([2.0, -1.0]), lambda v, eta: np.maximum(v, 0.0), lipschitz=1.0)
    >>> rv.solve(forward_backward(below, 0.5), "anderson", x0=np.ones(2), rtol=1e-8).x.round(6).tolist()
    [2.0, 0.0]
    """
    if eta is None:
        if problem.lipschitz is None:
            raise ValueError("eta is needed where the inclusion has no lipschitz=")
        eta = 1.0 / problem.lipschitz
    step = _positive(eta)
    F, J = problem.operator, problem.resolvent

    def map(x: Any) -> Any:
        v = x - step * F(x)
        return v if J is None else J(v, step)

    return FixedPoint(map, problem.reference, certificate=problem.certificate, context=problem.context)


def proximal_point(resolvent: Callable[[Any, float], Any], eta: float = 1.0, **options: Any) -> FixedPoint:
    """The proximal point map x -> J_{eta G}(x); ``options`` are those of ``FixedPoint``."""
    step = _positive(eta)
    return FixedPoint(lambda x: resolvent(x, step), **options)


def douglas_rachford(
    first: Callable[[Any, float], Any], second: Callable[[Any, float], Any], eta: float = 1.0, **options: Any
) -> FixedPoint:
    """The Douglas-Rachford map of two operators given by their resolvents.

    A fixed point z gives the solution ``first(z, eta)``. Where there is none the map drifts, and its displacement is the
    gap between the domains (for two sets, with projections: the shortest vector between them).

    Parameters
    ----------
    first, second : callable
        ``resolvent(v, eta)`` of the two operators.
    eta : float
        Step, positive.
    **options
        Those of ``FixedPoint``, such as ``certificate``.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> from resolvent.problems import douglas_rachford
    >>> line, axis = lambda z, eta: np.full(2, z.mean()), lambda z, eta: z * np.array([1.0, 0.0]) + [0.0, 3.0]
    >>> z = rv.solve(douglas_rachford(line, axis), "picard", x0=np.zeros(2), rtol=1e-8).x
    >>> line(z, 1.0).round(5).tolist()
    [3.0, 3.0]
    """
    step = _positive(eta)

    def map(z: Any) -> Any:
        x = first(z, step)
        return z + second(2 * x - z, step) - x

    return FixedPoint(map, **options)


def _positive(eta: float) -> float:
    if not 0.0 < eta < float("inf"):
        raise ValueError(f"eta={eta!r} was given; a positive number is expected")
    return float(eta)
