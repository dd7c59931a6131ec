"""The face of POT: signature, log, warm start, torch in and torch out."""

import importlib.util
import inspect

import numpy as np
import pytest

import resolvent as rv
from resolvent.interop.pot import sinkhorn

POT = pytest.mark.skipif(importlib.util.find_spec("ot") is None, reason="needs POT: pip install POT")
TORCH = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="needs torch: pip install torch")


def problem(n=20, m=16, seed=0):
    rng = np.random.default_rng(seed)
    a, b = rng.random(n) + 0.1, rng.random(m) + 0.1
    return a / a.sum(), b / b.sum(), rng.random((n, m))


def violation(P, a, b):
    return np.abs(P.sum(1) - a).sum() + np.abs(P.sum(0) - b).sum()


@pytest.mark.full
@POT
def test_signature_and_plan_are_pots():
    import ot

    theirs = list(inspect.signature(ot.sinkhorn).parameters)
    assert list(inspect.signature(sinkhorn).parameters) == theirs
    a, b, M = problem()
    for reg in (1.0, 0.1, 0.02):
        P, log = ot.sinkhorn(a, b, M, reg, stopThr=1e-13, numItermax=100_000, log=True)
        Q, ours = sinkhorn(a, b, M, reg, stopThr=1e-12, log=True)
        assert np.abs(P - Q).sum() < 1e-10
        assert set(log) <= {*ours, "warn"}
        warm, again = sinkhorn(a, b, M, reg, stopThr=1e-9, log=True, warmstart=(np.log(log["u"]), np.log(log["v"])))
        assert again["niter"] == 0 and np.abs(warm - P).sum() < 1e-9


def test_small_reg_where_scalings_would_overflow():
    a, b, M = problem()
    P, log = sinkhorn(a, b, M, 1e-3, stopThr=1e-10, log=True)
    assert violation(P, a, b) <= 1e-10 * (1 + 1e-6)
    rebuilt = np.exp(log["log_u"][:, None] + log["log_v"] - M / 1e-3)
    assert np.abs(rebuilt - P).sum() < 1e-9
    assert log["err"][-1] <= 1e-10 and log["result"].ok and log["niter"] > 0


def test_scalings_give_the_plan():
    a, b, M = problem()
    P, log = sinkhorn(a, b, M, 0.1, log=True)
    assert np.allclose(log["u"][:, None] * np.exp(-M / 0.1) * log["v"], P, rtol=1e-10)


def test_warm_start_is_used():
    a, b, M = problem()
    _, log = sinkhorn(a, b, M, 0.01, log=True)
    _, again = sinkhorn(a, b, M, 0.01, log=True, warmstart=(log["log_u"], log["log_v"]))
    assert again["niter"] == 0 < log["niter"]
    with pytest.raises(ValueError, match="warmstart has 1 parts"):
        sinkhorn(a, b, M, 0.01, warmstart=(log["log_u"],))


def test_empty_masses_are_uniform_and_costs_may_be_negative():
    _, _, M = problem()
    P = sinkhorn([], [], M - 0.5, 0.1)
    assert violation(P, np.full(20, 0.05), np.full(16, 1 / 16)) < 2e-9
    Q, log = sinkhorn(np.full(20, 0.05), np.full(16, 1 / 16), M - 0.5, 0.1, log=True)
    assert np.allclose(P, Q) and np.allclose(log["u"][:, None] * np.exp(-(M - 0.5) / 0.1) * log["v"], Q, rtol=1e-9)


def test_a_budget_that_is_too_small_warns():
    a, b, M = problem()
    with pytest.warns(rv.ConvergenceWarning, match="BUDGET"):
        sinkhorn(a, b, M, 1e-3, numItermax=1)
    sinkhorn(a, b, M, 1e-3, numItermax=1, warn=False)


def test_bad_calls():
    a, b, M = problem()
    with pytest.raises(ValueError, match="method='magic' was given"):
        sinkhorn(a, b, M, 0.1, method="magic")
    with pytest.raises(ValueError, match="one target measure"):
        sinkhorn(a, np.ones((16, 2)), M, 0.1)
    with pytest.raises(ValueError, match="a has the sum"):
        sinkhorn(2 * a, b, M, 0.1)


def test_verbose_says_how_it_ended(capsys):
    a, b, M = problem()
    sinkhorn(a, b, M, 0.1, verbose=True)
    assert "meets the tolerance" in capsys.readouterr().out


@pytest.mark.full
@TORCH
def test_torch_in_torch_out():
    import torch

    a, b, M = problem()
    ta, tb, tM = (torch.from_numpy(v) for v in (a, b, M))
    P, log = sinkhorn(ta, tb, tM, 0.05, log=True)
    assert isinstance(P, torch.Tensor) and isinstance(log["u"], torch.Tensor) and P.dtype == torch.float64
    assert np.array_equal(P.numpy(), sinkhorn(a, b, M, 0.05))
    again = sinkhorn(ta, tb, tM, 0.05, warmstart=(log["log_u"], log["log_v"]), log=True)[1]
    assert again["niter"] == 0
    single = sinkhorn(ta.float(), tb.float(), tM.float(), 0.1, stopThr=1e-3)
    assert single.dtype == torch.float32
    result = rv.solve(rv.Transport(tM, ta, tb, 0.05), rtol=1e-9)
    assert isinstance(result.x, torch.Tensor) and isinstance(result.potentials[0], torch.Tensor)
    again = rv.solve(rv.Transport(tM, ta, tb, 0.05), "sinkhornnewton", x0=result.potentials, rtol=1e-9)
    assert again.steps == 0
    with pytest.raises(TypeError, match="requires gradients"):
        rv.Transport(tM.clone().requires_grad_(), ta, tb, 0.05)


def test_the_strict_array_library():
    strict = pytest.importorskip("array_api_strict")
    a, b, M = problem()
    result = rv.solve(rv.Transport(*(strict.asarray(v) for v in (M, a, b)), 0.05), rtol=1e-9)
    assert type(result.x).__module__.startswith("array_api_strict")
    assert np.array_equal(np.from_dlpack(result.x), rv.solve(rv.Transport(M, a, b, 0.05), rtol=1e-9).x)
