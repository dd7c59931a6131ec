"""Scene 2: small systems on which solvers installed here say success, and what a recomputed residual says of that.

Nothing is known beforehand: each solver of SciPy and PyAMG is called on each system, ``info == 0`` without an exception
or a warning counts as its word, and ``||b - A x|| / ||b||`` is computed afterwards in long double from the entries of A.
A word is false when the residual is more than ten times what was asked.
"""

import inspect
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla

__all__ = ["Case", "cases", "play"]

_RTOL = 1e-8
_SCIPY = ("cg", "bicgstab", "gmres", "minres", "bicg", "cgs", "qmr", "tfqmr", "lgmres", "gcrotmk")
_PYAMG = ("cg", "bicgstab", "gmres", "fgmres", "cr")


@dataclass
class Case:
    """One system.

    Parameters
    ----------
    title, story : str
        What is wrong with it, and where people meet it.
    A : matrix
        What is to be solved; the judge uses its entries.
    b : ndarray
    operator : callable, optional
        ``operator() -> LinearOperator`` that solvers are given in place of A, fresh for each.
    M : LinearOperator, optional
        A preconditioner of the user's; resolvent takes none from outside and chooses its own.
    """

    title: str
    story: str
    A: Any
    b: Any
    operator: Callable[[], Any] | None = None
    M: Any = None

    def given(self) -> Any:
        """What solvers get."""
        return self.A if self.operator is None else self.operator()


def _poisson(m: int, neumann: bool = False) -> Any:
    ends = 1.0 if neumann else 2.0
    T = sp.diags_array([-np.ones(m - 1), np.r_[ends, 2 * np.ones(m - 2), ends], -np.ones(m - 1)], offsets=[-1, 0, 1])
    return sp.csr_matrix(sp.kron(T, sp.eye_array(m)) + sp.kron(sp.eye_array(m), T))


def _operator(n: int, apply: Callable[[Any], Any]) -> Any:
    return sla.LinearOperator((n, n), matvec=apply, rmatvec=apply, dtype=float)


def cases() -> list[Case]:
    """The six systems.

    Examples
    --------
    >>> [case.title for case in cases()][0]
    'b of size 1e-300'
    """
    A, n = _poisson(12), 144
    b = np.random.default_rng(1).standard_normal(n)

    def noisy() -> Any:
        draw = np.random.default_rng(2)
        return _operator(n, lambda v: (A @ v) * (1 + 1e-5 * draw.standard_normal(n)))

    def careless() -> Any:
        def apply(v: Any) -> Any:
            y = A @ v
            v *= 0.999
            return y

        return _operator(n, apply)

    return [
        Case("b of size 1e-300", "quantities in unfortunate units", A, 1e-300 * b),
        Case("product with noise of 1e-5", "A is a simulation or a measurement", A, b, noisy),
        Case("product that changes its input", "a function that works in place", A, b, careless),
        Case("no solution exists", "pure Neumann conditions, sources that do not balance", _poisson(12, True), b + 1),
        Case("float32, asked for 1e-8", "a GPU's habits", A.astype(np.float32), b.astype(np.float32)),
        Case("preconditioner of size 1e-40", "a scaling that went wrong", A, b, M=_operator(n, lambda v: 1e-40 * v)),
    ]


def play(console: Any, quick: bool = False) -> dict[str, Any]:
    """Ask everybody, judge everybody, print the table.

    Returns
    -------
    dict
        ``rows``, ``asked`` (solvers), ``good`` (resolvent was never wrong).
    """
    everyone = _solvers()
    rows = [_meet(case, everyone) for case in cases()]
    _table(console, rows, everyone)
    missing = "" if find_spec("pyamg") else "PyAMG is not installed, so only SciPy's solvers were asked."
    return {"rows": rows, "asked": len(everyone), "missing": missing, "good": all(row["truthful"] for row in rows)}


def _solvers() -> dict[str, Callable[..., Any]]:
    found = {f"SciPy {name}": getattr(sla, name) for name in _SCIPY if hasattr(sla, name)}
    if find_spec("pyamg") is not None:
        import pyamg

        found |= {f"PyAMG {name}": getattr(pyamg.krylov, name) for name in _PYAMG if hasattr(pyamg.krylov, name)}
    return found


def _ask(solver: Callable[..., Any], case: Case) -> tuple[Any, bool]:
    """x, and whether the solver says success."""
    takes = inspect.signature(solver).parameters
    options: dict[str, Any] = {"rtol" if "rtol" in takes else "tol": _RTOL, "maxiter": 300}
    if "atol" in takes:
        options["atol"] = 0.0
    if case.M is not None and "M" in takes:
        options["M"] = case.M
    with warnings.catch_warnings(record=True) as said, np.errstate(all="ignore"):
        warnings.simplefilter("always")
        try:
            x, info = solver(case.given(), case.b.copy(), **options)
        except Exception:  # it said that something is wrong: that is no false word
            return None, False
    return x, info == 0 and not said


def _residual(case: Case, x: Any) -> float:
    from ..runs.verify import residual_norms

    r, scale, _ = residual_norms(case.A, np.asarray(x), case.b)
    return float(r[0] / scale[0])


def _meet(case: Case, everyone: dict[str, Callable[..., Any]]) -> dict[str, Any]:
    """One row: who is fooled, and what resolvent says."""
    from ..api import solve
    from ..problems.linear import LinearSystem

    fooled = {}
    for name, solver in everyone.items():
        x, success = _ask(solver, case)
        if success:
            residual = _residual(case, x)
            if not residual <= 10 * _RTOL:
                fooled[name] = residual
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = solve(LinearSystem(case.given(), case.b), rtol=_RTOL, on_fail="ignore")
    ours = _residual(case, result.x)
    example = next(iter(fooled), None)
    return {
        "title": case.title,
        "story": case.story,
        "fooled": fooled,
        "asked": len(everyone),
        "example": example,
        "residual": None if example is None else fooled[example],
        "status": result.status.name,
        "ok": result.ok,
        "reason": result.reason.removeprefix(f"{result.status.name}: "),
        "ours": ours,
        "truthful": not result.ok or ours <= 10 * _RTOL,
    }


def _table(console: Any, rows: list[dict[str, Any]], everyone: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for name in ("system", "says success", "and has", "resolvent", "has"):
        table.add_column(name)
    for row in rows:
        if row["example"] is None:
            theirs, found = f"none of {row['asked']} was fooled here", "-"
        else:
            theirs = f"{row['example']}" + (f" and {len(row['fooled']) - 1} more" if len(row["fooled"]) > 1 else "")
            found = f"{row['residual']:.0e}"
        table.add_row(row["title"], theirs, found, row["status"], f"{row['ours']:.0e}")
    console.print(
        f"asked: ||b - A x|| <= 1e-8 ||b||; {len(everyone)} solvers of SciPy and PyAMG on each system, residuals recomputed"
    )
    console.print(table)
