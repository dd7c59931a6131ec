"""The commands. Exit status: 0 when everything is solved, 1 when something is not, 2 for bad input, with one line.

With ``--json`` what people read goes to stderr, and the last line of stdout is one JSON object. One file for each group
of commands; each adds its own to `app`.
"""

from . import datasets, figures, sequences, systems  # noqa: F401 - each adds its commands
from .entry import app, run

__all__ = ["app", "run"]

#: In the order of the help.
_ORDER = ("solve", "run", "verify", "generate", "doctor", "bench", "reproduce", "demo", "calibrate")
app.registered_commands.sort(key=lambda command: _ORDER.index(str(command.name)))
