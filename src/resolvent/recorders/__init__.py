"""What looks while a solve runs and never steers: histories, clocks, tables, JSON lines, and a progress bar.

A recorder has ``begin(problem, method, state)``, ``step(problem, state)`` and ``end(problem, result)``; with
``each = True`` it is shown every iteration, without it whatever a kernel call leaves (up to 64 iterations at a time).
"""

from .history import Clock, History
from .lines import JSONLines, Table
from .progress import ProgressBar

__all__ = ["Clock", "History", "JSONLines", "ProgressBar", "Table"]
