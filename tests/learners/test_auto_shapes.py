"""What auto makes of systems that are not positive definite: their shape, the first choice, its reason, what is learned."""

import json

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator

import resolvent as rv
from resolvent.auto import arms
from resolvent.gallery import sequence


def laplacian(m):
    line = sp.diags_array([-np.ones(m - 1), 2.0 * np.ones(m), -np.ones(m - 1)], offsets=[-1, 0, 1])
    eye = sp.eye_array(m)
    return sp.csr_array(sp.kron(line, eye) + sp.kron(eye, line))


def systems():
    """Shape, and a system of it."""
    rng = np.random.default_rng(2)
    K = laplacian(12)
    n = K.shape[0]
    b = rng.standard_normal(n)
    skew = sp.random_array((n, n), density=0.03, rng=rng, format="csr")
    turn = sp.diags_array(np.exp(1j * np.arange(n)))
    return {
        "spd": rv.LinearSystem(K, b),
        "hermitian": rv.LinearSystem(sp.csr_array(K - 9.0 * sp.eye_array(n)), b),
        "symmetric": rv.LinearSystem(sp.csr_array(K - (0.7 - 0.2j) * sp.eye_array(n)), b + 0j),
        "dominant": rv.LinearSystem(
            sp.csr_array(K + abs(skew) @ sp.diags_array(-np.ones(n)) + 20.0 * sp.eye_array(n)), b
        ),
        "general": rv.LinearSystem(sp.csr_array(K + 9.0 * skew), b),
        "hermitian complex": rv.LinearSystem(sp.csr_array(turn @ (K - 9.0 * sp.eye_array(n)) @ turn.conj()), b + 0j),
    }


@pytest.mark.parametrize("name", systems())
def test_shapes_are_told_apart_and_solved_with_a_reason(name):
    problem = systems()[name]
    assert problem.kind_of_arms().split("/")[:2] == ["stored", name.split()[0]]
    result = rv.solve(problem, rtol=1e-9)
    assert result.ok
    assert np.linalg.norm(problem.b - problem.A @ result.x) <= 1.0001e-9 * np.linalg.norm(problem.b)
    said = json.loads(json.dumps(result.certificate()))["auto"]
    assert said.count(":") == 1 and len(said.split()) > 3, said


@pytest.mark.parametrize("name", systems())
def test_the_shape_costs_nothing_once_it_is_known(name):
    session = rv.Session(rtol=1e-9)
    work = []
    for scale in np.linspace(1.0, 1.1, 10):
        problem = systems()[name]
        session.solve(rv.LinearSystem(problem.A * scale, problem.b))
        work.append(session.records[-1]["work"].get("symmetry", 0))
    assert work[0] > 0 and work[-3:] == [0, 0, 0]  # other arms may ask once for what they need


@pytest.mark.parametrize("name", systems())
def test_every_arm_fits_its_kind_and_never_lies(name):
    problem = systems()[name]
    for arm in arms(problem):
        result = rv.solve(systems()[name], arm.method, rtol=1e-8, on_fail="ignore", max_steps=3000)
        error = np.linalg.norm(problem.b - problem.A @ result.x)
        assert result.ok == (error <= 1.0001e-8 * np.linalg.norm(problem.b)), (arm.name, result.reason)


def test_rows_that_are_not_sorted_are_one_pattern():
    K = laplacian(9)
    backwards = sp.csr_array((K.data[::-1].copy(), 80 - K.indices[::-1], K.indptr))  # a grid is its own mirror image
    session = rv.Session("direct", rtol=1e-9)
    for t in range(3):
        assert session.solve(rv.LinearSystem(backwards * (1.0 + t), np.ones(81))).ok
    assert [str(r["change"]) for r in session.records][1:] == [str(session.records[1]["change"])] * 2
    assert session.records[1]["work"].get("orderings", 0) == 0


def test_the_first_choice_follows_the_cost_table():
    chosen = {}
    for size in (7, 100):
        session = rv.Session(rtol=1e-8)
        assert session.solve(sequence("convection-diffusion", 1, size)[0]).ok
        chosen[size] = session.learners[0]
    small, large = chosen[7], chosen[100]
    assert small.arms[small.best].name == "direct" and large.arms[large.best].name == "bicgstab+ilu0"
    assert "direct at" in large.reason and "bicgstab+ilu0 at" in small.reason


def test_a_wrong_first_choice_is_mended_and_the_reason_says_so():
    problem = sequence("convection-diffusion", 6, 100)
    session = rv.Session(rtol=1e-8)
    systems = list(problem)
    session.solve(systems[0])
    select = session.learners[0]
    select._install([arm.name for arm in select.arms].index("direct"))  # as if the table had been wrong
    cost = [session.solve(p).cost.total for p in systems[1:]]
    assert select.arms[select.best].name == "bicgstab+ilu0"
    assert min(cost) < 0.8 * cost[0] and "direct" in session.summary()


def test_indefiniteness_found_once_is_not_found_again():
    K = laplacian(15)
    session = rv.Session(rtol=1e-9)
    methods = []
    for t in range(4):
        A = sp.csr_array(K - (0.5 + 1e-3 * t) * sp.eye_array(225))  # a positive diagonal, and negative eigenvalues
        result = session.solve(rv.LinearSystem(A, np.cos(np.arange(225.0))))
        assert result.ok
        methods.append(session.records[-1]["retried"])
    assert methods[0] and not any(methods[1:])
    assert session.learners[0].kind.startswith("stored/hermitian/")


def test_nothing_is_carried_into_a_fresh_session():
    problems = list(sequence("helmholtz", 4, 24))
    learning = rv.Session(rtol=1e-8)
    total = sum(learning.solve(p).cost.total for p in problems)
    alone = sum(rv.Session(rtol=1e-8).solve(p).cost.total for p in problems)
    assert total < alone  # the ordering of the pattern alone is saved


def operator(A, **options):
    return rv.LinearSystem(
        LinearOperator(A.shape, matvec=lambda x: A @ x, dtype=A.dtype), np.ones(A.shape[0]), **options
    )


def test_operators_without_symmetry_go_to_gmres():
    A = sequence("convection-diffusion", 1, 10)[0].A
    for options in ({}, {"symmetric": False}):
        problem = operator(A, **options)
        result = rv.solve(problem, rtol=1e-8)
        assert result.ok and type(result.method).__name__ == "GMRES"
        assert np.linalg.norm(1.0 - A @ result.x) <= 1.0001e-8 * np.sqrt(100)
    assert type(rv.solve(operator(laplacian(8)), rtol=1e-8).method).__name__ == "CG"


def test_an_indefinite_operator_falls_back():
    A = sp.csr_array(laplacian(10) - 3.0 * sp.eye_array(100))
    session = rv.Session(rtol=1e-8)
    for _ in range(2):
        result = session.solve(operator(A))
        assert result.ok and type(result.method).__name__ in ("MINRES", "GMRES")
    assert session.learners[0].kind.startswith("operator/hermitian/")


def test_the_reason_survives_a_file(tmp_path):
    session = rv.Session(rtol=1e-8)
    session.solve(sequence("helmholtz", 1, 12)[0])
    session.save(tmp_path / "s.rv")
    loaded = rv.Session.load(tmp_path / "s.rv")
    assert loaded.learners[0].reason == session.learners[0].reason != ""
    assert "auto chose direct" in loaded.summary()


def test_pivots_come_from_the_diagonal_until_that_fails():
    for name in ("convection-diffusion", "helmholtz"):
        problem = sequence(name, 1, 20)[0]
        result = rv.solve(problem, "direct", rtol=1e-10)
        assert result.ok and result.carry["factor"].trusting
    A = sp.csr_array(np.array([[1e-17, 1.0], [2.0, 1e-17]]))
    session = rv.Session("direct", rtol=1e-10)
    for t in range(2):
        result = session.solve(rv.LinearSystem(A, np.ones(2) + t))
        assert result.ok and not result.carry["factor"].trusting
    assert session.records[1]["work"].get("factorizations", 0) <= 1
