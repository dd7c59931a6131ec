"""The kernel of an Arnoldi step against array operations, and the relation that its columns make."""

import numpy as np
import pytest

import resolvent as rv
from resolvent.methods.krylov.arnoldi import Orthogonal, Small
from resolvent.methods.krylov.column import enlarged


class Counting:
    """What a step asks of a problem: its counter and its rounding."""

    def __init__(self, dtype):
        self.work, self.eps = rv.LinearSystem(np.eye(2), np.ones(2)).work, float(np.finfo(dtype).eps)


def drawn(rng, shape, dtype):
    values = rng.standard_normal(shape)
    return (values + 1j * rng.standard_normal(shape) if np.dtype(dtype).kind == "c" else values).astype(dtype)


def begun(dtype, n=5000, k=3, steps=7, seed=1):
    """Room for images and vectors, the first ``k + 1`` of them orthonormal; the small problem at its start."""
    rng = np.random.default_rng(seed)
    V = np.zeros((k + steps + 1, n), dtype)
    V[: k + 1] = np.linalg.qr(drawn(rng, (n, k + 1), dtype))[0].T
    problem = Counting(dtype)
    wide = np.result_type(dtype, np.float64)
    return problem, Orthogonal(problem.eps, k + steps + 1), Small(steps, 2.0, wide), V, np.zeros((k, steps), wide), rng


def by_arrays(problem, orthogonal, small, V, w, B):
    """The twin: array operations alone."""
    k, j = len(B), small.j
    w, h, norm, before = orthogonal(problem, V[: k + j + 1], w)
    exhausted = not norm > 4 * problem.eps * before
    estimate = small.append(h[k:], 0.0 if exhausted else norm)
    B[:, j] = h[:k]
    if not exhausted:
        V[k + j + 1] = w / norm
    return estimate, norm, before, exhausted


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex64, np.complex128])
@pytest.mark.parametrize("near", [False, True])
def test_kernel_and_array_operations_make_the_same_columns(dtype, near):
    """``near``: vectors nearly in the span of the rows, where a second pass is due."""
    ours, theirs = begun(dtype), begun(dtype)
    double = ours[0].eps < 1e-12
    rtol, away = 200 * ours[0].eps, 1e-9 if double else 1e-4
    loose = (1e-6 if double else 2e-2) if near else rtol
    for step in range(7):
        w = drawn(ours[-1], 5000, dtype)
        if near and step % 2:
            w = (ours[3][: step + 1].sum(axis=0) + away * w).astype(dtype)
        one = enlarged(*ours[:3], ours[3], w.copy(), ours[4])
        two = by_arrays(*theirs[:3], theirs[3], w.copy(), theirs[4])
        assert one == pytest.approx(two, rel=loose) and not one[3]
        theirs[3][step + 4] = ours[3][step + 4]  # what rounding does to the vectors is no matter of this step
    for name in ("H", "R", "Q", "g"):
        found, wanted = getattr(ours[2], name), getattr(theirs[2], name)
        assert np.allclose(found, wanted, rtol=0, atol=10 * loose * max(1.0, np.abs(wanted).max())), name
    assert np.allclose(ours[4], theirs[4], rtol=0, atol=10 * rtol)
    assert ours[0].work.total() == theirs[0].work.total()
    assert (ours[0].work.total()["basis"] > 2 * sum(range(4, 11))) == near
    gram = ours[3].conj() @ ours[3].T
    assert np.abs(gram - np.eye(11)).max() <= 2 * ours[1].limit


@pytest.mark.parametrize("dtype", [np.float64, np.complex64])
def test_what_lies_in_the_span_is_said_to_be_exhausted_and_writes_no_vector(dtype):
    problem, orthogonal, small, V, B, _ = begun(dtype)
    w = V[1] + V[3]
    estimate, _, before, exhausted = enlarged(problem, orthogonal, small, V, w, B)
    assert exhausted and before == pytest.approx(2**0.5, rel=1e-5) and not V[4].any()
    assert small.j == 1 and estimate == 0.0  # the column is 1 over 0: solved exactly
    assert np.allclose(B[:, 0], [0, 1, 0], atol=1e-5)


def test_what_is_not_finite_is_said_and_enters_nothing():
    problem, orthogonal, small, V, B, rng = begun(np.float64)
    for bad in (np.nan, np.inf):
        w = rng.standard_normal(5000)
        w[17] = bad
        estimate, norm, _, _ = enlarged(problem, orthogonal, small, V, w, B)
        assert not np.isfinite(norm) and np.isnan(estimate) and small.j == 0 and not V[4].any()


def test_a_vanishing_diagonal_is_singular():
    problem, orthogonal, small, V, B, _ = begun(np.float64)
    enlarged(problem, orthogonal, small, V, np.zeros(5000), B)
    assert small.singular and small.j == 0
