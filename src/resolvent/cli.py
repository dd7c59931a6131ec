"""The commands. Exit status: 0 when everything is solved, 1 when something is not, 2 for bad input, with one line.

With ``--json`` what people read goes to stderr, and the last line of stdout is one JSON object.
"""

import errno
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = ["app", "run"]

app = typer.Typer(
    name="resolvent",
    help="Iterative solvers that learn from one solve to the next, and certify every answer.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_Json = Annotated[bool, typer.Option("--json", help="One JSON object on the last line of stdout.")]
_Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress bar, no summary.")]
_Method = Annotated[str | None, typer.Option(help="auto, cg, cg+ssor, direct, ...")]
_Rtol = Annotated[float | None, typer.Option(help="Stop when the residual is below rtol * ||b||.")]


class _Voice:
    """Where text for people goes, and the JSON."""

    def __init__(self, as_json: bool, quiet: bool) -> None:
        self.as_json, self.quiet = as_json, quiet

    def say(self, *lines: str) -> None:
        """For people."""
        if not self.quiet:
            for line in lines:
                print(line, file=sys.stderr if self.as_json else sys.stdout)

    def end(self, code: int, **facts: Any) -> None:
        """The JSON object, and the exit status."""
        from .runs.folder import plain

        if self.as_json:
            print(json.dumps(plain(facts | {"exit": code})))
        if code:
            raise typer.Exit(code)


def run(argv: list[str]) -> int:
    """Run one command line.

    Parameters
    ----------
    argv : list of str

    Returns
    -------
    int
        The exit status.
    """
    try:
        code = app(args=argv, prog_name="resolvent", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except KeyboardInterrupt:
        return _fail(argv, "interrupted", 130)
    except BrokenPipeError:
        return 1
    except MemoryError as error:
        return _fail(argv, f"there is not enough memory ({error})" if str(error) else "there is not enough memory")
    except OSError as error:
        return _fail(argv, _from_system(error))
    except (ValueError, TypeError) as error:
        return _fail(argv, str(error))
    except Exception as error:
        shown = getattr(error, "format_message", None)
        if shown is None:
            raise
        if "NoArgsIsHelp" in type(error).__name__:
            print(shown())
            return 0
        return _fail(argv, shown())


def _fail(argv: list[str], message: str, code: int = 2) -> int:
    line = " ".join(message.split())
    print(f"resolvent: {line}", file=sys.stderr)
    if "--json" in argv:
        print(json.dumps({"error": line, "exit": code}))
    return code


def _from_system(error: OSError) -> str:
    """What the system says, in one sentence with the file."""
    name = str(error.filename) if error.filename else ""
    where = f"{name}: " if name else ""
    sentences = {
        errno.ENOSPC: "the disk is full; free some space, then go on with --resume",
        errno.EDQUOT: "the disk quota is used up; free some space, then go on with --resume",
        errno.EFBIG: "the file may not grow any further (a limit of this system); then go on with --resume",
        errno.EROFS: "the file system is read-only; give a folder that can be written",
        errno.EACCES: "no permission; give a file or folder that you may read and write",
        errno.EPERM: "no permission; give a file or folder that you may read and write",
        errno.ENOENT: "there is no such file or folder",
        errno.ENOTDIR: "a part of this path is a file, not a folder",
        errno.EISDIR: "this is a folder, and a file is expected",
        errno.EIO: "the disk reports an error (input/output error)",
    }
    if error.errno in sentences:
        return where + sentences[error.errno]
    return f"{where}{error.strerror}" if error.strerror else str(error)


# ---- run, verify ---------------------------------------------------------------------------------------------------


@app.command("run")
def _run(
    source: Annotated[str, typer.Argument(metavar="NAME|FOLDER|FILE", help="A gallery sequence, a folder, a file.")],
    count: Annotated[int | None, typer.Option(help="How many systems.")] = None,
    size: Annotated[int | None, typer.Option(help="The size of a gallery sequence.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder for solutions, log, state and report.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in --out (or start it).")] = False,
    rtol: _Rtol = None,
    method: _Method = None,
    seed: Annotated[int | None, typer.Option(help="Seed of learners that draw.")] = None,
    order: Annotated[str | None, typer.Option(help="given, or similar: neighbours first.")] = None,
    checkpoint: Annotated[float | None, typer.Option(help="Seconds of work between checkpoints (30).")] = None,
    state: Annotated[Path | None, typer.Option(help="Start from this saved session.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", "-o", help="KEY=VALUE for a gallery sequence.")
    ] = None,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Solve a sequence of related systems; with --out, into a folder that survives being killed."""
    from .recorders import ProgressBar
    from .runs import Plan, execute

    voice = _Voice(as_json, quiet)
    if out is not None:
        _need("h5py", "matplotlib", "jinja2")
    plan = Plan(
        source=source,
        count=count,
        size=size,
        options=dict(_option(text) for text in option or []),
        method=method,
        rtol=rtol,
        seed=seed,
        order=order,
        checkpoint=checkpoint,
        state=None if state is None else str(state),
    )
    outcome = execute(plan, out, resume, None if quiet else ProgressBar)
    voice.say(*outcome.summary)
    if outcome.note:
        voice.say(outcome.note)
    if outcome.status == "interrupted":
        left = _left(plan, outcome)
        print(f"resolvent: {left}", file=sys.stderr)
    elif outcome.folder is not None:
        voice.say(f"report: {outcome.folder / 'report.html'}", f"check it again: resolvent verify {outcome.folder}")
    else:
        voice.say("nothing was written; --out FOLDER keeps solutions, log, state and report")
    code = 130 if outcome.status == "interrupted" else 0 if outcome.good else 1
    folder = None if outcome.folder is None else str(outcome.folder)
    facts = {name: value for name, value in vars(outcome).items() if name != "folder"}
    voice.end(code, **facts, out=folder)


def _left(plan: Any, outcome: Any) -> str:
    """What an interrupted run leaves, and how to go on."""
    if outcome.folder is None:
        return f"interrupted after {outcome.solved} of {outcome.total}; nothing was written (no --out)"
    again = outcome.solved - outcome.checkpoint
    rest = f"; the last {again} of these, after the checkpoint, will be solved again" if again else ""
    return f"interrupted after {outcome.solved} of {outcome.total}{rest}; go on with: {plan.command(outcome.folder)}"


def _option(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ValueError(f"the option {text!r} was given; KEY=VALUE is expected")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _need(*names: str) -> None:
    from importlib.util import find_spec

    missing = [name for name in names if find_spec(name) is None]
    if missing:
        raise ValueError(f"this needs {', '.join(missing)}: pip install 'resolvent[cli]'")


@app.command("verify")
def _verify(
    folder: Annotated[Path, typer.Argument(metavar="RUN_DIR", help="The folder of a run.")],
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Check every solve of a run again, from its files, with NumPy alone."""
    from .runs import verify

    voice = _Voice(as_json, quiet)
    verdict = verify(folder)
    voice.say(*verdict.lines())
    for failure in verdict.failures:
        print(f"false: {failure}", file=sys.stderr if as_json else sys.stdout)
    voice.say("every claim of this run is true" if verdict.good else "this run does not hold what it says")
    voice.end(0 if verdict.good else 1, **vars(verdict), good=verdict.good, words=verdict.lines())


# ---- solve ---------------------------------------------------------------------------------------------------------


@app.command("solve")
def _solve(
    matrix: Annotated[Path, typer.Argument(metavar="A", help="A system: .mtx, .npz, .h5, .hdf5.")],
    rhs: Annotated[Path | None, typer.Argument(metavar="[B]", help="Its right-hand side: .mtx or .npy.")] = None,
    method: _Method = None,
    rtol: _Rtol = None,
    out: Annotated[Path | None, typer.Option(help="Write the solution here (.npy).")] = None,
    as_json: _Json = False,
    quiet: _Quiet = False,
) -> None:
    """Solve one system from a file, and say how well it is solved."""
    import resolvent as rv

    from .gallery.readers import find_rhs
    from .runs.plan import method_of

    voice = _Voice(as_json, quiet)
    if out is not None and (out.suffix != ".npy" or not out.absolute().parent.is_dir()):
        raise ValueError(f"{out}: the solution is written as .npy into a folder that exists")
    problem = rv.load_system(matrix, rhs)
    options = {} if rtol is None else {"rtol": rtol}
    result = rv.solve(problem, method_of(method or "auto"), on_fail="ignore", **options)
    certificate = result.certificate()
    if out is not None:
        _save(out, result.x)
    voice.say(f"{matrix}: {problem.n} unknowns, {problem.nonzeros} entries, {problem.dtype}")
    if rhs is None and matrix.suffix.lower() == ".mtx" and find_rhs(matrix) is None:
        voice.say("no right-hand side was given or found beside it: b is a vector of ones")
    voice.say(f"{result.status.name}: {result.reason}" if result.ok else result.reason)
    voice.say(f"method: {result.method!r}", f"certificate: {certificate['kind']}, {certificate['strength']}")
    voice.say(*(f"  {name} = {value:.6g}" for name, value in certificate["measure"].items()))
    if out is not None:
        voice.say(f"x: {out}")
    facts = {"ok": result.ok, "status": result.status.name, "reason": result.reason, "method": repr(result.method)}
    facts |= {"steps": result.steps, "seconds": result.seconds, "certificate": certificate}
    voice.end(0 if result.ok else 1, **facts, out=None if out is None else str(out))


def _save(path: Path, x: Any) -> None:
    import io

    import numpy as np

    from .core import atomic_write

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(x), version=(1, 0), allow_pickle=False)
    atomic_write(path, buffer.getvalue())


# ---- bench, reproduce, calibrate, demo -----------------------------------------------------------------------------


class _Lines:
    """Prints lines as they come and keeps them for a file."""

    def __init__(self, file: Path | None) -> None:
        self.file, self.kept = file, []
        if file is not None and not file.absolute().parent.is_dir():
            raise ValueError(f"{file}: its folder does not exist")

    def __call__(self, text: str) -> None:
        print(text, flush=True)
        self.kept.append(text)

    def close(self) -> None:
        """Write the file."""
        from .core import atomic_write

        if self.file is not None:
            atomic_write(self.file, "".join(f"{line}\n" for line in self.kept).encode())


@app.command("bench")
def _bench(
    name: Annotated[str | None, typer.Argument(help="A gallery sequence.")] = None,
    goals: Annotated[str | None, typer.Option(help="Measure the promised figures of a topic: linear, ...")] = None,
    only: Annotated[str | None, typer.Option(help="With --goals: only items with this in their name.")] = None,
    count: Annotated[int | None, typer.Option(help="How many systems.")] = None,
    size: Annotated[int | None, typer.Option(help="The size of the sequence.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="With --goals: tiny sizes, to try the machinery.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the lines to this file too.")] = None,
) -> None:
    """Compare with the solvers installed here, side by side; or measure the figures that are promised."""
    if (name is None) == (goals is None):
        raise ValueError("give the name of a sequence, or --goals TOPIC")
    lines = _Lines(out)
    if goals is not None:
        from .bench.goals import goals as measure

        reached = measure(goals, lines, quick, only)
    else:
        from .bench.compare import compare

        reached = not compare(str(name), count, size, lines)["rows"][0]["failed"]
    lines.close()
    if not reached:
        raise typer.Exit(1)


@app.command("reproduce")
def _reproduce(
    name: Annotated[str, typer.Argument(help="An experiment, such as learning-to-relax.")],
    quick: Annotated[bool, typer.Option("--quick", help="Smaller: minutes become seconds.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the tables to this file too.")] = None,
) -> None:
    """Run a founding paper's experiment: its figures beside ours."""
    import importlib
    import pkgutil

    from . import experiments

    known = {m.name.replace("_", "-"): m.name for m in pkgutil.iter_modules(experiments.__path__) if m.name[0] != "_"}
    if name not in known:
        raise ValueError(f"there is no experiment {name!r}; there are: {', '.join(sorted(known))}")
    lines = _Lines(out)
    importlib.import_module(f"{experiments.__name__}.{known[name]}").run(quick=quick, seed=seed, out=lines)
    lines.close()


@app.command("calibrate")
def _calibrate() -> None:
    """Fit the cost table to this machine and print it."""
    from .bench import calibrate

    calibrate.main()


@app.command("demo")
def _demo(
    out: Annotated[Path, typer.Option(help="The folder for the page.")] = Path("demo"),
    picture: Annotated[Path | None, typer.Option(help="Draw the race only, into this PNG file.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller systems: half a minute.")] = False,
) -> None:
    """Four scenes in under three minutes: a race, belief, a killed run, yesterday's knowledge."""
    _need("h5py", "matplotlib", "jinja2")
    from .demo import main

    code = main(out, picture, quick)
    if code:
        raise typer.Exit(code)
