"""A pytest plugin: the names of `scipy.sparse.linalg._isolve` are ours before SciPy's own tests are collected.

``python -m pytest -p in_place_of_scipy --pyargs scipy.sparse.linalg._isolve.tests.test_iterative``
"""

import importlib
import sys

from resolvent.interop import scipy as ours

isolve = importlib.import_module("scipy.sparse.linalg._isolve")
for name in ours.__all__:
    if name != "OWN":
        setattr(isolve, name, getattr(ours, name))
        for module in (f"scipy.sparse.linalg._isolve.{name}", f"scipy.sparse.linalg._isolve._{name}"):
            if module in sys.modules:
                setattr(sys.modules[module], name, getattr(ours, name))
