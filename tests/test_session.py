"""The Session: what is carried changes the cost of an answer, never its truth; and it can be put away and taken up."""

import re
import threading

import numpy as np
import pytest
import scipy.sparse as sp

import resolvent as rv
from resolvent.core import Learner, Residual, Steps

N = 14


def matrix(t=0.0, n=N):
    """Diffusion on an n x n grid whose coefficient drifts with t."""
    at = np.linspace(0.0, 1.0, n + 1)
    k = np.exp(np.sin(6.0 * at[:, None] + t) * np.cos(5.0 * at[None, :] - 0.5 * t))
    east, north = k[:, :n], k[:n, :]
    index = np.arange(n * n).reshape(n, n)
    d = (east[:-1] + east[1:] + north[:, :-1] + north[:, 1:]).ravel()
    rows, cols, vals = [index.ravel()], [index.ravel()], [d]
    for a, b, w in ((index[:-1], index[1:], east[1:-1]), (index[:, :-1], index[:, 1:], north[:, 1:-1])):
        rows += [a.ravel(), b.ravel()]
        cols += [b.ravel(), a.ravel()]
        vals += [-w.ravel(), -w.ravel()]
    triplets = (np.concatenate(vals), (np.concatenate(rows), np.concatenate(cols)))
    return sp.csr_array(sp.coo_array(triplets, shape=(n * n, n * n)))


def drifting(count=12, step=0.05, n=N):
    return [
        rv.LinearSystem(matrix(step * i, n), np.ones(n * n) + 0.1 * np.sin(np.arange(n * n) + i)) for i in range(count)
    ]


def wind(problem, strength=0.5):
    """The problem with convection added: not symmetric."""
    return rv.LinearSystem(problem.A + strength * sp.diags_array(np.ones(problem.n - 1), offsets=1), problem.b)


def is_true(problem, result, rtol):
    r = np.linalg.norm(problem.b - problem.A @ result.x)
    return result.ok and r <= rtol * np.linalg.norm(problem.b) * 1.0001


SESSIONS = {
    "auto": lambda: rv.Session(rtol=1e-8),
    "cg": lambda: rv.Session("cg", rtol=1e-8),
    "cg+kept factor+guess": lambda: rv.Session(
        rv.CG(rv.Direct()), [rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-8
    ),
    "cg+kept ic": lambda: rv.Session(rv.CG(rv.IC()), [rv.Lifetime("preconditioner")], rtol=1e-8),
    "direct+kept factor": lambda: rv.Session("direct", [rv.Lifetime("factor")], rtol=1e-8),
    "bandit": lambda: rv.Session(
        rv.CG(rv.SSOR()),
        [rv.Bandit("preconditioner.omega", 1.0, 1.95), rv.Lifetime("preconditioner"), rv.Guess()],
        rtol=1e-8,
        seed=5,
    ),
    "sor bandit": lambda: rv.Session("sor", [rv.Bandit("omega", 1.0, 1.95)], rtol=1e-6, seed=5),
}
SEQUENCES = {
    "drift": drifting,
    "same": lambda: [rv.LinearSystem(matrix(), np.cos(np.arange(N * N) * (1 + i))) for i in range(12)],
    "jumps": lambda: [rv.LinearSystem(matrix(3.0 * (i // 4)), np.ones(N * N)) for i in range(12)],
    "sizes": lambda: [p for i in range(4) for p in drifting(2, n=N - 3 * (i % 2))] + drifting(4),
    "kinds": lambda: [p if i % 3 else wind(p) for i, p in enumerate(drifting(12))],
}
FITTING = [
    (s, q) for s in SESSIONS for q in SEQUENCES if q != "kinds" or s in ("auto", "direct+kept factor", "sor bandit")
]


def without_seconds(text):
    """Seconds are not saved: the same solves give the same bytes."""
    return re.sub(r"[0-9.e-]+ s,", "", text)


@pytest.mark.parametrize(("name", "sequence"), FITTING)
def test_every_answer_is_true(name, sequence):
    session = SESSIONS[name]()
    problems = SEQUENCES[sequence]()
    for i, problem in enumerate(problems):
        result = session.solve(problem)
        assert is_true(problem, result, session.rtol), (i, result.reason)
        assert result.index == i
    assert session.solved == len(problems) == session.totals["solves"] == session.totals["ok"]
    assert f"{len(problems)} solves, {len(problems)} certified" in session.summary()


@pytest.mark.parametrize("name", SESSIONS)
@pytest.mark.parametrize("sequence", ["drift", "same", "jumps"])
def test_saved_and_loaded_it_goes_on_bit_for_bit(name, sequence, tmp_path):
    problems = SEQUENCES[sequence]()
    for cut in (1, 6):
        whole, half = SESSIONS[name](), SESSIONS[name]()
        expected = [whole.solve(p) for p in problems]
        for problem in problems[:cut]:
            half.solve(problem)
        half.save(tmp_path / "s.rv")
        loaded = rv.Session.load(tmp_path / "s.rv")
        assert loaded.solved == cut and without_seconds(loaded.summary()) == without_seconds(half.summary())
        for problem, wanted in zip(problems[cut:], expected[cut:], strict=True):
            result = loaded.solve(problem)
            assert result.x.tobytes() == wanted.x.tobytes() and result.steps == wanted.steps
            assert repr(result.method) == repr(wanted.method)


def test_the_same_session_twice_gives_the_same_bits():
    for make in SESSIONS.values():
        one, two = ([make_.solve(p).x.tobytes() for p in drifting()] for make_ in (make(), make()))
        assert one == two


@pytest.mark.parametrize("kind", ["sa", "rs"])
def test_a_kept_or_refreshed_hierarchy_goes_on_bit_for_bit(kind, tmp_path):
    pytest.importorskip("pyamg", reason="needs pyamg: pip install 'resolvent[amg]'")
    problems = drifting(8, n=24)
    whole, half = (rv.Session(rv.CG(rv.AMG(kind)), [rv.Lifetime("preconditioner")], rtol=1e-8) for _ in range(2))
    expected = [whole.solve(p) for p in problems]
    assert all(is_true(p, r, 1e-8) for p, r in zip(problems, expected, strict=True))
    for problem in problems[:4]:
        half.solve(problem)
    half.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    assert [loaded.solve(p).x.tobytes() for p in problems[4:]] == [r.x.tobytes() for r in expected[4:]]


@pytest.mark.parametrize("sequence", ["drift", "kinds"])
def test_a_dense_session_can_be_put_away(sequence, tmp_path):
    problems = [rv.LinearSystem(p.A.toarray(), p.b) for p in SEQUENCES[sequence]()[:4]]
    for session in (rv.Session(rtol=1e-8), rv.Session("direct", [rv.Lifetime("factor")], rtol=1e-8)):
        for problem in problems[:2]:
            session.solve(problem)
        session.save(tmp_path / "s.rv")
        loaded = rv.Session.load(tmp_path / "s.rv")
        for problem in problems[2:]:
            assert loaded.solve(problem).x.tobytes() == session.solve(problem).x.tobytes()


# ---- the face -------------------------------------------------------------------------------------


def test_called_it_returns_x_or_raises():
    solve = rv.Session("cg", rtol=1e-10)
    A, b = matrix(), np.ones(N * N)
    assert np.linalg.norm(b - A @ solve(A, b)) <= 1e-10 * np.linalg.norm(b)
    with pytest.raises(rv.NotConverged, match="BUDGET") as caught:
        rv.Session("cg", max_steps=2)(A, b)
    assert caught.value.result.steps == 2 and caught.value.result.x is not None
    assert solve.solved == 1


@pytest.mark.parametrize("face", [rv.solve, lambda p, **o: rv.Session("cg", **o).solve(p)])
def test_failure_is_warned_raised_or_only_said(face):
    problem = drifting(1)[0]
    options = {"max_steps": 2} if face is not rv.solve else {"max_steps": 2, "method": "cg"}
    with pytest.warns(rv.ConvergenceWarning, match="BUDGET"):
        assert not face(problem, **options).ok
    with pytest.raises(rv.NotConverged):
        face(problem, on_fail="raise", **options)
    assert not face(problem, on_fail="ignore", **options).ok


def test_solve_all_keeps_the_order_given():
    problems = drifting(9)
    shuffled = [problems[i] for i in (0, 5, 1, 6, 2, 7, 3, 8, 4)]
    for order in ("given", "similar"):
        results = list(rv.Session(rtol=1e-8).solve_all(shuffled, order=order))
        assert [r.index for r in results] == list(range(9))
        assert all(is_true(p, r, 1e-8) for p, r in zip(shuffled, results, strict=True))
    chunks = list(rv.Session("cg", rtol=1e-8).solve_all(iter(shuffled), order="similar", chunk=4))
    assert [r.index for r in chunks] == list(range(9))
    assert all(is_true(p, r, 1e-8) for p, r in zip(shuffled, chunks, strict=True))


def test_similar_order_goes_by_context():
    seen = []
    system = rv.LinearSystem(matrix(), np.ones(N * N))

    class Spy(Learner):
        def propose(self, problem, advice):
            seen.append(float(problem.context))
            return advice

    problems = [rv.LinearSystem(system.A, system.b, context=c) for c in (0.0, 3.0, 1.0, 2.0)]
    list(rv.Session("cg", [Spy()]).solve_all(problems, order="similar"))
    assert seen == [0.0, 1.0, 2.0, 3.0]


def test_a_coupled_sequence_is_fed_and_not_reordered():
    class Coupled:
        coupled = True

        def __init__(self):
            self.fed = []

        def __iter__(self):
            for i in range(4):
                assert len(self.fed) == i
                yield rv.LinearSystem(matrix(), np.ones(N * N) if not i else self.fed[-1])

        def feed(self, i, x):
            assert i == len(self.fed)
            self.fed.append(x)

    problems = Coupled()
    assert len(list(rv.Session("cg").solve_all(problems))) == 4 == len(problems.fed)
    with pytest.raises(ValueError, match="depends on the one before"):
        next(rv.Session("cg").solve_all(Coupled(), order="similar"))
    with pytest.raises(ValueError, match="order="):
        next(rv.Session("cg").solve_all([], order="best"))


def test_an_interrupted_solve_ends_the_sequence():
    def press(state):
        raise KeyboardInterrupt

    session = rv.Session("cg", callback=press, on_fail="ignore")
    assert session.solve(drifting(1)[0]).status == rv.Status.INTERRUPTED
    results = []
    with pytest.raises(KeyboardInterrupt):
        results.extend(session.solve_all(drifting(5)))
    assert len(results) <= 1


def test_callbacks_see_every_iteration_and_may_stop():
    seen = []
    result = rv.solve(drifting(1)[0], rv.CG(rv.SSOR()), callback=lambda state: seen.append(state.k), rtol=1e-8)
    assert seen == list(range(1, result.steps + 1))
    stopped = rv.solve(drifting(1)[0], "cg", callback=lambda state: state.k >= 3, on_fail="ignore")
    assert stopped.status == rv.Status.USER and stopped.steps == 3

    def broken(state):
        raise OSError("disk full")

    failed = rv.solve(drifting(1)[0], "cg", callback=broken, on_fail="ignore")
    assert failed.status == rv.Status.ERROR and "OSError: disk full" in failed.reason and failed.x is not None


@pytest.mark.parametrize(
    "options",
    [
        {"rtol": -1.0},
        {"rtol": np.nan},
        {"rtol": "small"},
        {"atol": np.inf},
        {"max_steps": 2.5},
        {"max_steps": -1},
        {"max_seconds": -1},
        {"on_fail": "shout"},
        {"cost": "euros"},
        {"method": "nosuch"},
        {"method": 3},
        {"learners": [rv.Guess(), rv.Guess()]},
        {"learners": [rv.Lifetime("factor"), rv.Lifetime("factor")]},
    ],
    ids=str,
)
def test_options_are_checked_before_any_work(options):
    with pytest.raises((ValueError, TypeError)) as caught:
        rv.Session(**options)
    assert str(caught.value).count("\n") == 0 and len(str(caught.value)) > 20


def test_two_owners_are_refused_by_name():
    with pytest.raises(ValueError, match="Guess and Guess both own 'x0'"):
        rv.Session("cg", [rv.Guess(), rv.Guess()])
    with pytest.raises(ValueError, match="own 'omega'"):
        rv.Session("sor", [rv.Bandit("omega", 1.0, 1.9), rv.Bandit("omega", 1.2, 1.5)])


# ---- promise 2: the cost, never the tolerance -----------------------------------------------------


def total(session, problems, count="steps"):
    results = [session.solve(p) for p in problems]
    assert all(is_true(p, r, session.rtol) for p, r in zip(problems, results, strict=True))
    return sum(r.steps if count == "steps" else r.work.get(count, 0) for r in results), results


def test_a_guess_saves_steps():
    problems = [rv.LinearSystem(matrix(1e-3 * i), np.ones(N * N)) for i in range(12)]
    cold, plain = total(rv.Session("cg", rtol=1e-8), problems)
    warm, guessed = total(rv.Session("cg", [rv.Guess(always=True)], rtol=1e-8), problems)
    assert warm < 0.7 * cold
    assert [r.threshold for r in plain] == [r.threshold for r in guessed]


def test_a_kept_factor_saves_factorizations():
    method, problems = rv.CG(rv.Direct()), drifting(8, step=1e-3, n=40)
    cold, plain = total(rv.Session(method, rtol=1e-8), problems, "factorizations")
    kept, results = total(rv.Session(method, [rv.Lifetime("preconditioner")], rtol=1e-8), problems, "factorizations")
    assert cold == 8 and kept <= 2
    assert [r.threshold for r in plain] == [r.threshold for r in results]


def test_a_parameter_in_the_advice_is_the_one_in_force():
    class Fixed(Learner):
        owns = frozenset({"omega"})

        def __init__(self, value):
            self.value = value

        def propose(self, problem, advice):
            advice.params["omega"] = self.value
            return advice

    slow, _ = total(rv.Session("sor", [Fixed(1.0)], rtol=1e-6), drifting(2))
    fast, results = total(rv.Session("sor", [Fixed(1.7)], rtol=1e-6), drifting(2))
    assert fast < 0.5 * slow and results[0].method == rv.SOR(1.7)
    with pytest.raises(ValueError, match="no parameter 'omega'"):
        rv.Session("cg", [Fixed(1.7)]).solve(drifting(1)[0])


class Vandal(Learner):
    """Proposes the worst: a guess full of noise, another matrix's factor, a cap of nothing."""

    owns = frozenset({"x0", "preconditioner"})

    def propose(self, problem, advice):
        advice.x0 = 1e6 * np.cos(np.arange(problem.n))
        foreign = rv.LinearSystem(sp.csr_array(np.diag(10.0 ** (np.arange(problem.n) % 7))), problem.b)
        advice.carry["preconditioner"] = rv.Direct().bind(foreign, {})
        advice.cap = 1.0
        return advice


def test_the_worst_advice_costs_work_and_changes_no_answer():
    session = rv.Session(rv.CG(rv.Direct()), [Vandal()], rtol=1e-8, on_fail="ignore")
    for problem in drifting(3):
        result = session.solve(problem)
        assert result.seen["residual"] == pytest.approx(np.linalg.norm(problem.b - problem.A @ result.x), rel=1e-6)
        assert result.ok == (result.seen["residual"] <= result.threshold)
        assert result.threshold == pytest.approx(1e-8 * np.linalg.norm(problem.b))


def test_a_cap_continues_the_same_solve():
    class Capped(Learner):
        owns = frozenset({"preconditioner.omega"})

        def propose(self, problem, advice):
            advice.cap = 10.0
            return advice

    problem = drifting(1)[0]
    plain = rv.Session("cg", rtol=1e-8).solve(problem)
    session = rv.Session("cg", [Capped()], rtol=1e-8)
    result = session.solve(problem)
    assert is_true(problem, result, 1e-8) and result.steps >= plain.steps
    assert session.records[-1]["retried"] and result.cost.total > 10.0


def test_learners_see_what_was_in_force():
    seen = []

    class Spy(Learner):
        def observe(self, problem, advice, result):
            seen.append((advice.x0 is not None, result.status, problem.work.total().get("products", 0)))

    session = rv.Session("cg", [rv.Guess(always=True), Spy()], rtol=1e-8)
    for problem in drifting(3):
        session.solve(problem)
    assert [used for used, _, _ in seen] == [False, True, True]
    assert all(status > 0 for _, status, _ in seen)
    assert seen[1][2] > seen[0][2]  # the guess's own products count


# ---- what is kept ---------------------------------------------------------------------------------


def test_in_place_assembly_is_noticed():
    session = SESSIONS["cg+kept factor+guess"]()
    A, b = matrix(), np.ones(N * N)
    for t in range(6):
        A.data[:] = matrix(0.4 * t).data
        result = session.solve(rv.LinearSystem(A, b))
        assert np.linalg.norm(b - A @ result.x) <= 1e-8 * np.linalg.norm(b)
    assert {record["change"] for record in list(session.records)[1:]} == {"VALUES"}


def test_what_changed_is_found():
    session = rv.Session("cg", rtol=1e-8)
    A, b = matrix(), np.ones(N * N)
    other = A - 0.01 * sp.diags_array([np.ones(N * N - 5)] * 2, offsets=[-5, 5])
    for problem in (A, A.copy(), 2 * A, other):
        session.solve(rv.LinearSystem(problem, b))
    session.solve(rv.LinearSystem(matrix(n=5), np.ones(25)))
    session.solve(rv.LinearSystem(matrix(n=5).astype(complex), np.ones(25, complex)))
    assert [r["change"] for r in session.records] == ["SHAPE", "SAME", "VALUES", "PATTERN", "SHAPE", "SHAPE"]


def test_memory_is_bounded():
    import pickle

    session = rv.Session(rv.CG(rv.Direct()), [rv.Lifetime("preconditioner"), rv.Guess()], rtol=1e-6)
    small = [rv.LinearSystem(matrix(0.01 * i, 4), np.ones(16)) for i in range(20)]
    sizes = []
    for i in range(400):
        session.solve(small[i % 20])
        if i in (299, 399):
            sizes.append(len(pickle.dumps(session.state_dict())))
    assert session.solved == 400 and len(session.records) == 256
    assert session.records[-1]["index"] == 399 and session.totals["solves"] == 400
    assert sizes[1] <= 1.2 * sizes[0]


def test_results_hold_no_factors():
    session = SESSIONS["cg+kept factor+guess"]()
    results = [session.solve(p) for p in drifting(4)]
    for result in results[:-1]:
        assert not result.carry
        assert all(isinstance(kept, str) for kept in result.advice.carry.values())


def test_many_threads_share_one_session():
    problems = drifting(24)
    session = rv.Session(rtol=1e-8)
    results, errors = {}, []

    def work(mine):
        try:
            for i in mine:
                results[i] = session.solve(problems[i])
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(range(k, 24, 4),)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors and session.solved == 24
    assert sorted(r.index for r in results.values()) == list(range(24))
    assert all(is_true(problems[i], r, 1e-8) for i, r in results.items())


def test_many_sessions_in_many_threads_do_not_mix():
    problems = drifting(6)
    alone = [rv.solve(p, rv.CG(rv.SSOR(1.5)), rtol=1e-8).x.tobytes() for p in problems]
    found = {}

    def work(k):
        session = rv.Session(rv.CG(rv.SSOR(1.5)), rtol=1e-8)
        found[k] = [session.solve(p).x.tobytes() for p in problems]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found[k] == alone for k in range(4))


# ---- shapes and sizes -----------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["auto", "cg", "direct", "sor"])
def test_several_right_hand_sides(method):
    B = np.column_stack([np.ones(N * N), np.arange(N * N, dtype=float), np.zeros(N * N)])
    problem = rv.LinearSystem(matrix(), B)
    session = rv.Session(method, rtol=1e-8)
    result = session.solve(problem)
    R = np.linalg.norm(B - problem.A @ result.x, axis=0)
    assert result.ok and result.x.shape == B.shape and not result.x[:, 2].any()
    assert np.all(1e-8 * np.linalg.norm(B, axis=0) * 1.0001 >= R)
    assert result.seen["residuals"] == pytest.approx(R, abs=1e-10) and result.seen["residual"] == max(
        result.seen["residuals"]
    )
    guessed = session.solve(problem, x0=result.x)
    assert guessed.ok and guessed.steps == 0
    with pytest.raises(ValueError, match="shape of b"):
        session.solve(problem, x0=np.ones(N * N))


def test_one_bad_column_is_not_hidden():
    B = np.column_stack([np.ones(N * N), np.full(N * N, np.nan)])
    result = rv.solve(rv.LinearSystem(matrix(), B), "cg", on_fail="ignore")
    assert result.status == rv.Status.NONFINITE and np.isfinite(result.x[:, 0]).all()


def free(n=30):
    """The Laplacian of a path: constants are its null space."""
    d = np.r_[1.0, np.full(n - 2, 2.0), 1.0]
    return sp.csr_array(sp.diags_array([-np.ones(n - 1), d, -np.ones(n - 1)], offsets=[-1, 0, 1]))


@pytest.mark.parametrize("method", ["cg", rv.CG(rv.SSOR(1.2)), rv.CG(rv.Jacobi())], ids=str)
def test_a_null_space_is_projected_out(method):
    A, ones = free(), np.ones(30)
    b = np.sin(np.arange(30.0))
    consistent = b - b.mean()
    result = rv.solve(rv.LinearSystem(A, consistent, nullspace=ones), method, rtol=1e-8)
    assert result.ok and abs(result.x.sum()) <= 1e-8 * np.linalg.norm(result.x)
    assert np.linalg.norm(consistent - A @ result.x) <= 1e-8 * np.linalg.norm(consistent) * 1.001


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
@pytest.mark.parametrize("method", ["auto", "cg", "direct", "ssor"])
def test_extreme_right_hand_sides_are_ordinary(size, method):
    A, b = matrix(), np.cos(np.arange(N * N))
    plain = rv.solve(rv.LinearSystem(A, b), method, rtol=1e-8)
    scale = 2.0 ** round(np.log2(size))
    result = rv.solve(rv.LinearSystem(A, b * scale), method, rtol=1e-8)
    assert result.ok and result.steps == plain.steps
    assert np.allclose(result.x / scale, plain.x, rtol=1e-12, atol=0)
    assert result.seen["residual"] <= result.threshold == pytest.approx(1e-8 * np.linalg.norm(b) * scale)


def test_absolute_tolerance_is_in_the_users_unit():
    A, b = matrix(), np.ones(N * N)
    for scale in (1.0, 1e-100, 1e100):
        result = rv.solve(rv.LinearSystem(A, b * scale), "cg", rtol=0.0, atol=1e-3 * scale)
        assert result.ok and result.threshold == pytest.approx(1e-3 * scale)
        assert np.linalg.norm(b - A @ (result.x / scale)) <= 1e-3 * 1.0001


def test_a_rule_of_ones_own_replaces_the_options():
    problem = drifting(1)[0]
    enough = rv.solve(problem, "cg", stop=Residual(1e-3), rtol=1e-12).steps
    for steps in (enough - 5, enough + 5):
        result = rv.solve(problem, "cg", stop=Residual(1e-3) & Steps(steps), rtol=1e-12)
        assert result.status == rv.Status.RESIDUAL and result.steps == max(steps, enough)
    assert rv.solve(problem, "cg", stop=Steps(4), on_fail="ignore").status == rv.Status.BUDGET


def test_the_summary_and_the_records_agree():
    session = rv.Session("cg", rtol=1e-8)
    assert session.summary() == "nothing solved yet"
    for problem in drifting(3):
        session.solve(problem)
    session.on_fail = "ignore"
    session.solve(rv.LinearSystem(matrix(), np.full(N * N, np.nan)))
    assert session.totals["failed"] == {"NONFINITE": 1} and "not solved: 1 x NONFINITE" in session.summary()
    assert [r["ok"] for r in session.records] == [True, True, True, False]


def test_learned_seconds_instead_of_the_table():
    session = rv.Session(rtol=1e-8, cost="seconds")
    assert all(is_true(p, session.solve(p), 1e-8) for p in drifting(4))


# ---- state files of strangers ---------------------------------------------------------------------


def test_loading_replaces_options_on_request(tmp_path):
    session = rv.Session("cg", rtol=1e-5, max_steps=77, seed=4)
    session.solve(drifting(1)[0])
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv", rtol=1e-9)
    assert (loaded.rtol, loaded.max_steps, loaded.seed) == (1e-9, 77, 4)
    fresh = rv.Session.load(tmp_path / "s.rv")
    assert (fresh.rtol, fresh.solved) == (1e-5, 1)


def test_a_state_of_another_make_up_is_refused(tmp_path):
    session = SESSIONS["cg+kept factor+guess"]()
    session.solve(drifting(1)[0])
    with pytest.raises(rv.StateFileError, match="2 learners"):
        rv.Session("cg").load_state_dict(session.state_dict())
    (tmp_path / "x.rv").write_bytes(b"PK\x03\x04 nothing of the kind" * 20)
    with pytest.raises(rv.StateFileError):
        rv.Session.load(tmp_path / "x.rv")


def test_what_cannot_be_saved_is_said(tmp_path):
    class Own(Learner):
        pass

    session = rv.Session("cg", [Own()])
    with pytest.raises((ValueError, TypeError), match="cannot be saved"):
        session.save(tmp_path / "s.rv")
    assert not list(tmp_path.iterdir())
