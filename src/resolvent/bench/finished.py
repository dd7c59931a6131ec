"""Finished items of a list of goals in a file, one JSON object a line, appended as they end.

A run that was killed leaves whole lines and at most one torn one behind them, which is not read.
"""

import json
import os
import time
from pathlib import Path
from typing import Any

__all__ = ["Finished"]


class Finished:
    """What stands in the file for one topic, and the way in.

    Parameters
    ----------
    file : Path or None
        None keeps nothing.
    topic : str
    quick : bool
        Tiny and full sizes are kept apart.

    Raises
    ------
    ValueError
        When the file holds something else, or its folder does not exist.
    """

    def __init__(self, file: Path | None, topic: str, quick: bool) -> None:
        self.file, self.topic, self.quick = file, topic, quick
        self.rows: dict[str, dict[str, Any]] = {}
        if file is None:
            return
        if not file.absolute().parent.is_dir():
            raise ValueError(f"{file}: its folder does not exist")
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        if whole != text:  # a torn line: the next one must not be appended to it
            file.write_text(whole, encoding="utf-8")
        for number, line in enumerate(whole.splitlines(), 1):
            row = _vetted(line, f"{file}, line {number}")
            if (row["topic"], row["quick"]) == (topic, quick):
                self.rows[row["item"]] = row

    def __contains__(self, name: str) -> bool:
        return name in self.rows

    @property
    def notes(self) -> dict[str, float]:
        """What the finished items left for others."""
        return {name: float(value) for row in self.rows.values() for name, value in row["notes"].items()}

    def when(self, name: str) -> str:
        """The date of an item."""
        return str(self.rows[name]["at"])

    def said(self, name: str) -> list[str]:
        """The lines that explain."""
        return list(self.rows[name]["said"])

    def lines(self, name: str) -> list[tuple[str, float, float, str]]:
        """The figures: name, value, goal, direction."""
        return [(str(n), float(v), float(g), str(op)) for n, v, g, op in self.rows[name]["lines"]]

    def add(self, name: str, lines: Any, said: list[str], notes: dict[str, float]) -> None:
        """Append an item."""
        if self.file is None:
            return
        row = {
            "topic": self.topic,
            "item": name,
            "quick": self.quick,
            "at": time.strftime("%Y-%m-%d %H:%M:%S"),
            "lines": [list(line) for line in lines],
            "said": said,
            "notes": notes,
        }
        with open(self.file, "a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")
            stream.flush()
            os.fsync(stream.fileno())


def _vetted(line: str, where: str) -> dict[str, Any]:
    """A line of the file, or ValueError: it may be any file."""
    kinds = {"topic": str, "item": str, "quick": bool, "at": str, "said": list, "notes": dict, "lines": list}
    try:
        row = json.loads(line)
        good = all(isinstance(row[key], kind) for key, kind in kinds.items())
        good = good and all(isinstance(text, str) for text in row["said"])
        good = good and all(isinstance(value, int | float) for value in row["notes"].values())
        for name, value, goal, op in row["lines"]:
            numbers = isinstance(value, int | float) and isinstance(goal, int | float)
            good = good and isinstance(name, str) and numbers and op in ("<=", "<", ">=")
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{where}: not a finished item; give a file that ``bench --goals`` has written") from error
    if not good:
        raise ValueError(f"{where}: not a finished item; give a file that ``bench --goals`` has written")
    return dict(row)
