"""``generate`` a training set for neural operators."""

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from .entry import app
from .sequences import close, option_of
from .voice import Json, Method, Quiet, Rtol, Voice, need


@app.command("generate")
def _generate(
    problem: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE.py",
            help="darcy, helmholtz, convection-diffusion, poisson, or a Python file with make(i, rng) -> (A, b, features).",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The HDF5 file (its run stands beside it), or a folder for both.")],
    count: Annotated[int | None, typer.Option(help="How many samples (1000).")] = None,
    size: Annotated[int | None, typer.Option(help="Grid points a side (64).")] = None,
    seed: Annotated[int | None, typer.Option(help="Root of the seeds (0); sample i has its own.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is there (or start it).")] = False,
    dtype: Annotated[str | None, typer.Option(help="In the file: float64, or float32 (rounded at the end).")] = None,
    rtol: Rtol = None,
    method: Method = None,
    order: Annotated[str | None, typer.Option(help="Solve neighbours first (similar), or as drawn (given).")] = None,
    chunk: Annotated[int | None, typer.Option(help="Samples sorted together (512).")] = None,
    checkpoint: Annotated[float | None, typer.Option(help="Seconds of work between checkpoints (30).")] = None,
    option: Annotated[list[str] | None, typer.Option("--option", "-o", help="KEY=VALUE, such as kind=log.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a training set: inputs and certified solutions in one HDF5 file, resumable."""
    need("h5py", "matplotlib", "jinja2")
    from ..generate.making import generate, places
    from ..recorders import ProgressBar

    voice = Voice(as_json, quiet)
    outcome = generate(
        problem,
        out,
        count,
        size,
        seed=seed,
        rtol=rtol,
        method=method,
        dtype=dtype,
        order=order,
        chunk=chunk,
        checkpoint=checkpoint,
        resume=resume,
        options=dict(option_of(text) for text in option or []),
        bar=None if quiet else ProgressBar,
    )
    file, folder = places(out)
    voice.say(*outcome.summary)
    if outcome.status == "interrupted":
        done = f"interrupted after {outcome.solved} of {outcome.total}"
        again = shlex.join(["resolvent", "generate", problem, "--out", str(out), "--resume"])
        print(f"resolvent: {done}; go on with: {again}", file=sys.stderr)
    else:
        voice.say(f"samples: {file} (x, y; {outcome.ok} of {outcome.solved} certified)")
        voice.say(f"report: {folder / 'report.html'}")
    close(voice, outcome, out=str(file), run=str(folder))
