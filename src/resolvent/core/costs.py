"""The cost table: what each counted unit of work is worth in products with a matrix of given size.

One shipped table, so that choices are the same bits on every machine; ``resolvent calibrate`` fits it anew and prints
it. An entry ``name: (per event, per unit)`` is in microseconds for one event and for a thousand units of what the
comment says. Bytes alone misjudge a factorization a hundredfold, so flops and events have entries of their own.
"""

from collections.abc import Mapping

__all__ = ["TABLE", "product_seconds", "weights"]

# microseconds per event, microseconds per thousand nonzeros, microseconds per thousand rows: one product y = A x
PRODUCT: tuple[float, float, float] = (1.0, 0.45, 0.55)

# counted per event: (us per event, us per 1000 nonzeros, us per 1000 rows)
EVENTS: dict[str, tuple[float, float, float]] = {
    "products": PRODUCT,
    "sweeps": (1.0, 0.9, 1.2),  # one stationary iteration, residual included
    "cg_steps": (1.0, 0.47, 2.0),  # one fused CG iteration, product included
    "ssor_steps": (1.0, 0.9, 1.9),  # one CG iteration in Eisenstat's form
    "passes": (0.4, 0.0, 0.35),  # one n-vector read or written in a vector operation
    "checks": (2.0, 0.1, 0.2),  # comparing the matrix with the one that was kept
    "gathers": (5.0, 1.2, 2.0),  # values brought into another order
    "symbolics": (50.0, 8.0, 8.0),  # levels, permutation, maps of a pattern
    "symmetry": (20.0, 6.0, 1.0),  # comparing A with its transpose
    "calls": (8.0, 0.0, 0.0),  # one pass of a Python method through the loop
    "orderings": (60.0, 60.0, 60.0),  # a fill-reducing ordering
    "factorizations": (60.0, 3.0, 3.0),  # what a factorization costs beside its flops
    "ic_factorizations": (10.0, 12.0, 10.0),
}

# counted per unit: us per 1000 units
UNITS: dict[str, float] = {
    "factor_flops": 0.7,  # multiply-adds of a sparse factorization, from the column counts
    "factor_nonzeros": 0.02,  # nonzeros of the factors, written
    "dense_flops": 0.0002,  # flops of a dense factorization
    "triangular": 1.6,  # nonzeros passed in a triangular solve
    "hierarchy": 90.0,  # nonzeros of a multigrid hierarchy, set up
    "cycles": 4.5,  # nonzeros visited by a multigrid cycle, smoothing included
}

TABLE: dict[str, dict[str, tuple[float, float, float]] | dict[str, float]] = {"events": EVENTS, "units": UNITS}


def product_seconds(rows: int, nonzeros: int) -> float:
    """Modelled seconds of one product."""
    once, per_nonzero, per_row = PRODUCT
    return 1e-6 * (once + 1e-3 * (per_nonzero * nonzeros + per_row * rows))


def weights(rows: int, nonzeros: int) -> Mapping[str, float]:
    """What one unit of each name costs, in products with a matrix of this size.

    Parameters
    ----------
    rows, nonzeros : int
        Size of the matrix.

    Returns
    -------
    mapping of str to float

    Examples
    --------
    >>> from resolvent.core.costs import weights
    >>> w = weights(10_000, 49_600)
    >>> w["products"], 1.5 < w["ssor_steps"] < 3
    (1.0, True)
    """
    unit = 1e6 * product_seconds(rows, nonzeros)
    out = {
        name: (once + 1e-3 * (per_nonzero * nonzeros + per_row * rows)) / unit
        for name, (once, per_nonzero, per_row) in EVENTS.items()
    }
    out.update({name: 1e-3 * per / unit for name, per in UNITS.items()})
    return out
