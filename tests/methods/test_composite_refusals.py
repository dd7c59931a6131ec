"""A composite problem and a method that does not take it: one sentence says why, and what does."""

import numpy as np
import pytest

import resolvent as rv


@pytest.mark.parametrize(
    ("method", "loss", "penalty", "why"),
    [
        (
            rv.BlockDescent(),
            "squares",
            rv.L1(0.1),
            "needs no penalty and no bounds, and LeastSquares under L1 was given",
        ),
        (rv.BlockDescent(), "squares", rv.Box(-1, 1), "and LeastSquares under Box was given; use CoordinateDescent"),
        (rv.ForestDescent(), "squares", rv.L1(0.0), "needs a Quadratic with a sparse H"),
        (rv.TwoMetric(), "squares", rv.ElasticNet(0.1, 0.1), "needs the penalty NonNegative or Box"),
        (rv.ProximalCyclic(), "intercept", rv.L1(0.1), "a mean over rows, without intercept, and LeastSquares with an"),
        (rv.CoordinateDescent(), "sigmoid", rv.L1(0.1), "needs a convex loss, .* use ProximalCyclic"),
        (rv.Anderson(), "squares", rv.L1(0.1), "offers"),
    ],
)
def test_a_method_that_does_not_fit_is_refused_in_one_sentence(method, loss, penalty, why):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((40, 20)), rng.standard_normal(40)
    losses = {"squares": rv.LeastSquares(X, y), "intercept": rv.LeastSquares(X, y, intercept=True)}
    losses["sigmoid"] = rv.SigmoidSquares(X, (y > 0).astype(float))
    with pytest.raises(ValueError, match=why) as found:
        rv.solve(rv.Composite(losses[loss], penalty), method)
    assert "\n" not in str(found.value)
