"""The order of a batch: a shorter path, results in the order given, fields by their low frequencies."""

import functools
import itertools
import operator

import numpy as np
import pytest

import resolvent as rv
from resolvent import gallery
from resolvent.core.order import low_frequencies, similar_chunks, similar_order


def shuffled(count=24, m=16, rho=0.98):
    """A drifting medium in shuffled order, the fields as contexts."""
    path = gallery.sequence("darcy-path", count=count, size=m, rho=rho)
    order = np.random.default_rng(0).permutation(count)
    fields = [path.field(int(i)).copy() for i in order]
    problems = [path[int(i)] for i in order]
    return [rv.LinearSystem(p.A, p.b, context=f) for p, f in zip(problems, fields, strict=True)], fields


def length(points, order):
    return sum(np.linalg.norm(points[a] - points[b]) for a, b in itertools.pairwise(order))


@pytest.mark.parametrize("given", [True, False], ids=["contexts", "features of the matrices"])
def test_the_path_is_shorter(given):
    problems, fields = shuffled()
    if not given:
        problems = [rv.LinearSystem(p.A, p.b) for p in problems]
    order = similar_order(problems)
    assert sorted(order) == list(range(24)) and order[0] == 0
    assert length(fields, order) < 0.7 * length(fields, list(range(24)))


def test_results_come_in_the_order_given():
    problems, _ = shuffled(12)
    given = list(rv.Session("cg", rtol=1e-9).solve_all(problems))
    for chunk in (None, 5):
        sorted_ones = list(rv.Session("cg", rtol=1e-9).solve_all(problems, order="similar", chunk=chunk))
        assert [r.index for r in sorted_ones] == list(range(12))
        for one, two in zip(given, sorted_ones, strict=True):
            assert np.linalg.norm(one.x - two.x) <= 1e-6 * np.linalg.norm(one.x)


def test_low_frequencies_are_the_centre_of_the_spectrum():
    rng = np.random.default_rng(0)
    for shape in ((16, 16), (9, 20), (5, 6, 7)):
        f = rng.standard_normal(shape)
        z = low_frequencies(f, 4)
        half = len(z) // 2
        spectrum = np.fft.fftn(f) / f.size
        for k, value in zip(np.ndindex(*([4] * len(shape))), z[:half] + 1j * z[half:], strict=True):
            assert value == pytest.approx(spectrum[tuple(np.array(k) - 2)])
    smooth = np.add.outer(np.sin(np.arange(16) * np.pi / 8), np.cos(np.arange(16) * np.pi / 8))
    noise = rng.choice([-1.0, 1.0], (16, 16)) * np.where(np.indices((16, 16)).sum(axis=0) % 2, 1, -1)
    near = np.linalg.norm(low_frequencies(smooth, 4) - low_frequencies(smooth + 0.3 * noise, 4))
    assert near < 0.5 * 0.3  # the noise has mean square 0.09, and most of it is in higher frequencies


def test_complex_fields_and_mixed_shapes():
    rng = np.random.default_rng(0)
    problems = [rv.LinearSystem(np.eye(2), np.ones(2), context=rng.standard_normal((8, 8)) * 1j) for _ in range(4)]
    assert sorted(similar_order(problems)) == [0, 1, 2, 3]
    problems[1] = rv.LinearSystem(np.eye(2), np.ones(2), context=np.ones((3, 3)))
    assert similar_order(problems) == [0, 1, 2, 3]  # not comparable: the order given


def test_chunks_for_workers_are_near_within():
    problems, fields = shuffled()
    chunks = similar_chunks(problems, 4)
    assert [len(c) for c in chunks] == [6] * 4 and sorted(functools.reduce(operator.iadd, chunks, [])) == list(
        range(24)
    )
    cut = sum(length(fields, c) for c in chunks)
    plain = sum(length(fields, list(range(6 * w, 6 * w + 6))) for w in range(4))
    assert cut < 0.7 * plain
    with pytest.raises(ValueError, match="workers=0"):
        similar_chunks(problems, 0)
