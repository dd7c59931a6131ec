"""Same seed, same bits: answers, histories, choices and state file, across processes, hash seeds and numbers of threads."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.core.persist import dumps

SCRIPT = """
import hashlib, json, os, sys, tempfile
import numpy as np, scipy.sparse as sp, resolvent as rv

def systems(count, n, seed):
    rng = np.random.default_rng(seed)
    side = np.ones(n - 1)
    for t in range(count):
        drift = 2.05 + 0.02 * t + 0.01 * rng.random(n)
        if t == count // 2:
            drift += 1.0
        A = sp.diags_array([-side, drift, -side], offsets=[-1, 0, 1]).tocsr()
        yield rv.LinearSystem(A, rng.standard_normal(n))

def digest(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part if isinstance(part, bytes) else repr(part).encode())
    return h.hexdigest()

def run(make, count, n):
    session = make()
    seen = []
    for problem in systems(count, n, 5):
        r = session.solve(problem)
        seen.append(digest(r.x.tobytes(), np.ascontiguousarray(r.history).tobytes(), r.steps, r.status.name, r.cost,
                           sorted(r.work.items()), repr(r.method), sorted(r.advice.params.items(), key=str).__repr__()))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "state.rv")
        session.save(path)
        state = open(path, "rb").read()
    return [digest(*seen), digest(state)]

makers = {
    "auto": lambda: rv.Session(rtol=1e-8, seed=1),
    "guess": lambda: rv.Session("cg", learners=[rv.Guess()], rtol=1e-8),
    "ic": lambda: rv.Session(rv.CG(rv.IC()), learners=[rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-8),
    "factor": lambda: rv.Session(rv.CG(rv.Direct()), learners=[rv.Lifetime("preconditioner")], rtol=1e-8),
    "bandit": lambda: rv.Session(rv.CG(rv.SSOR()), learners=[rv.Bandit("preconditioner.omega", 1.0, 1.95, seed=7)],
                                 rtol=1e-8, seed=7),
    "sor": lambda: rv.Session(rv.SOR(), learners=[rv.Bandit("omega", 1.0, 1.95, seed=3)], rtol=1e-6),
}
if "amg" in sys.argv:
    for kind in ("sa", "rs"):
        makers["amg " + kind] = lambda kind=kind: rv.Session(
            rv.CG(rv.AMG(kind)), learners=[rv.Lifetime("preconditioner")], rtol=1e-8)
count, n = int(sys.argv[1]), int(sys.argv[2])
np.random.seed(int(os.environ["DRAWS"]))  # what others draw changes nothing
print("BITS", json.dumps({name: run(make, count, n) for name, make in makers.items()}))
"""


def bits(threads, hashed, draws, count, n):
    """The digests of one process."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    environment |= {"PYTHONHASHSEED": str(hashed), "DRAWS": str(draws)}
    amg = ["amg"] if find_spec("pyamg") is not None else []
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(count), str(n), *amg],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    line = [line for line in done.stdout.splitlines() if line.startswith("BITS")][-1]
    return json.loads(line[4:])


def agree(runs):
    for name in runs[0]:
        for part, what in enumerate(("answers, histories and choices", "the state file")):
            assert len({run[name][part] for run in runs}) == 1, f"{name}: {what} differ from process to process"


def test_bits_across_processes_and_threads():
    agree([bits(1, 0, 1, 8, 400), bits(2, 1, 2, 8, 400)])


@pytest.mark.full
def test_bits_across_processes_and_threads_at_length():
    agree([bits(1, 0, 1, 60, 1500), bits(2, 1, 2, 60, 1500), bits(4, 2, 3, 60, 1500), bits(1, 3, 4, 60, 1500)])


def system(t=0.0, n=60):
    side = np.ones(n - 1)
    A = sp.diags_array([-side, (2.2 + t) * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()
    return rv.LinearSystem(A, np.cos(np.arange(n)))


def test_a_saved_session_goes_on_as_the_one_that_was_not(tmp_path):
    for make in (lambda: rv.Session(rtol=1e-8), lambda: rv.Session("cg", learners=[rv.Guess()], rtol=1e-8)):
        one = make()
        for t in range(6):
            one.solve(system(0.01 * t))
        one.save(tmp_path / "s.rv")
        two = rv.Session.load(tmp_path / "s.rv")
        for t in range(6, 12):
            a, b = one.solve(system(0.01 * t)), two.solve(system(0.01 * t))
            assert a.x.tobytes() == b.x.tobytes() and a.steps == b.steps and repr(a.method) == repr(b.method)
        first, second = one.state_dict(), two.state_dict()
        for state in (first, second):
            del state["totals"]["cost"]  # the symbolic part is not saved, so its work was done, and counted, twice
        assert dumps(first) == dumps(second)


def test_the_global_generator_is_left_as_it_was():
    if find_spec("pyamg") is None:
        pytest.skip("needs pyamg: pip install 'resolvent[amg]'")
    np.random.seed(3)  # noqa: NPY002 - it is the global one that is meant
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    errors = np.geterr()
    rv.solve(system(), rv.CG(rv.AMG("sa")))
    assert np.array_equal(before, np.random.get_state()[1]) and np.geterr() == errors  # noqa: NPY002
