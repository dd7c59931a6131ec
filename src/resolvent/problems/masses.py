"""What a transport problem may be given: costs and masses, each refused in one sentence before any work."""

from typing import Any, NamedTuple

import numpy as np

__all__ = ["Faces", "checked_block", "checked_cost", "checked_masses", "faces_of"]


class Faces(NamedTuple):
    """The inputs as NumPy arrays (C untouched when it is callable), and the namespace that results go back to."""

    C: Any
    a: Any
    b: Any
    back: Any


def faces_of(C: Any, a: Any, b: Any) -> Faces:
    """NumPy views of the arrays; tensors of torch share their memory with them."""
    given = [a, b] if callable(C) else [C, a, b]
    foreign = [v for v in given if hasattr(v, "__dlpack__") and not isinstance(v, np.ndarray | np.generic)]
    if not foreign:
        return Faces(C, a, b, None)
    import array_api_compat

    space = array_api_compat.array_namespace(*foreign)
    return Faces(C if callable(C) else _viewed(C), _viewed(a), _viewed(b), space)


def _viewed(v: Any) -> Any:
    if not hasattr(v, "__dlpack__") or isinstance(v, np.ndarray):
        return v
    if getattr(v, "requires_grad", False):
        raise TypeError("a tensor that requires gradients was given, and none go through a solve; pass tensor.detach()")
    try:
        return np.from_dlpack(v)
    except (BufferError, RuntimeError, TypeError) as error:
        kind = type(v).__module__
        raise TypeError(f"an array of {kind} that NumPy cannot view was given ({error}); pass one on the CPU") from None


def _real(v: Any, name: str, ndim: int) -> Any:
    """A real floating array of that many dimensions."""
    if isinstance(v, list | tuple):
        raise TypeError(f"{name} is a {type(v).__name__}; an array is expected: np.asarray({name}, dtype=float)")
    if isinstance(v, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; an array without masked entries is expected")
    v = np.asarray(v)
    if v.dtype.kind != "f" or v.dtype.itemsize not in (4, 8):
        raise TypeError(f"{name} has dtype {v.dtype}; float32 or float64 is expected")
    if v.ndim != ndim or 0 in v.shape:
        raise ValueError(f"{name} has shape {v.shape}; {ndim} dimension{'s' * (ndim > 1)} without zero are expected")
    return v


def checked_masses(a: Any, b: Any) -> tuple[Any, Any, float]:
    """Masses that are finite, not negative and of one sum; and that sum.

    Raises
    ------
    ValueError, TypeError
        In one sentence.
    """
    a, b = _real(a, "a", 1), _real(b, "b", 1)
    for name, v in (("a", a), ("b", b)):
        if not np.all(np.isfinite(v)):
            raise ValueError(f"{name} contains NaN or inf; finite masses are expected")
        if v.min() < 0.0:
            raise ValueError(
                f"{name} has the negative mass {v.min():.6g} at {int(v.argmin())}; masses are not negative"
            )
    with np.errstate(over="ignore"):
        total, other = float(a.sum(dtype=float)), float(b.sum(dtype=float))
    if not total > 0.0:
        raise ValueError(f"a has the sum {total:g}; a positive mass is expected")
    if not 1e-100 < total < 1e100:
        raise ValueError(f"a has the sum {total:g}; a mass between 1e-100 and 1e100 is expected: scale a and b")
    eps = max(float(np.finfo(v.dtype).eps) for v in (a, b))
    if not abs(total - other) <= max(2e-9, 64 * eps * np.sqrt(len(a) + len(b))) * total:
        raise ValueError(f"a has the sum {total!r} and b has the sum {other!r}; scale one of them to the other's mass")
    return a, b, total


def checked_cost(C: Any, n: int, m: int) -> tuple[Any, float]:
    """A stored cost in rows, and its range.

    Raises
    ------
    ValueError, TypeError
        In one sentence.
    """
    C = _real(C, "C", 2)
    if C.shape != (n, m):
        raise ValueError(f"C has shape {C.shape}, a has {n} entries and b has {m}; C of shape {(n, m)} is expected")
    return np.ascontiguousarray(C), _signs(C, "C")


def checked_block(block: Any, start: int, stop: int, m: int) -> Any:
    """Rows that a callable gave.

    Raises
    ------
    ValueError, TypeError
        In one sentence.
    """
    block = _real(_viewed(block), f"C({start}, {stop})", 2)
    if block.shape != (stop - start, m):
        raise ValueError(f"C({start}, {stop}) has shape {block.shape}; {(stop - start, m)} is expected")
    _signs(block, f"C({start}, {stop})")
    return np.ascontiguousarray(block)


def _signs(C: Any, name: str) -> float:
    """The range of costs that are finite and not negative."""
    low, high = C.min(), C.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError(f"{name} contains NaN or inf; finite costs are expected")
    if low < 0.0:
        raise ValueError(f"{name} has the negative cost {low:.6g}; add a constant: the plan does not change")
    return float(high) - float(low)
