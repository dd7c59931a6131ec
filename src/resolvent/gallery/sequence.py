"""What a gallery hands out: a *sequence* of related problems, built one by one, the same bits every time.

``sequence[i]`` builds problem ``i`` when it is asked for and keeps none of the earlier ones. A *coupled* sequence (a
time stepper, a design loop) needs the solution of problem ``i`` before it can state problem ``i + 1``: whoever solves
calls ``feed(i, x)`` in between, and may save ``state_dict()`` at any time to continue later with the same bits.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import csr_array

__all__ = ["Sequence", "check_integer", "check_number", "spd_system", "wrap_csr"]


def check_integer(name: str, value: Any, low: int, high: int | None = None) -> int:
    """Return `value` as an int within [low, high], or raise one sentence."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be a whole number, not {value!r}")
    if value < low or (high is not None and value > high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise ValueError(f"{name} must be {limits}, not {value}")
    return int(value)


def check_number(name: str, value: Any, low: float, high: float = np.inf, *, open_low: bool = True) -> float:
    """Return `value` as a finite float in (low, high] (or [low, high], ``open_low=False``), or raise one sentence."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(f"{name} must be a number, not {value!r}")
    value = float(value)
    if not (np.isfinite(value) and (value > low or (value == low and not open_low)) and value <= high):
        bound = f"{'above' if open_low else 'at least'} {low:g}" + ("" if high == np.inf else f" and at most {high:g}")
        raise ValueError(f"{name} must be a finite number {bound}, not {value!r}")
    return value


def wrap_csr(data: np.ndarray, indices: np.ndarray, indptr: np.ndarray, shape: tuple[int, int]) -> csr_array:
    """A canonical CSR array over the given arrays; the pattern arrays are shared, not copied."""
    A = csr_array((data, indices, indptr), shape=shape)
    A.indices, A.indptr = indices, indptr  # SciPy makes new views
    A.has_sorted_indices = True
    A.has_canonical_format = True
    return A


def spd_system(A: csr_array, b: np.ndarray, context: Any = None) -> Any:
    """The `LinearSystem` of a matrix that is symmetric positive definite by construction."""
    from ..problems.linear import LinearSystem

    return LinearSystem(A, b, context=context, symmetric=True, positive_definite=True)


class Sequence:
    """A sequence of problems; a builder subclasses it and writes `_problem(i)`.

    Parameters
    ----------
    count : int
        How many problems there are at most.
    size : int or None
        The size parameter of the builder (grid points a side, elements a side); None where the data decide.
    options : dict
        Everything else that the problems depend on, as JSON: part of `state_dict`, so that a state is never continued
        under other options.

    Attributes
    ----------
    name : str
        What the gallery calls it.
    title : str
        One sentence.
    coupled : bool
        True when problem ``i + 1`` needs the solution of problem ``i``.
    position : int
        Coupled: the only index that can be asked for now (the number of solutions fed so far).
    done : bool
        True when a coupled sequence has come to its end, possibly before `count`.

    Examples
    --------
    >>> from resolvent import gallery
    >>> steps = gallery.sequence("heat-shift", count=3, size=8)
    >>> steps.coupled, len(steps), steps.position
    (True, 3, 0)
    >>> import scipy.sparse.linalg as sla
    >>> for i, problem in enumerate(steps):
    ...     steps.feed(i, sla.spsolve(problem.A.tocsc(), problem.b))
    >>> steps.done
    True
    """

    name = "sequence"
    title = "A sequence of problems."
    coupled = False

    def __init__(self, count: int, size: int | None = None, options: dict[str, Any] | None = None):
        self.count = check_integer("count", count, 1)
        self.size = size
        self.options = dict(options or {})
        self.position = 0

    def _problem(self, i: int) -> Any:
        """Build problem `i`; a subclass writes it, coupled ones from the state that the last `feed` left."""
        raise TypeError(f"{type(self).__name__} is not a builder: a subclass of Sequence writes _problem(i)")

    def _start(self) -> None:
        """Coupled: go back to the state before the first problem."""

    def _advance(self, x: np.ndarray) -> None:
        """Coupled: take the solution of the current problem in."""

    def _state(self) -> dict[str, np.ndarray]:
        """Coupled: the arrays that problem `position` depends on."""
        return {}

    def _load(self, arrays: dict[str, np.ndarray]) -> None:
        """Coupled: the inverse of `_state`; the arrays have been checked for names, shapes and dtypes."""

    @property
    def done(self) -> bool:
        """True when no further problem can be asked for (always False for a sequence that is not coupled)."""
        return self.coupled and self.position >= self.count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> Any:
        if isinstance(i, slice):
            raise TypeError("a sequence is indexed by one whole number at a time, not by a slice")
        i = check_integer("the index", i, -self.count) if i < 0 else check_integer("the index", i, 0)
        i += self.count if i < 0 else 0
        if i >= self.count or (self.done and i >= self.position):
            end = self.position if self.done else self.count
            raise IndexError(f"there is no problem {i} in {self.name}: it has {end}, numbered from 0")
        if self.coupled and i > self.position:
            raise RuntimeError(
                f"problem {i} of {self.name} depends on the solution of problem {i - 1}: "
                f"call feed({self.position}, x) with the solution of problem {self.position} first"
            )
        if self.coupled and i < self.position:
            raise RuntimeError(
                f"problem {i} of {self.name} has been solved and left behind (now at {self.position}): "
                "call reset() to begin again"
            )
        return self._problem(i)

    def __iter__(self) -> Iterator[Any]:
        """Yield the problems from the first one; a coupled sequence goes back to its start."""
        self.reset()
        i = 0
        while i < self.count and not self.done:
            yield self[i]
            i += 1

    def reset(self) -> None:
        """Go back to the first problem."""
        self.position = 0
        if self.coupled:
            self._start()

    def feed(self, i: int, x: np.ndarray) -> None:
        """Hand in the solution of problem `i`, before problem ``i + 1`` is asked for.

        Does nothing for a sequence that is not coupled, so a runner may always call it.

        Parameters
        ----------
        i : int
            Must be `position`.
        x : ndarray of shape (n,), float64
            The solution; it is copied where it is kept.

        Raises
        ------
        RuntimeError
            Out of turn.
        ValueError
            Wrong shape, or a NaN or inf in it.
        """
        if not self.coupled:
            return
        if i != self.position or self.done:
            raise RuntimeError(
                f"{self.name} waits for the solution of problem {self.position}, not of problem {i}"
                if not self.done
                else f"{self.name} has come to its end after {self.position} problems and takes no more solutions"
            )
        x = np.asarray(x)
        if x.shape != (self.unknowns,) or x.dtype.kind not in "fiu":
            raise ValueError(
                f"feed({i}, x) of {self.name} needs {self.unknowns} real numbers, not {x.dtype} of {x.shape}"
            )
        if not np.isfinite(x).all():
            raise ValueError(f"feed({i}, x) of {self.name} was given a NaN or inf")
        self._advance(np.asarray(x, dtype=np.float64))
        self.position += 1

    @property
    def unknowns(self) -> int:
        """Length of the solution that `feed` expects."""
        raise TypeError(f"{self.name} takes no solutions")

    def features(self, i: int) -> np.ndarray | None:
        """A short vector in which related problems are near each other, or None when the sequence has none."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What is needed to go on from here: JSON values, and plain arrays under ``"arrays"``."""
        return {
            "name": self.name,
            "size": self.size,
            "options": dict(self.options),
            "position": self.position,
            "arrays": {key: value.copy() for key, value in self._state().items()},
        }

    def load_state_dict(self, d: dict[str, Any]) -> None:
        """Continue from `state_dict()` of a sequence with the same name, size and options.

        Raises
        ------
        ValueError
            The state belongs to another sequence or its arrays do not fit; nothing is changed then.
        """
        for key, mine in (("name", self.name), ("size", self.size), ("options", self.options)):
            if d.get(key) != mine:
                raise ValueError(f"this state is of {key} {d.get(key)!r}, but the sequence has {mine!r}")
        position = check_integer("the position of the state", d.get("position"), 0)
        arrays = d.get("arrays")
        mine = self._state()
        if not isinstance(arrays, dict) or set(arrays) != set(mine):
            raise ValueError(f"a state of {self.name} must have the arrays {sorted(mine)}")
        fresh = {}
        for key, old in mine.items():
            new = np.asarray(arrays[key])
            if new.shape != old.shape or new.dtype != old.dtype or not np.isfinite(new).all():
                raise ValueError(f"array {key!r} of the state must be finite {old.dtype} of shape {old.shape}")
            fresh[key] = new.copy()
        self.position = position
        if self.coupled:
            self._load(fresh)
