"""Builders of sequences of problems by name, and readers and writers of real ones.

``gallery.sequence("darcy-path", count=50, size=64)`` builds; ``gallery.load_sequence(path_or_name)`` and
``gallery.load_system(path)`` read; ``gallery.save_system(path, problem)`` writes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.names import meant
from .convection import ConvectionDiffusion, Helmholtz
from .darcy import DarcyJumps, DarcyLog, DarcyPath, DarcyReturning, DarcyThreshold, Unrelated
from .entries import ArrivingEntries
from .games import GameDrift
from .heat import HeatConductivity, HeatShift
from .mdp import MDPDrift
from .photograph import Photograph
from .poisson3d import Poisson3dDrift
from .relax import HeatEquation, SyntheticShift
from .samples import ConvectionDiffusionSamples, DarcySamples, HelmholtzSamples, PoissonSamples
from .sequence import Sequence
from .smooth import LogSumExpDrift
from .topology import Topology, Topology3d
from .transport import DriftingImages, DriftingPoints

__all__ = ["OTHERS", "SEQUENCES", "Sequence", "load_sequence", "load_system", "save_system", "sequence"]

#: The builders by name; each takes ``count=``, ``size=`` and its own options.
SEQUENCES: dict[str, Callable[..., Sequence]] = {
    builder.name: builder
    for builder in (
        HeatShift,
        HeatConductivity,
        DarcyLog,
        DarcyThreshold,
        DarcyPath,
        DarcyJumps,
        DarcyReturning,
        Unrelated,
        Poisson3dDrift,
        Topology,
        Topology3d,
        Photograph,
        SyntheticShift,
        HeatEquation,
        ConvectionDiffusion,
        Helmholtz,
        DarcySamples,
        PoissonSamples,
        ConvectionDiffusionSamples,
        HelmholtzSamples,
    )
}

#: Those whose problems are no linear systems.
OTHERS: dict[str, Callable[..., Sequence]] = {
    builder.name: builder
    for builder in (ArrivingEntries, DriftingImages, DriftingPoints, GameDrift, LogSumExpDrift, MDPDrift)
}


def sequence(name: str, count: int | None = None, size: int | None = None, **options: Any) -> Sequence:
    """Build one of the gallery's sequences.

    Parameters
    ----------
    name : str
        A key of `SEQUENCES` or of `OTHERS`.
    count, size : int, optional
        How many problems, and how large (what the size is stands with each builder); the builder's default without.
    **options
        The builder's own.

    Raises
    ------
    ValueError
        Unknown name or option; the sentence lists those there are.

    Examples
    --------
    >>> path = sequence("darcy-path", count=2, size=5, rho=0.9)
    >>> len(path), path[1].A.shape
    (2, (25, 25))
    >>> sequence("darcy-pth")
    Traceback (most recent call last):
        ...
    ValueError: there is no sequence 'darcy-pth' in the gallery (did you mean 'darcy-path'?); there are: arriving-entries, ...
    """
    import inspect

    known_names = {**SEQUENCES, **OTHERS}
    if name not in known_names:
        near, there = meant(name, known_names), ", ".join(sorted(known_names))
        raise ValueError(f"there is no sequence {name!r} in the gallery{near}; there are: {there}")
    builder = known_names[name]
    known = [key for key in inspect.signature(builder).parameters if key not in ("count", "size")]
    unknown = sorted(set(options) - set(known))
    if unknown:
        has = f"its options are: {', '.join(known)}" if known else "it has no options but count and size"
        raise ValueError(f"the sequence {name!r} has no option {unknown[0]!r}{meant(unknown[0], known)}; {has}")
    given = {key: value for key, value in (("count", count), ("size", size)) if value is not None}
    return builder(**given, **options)


def __getattr__(name: str) -> Any:
    if name in ("load_sequence", "load_system", "save_system"):
        from . import readers

        return getattr(readers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
