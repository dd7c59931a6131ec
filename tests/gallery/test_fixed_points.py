"""The gallery's fixed points: the maps are what their formulas say, and their solutions those of another route."""

import numpy as np
import pytest
import scipy.sparse.linalg as sla
from scipy.optimize import root

import resolvent as rv
from resolvent.gallery.bratu import bratu, laplacian
from resolvent.gallery.mdp import MDP, garnet, ring


def test_value_iteration_is_bellmans_operator():
    successors = np.array([[[0, 1], [1, 1]], [[0, 0], [0, 1]]])
    weights = np.array([[[0.25, 0.75], [0.5, 0.5]], [[0.5, 0.5], [0.1, 0.9]]])
    rewards = np.array([[1.0, 0.0], [0.5, 2.0]])
    model = MDP(successors, weights, rewards, 0.5)
    v = np.array([2.0, 4.0])
    expected = [max(1 + 0.5 * (0.25 * 2 + 0.75 * 4), 0.5 * 4), max(0.5 + 0.5 * 2, 2 + 0.5 * (0.1 * 2 + 0.9 * 4))]
    assert np.allclose(model.problem().map(v), expected)
    A, b = model.evaluation(model.greedy(v))
    assert np.allclose(A.toarray(), [[1 - 0.125, -0.375], [-0.05, 1 - 0.45]]) and np.allclose(b, [1.0, 2.0])


@pytest.mark.parametrize("build", [garnet, ring])
def test_processes_are_processes_and_their_values_those_of_policy_iteration(build):
    model = build(states=60, actions=4, successors=6, gamma=0.95)
    assert np.allclose(model.P.sum(axis=1), 1.0) and model.P.data.min() >= 0
    v = np.zeros(60)
    for _ in range(30):
        A, b = model.evaluation(model.greedy(v))
        v = sla.spsolve(A.tocsc(), b)
    result = rv.solve(model.problem(), "anderson", rtol=1e-10)
    assert result.ok and np.max(np.abs(result.x - v)) <= 21 * result.seen["residual"] + 1e-12
    assert result.seen["residual"] == np.max(np.abs(result.x - model.problem().map(result.x)))


def test_successors_on_the_ring_are_near():
    model = ring(states=100, actions=2, successors=5, reach=3)
    rows, columns = model.P.tocoo().coords
    distance = np.abs(rows // 2 - columns)
    assert np.max(np.minimum(distance, 100 - distance)) <= 3


def test_drifting_rewards_drift():
    model = garnet(states=20, actions=2, successors=3)
    one, two = model.drifting(2, drift=0.1)
    v = np.zeros(20)
    assert np.array_equal(one.map(v), model.rewards.max(axis=1)) and not np.array_equal(two.map(v), one.map(v))
    assert np.array_equal(two.map(v), list(model.drifting(2, drift=0.1))[1].map(v))


@pytest.mark.parametrize("lam", [1.0, 6.0])
def test_both_bratu_maps_have_the_solution_of_the_equation(lam):
    L = laplacian(7)
    u = root(lambda u: L @ u - lam * np.exp(u), np.zeros(49), tol=1e-12).x
    for kind in ("picard", "jacobi"):
        result = rv.solve(bratu(kind, size=7, lam=lam), "anderson", rtol=1e-11)
        assert result.ok and np.max(np.abs(result.x - u)) < 1e-8


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: bratu("newton"), "picard"),
        (lambda: bratu(size=0), "size"),
        (lambda: bratu(lam=-1.0), "lam"),
        (lambda: garnet(states=5, actions=2, successors=2, gamma=1.5), "gamma"),
        (lambda: ring(reach=0), "reach"),
    ],
)
def test_bad_numbers_are_refused(call, said):
    with pytest.raises(ValueError, match=said):
        call()
