"""Compiled sweeps and products: arrays in, arrays out; imported at first use, because numba takes half a second.

Each kernel is compiled once per machine and kept on disk; the first use says so in one line on stderr.
"""

import importlib
import os
import sys
from types import ModuleType
from typing import Any

_MODULES = frozenset({"bandit", "cg", "csr", "eisenstat", "ic0", "sor"})
_said = False


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = importlib.import_module(f"{__name__}.{name}")
    if not _said and not _compiled(module):
        _say()
    return module


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
    print("resolvent: compiling its kernels for this machine, once (about 10 s) ...", file=sys.stderr, flush=True)
