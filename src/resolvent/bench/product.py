"""y = A x of the 5-point Laplacian at size, beside a triad that moves as many bytes, in turn, on one thread and on two.

least bytes = 12 nnz + 4 (n + 1) + 16 n,    part = (least bytes / time) / (24 entries / time of the triad)
"""

import statistics
import time

import numpy as np

from .threads import one_thread

__all__ = ["measured"]


def measured(m: int = 1000, rounds: int = 41) -> dict[str, float]:
    """Medians over rounds in which each is timed once.

    Returns
    -------
    dict
        ``fraction`` of the triad's bandwidth (median of the rounds' own ratios), ``bandwidth`` in GB/s, ``triad_ms``,
        ``ours_ms``, ``rows_ms`` (without the plan of runs), ``scipy_ms``, ``two_ms``, ``different`` (entries whose bits
        differ on two threads), ``n``.
    """
    from .. import kernels
    from .probes import _grid
    from .triad import triad

    A = _grid(m, 2, False)
    ip, ix, n = A.indptr.view(np.uint32), A.indices.view(np.uint32), A.shape[0]
    least = 12 * A.nnz + 4 * (n + 1) + 16 * n
    a, b, c = np.zeros(least // 24), np.ones(least // 24), np.ones(least // 24)
    x = np.random.default_rng(0).standard_normal(n)
    y, z = np.empty(n), np.empty(n)
    plan = kernels.csr.runs(ip, ix, 8)
    calls = {
        "triad": lambda: triad(a, b, c, 3.0),
        "ours": lambda: kernels.csr.spmv_runs(plan, ip, ix, A.data, x, y),
        "rows": lambda: kernels.csr.spmv(ip, ix, A.data, x, z),
        "scipy": lambda: A @ x,
        "two": lambda: kernels.csr.spmv_threads(plan, ip, ix, A.data, x, z, 2),
    }
    took: dict[str, list[float]] = {name: [] for name in calls}
    with one_thread():
        for turn in range(rounds + 1):
            for name, call in calls.items():
                start = time.perf_counter()
                call()
                if turn:
                    took[name].append(time.perf_counter() - start)
    ratios = [t / own for t, own in zip(took["triad"], took["ours"], strict=True)]
    median = {name: statistics.median(v) for name, v in took.items()}
    return {
        "fraction": statistics.median(ratios) * least / (24 * len(a)),
        "bandwidth": 24e-9 * len(a) / median["triad"],
        "different": float(np.count_nonzero(y != z)),
        "n": float(n),
        **{f"{name}_ms": 1e3 * v for name, v in median.items()},
    }
