"""The cost table: what each counted unit of work is worth in products with a matrix of given size.

One shipped table, so that choices are the same bits on every machine; ``resolvent calibrate`` fits it anew and prints
it. An entry ``name: (per event, per unit)`` is in microseconds for one event and for a thousand units of what the
comment says; the times are those of a process that does other things between solves (warm ones and a quarter). Bytes
alone misjudge a factorization a hundredfold, so flops and events have entries of their own. All were fitted on one core of
an AMD EPYC (a virtual machine with two), on grids of 1e2 to 2.6e5 rows, each against the product with the same matrix.
"""

from collections.abc import Mapping

__all__ = ["TABLE", "product_seconds", "weights"]

# microseconds per event, microseconds per thousand nonzeros, microseconds per thousand rows: one product y = A x
PRODUCT: tuple[float, float, float] = (1.25, 0.595, 0.0)

# counted per event: (us per event, us per 1000 nonzeros, us per 1000 rows)
EVENTS: dict[str, tuple[float, float, float]] = {
    "products": PRODUCT,
    "sweeps": (0.25, 0.425, 6.375),  # one stationary iteration, residual included
    "cg_steps": (0.15, 0.6625, 0.275),  # one fused CG iteration, product included
    "minres_steps": (0.2, 0.51, 2.75),  # one fused MINRES iteration
    "bicgstab_steps": (0.2, 1.25, 2.95),  # one fused BiCGStab iteration, two products
    "projections": (1.7, 3.2, 12.8),  # projections onto n rows, drawn one by one
    "ssor_steps": (0.225, 0.525, 0.5),  # one CG iteration in Eisenstat's form
    "passes": (0.35, 0.0, 0.1875),  # one n-vector read or written in a vector operation
    "basis": (0.06, 0.0, 0.12),  # one n-vector of a block of them, in a matrix-vector or matrix-matrix product
    "checks": (17.5, 0.4375, 0.75),  # comparing the matrix with the one that was kept
    "gathers": (0.375, 1.625, 3.75),  # values brought into another order, scaled by the diagonal
    "diagonals": (5.25, 0.1875, 5),  # the diagonal found and inverted
    "symbolics": (11.25, 10.5, 33.75),  # levels, permutation, maps of a pattern
    "symmetry": (1.125, 0.75, 1.625),  # comparing A with its transpose
    "calls": (4, 0.0, 0.0),  # one pass of a Python method through the loop
    "orderings": (375, 343.8, 62.5),  # a fill-reducing ordering
    "factorizations": (40, 0.0, 250),  # what a factorization costs beside its flops and nonzeros
    "ic_factorizations": (5.125, 4, 0.0),
    "ic_solves": (1.4, 0.25, 1.65),  # one application of an IC(0)
    "ilu_factorizations": (4.5, 5.75, 0.0),
    "ilu_solves": (1.4, 0.25, 1.65),  # one application of an ILU(0)
    "levels_rs": (487.5, 0.0, 0.0),  # one level of a Ruge-Stueben hierarchy, set up
    "levels_sa": (1725, 0.0, 0.0),  # one level of smoothed aggregation, set up
}

# counted per unit: us per 1000 units
UNITS: dict[str, float] = {
    "factor_flops": 0.45,  # multiply-adds of a sparse factorization, from the column counts
    "factor_nonzeros": 12.25,  # nonzeros of the factors, written
    "ilut_nonzeros": 87,  # nonzeros of a factorization with dropping
    "block_flops": 14,  # rows times the square of the block's size, inverted
    "block_entries": 3.35,  # entries of diagonal blocks, applied
    "dense_flops": 0.03563,  # flops of a dense factorization
    "triangular": 1.212,  # nonzeros passed in a sparse triangular solve
    "dense_triangular": 0.2,  # entries passed in a dense one
    "hierarchy": 125,  # nonzeros of a multigrid hierarchy, set up
    "cycles_rs": 7,  # nonzeros visited by a V-cycle of a Ruge-Stueben hierarchy, smoothing included
    "cycles_sa": 12.38,  # the same of smoothed aggregation
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
