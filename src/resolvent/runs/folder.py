"""The files of a run, and in which order they are made safe.

What the checkpoint ``state.rv`` counts is on disk before it: parts and log are flushed, the folder too, then the state
is written beside its place, flushed and renamed. What lies beyond the checkpoint is dropped when a run is resumed, so
parts and log lines need no flush of their own: a killed process loses nothing that the checkpoint counts, and neither
does a machine that loses its power.
"""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..core import atomic_write

__all__ = ["Folder", "RunError"]

FORMAT = {"format": "resolvent-run", "version": 1}
_MARKS = (".lock",)


class RunError(ValueError):
    """A run cannot be started, continued or read; the message is one sentence that says what to do.

    Examples
    --------
    >>> from resolvent.runs import RunError
    >>> issubclass(RunError, ValueError)
    True
    """


class Folder:
    """The files of one run.

    Parameters
    ----------
    path : path

    Examples
    --------
    >>> import tempfile, numpy as np
    >>> from resolvent.runs import Folder
    >>> folder = Folder(tempfile.mkdtemp())
    >>> folder.begin({"count": 1})
    >>> folder.put(0, np.ones(3)); folder.log({"index": 0, "residual": float("nan")})
    >>> folder.part(0), list(folder.entries())
    (array([1., 1., 1.]), [{'index': 0, 'residual': None}])
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.parts = self.path / "parts"
        self.state = self.path / "state.rv"
        self.solutions = self.path / "solutions.h5"
        self.report = self.path / "report.html"
        self._manifest = self.path / "manifest.json"
        self._log = self.path / "log.jsonl"
        self._unsafe: list[Path] = []
        self._lock: Any = None

    # ---- taking hold of it -----------------------------------------------------------------------------------------

    def empty(self) -> bool:
        """No such folder, or nothing in it but what a run that was killed at once leaves.

        Raises
        ------
        RunError
            When the path is a file.
        """
        if not self.path.exists():
            return True
        if not self.path.is_dir():
            raise RunError(f"{self.path} is a file; give a folder (an empty one, or one to be made)")
        return not any(name not in _MARKS and not name.endswith(".tmp") for name in os.listdir(self.path))

    def hold(self) -> None:
        """Make the folder and keep other processes out until this one ends, however it ends.

        Raises
        ------
        RunError
            When another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        try:
            import fcntl
        except ImportError:  # no such locks on this system
            return
        self._lock = open(self.path / ".lock", "a")  # noqa: SIM115 - held until release
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._lock.close()
            self._lock = None
            raise RunError(f"{self.path}: another process is running in this folder; wait for it or stop it") from None

    def release(self) -> None:
        """Let others in."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def begin(self, manifest: dict[str, Any]) -> None:
        """Write the manifest, and make the place for parts."""
        self.write_manifest(manifest)
        self.parts.mkdir(exist_ok=True)

    def clear(self) -> None:
        """Take back what `begin` and a first checkpoint wrote, when nothing was solved."""
        for path in (self._manifest, self._log, self.state, *self.parts.glob("*.tmp")):
            path.unlink(missing_ok=True)
        if self.parts.is_dir() and not any(self.parts.iterdir()):
            self.parts.rmdir()

    def vanish(self) -> None:
        """Remove the folder where nothing but the lock is in it."""
        if self.path.is_dir() and set(os.listdir(self.path)) <= set(_MARKS):
            for name in os.listdir(self.path):
                (self.path / name).unlink()
            self.path.rmdir()

    # ---- manifest --------------------------------------------------------------------------------------------------

    def manifest(self) -> dict[str, Any]:
        """What is run.

        Raises
        ------
        RunError
            When it is missing or not one of ours.
        """
        try:
            read = json.loads(self._manifest.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise RunError(f"{self.path} holds no run of resolvent: it has no manifest.json") from None
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise RunError(f"{self._manifest} is damaged ({error}); start the run anew in another folder") from None
        if not isinstance(read, dict) or any(read.get(key) != value for key, value in FORMAT.items()):
            raise RunError(f"{self._manifest} was not written by this version of resolvent run")
        return read

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Write it, complete or not at all."""
        text = json.dumps(FORMAT | plain(manifest), indent=1)
        atomic_write(self._manifest, text.encode() + b"\n")

    # ---- parts and log ---------------------------------------------------------------------------------------------

    def where(self, i: int) -> Path:
        """The file of solution `i`."""
        return self.parts / f"{i:06d}.npy"

    def put(self, i: int, x: Any) -> None:
        """Write solution `i`; it is there completely or not at all, and safe after the next `sync`."""
        target = self.where(i)
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(x), version=(1, 0), allow_pickle=False)
        beside = target.with_suffix(".npy.tmp")
        try:
            with open(beside, "wb") as file:
                file.write(buffer.getbuffer())
            os.replace(beside, target)
        except OSError as error:
            error.filename = error.filename or str(target)
            beside.unlink(missing_ok=True)
            raise
        self._unsafe.append(target)

    def part(self, i: int) -> Any:
        """Solution `i`.

        Raises
        ------
        RunError
            When its file is missing or damaged.
        """
        try:
            return np.load(self.where(i), allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            raise RunError(f"{self.where(i)}: not a readable solution ({error})") from None

    def log(self, entry: dict[str, Any]) -> None:
        """Append one line."""
        try:
            with open(self._log, "a", encoding="utf-8") as file:
                file.write(json.dumps(plain(entry)) + "\n")
        except OSError as error:
            error.filename = error.filename or str(self._log)
            raise

    def entries(self) -> Iterator[dict[str, Any]]:
        """The lines of the log, up to the first that is not whole."""
        if not self._log.exists():
            return
        with open(self._log, "rb") as file:
            for line in file:
                try:
                    entry = json.loads(line) if line.endswith(b"\n") else None
                except (UnicodeDecodeError, json.JSONDecodeError):
                    entry = None
                if not isinstance(entry, dict):
                    return
                yield entry

    # ---- checkpoints -----------------------------------------------------------------------------------------------

    def sync(self) -> None:
        """Bring parts and log to the disk, and their names."""
        for path in self._unsafe:
            _flush(path, os.O_RDWR)
        if self._log.exists():
            _flush(self._log, os.O_RDWR)
        for folder in (self.parts, self.path):
            if hasattr(os, "O_DIRECTORY"):
                _flush(folder, os.O_RDONLY | os.O_DIRECTORY)
        self._unsafe = []

    def cut(self, order: list[int]) -> None:
        """Drop what the checkpoint does not count: it has the solves `order`, in this order.

        Raises
        ------
        RunError
            When something that it counts is not there.
        """
        lines = []
        for entry, i in zip(self.entries(), order, strict=False):
            if entry.get("index") != i:
                raise RunError(f"{self._log}: line {len(lines) + 1} is not of system {i}; start anew in another folder")
            lines.append(json.dumps(entry))
        if len(lines) < len(order):
            raise RunError(
                f"{self._log}: has {len(lines)} lines, the checkpoint counts {len(order)}; start anew elsewhere"
            )
        for i in order:
            if not self.where(i).is_file():
                raise RunError(f"{self.where(i)}: missing, and the checkpoint counts it; start anew in another folder")
        atomic_write(self._log, "".join(line + "\n" for line in lines).encode())
        counted = {self.where(i).name for i in order}
        self.parts.mkdir(exist_ok=True)
        for path in self.parts.iterdir():
            if path.name not in counted and path.suffix in (".npy", ".tmp"):
                path.unlink()
        for path in self.path.glob("*.tmp"):
            path.unlink()


def _flush(path: Path, flags: int) -> None:
    handle = os.open(path, flags)
    try:
        os.fsync(handle)
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
    finally:
        os.close(handle)


def plain(value: Any) -> Any:
    """As JSON: tuples are lists, NumPy numbers are numbers, and what is not finite is null."""
    if isinstance(value, dict):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
