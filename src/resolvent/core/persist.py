"""State files that are safe to load from a stranger.

One zip of stored (never compressed) members: ``state.json`` and arrays as ``.npy``. The last 64 bytes, the archive's
comment, are the SHA-256 of every byte before them and are checked before anything is parsed. Arrays are read by a
parser of our own that accepts numbers only. Files are written beside their place, flushed to disk and renamed.
"""

import hashlib
import io
import json
import os
import re
import secrets
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .errors import StateFileError

__all__ = ["atomic_write", "load_state", "save_state"]

VERSION = 1
_MEMBERS = 4096
_DEEPEST = 60
_HEADER = re.compile(
    rb"^\{'descr': '([<|][biufc]\d{1,2})', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,15}, ?)*(?:\d{1,15})?),?\), \} *\n$"
)


def atomic_write(path: str | os.PathLike[str], data: bytes) -> None:
    """Write to a temporary file beside ``path``, flush it to disk, rename it into place.

    Raises
    ------
    OSError
        With the path and the cause, as the system says it; ``path`` is then as it was.
    """
    target = Path(path)
    name = target.with_name(f"{target.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    handle = os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)  # the user's umask decides who may read it
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, target)
        _flush_folder(target.parent)
    except BaseException:
        name.unlink(missing_ok=True)
        raise


def _flush_folder(folder: Path) -> None:
    """Make the new name itself survive a power cut, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def save_state(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write a tree of dicts, lists, numbers, strings and arrays.

    Parameters
    ----------
    path : path-like
    state : dict
        Keys are strings.

    Raises
    ------
    TypeError
        For anything in the tree that is not plain data.
    """
    atomic_write(path, dumps(state))


def dumps(state: dict[str, Any]) -> bytes:
    """The bytes of a state file; the same state gives the same bytes."""
    arrays: list[Any] = []
    tree = {"format": "resolvent-state", "version": VERSION, "state": _flatten(state, arrays)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        _member(archive, "state.json", json.dumps(tree, sort_keys=True, allow_nan=True).encode())
        for i, array in enumerate(arrays):
            out = io.BytesIO()
            np.lib.format.write_array(out, array, version=(1, 0), allow_pickle=False)
            _member(archive, f"{i}.npy", out.getvalue())
        archive.comment = b"0" * 64
    body = buffer.getvalue()[:-64]
    return body + hashlib.sha256(body).hexdigest().encode()


def _member(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data)


def _flatten(value: Any, arrays: list[Any], depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise TypeError(f"a state of more than {_DEEPEST} levels cannot be saved")
    if isinstance(value, dict):
        if not all(isinstance(k, str) for k in value):
            raise TypeError("keys of a state must be strings")
        return {"d": {k: _flatten(v, arrays, depth + 1) for k, v in value.items()}}
    if isinstance(value, list | tuple):
        return {"l": [_flatten(v, arrays, depth + 1) for v in value]}
    if isinstance(value, np.ndarray):
        array = np.ascontiguousarray(value)
        if array.dtype.kind not in "biufc":
            raise TypeError(f"an array of dtype {array.dtype} cannot be saved: only numbers can")
        arrays.append(array.astype(array.dtype.newbyteorder("<"), copy=False))
        return {"a": len(arrays) - 1, "s": list(value.shape)}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"{type(value).__name__} cannot be saved: only plain data and arrays can")


def load_state(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what ``save_state`` wrote.

    Raises
    ------
    StateFileError
        When the file is damaged, of another version, or not ours. Nothing in it is ever executed.
    OSError
        When the file cannot be opened.
    """
    return loads(Path(path).read_bytes(), str(path))


def loads(data: bytes, name: str = "state") -> dict[str, Any]:
    """The state in the bytes of a state file; see ``load_state``."""
    if len(data) < 150 or data[:4] != b"PK\x03\x04":
        raise StateFileError(f"{name}: not a resolvent state file")
    if hashlib.sha256(data[:-64]).hexdigest().encode() != data[-64:]:
        raise StateFileError(f"{name}: damaged (its checksum does not agree); restore a copy or start cold")
    try:
        return _parse(data, name)
    except StateFileError:
        raise
    except Exception as error:
        raise StateFileError(f"{name}: not readable as a resolvent state ({type(error).__name__}: {error})") from None


def _parse(data: bytes, name: str) -> dict[str, Any]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        infos = archive.infolist()
        names = [info.filename for info in infos]
        if len(infos) > _MEMBERS or names != ["state.json", *[f"{i}.npy" for i in range(len(infos) - 1)]]:
            raise StateFileError(f"{name}: its members are not those of a resolvent state")
        for info in infos:
            if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
                raise StateFileError(f"{name}: compressed members are not accepted")
            if info.file_size > len(data) or info.flag_bits & 1:
                raise StateFileError(f"{name}: a member is larger than the file")
        if sum(info.file_size for info in infos) > len(data):
            raise StateFileError(f"{name}: its members overlap")
        tree = json.loads(archive.read("state.json"))
        if not isinstance(tree, dict) or tree.get("format") != "resolvent-state":
            raise StateFileError(f"{name}: not a resolvent state file")
        if tree.get("version") != VERSION:
            raise StateFileError(
                f"{name}: written by another version of the format ({tree.get('version')!r}, here {VERSION})"
            )
        arrays = [_array(archive.read(n)) for n in names[1:]]
    state = _restore(tree["state"], arrays)
    if not isinstance(state, dict):
        raise StateFileError(f"{name}: holds no state")
    return state


def _array(data: bytes) -> Any:
    """A .npy member, numbers only, read without evaluating its header."""
    if data[:8] != b"\x93NUMPY\x01\x00" or len(data) < 10:
        raise ValueError("an array member is not .npy version 1.0")
    length = int.from_bytes(data[8:10], "little")
    found = _HEADER.match(data[10 : 10 + length])
    if found is None:
        raise ValueError("the header of an array member is not one of ours")
    dtype = np.dtype(found.group(1).decode())
    shape = tuple(int(part) for part in found.group(2).decode().split(",") if part.strip())
    count = 1
    for side in shape:
        count *= side
    body = data[10 + length :]
    if count * dtype.itemsize != len(body):
        raise ValueError("an array member is not as long as its shape says")
    return np.frombuffer(body, dtype=dtype).reshape(shape).copy()


def _restore(value: Any, arrays: list[Any], depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError("nested too deeply")
    if isinstance(value, dict):
        if set(value) == {"d"} and isinstance(value["d"], dict):
            return {k: _restore(v, arrays, depth + 1) for k, v in value["d"].items()}
        if set(value) == {"l"} and isinstance(value["l"], list):
            return [_restore(v, arrays, depth + 1) for v in value["l"]]
        if set(value) == {"a", "s"} and type(value["a"]) is int and 0 <= value["a"] < len(arrays):
            return arrays[value["a"]].reshape([int(side) for side in value["s"]])
        raise ValueError("an unknown node")
    return value
