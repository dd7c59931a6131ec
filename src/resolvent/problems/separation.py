"""Find w with ``y_i x_i'w > 0`` for all i; measured by counting the points that are not.

    residual = number of i with y_i x_i'w <= 0,    scale = 1

exact, and zero only at a separating w. No loss is looked at: on separable data it says little.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Measure, Status
from ..operators import Logistic
from .plain import Plain

__all__ = ["Separation"]


@dataclass(frozen=True, eq=False)
class Separation(Plain):
    """Two classes of points to be separated by a plane through the origin.

    Parameters
    ----------
    X : ndarray or sparse array, shape (n, p)
    y : ndarray, shape (n,)
        -1.0 and 1.0.

    Raises
    ------
    TypeError, ValueError
        As for ``Logistic``.

    Notes
    -----
    Status EXACT says that every point is on its side; otherwise the reason says how many are not. Data that no plane
    separates end BUDGET: nothing here proves that there is none.

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> X, y = np.array([[1.0, 0.0], [-0.5, 0.3], [-1.0, 0.2]]), np.array([1.0, 1.0, -1.0])
    >>> rv.solve(rv.Separation(X, y)).status.name
    'EXACT'
    """

    X: Any
    y: Any

    family = "separation"
    default_steps = 10_000
    offers = frozenset({"margins"})

    def __post_init__(self) -> None:
        loss = Logistic(self.X, self.y)
        self._prepare()
        self.__dict__.update(loss=loss, n=loss.features, dtype=loss.dtype)

    scale = 1.0

    def shape_key(self) -> list[int | float | str]:
        """Sizes and dtype."""
        return [self.loss.samples, self.n, str(self.dtype)]

    def weights(self) -> Mapping[str, float]:
        """In products with X."""
        return {"products": 1.0}

    def digest(self) -> dict[str, Any]:
        """The measure in words."""
        return {"kind": "points on the wrong side", "strength": "counted from X, y and w: exact"}

    def zero(self) -> Any:
        """The origin, which separates nothing."""
        return np.zeros(self.n, dtype=self.dtype)

    def enter(self, x0: Any) -> Any:
        """A first guess, checked.

        Raises
        ------
        ValueError
            For another shape.
        """
        x = np.array(x0, dtype=self.dtype)
        if x.shape != (self.n,):
            raise ValueError(f"x0 has shape {x.shape}; shape ({self.n},) is expected")
        return x

    def margins(self, w: Any) -> Any:
        """``y_i x_i'w``."""
        self.work.add("products")
        return self.loss.target * self.loss.design.times(w)

    def measure(self, x: Any) -> Measure:
        """How many points are not on their side of x."""
        m = self.margins(x)
        wrong = int(np.sum(~(m > 0)))
        least = float(np.min(m)) / max(float(np.linalg.norm(x)), 1e-300)
        return Measure(float(wrong), None, False, {"margin": least}, success=Status.EXACT)

    def explain(
        self, status: Status, x: Any, best: Measure | None, why: str, seen: dict[str, Any]
    ) -> tuple[Status, str]:
        """Say how far from separated it is."""
        wrong = self.loss.samples if best is None else int(best.residual)
        tail = f" ({why})" if why else ""
        return status, f"not separated: {wrong} of {self.loss.samples} points are on the wrong side{tail}"
