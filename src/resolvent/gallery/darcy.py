"""Flow through random media: ``darcy(a) u = h^2``, the conductivity `a` new or drifting from problem to problem.

``g_q = field(xi_q)`` with independent standard normals ``xi_q`` (`fields.RandomField`, alpha = 2, tau = 3, one stream
from the seed). ``log``: ``a = exp(1.5 g)``. ``threshold``: ``a = 12`` where ``g >= 0``, else 3. ``path``: ``g_q =
0.99 g_{q-1} + sqrt(1 - 0.99^2) field(xi_q)``. Two that are made against whoever carries things over: ``jumps`` is a
path that starts anew every `every` problems, ``returning`` stays on one of a few paths for `dwell` problems and then
turns to the next, in a circle.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .fields import GridStencil, NormalBlocks, RandomField
from .sequence import Sequence, check_integer, check_number, spd_system

__all__ = ["DarcyJumps", "DarcyLog", "DarcyPath", "DarcyReturning", "DarcyThreshold", "Unrelated"]


class DarcyLog(Sequence):
    """Independent log-normal media: ``a = exp(1.5 g)``, contrast about 1e4 at m = 100.

    Parameters
    ----------
    count : int
        Number of systems.
    size : int
        Grid points a side, m; n = m^2.
    seed : int
        Of the one stream of normals.

    Notes
    -----
    Any index may be asked for in any order. `features` are the 8 x 8 lowest cosine coefficients of g, in which a
    greedy ordering by nearest neighbours can be done.

    Examples
    --------
    >>> media = DarcyLog(count=3, size=6)
    >>> bool((media[1].A.data == media[1].A.data).all()), media[1].A.indices is media[2].A.indices
    (True, True)
    """

    name = "darcy-log"
    title = "Flow through unrelated log-normal media: nothing but parameters can be learned."

    def __init__(self, count: int = 200, size: int = 100, *, seed: int = 20240):
        seed = check_integer("seed", seed, 0)
        super().__init__(count, check_integer("size", size, 2, 20_000), {"seed": seed})
        m = self.size
        self._stencil = GridStencil((m, m))
        self._normals = NormalBlocks(seed, (m, m))
        self._grf = RandomField(m)
        self._b = np.full(m * m, 1.0 / (m + 1) ** 2)

    def field(self, i: int) -> np.ndarray:
        """The Gaussian field g of problem `i`, (m, m)."""
        return self._grf(self._normals(i))

    def conductivity(self, i: int) -> np.ndarray:
        """The cell values a of problem `i`, (m, m)."""
        return np.exp(1.5 * self.field(i))

    def features(self, i: int) -> np.ndarray:
        """The lowest 8 x 8 cosine coefficients of the field."""
        from scipy.fft import dctn

        return dctn(self.field(i), norm="ortho")[:8, :8].ravel() / self.size

    def _problem(self, i: int) -> Any:
        return spd_system(self._stencil.darcy(self.conductivity(i)), self._b.copy())


class Unrelated(DarcyLog):
    """`darcy-log` under the name that says what it is for: systems with nothing to carry over but parameters.

    Examples
    --------
    >>> bool((Unrelated(2, 5)[1].A != DarcyLog(2, 5)[1].A).nnz == 0)
    True
    """

    name = "unrelated"
    title = "The systems of darcy-log, where carrying anything over can only hurt."


class DarcyThreshold(DarcyLog):
    """Independent two-phase media: conductivity 12 or 3.

    Examples
    --------
    >>> sorted(set(DarcyThreshold(1, 6).conductivity(0).ravel().tolist()))
    [3.0, 12.0]
    """

    name = "darcy-threshold"
    title = "Flow through unrelated two-phase media of contrast 4."

    def conductivity(self, i: int) -> np.ndarray:
        """12 where the field is not negative, else 3."""
        return np.where(self.field(i) >= 0, 12.0, 3.0)


class DarcyPath(DarcyLog):
    """A log-normal medium that drifts: neighbouring fields differ by about 15 %.

    Parameters
    ----------
    count, size, seed
        As for `DarcyLog`.
    rho : float
        Correlation of a field with the next one.

    Notes
    -----
    The running field is kept; an earlier index starts again from 0.

    Examples
    --------
    >>> import numpy as np
    >>> path = DarcyPath(count=5, size=6)
    >>> last = path.field(4)
    >>> first = path.field(0)
    >>> bool(np.array_equal(last, path.field(4)))
    True
    """

    name = "darcy-path"
    title = "Flow through a log-normal medium that drifts from system to system."

    def __init__(self, count: int = 200, size: int = 100, *, seed: int = 20240, rho: float = 0.99):
        rho = check_number("rho", rho, 0.0, 1.0, open_low=False)
        super().__init__(count, size, seed=seed)
        self.options["rho"] = rho
        self._rho, self._fresh = rho, math.sqrt(1.0 - rho * rho)
        self._at, self._g = -1, None

    def _origin(self, i: int) -> int:
        """The index at which the path that problem `i` lies on begins."""
        return 0

    def field(self, i: int) -> np.ndarray:
        """The Gaussian field g of problem `i`, (m, m)."""
        origin = self._origin(i)
        if self._g is None or not origin <= self._at <= i:
            self._at, self._g = origin, self._grf(self._normals(origin))
        while self._at < i:
            self._g = self._rho * self._g + self._fresh * self._grf(self._normals(self._at + 1))
            self._at += 1
        return self._g


class DarcyJumps(DarcyPath):
    """A drifting medium that is exchanged for an unrelated one every `every` systems.

    Parameters
    ----------
    every : int
        Systems between two jumps; a prime by default, so that no fixed period of rebuilding meets it.

    Examples
    --------
    >>> import numpy as np
    >>> jumps = DarcyJumps(count=8, size=6, every=3)
    >>> step = [np.linalg.norm(jumps.field(i + 1) - jumps.field(i)) for i in range(5)]
    >>> bool(step[2] > 3 * max(step[0], step[1], step[3], step[4]))
    True
    """

    name = "jumps"
    title = "A drifting log-normal medium that jumps to an unrelated one every few systems."

    def __init__(self, count: int = 200, size: int = 100, *, seed: int = 20240, rho: float = 0.99, every: int = 13):
        super().__init__(count, size, seed=seed, rho=rho)
        self._every = self.options["every"] = check_integer("every", every, 1)

    def _origin(self, i: int) -> int:
        return i - i % self._every


class DarcyReturning(DarcyLog):
    """A few slowly drifting media, visited in turn: what was set up for one is good again when it returns.

    Parameters
    ----------
    fields : int
        How many media there are.
    dwell : int
        Systems spent on one before the next; the period is ``fields * dwell``.
    rho : float
        Correlation of a medium with itself one visited system later (it rests while others are visited).

    Examples
    --------
    >>> import numpy as np
    >>> there = DarcyReturning(count=9, size=6, fields=2, dwell=2, rho=1.0)
    >>> bool(np.array_equal(there.field(0), there.field(4))), bool(np.array_equal(there.field(0), there.field(2)))
    (True, False)
    """

    name = "returning"
    title = "A few slowly drifting media visited in turn: an old set-up becomes good again."

    def __init__(
        self,
        count: int = 200,
        size: int = 100,
        *,
        seed: int = 20240,
        rho: float = 0.999,
        fields: int = 2,
        dwell: int = 7,
    ):
        rho = check_number("rho", rho, 0.0, 1.0, open_low=False)
        fields, dwell = check_integer("fields", fields, 1, 64), check_integer("dwell", dwell, 1)
        super().__init__(count, size, seed=seed)
        self.options.update(rho=rho, fields=fields, dwell=dwell)
        self._rho, self._fresh, self._dwell = rho, math.sqrt(1.0 - rho * rho), dwell
        self._at, self._media = -1, [None] * fields

    def field(self, i: int) -> np.ndarray:
        """The Gaussian field g of problem `i`, (m, m)."""
        if self._at > i:
            self._at, self._media = -1, [None] * len(self._media)
        while self._at < i:
            self._at += 1
            which = self._at // self._dwell % len(self._media)
            new, old = self._grf(self._normals(self._at)), self._media[which]
            self._media[which] = new if old is None else self._rho * old + self._fresh * new
        return self._media[i // self._dwell % len(self._media)]
