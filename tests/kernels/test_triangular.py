"""Plans: every entry has its own place, rows are in level order, the solves are those of the renumbered triangles."""

import numpy as np
import pytest
import scipy.sparse as sp

from resolvent.kernels import csr, triangular


def planned(A, parts, index="uint32"):
    """Plan, perm, dest, and the values of the off-diagonal entries in their places."""
    ip, ix, a = parts(A, index)
    plan = triangular.analyse(ip, ix)
    assert plan.dtype == index
    n, values = A.shape[0], int(plan[triangular.VALUES])
    perm = plan[triangular.HEAD : triangular.HEAD + n].astype(int)
    dest = plan[triangular.HEAD + n : triangular.HEAD + n + len(ix)].astype(int)
    rows = np.repeat(np.arange(n), np.diff(ip.astype(int)))
    off = rows != ix
    mat = np.zeros(values + 1, a.dtype)
    mat[dest[off]] = a[off]
    assert len(set(dest[off])) == off.sum()
    assert (dest[off] < values).all()
    assert (dest[~off] == values).all()
    return plan, perm, mat


def renumbered(A, perm):
    return sp.csr_array(A)[perm][:, perm].toarray()


NAMES = ["one", "diagonal", "line", "grid2", "grid3", "stencil9", "red_black", "long levels", "mesh", "random", "dense"]
NAMES += ["hub", "two blocks"]


@pytest.mark.parametrize("name", NAMES)
def test_solves(parts, shapes, vector, dtype, index, near, name):
    A = shapes[name].astype(dtype)
    if dtype.kind == "c":  # another pattern-symmetric matrix with both triangles of their own
        A.data = A.data * np.exp(1j * np.arange(A.nnz)).astype(dtype)
    n = A.shape[0]
    A = sp.csr_array(sp.diags_array(1.0 / abs(A).sum(axis=1)) @ A).astype(dtype)
    plan, perm, mat = planned(A, parts, index)
    P = renumbered(A, perm)
    om = A.real.dtype.type(0.7)
    wide = np.result_type(dtype, "float64")
    for solve, triangle in ((triangular.lower_solve, np.tril(P, -1)), (triangular.upper_solve, np.triu(P, 1))):
        y = vector(n, dtype)
        solve(plan, mat, om, y)
        want = np.linalg.solve(np.eye(n) + 0.7 * triangle.astype(wide), vector(n, dtype))
        assert np.allclose(y, want, rtol=0, atol=near * abs(want).max())


def test_rows_are_in_level_order(parts, shapes):
    for A in shapes.values():
        n = A.shape[0]
        ip, ix, _ = parts(A)
        level = csr.levels(ip, ix, n)
        plan, perm, _ = planned(A, parts)
        assert sorted(perm) == list(range(n))
        assert (np.diff(level[perm].astype(int)) >= 0).all()
        assert plan[triangular.DEPTH] == level.max() + 1


def test_renumbering_keeps_lower_below(parts, shapes):
    """Every entry left of the diagonal stays left of it, so that a sweep visits the same neighbours before each row."""
    for A in shapes.values():
        _, perm, _ = planned(A, parts)
        place = np.argsort(perm)
        C = A.tocoo()
        lower = C.row > C.col
        assert (place[C.row[lower]] > place[C.col[lower]]).all()


def runs(plan, side):
    """(first row, rows, distances) of the runs of one program, and the rows that it visits in all."""
    at, end = int(plan[triangular.LOWER + side]), (int(plan[triangular.UPPER]), len(plan))[side]
    found, visited = [], []
    while at < end:
        lo, hi, count = (int(v) for v in plan[at : at + 3])
        at += 3
        inside = []
        for _ in range(count):
            s, rows, m = (int(v) for v in plan[at : at + 3])
            at += 3
            if m == triangular.ROWS:
                at += rows + 1 + int(plan[at + rows])
                inside += range(s - rows + 1, s + 1) if side else range(s, s + rows)
            else:
                found.append((s, rows, [int(d) for d in plan[at : at + m]]))
                at += m
                inside += range(s, s + rows)
        assert sorted(inside) == list(range(lo, hi))
        visited += inside
    return found, visited


@pytest.mark.parametrize("side", [0, 1], ids=["lower", "upper"])
def test_a_run_names_rows_of_earlier_levels_only(parts, shapes, side):
    """Also where it stores a zero: else it would read what is outside, or not yet computed."""
    for A in shapes.values():
        n = A.shape[0]
        plan, perm, _ = planned(A, parts)
        level = csr.levels(*parts(A)[:2], n)[perm].astype(int)
        found, visited = runs(plan, side)
        assert sorted(visited) == list(range(n))
        for s, rows, distances in found:
            assert len(set(level[s : s + rows])) == 1
            for d in distances:
                target = np.arange(s, s + rows) + (d if side else -d)
                assert target.min() >= 0
                assert target.max() < n
                assert ((level[target] > level[s]) if side else (level[target] < level[s])).all()


def test_grids_are_taken_in_runs_and_meshes_are_not(parts, shapes):
    def share(name):
        plan, _, _ = planned(shapes[name], parts)
        return int(plan[triangular.IN_RUNS]) / (2 * int(plan[triangular.N]))

    assert share("grid2") > 0.8
    assert share("long levels") > 0.95
    assert share("stencil9") > 0.6
    assert share("mesh") < 0.2
    assert share("line") == 0.0


def test_random_patterns(parts, vector):
    rng = np.random.default_rng(3)
    for trial in range(60):
        n = int(rng.integers(1, 90))
        B = sp.random_array((n, n), density=float(rng.choice([0.0, 0.02, 0.05, 0.2])), rng=rng)
        band = sp.csr_array(np.eye(n, k=10)) * int(rng.integers(0, 2))
        A = sp.csr_array(B + B.T + band + band.T + sp.eye_array(n)) * (0.5 / n)
        plan, perm, mat = planned(A, parts)
        P = renumbered(A, perm)
        y = vector(n, seed=trial)
        triangular.upper_solve(plan, mat, 1.0, y)
        triangular.lower_solve(plan, mat, 1.0, y)
        back = y + np.tril(P, -1) @ y
        back = back + np.triu(P, 1) @ back
        assert np.allclose(back, vector(n, seed=trial), rtol=0, atol=1e-12)


def test_rows_longer_than_a_run_may_be(parts, shapes, vector):
    """The dense rows of the hub name more columns than `WIDEST`."""
    A = sp.csr_array(np.ones((triangular.WIDEST + 20,) * 2) / 500)
    plan, perm, mat = planned(A, parts)
    n = A.shape[0]
    y = vector(n)
    triangular.lower_solve(plan, mat, 1.0, y)
    want = np.linalg.solve(np.eye(n) + np.tril(renumbered(A, perm), -1), vector(n))
    assert np.allclose(y, want, rtol=0, atol=1e-13)


def test_many_rows_without_neighbours(parts, vector):
    n = 3 * triangular.CHUNK + 7
    plan, perm, mat = planned(sp.csr_array(sp.eye_array(n)), parts)
    y = vector(n)
    triangular.lower_solve(plan, mat, 1.0, y)
    triangular.upper_solve(plan, mat, 1.0, y)
    assert np.array_equal(y, vector(n))
    assert np.array_equal(perm, np.arange(n))
