"""Linear systems: the pairs of method and preconditioner that fit, each with its learners."""

from importlib.util import find_spec

from ..learners.recycle import Lifetime
from ..learners.select import Arm
from ..learners.tune.climb import Climb
from ..methods import CG, SSOR, Direct, Jacobi
from ..operators import AMG, IC

__all__ = ["arms"]


def arms(kind: str) -> list[Arm]:
    """The pairs for ``how/shape/size/dtype``, the first one to begin with."""
    how, shape, size, dtype = kind.split("/")
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
        for name in ("sa",) if dtype.startswith("complex") else ("rs", "sa"):  # PyAMG's Ruge-Stueben is for real ones
            lifetime = [Lifetime("preconditioner", memory=1)]
            found.append(Arm(f"cg+amg {name}", CG(AMG(name)), lifetime, carries=True, least_steps=5.0))
    return found
