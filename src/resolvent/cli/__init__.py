"""The commands. Exit status: 0 when everything is solved, 1 when something is not, 2 for bad input, with one line.

With ``--json`` what people read goes to stderr, and the last line of stdout is one JSON object. One file for each group
of commands; each adds its own to `app`.
"""

from . import datasets, figures, sequences, systems  # noqa: F401 - each adds its commands, in the order of the help
from .entry import app, run

__all__ = ["app", "run"]
