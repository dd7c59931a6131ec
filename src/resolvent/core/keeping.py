"""What a Session writes to its state file and how it takes it over again: plain data, vetted, never code."""

from typing import Any

from . import books
from .errors import StateFileError
from .registry import from_record, hook, to_record

__all__ = ["OPTIONS", "session_from", "session_state", "take_over"]

OPTIONS = ("rtol", "atol", "max_steps", "max_seconds", "seed", "on_fail", "cost")


def session_state(session: Any, default_rtol: float) -> dict[str, Any]:
    """Everything that the next solve depends on, as plain data."""
    kept = {k: v for k, v in session.memory.items() if k != "symbolic"}
    kept["figures"] = {k: _plain(v) for k, v in session.memory.get("symbolic", {}).items() if _plain(v) is not None}
    options = {name: getattr(session, name) for name in OPTIONS}
    if session.rtol is default_rtol:
        options["rtol"] = None
    return {
        "method": None if session.method is None else to_record(session.method),
        "auto": session.auto,
        "learners": [to_record(learner) for learner in session.learners[1 if session.auto else 0 :]],
        "learned": [learner.state_dict() for learner in session.learners],
        "options": options,
        "purse": session.purse.state_dict(),
        "memory": kept,
        "paid": dict(session.paid.counts),
        "totals": session.totals | {"seconds": 0.0},  # the same solves give the same bytes
        "solved": session.solved,
    }


def _plain(value: Any) -> Any:
    """A figure of the symbolic part (a width, a count of flops) as JSON; None for what is made again."""
    if isinstance(value, tuple) and all(type(v) in (int, float) for v in value):
        return list(value)
    return value if type(value) in (int, float) else None


def take_over(session: Any, state: dict[str, Any]) -> None:
    """Give a session of the same make-up what was saved.

    Raises
    ------
    StateFileError
        When the state belongs to a session of another make-up.
    ValueError, KeyError, TypeError
        When a part of it is not of its shape.
    """
    learned = state["learned"]
    if len(learned) != len(session.learners):
        raise StateFileError(f"the state has {len(learned)} learners, this session {len(session.learners)}")
    for learner, part in zip(session.learners, learned, strict=True):
        learner.load_state_dict(part)
    session.purse.load_state_dict(state["purse"])
    session.memory = hook("memory")(state["memory"])
    session.totals = books.reopened(state["totals"])
    session.paid = books.Paid.reopened(state["paid"], session.memory.get("epoch", 0))
    if type(state["solved"]) is not int or state["solved"] < 0:
        raise ValueError("the number of solves is not one")
    session.solved = state["solved"]


def session_from(make: Any, state: dict[str, Any], path: Any, options: dict[str, Any]) -> Any:
    """A session as the state describes it.

    Raises
    ------
    StateFileError
        When it describes none.
    """
    try:
        saved = state["session"]
        if set(saved["options"]) != set(OPTIONS):
            raise StateFileError(f"{path}: its options are not those of a session")
        chosen = {k: v for k, v in saved["options"].items() if v is not None or k != "rtol"} | options
        method = "auto" if saved["auto"] is True else from_record(saved["method"])
        session = make(method, [from_record(r) for r in saved["learners"]], **chosen)
        take_over(session, saved)
    except StateFileError:
        raise
    except Exception as error:
        raise StateFileError(f"{path}: not a session ({type(error).__name__}: {error})") from None
    return session
