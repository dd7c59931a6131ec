"""How a solve ends: a first guess that is the answer needs no set-up, and a failure is looked into once, at the end."""

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.core import Residual, SetupError, Status, Steps
from resolvent.problems import linear

N = 40


def matrix(middle=2.5, n=N):
    side = np.ones(n - 1)
    return sp.diags_array([-side, middle * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()


class Failing:
    """A preconditioner whose set-up always fails, and counts how often it was asked."""

    def __init__(self):
        self.asked = 0

    def bind(self, problem, carry):
        self.asked += 1
        raise SetupError("no set-up today")


@pytest.mark.parametrize("how", ["rtol", "stop", "rule of two"])
def test_a_first_guess_that_meets_the_tolerance_needs_no_setup(how):
    A = matrix()
    x0 = np.linalg.solve(A.toarray(), np.ones(N))
    options = {
        "rtol": {"rtol": 1e-8},
        "stop": {"stop": Residual(1e-8)},
        "rule of two": {"stop": Residual(1e-8) | Steps(50)},
    }[how]
    good = rv.solve(rv.LinearSystem(A, np.ones(N)), rv.CG(Failing()), x0=x0, on_fail="ignore", **options)
    assert good.status == Status.RESIDUAL and good.steps == 0 and "meets the tolerance" in good.reason
    assert np.array_equal(good.x, x0) and good.seen["residual"] <= 1e-8 * np.sqrt(N)
    bad = rv.solve(rv.LinearSystem(A, np.ones(N)), rv.CG(Failing()), x0=0.5 * x0, on_fail="ignore", **options)
    assert bad.status == Status.SETUP and "no set-up today" in bad.reason


def test_zero_is_the_answer_where_the_tolerance_says_so():
    loose = rv.solve(rv.LinearSystem(matrix(), np.ones(N)), rv.CG(Failing()), atol=10.0, on_fail="ignore")
    assert loose.status == Status.RESIDUAL and not loose.x.any()
    tight = rv.solve(rv.LinearSystem(matrix(), np.ones(N)), rv.CG(Failing()), atol=0.1, on_fail="ignore")
    assert tight.status == Status.SETUP


def test_a_rule_without_a_threshold_is_not_met_by_a_first_guess():
    x0 = np.linalg.solve(matrix().toarray(), np.ones(N))
    result = rv.solve(rv.LinearSystem(matrix(), np.ones(N)), rv.CG(Failing()), x0=x0, stop=Steps(3), on_fail="ignore")
    assert result.status == Status.SETUP


@pytest.fixture
def explained(monkeypatch):
    """How often a failure was looked into."""
    calls = []
    honest = linear.explain_failure

    def counting(problem, *args):
        calls.append(args[0])
        return honest(problem, *args)

    monkeypatch.setattr(linear, "explain_failure", counting)
    return calls


def test_a_failure_is_explained_once_after_all_attempts(explained):
    A = matrix(2.0)  # the path's Laplacian but for its ends: make it singular
    A[0, 0] = A[N - 1, N - 1] = 1.0
    A = A.tocsr()
    b = np.arange(N, dtype=float)
    result = rv.Session(on_fail="ignore", rtol=1e-8).solve(rv.LinearSystem(A, b))
    assert len(explained) == 1 and result.status == Status.STAGNATED
    assert result.seen["outside_range"] == pytest.approx(abs(b.sum()) / np.sqrt(N), rel=1e-6)


def test_an_attempt_that_another_one_makes_good_is_not_explained(explained):
    A = sp.csr_array(np.diag(np.r_[np.ones(20), -np.ones(20)]) + 0.1 * np.eye(N, k=1) + 0.1 * np.eye(N, k=-1))
    session = rv.Session(rtol=1e-8, on_fail="ignore")
    session.solve(rv.LinearSystem(matrix(), np.ones(N)))
    result = session.solve(rv.LinearSystem(A, np.ones(N), positive_definite=True, symmetric=True))
    assert result.ok and session.records[-1]["retried"] and not explained


def test_the_work_of_the_explanation_is_counted(explained):
    A = sp.csr_array(np.diag(np.r_[np.zeros(1), np.ones(N - 1)]))
    result = rv.solve(rv.LinearSystem(A, np.ones(N)), "cg", on_fail="ignore")
    assert len(explained) == 1 and "outside_range" in result.seen
    assert result.work["products"] > 4


def test_every_family_explains_what_failed_for_good():
    """A fixed point whose reference is one already asks for zero, and that is said."""
    problem = rv.FixedPoint(lambda x: 0.5 * x)
    result = rv.solve(problem, rv.Picard(), x0=np.ones(3), max_steps=5, on_fail="ignore")
    assert result.status == Status.BUDGET and "give atol" in result.reason
