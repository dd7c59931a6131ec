"""What a Session remembers of the last linear system: pattern and values, compared with each new one, never assumed."""

import math
from typing import Any

import numpy as np

from ..core import Change, Work
from . import checks

__all__ = ["Remembering", "remembered"]

_SAMPLE = 64
_SMALL = 1 << 14  # bytes
NAMES = {np.dtype(t): t for t in ("float32", "float64", "complex64", "complex128")}


class Remembering:
    """The part of LinearSystem that finds what changed."""

    A: Any
    n: int
    kind: str
    stored: bool
    vetted: bool
    dtype: Any
    version: Any
    ip: Any
    ix: Any
    data: Any
    work: Work
    matrix_version: int

    def compare(self, memory: dict[str, Any]) -> Change:
        """Compare with what ``memory`` kept of the last problem, take over its records, keep this one there.

        Returns
        -------
        Change
            SAME, VALUES, PATTERN or SHAPE; ``epoch`` counts patterns, ``matrix_version`` counts values.
        """
        if "family" in memory:  # the Session solved another kind of problem before
            epoch, version = memory["epoch"], memory["version"]
            memory.clear()
            memory.update(epoch=epoch, version=version)
        key = self._key()
        change = self._against(memory, key)
        if change == Change.PATTERN and not self.vetted:  # rows that are not sorted may still be the same
            before = self.ix
            self._vet()
            change = change if self.ix is before else self._against(memory, key)
        if change == Change.SHAPE or change == Change.PATTERN:
            memory["symbolic"] = {}
            memory["facts"] = {}
            memory["epoch"] = memory.get("epoch", 0) + 1
        if change != Change.SAME:
            memory["version"] = memory.get("version", 0) + 1
        ready = self.__dict__
        ready["memory"], ready["epoch"], ready["matrix_version"] = memory, memory["epoch"], memory["version"]
        ready["symbolic"] = memory.setdefault("symbolic", {})
        if self.stored:
            if change >= Change.PATTERN:
                self._vet()
                memory["indptr"], memory["indices"] = self.ip.copy(), self.ix.copy()
                memory["values"] = self.data.copy()
            elif change == Change.VALUES:
                self.__dict__["vetted"] = True
                np.copyto(memory["values"], self.data)
            else:
                self.__dict__["vetted"] = True
            self.work.add("checks")
        memory["key"] = key
        return change

    def _key(self) -> list[Any]:
        version = self.version if isinstance(self.version, int | float | str | None) else str(self.version)
        return [self.kind == "operator", self.n, NAMES[self.dtype], version if not self.stored else None]

    def _against(self, memory: dict[str, Any], new: list[Any]) -> Change:
        old = memory.get("key")
        if old is None or list(old[:3]) != new[:3]:
            return Change.SHAPE
        if not self.stored:
            return Change.SAME if new[3] is not None and old[3] == new[3] else Change.VALUES
        ip, ix = memory["indptr"], memory["indices"]
        if len(ix) != len(self.ix) or ip.dtype != self.ip.dtype or ix.dtype != self.ix.dtype:
            return Change.PATTERN
        if len(ip) != len(self.ip) or not (_alike(ip, self.ip) and _alike(ix, self.ix)):
            return Change.PATTERN
        kept, data = memory["values"], self.data
        if len(kept) != len(data):
            return Change.PATTERN
        stride = len(kept) // _SAMPLE
        same = (stride < 16 or (kept[::stride] == data[::stride]).all()) and (kept == data).all()
        return Change.SAME if same else Change.VALUES

    def _vet(self) -> None:
        """Make sure, once per pattern, that kernels may walk it; sort and sum duplicates in a copy if need be."""
        if self.vetted if self.stored else True:
            return
        self.__dict__["ip"], self.__dict__["ix"], self.__dict__["data"] = checks.canonical(
            self.ip, self.ix, self.data, self.n
        )
        self.__dict__["vetted"] = True

    def distance(self, bound: Any) -> float:
        """||A - A'||_F / ||A'||_F to the matrix of the same pattern that ``bound`` was made from; inf when unknown.

        Judged from every k-th entry, some 4096 of them: enough to rank set-ups, at no cost.
        """
        if bound.matrix_version == self.matrix_version:
            return 0.0
        source = getattr(bound, "source", None)
        if not self.stored or source is None or len(source.data) != len(self.data):
            return math.inf
        stride = max(1, len(self.data) // 4096) | 1
        old = source.data[::stride]
        size = math.sqrt(abs(np.vdot(old, old)))
        gap = self.data[::stride] - old
        return math.sqrt(abs(np.vdot(gap, gap))) / size if size > 0 else math.inf

    def suits(self, bound: Any) -> bool:
        """Whether a carried set-up was made from a matrix of this size, pattern length and dtype."""
        source = getattr(bound, "source", None)
        if source is None or not self.stored:
            return True
        return source.n == self.n and len(source.data) == len(self.data) and source.dtype == self.dtype


def _alike(one: Any, other: Any) -> bool:
    """Whether two arrays of integers, of one length and dtype, are equal; small ones as bytes, which takes a tenth."""
    return bool(one.tobytes() == other.tobytes() if one.nbytes <= _SMALL else (one == other).all())


def remembered(memory: Any) -> dict[str, Any]:
    """What a Session's memory of the last system may hold when it comes from a file; all else starts cold.

    Raises
    ------
    ValueError
        When it is not of the shape that ``LinearSystem.compare`` writes.
    """
    if memory in ({}, {"figures": {}}):
        return {}
    key = memory["key"]
    sound = isinstance(key, list) and len(key) == 4 and type(key[0]) is bool and type(key[1]) is int
    sound = sound and all(type(memory[k]) is int for k in ("epoch", "version"))
    facts = memory["facts"]
    if not sound or not isinstance(facts, dict) or not all(type(v) is bool for v in facts.values()):
        raise ValueError("the memory of the last system is not one")
    out = {name: memory[name] for name in ("key", "epoch", "version")} | {
        "facts": dict(memory["facts"]),
        "symbolic": _figures(memory["figures"]),
    }
    if key[0] is False:
        ip, ix, values = memory["indptr"], memory["indices"], memory["values"]
        arrays = all(isinstance(a, np.ndarray) and a.ndim == 1 for a in (ip, ix, values))
        if (
            not arrays
            or ip.dtype != ix.dtype
            or ip.dtype.kind != "u"
            or values.dtype not in NAMES
            or len(ix) != len(values)
        ):
            raise ValueError("the memory of the last matrix is not one")
        out.update(indptr=ip, indices=ix, values=values)
    return out


def _figures(found: Any) -> dict[str, Any]:
    """Figures of a pattern that estimates are made from: positive numbers, alone or in pairs, under names of ours."""
    sides = {"width": 1, "factor.flops.True": 2, "factor.flops.False": 2}
    out: dict[str, Any] = {}
    for name, value in found.items():
        figures = value if isinstance(value, list) else [value]
        if len(figures) != sides.get(name) or not all(type(v) in (int, float) and 0 < v < math.inf for v in figures):
            raise ValueError(f"the figure {name!r} of a pattern is not one of ours")
        out[name] = tuple(figures) if isinstance(value, list) else value
    return out
