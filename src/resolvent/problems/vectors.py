"""Vectors of whatever array library the user brought: which library, which dtype, how long, how different.

NumPy, torch, CuPy and array-api-strict go through the Python array API standard; nothing is converted from one to
another, and nothing is promoted.
"""

import math
from typing import Any

import array_api_compat
import numpy as np

__all__ = ["EPS", "check_vector", "copied", "device", "dtype_name", "finite", "inner", "length", "namespace"]

#: Unit roundoffs (spacing of 1) of the dtypes that vectors may have.
EPS = {"float32": 2.0**-23, "float64": 2.0**-52, "complex64": 2.0**-23, "complex128": 2.0**-52}


def namespace(x: Any) -> Any:
    """The array library of x as an array API namespace."""
    return array_api_compat.array_namespace(x)


def dtype_name(x: Any) -> str:
    """float32, float64, complex64, complex128, or whatever else the library calls it."""
    return str(x.dtype).rsplit(".", 1)[-1]


def check_vector(x: Any, name: str) -> Any:
    """x itself when it is an array of floats with at least one entry.

    Raises
    ------
    TypeError
        When it is no array, or one of integers or objects.
    ValueError
        When it is empty.
    """
    if isinstance(x, np.ma.MaskedArray):
        raise TypeError(f"{name} is a masked array; an array without masked entries is expected")
    if isinstance(x, np.generic):
        x = np.asarray(x)
    if not array_api_compat.is_array_api_obj(x):
        raise TypeError(f"{name} is a {type(x).__name__}; an array of floats is expected, for instance np.zeros(n)")
    if dtype_name(x) not in EPS:
        raise TypeError(f"{name} has dtype {dtype_name(x)}; float32, float64, complex64 or complex128 is expected")
    if 0 in tuple(x.shape):
        raise ValueError(f"{name} is empty (shape {tuple(x.shape)}); there is nothing to solve")
    return x


def copied(x: Any) -> Any:
    """A copy."""
    if type(x) is np.ndarray:
        return np.array(x)
    return namespace(x).asarray(x, copy=True)


def inner(x: Any, y: Any) -> Any:
    """The inner product conj(x) . y as a Python number."""
    if type(x) is np.ndarray:
        return np.vdot(x, y).item()
    xp = namespace(x)
    value = xp.vecdot(xp.reshape(x, (-1,)), xp.reshape(y, (-1,)))
    return complex(value) if dtype_name(x).startswith("complex") else float(value)


def length(x: Any, order: float = 2.0) -> float:
    """The 2-norm of all entries, or the largest modulus (``order=inf``); NaN and inf pass through."""
    if type(x) is np.ndarray:
        with np.errstate(all="ignore"):
            if order == math.inf:
                return float(np.max(np.abs(x)))
            square = float(np.vdot(x, x).real)
            if 1e-200 < square < 1e200:
                return math.sqrt(square)
            top = float(np.max(np.abs(x)))
            return top * float(np.linalg.norm(x / top)) if 0.0 < top < math.inf else top
    xp = namespace(x)
    return float(xp.linalg.vector_norm(xp.reshape(x, (-1,)), ord=order))


def finite(x: Any) -> bool:
    """Whether no entry is NaN or inf."""
    xp = namespace(x)
    return bool(xp.all(xp.isfinite(x)))


def device(x: Any) -> Any:
    """Where x lives."""
    return array_api_compat.device(x)
