"""The experiments of transport at tiny sizes: what is printed was measured, and every plan is judged in NumPy."""

import pytest

from resolvent.experiments import sinkhorn_newton_sparse, sparsity_constrained_ot


@pytest.fixture(autouse=True)
def without_peers(monkeypatch):
    """The peers take long to import; the tables do without them where they are absent."""
    for module in (sinkhorn_newton_sparse, sparsity_constrained_ot):
        monkeypatch.setattr(module, "find_spec", lambda name: None)


def test_sinkhorn_newton_sparse():
    lines = []
    table = sinkhorn_newton_sparse.run(quick=True, out=lines.append)
    assert set(table) == set(sinkhorn_newton_sparse.PAPER)
    for rows in table.values():
        safe = rows["safe (SinkhornNewton)"]
        assert safe["end"] == "certified" and safe["error"] <= 1e-10 * (1 + 1e-6)
        for row in rows.values():
            assert (row["end"] == "certified") == (row["error"] <= 1.01e-10)
    assert any("56199" in line for line in lines)


def test_sparsity_constrained_ot():
    lines = []
    found = sparsity_constrained_ot.run(quick=True, out=lines.append)
    for row in found["grid"]:
        assert row["status"] == "RESIDUAL" and row["error"] < 1e-8 and row["gap"] > -1e-9
    assert found["batches"]["worst"] < 1e-8 and found["batches"]["warm"] <= found["batches"]["cold"]
