"""Compiled sweeps and products: arrays in, arrays out; imported at first use, because numba takes half a second."""

import importlib
from typing import Any

_MODULES = frozenset({"csr", "sor", "eisenstat", "cg", "ic0", "bandit"})


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
