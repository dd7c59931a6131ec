"""From logistic regression to the perceptron: how many steps until two classes are separated, counted here and now.

The adversarial set has n - 1 copies of (1, 0) and one point (-0.5, 0.3): the one is outvoted until the direction has turned.
Plain gradient descent with a huge step is the batch perceptron and needs steps in proportion to n; the normalised one does
not. Also: benign data, where plain descent with a huge step is as good or better, and data that no plane separates.

Reference: A. Tyurin, From logistic regression to the perceptron algorithm (2024). The counts there are rates (n R^2 / mu^2
against R^2 / mu^2), so the paper's column is the ratio that they foretell when n grows tenfold: 10 and 1.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Session
from ..methods.separation import NormalizedLogistic
from ..problems import Separation

__all__ = ["adversarial", "benign", "run", "steps"]

SIZES = (100, 1000, 10_000)


def adversarial(n: int) -> Separation:
    """n - 1 points that agree and one that does not."""
    X = np.tile([1.0, 0.0], (n, 1))
    X[-1] = [-0.5, 0.3]
    return Separation(X * _signs(n)[:, None], _signs(n))


def _signs(n: int) -> Any:
    """Labels of both kinds; a point and its mirror image with the other label are the same to every method here."""
    return np.where(np.arange(n) % 2 == 0, 1.0, -1.0)


def benign(n: int, seed: int) -> Separation:
    """Normal points in the plane, stretched, on either side of a slanted line, none within 0.1 of it."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((4 * n, 2)) * [4.0, 1.0]
    m = X @ [0.3, -0.954]
    X, m = X[np.abs(m) > 0.1][:n], m[np.abs(m) > 0.1][:n]
    return Separation(X, np.sign(m))


def steps(problem: Separation, method: NormalizedLogistic, limit: int) -> int | None:
    """Steps until separated, or None; the count is the Session's, the answer is counted again."""
    result = Session(method, max_steps=limit, on_fail="ignore").solve(problem)
    return int(result.steps) if result.ok else None


def run(quick: bool = False, seed: int = 0, out: Callable[[str], Any] = print) -> dict[str, Any]:
    """Count and print.

    Parameters
    ----------
    quick : bool
        Only the two smaller sizes, and a smaller limit.
    seed : int
    out : callable

    Returns
    -------
    dict
        Lists of counts by row.
    """
    sizes = SIZES[:2] if quick else SIZES
    limit = 2000 if quick else 20_000
    rows = {
        "plain, gamma = 1": NormalizedLogistic(1.0, False),
        "plain, gamma = 1e6": NormalizedLogistic(1e6, False),
        "normalised, gamma = 1": NormalizedLogistic(1.0),
        "normalised, gamma = 1e2": NormalizedLogistic(1e2),
        "normalised, gamma = 1e6": NormalizedLogistic(1e6),
    }
    found: dict[str, Any] = {}
    for title, build in (("adversarial", adversarial), ("benign", lambda n: benign(n, seed))):
        out(f"{title} set, steps until separated, n = {', '.join(map(str, sizes))}")
        for name, method in rows.items():
            counts = [steps(build(n), method, limit) for n in sizes]
            found[f"{title}: {name}"] = counts
            said = ", ".join("not separated" if c is None else str(c) for c in counts)
            ends = [c for c in counts if c is not None]
            growth = f"{(ends[-1] / ends[0]) ** (1 / (len(ends) - 1)):.2f}" if len(ends) == len(sizes) else "-"
            paper = "" if title == "benign" or "1e" not in name else f"   (foretold: {10 if 'plain' in name else 1})"
            out(f"  {name:26s} {said:36s} growth per tenfold n {growth}{paper}")
    X = np.array([[1.0, 0.0], [2.0, 0.0], [1.5, 0.0]])
    hopeless = Separation(X, np.array([1.0, 1.0, -1.0]))
    result = Session(NormalizedLogistic(), max_steps=500, on_fail="ignore").solve(hopeless)
    found["not separable"] = result.reason
    out(f"data that no plane separates: {result.reason}")
    return found
