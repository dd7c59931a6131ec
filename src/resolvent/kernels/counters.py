"""Places in the arrays of counters and of numbers that the kernels of coordinate descent share."""

__all__: list[str] = []

NW, NKEEP, NEED, SINCE, STORED, ORDER, STUCK, NEWTONS, JUMPS, CHECKS, SINGULAR, INNER, NNEAR, KNOWN, WIDE, NACT = range(
    16
)
GAP, SPENT, ENTRIES, FLOPS, F, FIRST, TARGET, BEFORE = range(8)
