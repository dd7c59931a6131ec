"""The Matrix Market reader: every variant, every refusal, numbers to the last bit, SciPy as a second opinion."""

import inspect
import os
import random
import struct

import numpy as np
import pytest
import scipy.io
import scipy.sparse as sp

from resolvent.gallery.matrix_market import read_matrix_market, write_matrix_market

HEAD = "%%MatrixMarket matrix "
SPARSE_ARRAYS = {"spmatrix": False} if "spmatrix" in inspect.signature(scipy.io.mmread).parameters else {}


def read(tmp_path, text, name="a.mtx"):
    (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    return read_matrix_market(tmp_path / name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("coordinate real general\n2 3 3\n1 1 1.5\n2 3 -2\n1 2 1e2\n", [[1.5, 100, 0], [0, 0, -2]]),
        ("coordinate real symmetric\n2 2 2\n1 1 4\n2 1 -1\n", [[4, -1], [-1, 0]]),
        ("coordinate real symmetric\n2 2 2\n1 1 4\n1 2 -1\n", [[4, -1], [-1, 0]]),
        ("coordinate real skew-symmetric\n2 2 2\n2 1 3\n2 2 0\n", [[0, -3], [3, 0]]),
        ("coordinate complex hermitian\n2 2 2\n1 1 4 0\n2 1 1 2\n", [[4, 1 - 2j], [1 + 2j, 0]]),
        ("coordinate complex symmetric\n2 2 1\n2 1 1 2\n", [[0, 1 + 2j], [1 + 2j, 0]]),
        ("coordinate pattern general\n2 2 2\n1 2\n2 1\n", [[0, 1], [1, 0]]),
        ("coordinate pattern symmetric\n2 2 1\n2 1\n", [[0, 1], [1, 0]]),
        ("coordinate integer general\n1 1 1\n1 1 -9007199254740992\n", [[-(2.0**53)]]),
        ("coordinate unsigned-integer general\n1 1 1\n1 1 7\n", [[7]]),
        ("coordinate double general\n1 1 1\n1 1 1.25D+01\n", [[12.5]]),
        ("coordinate real general\n2 2 3\n1 1 1\n1 1 2\n2 2 4\n", [[3, 0], [0, 4]]),
        ("coordinate real general\n2 2 0\n", [[0, 0], [0, 0]]),
        ("array real general\n2 3\n1\n2\n3\n4\n5\n6\n", [[1, 3, 5], [2, 4, 6]]),
        ("array integer general\n1 2\n1\n2", [[1, 2]]),
        ("array real symmetric\n2 2\n1\n2\n3\n", [[1, 2], [2, 3]]),
        ("array real skew-symmetric\n2 2\n2\n", [[0, -2], [2, 0]]),
        ("array real skew-symmetric\n1 1\n", [[0]]),
        ("array complex hermitian\n2 2\n1 0\n2 3\n4 0\n", [[1, 2 - 3j], [2 + 3j, 4]]),
        ("array complex general\n1 2\n1 2\n3 4\n", [[1 + 2j, 3 + 4j]]),
    ],
)
def test_every_variant_is_read(tmp_path, text, expected):
    A = read(tmp_path, HEAD + text)
    dense = A.toarray() if sp.issparse(A) else A
    assert dense.dtype == (np.complex128 if "complex" in text else np.float64)
    assert np.array_equal(dense, np.array(expected, dtype=dense.dtype))
    assert sp.issparse(A) == text.startswith("coordinate")
    if sp.issparse(A):
        assert A.format == "csr" and A.has_canonical_format
        A.check_format(full_check=True)
    else:
        assert A.flags.c_contiguous


@pytest.mark.parametrize(
    "text",
    [
        "%%matrixmarket MATRIX Coordinate Real GENERAL\n2 2 2\n1 1 1\n2 2 2\n",
        HEAD + "coordinate real general\r\n2 2 2\r\n1 1 1\r\n2 2 2\r\n",
        HEAD + "coordinate real general\n2 2 2\n1 1 1\n2 2 2 ",  # a blank and no newline: kills other readers
        HEAD + "coordinate real general\n2 2 2\n1 1 1\n2 2 2\t\r",
        HEAD + "coordinate real general\n%a\n\n  % b\n\t\n2 2 2\n\n% c\n1 1 1  \n\n   2\t2\t 2.\n\n\n% end",
        HEAD + "coordinate real general\n2 2 2\n1 1 1\n2 2 2" + "\n" * 1000,
        HEAD + "coordinate real general\n% " + "x" * 5000 + "\n  2 2   2 \n1 1 1.0E+0\n00002 02 +2e0",
    ],
)
def test_comments_blanks_and_line_ends_do_not_matter(tmp_path, text):
    assert np.array_equal(read(tmp_path, text).toarray(), [[1, 0], [0, 2]])


@pytest.mark.parametrize(
    ("text", "line", "sentence"),
    [
        ("", 1, "a Matrix Market file begins with"),
        ("\n", 1, "a Matrix Market file begins with"),
        ("MatrixMarket matrix coordinate real general\n1 1 1\n1 1 1\n", 1, "begins with"),
        ("%%MatrixMarket" + " matrix" * 500, 1, "begins with"),
        (HEAD + "coordinate real\n1 1 1\n1 1 1\n", 1, "must say matrix, then coordinate or array"),
        ("%%MatrixMarket vector coordinate real general\n1 1 1\n1 1 1\n", 1, "must say matrix"),
        (HEAD + "dense real general\n1 1\n1\n", 1, "must say matrix"),
        (HEAD + "coordinate quaternion general\n1 1 1\n1 1 1\n", 1, "field must be real.*'quaternion'"),
        (HEAD + "coordinate real lower\n1 1 1\n1 1 1\n", 1, "symmetry must be general.*'lower'"),
        (HEAD + "array pattern general\n1 1\n1\n", 1, "pattern does not go with array"),
        (HEAD + "coordinate real hermitian\n1 1 1\n1 1 1\n", 1, "real does not go with hermitian"),
        (HEAD + "coordinate pattern skew-symmetric\n1 1 0\n", 1, "pattern does not go with skew"),
        (HEAD + "coordinate real general", 2, "expected the size line, 3 whole numbers"),
        (HEAD + "coordinate real general\n% only\n\n", 4, "expected the size line"),
        (HEAD + "coordinate real general\n1 1\n1 1 1\n", 2, "expected the size line, 3.*'1 1'"),
        (HEAD + "array real general\n1 1 1\n1\n", 2, "expected the size line, 2"),
        (HEAD + "coordinate real general\n-1 1 1\n1 1 1\n", 2, "expected the size line"),
        (HEAD + "coordinate real general\n" + "1" * 2000 + " 1 1\n", 2, "expected the size line"),
        (HEAD + "coordinate real general\n9999999999999999999 1 1\n1 1 1\n", 2, "expected the size line"),
        (HEAD + "coordinate real general\n0 1 0\n", 2, "a matrix of 0 x 1 has no entries"),
        (HEAD + "coordinate real symmetric\n2 3 1\n2 1 1\n", 2, "symmetric matrix must be square, not 2 x 3"),
        (HEAD + "coordinate real general\n2 2 9999999999\n1 1 1\n", 2, "promises 9999999999 entries, but the"),
        (HEAD + "array real general\n100000 100000\n1\n", 2, "promises 10000000000 entries"),
        (HEAD + "array real symmetric\n100000 100000\n1\n", 2, "promises 5000050000 entries"),
        (HEAD + "coordinate real general\n4000000000000 4000000000000 1\n1 1 1\n", 2, "out of proportion"),
        (HEAD + "coordinate real general\n2 2 2\n1 1 1\n", 2, "promises 2 entries, but the 8 bytes"),
        (HEAD + "coordinate real general\n2 2 2\n1 1 1.000000\n", 4, "ends after 1 entries, the size line promises 2"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 1\n2 2 2\n", 4, "more entries than the 1"),
        (HEAD + "array real general\n1 1\n1\n2\n", 4, "more entries than the 1"),
        (HEAD + "coordinate real general\n2 2 1\n0 1 1.0\n", 3, "row '0' is not between 1 and 2"),
        (HEAD + "coordinate real general\n2 2 1\n3 1 1.0\n", 3, "row '3' is not between 1 and 2"),
        (HEAD + "coordinate real general\n2 2 1\n1 3 1.0\n", 3, "column '3' is not between 1 and 2"),
        (HEAD + "coordinate real general\n2 2 1\n18446744073709551617 1 1.0\n", 3, "row '18446744073709551617'"),
        (HEAD + "coordinate real general\n2 2 1\n-1 1 1.0\n", 3, "expected a row or column number, not '-1'"),
        (HEAD + "coordinate real general\n2 2 1\n1.0 1 1.0\n", 3, "expected a row or column number, not '1.0'"),
        (HEAD + "coordinate real general\n2 2 1\n1 x 1.0\n", 3, "expected a row or column number, not 'x'"),
        (HEAD + "coordinate real general\n2 2 1\n1\n1 1.00\n", 3, "too early: an entry has row, column and value"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 \n1.00\n", 3, "too early: an entry has row, column and value"),
        (HEAD + "coordinate complex general\n2 2 1\n1 1 1.0\n     ", 3, "an entry has row, column and two values"),
        (HEAD + "array complex general\n1 1\n1.0\n   ", 3, "an entry has two values"),
        (HEAD + "coordinate pattern general\n2 2 1\n1\n1 1", 3, "an entry has row, column"),
        (HEAD + "coordinate pattern general\n2 2 1\n1 1 1\n", 3, "expected the end of the line, not '1'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 1 1\n", 3, "expected the end of the line, not '1'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 1 % no\n", 3, "expected the end of the line, not '%'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 nan\n", 3, "'nan' is no number that a system can have"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 -Inf\n", 3, "'-Inf' is no number"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 one\n", 3, "expected a number, not 'one'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 0x1p3\n", 3, "expected a number, not '0x1p3'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 1_000\n", 3, "expected a number, not '1_000'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 1e\n", 3, "expected a number, not '1e'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 .\n   ", 3, r"expected a number, not '\.'"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 +-1\n", 3, "expected a number"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 1\x00\n", 3, "expected a number"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 1e400\n", 3, "'1e400' is beyond the range of a double"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 " + "9" * 400 + "\n", 3, r"'9+\.\.\.' is beyond the range"),
        (HEAD + "coordinate real general\n2 2 1\n1 1 " + "1" * 5000 + "\n", 3, "more than 4096 characters"),
        (HEAD + "coordinate integer general\n2 2 1\n1 1 1.5\n", 3, "expected a whole number, not '1.5'"),
        (HEAD + "coordinate integer general\n2 2 1\n1 1 1e2\n", 3, "expected a whole number, not '1e2'"),
        (HEAD + "coordinate integer general\n2 2 1\n1 1 9007199254740993\n", 3, "is too large: whole numbers"),
        (HEAD + "coordinate integer general\n2 2 1\n1 1 99999999999999999999999\n", 3, "is too large: whole numbers"),
        (HEAD + "coordinate real symmetric\n3 3 2\n2 1 1.0\n1 3 1.0\n", 4, "entries stand on both sides"),
        (
            HEAD + "coordinate real skew-symmetric\n3 3 1\n2 2 1.0\n",
            3,
            "skew-symmetric matrix has no entries but zeros",
        ),
        (HEAD + "coordinate real skew-symmetric\n3 3 1\n2 2 1e-999\n", 3, "skew-symmetric matrix has no entries"),
        (HEAD + "coordinate complex hermitian\n3 3 1\n2 2 1 1\n", 3, "hermitian matrix has no imaginary part"),
    ],
)
def test_everything_else_is_refused_with_file_and_line(tmp_path, text, line, sentence):
    with pytest.raises(ValueError, match=rf"(?s)^.*a\.mtx:{line}: .*{sentence}") as caught:
        read(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_entries_that_add_up_to_infinity_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"a\.mtx: entries given more than once add up"):
        read(tmp_path, HEAD + "coordinate real general\n1 1 2\n1 1 1e308\n1 1 1e308\n")


def test_what_is_no_regular_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_matrix_market(tmp_path / "nowhere.mtx")
    os.mkfifo(tmp_path / "pipe.mtx")  # nobody writes: waiting would be for ever
    with pytest.raises(ValueError, match="not a regular file"):
        read_matrix_market(tmp_path / "pipe.mtx")


def tokens(count):
    """Decimal texts of many shapes, among them the hard ones."""
    rng = random.Random(11)
    out = [
        "0",
        "-0.0",
        "1.",
        ".5",
        "+3",
        "1e0",
        "5e-324",
        "2.2250738585072011e-308",
        "1.7976931348623157e308",
        "0" * 30 + "1",
    ]
    out += ["9007199254740993", "0.000000000000000000000000123456789012345678", "123456789012345678901234567890e-20"]
    out += [
        "1e22",
        "1e23",
        "8.5e22",
        "9214843084008499",
        "0.5000000000000000166533453694",
        "1e-330",
        "0e999",
        "1e-99999999",
    ]
    while len(out) < count:
        bits = rng.getrandbits(64)
        x = struct.unpack("<d", struct.pack("<Q", bits))[0]
        if np.isfinite(x):
            out += [repr(x), f"{x:.16e}", f"{x:.19e}"]
        out.append(f"{rng.getrandbits(63)}e{rng.randrange(-330, 289)}")
        out.append(f"{rng.gauss(0, 1)!r}")
        out.append(f"{rng.getrandbits(rng.randrange(50, 64))}.5")
        exact = (2**53 + 2 * rng.getrandbits(40) + 1) << rng.randrange(12)  # a tie between two doubles
        out += [str(exact), str(exact + 1), str(exact - 1)]
    return out


def test_numbers_are_the_nearest_doubles(tmp_path):
    texts = tokens(40_000)
    values = read(tmp_path, HEAD + f"array real general\n{len(texts)} 1\n" + "\n".join(texts))[:, 0]
    expected = np.array([float(t) for t in texts])
    assert np.array_equal(values.view(np.uint64), expected.view(np.uint64))


def test_powers_of_five_and_products_are_exact():
    from resolvent.gallery import _mm_kernel as kernel

    high, low, exponent = kernel.powers_of_five()
    for q in (-330, -28, -1, 0, 1, 27, 55, 56, 309):
        value = (int(high[q + 330]) << 64) + int(low[q + 330])
        shift = int(exponent[q + 330]) - q - 1 - 127  # 5^q = value 2^shift, rounded down
        assert 2**127 <= value < 2**128
        if q >= 0:
            exact = 5**q * 2 ** max(0, -shift) // 2 ** max(0, shift)
        else:
            exact = 2**-shift // 5**-q
        assert value == exact
    rng = random.Random(3)
    for _ in range(2000):
        a, b = rng.getrandbits(64), rng.getrandbits(64)
        h, l = kernel._product(np.uint64(a), np.uint64(b))
        assert (int(h) << 64) + int(l) == a * b


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("symmetric", [False, True])
def test_scipy_and_we_agree_on_what_scipy_writes(tmp_path, kind, symmetric):
    rng = np.random.default_rng(5)
    A = sp.random_array((40, 40), density=0.1, rng=rng, format="csr")
    if kind == "complex":
        A = A + 1j * sp.random_array((40, 40), density=0.1, rng=rng, format="csr")
    A = A + A.T if symmetric else A
    scipy.io.mmwrite(tmp_path / "a.mtx", A)
    ours, theirs = read_matrix_market(tmp_path / "a.mtx"), scipy.io.mmread(tmp_path / "a.mtx", **SPARSE_ARRAYS).tocsr()
    assert (ours != theirs).nnz == 0
    assert (ours != A).nnz == 0
    dense = A.toarray()
    scipy.io.mmwrite(tmp_path / "d.mtx", dense)
    assert np.array_equal(read_matrix_market(tmp_path / "d.mtx"), dense)


@pytest.mark.parametrize("dtype", [np.float64, np.complex128, np.float32])
def test_what_is_written_reads_back_to_the_same_bits(tmp_path, dtype):
    rng = np.random.default_rng(6)
    A = sp.random_array((30, 30), density=0.2, rng=rng, format="csr").astype(dtype)
    A.data *= 10.0 ** rng.integers(-30, 30, A.nnz)
    if A.dtype.kind == "c":
        A.data += 1j * rng.standard_normal(A.nnz)
    write_matrix_market(tmp_path / "a.mtx", A)
    B = read_matrix_market(tmp_path / "a.mtx")
    assert np.array_equal(B.data, A.data) and np.array_equal(B.indices, A.indices)
    b = rng.standard_normal((7, 2)).astype(dtype)
    write_matrix_market(tmp_path / "b.mtx", b)
    assert np.array_equal(read_matrix_market(tmp_path / "b.mtx"), b)
    write_matrix_market(tmp_path / "v.mtx", b[:, 0])
    assert np.array_equal(read_matrix_market(tmp_path / "v.mtx"), b[:, :1])
    assert not list(tmp_path.glob("*.tmp"))


def test_many_uncertain_numbers_are_all_finished(tmp_path):
    texts = [f"0.{'123456789' * 3}{k:05d}" for k in range(5000)]
    values = read(
        tmp_path,
        HEAD + "array complex general\n2500 1\n" + "\n".join(" ".join(p) for p in zip(texts[::2], texts[1::2])),
    )
    assert np.array_equal(values.view(float).ravel(), [float(t) for t in texts])


def test_a_long_file_of_comments_is_no_trouble(tmp_path):
    text = HEAD + "coordinate real general\n" + "%\n" * 300_000 + "1 1 1\n" + "%\n" * 300_000 + "1 1 2"
    assert read(tmp_path, text).toarray() == [[2]]
    with pytest.raises(ValueError, match=r"a\.mtx:600003: row '3'"):
        read(tmp_path, text[:-5] + "3 1 2")


def slow(text):
    """A reader that a person can check: words, Python's int and float, a dense array; None when it would refuse."""
    lines = [line.strip(" \t\r") for line in text.split("\n")]
    _, _, layout, _, symmetry = lines[0].lower().split()
    lines = [line for line in lines[1:] if line and not line.startswith("%")]
    sizes = [int(word) for word in lines[0].split()]
    dense = np.zeros(sizes[:2], dtype=complex)
    places = [(i, j) for j in range(sizes[1]) for i in range(sizes[0])]
    if layout == "array" and symmetry != "general":
        places = [(i, j) for i, j in places if i > j or (i == j and symmetry != "skew-symmetric")]
    for k, line in enumerate(lines[1:]):
        words = line.lower().replace("d", "e").split()
        if layout == "coordinate":
            i, j = int(words.pop(0)) - 1, int(words.pop(0)) - 1
        else:
            i, j = places[k]
        value = complex(*[float(word) for word in words]) if words else 1.0
        dense[i, j] += value
        if symmetry != "general" and i != j:
            dense[j, i] += {"symmetric": value, "skew-symmetric": -value, "hermitian": np.conj(value)}[symmetry]
    return dense


def test_accepted_mutants_mean_what_a_slow_reader_finds(tmp_path):
    import importlib.util
    from pathlib import Path

    spec = importlib.util.spec_from_file_location("fuzz_readers", Path(__file__).with_name("fuzz_readers.py"))
    fuzz_readers = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fuzz_readers)
    compared = 0
    for seed in range(3000):
        _, data = fuzz_readers.mutant("mtx", seed)
        try:
            A = read(tmp_path, data)
        except ValueError:
            continue
        if max(A.shape) > 100:
            continue
        assert np.array_equal(A.toarray() if sp.issparse(A) else A, slow(data.decode("latin-1"))), (seed, data)
        compared += 1
    assert compared > 100


@pytest.mark.parametrize("n", [9, 400_000])
def test_memory_is_bounded_by_the_size_of_the_file(tmp_path, n):
    import tracemalloc

    read(tmp_path, HEAD + "coordinate pattern symmetric\n2 2 1\n2 1\n")  # imports
    text = HEAD + f"coordinate pattern symmetric\n{n} {n} 100000\n" + "2 1\n" * 100_000
    (tmp_path / "a.mtx").write_text(text)
    tracemalloc.start()
    A = read_matrix_market(tmp_path / "a.mtx")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert A[1, 0] == A[0, 1] == 100_000
    assert peak < 32 * len(text) + 8 * 2**20


@pytest.mark.parametrize("end", ["", "\n", " ", "\n\n", "\n% only a comment", "\n%"])
def test_a_header_with_nothing_after_it_is_refused(tmp_path, end):
    """The reader looks at the line after the header, and there is none."""
    with pytest.raises(ValueError, match=r"a\.mtx"):
        read(tmp_path, HEAD + "coordinate real general" + end)


def test_long_numbers_with_fortrans_exponent(tmp_path):
    """Too many digits for the compiled path, and a d for an e: Python's own float has the last word."""
    text = "0.12345678901234567890123D+01"
    A = read(tmp_path, HEAD + f"array real general\n2 1\n{text}\n{text.replace('D', 'd')}\n")
    assert A.tolist() == [[1.2345678901234567890123]] * 2


def test_more_uncertain_numbers_than_are_held_at_a_time(tmp_path):
    rng = random.Random(9)
    texts = [f"0.{rng.getrandbits(90)}" for _ in range(2500)]
    A = read(tmp_path, HEAD + "array real general\n2500 1\n" + "\n".join(texts) + "\n")
    assert A[:, 0].tolist() == [float(t) for t in texts]


def test_limits_are_met_to_the_byte(tmp_path):
    head = HEAD + "coordinate pattern general"
    for pad, good in ((1024 - len(head), True), (1025 - len(head), False)):
        if good:
            assert read(tmp_path, head + " " * pad + "\n1 1 1\n1 1").nnz == 1
        else:
            with pytest.raises(ValueError, match=r"a.mtx:1: "):
                read(tmp_path, head + " " * pad + "\n1 1 1\n1 1")
    assert read(tmp_path, head + "\n1 1 1" + " " * 1019 + "\n1 1").nnz == 1
    with pytest.raises(ValueError, match=r"a.mtx:2: expected the size line"):
        read(tmp_path, head + "\n1 1 1" + " " * 1020 + "\n1 1")
    assert read(tmp_path, head + "\n9 9 3\n1 1\n2 2\n3 3").nnz == 3
    with pytest.raises(
        ValueError, match=r"a.mtx:2: the size line promises 4 entries, but the 13 bytes left hold 3 at most"
    ):
        read(tmp_path, head + "\n9 9 4\n1 1\n2 2\n3 3")
    assert read(tmp_path, head + "\n65541 1 1\n1 1").shape == (65_536 + 5, 1)
    with pytest.raises(ValueError, match=r"a.mtx:2: 65542 x 1 is out of proportion to the 5 bytes"):
        read(tmp_path, head + "\n65542 1 1\n1 1")


def test_small_matrices_have_small_indices_and_each_place_once(tmp_path):
    A = read(tmp_path, HEAD + "coordinate real general\n2 3 4\n2 3 1\n1 1 2\n2 1 5\n1 1 3\n")
    assert A.indices.dtype == A.indptr.dtype == np.int32
    assert A.has_canonical_format and A.nnz == 3 and A[0, 0] == 5.0


def test_the_size_line_of_an_array_has_two_numbers(tmp_path):
    with pytest.raises(ValueError, match=r"the size line, 2 whole numbers \(rows and columns\), not '1 1 1'"):
        read(tmp_path, HEAD + "array real general\n1 1 1\n1")
    with pytest.raises(ValueError, match=r"the size line, 3 whole numbers \(rows, columns and entries\), not '1 1'"):
        read(tmp_path, HEAD + "coordinate real general\n1 1\n1 1 1")


def test_what_is_written_is_on_disk_before_it_has_its_name(tmp_path, monkeypatch):
    seen, honest = [], os.fsync

    def watched(handle):
        seen.append((os.fstat(handle).st_size, os.path.exists(tmp_path / "a.mtx")))
        honest(handle)

    monkeypatch.setattr(os, "fsync", watched)
    write_matrix_market(tmp_path / "a.mtx", sp.eye_array(3, format="csr"))
    assert seen == [(os.path.getsize(tmp_path / "a.mtx"), False)]
    assert os.listdir(tmp_path) == ["a.mtx"]


@pytest.mark.parametrize(("symmetry", "sign"), [("skew-symmetric", -1.0), ("symmetric", 1.0)])
def test_triangles_of_an_array_column_by_column(tmp_path, symmetry, sign):
    n = 4
    lower = np.tril(np.arange(1.0, n * n + 1).reshape(n, n), -1 if sign < 0 else 0)
    numbers = "\n".join(str(v) for v in lower.T.ravel() if v)
    A = read(tmp_path, f"{HEAD}array real {symmetry}\n{n} {n}\n{numbers}\n")
    np.testing.assert_array_equal(A, lower + sign * np.tril(lower, -1).T)


def test_sizes_have_eighteen_digits_at_most(tmp_path):
    with pytest.raises(ValueError, match="promises 999999999999999999 entries"):
        read(tmp_path, HEAD + "coordinate real general\n1 1 999999999999999999\n1 1 1")
    with pytest.raises(ValueError, match="expected the size line"):
        read(tmp_path, HEAD + "coordinate real general\n1 1 0000000000000000001\n1 1 1")


def test_zeros_in_front_of_a_whole_number_do_not_count(tmp_path):
    head = HEAD + "coordinate integer general\n1 1 1\n1 1 "
    for zeros in range(26):
        assert read(tmp_path, head + "0" * zeros + "7").toarray() == 7.0
        assert read(tmp_path, head + "-" + "0" * zeros + "9007199254740992").toarray() == -(2.0**53)
        for big in ("9007199254740993", "9999999999999999999", "18446744073709551617", "1" * 30):
            with pytest.raises(ValueError, match="is too large: whole numbers"):
                read(tmp_path, head + "0" * zeros + big)


def test_carries_into_the_leading_bits_are_seen(tmp_path):
    """Nineteen digits: one in eight thousand is decided by the second product, carried into the first."""
    rng = random.Random(11)
    texts = [f"{rng.randrange(10**18, 10**19)}e{rng.randrange(-300, 280)}" for _ in range(80_000)]
    values = read(tmp_path, HEAD + f"array real general\n{len(texts)} 1\n" + "\n".join(texts))[:, 0]
    assert np.array_equal(values, np.array([float(t) for t in texts]))


def test_zeros_of_either_sign_may_stand_where_only_zeros_may(tmp_path):
    A = read(tmp_path, HEAD + "coordinate complex hermitian\n2 2 2\n1 1 4 -0\n2 1 1 2\n")
    assert np.array_equal(A.toarray(), [[4, 1 - 2j], [1 + 2j, 0]])
    A = read(tmp_path, HEAD + "coordinate real skew-symmetric\n2 2 2\n2 1 3\n2 2 -0.0\n")
    assert np.array_equal(A.toarray(), [[0, -3], [3, 0]])


@pytest.mark.parametrize("sign", ["/", ":"])
def test_the_characters_beside_the_digits_are_none(tmp_path, sign):
    for entry in (f"1{sign} 1 1", f"1 1{sign} 1", f"1 1 1{sign}", f"1 1 1.{sign}", f"1 1 1e1{sign}"):
        with pytest.raises(ValueError, match=r"a.mtx:3: expected"):
            read(tmp_path, HEAD + f"coordinate real general\n99 99 1\n{entry}\n")
