"""A run of the hostile grid for a given time with fresh seeds: ``python tests/hostile/soak.py --seconds 600 --seed 1``."""

import argparse
import importlib.util
import os
import sys
import time
from collections import Counter
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

EVERY = 10_000  # solves between two lines that say how far it is


def load():
    """The grid, loaded by path."""
    name = "resolvent_hostile_grid"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name("grid.py"))
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def jobs(grid, seconds, seed, only=None, limit=None, tally=None):
    """Random jobs until the time is up or the tally has so many solves; multigrid is dear and comes less often."""
    rng = np.random.default_rng(seed)
    names = [n for n in grid.FAMILIES if only is None or only in n]
    end = time.perf_counter() + seconds
    told = 0
    while time.perf_counter() < end and not (limit and tally is not None and tally.count["solves"] >= limit):
        name = names[rng.integers(len(names))]
        pairs = grid.pairs_of(name)
        pair = pairs[rng.integers(len(pairs))]
        if grid.PAIRS[pair].dear and rng.random() < 0.8:
            pair = pairs[0]
        mode = rng.choice(["cold", "cold", "warm", "poisoned"])
        if tally is not None and tally.count["solves"] >= told + EVERY:
            told = tally.count["solves"]
            print(f"{told} solves, {len(tally.findings)} findings", flush=True)
        yield (
            mode,
            name,
            pair,
            str(rng.choice([*grid.DTYPES, "complex64"])),
            int(rng.integers(5, 41)),
            int(rng.integers(2**31)),
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--solves", type=int, default=None, help="stop after this many")
    parser.add_argument("--seed", type=int, default=None, help="a fresh one by default")
    parser.add_argument("--only", default=None, help="families whose name contains this")
    parser.add_argument("--show", type=int, default=40, help="findings to print")
    given = parser.parse_args()
    if given.seed is None:
        given.seed = int.from_bytes(os.urandom(4), "little")
    print(f"seed {given.seed}: the same seed and number of solves give the same run", flush=True)
    grid = load()
    tally = grid.Tally()
    start = time.perf_counter()
    try:
        grid.run(tally, jobs(grid, given.seconds, given.seed, given.only, given.solves, tally))
    except KeyboardInterrupt:
        print("stopped, and so was the solve at hand, which may count as a false alarm; found so far:")
    for kind, where, what in tally.findings[: given.show]:
        print(f"{kind}: {where}: {what}")
    summary = Counter((kind, where[0], where[1]) for kind, where, _ in tally.findings)
    for (kind, name, pair), count in summary.most_common(given.show):
        print(f"{count:6d} x {kind}: {name} / {pair}")
    print(f"seed {given.seed}, {time.perf_counter() - start:.0f} s, {len(grid.FAMILIES)} families")
    print("\n".join(tally.lines()))
    bad = ("silent", "escaped", "modified", "hang", "forbidden", "false fact")
    return 1 if any(tally.count[kind] for kind in bad) else 0


if __name__ == "__main__":
    sys.exit(main())
