"""A loss plus a penalty, min f(w) + g(w), measured by its duality gap where there is one.

    gap = P(w) - D(u),   P(w) = f(w) + g(w),   D(u) = -F*(u) - g*(-X'u),   f(w) = F(X w)

u is made from the slope ``F'(X w)``: scaled into the dual ball where g is a norm, as it stands where g* is finite
(elastic net, finite box). Otherwise the measure is the 2-norm of the prox-gradient mapping with each coordinate's own
constant, ``L_j (w_j - prox(w_j - s_j / L_j))``. Either is computed from X, y and w alone: two products.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Change, Measure, Status
from ..operators.support import Slopes
from .plain import Plain

__all__ = ["Composite"]

_SCALED, _FINITE, _MAPPING = 1, 2, 0
_WORDS = {
    "smooth": "no penalty and no bounds",
    "bounds": "the penalty NonNegative or Box",
    "quadratic": "a Quadratic, or LeastSquares without intercept",
    "sparse": "a Quadratic with a sparse H",
    "terms": "a loss that is a mean over rows, without intercept",
    "convex": "a convex loss",
}


@dataclass(frozen=True, eq=False)
class Composite(Plain):
    """Minimise a loss plus a penalty.

    Parameters
    ----------
    loss : LeastSquares, Logistic, SigmoidSquares or Quadratic
        May be shared by many problems, and should be along a regularisation path: what is computed once per X stays
        with it.
    penalty : L1, ElasticNet, GroupL1, NonNegative or Box
    context : float or array, optional
        A cheap feature that a contextual learner may use.

    Raises
    ------
    TypeError
        When loss or penalty is of another kind.
    ValueError
        When their sizes do not fit.

    Notes
    -----
    ``residual`` is the duality gap, and ``scale`` the objective at w = 0 (with an intercept: at its best; for a
    quadratic, whose objective there is 0, the gap there). Where there is no gap (bounds that are not finite, a quadratic
    under a norm, no penalty, a loss that is not convex) it is the norm of the prox-gradient mapping, and ``scale`` the
    norm of the gradient at w = 0. ``seen`` has ``objective`` too. Status GAP says that a gap was met.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> rng = np.random.default_rng(0)
    >>> X, y = rng.standard_normal((30, 50)), rng.standard_normal(30)
    >>> result = rv.solve(rv.Composite(rv.LeastSquares(X, y), rv.L1(0.1)), rtol=1e-9)
    >>> result.status.name, bool(result.seen["residual"] <= 1e-9 * y @ y / 60)
    ('GAP', True)
    """

    loss: Any
    penalty: Any
    context: Any = None

    family = "composite"
    default_steps = 100_000

    def __post_init__(self) -> None:
        for name, value, wanted in (("loss", self.loss, "at"), ("penalty", self.penalty, "prox")):
            if not hasattr(value, wanted) or not hasattr(value, "value"):
                known = (
                    "LeastSquares, Logistic, SigmoidSquares, Quadratic"
                    if name == "loss"
                    else "L1, ElasticNet, GroupL1, NonNegative, Box"
                )
                raise TypeError(f"{name} is a {type(value).__name__}; one of {known} is expected")
        loss, p = self.loss, self.loss.features
        kind = self.penalty.kind
        none = np.zeros(1, dtype=np.int64)
        lo = hi = np.zeros(1)
        if kind == 1:
            lo, hi = self.penalty.bounds(p)
        ptr, idx = self.penalty.layout(p) if kind == 2 else (none, none)
        l1, l2 = self.penalty.weights
        if loss.code == 3:  # not convex: no dual to speak of
            cert = _MAPPING
        elif l2 > 0 or (kind == 1 and np.all(np.isfinite(lo)) and np.all(np.isfinite(hi))):
            cert = _FINITE
        else:
            cert = _SCALED if l1 > 0 and loss.code != 2 else _MAPPING
        self._prepare()
        self.__dict__.update(
            n=loss.size, dtype=loss.dtype, lo=lo, hi=hi, ptr=ptr, idx=idx, l1=l1, l2=l2, cert=cert,
            default_rtol=1e-3 if loss.dtype == np.float32 else 1e-6,
            offers=self._offers(kind, l1 + l2 > 0, cert),
        )  # fmt: skip

    def _offers(self, kind: int, penalised: bool, cert: int) -> frozenset[str]:
        """What methods may need."""
        quadratic = self.loss.code in (0, 2) and not self.loss.intercept
        said = {"columns": True, "prox": True, "gradient": True, "gap": cert > 0, "quadratic": quadratic}
        said |= {"smooth": kind == 0 and not penalised, "bounds": kind == 1}
        said |= {"convex": self.loss.code != 3, "terms": self.loss.code != 2 and not self.loss.intercept}
        said["sparse"] = self.loss.code == 2 and self.loss.design.sparse
        return frozenset(name for name, offered in said.items() if offered)

    # ---- what the Session asks -------------------------------------------------------------------------------------

    def lacks(self, needs: frozenset[str]) -> str | None:
        """One sentence when something of ``needs`` is not offered: what it is, what was given, what to do."""
        missing = sorted(needs - self.offers)
        if not missing or not set(missing) <= set(_WORDS):
            return super().lacks(needs)
        with_one = " with an intercept" if self.loss.intercept else ""
        given = f"{type(self.loss).__name__}{with_one} under {type(self.penalty).__name__}"
        other = "CoordinateDescent" if "convex" in self.offers else "ProximalCyclic"
        return f"it needs {' and '.join(_WORDS[m] for m in missing)}, and {given} was given; use {other} or 'auto'"

    def shape_key(self) -> list[int | float | str]:
        """Kinds of loss and penalty, sizes, dtype."""
        kinds = [type(self.loss).__name__, type(self.penalty).__name__]
        return [*kinds, self.loss.samples, self.n, str(self.dtype), int(self.loss.intercept)]

    def weights(self) -> Mapping[str, float]:
        """In products with X: entries of columns read or updated, flops of a factor, slopes of the loss at all margins."""
        nnz = max(self.loss.design.nnz, 1)
        prices = {"products": 1.0, "entries": 1.0 / nnz, "factor_flops": 0.5 / nnz, "gram": 1.0, "calls": 4000.0 / nnz}
        return prices | {"slopes": 4.0 * self.loss.samples / nnz}

    @property
    def product_seconds(self) -> float:
        """Modelled seconds of one product."""
        return 1e-6 + 0.5e-9 * self.loss.design.nnz

    def compare(self, memory: dict[str, Any]) -> Change:
        """As every family; and what was computed for this very X is taken over, X compared by content."""
        change = super().compare(memory)
        kept = self.symbolic.get("design")
        design = self.loss.design
        if kept is not None and kept is not design and design.same_as(kept):
            self.loss.__dict__["design"] = kept
        self.symbolic["design"] = self.loss.design
        return change

    def digest(self) -> dict[str, Any]:
        """The measure in words."""
        if self.cert:
            return {
                "kind": "duality gap",
                "strength": "P(w) - D(u) with u feasible, both from X, y and w alone: a bound",
            }
        return {
            "kind": "prox-gradient mapping, 2-norm",
            "strength": "recomputed from X, y and w alone; zero exactly at a "
            + ("stationary point" if self.loss.code == 3 else "minimiser"),
        }

    def zero(self) -> Any:
        """The feasible point nearest to zero."""
        w = np.zeros(self.n, dtype=self.dtype)
        if self.penalty.kind == 1:
            w[: len(self.lo)] = np.clip(w[: len(self.lo)], self.lo, self.hi)
        return w

    def enter(self, x0: Any) -> Any:
        """A first guess, checked.

        Raises
        ------
        ValueError, TypeError
            For another shape, or numbers that are not real.
        """
        x = np.asarray(x0)
        if x.dtype.kind not in "iuf":
            raise TypeError(f"x0 has dtype {x.dtype}; real numbers are expected")
        if x.shape != (self.n,):
            raise ValueError(f"x0 has shape {x.shape}; shape ({self.n},) is expected")
        return np.array(x, dtype=self.dtype)

    # ---- how a candidate is measured -------------------------------------------------------------------------------

    @property
    def scale(self) -> float:
        """The objective at w = 0, or the norm of the gradient there."""
        known: float | None = self.__dict__.get("_scale")
        if known is None:
            known = self.__dict__["_scale"] = self._scale_of()
        return known

    def _scale_of(self) -> float:
        loss = self.loss
        w = np.zeros(self.n, dtype=self.dtype)
        if not self.cert:
            self.work.add("products", 1)
            _, v = loss.at(w)
            s = v if loss.code == 2 else loss.design.slopes(v)
            return float(np.linalg.norm(s))
        if loss.code == 2:
            return self._gap(self.zero())[0]
        if loss.intercept and loss.code == 0:
            w[-1] = loss.target.mean()
        elif loss.intercept:
            share = float(np.mean(loss.target > 0))
            w[-1] = math.log(share / (1 - share))
        return float(loss.value(w))

    @property
    def position(self) -> float:
        """Where on a path of penalty weights the problem lies."""
        return float(self.l1 + self.l2)

    def objective(self, w: Any) -> float:
        """Loss and penalty at w."""
        self.work.add("products")
        return float(self.loss.value(w)) + float(self.penalty.value(self._plain(w)))

    def _plain(self, w: Any) -> Any:
        """w without the intercept."""
        return w[:-1] if self.loss.intercept else w

    def measure(self, x: Any) -> Measure:
        """The duality gap of x, or the norm of its prox-gradient mapping.

        Parameters
        ----------
        x : ndarray, shape (p,), or (p + 1,) with an intercept

        Returns
        -------
        Measure
            ``seen`` holds the ``objective``.
        """
        with np.errstate(all="ignore"):
            if self.cert:
                residual, objective, s = self._gap(x)
                seen = {"objective": objective}
                return Measure(residual, Slopes(self.loss, s), False, seen, success=Status.GAP)
            residual, objective, s = self._mapping(x)
        return Measure(residual, Slopes(self.loss, s), False, {"objective": objective})

    def _gap(self, x: Any) -> tuple[float, float, Any]:
        w = self._plain(x)
        self.work.add("products", 1 + int(np.count_nonzero(w)) / max(len(w), 1))
        value, v = self.loss.at(x)
        pen = float(self.penalty.value(w))
        if self.loss.code == 2:
            s = v
        else:
            u = self.loss.dual(v)
            s = self.loss.design.slopes(u)
        if self.cert == _FINITE:
            if self.loss.intercept:
                _, conjugate = self.loss.conjugate(u, 1.0) if self.loss.code == 1 else self._fixed(u)
                pair = value + conjugate
                return max(pair + pen + float(np.sum(self._conjugate(s))), 0.0), value + pen, s
            each = w * s + self._penalties(w) + self._conjugate(s)
            outside = 0.0 if pen < math.inf else math.inf
            return float(np.sum(np.maximum(each, 0.0))) + outside, value + pen, s
        top = float(np.max(self.penalty.norms(s) if self.penalty.kind == 2 else np.abs(s)))
        _, conjugate = self.loss.conjugate(u, self.l1 / top if top > 0 else math.inf)
        gap = value + pen + conjugate
        return (max(gap, 0.0) if math.isfinite(gap) else math.inf), value + pen, s

    def _fixed(self, u: Any) -> tuple[float, float]:
        """The conjugate of least squares at u itself."""
        return 1.0, 0.5 * self.loss.samples * float(np.vdot(u, u)) + float(np.vdot(u, self.loss.target))

    def _penalties(self, w: Any) -> Any:
        return 0.0 if self.penalty.kind == 1 else self.l1 * np.abs(w) + 0.5 * self.l2 * np.square(w)

    def _conjugate(self, s: Any) -> Any:
        """g*(-s), coordinate by coordinate."""
        if self.penalty.kind == 1:
            return np.maximum(-self.lo * s, -self.hi * s)
        return np.square(np.maximum(np.abs(s) - self.l1, 0.0)) / (2 * self.l2)

    def _mapping(self, x: Any) -> tuple[float, float, Any]:
        w = self._plain(x)
        self.work.add("products", 1 + int(np.count_nonzero(w)) / max(len(w), 1))
        value, v = self.loss.at(x)
        s = v if self.loss.code == 2 else self.loss.design.slopes(v)
        c = self.constants()
        if self.penalty.kind == 2:
            each = np.empty(len(w))
            each[self.idx] = np.repeat(c, np.diff(self.ptr))
            c = each
        safe = np.where(c > 0, c, 1.0)
        move = np.where(c > 0, c * (w - self.penalty.prox(w - s / safe, 1.0 / safe)), 0.0)
        if self.penalty.kind == 0:  # a column of zeros: only the penalty speaks
            move = np.where((c <= 0) & (w != 0), self.l1, move)
        square = float(np.sum(np.square(move)))
        if self.loss.intercept:
            square += float(np.sum(v)) ** 2
        outside = self.penalty.kind == 1 and not self.penalty.value(w) < math.inf
        return (math.inf if outside else math.sqrt(square)), value + float(self.penalty.value(w)), s

    def constants(self) -> Any:
        """A Lipschitz constant of the loss along each coordinate, or group."""
        if self.penalty.kind != 2:
            return self.loss.constants()
        sizes = self.loss.design.group_sizes(self.ptr, self.idx)
        if self.loss.code == 2:
            H = self.loss.design
            return self._block_norms(H)
        return self.loss.curvature * sizes / self.loss.samples

    def correlation(self) -> Any:
        """``X' y / n`` of least squares, kept with the loss."""
        known = self.loss.__dict__.get("_correlation")
        if known is None:
            self.work.add("products", part="setup")
            known = self.loss.__dict__["_correlation"] = self.loss.design.slopes(self.loss.target) / self.loss.samples
        return known

    def _block_norms(self, H: Any) -> Any:
        """The largest eigenvalue of each diagonal block of a quadratic."""
        parts = (self.idx[a:b] for a, b in zip(self.ptr[:-1], self.ptr[1:], strict=True))
        blocks = (H.csc[:, g][g, :].toarray() if H.sparse else H.X[np.ix_(g, g)] for g in parts)
        return np.array([max(float(np.linalg.eigvalsh(B)[-1]), 0.0) for B in blocks]) * (1 + 1e-12)

    def floor(self, x: Any) -> float:
        """What rounding leaves of the measure: eps times what it is a difference of."""
        eps = float(np.finfo(self.dtype).eps)
        if self.cert:
            return 4 * eps * (abs(self.objective(x)) + self.scale)
        c = self.loss.constants()
        w = self._plain(x)
        return 4 * eps * (self.scale + float(np.linalg.norm(c * w)) * math.sqrt(len(w)))

    def attainable_hint(self, floor: float) -> str:
        """What to tell a user who asks for more than the dtype can give."""
        rtol = max(4 * floor / self.scale if self.scale > 0 else 0.0, float(np.finfo(self.dtype).eps))
        other = " or pass float64" if self.dtype == np.float32 else ""
        return f"rounding in {self.dtype} allows no smaller measure; ask rtol >= {rtol:.1g}{other}"
