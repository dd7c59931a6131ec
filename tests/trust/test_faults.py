"""Threads, signals and faults: whatever is called may fail, and what is left is a status, the best iterate and a usable
session.
"""

import itertools
import os
import signal
import threading
import time
import warnings

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

import resolvent as rv


def matrix(n=80, shift=0.05):
    side = np.ones(n - 1)
    return sp.diags_array([-side, (2.0 + shift) * np.ones(n), -side], offsets=[-1, 0, 1]).tocsr()


def rhs(n=80, t=0.0):
    return np.cos(np.arange(n) + t)


def right(A, b, x, rtol):
    wide = np.longdouble
    r = b.astype(wide) - A.toarray().astype(wide) @ x.astype(wide)
    return float(np.sqrt((r**2).sum())) <= 1.0005 * rtol * np.linalg.norm(b)


SESSIONS = {
    "auto": lambda **o: rv.Session(rtol=1e-8, on_fail="ignore", **o),
    "cg": lambda **o: rv.Session("cg", learners=[rv.Guess(always=True)], rtol=1e-8, on_fail="ignore", **o),
    "factor": lambda **o: rv.Session(
        rv.CG(rv.Direct()), learners=[rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-8, on_fail="ignore", **o
    ),
    "ssor": lambda **o: rv.Session(rv.CG(rv.SSOR()), rtol=1e-8, on_fail="ignore", **o),
    "sor": lambda **o: rv.Session(rv.SOR(), learners=[rv.Guess()], rtol=1e-8, on_fail="ignore", **o),
}


def still_usable(session, A=None):
    A = matrix() if A is None else A
    for t in (0.0, 0.3):
        result = session.solve(rv.LinearSystem(A, rhs(A.shape[0], t)))
        assert result.ok and right(A, rhs(A.shape[0], t), result.x, 1e-8), result.reason


# ---- threads -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["auto", "factor", "ssor"])
def test_one_session_and_many_threads(name):
    session, wrong, done = SESSIONS[name](), [], []

    def work(seed):
        rng = np.random.default_rng(seed)
        try:
            for _ in range(12):
                n = int(rng.choice([30, 50]))
                A, b = matrix(n, rng.uniform(0.1, 0.5)), rng.standard_normal(n)
                result = session.solve(rv.LinearSystem(A, b))
                if not (result.ok and right(A, b, result.x, 1e-8)):
                    wrong.append(result)
                done.append(1)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong and len(done) == 96
    assert session.solved == session.totals["solves"] == 96
    still_usable(session)


def test_sessions_of_their_own_run_side_by_side():
    """Two sessions in two threads give, each, the bits that they give alone."""

    def run(make):
        session = make()
        return [session.solve(rv.LinearSystem(matrix(60, 0.1 + 0.01 * t), rhs(60, t))).x.tobytes() for t in range(20)]

    makers = [SESSIONS["auto"], SESSIONS["ssor"], SESSIONS["factor"], SESSIONS["cg"]]
    alone = [run(make) for make in makers]
    found = [None] * len(makers)

    def work(k):
        found[k] = run(makers[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(makers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert found == alone


def test_a_session_inside_its_own_solve():
    """A callback or an operator that uses the session it runs in: said clearly, or solved; never mixed up."""
    session = SESSIONS["cg"]()
    A, inner = matrix(), []

    def act(x):
        if not inner:
            try:
                inner.append(session.solve(rv.LinearSystem(matrix(30), rhs(30))))
            except RuntimeError as error:
                inner.append(error)
        return A @ x

    result = session.solve(rv.LinearSystem(LinearOperator(A.shape, matvec=act, dtype=float), rhs()))
    assert inner
    assert not result.ok or right(A, rhs(), result.x, 1e-8)
    if isinstance(inner[0], rv.Result) and inner[0].ok:
        assert right(matrix(30), rhs(30), inner[0].x, 1e-8)
    still_usable(session)


# ---- Ctrl-C --------------------------------------------------------------------------------------------------------


def interrupting(A, at):
    """An operator that is interrupted once."""
    calls = itertools.count(1)

    def act(x):
        if next(calls) == at:
            raise KeyboardInterrupt
        return A @ x

    return LinearOperator(A.shape, matvec=act, dtype=float)


@pytest.mark.parametrize("at", [1, 2, 5, 20])
def test_an_interrupt_inside_an_operator(at):
    session = SESSIONS["cg"]()
    A = matrix()
    for _ in range(2):  # the second with a guess, so that a learner is who asks the operator
        result = session.solve(rv.LinearSystem(interrupting(A, at), rhs()))
        assert result.status == rv.Status.INTERRUPTED and "keyboard" in result.reason
        assert np.isfinite(result.x).all()
        norm = np.linalg.norm(rhs() - A @ result.x)
        assert norm <= 1.001 * np.linalg.norm(rhs())  # never worse than zero
        assert result.seen["residual"] == pytest.approx(norm, rel=1e-6)
        still_usable(session)
    if at == 20:
        assert result.x.any() and norm < np.linalg.norm(rhs())


@pytest.mark.parametrize("name", SESSIONS)
def test_an_interrupt_inside_a_callback(name):
    stop_at = [3]

    def callback(state):
        if stop_at and state.k >= stop_at[0]:
            stop_at.clear()
            raise KeyboardInterrupt

    session = SESSIONS[name](callback=callback)
    result = session.solve(rv.LinearSystem(matrix(), rhs()))
    if stop_at:  # it took fewer steps
        assert result.ok
        return
    assert result.status == rv.Status.INTERRUPTED
    norm = np.linalg.norm(rhs() - matrix() @ result.x)
    assert result.seen["residual"] == pytest.approx(norm, rel=1e-6) and norm <= np.linalg.norm(rhs()) * 1.001
    still_usable(session)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signals")
def test_a_real_signal_in_the_middle():
    A = matrix(400, 1e-6)

    def slow(x):
        time.sleep(0.002)
        return A @ x

    session = SESSIONS["cg"]()
    kept = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        result = session.solve(rv.LinearSystem(LinearOperator(A.shape, matvec=slow, dtype=float), rhs(400)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, kept)
    assert result.status == rv.Status.INTERRUPTED and 0 <= result.steps < 400
    assert (result.steps > 0) == (result.seen["residual"] < np.linalg.norm(rhs(400)))
    still_usable(session)


# ---- what is called may fail ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("error", [ValueError("no"), ZeroDivisionError(), MemoryError("none left"), StopIteration()])
def test_a_callback_that_raises(name, error):
    armed = [True]

    def callback(state):
        if armed and state.k >= 2:
            armed.clear()
            raise error

    session = SESSIONS[name](callback=callback)
    result = session.solve(rv.LinearSystem(matrix(), rhs()))
    if not armed:
        assert result.status == rv.Status.ERROR and np.isfinite(result.x).all()
        assert "none left" in result.reason if isinstance(error, MemoryError) else type(error).__name__ in result.reason
    armed.clear()
    still_usable(session)


@pytest.mark.parametrize("name", SESSIONS)
def test_a_time_limit(name):
    def callback(state):
        time.sleep(0.002)

    A = matrix(3000, 1e-9) if name != "auto" else matrix(3000, 1e-4)
    session = SESSIONS[name](max_seconds=0.0)
    result = session.solve(rv.LinearSystem(A, rhs(3000)))
    assert result.status == rv.Status.TIME and "time" in result.reason
    session.max_seconds = None
    still_usable(session)


def test_a_memory_error_of_the_setup(monkeypatch):
    from resolvent.operators import factor

    def full(*args, **options):
        raise MemoryError("no room for the factors")

    session = SESSIONS["factor"]()
    with monkeypatch.context() as patch:
        patch.setattr(factor, "splu", full)
        result = session.solve(rv.LinearSystem(matrix(), rhs()))
        assert result.status == rv.Status.ERROR and "no room" in result.reason
    still_usable(session)


def test_a_memory_error_in_auto_falls_nowhere_silently(monkeypatch):
    from resolvent.operators import factor

    def full(*args, **options):
        raise MemoryError("no room for the factors")

    A = sp.csr_array(np.triu(np.ones((12, 12))) + 3 * np.eye(12))  # not symmetric: auto factors
    session = SESSIONS["auto"]()
    with monkeypatch.context() as patch:
        patch.setattr(factor, "splu", full)
        result = session.solve(rv.LinearSystem(A, np.ones(12)))
        assert not result.ok and result.status == rv.Status.ERROR
    assert session.solve(rv.LinearSystem(A, np.ones(12))).ok
    still_usable(session)


class Faulty:
    """An operator whose call number ``at`` goes wrong in one of the ways there are."""

    def __init__(self, A, at, fault):
        self.A, self.at, self.fault, self.calls = A, at, fault, 0
        self.shape, self.dtype = A.shape, A.dtype

    def matvec(self, x):
        self.calls += 1
        y = self.A @ x
        if self.calls != self.at:
            return y
        if self.fault == "raise":
            raise RuntimeError("out of order")
        if self.fault == "mutate":
            x[:] = 0
            return y
        answers = {
            "nan": y * np.nan,
            "shape": y[:-1],
            "none": None,
            "other": y + 1,
            "single": y.astype(np.float32),
            "huge": y * 1e300,
        }
        return answers[self.fault]


FAULTS = ("raise", "nan", "shape", "none", "other", "single", "huge", "mutate")


@pytest.mark.parametrize("fault", FAULTS)
def test_any_call_of_the_operator_may_go_wrong(fault):
    A = matrix(30, 0.5)
    session = rv.Session("cg", learners=[rv.Guess(always=True)], rtol=1e-8, on_fail="ignore")
    for at in range(1, 40):
        b = rhs(30, at)
        before = b.tobytes()
        operator = Faulty(A, at, fault)
        result = session.solve(rv.LinearSystem(operator, b))
        assert isinstance(result.status, rv.Status) and result.status != rv.Status.RUNNING
        assert not result.ok or right(A, b, result.x, 1e-8), (fault, at, result.reason)
        assert b.tobytes() == before
        if fault in ("raise", "shape", "none", "single") and operator.calls >= at:
            assert result.status == rv.Status.ERROR
    clean = session.solve(rv.LinearSystem(Faulty(A, 0, fault), rhs(30)))
    assert clean.ok


class Recipe:
    """A preconditioner whose application number ``at`` goes wrong, or whose set-up does."""

    def __init__(self, at, fault):
        self.at, self.fault = at, fault

    def bind(self, problem, carry):
        if self.fault == "bind raises":
            raise KeyError("diagonal")
        if self.fault == "bind none":
            return None
        return Bound(self.at, self.fault)


class Bound:
    def __init__(self, at, fault):
        self.at, self.fault, self.calls = at, fault, 0

    def apply(self, r):
        self.calls += 1
        z = 0.5 * r
        if self.calls != self.at:
            return z
        if self.fault == "raise":
            raise ArithmeticError("out of order")
        if self.fault == "mutate":
            r[:] = np.nan
            return z
        return {"nan": z * np.nan, "shape": z[:-1], "none": None, "other": z[::-1].copy(), "huge": z * 1e300}[
            self.fault
        ]


@pytest.mark.parametrize(
    "fault", ["bind raises", "bind none", "raise", "nan", "shape", "none", "other", "huge", "mutate"]
)
def test_any_call_of_the_preconditioner_may_go_wrong(fault):
    A, b = matrix(30, 0.5), rhs(30)
    before = A.data.tobytes(), b.tobytes()
    for at in range(1, 25):
        for given in (A, LinearOperator(A.shape, matvec=lambda x: A @ x, dtype=float)):
            result = rv.solve(rv.LinearSystem(given, b), rv.CG(Recipe(at, fault)), rtol=1e-8, on_fail="ignore")
            assert not result.ok or right(A, b, result.x, 1e-8)
            if fault.startswith("bind"):
                assert result.status == rv.Status.SETUP
            if fault == "mutate":
                assert result.ok
    assert (A.data.tobytes(), b.tobytes()) == before


def test_a_learner_of_ones_own_cannot_break_the_promise():
    """Advice is only advice: a guess of rubbish, a carry of rubbish."""

    class Rubbish(rv.core.Learner):
        owns = frozenset({"x0"})

        def __init__(self, fill):
            self.fill = fill

        def propose(self, problem, advice):
            advice.x0 = np.full(problem.n, self.fill)
            advice.carry["residual"] = np.zeros(problem.n)
            return advice

    for fill in (0.0, 1.0, 1e30, np.nan, np.inf, 1e300):
        for method in ("cg", "direct", "sor", rv.CG(rv.SSOR()), rv.CG(rv.IC())):
            session = rv.Session(method, learners=[Rubbish(fill)], rtol=1e-8, on_fail="ignore")
            result = session.solve(rv.LinearSystem(matrix(40, 0.5), rhs(40)))
            assert not result.ok or right(matrix(40, 0.5), rhs(40), result.x, 1e-8), (fill, method)


def test_a_warning_is_one_warning_and_names_the_caller():
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        rv.solve(rv.LinearSystem(matrix(), rhs()), "jacobi", max_steps=2)
    assert [w.category for w in seen] == [rv.ConvergenceWarning] and seen[0].filename == __file__


def test_errors_of_numpy_turned_into_exceptions_change_nothing():
    """``np.seterr(all="raise")`` is the user's own affair."""
    rng = np.random.default_rng(0)
    for make in (*SESSIONS.values(), lambda: rv.Session("direct", rtol=1e-8, on_fail="ignore")):
        for scale in (1.0, 1e-300, 1e300, 1e-310):
            with np.errstate(all="raise"):
                result = make().solve(rv.LinearSystem(matrix(20, 1.0), scale * np.ones(20)))
            assert result.ok or scale == 1e-310
    A = LinearOperator((20, 20), matvec=lambda x: matrix(20, 1.0) @ x, dtype=float)
    with np.errstate(all="raise"):
        assert rv.solve(rv.LinearSystem(A, 1e-300 * rng.standard_normal(20)), "cg", rtol=1e-8).ok


@pytest.mark.full
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_session_survives_a_fork():
    session = SESSIONS["auto"]()
    still_usable(session)
    child = os.fork()
    if child == 0:
        try:
            still_usable(session)
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    still_usable(session)
