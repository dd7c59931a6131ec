"""Pictures as inline SVG: the same bytes for the same data, colours by name so that a page may turn dark.

Matplotlib draws with stand-in colours, which are replaced by CSS variables; dates, versions, namespaces and counted
identifiers are taken out, text stays text in the page's own font.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["COLOURS", "SERIES", "drawing", "inline", "styled"]

SERIES = tuple(f"c{k}" for k in range(8))
_NAMES = ("ink", "muted", "faint", "ground", "good", "bad", *SERIES)
#: What matplotlib is given for each name; none of these occurs otherwise.
COLOURS = {name: f"#{10 + k:02x}f3{k:02x}" for k, name in enumerate(_NAMES)}

_RC = {
    "svg.fonttype": "none",
    "font.size": 10.5,
    "font.family": "sans-serif",
    "axes.edgecolor": COLOURS["faint"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": COLOURS["faint"],
    "grid.linewidth": 0.6,
    "xtick.color": COLOURS["faint"],
    "ytick.color": COLOURS["faint"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["muted"],
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
    "text.color": COLOURS["ink"],
    "lines.solid_capstyle": "round",
    "axes.formatter.use_mathtext": False,
}


@contextmanager
def styled() -> Iterator[None]:
    """The house style of matplotlib for a while."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC)
        yield


@contextmanager
def drawing(width: float, height: float, **layout: Any) -> Iterator[Any]:
    """A figure of that many inches in the house style, without the global state of pyplot."""
    from matplotlib.figure import Figure

    with styled():
        yield Figure(figsize=(width, height), layout="constrained", **layout)


def inline(figure: Any, name: str, title: str) -> str:
    """The figure as an ``<svg>`` element.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn in colours of `COLOURS`.
    name : str
        Keeps the identifiers of several pictures on one page apart.
    title : str
        What the picture shows, for those who cannot see it.

    Returns
    -------
    str
    """
    import html

    import matplotlib

    buffer = io.StringIO()
    matplotlib.rcParams["svg.hashsalt"] = name
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(buffer, format="svg", metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    head, body = text.split(">", 1)
    box = re.search(r'viewBox="([^"]*)"', head)
    assert box is not None
    body = body.replace("xlink:href", "href")
    body = re.sub(r' id="[\w.]+_\d+"', "", body)
    body = body.replace('<style type="text/css">*{', "<style>.figure *{")
    body = re.sub(r"<!--.*?-->", "", body, flags=re.S)
    body = re.sub(r"\n\s*", "\n", body)
    for shown, colour in COLOURS.items():
        body = body.replace(colour, f"var(--{shown})")
    body = re.sub(r"font: ([\d.]+)px [^;\"]*", r"font-size: \1px", body)
    label = html.escape(title, quote=True)
    return f'<svg viewBox="{box.group(1)}" role="img" aria-label="{label}" class="figure">{body.strip()}\n'
