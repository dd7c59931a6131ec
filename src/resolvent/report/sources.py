"""Where a page's facts come from: a Session in memory, or the files of a run. Both give one plain dictionary."""

import math
import shlex
from typing import Any

__all__ = ["from_run", "from_session"]

_NUMBER = (int, float)
#: What a line of a log must have for a page to be made of it.
_KINDS: dict[str, Any] = dict.fromkeys(("setup", "running", "seconds"), _NUMBER) | {
    "method": str,
    "reason": str,
    "work": dict,
}
_KINDS |= (
    dict.fromkeys(("index", "steps"), int) | dict.fromkeys(("ok", "guess", "trial", "retried"), bool) | {"kept": list}
)
_KINDS |= dict.fromkeys(("residual", "tolerance", "cold", "unit_seconds"), (*_NUMBER, type(None)))


def from_session(session: Any) -> dict[str, Any]:
    """Facts of a session: its last records, its totals, its learners."""
    from ..runs.learned import learners_table

    entries = [dict(entry) for entry in session.records]
    cold = session.totals.get("cold") or None
    for entry in entries:
        entry["cold"] = cold
    _histories(session, entries)
    solved = session.totals["solves"]
    left = "" if solved == len(entries) else f"The pictures show the last {len(entries)} of {solved} solves."
    return {
        "name": "A session",
        "title": left,
        "entries": entries,
        "total": solved,
        "solved_all": session.totals["ok"],
        "learners": learners_table(session),
        "auto": bool(session.auto),
        "options": {"method": "auto" if session.auto else repr(session.method), "rtol": session.rtol},
        "versions": {},
        "complete": True,
        "note": "",
        "n": None,
        "dtype": None,
        "command": "",
        "verify": "",
    }


def _histories(session: Any, entries: list[dict[str, Any]]) -> None:
    """Residual histories where somebody kept them: a History among the recorders, else the last result."""
    keepers = [r for r in session.recorders if hasattr(r, "blocks")]
    if keepers:
        blocks = list(keepers[0].blocks)
        if len(blocks) == len(entries):
            count = len(entries)
            for k in sorted({round(j * (count - 1) / 8) for j in range(9)}):
                entries[k]["history"] = [[row[0], row[1]] for row in blocks[k]]
            return
    last = getattr(session, "_last", None)
    if last is not None and entries:
        entries[-1]["history"] = last.history.tolist()
        entries[-1]["certificate"] = last.certificate()


def from_run(path: Any) -> dict[str, Any]:
    """Facts of a run, from its folder."""
    from ..core import load_state
    from ..runs.folder import Folder
    from ..runs.plan import Plan

    folder = Folder(path)
    manifest = folder.manifest()
    entries = list(folder.entries())
    for line, entry in enumerate(entries, 1):
        wrong = [name for name, kinds in _KINDS.items() if not isinstance(entry.get(name), kinds)]
        if wrong:
            raise ValueError(f"{folder.path}: line {line} of the log has {wrong[0]}={entry.get(wrong[0])!r}")
    learned: dict[str, Any] = load_state(folder.state)["run"] if folder.state.exists() else {"learners": []}
    saved = manifest["plan"]
    plan = Plan.of(manifest)
    said = {key: value for key, value in saved.items() if value not in (None, {}) and key not in ("where", "source")}
    return {
        "name": str(manifest["name"]),
        "title": str(manifest["title"]),
        "entries": entries,
        "total": len(manifest["order"]) if not manifest.get("complete") else len(entries),
        "solved_all": sum(bool(entry["ok"]) for entry in entries),
        "learners": learned["learners"],
        "auto": any(row["arms"] for row in learned["learners"]),
        "options": said,
        "versions": manifest["versions"],
        "complete": bool(manifest.get("complete")),
        "note": str(manifest.get("note", "")),
        "n": manifest.get("n"),
        "dtype": manifest.get("dtype"),
        "command": _command(plan),
        "verify": shlex.join(["resolvent", "verify", folder.path.name]),
    }


def _command(plan: Any) -> str:
    words = ["resolvent", "run", plan.source]
    for name in ("count", "size", "rtol", "seed", "state"):
        value = getattr(plan, name)
        if value is not None:
            words += [f"--{name}", f"{value:g}" if isinstance(value, float) and math.isfinite(value) else f"{value}"]
    if plan.method not in (None, "auto"):
        words += ["--method", plan.method]
    if plan.order == "similar":
        words += ["--order", "similar"]
    for key, value in plan.options.items():
        words += ["-o", f"{key}={value}"]
    return shlex.join([*words, "--out", "FOLDER"])
