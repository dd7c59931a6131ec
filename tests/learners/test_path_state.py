"""A path learner on disk: it goes on bit for bit, and what a stranger wrote is vetted."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv


def data(n, p):
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, p))
    w = np.zeros(p)
    w[: p // 8] = 1.0
    return X, X @ w + 0.3 * rng.standard_normal(n)


@pytest.mark.parametrize("kind", ["wide", "tall", "sparse", "intercept", "logistic"])
def test_a_path_that_was_saved_and_loaded_goes_on_bit_for_bit(kind, tmp_path):
    """The uninterrupted path beside one whose session and loss were made anew in the middle of it."""

    def loss():
        X, y = data(90, 40) if kind == "tall" else data(60, 300)
        X = sp.csc_array(X * (np.abs(X) > 1.2)) if kind == "sparse" else X
        if kind == "logistic":
            return rv.Logistic(X, np.where(y > 0, 1.0, -1.0))
        return rv.LeastSquares(X, y, intercept=kind == "intercept")

    def path(session, loss, steps):
        return [session.solve(rv.Composite(loss, rv.L1(0.5 * 0.85**k))) for k in steps]

    def new():
        return rv.Session(rv.CoordinateDescent(), [rv.Path(always=True)], rtol=1e-9)

    whole, session = path(new(), loss(), range(14)), new()
    broken = path(session, loss(), range(7))
    session.save(tmp_path / "s.rv")
    broken += path(rv.Session.load(tmp_path / "s.rv"), loss(), range(7, 14))
    assert all(r.ok for r in whole) and whole[-1].x.any() and whole[-1].advice.x0 is not None
    assert [r.steps for r in whole] == [r.steps for r in broken]
    assert [r.x.tobytes() for r in whole] == [r.x.tobytes() for r in broken]
    assert whole[7].cost.running == broken[7].cost.running


def test_what_was_kept_of_another_loss_is_not_taken_from_a_file(tmp_path):
    session, (X, y) = rv.Session(rv.CoordinateDescent(), [rv.Path(always=True)], rtol=1e-9), data(60, 300)
    for k in range(4):
        session.solve(rv.Composite(rv.LeastSquares(X, y), rv.L1(0.5 * 0.9**k)))
    session.save(tmp_path / "s.rv")
    other = rv.Composite(rv.LeastSquares(X[::-1].copy(), y), rv.L1(0.3))
    assert rv.Session.load(tmp_path / "s.rv").solve(other).ok
    kept = rv.Session.load(tmp_path / "s.rv").learners[0]
    assert not kept._slopes.of(other.loss) and not kept._factor.of(other.loss.design, kept._factor.key)
    assert kept._slopes.of(rv.LeastSquares(X.copy(), y)) and kept._factor.of(
        rv.LeastSquares(X, -y).design, kept._factor.key
    )


def saved_parts():
    learner, (X, y) = rv.Path(always=True), data(60, 300)
    session = rv.Session(rv.CoordinateDescent(), [learner], rtol=1e-9)
    for k in range(6):
        session.solve(rv.Composite(rv.LeastSquares(X, y), rv.L1(0.5 * 0.8**k)))
    return learner.state_dict()


@pytest.mark.parametrize(
    ("part", "spoil"),
    [("slopes", {"values": np.array([np.inf])}), ("slopes", {"values": 3}), ("slopes", {"mark": "short"})]
    + [("factor", {"A": np.array([1, 1])}), ("factor", {"A": np.array([-1])}), ("factor", {"L": np.eye(700)})]
    + [
        ("factor", {"key": [0, 1, 0.0, False, 300]}),
        ("factor", {"key": None}),
        ("factor", {"sums": np.array([np.nan])}),
    ],
)
def test_slopes_and_a_factor_from_a_stranger_are_vetted(part, spoil):
    state = saved_parts()
    assert len(state["factor"]["A"]) > 2
    rv.Path().load_state_dict(state)
    with pytest.raises(ValueError, match=r"slopes|factor|SHA"):
        rv.Path().load_state_dict(state | {part: state[part] | spoil})
    with pytest.raises(ValueError, match="path learner"):
        rv.Path().load_state_dict(state | {part: 3})


def test_a_factor_that_is_no_factor_of_a_stranger_is_refused_or_harmless():
    state = saved_parts()
    k = len(state["factor"]["A"])
    for L in (np.zeros((k, k)), np.ones((k, k)), -np.eye(k)):
        with pytest.raises(ValueError, match="triangular"):
            rv.Path().load_state_dict(state | {"factor": state["factor"] | {"L": L}})
    learner, (X, y) = rv.Path(always=True), data(60, 300)
    session = rv.Session(rv.CoordinateDescent(), [learner], rtol=1e-9)
    problem = rv.Composite(rv.LeastSquares(X, y), rv.L1(0.5 * 0.8**6))
    session.solve(problem)
    for lie in ({"L": np.eye(k)}, {"A": np.arange(300 - k, 300)}, {"A": np.arange(300 - k, 300) + 1}):
        learner.load_state_dict(state | {"epoch": learner._epoch, "factor": state["factor"] | lie})
        assert session.solve(problem).ok


@pytest.mark.parametrize(
    "spoil",
    [{"x": np.array([np.nan])}, {"x": "no"}, {"book": [1.0]}, {"book": [np.nan] * 6}, {"epoch": 1.5}, {"used": -1}]
    + [{"at": np.nan}, {"before_at": "no"}, {"before": np.ones(3)}, {"x": np.ones(2), "before": np.ones(3)}],
)
def test_a_state_from_a_stranger_is_vetted(spoil):
    state = rv.Path().state_dict() | {"epoch": 1} | spoil
    with pytest.raises(ValueError, match="path learner"):
        rv.Path().load_state_dict(state)


def test_a_factor_that_overflow_has_spoilt_is_saved_as_none_at_all():
    learner, (X, y) = rv.Path(always=True), data(60, 300)
    session = rv.Session(rv.CoordinateDescent(), [learner], rtol=1e-9)
    for k in range(6):
        session.solve(rv.Composite(rv.LeastSquares(X, y), rv.L1(0.5 * 0.8**k)))
    learner._factor.arrays[1][0, 0] = np.inf
    state = learner.state_dict()
    assert len(state["factor"]["A"]) == 0
    learner.load_state_dict(state)
    assert session.solve(rv.Composite(rv.LeastSquares(X, y), rv.L1(0.1))).ok
