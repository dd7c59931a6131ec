"""The solvers that people have today, each over a whole sequence: what it keeps from one system to the next, and
nothing else.

A peer is made once a sequence and then called ``peer(problem) -> (x, iterations)``; it sees ``A``, ``b`` and
``near_nullspace``. Each has its usual set-up: SciPy's cg alone, with Jacobi and with the first factor kept; spsolve;
splu in symmetric mode; PyAMG's smoothed aggregation and Ruge-Stueben inside cg, rebuilt and kept; the iterative ones
also from the last solution. A symmetric CSR matrix is handed to splu as the CSC matrix that it is, without
conversion, and PyAMG gets the class it works on. Whoever times a peer verifies its answer afterwards, outside the
clock.
"""

import time
import warnings
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.sparse.linalg as sla

from ..methods import Direct
from ..operators.amg import muted

__all__ = ["NAMES", "AbandonedError", "NotInstalledError", "Peer", "make", "peers"]


class AbandonedError(Exception):
    """The peer was still at work when its time was over."""


class NotInstalledError(Exception):
    """The peer's package is not installed."""


class Peer:
    """One solver with what it keeps.

    Parameters
    ----------
    name : str
        As in the table.
    setup : callable, optional
        ``setup(problem) -> M``, the preconditioner; None solves with cg alone.
    keep : bool
        Whether the first preconditioner serves for all.
    warm : bool
        Whether each solve begins at the last solution.
    rtol : float
    """

    def __init__(
        self, name: str, setup: Callable[[Any], Any] | None, keep: bool = False, warm: bool = False, rtol: float = 1e-8
    ) -> None:
        self.name, self.setup, self.keep, self.warm, self.rtol = name, setup, keep, warm, rtol
        self.kept: Any = None
        self.last: Any = None

    def __call__(self, problem: Any, until: float = np.inf) -> tuple[Any, int]:
        """Solve; gives up when ``time.perf_counter()`` passes `until`.

        Raises
        ------
        AbandonedError
        NotInstalledError
        """
        M = self._preconditioner(problem)
        steps = 0

        def count(_: Any) -> None:
            nonlocal steps
            steps += 1
            if time.perf_counter() > until:
                raise AbandonedError

        x0 = self.last if self.warm else None
        x, _ = sla.cg(
            problem.A, problem.b, x0=x0, rtol=self.rtol, atol=0.0, maxiter=20 * len(problem.b), M=M, callback=count
        )
        self.last = x if self.warm else None
        return x, steps

    @property
    def forgets(self) -> bool:
        """Whether nothing of one system serves the next: what it took for one, it will take for each."""
        return not (self.keep or self.warm)

    def expected(self, problem: Any, left: int) -> float:
        """Seconds foretold for what cannot be interrupted, a first factor; 0 for all else."""
        return factor_seconds(problem) if self.setup is _kept_factor and self.kept is None else 0.0

    def _preconditioner(self, problem: Any) -> Any:
        if self.setup is None:
            return None
        if not self.keep:
            return self.setup(problem)
        if self.kept is None:
            self.kept = self.setup(problem)
        return self.kept


def factor_seconds(problem: Any) -> float:
    """What a factor of the problem's matrix is expected to take here: the modelled cost at the modelled product."""
    return float(Direct().estimate(problem).setup * problem.product_seconds)


class Spsolve(Peer):
    """SciPy's spsolve as it is called."""

    def expected(self, problem: Any, left: int) -> float:
        """Seconds foretold for as many factors as there are systems left, by half: nobody goes for an error of two."""
        return 0.5 * left * factor_seconds(problem)

    def __call__(self, problem: Any, until: float = np.inf) -> tuple[Any, int]:
        """Solve."""
        return sla.spsolve(problem.A, problem.b), 1


class Splu(Peer):
    """A new factor in symmetric mode for each system."""

    def expected(self, problem: Any, left: int) -> float:
        """Seconds foretold for as many factors as there are systems left, by half: nobody goes for an error of two."""
        return 0.5 * left * factor_seconds(problem)

    def __call__(self, problem: Any, until: float = np.inf) -> tuple[Any, int]:
        """Factor and solve."""
        return _factor(problem).solve(problem.b), 1


def _factor(problem: Any) -> Any:
    A = problem.A
    transposed = sp.csc_array((A.data, A.indices, A.indptr), shape=A.shape)
    return sla.splu(transposed, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def _kept_factor(problem: Any) -> Any:
    lu = _factor(problem)
    return sla.LinearOperator(problem.A.shape, matvec=lu.solve, dtype=float)


def _jacobi(problem: Any) -> Any:
    inverse = 1.0 / problem.A.diagonal()
    return sla.LinearOperator(problem.A.shape, matvec=lambda r: inverse * r, dtype=float)


def _aggregation(problem: Any) -> Any:
    import pyamg

    return pyamg.smoothed_aggregation_solver(sp.csr_matrix(problem.A), B=problem.near_nullspace).aspreconditioner()


def _ruge_stueben(problem: Any) -> Any:
    import pyamg

    with muted():
        return pyamg.ruge_stuben_solver(sp.csr_matrix(problem.A)).aspreconditioner()


# name in the table: class, set-up, kept
_ALL: dict[str, tuple[type[Peer], Callable[[Any], Any] | None, bool]] = {
    "SciPy cg": (Peer, None, False),
    "SciPy cg, Jacobi": (Peer, _jacobi, False),
    "SciPy cg, first factor kept": (Peer, _kept_factor, True),
    "SciPy spsolve": (Spsolve, None, False),
    "SciPy splu, symmetric mode": (Splu, None, False),
    "PyAMG SA rebuilt": (Peer, _aggregation, False),
    "PyAMG SA kept": (Peer, _aggregation, True),
    "PyAMG RS rebuilt": (Peer, _ruge_stueben, False),
    "PyAMG RS kept": (Peer, _ruge_stueben, True),
}
NAMES = tuple(_ALL)
WARM = ", from the last x"


def make(name: str, rtol: float = 1e-8) -> Peer:
    """A fresh peer by its name in the table.

    Raises
    ------
    NotInstalledError
        When its package is missing.
    ValueError
        For another name.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> from resolvent.bench.peers import make
    >>> A = sp.diags_array([-np.ones(9), 2.5 * np.ones(10), -np.ones(9)], offsets=[-1, 0, 1]).tocsr()
    >>> x, steps = make("SciPy splu, symmetric mode")(rv.LinearSystem(A, np.ones(10)))
    >>> bool(np.allclose(A @ x, 1.0)), steps
    (True, 1)
    """
    plain = name.removesuffix(WARM)
    if plain not in _ALL or (name != plain and _ALL[plain][0] is not Peer):
        raise ValueError(f"there is no peer {name!r}; there are: {', '.join(_ALL)}")
    if plain.startswith("PyAMG") and find_spec("pyamg") is None:
        raise NotInstalledError("PyAMG is not installed: pip install 'resolvent[amg]'")
    kind, setup, keep = _ALL[plain]
    return kind(name, setup, keep, name != plain, rtol)


def peers(rtol: float = 1e-8, warm: bool = False) -> dict[str, Peer | str]:
    """All peers, or the sentence that says why one is missing; with `warm` also those that begin at the last solution.

    Examples
    --------
    >>> from resolvent.bench.peers import peers
    >>> len(peers()), len(peers(warm=True))
    (9, 16)
    """
    names = list(_ALL)
    if warm:
        names += [name + WARM for name, (kind, _, _) in _ALL.items() if kind is Peer]
    found: dict[str, Peer | str] = {}
    for name in names:
        try:
            found[name] = make(name, rtol)
        except NotInstalledError as reason:
            found[name] = str(reason)
    return found


def silenced() -> Any:
    """A context without the peers' warnings (conversions, sizes)."""
    return warnings.catch_warnings(action="ignore")
