"""The kernels on a carried pattern beside NumPy twins, and beside the kernels of the whole plan."""

import numpy as np
import pytest

from resolvent import kernels

T = kernels.truncated


def runs_of(keep):
    """Runs of blocks of 8 columns of a mask whose blocks are whole, without joining."""
    ip, first, length = [0], [], []
    for row in keep:
        for d in range(0, len(row), 8):
            if row[d]:
                if first and len(first) > ip[-1] and first[-1] + length[-1] == d:
                    length[-1] += 8
                else:
                    first.append(d)
                    length.append(8)
        ip.append(len(first))
    ends = np.concatenate([[0], np.cumsum(length)])
    return np.array(ip, np.uint32), np.array(first, np.uint32), np.array(length, np.uint32), ends[ip]


def whole(shape, runs, data):
    out = np.zeros(shape)
    ip, first, length, at = runs
    for i in range(shape[0]):
        d = at[i]
        for k in range(ip[i], ip[i + 1]):
            out[i, first[k] : first[k] + length[k]] = data[d : d + length[k]]
            d += length[k]
    return out


def case(n=9, m=29, seed=0):
    rng = np.random.default_rng(seed)
    blocks = rng.random((n, 4)) < 0.5
    blocks[:, 3] |= ~blocks.any(axis=1)
    return rng, np.repeat(blocks, 8, axis=1), rng.random((n, m)), rng.random(n) + 0.1


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("level", [1e-3, 0.3, 2.0])
def test_scan_finds_every_large_entry(dtype, level):
    rng, _keep, _C, a = case()
    P = (np.exp(-9 * rng.random((9, 77))) * a[:, None]).astype(dtype)
    ip, first, length = np.zeros(10, np.uint32), np.empty(90, np.uint32), np.empty(90, np.uint32)
    entries = T.scan(P, a, level, ip, first, length)
    mask = np.zeros((9, 80), bool)
    for i in range(9):
        for k in range(ip[i], ip[i + 1]):
            assert not mask[i, first[k] : first[k] + length[k]].any()
            mask[i, first[k] : first[k] + length[k]] = True
    large = np.zeros((9, 80), bool)
    large[:, :77] = level * a[:, None] <= P
    assert mask.sum() == entries and np.all(mask[large])
    blocks, hits = mask.reshape(9, 10, 8).any(2), large.reshape(9, 10, 8).any(2)
    for i in range(9):  # a block without a large entry is kept only between two that are at most three apart
        for k in np.flatnonzero(blocks[i] & ~hits[i]):
            left, right = np.flatnonzero(hits[i, :k]), np.flatnonzero(hits[i, k:])
            assert len(left) and len(right) and right[0] + k - left[-1] <= 3
    if level == 2.0:
        assert entries == 0


def test_scan_says_when_there_is_no_room():
    P = np.zeros((2, 64))
    P[:, ::32] = 1.0
    assert T.scan(P, np.ones(2), 0.5, np.zeros(3, np.uint32), np.empty(3, np.uint32), np.empty(3, np.uint32)) == -1


@pytest.mark.parametrize("guess", [0.0, 1e4, -np.inf])
def test_absorb_makes_rows_exact_on_the_runs(guess):
    _rng, keep, C, a = case()
    runs, h = runs_of(keep), np.linspace(-1, 1, 29)
    f, c, E = np.full(9, guess), np.zeros(32), np.empty(int(keep.sum()))
    T.absorb(C, 20.0, f, h, a, *runs, E, c)
    K = np.zeros((9, 32))
    K[:, :29] = np.exp(h - 20.0 * C) * keep[:, :29]
    twin = a[:, None] * K / K.sum(1, keepdims=True)
    assert np.allclose(whole((9, 32), runs, E), twin, rtol=1e-12, atol=0)
    assert np.allclose(c, twin.sum(0), rtol=1e-12) and np.allclose(f, np.log(a / K.sum(1)), rtol=1e-12)


def test_kept_is_a_scaling_of_the_runs():
    rng, keep, _C, a = case()
    runs, E, v = runs_of(keep), rng.random(int(keep.sum())), rng.random(32)
    dense = whole((9, 32), runs, E)
    u, c = np.empty(9), np.zeros(32)
    T.kept(E, *runs, v, a, u, c)
    assert np.allclose(u, a / (dense @ v), rtol=1e-13) and np.allclose(c, v * (dense.T @ u), rtol=1e-13)


@pytest.mark.parametrize("level", [0.0, 1e-2, 0.1, 10.0])
def test_collect_is_extract_where_nothing_was_left_out(level):
    rng, keep, _C, a = case(m=32)
    keep[:] = True
    runs, u, v = runs_of(keep), rng.random(9) + 0.5, rng.random(32) + 0.5
    E = np.exp(-9 * rng.random((9, 32)))

    def room():
        ints = [np.zeros(10, np.uint32), np.zeros(99, np.uint32), np.zeros(99, np.uint32)]
        return np.zeros(2, np.int64), *ints, np.zeros(999), np.zeros(32)

    one, two = room(), room()
    assert T.collect(E.ravel(), *runs, u, v, a, level, *one)
    assert kernels.transport.extract(E, u, v, a, level, *two)
    for x, y in zip(one, two, strict=True):
        assert np.allclose(x, y, rtol=1e-14, atol=0)
    assert not T.collect(E.ravel(), *runs, u, v, a, 0.0, *one[:2], one[2][:1], one[3][:1], one[4][:9], one[5])


def test_collect_keeps_to_the_runs():
    rng, keep, _C, a = case(n=30)
    runs, u, v = runs_of(keep), np.ones(30), np.ones(32)
    E = np.exp(-6 * rng.random(int(keep.sum())))
    ends, ip = np.zeros(2, np.int64), np.zeros(31, np.uint32)
    first, length, data, squares = np.zeros(99, np.uint32), np.zeros(99, np.uint32), np.zeros(999), np.zeros(32)
    assert T.collect(E, *runs, u, v, a, 0.05, ends, ip, first, length, data, squares)
    found = ip, first[: ends[0]], length[: ends[0]]
    at = np.concatenate([[0], np.cumsum(found[2]).astype(np.int64)])[ip]
    P = whole((30, 32), runs, E)
    kept = whole((30, 32), (*found, at), data)
    assert np.array_equal(kept[kept > 0], P[kept > 0]) and np.all(kept[0.05 * a[:, None] <= P] > 0)
    assert np.allclose(squares, (kept**2 / a[:, None]).sum(0), rtol=1e-12)
