"""SciPy's Krylov solvers for systems of any symmetry, over a whole sequence: gmres(30), lgmres, bicgstab and gcrotmk.

Each alone, with Jacobi, and with spilu (its defaults: drop_tol 1e-4, fill factor 10) rebuilt for each system or kept from the
first; gcrotmk also with the space it carries (``CU``, ``discard_C``), which SciPy alone has. Beside them the direct solvers
as an expert calls them, and PyAMG's smoothed aggregation inside gmres for what is not symmetric. Each gets its usual care:
spilu is tried again with more fill where it runs out, and a solver whose recurrence has drifted goes on from its x. A peer
that is not through with a system when its time is over is abandoned, and its time counts. What several peers would make alike
for one system (the incomplete factors of SciPy's five solvers) is made once, and its seconds are charged to each of them.
"""

import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from .peers import AbandonedError, NotInstalledError, Peer, Spsolve, factor_seconds

__all__ = ["SOLVERS", "Carrying", "General", "Shared", "general_peers"]


class General(Peer):
    """One of SciPy's solvers with what it keeps; ``solver(A, b, M=, rtol=, callback=) -> x``."""

    def __init__(self, name: str, solver: Any, setup: Any = None, keep: bool = False, rtol: float = 1e-8) -> None:
        super().__init__(name, setup, keep, False, rtol)
        self.solver = solver
        self.charged = 0.0

    def __call__(self, problem: Any, until: float = np.inf) -> tuple[Any, int]:
        """Solve; gives up when ``time.perf_counter()`` passes `until`, less what a set-up made by another is charged."""
        steps, self.charged = 0, 0.0

        def count(_: Any) -> None:
            nonlocal steps
            steps += 1
            if time.perf_counter() > until:
                raise AbandonedError

        M = self._preconditioner(problem)
        until -= self.charged
        A, b, x = problem.A, problem.b, None
        goal = self.rtol * float(np.linalg.norm(b))
        for _ in range(_AGAIN):  # a recurrence that drifted is continued, as whoever checks would do
            x, info = self.solver(A, b, x0=x, M=M, rtol=0.0, atol=goal, callback=count)
            if info or np.linalg.norm(b - A @ x) <= goal:
                break
        return x, steps

    def _preconditioner(self, problem: Any) -> Any:
        if not isinstance(self.setup, Shared) or (self.keep and self.kept is not None):
            return super()._preconditioner(problem)
        M, self.charged = self.setup(problem)
        self.kept = M if self.keep else None
        return M


class Shared:
    """A set-up that several peers make alike for one system: made once, and what it took is told to the others.

    Parameters
    ----------
    setup : callable
        ``setup(problem) -> M``.

    Examples
    --------
    >>> from resolvent.bench.krylov_peers import Shared
    >>> made, problem = Shared(lambda problem: [problem]), object()
    >>> first, owed = made(problem)
    >>> again, later = made(problem)
    >>> again is first, owed, later > 0.0
    (True, 0.0, True)
    """

    def __init__(self, setup: Callable[[Any], Any]) -> None:
        self.setup = setup
        self.problem: Any = None
        self.made: Any = None
        self.seconds = 0.0

    def __call__(self, problem: Any) -> tuple[Any, float]:
        """The set-up, and the seconds that the caller's clock did not see: 0 for who makes it."""
        if self.problem is problem:
            if isinstance(self.made, RuntimeError):
                raise self.made
            return self.made, self.seconds
        start = time.perf_counter()
        try:
            self.made = self.setup(problem)
        except RuntimeError as error:  # out of fill: the others need not try
            self.made = error
            raise
        finally:
            self.problem, self.seconds = problem, time.perf_counter() - start
        return self.made, 0.0


class Carrying(General):
    """gcrotmk with the space of the systems before."""

    forgets = False

    def __init__(self, name: str, solver: Any, setup: Any = None, keep: bool = False, rtol: float = 1e-8) -> None:
        super().__init__(name, solver, setup, keep, rtol)
        self.CU: list[Any] = []
        self.solver = partial(solver, CU=self.CU, discard_C=True)


SOLVERS: dict[str, tuple[type[General], Any]] = {
    "gmres(30)": (General, partial(sla.gmres, restart=30, maxiter=300, callback_type="pr_norm")),
    "lgmres": (General, partial(sla.lgmres, inner_m=30, outer_k=3, maxiter=300)),
    "bicgstab": (General, partial(sla.bicgstab, maxiter=10_000)),
    "gcrotmk": (General, partial(sla.gcrotmk, m=30, k=20, maxiter=300)),
    "gcrotmk, CU carried": (Carrying, partial(sla.gcrotmk, m=30, k=20, maxiter=300)),
}


_AGAIN = 3
_LADDER = (10.0, 30.0, 60.0)


def jacobi(problem: Any) -> Any:
    """The inverse diagonal."""
    inverse = 1.0 / problem.A.diagonal()
    return sla.LinearOperator(problem.A.shape, matvec=lambda r: inverse * r, dtype=problem.dtype)


def ilut(problem: Any) -> Any:
    """spilu with its defaults, of the CSC matrix that A's arrays are the transpose of; more fill where it runs out."""
    A = problem.A
    turned = sp.csc_array((A.data, A.indices, A.indptr), shape=A.shape)
    for fill in _LADDER:
        try:
            lu = sla.spilu(turned, drop_tol=1e-4, fill_factor=fill)
            break
        except RuntimeError:
            if fill == _LADDER[-1]:
                raise
    return sla.LinearOperator(A.shape, matvec=lambda r: lu.solve(r, trans="T"), dtype=problem.dtype)


def aggregation(problem: Any) -> Any:
    """PyAMG's smoothed aggregation for what is not symmetric."""
    import pyamg

    A = sp.csr_matrix(problem.A)
    symmetry = "symmetric" if problem.dtype.kind == "c" else "nonsymmetric"
    return pyamg.smoothed_aggregation_solver(A, symmetry=symmetry).aspreconditioner()


class Factored(Peer):
    """splu of the transpose, which A's arrays are, with an ordering and a way of pivoting."""

    options: dict[str, Any]

    def expected(self, problem: Any, left: int) -> float:
        """Seconds foretold for as many factors as there are systems left, by half: nobody goes for an error of two."""
        return 0.5 * left * factor_seconds(problem)

    def __call__(self, problem: Any, until: float = np.inf) -> tuple[Any, int]:
        """Factor and solve."""
        A = problem.A
        lu = sla.splu(sp.csc_array((A.data, A.indices, A.indptr), shape=A.shape), **self.options)
        return lu.solve(problem.b, trans="T"), 1


class Free(Factored):
    """As it is called by default."""

    options: dict[str, Any] = {}  # noqa: RUF012


class Trusting(Factored):
    """Minimum degree on A + A^T, pivots from the diagonal."""

    options: dict[str, Any] = {  # noqa: RUF012
        "permc_spec": "MMD_AT_PLUS_A",
        "diag_pivot_thresh": 0.0,
        "options": {"SymmetricMode": True},
    }


PRECONDITIONERS: dict[str, tuple[Callable[[Any], Any] | None, bool]] = {
    "none": (None, False),
    "Jacobi": (jacobi, False),
    "spilu rebuilt": (ilut, False),
    "spilu kept": (ilut, True),
}


def general_peers(rtol: float = 1e-8, direct: bool = True) -> dict[str, Peer | str]:
    """Fresh peers for systems of any symmetry; without the direct ones and PyAMG for ``direct=False``.

    Examples
    --------
    >>> from resolvent.bench.krylov_peers import general_peers
    >>> len(general_peers(direct=False)), "SciPy gcrotmk, CU carried, spilu kept" in general_peers()
    (20, True)
    """
    found: dict[str, Peer | str] = {}
    factors = Shared(ilut)
    for title, (setup, keep) in PRECONDITIONERS.items():
        setup = factors if setup is ilut else setup
        for solver, (kind, call) in SOLVERS.items():
            name = f"SciPy {solver}, {title}"
            found[name] = kind(name, call, setup, keep, rtol)
    if not direct:
        return found
    for name, factored in (("SciPy splu", Free), ("SciPy splu, symmetric mode", Trusting), ("SciPy spsolve", Spsolve)):
        found[name] = factored(name, None, rtol=rtol)
    for keep in (False, True):
        name = f"PyAMG SA in gmres, {'kept' if keep else 'rebuilt'}"
        missing = str(NotInstalledError("PyAMG is not installed: pip install 'resolvent[amg]'"))
        gmres = SOLVERS["gmres(30)"][1]
        found[name] = General(name, gmres, aggregation, keep, rtol) if find_spec("pyamg") else missing
    return found
