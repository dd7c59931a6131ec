"""Session files from strangers: random mutations, truncations and member swaps, as they are and with a right digest.

    python tests/trust/fuzz_state.py [COUNT] [SEED]

Each is loaded in this process under an audit hook that is armed after one good load and watches for code that runs
(exec, compile of source, import, subprocess, os.system) and for files that are opened. A file either is refused with
StateFileError, or gives a session that solves and certifies. Prints the counts, exits 1 when something else happened.
"""

import hashlib
import io
import json
import resource
import sys
import tempfile
import warnings
import zipfile
from pathlib import Path

import numpy as np
import scipy.sparse as sp

import resolvent as rv

WATCHED = ("exec", "import", "subprocess.Popen", "os.system", "os.exec", "ctypes.dlopen", "pickle.find_class")


class Hook:
    """Armed, it remembers what it must not see."""

    def __init__(self):
        self.armed = False
        self.allowed = ""
        self.seen = []
        sys.addaudithook(self)

    def __call__(self, event, args):
        if not self.armed:
            return
        if event in WATCHED or (event == "open" and str(args[0]) != self.allowed):
            self.seen.append((event, str(args)[:200]))


def system(t, n=24):
    """A small drifting system."""
    line = sp.diags_array([-np.ones(n - 1), (2.5 + t) * np.ones(n), -np.ones(n - 1)], offsets=[-1, 0, 1])
    return rv.LinearSystem(sp.csr_array(line), np.cos(np.arange(n)))


def states():
    """Small files of several make-ups."""
    makes = (
        lambda: rv.Session(rtol=1e-8, on_fail="ignore"),
        lambda: rv.Session(
            rv.CG(rv.Direct()), [rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-8, on_fail="ignore"
        ),
        lambda: rv.Session("sor", [rv.Bandit("omega", 1.0, 1.9)], rtol=1e-8, seed=1, on_fail="ignore"),
        lambda: rv.Session(rv.GCRODR(9, 3), [rv.Recycle(always=True)], rtol=1e-8, on_fail="ignore"),
    )
    out = []
    with tempfile.TemporaryDirectory() as folder:
        for i, make in enumerate(makes):
            session = make()
            for t in range(4):
                session.solve(system(0.01 * t))
            path = Path(folder) / f"{i}.rv"
            session.save(path)
            out.append(path.read_bytes())
    return out


def members(data):
    """Names and contents of the archive."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [(name, archive.read(name)) for name in archive.namelist()]


def packed(parts):
    """An archive of these members with a right digest."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, data in parts:
            archive.writestr(zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0)), data)
        archive.comment = b"0" * 64
    return signed(buffer.getvalue())


def signed(data):
    """The same bytes with a right digest."""
    return data[:-64] + hashlib.sha256(data[:-64]).hexdigest().encode()


def twisted(value, rng):
    """JSON with one thing in it changed."""
    odd = [0, -1, 10**12, 1e300, float("nan"), "", "os.system", None, True, [], {}, [1, 2], {"class": "Popen"}]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = list(value)[rng.integers(len(value))]
        if rng.random() < 0.1:
            return {k: v for k, v in value.items() if k != key}
        return {**value, key: twisted(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.9:
        i = int(rng.integers(len(value)))
        return [*value[:i], twisted(value[i], rng), *value[i + 1 :]]
    return odd[rng.integers(len(odd))]


def mutant(data, rng):
    """One mutation of a good file, its digest not yet made right."""
    kind = rng.integers(6)
    raw = bytearray(data)
    if kind == 0:
        for _ in range(int(rng.integers(1, 9))):
            raw[rng.integers(len(raw))] = rng.integers(256)
        return bytes(raw)
    if kind == 1:
        return bytes(raw[: rng.integers(len(raw))])
    if kind == 2:
        i, j, n = rng.integers(len(raw)), rng.integers(len(raw)), int(rng.integers(1, 200))
        raw[i : i + n] = raw[j : j + n]
        return bytes(raw)
    parts = members(data)
    i = int(rng.integers(1, len(parts)))
    j = int(rng.integers(1, len(parts)))
    if kind == 3:
        parts[i], parts[j] = (parts[i][0], parts[j][1]), (parts[j][0], parts[i][1])
    elif kind == 4:
        body = bytearray(parts[i][1])
        body[rng.integers(len(body))] = rng.integers(256)
        parts[i] = (parts[i][0], bytes(body))
    else:
        parts[0] = (parts[0][0], json.dumps(twisted(json.loads(parts[0][1]), rng)).encode())
    return packed(parts)


def consequence(path, hook, data):
    """What loading the file led to: refused, loaded, or a complaint."""
    path.write_bytes(data)
    hook.allowed, hook.armed = str(path), True
    try:
        session = rv.Session.load(path, on_fail="ignore")
    except rv.StateFileError:
        return "refused"
    except Exception as error:
        return f"escaped at load: {type(error).__name__}: {error}"
    finally:
        hook.armed = False
    try:
        session.max_steps = 2000
        for t in (0.05, 0.06):
            problem = system(t)
            result = session.solve(problem)
            rest = np.linalg.norm(problem.b - problem.A @ result.x)
            if result.ok and not rest <= 1.001 * max(session.rtol * np.linalg.norm(problem.b), session.atol):
                return "a wrong answer was certified"
    except Exception as error:
        return f"escaped at solve: {type(error).__name__}: {error}"
    return "loaded"


def run(count, seed):
    """Counts of consequences, complaints with the mutation's number."""
    rng = np.random.default_rng(seed)
    files = states()
    hook = Hook()
    counts, complaints = {"refused": 0, "loaded": 0}, []
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = Path(folder) / "state.rv"
        for good in files:
            assert consequence(path, hook, good) == "loaded"  # armed only now: what is imported once is imported
        hook.seen.clear()
        for k in range(count):
            bad = mutant(files[k % len(files)], rng)
            for data in (bad, signed(bad) if len(bad) > 64 else bad):
                what = consequence(path, hook, data)
                counts[what if what in counts else "other"] = counts.get(what if what in counts else "other", 0) + 1
                if what not in ("refused", "loaded"):
                    complaints.append((k, what))
    return counts, complaints, hook.seen


def main():
    """Run and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    counts, complaints, seen = run(count, seed)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count} mutations, each as it is and with a right digest: {counts}; code that ran: {len(seen)}; {memory:.0f} MiB"
    )
    for k, what in complaints[:20]:
        print(f"  {k}: {what}")
    for event in seen[:10]:
        print("  ", event)
    return 1 if complaints or seen else 0


if __name__ == "__main__":
    sys.exit(main())
