"""``resolvent demo``: four scenes on one page, all computed here and now, in under three minutes.

A race against the solvers installed; systems on which one of them says success and is wrong; a run killed half-way and
resumed; yesterday's state loaded. Then a beam that finds its shape, and a photograph.
"""

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["main"]

_ONE = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def main(out: Path, picture: Path | None = None, quick: bool = False, aside: bool = False) -> int:
    """Play the scenes and write ``out/report.html``; with `picture` only run the race and draw it there.

    Parameters
    ----------
    out : path
        Folder of the page.
    picture : path, optional
        A PNG file for the race.
    quick : bool
        Smaller systems: the figures mean less, the scenes are the same.
    aside : bool
        Tell of them on stderr.

    Returns
    -------
    int
        Exit status: 0 unless something that resolvent answers for went wrong.
    """
    if any(os.environ.get(name) != "1" for name in _ONE):  # libraries read these once, when they are loaded
        words = ["demo", "--out", str(out), *(["--picture", str(picture)] if picture else []), *["--quick"] * quick]
        where = {"env": os.environ | dict.fromkeys(_ONE, "1"), "stdout": sys.stderr if aside else None}
        return subprocess.call([sys.executable, "-m", "resolvent", *words], **where)
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True, stderr=aside)
    begin = time.perf_counter()
    if picture is not None:
        from .race import draw_png, play

        draw_png(play(console, quick), picture)
        console.print(f"the race is drawn in {picture}")
        return 0
    return _play(out, quick, console, begin)


def _play(out: Path, quick: bool, console: Any, begin: float) -> int:
    from ..core import atomic_write
    from ..report.page import render
    from . import beam, belief, killed, photo, race, yesterday

    out.mkdir(parents=True, exist_ok=True)
    scenes: dict[str, Any] = {}
    for title, name, play in (
        ("1  A race", "race", race.play),
        ("2  Belief", "belief", belief.play),
        ("3  Killed, and resumed", "killed", lambda console, quick: killed.play(console, quick, out)),
        ("4  Yesterday's knowledge", "yesterday", lambda console, quick: yesterday.play(console, quick, out)),
        ("A beam finds its shape", "beam", beam.play),
        ("A photograph", "photo", photo.play),
    ):
        console.rule(f"[bold]{title}", align="left", style="dim")
        scenes[name] = play(console, quick)
        console.print()
    seconds = time.perf_counter() - begin
    folder = Path(__file__).parent / "templates"
    page = render("demo.html.j2", folder, title="demo", scenes=scenes, seconds=seconds, quick=quick)
    atomic_write(out / "report.html", page.encode())
    console.print(f"[bold]{out / 'report.html'}[/bold], written in {seconds:.0f} s")
    console.print("Your own systems, one .mtx, .npz or .h5 each: [bold]resolvent run YOUR_FOLDER --out my-run[/bold]")
    return 0 if all(scene["good"] for scene in scenes.values()) else 1
