"""Whether x = T(x) has a solution at all: three estimates of the infimal displacement vector v of T, side by side.

    Picard      (x_0 - x_k) / k                 error O(1/k) in norm
    Halpern     2 (x_0 - y_k) / (k + 1)         error O(1/k)
    residual    y_k - T(y_k)  of Halpern's      error O(1/k), up to a logarithm

v is the shortest vector of the closure of the range of I - T; v not zero means that there is no fixed point. Step: two
evaluations, one for each sequence, and about 12 vector passes. Memory: two iterates with their images, and x_0. Leaves
``residual`` (the smaller of the two), and at powers of two ``displacement`` (the shortest of the estimates) and
``displacement_gap`` (the largest distance between two). Where the estimates agree to a tenth, the problem's certificate
is asked for each, and for Picard's own residual, which is exact where the iteration has settled; only its consent ends
the solve INFEASIBLE. Without it, estimates that go on agreeing better end it DIVERGED. Slot ``displacement``: the one
that was a proof, asked for first on the next problem. Never for speed: Anderson finds fixed points faster. Weakly
infeasible problems (v = 0 and no fixed point) look like slow convergence.

Reference: Park and Ryu, Accelerated infeasibility detection of constrained optimization and fixed-point iterations,
ICML 2023 (arXiv 2303.15876), theorems 3.1 to 4.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...core import Cost, State
from ...problems import vectors
from .halpern import Halpern
from .picard import Picard

__all__ = ["Displacement"]

_AGREE = 0.1


class DisplacementState(State):
    """The two sequences, where they began, and the next look."""

    picard: Any
    halpern: Any
    first: Any
    next: int
    estimates: dict[str, Any]
    proof: Any


@dataclass(frozen=True)
class Displacement:
    """Detects that a nonexpansive map has no fixed point, or finds one.

    References
    ----------
    J. Park and E. K. Ryu, ICML 2023 (arXiv 2303.15876).

    Examples
    --------
    >>> import numpy as np, resolvent as rv
    >>> problem = rv.FixedPoint(lambda x: x - 0.5, certificate=lambda v: abs(v[0] - 0.5) < 0.05)
    >>> result = rv.solve(problem, "displacement", x0=np.zeros(1), on_fail="ignore")
    >>> result.status.name, round(result.seen["displacement"], 3)
    ('INFEASIBLE', 0.471)
    """

    needs = frozenset({"map"})
    sees = frozenset({"residual", "displacement", "displacement_gap"})

    def init(self, problem: Any, x0: Any, carry: Mapping[str, Any]) -> DisplacementState:
        """One evaluation serves both sequences."""
        state = DisplacementState()
        state.picard = Picard().init(problem, x0, carry)
        shared = {"residual": state.picard.r}
        state.halpern = Halpern().init(problem, state.picard.x, shared)
        state.first, state.next, state.estimates = state.picard.x, 8, {}
        state.seen["residual"] = state.picard.seen["residual"]
        state.proof = carry.get("displacement")
        if type(state.proof) is type(state.first) and problem.proves(
            state.proof
        ):  # the last problem's v serves this one
            state.halpern.drift.end(problem, state, state.proof, vectors.length(state.proof))
        else:
            state.proof = None
        return state

    def step(self, problem: Any, state: DisplacementState) -> None:
        """One step of each sequence; a look at powers of two."""
        Picard().step(problem, state.picard)
        Halpern().step(problem, state.halpern)
        state.k += 1
        state.seen["residual"] = min(state.picard.seen["residual"], state.halpern.seen["residual"])
        if state.k >= state.next and state.seen["residual"] > (state.goal or 0.0):
            state.next *= 2
            self._look(problem, state)
        if state.halpern.status and not state.status:
            state.status, state.reason = state.halpern.status, state.halpern.reason

    def _look(self, problem: Any, state: DisplacementState) -> None:
        """The three estimates; where they agree, the certificate."""
        k = state.k
        found = {
            "picard": (state.first - state.picard.x) / k,
            "halpern": (2.0 / (k + 1.0)) * (state.first - state.halpern.x),
            "residual": state.halpern.r,
        }
        sizes = {name: vectors.length(v) for name, v in found.items()}
        names = list(found)
        gap = max(vectors.length(found[a] - found[b]) for i, a in enumerate(names) for b in names[i + 1 :])
        problem.work.add("passes", 16)
        least = min(sizes.values())
        state.estimates = found
        state.seen.update({"displacement": least, "displacement_gap": gap})
        state.seen.update({f"displacement_{name}": size for name, size in sizes.items()})
        if least > 0.0 and gap <= _AGREE * least:
            for v in (*found.values(), state.picard.r):
                if problem.proves(v):
                    state.halpern.drift.end(problem, state, v, vectors.length(v))
                    state.proof = v
                    return

    def solution(self, problem: Any, state: DisplacementState) -> Any:
        """The iterate of the smaller residual."""
        nearer = state.picard.seen["residual"] <= state.halpern.seen["residual"]
        return state.picard.x if nearer else state.halpern.x

    def harvest(self, problem: Any, state: DisplacementState) -> dict[str, Any]:
        """The displacement that was a proof: the next problem's certificate is asked for it first."""
        return {} if state.proof is None else {"displacement": state.proof}

    def estimate(self, problem: Any) -> Cost:
        """Two evaluations a step."""
        return Cost(0.0, 0.0, 2.0 + 16 * problem.weight("passes"))
