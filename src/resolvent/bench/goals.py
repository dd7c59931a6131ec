"""The figures to reach, measured here and now: one line each, ``name value goal pass|fail``.

A topic is a list of items; an item is a small function that measures and reports lines. ``quick`` shrinks everything:
for tests of the machinery, its verdicts mean nothing. With a file to keep them in, finished items are written down one by
one, and a run that was stopped goes on behind the last of them; what stands in the file is printed with its date.
"""

import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from ..core.names import meant
from .finished import Finished

__all__ = ["TOPICS", "Line", "Report", "goals", "items"]

#: The topics, and the modules of this package whose ``ITEMS`` measure each.
TOPICS: dict[str, tuple[str, ...]] = {
    "linear": ("linear",),
    "trust": ("trust_goals",),
    "krylov": ("krylov_goals", "doctor_goals", "model_goals"),
    "optimization": ("newton_goals", "composite_goals", "block_goals", "fixed_point_goals"),
    "transport": ("transport_goals", "completion_goals"),
}


class Line(NamedTuple):
    """One figure and its goal."""

    name: str
    value: float
    goal: float
    op: str = "<="

    @property
    def passed(self) -> bool:
        """Whether the goal is reached; not for NaN.

        Examples
        --------
        >>> Line("a", 1.0, 1.15).passed, Line("a", float("nan"), 1.15).passed, Line("a", 2.6, 2.5, ">=").passed
        (True, False, True)
        """
        if self.op == "<=":
            return self.value <= self.goal
        if self.op == "<":
            return self.value < self.goal
        return self.value >= self.goal

    def text(self) -> str:
        """The printed line.

        Examples
        --------
        >>> Line("fixed cost, us", 41.25, 60.0).text()
        'fixed cost, us                                                               41.25    <=60  pass'
        """
        verdict = "pass" if self.passed else "fail"
        return f"{self.name:72s} {self.value:9.4g} {self.op + format(self.goal, 'g'):>7s}  {verdict}"


Say = Callable[[str], Any]


class Report:
    """Takes an item's figures, prints their lines, and knows the notes of the items before.

    Attributes
    ----------
    notes : dict of str to float
        What items leave for later ones, such as the rows of a mean.
    lines : list of Line
        Of the item that runs.
    said : list of str
        What it said beside them.
    fresh : dict of str to float
        The notes that it left.
    """

    def __init__(self, out: Say) -> None:
        self.out = out
        self.notes: dict[str, float] = {}
        self.begin()

    def __call__(self, name: str, value: float, goal: float, op: str = "<=") -> None:
        line = Line(name, float(value), float(goal), op)
        self.lines.append(line)
        self.out(line.text())

    def note(self, name: str, value: float) -> None:
        """Leave a figure for the items behind."""
        self.fresh[name] = self.notes[name] = float(value)

    def say(self, text: str) -> None:
        """A line that explains."""
        self.said.append(f"#   {text}")
        self.out(self.said[-1])

    def begin(self) -> None:
        """Before an item."""
        self.lines: list[Line] = []
        self.said: list[str] = []
        self.fresh: dict[str, float] = {}


Item = Callable[[Report, Say, bool], None]


def items(topic: str) -> dict[str, Item]:
    """The items of a topic by name.

    Raises
    ------
    ValueError
        For another topic.
    """
    if topic not in TOPICS:
        raise ValueError(f"there are no goals for {topic!r}{meant(topic, TOPICS)}; there are: {', '.join(TOPICS)}")
    found: dict[str, Item] = {}
    for module in TOPICS[topic]:
        found |= import_module(f".{module}", __package__).ITEMS
    return found


def goals(
    topic: str,
    out: Callable[[str], Any] = print,
    quick: bool = False,
    only: str | None = None,
    keep: Path | None = None,
) -> bool:
    """Measure the figures of a topic and print a line for each.

    Parameters
    ----------
    topic : str
        A key of `TOPICS`.
    out : callable
        Takes the lines; those that explain begin with ``#``.
    quick : bool
        Tiny sizes; the verdicts mean nothing then.
    only : str, optional
        Only the items whose name contains this.
    keep : Path, optional
        A file that finished items are written to; those that stand in it are not measured again.

    Returns
    -------
    bool
        Whether every goal was reached.

    Raises
    ------
    ValueError
        For an unknown topic, when no item has `only` in its name, or when the file is not one that was written here.
    """
    chosen = {name: item for name, item in items(topic).items() if only is None or only in name}
    if not chosen:
        raise ValueError(f"no item of {topic!r} has {only!r} in its name; there are: {', '.join(items(topic))}")
    finished = Finished(keep, topic, quick)
    report = Report(out)
    report.notes |= finished.notes
    passed = True
    for name, item in chosen.items():
        report.begin()
        if name in finished:
            out(f"# {name}: measured on {finished.when(name)}, from {keep}")
            for said in finished.said(name):
                out(said)
            for line in finished.lines(name):
                report(*line)
        else:
            seconds = _measure(item, report, quick, name)
            finished.add(name, report.lines, report.said, report.fresh)
            out(f"# {name}: {seconds:.0f} s")
        passed = passed and all(line.passed for line in report.lines)
    return passed


def _measure(item: Item, report: Report, quick: bool, name: str) -> float:
    """Run one item; its seconds."""
    start = time.perf_counter()
    try:
        item(report, report.say, quick)
    except Exception as error:  # one item that cannot be measured is a fail, not the end of the others
        report.say(f"{type(error).__name__}: {error}")
        report(f"{name}: could not be measured", float("nan"), 0.0, "<=")
    return time.perf_counter() - start
