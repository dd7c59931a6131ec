"""The parts of the bandits: kernels against NumPy and SciPy twins, the regression against all history, the formula."""

import math

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import brentq, lsq_linear

import resolvent as rv
from resolvent import kernels
from resolvent.learners.tune.chebcb import ChebCB
from resolvent.learners.tune.formula import Formula, relaxation
from resolvent.learners.tune.tsallis import Tsallis


def laplacian(m, shift):
    T = sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
    I = sp.eye_array(m)
    return (sp.kron(T, I) + sp.kron(I, T) + shift * sp.eye_array(m * m)).tocsr()


# ---- kernels against twins


@pytest.mark.parametrize("t", [1, 7, 300, 10**6])
def test_tsallis_distribution_is_the_minimiser(t):
    rng = np.random.default_rng(t)
    losses, scale, eta = rng.normal(50.0 * t, 20.0 * t**0.7, 12), 37.0, 2.0 / math.sqrt(t)
    p = np.empty(12)
    kernels.bandit.tsallis_draw(losses, 10, scale, eta, 0.5, p)
    k = losses[:10] / scale

    def total(x):
        return float(np.sum(4.0 / (eta * (k - x)) ** 2)) - 1.0

    x = brentq(total, k.min() - 2.0 * math.sqrt(10) / eta - 1.0, k.min() - 1.9999 / eta, xtol=1e-13, rtol=1e-15)
    twin = 4.0 / (eta * (k - x)) ** 2
    np.testing.assert_allclose(p[:10], twin / twin.sum(), rtol=1e-6)
    assert abs(p.sum() - 1.0) < 1e-12
    assert (p[10:] == 0).all()


def test_a_draw_follows_the_uniform_number():
    p = np.empty(3)
    losses = np.array([0.0, 1.0, 2.0])
    arms = [kernels.bandit.tsallis_draw(losses, 3, 1.0, 1.0, u, p) for u in np.linspace(0.0, 1.0, 2001)[:-1]]
    assert arms == sorted(arms)
    np.testing.assert_allclose(np.bincount(arms) / 2000, p, atol=1e-3)


def test_importance_weighted_estimates_are_unbiased_up_to_a_shift():
    rng = np.random.default_rng(0)
    truth = rng.uniform(20.0, 60.0, 5)
    p = np.empty(5)
    eta = 0.3
    kernels.bandit.tsallis_draw(np.array([1.0, 5.0, 3.0, 90.0, 2.0]), 5, 1.0, eta, 0.0, p)
    assert (p < eta**2).any()
    assert (p > eta**2).any()
    mean = np.zeros(5)
    for arm in range(5):
        one = np.zeros(5)
        kernels.bandit.tsallis_learn(one, 5, p, arm, truth[arm], 40.0, eta)
        mean += p[arm] * one
    np.testing.assert_allclose(mean, truth, rtol=1e-12)


def test_inverse_gap_weighting_against_numpy():
    rng = np.random.default_rng(1)
    theta = rng.normal(10.0, 3.0, (7, 6))
    f, p = np.empty(6), np.empty(7)
    kernels.bandit.cheb_draw(theta, 7, 0.3, 12.0, 5.0, 0.5, f, p)
    np.testing.assert_allclose(f, np.polynomial.chebyshev.chebvander(0.3, 5).ravel(), rtol=1e-14)
    s = theta @ f
    twin = 1.0 / (7 + 12.0 * (s - s.min()) / 5.0)
    twin[s.argmin()] = 0.0
    twin[s.argmin()] = 1.0 - twin.sum()
    np.testing.assert_allclose(p, twin, rtol=1e-12)


@pytest.mark.parametrize("tight", [False, True])
def test_refit_is_bounded_least_squares(tight):
    rng = np.random.default_rng(2)
    F = np.polynomial.chebyshev.chebvander(rng.uniform(-1, 1, 9), 5)
    y = rng.normal(50.0, 20.0, 9)
    high, low = (y.max(), y.max() - 1.0) if tight else (1e4, 0.0)
    bound = np.array([high] + [2 * (high - low) / j for j in range(1, 6)])
    ridge = np.sqrt(1e-3) * np.diag([1.0, 1, 2, 3, 4, 5])
    twin = lsq_linear(
        np.vstack([F, ridge]), np.concatenate([y, np.zeros(6)]), (-bound, bound), tol=1e-14, method="bvls"
    )
    theta = np.zeros(6)
    kernels.bandit.refit(F.T @ F, F.T @ y, 1e-3, low, high, theta)
    np.testing.assert_allclose(theta, twin.x, rtol=1e-5, atol=1e-4)
    assert (abs(theta) >= bound).any() == tight


def test_normal_equations_are_those_of_the_whole_history_also_after_the_range_grew():
    rng = np.random.default_rng(3)
    policy = ChebCB(3)
    history = []
    for t in range(200):
        c = rng.normal(0.0, 1.0 + t / 40.0)
        arm = policy.draw(rng.random(), 3, c)
        loss = 30.0 + arm * c + rng.random()
        policy.learn(arm, loss)
        history.append((arm, c, loss))
    a, b = policy.range
    assert (a, b) == (min(h[1] for h in history), max(h[1] for h in history))
    for arm in range(3):
        c, y = (np.array([h[k] for h in history if h[0] == arm]) for k in (1, 2))
        F = np.polynomial.chebyshev.chebvander((2 * c - a - b) / (b - a), 5)
        assert len(c) > 10
        np.testing.assert_allclose(policy.G[arm], F.T @ F, atol=1e-9 * len(c))
        np.testing.assert_allclose(policy.h[arm], F.T @ y, rtol=1e-9, atol=1e-7)
        ridge = np.sqrt(1e-3) * np.diag([1.0, 1, 2, 3, 4, 5])
        twin = np.linalg.lstsq(np.vstack([F, ridge]), np.concatenate([y, np.zeros(6)]))[0]
        if (abs(twin[1:]) < 2 * (policy.high - policy.low) / np.arange(1, 6)).all() and abs(twin[0]) < policy.high:
            np.testing.assert_allclose(policy.theta[arm], twin, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kind", [Tsallis, ChebCB])
def test_amending_is_learning_the_other_loss(kind):
    one, two = kind(3), kind(3)
    for t in range(40):
        u, c = (0.618 * t) % 1.0, math.sin(t)
        arm = one.draw(u, 3, c)
        assert two.draw(u, 3, c) == arm
        loss = 5.0 + arm + c
        one.learn(arm, loss)
        two.learn(arm, loss + 1.0)
        two.amend(arm, loss + 1.0, loss)
    for name in ("losses", "means") if kind is Tsallis else ("h", "G"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-9)
    assert one.total == pytest.approx(two.total)


@pytest.mark.parametrize("m", [5, 10, 30])
def test_formula_knows_the_shifted_laplacian(m):
    formula = Formula("sor")
    omegas = []
    for c in (0.05, 0.06, 0.2):
        problem = rv.LinearSystem(laplacian(m, c), np.ones(m * m))
        omegas.append(formula.omega(problem))
        beta = 4 * math.cos(math.pi / (m + 1)) / (4 + c)
        assert beta - 2e-3 <= formula.beta <= beta + 1e-12
        assert abs(omegas[-1] - relaxation(beta, "sor")) < 0.03
        assert problem.work.running["products"] == (12 if c == 0.05 else 2)
    assert omegas[0] > omegas[2]
