"""What every reader asks of its parts, at the very limits."""

import os
from pathlib import Path

import numpy as np
import pytest

from resolvent.gallery.checked import (
    budget,
    compressed_matrix,
    coordinate_matrix,
    dense,
    open_regular,
    shape_of,
    values,
)


def csr(n, m, data=(1.0,), indices=(0,), kind="csr"):
    """One entry in the first row (column) of n x m, the others empty."""
    major = n if kind == "csr" else m
    indptr = np.ones(major + 1, np.int32)
    indptr[0] = 0
    return compressed_matrix("f", kind, np.array(data), np.array(indices, np.int32), indptr, (n, m))


def test_the_budget_grows_with_the_file():
    assert budget(0) == 1_048_576 and budget(1000) == 200_000 + 1_048_576


def test_a_file_is_opened_with_its_size_and_a_pipe_is_not(tmp_path):
    (tmp_path / "a").write_bytes(b"12345")
    file, size = open_regular(tmp_path / "a")
    with file:
        assert size == 5 and file.read() == b"12345"
    if hasattr(os, "mkfifo") and Path("/proc/self/fd").is_dir():
        os.mkfifo(tmp_path / "pipe")
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(ValueError, match="pipe: not a regular file"):
            open_regular(tmp_path / "pipe")
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize("sides", [(1, 1), (2**48 - 1, 1), (1, 2**48 - 1)])
def test_shapes_that_are_possible(sides):
    assert shape_of("f", np.array(sides)) == sides


@pytest.mark.parametrize("sides", [(0, 1), (1, 0), (-3, 1), (1, -3), (2**48, 1), (1, 2**48)])
def test_shapes_that_are_not(sides):
    with pytest.raises(
        ValueError, match=f"a matrix of {sides[0]} x {sides[1]} has no entries to solve with, or too many"
    ):
        shape_of("f", np.array(sides))


def test_a_shape_is_two_whole_numbers():
    for wrong in (np.array([2.0, 2.0]), np.array([2, 2, 2]), np.array(2), np.array([[2, 2]])):
        with pytest.raises(ValueError, match="f: 'shape' must be two whole numbers"):
            shape_of("f", wrong)


def test_whole_numbers_as_far_as_a_double_holds_them():
    edge = 2**53
    assert values("f", "b", np.array([edge, -edge])).tolist() == [float(edge), -float(edge)]
    for beyond in (edge + 1, -edge - 1):
        with pytest.raises(ValueError, match="'b' has whole numbers that a double does not hold"):
            values("f", "b", np.array([0, beyond]))
    assert values("f", "b", np.array([], int)).dtype == np.float64
    assert values("f", "b", np.array([True, False])).tolist() == [1.0, 0.0]


def test_what_is_not_finite_is_named_by_its_place():
    with pytest.raises(ValueError, match=r"'b' has a NaN or inf at \[1, 0\]"):
        values("f", "b", np.array([[1.0, 2.0], [np.nan, np.inf]]))


@pytest.mark.parametrize("wrong", [np.array(1.0), np.empty((2, 0)), np.ones((1, 1, 1))])
def test_vectors_and_matrices_only(wrong):
    with pytest.raises(ValueError, match="'b' must be a vector or a matrix"):
        dense("f", "b", wrong)


def test_indices_are_narrow_where_that_holds_them():
    A = csr(3, 4, indices=(3,))
    assert A.indices.dtype.itemsize == 4 and A.toarray()[0].tolist() == [0.0, 0.0, 0.0, 1.0]
    for index in (-1, 4):
        with pytest.raises(ValueError, match=rf"'indices'\[0\] is {index}, but must be between 0 and 3"):
            csr(3, 4, indices=(index,))


def test_rows_and_columns_may_be_empty():
    assert csr(3, 2).toarray().tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert csr(3, 2, kind="csc").toarray().tolist() == [[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]]


@pytest.mark.parametrize("indptr", [[0, 2, 1], [1, 1, 1], [0, 1, 2], [0, 0, 0]])
def test_pointers_that_do_not_run_from_zero_to_the_end(indptr):
    with pytest.raises(ValueError, match="'indptr' must run from 0 to 1 and never back"):
        compressed_matrix("f", "csr", np.ones(1), np.zeros(1, int), np.array(indptr), (2, 2))


def test_dimensions_are_in_proportion_to_what_is_stored():
    """At most 65,536 and as many as there are bytes."""
    few = 8 + 4 + 4 * 4  # one number, one index, four pointers
    assert csr(3, 65_536 + few).shape == (3, 65_536 + few)
    with pytest.raises(ValueError, match=f"3 x {65_537 + few} is out of proportion to 1 entries"):
        csr(3, 65_537 + few)
    one = np.zeros(1, np.int16)
    most = 65_536 + 8 + 4 + 4  # indices are kept as int32
    assert coordinate_matrix("f", np.ones(1), one, one, (most, 1)).shape == (most, 1)
    with pytest.raises(ValueError, match=f"{most + 1} x 1 is out of proportion"):
        coordinate_matrix("f", np.ones(1), one, one, (most + 1, 1))


def test_entries_given_more_than_once_are_added_in_range():
    place = np.zeros(2, int)
    assert coordinate_matrix("f", np.array([1.0, 2.0]), place, place, (1, 1)).toarray().tolist() == [[3.0]]
    with pytest.raises(ValueError, match="add up beyond the range of their type"):
        coordinate_matrix("f", np.array([1e308, 1e308]), place, place, (1, 1))
    with pytest.raises(ValueError, match="'data' must have one axis"):
        coordinate_matrix("f", np.ones((1, 1)), place[:1], place[:1], (1, 1))
