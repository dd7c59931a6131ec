"""``run`` a sequence into a folder, and ``verify`` what lies there."""

import json
import shlex
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .entry import app
from .voice import Json, Method, Quiet, Rtol, Voice, need


@app.command("run")
def _run(
    source: Annotated[str, typer.Argument(metavar="NAME|FOLDER|FILE", help="A gallery sequence, a folder, a file.")],
    count: Annotated[int | None, typer.Option(help="How many systems.")] = None,
    size: Annotated[int | None, typer.Option(help="The size of a gallery sequence.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for solutions, log, state and report.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out (or start it).")] = False,
    rtol: Rtol = None,
    method: Method = None,
    seed: Annotated[int | None, typer.Option(help="Seed of learners that draw.")] = None,
    order: Annotated[str | None, typer.Option(help="given, or similar: neighbours first.")] = None,
    checkpoint: Annotated[float | None, typer.Option(help="Seconds of work between checkpoints (30).")] = None,
    state: Annotated[Path | None, typer.Option(help="Start from this saved session.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="KEY=VALUE for a gallery sequence.")
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Solve a sequence of related systems; with --out, into a folder that survives being killed."""
    from ..recorders import ProgressBar
    from ..runs import Plan, execute

    voice = Voice(as_json, quiet)
    if out is not None:
        need("h5py", "matplotlib", "jinja2")
    plan = Plan(
        source=source,
        count=count,
        size=size,
        options=dict(option_of(text) for text in option or []),
        method=method,
        rtol=rtol,
        seed=seed,
        order=order,
        checkpoint=checkpoint,
        state=None if state is None else str(state),
    )
    outcome = execute(plan, out, resume, None if quiet else ProgressBar)
    _tell(voice, plan, outcome)
    close(voice, outcome, out=None if outcome.folder is None else str(outcome.folder))


def close(voice: Voice, outcome: Any, **places: Any) -> None:
    """The JSON object of an outcome, and its exit status."""
    code = 130 if outcome.status == "interrupted" else 0 if outcome.good else 1
    facts = {name: value for name, value in vars(outcome).items() if name != "folder"}
    voice.end(code, **facts, **places)


def _tell(voice: Voice, plan: Any, outcome: Any) -> None:
    """How a run ended, for people."""
    voice.say(*outcome.summary)
    if outcome.note:
        voice.say(outcome.note)
    if outcome.ones:
        made_up = "b is a vector of ones, as it is where a file brings no right-hand side"
        voice.say(f"in {outcome.ones} of {outcome.solved} systems {made_up}")
    if outcome.status == "interrupted":
        print(f"resolvent: {_left(plan, outcome)}", file=sys.stderr)
    elif outcome.folder is not None:
        again = shlex.join(["resolvent", "verify", str(outcome.folder)])
        voice.say(f"report: {outcome.folder / 'report.html'}", f"check it again: {again}")
    else:
        voice.say("nothing was written; --out FOLDER keeps solutions, log, state and report")


def _left(plan: Any, outcome: Any) -> str:
    """What an interrupted run leaves, and how to go on."""
    if outcome.folder is None:
        return f"interrupted after {outcome.solved} of {outcome.total}; nothing was written (no --out)"
    again = outcome.solved - outcome.checkpoint
    rest = f"; the last {again} of these, after the checkpoint, will be solved again" if again else ""
    return f"interrupted after {outcome.solved} of {outcome.total}{rest}; go on with: {plan.command(outcome.folder)}"


def option_of(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"the option {text!r} was given; KEY=VALUE is expected")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


@app.command("verify")
def _verify(
    folder: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="The folder of a run.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Check every solve of a run again, from its files, with NumPy alone."""
    from ..runs import verify

    voice = Voice(as_json, quiet)
    verdict = verify(folder)
    voice.say(*verdict.lines())
    for failure in verdict.failures:
        print(f"false: {failure}", file=sys.stderr if as_json else sys.stdout)
    voice.say("every claim of this run is true" if verdict.good else "this run does not hold what it says")
    voice.end(0 if verdict.good else 1, **vars(verdict), good=verdict.good, words=verdict.lines())
