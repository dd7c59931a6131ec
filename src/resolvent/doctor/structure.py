"""What can be found by looking at the entries: pattern, symmetry, diagonal, scaling, and hints at where it comes from.

A few passes over the entries in NumPy and SciPy; nothing is estimated here.
"""

from typing import Any

import numpy as np
import scipy.sparse as sp

__all__ = ["matrix_of", "structure"]


def matrix_of(problem: Any) -> sp.csr_array:
    """The problem's stored entries as a canonical SciPy CSR array."""
    problem.diagonal()  # vets the pattern
    signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
    A = sp.csr_array((problem.data, problem.ix.view(signed), problem.ip.view(signed)), shape=problem.shape)
    A.has_canonical_format = True
    return A


def structure(problem: Any, A: sp.csr_array) -> dict[str, Any]:
    """The facts, as plain numbers and words.

    Parameters
    ----------
    problem : LinearSystem
        Of stored entries.
    A : csr_array
        The same entries.

    Returns
    -------
    dict
    """
    n = A.shape[0]
    counts = np.diff(A.indptr)
    rows = np.repeat(np.arange(n), counts)
    d = A.diagonal()
    size = np.abs(A)
    row_norms = np.sqrt(_sums(A.data, rows, n))
    column_norms = np.sqrt(_sums(A.data, A.indices, n))
    off = np.asarray(size.sum(axis=1)).ravel() - np.abs(d)
    facts = {
        "n": n,
        "nonzeros": int(A.nnz),
        "per_row": float(A.nnz / n),
        "dtype": str(A.dtype),
        "bandwidth": int(np.abs(A.indices - rows).max()) if A.nnz else 0,
        **_symmetry(A),
        "empty_rows": int(np.sum(row_norms == 0.0)),
        "empty_columns": int(np.sum(column_norms == 0.0)),
        "zero_diagonal": int(np.sum(d == 0.0)),
        "diagonal": _signs(d),
        "dominant_rows": float(np.mean(np.abs(d) >= off * (1 - 1e-12))),
        "dominance": float(np.min(np.abs(d) / np.where(off > 0, off, 1.0))) if n else 1.0,
        "row_spread": _spread(row_norms),
        "column_spread": _spread(column_norms),
        "largest": float(np.max(np.abs(A.data))) if A.nnz else 0.0,
        "norm": float(problem.frobenius),
    }
    return facts | {"hints": _hints(A, facts, rows, d)}


def _sums(values: Any, where: Any, n: int) -> Any:
    return np.bincount(where, weights=np.abs(values) ** 2, minlength=n)


def _spread(norms: Any) -> float:
    """Largest over smallest that is not zero."""
    there = norms[norms > 0]
    return float(there.max() / there.min()) if len(there) else 1.0


def _signs(d: Any) -> str:
    if np.iscomplexobj(d) and np.abs(d.imag).max(initial=0.0) > 0:
        return "complex"
    if np.all(d.real > 0):
        return "positive"
    return "negative" if np.all(d.real < 0) else "of both signs or zero"


def _symmetry(A: sp.csr_array) -> dict[str, Any]:
    """Kind of symmetry, and how far A is from it in the Frobenius norm."""
    total = float(np.linalg.norm(A.data)) or 1.0
    skew = A - A.conj().T
    gap = float(np.linalg.norm(skew.data)) / total
    plain = float(np.linalg.norm((A - A.T).data)) / total if np.iscomplexobj(A.data) else gap
    limit = 1e-12 if np.finfo(A.dtype).eps < 1e-10 else 1e-5
    if gap <= limit:
        kind = "Hermitian" if np.iscomplexobj(A.data) else "symmetric"
    elif plain <= limit:
        kind = "complex symmetric"
    elif float(np.linalg.norm((A + A.conj().T).data)) / total <= limit:
        kind = "skew-symmetric"
    else:
        kind = "nonsymmetric"
    pattern = sp.csr_array((np.ones(A.nnz, dtype=np.int8), A.indices, A.indptr), shape=A.shape)
    same = abs(pattern - pattern.T).nnz == 0
    return {"symmetry": kind, "asymmetry": gap, "symmetric_pattern": bool(same)}


def _hints(A: sp.csr_array, facts: dict[str, Any], rows: Any, d: Any) -> list[str]:
    """Sentences about where it seems to come from, and what to do about that."""
    n, hints = facts["n"], []
    ones = sp.csr_array((np.ones(A.nnz), A.indices, A.indptr), shape=A.shape)
    parts, _ = sp.csgraph.connected_components(ones, directed=False)
    if parts > 1:
        hints.append(f"it falls into {parts} independent systems, which may be solved apart")
    grid = _grid(A, rows)
    if grid:
        hints.append(grid)
    if facts["empty_rows"] == 0 and A.nnz:
        sums = np.abs(np.asarray(A.sum(axis=1)).ravel())
        if np.all(sums <= 1e-10 * np.abs(A).sum(axis=1).max()):
            hints.append("every row sums to zero: constants are in the null space; pass nullspace=numpy.ones(n)")
    zeros = np.flatnonzero(d == 0.0)
    if 0 < len(zeros) < n and zeros[0] == n - len(zeros) and facts["symmetric_pattern"]:
        hints.append(f"the last {len(zeros)} rows have no diagonal entry: a saddle-point system with constraints")
    if not np.iscomplexobj(A.data):
        off = A.data[A.indices != rows]
        if facts["diagonal"] == "positive" and np.all(off <= 0) and facts["dominant_rows"] == 1.0:
            hints.append("an M-matrix: multigrid and incomplete factorizations are safe on it")
    block = _block(A)
    if block > 1:
        hints.append(f"its pattern repeats in blocks of {block}: {block} unknowns a node, as in elasticity or flow")
    if max(facts["row_spread"], facts["column_spread"]) > 1e6:
        hints.append("rows or columns differ in size by more than 1e6: scale them by their norms before anything else")
    return hints


def _grid(A: sp.csr_array, rows: Any) -> str:
    """A stencil on a structured grid, from the distances to the diagonal."""
    offsets, counts = np.unique(A.indices - rows, return_counts=True)
    if not 3 <= len(offsets) <= 27 or np.any(counts < 0.3 * A.shape[0]):
        return ""
    up = offsets[offsets > 0]
    kind = f"{len(offsets)}-point stencil"
    if len(offsets) == 3 and up[0] == 1:
        return "tridiagonal: a direct solver needs a few passes over it"
    if len(offsets) in (5, 9) and up[0] == 1:
        m = int(up[-1] - (len(offsets) == 9))
        return f"a {kind} on a grid with lines of {m} points: a direct solver or multigrid suits it"
    if len(offsets) == 7 and up[0] == 1:
        return f"a {kind} on a 3-D grid with lines of {up[1]} points: factors fill in; prefer multigrid or CG"
    return f"a {kind} on a structured grid"


def _block(A: sp.csr_array) -> int:
    """2, 3, 4 or 6 when that many consecutive rows always share one pattern, else 1."""
    counts = np.diff(A.indptr)
    for size in (6, 4, 3, 2):
        if A.shape[0] % size or A.nnz < 4 * A.shape[0]:
            continue
        if np.any(counts.reshape(-1, size) != counts.reshape(-1, size)[:, :1]):
            continue
        starts = A.indptr[:-1].reshape(-1, size)
        first, length = starts[:, 0], counts.reshape(-1, size)[:, 0]
        place = np.repeat(first - np.concatenate(([0], np.cumsum(length)[:-1])), length) + np.arange(length.sum())
        owner = np.repeat(np.arange(len(first)), length)
        inside = place - first[owner]
        if all(np.array_equal(A.indices[place], A.indices[starts[owner, k] + inside]) for k in range(1, size)):
            return size
    return 1
