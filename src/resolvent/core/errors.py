"""The exceptions: what a user may catch, and what methods raise for the loop to turn into a status."""

from typing import Any

__all__ = ["CallbackError", "ConvergenceWarning", "NotConverged", "OperatorError", "SetupError", "StateFileError"]


class ConvergenceWarning(UserWarning):
    """Said when a solve ends without meeting its tolerance and ``on_fail="warn"``.

    Examples
    --------
    >>> import resolvent as rv
    >>> issubclass(rv.ConvergenceWarning, UserWarning)
    True
    """


class NotConverged(RuntimeError):  # noqa: N818 - the name that users catch reads as a sentence
    """A solve ended without meeting its tolerance; ``.result`` holds what was reached.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> A = sp.diags_array(np.arange(1.0, 101.0)).tocsr()
    >>> try:
    ...     rv.solve(rv.LinearSystem(A, np.ones(100)), "jacobi", max_steps=0, on_fail="raise")
    ... except rv.NotConverged as error:
    ...     error.result.status.name
    'BUDGET'
    """

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result


class SetupError(RuntimeError):
    """A preconditioner or factorization could not be set up; the loop ends the solve with SETUP."""


class OperatorError(RuntimeError):
    """The user's operator raised, or returned what it must not; the loop ends the solve with ERROR."""


class CallbackError(RuntimeError):
    """A callback or recorder raised; the loop ends the solve with ERROR and keeps the best iterate."""


class StateFileError(ValueError):
    """A state file is damaged, from another version, or not one of ours; nothing of it was used.

    Examples
    --------
    >>> from resolvent.core import StateFileError
    >>> issubclass(StateFileError, ValueError)
    True
    """
