"""``bench``, ``reproduce``, ``calibrate``, ``demo``: figures measured here and now."""

from pathlib import Path
from typing import Annotated, Any

import typer

from ..core.names import meant
from .entry import app
from .voice import Json, Lines, Voice, need


@app.command("bench")
def _bench(
    name: Annotated[str | None, typer.Argument(help="A gallery sequence.")] = None,
    goals: Annotated[str | None, typer.Option(help="Measure the promised figures of a topic: linear, ...")] = None,
    only: Annotated[str | None, typer.Option(help="With --goals: only items with this in their name.")] = None,
    count: Annotated[int | None, typer.Option(help="How many systems.")] = None,
    size: Annotated[int | None, typer.Option(help="The size of the sequence.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="With --goals: tiny sizes, to try the machinery.")] = False,
    out: Annotated[Path | None, typer.Option(help="Write the lines to this file too.")] = None,
    keep: Annotated[
        Path | None, typer.Option(help="With --goals: finished items are written here; go on from it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Compare with the solvers installed here, side by side; or measure the figures that are promised."""
    if (name is None) == (goals is None):
        raise ValueError("give the name of a sequence, or --goals TOPIC")
    if keep is not None and goals is None:
        raise ValueError("--keep goes with --goals TOPIC")
    lines = Lines(out, as_json)
    facts: dict[str, Any]
    if goals is not None:
        from ..bench.goals import goals as measure

        reached = measure(goals, lines, quick, only, keep)
        facts = {"goals": goals, "lines": lines.kept}
    else:
        from ..bench.compare import compare

        facts = compare(str(name), count, size, lines)
        reached = not facts["rows"][0]["failed"]
    lines.close()
    Voice(as_json, False).end(0 if reached else 1, reached=reached, **facts)


@app.command("reproduce")
def _reproduce(
    name: Annotated[str, typer.Argument(help="An experiment, such as learning-to-relax.")],
    quick: Annotated[bool, typer.Option("--quick", help="Smaller: minutes become seconds.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the tables to this file too.")] = None,
    as_json: Json = False,
) -> None:
    """Run a founding paper's experiment: its figures beside ours."""
    import importlib
    import pkgutil

    from .. import experiments

    known = {m.name.replace("_", "-"): m.name for m in pkgutil.iter_modules(experiments.__path__) if m.name[0] != "_"}
    if name not in known:
        raise ValueError(f"there is no experiment {name!r}{meant(name, known)}; there are: {', '.join(sorted(known))}")
    if seed < 0:
        raise ValueError(f"the seed {seed} was given; a whole number, 0 or more, is expected")
    lines = Lines(out, as_json)
    importlib.import_module(f"{experiments.__name__}.{known[name]}").run(quick=quick, seed=seed, out=lines)
    lines.close()
    Voice(as_json, False).end(0, experiment=name, quick=quick, seed=seed, lines=lines.kept)


@app.command("calibrate")
def _calibrate() -> None:
    """Fit the cost table to this machine and print it."""
    from ..bench import calibrate

    calibrate.main()


@app.command("demo")
def _demo(
    out: Annotated[Path, typer.Option(help="The folder for the page.")] = Path("demo"),
    picture: Annotated[Path | None, typer.Option(help="Draw the race only, into this PNG file.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Smaller systems: half a minute.")] = False,
    as_json: Json = False,
) -> None:
    """Four scenes in under three minutes: a race, belief, a killed run, yesterday's knowledge."""
    need("h5py", "matplotlib", "jinja2")
    from ..demo import main

    if picture is not None and (picture.suffix != ".png" or not picture.absolute().parent.is_dir()):
        raise ValueError(f"{picture}: a .png file in a folder that exists is expected")
    if picture is None and out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file; give a folder for the page")

    code = main(out, picture, quick, as_json)
    Voice(as_json, False).end(code, good=code == 0, out=str(out / "report.html" if picture is None else picture))
