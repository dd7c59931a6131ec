"""The state of a Guess from a stranger: counts and costs that are none are refused."""

import numpy as np
import pytest

import resolvent as rv

BOOK = {"without": 1.0, "colds": 2, "carried": 0.5, "warms": 1, "wait": 0, "patience": 8}


def state(**other):
    good = {
        "x": [np.ones(3)], "ax": [], "version": 2, "epoch": 1, "books": {"CG/None": dict(BOOK)}, "used": 1,
    }  # fmt: skip
    return good | other


def row(place, value):
    return {"CG/None": BOOK | {place: value}}


def test_a_good_one_goes_there_and_back():
    guess = rv.Guess()
    guess.load_state_dict(state())
    assert guess.state_dict()["books"] == state()["books"] and guess.used == 1


@pytest.mark.parametrize("place", BOOK)
@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "1", None, True, [1.0]], ids=str)
def test_a_record_of_what_is_no_count_is_refused(place, value):
    with pytest.raises(ValueError, match="no cost and no count"):
        rv.Guess().load_state_dict(state(books=row(place, value)))


@pytest.mark.parametrize(
    "other",
    [
        {"used": -1}, {"used": 1.0}, {"used": True}, {"version": "2"}, {"epoch": None}, {"books": {"CG/None": [1.0] * 6}},
        {"books": {"CG/None": {k: v for k, v in BOOK.items() if k != "wait"}}}, {"books": [BOOK]},
        {"x": [np.ones(3)] * 9}, {"x": [np.ones((3, 1))]}, {"x": [np.ones(3, int)]}, {"x": ["x"]}, {"ax": [np.ones(3)] * 2},
        {"ax": [np.ones(4)]}, {"ax": [np.ones(3, complex)]},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_guess_is_refused(other):
    with pytest.raises(ValueError, match=r"guess|something carried"):
        rv.Guess().load_state_dict(state(**other))
