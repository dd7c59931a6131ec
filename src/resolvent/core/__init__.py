"""The protocol, the one loop, stop rules, results, costs and the Session; imports nothing else of resolvent."""

from .errors import (
    CallbackError,
    ConvergenceWarning,
    NotConverged,
    OperatorError,
    SetupError,
    StateFileError,
)
from .loop import drive
from .persist import atomic_write, load_state, save_state
from .protocol import Advice, Learner, Measure, Method, Problem, Recorder, Solver, State, Stop, with_params
from .purse import Purse
from .result import Result
from .session import DEFAULT_RTOL, Session
from .status import Change, Status
from .stopping import And, Or, Residual, Rule, Seconds, Steps, Unchanged
from .work import Cost, Work

__all__ = [
    "DEFAULT_RTOL",
    "Advice",
    "And",
    "CallbackError",
    "Change",
    "ConvergenceWarning",
    "Cost",
    "Learner",
    "Measure",
    "Method",
    "NotConverged",
    "OperatorError",
    "Or",
    "Problem",
    "Purse",
    "Recorder",
    "Residual",
    "Result",
    "Rule",
    "Seconds",
    "Session",
    "SetupError",
    "Solver",
    "State",
    "StateFileError",
    "Status",
    "Steps",
    "Stop",
    "Unchanged",
    "Work",
    "atomic_write",
    "drive",
    "load_state",
    "save_state",
    "with_params",
]
