"""A page from facts: one HTML file that needs nothing else."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..core import atomic_write
from .figures import cost_figure, history_figure, sum_figure
from .story import Story

__all__ = ["render", "write_page"]


def write_page(path: str | os.PathLike[str], facts: dict[str, Any]) -> None:
    """Write the page of a session or run."""
    atomic_write(path, _run_page(facts).encode())


def _run_page(facts: dict[str, Any]) -> str:
    missing = [name for name in ("jinja2", "matplotlib") if find_spec(name) is None]
    if missing:
        raise ValueError(f"a report needs {' and '.join(missing)}: pip install 'resolvent[cli]'")
    if not facts["entries"]:
        return render("empty.html.j2", title=facts["name"])
    story = Story(facts)
    return render(
        "run.html.j2",
        title=facts["name"],
        facts=facts,
        story=story,
        cost=cost_figure(story),
        sums=sum_figure(story),
        histories=history_figure(story),
    )


def render(template: str, folder: str | os.PathLike[str] | None = None, **values: Any) -> str:
    """Fill a template of this room, or of another folder that builds on this room's.

    Parameters
    ----------
    template : str
    folder : path-like, optional
        Where the template is, when it is not here.
    **values
        For the template; pictures are trusted, text is escaped.

    Returns
    -------
    str
    """
    import jinja2

    folders = [Path(__file__).parent / "templates"] if folder is None else [folder, Path(__file__).parent / "templates"]
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders), autoescape=True, trim_blocks=True, lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )  # fmt: skip
    environment.filters["whole"] = lambda value: f"{value:,.0f}"
    environment.filters["short"] = lambda value: "" if value is None else f"{value:.3g}"
    return environment.get_template(template).render(**values)
