"""Regularised optimal transport between two measures of equal mass.

    min <C, P> + reg * sum_ij P_ij (log P_ij - 1)   subject to   P 1 = a,  P' 1 = b,   P_ij = exp((f_i + g_j - C_ij) / reg)

A candidate is the pair of potentials (f, g) as one vector; it is measured by the plan that belongs to it: the L1 violation
of both marginals together, in one pass over C. Work is counted in such passes (``plans``).

References: Cuturi, Sinkhorn distances (NIPS 2013); Altschuler, Weed and Rigollet, Near-linear time approximation
algorithms for optimal transport via Sinkhorn iteration (NIPS 2017), algorithm 2, for the rounding.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .. import kernels
from ..core import Measure, OperatorError
from . import quadratic
from .guesses import real_parts
from .masses import Faces, checked_block, checked_cost, checked_masses, faces_of
from .plain import Plain

__all__ = ["Transport"]

_BLOCK_ENTRIES = 1 << 21
_DENSE = 40_000_000


@dataclass(frozen=True, eq=False)
class Transport(Plain):
    """Transport of the masses a to the masses b at cost C, smoothed by entropy.

    Parameters
    ----------
    C : array, shape (n, m), or callable
        Cost of moving a unit of mass, not negative, float32 or float64 (NumPy, or a torch tensor on the CPU). A callable
        ``C(start, stop)`` gives the rows from `start` to `stop` as an array of shape (stop - start, m): for costs that do
        not fit in memory.
    a, b : array, shape (n,) and (m,)
        Masses, not negative, of equal sum. Points without mass are left out.
    reg : float
        Regularisation, positive, in the unit of C.
    regularizer : {"entropy", "l2"}
        ``reg * sum P (log P - 1)``, or ``reg / 2 * sum P^2``.
    max_nonzeros : int, optional
        With "l2": the most entries that a column of the plan may have.

    Raises
    ------
    ValueError
        For shapes that do not fit, negative or non-finite entries, different sums, or a reg that is not positive.
    TypeError
        For integers or complex numbers.

    Notes
    -----
    ``residual`` is ``||P 1 - a||_1 + ||P' 1 - b||_1``, recomputed from the potentials; ``scale`` is the mass. The result's
    ``x`` is the plan (dense, or CSR where n m exceeds 4e7), ``result.potentials`` is (f, g), with -inf where there is no
    mass, and ``seen`` has ``row_error``, ``column_error``, ``gap`` (primal minus dual value after the plan was rounded to a
    feasible one, an upper bound; where the violation is below 1e-7 what rounding moves is bounded by it), ``cost_upper``
    and ``cost_lower`` (bounds of the cost without regularisation). With "l2"
    the plan itself is measured; ``gap`` is its value minus that of the semi-dual, ``most_nonzeros`` the entries of its
    fullest column, and x is CSR where ``max_nonzeros`` is given.

    References
    ----------
    Altschuler, Weed and Rigollet, NIPS 2017, algorithm 2 (rounding).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> C, half = np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([0.5, 0.5])
    >>> result = rv.solve(rv.Transport(C, half, half, reg=0.5), "sinkhornnewton", rtol=1e-12)
    >>> result.ok, bool(abs(result.x[0, 0] - 0.5 / (1 + np.exp(-2.0))) < 1e-12)
    (True, True)
    """

    C: Any
    a: Any
    b: Any
    reg: float
    regularizer: str = "entropy"
    max_nonzeros: int | None = None

    family: ClassVar[str] = "transport"
    default_steps: ClassVar[int] = 200_000

    def __post_init__(self) -> None:
        if self.regularizer not in ("entropy", "l2"):
            raise ValueError(f'regularizer={self.regularizer!r} was given; "entropy" or "l2" is possible')
        number = isinstance(self.reg, int | float | np.number) and not isinstance(self.reg, bool)
        if not number or not 0.0 < float(self.reg) < math.inf:
            raise ValueError(f"reg={self.reg!r} was given; a positive finite number is expected")
        faces = faces_of(self.C, self.a, self.b)
        a, b, mass = checked_masses(faces.a, faces.b)
        rows, cols = np.flatnonzero(a), np.flatnonzero(b)
        ready = self.__dict__
        ready.update(n=len(a), m=len(b), mass=mass, faces=faces)
        ready["rows"] = None if len(rows) == len(a) else rows
        ready["cols"] = None if len(cols) == len(b) else cols
        ready["stored"] = not callable(self.C)
        cost = None
        if self.stored:
            cost, ready["range"] = checked_cost(faces.C, len(a), len(b))
        most = max(ready.get("range", 0.0), 1.0)
        if most > float(self.reg) * 1e300:
            raise ValueError(f"reg={self.reg!r} is too small for costs that differ by {most:.3g}: scale C and reg")
        if cost is not None and (self.rows is not None or self.cols is not None):
            cost = np.ascontiguousarray(cost[np.ix_(rows, cols)])
        ready["matrix"] = cost
        ready["source"], ready["targets"] = a[rows].astype(float), b[cols].astype(float)
        kinds = [a.dtype, b.dtype] if cost is None else [a.dtype, b.dtype, cost.dtype]
        ready["dtype"] = np.result_type(*kinds)
        ready["dense"] = len(a) * len(b) <= _DENSE
        self._sparse(len(rows), len(cols))
        ready["offers"] = frozenset({"plans", "entropy" if self.regularizer == "entropy" else "quadratic"})
        self._prepare()

    def _sparse(self, rows: int, cols: int) -> None:
        """What a limit on the entries of a column asks for."""
        k = self.max_nonzeros
        if self.regularizer == "l2" and not self.stored:
            raise TypeError('regularizer="l2" needs a stored C; a callable was given')
        if k is None:
            return
        if self.regularizer != "l2":
            raise ValueError('max_nonzeros needs regularizer="l2": a plan smoothed by entropy has no zeros')
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or k < 1:
            raise ValueError(f"max_nonzeros={k!r} was given; a whole number of at least 1 is expected")
        if k * cols < rows:
            least = -(-rows // cols)
            raise ValueError(
                f"max_nonzeros={k} is too small: {cols} columns of {k} entries cannot reach {rows} rows; give at least {least}"
            )

    n: ClassVar[int]
    m: ClassVar[int]
    mass: ClassVar[float]
    faces: ClassVar[Faces]
    rows: ClassVar[Any]
    cols: ClassVar[Any]
    stored: ClassVar[bool]
    matrix: ClassVar[Any]
    source: ClassVar[Any]
    targets: ClassVar[Any]
    dtype: ClassVar[Any]
    dense: ClassVar[bool]

    # ---- what the Session asks -------------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """The mass."""
        return self.mass

    @property
    def default_rtol(self) -> float:
        """1e-3 in float32: potentials of that precision give no better plan."""
        return 1e-3 if self.dtype == np.float32 else 1e-6

    def shape_key(self) -> list[int | float | str]:
        """Sizes, dtype, and whether the cost is stored."""
        kind = "stored" if self.stored else "blocks"
        return [self.n, self.m, str(self.dtype), kind, self.regularizer, self.max_nonzeros or 0]

    def weights(self) -> Mapping[str, float]:
        """In units of one evaluation of all exponentials of a plan."""
        entries = float(len(self.source)) * len(self.targets)
        return {
            "plans": 1.0,
            "scalings": 0.33,
            "extractions": 0.55,
            "scans": 0.2,
            "columns": 2.0,
            "roundings": 0.7,
            "sparse": 0.22 / entries,
            "sorts": 6.0,
            "programs": 1e3,
            "dense_flops": 0.05 / entries,
            "calls": 3e4 / entries,
        }

    def digest(self) -> dict[str, Any]:
        """What was measured, in words."""
        source = "the potentials and C alone" if self.regularizer == "entropy" else "the plan alone"
        bound = "the gap bounds the distance to the optimal value"
        return {"kind": "violation of both marginals, 1-norm", "strength": f"recomputed from {source}; {bound}"}

    def zero(self) -> Any:
        """Potentials that are zero."""
        return np.zeros(self.n + self.m)

    def unfit(self, x0: Any = None) -> str | None:
        """NaN or +inf in a first guess; -inf stands for a potential that is not known."""
        if x0 is None:
            return None
        bad = any(np.any(np.isnan(p) | np.isposinf(p)) for p in real_parts(x0))
        return "x0 contains NaN or inf" if bad else None

    def enter(self, x0: Any) -> Any:
        """Potentials (f, g) as a pair or as one vector of n + m numbers.

        Raises
        ------
        ValueError
            For another shape.
        """
        parts = [part.astype(float) for part in real_parts(x0)]
        shapes = [part.shape for part in parts]
        if shapes not in ([(self.n,), (self.m,)], [(self.n + self.m,)]):
            raise ValueError(
                f"x0 of shape {shapes} was given; the potentials (f, g) of shapes {(self.n,)} and {(self.m,)} are expected"
            )
        return np.concatenate(parts)

    # ---- the cost, and what belongs to it --------------------------------------------------------------------------

    def blocks(self) -> Iterator[tuple[int, int, Any]]:
        """(start, stop, rows of C) over the points that have mass; one block where C is stored."""
        if self.stored:
            yield 0, len(self.source), self.matrix
            return
        step, at = self.block_rows, 0
        for start in range(0, self.n, step):
            stop = min(self.n, start + step)
            block = self._block(start, stop)
            yield at, at + len(block), block
            at += len(block)

    @property
    def block_rows(self) -> int:
        """Rows asked of a callable cost at a time."""
        return max(1, _BLOCK_ENTRIES // max(1, self.m))

    def _block(self, start: int, stop: int) -> Any:
        try:
            block = self.C(start, stop)
        except Exception as error:
            raise OperatorError(f"C({start}, {stop}) raised {type(error).__name__}: {error}") from error
        try:
            block = checked_block(block, start, stop, self.m)
        except (TypeError, ValueError) as error:
            raise OperatorError(str(error)) from None
        if self.rows is None and self.cols is None:
            return block
        mask = np.ones(stop - start, bool) if self.rows is None else np.isin(np.arange(start, stop), self.rows)
        return np.ascontiguousarray(block[mask] if self.cols is None else block[mask][:, self.cols])

    def largest_cost(self) -> float:
        """The range of C; with blocks it takes a pass over it, once."""
        found = self.__dict__.get("range")
        if found is None:
            low, high = math.inf, -math.inf
            for _, _, block in self.blocks():
                low, high = min(low, float(block.min())), max(high, float(block.max()))
            self.work.add("scalings")
            found = self.__dict__["range"] = high - low
        return found

    def begin(self, x0: Any) -> tuple[Any, Any]:
        """Potentials to start from; what is not known (-inf) is filled in by c-transforms of the rest."""
        f, g = self.split(x0)
        known = np.isfinite(g)
        if np.all(known):
            return np.where(np.isfinite(f), f, 0.0), g.copy()
        if not np.any(known):
            return np.zeros_like(f), np.zeros_like(g)
        f = f.copy()
        for start, stop, block in self.blocks():
            part = f[start:stop]
            part[:] = np.where(np.isfinite(part), part, (block[:, known] - g[known]).min(axis=1))
        self.work.add("plans")
        return f, np.where(known, g, self.transform(f))

    def split(self, z: Any) -> tuple[Any, Any]:
        """Potentials of the points that have mass, in float64."""
        f, g = np.asarray(z[: self.n], dtype=float), np.asarray(z[self.n :], dtype=float)
        return (f if self.rows is None else f[self.rows]), (g if self.cols is None else g[self.cols])

    def join(self, f: Any, g: Any) -> Any:
        """The vector of all potentials, -inf where there is no mass."""
        z = np.full(self.n + self.m, -np.inf, dtype=self.dtype)
        z[: self.n][slice(None) if self.rows is None else self.rows] = f
        z[self.n :][slice(None) if self.cols is None else self.cols] = g
        return z

    def transform(self, f: Any) -> Any:
        """Potentials g for which the column sums of the plan are exact: a log-sum-exp over each column of C."""
        top, total = np.full(len(self.targets), -np.inf), np.zeros(len(self.targets))
        for start, stop, block in self.blocks():
            kernels.transport.columns(block, 1.0 / self.reg, f[start:stop] / self.reg, top, total)
        self.work.add("columns")
        return self.reg * (np.log(self.targets) - np.log(total) - top)

    def sums(self, f: Any, g: Any, P: Any = None) -> tuple[Any, Any]:
        """Row and column sums of the plan of (f, g), which is written to P where that is given."""
        ir = 1.0 / self.reg
        r, c = np.empty(len(f)), np.zeros(len(g))
        kernel = kernels.transport.marginals
        for start, stop, block in self.blocks():
            out = block if P is None else P[start:stop]
            kernel(block, ir, f[start:stop] * ir, g * ir, P is not None, out, r[start:stop], c)
        self.work.add("plans")
        return r, c

    def measure(self, x: Any) -> Measure:
        """L1 violation of both marginals of the plan that belongs to the potentials."""
        if self.regularizer == "l2":
            return quadratic.measured(self, x)
        f, g = self.split(self.zero() if x is None else x)
        if not (np.all(np.isfinite(f)) and np.all(np.isfinite(g))):
            return Measure(math.inf)
        r, c = self._kept_sums(f, g) if self.dense and self.stored else self.sums(f, g, self._room(f, g))
        r -= self.source
        c -= self.targets
        rows, cols = float(np.abs(r).sum()), float(np.abs(c).sum())
        return Measure(rows + cols, np.concatenate([r, c]), False, {"row_error": rows, "column_error": cols})

    def _room(self, f: Any, g: Any, bounds: Any = None) -> Any:
        """An array for the plan that is measured, so that the end need not evaluate it again; with the potentials of it."""
        if not self.dense:
            return None
        kept = self.__dict__.get("kept")
        P = np.empty((len(f), len(g)), dtype=self.dtype) if kept is None else kept[2]
        self.__dict__["kept"] = (f, g, P, bounds)
        return P

    def _kept_sums(self, f: Any, g: Any) -> tuple[Any, Any]:
        """Row and column sums of the plan, which is kept with its cost and the c-transform of f, for the bounds."""
        ir, low = 1.0 / self.reg, np.full(len(g), np.inf)
        r, c, bounds = np.empty(len(f)), np.zeros(len(g)), [0.0, low]
        P = self._room(f, g, bounds)
        bounds[0] = kernels.transport.measured(self.matrix, ir, f * ir, g * ir, P, r, c, low)
        low *= self.reg
        self.work.add("plans", 1.1)
        return r, c

    def floor(self, x: Any) -> float:
        """What rounding leaves: of the potentials in units of reg, and the difference of the two sums."""
        if isinstance(x, quadratic.Coupling):
            return abs(float(self.source.sum() - self.targets.sum())) + 64 * float(np.finfo(self.dtype).eps) * self.mass
        f, g = self.split(x)
        size = max(float(np.abs(f).max()), float(np.abs(g).max())) / self.reg
        eps = float(np.finfo(self.dtype).eps)
        return abs(float(self.source.sum() - self.targets.sum())) + eps * self.mass * (1.0 + 0.25 * size)

    def attainable_hint(self, floor: float) -> str:
        """One sentence for a residual at rounding level."""
        wide = "" if self.dtype == np.float64 else ", or pass float64"
        return f"no {self.dtype} potentials do better; ask rtol >= {2 * floor / self.mass:.1g}{wide}"

    def leave(self, result: Any) -> None:
        """Build the plan and the certificate; both are counted."""
        from .closing import close, nothing

        before = self.price()
        try:
            if result.x is None and self.regularizer == "entropy":
                result.x = self.zero()
                measured = self.measure(result.x)
                result.seen = {**result.seen, **measured.seen, "residual": measured.residual}
            if self.regularizer == "l2":
                quadratic.leave(self, result)
            else:
                with np.errstate(all="ignore"):  # potentials at the ends of the range leave bounds that are not finite
                    close(self, result)
        except OperatorError:  # a callable cost that fails: the status says so already
            nothing(self, result)
        result.work, result.cost = self.work.total(), result.cost + (self.price() - before)
        result.digest = {**self.digest(), "scale": float(self.scale)}
