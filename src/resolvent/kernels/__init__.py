"""Compiled sweeps and products: arrays in, arrays out; imported at first use, because numba takes half a second.

Each kernel is compiled once per machine and kept on disk; the first use says so, and how long it may take, in one line on
stderr. Numba stamps what it keeps with the file of the kernel alone, and inlines helpers of other files: so a digest over
all files of this package is kept beside, and what was compiled from other ones is thrown away.
"""

import contextlib
import hashlib
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

_MODULES = frozenset(
    {
        "arnoldi",
        "bandit",
        "bicgstab",
        "blocks",
        "margin_blocks",
        "cg",
        "columns",
        "completion",
        "composite",
        "csr",
        "cyclic",
        "definite",
        "deflation",
        "eisenstat",
        "ic0",
        "idr",
        "ilu0",
        "minres",
        "row_factors",
        "sketch",
        "sor",
        "transport",
        "truncated",
    }
)
_FILES = _MODULES | {"certificate", "factor", "quadratic_model", "support", "triangular", "working_set"}
_said = False
_checked = False


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{name}")
    if not _checked:
        _check(module)
    if not _said and not _compiled(module):
        _say()
    return module


def _check(module: ModuleType) -> None:
    """Drop what is kept on disk when it was compiled from other sources than these."""
    global _checked
    _checked = True
    folder = next((c for c in (_kept_in(k) for k in vars(module).values()) if c is not None), None)
    if folder is None:
        return
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    stamp = folder / "kernels.digest"
    with contextlib.suppress(OSError):
        if stamp.is_file() and stamp.read_text() == digest.hexdigest():
            return
        for old in (*folder.glob("*.nbi"), *folder.glob("*.nbc")):
            if old.name.split(".")[0] in _FILES:
                old.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        stamp.write_text(digest.hexdigest())


def _kept_in(kernel: Any) -> Path | None:
    path = getattr(getattr(getattr(kernel, "_cache", None), "_cache_file", None), "_index_path", None)
    return None if path is None else Path(path).parent


def _compiled(module: ModuleType) -> bool:
    """Whether some kernel of the module stands in numba's cache; True when numba does not tell."""
    found = []
    for kernel in vars(module).values():
        path = getattr(getattr(getattr(kernel, "_cache", None), "_cache_file", None), "_index_path", None)
        if path is not None and kernel.__module__ == module.__name__:
            found.append(os.path.exists(path))
    return any(found) or not found


def _say() -> None:
    global _said
    _said = True
    how_long = "2 to 15 s of processor time, 30 s for composite problems"
    print(
        f"resolvent: compiling kernels for this machine, once for each kind of problem ({how_long}) ...",
        file=sys.stderr,
        flush=True,
    )
