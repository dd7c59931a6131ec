"""Random sequences for the check that learning never hurts: what drifts, what is unrelated, what is renumbered, what
jumps.

Matrices have 50 to 3000 rows. Symmetric positive definite ones: flow through random media, shifted Laplacians in the plane
and in space, and linear finite elements on random triangulations. Others (`ALL_KINDS`): flow in a wind, Laplacians shifted
into their spectrum, damped waves. Sequence `k` depends on `k` and on the kinds that take turns.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["ALL_KINDS", "EVOLUTIONS", "KINDS", "random_sequence"]

EVOLUTIONS = ("drifting", "unrelated", "permuted", "jumping")
KINDS = ("darcy", "laplacian", "laplacian3d", "elements")
ALL_KINDS = (*KINDS, "wind", "indefinite", "waves")


def random_sequence(
    k: int, count: int = 50, smallest: int = 50, largest: int = 3000, kinds: tuple[str, ...] = KINDS
) -> tuple[str, list[Any]]:
    """Sequence number `k`: a label, and its systems.

    Parameters
    ----------
    k : int
        Evolutions and kinds of matrices take turns with it.
    count : int
    smallest, largest : int
        Rows, drawn uniformly in the logarithm.
    kinds : tuple of str

    Examples
    --------
    >>> from resolvent.bench.sequences import random_sequence
    >>> label, systems = random_sequence(0, count=3, largest=80)
    >>> label.split()[:2], len(systems)
    (['drifting', 'darcy'], 3)
    """
    rng = np.random.default_rng([911, k])
    evolution = EVOLUTIONS[k % 4]
    kind = kinds[k // 4 % len(kinds)]
    n = int(np.exp(rng.uniform(np.log(smallest), np.log(largest))))
    build, modes = _builder(kind, n, rng)
    step = float(10 ** rng.uniform(-2.5, -0.3))
    contrast = float(rng.uniform(0.2, 1.8))
    shift = float(10 ** rng.uniform(-5, -0.5))
    side = rng.choice(["same", "smooth", "noise"])
    g, f, level = rng.standard_normal(modes), rng.standard_normal(modes), 0.0
    systems = []
    for i in range(count):
        fresh = evolution == "unrelated" or (evolution == "jumping" and i > 0 and rng.random() < 0.12)
        if fresh:
            g, level = rng.standard_normal(modes), float(rng.uniform(-1, 1))
        g = np.sqrt(1 - step**2) * g + step * rng.standard_normal(modes)
        level = 0.98 * level + 0.3 * step * rng.standard_normal()
        A, field = build(contrast * g, shift * 10.0**level)
        if evolution == "unrelated" and side != "same":
            f = rng.standard_normal(modes)
        f = f + 0.5 * step * rng.standard_normal(modes)
        b = {"same": np.ones(A.shape[0]), "smooth": field(f), "noise": rng.standard_normal(A.shape[0])}[str(side)]
        systems.append(_system(A, b, rng.permutation(A.shape[0]) if evolution == "permuted" else None))
    n = systems[0].n
    return f"{evolution} {kind} k={k} n={n} step={step:.3g} contrast={contrast:.2g} shift={shift:.1e} b={side}", systems


def _system(A: Any, b: Any, order: Any) -> Any:
    from ..problems import LinearSystem

    if order is not None:
        A, b = sp.csr_array(A[order][:, order]), b[order]
    A.sort_indices()
    return LinearSystem(A, np.ascontiguousarray(b))


def _builder(kind: str, n: int, rng: Any) -> tuple[Callable[[Any, float], tuple[Any, Callable[[Any], Any]]], int]:
    if kind == "elements":
        return _elements(n, rng)
    if kind in ("wind", "indefinite", "waves"):
        return _turned(kind, max(4, round(n**0.5)), rng)
    shape = (round(n ** (1 / 3)),) * 3 if kind == "laplacian3d" else (max(4, round(n**0.5)),) * 2
    return _grid(shape, varying=kind == "darcy")


def _grid(shape: tuple[int, ...], varying: bool) -> tuple[Any, int]:
    from ..gallery.fields import GridStencil

    stencil = GridStencil(shape)
    axes = np.indices(shape).reshape(len(shape), -1).T / (np.array(shape) + 1.0)
    waves = _waves(axes)

    def build(g: Any, shift: float) -> tuple[Any, Callable[[Any], Any]]:
        a = np.exp(waves @ g).reshape(shape) if varying else np.ones(shape)
        return stencil.darcy(a, shift=shift), lambda f: waves @ f

    return build, waves.shape[1]


def _turned(kind: str, m: int, rng: Any) -> tuple[Any, int]:
    """What is not definite: an upwind M-matrix, a real symmetric and a complex symmetric indefinite matrix."""
    from ..gallery.fields import GridStencil

    stencil = GridStencil((m, m))
    corners = np.indices((m + 1, m + 1)) / m
    s = 10 ** rng.uniform(0, 2.5) * np.sin(np.pi * corners[0] + rng.uniform()) * np.sin(2 * np.pi * corners[1])
    fluxes = [np.diff(s, axis=1)[1:-1], -np.diff(s, axis=0)[:, 1:-1]]
    waves = _waves(np.indices((m, m)).reshape(2, -1).T / (m + 1.0))
    depth = min(3.0, rng.uniform(1.5, 30.0) * 2.0 * (np.pi / m) ** 2)  # above the lowest eigenvalues

    def build(g: Any, shift: float) -> tuple[Any, Callable[[Any], Any]]:
        a = np.exp(waves @ g).reshape(m, m)
        if kind == "wind":
            return stencil.upwind(stencil.darcy(a, shift=shift), fluxes), lambda f: waves @ f
        lower = depth * (1.0 + 0.1 * np.log(a).ravel()) + shift
        if kind == "waves":
            lower = lower * (1.0 - 0.1j)
        return sp.csr_array(stencil.darcy(np.ones((m, m))) - sp.diags_array(lower)), lambda f: waves @ f

    return build, waves.shape[1]


def _waves(points: Any) -> Any:
    """Twelve smooth functions at the points, each of size about one third."""
    rng = np.random.default_rng(3)
    k = rng.integers(1, 5, size=(12, points.shape[1]))
    phase = rng.uniform(0, 2 * np.pi, 12)
    return np.cos(2 * np.pi * (points @ k.T) / 2 + phase) / 2


def _elements(n: int, rng: Any) -> tuple[Any, int]:
    """Linear elements on a Delaunay triangulation of n random points, natural boundary, mass as the shift."""
    from scipy.spatial import Delaunay

    points = rng.random((n, 2))
    triangles = Delaunay(points).simplices
    p = points[triangles]
    edge = np.stack([p[:, 2] - p[:, 1], p[:, 0] - p[:, 2], p[:, 1] - p[:, 0]], axis=1)
    area = 0.5 * np.abs(edge[:, 0, 0] * edge[:, 1, 1] - edge[:, 0, 1] * edge[:, 1, 0])
    keep = area > 1e-3 / n
    triangles, edge, area = triangles[keep], edge[keep], area[keep]
    local = np.einsum("tik,tjk->tij", edge, edge) / (4 * area[:, None, None])
    mass = (np.ones((3, 3)) + np.eye(3)) / 12
    rows, cols = np.repeat(triangles, 3, axis=1).ravel(), np.tile(triangles, (1, 3)).ravel()
    waves, middles = _waves(points), _waves(points[triangles].mean(axis=1))

    def build(g: Any, shift: float) -> tuple[Any, Callable[[Any], Any]]:
        a = np.exp(middles @ g)
        values = a[:, None, None] * local + (1e3 * shift) * area[:, None, None] * mass * n / 100
        A = sp.csr_array(sp.coo_array((values.ravel(), (rows, cols)), shape=(n, n)))
        A = A + 1e-12 * sp.eye_array(n, format="csr")
        A.sum_duplicates()
        return sp.csr_array(A), lambda f: waves @ f

    return build, waves.shape[1]
