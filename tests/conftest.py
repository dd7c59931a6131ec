"""Shared by all tests: one thread for BLAS, and the same Hypothesis examples in every run."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

# compilation of a kernel at its first use is no sign of a slow test; examples are the same in every run
settings.register_profile(
    "house", deadline=None, derandomize=True, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root():
    """The folder of the checkout."""
    return ROOT
