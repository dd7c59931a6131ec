"""A few hundred mutants of each kind in `make test`; `fuzz_readers.py` as a script runs 100,000 in forked children."""

import importlib.util
import tracemalloc
from pathlib import Path

import pytest

_spec = importlib.util.spec_from_file_location("fuzz_readers", Path(__file__).with_name("fuzz_readers.py"))
fuzz_readers = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(fuzz_readers)


@pytest.mark.parametrize("kind", fuzz_readers.KINDS)
def test_mutants_are_read_soundly_or_refused_in_one_sentence(kind, tmp_path):
    if kind.startswith("h5"):
        pytest.importorskip("h5py")
    fuzz_readers.warm_up(tmp_path, (kind,))
    counts = fuzz_readers.fuzz(300, seed=4_000_000, kinds=(kind,), folder=tmp_path)
    assert sum(counts.values()) == 300
    assert counts[f"{kind} read"] >= 5 and counts[f"{kind} refused"] >= 100


@pytest.mark.parametrize("kind", ["mtx", "npz", "npz-parts"])
def test_memory_is_bounded_by_the_size_of_the_file(kind, tmp_path):
    fuzz_readers.warm_up(tmp_path, (kind,))
    for seed in range(100):
        ending, data = fuzz_readers.mutant(kind, seed)
        path = tmp_path / f"mutant{ending}"
        path.write_bytes(data)
        tracemalloc.start()
        try:
            fuzz_readers.judge(path)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 200 * len(data) + 4 * 2**20, (kind, seed, len(data), peak)


def test_mutants_are_the_same_every_time():
    assert fuzz_readers.mutant("mtx", 5) == fuzz_readers.mutant("mtx", 5)
    assert fuzz_readers.mutant("npz-parts", 6) == fuzz_readers.mutant("npz-parts", 6)
