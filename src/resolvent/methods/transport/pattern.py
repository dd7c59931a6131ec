"""The pattern of a plan, carried from one problem to the next: which runs of columns of each row can matter.

It is one vector of numbers, so that it is saved like any other harvest: a header, then the runs of all rows. A pattern
comes from files too, so it is vetted before use; one that does not fit the problem is not used.
"""

import math
import zlib
from typing import Any, NamedTuple

import numpy as np

from ... import kernels

__all__ = ["Runs", "found", "found_in_blocks", "unpacked"]

_DENSE = 0.5
_LEAST = 1 << 16  # entries of a plan that a pattern can pay for
_SAMPLE = 16
_HEADER = 4
_BLOCK = 8


class Runs(NamedTuple):
    """Runs of columns: of row i those from ``ip[i]`` to ``ip[i + 1]``; the entries of row i begin at ``at[i]``."""

    ip: Any
    first: Any
    length: Any
    at: Any


def found(problem: Any, P: Any, level: float) -> Any:
    """The runs that hold the entries ``P_ij >= level a_i``, packed; None where they are half of the plan or more."""
    if P.size < _LEAST:
        return None
    problem.work.add("calls")
    every = max(1, len(P) // _SAMPLE)
    for rows, limit in ((slice(None, None, every), 1.2 * _DENSE), (slice(None), _DENSE)):  # a sample before the whole
        part = P[rows]
        entries, *runs = _scanned(part, problem.source[rows], level)
        problem.work.add("scans", part.size / P.size)
        if not 0 <= entries <= limit * part.size:
            return None
    return _packed(problem, [runs])


def found_in_blocks(problem: Any, f: Any, g: Any, level: float) -> Any:
    """The same for a plan that is not kept, from its potentials: a pass over the blocks of C."""
    n, m, ir = len(problem.source), len(problem.targets), 1.0 / problem.reg
    if n * m < _LEAST:
        return None
    parts, total, scrap = [], 0, np.zeros(m)
    problem.work.add("plans")
    problem.work.add("scans")
    for start, stop, block in problem.blocks():
        P = np.empty_like(block)
        kernels.transport.marginals(block, ir, f[start:stop] * ir, g * ir, True, P, np.empty(len(P)), scrap)
        entries, *runs = _scanned(P, problem.source[start:stop], level)
        total += entries
        if entries < 0 or total > _DENSE * n * m:
            return None
        parts.append(runs)
    return _packed(problem, parts)


def _scanned(P: Any, a: Any, level: float) -> tuple[int, Any, Any, Any]:
    """Entries of all runs, and the runs; entries are negative where there are too many runs."""
    n, m = P.shape
    ip = np.zeros(n + 1, np.uint32)
    first, length = (np.empty(n * (m // (_BLOCK * 3) + 2), np.uint32) for _ in range(2))
    entries = kernels.truncated.scan(P, a, level, ip, first, length)
    return int(entries), ip, first[: ip[-1]], length[: ip[-1]]


def _packed(problem: Any, parts: Any) -> Any:
    """Runs of rows, block by block, as one vector."""
    before = np.concatenate([[0], np.cumsum([len(first) for _, first, _ in parts])])
    ips = [ip[1:] + offset for (ip, _, _), offset in zip(parts, before[:-1], strict=True)]
    first, length = (np.concatenate([part[k] for part in parts]) for k in (1, 2))
    return np.concatenate([[*_key(problem), len(first), 0], *ips, first, length]).astype(float)


def unpacked(packed: Any, problem: Any) -> Runs | None:
    """The runs, where they fit the problem."""
    n, m = len(problem.source), len(problem.targets)
    if packed is not None:
        problem.work.add("calls")
    if not isinstance(packed, np.ndarray) or packed.ndim != 1 or len(packed) < _HEADER:
        return None
    if tuple(packed[: _HEADER - 1]) != _key(problem):
        return None
    runs = packed[_HEADER - 1]
    if not (math.isfinite(runs) and len(packed) == _HEADER + n + 1 + 2 * runs):
        return None
    whole = packed[_HEADER:]
    if not np.all((whole >= 0) & (whole < 2**31) & (whole == np.floor(whole))):
        return None
    ip, first, length = (v.astype(np.int64) for v in np.split(whole, [n + 1, n + 1 + int(runs)]))
    sound = ip[0] == 0 and ip[-1] == runs and bool(np.all(np.diff(ip) >= 0))
    padded = -(-m // _BLOCK) * _BLOCK
    sound = sound and not np.any(first % _BLOCK) and not np.any(length % _BLOCK) and bool(np.all(length > 0))
    if not sound or np.any(first + length > padded):
        return None
    ends = np.concatenate([[0], np.cumsum(length)])
    if ends[-1] > n * padded:
        return None
    return Runs(ip.astype(np.uint32), first.astype(np.uint32), length.astype(np.uint32), ends[ip])


def _key(problem: Any) -> tuple[float, float, float]:
    """Sizes, and which points have mass."""
    mark = 0
    for points in (problem.rows, problem.cols):
        if points is not None:
            mark = zlib.crc32(np.asarray(points, np.int64).tobytes(), mark)
    return float(len(problem.source)), float(len(problem.targets)), float(mark)
