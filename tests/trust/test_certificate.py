"""What a result says of itself: the certificate is the measure of this x, in plain JSON, for every way of ending."""

import json
import math

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.core import Cost, Result, Status


def system(n=30):
    side = np.ones(n - 1)
    A = sp.diags_array([-side, 2.5 * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()
    return rv.LinearSystem(A, np.arange(1.0, n + 1.0))


def true_residual(problem, x):
    return float(np.linalg.norm(problem.b.astype(np.longdouble) - problem.A.toarray().astype(np.longdouble) @ x))


@pytest.mark.parametrize("method", ["cg", "direct", "sor", "auto", "minres", "gmres"])
@pytest.mark.parametrize("rtol", [1e-3, 1e-10])
def test_a_certificate_tells_the_residual_of_this_x(method, rtol):
    problem = system()
    result = rv.solve(problem, method, rtol=rtol)
    certificate = result.certificate()
    assert certificate == json.loads(json.dumps(certificate))
    assert certificate["status"] == "RESIDUAL" and certificate["answered"] is True
    assert certificate["measure"]["residual"] == pytest.approx(true_residual(problem, result.x), rel=1e-3, abs=1e-13)
    assert certificate["measure"]["residual"] <= certificate["tolerance"]
    assert certificate["tolerance"] == pytest.approx(rtol * np.linalg.norm(problem.b), rel=1e-14)
    assert certificate["steps"] == result.steps and certificate["reason"] == result.reason
    assert certificate["kind"] == "residual of A x = b, 2-norm" and len(certificate["strength"]) > 20
    assert certificate["scale"] == pytest.approx(np.linalg.norm(problem.b), rel=1e-14)


def test_a_failure_has_a_certificate_too():
    problem = system()
    result = rv.solve(problem, "jacobi", max_steps=2, rtol=1e-12, on_fail="ignore")
    certificate = result.certificate()
    assert certificate["status"] == "BUDGET" and certificate["answered"] is False
    assert certificate["measure"]["residual"] > certificate["tolerance"]
    assert certificate["measure"]["residual"] == pytest.approx(true_residual(problem, result.x), rel=1e-10)


def test_several_columns_leave_out_what_is_no_number():
    problem = rv.LinearSystem(system().A, np.eye(30)[:, :3])
    result = rv.solve(problem, "cg", rtol=1e-8)
    assert result.seen["residuals"].shape == (3,)
    assert "residuals" not in result.certificate()["measure"]
    assert result.certificate()["measure"]["residual"] == max(result.seen["residuals"])


def test_without_a_threshold_there_is_no_tolerance():
    from resolvent.core import Steps

    result = rv.solve(system(), "cg", stop=Steps(2), on_fail="ignore")
    assert result.certificate()["tolerance"] is None and not result.ok
    assert result.reason == "BUDGET: the iterations allowed were used up."


def test_what_is_answered():
    for status in Status:
        result = Result(status=status)
        assert result.ok == (status > 0)
        assert result.answered == (status > 0 or status is Status.INFEASIBLE)
        assert result.certificate()["answered"] is result.answered
    bare = Result(status=Status.STAGNATED).certificate()
    assert bare["measure"] == {} and bare["tolerance"] is None and bare["steps"] == 0
    assert bare["kind"] == "recomputed" and bare["strength"].startswith("the measure was recomputed from x")


def test_the_reason_has_the_figures():
    good = Result(status=Status.RESIDUAL, steps=7, seen={"residual": 1.25e-9}, threshold=2e-9)
    assert (
        good.reason
        == "residual 1.25e-09 meets the tolerance 2e-09 after 7 steps, recomputed from the problem's own data."
    )
    bad = Result(status=Status.DIVERGED, steps=7, seen={"residual": 3.0}, threshold=2e-9)
    assert bad.reason == "DIVERGED: the residual grew without bound (measured residual 3, asked 2e-09, 7 steps)."
    told = Result(status=Status.ERROR, why="no luck.", seen={"residual": 3.0})
    assert told.reason == "ERROR: no luck."
    with pytest.raises(rv.NotConverged, match="no luck") as caught:
        told.raise_if_failed()
    assert caught.value.result is told and good.raise_if_failed() is good
    assert Result().reason == "RUNNING: running."


def test_history_is_rows_of_steps_and_residuals_in_the_users_unit():
    result = Result(history=[(0, 8.0), (1, np.array([4.0, 2.0])), (3, 1.0)])
    assert result.start == 8.0
    result.exponent = -1
    rows = [[0, 4.0], [1, 2.0], [2, 1.0], [3, 0.5]]
    assert np.array_equal(result.history, rows) and np.array_equal(result.history, rows)
    assert result.start == 4.0
    assert Result(history=[(0, 8.0)]).history.tolist() == [[0.0, 8.0]]
    empty = Result(history=[])
    assert math.isnan(empty.start) and empty.history.shape == (0, 2) and math.isnan(empty.start)


def test_what_a_result_is_when_nothing_is_said():
    one, two = Result(), Result()
    assert one.seen == one.work == one.carry == one.digest == {} and one.seen is not two.seen
    assert one.cost == Cost() and one.index is None and one.capped is False and one.seconds == 0.0
    assert (
        repr(Result(status=Status.BUDGET, steps=3, seen={"residual": 0.5})) == "Result(BUDGET, steps=3, residual=0.5)"
    )
    assert repr(one) == "Result(RUNNING, steps=0, residual=nan)"


def test_a_certificate_that_is_no_json_is_an_error_and_not_a_surprise_later():
    result = Result()
    result.digest = {"words": "plain"}
    assert result.certificate()["words"] == "plain"
    result.digest = {"words": object()}
    with pytest.raises(TypeError, match="JSON"):
        result.certificate()
