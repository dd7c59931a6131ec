"""The kernels of completion beside NumPy twins, with and without weights and multipliers."""

import numpy as np
import pytest

from resolvent import kernels

K = kernels.completion


def case(k, seed=0, given=True):
    """Rows with 0 to 40 entries, so that every remainder of four occurs."""
    rng = np.random.default_rng(seed)
    counts = np.concatenate([[0, 1, 2, 3, 4, 5, 43, 44], rng.integers(6, 41, 7)])
    ip = np.concatenate([[0], np.cumsum(counts)]).astype(np.uint64)
    ix = np.concatenate([rng.choice(45, c, replace=False) for c in counts]).astype(np.uint32)
    one = np.ones(1)
    w, c = (rng.uniform(0.5, 2.0, len(ix)), rng.uniform(0.5, 2.0, len(ix))) if given else (one, one)
    return (ip, ix, rng.standard_normal(len(ix)), w, c), rng.standard_normal((45, k)), rng.standard_normal((15, k))


def twin(entries, V, ridge):
    ip, ix, a, w, c = entries
    w, c = np.broadcast_to(w, a.shape), np.broadcast_to(c, a.shape)
    out = []
    for lo, hi in zip(ip[:-1].astype(int), ip[1:].astype(int), strict=True):
        D, s = V[ix[lo:hi]] * c[lo:hi, None], w[lo:hi]
        out.append(np.linalg.solve((D.T * s) @ D + ridge * np.eye(V.shape[1]), D.T @ (s * a[lo:hi])))
    return np.array(out)


@pytest.mark.parametrize("given", [False, True])
@pytest.mark.parametrize(("k", "exact", "tolerance"), [(3, 0, 1e-10), (6, 1, 1e-10), (18, 1, 1e-9), (18, 0, 1e-6)])
def test_half_round_solves_every_row(given, k, exact, tolerance):
    entries, V, U = case(k, given=given)
    counts, no = np.zeros(3, np.int64), np.zeros(1, bool)
    K.half_round(*entries, V, np.full(V.shape[1], 0.1), 1e-9, exact, 200, U, no, counts)
    assert np.allclose(U, twin(entries, V, 0.1), rtol=tolerance, atol=tolerance)
    assert (counts[0] > 0) == (exact == 0 and k > 16)


def test_rows_that_are_skipped_stay():
    entries, V, U = case(4)
    before, skip = U.copy(), np.arange(15) % 2 == 0
    K.half_round(*entries, V, np.full(V.shape[1], 0.1), 1e-9, 1, 20, U, skip, np.zeros(3, np.int64))
    assert np.array_equal(U[skip], before[skip]) and np.allclose(U[~skip], twin(entries, V, 0.1)[~skip])


@pytest.mark.parametrize("given", [False, True])
def test_gradients_are_those_of_the_squared_error(given):
    entries, V, U = case(5, given=given)
    ip, ix, a, w, c = entries
    rows = np.repeat(np.arange(15), np.diff(ip.astype(int)))
    GU, GV, E = np.empty_like(U), np.empty_like(V), np.empty(len(a))
    total = K.gradients(*entries, U, V, 0.3, GU, GV, E)
    error = c * np.einsum("ek,ek->e", U[rows], V[ix]) - a
    R = np.zeros((15, 45))
    np.add.at(R, (rows, ix), w * c * error)
    assert total == pytest.approx(float(np.sum(w * error**2))) and np.allclose(E, error)
    assert np.allclose(GU, R @ V + 0.3 * U) and np.allclose(GV, R.T @ U + 0.3 * V)


@pytest.mark.parametrize("given", [False, True])
def test_refined_rows_are_exact_at_first_and_nearer_with_factors_of_a_nearby_problem(given):
    entries, V, U = case(3, given=given)
    start, L, none, unknown = U.copy(), np.zeros((15, 3, 3)), np.zeros(1, bool), np.zeros((1, 3))
    counts = np.zeros(3, np.int64)
    gradient = lambda U: K.gradients(*entries, U, V, 0.1, G, np.empty_like(V), np.empty(len(entries[1])))
    G = np.empty_like(U)
    gradient(start)
    found = kernels.row_factors.refine(*entries, V, np.full(3, 0.1), L, unknown, U, none, counts)
    assert np.allclose(U, twin(entries, V, 0.1)) and counts[2] == 14 and counts[0] == 0
    assert found == pytest.approx(float(np.sum(G[1:] ** 2)))  # the first row has no entries
    tall = np.tril(L[5])
    lo, hi = int(entries[0][5]), int(entries[0][6])
    w, c = (np.broadcast_to(v, entries[2].shape)[lo:hi] for v in entries[3:])
    D = V[entries[1][lo:hi]] * c[:, None]
    assert np.allclose(tall @ tall.T, (D.T * w) @ D + 0.1 * np.eye(3))
    V[:] *= 1.0 + 0.02 * np.random.default_rng(1).standard_normal(V.shape)
    exact, one, two = twin(entries, V, 0.1), U.copy(), U.copy()
    gradient(U)
    size = kernels.row_factors.refine(*entries, V, np.full(3, 0.1), L, unknown, one, none, counts)
    assert size == pytest.approx(float(np.sum(G[1:] ** 2))) and counts[0] == 2 * len(entries[1]) and counts[2] == 14
    assert np.linalg.norm(one - exact) < 0.3 * np.linalg.norm(U - exact)
    kernels.row_factors.refine(*entries, V, np.full(3, 0.1), L, G, two, none, counts)
    assert np.allclose(one, two) and counts[0] == 2 * len(entries[1])
    skip = np.ones(15, bool)
    assert kernels.row_factors.refine(*entries, V, np.full(3, 0.1), L, unknown, two, skip, counts) == 0.0
