"""A pytest plugin: the names of `scipy.sparse.linalg._isolve` are ours before SciPy's own tests are collected.

``python -m pytest -p in_place_of_scipy --pyargs scipy.sparse.linalg._isolve.tests.test_iterative``
"""

import importlib

from resolvent.interop import scipy as ours


def pytest_configure(config):
    """Before anything is collected; importing this module replaces nothing."""
    isolve = importlib.import_module("scipy.sparse.linalg._isolve")
    for name in set(ours.__all__) - {"OWN"}:
        setattr(isolve, name, getattr(ours, name))
