"""The examination: structure, spectrum, trials, and what follows from them."""

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import Status
from ..methods import Direct
from ..problems import LinearSystem
from .spectrum import spectrum
from .structure import matrix_of, structure
from .trials import Trial, candidates, pace, recommended, run_trial, run_trials, tried_longer

__all__ = ["Diagnosis", "examine"]

_FACTOR_SHARE = 0.3  # of the time
_TRIALS_SHARE = 0.4  # of the time, at least
_AGAIN_SHARE = 0.2


@dataclass
class Diagnosis:
    """What was found.

    Attributes
    ----------
    structure : dict
        Found by looking at all entries.
    spectrum : dict
        Estimated, with ``ritz`` and ``probes`` for a picture; empty when A holds NaN or inf.
    trials : list of Trial
    best, best_many : Trial or None
        The cheapest for one right-hand side, and for more of them with the same matrix.
    made_up : bool
        The right-hand side is A times a random vector, because none was given.
    rtol, seconds : float
    """

    structure: dict[str, Any]
    spectrum: dict[str, Any] = field(default_factory=dict)
    trials: list[Trial] = field(default_factory=list)
    best: Trial | None = None
    best_many: Trial | None = None
    made_up: bool = False
    rtol: float = 1e-8
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        """Something that was tried solved it."""
        return self.best is not None and self.best.outcome == "solved"

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        known = {k: v for k, v in self.spectrum.items() if k not in ("ritz", "probes")}
        return {
            "structure": self.structure,
            "spectrum": known,
            "tried": [trial.facts() for trial in self.trials],
            "recommended": None if self.best is None else self.best.name,
            "recommended_for_many": None if self.best_many is None else self.best_many.name,
            "expected_products": None if self.best is None else self.best.expected,
            "rhs": "A times a random vector" if self.made_up else "as given",
            "rtol": self.rtol,
            "seconds": self.seconds,
        }


def examine(problem: LinearSystem, *, rtol: float | None = None, seconds: float = 5.0, seed: int = 0) -> Diagnosis:
    """Examine a linear system.

    Parameters
    ----------
    problem : LinearSystem
        With stored entries. A right-hand side of ones counts as none: then A times a random vector is solved for.
    rtol : float, optional
        Of the trials: 1e-8, and 1e-3 in single precision, where 1e-8 is out of reach.
    seconds : float
        For all of it, about: a set-up that has begun is brought to its end.
    seed : int
        Of random vectors.

    Returns
    -------
    Diagnosis

    Raises
    ------
    ValueError
        An operator, whose entries cannot be looked at; options out of range.

    Examples
    --------
    >>> import numpy as np, scipy.sparse as sp, resolvent as rv
    >>> from resolvent.doctor import examine
    >>> A = sp.diags_array([-np.ones(49), 2.5 * np.ones(50), -np.ones(49)], offsets=[-1, 0, 1]).tocsr()
    >>> found = examine(rv.LinearSystem(A, np.ones(50)))
    >>> found.spectrum["definite"], found.structure["symmetry"], round(found.spectrum["condition"], 1), found.good
    ('positive definite', 'symmetric', 8.9, True)
    """
    if not problem.stored:
        raise ValueError("an operator was given; the doctor looks at entries, so a matrix is expected")
    if rtol is None:
        rtol = 1e-3 if np.finfo(problem.dtype).eps > 1e-10 else 1e-8
    if not 0.0 < rtol < 1.0 or not seconds > 0.0:
        raise ValueError(f"rtol={rtol} and seconds={seconds} were given; 0 < rtol < 1 and seconds > 0 are expected")
    if seed < 0:
        raise ValueError(f"the seed {seed} was given; a whole number, 0 or more, is expected")
    begin = time.perf_counter()
    A = matrix_of(problem)
    found = Diagnosis(structure(problem, A), rtol=rtol)
    if problem.unfit() is not None:
        found.structure["hints"] = [str(problem.unfit())]
        found.seconds = time.perf_counter() - begin
        return found
    hermitian = found.structure["symmetry"] in ("symmetric", "Hermitian")
    found.made_up = bool(problem.b.ndim == 1 and np.all(problem.b == 1.0))
    if found.made_up:
        x = np.random.default_rng(seed).standard_normal(problem.n).astype(problem.dtype)
        problem = LinearSystem(problem.A, A @ x, symmetric=hermitian)
    elif problem.b.ndim == 2:
        problem = LinearSystem(problem.A, np.ascontiguousarray(problem.b[:, 0]), symmetric=hermitian)
    slower = pace(problem)
    factor, direct, why = _factor(problem, rtol, seconds, slower)
    found.spectrum = spectrum(problem, hermitian, factor, seed)
    found.spectrum["factor"] = why

    def tried() -> list[Trial]:
        chosen = candidates(found.structure, found.spectrum)
        chosen = [pair for pair in chosen if pair[0] != "direct" or direct is None]
        left = max(seconds - (time.perf_counter() - begin), _TRIALS_SHARE * seconds)
        return run_trials(problem, chosen, rtol, left, slower) + ([] if direct is None else [direct])

    found.trials = tried()
    if any(t.name == "cg" and t.status == Status.INDEFINITE for t in found.trials):
        found.spectrum |= {"definite": "indefinite", "definite_known": "proved by a direction of CG with p'Ap <= 0"}
        direct = direct or next((t for t in found.trials if t.name == "direct"), None)
        found.trials = tried()
    left = max(seconds - (time.perf_counter() - begin), _AGAIN_SHARE * seconds)
    found.trials = tried_longer(problem, found.trials, rtol, left, slower)
    found.best, found.best_many = recommended(found.trials)
    found.seconds = time.perf_counter() - begin
    return found


def _factor(problem: Any, rtol: float, seconds: float, slower: float) -> tuple[Any, Trial | None, str]:
    """A factor of A where it is cheap, the trial with the direct solver that it came from, and a word about it."""
    cost = Direct().estimate(problem).setup * problem.product_seconds * slower
    if cost > _FACTOR_SHARE * seconds:
        return None, None, f"not made: estimated at {cost:.1f} s"
    trial, carry = run_trial(problem, "direct", Direct(), rtol, seconds, slower)
    if carry.get("factor") is None:
        return None, trial, f"not made: {trial.note}"
    return carry["factor"], trial, "made"
