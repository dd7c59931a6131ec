"""Matrix completion at a given rank: what is given, what it offers, how a candidate is measured.

    min over U (m, k), V (n, k) of   F = sum_e w_e (u_i'v_j - a_ij)^2 / 2 + ridge (|U|^2 + |V|^2) / 2

    residual = |grad F| at balanced factors (U'U = V'V, diagonal)
    scale = (1/sqrt m + 1/sqrt n) (sum_e (w_e c_e a_e)^2)^(1/2) (2 sqrt k |M|)^(1/2),   |M|^2 = mn sum w a^2 / sum w c^2

The scale is ``|R|_2 (|U|^2 + |V|^2)^(1/2)``, which bounds the gradient, for factors of the size of M (estimated from the
entries) and for errors R as large as the entries with signs at random, whose expected spectral norm is the first part.

A candidate is (U, V) as one vector. The residual certifies a stationary point, not recovery: beside it stand the error on
the observed entries, the error on entries that were held out, and with a ridge the duality gap of the convex relaxation,
``min |P(X) - A|^2 / 2 + ridge |X|_*``, of which (U, V) is a global solution when the gap vanishes.

References: Mazumder, Hastie, Tibshirani, JMLR 11 (2010), for the relaxation; Keshavan, Montanari, Oh (2010), for the start.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from .. import kernels
from ..core import Measure, Result
from .entries import (
    balanced,
    by_columns,
    check_number,
    check_range,
    clipped,
    grouped,
    held,
    indices,
    leading,
    reals,
    sides,
    size,
    sparse,
    typical_gradient,
)
from .guesses import real_parts
from .norms import norm_of_parts, rough_norm, spectral_norm
from .plain import Plain

__all__ = ["Completion", "balanced"]


@dataclass(frozen=True, eq=False)
class Completion(Plain):
    """A matrix of given rank from some of its entries.

    Parameters
    ----------
    rows, cols : integer arrays, shape (e,)
        Where the observed entries stand.
    values : ndarray, shape (e,), float64
        What they are.
    shape : (int, int)
        (m, n).
    rank : int
        k, at most the smaller side.
    ridge : float, default 0
        Weight of the squared factors.
    entry_weights : ndarray, shape (e,), optional
        Positive weights of the entries.
    held_out : float, default 0.05
        Part of the entries that the fit does not see, to tell the error on what is not observed; taken only from rows and
        columns that keep more than ``rank`` entries.
    seed : int, default 0
        Which entries are held out.
    multipliers : ndarray, shape (e,), optional
        Of the entries, not zero: ``values`` are then ``multipliers * (U V')`` at their places (a Hadamard product).

    Raises
    ------
    ValueError
        For arrays of other lengths, indices out of range, entries given twice, values that are not finite or beyond
        1e120, a rank larger than the sides, a negative ridge, weights that are not positive, multipliers that are zero.
    TypeError
        For indices that are no whole numbers, values that are no real floats, masked arrays.

    Notes
    -----
    ``x`` of the result is ``(U, V)``; ``U @ V.T`` is the matrix. ``seen`` has ``observed_error`` and ``held_out_error``
    (root mean squares), and with a ridge ``gap``. Rows and columns with fewer than ``rank`` entries, which the data do not
    determine, are named in ``result.digest``.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> M = rng.standard_normal((60, 3)) @ rng.standard_normal((3, 50))
    >>> rows, cols = np.nonzero(rng.random(M.shape) < 0.4)
    >>> result = rv.solve(rv.Completion(rows, cols, M[rows, cols], M.shape, rank=3), rtol=1e-9)
    >>> U, V = result.x
    >>> result.ok, bool(np.abs(U @ V.T - M).max() < 1e-6)
    (True, True)
    """

    rows: Any
    cols: Any
    values: Any
    shape: Any
    rank: int
    ridge: float = 0.0
    entry_weights: Any = None
    held_out: float = 0.05
    seed: int = 0
    multipliers: Any = None

    family: ClassVar[str] = "completion"
    default_steps: ClassVar[int] = 1000
    offers: ClassVar[frozenset[str]] = frozenset({"completion"})

    def __post_init__(self) -> None:
        m, n, k = self._checked_shape()
        rows, cols = indices(self.rows, m, "rows"), indices(self.cols, n, "cols")
        values = reals(self.values, "values")
        if not len(rows) == len(cols) == len(values):
            raise ValueError(
                f"rows, cols and values have lengths {len(rows)}, {len(cols)}, {len(values)}; one is expected"
            )
        weights, multipliers = (self._beside(name, len(rows)) for name in ("entry_weights", "multipliers"))
        if len(rows) == 0:
            raise ValueError("no entry was given; at least one is expected")
        if not np.all(weights > 0):
            raise ValueError("entry_weights has entries that are not positive; leave such entries out")
        if not np.all(multipliers):
            raise ValueError("multipliers has zeros, and such entries tell nothing; leave them out")
        for name, v in (("values", values), ("entry_weights", weights), ("multipliers", multipliers)):
            check_range(v, name)
        key = rows * n + cols
        if not np.all(np.diff(key) > 0):
            order = np.argsort(key, kind="stable")
            twice = np.flatnonzero(np.diff(key[order]) == 0)
            if len(twice):
                at = order[twice[0]]
                raise ValueError(
                    f"the entry ({rows[at]}, {cols[at]}) is given more than once; combine such entries first"
                )
            rows, cols, values = rows[order], cols[order], values[order]
            weights, multipliers = _part(weights, order), _part(multipliers, order)
        self._prepare()
        ready = self.__dict__
        ready.update(m=m, n=n, k=k)
        out = held(rows, cols, m, n, k, self.held_out, self.seed)
        ready["test"] = (rows[out], cols[out], values[out], _part(multipliers, out))
        at = np.flatnonzero(~out)
        swap = at[by_columns(rows[at], cols[at], m, n)]
        for name, i, j, count, place in (("by_row", rows, cols, m, at), ("by_column", cols, rows, n, swap)):
            ready[name] = grouped(
                i[place], j[place], values[place], *(_part(v, place) for v in (weights, multipliers)), count
            )
        ready["entries"] = len(at)
        thin = [np.flatnonzero(np.bincount(i, minlength=s) < k) for i, s in ((rows, m), (cols, n))]
        ready["undetermined"] = tuple(thin)
        ready["dtype"], ready["eps"] = np.dtype(float), float(np.finfo(float).eps)

    def _beside(self, name: str, count: int) -> Any:
        """What is given for each entry, or a single one."""
        given = getattr(self, name)
        if given is None:
            return np.ones(1)
        v = reals(given, name)
        if len(v) != count:
            raise ValueError(f"{name} has length {len(v)} beside {count} entries; one length is expected")
        return v

    def _checked_shape(self) -> tuple[int, int, int]:
        m, n = sides(self.shape)
        k = self.rank
        if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= min(m, n):
            raise ValueError(
                f"rank={k!r} was given for a matrix of {m} x {n}; a positive whole number, {min(m, n)} at most, is expected"
            )
        check_number(self.ridge, "ridge", math.inf, "a finite number that is not negative")
        check_number(self.held_out, "held_out", 1.0, "a number in [0, 1)")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int | np.integer) or self.seed < 0:
            raise ValueError(f"seed={self.seed!r} was given; a whole number that is not negative is expected")
        return m, n, int(k)

    # ---- what the Session asks ---------------------------------------------------------------------------------------

    def shape_key(self) -> list[int | float | str]:
        """Sizes and rank."""
        return [self.m, self.n, self.k]

    def weights(self) -> Mapping[str, float]:
        """In units of one pass over the entries: k multiply-adds for each."""
        entries, k = max(1.0, float(self.entries)), float(self.k)
        return {
            "entry_passes": 1.0,
            "passes": (self.m + self.n) / entries,  # over both factors
            "grams": (0.48 * k + 2.0) / entries,
            "choleskys": (k * k / 3.0 + 2 * k) / entries,
            "balances": 6.0 * (self.m + self.n) * k / entries,
            "products": 1.5 / k,  # of the sparse matrix of entries with a vector
            "calls": 0.0,
        }

    def digest(self) -> dict[str, Any]:
        """What was measured, and what the data leave open."""
        rows, cols = self.undetermined
        return {
            "kind": "gradient of the squared error at balanced factors, 2-norm",
            "strength": "recomputed from the factors and the entries alone; it certifies a stationary point, not recovery, "
            "of which held_out_error tells",
            "undetermined_rows": rows[:1000].tolist(),
            "undetermined_columns": cols[:1000].tolist(),
        }

    def zero(self) -> Any:
        """The spectral start."""
        return self.spectral.copy()

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when a first guess holds NaN or inf."""
        if x0 is None:
            return None
        return None if all(np.all(np.isfinite(p)) for p in real_parts(x0)) else "x0 contains NaN or inf"

    def enter(self, x0: Any) -> Any:
        """A guess (U, V), or one vector of both.

        Raises
        ------
        ValueError
            For other shapes.
        """
        parts = [part.astype(float) for part in real_parts(x0)]
        shapes = [part.shape for part in parts]
        if shapes not in ([(self.m, self.k), (self.n, self.k)], [((self.m + self.n) * self.k,)]):
            raise ValueError(
                f"x0 was given in another shape; a pair ({self.m}, {self.k}), ({self.n}, {self.k}) is expected"
            )
        return np.concatenate([part.ravel() for part in parts])

    def split(self, x: Any) -> tuple[Any, Any]:
        """(U, V) as views of the vector."""
        at = self.m * self.k
        return x[:at].reshape(self.m, self.k), x[at:].reshape(self.n, self.k)

    def leave(self, result: Result) -> None:
        """The factors as a pair; the gap of the relaxation where there is a ridge."""
        x = result.x
        if x is None:
            x, result.seen["residual"] = self.zero(), self.start_residual
        if self.ridge > 0.0 and result.ok:
            before = self.price()
            result.seen["gap"] = self.relaxation_gap(x)
            result.work, result.cost = self.work.total(), result.cost + (self.price() - before)
        self.__dict__.pop("last", None)
        result.x = tuple(np.array(p) for p in self.split(x))
        result.digest = {**self.digest(), "scale": float(self.scale)}

    # ---- evaluations -------------------------------------------------------------------------------------------------

    @cached_property
    def spectral(self) -> Any:
        """The spectral start: about the k leading singular pairs of the entries over their share, long rows clipped."""
        ip, ix, a, w, c = self.by_row
        share = self.entries / (float(self.m) * self.n) * float(np.mean(w * c * c))
        U, s, V = leading(sparse(ip, ix, w * c * a / share, (self.m, self.n)), self.k)
        self.work.add("products", 3.0 * min(self.k + 4, self.m, self.n), "once")
        U, V = clipped(U), clipped(V)
        root = np.sqrt(s)
        return np.concatenate([(U * root).ravel(), (V * root).ravel()])

    @cached_property
    def beginning(self) -> tuple[Any, Any, float]:
        """The gradient in U and in V at the spectral start, and the weighted sum of squares there."""
        return self.gradient(self.spectral)[:3]

    def gradient(self, x: Any) -> tuple[Any, Any, float, Any]:
        """The gradient in U and in V at the balanced factors, the weighted sum of squares, and the errors of all entries.

        That of the x asked last is kept: a method that publishes it at its answer has paid for the measure.
        """
        last = self.__dict__.get("last")
        if last is not None and np.array_equal(last[0], x):
            found: tuple[Any, Any, float, Any] = last[1]
            return found
        U, V = balanced(*self.split(x))
        self.work.add("balances")
        GU, GV, E = np.empty_like(U), np.empty_like(V), np.empty(self.entries)
        total = kernels.completion.gradients(*self.by_row, U, V, float(self.ridge), GU, GV, E)
        self.work.add("entry_passes", 3)
        found = GU, GV, float(total), E
        self.__dict__["last"] = x.copy(), found
        return found

    @cached_property
    def scale(self) -> float:  # type: ignore[override]
        """A bound of the gradient where errors are as large as the entries, with signs at random: from the values alone."""
        self.work.add("entry_passes", 2.0 / self.k)
        return max(typical_gradient(*self.by_row[2:], self.m, self.n, self.k), 1e-300)

    @property
    def start_residual(self) -> float:
        """The gradient at the spectral start."""
        return size(*self.beginning[:2])

    def measure(self, x: Any) -> Measure:
        """The gradient at the balanced factors; errors on observed and held-out entries.

        Parameters
        ----------
        x : ndarray
            (U, V) as one vector.

        Returns
        -------
        Measure
        """
        GU, GV, total, _ = self.gradient(x)
        norm = self.scale if self.saddle(x) else size(GU, GV)
        seen = {"observed_error": math.sqrt(total / self.entries)}
        rows, cols, values, multipliers = self.test
        if len(rows):
            U, V = self.split(x)
            error = multipliers * np.einsum("ek,ek->e", U[rows], V[cols]) - values
            seen["held_out_error"] = float(np.sqrt(np.mean(error**2)))
        return Measure(norm, None, False, seen)

    def saddle(self, x: Any) -> bool:
        """Whether the product is zero, where the gradient vanishes whatever the entries, and zero is no minimum."""
        if all(F.any() for F in self.split(x)):
            return False
        ip, ix, a, w, c = self.by_row
        least, counted = rough_norm(sparse(ip, ix, w * c * a, (self.m, self.n)), 5)
        self.work.add("products", counted)
        return least > self.ridge

    def floor(self, x: Any) -> float:
        """What rounding leaves of the gradient."""
        U, V = self.split(x)
        return 8.0 * self.eps * float(np.linalg.norm(U) * np.linalg.norm(V)) * max(float(np.linalg.norm(U)), 1e-300)

    def relaxation_gap(self, x: Any) -> float:
        """Duality gap of the convex relaxation at U V'; it bounds the distance to its optimal value.

        The dual point is a multiple of the residuals R; it is feasible where |R|_2 is at most ridge. A lower bound of
        |R|_2 from two products tells whether the gap can be small at all; where not, |R|_F will do.
        """
        ip, ix, a, w, c = self.by_row
        U, V = balanced(*self.split(x))
        GU, GV, total, E = self.gradient(x)
        R = sparse(ip, ix, w * c * E, (self.m, self.n))
        primal = 0.5 * total + 0.5 * self.ridge * float(np.sum(U**2) + np.sum(V**2))
        along = float(np.sum(w * E * a))

        def gap(top: float) -> float:
            theta = min(1.0, self.ridge / top) if top > 0 else 1.0
            return primal + 0.5 * theta**2 * total + theta * along

        top = float(np.linalg.norm(R.data))
        for look in (lambda: rough_norm(R, 1), lambda: rough_norm(R, 5)):
            least, counted = look()
            self.work.add("products", counted)
            if gap(least) > 0.5 * primal:
                return gap(top)
        top, counted = norm_of_parts(R, U, V, GU - self.ridge * U, GV - self.ridge * V)
        if top is None:
            top, more = spectral_norm(R)
            counted += more
        self.work.add("products", counted)
        return gap(top)


def _part(v: Any, place: Any) -> Any:
    """Those of some entries; one number stands for all."""
    return v if len(v) == 1 else v[place]
