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

__all__ = ["ArrayBlock", "BlockSystem"]

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
        self.targets = self._beside(targets)
        self.unit = min(part.unit / size for part, size in zip(self.columns, self.sizes.tolist(), strict=True))

    # ---- arrays: NumPy's here, another library's in ArrayBlock ---------------------------------------------------------

    def _beside(self, columns: Any) -> Any:
        """Vectors as the columns of one array of the block's dtype."""
        return np.column_stack(columns).astype(self.first.dtype, copy=False)

    def _row(self, numbers: Any) -> Any:
        """A number for each column, as it multiplies a block."""
        return np.asarray(numbers).astype(self.first.dtype)

    def _norms(self, block: Any) -> Any:
        """2-norms of the columns, as NumPy's."""
        return np.linalg.norm(block, axis=0)

    def _columns(self, block: Any) -> list[Any]:
        """The columns, each contiguous."""
        return [np.ascontiguousarray(block[:, j]) for j in range(block.shape[1])]

    # ---- a problem like any other --------------------------------------------------------------------------------------

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
        found = (part.unfit(None if x0 is None else x0[:, j]) for j, part in enumerate(self.columns))
        return next((why for why in found if why), None)

    def enter(self, x0: Any) -> Any:
        """A user's first guess in the inner unit of each column."""
        sizes = self.sizes.tolist()
        return self._beside(
            [part.enter(x) / size for part, x, size in zip(self.columns, self.owner.split(x0), sizes, strict=True)]
        )

    def start(self, x0: Any, carry: Mapping[str, Any], lent: bool = False) -> tuple[Any, Any, float]:
        """First iterate, its residual and the largest column's norm, as new arrays."""
        if x0 is None:
            x, r = 0.0 * self.targets, self.targets + 0.0
        else:
            x, r = x0 + 0.0, carry.get("residual")
            r = self.targets - self._beside([self.first.product(v) for v in self._columns(x)]) if r is None else r + 0.0
        return x, r, float(np.max(self._norms(r)))

    def measure(self, x: Any) -> Measure:
        """Each column's residual, recomputed from the original A and b."""
        x = x * self._row(self.live)
        sizes = self.sizes.tolist()
        measures = [part.measure(v * size) for part, v, size in zip(self.columns, self._columns(x), sizes, strict=True)]
        ratios = [m.residual / size for m, size in zip(measures, self.sizes.tolist(), strict=True)]
        residual = math.nan if any(math.isnan(v) for v in ratios) else max(ratios)
        vector = self._beside([m.vector for m in measures]) / self._row(self.sizes)
        seen: dict[str, Any] = {
            "residuals": np.array([m.residual for m in measures]),
            "backward_error": max(m.seen.get("backward_error", 0.0) for m in measures),
        }
        return Measure(residual, vector, any(m.noisy for m in measures), seen)

    def floor(self, x: Any) -> float:
        """The largest rounding floor of a column."""
        floors = (
            part.floor(v * size) / size
            for part, v, size in zip(self.columns, self._columns(x), self.sizes.tolist(), strict=True)
        )
        return float(max(floors))

    def explain(self, status: Status, x: Any, best: Any, why: str, seen: dict[str, Any]) -> tuple[Status, str]:
        """A closer look at the worst column of a failure."""
        if x is None or best is None or "residuals" not in best.seen:
            return status, why
        worst = int(np.argmax(best.seen["residuals"] / self.sizes))
        part, mine = self.columns[worst], Measure(float(best.seen["residuals"][worst]))
        found: dict[str, Any] = {"residual": mine.residual}
        size = float(self.sizes[worst])
        explained: tuple[Status, str] = part.explain(status, self._columns(x)[worst] * size, mine, why, found)
        return explained

    def leave(self, result: Result) -> None:
        """Bring a result back to the user's unit, column by column, in place."""
        x = 0.0 * self.targets if result.x is None else result.x * self._row(self.live)
        vectors = self._columns(x)
        residuals = result.seen.pop("residuals", np.array([part.scale for part in self.columns]))
        limit = math.nan if result.threshold is None else result.threshold
        results = []
        for j, (part, size) in enumerate(zip(self.columns, self.sizes.tolist(), strict=True)):
            one = Result(x=vectors[j] * size, status=result.status, threshold=limit * size)
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


class ArrayBlock(BlockSystem):
    """The same over another array library."""

    def _beside(self, columns: Any) -> Any:
        return self.first.xp.stack(list(columns), axis=1)

    def _row(self, numbers: Any) -> Any:
        xp, like = self.first.xp, self.first.rhs
        values = [float(v) for v in numbers]
        return xp.asarray(values, dtype=like.dtype, device=self.first.device)

    def _norms(self, block: Any) -> Any:
        return np.asarray([float(self.first.xp.linalg.vector_norm(v)) for v in self._columns(block)])

    def _columns(self, block: Any) -> list[Any]:
        return [block[:, j] for j in range(block.shape[1])]
