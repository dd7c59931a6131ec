"""Seeded mutants of matrix files against the readers: ``python tests/gallery/fuzz_readers.py 100000``.

A mutant must be read to a sound system or be refused with a ValueError of one line that begins with the file's name:
no other exception, no death of the interpreter (mutants run in forked children), no more than two seconds of processor
time (a minute on the clock), and no more memory than the children's limit allows beyond what they had before.
"""

import argparse
import collections
import io
import os
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import scipy.sparse as sp

KINDS = ("mtx", "npz", "npz-parts", "h5", "h5-parts")
HEADROOM = 192 * 2**20  # bytes of address space that a child may take beyond its start; files are below 20 kB
SECONDS = 2.0

GOOD_TEXT = (
    "%%MatrixMarket matrix coordinate real general\n% a comment\n3 3 4\n1 1 4.0\n2 2 -1.5e+00\n3 3 2\n3 1 .5 ",
    "%%MatrixMarket matrix coordinate real symmetric\n3 3 5\n1 1 4\n2 1 -1\n2 2 4\n3 2 -1\n3 3 4\n",
    "%%MatrixMarket matrix coordinate complex hermitian\r\n2 2 3\r\n1 1 4 0\r\n2 1 1.5 -2\r\n2 2 3 0.0\r\n",
    "%%MatrixMarket matrix coordinate real skew-symmetric\n3 3 2\n2 1 1.25\n3 2 -7e-3\n",
    "%%MatrixMarket matrix coordinate pattern general\n\n4 4 5\n1 1\n2 2\n\n3 3\n4 4\n1 4\n",
    "%%MatrixMarket matrix coordinate integer symmetric\n2 2 3\n1 1 5\n2 1 -1\n2 2 7\n",
    "%%MatrixMarket matrix array real general\n2 2\n1.0\n0.12345678901234567890123\n3e-320\n-1D+2\n",
    "%%MatrixMarket matrix array real symmetric\n2 2\n1.7976931348623157e308\n2\n3\n",
    "%%MatrixMarket matrix array complex general\n2 1\n1 2\n3 4\n",
)
TOKENS = (
    *(
        "nan",
        "inf",
        "-Infinity",
        "1e999",
        "1e-999",
        "0",
        "-0",
        "-1",
        "1",
        "4",
        "999999999999",
        "9" * 30,
        "9" * 5000,
        "1e",
        "+",
    ),
    *(
        ".",
        "0x10",
        "1_0",
        "1,5",
        "%",
        "%%",
        "\x00",
        "\xff",
        "\n",
        "\r",
        " ",
        "\t",
        "1 1 1",
        "general",
        "symmetric",
        "pattern",
    ),
    *(
        "complex",
        "array",
        "coordinate",
        "hermitian",
        "skew-symmetric",
        "integer",
        "real",
        "1e308",
        "4e12",
        "65536",
        "2147483648",
    ),
)


def byte_mutant(data, rng):
    """Flip, overwrite, move, repeat and cut bytes."""
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if not data:
            break
        at, size = rng.randrange(len(data)), rng.choice((1, 1, 2, 4, 8, 32))
        what = rng.randrange(7)
        if what == 0:
            data[at] ^= 1 << rng.randrange(8)
        elif what == 1:
            data[at : at + size] = bytes(rng.choice((0, 255, 127, 128, 1)) for _ in data[at : at + size])
        elif what == 2:
            data[at : at + size] = rng.randbytes(len(data[at : at + size]))
        elif what == 3:
            other = rng.randrange(len(data))
            data[at : at + size] = data[other : other + size]
        elif what == 4:
            data[at:at] = data[at : at + size] * rng.choice((1, 2, 50))
        elif what == 5:
            del data[at : at + size]
        else:
            del data[at:]
    return bytes(data)


def text_mutant(rng):
    """A Matrix Market file with words exchanged, lines moved, or bytes damaged."""
    text = rng.choice(GOOD_TEXT)
    if rng.random() < 0.3:
        return byte_mutant(text.encode("latin-1"), rng)
    for _ in range(rng.choice((1, 1, 2, 3))):
        lines = text.split("\n")
        at = rng.randrange(len(lines))
        what = rng.randrange(5)
        if what <= 2:
            words = lines[at].split(" ")
            words[rng.randrange(len(words))] = rng.choice(TOKENS)
            lines[at] = " ".join(words)
        elif what == 3:
            lines.insert(rng.randrange(len(lines) + 1), lines[at])
        else:
            del lines[at]
        text = "\n".join(lines) or "\n"
    return text.encode("latin-1")


def arrays(rng, damaged=True):
    """The parts of a small CSR system, as dictionary, with parts exchanged, damaged or left out."""
    n = rng.randrange(1, 7)
    seed = np.random.default_rng(rng.getrandbits(32))
    A = sp.csr_array(sp.random_array((n, n), density=0.4, rng=seed) + sp.eye_array(n))
    parts = {"data": A.data, "indices": A.indices, "indptr": A.indptr, "shape": np.array(A.shape), "b": np.ones(n)}
    for _ in range(rng.choice((0, 1, 1, 2)) if damaged else 0):
        name = rng.choice(list(parts))
        part = parts[name].copy()
        what = rng.randrange(8)
        if what == 0:
            del parts[name]
            continue
        if what == 1 and part.size:
            bad = (-1, n, 2**31 - 1, 0) if part.dtype.kind in "iu" else (np.nan, np.inf, 1e30)
            with np.errstate(all="ignore"):
                part.flat[rng.randrange(part.size)] = np.array(rng.choice(bad)).astype(part.dtype)
        elif what == 2:
            kind = rng.choice(("f4", "f8", "c8", "c16", "i1", "i8", "u8", "f2", "b1", ">f8", ">i4"))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                part = part.astype(kind)
        elif what == 3:
            part = part[: part.size // 2]
        elif what == 4:
            part = np.concatenate((part, part))
        elif what == 5:
            part = part.reshape((1, *part.shape)) if rng.random() < 0.5 else part.reshape((*part.shape, 1))
        elif what == 6:
            part = np.zeros(rng.choice((0, 1, 40_000)), dtype=part.dtype)
        else:
            part = part[::-1].copy()
        parts[name] = part
    return parts


def npz_mutant(rng):
    """An archive whose members are wrong in themselves, or lie in their headers, under a correct checksum."""
    parts = arrays(rng)
    parts["format"] = np.array(rng.choice((b"csr", b"csr", b"csr", b"csc", b"coo", b"bsr", b"exec")))
    if rng.random() < 0.3 and {"indices", "data"} <= set(parts):
        parts["row"], parts["col"] = parts["indices"], parts["indices"][::-1]
    target = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(target, "w") as archive:
        warnings.simplefilter("ignore")  # names given twice
        for name, part in parts.items():
            member = io.BytesIO()
            np.lib.format.write_array(member, part, allow_pickle=False)
            content = member.getvalue()
            if rng.random() < 0.05:
                content = byte_mutant(content[:128], rng) + content[128:]
            if rng.random() < 0.05:
                content = content.replace(b"(%d,)" % part.size, b"(%d,)" % rng.choice((10**6, 10**12, 10**17, 0)))
            packed = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
            packed = zipfile.ZIP_BZIP2 if rng.random() < 0.01 else packed
            for _ in range(1 + (rng.random() < 0.03)):
                archive.writestr(f"{name}.npy", content, packed)
    return byte_mutant(target.getvalue(), rng) if rng.random() < 0.2 else target.getvalue()


def h5_file(fill, **options):
    """Bytes of an HDF5 file that `fill` writes."""
    import h5py

    target = io.BytesIO()
    with h5py.File(target, "w", **options) as file:
        fill(file)
    return target.getvalue()


def h5_mutant(rng):
    """A well-formed container with wrong parts, links elsewhere, odd storage, or claims without bytes behind them."""
    import h5py

    def group(where):
        for name, part in arrays(rng).items():
            what = rng.randrange(40)
            if what == 0:
                where[name] = h5py.ExternalLink("/etc/hostname", "/")
            elif what == 1:
                where[name] = h5py.SoftLink("/" + rng.choice(("data", "b", "nothing", ".")))
            elif what == 2:
                where.create_dataset(name, shape=(2**40,), dtype=part.dtype, chunks=(2**20,), compression="gzip")
            elif what == 3:
                where.create_dataset(name, shape=(2**33,), dtype=part.dtype)
            elif what == 4 and part.ndim == 1 and part.size:
                where.create_dataset(
                    name, data=part, chunks=part.shape, compression=rng.choice(("gzip", "lzf")), shuffle=True
                )
            elif what == 5 and part.ndim == 1 and part.size:
                where.create_dataset(name, data=part, chunks=part.shape, fletcher32=True)
            elif what == 6:
                where.create_dataset(name, data=rng.choice((b"text", "text", 1.0, h5py.Empty("f8"))))
            elif what == 7:
                where.create_group(name)
            elif what == 8 and part.ndim == 1 and part.size:
                layout = h5py.VirtualLayout(part.shape, part.dtype)
                layout[:] = h5py.VirtualSource("other.h5", "x", part.shape)
                where.create_virtual_dataset(name, layout)
            else:
                where.create_dataset(name, data=part)

    def fill(file):
        what = rng.randrange(4)
        if what == 0:
            for k in range(rng.randrange(3)):
                group(file.create_group(f"step{k}"))
        elif what == 1:
            parts = arrays(rng)
            count = rng.randrange(1, 4)
            for name, part in parts.items():
                file.create_dataset(name, data=np.array([part] * count) if name in ("data", "b") else part)
        else:
            group(file)

    data = h5_file(fill, libver=rng.choice(("earliest", "latest")))
    return byte_mutant(data, rng) if rng.random() < 0.3 else data


def mutant(kind, seed):
    """(ending, bytes) of one mutant."""
    rng = random.Random(f"{kind} {seed}")
    if kind == "mtx":
        return ".mtx", text_mutant(rng)
    if kind == "npz-parts":
        return ".npz", npz_mutant(rng)
    if kind == "h5-parts":
        return ".h5", h5_mutant(rng)
    parts = arrays(rng, damaged=False)
    if kind == "npz":
        target = io.BytesIO()
        np.savez_compressed(target, format=np.array(b"csr"), **parts)
        return ".npz", byte_mutant(target.getvalue(), rng)

    def fill(file):
        for name, part in parts.items():
            file.create_dataset(name, data=part, **({"compression": "gzip"} if rng.random() < 0.3 else {}))

    return ".h5", byte_mutant(h5_file(fill, libver=rng.choice(("earliest", "latest"))), rng)


def judge(path, seconds=SECONDS):
    """Read a mutant: "read" or "refused"; AssertionError when it is neither in the way it should be."""
    from resolvent.gallery import load_sequence, load_system

    began = time.process_time()  # of this process alone: machines are shared
    try:
        systems = [load_system(path)] if path.suffix != ".h5" else list(load_sequence(path))
        verdict = "read"
    except ValueError as error:
        assert str(error).startswith(str(path)), f"the sentence does not name the file: {error}"
        assert "\n" not in str(error) and len(str(error)) < 400 + len(str(path)), f"not one sentence: {error}"
        systems, verdict = [], "refused"
    for system in systems:
        A, b = system.A, system.b
        assert A.shape[0] == A.shape[1] == b.shape[0] > 0
        data = A.data if sp.issparse(A) else A
        assert np.isfinite(data).all() and np.isfinite(b).all()
        if sp.issparse(A):
            A.check_format(full_check=True)
            assert A.has_canonical_format
        with np.errstate(all="ignore"):
            A @ np.ones(A.shape[0])
    assert time.process_time() - began < seconds, "too slow"
    return verdict


def warm_up(folder=None, kinds=KINDS):
    """Import and compile what the readers need, which takes seconds once."""
    fuzz(len(kinds), seed=10**9, kinds=kinds, folder=folder, seconds=np.inf)


def fuzz(n, seed=0, kinds=KINDS, folder=None, seconds=SECONDS):
    """Judge `n` mutants in this process; returns how many of each kind were read and refused."""
    counts = collections.Counter()
    with tempfile.TemporaryDirectory(dir=folder) as home:
        for k in range(seed, seed + n):
            kind = kinds[k % len(kinds)]
            ending, data = mutant(kind, k)
            path = Path(home) / f"mutant{ending}"
            path.write_bytes(data)
            try:
                verdict = judge(path, seconds)
            except Exception as error:
                raise AssertionError(f"{kind} mutant {k}: {type(error).__name__}: {error}") from error
            counts[f"{kind} {verdict}"] += 1
    return counts


def child(start, stop, pipe, folder):
    """Judge mutants start..stop-1 with a limit on memory; tells each number, and at last the counts."""
    warm_up(folder)  # before the limit
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    size = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (size + HEADROOM, size + HEADROOM))
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    counts = collections.Counter()
    for k in range(start, stop):
        os.write(pipe, f"at {k}\n".encode())
        signal.alarm(60)
        try:
            counts += fuzz(1, seed=k, folder=folder)
        except AssertionError as error:
            os.write(pipe, f"bad {str(error)[:300]!r}\n".encode())
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - resident
    os.write(pipe, f"end {grown} {dict(counts)!r}\n".encode())


def main():
    """Fork children over the mutants and say what became of them."""
    import ast

    parser = argparse.ArgumentParser()
    parser.add_argument("n", type=int, nargs="?", default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    counts, bad, deaths, grown = collections.Counter(), [], [], 0
    start, stop, began = options.seed, options.seed + options.n, time.time()
    with tempfile.TemporaryDirectory() as folder:
        while start < stop:
            end = min(start + 2000, stop)
            reading, writing = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(reading)
                child(start, end, writing, folder)
                os._exit(0)
            os.close(writing)
            lines = os.fdopen(reading).read().splitlines()
            _, status = os.waitpid(pid, 0)
            bad += [line for line in lines if line.startswith("bad")]
            if lines and lines[-1].startswith("end"):
                _, more, found = lines[-1].split(" ", 2)
                grown = max(grown, int(more))
                counts += collections.Counter(ast.literal_eval(found))
                start = end
            elif not lines:
                raise SystemExit("a child ended before its first mutant: the package itself does not work")
            else:
                at = int([line for line in lines if line.startswith("at")][-1].split()[1])
                deaths.append(f"{KINDS[at % len(KINDS)]} mutant {at}: wait status {status}")
                start = at + 1
    for key in sorted(counts):
        print(f"{key:20s} {counts[key]}")
    for line in bad[:20] + deaths[:20]:
        print(line)
    print(f"{options.n} mutants, {len(deaths)} deaths or hangs, {len(bad)} wrong, resident memory grew by at most "
          f"{grown} KiB, {time.time() - began:.0f} s")  # fmt: skip
    return 1 if bad or deaths else 0


if __name__ == "__main__":
    sys.exit(main())
