"""What ``auto`` chooses among: the pairs of method and preconditioner that fit a problem, each with its learners.

This is the place where methods and learners meet; neither knows the other.
"""

from importlib.util import find_spec
from typing import Any

from .core.registry import HOOKS
from .learners.guess import Guess
from .learners.recycle import Lifetime
from .learners.select import Arm, Select
from .learners.tune.climb import Climb
from .methods import CG, SSOR, Direct, Jacobi
from .operators import AMG, IC

__all__ = ["arms", "learner"]


def learner(seed: int | None = None) -> Select:
    """The learner behind ``method="auto"``; it draws nothing, so the seed is not used."""
    return Select(arms, Guess())


def arms(problem: Any) -> list[Arm]:
    """The pairs that fit a problem (or the kind that ``problem.kind_of_arms()`` names), the first one to begin with."""
    kind = problem if isinstance(problem, str) else problem.kind_of_arms()
    how, shape, size, _ = kind.split("/")
    n = int(size)
    if how == "operator":
        return [Arm("cg", CG())]
    direct = Arm("direct", Direct(), [Lifetime("factor", memory=1, same=True)], guessing=False, sure=True)
    if shape != "spd":
        return [direct]
    start = 1.5 if n < 3000 else 1.7
    found = [
        Arm("cg+ssor", CG(SSOR(start)), [Climb("preconditioner.omega", start=start)], least_steps=4.0),
        Arm("cg+jacobi", CG(Jacobi()), least_steps=8.0, relative=1.6),
        direct,
        Arm("cg+kept factor", CG(Direct()), [Lifetime("preconditioner", memory=2)], carries=True),
        Arm("cg+ic", CG(IC()), [Lifetime("preconditioner", memory=1)], carries=True, least_steps=6.0, relative=0.9),
    ]
    if find_spec("pyamg") is not None and n >= 1000:
        for name in ("rs", "sa"):
            lifetime = [Lifetime("preconditioner", memory=1)]
            found.append(Arm(f"cg+amg {name}", CG(AMG(name)), lifetime, carries=True, least_steps=5.0))
    return found


HOOKS["auto"] = learner
