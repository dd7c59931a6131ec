"""The textbook relaxation parameter, from an estimate of beta = rho(I - D^-1 A) by a few Lanczos steps.

    SOR:  omega = 2 / (1 + sqrt(1 - beta^2)),      SSOR, and CG with SSOR:  omega = 2 / (1 + sqrt(2 (1 - beta)))

For a Hermitian matrix with positive diagonal. Lanczos runs on ``D^-1/2 A D^-1/2``, 12 products for the first matrix;
later ones start from the Ritz vector kept and take 2, and none while the matrix stays. The estimate of beta is from
below. The SOR formula is exact for consistently ordered matrices, the SSOR one nearly best for model problems;
elsewhere they are one opinion among others.

Reference: Young, Iterative Solution of Large Linear Systems (1971): the optimal
omega for consistently ordered matrices, and for SSOR where rho(L U) <= 1/4.
"""

import math
from typing import Any

import numpy as np

__all__ = ["FORMULAS", "Formula", "relaxation"]

_COLD = 12
_WARM = 2
FORMULAS = ("sor", "ssor")


def relaxation(beta: float, rule: str) -> float:
    """The best omega of the rule, "sor" or "ssor", for a Jacobi radius beta.

    Examples
    --------
    >>> from resolvent.learners.tune.formula import relaxation
    >>> relaxation(0.0, "sor"), round(relaxation(0.96, "sor"), 4)
    (1.0, 1.5625)
    """
    beta = min(max(beta, 0.0), 1.0)
    return 2.0 / (1.0 + math.sqrt(1.0 - beta * beta if rule == "sor" else 2.0 * (1.0 - beta)))


class Formula:
    """Estimates beta for one matrix after another.

    Parameters
    ----------
    rule : {"sor", "ssor"}

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> from resolvent.learners.tune.formula import Formula
    >>> A = sp.diags_array([-np.ones(9), 2.0 * np.ones(10), -np.ones(9)], offsets=[-1, 0, 1]).tocsr()
    >>> formula = Formula("sor")
    >>> omega = formula.omega(rv.LinearSystem(A, np.ones(10)))
    >>> round(formula.beta, 4), round(omega, 4)
    (0.9595, 1.5604)
    """

    def __init__(self, rule: str) -> None:
        self.rule = rule
        self.vector: Any = None
        self.beta = 0.0
        self.known: tuple[int, int] | None = None

    def fits(self, problem: Any) -> bool:
        """Whether the problem has what the formula needs: stored entries, a diagonal, products."""
        return bool(getattr(problem, "stored", False)) and hasattr(problem, "diagonal") and hasattr(problem, "product")

    def omega(self, problem: Any) -> float | None:
        """The value for this matrix; None when it is not symmetric positive definite as far as seen."""
        if not self._known(problem):
            found = self._estimate(problem) if problem.is_symmetric() else None
            if found is None:
                return None
            self.beta, self.vector = found
            version = getattr(problem, "matrix_version", 0)
            self.known = (problem.epoch, version) if version else None
        return relaxation(self.beta, self.rule) if 0.0 <= self.beta < 1.0 else None

    def _known(self, problem: Any) -> bool:
        version = getattr(problem, "matrix_version", 0)
        return bool(version) and self.known == (problem.epoch, version) and self.vector is not None

    def _estimate(self, problem: Any) -> tuple[float, Any] | None:
        d = problem.diagonal()
        if d.dtype.kind == "c" or not (d > 0).all():
            return None
        s = 1.0 / np.sqrt(d)
        n = len(d)
        warm = self.vector is not None and len(self.vector) == n
        v = self.vector.astype(d.dtype) if warm else _opening(n, d.dtype)
        steps = min(_WARM if warm else _COLD, n)
        alphas, betas, basis = [], [], []
        for j in range(steps):
            basis.append(v)
            w = s * problem.product(s * v)
            alphas.append(float(v @ w))
            for u in basis[-2:] if warm else basis:
                w -= (u @ w) * u
            size = float(np.linalg.norm(w))
            if j + 1 == steps or not size > 1e-10:
                break
            betas.append(size)
            v = w / size
        problem.work.add("passes", 8 * len(basis))
        values, vectors = np.linalg.eigh(np.diag(alphas) + np.diag(betas, 1) + np.diag(betas, -1))
        ritz = np.column_stack(basis) @ vectors[:, 0].astype(d.dtype)
        size = float(np.linalg.norm(ritz))
        beta = float(max(1.0 - values[0], values[-1] - 1.0))
        return (beta, ritz / size) if math.isfinite(beta) and 0.0 < size < math.inf else None

    def state_dict(self) -> dict[str, Any]:
        """Plain arrays and numbers."""
        known = None if self.known is None else list(self.known)
        return {"beta": self.beta, "known": known, "vector": None if self.vector is None else self.vector.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what ``state_dict`` gave.

        Raises
        ------
        ValueError
            When it does not fit; nothing is changed then.
        """
        beta, known, vector = float(state["beta"]), state["known"], state["vector"]
        pair = None if known is None else (int(known[0]), int(known[1]))
        if vector is not None:
            fine = isinstance(vector, np.ndarray) and vector.ndim == 1 and vector.dtype in (np.float32, np.float64)
            if not fine or not np.isfinite(vector).all():
                raise ValueError("the state of a formula has no finite real vector")
        if not math.isfinite(beta):
            raise ValueError(f"the state of a formula has beta = {beta}")
        self.beta, self.known, self.vector = beta, pair, None if vector is None else vector.copy()


def _opening(n: int, dtype: Any) -> Any:
    """A unit vector near the smooth end, with a little of everything."""
    v = 1.0 + 0.3 * np.random.default_rng(0).standard_normal(n)
    return (v / np.linalg.norm(v)).astype(dtype)
