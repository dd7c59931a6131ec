"""``solve`` one system from a file; ``doctor``: what it is like."""

from pathlib import Path
from typing import Annotated, Any

import typer

from .entry import app
from .voice import Json, Method, Quiet, Rtol, Voice, need


@app.command("solve")
def _solve(
    matrix: Annotated[Path, typer.Argument(metavar="A", help="A system: .mtx, .npz, .h5, .hdf5.")],
    rhs: Annotated[Path | None, typer.Argument(metavar="[B]", help="Its right-hand side: .mtx or .npy.")] = None,
    method: Method = None,
    rtol: Rtol = None,
    out: Annotated[Path | None, typer.Option(help="Write the solution here (.npy).")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Solve one system from a file, and say how well it is solved."""
    import numpy as np

    import resolvent as rv

    from ..runs.plan import method_of

    voice = Voice(as_json, quiet)
    if out is not None and (out.suffix != ".npy" or not out.absolute().parent.is_dir()):
        raise ValueError(f"{out}: the solution is written as .npy into a folder that exists")
    if out is not None and rhs is not None and out.exists() and out.samefile(rhs):
        raise ValueError(f"{out}: this is the right-hand side, and would be overwritten; give another name")
    problem = rv.load_system(matrix, rhs)
    options = {} if rtol is None else {"rtol": rtol}
    result = rv.solve(problem, method_of(method or "auto"), on_fail="ignore", **options)
    certificate = result.certificate()
    if out is not None:
        _save(out, result.x)
    voice.say(f"{matrix}: {problem.n} unknowns, {problem.nonzeros} entries, {problem.dtype}")
    if rhs is None and bool(np.all(np.asarray(problem.b) == 1)):
        voice.say("b is a vector of ones, as it is where a file brings no right-hand side and none is given")
    voice.say(f"{result.status.name}: {result.reason}" if result.ok else result.reason)
    if result.method is not None:
        voice.say(f"method: {result.method!r}")
    voice.say(f"certificate: {certificate['kind']}, {certificate['strength']}")
    voice.say(*(f"  {name} = {value:.6g}" for name, value in certificate["measure"].items()))
    if out is not None:
        voice.say(f"x: {out}")
    facts = {"ok": result.ok, "status": result.status.name, "reason": result.reason}
    facts |= {
        "method": None if result.method is None else repr(result.method),
        "steps": result.steps,
        "seconds": result.seconds,
        "certificate": certificate,
    }
    voice.end(0 if result.ok else 1, **facts, out=None if out is None else str(out))


def _save(path: Path, x: Any) -> None:
    import io

    import numpy as np

    from ..core import atomic_write

    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.ascontiguousarray(x), version=(1, 0), allow_pickle=False)
    atomic_write(path, buffer.getvalue())


@app.command("doctor")
def _doctor(
    matrix: Annotated[Path, typer.Argument(metavar="A", help="A system: .mtx, .npz, .h5, .hdf5.")],
    rhs: Annotated[Path | None, typer.Argument(metavar="[B]", help="Its right-hand side: .mtx or .npy.")] = None,
    rtol: Annotated[
        float | None, typer.Option(help="What the trials have to reach (1e-8; 1e-3 in single precision).")
    ] = None,
    seconds: Annotated[float, typer.Option(help="For all of it, about.")] = 5.0,
    seed: Annotated[int, typer.Option(help="Of random vectors.")] = 0,
    picture: Annotated[Path | None, typer.Option(help="Draw spectrum and trials into this PNG file.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page into this HTML file.")] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what a matrix is like, what was tried on it, and what is recommended."""
    import resolvent as rv

    from ..doctor import examine
    from ..doctor.words import lines

    voice = Voice(as_json, quiet)
    for path, kind in ((picture, ".png"), (report, ".html")):
        if path is not None:
            need("matplotlib", "jinja2")
            if path.suffix != kind or not path.absolute().parent.is_dir():
                raise ValueError(f"{path}: a {kind} file in a folder that exists is expected")
    found = examine(rv.load_system(matrix, rhs), rtol=rtol, seconds=seconds, seed=seed)
    voice.say(*lines(found, matrix.name))
    if picture is not None and found.spectrum:
        from ..doctor.picture import draw_png

        draw_png(found, picture)
        voice.say(f"picture: {picture}")
    if report is not None and found.spectrum:
        from ..doctor.picture import write_page

        write_page(found, matrix.name, report)
        voice.say(f"report: {report}")
    voice.end(0 if found.good else 1, **found.facts())
