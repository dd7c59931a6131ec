"""One self-contained HTML page about a session or a run: inline pictures, no network, the same bytes for the same input.

``write_session(session, path)`` tells of the last solves of a Session in memory; ``write_run(folder)`` of a run, from
its files alone. Both need the extra ``cli`` (jinja2, matplotlib).
"""

import os
from pathlib import Path
from typing import Any

__all__ = ["write_run", "write_session"]


def write_session(session: Any, path: str | os.PathLike[str]) -> None:
    """Write a page about a session.

    Parameters
    ----------
    session : Session
        Its records (the last 256 solves), totals and learners are told of; residual histories too when one of its
        recorders keeps them (``rv.recorders.History``), else that of the last solve.
    path : path-like
        Of the HTML file; written beside its place and renamed.

    Raises
    ------
    ValueError
        When jinja2 or matplotlib is missing.
    OSError
        When the file cannot be written.

    Examples
    --------
    >>> import pathlib, tempfile, numpy as np, resolvent as rv
    >>> from resolvent.report import write_session
    >>> session = rv.Session("cg")
    >>> _ = session(np.diag([1.0, 2.0, 3.0]), np.ones(3))
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "report.html"
    >>> write_session(session, path)
    >>> "1 of 1" in path.read_text(encoding="utf-8")
    True
    """
    from .page import write_page
    from .sources import from_session

    write_page(path, from_session(session))


def write_run(folder: str | os.PathLike[str]) -> None:
    """Write ``report.html`` into the folder of a run, from its manifest, log and state.

    Parameters
    ----------
    folder : path-like

    Raises
    ------
    ValueError
        When there is no run, or jinja2 or matplotlib is missing.
    OSError
        When the page cannot be written.
    """
    from .page import write_page
    from .sources import from_run

    write_page(Path(folder) / "report.html", from_run(folder))
