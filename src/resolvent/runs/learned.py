"""What the learners of a session know, as a table of plain strings and numbers."""

from typing import Any

__all__ = ["learners_table"]


def learners_table(session: Any) -> list[dict[str, Any]]:
    """One row for each learner: its name, what it owns, what it says of itself, and auto's arms.

    Parameters
    ----------
    session : Session

    Returns
    -------
    list of dict
        ``name``, ``owns``, ``says`` (lines), ``arms`` (rows ``name, solves, cost, failures, in_use``).
    """
    rows = []
    for learner in session.learners:
        arms = getattr(learner, "arms", None) or []
        best = getattr(learner, "best", -1)
        rows.append(
            {
                "name": type(learner).__name__,
                "owns": sorted(learner.owns),
                "says": list(getattr(learner, "digest", list)()),
                "arms": [_arm(arm, k == best) for k, arm in enumerate(arms)],
            }
        )
    return rows


def _arm(arm: Any, in_use: bool) -> dict[str, Any]:
    return {
        "name": str(arm.name),
        "solves": int(arm.solves),
        "cost": float(arm.cost),
        "failures": int(arm.failures),
        "tried": bool(arm.tried_at >= 0 or arm.solves),
        "in_use": bool(in_use),
        "learners": [type(learner).__name__ for learner in arm.learners],
    }
