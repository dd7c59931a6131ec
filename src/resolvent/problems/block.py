"""All columns of a right-hand side of shape (n, k) at once, for methods that work on blocks.

    residual = max_j || b_j - A x_j || / || b_j ||,    scale = 1

so every column is held to the tolerance that it would have alone. Each column is brought to norm one; measures and units
are those of its own LinearSystem, and the answer comes back in the user's.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core import Change, Measure, Result, Status, Work

__all__ = ["BlockSystem"]

_SHARED = ("ip", "ix", "data", "vetted", "memory", "symbolic", "epoch", "matrix_version")


class BlockSystem:
    """The columns of ``owner``; what is asked of the matrix is answered by the first."""

    scale = 1.0
    nullspace = None

    def __init__(self, owner: Any, columns: Sequence[Any]) -> None:
        self.owner, self.columns, self.first = owner, list(columns), columns[0]
        self.work = Work()
        for part in self.columns:
            part.__dict__["work"] = self.work
        self.sizes = np.array([part.scale if part.scale > 0 else 1.0 for part in self.columns])
        self.live = np.array([part.scale > 0 for part in self.columns])  # zero is the answer to a zero column
        targets = [part.rhs / size for part, size in zip(self.columns, self.sizes.tolist(), strict=True)]
        self.targets = np.column_stack(targets).astype(self.first.dtype, copy=False)
        self.unit = min(part.unit / size for part, size in zip(self.columns, self.sizes.tolist(), strict=True))

    def __getattr__(self, name: str) -> Any:
        if name in ("rhs", "first"):  # no one right-hand side; and not before __init__
            raise AttributeError(name)
        return getattr(self.first, name)

    def parts(self) -> None:
        """They stay together."""

    def compare(self, memory: dict[str, Any]) -> Change:
        """What changed since the last system; all columns share the answer."""
        change: Change = self.first.compare(memory)
        for part in self.columns[1:]:
            for name in _SHARED:
                if name in self.first.__dict__:
                    part.__dict__[name] = self.first.__dict__[name]
        return change

    def unfit(self, x0: Any = None) -> str | None:
        """One sentence when A, b or a first guess holds NaN or inf."""
        found = (part.unfit(None if x0 is None else np.asarray(x0)[:, j]) for j, part in enumerate(self.columns))
        return next((why for why in found if why), None)

    def enter(self, x0: Any) -> Any:
        """A user's first guess in the inner unit of each column."""
        return np.column_stack(
            [part.enter(x) / size for part, x, size in zip(self.columns, self.owner.split(x0), self.sizes, strict=True)]
        ).astype(self.first.dtype, copy=False)

    def start(self, x0: Any, carry: Mapping[str, Any], lent: bool = False) -> tuple[Any, Any, float]:
        """First iterate, its residual and the largest column's norm, as new arrays."""
        if x0 is None:
            x, r = np.zeros_like(self.targets), self.targets.copy()
        else:
            x, r = x0.copy(), carry.get("residual")
            r = self.targets - np.column_stack([self.first.product(v) for v in x.T]) if r is None else r.copy()
        return x, r, float(np.max(np.linalg.norm(r, axis=0)))

    def measure(self, x: Any) -> Measure:
        """Each column's residual, recomputed from the original A and b."""
        x = x * self.live
        measures = [
            part.measure(np.ascontiguousarray(x[:, j] * size).astype(self.first.dtype, copy=False))
            for j, (part, size) in enumerate(zip(self.columns, self.sizes.tolist(), strict=True))
        ]
        ratios = [m.residual / size for m, size in zip(measures, self.sizes.tolist(), strict=True)]
        residual = math.nan if any(math.isnan(v) for v in ratios) else max(ratios)
        vector = np.column_stack([m.vector for m in measures]) / self.sizes.astype(self.targets.real.dtype)
        seen: dict[str, Any] = {
            "residuals": np.array([m.residual for m in measures]),
            "backward_error": max(m.seen.get("backward_error", 0.0) for m in measures),
        }
        return Measure(residual, vector, any(m.noisy for m in measures), seen)

    def floor(self, x: Any) -> float:
        """The largest rounding floor of a column."""
        floors = (
            part.floor(x[:, j] * size) / size
            for j, (part, size) in enumerate(zip(self.columns, self.sizes, strict=True))
        )
        return float(max(floors))

    def explain(self, status: Status, x: Any, best: Any, why: str, seen: dict[str, Any]) -> tuple[Status, str]:
        """A closer look at the worst column of a failure."""
        if x is None or best is None or "residuals" not in best.seen:
            return status, why
        worst = int(np.argmax(best.seen["residuals"] / self.sizes))
        part, mine = self.columns[worst], Measure(float(best.seen["residuals"][worst]))
        found: dict[str, Any] = {"residual": mine.residual}
        explained: tuple[Status, str] = part.explain(status, x[:, worst] * self.sizes[worst], mine, why, found)
        return explained

    def leave(self, result: Result) -> None:
        """Bring a result back to the user's unit, column by column, in place."""
        x = np.zeros_like(self.targets) if result.x is None else result.x * self.live
        residuals = result.seen.pop("residuals", np.array([part.scale for part in self.columns]))
        limit = math.nan if result.threshold is None else result.threshold
        results = []
        for j, (part, size) in enumerate(zip(self.columns, self.sizes.tolist(), strict=True)):
            one = Result(x=(x[:, j] * size).astype(self.first.dtype), status=result.status, threshold=limit * size)
            one.seen["residual"] = float(residuals[j])
            one.why = result.why
            part.leave(one)
            results.append(one)
        joined = self.owner.join(results)
        failed = [one for one in results if one.status < 0]
        if failed and result.status > 0:
            result.status, result.why = failed[0].status, failed[0].why
        result.x = joined.x
        worst = max(results, key=lambda one: one.seen["residual"])
        result.seen.update(residual=joined.seen["residual"], residuals=joined.seen["residuals"])
        result.threshold = None if result.threshold is None else worst.threshold
        result.digest = dict(worst.digest)
