"""What may be given to a LinearSystem: one clear sentence before any work, nothing modified."""

import math
from typing import Any

import numpy as np
import scipy.sparse as sp

from .. import kernels
from ..core import OperatorError

__all__ = [
    "GROWN",
    "call_operator",
    "canonical",
    "columns",
    "common_dtype",
    "compensated",
    "csr_parts",
    "first_guess",
    "flip",
    "found_symmetric",
    "kind_of",
    "ldexp",
    "ldexp_scalar",
    "ldexp_steps",
    "orthonormal",
    "other_library",
    "random_like",
    "right_hand_side",
    "safe_norm",
]

GROWN = 1e3  # times ||b||, beyond which A x is of an iterate that has grown

_DTYPES = {np.dtype(t) for t in ("float32", "float64", "complex64", "complex128")}


def other_library(problem: Any) -> bool:
    """Make the problem one over another array library where A or b is of one.

    Raises
    ------
    ValueError, TypeError
        When they do not fit together.
    """
    from .foreign import ArraySystem, is_foreign

    if not (is_foreign(problem.b) or is_foreign(problem.A)):
        return False
    object.__setattr__(problem, "__class__", ArraySystem)
    problem._prepare()
    return True


def flip(problem: Any) -> None:
    """Make the problem one with the transpose of its matrix.

    Raises
    ------
    ValueError
        When that cannot be had.
    """
    from .transposed import TransposedSystem

    object.__setattr__(problem, "__class__", TransposedSystem)
    problem._prepare()


def kind_of(A: Any, square: bool = True) -> str:
    """csr, sparse, dense or operator; refuses the rest and what is not square."""
    if isinstance(A, np.ma.MaskedArray):
        raise TypeError("A is a masked array; an array without masked entries is expected, for instance A.filled(0.0)")
    if sp.issparse(A):
        kind = "csr" if A.format == "csr" else "sparse"
    elif isinstance(A, np.ndarray):
        kind = "dense"
    elif hasattr(A, "matvec") and hasattr(A, "shape"):
        kind = "operator"
    else:
        raise TypeError(
            f"A is a {type(A).__name__}; a SciPy sparse array, a NumPy array or a LinearOperator is expected"
            " (arrays of another library go with a b of the same)"
        )
    shape = A.shape
    if len(shape) != 2 or (square and shape[0] != shape[1]):
        raise ValueError(f"A has shape {tuple(shape)}; a {'square ' if square else ''}matrix is expected")
    if shape[0] == 0:
        raise ValueError("A is empty (shape (0, 0)); there is nothing to solve")
    return kind


def _float_dtype(array: Any, name: str) -> np.dtype[Any]:
    dtype = np.dtype(array.dtype) if array.dtype is not None else np.dtype(float)
    native = dtype.newbyteorder("=")
    if native in _DTYPES:
        return native
    if dtype.kind in "iub":
        raise TypeError(f"{name} has the integer dtype {dtype}; convert it, for instance {name}.astype(float)")
    raise TypeError(f"{name} has dtype {dtype}; float32, float64, complex64 or complex128 is expected")


def right_hand_side(b: Any, shape: tuple[int, int]) -> Any:
    """b as an array of a float dtype in native byte order."""
    if sp.issparse(b):
        raise TypeError("b is sparse; a dense array is expected, for instance b.toarray()")
    if isinstance(b, np.ma.MaskedArray):
        raise TypeError("b is a masked array; an array without masked entries is expected, for instance b.filled(0.0)")
    if not isinstance(b, np.ndarray):
        b = np.asarray(b)
    if b.ndim not in (1, 2) or b.shape[0] != shape[0] or (b.ndim == 2 and b.shape[1] == 0):
        raise ValueError(f"b has shape {b.shape}; ({shape[0]},) or ({shape[0]}, k) is expected for A of shape {shape}")
    dtype = _float_dtype(b, "b")
    return b if b.dtype == dtype and b.dtype.isnative else b.astype(dtype)


def common_dtype(A: Any, b: Any) -> np.dtype[Any]:
    """The dtype of the solve: np.result_type(A, b)."""
    kind = _float_dtype(A, "A")
    return kind if kind == b.dtype else np.result_type(kind, b.dtype)


def _unsigned(index: Any) -> Any:
    index = np.ascontiguousarray(index)
    if index.dtype.itemsize == 4:
        return index.view(np.uint32)
    return index.astype(np.int64, copy=False).view(np.uint64)


def csr_parts(A: Any, kind: str, dtype: np.dtype[Any]) -> tuple[Any, Any, Any]:
    """(indptr, indices, data): views of A's own arrays where A is CSR of that dtype, else of a conversion."""
    if kind != "csr":
        A = sp.csr_array(A.astype(dtype, copy=False)) if kind == "dense" else A.tocsr()
    data = A.data
    if data.dtype != dtype or not data.dtype.isnative:
        data = data.astype(dtype)
    ip, ix = A.indptr, A.indices
    if ip.dtype != ix.dtype:
        wide = np.result_type(ip.dtype, ix.dtype)
        ip, ix = ip.astype(wide), ix.astype(wide)
    return _unsigned(ip), _unsigned(ix), np.ascontiguousarray(data)


def canonical(ip: Any, ix: Any, data: Any, n: int, columns: int | None = None) -> tuple[Any, Any, Any]:
    """The same matrix with sorted rows and without duplicates; the very arrays when they are so already.

    Raises
    ------
    ValueError
        When the pattern points outside the matrix.
    """
    columns = n if columns is None else columns
    if len(ip) != n + 1 or ip[0] != 0 or ip[-1] > len(ix) or len(ix) != len(data):
        raise ValueError("the row pointers of A do not fit its entries")
    if n and (np.any(ip[1:] < ip[:-1]) or (len(ix) and int(ix.max()) >= columns)):
        raise ValueError("the pattern of A points outside the matrix")
    if int(ip[-1]) < len(ix):
        ix, data = ix[: int(ip[-1])], data[: int(ip[-1])]
    if len(ix) > 1:
        rising = ix[1:] > ix[:-1]
        starts = ip[1:-1]
        starts = starts[(starts > 0) & (starts < len(ix))].astype(np.intp)
        rising[starts - 1] = True
        if not rising.all():
            signed = np.int32 if ip.dtype.itemsize == 4 else np.int64
            A = sp.csr_array((data.copy(), ix.view(signed).copy(), ip.view(signed).copy()), shape=(n, columns))
            A.sum_duplicates()
            return _unsigned(A.indptr), _unsigned(A.indices), A.data
    return ip, ix, data


def found_symmetric(problem: Any, hermitian: bool = True) -> bool:
    """Compare A with its transpose (conjugated if ``hermitian``), entry by entry, up to rounding.

    An operator is taken at its word, and so is a matrix with NaN or inf, which ends NONFINITE whatever it is.
    """
    if not problem.stored or not math.isfinite(problem.frobenius):
        return True
    tol = 1e-12 if np.finfo(problem.dtype).eps < 1e-10 else 1e-5
    code = kernels.csr.is_symmetric(problem.ip, problem.ix, problem.data, hermitian, tol)
    if code != 1:
        return bool(code == 2)
    signed = np.int32 if problem.ip.dtype.itemsize == 4 else np.int64
    A = sp.csr_array((problem.data, problem.ix.view(signed), problem.ip.view(signed)), shape=problem.shape)
    gap = abs(A - (A.conj().T if hermitian else A.T)).max()
    return bool(gap <= tol * abs(A).max())


def call_operator(A: Any, x: Any, dtype: np.dtype[Any], name: str = "matvec") -> Any:
    """A.matvec (or ``name``) on a fresh copy of x, its answer vetted.

    Raises
    ------
    OperatorError
        With what the operator did.
    """
    try:
        y = getattr(A, name)(np.array(x, copy=True))
    except (KeyboardInterrupt, MemoryError):
        raise
    except Exception as error:
        raise OperatorError(f"the operator raised {type(error).__name__}: {error}") from error
    if not isinstance(y, np.ndarray) or y.shape not in (x.shape, (*x.shape, 1)):
        raise OperatorError(f"the operator returned {_shape_of(y)} for a vector of shape {x.shape}")
    if y.dtype.kind == "c" and dtype.kind != "c":
        raise OperatorError("the operator returned complex values though its dtype and b are real; pass a complex b")
    if y.dtype.kind not in "fc":
        raise OperatorError(f"the operator returned dtype {y.dtype} for a vector of dtype {dtype}")
    if y.dtype != dtype and np.finfo(y.dtype).eps > np.finfo(dtype).eps:
        raise OperatorError(
            f"the operator returned {y.dtype} for a vector of dtype {dtype}: its answers are too coarse to judge by; "
            f"let it return {dtype}, or pass b in the operator's own precision"
        )
    return np.array(y, dtype=dtype, copy=True).reshape(x.shape)


def _shape_of(y: Any) -> str:
    return f"an array of shape {y.shape}" if isinstance(y, np.ndarray) else f"a {type(y).__name__}"


def first_guess(x0: Any, n: int, dtype: np.dtype[Any]) -> Any:
    """x0 as a new array of the solve's dtype."""
    x0 = np.asarray(x0)
    if x0.shape != (n,):
        raise ValueError(f"x0 has shape {x0.shape}; ({n},) is expected")
    if x0.dtype.kind not in "fciu":
        raise TypeError(f"x0 has dtype {x0.dtype}; numbers are expected")
    if x0.dtype.kind == "c" and dtype.kind != "c":
        raise TypeError("x0 is complex and the system is real; pass x0.real or a complex b")
    return x0.astype(dtype)


def columns(basis: Any, n: int, dtype: np.dtype[Any], name: str) -> Any:
    """The finite columns of length n that ``basis`` holds, one vector or several, as an array of that dtype."""
    Z = np.asarray(basis)
    if Z.dtype.kind not in "fciu" or (Z.dtype.kind == "c" and dtype.kind != "c"):
        raise TypeError(f"{name} has dtype {Z.dtype}; numbers that {dtype} can hold are expected")
    Z = (Z.reshape(-1, 1) if Z.ndim == 1 else Z).astype(dtype, copy=False)
    if Z.ndim != 2 or Z.shape[0] != n or Z.shape[1] == 0 or not np.all(np.isfinite(Z)):
        raise ValueError(f"{name} has shape {np.shape(basis)}; finite columns of length {n} are expected")
    return Z


def orthonormal(basis: Any, n: int, dtype: np.dtype[Any]) -> Any:
    """An orthonormal basis of what the columns span."""
    Z = columns(basis, n, dtype, "nullspace")
    if Z.shape[1] >= n:
        raise ValueError(f"nullspace has shape {np.shape(basis)}; fewer than {n} columns are expected")
    Q, R = np.linalg.qr(Z)
    if np.min(np.abs(np.diag(R))) <= 1e-10 * np.max(np.abs(np.diag(R))):
        raise ValueError("the columns of nullspace are linearly dependent")
    return Q


def ldexp(v: Any, shift: int) -> Any:
    """v times 2**shift, without overflow on the way; v itself when shift is 0."""
    if shift == 0:
        return v
    with np.errstate(over="ignore", under="ignore"):
        if v.dtype.kind != "c":
            return np.ldexp(v, shift)
        out = np.empty_like(v)
        out.real, out.imag = np.ldexp(v.real, shift), np.ldexp(v.imag, shift)
        return out


def ldexp_steps(v: Any, shift: int) -> Any:
    """v times 2**shift for an array of any library, in steps that do not overflow on the way."""
    with np.errstate(over="ignore", under="ignore"):
        while shift:
            part = max(-900, min(900, shift))
            v, shift = v * math.ldexp(1.0, part), shift - part
    return v


def ldexp_scalar(value: float, shift: int) -> float:
    """value times 2**shift, inf where it overflows."""
    try:
        return math.ldexp(float(value), shift)
    except OverflowError:
        return math.inf


def random_like(x: Any) -> Any:
    """A random vector of the length and dtype of x, the same every time; of entries of all sizes, as few vectors are."""
    draw = np.random.default_rng(len(x))
    v = draw.standard_normal(len(x)) ** 3 + (1j * draw.standard_normal(len(x)) ** 3 if x.dtype.kind == "c" else 0.0)
    return (v * (np.linalg.norm(x) / np.linalg.norm(v))).astype(x.dtype)


def safe_norm(v: Any) -> float:
    """2-norm that does not overflow on the way."""
    with np.errstate(all="ignore"):
        top = float(np.max(np.abs(v))) if v.size else 0.0
        return top * float(np.linalg.norm(v / top)) if 0 < top < math.inf else top


def compensated(problem: Any, x: Any, r: Any, length: float) -> float:
    """Fill r with rhs - A x in twice the working precision; its 2-norm, and what even that cannot see where A x cancels.

    Where the entries of A lie at the ends of the range a power of two goes from them to x, which changes nothing else.
    """
    data, size = problem.data, problem.frobenius
    if size > 0.0 and not 1e-250 < size < 1e250:
        shift = math.frexp(size)[1]
        data, x = ldexp(data, -shift), ldexp(x, shift)
    norm = float(kernels.csr.residual_compensated(problem.ip, problem.ix, data, x, problem.rhs, r))
    if not problem.eps * size * length <= problem.scale:
        norm += 4 * problem.eps**2 * float(kernels.csr.floor(problem.ip, problem.ix, data, x, problem.rhs))
    return norm
