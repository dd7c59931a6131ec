"""No silent wrong answer on hostile input, no refusal of what is good, no exception but those that the table allows."""

import json

import numpy as np
import pytest

FATAL = ("silent", "escaped", "modified", "hang", "forbidden", "false fact", "false refusal")


def belief(tally, solves, good):
    """The promises, as asserted of any run."""
    bad = [finding for finding in tally.findings if finding[0] in FATAL]
    assert not bad, "\n".join(map(str, bad[:20]))
    alarms = [finding for finding in tally.findings if finding[0] == "false alarm"]
    assert len(alarms) <= max(1, 1e-3 * tally.count["good"]), "\n".join(map(str, alarms[:20]))
    assert tally.count["auto solved"] >= 0.95 * tally.count["auto good"] > 0
    assert tally.count["solves"] >= solves and tally.count["good"] >= good


def test_there_are_families_enough(grid):
    assert len(grid.FAMILIES) >= 60
    assert set(grid.table.TABLE) <= set(grid.FAMILIES), "the table names families that do not exist"
    assert len(grid.PAIRS) >= 12


def test_thin_slice(grid):
    """Every family with four pairs in turn, auto among them, cold; every eighth in a session, fresh and poisoned."""
    tally = grid.Tally()
    cheap = [row.name for row in grid.ROWS if not row.dear and row.kind == "linear"]
    work = []
    for k, name in enumerate(grid.FAMILIES):
        pairs = grid.pairs_of(name)
        chosen = {"auto", cheap[k % len(cheap)], cheap[(k + 5) % len(cheap)]} & set(pairs) or set(pairs)
        for j, pair in enumerate(sorted(chosen)):
            dtype = grid.DTYPES[(k + j) % len(grid.DTYPES)]
            work.append(("cold", name, pair, dtype, 5 + (7 * k + j) % 20, k))
            if (k + j) % 4 == 0:
                work.append(("warm", name, pair, dtype, 5 + k % 20, k))
            if (k + j) % 4 == 2:
                work.append(("poisoned", name, pair, dtype, 5 + k % 20, k))
    grid.run(tally, work)
    belief(tally, 900, 150)


@pytest.mark.full
@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "complex64"])
def test_full_grid(grid, dtype):
    """Every family x every pair, cold; in a session and poisoned, each in two of the four dtypes in turn."""
    tally = grid.Tally()
    work, turn = [], ["float64", "float32", "complex128", "complex64"].index(dtype)
    for k, name in enumerate(grid.FAMILIES):
        for j, pair in enumerate(grid.pairs_of(name)):
            for m, mode in enumerate(grid.MODES):
                wanted = mode == "cold" or (k + j + m + turn) % 2 == 0
                if wanted and (not grid.PAIRS[pair].dear or (k + j) % 5 == 0):
                    work.append((mode, name, pair, dtype, 5 + (11 * k + 3 * j) % 36, 1000 * k + j))
    grid.run(tally, work)
    belief(tally, 5_000, 500)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(3))
def test_soak(grid, soak, seed):
    tally = grid.Tally()
    grid.run(tally, soak.jobs(grid, float("inf"), 10_000 + seed, None, 2_500, tally))  # by number: machines differ
    belief(tally, 2_000, 100)


# ---- the judge is judged -------------------------------------------------------------------------------------------


def test_the_judge_knows_right_from_wrong(grid):
    judge, rng = grid.judge, np.random.default_rng(0)
    A, x = rng.standard_normal((8, 8)), rng.standard_normal(8)
    b = A @ x
    assert judge.meets(A, b, x, 1e-12, 0.0) and not judge.meets(A, b, x + 1e-6, 1e-8, 0.0)
    assert judge.meets(A, b, x + 1e-6, 0.0, 1e-3)
    for scale in (1e-300, 1e300):
        assert judge.meets(A, scale * b, scale * x, 1e-12, 0.0)
        assert not judge.meets(A, scale * b, 0 * x, 0.9, 0.0)
    assert not judge.meets(A, b, x * np.nan, 1.0, 1e9)
    assert not judge.meets(A, b * np.inf, x, 1.0, 1e9)


def test_the_judge_is_exact_where_it_must_be(grid):
    A, b = np.diag([3.0, 1.0]), np.array([1.0, 1.0])
    x = np.array([1.0 / 3.0, 1.0])  # 3 fl(1/3) = 1 - 2^-54
    assert float(grid.judge.exact_residual(A, b, x)) == 2.0**-54
    assert not grid.judge.meets(A, b, x, 0.0, 0.0) and grid.judge.meets(A, b, x, 1e-16, 0.0)
    z = np.array([1.0 / 3.0, 1j])
    assert float(grid.judge.exact_residual(A.astype(complex), np.array([1.0, 1j]), z)) == 2.0**-54


def test_the_net_has_no_holes(grid, monkeypatch):
    """A solver that lies, raises, writes into its input or refuses everything is caught."""
    import resolvent as rv

    honest = rv.solve

    def lying(problem, *args, **options):
        result = honest(problem, *args, **options)
        result.x = result.x * 1.01
        return result

    def writing(problem, *args, **options):
        result = honest(problem, *args, **options)
        problem.b[0] += 1
        return result

    def refusing(problem, *args, **options):
        result = honest(problem, *args, **options)
        result.status = rv.Status.STAGNATED
        return result

    def raising(problem, *args, **options):
        raise IndexError("out of range")

    for liar, kind in ((lying, "silent"), (writing, "modified"), (refusing, "false alarm"), (raising, "escaped")):
        monkeypatch.setattr(rv, "solve", liar)
        tally = grid.run(grid.Tally(), [("cold", "hermitian", "auto", "float64", 12, 3)])
        assert tally.count[kind] == 1, (kind, tally.findings)


def test_figures_are_plain(grid):
    tally = grid.run(grid.Tally(), [("cold", "benign", "cg", "float64", 9, 1)])
    assert json.dumps({k: float(v) for k, v in tally.figures().items()})


FOUND = [
    ("warm", "operator_changes", "deflatedcg dense", "float64", 7, 813957450),
    ("warm", "operator_homogeneous_not_additive", "flexiblecg", "complex64", 9, 412450118),
    ("warm", "denies_symmetry", "cocg", "float64", 14, 876804791),
    ("cold", "preconditioner_tiny", "idr", "float64", 27, 1961554392),
    ("cold", "preconditioner_zero", "bicgstab", "complex64", 6, 784068116),
    ("cold", "operator_nan_once", "bicgstab", "complex128", 37, 246954123),
    ("poisoned", "benign", "gcrodr", "complex64", 8, 272287761),
    ("poisoned", "preconditioner_not_symmetric", "gcrodr", "float32", 20, 1517356327),
]


@pytest.mark.parametrize("job", FOUND, ids=lambda job: f"{job[1]}, {job[2]}")
def test_what_a_soak_once_found(grid, job):
    """Each of these ended in an escaped exception, a wrong answer or a false alarm."""
    tally = grid.run(grid.Tally(), [job])
    assert not [f for f in tally.findings if f[0] != "refused good x"], tally.findings
    assert tally.count["solves"] >= 1
