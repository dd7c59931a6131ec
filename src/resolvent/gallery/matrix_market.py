"""A strict reader of Matrix Market text (and a writer), for files from anyone.

Accepted: ``matrix``, ``coordinate`` and ``array``, ``real`` (``double``), ``integer``, ``complex`` and ``pattern``,
``general``, ``symmetric``, ``hermitian`` and ``skew-symmetric``; comments and blank lines anywhere, CRLF, tabs,
blanks at the ends of lines, no newline at the end, ``1.5D+03``. Refused with file, line and sentence: everything
else; ``nan`` and ``inf``; numbers beyond the range of a double; counts that do not fit; an index out of range; a
symmetric file with entries on both sides of the diagonal (either triangle alone is taken); whole numbers that a
double does not hold.

Numbers are the nearest doubles. Entries given twice are added up. Memory is bounded by the file's size: what the
header claims is checked against the bytes there are (an entry takes at least four) before anything is allocated, and
dimensions may be at most ``65,536 + bytes``; the peak is below ``32 x bytes + 8 MiB``.

Reference: R. Boisvert, R. Pozo, K. Remington, The Matrix Market exchange formats, NISTIR 5935, 1996.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from scipy.sparse import coo_array, csr_array, issparse

from .checked import open_regular

__all__ = ["read_matrix_market", "write_matrix_market"]

_FIELDS = {"real": 1, "double": 1, "integer": 1, "unsigned-integer": 1, "complex": 2, "pattern": 0}
_SYMMETRIES = {"general": 0, "symmetric": 1, "skew-symmetric": 2, "hermitian": 3}
_table: list[Any] = []


class _Header(NamedTuple):
    coordinate: bool
    field: str
    symmetry: str
    rows: int
    columns: int
    count: int
    start: int
    line: int


def read_matrix_market(path: str | Path) -> csr_array | np.ndarray:
    """Read one matrix.

    Parameters
    ----------
    path : path
        A regular file.

    Returns
    -------
    csr_array or ndarray
        Coordinate files: CSR, sorted, duplicates added.  Array files: a dense array.  float64, or complex128.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        ``file:line: what was found, what was expected``.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "small.mtx"
    >>> _ = path.write_text("%%MatrixMarket matrix coordinate real symmetric\\n2 2 2\\n1 1 4.0\\n2 1 -1 ")
    >>> read_matrix_market(path).toarray()
    array([[ 4., -1.],
           [-1.,  0.]])
    """
    path = Path(path)
    buffer = _read_bytes(path)
    header = _read_header(path, buffer)
    rows, columns, values = _read_entries(path, buffer, header)
    if header.coordinate:
        return _sparse(path, header, rows, columns, values)
    return _dense(header, values)


def _fail(path: Path, line: int, sentence: str) -> NoReturn:
    raise ValueError(f"{path}:{line}: {sentence}")


def _read_bytes(path: Path) -> np.ndarray:
    """The file's bytes and one newline."""
    file, size = open_regular(path)
    with file:
        buffer = np.empty(size + 1, dtype=np.uint8)
        read = file.readinto(memoryview(buffer)[:-1])
    buffer[read] = 10
    return buffer[: read + 1]


def _line_at(buffer: np.ndarray, start: int, most: int) -> str | None:
    """The text of one line, None when it is longer than `most` bytes."""
    end = np.flatnonzero(buffer[start : start + most + 1] == 10)
    if end.size == 0:
        return None
    return buffer[start : start + end[0]].tobytes().decode("latin-1")


def _shown(text: str, most: int = 40) -> str:
    return repr(text if len(text) <= most else text[:most] + "...")


def _read_header(path: Path, buffer: np.ndarray) -> _Header:
    from . import _mm_kernel

    first = _line_at(buffer, 0, 1024)
    words = (first or "").lower().split()
    if len(words) < 1 or words[0] != "%%matrixmarket":
        _fail(
            path,
            1,
            "a Matrix Market file begins with a line %%MatrixMarket matrix coordinate real general, or the like",
        )
    if len(words) != 5 or words[1] != "matrix" or words[2] not in ("coordinate", "array"):
        found = _shown(" ".join(words[1:]))
        _fail(path, 1, f"the header must say matrix, then coordinate or array, a field and a symmetry, not {found}")
    layout, field, symmetry = words[2:]
    if field not in _FIELDS:
        _fail(path, 1, f"the field must be real, integer, complex or pattern, not {_shown(field)}")
    if symmetry not in _SYMMETRIES:
        _fail(path, 1, f"the symmetry must be general, symmetric, skew-symmetric or hermitian, not {_shown(symmetry)}")
    impossible = {"array": field == "pattern", "hermitian": field != "complex", "skew-symmetric": field == "pattern"}
    for word in (layout, symmetry):
        if impossible.get(word):
            _fail(path, 1, f"the field {field} does not go with {word}")
    pos, line = _mm_kernel.next_line(buffer, min(len(first) + 1, buffer.size - 1), 2)
    text = _line_at(buffer, pos, 1024)
    words = (text or "").split()
    expected = 3 if layout == "coordinate" else 2
    if len(words) != expected or not all(w.isascii() and w.isdigit() and len(w) <= 18 for w in words):
        names = "rows, columns and entries" if expected == 3 else "rows and columns"
        _fail(path, line, f"expected the size line, {expected} whole numbers ({names}), not {_shown(text or '')}")
    sizes = [int(w) for w in words]
    start = pos + len(text)
    _check_sizes(path, line, buffer.size - start, sizes, layout, field, symmetry)
    count = sizes[2] if layout == "coordinate" else _stored(sizes[0], sizes[1], symmetry)
    return _Header(layout == "coordinate", field, symmetry, sizes[0], sizes[1], count, start, line)


def _stored(rows: int, columns: int, symmetry: str) -> int:
    """Numbers in an array file."""
    if symmetry == "general":
        return rows * columns
    return rows * (rows - 1) // 2 if symmetry == "skew-symmetric" else rows * (rows + 1) // 2


def _check_sizes(path: Path, line: int, room: int, sizes: list[int], layout: str, field: str, symmetry: str) -> None:
    """Refuse what the bytes that are left cannot hold."""
    rows, columns = sizes[:2]
    if rows < 1 or columns < 1:
        _fail(path, line, f"a matrix of {rows} x {columns} has no entries to solve with")
    if symmetry != "general" and rows != columns:
        _fail(path, line, f"a {symmetry} matrix must be square, not {rows} x {columns}")
    count = sizes[2] if layout == "coordinate" else _stored(rows, columns, symmetry)
    least = 2 * _FIELDS[field] + (4 if layout == "coordinate" else 0)
    if count * least > room + 1:
        _fail(
            path,
            line,
            f"the size line promises {count} entries, but the {room} bytes left hold {room // least} at most",
        )
    if layout == "coordinate" and max(rows, columns) > 65_536 + room:
        _fail(path, line, f"{rows} x {columns} is out of proportion to the {room} bytes of entries")


def _read_entries(path: Path, buffer: np.ndarray, header: _Header) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from . import _mm_kernel as kernel

    if not _table:
        _table.append(kernel.powers_of_five())
    each = _FIELDS[header.field]
    index = np.int32 if max(header.rows, header.columns, 2 * header.count) < 2**31 else np.int64
    rows = np.empty(header.count if header.coordinate else 0, dtype=index)
    columns = np.empty_like(rows)
    bits = np.empty(header.count * each, dtype=np.uint64)
    later = np.empty((1024, 4), dtype=np.int64)
    state = np.array([header.start, header.line, 0, 0, 0, 0], dtype=np.int64)
    shape = (header.rows, header.columns, header.count)
    kind = (header.coordinate, each, "integer" in header.field, _SYMMETRIES[header.symmetry])
    while True:
        code = kernel.entries(buffer, state, shape, kind, rows, columns, bits, later, *_table[0])
        values = bits.view(np.float64)
        for place, start, end, line in later[: state[3]].tolist():
            text = buffer[start:end].tobytes().decode("ascii")
            values[place] = float(text.lower().replace("d", "e"))
            if np.isinf(values[place]):
                _fail(path, line, f"{_shown(text)} is beyond the range of a double")
        state[3] = 0
        if code == kernel.OK:
            return rows, columns, values if each == 2 or each == 1 else np.ones(header.count)
        if code != kernel.FLUSH:
            _explain(path, buffer, header, code, state)


def _explain(path: Path, buffer: np.ndarray, header: _Header, code: int, state: np.ndarray) -> NoReturn:
    """Turn what the kernel met into a sentence."""
    from . import _mm_kernel as kernel

    pos, line, read = (int(v) for v in state[:3])
    text = buffer[pos : pos + 64].tobytes().decode("latin-1")
    token = _shown((text.split() or [""])[0])
    number = {"integer": "a whole number", "unsigned-integer": "a whole number"}.get(header.field, "a number")
    needs = ("row, column" if header.coordinate else "") + {0: "", 1: " and value", 2: " and two values"}[
        _FIELDS[header.field]
    ]
    if code == kernel.NUMBER and token.strip("'").lower().lstrip("+-").rstrip(",;")[:3] in ("nan", "inf"):
        _fail(path, line, f"{token} is no number that a system can have")
    sentences = {
        kernel.FEW: f"the file ends after {read} entries, the size line promises {header.count}",
        kernel.MANY: f"there are more entries than the {header.count} that the size line promises",
        kernel.INDEX: f"expected a row or column number, not {token}",
        kernel.ROW: f"row {token} is not between 1 and {header.rows}",
        kernel.COLUMN: f"column {token} is not between 1 and {header.columns}",
        kernel.NUMBER: f"expected {number}, not {token}",
        kernel.EXTRA: f"expected the end of the line, not {token}",
        kernel.MISSING: f"the line ends too early: an entry has {needs.removeprefix(' and ')}",
        kernel.BIG: f"{token} is too large: whole numbers are read as doubles, which hold them up to 2^53",
        kernel.LONG: f"a number has more than {kernel.LONGEST} characters",
        kernel.MIXED: f"a {header.symmetry} file gives one triangle, but here entries stand on both sides",
        kernel.DIAGONAL: f"the diagonal of a {header.symmetry} matrix has no "
        + ("imaginary part" if header.symmetry == "hermitian" else "entries but zeros"),
    }
    _fail(path, line, sentences[code])


def _sparse(path: Path, header: _Header, rows: np.ndarray, columns: np.ndarray, values: np.ndarray) -> csr_array:
    if _FIELDS[header.field] == 2:
        values = values.view(np.complex128)
    if header.symmetry != "general":
        off = np.flatnonzero(rows != columns)
        mirrored = values[off]
        if header.symmetry == "skew-symmetric":
            mirrored = -mirrored
        elif header.symmetry == "hermitian":
            mirrored = mirrored.conj()
        rows, columns = np.concatenate((rows, columns[off])), np.concatenate((columns, rows[off]))
        values = np.concatenate((values, mirrored))
    A = coo_array((values, (rows, columns)), shape=(header.rows, header.columns)).tocsr()  # adds up duplicates
    if A.nnz < values.size and not np.isfinite(A.data).all():
        raise ValueError(f"{path}: entries given more than once add up beyond the range of a double")
    return A


def _dense(header: _Header, values: np.ndarray) -> np.ndarray:
    if _FIELDS[header.field] == 2:
        values = values.view(np.complex128)
    if header.symmetry == "general":
        return np.ascontiguousarray(values.reshape(header.columns, header.rows).T)
    n = header.rows
    full = np.zeros((n, n), dtype=values.dtype)
    skew = header.symmetry == "skew-symmetric"
    at = 0
    for j in range(n):
        column = values[at : at + n - j - skew]
        at += column.size
        full[j, j + skew :] = -column if skew else column.conj() if header.symmetry == "hermitian" else column
        full[j + skew :, j] = column
    return full


def write_matrix_market(path: str | Path, A: Any) -> None:
    """Write a matrix as ``general`` text that reads back to the same bits.

    Parameters
    ----------
    path : path
        Replaced in one step when complete.
    A : sparse array, or ndarray of one or two axes
        Real or complex, finite; sparse: coordinate, dense: array.
    """
    path = Path(path)
    field = "complex" if A.dtype.kind == "c" else "real"
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w", encoding="ascii", newline="\n") as file:
        if issparse(A):
            A = A.tocoo()
            file.write(f"%%MatrixMarket matrix coordinate {field} general\n{A.shape[0]} {A.shape[1]} {A.nnz}\n")
            where = [(A.coords[0] + 1).tolist(), (A.coords[1] + 1).tolist()]
            values = A.data
        else:
            A = np.asarray(A).reshape(A.shape[0], -1)
            file.write(f"%%MatrixMarket matrix array {field} general\n{A.shape[0]} {A.shape[1]}\n")
            where, values = [], A.T.ravel()
        parts = [values.real, values.imag] if field == "complex" else [values]
        texts = [map(repr, np.asarray(part, dtype=np.float64).tolist()) for part in parts]
        for entry in zip(*[map(str, w) for w in where], *texts):
            file.write(" ".join(entry) + "\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
