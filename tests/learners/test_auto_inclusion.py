"""What auto pays on short sequences of inclusions."""

import resolvent as rv
from resolvent.gallery import sequence


def test_a_short_sequence_of_games_costs_less_than_cold_solves():
    """No trial of an anchored iteration, whose residual falls like 1 / k, eats up what first guesses gain."""
    problems = list(sequence("game-drift", count=6, size=30))
    session = rv.Session()
    warm = sum(session.solve(p).cost.total for p in problems)
    cold = sum(rv.Session().solve(p).cost.total for p in problems)
    assert session.solved == 6 and warm < 0.97 * cold
