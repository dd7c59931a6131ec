"""The experiment at tiny sizes: its counts are those of solvers run by hand, its generators what they say."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse.linalg import LinearOperator, gmres

from resolvent.experiments import krylov_recycling as experiment


@pytest.fixture(scope="module")
def printed():
    lines = []
    return experiment.run(quick=True, seed=1, out=lines.append, count=3, size=12), lines


def test_all_is_solved_and_counted(printed):
    result, lines = printed
    assert set(result["tables"]) == set(result["verdict"])
    for name, table in result["tables"].items():
        assert any(line.startswith(name) for line in lines)
        for label, row in table.items():
            assert row["solved"] == row["systems"] and row["products"] >= 1 and row["ms"] > 0, (name, label)
        row = result["verdict"][name]
        assert row["deflation"] * row["carrying"] * row["sorting"] == pytest.approx(row["fewer"])


def test_gmres_takes_the_products_of_scipy(printed):
    result, _ = printed
    counts = []
    for p in experiment.systems("convection-diffusion", 3, 12, 1):
        count, d = [0], 1.0 / p.A.diagonal()

        def product(v, p=p, count=count):
            count[0] += 1
            return p.A @ v

        A = LinearOperator(p.A.shape, matvec=product, dtype=float)
        M = LinearOperator(p.A.shape, matvec=lambda v, d=d: d * v, dtype=float)
        gmres(A, p.b, rtol=1e-8, restart=40, M=M)
        counts.append(count[0])
    ours = result["tables"]["convection-diffusion"]["GMRES(40)"]["products"]
    assert ours == pytest.approx(
        np.mean(counts), rel=0.15
    )  # SciPy preconditions on the other side and asks at restarts


def test_the_slip_moves_one_diagonal_and_nothing_else():
    straight, slipped = (experiment.slipped(1, 9, 0, slip)[0] for slip in (0, 2))
    K = straight.context.ravel()
    line = sp.diags_array([-np.ones(8), 2 * np.ones(9), -np.ones(8)], offsets=[-1, 0, 1])
    laplacian = sp.kron(line, sp.eye_array(9)) + sp.kron(sp.eye_array(9), line)
    assert abs(straight.A - laplacian @ sp.diags_array(K)).max() <= 1e-13
    away = sp.dia_array(straight.A - slipped.A)
    assert set(away.offsets[np.abs(away.data).max(axis=1) > 1e-12]) == {-9}
    assert np.allclose(slipped.A.diagonal(-9)[:-2], straight.A.diagonal(-9)[2:])


def test_the_drifting_sequence_is_shuffled():
    systems = experiment.systems("darcy-path", 6, 8, 0)
    fields = [p.context for p in systems]
    from resolvent.gallery import sequence

    path = sequence("darcy-path", count=6, size=8)
    where = [next(j for j in range(6) if np.array_equal(f, path.field(j))) for f in fields]
    assert sorted(where) == list(range(6)) and where != list(range(6))
