"""The cost table: what each counted unit of work is worth in products with a matrix of given size.

One shipped table, so that choices are the same bits on every machine; ``resolvent calibrate`` fits it anew and prints
it. An entry ``name: (per event, per unit)`` is in microseconds for one event and for a thousand units of what the
comment says. Bytes alone misjudge a factorization a hundredfold, so flops and events have entries of their own.
"""

from collections.abc import Mapping

__all__ = ["TABLE", "product_seconds", "weights"]

# microseconds per event, microseconds per thousand nonzeros, microseconds per thousand rows: one product y = A x
PRODUCT: tuple[float, float, float] = (1.0, 0.476, 0.0)

# counted per event: (us per event, us per 1000 nonzeros, us per 1000 rows)
EVENTS: dict[str, tuple[float, float, float]] = {
    "products": PRODUCT,
    "sweeps": (0.2, 0.34, 5.1),  # one stationary iteration, residual included
    "cg_steps": (0.12, 0.53, 0.22),  # one fused CG iteration, product included
    "ssor_steps": (0.18, 0.42, 0.4),  # one CG iteration in Eisenstat's form
    "passes": (0.28, 0.0, 0.15),  # one n-vector read or written in a vector operation
    "checks": (14.0, 0.35, 0.6),  # comparing the matrix with the one that was kept
    "gathers": (0.3, 1.3, 3.0),  # values brought into another order, scaled by the diagonal
    "diagonals": (4.2, 0.15, 4.0),  # the diagonal found and inverted
    "symbolics": (9.0, 8.4, 27.0),  # levels, permutation, maps of a pattern
    "symmetry": (0.9, 0.6, 1.3),  # comparing A with its transpose
    "calls": (3.2, 0.0, 0.0),  # one pass of a Python method through the loop
    "orderings": (300.0, 275.0, 50.0),  # a fill-reducing ordering
    "factorizations": (32.0, 0.0, 200.0),  # what a factorization costs beside its flops and nonzeros
    "ic_factorizations": (4.1, 3.2, 0.0),
    "ic_solves": (0.2, 0.06, 9.2),  # one application of an IC(0), bound by latency
    "levels_rs": (390.0, 0.0, 0.0),  # one level of a Ruge-Stueben hierarchy, set up
    "levels_sa": (1380.0, 0.0, 0.0),  # one level of smoothed aggregation, set up
}

# counted per unit: us per 1000 units
UNITS: dict[str, float] = {
    "factor_flops": 0.36,  # multiply-adds of a sparse factorization, from the column counts
    "factor_nonzeros": 9.8,  # nonzeros of the factors, written
    "dense_flops": 0.0285,  # flops of a dense factorization
    "triangular": 0.97,  # nonzeros passed in a sparse triangular solve
    "dense_triangular": 0.16,  # entries passed in a dense one
    "hierarchy": 100.0,  # nonzeros of a multigrid hierarchy, set up
    "cycles_rs": 5.6,  # nonzeros visited by a V-cycle of a Ruge-Stueben hierarchy, smoothing included
    "cycles_sa": 9.9,  # the same of smoothed aggregation
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
    >>> w["products"], 0.5 < w["ssor_steps"] < 3
    (1.0, True)
    """
    unit = 1e6 * product_seconds(rows, nonzeros)
    out = {
        name: (once + 1e-3 * (per_nonzero * nonzeros + per_row * rows)) / unit
        for name, (once, per_nonzero, per_row) in EVENTS.items()
    }
    out.update({name: 1e-3 * per / unit for name, per in UNITS.items()})
    return out
