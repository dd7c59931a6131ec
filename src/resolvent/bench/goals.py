"""The figures to reach, measured here and now: one line each, ``name value goal pass|fail``.

A topic is a list of items; an item is a small function that measures and reports lines. ``quick`` shrinks everything:
for tests of the machinery, its verdicts mean nothing.
"""

import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

__all__ = ["TOPICS", "Line", "goals", "items"]

#: The topics, and the modules of this package whose ``ITEMS`` measure each.
TOPICS: dict[str, tuple[str, ...]] = {
    "linear": ("linear",),
    "trust": ("trust_goals",),
    "krylov": ("krylov_goals",),
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


Report = Callable[[str, float, float, str], Any]
Say = Callable[[str], Any]
Item = Callable[[Report, Say, bool], None]


def items(topic: str) -> dict[str, Item]:
    """The items of a topic by name.

    Raises
    ------
    ValueError
        For another topic.
    """
    if topic not in TOPICS:
        raise ValueError(f"there are no goals for {topic!r}; there are: {', '.join(TOPICS)}")
    found: dict[str, Item] = {}
    for module in TOPICS[topic]:
        found |= import_module(f".{module}", __package__).ITEMS
    return found


def goals(topic: str, out: Callable[[str], Any] = print, quick: bool = False, only: str | None = None) -> bool:
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

    Returns
    -------
    bool
        Whether every goal was reached.

    Raises
    ------
    ValueError
        For an unknown topic, or when no item has `only` in its name.
    """
    chosen = {name: item for name, item in items(topic).items() if only is None or only in name}
    if not chosen:
        raise ValueError(f"no item of {topic!r} has {only!r} in its name; there are: {', '.join(items(topic))}")
    passed = True

    def report(name: str, value: float, goal: float, op: str = "<=") -> None:
        nonlocal passed
        line = Line(name, float(value), float(goal), op)
        passed = passed and line.passed
        out(line.text())

    for name, item in chosen.items():
        start = time.perf_counter()
        try:
            item(report, lambda text: out(f"#   {text}"), quick)
        except Exception as error:  # one item that cannot be measured is a fail, not the end of the others
            out(f"#   {type(error).__name__}: {error}")
            report(f"{name}: could not be measured", float("nan"), 0.0, "<=")
        out(f"# {name}: {time.perf_counter() - start:.0f} s")
    return passed
