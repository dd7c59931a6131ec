"""A photograph under noise, smoothed by implicit nonlinear diffusion: each step one system of its number of pixels."""

import time
from typing import Any

import numpy as np

from .beam import picture

__all__ = ["play"]


def play(console: Any, quick: bool = False) -> dict[str, Any]:
    """Smooth the picture that scikit-learn brings; without scikit-learn the scene says so.

    Returns
    -------
    dict
        ``missing`` (a sentence, or nothing), ``before``, ``after`` (pictures), ``n``, ``steps``, ``seconds``, ``good``.
    """
    from .. import Session
    from ..gallery import sequence

    try:
        steps = sequence("photograph", count=4, size=160 if quick else None, noisy=True, kappa=0.04, tau=0.5)
    except ValueError as error:
        console.print(str(error))
        return {"missing": str(error), "good": True}
    session = Session(rtol=1e-6, on_fail="ignore")
    ok, seconds = True, 0.0
    with console.status("smoothing ..."):
        for i, problem in enumerate(steps):
            begin = time.perf_counter()
            result = session.solve(problem)
            seconds += time.perf_counter() - begin
            ok = ok and result.ok
            steps.feed(i, result.x)
    error = [float(np.sqrt(np.mean((p - steps.clean) ** 2))) for p in (steps.before, steps.after)]
    console.print(
        f"{steps.clean.shape[1]} x {steps.clean.shape[0]} pixels, {len(steps)} steps in {seconds:.1f} s; "
        f"distance to the picture without noise {error[0]:.3f} -> {error[1]:.3f}"
    )
    return {
        "missing": "",
        "before": picture(steps.before, kind="jpeg"),
        "after": picture(steps.after, kind="jpeg"),
        "n": steps.unknowns,
        "steps": len(steps),
        "seconds": seconds,
        "error": error,
        "good": ok,
    }
