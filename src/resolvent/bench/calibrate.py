"""The cost table fitted on this machine: every entry of ``core/costs.py`` by micro-benchmarks, least squares, printed.

    seconds of one event  ~  a + b nonzeros + c rows,   a, b, c >= 0

Each probe does what the package does where it counts the entry, on grids of 1e2 to 2.6e5 rows with 5, 7, 9 and 27
entries a row; the fits minimise relative errors. What is counted together (flops, nonzeros and events of a
factorization; passes and calls) is fitted together. Takes about two minutes on one quiet core; the printed source may
be pasted over the shipped table.

Reference: Lawson and Hanson, Solving Least Squares Problems (1974), chapter 23 (non-negative least squares).
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import nnls

from ..core.costs import EVENTS, UNITS
from .probes import Sample, measure

__all__ = ["Fit", "main", "relative", "remarks", "solve", "source", "table"]


class Fit(NamedTuple):
    """Coefficients in microseconds, and the smallest and largest ratio of model to measurement over the samples."""

    values: tuple[float, ...]
    low: float
    high: float


def _columns(name: str, sample: Sample) -> list[float]:
    """What multiplies the coefficients of an entry, in the table's units; calls and levels have no size, passes no nonzeros."""
    amount = sample.counts.get(name, 0.0)
    if name in UNITS:
        return [1e-3 * amount]
    if name in ("calls", "levels_rs", "levels_sa", "passes", "basis"):
        return [amount, 0.0, 1e-3 * amount * sample.rows * (name in ("passes", "basis"))]
    return [amount, 1e-3 * amount * sample.nonzeros, 1e-3 * amount * sample.rows]


def _priced(values: dict[str, tuple[float, ...]], sample: Sample, names: Any) -> float:
    """Microseconds of what is known already."""
    return sum(float(np.dot(_columns(k, sample), values[k])) for k in names if k in sample.counts)


def solve(samples: list[Sample], names: list[str], known: dict[str, tuple[float, ...]]) -> dict[str, Fit]:
    """Non-negative least squares in ratios for the entries ``names``, the others priced as known.

    Examples
    --------
    >>> two = [Sample(1000, 5000, 6e-6, {"products": 1}), Sample(2000, 10_000, 11e-6, {"products": 1})]
    >>> fit = solve(two, ["products"], {})["products"]
    >>> round(fit.values[0], 6), round(fit.low, 6), round(fit.high, 6)
    (1.0, 1.0, 1.0)
    """
    others = {k for s in samples for k in s.counts if k not in names and k in known}
    rest = np.array([1e6 * s.seconds - _priced(known, s, others) for s in samples])
    scale = np.array([1e6 * s.seconds for s in samples])
    rows = np.array([[v for name in names for v in _columns(name, s)] for s in samples])
    found = _fitted(rows, np.maximum(rest, 0.0), scale)
    ratio = (rows @ found + scale - rest) / scale
    out, at = {}, 0
    for name in names:
        count = len(_columns(name, samples[0]))
        out[name] = Fit(tuple(float(v) for v in found[at : at + count]), float(ratio.min()), float(ratio.max()))
        at += count
    return out


def relative(found: dict[str, list[Sample]], product: tuple[float, ...]) -> dict[str, list[Sample]]:
    """The samples as a machine with exactly the modelled product would have given them.

    Weights are ratios to a product of the same matrix, so what matters is the ratio measured on that matrix: out of
    the caches both sides become slower together.
    """
    own = {s[:2]: s.seconds for s in found["products"]}

    def model(s: Sample) -> float:
        return 1e-6 * float(np.dot(product, [1.0, 1e-3 * s.nonzeros, 1e-3 * s.rows]))

    return {
        group: [s._replace(seconds=s.seconds * model(s) / own[s[:2]]) for s in samples if s[:2] in own]
        for group, samples in found.items()
    }


def _fitted(rows: Any, wanted: Any, scale: Any) -> Any:
    """Reweighted until errors count by the logarithm of model over measurement, and those beyond a factor 1.3 less."""
    norms = np.linalg.norm(rows / scale[:, None], axis=0)
    norms[norms == 0] = 1.0
    weight = 1.0 / scale
    found = np.zeros(rows.shape[1])
    for _ in range(30):
        found = nnls(rows * weight[:, None] / norms, wanted * weight)[0] / norms
        model = rows @ found + scale - wanted
        off = np.abs(np.log(np.maximum(model, 1e-3 * scale) / scale))
        weight = np.sqrt(
            np.minimum(1.0, np.log(1.3) / np.maximum(off, 1e-12)) / (np.maximum(model, 0.1 * scale) * scale)
        )
    return found


def table(found: dict[str, list[Sample]]) -> dict[str, Fit]:
    """Every entry of the cost table from the samples, in an order in which what is needed is known."""
    fits = solve(found["products"], ["products"], {})
    found = relative(found, fits["products"].values)
    known = {"products": fits["products"].values}

    def fit(groups: list[str], names: list[str]) -> None:
        samples = [s for g in groups for s in found.get(g, [])]
        if samples:
            fits.update(solve(samples, names, known))
            known.update({k: fits[k].values for k in names})

    for name in (
        "sweeps",
        "cg_steps",
        "minres_steps",
        "bicgstab_steps",
        "projections",
        "ssor_steps",
        "checks",
        "gathers",
        "diagonals",
        "symbolics",
        "symmetry",
    ):
        fit([name], [name])
    fit(["orderings"], ["orderings"])
    fit(["loop"], ["calls"])
    fit(["vectors"], ["passes"])
    fit(["basis"], ["basis"])
    for name in ("ic_factorizations", "ic_solves", "triangular", "dense_triangular"):
        fit([name], [name])
    fit(["factors"], ["factorizations", "factor_flops", "factor_nonzeros"])
    fit(["ilu"], ["ilu_factorizations"])
    fit(["ilu applied"], ["ilu_solves"])
    fit(["ilut"], ["ilut_nonzeros"])
    fit(["block"], ["block_flops"])
    fit(["block applied"], ["block_entries"])
    fit(["dense"], ["dense_flops"])
    fit(["hierarchy rs", "hierarchy sa"], ["hierarchy", "levels_rs", "levels_sa"])
    fit(["cycles rs"], ["cycles_rs"])
    fit(["cycles sa"], ["cycles_sa"])
    return fits


def main(out: Callable[[str], Any] = print, largest: int = 300_000) -> dict[str, Fit]:
    """Measure, fit, and print the table as source beside the shipped values.

    Parameters
    ----------
    out : callable
        Takes the lines.
    largest : int
        Rows of the largest grid.

    Returns
    -------
    dict of str to Fit
    """
    from .threads import one_thread

    with one_thread():
        found = measure(largest, out)
    fits = table(found)
    for line in source(fits):
        out(line)
    for line in remarks(found, fits):
        out(line)
    return fits


def source(fits: dict[str, Fit]) -> Iterator[str]:
    """The table as Python source; behind each entry the shipped one and the range of model over measurement."""
    first = fits["products"].values if "products" in fits else EVENTS["products"]
    yield f"PRODUCT: tuple[float, float, float] = ({', '.join(f'{v:.3g}' for v in first)})"
    yield "EVENTS: dict[str, tuple[float, float, float]] = {"
    for name, shipped in EVENTS.items():
        fit = fits.get(name)
        values = (
            "PRODUCT" if name == "products" else f"({', '.join(f'{v:.3g}' for v in (fit.values if fit else shipped))})"
        )
        yield f'    "{name}": {values},  # shipped {shipped}; {_range(fit)}'
    yield "}"
    yield "UNITS: dict[str, float] = {"
    for name, old in UNITS.items():
        fit = fits.get(name)
        yield f'    "{name}": {fit.values[0] if fit else old:.3g},  # shipped {old}; {_range(fit)}'
    yield "}"


def _range(fit: Fit | None) -> str:
    return "not measured" if fit is None else f"model/measured {fit.low:.2f} to {fit.high:.2f}"


_ALONE = {
    "residuals": ["products"],
    "width": ["symmetry"],
    "hierarchy rs": ["hierarchy", "levels_rs"],
    "hierarchy sa": ["hierarchy", "levels_sa"],
    "refresh rs": ["hierarchy", "levels_rs"],
    "refresh sa": ["hierarchy", "levels_sa"],
    "triangular ilut": ["triangular"],
    "cycles rs": ["cycles_rs", "calls"],
    "cycles sa": ["cycles_sa", "calls"],
}


def remarks(found: dict[str, list[Sample]], fits: dict[str, Fit]) -> Iterator[str]:
    """What is counted under a shared name, fitted alone: where these differ much, one name is too few."""
    found = relative(found, fits["products"].values)
    for group, names in _ALONE.items():
        samples = found.get(group, [])
        if samples:
            alone = solve(samples, names, {})
            what = "; ".join(f"{k} ({', '.join(f'{v:.3g}' for v in alone[k].values)})" for k in names)
            yield f"# {group} alone: {what}; {_range(alone[names[0]])}"
