"""The kernels of transport beside their NumPy twins, on problems that a person can follow."""

import numpy as np
import pytest

from resolvent import kernels

T = kernels.transport


def problem(n=7, m=19, seed=0, reg=0.05):
    rng = np.random.default_rng(seed)
    C, a, b = rng.random((n, m)), rng.random(n) + 0.1, rng.random(m) + 0.1
    return C, a / a.sum(), b / b.sum(), 1 / reg


def test_exponentials_to_the_last_bits():
    x = np.concatenate([np.linspace(-599, 599, 20_001), [0.0, -0.0, 1e-300, np.log(2) / 2, -np.log(2) / 2]])
    out = np.empty_like(x)
    T.exponentials(x, out)
    assert np.max(np.abs(out / np.exp(x) - 1)) < 5e-16
    T.exponentials(np.array([-1e6, -700.0, 1e6]), out[:3])
    assert np.array_equal(out[:3] > 0, [True] * 3) and np.all(out[:3] < 1e262) and np.all(out[:3] > 1e-262)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("guess", [0.0, 1e4, -1e4, -np.inf])
def test_absorb_makes_rows_exact_from_any_guess(dtype, guess):
    C, a, _b, ir = problem()
    C = C.astype(dtype)
    h = np.linspace(-1, 1, 19)
    f, E, c = np.full(7, guess), np.zeros((7, 24)), np.zeros(19)
    T.absorb(C, ir, f, h, a, E, c)
    K = np.exp(h - C.astype(float) * ir)
    twin = a[:, None] * K / K.sum(1, keepdims=True)
    assert np.allclose(E[:, :19], twin, rtol=1e-13, atol=0) and not E[:, 19:].any()
    assert np.allclose(c, twin.sum(0), rtol=1e-13) and np.allclose(f, np.log(a / K.sum(1)), rtol=1e-13)


def test_kept_is_a_scaling():
    rng = np.random.default_rng(1)
    E, v, a = rng.random((6, 16)), rng.random(16), rng.random(6)
    u, c = np.empty(6), np.zeros(16)
    T.kept(E, v, a, u, c)
    assert np.allclose(u, a / (E @ v), rtol=1e-14) and np.allclose(c, v * (E.T @ u), rtol=1e-14)


@pytest.mark.parametrize("omega", [1.0, 1.3])
def test_sweeps_are_sweeps(omega):
    rng = np.random.default_rng(4)
    E, a, b = rng.random((6, 16)) + 0.1, rng.random(6), rng.random(16)
    b[13:], E[:, 13:] = 0.0, 0.0
    b *= a.sum() / b.sum()
    v, u, c, norms = (b > 0).astype(float), np.ones(6), np.zeros(16), np.empty(5)
    T.kept(E, v, a, u, c)
    twin, sums, errors = v.copy(), c.copy(), []
    for _ in range(5):
        twin[:13] *= (b[:13] / sums[:13]) ** omega
        sums = twin * (E.T @ (a / (E @ twin)))
        errors.append(np.abs(sums - b).sum())
    start = v.copy(), c.copy()
    assert T.sweeps(E, a, b, omega, np.inf, 0.0, v, u, c, norms) == 5
    assert np.allclose(v, twin, rtol=1e-12) and np.allclose(norms, errors, rtol=1e-9)
    assert T.sweeps(E, a, b, omega, np.inf, 1.01 * errors[1], start[0].copy(), u, start[1].copy(), norms) == 2
    assert T.sweeps(E, a, b, omega, 1e-9, 0.0, start[0].copy(), u, start[1].copy(), norms) == 1


@pytest.mark.parametrize("squarings", [0, 1, 2])
def test_power_is_the_plan_at_smaller_reg(squarings):
    C, a, _b, ir = problem(m=16)
    h = np.linspace(-1, 1, 16)
    f, E, c = np.zeros(7), np.zeros((7, 16)), np.zeros(16)
    T.absorb(C, ir, f, h, a, E, c)
    u, v = np.linspace(0.9, 1.1, 7), np.linspace(1.1, 0.9, 16)
    moved, c[:] = f + np.log(u), 0.0
    T.power(E, u, v, a, moved, c, squarings)
    factor = 2.0**squarings
    K = np.exp(factor * (h + np.log(v) - C * ir))
    twin = a[:, None] * K / K.sum(1, keepdims=True)
    assert np.allclose(E, twin, rtol=1e-12) and np.allclose(c, twin.sum(0), rtol=1e-12)
    assert np.allclose(np.exp(moved[:, None] + factor * (h + np.log(v) - C * ir)), twin, rtol=1e-12)


def test_columns_are_a_log_sum_exp_in_any_number_of_blocks():
    from scipy.special import logsumexp

    C, _a, _b, ir = problem(n=30)
    f = np.random.default_rng(3).standard_normal(30) * 1e3
    top, total = np.full(19, -np.inf), np.zeros(19)
    for part in (slice(0, 11), slice(11, 30)):
        T.columns(C[part], ir, f[part], top, total)
    assert np.allclose(np.log(total) + top, logsumexp(f[:, None] - C * ir, axis=0), rtol=1e-13)


def test_marginals_and_rounded_are_sums_of_the_plan():
    C, a, b, ir = problem()
    f, h = np.log(a), np.log(b)
    P, r, c = np.empty((7, 19)), np.empty(7), np.zeros(19)
    T.marginals(C, ir, f, h, True, P, r, c)
    twin = np.exp(f[:, None] + h - C * ir)
    assert np.allclose(P, twin, rtol=1e-13) and np.allclose(r, twin.sum(1)) and np.allclose(c, twin.sum(0))
    x, y = np.linspace(0.5, 1, 7), np.linspace(1, 0.5, 19)
    r, c, low = np.empty(7), np.zeros(19), np.full(19, np.inf)
    cost = T.rounded(C, P, x, y, f, r, c, low)
    F = x[:, None] * twin * y
    assert cost == pytest.approx((C * F).sum(), rel=1e-13)
    assert np.allclose(r, F.sum(1)) and np.allclose(c, F.sum(0)) and np.allclose(low, (C - f[:, None]).min(0))
    assert T.bilinear(C, f, h) == pytest.approx(f @ C @ h, rel=1e-12)


def collected(P, u, v, a, level, dtype=np.float64, room=4096):
    n, m = P.shape
    ends, ip = np.zeros(2, np.int64), np.zeros(n + 1, np.uint32)
    first, length, data = np.empty(room, np.uint32), np.empty(room, np.uint32), np.empty(room, dtype)
    squares = np.zeros(m)
    fits = T.extract(P, u, v, a, level, ends, ip, first, length, data, squares)
    whole, at = np.zeros((n, m)), 0
    for i in range(n if fits else 0):
        for k in range(ip[i], ip[i + 1]):
            whole[i, first[k] : first[k] + length[k]] += data[at : at + length[k]]
            at += length[k]
    return fits, whole, squares, (ip, first, length, data), ends


@pytest.mark.parametrize("level", [0.0, 1e-3, 0.05, 10.0])
def test_extract_keeps_every_large_entry_once(level):
    rng = np.random.default_rng(5)
    P = np.exp(-12 * rng.random((9, 64)))
    u, v, a = rng.random(9) + 0.5, rng.random(64) + 0.5, rng.random(9) + 0.5
    fits, whole, squares, _, ends = collected(P, u, v, a, level)
    scaled = u[:, None] * P * v
    kept = whole > 0
    assert fits and np.allclose(whole[kept], scaled[kept], rtol=1e-14)
    assert np.all(kept[scaled >= level * a[:, None]]) and kept.sum() == ends[1]
    assert np.allclose(squares, (whole**2 / a[:, None]).sum(0), rtol=1e-12)
    if level == 10.0:
        assert not kept.any()


def test_extract_says_when_there_is_no_room():
    P = np.ones((4, 32))
    assert not collected(P, np.ones(4), np.ones(32), np.ones(4), 0.0, room=40)[0]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-4)])
def test_newton_solves_the_reduced_system(dtype, tolerance):
    rng = np.random.default_rng(6)
    P = np.exp(-9 * rng.random((12, 24)))
    a, c = P.sum(1), P.sum(0)
    _, whole, squares, runs, _ = collected(P, np.ones(12), np.ones(24), a, 1e-3, dtype)
    shifted = c + 0.1
    A = np.diag(shifted) - whole.T @ (whole / a[:, None])
    rhs = rng.standard_normal(24)
    x, r, z, p, q = (np.empty(24, dtype) for _ in range(5))
    r[:] = rhs
    one = (1 / a).astype(dtype)
    steps = T.newton(
        *runs, one, shifted.astype(dtype), (shifted - squares).astype(dtype), x, r, z, p, q, tolerance / 100, 200
    )
    assert 0 < steps < 200 and np.allclose(x, np.linalg.solve(A, rhs), rtol=tolerance, atol=tolerance)
