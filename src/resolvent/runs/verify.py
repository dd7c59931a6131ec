"""Check every solve of a run again, from its files, with NumPy alone and nothing of what solved it.

    r = b - A x  in long double,   claim: ||r||_2 <= max(rtol ||b||_2, atol)

(the marginals of the plan for transport, the gradient for completion: see `answers`; a problem that is made of functions
has these called again at x). The systems are built again from where they came (gallery or files; a coupled sequence is
fed the stored solutions), the solutions are read from the run's folder, the tolerance is computed again from rtol and b,
the product is a plain sum over rows in NumPy's long double. Cost: a few passes over A in long double for each system.
What it proves is the size of the residual; the error in x is at most ||A^-1|| times that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .answers import fingerprint, kept_shape, linear, norms, told
from .assemble import read_solution
from .folder import Folder, RunError
from .plan import Plan, open_source

__all__ = ["Verdict", "residual_norms", "verify"]

_SLACK = 1e-6
_CHUNK = 1 << 20


@dataclass
class Verdict:
    """What was found.

    Attributes
    ----------
    claimed, held : int
        Solves that say that they met their tolerance, and those of which it is true.
    unclaimed : int
        Solves that say themselves that they did not.
    failures : list of str
        One sentence for each claim that is not true, and for each file that contradicts another.
    worst : float
        The largest residual over its tolerance among the claims.
    complete : bool
        False for a run that was not finished.
    source : str
    """

    claimed: int = 0
    held: int = 0
    unclaimed: int = 0
    failures: list[str] = field(default_factory=list)
    worst: float = 0.0
    complete: bool = True
    total: int = 0
    source: str = ""
    measures: str = "nothing: no system was solved"
    strength: str = "none"

    @property
    def good(self) -> bool:
        """No claim is false, and there was something to check."""
        return not self.failures and self.claimed + self.unclaimed > 0

    def lines(self) -> list[str]:
        """In words: what was measured, how strong that is, what came out."""
        out = [
            f"measure: {self.measures}",
            f"strength: {self.strength}",
            f"claims: {self.held} of {self.claimed} hold; the largest residual is {self.worst:.3g} of its tolerance",
        ]
        if self.unclaimed:
            out.append(
                f"{self.unclaimed} solves say themselves that they did not meet their tolerance: nothing to check"
            )
        if not self.complete:
            out.append(f"the run is not finished: {self.claimed + self.unclaimed} of {self.total} systems were solved")
        return out


def verify(path: Any, bar: Any = None) -> Verdict:
    """Check a run.

    Parameters
    ----------
    path : path
        The run's folder.
    bar : callable, optional
        ``bar(done, total)`` after each system.

    Returns
    -------
    Verdict

    Raises
    ------
    RunError, OSError
        When there is no run, or its systems cannot be had any more.

    Examples
    --------
    >>> import tempfile
    >>> from resolvent.runs import Plan, execute, verify
    >>> folder = tempfile.mkdtemp()
    >>> _ = execute(Plan("darcy-path", count=2, size=6), folder)
    >>> verify(folder).good
    True
    """
    folder = Folder(path)
    manifest = folder.manifest()
    plan = Plan.of(manifest)
    sequence = open_source(plan, manifest["plan"]["where"])
    entries = _logged(folder)
    verdict = Verdict(complete=bool(manifest.get("complete")), total=len(manifest["order"]), source=plan.source)
    if verdict.complete:
        for what, found in (("solved", len(entries)), ("ok", sum(bool(e["ok"]) for e in entries.values()))):
            if manifest.get(what) != found:
                verdict.failures.append(f"the log has {found} systems {what}, the manifest says {manifest.get(what)}")
    for done, (i, problem) in enumerate(_systems(sequence, entries, folder)):
        verdict.measures, verdict.strength = told(problem, plan.source)
        _check(verdict, folder, plan, i, problem, entries[i])
        if bar is not None:
            bar(done + 1, len(entries))
    return verdict


def _logged(folder: Folder) -> dict[int, dict[str, Any]]:
    """The lines of the log by system; each must at least say which, and whether it was solved."""
    entries = {}
    for entry in folder.entries():
        i = entry.get("index")
        if not isinstance(i, int) or not isinstance(entry.get("ok"), bool):
            raise RunError(f"{folder.path}: the log has a line without index and ok; it is not one of resolvent's")
        entries[i] = entry
    return entries


def _systems(sequence: Any, entries: dict[int, Any], folder: Folder) -> Iterator[tuple[int, Any]]:
    """The systems that were solved, built again; a coupled sequence is led by the stored solutions."""
    sequence.reset()
    for i in sorted(entries):
        try:
            problem = sequence[i]
        except (ValueError, TypeError, OSError, RuntimeError, IndexError) as error:
            raise RunError(f"system {i} cannot be built again: {error}") from None
        yield i, problem
        if sequence.coupled and i + 1 in entries:
            try:
                sequence.feed(i, _solution(folder, i))
            except ValueError as error:
                raise RunError(f"system {i + 1} cannot be built again: {error}") from None


def _solution(folder: Folder, i: int) -> Any:
    return read_solution(folder, i) if folder.solutions.exists() else folder.part(i)


def _check(verdict: Verdict, folder: Folder, plan: Plan, i: int, problem: Any, entry: dict[str, Any]) -> None:
    """One solve: is what it says true?"""
    claims = bool(entry.get("ok"))
    verdict.claimed += claims
    verdict.unclaimed += not claims
    wrong = _contradiction(folder, i, problem, entry)
    if wrong is None:
        x = _solution(folder, i)
        wrong, ratio = _judge(plan, problem, x, entry, claims)
        verdict.worst = max(verdict.worst, ratio) if claims else verdict.worst
    if wrong is not None:
        verdict.failures.append(f"system {i}: {wrong}")
    elif claims:
        verdict.held += 1


def _contradiction(folder: Folder, i: int, problem: Any, entry: dict[str, Any]) -> str | None:
    """Files that do not fit each other, before anything is measured."""
    if entry.get("system") not in (None, fingerprint(problem)):
        return "A or b are no longer those that were solved"
    try:
        x = _solution(folder, i)
    except RunError as error:
        return str(error)
    shape = kept_shape(problem)
    if np.shape(x) != shape or x.dtype.kind not in "fc":
        return f"its solution is {x.dtype} of shape {np.shape(x)}, and the problem's has shape {shape}"
    if folder.solutions.exists() and folder.where(i).exists():
        try:
            part = folder.part(i)
        except RunError as error:
            return str(error)
        if part.dtype != x.dtype or part.tobytes() != x.tobytes():
            return "its solution in solutions.h5 is not the one in parts"
    return None


def _judge(plan: Plan, problem: Any, x: Any, entry: dict[str, Any], claims: bool) -> tuple[str | None, float]:
    """The claim against the residual: a sentence when it is not true, and residual over tolerance."""
    if not claims:
        return None, 0.0
    if np.any(np.isnan(x)) or (
        np.any(np.isinf(x)) and getattr(problem, "family", "") != "transport"
    ):  # there -inf is "no mass"
        return "it says that it is solved, and its solution has a NaN or inf", float("inf")
    r, scale, floor = residual_norms(problem.A, x, problem.b) if linear(problem) else norms(problem, x)
    rtol = plan.rtol
    if rtol is None:
        rtol = 1e-3 if np.finfo(x.dtype).eps > 1e-10 else 1e-6
    tolerance = rtol * scale
    if plan.state is not None and plan.rtol is None and isinstance(entry.get("tolerance"), float):
        tolerance = np.full(len(r), entry["tolerance"])  # the saved session's own
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = float(np.max(np.where(r > 0, r / tolerance, 0.0)))
    stated, largest = entry.get("residual"), float(np.max(r))
    if np.any(r > (1 + _SLACK) * tolerance + floor):
        return f"it says residual {stated!r}, within its tolerance; recomputed: {largest:.6g}", ratio
    if not isinstance(stated, float) or abs(stated - largest) > 1e-3 * largest + 4 * float(np.max(floor)):
        return f"it says residual {stated!r}; recomputed: {largest:.6g}", ratio
    return None, ratio


def residual_norms(A: Any, x: Any, b: Any) -> tuple[Any, Any, Any]:
    """Column by column: ``||b - A x||``, ``||b||``, and what rounding in x's own precision can change, in long double.

    Parameters
    ----------
    A : CSR array or ndarray, shape (n, n)
    x, b : ndarray, shape (n,) or (n, k)

    Returns
    -------
    tuple of ndarray of shape (k,)

    Examples
    --------
    >>> import numpy as np
    >>> from resolvent.runs.verify import residual_norms
    >>> [float(v[0]) for v in residual_norms(np.eye(2), np.array([1.0, 2.0]), np.array([1.0, 5.0]))[:1]]
    [3.0]
    """
    wide = (
        np.clongdouble
        if any(np.iscomplexobj(v) for v in (x, b, A.data if hasattr(A, "indptr") else A))
        else np.longdouble
    )
    X, B = np.asarray(x).reshape(len(x), -1).astype(wide), np.asarray(b).reshape(len(b), -1).astype(wide)
    eps = float(np.finfo(np.asarray(x).dtype).eps)
    norms = []
    for k in range(X.shape[1]):
        y, size = _product(A, X[:, k], wide)
        floor = 4 * eps * _norm(size + np.abs(B[:, k]))
        norms.append((_norm(B[:, k] - y), _norm(B[:, k]), floor))
    r, scale, floors = (np.array(column) for column in zip(*norms, strict=True))
    return r, scale, floors


def _product(A: Any, x: Any, wide: Any) -> tuple[Any, Any]:
    """A x and |A| |x|, in blocks of rows."""
    n = len(x)
    y, size = np.zeros(n, dtype=wide), np.zeros(n, dtype=np.longdouble)
    sparse = hasattr(A, "indptr")
    pointers = np.asarray(A.indptr, dtype=np.int64) if sparse else np.arange(n + 1, dtype=np.int64) * n
    row = 0
    while row < n:
        end = max(row + 1, int(np.searchsorted(pointers, pointers[row] + _CHUNK, side="right")) - 1)
        first, last = int(pointers[row]), int(pointers[end])
        if sparse:
            terms = A.data[first:last].astype(wide) * x[A.indices[first:last]]
        else:
            terms = (np.asarray(A[row:end]).astype(wide) * x).ravel()
        starts = pointers[row:end] - first
        filled = pointers[row + 1 : end + 1] > pointers[row:end]
        if len(terms):
            y[row:end][filled] = np.add.reduceat(terms, starts[filled])
            size[row:end][filled] = np.add.reduceat(np.abs(terms), starts[filled])
        row = end
    return y, size


def _norm(v: Any) -> float:
    """2-norm in long double, safe against over- and underflow."""
    top = np.max(np.abs(v)) if len(v) else np.longdouble(0)
    if not 0 < top < np.inf:
        return float(top)
    return float(top * np.sqrt(np.sum(np.abs(v / top) ** 2)))
