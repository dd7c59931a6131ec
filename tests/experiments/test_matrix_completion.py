"""The experiment of matrix completion, small: it runs, and recovers what was planted."""

from resolvent.experiments import matrix_completion


def test_inexact_rows_recover_and_streams_are_cheaper():
    lines = []
    found = matrix_completion.run(quick=True, out=lines.append)
    assert all(row["auto"]["ok"] and row["auto"]["error"] < 1e-5 for row in found["race"].values())
    assert all(one["carried"] < one["cold"] for one in found["stream"].values())
    assert any(line.startswith("paper") for line in lines)
