"""Runs: a sequence solved with a Session into a folder that survives being killed, and a check of it from its files.

``manifest.json`` (what is run, written first), ``state.rv`` (session and sequence at one instant: the checkpoint),
``parts/NNNNNN.npy`` (one solution a file), ``log.jsonl`` (one line a solve); at the end ``solutions.h5`` and
``report.html``. What stands in a solution of each family of problems is said in `runs.answers`.
"""

from .folder import Folder, RunError
from .runner import Outcome, Plan, execute
from .verify import Verdict, verify

__all__ = ["Folder", "Outcome", "Plan", "RunError", "Verdict", "execute", "verify"]
