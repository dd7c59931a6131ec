"""Several right-hand sides: one system per column, and one result for all of them."""

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..core import Cost, Result

__all__ = ["Columns"]


class Columns:
    """The part of LinearSystem that deals with b of shape (n, k)."""

    b: Any

    def parts(self) -> list[Any] | None:
        """One system per column of b, or None for a vector."""
        b = np.asarray(self.b)
        if b.ndim == 1:
            return None
        return [replace(self, b=np.ascontiguousarray(b[:, j])) for j in range(b.shape[1])]

    def together(self, columns: list[Any]) -> Any:
        """The same columns as one problem, for methods that work on blocks."""
        from .block import BlockSystem

        return BlockSystem(self, columns)

    def split(self, x0: Any) -> list[Any]:
        """The columns of a first guess."""
        x0 = np.asarray(x0)
        if x0.shape != np.shape(self.b):
            raise ValueError(f"x0 has shape {x0.shape}; the shape of b, {np.shape(self.b)}, is expected")
        return [x0[:, j] for j in range(x0.shape[1])]

    def _beside(self, columns: list[Any]) -> Any:
        """Vectors as the columns of one array."""
        return np.column_stack(columns)

    def join(self, results: list[Result]) -> Result:
        """One result for all columns: the worst status, the largest residual, the work together."""
        worst = min(results, key=lambda r: (r.status > 0, r.status if r.status < 0 else 0))
        seen = dict(worst.seen)
        seen["residual"] = max(r.seen.get("residual", math.nan) for r in results)
        seen["residuals"] = np.array([r.seen.get("residual", math.nan) for r in results])
        work: dict[str, float] = {}
        for result in results:
            for name, amount in result.work.items():
                work[name] = work.get(name, 0) + amount
        joined = Result(
            x=self._beside([r.x for r in results]),
            status=worst.status,
            steps=sum(r.steps for r in results),
            seen=seen,
            work=work,
            cost=sum((r.cost for r in results), Cost()),
            seconds=sum(r.seconds for r in results),
            history=worst._history,
            carry=results[-1].carry,
            advice=results[-1].advice,
            why=worst.why,
            threshold=worst.threshold,
        )
        joined.method, joined.digest, joined.index = worst.method, worst.digest, results[-1].index
        return joined
